"""What people decide about records that wait for them: same person, kept apart, ours over theirs, theirs as it is.

A decision changes nothing by itself. It is written down with its reason and bound to the conflict that the person saw;
the record is then tried again, and on its way, when everything is still as it was, the decision is carried out. If it
is not, the record is held again as it stands by then. The doors (console, commands) check who may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, QuerySet

from common import clock
from engine import bell
from engine.lease import hold_commits
from engine.ports import Decided
from engine.registry import StreamSpec, connector_of
from engine.settling import STAYS
from engine.verdicts import Conflict
from errors.catalogue import explain
from errors.models import OPEN_STATES, Decision, ErrorRecord, ErrorState
from errors.specs import Move
from syncstatus.models import Stream
from tenants import audit
from tenants.audit import Actor

if TYPE_CHECKING:
    from engine.handing_over import Result

WITHDRAWN: Final = "withdrawn"
"""Outcome of a decision that a person took back: by retrying or ignoring its record, or by deciding anew."""

PEOPLE: Final = ("patient", "subject")
"""Kinds of candidates that are a person."""


class CannotDecide(Exception):
    """The decision is not taken; its text says why, in a sentence for people."""


@dataclass(frozen=True)
class Offer:
    """One thing a person may decide about a record: what it is called, and what follows from it."""

    move: Move
    label: str
    follows: str


def kept(conflict: Conflict) -> dict[str, Any]:
    """What an error record keeps of a conflict: no value of a patient is in it."""
    return {
        "state": conflict.state,
        "kind": conflict.kind,
        "candidates": list(conflict.candidates),
        "moves": None if conflict.moves is None else [move.value for move in conflict.moves],
    }


def offers(record: ErrorRecord) -> list[Offer]:
    """What may be decided about a record now; nothing about one that is not open, or where that was decided already."""
    if record.state not in OPEN_STATES or not record.conflict or under_way(record, record.conflict["state"]):
        return []
    connector = connector_of(record.tenant)
    spec = connector.stream(record.stream.key)
    narrowed = record.conflict.get("moves")
    kind, candidates = str(record.conflict.get("kind", "")), record.conflict.get("candidates", ())
    offered = explain(record.message, record.params, connector.sentences).offers
    return [
        _offer(move, kind, spec.source_side.capitalize(), spec.target_side.capitalize())
        for move in offered
        if (narrowed is None or move.value in narrowed) and (move is not Move.SAME or candidates)
    ]


def under_way(record: ErrorRecord, state: str) -> Decision | None:
    """The decision about this state of the record that waits for the next attempt.

    One whose record is held again was tried, and was not what is asked for by now: there a person may decide anew.
    """
    if not record.touched or record.state not in (ErrorState.RETRYING, ErrorState.DEFERRED):
        return None
    return Decision.objects.filter(record=record, used_at=None, state=state).select_related("user").first()


def why_not(record: ErrorRecord, state: str = "") -> str:
    """Why nothing can be decided about a record (in this `state`), in a sentence that tells who was faster."""
    if waiting := under_way(record, state or record.conflict.get("state", "")):
        return f"This was decided before: {_told(waiting)} It is not carried out yet."
    if record.state in OPEN_STATES:
        return "This cannot be decided about the record as it stands now."
    last = Decision.objects.filter(record=record).exclude(outcome=WITHDRAWN).select_related("user").first()
    said = f"Nothing is left to decide: by now its state is “{ErrorState(record.state).label}”."
    return f"{said} Decided last: {_told(last)}" if last else said


def _told(made: Decision) -> str:
    record = made.record
    spec = connector_of(record.tenant).stream(record.stream.key)
    at = made.decided_at.astimezone(ZoneInfo(record.tenant.zone))
    who = made.user.get_username() if made.user else "somebody at the command line"
    return f"“{label(Move(made.move), spec)}”, by {who} on {at:%d %b %Y, %H:%M}."


def label(move: Move, spec: StreamSpec) -> str:
    """What a decision is called, whatever it was about."""
    return _offer(move, PEOPLE[0], spec.source_side.capitalize(), spec.target_side.capitalize()).label


def decide(record: ErrorRecord, move: Move, *, state: str, reason: str, actor: Actor, chosen: str = "") -> Decision:
    """Write the decision down and have it carried out at once.

    `state` is that of the conflict the person saw (`record.conflict["state"]`), `chosen` the candidate meant where
    there are several. Raises CannotDecide, also when the conflict has become another one meanwhile, or when somebody
    else was faster. What was decided about it as it stood before, and never carried out, is taken back by this.
    """
    if not reason.strip():
        raise CannotDecide("Say why.")
    with transaction.atomic():
        hold_commits(record.tenant_id)
        rows = ErrorRecord.objects.select_for_update(of=("self",)).select_related("stream__tenant", "tenant")
        now = rows.get(pk=record.pk)
        if now.state not in OPEN_STATES or under_way(now, state):
            raise CannotDecide(why_not(now, state))
        if now.conflict and now.conflict.get("state") != state:
            raise CannotDecide("It has changed since you looked. Look again, then decide.")
        if move not in [offer.move for offer in offers(now)]:
            raise CannotDecide(why_not(now))
        candidates = now.conflict.get("candidates") or [""]
        if move is Move.SAME and len(candidates) > 1 and chosen not in candidates:
            raise CannotDecide("Choose one of those it may be.")
        _withdraw(Decision.objects.filter(record=now, used_at=None))
        before = {"state": now.state, "message": now.message, "conflict": now.conflict}
        made = Decision.objects.create(
            tenant_id=now.tenant_id, record=now, move=move.value, state=state, message=now.message, reason=reason,
            chosen=(chosen or candidates[0]) if move is Move.SAME else "", user=actor.user, decided_at=clock.now(),
        )  # fmt: skip
        ErrorRecord.objects.filter(pk=now.pk).update(
            state=ErrorState.RETRYING, next_attempt_at=clock.now(), waits_for="", failed_in_a_row=0,
            touched=F("touched") + 1,
        )  # fmt: skip
        after = {"move": made.move, "chosen": made.chosen, "decision": made.pk}
        audit.record(actor, f"decide {made.move}", now, tenant=now.tenant, before=before, after=after, reason=reason)
        bell.ring(Stream.objects.filter(pk=now.stream_id, flow__is_on=True, flow__is_paused=False))
    return made


def withdraw_waiting(records: QuerySet[Any, Any]) -> None:
    """Take back the decisions about these records (primary keys) that are not carried out yet."""
    _withdraw(Decision.objects.filter(record__in=records, used_at=None))


def withdraw(records: QuerySet[Any, Any]) -> None:
    """Take back the decisions about these records (primary keys), also those that stay in force."""
    _withdraw(Decision.objects.filter(record__in=records))


def _withdraw(rows: QuerySet[Decision, Decision]) -> None:
    rows.exclude(outcome=WITHDRAWN).update(outcome=WITHDRAWN, used_at=clock.now())


def in_force(errors: Mapping[str, ErrorRecord]) -> dict[str, tuple[Decided, ...]]:
    """The decisions about these records that are to be carried out or stay in force, newest first, by entity id."""
    entities = {row.pk: entity_id for entity_id, row in errors.items() if row.touched}  # the others nobody decided
    if not entities:
        return {}
    decided: dict[str, tuple[Decided, ...]] = {}
    for one in Decision.objects.filter(record__in=list(entities)).exclude(outcome=WITHDRAWN).order_by("-pk"):
        move = Move(one.move)
        if one.used_at is None or move in STAYS:
            known = decided.get(entities[one.record_id], ())
            decided[entities[one.record_id]] = (*known, Decided(one.pk, move, one.state, one.chosen))
    return decided


def use(results: Iterable[Result], now: datetime) -> None:
    """Note of the decisions these attempts knew of what came of their records.

    One whose record is not through is still to be carried out, should the conflict it was made of be met again.
    """
    for result in results:
        unused = Decision.objects.filter(pk__in=[one.id for one in result.decided], used_at=None)
        if result.decided and result.is_finished:
            unused.update(used_at=now, outcome=result.outcome.value)
        elif result.decided:
            unused.update(outcome=result.outcome.value)


def _offer(move: Move, kind: str, source: str, target: str) -> Offer:
    match move:
        case Move.SAME if kind in PEOPLE:
            return Offer(move, "Same person: link", "The record is handed over to this person from now on.")
        case Move.SAME:
            return Offer(move, f"It is this {kind}: link", f"This {kind} stands for the record from now on.")
        case Move.APART:
            follows = "Nothing is written for the record and what hangs on it, until its number changes."
            return Offer(move, "Different person: keep apart", follows)
        case Move.SOURCE:
            return Offer(
                move, f"Take {source}'s", f"What {source} says is written to {target}, over what stands there."
            )
        case Move.TARGET:
            follows = f"{target} stays as it is. You are asked again when either side changes what differs."
            return Offer(move, f"Take {target}'s", follows)
