"""An administrator's rules at work between two servers: what fails is typed, tried again as they say, or left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from common import clock
from engine import error_types
from errors.models import ErrorRecord, ErrorState, ErrorType
from mappings.models import Mapping
from syncstatus.models import Run
from tenants.audit import COMMAND
from tests.flow.world import World

NO_PARTNER = {"comparison": "matches", "comparison_value": '.* to the question "Marital status" has no partner .*'}


def rule(world: World, name: str, **fields: Any) -> ErrorType:
    kind = ErrorType(tenant=world.tenant, name=name, **fields)
    error_types.add(kind, actor=COMMAND, place=1)
    return kind


def widow(world: World, number: str = "1001") -> ErrorRecord:
    """A subject that cannot be handed over: its answer is mapped to nothing."""
    Mapping.objects.filter(avni_value="Widowed").delete()
    subject = world.subject(number, observations={"Marital status": "Widowed"})
    world.sync("subject")
    return ErrorRecord.objects.get(entity_id=subject)


def test_a_record_that_a_rule_fits_has_that_type_and_is_tried_when_its_policy_says(world: World) -> None:
    kind = rule(world, "Unmapped", **NO_PARTNER, first_wait_minutes=90, longest_wait_minutes=90, follow_up="internal")
    with clock.frozen(clock.now()) as time:
        record = widow(world)
        assert (record.type, record.state) == (kind, ErrorState.RETRYING)
        assert record.next_attempt_at
        assert timedelta(minutes=72) <= record.next_attempt_at - clock.now() <= timedelta(minutes=108)
        time.advance(timedelta(minutes=71).total_seconds())
        world.sync("subject")
        record.refresh_from_db()
        assert record.attempts == 1
        time.advance(timedelta(minutes=38).total_seconds())
        world.sync("subject")
        record.refresh_from_db()
        assert record.attempts == 2


def test_types_that_errors_name_themselves_are_told_without_any_rule(world: World) -> None:
    world.subject(None)
    world.sync("subject")
    assert ErrorRecord.objects.get().type == ErrorType.objects.get(name="SubjectIdNull")


def test_a_rule_may_take_what_names_another_type_itself(world: World) -> None:
    kind = rule(world, "Incomplete", comparison="contains", comparison_value="is empty")
    world.subject(None)
    world.sync("subject")
    assert ErrorRecord.objects.get().type == kind


def test_a_terminal_record_causes_no_request_until_it_changes_and_then_gets_through(world: World) -> None:
    rule(world, "Unmapped", **NO_PARTNER, follow_up="terminal")
    with clock.frozen(clock.now()) as time:
        record = widow(world)
        assert record.state == ErrorState.CLOSED
        time.advance(timedelta(days=30).total_seconds())
        runs = Run.objects.count()
        world.sync("subject")
        assert Run.objects.count() == runs
        world.avni.edit_subject(record.entity_id, observations={"Marital status": "Married"}, at=world.moment())
        world.sync("subject")
    record.refresh_from_db()
    assert (record.state, world.link("subject", record.entity_id).outcome) == (ErrorState.RESOLVED, "created")


def test_a_record_whose_attempts_are_used_up_waits_for_a_person(world: World) -> None:
    rule(world, "Unmapped", **NO_PARTNER, most_attempts=2)
    with clock.frozen(clock.now()) as time:
        record = widow(world)
        time.advance(timedelta(minutes=2).total_seconds())
        world.sync("subject")
    record.refresh_from_db()
    assert (record.state, record.is_used_up, record.next_attempt_at) == (ErrorState.HELD, True, None)


def test_a_patient_that_waits_for_its_subject_is_released_by_it_whatever_its_type(world: World) -> None:
    ErrorType.objects.filter(name="NoSubjectWithId").update(follow_up="terminal")
    patient = world.patient("1001")
    world.sync("patient")
    record = ErrorRecord.objects.get(entity_id=patient)
    assert (record.state, record.type.name) == (ErrorState.DEFERRED, "NoSubjectWithId")  # type: ignore[union-attr]
    world.subject("1001")
    world.sync("subject")
    record.refresh_from_db()
    assert record.state == ErrorState.RESOLVED


def test_a_rule_made_afterwards_takes_the_records_there_are(world: World) -> None:
    record = widow(world)
    assert record.type is None
    kind = rule(world, "Unmapped", **NO_PARTNER, follow_up="terminal")
    record.refresh_from_db()
    assert (record.type, record.state) == (kind, ErrorState.CLOSED)
