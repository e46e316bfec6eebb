"""Mappings in use, and voided ones, each beside what stands for the same question here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bahmni.takeover.brought.importing import KEPT, Import
from bahmni.takeover.deciding import Decision, decide
from bahmni.takeover.understood.mappings import Wish
from common.fingerprint import fingerprint
from mappings import edits
from mappings.models import Mapping as MappingRow
from mappings.models import MappingType
from tenants import audit

Kinds = Mapping[tuple[str, str], MappingType]
"""Types of mappings by the names of group and type."""


def bring(under_way: Import) -> None:
    """Add what has no partner here yet; then voided ones that stand nowhere here, as voided."""
    kinds = {(kind.group.name, kind.name): kind for kind in MappingType.objects.select_related("group")}
    _bring_used(under_way, kinds)
    _bring_voided(under_way, kinds)


def _bring_used(under_way: Import, kinds: Kinds) -> None:
    memory = under_way.memory.setdefault("mapping", {})
    here = _standing(under_way, kinds.values())
    chosen: list[Wish] = []
    seen: set[str] = set()
    for wish in under_way.found.mappings:
        key = _key_of(wish, kinds)
        if key in seen:
            under_way.tally.leave(
                wish.table, f"{_pair(wish)}: a second partner of one value; that of the lowest id counts"
            )
            continue
        seen.add(key)
        decision = decide(key, _said(wish), here.get(key), memory)
        if decision is Decision.WRITE:
            chosen.append(wish)
        else:
            if decision is Decision.THERE:
                memory[key] = fingerprint(_said(wish))
            under_way.tell(decision, wish.table, kept=f"{_pair(wish)}: {KEPT}")
    for wish in _written(under_way, chosen):
        memory[_key_of(wish, kinds)] = fingerprint(_said(wish))
        under_way.tally.carry(wish.table)


def _standing(under_way: Import, kinds: Iterable[MappingType]) -> dict[str, list[str]]:
    """What stands for each question now; of a voided mapping that it is voided."""
    by_pk = {kind.pk: kind for kind in kinds}
    here: dict[str, list[str]] = {}
    for row in MappingRow.objects.filter(tenant=under_way.tenant).order_by("is_voided", "pk"):
        said = [row.avni_value, row.int_system_value, row.data_type_hint, row.about]
        key = _key(by_pk[row.type_id], row.avni_value, row.int_system_value)
        here.setdefault(key, [*said, "voided"] if row.is_voided else said)
    return here


def _written(under_way: Import, chosen: list[Wish]) -> list[Wish]:
    """Those that could be written; the others are tallied with the reason that mappings give."""
    while True:
        planned = edits.plan(under_way.tenant, [wish.wanted for wish in chosen])
        if not planned.refused:
            edits.carry_out(planned, under_way.actor)
            return chosen
        reasons = dict(planned.refused)
        for wish in chosen:
            if wish.wanted.line in reasons:
                under_way.tally.leave(wish.table, f"{_pair(wish)}: {_general(reasons[wish.wanted.line])}")
        chosen = [wish for wish in chosen if wish.wanted.line not in reasons]


def _bring_voided(under_way: Import, kinds: Kinds) -> None:
    there = set(
        MappingRow.objects.filter(tenant=under_way.tenant).values_list("type", "avni_value", "int_system_value")
    )
    for wish in under_way.found.voided_mappings:
        wanted = wish.wanted
        kind = kinds[wanted.group, wanted.type]
        here = (kind.pk, wanted.avni_value, wanted.int_system_value) in there
        key = "\n".join(wish.key)
        decision = under_way.decide("voided mapping", key, True, True if here else None)  # noqa: FBT003
        if under_way.tell(decision, wish.table):
            fields = {**wanted.fields, "is_voided": True}
            row = MappingRow.objects.create(tenant=under_way.tenant, type=kind, **fields)
            audit.record(under_way.actor, "mapping.add", row, tenant=under_way.tenant, after=fields)
            under_way.tally.note(wish.table, "voided there, and so here")


def _said(wish: Wish) -> list[str]:
    wanted = wish.wanted
    return [wanted.avni_value, wanted.int_system_value, wanted.data_type_hint or "", wanted.about or ""]


def _pair(wish: Wish) -> str:
    return f"{wish.wanted.group} / {wish.wanted.type}"


def _key_of(wish: Wish, kinds: Kinds) -> str:
    wanted = wish.wanted
    return _key(kinds[wanted.group, wanted.type], wanted.avni_value, wanted.int_system_value)


def _key(kind: MappingType, avni_value: str, int_system_value: str) -> str:
    """The question a mapping answers, by names, so that it means the same in every tenant."""
    return "\n".join((kind.group.name, kind.name, *edits.question_of(kind, avni_value, int_system_value)[1:]))


def _general(reason: str) -> str:
    """A reason without the row that it names, so that equal ones are counted together."""
    return reason.partition(": ")[0].partition("; ")[0]
