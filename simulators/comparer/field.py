"""Bahmni's patients against what stands in Avni."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from simulators.avni.times import to_ms
from simulators.comparer.brought import Field
from simulators.comparer.expected import attribute_values
from simulators.comparer.findings import Finding
from simulators.comparer.tables import Row, live

__all__ = ["FieldSide"]


class FieldSide:
    """Goes through every patient."""

    def __init__(self, field: Field, in_error: Collection[str], left: Collection[str]) -> None:
        """`in_error`: uuids of patients that must not have got through. `left`: of those that wait for a person."""
        self.left = left
        self.field = field
        self.bahmni = field.bahmni
        self.pairs = field.pairs
        self.in_error = in_error
        self.accounted: set[str] = set()
        """Uuids of the encounters in Avni that stand for a patient, wanted or not."""

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in Avni with them."""
        for patient in self.bahmni.patients.values():
            yield from self._patient(patient, self.field.subject_of(patient, self.in_error))

    def _patient(self, patient: Row, subject: Row | None) -> Iterator[Finding]:
        all_marked = [
            row for row in self.field.marked(patient["uuid"]) if row["kind"] == self.pairs.hospital_registration
        ]
        marked = list(live(all_marked))
        self.accounted.update(row["uuid"] for row in marked)
        if patient["uuid"] in self.left:
            return
        who = f"patient {patient['uuid']}"
        if subject is None:
            if marked:
                yield Finding("registration-unwanted", who, "must not have a registration encounter in Avni")
            return
        if not marked:
            kind = "registration-voided" if all_marked else "registration-missing"
            yield Finding(kind, who, "has no registration encounter in Avni")
        if len(marked) > 1:
            yield Finding("registration-doubled", who, f"has {len(marked)} registration encounters in Avni")
        wanted = attribute_values(self.bahmni.persons[patient["uuid"]], patient["uuid"], self.pairs)
        created = to_ms(datetime.fromisoformat(patient["audit"]["date_created"]))
        managed = {partner.uuid for partner in self.pairs.attributes.values()}
        for encounter in marked:
            yield from self.field.judge(who, encounter, subject, created, wanted, managed)
