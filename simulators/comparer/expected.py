"""What follows for the other side from a record, by the scenario's own pairs: values in a form that compares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulators.comparer.tables import Row
from simulators.scenario import Correspondence

__all__ = [
    "Values",
    "attribute_values",
    "avni_values",
    "bahmni_values",
    "differences",
    "event_values",
    "form_values",
    "registration_values",
    "visit_values",
]

Values = Counter[tuple[str, Any]]
"""(concept of the target, value), as often as it stands there."""

_INDIA = ZoneInfo("Asia/Kolkata")


def registration_values(subject: Row, pairs: Correspondence) -> Values:
    """The observations a subject's registration encounter must hold in Bahmni."""
    ours = pairs.hospital
    values = _answers(subject["observations"], pairs)
    values += Counter({(ours.marker, subject["uuid"]): 1, (ours.event_date, subject["registration_date"]): 1})
    for field, partner in pairs.demographics.items():
        if subject[field]:
            values[partner.uuid, subject[field]] += 1
    return values


def visit_values(encounter: Row, day: str, pairs: Correspondence) -> Values:
    """The observations a general encounter of that day (in the hospital's zone) must hold in Bahmni."""
    ours = pairs.hospital
    values = _answers(encounter["observations"], pairs)
    return values + Counter({(ours.marker, encounter["uuid"]): 1, (ours.event_date, day): 1})


def event_values(enrolment: Row, event: str, observations: Row, day: str, pairs: Correspondence) -> Values:
    """The observations the encounter of an enrolment or exit of that day must hold in Bahmni."""
    ours = pairs.hospital
    text = f"{enrolment['kind']} - {event} - {date.fromisoformat(day):%d-%m-%Y}"
    beside = Counter({(ours.marker, enrolment["uuid"]): 1, (ours.event_date, day): 1, (ours.program_data, text): 1})
    return _answers(observations, pairs) + beside


def _answers(observations: Row, pairs: Correspondence) -> Values:
    """Mapped answers of the field team, but for what is left out on purpose."""
    values: Values = Counter()
    for concept, given in observations.items():
        partner = pairs.questions.get(concept)
        if partner is None or concept in pairs.ignored_in_avni:
            continue
        if partner.kind == "Coded":
            chosen = set(given if isinstance(given, list) else [given]) - pairs.ignored_in_avni
            values.update((partner.uuid, pairs.answers.get(answer, answer)) for answer in chosen)
        elif not (isinstance(given, str) and not given.strip()):
            values[partner.uuid, _plain(partner.kind, given)] += 1
    return values


def attribute_values(person: Row, patient_uuid: str, pairs: Correspondence) -> Values:
    """The observations a patient's registration encounter must hold in Avni."""
    values: Values = Counter({(pairs.avni_marker, patient_uuid): 1})
    for attribute in person["attributes"]:
        partner, value = pairs.attributes.get(attribute["type"]), attribute["value"]
        if partner is None or attribute["voided"] or value is None or value == "":
            continue
        if partner.kind == "Coded":
            answer = str(value).lower() if isinstance(value, bool) else value
            values[partner.uuid, pairs.hospital_answers.get(answer, answer)] += 1
        else:
            values[partner.uuid, _plain(partner.kind, value)] += 1
    return values


def form_values(leaves: Iterable[Row], encounter_uuid: str, pairs: Correspondence) -> Values:
    """The observations the general encounter of one filled in form must hold in Avni."""
    values: Values = Counter({(pairs.avni_marker, encounter_uuid): 1})
    answers: set[tuple[str, Any]] = set()
    for leaf in leaves:
        concept, value = leaf["concept"], leaf["value"]
        partner = pairs.hospital_questions.get(concept)
        if partner is None or concept in pairs.ignored_in_bahmni:
            continue
        if partner.kind != "Coded":
            values[partner.uuid, _plain(partner.kind, value)] += 1
        elif value not in pairs.ignored_in_bahmni:
            answers.add((partner.uuid, pairs.hospital_answers.get(value, value)))
    return values + Counter(answers)


def bahmni_values(leaves: Iterable[Row], pairs: Correspondence) -> Values:
    """Observations as they stand in Bahmni."""
    kinds = {partner.uuid: partner.kind for partner in pairs.questions.values()}
    return Counter((row["concept"], _plain(kinds.get(row["concept"], "Text"), row["value"])) for row in leaves)


def avni_values(observations: Row, pairs: Correspondence) -> Values:
    """Observations as they stand in Avni; several answers to one question count one by one."""
    partners = (*pairs.attributes.values(), *pairs.hospital_questions.values())
    kinds = {partner.uuid: partner.kind for partner in partners}
    values: Values = Counter()
    for concept, given in observations.items():
        for one in given if isinstance(given, list) else [given]:
            values[concept, _plain(kinds.get(concept, "Text"), one)] += 1
    return values


def differences(wanted: Values, there: Values) -> list[tuple[str, str]]:
    """(kind, concept) of what differs: a value is missing, another one stands there, or one is too many."""
    lacking, surplus = wanted - there, there - wanted
    lacking_concepts, surplus_concepts = ({concept for concept, _ in side} for side in (lacking, surplus))
    found = [("value-wrong", concept) for concept in sorted(lacking_concepts & surplus_concepts)]
    found += [("value-missing", concept) for concept in sorted(lacking_concepts - surplus_concepts)]
    found += [("value-extra", concept) for concept in sorted(surplus_concepts - lacking_concepts)]
    return found


def _plain(kind: str, value: Any) -> Any:
    """A value in a form that compares; what is no value of its kind stands for itself."""
    try:
        if kind == "Numeric" and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str):
            return _READ[kind](value) if kind in _READ else value
    except (TypeError, ValueError):
        pass
    return str(value) if isinstance(value, dict | list) else value  # a counter takes nothing that can be changed


def _day(text: str) -> str:
    """Avni keeps a day as midnight of India, told in UTC."""
    if len(text) == len("2025-01-06"):
        return text
    return datetime.fromisoformat(text).astimezone(_INDIA).date().isoformat()


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")


def _clock(text: str) -> str:
    """Hours and minutes."""
    return text[:5]


_READ = {"Date": _day, "DateTime": _moment, "Time": _clock}
