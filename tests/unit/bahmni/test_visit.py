from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.answers import answers
from bahmni.avni_to_bahmni.form_encounter import Form, Room, filled_in
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundPerson, FoundVisit
from bahmni.avni_to_bahmni.observations import FoundObs
from bahmni.avni_to_bahmni.visit import (
    Home,
    Policy,
    covers,
    dated,
    is_over,
    may_begin_later,
    not_before_birth,
    room_for,
    room_of,
)
from engine.ports import Write
from engine.verdicts import Hold
from mappings.snapshot import Entry
from tests.chaos.records import NAMESPACE, ZONE, snapshot, uuid_of

MAPPED = snapshot()
POLICY = Policy(MAPPED, NAMESPACE)
HOME = Home("enrolment", "E", "visit type", POLICY)
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=ZONE)
MARKER, EVENT_DATE = uuid_of("visit marker"), uuid_of("visit event date")
BEGIN = "2026-01-05T00:00:00.000+0530"
JANUARY = FoundVisit(
    "V", BEGIN, "2026-01-31T18:00:00.000+0530",
    attributes={MARKER: "E", EVENT_DATE: "2026-01-05"}, attribute_uuids={MARKER: "m", EVENT_DATE: "d"},
)  # fmt: skip
THEIRS = replace(JANUARY, uuid="W", attributes={})
ASHA = FoundPatient("P", voided=False, numbers=("TRI1001",), person=FoundPerson(birthdate="1990-04-01"))


def on(day: str) -> date:
    return date.fromisoformat(day)


def room(day: str, visit: FoundVisit = JANUARY, born: str = "1990-04-01", others: tuple[FoundVisit, ...] = ()) -> Room:
    return room_for(on(day), visit, HOME, NOW, patient="P", born=born, others=others)


def form(day: str) -> Form:
    return filled_in("E", on(day), answers({}, MAPPED, ZONE), "1", MAPPED, encounter_type="type", concept="form")


def ours(at: str = BEGIN, said: str = "2026-01-05", visit: FoundVisit | None = JANUARY, **more: Any) -> FoundEncounter:
    group = FoundObs("g", "form", None, (FoundObs("o", uuid_of("event date"), said),))
    usual: dict[str, Any] = {"voided": False, "patient": ASHA, "obs": (group,), "marker": "E", "changed": "1"}
    return FoundEncounter("B", at=at, visit=visit, **usual | more)


def bodies(writes: tuple[Write, ...]) -> list[tuple[str, str, Any]]:
    return [(write.verb, write.kind, write.body) for write in writes]


# -- whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attributes", [{}, {MARKER: "other"}, {EVENT_DATE: "E"}])
def test_a_visit_that_was_not_opened_for_it_stays_as_it_is(attributes: dict[str, str]) -> None:
    theirs = replace(JANUARY, attributes=attributes)
    assert not HOME.is_own(theirs)
    assert room("2025-12-01", theirs) == Room(theirs)


def test_ours_is_known_by_its_uuid_when_somebody_took_the_attribute_away() -> None:
    assert HOME.is_own(replace(JANUARY, uuid=HOME.uuid, attributes={}))


def test_without_the_attribute_type_mapped_no_visit_passes_for_marked() -> None:
    unmapped = replace(MAPPED, singles={**MAPPED.singles, v.VISIT_MARKER: Entry("", "", "")})
    home = replace(HOME, policy=Policy(unmapped, NAMESPACE))
    assert not home.is_own(replace(JANUARY, attributes={"": ""}))


def test_of_several_that_were_opened_for_it_none_is_chosen() -> None:
    assert (HOME.among([THEIRS, JANUARY]), HOME.among([THEIRS])) == (JANUARY, None)
    with pytest.raises(Hold, match=r"bahmni\.multiple-visits"):
        HOME.among([JANUARY, replace(JANUARY, uuid="twin")])


# -- room for a day ---------------------------------------------------------------------------------------------------


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
    assert not_before_birth(on("1985-01-01"), "") == on("1985-01-01")


@pytest.mark.parametrize(("day", "over"), [("2026-01-31", False), ("2026-02-01", True)])
def test_somebody_elses_visit_is_over_on_the_day_after_it_ended(day: str, over: bool) -> None:
    assert is_over(on(day), THEIRS, HOME, NOW) is over
    assert not is_over(on(day), JANUARY, HOME, NOW)
    assert not is_over(on(day), replace(THEIRS, stop=""), HOME, NOW)


def test_where_somebody_elses_is_over_the_own_one_takes_its_place_and_makes_room() -> None:
    made = room("2026-02-03", THEIRS, others=(THEIRS, JANUARY))
    assert made.visit.uuid == "V"
    assert bodies(made.writes) == [("update", "visit", {"stopDatetime": "2026-02-03T23:59:59.000+0530"})]


def test_where_somebody_elses_is_over_and_there_is_no_own_one_that_is_opened_on_the_day() -> None:
    made = room("2026-02-03", THEIRS, others=(THEIRS,))
    ((verb, kind, body),) = bodies(made.writes)
    assert (verb, kind, made.visit.uuid) == ("create", "visit", HOME.uuid)
    assert body == {
        "uuid": HOME.uuid,
        "patient": "P",
        "visitType": "visit type",
        "location": uuid_of("location"),
        "startDatetime": "2026-02-03",
        "attributes": [
            {"attributeType": MARKER, "value": "E"},
            {"attributeType": EVENT_DATE, "value": "2026-02-03"},
        ],
    }


