"""A record of which a part has to wait: what could be carried out counts, and lets others go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from common import clock
from common.http_errors import Unclear
from common.outcome import Outcome
from engine.commit import load_parents
from engine.handing_over import Pen, hand_over
from engine.ports import Change, Known, Parent, Plan, Want
from engine.verdicts import Defer
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Link
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import Paper, card, remote

pytestmark = pytest.mark.django_db

MESSAGE = "engine.asked-for"


@dataclass(eq=False)
class Halves(Paper):
    """A paper on which the rest of every card waits until `due`."""

    due: datetime | None = None

    def want(self, change: Change) -> Want:
        """The card, whose arrival others wait for."""
        return replace(super().want(change), arrives=(f"card:{change.entity_id}",))

    def look(self, want: Want, known: Known | None, parent: Known | None) -> Any:
        """A child waits for its card to arrive."""
        if want.content[0] == "child" and parent is None:
            raise Defer(MESSAGE, waits_for="card:a")
        return super().look(want, known, parent)

    def plan(self, want: Want, state: Any, known: Known | None) -> Plan:
        """As usual, but for the rest."""
        made = super().plan(want, state, known)
        if self.due is None or want.content[0] == "child":
            return made
        return replace(made, rest=Defer(MESSAGE, due=self.due))


@pytest.fixture(name="there")
def a_desk(db: None) -> Iterator[Desk]:
    with desk(paper=Halves(due=clock.now() + timedelta(days=1))) as built:
        yield built


def link(there: Desk, entity: str) -> Link:
    return Link.objects.get(tenant=there.tenant, source_id=entity)


def test_what_could_be_written_counts_and_the_record_waits(there: Desk) -> None:
    there.paper.add(card("a", 7))
    there.work()
    error, row = ErrorRecord.objects.get(), link(there, "a")
    assert (there.paper.target, there.outcomes()) == ({"a": 7}, {"a": "deferred"})
    assert (error.state, error.message) == (ErrorState.DEFERRED, MESSAGE)
    assert error.next_attempt_at == getattr(there.paper, "due", None)
    assert (row.target_id, row.target_parent_id, row.left_fingerprint) == ("a", "of a", "7")
    assert there.position == 1


def test_it_is_an_arrival_for_what_waits_for_it(there: Desk) -> None:
    there.paper.add(card("child", pinned_to=(STREAM, "a")))
    there.work()
    assert there.outcomes() == {"child": "deferred"}
    there.paper.add(card("a"))
    there.work()
    assert there.outcomes() == {"child": "created", "a": "deferred"}


def test_when_the_time_has_come_it_is_carried_out_whole(there: Desk) -> None:
    there.paper.add(card("a"))
    there.work()
    assert isinstance(there.paper, Halves)
    there.paper.due = None
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    there.work()
    assert (there.outcomes(), there.errors()) == ({"a": "unchanged"}, {})


def test_an_answer_that_is_lost_is_looked_for_before_the_rest_is_put_off() -> None:
    def lose(entity: str) -> None:
        raise remote(Unclear)

    paper = Halves(due=clock.now(), after_write=lose)
    result = hand_over(card("a", 7), None, None, paper, Pen(lambda: True))
    assert (result.outcome, result.writes, paper.asked) == (Outcome.DEFERRED, 1, {"look": 2, "write": 1})
    assert result.plan
    assert result.half_done is None


def test_a_rehearsal_tells_what_would_be_written(there: Desk) -> None:
    result = hand_over(card("a"), None, None, there.paper, Pen(lambda: True, rehearses=True))
    assert (result.outcome, len(result.planned)) == (Outcome.CREATED, 1)


def test_a_record_may_see_what_its_owner_hangs_on_in_the_same_statement(
    there: Desk, django_assert_num_queries: Any
) -> None:
    there.paper.add(card("owner"), card("a"))
    there.work()
    parents = {
        "both": Parent(STREAM, "a", Parent(STREAM, "owner")),
        "one": Parent(STREAM, "a"),
        "unknown owner": Parent(STREAM, "a", Parent(STREAM, "nobody")),
        "unknown": Parent(STREAM, "nobody", Parent(STREAM, "owner")),
    }
    with django_assert_num_queries(1):
        found = load_parents(there.tenant.pk, parents)
    seen = {name: (one.target_id, one.owner.target_id if one.owner else "") for name, one in found.items()}
    assert seen == {"both": ("a", "owner"), "one": ("a", ""), "unknown owner": ("a", "")}
