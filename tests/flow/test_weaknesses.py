"""Weaknesses of the Java service that no other test shows: each here does what lost, stopped or spoilt something there.

The list of all of them, with their tests, is docs/compatibility.md.
"""

from __future__ import annotations

import json
from datetime import timedelta

from bahmni.avni_to_bahmni.reading import EVERY
from common import clock
from engine import moves
from errors.models import OPEN_STATES, ErrorRecord, ErrorState
from mappings.models import Mapping
from simulators.server import Request, Response
from syncstatus.models import Link, Position
from tenants.audit import SYSTEM
from tests.chaos.hooks import twist
from tests.chaos.truth import in_avni, in_bahmni, retry_all
from tests.flow.world import PREFIX, World


def open_errors() -> list[str]:
    """Messages of what is not through."""
    return list(ErrorRecord.objects.filter(state__in=OPEN_STATES).order_by("pk").values_list("message", flat=True))


def test_w3_a_row_that_became_visible_half_an_hour_late_is_found_by_looking_back(world: World) -> None:
    with clock.frozen(clock.now()) as time:
        early = world.subject("1001")
        world.sync("subject")
        late = world.subject("1002", at=world.born - timedelta(minutes=30))
        world.sync("subject")
        assert in_bahmni(world, "1002").patients == 0
        time.advance(EVERY.total_seconds())
        world.sync("subject")
        assert in_bahmni(world, "1002").markers == (late,)
        world.reset_counts()
        world.sync("subject")
    assert (in_bahmni(world, "1001").markers, world.avni_server.requests) == ((early,), 1)


def test_looking_back_brings_up_nothing_that_a_person_ignored_and_says_nothing_less_is_read(world: World) -> None:
    with clock.frozen(clock.now()) as time:
        world.subject("1001", observations={"Marital status": "Widowed"})
        world.subject("1002")
        Mapping.objects.get(avni_value="Widowed").delete()
        world.sync("subject")
        moves.ignore(ErrorRecord.objects.all(), reason="registered for training", actor=SYSTEM)
        before = Position.objects.get(stream__key="subject").read_upto
        time.advance(EVERY.total_seconds())
        world.sync("subject")
    ignored = ErrorRecord.objects.get()
    assert (ignored.state, ignored.ignored_reason, ignored.attempts) == (
        ErrorState.IGNORED, "registered for training", 2,
    )  # fmt: skip
    assert Position.objects.get(stream__key="subject").read_upto == before


def test_w12_a_record_that_breaks_the_reprocessing_keeps_none_behind_it(world: World) -> None:
    subjects = [world.subject(str(1001 + n), observations={"Marital status": "Widowed"}) for n in range(3)]
    Mapping.objects.get(avni_value="Widowed").delete()
    world.sync("subject")
    world.map("Observation", "Concept", "Widowed", world.concepts["Widowed"])

    def spoil(request: Request, response: Response) -> None:
        if request.path == f"/api/subject/{subjects[0]}":
            response.body = json.dumps({**response.body, "audit": ["spoilt"]})

    twist(world.avni_server, spoil)
    retry_all()
    world.sync("subject")
    assert open_errors() == ["record.field-kind"]
    assert [in_bahmni(world, str(1002 + n)).encounters for n in range(2)] == [1, 1]


def test_w13_a_duplicate_gets_through_by_itself_once_the_other_is_gone_however_often_it_failed(world: World) -> None:
    first, second = world.subject("1001"), world.subject("1001")
    with clock.frozen(clock.now()) as time:
        world.sync("subject")
        for _ in range(5):
            time.advance(6 * 3600)
            world.sync("subject")
        assert ErrorRecord.objects.get(entity_id=second).attempts == 6
        world.avni.void_subject(first, at=world.moment())
        world.sync("subject")
        time.advance(12 * 3600)
        world.sync("subject")
    assert (ErrorRecord.objects.get(entity_id=second).state, open_errors()) == (ErrorState.RESOLVED, [])
    assert in_bahmni(world, "1001").markers == (second,)


def test_w15_the_error_of_a_record_that_is_voided_is_closed(world: World) -> None:
    subject = world.subject("1001", observations={"Height": "tall"})
    world.sync("subject")
    assert open_errors() == ["bahmni.value-kind"]
    world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    assert open_errors() == []


def test_w16_a_refusal_to_show_a_record_is_not_taken_for_its_end(world: World) -> None:
    subject = world.subject("1001", observations={"Marital status": "Widowed"})
    Mapping.objects.get(avni_value="Widowed").delete()
    world.sync("subject")
    world.map("Observation", "Concept", "Widowed", world.concepts["Widowed"])
    world.avni.forbid("integration@demo", "Individual")
    retry_all()
    world.sync("subject")
    refused = ErrorRecord.objects.get(entity_id=subject)
    assert (refused.state, refused.message) == (ErrorState.RETRYING, "remote.forbidden")
    world.avni.allow("integration@demo", "Individual")
    retry_all()
    world.sync("subject")
    assert in_bahmni(world, "1001").markers == (subject,)


def test_w21_of_two_encounters_with_one_marker_the_record_follows_once_a_person_has_voided_one(world: World) -> None:
    world.household_visits()
    encounter = world.household_visit(world.subject("1001"))
    world.sync()
    there = world.bahmni.encounters[world.link("general-encounter", encounter).target_id]
    marker = {"concept": Mapping.objects.get(type__name="AvniUUID_Concept").int_system_value, "value": encounter}
    twin = world.bahmni.hospital_save_encounter(
        patient=there.patient, encounterType=there.type, visit=there.visit, obs=[marker]
    )
    Link.objects.filter(stream__key="general-encounter").delete()
    world.rewind()
    world.sync()
    assert open_errors() == ["bahmni.multiple-encounters"]
    world.bahmni.void_encounter(twin.uuid)
    moves.retry(ErrorRecord.objects.filter(entity_id=encounter), actor=SYSTEM)
    world.sync()
    assert (world.link("general-encounter", encounter).target_id, open_errors()) == (there.uuid, [])


def test_w37_a_number_may_hold_the_prefix_again_and_every_letter_an_address_gives_a_meaning(world: World) -> None:
    number = f"{PREFIX}7&b+c {PREFIX}%2F"
    subject = world.subject(number)
    world.sync()
    assert in_bahmni(world, number).markers == (subject,)
    assert in_avni(world, subject).rows == 1
    assert open_errors() == []
