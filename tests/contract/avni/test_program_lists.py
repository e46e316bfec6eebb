"""Lists of program enrolments and program encounters (avni.md A47, A48)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
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
ENROLMENTS, VISITS = "/api/programEnrolments", "/api/programEncounters"


def stamp(offset: int) -> str:
    """The time `offset` milliseconds after an hour ago, as a client writes it."""
    text = iso(HOUR_AGO + offset)
    assert text is not None
    return text


def between(lower: int, upper: int) -> dict[str, str]:
    return {"lastModifiedDateTime": stamp(lower), "now": stamp(upper)}


@pytest.fixture
def owner(store: AvniStore) -> str:
    return subject(store, at=0).uuid


@pytest.fixture
def enrolled(store: AvniStore, owner: str) -> str:
    return enrolment(store, owner, at=0).uuid


class TestEnrolments:
    @pytest.fixture
    def three(self, store: AvniStore, owner: str) -> list[str]:
        """Enrolments stamped 0, 1 and 2 ms after an hour ago."""
        return [enrolment(store, owner, at=HOUR_AGO + offset).uuid for offset in range(3)]

    def test_the_window_is_open_at_both_ends(self, avni: Caller, three: list[str]) -> None:
        assert avni.ids(ENROLMENTS, **between(0, 2)) == three[1:2]

    def test_rows_come_by_last_modification_then_database_id(self, store: AvniStore, avni: Caller, owner: str) -> None:
        late = enrolment(store, owner, at=HOUR_AGO + 9).uuid
        tied = [enrolment(store, owner, at=HOUR_AGO + 5).uuid for _ in range(5)]
        assert avni.ids(ENROLMENTS, lastModifiedDateTime=EPOCH) == [*tied, late]

    def test_the_newest_seconds_are_hidden(self, store: AvniStore, avni: Caller, owner: str, clock: Clock) -> None:
        made = enrolment(store, owner).uuid
        assert avni.ids(ENROLMENTS, lastModifiedDateTime=EPOCH) == []
        clock.advance(10.001)
        assert avni.ids(ENROLMENTS, lastModifiedDateTime=EPOCH) == [made]

    @pytest.mark.parametrize(
        ("window", "program", "of_subject", "found"),
        [
            (True, False, False, ["old Child", "Pregnancy", "another's Pregnancy"]),
            (True, False, True, ["old Child", "Pregnancy", "another's Pregnancy"]),
            (True, True, False, ["Pregnancy", "another's Pregnancy"]),
            (True, True, True, ["older Pregnancy", "Pregnancy"]),
            (False, True, True, ["older Pregnancy", "Pregnancy"]),
            (False, True, False, None),
            (False, False, True, None),
            (False, False, False, None),
        ],
    )
    def test_which_of_window_program_and_subject_counts(
        self,
        store: AvniStore,
        avni: Caller,
        owner: str,
        window: bool,
        program: bool,
        of_subject: bool,
        found: list[str] | None,
    ) -> None:
        other = subject(store, "Ravi", at=0).uuid
        rows = {
            enrolment(store, owner, at=HOUR_AGO - 9).uuid: "older Pregnancy",
            enrolment(store, owner, program="Child", at=HOUR_AGO + 1).uuid: "old Child",
            enrolment(store, owner, at=HOUR_AGO + 2).uuid: "Pregnancy",
            enrolment(store, other, at=HOUR_AGO + 3).uuid: "another's Pregnancy",
        }
        asked: dict[str, Any] = {}
        asked |= {"lastModifiedDateTime": stamp(0)} if window else {}
        asked |= {"program": "Pregnancy"} if program else {}
        asked |= {"subject": owner} if of_subject else {}
        if found is None:
            answer = avni.call("GET", ENROLMENTS, **asked)
            assert (answer.status_code, answer.content) == (400, b"")
        else:
            assert [rows[uuid] for uuid in avni.ids(ENROLMENTS, **asked)] == found

    def test_an_unknown_program_gives_an_empty_page(self, avni: Caller, enrolled: str) -> None:
        assert avni.ids(ENROLMENTS, lastModifiedDateTime=EPOCH, program="Nobody's") == []

    def test_the_subject_filter_takes_no_external_id(self, store: AvniStore, avni: Caller) -> None:
        enrolment(store, subject(store, external_id="s-1").uuid)
        assert avni.ids(ENROLMENTS, program="Pregnancy", subject="s-1") == []

    def test_a_filter_by_concepts_is_ignored(self, avni: Caller, enrolled: str) -> None:
        assert avni.ids(ENROLMENTS, lastModifiedDateTime=EPOCH, concepts="{not json") == [enrolled]

    def test_voided_and_exited_ones_are_listed(self, store: AvniStore, avni: Caller, owner: str) -> None:
        voided = enrolment(store, owner, voided=True, at=0).uuid
        exited = enrolment(store, owner, exit_ms=5, at=1).uuid
        assert avni.ids(ENROLMENTS, lastModifiedDateTime=EPOCH) == [voided, exited]


class TestProgramEncounters:
    @pytest.fixture
    def three(self, store: AvniStore, enrolled: str) -> list[str]:
        """Program encounters stamped 0, 1 and 2 ms after an hour ago."""
        return [
            program_encounter(store, enrolled, observations={"Visit notes": "a"}, at=HOUR_AGO + offset).uuid
            for offset in range(3)
        ]

    def test_the_window_is_open_at_both_ends(self, avni: Caller, three: list[str]) -> None:
        assert avni.ids(VISITS, **between(0, 2)) == three[1:2]

    def test_the_window_stays_open_with_concepts(self, avni: Caller, three: list[str]) -> None:
        assert avni.ids(VISITS, concepts='{"Visit notes": "a"}', **between(0, 2)) == three[1:2]

    def test_without_a_lower_bound_the_list_begins_in_two_thousand_in_order(
        self, store: AvniStore, avni: Caller, enrolled: str
    ) -> None:
        program_encounter(store, enrolled, at=datetime(1999, 12, 31, tzinfo=UTC))
        late, early = (program_encounter(store, enrolled, at=HOUR_AGO + offset).uuid for offset in (7, 3))
        assert avni.ids(VISITS) == [early, late]

    def test_without_a_lower_bound_neither_the_hidden_seconds_nor_the_clients_now_count(
        self, store: AvniStore, avni: Caller, enrolled: str, clock: Clock
    ) -> None:
        made = program_encounter(store, enrolled).uuid
        clock.advance(0.001)
        assert avni.ids(VISITS, lastModifiedDateTime=EPOCH) == []
        assert avni.ids(VISITS, now=stamp(0)) == [made]

    def test_rows_are_filtered_by_type_and_by_enrolment(self, store: AvniStore, avni: Caller, owner: str) -> None:
        one, two = enrolment(store, owner, at=0).uuid, enrolment(store, owner, at=0).uuid
        wanted = program_encounter(store, one, at=1).uuid
        program_encounter(store, two, at=2)
        program_encounter(store, one, encounter_type="PNC Visit", at=3)
        found = avni.ids(VISITS, lastModifiedDateTime=EPOCH, encounterType="ANC Visit", programEnrolmentId=one)
        assert found == [wanted]

    @pytest.mark.parametrize("unknown", [{"encounterType": "Nobody's"}, {"programEnrolmentId": "nowhere"}])
    def test_a_type_or_enrolment_nobody_knows_is_dropped_and_all_rows_return(
        self, avni: Caller, three: list[str], unknown: dict[str, str]
    ) -> None:
        assert avni.ids(VISITS, lastModifiedDateTime=EPOCH, **unknown) == three

    def test_the_enrolment_filter_takes_no_external_id(self, store: AvniStore, avni: Caller, owner: str) -> None:
        one = enrolment(store, owner, external_id="n-1", at=0).uuid
        other = enrolment(store, owner, at=0).uuid
        for enrolled in (one, other):
            program_encounter(store, enrolled, at=HOUR_AGO)
        assert len(avni.ids(VISITS, lastModifiedDateTime=EPOCH, programEnrolmentId="n-1")) == 2

    def test_they_are_found_by_the_stored_text_of_an_observation(
        self, store: AvniStore, avni: Caller, enrolled: str
    ) -> None:
        made = program_encounter(store, enrolled, observations={"Height": 150}, at=HOUR_AGO).uuid
        program_encounter(store, enrolled, at=HOUR_AGO)
        assert avni.ids(VISITS, concepts=json.dumps({"Height": "150"})) == [made]

    @pytest.mark.parametrize("concepts", ['{"No such concept": "x"}', "{not json"])
    def test_a_bad_concepts_filter_is_a_bad_request(self, avni: Caller, concepts: str) -> None:
        assert avni.call("GET", VISITS, concepts=concepts).status_code == 400


@pytest.mark.parametrize("path", [ENROLMENTS, VISITS])
def test_total_elements_counts_the_rows_of_the_page(store: AvniStore, avni: Caller, owner: str, path: str) -> None:
    for offset in range(25):
        enrolled = enrolment(store, owner, at=HOUR_AGO + offset).uuid
        program_encounter(store, enrolled, at=HOUR_AGO + offset)
    page = avni.get(path, lastModifiedDateTime=EPOCH, page=1)
    assert {key: page[key] for key in page if key != "content"} == {
        "totalElements": 5,
        "totalPages": 2,
        "pageSize": 20,
    }


@pytest.mark.parametrize("path", [ENROLMENTS, VISITS])
def test_a_bad_time_is_a_problem_document(avni: Caller, path: str) -> None:
    answer = avni.call("GET", path, lastModifiedDateTime="yesterday", program="Pregnancy", subject="x")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")


def test_organisations_see_nothing_of_each_other(store: AvniStore, server: Any, enrolled: str) -> None:
    made = program_encounter(store, enrolled, at=1).uuid
    store.add_user("stranger", "secret", organisation="elsewhere")
    stranger = Caller(server.base_url, {"USER-NAME": "stranger"})
    store.settings.idp_type = "none"
    assert stranger.ids(ENROLMENTS, lastModifiedDateTime=EPOCH) == []
    assert stranger.ids(VISITS, lastModifiedDateTime=EPOCH, programEnrolmentId=enrolled) == []
    assert stranger.call("GET", f"/api/programEnrolment/{enrolled}").status_code == 404
    assert stranger.call("GET", f"/api/programEncounter/{made}").status_code == 404
