"""What field workers do in Avni in the course of a history, one function each, through the door of the field app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from simulators.avni.rows import SubjectRow, VisitRow
from simulators.avni.times import IST, from_ms, to_ms
from simulators.history.place import NotNow, Place
from simulators.scenario import design, forms, programs
from simulators.scenario.people import Person, answers_of
from simulators.scenario.population import Resident
from simulators.scenario.visit_answers import visit_answers

__all__ = ["FIELD_EDITS"]

Edit = Callable[[Place, str], object]

_KINDS: Final = {visit.name: visit for visit in (*forms.VISITS, *programs.PROGRAM_VISITS)}


# -- subjects ---------------------------------------------------------------------------------------------------------


def register_a_subject(place: Place, key: str) -> None:
    """Somebody new, with a number nobody has."""
    number = place.town.number()
    place.numbers[place.town.subject(key, place.town.somebody(), number)] = number


def register_a_subject_without_a_number(place: Place, key: str) -> None:
    """The number is to follow."""
    place.numbers[place.town.subject(key, place.town.somebody(), None)] = place.town.number()


def register_a_patient_as_a_subject(place: Place, key: str) -> None:
    """Somebody whom the hospital has a number for and Avni does not know yet."""
    taken = {row.observations.get(place.pairs.number) for row in place.subjects()}
    patient = place.choose(row for row in place.community_patients() if place.number_of(row) not in taken)
    person, number = place.bahmni.persons[patient.uuid], place.number_of(patient)
    name = next(row for row in person.names if not row.voided)
    gender = {"F": "Female", "M": "Male"}.get(person.gender or "", "Other")
    known = Person(name.given_name or "", name.family_name or "", gender, person.birthdate or date(1990, 1, 1))
    place.numbers[place.town.subject(key, known, number)] = number


def give_a_number_late(place: Place, key: str) -> None:
    """To somebody who has none."""
    subject = place.choose(row for row in place.live_subjects() if not _number(place, row))
    _edit(place, subject.uuid, {design.NUMBER: place.numbers[subject.uuid]})


def mistype_a_number(place: Place, key: str) -> None:
    """A digit too many, or none left."""
    subject = place.choose(row for row in place.live_subjects() if _number(place, row))
    wrong = f"{_number(place, subject)}9{place.random.randrange(10)}" if place.random.random() < 0.8 else None
    _edit(place, subject.uuid, {design.NUMBER: wrong})


def swap_two_numbers(place: Place, key: str) -> None:
    """Two people get each other's."""
    subjects = [row for row in place.live_subjects() if _number(place, row) == place.numbers[row.uuid] != ""]
    one = place.choose(subjects)
    other = place.choose(row for row in subjects if row.uuid != one.uuid)
    numbers = _number(place, one), _number(place, other)
    _edit(place, one.uuid, {design.NUMBER: numbers[1]})
    place.town.clock.advance(seconds=20)
    _edit(place, other.uuid, {design.NUMBER: numbers[0]})


def correct_a_number(place: Place, key: str) -> None:
    """To what it should be."""
    subject = place.choose(row for row in place.live_subjects() if _is_mistyped(place, row))
    _edit(place, subject.uuid, {design.NUMBER: place.numbers[subject.uuid]})


def enter_a_number_twice(place: Place, key: str) -> None:
    """Somebody new gets the number of somebody else, sometimes of one of the same name."""
    first = place.choose(row for row in place.live_subjects() if _number(place, row) == place.numbers[row.uuid] != "")
    person = place.town.somebody()
    if place.random.random() < 0.5:
        born = date.fromisoformat(first.date_of_birth or "1990-01-01")
        person = Person(first.first_name or "", first.last_name or "", first.gender or "", born)
    second = place.town.subject(key, person, _number(place, first))
    place.numbers[second] = place.town.number()


