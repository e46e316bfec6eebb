"""Values of the hospital in the spelling of Avni, and whether Avni holds them already. Pure.

Shared by attributes of patients and answers of encounters. Stands on avni.md A25 to A28, A80 to A83 (how answers,
dates, groups and all else are kept and shown) and openmrs.md O44, O66 to O72, O88, O161 (how the hospital shows them).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, time
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

from avni.wire import INDIA, instant, spelled
from bahmni import unmapped as policy
from bahmni import vocabulary as v
from bahmni.kinds import LAST_YEAR, LONGEST_TEXT, UUID_OF_OPENMRS, too_long, wrong_kind
from bahmni.numbers import number_in
from common.text import is_storable
from engine.verdicts import Fail
from mappings.models import DataTypeHint, Side, Unmapped
from mappings.snapshot import Entry, Snapshot

TIME: Final = re.compile(r"1970-01-01T(\d\d:\d\d):\d\d(?:\.\d+)?[+-]\d\d:?\d\d")
"""How OpenMRS shows a time of the day (O72)."""

CHOICES: Final = frozenset({DataTypeHint.CODED, DataTypeHint.BOOLEAN})
FEWEST_DIGITS: Final = 7
"""Of a phone number that is told with and without what stands before it."""

NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


def translated(
    value: Any, entry: Entry, snapshot: Snapshot, *, unmapped: str, counted: list[str] | None = None
) -> Any:  # fmt: skip
    """A value that is not empty as Avni writes it; None for an answer that is left out on purpose.

    `entry` is the mapping of its question. Raises Fail: `unmapped` for an answer without a partner (where no policy
    says otherwise: what one leaves out is added to `counted`), else for a value of another kind than the mapping says.
    """
    if is_coded(value, entry):
        return _answer(value, entry, snapshot, unmapped, counted)
    match entry.data_type_hint:
        case DataTypeHint.NUMERIC:
            return _number(value, entry)
        case DataTypeHint.DATE:
            return _date(value, entry)
        case DataTypeHint.DATETIME:
            return _date_time(value, entry)
        case DataTypeHint.PHONE_NUMBER:
            return {"phoneNumber": str(_plain(value, entry)), "verified": False}
        case DataTypeHint.QUESTION_GROUP | DataTypeHint.REPEATABLE_GROUP:
            raise wrong_kind(entry.avni_value, "a group of questions", value)
        case _:
            return _plain(value, entry)


def is_coded(value: Any, entry: Entry) -> bool:
    """Whether a value is one of the answers of its question: it is a concept, or the mapping says so."""
    return entry.data_type_hint in CHOICES or (isinstance(value, Mapping) and _is_concept(value))


def may_be_several(value: Any, entry: Entry) -> bool:
    """Whether a question may have several such values: answers to choose from, and files."""
    return is_coded(value, entry) or (isinstance(value, Mapping) and "uuid" not in value)


def moment(text: Any) -> str:
    """A date-time of OpenMRS (whole seconds and an offset, O24) as Avni spells it. Raises ValueError."""
    try:
        at = instant(text).replace(microsecond=0)
    except (OverflowError, TypeError):
        raise ValueError("no date-time") from None
    if at.year > LAST_YEAR:
        raise ValueError("a year nobody means")
    return spelled(at)


def differing(
    wanted: Mapping[str, Any], there: Mapping[str, Any], ours: Container[str], names: Mapping[str, str] = NO_NAMES
) -> dict[str, Any]:
    """What a partial update must carry: changed values, and null for those of `ours` that nobody wants any more.

    `names` tells what Avni calls by its uuid inside a group. Raises Fail where that is needed and nobody entered it.
    """
    changed = {key: value for key, value in wanted.items() if not same(value, there.get(key), ours, names)}
    for key, value in changed.items():
        _refuse_unnamed(key, value, there.get(key), names)
    gone = {key: None for key in sorted(there) if key in ours and key not in wanted}
    return {**changed, **gone}


def same(wanted: Any, there: Any, ours: Container[str] = (), names: Mapping[str, str] = NO_NAMES) -> bool:
    """Whether Avni shows what is wanted: several answers in any order, one alone or in a list, a date by its day."""
    ones, others = _listed(wanted), _listed(there)
    if any(isinstance(one, Mapping) for one in ones):  # groups in their order, a phone number
        pairs = zip(ones, others, strict=False)
        return len(ones) == len(others) and all(_same_object(one, other, ours, names) for one, other in pairs)
    return all(any(_equal(one, other, names) for other in others) for one in ones) and all(
        any(_equal(one, other, names) for one in ones) for other in others
    )


# -- by kind ---------------------------------------------------------------------------------------------------------


def _answer(
    value: Any, entry: Entry, snapshot: Snapshot, unmapped: str, counted: list[str] | None
) -> str | None:  # fmt: skip
    """The Avni answer for a concept, or for a truth by mappings of "true" and "false"."""
    if isinstance(value, Mapping) and not _is_concept(value):
        raise wrong_kind(entry.avni_value, "an answer", value)
    concept = _uuid(value)
    if snapshot.is_ignored(Side.INT_SYSTEM, concept):
        return None
    answer = snapshot.from_int_system(*v.CONCEPT, concept)
    if answer is None and entry.data_type_hint == DataTypeHint.BOOLEAN and isinstance(value, Mapping):
        answer = snapshot.from_int_system(*v.CONCEPT, str(value.get("display")).lower())
    if answer is not None:
        return answer.avni_value
    # A coded question that holds bare text may hold anything; only a concept's uuid and name are metadata.
    is_concept = isinstance(value, Mapping) and UUID_OF_OPENMRS.fullmatch(concept)
    shown = (concept, str(value.get("display"))) if is_concept else ("", "a text")
    match policy.for_answers(snapshot, Side.INT_SYSTEM, entry):
        case Unmapped.SKIP:
            if counted is not None:
                counted.append(f"{entry.avni_value}: {shown[1]}")
            return None
        case Unmapped.TEXT:
            return shown[1] if is_concept else str(_plain(value, entry))
        case _:
            raise Fail(unmapped, question=entry.avni_value, side=Side.INT_SYSTEM, value=shown[0], name=shown[1])


def _is_concept(value: Mapping[str, Any]) -> bool:
    """Whether an object is a concept or a drug, as far as it tells: others (a place, a file) link to what they are."""
    uris = list(_uris(value))
    return "uuid" in value and (not uris or any("/concept/" in uri or "/drug/" in uri for uri in uris))


def _uris(value: Mapping[str, Any]) -> Iterator[str]:
    """The addresses an object links to; one link may stand without a list (O161)."""
    links = value.get("links")
    for link in links if isinstance(links, list) else [links]:
        if isinstance(link, Mapping) and isinstance(link.get("uri"), str):
            yield link["uri"]


def _uuid(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("uuid"))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any, entry: Entry) -> int | float:
    try:
        return number_in(value)
    except ValueError:
        raise wrong_kind(entry.avni_value, "a number", value) from None


def _date(value: Any, entry: Entry) -> str:
    """Midnight of India in UTC, which is how the field app stores a date."""
    try:
        day = datetime.fromisoformat(str(value)[:10]).date()
        midnight = spelled(datetime.combine(day, time.min, INDIA))
    except (OverflowError, ValueError):
        raise wrong_kind(entry.avni_value, "a date", value) from None
    if day.year > LAST_YEAR:
        raise wrong_kind(entry.avni_value, f"a date before the year {LAST_YEAR + 1}", value)
    return midnight


def _date_time(value: Any, entry: Entry) -> str:
    try:
        return moment(value)
    except ValueError:
        raise wrong_kind(entry.avni_value, "a date with its time", value) from None


def _plain(value: Any, entry: Entry) -> Any:
    """A text, number or truth value as it stands; a time of the day, a file by its link, a place by its name."""
    said = _in_words(value) if isinstance(value, Mapping) else value
    if isinstance(said, str) and is_storable(said):
        if len(said) > LONGEST_TEXT:
            raise too_long(entry.avni_value)
        of_the_day = TIME.fullmatch(said)
        return of_the_day[1] if of_the_day else said
    try:
        if isinstance(said, int | float) and isfinite(said):
            return said
    except OverflowError:  # a whole number of hundreds of digits
        pass
    raise wrong_kind(entry.avni_value, "a text", value)


def _in_words(value: Mapping[str, Any]) -> str | None:
    """The link of a file, the name of anything else; None for an object without one."""
    told = next(_uris(value), None) if "uuid" not in value else value.get("display")
    return told if isinstance(told, str) else None


# -- compared --------------------------------------------------------------------------------------------------------


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _same_object(wanted: Any, there: Any, ours: Container[str], names: Mapping[str, str]) -> bool:
    """A phone number by its digits, verified or not; a group by what the hospital says in it."""
    if not isinstance(wanted, Mapping) or not isinstance(there, Mapping):
        return False
    if "phoneNumber" in wanted:
        return _same_phone(str(wanted["phoneNumber"]), str(there.get("phoneNumber")))
    held = _by_name(there, names)
    return all(same(value, held.get(key), ours, names) for key, value in wanted.items()) and not any(
        key in ours and key not in wanted for key in held
    )


def _by_name(group: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key.lower(), key): value for key, value in group.items()}


def _same_phone(one: str, other: str) -> bool:
    """Avni may show a number without the country's code, or with blanks (A82)."""
    short, long = sorted((re.sub(r"\D", "", one), re.sub(r"\D", "", other)), key=len)
    return one == other or (len(short) >= FEWEST_DIGITS and long.endswith(short.lstrip("0")))


