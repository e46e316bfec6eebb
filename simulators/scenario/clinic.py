"""Forms that the hospital's people fill in: most become encounters in Avni, some stay in the hospital for a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from simulators.bahmni import clinicians
from simulators.scenario import forms
from simulators.scenario.correspondence import hospital_concept
from simulators.scenario.design import Question
from simulators.scenario.forms import Form, Group
from simulators.scenario.population import Population

__all__ = ["Clinic"]

Obs = dict[str, Any]

VITALS, HISTORY, DISCHARGE = forms.HOSPITAL_FORMS
_SAID = (
    "Sleeps badly",
    "Kein Fieber seit gestern",
    "सुबह से सिर दर्द",
    'Said "never again"; 3 + 2 days',
    "First line\nSecond line: 50% better",
)
_ONE_OF = 8
"""One in so many stays in the hospital."""


class Clinic:
    """Saves encounters as clinicians do, each with a feed event; uuids, answers and times follow from the seed."""

    def __init__(self, town: Population) -> None:
        """In that town, whose people are there already."""
        self.town = town

    def settle(self, number: int) -> None:
        """Save so many encounters that get through and, on top of them, some that do not: of each kind at least one."""
        known = [resident.patient for resident in self.town.residents if resident.patient]
        for place in range(number):
            self._of_many_kinds(f"encounter {place}", self.town.random.choice(known), place)
        stays: tuple[Callable[[str, str], object], ...] = (
            self._voided, self._without_a_mapped_form, self._with_its_form_taken_out,
        )  # fmt: skip
        for place in range(max(number // _ONE_OF, len(stays)) if number else 0):
            stays[place % len(stays)](f"stays {place}", self.town.random.choice(known))
        for place, outsider in enumerate(self.town.outsiders if number else ()):
            self.consult(f"stranger {place}", outsider, [VITALS])

    def consult(self, key: str, patient: str, filled: Sequence[Form], answers: Mapping[str, Any] | None = None) -> str:
        """A consultation with these forms filled in; its uuid. `answers` by question are laid over drawn ones."""
        self.town.clock.advance(seconds=71)
        uuid = self.town.ids("bahmni", "encounter", key)
        numbers = iter(range(10**6))
        documents = [self._filled(key, numbers, form, answers or {}) for form in filled]
        clinicians.save_encounter(self.town.bahmni, patient, *documents, uuid=uuid)
        return uuid

    def filled(self, key: str, form: Form) -> Obs:
        """A form filled in, as the screen sends it."""
        return self._filled(key, iter(range(10**6)), form, {})

    def top(self, encounter: str, form: Form) -> str:
        """Uuid of the observation at the top that is the (first) filled in form."""
        concept = hospital_concept(self.town.ids, form.name)
        rows = self.town.bahmni.obs_of(encounter)
        return next(row.uuid for row in rows if row.group is None and row.concept == concept and not row.voided)

    # -- kinds of encounters ----------------------------------------------------------------------------------------

    def _of_many_kinds(self, key: str, patient: str, place: int) -> None:
        """Every third with two forms; some with one twice, with an unmapped one beside, edited or cut down later on."""
        filled = [forms.HOSPITAL_FORMS[place % 3]]
        if place % 3 == 1:
            filled.append(VITALS if place % 2 else DISCHARGE)
        if place % 7 == 3:
            filled.append(forms.UNMAPPED_HOSPITAL_FORM)
        if place % 11 == 6:
            filled.append(filled[0])
        encounter = self.consult(key, patient, filled, {"Pulse rate": 70} if place % 9 == 4 else None)
        if place % 9 == 4 and VITALS in filled:
            self._correct_the_pulse(encounter)
        elif place % 13 == 7 and place % 3 == 1:  # the other one stays
            self._take_out(encounter, filled[0])

    def _voided(self, key: str, patient: str) -> None:
        clinicians.void_encounter(self.town.bahmni, self.consult(key, patient, [HISTORY]))

    def _without_a_mapped_form(self, key: str, patient: str) -> None:
        self.consult(key, patient, [forms.UNMAPPED_HOSPITAL_FORM])

    def _with_its_form_taken_out(self, key: str, patient: str) -> None:
        self._take_out(self.consult(key, patient, [DISCHARGE]), DISCHARGE)

    def _take_out(self, encounter: str, form: Form) -> None:
        self.town.clock.advance(minutes=2)
        clinicians.remove_obs(self.town.bahmni, self.top(encounter, form))

    def _correct_the_pulse(self, encounter: str) -> None:
        """A clinician corrects an answer: the observation gets a new uuid, and the encounter another event."""
        self.town.clock.advance(minutes=3)
        concept = hospital_concept(self.town.ids, "Pulse rate")
        rows = self.town.bahmni.obs_of(encounter)
        clinicians.edit_obs(self.town.bahmni, next(row.uuid for row in rows if row.concept == concept), 72)

    # -- drawn ------------------------------------------------------------------------------------------------------

    def _filled(self, key: str, numbers: Iterator[int], form: Form | Group, answers: Mapping[str, Any]) -> Obs:
        """A form or group with its members; the first of them is never left out, for a group needs one."""
        members: list[Obs] = []
        for member in form.members:
            if members and self.town.random.random() < 0.15 and not _is_laid_down(member, answers):
                continue
            if isinstance(member, Group):
                times = self.town.random.randrange(1, member.times + 1)
                members += [self._filled(key, numbers, member, answers) for _ in range(times)]
            else:
                members += self._answered(key, numbers, member, answers)
        concept = {"uuid": hospital_concept(self.town.ids, form.name)}
        return {"uuid": self._uuid(key, numbers), "concept": concept, "groupMembers": members}

    def _answered(
        self, key: str, numbers: Iterator[int], question: Question, answers: Mapping[str, Any]
    ) -> Iterator[Obs]:
        """The observations of one question: several answers are siblings."""
        given = answers[question.name] if question.name in answers else self.answer(question)
        for one in given if isinstance(given, list) else [given]:
            value = hospital_concept(self.town.ids, one) if question.kind == "Coded" else one
            concept = {"uuid": hospital_concept(self.town.ids, question.name)}
            yield {"uuid": self._uuid(key, numbers), "concept": concept, "value": value, "groupMembers": []}

    def _uuid(self, key: str, numbers: Iterator[int]) -> str:
        return self.town.ids("bahmni", "obs", key, str(next(numbers)))

    def answer(self, question: Question) -> Any:
        """What somebody says to a question of the hospital; several answers as a list, each by its name."""
        random, now = self.town.random, self.town.clock()
        match question.kind:
            case "Coded":
                known = [answer for answer in question.answers if answer not in forms.UNMAPPED_HOSPITAL_ANSWERS]
                return random.sample(known, random.randrange(1, len(known))) if question.many else random.choice(known)
            case "Numeric":
                return random.randrange(120, 2400) / 10
            case "Boolean":
                return random.random() < 0.5
            case "Date":
                return (now.date() - timedelta(days=random.randrange(60))).isoformat()
            case "DateTime":
                return (now + timedelta(minutes=random.randrange(20_000))).strftime("%Y-%m-%d %H:%M")
            case _:
                told = question.name == forms.TOLD_AS_TEXT
                return str(random.randrange(300, 900) / 10) if told else random.choice(_SAID)


def _is_laid_down(member: Question | Group, answers: Mapping[str, Any]) -> bool:
    """Whether somebody asked for an answer to this question, or to one in this group."""
    if isinstance(member, Group):
        return any(_is_laid_down(each, answers) for each in member.members)
    return member.name in answers