def edit_a_registration(place: Place, key: str) -> None:
    """Some answers are others now, some are taken out."""
    subject = place.choose(place.live_subjects())
    registered = date.fromisoformat(subject.registration_date or "")
    drawn = answers_of(place.random, registered)
    asked = [*(question.name for question in design.QUESTIONS), *(one.name for one in design.UNMAPPED_QUESTIONS)]
    for name in place.random.sample(asked, place.random.randrange(1, 5)):
        _edit(place, subject.uuid, {name: drawn.get(name)})


def answer_what_nobody_mapped(place: Place, key: str) -> None:
    """An answer without a partner."""
    subject = place.choose(place.live_subjects())
    _edit(place, subject.uuid, {"Water source": design.UNMAPPED_ANSWERS[0]})


def mend_what_nobody_mapped(place: Place, key: str) -> None:
    """Another answer in its place."""
    unmapped = place.made.ids("avni", "concept", design.UNMAPPED_ANSWERS[0])
    subject = place.choose(row for row in place.live_subjects() if unmapped in row.observations.values())
    _edit(place, subject.uuid, {"Water source": place.random.choice(("Well", None))})


def correct_a_name(place: Place, key: str) -> None:
    """Spelt otherwise, or born on another day."""
    subject = place.choose(place.live_subjects())
    if place.random.random() < 0.5:
        place.avni.edit_subject(subject.uuid, first_name=f"{subject.first_name}a")
    else:
        born = date.fromisoformat(subject.date_of_birth or "1990-01-01")
        place.avni.edit_subject(subject.uuid, date_of_birth=(born - timedelta(days=3)).isoformat())


def move_a_registration_date(place: Place, key: str) -> None:
    """Earlier or later, never into the future."""
    subject = place.choose(place.live_subjects())
    day = date.fromisoformat(subject.registration_date or "") + timedelta(days=place.random.randrange(-40, 41))
    place.avni.edit_subject(subject.uuid, registration_date=min(day, _today(place)).isoformat())


def void_a_subject(place: Place, key: str) -> None:
    """It was a mistake, or seemed one."""
    place.avni.void_subject(place.choose(place.live_subjects()).uuid)


def unvoid_a_subject(place: Place, key: str) -> None:
    """It was none; sometimes with other answers at once."""
    subject = place.choose(row for row in place.subjects() if row.voided)
    place.avni.edit_subject(subject.uuid, voided=False)


# -- visits of the field team -----------------------------------------------------------------------------------------


def hold_a_visit(place: Place, key: str) -> None:
    """Of any type; sometimes dated before the registration."""
    resident = _resident(place)
    early = place.random.random() < 0.15
    place.fieldwork.held(key, resident, place.random.choice(forms.VISITS), early=early)


def hold_a_visit_with_an_unmapped_answer(place: Place, key: str) -> None:
    """It cannot travel until somebody mends it."""
    answers = {"Reason for the visit": forms.UNMAPPED_VISIT_ANSWERS[0]}
    place.fieldwork.held(key, _resident(place), forms.VISITS[0], answers)


def mend_a_visit(place: Place, key: str) -> None:
    """Another answer for the one without a partner."""
    unmapped = place.made.ids("avni", "concept", forms.UNMAPPED_VISIT_ANSWERS[0])
    visit = place.choose(row for row in place.visits() if unmapped in row.observations.values())
    _edit(place, visit.uuid, {"Reason for the visit": place.random.choice(("Illness", None))})


def plan_a_visit(place: Place, key: str) -> None:
    """It has not taken place yet."""
    soon = to_ms(place.town.clock())
    fields: dict[str, Any] = {"encounter_ms": None, "earliest_ms": soon, "max_ms": soon + 864_000_000}
    place.fieldwork.held(key, _resident(place), place.random.choice(forms.VISITS), **fields)


def complete_a_visit(place: Place, key: str) -> None:
    """One that was planned, cancelled ones too."""
    visit = place.choose(row for row in place.visits() if row.encounter_ms is None and not row.voided)
    place.avni.edit(
        visit.uuid, encounter_ms=to_ms(place.recently()), cancel_ms=None, observations=_answers(place, visit)
    )


