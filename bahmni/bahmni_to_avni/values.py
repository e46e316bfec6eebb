"""Values of the hospital in the spelling of Avni, and whether Avni holds them already. Pure.

Shared by attributes of patients and answers of encounters. Stands on avni.md A25 to A27 (how answers, dates and all
else are kept and shown) and openmrs.md O44, O66 to O72, O88 (how the hospital shows them).
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from datetime import datetime, time
from math import isfinite
from typing import Any, Final

from avni.wire import INDIA, instant, spelled
from bahmni import vocabulary as v
from bahmni.numbers import number_in
from common.text import is_storable
from engine.verdicts import Fail
from mappings.models import DataTypeHint, Side
from mappings.snapshot import Entry, Snapshot

CONCEPT: Final = re.compile(r"[0-9A-Za-z-]{36,38}")
"""A uuid of OpenMRS: 36 characters, up to 38 in old data."""


def translated(value: Any, entry: Entry, snapshot: Snapshot, *, unmapped: str) -> Any:
    """A value that is not empty as Avni writes it; None for an answer that is left out on purpose.

    `entry` is the mapping of its question. Raises Fail: `unmapped` for an answer without a partner, else for a value
    of another kind than the mapping says.
    """
    if is_coded(value, entry):
        return _answer(value, entry, snapshot, unmapped)
    match entry.data_type_hint:
        case DataTypeHint.NUMERIC:
            return _number(value, entry)
        case DataTypeHint.DATE:
            return _date(value, entry)
        case DataTypeHint.DATETIME:
            return _date_time(value, entry)
        case _:
            return _plain(value, entry)


def is_coded(value: Any, entry: Entry) -> bool:
    """Whether a value is one of the answers of its question: it is an object, or the mapping says so."""
    return isinstance(value, Mapping) or entry.data_type_hint == DataTypeHint.CODED


def moment(text: Any) -> str:
    """A date-time of OpenMRS (whole seconds and an offset, O24) as Avni spells it. Raises ValueError."""
    try:
        return spelled(instant(text).replace(microsecond=0))
    except (OverflowError, TypeError):
        raise ValueError("no date-time") from None


def differing(wanted: Mapping[str, Any], there: Mapping[str, Any], ours: Container[str]) -> dict[str, Any]:
    """What a partial update must carry: changed values, and null for those of `ours` that nobody wants any more."""
    changed = {key: value for key, value in wanted.items() if not same(value, there.get(key))}
    gone = {key: None for key in sorted(there) if key in ours and key not in wanted}
    return {**changed, **gone}


def same(wanted: Any, there: Any) -> bool:
    """Whether Avni shows what is wanted: several answers in any order, one alone or in a list, a date by its day."""
    if isinstance(wanted, list) or isinstance(there, list):
        ones, others = _listed(wanted), _listed(there)
        if any(isinstance(one, Mapping) for one in ones):  # a group filled in several times, in its order
            return len(ones) == len(others) and all(map(_same_group, ones, others))
        return all(any(_equal(one, other) for other in others) for one in ones) and all(
            any(_equal(one, other) for one in ones) for other in others
        )
    return _equal(wanted, there)


# -- by kind ---------------------------------------------------------------------------------------------------------


def _answer(value: Any, entry: Entry, snapshot: Snapshot, unmapped: str) -> str | None:
    """The Avni answer for a concept, or for a yes/no attribute by mappings of "true" and "false"."""
    if isinstance(value, Mapping) and not _is_concept(value):
        raise _bad_kind(entry, "an answer")
    concept = _uuid(value)
    if snapshot.is_ignored(Side.INT_SYSTEM, concept):
        return None
    answer = snapshot.from_int_system(*v.CONCEPT, concept)
    if answer is None:
        # A coded question that holds bare text may hold anything; only a concept's uuid and name are metadata.
        is_concept = isinstance(value, Mapping) and CONCEPT.fullmatch(concept)
        shown = (concept, str(value.get("display"))) if is_concept else ("", "a text")
        raise Fail(unmapped, question=entry.avni_value, side=Side.INT_SYSTEM, value=shown[0], name=shown[1])
    return answer.avni_value


def _is_concept(value: Mapping[str, Any]) -> bool:
    """Whether an object is a concept, as far as it tells: others (a place, a drug, a file) link to what they are."""
    links = [str(link.get("uri")) for link in value.get("links") or () if link.get("rel") == "self"]
    return "uuid" in value and (not links or any("/concept/" in uri for uri in links))


def _uuid(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("uuid"))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any, entry: Entry) -> int | float:
    try:
        return number_in(value)
    except ValueError:
        raise _bad_kind(entry, "a number") from None


def _date(value: Any, entry: Entry) -> str:
    """Midnight of India in UTC, which is how the field app stores a date."""
    try:
        day = datetime.fromisoformat(str(value)[:10]).date()
        return spelled(datetime.combine(day, time.min, INDIA))
    except (OverflowError, ValueError):
        raise _bad_kind(entry, "a date") from None


def _date_time(value: Any, entry: Entry) -> str:
    try:
        return moment(value)
    except ValueError:
        raise _bad_kind(entry, "a date with its time") from None


def _plain(value: Any, entry: Entry) -> Any:
    """A text, number or truth value as it stands."""
    is_fit = is_storable(value) if isinstance(value, str) else isinstance(value, int | float) and isfinite(value)
    if not is_fit:
        raise _bad_kind(entry, "a text")
    return value


def _bad_kind(entry: Entry, expected: str) -> Fail:
    return Fail("bahmni.value-kind", question=entry.avni_value, expected=expected, kind="something else")


# -- compared --------------------------------------------------------------------------------------------------------


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _same_group(wanted: Mapping[str, Any], there: Any) -> bool:
    """Whether one filling-in of a group says the same."""
    is_alike = isinstance(there, Mapping) and wanted.keys() == there.keys()
    return is_alike and all(same(value, there[key]) for key, value in wanted.items())


def _equal(wanted: Any, there: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(there, bool):
        return wanted is there
    if wanted == there:
        return True
    return isinstance(wanted, str) and isinstance(there, str) and _day(wanted) == there


def _day(text: str) -> str | None:
    """The Indian day of a date-time with its offset: version 2 of Avni shows a Date so, however it was stored."""
    try:
        return instant(text).astimezone(INDIA).date().isoformat()
    except (OverflowError, ValueError):
        return None
