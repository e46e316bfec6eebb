"""The mapping tables frozen for a run: plain values that translators may read and nobody can change under them."""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

from mappings.models import Constant, IgnoredConcept, Mapping
from tenants.models import Tenant

Pair = tuple[str, str]
"""(group name, type name)"""


@dataclass(frozen=True)
class Entry:
    """One live mapping."""

    avni_value: str
    int_system_value: str
    data_type_hint: str
    when_unmapped: str = ""
    """What becomes of what stands in or under it without a mapping (`Unmapped`); empty: what the tenant says."""
    avni_uuid: str = ""


ENTRY = ("avni_value", "int_system_value", "data_type_hint", "when_unmapped", "avni_uuid")
"""The columns of an entry, in its order."""


@dataclass(frozen=True)
class Snapshot:
    """All live mappings, ignored concepts and constants of one tenant at one revision."""

    by_avni_value: ReadOnly[Pair, ReadOnly[str, Entry]]
    by_int_system_value: ReadOnly[Pair, ReadOnly[str, Entry]]
    singles: ReadOnly[Pair, Entry]
    constants: ReadOnly[str, tuple[str, ...]]
    ignored: ReadOnly[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """Concepts left out on purpose, by side: names in Avni ("avni"), uuids in the other system ("int_system")."""
    by_avni_uuid: ReadOnly[Pair, ReadOnly[str, Entry]] = field(default_factory=lambda: MappingProxyType({}))

    def single(self, group: str, type_name: str) -> Entry | None:
        """The one mapping of a pair that is looked up without a value; None while missing."""
        return self.singles.get((group, type_name))

    def from_avni(self, group: str, type_name: str, avni_value: str) -> Entry | None:
        """The mapping whose Avni side is `avni_value`; None while missing."""
        return self.by_avni_value.get((group, type_name), {}).get(avni_value)

    def from_int_system(self, group: str, type_name: str, value: str) -> Entry | None:
        """The mapping whose other side is `value`; None while missing."""
        return self.by_int_system_value.get((group, type_name), {}).get(value)

    def from_avni_uuid(self, group: str, type_name: str, avni_uuid: str) -> Entry | None:
        """The mapping whose Avni side has this uuid; None while nobody entered it."""
        return self.by_avni_uuid.get((group, type_name), {}).get(avni_uuid)

    def avni_values(self, *pairs: Pair) -> set[str]:
        """What mappings of these pairs name in Avni."""
        return {name for pair in pairs for name in self.by_avni_value.get(pair, {}) if name}

    def is_ignored(self, side: str, concept: str) -> bool:
        """Whether somebody decided that this question or answer does not travel."""
        return concept in self.ignored.get(side, frozenset())

    def constant(self, key: str) -> str:
        """The value of a single constant; the empty text while missing."""
        return next(iter(self.constants.get(key, ())), "")


def take(tenant: Tenant) -> Snapshot:
    """The tenant's snapshot. Costs no query while `tenant.mapping_revision` is one already taken in this process."""
    return _take(tenant.pk, tenant.namespace, tenant.mapping_revision)


def take_unkept(tenant: Tenant) -> Snapshot:
    """As `take`, and nobody remembers it: for a transaction that may be rolled back, and its revision with it."""
    return _take.__wrapped__(tenant.pk, tenant.namespace, tenant.mapping_revision)


@lru_cache(maxsize=64)
def _take(tenant_id: int, namespace: UUID, revision: int) -> Snapshot:
    by_avni: dict[Pair, dict[str, Entry]] = {}
    by_int: dict[Pair, dict[str, Entry]] = {}
    by_uuid: dict[Pair, dict[str, Entry]] = {}
    singles: dict[Pair, Entry] = {}
    rows = Mapping.objects.filter(tenant=tenant_id, is_voided=False).order_by("pk")
    fields = ("type__group__name", "type__name", "type__is_single", *ENTRY)
    for group, type_name, is_single, avni_value, int_system_value, hint, policy, uuid in rows.values_list(*fields):
        entry = Entry(avni_value, int_system_value, hint, policy, str(uuid or ""))
        if is_single:
            singles[(group, type_name)] = entry
        if entry.avni_uuid:
            by_uuid.setdefault((group, type_name), {}).setdefault(entry.avni_uuid, entry)
        by_avni.setdefault((group, type_name), {}).setdefault(avni_value, entry)
        by_int.setdefault((group, type_name), {}).setdefault(int_system_value, entry)
    constants: dict[str, tuple[str, ...]] = {}
    for key, value in Constant.objects.filter(tenant=tenant_id).exclude(value="").values_list("key", "value"):
        constants[key] = (*constants.get(key, ()), value)
    ignored: dict[str, set[str]] = {}
    for side, concept in IgnoredConcept.objects.filter(tenant=tenant_id).values_list("side", "concept"):
        ignored.setdefault(side, set()).add(concept)
    return Snapshot(
        by_avni_value=_frozen(by_avni),
        by_int_system_value=_frozen(by_int),
        singles=MappingProxyType(singles),
        constants=MappingProxyType(constants),
        ignored=MappingProxyType({side: frozenset(concepts) for side, concepts in ignored.items()}),
        by_avni_uuid=_frozen(by_uuid),
    )


def _frozen(tables: dict[Pair, dict[str, Entry]]) -> ReadOnly[Pair, ReadOnly[str, Entry]]:
    return MappingProxyType({pair: MappingProxyType(table) for pair, table in tables.items()})
