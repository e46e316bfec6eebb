"""Memberships, places and approval statuses: what is only read (avni.md A49 to A51)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from simulators.avni import AvniStore
from simulators.avni.times import iso
from tests.contract.avni.support import (
    EPOCH,
    NOON,
    Caller,
    Clock,
    enrolment,
    ms,
    program_encounter,
    subject,
)

HOUR_AGO = ms(NOON - timedelta(hours=1))
MEMBERSHIPS, PLACES, APPROVALS = "/api/groupSubjects", "/api/locations", "/api/approvalStatuses"


def stamp(offset: int) -> str:
    """The time `offset` milliseconds after an hour ago, as a client writes it."""
    text = iso(HOUR_AGO + offset)
    assert text is not None
    return text


def between(lower: int, upper: int) -> dict[str, str]:
    return {"lastModifiedDateTime": stamp(lower), "now": stamp(upper)}


def household(store: AvniStore, name: str = "Devi household") -> str:
    return store.put_subject(
        subject_type="Household", first_name=name, registration_date="2024-02-03", at=HOUR_AGO
    ).uuid


class TestMemberships:
    @pytest.fixture
    def house(self, store: AvniStore) -> str:
        return household(store)

    @pytest.fixture
    def three(self, store: AvniStore, house: str) -> list[str]:
        """Members that joined 0, 1 and 2 ms after an hour ago."""
        members = [subject(store, at=0).uuid for _ in range(3)]
        for offset, member in enumerate(members):
            store.put_membership(group=house, member=member, at=HOUR_AGO + offset)
        return members

    def members(self, avni: Caller, **query: Any) -> list[str]:
        return [row["Member subject"]["ID"] for row in avni.get(MEMBERSHIPS, **query)["content"]]

    def test_the_window_is_closed_at_both_ends(self, avni: Caller, three: list[str]) -> None:
        assert self.members(avni, **between(0, 2)) == three
        assert self.members(avni, **between(1, 1)) == three[1:2]

    def test_without_a_window_a_group_or_a_member_is_asked_for_the_group_first(
        self, store: AvniStore, avni: Caller, house: str, three: list[str]
    ) -> None:
        other = household(store, "Another household")
        store.put_membership(group=other, member=three[0], at=HOUR_AGO + 9)
        assert self.members(avni, groupSubjectId=house) == three
        groups = [row["Group subject"]["ID"] for row in avni.get(MEMBERSHIPS, memberSubjectId=three[0])["content"]]
        assert groups == [house, other]
        assert self.members(avni, groupSubjectId=other, memberSubjectId=three[1]) == [three[0]]

    def test_within_a_window_neither_group_nor_member_counts(self, avni: Caller, three: list[str]) -> None:
        asked = {"groupSubjectId": "nobody", "memberSubjectId": three[0]}
        assert self.members(avni, lastModifiedDateTime=EPOCH, **asked) == three

    def test_asking_for_nothing_is_a_400_without_a_body(self, avni: Caller, three: list[str]) -> None:
        answer = avni.call("GET", MEMBERSHIPS, subjectType="Household")
        assert (answer.status_code, answer.content) == (400, b"")

    def test_a_subject_names_the_groups_it_is_in(
        self, store: AvniStore, avni: Caller, house: str, three: list[str]
    ) -> None:
        assert avni.get(f"/api/subject/{three[0]}")["Groups"] == [house]
        assert avni.get(f"/api/subject/{house}")["Groups"] == []
        [membership] = store.membership_table.of(three[0])
        store.void(membership, at=HOUR_AGO)
        assert avni.get(f"/api/subject/{three[0]}")["Groups"] == []
        assert len(self.members(avni, lastModifiedDateTime=EPOCH)) == 3

    def test_there_is_no_single_membership_and_no_write(self, avni: Caller) -> None:
        assert avni.call("GET", f"{MEMBERSHIPS}/1").status_code == 404
        assert avni.call("POST", MEMBERSHIPS, {}).status_code == 405


class TestPlaces:
    @pytest.fixture
    def three(self, store: AvniStore) -> list[str]:
        """A state, a district and a village, stamped 0, 1 and 2 ms after an hour ago."""
        state = store.add_location("Bihar", "State", at=HOUR_AGO, level=3.0, external_id="10")
        district = store.add_location("Muzaffarpur", "District", state, at=HOUR_AGO + 1)
        village = store.add_location("Rampur", "Village", district, at=HOUR_AGO + 2)
        return [state.uuid, district.uuid, village.uuid]

    def test_the_window_is_closed_at_both_ends(self, avni: Caller, three: list[str]) -> None:
        assert avni.ids(PLACES, **between(0, 2)) == three
        assert avni.ids(PLACES, **between(1, 1)) == three[1:2]

    def test_without_a_lower_bound_the_list_begins_in_nineteen_hundred(self, avni: Caller, three: list[str]) -> None:
        assert avni.ids(PLACES) == three
        assert avni.ids(PLACES, now=stamp(1)) == three[:2]

    def test_a_place_tells_all_places_around_it(self, avni: Caller, three: list[str]) -> None:
        village = avni.get(f"/api/location/{three[2]}")
        levels, place = [], village
        while place is not None:
            levels.append((place["Type"], place["Title"], place["Level"]))
            place = place.get("Parent")
        assert levels == [("Village", "Rampur", 1.0), ("District", "Muzaffarpur", 2.0), ("State", "Bihar", 3.0)]

    def test_a_place_is_found_by_uuid_or_external_id(self, avni: Caller, three: list[str]) -> None:
        assert avni.get("/api/location/10") == avni.get(f"/api/location/{three[0]}")
        answer = avni.call("GET", "/api/location/nowhere")
        assert (answer.status_code, answer.content) == (404, b"")

    def test_places_are_only_read(self, avni: Caller, three: list[str]) -> None:
        assert avni.call("PUT", f"/api/location/{three[0]}", {}).status_code == 405

    def test_a_new_name_lists_the_place_again_but_not_the_subjects_there(
        self, store: AvniStore, avni: Caller, three: list[str], clock: Clock
    ) -> None:
        made = subject(store, location=three[2], at=HOUR_AGO).uuid
        store.edit(three[2], title="Rampura")
        clock.advance(60)
        assert avni.ids(PLACES, lastModifiedDateTime=stamp(5)) == [three[2]]
        assert avni.ids("/api/subjects", lastModifiedDateTime=stamp(5)) == []
        assert avni.get(f"/api/subject/{made}")["location"]["Village"] == "Rampura"


class TestApprovals:
    @pytest.fixture
    def three(self, store: AvniStore) -> list[str]:
        """Records decided about 0, 1 and 2 ms after an hour ago: a subject, its enrolment, an encounter in it."""
        owner = subject(store, at=0).uuid
        enrolled = enrolment(store, owner, at=0).uuid
        records = [owner, enrolled, program_encounter(store, enrolled, at=0).uuid]
        for offset, record in enumerate(records):
            store.put_approval(entity=record, status="Approved", at=HOUR_AGO + offset)
        return records

    def entities(self, avni: Caller, **query: Any) -> list[str]:
        return [row["Entity ID"] for row in avni.get(APPROVALS, **query)["content"]]

    def test_the_window_is_open_at_both_ends(self, avni: Caller, three: list[str]) -> None:
        assert self.entities(avni, **between(0, 2)) == three[1:2]

    def test_without_a_lower_bound_the_list_begins_in_nineteen_hundred(self, avni: Caller, three: list[str]) -> None:
        assert self.entities(avni) == three
        assert self.entities(avni, now=stamp(1)) == three[:1]

    def test_rows_are_filtered_by_sort_and_by_type(self, store: AvniStore, avni: Caller, three: list[str]) -> None:
        visit = store.organisation().encounter_types["ANC Visit"].uuid
        assert self.entities(avni, entityType="ProgramEnrolment") == [three[1]]
        assert self.entities(avni, entityTypeId=visit) == [three[2]]
        assert self.entities(avni, entityType="Subject", entityTypeId=visit) == []

    def test_an_unknown_sort_is_a_problem_document(self, avni: Caller) -> None:
        answer = avni.call("GET", APPROVALS, entityType="Household")
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")

    def test_a_decision_whose_record_is_gone_fails_its_page(
        self, store: AvniStore, avni: Caller, three: list[str]
    ) -> None:
        store.erase(three[2])
        assert avni.call("GET", APPROVALS).status_code == 500
        assert self.entities(avni, size=2) == three[:2]


@pytest.mark.parametrize("path", [MEMBERSHIPS, PLACES, APPROVALS])
def test_total_elements_counts_the_rows_of_the_page(store: AvniStore, avni: Caller, path: str) -> None:
    house = household(store)
    for offset in range(25):
        member = subject(store, at=0).uuid
        store.put_membership(group=house, member=member, at=HOUR_AGO + offset)
        store.add_location("Rampur", "Village", at=HOUR_AGO + offset)
        store.put_approval(entity=member, at=HOUR_AGO + offset)
    page = avni.get(path, lastModifiedDateTime=EPOCH, page=1)
    assert {key: page[key] for key in page if key != "content"} == {
        "totalElements": 5,
        "totalPages": 2,
        "pageSize": 20,
    }
