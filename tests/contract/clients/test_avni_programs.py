"""Our client and program enrolments, program encounters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from avni import AvniClient, AvniPage, read_window, window_start
from common.http import Forbidden, NotFound, Refused, Unclear
from simulators.avni import AvniStore, SubjectRow
from simulators.server import Server
from tests.contract.clients.conftest import Clock


@dataclass
class Sort:
    """An enrolment or a program encounter: how it is listed, read and written."""

    path: str
    type: str
    privilege: str
    body: dict[str, Any]
    put: Callable[..., str]
    page: Callable[..., AvniPage]
    one: Callable[[str], dict[str, Any] | None]
    upsert: Callable[[dict[str, Any]], dict[str, Any]]
    replace: Callable[[str, dict[str, Any]], dict[str, Any]]
    void: Callable[[str], None]


@pytest.fixture
def owner(field: AvniStore) -> SubjectRow:
    least = {"subject_type": "Individual", "gender": "Female", "registration_date": "2026-02-03"}
    return field.put_subject(first_name="Asha", external_id="s-1", **least)


@pytest.fixture(params=["enrolment", "program encounter"])
def sort(request: pytest.FixtureRequest, field: AvniStore, avni: AvniClient, owner: SubjectRow) -> Sort:
    if request.param == "enrolment":
        return Sort(
            path="/api/programEnrolment",
            type="Pregnancy",
            privilege="ViewEnrolmentDetails",
            body={
                "External ID": "b-1", "Program": "Pregnancy", "Subject ID": owner.uuid, "Voided": False,
                "Enrolment datetime": "2026-04-02T04:10:00.000Z", "observations": {"Note": "one"},
                "exitObservations": {},
            },
            put=lambda **more: field.put_enrolment(program="Pregnancy", subject=owner.uuid, **more).uuid,
            page=avni.enrolments,
            one=avni.program_enrolment,
            upsert=avni.upsert_program_enrolment,
            replace=avni.replace_program_enrolment,
            void=avni.void_program_enrolment,
        )  # fmt: skip
    enrolled = field.put_enrolment(program="Pregnancy", subject=owner.uuid).uuid
    return Sort(
        path="/api/programEncounter",
        type="ANC Visit",
        privilege="ViewVisit",
        body={
            "External ID": "b-1", "Encounter type": "ANC Visit", "Enrolment ID": enrolled, "Voided": False,
            "Encounter date time": "2026-04-02T04:10:00.000Z", "observations": {"Note": "one"},
            "cancelObservations": {},
        },
        put=lambda **more: field.put_program_encounter(encounter_type="ANC Visit", enrolment=enrolled, **more).uuid,
        page=avni.program_encounters,
        one=avni.program_encounter,
        upsert=avni.upsert_program_encounter,
        replace=avni.replace_program_encounter,
        void=avni.void_program_encounter,
    )  # fmt: skip


def test_everything_is_read_once_by_its_window(sort: Sort, moving: Clock) -> None:
    position = window_start(moving.time)
    made = [sort.put(at=moving.time + timedelta(seconds=number // 7)) for number in range(35)]
    moving.move(60)

    def fetch(since: datetime, page: int, size: int) -> AvniPage:
        return sort.page(since, sort.type, page=page, size=size)

    found = [row["ID"] for reading in read_window(position, fetch, size=10) for row in reading.rows]
    assert sorted(found) == sorted(made)


def test_one_written_twice_is_one(sort: Sort) -> None:
    first = sort.upsert(sort.body)
    second = sort.upsert(sort.body | {"observations": {"Note": "two"}})
    assert first["ID"] == second["ID"]
    found = sort.one("b-1")
    assert found is not None
    assert found["observations"] == {"Note": "two"}


def test_one_made_in_the_field_is_replaced_by_its_uuid(sort: Sort) -> None:
    made = sort.put(observations={"Note": "by hand"})
    sort.replace(made, {key: value for key, value in sort.body.items() if key != "External ID"})
    found = sort.one(made)
    assert found is not None
    assert (found["observations"], found["External ID"]) == ({"Note": "one"}, None)


def test_what_is_read_may_be_written_back(sort: Sort) -> None:
    stored = sort.one(sort.upsert(sort.body)["ID"])
    assert stored is not None
    sort.replace(stored["ID"], stored)
    assert sort.one(stored["ID"]) == stored


def test_a_void_finds_it_by_uuid_and_may_be_repeated(sort: Sort) -> None:
    stored = sort.upsert(sort.body)["ID"]
    for _ in range(2):
        sort.void(stored)
    found = sort.one(stored)
    assert found is not None
    assert found["Voided"] is True


def test_nothing_there_is_none(sort: Sort) -> None:
    assert sort.one("b-1") is None


def test_what_the_server_cannot_store_is_refused(sort: Sort) -> None:
    for change in ({"observations": {"Unknown": 1}}, {"Program": "Unknown", "Encounter type": "Unknown"}):
        with pytest.raises(Refused):
            sort.upsert(sort.body | change)
    assert sort.one("b-1") is None


@pytest.mark.parametrize(
    ("fault", "there"),
    [("reset_before", False), ("reset_after", True), ("status_after:502", True), ("status:409", False)],
)
def test_a_write_that_is_cut_off_is_sent_once_and_found_by_its_external_id(
    sort: Sort, field_server: Server, fault: str, there: bool
) -> None:
    sort.one("b-1")
    field_server.faults.plan("POST", f"{sort.path}$", fault)
    before = field_server.writes
    with pytest.raises(Unclear):
        sort.upsert(sort.body)
    assert field_server.writes == before + 1
    assert (sort.one("b-1") is not None) is there


def test_a_type_our_user_may_not_see_is_forbidden_with_the_privilege(
    sort: Sort, field: AvniStore, moving: Clock
) -> None:
    sort.put()
    field.forbid("bot", sort.type)
    moving.move(60)
    with pytest.raises(Forbidden) as raised:
        sort.page(moving.time - timedelta(days=1), sort.type)
    assert raised.value.privilege == sort.privilege


def test_the_enrolments_of_a_subject_are_found_whenever_they_were_made(
    avni: AvniClient, field: AvniStore, owner: SubjectRow
) -> None:
    made = [field.put_enrolment(program="Pregnancy", subject=owner.uuid, at=at).uuid for at in (0, None)]
    assert [row["ID"] for row in avni.enrolments_of(owner.uuid, "Pregnancy").content] == made


def test_a_type_the_server_does_not_know_is_told_instead_of_everybodys_encounters(
    avni: AvniClient, field: AvniStore, owner: SubjectRow, moving: Clock
) -> None:
    enrolled = field.put_enrolment(program="Pregnancy", subject=owner.uuid).uuid
    field.put_program_encounter(encounter_type="ANC Visit", enrolment=enrolled)
    moving.move(60)
    with pytest.raises(NotFound):
        avni.program_encounters(moving.time - timedelta(days=1), "Renamed")
    with pytest.raises(NotFound):
        avni.program_encounters(None, "Renamed")
