"""The enrolment in Avni that a form of the hospital is filed under."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bahmni.bahmni_to_avni.enrolment import creation, external_id, home, nearest
from engine.verdicts import Fail, Hold
from tests.chaos.records import MARKER, NAMESPACE

INDIA = ZoneInfo("Asia/Kolkata")
HELD = "2026-06-15T05:00:00.000Z"


def row(name: str, began: str, ended: str | None = None, **more: Any) -> dict[str, Any]:
    return {"ID": name, "Enrolment datetime": began, "Exit datetime": ended, "Voided": False, **more}


def chosen(*rows: dict[str, Any], held: str = HELD) -> str | None:
    """The same whatever their order."""
    found = {(one["ID"] if (one := nearest(order, held, INDIA)) else None) for order in (rows, rows[::-1])}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("began", "expected"),
    [
        (["2026-01-01T05:00:00.000Z", "2026-06-01T05:00:00.000Z"], "B"),
        (["2026-06-20T05:00:00.000Z", "2027-06-01T05:00:00.000Z"], "A"),
        (["2026-06-15T10:00:00.000Z", "2026-06-14T10:00:00.000Z"], "A"),
    ],
    ids=["both before", "both after", "the same day"],
)
def test_the_nearest_in_absolute_time_is_chosen(began: list[str], expected: str) -> None:
    assert chosen(*(row(name, time) for name, time in zip("AB", began, strict=True))) == expected


def test_one_that_was_open_then_goes_before_a_nearer_one_that_was_not() -> None:
    over = row("nearer", "2026-06-01T05:00:00.000Z", "2026-06-10T05:00:00.000Z")
    assert chosen(over, row("open", "2026-01-01T05:00:00.000Z")) == "open"
    later = row("nearer", "2026-06-16T05:00:00.000Z")
    assert chosen(later, row("open", "2026-01-01T05:00:00.000Z", "2026-07-01T05:00:00.000Z")) == "open"


def test_on_the_days_it_began_and_ended_it_was_open() -> None:
    began = row("began", "2026-06-15T12:00:00.000Z")
    ended = row("ended", "2026-06-01T05:00:00.000Z", "2026-06-15T03:00:00.000Z")
    assert chosen(began, row("before", "2020-01-01T05:00:00.000Z", "2026-06-14T05:00:00.000Z")) == "began"
    assert chosen(ended, row("after", "2026-06-16T05:00:00.000Z")) == "ended"


def test_where_none_was_open_the_nearest_of_all_is_chosen() -> None:
    rows = row("A", "2026-01-01T05:00:00.000Z", "2026-02-01T05:00:00.000Z"), row("B", "2026-06-20T05:00:00.000Z")
    assert chosen(*rows) == "B"


def test_a_voided_one_is_none() -> None:
    assert chosen(row("A", HELD, Voided=True)) is None
    assert chosen(row("A", HELD, Voided=True), row("B", "2020-01-01T05:00:00.000Z")) == "B"


def test_of_two_equally_near_always_the_same_is_chosen() -> None:
    assert chosen(row("B", "2026-06-14T05:00:00.000Z"), row("A", "2026-06-14T05:00:00.000Z")) == "A"


def test_one_without_a_beginning_is_refused_by_field() -> None:
    with pytest.raises(Fail) as failure:
        nearest([row("A", HELD) | {"Enrolment datetime": None}], HELD, INDIA)
    assert failure.value.params == {"field": "Enrolment datetime"}


def test_the_one_we_made_and_a_person_voided_is_not_made_again() -> None:
    ours = row("A", HELD, Voided=True, **{"External ID": "ours"})
    with pytest.raises(Hold, match=r"bahmni\.made-enrolment-voided"):
        home([ours], HELD, INDIA, "ours")
    found = home([ours, row("B", HELD)], HELD, INDIA, "ours")
    assert found
    assert found["ID"] == "B"


def test_whichever_encounter_needs_it_first_the_id_is_the_same() -> None:
    one = external_id(NAMESPACE, "S", "Mother")
    assert one == external_id(NAMESPACE, "S", "Mother")
    assert len({one, external_id(NAMESPACE, "T", "Mother"), external_id(NAMESPACE, "S", "Child")}) == 3


def test_it_is_made_empty_but_for_the_marker_at_the_time_of_the_encounter() -> None:
    write = creation("ours", "S", "Mother", HELD, {MARKER: "E"})
    assert (write.verb, write.kind, write.id) == ("create", "enrolment", "ours")
    assert write.body == {
        "External ID": "ours", "Subject ID": "S", "Program": "Mother", "Enrolment datetime": HELD,
        "observations": {MARKER: "E"}, "exitObservations": {}, "Voided": False,
    }  # fmt: skip
