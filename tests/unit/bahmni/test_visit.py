from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.found import FoundVisit
from bahmni.avni_to_bahmni.visit import (
    Policy,
    Room,
    as_it_stands,
    in_program_visit,
    is_opened_for,
    not_before_birth,
    program_visit_uuid,
    spelled,
)
from mappings.snapshot import Entry
from tests.chaos.records import NAMESPACE, ZONE, snapshot, uuid_of

MAPPED = snapshot()
POLICY = Policy(MAPPED, NAMESPACE)
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=ZONE)
MARKED = {uuid_of("visit marker"): "E"}
JANUARY = FoundVisit("V", "2026-01-05T00:00:00.000+0530", "2026-01-31T18:00:00.000+0530", attributes=MARKED)


def room(day: str, visit: FoundVisit = JANUARY, born: str = "1990-04-01") -> Room:
    return in_program_visit(date.fromisoformat(day), visit, "E", born, NOW, POLICY)


@pytest.mark.parametrize(
    ("day", "border", "moment"),
    [
        ("2026-01-04", "startDatetime", "2026-01-04T00:00:00.000+0530"),
        ("2026-02-01", "stopDatetime", "2026-02-01T23:59:59.000+0530"),
        ("2026-03-01", "stopDatetime", "2026-03-01T10:00:00.000+0530"),
        ("1985-01-01", "startDatetime", "1990-04-01T00:00:00.000+0530"),
    ],
)
def test_a_visit_is_stretched_just_until_the_day_lies_in_it(day: str, border: str, moment: str) -> None:
    made = room(day)
    (write,) = made.writes
    assert (write.verb, write.kind, write.id, write.body) == ("update", "visit", "V", {border: moment})
    assert moment in (made.visit.start, made.visit.stop)


@pytest.mark.parametrize("day", ["2026-01-05", "2026-01-20", "2026-01-31", "2026-03-02"])
def test_a_day_that_lies_in_it_or_has_not_come_needs_no_room(day: str) -> None:
    assert room(day) == Room(JANUARY)


def test_an_open_visit_is_never_ended() -> None:
    assert room("2026-02-20", replace(JANUARY, stop="")).writes == ()


def test_one_that_begins_on_the_day_of_birth_begins_no_earlier() -> None:
    assert room("2025-12-01", born="2026-01-05").writes == ()


def test_a_birth_date_nobody_knows_is_no_border() -> None:
    assert room("1985-01-01", born="").visit.start == "1985-01-01T00:00:00.000+0530"
    assert not_before_birth(date(1985, 1, 1), "") == date(1985, 1, 1)


@pytest.mark.parametrize("attributes", [{}, {uuid_of("visit marker"): "other"}, {uuid_of("visit event date"): "E"}])
def test_a_visit_that_was_not_opened_for_it_stays_as_it_is(attributes: dict[str, str]) -> None:
    theirs = replace(JANUARY, attributes=attributes)
    assert not is_opened_for(theirs, "E", POLICY)
    assert room("2025-12-01", theirs) == Room(theirs)


def test_ours_is_known_by_its_uuid_when_somebody_took_the_attribute_away() -> None:
    ours = replace(JANUARY, uuid=program_visit_uuid(NAMESPACE, "E"), attributes={})
    assert is_opened_for(ours, "E", POLICY)


def test_without_the_attribute_type_mapped_no_visit_passes_for_marked() -> None:
    unmapped = replace(MAPPED, singles={**MAPPED.singles, v.VISIT_MARKER: Entry("", "", "")})
    assert not is_opened_for(replace(JANUARY, attributes={"": ""}), "E", Policy(unmapped, NAMESPACE))


def test_the_registration_visit_is_not_stretched() -> None:
    assert as_it_stands(date(2025, 1, 1), JANUARY, "E", "", NOW, POLICY) == Room(JANUARY)


def test_the_first_moment_of_a_day_is_the_hospitals() -> None:
    assert spelled(date(2026, 1, 5), NOW) == JANUARY.start
