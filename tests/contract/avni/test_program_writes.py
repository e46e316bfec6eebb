"""Writing program enrolments and program encounters (avni.md A13 to A18, A47, A48)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from simulators.avni import AvniStore
from tests.contract.avni.support import (
    Caller,
    Clock,
    enrolment,
    enrolment_body,
    program_encounter_body,
    subject,
)


@pytest.fixture
def owner(store: AvniStore) -> str:
    return subject(store, at=0, external_id="s-1").uuid


@pytest.fixture
def enrolled(store: AvniStore, owner: str) -> str:
    return enrolment(store, owner, at=0, external_id="n-0").uuid


@dataclass
class Sort:
    """An enrolment or a program encounter: where it is written, and a request that is accepted."""

    path: str
    body: dict[str, Any]
    maps: tuple[str, str]
    time: str


@pytest.fixture(params=["enrolment", "program encounter"])
def sort(request: pytest.FixtureRequest, owner: str, enrolled: str) -> Sort:
    if request.param == "enrolment":
        maps, time = ("observations", "exitObservations"), "Enrolment datetime"
        return Sort("/api/programEnrolment", enrolment_body(owner), maps, time)
    maps, time = ("observations", "cancelObservations"), "Encounter date time"
    return Sort("/api/programEncounter", program_encounter_body(enrolled), maps, time)


# --- what both have in common -------------------------------------------------------------------


def test_a_post_with_a_known_external_id_replaces_everything(avni: Caller, sort: Sort) -> None:
    body = sort.body | {"External ID": "x-1", "observations": {"Height": 150, "Visit notes": "old"}}
    first = avni.send("POST", sort.path, body)
    second = avni.send("POST", sort.path, body | {"observations": {"Visit notes": "new"}})
    assert (second["ID"], second["observations"]) == (first["ID"], {"Visit notes": "new"})


def test_a_post_without_external_id_always_makes_a_new_row(avni: Caller, sort: Sort) -> None:
    first, second = (avni.send("POST", sort.path, sort.body) for _ in range(2))
    assert first["ID"] != second["ID"]


def test_a_row_is_found_by_uuid_or_external_id_for_every_verb(avni: Caller, sort: Sort) -> None:
    body = sort.body | {"External ID": "x-1"}
    made = avni.send("POST", sort.path, body)["ID"]
    for key in (made, "x-1"):
        assert avni.get(f"{sort.path}/{key}")["ID"] == made
        assert avni.send("PUT", f"{sort.path}/{key}", body)["ID"] == made
        assert avni.send("DELETE", f"{sort.path}/{key}")["ID"] == made
    assert avni.send("PUT", f"{sort.path}/nowhere", body)["ID"] == made


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_row_that_is_not_there_is_an_empty_404(avni: Caller, sort: Sort, method: str) -> None:
    answer = avni.call(method, f"{sort.path}/nowhere")
    assert (answer.status_code, answer.content) == (404, b"")


def test_changing_a_row_that_is_not_there_is_a_500(avni: Caller, sort: Sort) -> None:
    assert avni.call("PUT", f"{sort.path}/nowhere", sort.body).status_code == 500


def test_there_is_no_patch(avni: Caller, sort: Sort) -> None:
    made = avni.send("POST", sort.path, sort.body)["ID"]
    answer = avni.call("PATCH", f"{sort.path}/{made}", {"Voided": True})
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/problem+json")


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("how", ["missing", "null"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_missing_observation_map_is_a_500(avni: Caller, sort: Sort, position: int, how: str, method: str) -> None:
    made = avni.send("POST", sort.path, sort.body)["ID"]
    body = sort.body | {sort.maps[position]: None}
    if how == "missing":
        del body[sort.maps[position]]
    path = sort.path if method == "POST" else f"{sort.path}/{made}"
    assert avni.call(method, path, body).status_code == 500


@pytest.mark.parametrize("position", [0, 1])
def test_an_unknown_question_is_a_500_and_an_unknown_answer_a_400(avni: Caller, sort: Sort, position: int) -> None:
    statuses = [
        avni.call("POST", sort.path, sort.body | {sort.maps[position]: given}).status_code
        for given in ({"No such question": 1}, {"Marital status": "No such answer"})
    ]
    assert statuses == [500, 400]


def test_a_bad_time_is_a_400(avni: Caller, sort: Sort) -> None:
    assert avni.call("POST", sort.path, sort.body | {sort.time: "soon"}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_write_without_voided_unvoids(avni: Caller, sort: Sort, method: str) -> None:
    body = sort.body | {"External ID": "x-1"}
    made = avni.send("POST", sort.path, body | {"Voided": True})
    assert made["Voided"] is True
    path = sort.path if method == "POST" else f"{sort.path}/{made['ID']}"
    assert avni.send(method, path, body)["Voided"] is False


def test_a_put_cannot_take_anothers_external_id(avni: Caller, sort: Sort) -> None:
    avni.send("POST", sort.path, sort.body | {"External ID": "x-1"})
    other = avni.send("POST", sort.path, sort.body | {"External ID": "x-2"})["ID"]
    assert avni.call("PUT", f"{sort.path}/{other}", sort.body | {"External ID": "x-1"}).status_code == 409


def test_a_put_answers_with_the_former_last_modification(avni: Caller, sort: Sort, clock: Clock) -> None:
    made = avni.send("POST", sort.path, sort.body)
    clock.advance(60)
    answer = avni.send("PUT", f"{sort.path}/{made['ID']}", sort.body | {"observations": {"Height": 1}})
    assert answer["audit"] == made["audit"]
    assert avni.get(f"{sort.path}/{made['ID']}")["audit"] != made["audit"]


def test_a_put_that_changes_nothing_leaves_no_trace(avni: Caller, sort: Sort, clock: Clock) -> None:
    made = avni.send("POST", sort.path, sort.body)
    clock.advance(60)
    avni.send("PUT", f"{sort.path}/{made['ID']}", sort.body)
    assert avni.get(f"{sort.path}/{made['ID']}")["audit"] == made["audit"]


def test_a_date_is_a_moment_in_version_one_and_an_indian_day_in_version_two(avni: Caller, sort: Sort) -> None:
    given = {name: {"Marriage date": "2015-02-10T18:30:00.000Z"} for name in sort.maps}
    made = avni.send("POST", sort.path, sort.body | given)["ID"]
    read = avni.get(f"{sort.path}/{made}", version=2)
    assert [read[name]["Marriage date"] for name in sort.maps] == ["2015-02-11", "2015-02-11"]


# --- enrolments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys",
    [
        {"Program": "No such program"},
        {"Program": None},
        {"Subject ID": "nobody"},
        {"Subject ID": None},
        {"Subject ID": "s-1"},
        {"Enrolment datetime": None},
    ],
)
def test_most_mistakes_in_an_enrolment_are_a_500(
    store: AvniStore, avni: Caller, owner: str, keys: dict[str, Any]
) -> None:
    assert avni.call("POST", "/api/programEnrolment", enrolment_body(owner) | keys).status_code == 500
    assert store.enrolments == {}


def test_an_enrolment_names_its_subject_by_uuid_or_by_the_key_for_external_ids(avni: Caller, owner: str) -> None:
    body = enrolment_body("nobody", **{"Subject external ID": " s-1 "})
    assert avni.send("POST", "/api/programEnrolment", body)["Subject ID"] == owner


def test_a_post_moves_an_enrolment_and_a_put_does_not(store: AvniStore, avni: Caller, owner: str) -> None:
    other = subject(store, "Ravi").uuid
    body = enrolment_body(owner, **{"External ID": "n-1"})
    made = avni.send("POST", "/api/programEnrolment", body)["ID"]
    moved = body | {"Subject ID": other}
    assert avni.send("PUT", f"/api/programEnrolment/{made}", moved)["Subject ID"] == owner
    assert avni.send("POST", "/api/programEnrolment", moved)["Subject ID"] == other
    assert (store.enrolments_of(owner), store.enrolments_of(other)) == ([], [made])


def test_an_exit_is_a_put_with_its_time_and_its_own_observations(avni: Caller, owner: str) -> None:
    body = enrolment_body(owner, observations={"Height": 150})
    made = avni.send("POST", "/api/programEnrolment", body)
    assert made["Exit datetime"] is None
    leaving = {
        "Exit datetime": "2024-05-01T06:30:00Z",
        "exitObservations": {"Visit notes": "moved away"},
        "Exit location": {"x": 1.5, "y": 2.5},
    }
    avni.send("PUT", f"/api/programEnrolment/{made['ID']}", body | leaving)
    left = avni.get(f"/api/programEnrolment/{made['ID']}")
    assert left["Exit datetime"] == "2024-05-01T06:30:00.000Z"
    assert (left["observations"], left["exitObservations"]) == ({"Height": 150}, {"Visit notes": "moved away"})
    assert left["Exit location"] == {"x": 1.5, "y": 2.5}


def test_a_put_without_its_exit_brings_an_enrolment_back(avni: Caller, owner: str) -> None:
    body = enrolment_body(owner)
    exited = body | {"Exit datetime": "2024-05-01T06:30:00Z"}
    made = avni.send("POST", "/api/programEnrolment", exited)["ID"]
    avni.send("PUT", f"/api/programEnrolment/{made}", body)
    assert avni.get(f"/api/programEnrolment/{made}")["Exit datetime"] is None


def test_a_subject_may_be_enrolled_twice_in_one_program(store: AvniStore, avni: Caller, owner: str) -> None:
    for key in ("n-1", "n-2"):
        avni.send("POST", "/api/programEnrolment", enrolment_body(owner, **{"External ID": key}))
    assert len(store.enrolments_of(owner)) == 2


def test_deleting_an_enrolment_touches_none_of_its_encounters(store: AvniStore, avni: Caller, enrolled: str) -> None:
    child = avni.send("POST", "/api/programEncounter", program_encounter_body(enrolled))["ID"]
    assert avni.send("DELETE", f"/api/programEnrolment/{enrolled}")["Voided"] is True
    assert store.program_encounters[child].voided is False
    assert avni.get(f"/api/programEnrolment/{enrolled}")["encounters"] == [child]


# --- program encounters -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys",
    [
        {"Encounter type": "No such type"},
        {"Encounter type": None},
        {"Enrolment ID": "nowhere"},
        {"Enrolment ID": None},
    ],
)
def test_most_mistakes_in_a_program_encounter_are_a_500(
    store: AvniStore, avni: Caller, enrolled: str, keys: dict[str, Any]
) -> None:
    assert avni.call("POST", "/api/programEncounter", program_encounter_body(enrolled) | keys).status_code == 500
    assert store.program_encounters == {}


@pytest.mark.parametrize("keys", [{"Enrolment ID": "n-0"}, {"Enrolment ID": None, "Enrolment external ID": "n-0"}])
def test_a_program_encounter_names_its_enrolment_by_uuid_or_external_id(
    avni: Caller, enrolled: str, keys: dict[str, Any]
) -> None:
    body = program_encounter_body(enrolled) | keys
    assert avni.send("POST", "/api/programEncounter", body)["Enrolment ID"] == enrolled


def test_a_program_encounter_without_any_time_is_a_400_in_plain_text(avni: Caller, enrolled: str) -> None:
    body = program_encounter_body(enrolled) | {"Encounter date time": None}
    answer = avni.call("POST", "/api/programEncounter", body)
    assert (answer.status_code, "\n" in answer.text) == (400, False)


def test_a_refused_change_may_have_been_kept_all_the_same(avni: Caller, enrolled: str) -> None:
    body = program_encounter_body(enrolled)
    made = avni.send("POST", "/api/programEncounter", body)["ID"]
    timeless = body | {"Encounter date time": None, "observations": {"Visit notes": "kept"}}
    assert avni.call("PUT", f"/api/programEncounter/{made}", timeless).status_code == 400
    assert avni.get(f"/api/programEncounter/{made}")["observations"] == {"Visit notes": "kept"}


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_one_both_held_and_cancelled_is_a_conflict_and_nothing_is_kept(
    avni: Caller, enrolled: str, method: str
) -> None:
    body = program_encounter_body(enrolled, **{"External ID": "p-1"})
    made = avni.send("POST", "/api/programEncounter", body)["ID"]
    path = "/api/programEncounter" if method == "POST" else f"/api/programEncounter/{made}"
    both = body | {"Cancel date time": "2024-04-03T00:00:00Z", "observations": {"Height": 1}}
    answer = avni.call(method, path, both)
    assert (answer.status_code, "\n" in answer.text) == (409, False)
    assert avni.get(f"/api/programEncounter/{made}")["observations"] == {}


def test_one_only_planned_may_be_cancelled(avni: Caller, enrolled: str) -> None:
    planned = {"Encounter date time": None, "Earliest scheduled date": "2024-04-02"}
    cancelled = planned | {"Cancel date time": "2024-04-03T00:00:00Z", "cancelObservations": {"Visit notes": "away"}}
    made = avni.send("POST", "/api/programEncounter", program_encounter_body(enrolled) | cancelled)
    assert made["Cancel date time"] == "2024-04-03T00:00:00.000Z"
    assert made["cancelObservations"] == {"Visit notes": "away"}


def test_a_general_encounter_may_be_both_held_and_cancelled(avni: Caller, owner: str) -> None:
    both = {"Encounter date time": "2024-04-02T00:00:00Z", "Cancel date time": "2024-04-03T00:00:00Z"}
    maps: dict[str, Any] = {"observations": {}, "cancelObservations": {}}
    avni.send("POST", "/api/encounter", {"Encounter type": "Home visit", "Subject ID": owner} | maps | both)


def test_a_post_moves_a_program_encounter_and_a_put_does_not(
    store: AvniStore, avni: Caller, owner: str, enrolled: str
) -> None:
    other = enrolment(store, owner).uuid
    body = program_encounter_body(enrolled, **{"External ID": "p-1"})
    made = avni.send("POST", "/api/programEncounter", body)["ID"]
    moved = body | {"Enrolment ID": other}
    assert avni.send("PUT", f"/api/programEncounter/{made}", moved)["Enrolment ID"] == enrolled
    assert avni.send("POST", "/api/programEncounter", moved)["Enrolment ID"] == other
    assert store.program_encounters_of(enrolled) == []


def test_an_external_id_just_being_committed_is_a_conflict_then_an_update(
    store: AvniStore, avni: Caller, enrolled: str, clock: Clock
) -> None:
    winner = store.put_program_encounter(
        encounter_type="ANC Visit", enrolment=enrolled, external_id="p-1", commit_after=2
    ).uuid
    body = program_encounter_body(enrolled, **{"External ID": "p-1"})
    assert avni.call("POST", "/api/programEncounter", body).status_code == 409
    clock.advance(2)
    assert avni.send("POST", "/api/programEncounter", body)["ID"] == winner


def test_each_sort_of_record_has_its_own_external_ids(avni: Caller, owner: str, enrolled: str) -> None:
    keyed = {"External ID": "same"}
    made = [
        avni.send("POST", "/api/programEnrolment", enrolment_body(owner) | keyed),
        avni.send("POST", "/api/programEncounter", program_encounter_body(enrolled) | keyed),
    ]
    assert [row["External ID"] for row in made] == ["same", "same"]
