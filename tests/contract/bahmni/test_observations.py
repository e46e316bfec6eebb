"""What an update does to observations, and which values each datatype takes."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue
from simulators.bahmni.model import Obs
from simulators.bahmni.state import FALSE_CONCEPT, TRUE_CONCEPT
from tests.contract.bahmni.support import (
    CHILDREN,
    COMPLAINT,
    COUGH,
    ENCOUNTER,
    FEVER,
    FORM,
    NOTE,
    ONSET,
    PATIENT,
    PREGNANT,
    SEEN_AT,
    VISIT,
    WEIGHT,
    Http,
    field_codes,
    message,
)

MOMENT = "2026-11-15T10:00:00.000+0530"
LATER = "2026-11-15T12:00:00.000+0530"


@pytest.fixture(autouse=True)
def _encounter(http: Http, visit: str) -> None:
    """A note `n` on its own, and a form `f` with weight `w` and complaint `c`."""
    group = {
        "uuid": "f",
        "concept": FORM,
        "groupMembers": [
            {"uuid": "w", "concept": WEIGHT, "value": 50},
            {"uuid": "c", "concept": COMPLAINT, "value": FEVER},
        ],
    }
    body = {
        "uuid": ENCOUNTER,
        "patient": PATIENT,
        "encounterType": catalogue.CONSULTATION,
        "visit": VISIT,
        "location": catalogue.OPD_1,
        "encounterDatetime": MOMENT,
        "obs": [{"uuid": "n", "concept": NOTE, "value": "fine"}, group],
    }
    answer = http.post("/encounter", body)
    assert answer.status_code == 201, answer.text


def update(http: Http, *obs: dict[str, Any], **more: Any) -> None:
    answer = http.post(f"/encounter/{ENCOUNTER}", {"obs": list(obs), **more})
    assert answer.status_code == 200, answer.text


def live(store: Store) -> dict[str, list[Any]]:
    """Values of live rows by concept."""
    found: dict[str, list[Any]] = {}
    for row in store.obs_of(ENCOUNTER):
        if not row.voided:
            found.setdefault(row.concept, []).append(row.value)
    return found


def successor(store: Store, uuid: str) -> Obs:
    return next(row for row in store.obs.values() if row.previous_version == uuid)


AS_IT_WAS = {NOTE: ["fine"], FORM: [None], WEIGHT: [50.0], COMPLAINT: [FEVER]}


# the rules of an update


def test_update_without_obs_leaves_them_alone(http: Http, store: Store) -> None:
    http.post(f"/encounter/{ENCOUNTER}", {"encounterType": catalogue.CONSULTATION})
    assert live(store) == AS_IT_WAS


def test_observation_not_listed_stays(http: Http, store: Store) -> None:
    update(http, {"concept": NOTE, "value": "another"})
    assert live(store) == {**AS_IT_WAS, NOTE: ["fine", "another"]}


def test_empty_list_removes_nothing(http: Http, store: Store) -> None:
    update(http)
    assert live(store) == AS_IT_WAS


def test_edit_voids_the_row_and_writes_another_with_a_new_uuid(http: Http, store: Store) -> None:
    update(http, {"uuid": "n", "concept": NOTE, "value": "better"})
    assert live(store)[NOTE] == ["better"]
    assert store.obs["n"].voided
    assert (store.obs["n"].value, successor(store, "n").status) == ("fine", "AMENDED")


def test_unchanged_observation_keeps_its_uuid(http: Http, store: Store) -> None:
    update(http, {"uuid": "n", "concept": NOTE, "value": "fine"}, {"uuid": "w", "concept": WEIGHT, "value": "50"})
    assert not store.obs["n"].voided
    assert not store.obs["w"].voided


def test_voided_true_voids_and_the_original_stays_readable(http: Http, store: Store) -> None:
    update(http, {"uuid": "n", "concept": NOTE, "voided": True})
    assert NOTE not in live(store)
    assert http.get("/obs/n").json()["voided"] is True


def test_edit_of_a_stale_uuid_lands_in_the_voided_row(http: Http, store: Store) -> None:
    update(http, {"uuid": "n", "concept": NOTE, "value": "second"})
    update(http, {"uuid": "n", "concept": NOTE, "value": "third"})
    assert live(store)[NOTE] == ["second"]
    assert store.obs["n"].value == "third"


def test_voided_false_revives_a_stale_row_beside_the_newer_one(http: Http, store: Store) -> None:
    update(http, {"uuid": "n", "concept": NOTE, "value": "second"})
    update(http, {"uuid": "n", "concept": NOTE, "value": "fine", "voided": False})
    assert sorted(live(store)[NOTE]) == ["fine", "second"]


def test_voided_false_with_a_changed_value_writes_a_further_row(http: Http, store: Store) -> None:
    update(http, {"uuid": "n", "concept": NOTE, "value": "second"})
    update(http, {"uuid": "n", "concept": NOTE, "value": "third", "voided": False})
    assert sorted(live(store)[NOTE]) == ["second", "third"]


def test_unknown_uuid_is_given_to_a_new_row(http: Http, store: Store) -> None:
    update(http, {"uuid": "chosen", "concept": NOTE, "value": "x"})
    assert store.obs["chosen"].value == "x"


def test_members_are_changed_added_and_voided_under_a_parent_that_stays(http: Http, store: Store) -> None:
    members = [
        {"uuid": "w", "concept": WEIGHT, "value": 51},
        {"uuid": "c", "concept": COMPLAINT, "voided": True},
        {"uuid": "c2", "concept": COMPLAINT, "value": COUGH},
    ]
    update(http, {"uuid": "f", "concept": FORM, "groupMembers": members})
    assert live(store) == {**AS_IT_WAS, WEIGHT: [51.0], COMPLAINT: [COUGH]}
    assert not store.obs["f"].voided
    assert {store.obs["c2"].group, successor(store, "w").group} == {"f"}


def test_change_of_a_parent_gives_all_members_new_uuids(http: Http, store: Store) -> None:
    update(http, {"uuid": "f", "concept": FORM, "comment": "checked"})
    parent = successor(store, "f")
    assert live(store) == AS_IT_WAS
    assert {store.obs[uuid].voided for uuid in "fwc"} == {True}
    assert {row.value for row in store.members(parent)} == {50.0, FEVER}


def test_new_member_of_a_changed_parent_joins_the_new_one(http: Http, store: Store) -> None:
    member = {"uuid": "c2", "concept": COMPLAINT, "value": COUGH}
    update(http, {"uuid": "f", "concept": FORM, "comment": "checked", "groupMembers": [member]})
    assert store.obs["c2"].group == successor(store, "f").uuid


def test_voided_parent_takes_its_members_along(http: Http, store: Store) -> None:
    update(http, {"uuid": "f", "concept": FORM, "voided": True})
    assert live(store) == {NOTE: ["fine"]}


def test_change_of_the_encounters_time_reissues_every_observation(http: Http, store: Store) -> None:
    assert http.post(f"/encounter/{ENCOUNTER}", {"encounterDatetime": LATER}).status_code == 200
    assert live(store) == AS_IT_WAS
    assert {store.obs[uuid].voided for uuid in "nfwc"} == {True}
    shown = http.get(f"/encounter/{ENCOUNTER}", v="full").json()
    assert {row["obsDatetime"] for row in shown["obs"]} == {LATER}


def test_observation_of_another_time_stays_when_the_encounter_moves(http: Http, store: Store) -> None:
    update(http, {"uuid": "own", "concept": NOTE, "value": "x", "obsDatetime": "2026-11-14"})
    http.post(f"/encounter/{ENCOUNTER}", {"encounterDatetime": LATER})
    assert not store.obs["own"].voided


def test_time_and_value_changed_at_once_give_one_new_row(http: Http, store: Store) -> None:
    update(http, {"uuid": "n", "concept": NOTE, "value": "better"}, encounterDatetime=LATER)
    assert live(store)[NOTE] == ["better"]
    assert len([row for row in store.obs.values() if row.previous_version == "n"]) == 1


def test_change_of_the_location_reissues_what_stood_there(http: Http, store: Store) -> None:
    http.post(f"/encounter/{ENCOUNTER}", {"location": catalogue.REGISTRATION_DESK})
    assert successor(store, "n").location == catalogue.REGISTRATION_DESK


def test_change_of_the_location_is_500_when_an_observation_has_none(http: Http, store: Store) -> None:
    store.obs["n"].location = None
    answer = http.post(f"/encounter/{ENCOUNTER}", {"location": catalogue.REGISTRATION_DESK})
    assert answer.status_code == 500
    assert "NullPointerException" in message(answer)


def test_observations_are_listed_live_and_nested(http: Http) -> None:
    shown = http.get(f"/encounter/{ENCOUNTER}", v="full").json()["obs"]
    assert [row["uuid"] for row in shown] == ["n", "f"]
    assert [row["uuid"] for row in shown[1]["groupMembers"]] == ["w", "c"]
    assert shown[0]["groupMembers"] is None


def test_old_releases_list_voided_members(http: Http, store: Store) -> None:
    update(http, {"uuid": "f", "concept": FORM, "groupMembers": [{"uuid": "w", "concept": WEIGHT, "voided": True}]})
    assert len(http.get("/obs/f").json()["groupMembers"]) == 1
    store.settings.voided_group_members = True
    assert len(http.get("/obs/f").json()["groupMembers"]) == 2


def test_form_fields_are_kept(http: Http) -> None:
    path = {"formFieldNamespace": "Bahmni", "formFieldPath": "Vitals.1/2-0"}
    update(http, {"uuid": "n", "concept": NOTE, "value": "fine", **path})
    shown = next(row for row in http.get(f"/encounter/{ENCOUNTER}", v="full").json()["obs"] if row["value"] == "fine")
    assert (shown["formFieldNamespace"], shown["formFieldPath"]) == ("Bahmni", "Vitals.1/2-0")


def test_obs_routes_of_their_own_are_not_pretended(http: Http) -> None:
    assert http.post("/obs/n", {"value": "x"}).status_code == 501
    assert http.delete("/obs/n").status_code == 501
    assert http.get("/obs", patient=PATIENT).status_code == 501


# values


def refused(http: Http, **obs: Any) -> Any:
    answer = http.post(f"/encounter/{ENCOUNTER}", {"obs": [obs]})
    assert answer.status_code == 400, answer.text
    return answer


@pytest.mark.parametrize(
    ("concept", "sent", "read"),
    [
        (WEIGHT, 54.5, 54.5),
        (WEIGHT, "54.5", 54.5),
        (WEIGHT, "54.5 kg", 54.5),
        (CHILDREN, 3.0, 3),
        (NOTE, "free, text", "free, text"),
        (NOTE, 7, "7"),
        (ONSET, "2026-11-01", "2026-11-01"),
        (ONSET, "2026-11-01T23:30:00.000Z", "2026-11-01"),
        (SEEN_AT, "2026-11-01 10:15", "2026-11-01T10:15:00.000+0530"),
        (SEEN_AT, "2026-11-01 10:15:59", "2026-11-01T10:15:00.000+0530"),
    ],
)
def test_value_reads_back(http: Http, concept: str, sent: Any, read: Any) -> None:
    update(http, {"uuid": "v", "concept": concept, "value": sent})
    assert http.get("/obs/v").json()["value"] == read


@pytest.mark.parametrize(
    ("concept", "sent", "read"),
    [
        (COMPLAINT, COUGH, COUGH),
        (COMPLAINT, {"uuid": COUGH}, COUGH),
        (COMPLAINT, "CIEL:140238", FEVER),
        (PREGNANT, True, TRUE_CONCEPT),
        (PREGNANT, "no", FALSE_CONCEPT),
        (PREGNANT, TRUE_CONCEPT, TRUE_CONCEPT),
        (NOTE, catalogue.OPD_1, catalogue.OPD_1),
    ],
)
def test_value_reads_back_as_an_object(http: Http, concept: str, sent: Any, read: str) -> None:
    update(http, {"uuid": "v", "concept": concept, "value": sent})
    assert http.get("/obs/v").json()["value"]["uuid"] == read


def test_file_reads_back_as_a_link_to_its_bytes_without_a_uuid(http: Http, store: Store) -> None:
    scan = store.add_concept("Scan", "Complex").uuid
    update(http, {"uuid": "v", "concept": scan, "value": "aGVsbG8="})
    value = http.get("/obs/v").json()["value"]
    assert (value["display"], "uuid" in value, value["links"]["rel"]) == ("raw file", False, "value")
    assert value["links"]["uri"].endswith("/ws/rest/v1/obs/v/value")


def test_file_that_is_not_base64_is_400(http: Http, store: Store) -> None:
    refused(http, concept=store.add_concept("Scan", "Complex").uuid, value="not base64 at all")


def test_group_voided_in_an_encounter_takes_its_members_along(http: Http, store: Store) -> None:
    update(http, {"uuid": "f", "concept": FORM, "voided": True, "groupMembers": []})
    assert (store.obs["w"].voided, store.obs["c"].voided) == (True, True)


@pytest.mark.parametrize(
    ("concept", "sent"),
    [
        (COMPLAINT, "unknown"),
        (PREGNANT, "perhaps"),
        (WEIGHT, "54 lb"),
        (WEIGHT, True),
        (ONSET, "01/11/2026"),
        (SEEN_AT, "2026-11-01T10:15:00.000+0530"),
        (SEEN_AT, "2026-11-01"),
        (FORM, "a group has no value"),
        (NOTE, None),
    ],
)
def test_value_of_the_wrong_form_is_400(http: Http, concept: str, sent: Any) -> None:
    assert "on class org.openmrs.Obs" in message(refused(http, concept=concept, value=sent))


@pytest.mark.parametrize(
    ("concept", "sent", "complaint"),
    [
        (WEIGHT, 301, ("valueNumeric", "error.outOfRange.high")),
        (WEIGHT, -1, ("valueNumeric", "error.outOfRange.low")),
        (CHILDREN, 2.5, ("valueNumeric", "Obs.error.precision")),
        (NOTE, "x" * 65536, ("valueText", "error.exceededMaxLengthOfField")),
    ],
)
def test_value_out_of_bounds_fails_validation(http: Http, concept: str, sent: Any, complaint: tuple[str, str]) -> None:
    assert field_codes(refused(http, concept=concept, value=sent)) == [complaint]


def test_complaint_about_a_member_names_the_group(http: Http) -> None:
    member = {"concept": WEIGHT, "value": 301}
    answer = refused(http, concept=FORM, groupMembers=[member])
    assert field_codes(answer) == [("groupMembers", "Obs.error.inGroupMember")]


def test_observation_without_value_and_members_fails_validation(http: Http) -> None:
    assert field_codes(refused(http, concept=FORM)) == [("groupMembers", "error.noValue")]


@pytest.mark.parametrize("concept", [{"uuid": NOTE}, "Note", "unknown"])
def test_concept_is_taken_by_uuid_only(http: Http, concept: Any) -> None:
    assert "concept on class org.openmrs.Obs" in message(refused(http, concept=concept, value="x"))


def test_old_releases_read_dates_back_as_timestamps(http: Http, store: Store) -> None:
    store.settings.date_obs_as_timestamp = True
    update(http, {"uuid": "v", "concept": ONSET, "value": "2026-11-01"})
    assert http.get("/obs/v").json()["value"] == "2026-11-01T00:00:00.000+0530"


def test_multiple_answers_are_siblings(http: Http, store: Store) -> None:
    update(http, {"concept": COMPLAINT, "value": COUGH}, {"concept": COMPLAINT, "value": FEVER})
    assert sorted(live(store)[COMPLAINT]) == sorted([FEVER, COUGH, FEVER])