def cancel_a_planned_visit(place: Place, key: str) -> None:
    """Nobody was at home."""
    planned = (row for row in place.visits() if row.encounter_ms is None and row.cancel_ms is None and not row.voided)
    _cancel(place, place.choose(planned))


def cancel_a_completed_visit(place: Place, key: str) -> None:
    """It did not take place after all."""
    _cancel(place, place.choose(_held(place)))


def edit_a_visit(place: Place, key: str) -> None:
    """Some answers are others now, some are taken out; several answers become fewer or more."""
    visit = place.choose(_held(place))
    drawn = _answers(place, visit)
    for name in place.random.sample(sorted(drawn), min(len(drawn), place.random.randrange(1, 5))):
        _edit(place, visit.uuid, {name: drawn[name]})


def blank_an_answer(place: Place, key: str) -> None:
    """An answer of a visit is taken out."""
    visit = place.choose(row for row in _held(place) if row.observations)
    names = {uuid: name for name, uuid in _concepts(place).items()}
    _edit(place, visit.uuid, {names[place.choose(sorted(visit.observations))]: None})


def move_a_visit(place: Place, key: str) -> None:
    """To another day: earlier, later, or before the registration."""
    visit = place.choose(_held(place))
    moved = from_ms(visit.encounter_ms or 0) + timedelta(hours=place.random.randrange(-1000, 1001))
    place.avni.edit(visit.uuid, encounter_ms=to_ms(min(moved, place.recently())))


def void_a_visit(place: Place, key: str) -> None:
    """Held, planned or cancelled."""
    place.avni.void(place.choose(row for row in place.visits() if not row.voided).uuid)


def unvoid_a_visit(place: Place, key: str) -> None:
    """With what it said, or with other answers."""
    visit = place.choose(row for row in place.visits() if row.voided)
    changes = {"observations": _answers(place, visit)} if place.random.random() < 0.5 else {}
    place.avni.edit(visit.uuid, voided=False, **changes)


# -- what came from the hospital --------------------------------------------------------------------------------------


def add_a_note_to_what_came(place: Place, key: str) -> None:
    """An answer to a question that is the field team's own."""
    row = place.choose(row for row in place.brought() if not row.voided)
    _edit(place, row.uuid, {"For the supervisor only": f"seen, {place.random.randrange(1000)}"})


def void_what_came(place: Place, key: str) -> None:
    """A field worker thinks that it should not be there."""
    place.avni.void(place.choose(row for row in place.brought() if not row.voided).uuid)


def unvoid_what_came(place: Place, key: str) -> None:
    """A field worker takes that back."""
    voided = (row for row in place.brought() if row.voided and row.modified_by != place.pairs.avni_user)
    place.avni.edit(place.choose(voided).uuid, voided=False)


def answer_what_came_otherwise(place: Place, key: str) -> None:
    """A field worker knows better than the hospital."""
    row, concept = _an_answer_that_came(place)
    concepts = place.avni.organisation(place.pairs.organisation).concepts
    designed, known = concepts[concept], row.observations[concept]
    if designed.data_type == "Coded":
        said = known if isinstance(known, list) else [known]
        other = place.choose(sorted({*designed.answers} - {*said}))
        _edit(place, row.uuid, {designed.name: concepts[other].name})
    else:
        better = known + 1 if isinstance(known, int | float) else f"in the village: {place.random.randrange(1000)}"
        _edit(place, row.uuid, {designed.name: better})


def take_an_answer_out_of_what_came(place: Place, key: str) -> None:
    """A field worker thinks that it is wrong."""
    row, concept = _an_answer_that_came(place)
    _edit(place, row.uuid, {place.avni.organisation(place.pairs.organisation).concepts[concept].name: None})


