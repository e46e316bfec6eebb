"""Unusually much to void or to overwrite: the flow waits before the excess is written, and goes on at a word."""

from __future__ import annotations

import pytest

from engine import brake_moves
from engine.overview import overview
from syncstatus.models import AtBrake, Brake, Flow
from syncstatus.state import State
from tenants.audit import COMMAND
from tenants.scoping import all_tenants, tenant_scope
from tests.flow.world import World, small_world

VOIDED = 300


def registered(world: World, number: int) -> list[str]:
    """Subjects that stand in Bahmni."""
    rows = [world.subject(str(10_000 + n)) for n in range(number)]
    world.sync("subject")
    return rows


def voided_in_bahmni(world: World) -> int:
    return sum(row.audit.voided_by is not None for row in world.bahmni.encounters.values())


def let_go(world: World) -> tuple[int, int]:
    brake = Brake.objects.get(tenant=world.tenant, ended_at=None)
    return brake_moves.let_go_on(brake, reason="a village was registered twice", actor=COMMAND)


def test_a_mass_void_in_avni_stops_at_the_brake_and_goes_on_at_a_word(world: World) -> None:
    for subject in registered(world, VOIDED):
        world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    assert voided_in_bahmni(world) == 20
    assert let_go(world) == (VOIDED - 20, 0)
    world.sync("subject")
    assert voided_in_bahmni(world) == VOIDED


def test_while_it_waits_the_flow_says_so_with_the_numbers_and_the_other_direction_goes_on(world: World) -> None:
    for subject in registered(world, 30):
        world.avni.void_subject(subject, at=world.moment())
    world.sync()
    seen = {flow.flow.key: flow for flow in overview(Flow.objects.select_related("tenant"))}
    assert seen["avni-to-bahmni"].state is State.BRAKE
    assert "10 voids wait, after 20 that passed" in seen["avni-to-bahmni"].trouble
    assert seen["bahmni-to-avni"].state is not State.BRAKE


def test_voids_undone_in_avni_before_the_word_are_not_written(world: World) -> None:
    subjects = registered(world, 30)
    for subject in subjects:
        world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    for subject in subjects:
        world.avni.edit_subject(subject, voided=False, at=world.moment())
    let_go(world)
    world.sync("subject")
    assert (voided_in_bahmni(world), Flow.objects.get(key="avni-to-bahmni").at_brake) == (0, "")


@pytest.mark.parametrize("number", [20, 21])
def test_the_boundary_over_real_servers(world: World, number: int) -> None:
    for subject in registered(world, 25)[:number]:
        world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    waits = AtBrake.MANY if number > 20 else ""
    assert (voided_in_bahmni(world), Flow.objects.get(key="avni-to-bahmni").at_brake) == (20, waits)


def test_two_tenants_are_counted_and_let_go_apart(world: World) -> None:
    with small_world("bissau") as other:
        other.switch_on()
        for each in (other, world):
            with tenant_scope(each.tenant):
                for subject in registered(each, 25):
                    each.avni.void_subject(subject, at=each.moment())
                each.sync("subject")
        with tenant_scope(other.tenant):
            let_go(other)
            other.sync("subject")
            assert voided_in_bahmni(other) == 25
    with all_tenants():
        waiting = dict(Flow.objects.filter(key="avni-to-bahmni").values_list("tenant__name", "at_brake"))
    assert (waiting, voided_in_bahmni(world)) == ({"ashwini": AtBrake.MANY, "bissau": ""}, 20)
