"""The generators of the property tests produce each lossy case of docs/compatibility.md (see tests/meta, too)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st

from tests.property.histories import moments
from tests.property.kinds import INDIA, forms, records, repeated
from tests.property.test_encounter_converges import prescribed, sheets, steps, tested, times

QUICK: Final = settings(max_examples=5000, database=None, derandomize=True, phases=[Phase.generate])
"""Any example will do: none is made smaller."""

Case = tuple[st.SearchStrategy[Any], Callable[[Any], bool]]
turned: Final = records.flatmap(lambda record: st.tuples(st.just(record), repeated(record)))
"""A record, and the same with its repetitions in another order."""


def _at(record: dict[str, Any], question: str) -> datetime | None:
    return datetime.fromisoformat(record[question]) if question in record else None


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _has_seconds(record: dict[str, Any]) -> bool:
    moment = _at(record, "Moment")
    return moment is not None and moment.second > 0


def _is_timed(record: dict[str, Any]) -> bool:
    day = _at(record, "Day")
    return day is not None and day.astimezone(INDIA) != _midnight(day.astimezone(INDIA))


def _is_zoned(record: dict[str, Any]) -> bool:
    moment = _at(record, "Moment")
    return moment is not None and moment.utcoffset() not in (timedelta(), INDIA.utcoffset(None))


def _is_said_out_of_order(record: dict[str, Any]) -> bool:
    chosen = record.get("Choices", [])
    return isinstance(chosen, list) and chosen != sorted(set(chosen)) and len(set(chosen)) < len(chosen)


def _is_turned(pair: tuple[dict[str, Any], dict[str, Any]]) -> bool:
    before, after = (one.get("Often", []) for one in pair)
    return len(before) == len(after) and before != after


def _has_digits_too_many(record: dict[str, Any]) -> bool:
    amount = record.get("Amount")
    return isinstance(amount, int) and int(float(amount)) != amount


def _differs_by_test(results: list[Any]) -> bool:
    return len({abnormal for _, _, abnormal in results if abnormal}) > 1


def _remarks_on_a_program(history: tuple[list[Any], list[Any]]) -> bool:
    filled, later = history
    in_a_program = any(form in ("Antenatal", "Child") for form, _ in filled)
    kinds = [what for what, _ in later]
    remark = kinds.index("a field worker adds a remark") if "a field worker adds a remark" in kinds else len(kinds)
    return in_a_program and "moved in time" in kinds[remark:]


CASES: Final[dict[str, dict[str, Case]]] = {
    "L1": {"seconds": (records, _has_seconds)},
    "L2": {"a time behind a day": (records, _is_timed)},
    "L3": {"another zone": (records, _is_zoned)},
    "L4": {"verified": (records, lambda one: one.get("Phone", {}).get("verified") is True)},
    "L5": {"a place": (records, lambda one: "Place" in one)},
    "L6": {"out of order and twice": (records, _is_said_out_of_order)},
    "L7": {
        "an empty group": (records, lambda one: one.get("Once") == {}),
        "an empty repetition": (records, lambda one: {} in one.get("Often", [])),
    },
    "L8": {"turned repetitions": (turned, _is_turned)},
    "L9": {
        "blanks": (records, lambda one: str(one.get("Amount", "")).startswith(" ")),
        "digits of another script": (records, lambda one: one.get("Amount") == "१२"),
    },
    "L10": {
        "a whole number": (records, _has_digits_too_many),
        "a fraction": (records, lambda one: isinstance(one.get("Amount"), float) and one["Amount"] % 1 != 0),
    },
    "L11": {
        "a time of day": (moments, lambda at: at != _midnight(at)),
        "a day before the visit": (moments, lambda at: at < datetime(2026, 1, 4, tzinfo=UTC)),
    },
    "L12": {
        "of an answer, sent": (forms, lambda form: not form.get("Moment", ".000").endswith(".000")),
        "of an answer, shown": (times, lambda text: not text.endswith(".000+0000")),
        "of the encounter": (steps, lambda later: any(what == "moved in time" and any(by) for what, by in later)),
    },
    "L13": {"a section": (forms, lambda form: bool(form.get("Section")))},
    "L14": {"out of order and twice": (forms, _is_said_out_of_order)},
    "L15": {
        "a place": (forms, lambda form: "Ward" in form),
        "a drug": (forms, lambda form: "Remedy" in form),
    },
    "L16": {"a file": (forms, lambda form: "Scan" in form)},
    "L17": {
        "from Avni": (records, lambda one: "Shoe size" in one),
        "from Bahmni": (forms, lambda form: "Mood" in form),
        "a form": (sheets, lambda filled: any(form == "Diet" for form, _ in filled)),
    },
    "L18": {"a place in a group filled in once": (records, lambda one: "Place" in one.get("Once", {}))},
    "L19": {"differs by test": (tested, _differs_by_test)},
    "L20": {
        "quantity and refills": (prescribed, lambda one: bool(one["quantity"]) and bool(one["refills"])),
        "stopped": (prescribed, lambda one: one["fate"] == "stopped"),
        "voided": (prescribed, lambda one: one["fate"] == "voided"),
        "replaced": (prescribed, lambda one: one["fate"] == "an end"),
    },
    "L21": {"a day the field team added, then a change": (st.tuples(sheets, steps), _remarks_on_a_program)},
}
"""Of each case by its number the generators, and what tells that a record is one."""


@pytest.mark.parametrize(
    ("strategy", "is_one"),
    [pytest.param(*case, id=f"{number} {name}") for number, cases in CASES.items() for name, case in cases.items()],
)
def test_the_generators_produce_it(strategy: st.SearchStrategy[Any], is_one: Callable[[Any], bool]) -> None:
    assert is_one(find(strategy, is_one, settings=QUICK))