def _refuse_unnamed(question: str, wanted: Any, there: Any, names: Mapping[str, str]) -> None:
    """Without the uuids of its questions nobody can tell whether Avni's group says what is wanted (A28)."""
    for one, other in zip(_listed(wanted), _listed(there), strict=False):
        if not isinstance(one, Mapping) or not isinstance(other, Mapping):
            continue
        held = _by_name(other, names)
        unnamed = [key for key in held if UUID_OF_OPENMRS.fullmatch(key)]
        missing = next((key for key in one if key not in held and key != "verified"), None)
        if missing and unnamed and "phoneNumber" not in one:
            raise Fail("bahmni.member-without-uuid", group=question, question=missing)


def _equal(wanted: Any, there: Any, names: Mapping[str, str]) -> bool:
    if isinstance(wanted, bool) or isinstance(there, bool):
        return wanted is there
    if wanted == there:
        return True
    if not isinstance(wanted, str) or not isinstance(there, str):
        return False
    return names.get(there.lower()) == wanted or _day(wanted) == there


def _day(text: str) -> str | None:
    """The Indian day of a date-time with its offset: version 2 of Avni shows a Date so, however it was stored."""
    try:
        return instant(text).astimezone(INDIA).date().isoformat()
    except (OverflowError, ValueError):
        return None
