"""Avni's subjects against what stands in Bahmni."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simulators.comparer.expected import registration_values
from simulators.comparer.filed import Hospital, Wanted
from simulators.comparer.findings import Finding
from simulators.comparer.tables import AvniTables, Row, creator, live

__all__ = ["HospitalSide"]

_GENDERS = {"Female": ("F",), "Male": ("M",), "Other": ("U", "O")}


class HospitalSide:
    """Goes through every subject."""

    def __init__(self, avni: AvniTables, hospital: Hospital, in_error: Collection[str], left: Collection[str]) -> None:
        """`in_error`: uuids of subjects that must not have got through. `left`: of those that wait for a person."""
        self.left = left
        self.avni = avni
        self.hospital = hospital
        self.before = hospital.before
        self.after = hospital.after
        self.pairs = hospital.pairs
        self.ours = hospital.ours
        self.in_error = in_error
        self.accounted: set[str] = set()
        """Uuids of patients, visits and encounters that stand for a subject, wanted or not."""

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in Bahmni with our records."""
        subjects = [row for row in self.avni.subjects.values() if row["kind"] == self.pairs.subject_type]
        for row in subjects:
            self._account_for_what_stood(row)
            if row["uuid"] in self.left:
                continue
            if row["voided"] or row["uuid"] in self.in_error:
                yield from self._absent(row)
            else:
                yield from self._present(row)

    def _account_for_what_stood(self, subject: Row) -> None:
        """A patient and a visit that were made for a subject stay, whatever becomes of it."""
        if filed := self.hospital.memory.filed.get(subject["uuid"]):
            visit = self.after.encounters[filed.encounter]["visit"]
            self.accounted.update((filed.encounter, filed.patient, visit))

    # -- one subject ------------------------------------------------------------------------------------------------

    def _absent(self, subject: Row) -> Iterator[Finding]:
        """Nothing may speak for a voided subject or one in error."""
        who = f"subject {subject['uuid']}"
        why = "is voided" if subject["voided"] else "should be in error"
        for row in live(self._marked(subject)):
            self.accounted.add(row["uuid"])
            yield Finding("encounter-unwanted", who, f"{why}, but encounter {row['uuid']} speaks for it")
        if number := subject["observations"].get(self.pairs.number):
            rivals = self.avni.with_number(self.pairs.number, number, self.pairs.subject_type)
            if all(rival["uuid"] in self.in_error for rival in rivals):
                for patient in self._patients(number):
                    made_by_us = creator(self.after.patients[patient]) == self.ours.user
                    if made_by_us and patient not in {*self.before.patients, *self.hospital.memory.patients()}:
                        self.accounted.add(patient)
                        yield Finding("patient-unwanted", who, f"{why}, but patient {patient} was created for it")

    def _present(self, subject: Row) -> Iterator[Finding]:
        who = f"subject {subject['uuid']}"
        number = subject["observations"].get(self.pairs.number)
        patients = self._patients(number) if number else []
        self.accounted.update(patients)
        if not patients:
            yield Finding("patient-missing", who, "no patient has its number")
        if len(patients) > 1:
            yield Finding("patient-doubled", who, f"{len(patients)} patients have its number")
        for patient in patients:
            yield from self._demographics(subject, patient)
        marked = list(live(self._marked(subject)))
        self.accounted.update(row["uuid"] for row in marked)
        if not marked:
            voided = any(self._marked(subject))
            yield Finding("encounter-voided" if voided else "encounter-missing", who, "no encounter speaks for it")
        if len(marked) > 1:
            yield Finding("encounter-doubled", who, f"{len(marked)} encounters speak for it")
        for encounter in marked:
            if encounter["patient"] not in patients:
                yield Finding("wrong-patient", who, f"encounter {encounter['uuid']} hangs on another patient")
            wanted = Wanted(
                self.ours.encounter_type,
                self.ours.form,
                subject["registration_date"],
                registration_values(subject, self.pairs),
            )
            yield from self.hospital.judge(who, encounter, wanted)
            yield from self._visit(subject, encounter, wanted)

    def _marked(self, subject: Row) -> list[Row]:
        marked = self.hospital.marked(subject["uuid"])
        return [row for row in marked if row["type"] == self.ours.encounter_type]

    def _patients(self, number: str) -> list[str]:
        return self.after.with_identifier(self.ours.identifier_type, self.pairs.prefix + number)

    def _demographics(self, subject: Row, patient: str) -> Iterator[Finding]:
        """A patient we created is called as the subject is, or as before when nobody carries changes over yet."""
        person = self.after.persons[patient]
        if creator(self.after.patients[patient]) != self.ours.user or person == self.before.persons.get(patient):
            return
        names = [(row["given_name"], row["family_name"]) for row in live(person["names"])]
        wanted = tuple(" ".join((subject[part] or "").split()) for part in ("first_name", "last_name"))
        for what, right in (
            ("name", names == [wanted]),
            ("gender", person["gender"] in _GENDERS.get(subject["gender"], ())),
            ("birth date", person["birthdate"] == subject["date_of_birth"]),
        ):
            if not right:
                yield Finding("demographics-wrong", f"subject {subject['uuid']}", f"{what} of patient {patient}")

    def _visit(self, subject: Row, encounter: Row, wanted: Wanted) -> Iterator[Finding]:
        who = f"subject {subject['uuid']}"
        visit = self.after.visits.get(encounter["visit"] or "")
        if visit is None or visit["voided"]:
            yield Finding("visit-missing", who, "its encounter stands in no visit")
            return
        self.accounted.add(visit["uuid"])
        if (visit["patient"], visit["type"], visit["location"]) != (
            encounter["patient"],
            self.ours.visit_type,
            self.ours.location,
        ):
            yield Finding("visit-wrong", who, "patient, type or place of its visit")
        marks = {row["type"]: row["value"] for row in live(visit["attributes"])}
        if self._mark(visit) != subject["uuid"]:
            yield Finding("visit-marker-wrong", who, "its visit is not marked with it")
        changed = visit != self.before.visits.get(visit["uuid"])
        if changed and marks.get(self.ours.visit_event_date) != subject["registration_date"]:
            yield Finding("visit-date-wrong", who, "the date its visit is marked with")
        yield from self.hospital.place_in_time(who, encounter, visit, wanted)
        twins = [
            row
            for row in live(self.after.visits.values())
            if row["patient"] == encounter["patient"] and row["type"] == self.ours.visit_type
            # One opened for somebody else who had the number before stays hers.
            if self._mark(row) in (None, subject["uuid"]) or self._mark(row) not in self.hospital.memory.filed
        ]
        if len(twins) > 1:
            yield Finding("visit-doubled", who, f"{len(twins)} registration visits")

    def _mark(self, visit: Row) -> str | None:
        """Uuid of the subject a visit was opened for."""
        marks = (row["value"] for row in live(visit["attributes"]) if row["type"] == self.ours.visit_marker)
        return next(marks, None)
