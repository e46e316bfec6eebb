"""Whether a patient or an encounter of Bahmni changed since it was read, as far as its own traces tell. Pure.

No one field tells it: an answer corrected may leave its encounter's date of change alone (openmrs.md O85) but is
another row with an id of its own (O78), an order keeps its id when it is voided or stopped (O105, O106), and a number
leaves no trace in its patient (O42). So a version covers all of these, and the mappings the record is read with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from avni.wire import instant
from bahmni import vocabulary as v
from common.fingerprint import fingerprint
from engine.ports import version_of
from mappings.snapshot import Pair, Snapshot

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Versions:
    """Versions of records as they are read with the mappings of a tenant."""

    snapshot: Snapshot

    def of_patient(self, patient: Record) -> str:
        """The version of a patient in the representation that the patient stream asks for."""
        audit = patient.get("auditInfo") or {}
        said = {name: value for name, value in patient.items() if name not in ("auditInfo", "resourceVersion")}
        dates = [audit.get(name) for name in ("dateCreated", "dateChanged", "dateVoided")]
        return version_of(fingerprint([said, dates]), self._of_patients)

    def of_encounter(self, encounter: Record) -> str:
        """The version of an encounter, by its traces or by a representation that holds more.

        One that no mapping concerns is not read again because of mappings that do not concern it either.
        """
        audit = encounter.get("auditInfo") or {}
        orders = encounter.get("orders") or ()
        traces = [
            encounter["voided"],
            encounter["encounterDatetime"],
            (encounter.get("encounterType") or {}).get("uuid"),
            audit.get("dateChanged"),
            _rows(encounter.get("obs") or ()),
            sorted([one["uuid"], one.get("voided") is True, one.get("dateStopped") or ""] for one in orders),
        ]
        return version_of(fingerprint(traces), self._of_all if self._concerns(encounter) else "")

    @cached_property
    def _of_patients(self) -> str:
        return _reading(self.snapshot, (v.PERSON_ATTRIBUTE, v.CONCEPT))

    @cached_property
    def _of_all(self) -> str:
        return _reading(self.snapshot, tuple(self.snapshot.by_int_system_value))

    def _concerns(self, encounter: Record) -> bool:
        """Whether some mapping lets anything of the encounter travel."""
        taken = self.snapshot
        forms = [(one.get("concept") or {}).get("uuid", "") for one in encounter.get("obs") or ()]
        kind = (encounter.get("encounterType") or {}).get("uuid", "")
        return (
            any(taken.from_int_system(*pair, form) for form in forms for pair in _FORMS)
            or taken.from_int_system(*v.LAB_ENCOUNTER_TYPE, kind) is not None
            or bool(encounter.get("orders") and taken.by_int_system_value.get(v.DRUG_ENCOUNTER_TYPE))
        )


_FORMS: Final = (v.HOSPITAL_FORM, v.HOSPITAL_PROGRAM_FORM)


def changed_at(record: Record) -> datetime | None:
    """When a record was last changed, else created, as its audit tells; None when it does not."""
    audit = record.get("auditInfo") or {}
    times = [audit.get(name) for name in ("dateVoided", "dateChanged", "dateCreated")]
    try:
        return max((instant(one) for one in times if one), default=None)
    except (ValueError, TypeError, OverflowError):
        return None


def _rows(obs: Iterable[Record]) -> list[Any]:
    """The ids of observations and of what is in them."""
    return sorted([one["uuid"], *_rows(one.get("groupMembers") or ())] for one in obs)


def _reading(snapshot: Snapshot, pairs: Sequence[Pair]) -> str:
    """Of the mappings in these pairs, of the constants, and of what is left out on purpose."""
    tables = {pair: snapshot.by_int_system_value.get(pair, {}) for pair in pairs}
    said = {
        "/".join(pair): sorted([one.int_system_value, one.avni_value, one.data_type_hint] for one in table.values())
        for pair, table in tables.items()
    }
    ignored = {side: sorted(concepts) for side, concepts in snapshot.ignored.items()}
    return fingerprint([said, ignored, {key: list(values) for key, values in snapshot.constants.items()}])
