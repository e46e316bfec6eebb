"""The people of a scenario entered into both servers: most get through, a few stay out for a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from simulators.avni import AvniStore
from simulators.bahmni import Store, catalogue
from simulators.scenario import design
from simulators.scenario.correspondence import Correspondence
from simulators.scenario.ids import Ids
from simulators.scenario.people import Person, answers_of, somebody, spelt_differently

__all__ = ["BEGINNING", "Population", "Resident", "Size", "StandingClock"]

BEGINNING = datetime(2025, 1, 6, 3, 30, tzinfo=UTC)
"""When the first record of the population was made: long past, so that nothing of it is too young to be shown."""

CROWD = 4
"""So many subjects share one millisecond, as they do after a bulk upload."""


class StandingClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.at

    def advance(self, **duration: float) -> None:
        """Let time pass; arguments as of `timedelta`."""
        self.at += timedelta(**duration)


@dataclass(frozen=True)
class Size:
    """How many people and what is written down of them; records in error come on top.

    `subjects` get through from Avni; `known` of them were patients before; `outside` are patients of the hospital whom
    the programme does not know; `voided` subjects were voided before anybody handed them over. `general_encounters` of
    subjects get through from Avni, `encounters` of known patients from the hospital; of either kind some more stay out.
    """

    subjects: int = 40
    known: int = 20
    outside: int = 5
    voided: int = 2
    general_encounters: int = 0
    encounters: int = 0

    def __post_init__(self) -> None:
        if self.known > self.subjects:
            raise ValueError("only a subject can be known")
        if (self.general_encounters and not self.subjects) or (self.encounters and not self.known):
            raise ValueError("an encounter needs somebody who gets through")


@dataclass(frozen=True)
class Resident:
    """Somebody who gets through: the subject, its registration, and the patient when the hospital knew her before."""

    subject: str
    registered: date
    patient: str | None = None


@dataclass
class Population:
    """Enters people into both stores; every uuid, answer and time follows from the seed."""

    avni: AvniStore
    bahmni: Store
    pairs: Correspondence
    ids: Ids
    random: Random
    clock: StandingClock
    any_script: bool = False
    residents: list[Resident] = field(default_factory=list)
    outsiders: list[str] = field(default_factory=list)
    """Patients whom the programme does not know."""
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9)))

    def settle(self, size: Size) -> None:
        """Enter everybody but those in error."""
        for place in range(size.subjects):
            person, number = self.somebody(), self.number()
            subject, patient = self.subject(f"subject {place}", person, number), None
            if place < size.known:
                there = spelt_differently(person) if place % 7 == 3 else person
                patient = self.patient(f"patient {place}", there, design.PREFIX + number, busy=place % 5 == 0)
            self.residents.append(self.resident(subject, patient))
        for place in range(size.voided):
            self.subject(f"voided {place}", self.somebody(), self.number(), voided=True)
        for place in range(size.outside):
            stranger = self.patient(f"outside {place}", self.somebody(), f"GEN{place + 1}", busy=place % 2 == 0)
            self.outsiders.append(stranger)

    def resident(self, subject: str, patient: str | None = None) -> Resident:
        """A subject that stands in Avni, and the patient who is her."""
        registered = self.avni.subjects[subject].registration_date
        return Resident(subject, date.fromisoformat(registered or ""), patient)

    def somebody(self) -> Person:
        """A new person."""
        return somebody(self.random, any_script=self.any_script)

    def number(self) -> str:
        """A number nobody has. Not padded: many are the beginning of others, which a fuzzy search returns as well."""
        return str(next(self._numbers))

    def subject(
        self,
        key: str,
        person: Person,
        number: str | None,
        answers: Mapping[str, Any] | None = None,
        *,
        voided: bool = False,
    ) -> str:
        """Enter a subject into Avni; its uuid. `answers` are laid over drawn ones; several share a millisecond."""
        self.clock.advance(seconds=0 if self.random.randrange(CROWD) else 41.003)
        registered = self._registered(person)
        observations = answers_of(self.random, registered) | dict(answers or {})
        if number is not None:
            observations[design.NUMBER] = number
        uuid = self.ids("avni", "subject", key)
        self.avni.put_subject(
            subject_type=design.SUBJECT_TYPE,
            organisation=self.pairs.organisation,
            uuid=uuid,
            observations=observations,
            at=self.clock(),
            first_name=person.given,
            last_name=person.family,
            gender=person.gender,
            date_of_birth=person.born.isoformat(),
            registration_date=registered.isoformat(),
            voided=voided,
        )
        return uuid

    def patient(
        self,
        key: str,
        person: Person,
        identifier: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        busy: bool = False,
    ) -> str:
        """Register a patient in Bahmni; the uuid. `busy`: with a consultation, and corrected by a clerk later on."""
        self.clock.advance(seconds=53)
        uuid = self.ids("bahmni", "patient", key)
        drawn = self._attributes() | dict(attributes or {})
        self.bahmni.hospital_create_patient(
            person.given,
            person.family,
            identifier,
            identifier_type=self.pairs.hospital.identifier_type,
            gender=person.gender_in_bahmni,
            birthdate=person.born,
            attributes={self.ids("bahmni", "attribute", name): value for name, value in drawn.items()},
            uuid=uuid,
        )
        if busy:
            self._consultation(uuid, key)
            self.clock.advance(minutes=7)
            self.bahmni.hospital_edit_attribute(uuid, self.ids("bahmni", "attribute", "caste"), "asked again")
        return uuid

    def _registered(self, person: Person) -> date:
        day = self.clock().date() - timedelta(days=self.random.randrange(1, 300))
        return max(day, person.born)

    def _attributes(self) -> dict[str, Any]:
        """Person attributes by name, as a clerk fills some of them in."""
        values: dict[str, Any] = {"primaryContact": "a neighbour"}
        for one in design.ATTRIBUTES:
            value = self.attribute(one)
            if self.random.random() > 0.2:
                values[one.name] = value
        return values

    def attribute(self, one: design.Attribute) -> Any:
        """A value as a clerk enters it."""
        match one.java:
            case "java.lang.Integer":
                return self.random.randrange(80)
            case "java.lang.Float":
                return self.random.randrange(1000, 90000) / 4
            case "java.lang.Boolean":
                return self.random.random() < 0.5
            case "org.openmrs.Concept":
                known = [answer for answer in one.answers if answer not in design.UNMAPPED_ATTRIBUTE_ANSWERS]
                return self.ids("bahmni", "concept", self.random.choice(known))
            case "org.openmrs.util.AttributableDate":
                day = date(2010, 1, 1) + timedelta(days=self.random.randrange(5000))
                return f"{day.isoformat()}T00:00:00.000+0530"
            case _:
                return self.random.choice(("Toda", "Kurumba", "not said", "गोंड"))

    def _consultation(self, patient: str, key: str) -> None:
        """A visit and an encounter of the hospital's own, which nobody else may touch."""
        start = (self.clock() - timedelta(minutes=30)).isoformat(timespec="seconds")
        visit = self.bahmni.hospital_create_visit(
            uuid=self.ids("bahmni", "visit", key),
            patient=patient,
            visitType=catalogue.OPD,
            location=catalogue.OPD_1,
            startDatetime=start,
        )
        self.bahmni.hospital_save_encounter(
            uuid=self.ids("bahmni", "encounter", key),
            patient=patient,
            encounterType=catalogue.CONSULTATION,
            visit=visit.uuid,
            encounterDatetime=start,
            obs=[{"concept": self.ids("bahmni", "concept", "Weight in kg"), "value": 51}],
        )
