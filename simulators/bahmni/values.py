"""Observation values by datatype: what is taken, what is kept, what is refused (openmrs.md O66 to O74)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from simulators.bahmni.bodies import find, given_uuid
from simulators.bahmni.errors import ApiError, bad_value, invalid
from simulators.bahmni.model import Concept
from simulators.bahmni.state import FALSE_CONCEPT, TRUE_CONCEPT, State

__all__ = ["LOCATION_COMMENT", "Value", "named_drug", "read_value"]

Value = str | float | None

JAVA_OBS = "org.openmrs.Obs"
LOCATION_COMMENT = "org.openmrs.Location"
"""Comment of a text observation whose text turned out to be a location's uuid."""

LONGEST_TEXT = 65535
TRUE_WORDS = frozenset({"true", "1", "on", "yes"})
FALSE_WORDS = frozenset({"false", "0", "off", "no"})


def read_value(state: State, concept: Concept, value: Any) -> Value:
    """The stored form of a posted value. Raises 400."""
    if value is None:
        raise _refused("The value for an observation cannot be null")
    reader = _READERS.get(concept.datatype)
    if reader is None:
        raise _refused(f"Don't know how to handle {concept.datatype}")
    return reader(state, concept, value)


def named_drug(state: State, concept: Concept, value: Any) -> str | None:
    """The drug that was given as a coded answer, if one was."""
    drug = find(state.drugs, value) if concept.datatype == "Coded" else None
    return drug.uuid if drug else None


def _refused(reason: str) -> ApiError:
    return bad_value("value", JAVA_OBS, reason)


def _coded(state: State, concept: Concept, value: Any) -> Value:
    answer = find(state.concepts, value)
    if answer is None and isinstance(value, str) and ":" in value:
        answer = next((row for row in state.concepts.values() if value in row.mappings), None)
    if answer is None and (drug := find(state.drugs, value)) is not None:
        answer = state.concepts.get(drug.concept)
    if answer is None:
        raise _refused("the answer concept does not exist")
    return answer.uuid


def _boolean(state: State, concept: Concept, value: Any) -> Value:
    word = given_uuid(value) if isinstance(value, Mapping) else str(value).lower()
    if word in TRUE_WORDS or word == TRUE_CONCEPT:
        return TRUE_CONCEPT
    if word in FALSE_WORDS or word == FALSE_CONCEPT:
        return FALSE_CONCEPT
    raise _refused("not a boolean")


def _numeric(state: State, concept: Concept, value: Any) -> Value:
    literal = str(value).strip()
    if concept.units and literal.endswith(concept.units):
        literal = literal[: -len(concept.units)].strip()
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?", literal):
        raise _refused(f"{concept.name} has invalid units")
    number = float(literal)
    if concept.hi_absolute is not None and number > concept.hi_absolute:
        raise invalid(("valueNumeric", "error.outOfRange.high"))
    if concept.low_absolute is not None and number < concept.low_absolute:
        raise invalid(("valueNumeric", "error.outOfRange.low"))
    if not concept.allow_decimal and number != int(number):
        raise invalid(("valueNumeric", "Obs.error.precision"))
    return number


def _text(state: State, concept: Concept, value: Any) -> Value:
    literal = str(value)
    if not literal.strip():
        raise invalid(("valueText", "error.null"))
    if len(literal) > LONGEST_TEXT:
        raise invalid(("valueText", "error.exceededMaxLengthOfField"))
    return literal


def _date(state: State, concept: Concept, value: Any) -> Value:
    """Only the first ten characters count; time and offset behind them are ignored."""
    prefix = str(value)[:10]
    try:
        return date.fromisoformat(prefix).isoformat()
    except ValueError:
        raise _refused("Unparseable date") from None


def _datetime(state: State, concept: Concept, value: Any) -> Value:
    """`yyyy-MM-dd HH:mm` in server time; a "T" in the middle is refused, seconds are dropped."""
    match = re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d", str(value))
    if match is None:
        raise _refused("Unparseable date")
    try:
        local = datetime.strptime(match.group(), "%Y-%m-%d %H:%M")  # noqa: DTZ007
    except ValueError:
        raise _refused("Unparseable date") from None
    return local.replace(tzinfo=state.settings.zone).isoformat()


def _time(state: State, concept: Concept, value: Any) -> Value:
    match = re.match(r"(?:[01]\d|2[0-3]):[0-5]\d", str(value))
    if match is None:
        raise _refused("Unparseable date")
    return match.group()


def _complex(state: State, concept: Concept, value: Any) -> Value:
    """The bytes of a file as base64; a handler keeps them, the row only says where (O161)."""
    try:
        b64decode(str(value), validate=True)
    except ValueError:
        raise _refused("not base64") from None
    return str(value)


_READERS = {
    "Coded": _coded,
    "Boolean": _boolean,
    "Numeric": _numeric,
    "Text": _text,
    "Date": _date,
    "Datetime": _datetime,
    "Time": _time,
    "Complex": _complex,
}
