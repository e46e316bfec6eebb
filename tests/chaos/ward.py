"""People whom both systems know, with news about each of them in every stream, and what must stand of it in the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any

from tests.chaos.records import ZONE
from tests.chaos.truth import in_avni, in_bahmni
from tests.flow.clinic import HISTORY, VITALS, Clinic, open_clinic
from tests.flow.world import World

FIRST, SECOND = date(2026, 1, 6), date(2026, 1, 9)
STREAMS = ("subject", "general-encounter", "patient", "encounter")


@dataclass(frozen=True)
class Visit:
    """What the hospital should hold of a visit of the field team, and on which of its days."""

    height: float
    day: date = FIRST
    voided: bool = False


@dataclass
class Person:
    """Somebody, and what is known of them; `patient` is empty while the hospital has none."""

    number: str
    subject: str
    patient: str = ""
    visits: dict[str, Visit] = field(default_factory=dict)
    """By encounter of Avni."""
    forms: dict[tuple[str, str], Any] = field(default_factory=dict)
    """By encounter of Bahmni and encounter type of Avni: the answer, or None when it was taken out."""


class Ward:
    """Six people whose records are through and who change in many ways, and three new ones. No news is read yet."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.household_visits()
        self.clinic: Clinic = open_clinic(world)
        self.people = [self._person(str(1001 + number)) for number in range(6)]
        for person in self.people:
            self._visited(person, 150.0)
            self._seen(person)
        edited, moved, voided, back, more, _ = self.people
        self.work_off()
        self._void(back)
        self._take_history_out(back)
        self.work_off()
        for person, days in ((edited, FIRST), (moved, SECOND), (back, SECOND)):
            self._edit(person, 151.0, days)
        self._void(voided)
        self._change_pulse(edited)
        self._take_history_out(moved)
        self._put_history_back(back)
        self._visited(more, 149.0)
        self._seen(more)
        self.people += [self._person(str(2001 + number), known=number == 0) for number in range(3)]
        for person in self.people[6:]:
            self._visited(person, 152.0)
        self._seen(self.people[6])

    def work_off(self) -> None:
        """Let everything through that can; what came to the hospital comes back as its patients."""
        for _ in range(2):
            self.world.sync(*STREAMS)

    def _person(self, number: str, *, known: bool = True) -> Person:
        return Person(number, self.world.subject(number), self.world.patient(number) if known else "")

    # what the field team does

    def _visited(self, person: Person, height: float) -> None:
        at = {"encounter_ms": _noon(FIRST), "observations": {"Height": height}}
        person.visits[self.world.household_visit(person.subject, **at)] = Visit(height)

    def _edit(self, person: Person, height: float, day: date) -> None:
        for visit in person.visits:
            self.world.avni.edit_encounter(
                visit, voided=False, observations={"Height": height}, encounter_ms=_noon(day), at=self.world.moment()
            )
            person.visits[visit] = Visit(height, day)

    def _void(self, person: Person) -> None:
        for visit, held in person.visits.items():
            self.world.avni.void_encounter(visit, at=self.world.moment())
            person.visits[visit] = replace(held, voided=True)

    # what the clinicians do

    def _seen(self, person: Person) -> None:
        forms = self.clinic.form("Vitals", Pulse=72), self.clinic.form("History", Advice="rest")
        encounter = self.clinic.fill_in(person.patient, *forms)
        person.forms |= {(encounter, VITALS): 72, (encounter, HISTORY): "rest"}

    def _change_pulse(self, person: Person) -> None:
        for encounter in _encounters(person):
            self.clinic.change(encounter, self.clinic.answer(encounter, "Pulse", 96))
            person.forms[encounter, VITALS] = 96

    def _take_history_out(self, person: Person) -> None:
        for encounter in _encounters(person):
            self.clinic.change(encounter, self.clinic.taken_out(encounter, "History"))
            person.forms[encounter, HISTORY] = None

    def _put_history_back(self, person: Person) -> None:
        for encounter in _encounters(person):
            self.clinic.change(encounter, self.clinic.form("History", Advice="walk"))
            person.forms[encounter, HISTORY] = "walk"

    # what stands

    def wrong(self) -> dict[tuple[str, object], tuple[object, object]]:
        """What should stand and what does where they differ, by number; every row counts, voided twins too."""
        return {
            (person.number, what): (expected, self._standing(person)[what])
            for person in self.people
            for what, expected in self._expected(person).items()
            if self._standing(person)[what] != expected
        }

    def _expected(self, person: Person) -> dict[object, object]:
        expected: dict[object, object] = {
            "patients": 1, "visits": 1, "rows": 1 + len(person.visits) + len(_encounters(person)),
            "registrations in Avni": 1, "rows in Avni": 1 + len(person.visits) + len(person.forms),
        }  # fmt: skip
        for visit, held in person.visits.items():
            moment = datetime.combine(held.day, time.min, ZONE).astimezone(UTC)
            expected[visit] = [(True, None, None) if held.voided else (False, [held.height], moment)]
        for form, said in person.forms.items():
            expected[form] = [(said is None, said)]
        return expected

    def _standing(self, person: Person) -> dict[object, object]:
        there = in_bahmni(self.world, person.number)
        standing: dict[object, object] = {
            "patients": there.patients, "visits": there.visits, "rows": there.rows,
            "registrations in Avni": in_avni(self.world, person.subject).rows,
            "rows in Avni": len(self.world.avni.encounters_of(person.subject)),
        }  # fmt: skip
        for visit in person.visits:
            standing[visit] = self._in_bahmni(person, visit)
        for form in person.forms:
            standing[form] = self._in_avni(person, *form)
        return standing

    def _in_bahmni(self, person: Person, visit: str) -> list[tuple[bool, Any, Any]]:
        """The encounters that carry or carried the visit's marker: voided or not, answers, moment."""
        marked = {obs.encounter for obs in self.world.bahmni.obs.values() if obs.value == visit}
        rows = [self.world.bahmni.encounters[uuid] for uuid in sorted(marked)]
        patients = self.world.link("subject", person.subject).target_parent_id
        return [
            (True, None, None) if row.voided else (False, self.world.held(row.uuid).get("Height"), row.moment)
            for row in rows
            if row.patient == patients
        ]

    def _in_avni(self, person: Person, encounter: str, kind: str) -> list[tuple[bool, Any]]:
        """The subject's encounters of a type that carry the marker: voided or not, and the answer."""
        rows = [self.world.avni.encounters[uuid] for uuid in self.world.avni.encounters_of(person.subject)]
        found = []
        for row in rows:
            said = [value for value in row.observations.values() if value != encounter]
            if row.kind == kind and encounter in row.observations.values():
                found.append((row.voided, None if row.voided else said[0]))
        return found


def _encounters(person: Person) -> list[str]:
    return list(dict.fromkeys(encounter for encounter, _ in person.forms))


def _noon(day: date) -> int:
    return int(datetime.combine(day, time(12), ZONE).timestamp() * 1000)
