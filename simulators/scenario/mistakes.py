"""The records in error of every scenario, one of each kind, with names that a text can speak of."""

from __future__ import annotations

from datetime import date

from simulators.scenario import design
from simulators.scenario.people import Person
from simulators.scenario.planted import Mend, Planted
from simulators.scenario.population import Population

__all__ = ["plant"]


def plant(town: Population) -> tuple[Planted, ...]:
    """Enter them all."""
    return (
        _unmapped_answer(town),
        _no_number(town),
        _refused_name(town),
        *_one_number_for_two(town),
        *_somebody_else(town),
        _unmapped_attribute_value(town),
        _patient_without_subject(town),
    )


def _unmapped_answer(town: Population) -> Planted:
    person = Person("Sarita", "Bhosle", "Female", date(1979, 4, 2))
    uuid = town.subject("unmapped answer", person, town.number(), {"Water source": "Tanker"})
    return Planted(
        "an answer nobody has mapped",
        "subject",
        uuid,
        person.name,
        "bahmni.answer-unmapped",
        "retrying",
        'In the admin: open the error, follow "add the mapping", save, retry.',
        Mend("Observation", "Concept", "Tanker", town.ids("bahmni", "concept", "Tanker")),
    )


def _no_number(town: Population) -> Planted:
    person = Person("Mohan", "Kale", "Male", date(1990, 11, 23))
    return Planted(
        "no patient number",
        "subject",
        town.subject("no number", person, None),
        person.name,
        "bahmni.subject-id-null",
        "retrying",
        f'In Avni: enter "{design.NUMBER}".',
    )


def _refused_name(town: Population) -> Planted:
    person = Person("सुनीता", "देशमुख", "Female", date(1985, 7, 30))
    return Planted(
        "a name the hospital's rule refuses",
        "subject",
        town.subject("refused name", person, town.number()),
        person.name,
        "bahmni.name-refused",
        "retrying",
        "In Bahmni: widen the rule for names; or in Avni: spell the name in Latin letters.",
    )


def _one_number_for_two(town: Population) -> tuple[Planted, Planted]:
    """The one registered first keeps the patient; the other fails. Avni cannot tell whose the patient's data is."""
    number = town.number()
    first = Person("Rekha", "Shinde", "Female", date(1968, 1, 15))
    second = Person("Vimal", "Gaikwad", "Female", date(1994, 9, 9))
    town.subject("first with the number", first, number)
    town.clock.advance(days=1)
    later = town.subject("second with the number", second, number)
    patient = town.patient("two subjects", first, design.PREFIX + number)
    remedy = "In Avni: correct the number of the one who was given it wrongly."
    return (
        Planted(
            "two subjects with one number",
            "subject",
            later,
            second.name,
            "bahmni.multiple-subjects",
            "retrying",
            remedy,
        ),
        Planted(
            "a patient whom two subjects claim",
            "patient",
            patient,
            first.name,
            "bahmni.multiple-subjects-for-patient",
            "retrying",
            remedy,
        ),
    )


def _somebody_else(town: Population) -> tuple[Planted, Planted]:
    number = town.number()
    subject = Person("Kiran", "Joshi", "Female", date(2001, 2, 28))
    patient = Person("Prakash", "Kulkarni", "Male", date(1956, 10, 5))
    remedy = "On either side: correct the number, or name and gender if it is one person; then retry."
    subject_uuid = town.subject("disagrees", subject, number)
    patient_uuid = town.patient("disagrees", patient, design.PREFIX + number)
    message = "bahmni.first-match-disagrees"
    return (
        Planted("the number is somebody else's", "subject", subject_uuid, subject.name, message, "held", remedy),
        Planted("the number is somebody else's", "patient", patient_uuid, patient.name, message, "held", remedy),
    )


def _unmapped_attribute_value(town: Population) -> Planted:
    person, number = Person("Dattu", "Pardhi", "Male", date(1972, 6, 1)), town.number()
    answer = design.UNMAPPED_ATTRIBUTE_ANSWERS[0]
    concept = town.ids("bahmni", "concept", answer)
    town.subject("unmapped attribute value", person, number)
    uuid = town.patient("unmapped attribute value", person, design.PREFIX + number, {"class": concept})
    return Planted(
        "a value of an attribute nobody has mapped",
        "patient",
        uuid,
        person.name,
        "bahmni.attribute-answer-unmapped",
        "retrying",
        'In the admin: open the error, follow "add the mapping", save, retry.',
        Mend("Observation", "Concept", design.as_hospital_answer(answer), concept),
    )


def _patient_without_subject(town: Population) -> Planted:
    person = Person("Leela", "Madavi", "Female", date(1999, 3, 8))
    uuid = town.patient("no subject yet", person, design.PREFIX + town.number())
    return Planted(
        "a patient whose subject is still to come",
        "patient",
        uuid,
        person.name,
        "bahmni.no-subject",
        "deferred",
        "Nothing to do: it goes on when a subject with the number is registered in Avni.",
    )
