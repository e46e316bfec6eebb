"""Changing the rules by which errors are typed and followed up, and bringing the records in line with them.

Rules and records change in one transaction, in which no batch is committed, so that no record is left under the rules
of before. Everything here needs a scope of the tenant concerned, and is on record with before and after.

Records are told apart by their fingerprint (equal message and parameters, so equal text), whatever their number: a
hundred thousand of a few hundred causes cost a handful of statements.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, Count, DateTimeField, ExpressionWrapper, F, Min, Q, QuerySet, Value, When

from engine import gaps
from engine.lease import hold_commits
from engine.moves import change_settings
from engine.registry import connectors
from errors.catalogue import Explanation, explain
from errors.classification import classify, fits
from errors.models import OPEN_STATES, ErrorRecord, ErrorState, ErrorType
from errors.retry import DEFAULT, Policy
from tenants import audit
from tenants.audit import Actor
from tenants.models import Tenant

CONCERNED: Final = (*OPEN_STATES, ErrorState.CLOSED)
"""States of records that follow a change of the rules. What a person ignored or what got through stays as it was."""

_AT_ONCE: Final = 5_000
"""Fingerprints named in one statement: SQLite bears a limited number of parameters."""

_HAS_FAILED: Final = Q(failed_in_a_row__gt=0)
"""What policies decide about: not what is deferred, held by a verdict, or just retried by a person."""

_MAY_CLOSE: Final = _HAS_FAILED & ~Q(entity_id__startswith=gaps.BEGIN)
"""What terminal types decide about: not a part of the source either, which no change would bring back."""


class NotARule(Exception):
    """A type of a file cannot be as the file says: its name, and why in sentences."""

    def __init__(self, name: str, refusal: ValidationError) -> None:
        self.name = name
        self.reasons = refusal.messages
        super().__init__(f"{name}: {' '.join(self.reasons)}")


@dataclass(frozen=True)
class Effect:
    """What a change of the rules did to records: how many it concerned, and what became of them."""

    records: int = 0
    retyped: int = 0
    closed: int = 0
    """Not tried again from now on."""
    reopened: int = 0
    """Tried again, or waiting for a person, that were not before."""

    def __str__(self) -> str:
        if not self.records:
            return "No record is concerned."
        parts = (
            (self.retyped, "of another type now"),
            (self.closed, "not tried again from now on"),
            (self.reopened, "back from not being tried again"),
        )
        said = [f"{number} {what}" for number, what in parts if number] or ["by its new policy from now on"]
        return f"{self.records} record{'s' * (self.records > 1)} concerned: {', '.join(said)}."


@dataclass(frozen=True)
class Match:
    """A sentence that open records carry, with their number and the type they have (None: none)."""

    text: str
    records: int
    type: str | None


def add(kind: ErrorType, *, actor: Actor, place: int | None = None) -> Effect:
    """Store a new type at that place, the last when None, and apply it. Raises ValidationError."""
    with transaction.atomic():
        hold_commits(kind.tenant_id)
        _store(kind, actor)
        if place is not None:
            _put(kind, place)
        return reclassify(kind.tenant, actor=actor)


def change(kind: ErrorType, changes: Mapping[str, Any], *, actor: Actor, place: int | None = None) -> Effect:
    """Change a type's rule, follow-up or policy, switch it off or on (`is_voided`), move it; and apply that.

    Raises ValidationError. `kind` itself is brought up to date.
    """
    with transaction.atomic():
        hold_commits(kind.tenant_id)
        is_changed, edited = _change(kind, changes, actor)
        is_moved = place is not None and _move(kind, place, actor)
        return reclassify(kind.tenant, actor=actor, edited=edited) if is_changed or is_moved else Effect()


def move(kind: ErrorType, place: int, *, actor: Actor) -> Effect:
    """Have a type asked at that place of the order (from 1); those behind it make room. And apply that."""
    return change(kind, {}, actor=actor, place=place)


def set_all(tenant: Tenant, wanted: Mapping[str, Mapping[str, Any]], *, actor: Actor, prune: bool = False) -> list[str]:
    """Make the types of these names be as said, and stand in this order; one sentence per type touched.

    What is not said stays: fields of a type that is there, and the places of types not named. With `prune` those are
    switched off, except what the connector declares (a newer release may declare more than a file knows).
    Raises NotARule; then nothing may be kept.
    """
    with transaction.atomic():
        hold_commits(tenant.pk)
        there = {kind.name: kind for kind in ErrorType.objects.filter(tenant=tenant)}
        told: list[str] = []
        edited: set[int] = set()
        for name, fields in wanted.items():
            try:
                if name not in there:
                    there[name] = ErrorType(tenant=tenant, name=name, **fields)
                    _store(there[name], actor)
                    told.append(f"error type {name}: added")
                    continue
                is_changed, follows_otherwise = _change(there[name], fields, actor)
                if is_changed:
                    edited |= follows_otherwise
                    told.append(f"error type {name}: changed")
            except ValidationError as refusal:
                raise NotARule(name, refusal) from refusal
        left_out = sorted(there.keys() - wanted.keys() - _declared(tenant)) if prune else []
        voided = [name for name in left_out if change_settings(there[name], {"is_voided": True}, actor=actor)]
        told += [f"error type {name}: voided" for name in voided]
        if _order(tenant, list(wanted), actor):
            told.append("error types: put in another order")
        if told:
            reclassify(tenant, actor=actor, edited=edited)
        return told


def reclassify(tenant: Tenant, *, actor: Actor, edited: Collection[int] = ()) -> Effect:
    """Give every open or closed record the type that the rules, as they are now, say; and what follows from it.

    `edited` are types (primary keys) whose policy or follow-up may differ from before: their records follow as well.
    Without the tenant's connector nobody can say what a record's text is: then nothing changes, and each record follows
    at its next attempt.
    """
    connector = connectors().get(tenant.connector)
    if connector is None:
        return Effect()
    with transaction.atomic():
        hold_commits(tenant.pk)
        rules = list(ErrorType.objects.filter(tenant=tenant, is_voided=False))
        groups = list(_groups(tenant))
        types = {
            fingerprint: classify(told.cause, told.error_type, rules)
            for fingerprint, told in _explained(groups, connector.sentences).items()
        }
        effect = Effect()
        concerned: dict[int | None, set[str]] = {}
        for group in groups:
            kind = types[group["fingerprint"]]
            key = kind.pk if kind else None
            if group["type"] != key or key in edited:
                concerned.setdefault(key, set()).add(group["fingerprint"])
                effect = _with(effect, group, kind)
        by_key: dict[int | None, ErrorType | None] = {None: None, **{rule.pk: rule for rule in rules}}
        for key, fingerprints in concerned.items():
            rows = ErrorRecord.objects.filter(tenant=tenant, state__in=CONCERNED)
            _bring_in_line(rows if key in edited else rows.exclude(type=key), fingerprints, by_key[key])
        if effect.records:
            after = {"records": effect.records, "closed": effect.closed, "reopened": effect.reopened}
            audit.record(actor, "reclassify errors", tenant, tenant=tenant, after=after)
        return effect


def matching(tenant: Tenant, comparison: str, value: str) -> list[Match]:
    """The open and closed records whose text a rule would fit, most frequent sentence first. Changes nothing."""
    connector = connectors().get(tenant.connector)
    if connector is None:
        return []
    groups = list(_groups(tenant))
    told = _explained(groups, connector.sentences)
    names = dict(ErrorType.objects.filter(tenant=tenant).values_list("pk", "name"))
    numbers: dict[tuple[str, str | None], int] = {}
    for group in groups:
        text = told[group["fingerprint"]].cause
        if fits(comparison, value, text):
            key = (text, names.get(group["type"]))
            numbers[key] = numbers.get(key, 0) + group["records"]
    found = [Match(text, number, kind) for (text, kind), number in numbers.items()]
    return sorted(found, key=lambda match: (-match.records, match.text))


# --- records ---------------------------------------------------------------------------------------------------------


def _groups(tenant: Tenant) -> Iterable[Mapping[str, Any]]:
    """The records concerned, by fingerprint, type, state and whether a type may close them: number, and one of them."""
    # One without a fingerprint has yet to be tried: another record asked for it.
    rows = ErrorRecord.objects.filter(tenant=tenant, state__in=CONCERNED).exclude(fingerprint="").order_by()
    may_close = Case(When(_MAY_CLOSE, then=Value(value=True)), default=Value(value=False))
    by = rows.annotate(may_close=may_close).values("fingerprint", "type", "state", "may_close")
    return by.annotate(records=Count("pk"), sample=Min("pk"))


def _explained(groups: Sequence[Mapping[str, Any]], sentences: Mapping[str, Any]) -> dict[str, Explanation]:
    """What the records of each fingerprint say."""
    one_of = {group["fingerprint"]: group["sample"] for group in groups}
    rows = ErrorRecord.objects.only("message", "params").in_bulk(list(one_of.values()))
    return {fingerprint: explain(rows[key].message, rows[key].params, sentences) for fingerprint, key in one_of.items()}


def _with(effect: Effect, group: Mapping[str, Any], kind: ErrorType | None) -> Effect:
    number = group["records"]
    is_closed, closes = group["state"] == ErrorState.CLOSED, bool(kind and kind.is_terminal) and group["may_close"]
    return Effect(
        records=effect.records + number,
        retyped=effect.retyped + number * (group["type"] != (kind.pk if kind else None)),
        closed=effect.closed + number * (closes and not is_closed),
        reopened=effect.reopened + number * (is_closed and not closes),
    )


def _bring_in_line(rows: QuerySet[ErrorRecord], fingerprints: Collection[str], kind: ErrorType | None) -> None:
    """Give those of the rows a type, and what follows: closed, held, or tried again by its policy since they failed."""
    policy = kind.policy if kind else DEFAULT
    states, times = [], []
    if kind and kind.is_terminal:
        states.append(When(_MAY_CLOSE, then=Value(ErrorState.CLOSED)))
        times.append(When(_MAY_CLOSE, then=Value(None)))
    else:
        if policy.most_attempts is not None:
            used_up = Q(failed_in_a_row__gte=policy.most_attempts)
            states.append(When(used_up, then=Value(ErrorState.HELD)))
            times.append(When(used_up, then=Value(None)))
        states.append(When(_HAS_FAILED, then=Value(ErrorState.RETRYING)))
        waits = list(enumerate(policy.waits(), start=1))
        times += [
            When(failed_in_a_row__gte=failed, then=ExpressionWrapper(F("last_seen_at") + wait, DateTimeField()))
            for failed, wait in reversed(waits)
        ]
    for some in _in_parts(sorted(fingerprints)):
        rows.filter(fingerprint__in=some).update(
            type=kind,
            state=Case(*states, default=F("state")),
            next_attempt_at=Case(*times, default=F("next_attempt_at"), output_field=DateTimeField()),
        )


def _in_parts(fingerprints: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(fingerprints), _AT_ONCE):
        yield fingerprints[begin : begin + _AT_ONCE]


# --- types -----------------------------------------------------------------------------------------------------------


def _declared(tenant: Tenant) -> set[str]:
    connector = connectors().get(tenant.connector)
    return {spec.name for spec in connector.error_types} if connector else set()


def _store(kind: ErrorType, actor: Actor) -> None:
    order = _in_order(kind.tenant_id)
    _arrange(kind.tenant_id, order)
    kind.place = len(order) + 1
    kind.full_clean()
    kind.save()
    fields = ("comparison", "comparison_value", "follow_up", "first_wait_minutes", "longest_wait_minutes")
    after = {"name": kind.name, **{field: getattr(kind, field) for field in (*fields, "most_attempts")}}
    audit.record(actor, "errortype.add", kind, tenant=kind.tenant, after=after)


def _change(kind: ErrorType, changes: Mapping[str, Any], actor: Actor) -> tuple[bool, set[int]]:
    """Change a type's fields: whether anything differs, and the type's key if something else follows from it now."""
    before = _follows(ErrorType.objects.get(pk=kind.pk))
    is_changed = change_settings(kind, changes, actor=actor)
    return is_changed, set() if _follows(ErrorType.objects.get(pk=kind.pk)) == before else {kind.pk}


def _follows(kind: ErrorType) -> Policy | None:
    return None if kind.is_terminal else kind.policy


def _move(kind: ErrorType, place: int, actor: Actor) -> bool:
    before, after = ErrorType.objects.get(pk=kind.pk).place, _put(kind, place)
    if before == after:
        return False
    audit.record(actor, "errortype.move", kind, tenant=kind.tenant, before={"place": before}, after={"place": after})
    return True


def _put(kind: ErrorType, place: int) -> int:
    """Put a stored type at a place, or as near as there are places; gives the place it has now."""
    order = [key for key in _in_order(kind.tenant_id) if key != kind.pk]
    order.insert(max(place, 1) - 1, kind.pk)
    _arrange(kind.tenant_id, order)
    kind.place = order.index(kind.pk) + 1
    return kind.place


def _order(tenant: Tenant, names: Sequence[str], actor: Actor) -> bool:
    """Have the types of these names stand in this order, on the places they have together. False when they did."""
    before = dict(ErrorType.objects.filter(tenant=tenant).values_list("pk", "name"))
    keys = {name: key for key, name in before.items()}
    named = iter(names)
    order = [keys[next(named)] if name in names else key for key, name in before.items()]
    if order == list(before):
        return False
    _arrange(tenant.pk, order)
    after = {"order": [before[key] for key in order]}
    audit.record(actor, "errortype.order", tenant, tenant=tenant, before={"order": list(before.values())}, after=after)
    return True


def _in_order(tenant_id: int) -> list[int]:
    return list(ErrorType.objects.filter(tenant=tenant_id).values_list("pk", flat=True))


def _arrange(tenant_id: int, order: Sequence[int]) -> None:
    """Number the types 1, 2, 3 … in this order. Those that move are taken out of the order first: no two ever share."""
    places = {key: place for place, key in enumerate(order, start=1)}
    there = dict(ErrorType.objects.filter(tenant=tenant_id).values_list("pk", "place"))
    moving = [key for key, place in places.items() if there[key] != place]
    if moving:
        rows = ErrorType.objects.filter(pk__in=moving)
        rows.update(place=None)
        rows.update(place=Case(*(When(pk=key, then=Value(places[key])) for key in moving)))
