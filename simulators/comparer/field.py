"""Bahmni's patients against what stands in Avni."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from simulators.avni.times import to_ms
from simulators.comparer.expected import attribute_values, avni_values, differences
from simulators.comparer.findings import Finding
from simulators.comparer.tables import AvniTables, BahmniTables, Row, live
from simulators.scenario import Correspondence

__all__ = ["FieldSide"]


class FieldSide:
    """Goes through every patient, then through the registration encounters that are left over."""

    def __init__(
        self, before: AvniTables, after: AvniTables, bahmni: BahmniTables, pairs: Correspondence,
        in_error: Collection[str],
    ) -> None:  # fmt: skip
        """`in_error`: uuids of patients that must not have got through."""
        self.before = before
        self.after = after
        self.bahmni = bahmni
        self.pairs = pairs
        self.in_error = in_error
        self.accounted: set[str] = set()
        self.registrations = [row for row in after.encounters.values() if row["kind"] == pairs.hospital_registration]

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in Avni with our records."""
        for patient in self.bahmni.patients.values():
            yield from self._patient(patient, self._subject(patient))
        yield from self._left_over()

    def _patient(self, patient: Row, subject: Row | None) -> Iterator[Finding]:
        marked = list(live(self._marked(patient["uuid"])))
        self.accounted.update(row["uuid"] for row in marked)
        who = f"patient {patient['uuid']}"
        if subject is None:
            if marked:
                yield Finding("registration-unwanted", who, "must not have a registration encounter in Avni")
            return
        if not marked:
            voided = any(self._marked(patient["uuid"]))
            kind = "registration-voided" if voided else "registration-missing"
            yield Finding(kind, who, "has no registration encounter in Avni")
        if len(marked) > 1:
            yield Finding("registration-doubled", who, f"has {len(marked)} registration encounters in Avni")
        for encounter in marked:
            yield from self._encounter(patient, subject, encounter)

    def _left_over(self) -> Iterator[Finding]:
        for row in live(self.registrations):
            if row["uuid"] not in self.accounted:
                yield Finding("registration-stray", f"encounter {row['uuid']}", "carries no patient's uuid")
        for row in live(self.after.encounters.values()):
            ours = row["created_by"] == self.pairs.avni_user and row["kind"] != self.pairs.hospital_registration
            if ours and row["uuid"] not in self.before.encounters:
                yield Finding("encounter-stray", f"encounter {row['uuid']}", "is ours but no registration")

    def _subject(self, patient: Row) -> Row | None:
        """The one subject whose registration the patient belongs to; None when there must be nothing in Avni."""
        identifier, prefix = self.bahmni.preferred_identifier(patient), self.pairs.prefix
        if patient["voided"] or patient["uuid"] in self.in_error or not identifier.startswith(prefix):
            return None
        number = identifier.removeprefix(prefix)
        subjects = self.after.with_number(self.pairs.number, number, self.pairs.subject_type)
        return subjects[0] if len(subjects) == 1 else None

    def _marked(self, patient: str) -> Iterator[Row]:
        return (row for row in self.registrations if row["observations"].get(self.pairs.avni_marker) == patient)

    def _encounter(self, patient: Row, subject: Row, encounter: Row) -> Iterator[Finding]:
        who = f"patient {patient['uuid']}"
        if encounter["subject"] != subject["uuid"]:
            yield Finding("wrong-subject", who, "its registration encounter hangs on another subject")
        managed = {partner.uuid for partner in self.pairs.attributes.values()} | {self.pairs.avni_marker}
        known = self.before.encounters.get(encounter["uuid"], {"observations": {}})["observations"]
        # Another concept belongs to the field team, unless it came with us.
        there = {
            concept: value
            for concept, value in encounter["observations"].items()
            if concept in managed or concept not in known
        }
        wanted = attribute_values(self.bahmni.persons[patient["uuid"]], patient["uuid"], self.pairs)
        for kind, concept in differences(wanted, avni_values(there, self.pairs)):
            yield Finding(kind, who, f"concept {concept}")
        created = to_ms(datetime.fromisoformat(patient["audit"]["date_created"]))
        if encounter["encounter_ms"] != created:
            yield Finding("date-wrong", who, "the time of its registration encounter")
        if encounter["cancel_ms"] is not None or encounter["cancel_observations"]:
            yield Finding("cancelled", who, "its registration encounter is cancelled")
