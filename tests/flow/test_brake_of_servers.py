"""A server that turns out to be another one, empty, or put back to an older state: nothing is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest

from engine import brake_moves, braking, work
from engine.brake_moves import NotWaiting, Onward
from engine.overview import overview
from errors.models import ErrorRecord
from syncstatus.models import AtBrake, Brake, Flow, Link, Position
from syncstatus.state import State
from tenants.audit import COMMAND
from tenants.models import AuditEntry, Connection
from tests.flow.world import World

OTHER_SERVER = "engine.other-server"
Trouble = Callable[[World], None]


@pytest.fixture
def at_work(world: World) -> World:
    """Records have travelled both ways, and a backup of either server was made before the last of them."""
    for number in range(1, 4):
        world.subject(str(1000 + number))
        world.patient(str(2000 + number))
        world.subject(str(2000 + number))
    world.sync()
    return world


def wrong_organisation(world: World) -> None:
    """Somebody enters the account of another organisation into the connection."""
    world.avni.add_subject_type("Individual", organisation="elsewhere")
    world.avni.add_encounter_type("Bahmni Patient Registration", organisation="elsewhere")
    world.avni.add_user("integration@elsewhere", "secret", organisation="elsewhere", may_generate_token=True)
    row = Connection.objects.get(side="avni")
    row.username = "integration@elsewhere"
    row.save()


def emptied(world: World) -> None:
    """Bahmni is installed anew under the same address."""
    world.bahmni.set_up_anew()


def restored_bahmni(world: World) -> None:
    """Bahmni is put back to a backup that lacks the last records."""
    backup = world.bahmni.dump()
    world.subject("3001")
    world.patient("3002")
    world.subject("3002")
    world.sync()
    world.bahmni.load(backup)


def restored_avni(world: World) -> None:
    """Avni is put back to a backup that lacks the last records."""
    backup = world.avni.dump()
    world.subject("3001")
    world.sync()
    world.avni.restore(backup)


TROUBLES = [wrong_organisation, emptied, restored_bahmni, restored_avni]


def trouble_comes(world: World, trouble: Trouble) -> None:
    """The servers change; then a person voids a subject and registers another, a clerk a patient."""
    trouble(world)
    work.forget()  # another process finds it
    world.reset_counts()
    world.subject("4001")
    world.patient("4002")


def unharmed(world: World) -> bool:
    """Whether no request but reads and sign-ins reached the servers."""
    return world.writes == 0


@pytest.mark.parametrize("trouble", TROUBLES)
def test_both_flows_stop_before_anything_is_written(at_work: World, trouble: Trouble) -> None:
    trouble_comes(at_work, trouble)
    looks = at_work.sync().looks
    assert unharmed(at_work)
    assert {look.stopped_by for look in looks} == {OTHER_SERVER}
    assert set(Flow.objects.values_list("at_brake", flat=True)) == {AtBrake.SERVER}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_link_position_or_error_is_touched_while_it_waits(at_work: World, trouble: Trouble) -> None:
    trouble_comes(at_work, trouble)
    before = rows()
    at_work.sync()
    assert rows() == before


def rows() -> list[object]:
    links = Link.objects.order_by("pk").values_list("source_id", "target_id", "outcome", "source_version")
    return [*links, *Position.objects.order_by("pk").values_list("value"), ErrorRecord.objects.count()]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (wrong_organisation, "the organisation was demo (number 1) and is elsewhere (number 2)"),
        (emptied, "the oldest entry of the patient feed is "),
        (restored_bahmni, "the record written last ("),
        (restored_avni, "the record read last ("),
    ],
)
def test_the_flow_says_in_a_sentence_what_differs(at_work: World, trouble: Trouble, said: str) -> None:
    trouble_comes(at_work, trouble)
    at_work.sync()
    (seen, other) = overview(Flow.objects.select_related("tenant"))
    assert (seen.state, other.state) == (State.BRAKE, State.BRAKE)
    assert said in seen.trouble
    assert "not the server it was" in seen.trouble


def test_what_is_told_holds_no_secret_and_no_patient(at_work: World) -> None:
    trouble_comes(at_work, restored_avni)
    at_work.sync()
    told = json.dumps(list(Brake.objects.values("differences", "facts", "reason")))
    assert not any(word in told for word in ("secret", "3001", "Asha", "Devi"))


def test_the_right_connection_lets_the_flows_go_on_by_themselves(at_work: World) -> None:
    trouble_comes(at_work, wrong_organisation)
    at_work.sync()
    row = Connection.objects.get(side="avni")
    row.username = "integration@demo"
    row.save()
    at_work.sync()
    assert set(Flow.objects.values_list("at_brake", flat=True)) == {""}
    assert handed_over(at_work, "4001")


def handed_over(world: World, number: str) -> bool:
    """Whether Bahmni has a patient of this number."""
    return any(row.identifier == f"TRI{number}" for row in world.bahmni.identifiers.values())


@pytest.mark.parametrize("onward", Onward.values)
@pytest.mark.parametrize("trouble", [emptied, restored_bahmni, restored_avni])
def test_an_accepted_server_gets_what_comes_from_then_on(at_work: World, trouble: Trouble, onward: str) -> None:
    trouble_comes(at_work, trouble)
    at_work.sync()
    accept(onward)
    at_work.sync()
    assert set(Flow.objects.values_list("at_brake", flat=True)) == {""}
    assert handed_over(at_work, "4001")
    assert Link.objects.get(stream__key="patient", identifier="TRI4002").outcome == "deferred"


def accept(onward: str = Onward.HERE) -> list[Flow]:
    return brake_moves.accept_server(
        Brake.objects.filter(ended_at=None)[0], onward=onward, reason="the hospital moved", actor=COMMAND
    )


@pytest.mark.parametrize("trouble", [emptied, restored_bahmni])
def test_reading_everything_again_brings_what_the_target_lost(at_work: World, trouble: Trouble) -> None:
    trouble_comes(at_work, trouble)
    at_work.sync()
    accept(Onward.AGAIN)
    at_work.sync()
    numbers = ["1001", "1002", "1003", *(["3001"] if trouble is restored_bahmni else [])]
    assert [number for number in numbers if not handed_over(at_work, number)] == []


def test_after_accepting_nothing_is_doubled_and_nothing_voided(at_work: World) -> None:
    trouble_comes(at_work, restored_bahmni)
    at_work.sync()
    accept(Onward.AGAIN)
    at_work.sync()
    per_number = Counter(row.identifier for row in at_work.bahmni.identifiers.values())
    assert set(per_number.values()) == {1}
    assert not any(row.audit.voided_by for row in at_work.bahmni.encounters.values())
    assert not any(row.voided for row in at_work.avni.encounters.values())


def test_accepting_acts_once(at_work: World) -> None:
    trouble_comes(at_work, emptied)
    at_work.sync()
    brake = Brake.objects.filter(ended_at=None)[0]
    accept()
    with pytest.raises(NotWaiting):
        brake_moves.accept_server(brake, onward=Onward.HERE, reason="again", actor=COMMAND)


def test_accepting_needs_a_reason_and_a_place_to_go_on(at_work: World) -> None:
    trouble_comes(at_work, emptied)
    at_work.sync()
    brake = Brake.objects.filter(ended_at=None)[0]
    for onward, reason in ((Onward.HERE, " "), ("", "the hospital moved")):
        with pytest.raises(ValueError, match="say "):
            brake_moves.accept_server(brake, onward=onward, reason=reason, actor=COMMAND)
    assert set(Flow.objects.values_list("at_brake", flat=True)) == {AtBrake.SERVER}


def test_accepting_is_on_record_with_before_and_after(at_work: World) -> None:
    before = Connection.objects.get(side="bahmni").identity["facts"]
    trouble_comes(at_work, emptied)
    at_work.sync()
    accept()
    entry = AuditEntry.objects.get(action="accept server")
    assert (entry.reason, entry.door) == ("the hospital moved", "command")
    assert entry.before
    assert entry.after
    assert entry.before["facts"] == before
    assert entry.after["facts"]["oldest-patient-entry"] != before["oldest-patient-entry"]


def test_a_worker_that_dies_before_it_said_so_leaves_it_to_the_next_to_stop(
    at_work: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble_comes(at_work, emptied)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(braking, "stop_for_server", die)
        with pytest.raises(KeyboardInterrupt):
            at_work.sync()
    work.forget()
    at_work.sync()
    assert (unharmed(at_work), Brake.objects.filter(ended_at=None).exists()) == (True, True)


def test_a_server_exchanged_in_the_middle_of_a_batch_is_noticed_before_the_next_write(at_work: World) -> None:
    """The new one does not know our session: signing in anew is what gives it away."""
    for number in range(30):
        at_work.subject(str(5000 + number))
    exchange = at_work.bahmni.set_up_anew
    at_work.bahmni_server.faults.before("POST", r"/openmrs/ws/rest/v1/encounter$", exchange, skip=7)
    at_work.sync("subject")
    assert Brake.objects.filter(ended_at=None).exists()
    assert (len(at_work.bahmni.patients), len(at_work.bahmni.encounters)) == (0, 0)


def test_another_account_of_the_same_server_is_no_other_server(at_work: World) -> None:
    at_work.bahmni.add_user("integration-2", "secret")
    row = Connection.objects.get(side="bahmni")
    row.username = "integration-2"
    row.save()
    at_work.subject("4001")
    at_work.sync()
    assert handed_over(at_work, "4001")


def test_a_release_that_does_not_tell_the_organisation_is_known_by_what_it_holds(at_work: World) -> None:
    at_work.avni.adjust(offers_user_info=False)
    trouble_comes(at_work, restored_avni)
    at_work.sync()
    assert Brake.objects.filter(ended_at=None, side="avni").exists()


def test_asking_who_a_server_is_costs_a_handful_of_reads_in_ten_minutes(at_work: World) -> None:
    work.forget()
    at_work.sync()
    at_work.reset_counts()
    work.forget()
    at_work.sync("subject")
    asked = Counter({**at_work.avni_server.counts})
    assert asked[("GET", "/userInfo")] == 1
    at_work.reset_counts()
    at_work.sync("subject")
    assert sum(at_work.avni_server.counts.values()) == 1


def test_a_feed_that_lost_our_place_leads_to_the_same_way_out(at_work: World) -> None:
    at_work.patient("6001")
    at_work.sync()
    for entry in at_work.bahmni.feeds.of("patient")[-2:]:
        at_work.bahmni.feeds.delete(entry.uuid)
    at_work.sync("patient")
    (row,) = Brake.objects.filter(ended_at=None, flow__key="bahmni-to-avni")
    assert "patient feed" in row.differences[0]["label"]
    accept()
    at_work.patient("6002")
    at_work.sync()
    assert Link.objects.filter(stream__key="patient", identifier="TRI6002").exists()
