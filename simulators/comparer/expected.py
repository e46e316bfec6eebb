"""What follows for the other side from a record, by the scenario's own pairs: values in a form that compares."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulators.comparer.tables import Row
from simulators.scenario import Correspondence

__all__ = ["Values", "attribute_values", "avni_values", "bahmni_values", "differences", "registration_values"]

Values = Counter[tuple[str, Any]]
"""(concept of the target, value), as often as it stands there."""

_INDIA = ZoneInfo("Asia/Kolkata")


def registration_values(subject: Row, pairs: Correspondence) -> Values:
    """The observations a subject's registration encounter must hold in Bahmni."""
    ours = pairs.hospital
    values: Values = Counter({(ours.marker, subject["uuid"]): 1, (ours.event_date, subject["registration_date"]): 1})
    for concept, given in subject["observations"].items():
        partner = pairs.questions.get(concept)
        if partner is None:
            continue
        if partner.kind == "Coded":
            chosen = given if isinstance(given, list) else [given]
            values.update((partner.uuid, pairs.answers.get(answer, answer)) for answer in set(chosen))
        elif not (partner.kind == "Text" and not given.strip()):
            values[partner.uuid, _plain(partner.kind, given)] += 1
    for field, partner in pairs.demographics.items():
        if subject[field]:
            values[partner.uuid, subject[field]] += 1
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


def bahmni_values(leaves: list[Row]) -> Values:
    """Observations as they stand in Bahmni."""
    return Counter((row["concept"], row["value"]) for row in leaves)


def avni_values(observations: Row, pairs: Correspondence) -> Values:
    """Observations as they stand in Avni; several answers to one question count one by one."""
    kinds = {partner.uuid: partner.kind for partner in pairs.attributes.values()}
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
    """A number as a number, a date as a day; Avni keeps a day as midnight of India, told in UTC."""
    if kind == "Numeric" and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError):
            return value
    if kind == "Date" and isinstance(value, str):
        return _day(value)
    return value


def _day(text: str) -> str:
    if len(text) == len("2025-01-06"):
        return text
    return datetime.fromisoformat(text).astimezone(_INDIA).date().isoformat()