FIELD_EDITS: Final[Mapping[str, tuple[int, Edit]]] = {
    "a subject is registered": (3, register_a_subject),
    "a subject is registered without a number": (2, register_a_subject_without_a_number),
    "a patient is registered as a subject": (3, register_a_patient_as_a_subject),
    "a number is given late": (5, give_a_number_late),
    "a number is mistyped": (2, mistype_a_number),
    "two numbers are swapped": (2, swap_two_numbers),
    "a number is corrected": (6, correct_a_number),
    "a number is entered twice": (2, enter_a_number_twice),
    "a registration is edited": (6, edit_a_registration),
    "an answer nobody mapped is given": (3, answer_what_nobody_mapped),
    "an answer nobody mapped is mended": (6, mend_what_nobody_mapped),
    "a name is corrected": (2, correct_a_name),
    "a registration date is moved": (4, move_a_registration_date),
    "a subject is voided": (2, void_a_subject),
    "a subject is un-voided": (3, unvoid_a_subject),
    "a visit is held": (12, hold_a_visit),
    "a visit is held with an answer nobody mapped": (3, hold_a_visit_with_an_unmapped_answer),
    "a visit is mended": (7, mend_a_visit),
    "a visit is planned": (3, plan_a_visit),
    "a visit is completed": (4, complete_a_visit),
    "a planned visit is cancelled": (3, cancel_a_planned_visit),
    "a completed visit is cancelled": (3, cancel_a_completed_visit),
    "a visit is edited": (10, edit_a_visit),
    "an answer is taken out of a visit": (4, blank_an_answer),
    "a visit is moved": (6, move_a_visit),
    "a visit is voided": (4, void_a_visit),
    "a visit is un-voided": (4, unvoid_a_visit),
    "a note is added to what came from the hospital": (4, add_a_note_to_what_came),
    "what came from the hospital is voided": (4, void_what_came),
    "what came from the hospital is un-voided": (7, unvoid_what_came),
    "an answer that came from the hospital is corrected": (2, answer_what_came_otherwise),
    "an answer that came from the hospital is taken out": (2, take_an_answer_out_of_what_came),
}
"""What field workers do, each with how often it happens beside the others."""


# -- what they draw ---------------------------------------------------------------------------------------------------


def _number(place: Place, subject: SubjectRow) -> str:
    return str(subject.observations.get(place.pairs.number) or "")


def _is_mistyped(place: Place, subject: SubjectRow) -> bool:
    return _number(place, subject) != place.numbers[subject.uuid]


def _edit(place: Place, uuid: str, answers: Mapping[str, Any]) -> None:
    place.avni.edit(uuid, observations=dict(answers))


def _concepts(place: Place) -> dict[str, str]:
    designed = place.avni.organisation(place.pairs.organisation).concepts
    return {concept.name: uuid for uuid, concept in designed.items()}


def _resident(place: Place) -> Resident:
    """Mostly of somebody with a number; a visit of a voided one waits, too."""
    subject = place.choose(place.subjects() if place.random.random() < 0.05 else place.live_subjects())
    resident = place.town.resident(subject.uuid)
    if resident.registered >= _today(place):
        raise NotNow  # nobody visits on the day of the registration itself
    return resident


def _held(place: Place) -> list[VisitRow]:
    return [row for row in place.visits() if row.encounter_ms is not None and not row.voided]


def _answers(place: Place, visit: VisitRow) -> dict[str, Any]:
    """Answers to every question of the visit's type, None to those left open."""
    kind = _KINDS[visit.kind]
    drawn = visit_answers(place.random, kind, place.town.clock())
    return {name: drawn.get(name) for name in kind.questions}


def _an_answer_that_came(place: Place) -> tuple[VisitRow, str]:
    """An encounter that came from the hospital, and the concept of one of its answers that anybody may know better."""
    partners = (*place.pairs.attributes.values(), *place.pairs.hospital_questions.values())
    asked = {partner.uuid for partner in partners if partner.kind in ("Coded", "Numeric", "Text")}
    rows = (row for row in place.brought() if not row.voided)
    return place.choose((row, concept) for row in rows for concept in sorted(row.observations) if concept in asked)


def _cancel(place: Place, visit: VisitRow) -> None:
    place.avni.edit(visit.uuid, encounter_ms=None, cancel_ms=to_ms(place.town.clock()))


def _today(place: Place) -> date:
    """The day in India. What is dated today has begun there, hours later in Greenwich."""
    return place.town.clock().astimezone(IST).date()
