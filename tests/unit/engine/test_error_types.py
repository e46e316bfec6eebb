"""Changing the rules of errors: their order, what is on record, and that the records follow in the same transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction

from common import clock
from engine import error_types, gaps, moves
from engine.error_types import Effect, NotARule
from errors import recording
from errors.models import ErrorRecord, ErrorState, ErrorType, FollowUp
from syncstatus.models import Lease, Stream
from tenants.audit import COMMAND
from tenants.models import AuditEntry, Tenant
from tenants.scoping import all_tenants
from tests.unit.engine.factories import NOON, error_of

RETRYING, DEFERRED, HELD, CLOSED = ErrorState.RETRYING, ErrorState.DEFERRED, ErrorState.HELD, ErrorState.CLOSED
SLOW = {"message": "remote.slow", "params": {"side": "paper"}}
"""Reads "Paper did not answer in time."."""
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stream(in_ashwini: Tenant) -> Stream:
    return Stream.objects.get(key="paper-subject")


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


def add(tenant: Tenant, name: str, text: str = "", place: int | None = None, **more: Any) -> Effect:
    rule = {"comparison": "contains", "comparison_value": text} if text else {}
    return error_types.add(ErrorType(tenant=tenant, name=name, **{**rule, **more}), actor=COMMAND, place=place)


def change(name: str, **changes: Any) -> Effect:
    return error_types.change(ErrorType.objects.get(name=name), changes, actor=COMMAND)


def order() -> list[tuple[str, int | None]]:
    return list(ErrorType.objects.values_list("name", "place"))


def now(record: ErrorRecord) -> tuple[str, str | None]:
    record.refresh_from_db()
    return record.state, record.type.name if record.type else None


# --- order


def test_a_new_type_comes_last(in_ashwini: Tenant) -> None:
    add(in_ashwini, "Slow", "in time")
    assert order() == [("NoNumber", 1), ("Burnt", 2), ("Slow", 3)]


def test_a_type_put_in_the_place_of_another_pushes_that_and_those_behind_it_down(in_ashwini: Tenant) -> None:
    add(in_ashwini, "Slow", "in time", place=1)
    assert order() == [("Slow", 1), ("NoNumber", 2), ("Burnt", 3)]


@pytest.mark.parametrize(
    ("place", "first"), [(-5, "Burnt"), (0, "Burnt"), (1, "Burnt"), (2, "NoNumber"), (99, "NoNumber")]
)
def test_a_type_moves_to_the_nearest_place_there_is(in_ashwini: Tenant, place: int, first: str) -> None:
    error_types.move(ErrorType.objects.get(name="Burnt"), place, actor=COMMAND)
    assert order()[0] == (first, 1)
    assert order()[1][1] == 2


def test_a_type_without_a_place_is_the_last_and_gets_one_when_any_is_moved(in_ashwini: Tenant) -> None:
    for name in ("Old", "Older"):
        ErrorType.objects.create(tenant=in_ashwini, name=name)
    error_types.move(ErrorType.objects.get(name="Burnt"), 1, actor=COMMAND)
    assert order() == [("Burnt", 1), ("NoNumber", 2), ("Old", 3), ("Older", 4)]


def test_two_types_never_share_a_place(in_ashwini: Tenant) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ErrorType.objects.filter(name="Burnt").update(place=1)


def test_places_of_other_tenants_are_their_own(in_ashwini: Tenant, bissau: Tenant) -> None:
    error_types.move(ErrorType.objects.get(name="Burnt"), 1, actor=COMMAND)
    with all_tenants():
        assert list(ErrorType.objects.filter(tenant=bissau).values_list("name", flat=True)) == ["NoNumber", "Burnt"]


def test_a_move_is_on_record_and_none_is_not(in_ashwini: Tenant) -> None:
    kind = ErrorType.objects.get(name="Burnt")
    error_types.move(kind, 1, actor=COMMAND)
    entries = AuditEntry.objects.count()
    error_types.move(kind, 1, actor=COMMAND)
    entry = AuditEntry.objects.get(action="errortype.move")
    assert (entry.before, entry.after, entry.object_label) == ({"place": 2}, {"place": 1}, "Burnt")
    assert AuditEntry.objects.count() == entries


# --- changing a type


def test_a_change_is_on_record_with_before_and_after(in_ashwini: Tenant) -> None:
    change("NoNumber", follow_up=FollowUp.EXTERNAL, most_attempts=3)
    entry = AuditEntry.objects.get(action="errortype.change")
    assert entry.before == {"follow_up": "process", "most_attempts": None}
    assert entry.after == {"follow_up": "external", "most_attempts": 3}


def test_a_change_of_nothing_leaves_no_trace(in_ashwini: Tenant) -> None:
    assert change("NoNumber", follow_up="process", most_attempts=None) == Effect()
    assert not AuditEntry.objects.filter(action__startswith="errortype").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"comparison": "matches", "comparison_value": "("}, "Not a regular expression"),
        ({"comparison": "contains"}, "Say what text to look for"),
        ({"comparison_value": "text"}, "Say how this text is compared"),
        ({"first_wait_minutes": 500}, "Not shorter than the first wait"),
        ({"first_wait_minutes": 0}, "greater than or equal to 1"),
        ({"longest_wait_minutes": 50_000}, "less than or equal to 43200"),
        ({"most_attempts": 0}, "greater than or equal to 1"),
        ({"follow_up": "forget"}, "not a valid choice"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(
    in_ashwini: Tenant, changes: dict[str, Any], told: str
) -> None:
    before = list(ErrorType.objects.values())
    with pytest.raises(ValidationError, match=told), transaction.atomic():
        change("NoNumber", **changes)
    assert list(ErrorType.objects.values()) == before


def test_a_type_that_cannot_be_used_can_be_switched_off(in_ashwini: Tenant) -> None:
    ErrorType.objects.filter(name="NoNumber").update(comparison="matches", comparison_value="(")
    change("NoNumber", is_voided=True)
    assert ErrorType.objects.get(name="NoNumber").is_voided


def test_a_name_is_taken_once(in_ashwini: Tenant) -> None:
    with pytest.raises(ValidationError), transaction.atomic():
        add(in_ashwini, "NoNumber")


# --- the records follow


def test_a_new_rule_gives_open_records_its_type(stream: Stream) -> None:
    slow, other = error_of(stream, **SLOW), error_of(stream)
    effect = add(stream.tenant, "Slow", "in time")
    assert (now(slow), now(other)) == ((RETRYING, "Slow"), (RETRYING, None))
    assert effect == Effect(records=1, retyped=1)


def test_the_number_of_records_is_on_record(stream: Stream) -> None:
    for _ in range(3):
        error_of(stream, **SLOW)
    add(stream.tenant, "Slow", "in time", follow_up="terminal")
    entry = AuditEntry.objects.get(action="reclassify errors")
    assert entry.after == {"records": 3, "closed": 3, "reopened": 0}


def test_a_terminal_rule_closes_failed_records_and_only_those(stream: Stream) -> None:
    failed = error_of(stream, **SLOW)
    used_up = error_of(stream, **SLOW, state=HELD, failed_in_a_row=4)
    waiting = error_of(stream, **SLOW, state=DEFERRED, waits_for="identifier:TRI1")
    held = error_of(stream, **SLOW, state=HELD)
    effect = add(stream.tenant, "Slow", "in time", follow_up="terminal")
    assert [now(record) for record in (failed, used_up)] == [(CLOSED, "Slow")] * 2
    assert [now(record) for record in (waiting, held)] == [(DEFERRED, "Slow"), (HELD, "Slow")]
    assert (failed.next_attempt_at, waiting.next_attempt_at) == (None, NOON)
    assert str(effect) == "4 records concerned: 4 of another type now, 2 not tried again from now on."


def test_a_part_of_the_source_that_cannot_be_read_is_never_closed(stream: Stream) -> None:
    record = error_of(stream, **SLOW, entity_id=gaps.gap_id("Individual"))
    effect = add(stream.tenant, "Slow", "in time", follow_up="terminal")
    assert now(record) == (RETRYING, "Slow")
    assert effect == Effect(records=1, retyped=1)


def test_a_record_that_another_one_only_asked_for_has_no_type_yet(stream: Stream) -> None:
    before = error_of(stream, **SLOW, state=ErrorState.RESOLVED, type=ErrorType.objects.get(name="NoNumber"))
    recording.ask_for(stream.tenant_id, [(stream.key, before.entity_id), (stream.key, "new")], NOON)
    assert add(stream.tenant, "All", "r") == Effect()
    assert set(ErrorRecord.objects.values_list("state", "type", "fingerprint")) == {(DEFERRED, None, "")}


def test_what_a_person_just_had_retried_is_tried_before_any_rule_closes_it(stream: Stream) -> None:
    record = error_of(stream, **SLOW, state=HELD)
    moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
    add(stream.tenant, "Slow", "in time", follow_up="terminal")
    assert now(record) == (RETRYING, "Slow")
    assert record.next_attempt_at == NOON


@pytest.mark.parametrize("state", [ErrorState.IGNORED, ErrorState.RESOLVED])
def test_what_is_ignored_or_through_keeps_its_type(stream: Stream, state: ErrorState) -> None:
    record = error_of(stream, **SLOW, state=state, type=ErrorType.objects.get(name="NoNumber"))
    assert add(stream.tenant, "Slow", "in time") == Effect()
    assert now(record) == (state, "NoNumber")


def test_closed_records_come_back_when_their_type_is_no_longer_terminal(stream: Stream) -> None:
    add(stream.tenant, "Slow", "in time", follow_up="terminal")
    record = error_of(stream, **SLOW, state=CLOSED, type=ErrorType.objects.get(name="Slow"), failed_in_a_row=2)
    effect = change("Slow", follow_up="external")
    assert now(record) == (RETRYING, "Slow")
    assert record.next_attempt_at == NOON + 2 * MINUTE
    assert str(effect) == "1 record concerned: 1 back from not being tried again."


def test_records_of_a_type_that_is_switched_off_have_that_of_the_next_rule(stream: Stream) -> None:
    add(stream.tenant, "Slow", "in time", follow_up="terminal")
    add(stream.tenant, "Paper", "paper")
    record = error_of(stream, **SLOW, state=CLOSED, type=ErrorType.objects.get(name="Slow"))
    change("Slow", is_voided=True)
    assert now(record) == (RETRYING, "Paper")
    change("Paper", is_voided=True)
    assert now(record) == (RETRYING, None)


def test_moving_a_rule_in_front_of_another_gives_it_their_records(stream: Stream) -> None:
    add(stream.tenant, "Slow", "in time")
    add(stream.tenant, "Paper", "paper")
    record = error_of(stream, **SLOW, type=ErrorType.objects.get(name="Slow"))
    error_types.move(ErrorType.objects.get(name="Paper"), 1, actor=COMMAND)
    assert now(record) == (RETRYING, "Paper")


def test_a_new_policy_counts_from_the_last_failure(stream: Stream) -> None:
    add(stream.tenant, "Slow", "in time")
    kind = ErrorType.objects.get(name="Slow")
    failed = {number: error_of(stream, **SLOW, type=kind, failed_in_a_row=number) for number in (1, 2, 3, 9)}
    effect = change("Slow", first_wait_minutes=10, longest_wait_minutes=45)
    for record in failed.values():
        record.refresh_from_db()
    waits = {number: record.next_attempt_at - NOON for number, record in failed.items() if record.next_attempt_at}
    assert waits == {1: 10 * MINUTE, 2: 20 * MINUTE, 3: 40 * MINUTE, 9: 45 * MINUTE}
    assert str(effect) == "4 records concerned: by its new policy from now on."


def test_a_change_of_the_text_alone_leaves_the_times_of_records_that_keep_the_type(stream: Stream) -> None:
    add(stream.tenant, "Slow", "in time")
    record = error_of(stream, **SLOW, type=ErrorType.objects.get(name="Slow"), next_attempt_at=NOON + 7 * MINUTE)
    assert change("Slow", comparison_value="did not answer in time") == Effect()
    record.refresh_from_db()
    assert record.next_attempt_at == NOON + 7 * MINUTE


def test_a_record_that_has_its_type_keeps_its_time_when_others_of_its_cause_get_theirs(stream: Stream) -> None:
    add(stream.tenant, "Slow", "in time")
    has = error_of(stream, **SLOW, type=ErrorType.objects.get(name="Slow"), next_attempt_at=NOON + 7 * MINUTE)
    lacks = error_of(stream, **SLOW)
    assert error_types.reclassify(stream.tenant, actor=COMMAND) == Effect(records=1, retyped=1)
    assert (now(has), now(lacks)) == ((RETRYING, "Slow"), (RETRYING, "Slow"))
    assert has.next_attempt_at == NOON + 7 * MINUTE


def test_a_lower_limit_holds_what_has_used_it_up_and_a_higher_one_lets_it_go_on(stream: Stream) -> None:
    add(stream.tenant, "Slow", "in time")
    kind = ErrorType.objects.get(name="Slow")
    few, many = (error_of(stream, **SLOW, type=kind, failed_in_a_row=number) for number in (2, 3))
    change("Slow", most_attempts=3)
    assert (now(few)[0], now(many)[0]) == (RETRYING, HELD)
    assert many.is_used_up
    assert many.next_attempt_at is None
    change("Slow", most_attempts=4)
    assert now(many)[0] == RETRYING
    assert many.next_attempt_at == NOON + 4 * MINUTE


def test_records_of_another_tenant_stay_as_they_are(stream: Stream, bissau: Tenant) -> None:
    with all_tenants():
        record = error_of(Stream.objects.filter(tenant=bissau).first(), **SLOW)
    add(stream.tenant, "Slow", "in time", follow_up="terminal")
    with all_tenants():
        assert now(record) == (RETRYING, None)


def test_without_its_connector_a_tenants_records_are_left_for_their_next_attempt(stream: Stream) -> None:
    record = error_of(stream, **SLOW)
    Tenant.objects.filter(pk=stream.tenant_id).update(connector="gone")
    assert add(Tenant.objects.get(pk=stream.tenant_id), "Slow", "in time") == Effect()
    assert now(record) == (RETRYING, None)


def test_a_thousand_records_of_a_few_causes_cost_no_more_statements_than_ten(stream: Stream) -> None:
    numbers = []
    for size in (2, 200):
        kind = f"Slow {size}"
        for side in ("paper", "avni", "other", "fourth", "fifth"):
            some = error_of(stream, message="remote.slow", params={"side": side})
            copies = [_copy(some, f"{side}-{size}-{number}") for number in range(size)]
            ErrorRecord.objects.bulk_create(copies)
        seen: list[str] = []
        with connection.execute_wrapper(lambda execute, sql, *rest, seen=seen: seen.append(sql) or execute(sql, *rest)):  # type: ignore[misc]
            add(stream.tenant, kind, "in time", place=1)
        numbers.append(len([sql for sql in seen if "SAVEPOINT" not in sql]))
        assert ErrorRecord.objects.filter(type__name=kind).count() == ErrorRecord.objects.count()
    assert numbers[0] == numbers[1] <= 20


def _copy(record: ErrorRecord, entity: str) -> ErrorRecord:
    fields = {field.attname: getattr(record, field.attname) for field in ErrorRecord._meta.concrete_fields}
    return ErrorRecord(**{**fields, "id": None, "entity_id": entity})


def test_what_a_rule_would_fit_is_told_by_sentence_and_type(stream: Stream) -> None:
    kind = ErrorType.objects.get(name="NoNumber")
    for _ in range(2):
        error_of(stream, **SLOW)
    error_of(stream, message="remote.slow", params={"side": "avni"}, type=kind)
    error_of(stream, **SLOW, state=CLOSED)
    error_of(stream, **SLOW, state=ErrorState.RESOLVED)
    error_of(stream)
    found = error_types.matching(stream.tenant, "matches", ".*in time.")
    assert [(match.text, match.records, match.type) for match in found] == [
        ("Paper did not answer in time.", 3, None),
        ("Avni did not answer in time.", 1, "NoNumber"),
    ]
    assert not AuditEntry.objects.exclude(action="tenant.add").exists()


@pytest.mark.django_db(transaction=True)
def test_no_batch_is_committed_between_a_rule_and_its_records(ashwini: Tenant) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    refused: list[str] = []

    def commit_meanwhile() -> None:
        """What every commit does first, without waiting."""
        try:
            with all_tenants(), transaction.atomic():
                list(Lease.objects.select_for_update(nowait=True).filter(tenant=ashwini))
        except OperationalError as refusal:
            refused.append(str(refusal))
        finally:
            connection.close()

    with all_tenants(), transaction.atomic():
        add(ashwini, "Slow", "in time")
        thread = threading.Thread(target=commit_meanwhile)
        thread.start()
        thread.join()
    assert len(refused) == 1


# --- many at once


def set_all(tenant: Tenant, *, prune: bool = False, **wanted: dict[str, Any]) -> list[str]:
    return error_types.set_all(tenant, wanted, actor=COMMAND, prune=prune)


def test_types_are_made_as_said_in_the_order_said(in_ashwini: Tenant) -> None:
    slow = {"comparison": "contains", "comparison_value": "in time"}
    assert set_all(in_ashwini, Slow=slow, Burnt={"follow_up": "external"}, NoNumber={}) == [
        "error type Slow: added",
        "error type Burnt: changed",
        "error types: put in another order",
    ]
    assert order() == [("Slow", 1), ("Burnt", 2), ("NoNumber", 3)]
    assert set_all(in_ashwini, Slow=slow, Burnt={"follow_up": "external"}, NoNumber={}) == []


def test_types_not_named_keep_their_places(in_ashwini: Tenant) -> None:
    for name in ("A", "B", "C"):
        add(in_ashwini, name, name)
    set_all(in_ashwini, C={}, NoNumber={})
    assert order() == [("C", 1), ("Burnt", 2), ("A", 3), ("B", 4), ("NoNumber", 5)]


def test_prune_switches_off_what_is_neither_named_nor_declared(in_ashwini: Tenant) -> None:
    add(in_ashwini, "Slow", "in time")
    assert set_all(in_ashwini, Burnt={}, prune=True) == ["error type Slow: voided"]
    assert set_all(in_ashwini, Burnt={}, prune=True) == []


def test_records_follow_many_changes_at_once(stream: Stream) -> None:
    record = error_of(stream, **SLOW)
    set_all(stream.tenant, Slow={"comparison": "contains", "comparison_value": "in time", "follow_up": "terminal"})
    assert now(record) == (CLOSED, "Slow")
    set_all(stream.tenant, Slow={"follow_up": "process"})
    assert now(record) == (RETRYING, "Slow")


def test_a_type_that_cannot_be_is_named(in_ashwini: Tenant) -> None:
    with pytest.raises(NotARule, match="Slow: Not a regular expression"), transaction.atomic():
        set_all(in_ashwini, Slow={"comparison": "matches", "comparison_value": "("})