def test_none_is_opened_before_birth() -> None:
    made = HOME.opened(on("1985-01-01"), patient="P", born="1990-04-01", now=NOW, why="")
    assert made.visit.start == "1990-04-01T00:00:00.000+0530"
    assert made.writes[0].body["startDatetime"] == "1990-04-01"


@pytest.mark.parametrize(
    ("day", "covered"), [("2026-01-04", False), ("2026-01-05", True), ("2026-01-31", True), ("2026-02-01", False)]
)
def test_a_visit_covers_the_days_from_its_first_to_its_last(day: str, covered: bool) -> None:
    at_ten = replace(JANUARY, start="2026-01-05T10:00:00.000+0530")
    assert covers(on(day), at_ten, NOW) is covered


def test_an_open_visit_covers_every_later_day() -> None:
    assert covers(on("2026-02-20"), replace(JANUARY, stop=""), NOW)


# -- for an encounter that stands there -------------------------------------------------------------------------------


def test_while_it_says_its_day_no_room_is_made_wherever_it_stands() -> None:
    assert room_of(form("2026-01-05"), ours(said="2026-01-05", at="2026-02-20T00:00:00.000+0530"), HOME, NOW) == Room(
        JANUARY
    )
    assert room_of(form("2026-02-03"), ours(), HOME, NOW) != Room(JANUARY)


def test_one_without_a_visit_needs_no_room() -> None:
    assert room_of(form("2026-02-03"), ours(visit=None), HOME, NOW) is None


@pytest.mark.parametrize(
    ("at", "body"),
    [
        ("2026-01-03T08:00:00.000+0530", {"startDatetime": "2026-01-03T08:00:00.000+0530"}),
        ("2026-02-03T08:00:00.000+0530", {"stopDatetime": "2026-02-03T08:00:00.000+0530"}),
        (BEGIN, None),
    ],
)
def test_a_voided_one_comes_back_where_it_stood(at: str, body: dict[str, str] | None) -> None:
    made = room_of(form("2026-01-20"), ours(at=at, voided=True, obs=()), HOME, NOW)
    assert made
    assert [write.body for write in made.writes] == ([body] if body else [])
    theirs = room_of(form("2026-01-20"), ours(at=at, voided=True, obs=(), visit=THEIRS), HOME, NOW)
    assert theirs == Room(THEIRS)


# -- a corrected day --------------------------------------------------------------------------------------------------


def corrected(day: str, visit: FoundVisit | None = JANUARY, **more: Any) -> tuple[Write, ...]:
    usual: dict[str, Any] = {"born": "1990-04-01", "first": on(day), "inside": ()}
    return dated(on(day), visit, HOME, NOW, **usual | more)


TOLD = ("update", "visit attribute", {"visit": "V", "value": "2026-01-10"})


def test_a_corrected_day_reaches_the_attribute_of_the_visit() -> None:
    (write,) = corrected("2026-01-10")
    assert (write.id, *bodies((write,))) == ("d", TOLD)


@pytest.mark.parametrize(
    "visit",
    [
        None, THEIRS, replace(JANUARY, voided=True), replace(JANUARY, attributes={MARKER: "E"}),
        replace(JANUARY, attributes={MARKER: "E", EVENT_DATE: "2026-01-10T00:00:00.000+0530"}),
    ],
)  # fmt: skip
def test_a_visit_that_tells_the_day_or_none_or_is_not_ours_is_left_alone(visit: FoundVisit | None) -> None:
    assert corrected("2026-01-10", visit) == ()


@pytest.mark.parametrize(
    ("first", "other", "begins"),
    [
        ("2026-01-10", "2026-01-12T00:00:00.000+0530", "2026-01-10T00:00:00.000+0530"),
        ("2026-01-10", "2026-01-08T09:00:00.000+0530", "2026-01-08T09:00:00.000+0530"),
        ("2026-01-07", "2026-01-08T09:00:00.000+0530", "2026-01-07T00:00:00.000+0530"),
        ("2026-01-10", BEGIN, None),
    ],
)
def test_a_visit_begins_later_with_its_record_but_never_after_what_is_in_it(
    first: str, other: str, begins: str | None
) -> None:
    made = corrected("2026-01-10", first=on(first), inside=(ours(at="2026-01-10T00:00:00.000+0530"), ours(at=other)))
    moved = [("update", "visit", {"startDatetime": begins})] if begins else []
    assert bodies(made) == [*moved, TOLD]


@pytest.mark.parametrize(
    ("day", "at", "weighed"),
    [
        ("2026-01-10", "2026-01-10T00:00:00.000+0530", True),
        ("2026-01-10", BEGIN, False),  # our own encounter has to be moved first
        ("2026-01-03", BEGIN, False),
        ("2026-01-05", "2026-01-10T00:00:00.000+0530", False),
    ],
)
def test_what_else_is_in_a_visit_counts_once_our_encounter_has_left_its_beginning(
    day: str, at: str, weighed: bool
) -> None:
    assert may_begin_later(form(day), ours(at=at), HOME, NOW) is weighed
    assert not may_begin_later(form(day), ours(at=at, voided=True), HOME, NOW)
    assert not may_begin_later(form(day), ours(at=at, visit=None), HOME, NOW)
    assert not may_begin_later(form(day), None, HOME, NOW)
