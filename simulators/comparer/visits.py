"""Avni's general encounters against what stands in Bahmni."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simulators.comparer.expected import visit_values
from simulators.comparer.filed import Hospital, Wanted
from simulators.comparer.findings import Finding
from simulators.comparer.tables import AvniTables, Row, live

__all__ = ["VisitSide"]


class VisitSide:
    """Goes through every general encounter, those that we brought to Avni too: they must not travel back."""

    def __init__(self, avni: AvniTables, hospital: Hospital, in_error: Collection[str], left: Collection[str]) -> None:
        """`in_error`: uuids of subjects and general encounters that must not have got through.

        `left`: of those that wait for a person.
        """
        self.left = left
        self.avni = avni
        self.hospital = hospital
        self.after = hospital.after
        self.pairs = hospital.pairs
        self.in_error = in_error
        self.accounted: set[str] = set()
        """Uuids of the encounters in Bahmni that stand for one, wanted or not."""

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in Bahmni with them."""
        for row in self.avni.encounters.values():
            marked = self.hospital.marked(row["uuid"])
            standing = list(live(marked))
            self.accounted.update(one["uuid"] for one in standing)
            if row["uuid"] in self.left:
                continue
            who = f"encounter {row['uuid']} of Avni"
            why = self._stays(row)
            if why:
                for one in standing:
                    yield Finding("general-unwanted", who, f"{why}, but encounter {one['uuid']} speaks for it")
                continue
            if not standing:
                yield Finding("general-voided" if marked else "general-missing", who, "no encounter speaks for it")
            if len(standing) > 1:
                yield Finding("general-doubled", who, f"{len(standing)} encounters speak for it")
            for one in standing:
                yield from self._judged(who, row, one)

    def _stays(self, row: Row) -> str:
        """Why an encounter must not stand in Bahmni; empty when it must."""
        subject = self.avni.subjects.get(row["subject"])
        reasons = {
            "has a type that does not travel": row["kind"] not in self.pairs.visits,
            "is voided": row["voided"],
            "did not take place": row["encounter_ms"] is None,
            "should be in error": row["uuid"] in self.in_error,
            "belongs to nobody of the programme": subject is None or subject["kind"] != self.pairs.subject_type,
            "belongs to a subject that is voided": subject is not None and subject["voided"],
            "belongs to a subject that should be in error": row["subject"] in self.in_error,
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def _judged(self, who: str, row: Row, there: Row) -> Iterator[Finding]:
        subject = self.avni.subjects[row["subject"]]
        number = subject["observations"].get(self.pairs.number, "")
        patients = self.after.with_identifier(self.pairs.hospital.identifier_type, self.pairs.prefix + number)
        if there["patient"] not in patients:
            yield Finding("wrong-patient", who, f"encounter {there['uuid']} hangs on another patient")
        filed, day = self.pairs.visits[row["kind"]], self.after.day_of_ms(row["encounter_ms"])
        wanted = Wanted(filed.encounter_type, filed.form, day, visit_values(row, day, self.pairs))
        yield from self.hospital.judge(who, there, wanted)
        visit = self.after.visits.get(there["visit"] or "")
        fitting = self._registration_visits(subject["uuid"]) | self._own_visits(subject["uuid"])
        if visit is None or visit["uuid"] not in fitting:
            yield Finding("visit-wrong", who, "its encounter stands neither with the registration nor in its own visit")
        if visit is not None:
            yield from self.hospital.place_in_time(who, there, visit, wanted)

    def _own_visits(self, subject: str) -> set[str]:
        """Visits opened for the subject: where the hospital's own, in which the registration stands, was over."""
        return {visit["uuid"] for visit in self.hospital.visits_for(subject)}

    def _registration_visits(self, subject: str) -> set[str | None]:
        registrations = live(self.hospital.marked(subject))
        return {row["visit"] for row in registrations if row["type"] == self.pairs.hospital.encounter_type}
