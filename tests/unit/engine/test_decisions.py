"""What a person decides about a record is carried out once, of what was seen, and undone by no attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection

from common.fingerprint import fingerprint
from engine import decisions, moves
from engine.commit import Ledger
from engine.decisions import CannotDecide, decide
from engine.ports import Known, Plan, Want
from engine.settling import settled
from engine.verdicts import Conflict, Fail, Hold
from errors.models import Decision, ErrorLog, ErrorRecord, ErrorState
from errors.specs import Move, Sentence
from syncstatus.models import Link
from tenants.audit import COMMAND
from tenants.models import AuditEntry
from tenants.scoping import all_tenants
from tests.chaos.desk import Desk, desk
from tests.chaos.paper import Paper, card

pytestmark = pytest.mark.django_db

During = Callable[[Callable[[], object]], None]

QUESTION = Sentence("Somebody wrote on the card.", "Decide.", offers=tuple(Move))


@dataclass(eq=False)
class Scribbled(Paper):
    """Cards on which somebody wrote: `scribbles` holds what, by entity."""

    scribbles: dict[str, str] = field(default_factory=dict)
    candidates: tuple[str, ...] = ("p-1",)
    moves: tuple[Move, ...] | None = None

    def plan(self, want: Want, state: Any, known: Known | None) -> Plan:
        entity, value = want.content
        if entity in self.scribbles:
            seen = fingerprint([value, self.scribbles[entity]])
            conflict = Conflict(seen, "patient", self.candidates, self.moves)
            settled(Hold("paper.scribbled").about(conflict), want, known, Move.SAME, Move.SOURCE)
        return super().plan(want, state, known)


@pytest.fixture
def paper() -> Scribbled:
    return Scribbled(scribbles={"a": "x"})


@pytest.fixture
def there(db: None, paper: Scribbled) -> Iterator[Desk]:
    with desk(paper=paper, sentences={"paper.scribbled": QUESTION}) as built:
        paper.add(card("a"))
        built.work()
        yield built


def held() -> ErrorRecord:
    return ErrorRecord.objects.get(entity_id="a")


def decided(move: Move, **more: Any) -> Decision:
    record = held()
    given = {"state": record.conflict["state"], "reason": "asked the nurse", **more}
    return decide(record, move, actor=COMMAND, **given)


def test_a_held_record_offers_what_its_message_declares(there: Desk) -> None:
    assert [(offer.move, offer.label) for offer in decisions.offers(held())] == [
        (Move.SAME, "Same person: link"),
        (Move.APART, "Different person: keep apart"),
        (Move.SOURCE, "Take Avni's"),
        (Move.TARGET, "Take Paper's"),
    ]


def test_a_conflict_may_offer_less(there: Desk, paper: Scribbled) -> None:
    paper.moves, paper.candidates = (Move.SAME, Move.TARGET), ()
    paper.scribbles["a"] = "y"
    moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
    there.work()
    assert [offer.move for offer in decisions.offers(held())] == [Move.TARGET]


@pytest.mark.parametrize("move", [Move.SAME, Move.SOURCE])
def test_what_lets_it_through_lets_it_through(there: Desk, move: Move) -> None:
    decided(move)
    there.work()
    assert (there.paper.target, held().state) == ({"a": 1}, ErrorState.RESOLVED)


def test_it_acts_once(there: Desk, paper: Scribbled) -> None:
    decided(Move.SOURCE)
    there.work()
    Link.objects.update(is_suspect=True)
    paper.add(card("a"))
    there.work()
    assert held().state == ErrorState.HELD
    assert Decision.objects.get().outcome == "created"


def test_kept_apart_nothing_is_written_and_the_record_leaves_the_open_ones(there: Desk) -> None:
    decided(Move.APART)
    there.work()
    assert (there.paper.target, held().state) == ({}, ErrorState.APART)
    assert (there.outcomes(), Link.objects.get().reason) == ({"a": "skipped"}, "engine.kept-apart")


def test_kept_apart_lasts_while_both_meet_as_they_did(there: Desk, paper: Scribbled) -> None:
    decided(Move.APART)
    there.work()
    paper.add(card("a"))
    there.work()
    assert held().state == ErrorState.APART
    paper.add(card("a", 2))
    there.work()
    assert held().state == ErrorState.HELD


def test_a_retry_of_what_is_kept_apart_asks_again(there: Desk) -> None:
    decided(Move.APART)
    there.work()
    moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
    there.work()
    assert held().state == ErrorState.HELD
    assert Decision.objects.get().outcome == decisions.WITHDRAWN


def test_left_as_it_is_nothing_is_written_until_something_changes(there: Desk, paper: Scribbled) -> None:
    decided(Move.TARGET)
    there.work()
    assert (there.paper.target, held().state, there.outcomes()) == ({}, ErrorState.RESOLVED, {"a": "unchanged"})
    looks = paper.asked["look"]
    paper.add(card("a"))
    there.work()
    assert paper.asked["look"] == looks  # the ledger alone tells that it is through
    Link.objects.update(is_suspect=True)
    paper.add(card("a"))
    there.work()
    assert held().state == ErrorState.RESOLVED
    paper.scribbles["a"] = "y"
    paper.add(card("a", 2))
    there.work()
    assert held().state == ErrorState.HELD


def test_what_has_changed_before_it_is_carried_out_is_held_again_as_it_is_then(there: Desk, paper: Scribbled) -> None:
    seen = held().conflict["state"]
    decided(Move.SOURCE)
    paper.scribbles["a"] = "y"
    there.work()
    assert (there.paper.target, held().state) == ({}, ErrorState.HELD)
    assert held().conflict["state"] != seen
    assert (Decision.objects.get().outcome, Decision.objects.get().used_at) == ("held", None)


def test_what_has_changed_since_it_was_shown_is_not_decided(there: Desk) -> None:
    with pytest.raises(CannotDecide, match="changed since you looked"):
        decided(Move.SOURCE, state="of yesterday")
    assert not Decision.objects.exists()


@pytest.mark.parametrize(("more", "says"), [({"reason": " "}, "Say why"), ({"chosen": "p-3"}, "Choose one")])
def test_a_decision_says_why_and_whom(there: Desk, paper: Scribbled, more: dict[str, str], says: str) -> None:
    ErrorRecord.objects.update(conflict={**held().conflict, "candidates": ["p-1", "p-2"]})
    with pytest.raises(CannotDecide, match=says):
        decided(Move.SAME, **more)


def test_what_was_decided_is_not_decided_again_while_it_waits_to_be_carried_out(there: Desk) -> None:
    decided(Move.SOURCE)
    assert decisions.offers(held()) == []
    with pytest.raises(CannotDecide, match=r"decided before: “Take Avni's”, by somebody at the command line on .*not"):
        decided(Move.TARGET)
    assert [row.move for row in Decision.objects.all()] == ["source"]


def test_what_got_through_is_not_decided_and_the_refusal_tells_what_was(there: Desk) -> None:
    state = held().conflict["state"]
    decided(Move.SOURCE)
    there.work()
    with pytest.raises(CannotDecide, match=r"“got through”\. Decided last: “Take Avni's”"):
        decide(held(), Move.TARGET, state=state, reason="asked the nurse", actor=COMMAND)


def test_of_two_decisions_only_the_one_that_was_carried_out_has_its_outcome(there: Desk, paper: Scribbled) -> None:
    decided(Move.SOURCE)
    paper.scribbles["a"] = "y"
    there.work()
    decided(Move.SAME)
    there.work()
    assert list(Decision.objects.order_by("pk").values_list("move", "outcome")) == [
        ("source", decisions.WITHDRAWN),
        ("same", "created"),
    ]


def test_what_was_decided_anew_is_carried_out_even_when_all_is_as_it_was_before(there: Desk, paper: Scribbled) -> None:
    decided(Move.SOURCE)
    paper.scribbles["a"] = "y"
    there.work()
    decided(Move.TARGET)
    paper.scribbles["a"] = "x"
    there.work()
    assert (there.paper.target, held().state) == ({}, ErrorState.HELD)


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_decide_at_once_one_is_refused(there: Desk) -> None:
    record, both = held(), threading.Barrier(2)
    refused: list[str] = []

    def decide_as(move: Move) -> None:
        with all_tenants():
            both.wait()
            try:
                state = record.conflict["state"]
                decide(record, move, actor=COMMAND, state=state, reason="asked the nurse")
            except CannotDecide as refusal:
                refused.append(str(refusal))
            finally:
                connection.close()

    people = [threading.Thread(target=decide_as, args=[move]) for move in (Move.SOURCE, Move.TARGET)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert Decision.objects.count() == 1
    assert len(refused) == 1
    assert "This was decided before" in refused[0]


def test_what_is_not_offered_cannot_be_decided(there: Desk) -> None:
    ErrorRecord.objects.update(conflict={**held().conflict, "moves": ["target"]})
    with pytest.raises(CannotDecide, match="cannot be decided"):
        decided(Move.SOURCE)


def test_a_decision_is_on_record_with_before_and_after(there: Desk) -> None:
    seen = held().conflict
    made = decided(Move.SAME, chosen="p-1")
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.reason) == ("decide same", "asked the nurse")
    assert entry.before == {"state": "held", "message": "paper.scribbled", "conflict": seen}
    assert entry.after == {"move": "same", "chosen": "p-1", "decision": made.pk}


def test_a_decision_waits_as_long_as_its_record_fails_otherwise(there: Desk, paper: Scribbled) -> None:
    def refuse(entity: str) -> None:
        raise Fail("record.field-missing", field="x")

    decided(Move.SOURCE)
    paper.before_look = refuse
    there.work()
    assert Decision.objects.get().used_at is None
    paper.before_look = lambda entity: None
    moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
    there.work()
    assert (there.paper.target, held().state) == ({"a": 1}, ErrorState.RESOLVED)


def test_a_record_that_is_ignored_loses_the_decision_that_waited(there: Desk) -> None:
    decided(Move.SOURCE)
    moves.ignore(ErrorRecord.objects.all(), reason="a test record", actor=COMMAND)
    there.paper.add(card("a"))
    there.work()
    assert there.paper.target == {}


class TestWhilePeopleAct:
    """An attempt is under way when a person acts; what the attempt comes to undoes nothing of it."""

    @pytest.fixture
    def during(self, there: Desk, monkeypatch: pytest.MonkeyPatch) -> During:
        """Lets a person act once, when the next attempt is made and not yet written down."""

        def attempt(act: Callable[[], object]) -> None:
            acts, commit = [act], Ledger.commit

            def late(ledger: Ledger, *args: Any, **more: Any) -> None:
                if acts:
                    acts.pop()()
                commit(ledger, *args, **more)

            monkeypatch.setattr(Ledger, "commit", late)
            moves.retry(ErrorRecord.objects.all(), actor=COMMAND)
            there.work()
            assert not acts

        return attempt

    def test_a_decision_is_carried_out_by_the_next_attempt(self, during: During, there: Desk) -> None:
        during(lambda: decided(Move.SOURCE))
        there.work()
        assert (there.paper.target, held().state) == ({"a": 1}, ErrorState.RESOLVED)

    def test_what_was_ignored_stays_so(self, during: During, there: Desk) -> None:
        during(lambda: moves.ignore(ErrorRecord.objects.all(), reason="a test", actor=COMMAND))
        assert (held().state, held().ignored_reason) == (ErrorState.IGNORED, "a test")

    def test_what_was_retried_is_tried_once_more(self, during: During, there: Desk, paper: Scribbled) -> None:
        def mend() -> None:
            paper.scribbles.clear()
            moves.retry(ErrorRecord.objects.all(), actor=COMMAND)

        during(mend)
        there.work()
        assert held().state == ErrorState.RESOLVED

    def test_the_attempt_is_logged_all_the_same(self, during: During, there: Desk) -> None:
        during(lambda: moves.ignore(ErrorRecord.objects.all(), reason="a test", actor=COMMAND))
        log = ErrorLog.objects.filter(record=held()).latest("pk")
        assert (log.outcome, log.message) == ("held", "paper.scribbled")
        assert log.finished_at is not None
