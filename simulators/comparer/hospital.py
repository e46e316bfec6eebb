"""Avni's subjects against what stands in Bahmni."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from simulators.comparer.expected import bahmni_values, differences, registration_values
from simulators.comparer.findings import Finding
from simulators.comparer.tables import AvniTables, BahmniTables, Row, creator, live
from simulators.scenario import Correspondence

__all__ = ["HospitalSide"]

_GENDERS = {"Female": ("F",), "Male": ("M",), "Other": ("U", "O")}


class HospitalSide:
    """Goes through every subject, then through what is left over."""

    def __init__(
        self,
        avni: AvniTables,
        before: BahmniTables,
        after: BahmniTables,
        pairs: Correspondence,
        in_error: Collection[str],
    ) -> None:
        """`in_error`: uuids of subjects that must not have got through."""
        self.avni = avni
        self.before = before
        self.after = after
        self.pairs = pairs
        self.ours = pairs.hospital
        self.in_error = in_error
        self.accounted: set[str] = set()
        self.registrations = [row for row in after.encounters.values() if row["type"] == self.ours.encounter_type]
        self.markers = {row["uuid"]: after.value_of(row["uuid"], self.ours.marker) for row in self.registrations}

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in Bahmni with our records."""
        subjects = [row for row in self.avni.subjects.values() if row["kind"] == self.pairs.subject_type]
        for row in subjects:
            if row["voided"] or row["uuid"] in self.in_error:
                yield from self._absent(row)
            else:
                yield from self._present(row)
        yield from self._left_over()

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
                    if patient not in self.before.patients:
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
            yield from self._encounter(subject, encounter)
            yield from self._visit(subject, encounter)

    def _marked(self, subject: Row) -> Iterator[Row]:
        return (row for row in self.registrations if subject["uuid"] in self.markers[row["uuid"]])

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

    # -- its encounter ----------------------------------------------------------------------------------------------

    def _encounter(self, subject: Row, encounter: Row) -> Iterator[Finding]:
        who = f"subject {subject['uuid']}"
        roles = [(row["provider"], row["role"]) for row in live(encounter["providers"])]
        if roles != [(self.ours.provider, self.ours.role)]:
            yield Finding("provider-wrong", who, "provider or role of its encounter")
        if encounter["location"] != self.ours.location:
            yield Finding("location-wrong", who, "place of its encounter")
        yield from self._grouping(who, encounter)
        ours = {concept for concept, _ in registration_values(subject, self.pairs)}
        ours |= {partner.uuid for partner in (*self.pairs.questions.values(), *self.pairs.demographics.values())}
        # Another concept belongs to the hospital, unless it was us who wrote it.
        leaves = self.after.leaves_of(encounter["uuid"])
        leaves = [row for row in leaves if row["concept"] in ours or creator(row) == self.ours.user]
        for kind, concept in differences(registration_values(subject, self.pairs), bahmni_values(leaves)):
            yield Finding(kind, who, f"concept {concept}")

    def _grouping(self, who: str, encounter: Row) -> Iterator[Finding]:
        """Every answer stands in the one form group."""
        rows = list(live(self.after.obs_of(encounter["uuid"])))
        tops = [row for row in rows if row["group"] is None and creator(row) == self.ours.user]
        forms = [row for row in rows if row["group"] is None and row["concept"] == self.ours.form]
        if len(forms) != 1 or any(row["concept"] != self.ours.form for row in tops):
            yield Finding("form-wrong", who, f"{len(forms)} form groups, {len(tops)} of our observations at the top")
        if any(row["person"] != encounter["patient"] for row in rows):
            yield Finding("wrong-patient", who, "an observation of its encounter belongs to another person")

    def _visit(self, subject: Row, encounter: Row) -> Iterator[Finding]:
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
        if marks.get(self.ours.visit_marker) != subject["uuid"]:
            yield Finding("visit-marker-wrong", who, "its visit is not marked with it")
        if marks.get(self.ours.visit_event_date) != subject["registration_date"] and visit != self.before.visits.get(
            visit["uuid"]
        ):
            yield Finding("visit-date-wrong", who, "the date its visit is marked with")
        yield from self._times(who, subject, encounter, visit)
        twins = [
            row
            for row in live(self.after.visits.values())
            if row["patient"] == encounter["patient"] and row["type"] == self.ours.visit_type
        ]
        if len(twins) > 1:
            yield Finding("visit-doubled", who, f"{len(twins)} registration visits")

    def _times(self, who: str, subject: Row, encounter: Row, visit: Row) -> Iterator[Finding]:
        moment, start = (datetime.fromisoformat(text) for text in (encounter["moment"], visit["start"]))
        stop = datetime.fromisoformat(visit["stop"]) if visit["stop"] else None
        if moment < start or (stop and moment > stop):
            yield Finding("outside-visit", who, "its encounter lies outside its visit")
        if encounter == self.before.encounters.get(encounter["uuid"]):
            return  # the date was judged when it was written
        wanted = max(subject["registration_date"], self.after.day(visit["start"]))
        if self.after.day(encounter["moment"]) != wanted:
            yield Finding("date-wrong", who, "the day of its encounter")

    # -- the rest ---------------------------------------------------------------------------------------------------

    def _left_over(self) -> Iterator[Finding]:
        """Live rows that are ours by type or by maker and speak for nobody."""
        accepted = self.accounted
        for row in live(self.after.encounters.values()):
            is_ours = row["type"] == self.ours.encounter_type or creator(row) == self.ours.user
            if is_ours and row["uuid"] not in accepted:
                yield Finding("encounter-stray", f"encounter {row['uuid']}", "speaks for no subject that got through")
        new = (
            ("patient", self.before.patients, self.after.patients),
            ("visit", self.before.visits, self.after.visits),
        )
        for name, before, after in new:
            for row in live(after.values()):
                if creator(row) == self.ours.user and row["uuid"] not in accepted and row["uuid"] not in before:
                    yield Finding(f"{name}-stray", f"{name} {row['uuid']}", "was made for no subject that got through")
        for row in live(self.after.obs.values()):
            if creator(row) == self.ours.user and row["encounter"] not in accepted:
                yield Finding("value-stray", f"observation {row['uuid']}", "stands in an encounter that is not ours")
