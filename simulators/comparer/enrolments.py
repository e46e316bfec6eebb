"""Avni's enrolments and program encounters against what stands in Bahmni: a visit each, with all that belongs in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simulators.comparer.expected import event_values, visit_values
from simulators.comparer.filed import Hospital, Wanted
from simulators.comparer.findings import Finding
from simulators.comparer.tables import AvniTables, Row, live

__all__ = ["EnrolmentSide", "ProgramVisitSide"]


class EnrolmentSide:
    """Goes through every enrolment."""

    def __init__(self, avni: AvniTables, hospital: Hospital, in_error: Collection[str], left: Collection[str]) -> None:
        """`in_error`: uuids of subjects and enrolments that must not have got through.

        `left`: of those that wait for a person.
        """
        self.left = left
        self.avni = avni
        self.hospital = hospital
        self.after = hospital.after
        self.pairs = hospital.pairs
        self.in_error = in_error
        self.accounted: set[str] = set()
        """Uuids of visits and encounters in Bahmni that stand for one, wanted or not."""

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in Bahmni with them."""
        for row in self.avni.enrolments.values():
            standing = list(live(self.hospital.marked(row["uuid"])))
            self.accounted.update(one["uuid"] for one in standing)
            self.accounted.update(visit["uuid"] for visit in self.hospital.visits_for(row["uuid"]))
            if row["uuid"] in self.left:
                continue
            who = f"enrolment {row['uuid']}"
            if why := stays(row, self.avni, self.hospital, self.in_error, self.pairs.programs):
                for one in standing:
                    yield Finding("enrolment-unwanted", who, f"{why}, but encounter {one['uuid']} speaks for it")
            else:
                yield from self._present(who, row, standing)

    def _present(self, who: str, row: Row, standing: list[Row]) -> Iterator[Finding]:
        filed = self.pairs.programs[row["kind"]]
        visits = self.hospital.visits_for(row["uuid"])
        if len(visits) != 1:
            yield Finding("visit-missing" if not visits else "visit-doubled", who, f"{len(visits)} visits are its own")
            return
        ours, visit = self.hospital.ours, visits[0]
        if (visit["type"], visit["location"]) != (filed.visit_type, ours.location):
            yield Finding("visit-wrong", who, "type or place of its visit")
        events = [("Enrolment", filed.enrolment, row["enrolment_ms"], row["observations"])]
        if row["exit_ms"] is not None:
            events.append(("Exit", filed.exit, row["exit_ms"], row["exit_observations"]))
        for event, place, moment, observations in events:
            there = [one for one in standing if one["type"] == place.encounter_type]
            if len(there) != 1:
                kind = f"{event.lower()}-{'doubled' if there else 'missing'}"
                yield Finding(kind, who, f"{len(there)} encounters stand for its {event.lower()}")
            day = self.after.day_of_ms(moment)
            values = event_values(row, event, observations, day, self.pairs)
            for one in there:
                wanted = Wanted(place.encounter_type, place.form, day, values)
                yield from in_its_visit(who, one, visit, wanted, self.avni.subjects[row["subject"]], self.hospital)
        types = {place.encounter_type for _, place, _, _ in events}
        for one in standing:
            if one["type"] not in types:
                yield Finding("exit-unwanted", who, f"encounter {one['uuid']} stands for nothing in it")


class ProgramVisitSide:
    """Goes through every program encounter."""

    def __init__(self, avni: AvniTables, hospital: Hospital, in_error: Collection[str], left: Collection[str]) -> None:
        """`in_error`: uuids of subjects, enrolments and program encounters that must not have got through.

        `left`: of those that wait for a person.
        """
        self.left = left
        self.avni = avni
        self.hospital = hospital
        self.pairs = hospital.pairs
        self.in_error = in_error
        self.accounted: set[str] = set()
        """Uuids of the encounters in Bahmni that stand for one, wanted or not."""

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong in Bahmni with them."""
        for row in self.avni.program_encounters.values():
            marked = self.hospital.marked(row["uuid"])
            standing = list(live(marked))
            self.accounted.update(one["uuid"] for one in standing)
            if row["uuid"] in self.left:
                continue
            who, enrolment = f"program encounter {row['uuid']}", self.avni.enrolments[row["enrolment"]]
            if why := self._stays(row, enrolment):
                for one in standing:
                    yield Finding("program-visit-unwanted", who, f"{why}, but encounter {one['uuid']} speaks for it")
                continue
            if len(standing) != 1:
                kind = "doubled" if standing else "voided" if marked else "missing"
                yield Finding(f"program-visit-{kind}", who, f"{len(standing)} encounters speak for it")
            for one in standing:
                yield from self._judged(who, row, enrolment, one)

    def _stays(self, row: Row, enrolment: Row) -> str:
        if row["encounter_ms"] is None:
            return "did not take place"
        of_enrolment = stays(enrolment, self.avni, self.hospital, self.in_error, self.pairs.programs)
        if (
            of_enrolment
            or row["voided"]
            or row["uuid"] in self.in_error
            or row["kind"] not in self.pairs.program_visits
        ):
            return of_enrolment or "is voided, in error or of a type that does not travel"
        return ""

    def _judged(self, who: str, row: Row, enrolment: Row, there: Row) -> Iterator[Finding]:
        place, day = self.pairs.program_visits[row["kind"]], self.hospital.after.day_of_ms(row["encounter_ms"])
        wanted = Wanted(place.encounter_type, place.form, day, visit_values(row, day, self.pairs))
        visit = next(iter(self.hospital.visits_for(enrolment["uuid"])), None)
        if visit is None:
            yield Finding("visit-missing", who, "its enrolment has no visit")
        else:
            subject = self.avni.subjects[enrolment["subject"]]
            yield from in_its_visit(who, there, visit, wanted, subject, self.hospital)


def in_its_visit(
    who: str, encounter: Row, visit: Row, wanted: Wanted, subject: Row, hospital: Hospital
) -> Iterator[Finding]:
    """Everything about an un-voided encounter that belongs in the visit of an enrolment of that subject."""
    number = subject["observations"].get(hospital.pairs.number, "")
    patients = hospital.after.with_identifier(hospital.ours.identifier_type, hospital.pairs.prefix + number)
    if encounter["patient"] not in patients or visit["patient"] != encounter["patient"]:
        yield Finding("wrong-patient", who, f"encounter {encounter['uuid']} or its visit is another patient's")
    if encounter["visit"] != visit["uuid"]:
        yield Finding("visit-wrong", who, "its encounter does not stand in the visit of the enrolment")
    yield from hospital.judge(who, encounter, wanted)
    yield from hospital.place_in_time(who, encounter, visit, wanted)
    born = hospital.after.persons[encounter["patient"]]["birthdate"] or ""
    if hospital.after.day(visit["start"]) > max(wanted.day, born):
        yield Finding("visit-wrong", who, "the visit of the enrolment begins after it")


def stays(row: Row, avni: AvniTables, hospital: Hospital, in_error: Collection[str], travel: Collection[str]) -> str:
    """Why an enrolment must not stand in Bahmni; empty when it must."""
    subject = avni.subjects[row["subject"]]
    reasons = {
        "is of a program that does not travel": row["kind"] not in travel,
        "is voided": row["voided"],
        "should be in error": row["uuid"] in in_error or subject["uuid"] in in_error,
        "belongs to nobody of the programme": subject["kind"] != hospital.pairs.subject_type,
        "belongs to a subject that is voided": subject["voided"],
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
