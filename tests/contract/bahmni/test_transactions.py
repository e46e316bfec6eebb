"""Bahmni's own encounter call: what it shows, and what a save does to visit, encounter and observations."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue
from simulators.bahmni.model import Encounter, Obs
from simulators.bahmni.state import TRUE_CONCEPT
from tests.contract.bahmni.support import (
    COMPLAINT,
    COUGH,
    ENCOUNTER,
    FEVER,
    FORM,
    GROUP,
    NOTE,
    ONSET,
    PATIENT,
    PREGNANT,
    SEEN_AT,
    VISIT,
    WEIGHT,
    Clock,
    Http,
    field_codes,
    fixture,
    message,
)

RESOURCE = "/bahmnicore/bahmniencounter"
NOW = 1795240800000
"""The clock's time, 2026-11-21 11:30 in the hospital, in milliseconds."""
MOMENT = NOW - 3600_000


def body(*observations: dict[str, Any], **more: Any) -> dict[str, Any]:
    usual = {
        "patientUuid": PATIENT,
        "visitUuid": VISIT,
        "encounterUuid": ENCOUNTER,
        "encounterTypeUuid": catalogue.CONSULTATION,
        "locationUuid": catalogue.OPD_1,
        "encounterDateTime": MOMENT,
        "providers": [{"uuid": catalogue.SUPERMAN, "encounterRoleUuid": catalogue.UNKNOWN_ROLE}],
        "observations": list(observations),
    }
    return {**usual, **more}


def obs(concept: str, value: Any = None, *members: dict[str, Any], **more: Any) -> dict[str, Any]:
    usual = {"concept": {"uuid": concept}, "value": value, "observationDateTime": MOMENT, "groupMembers": list(members)}
    return {**usual, **more}


def save(http: Http, *observations: dict[str, Any], **more: Any) -> Any:
    answer = http.post(RESOURCE, body(*observations, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(http: Http, uuid: str = ENCOUNTER, include_all: str = "true") -> Any:
    answer = http.get(f"{RESOURCE}/{uuid}", includeAll=include_all)
    assert answer.status_code == 200, answer.text
    return answer.json()


def live(store: Store, uuid: str = ENCOUNTER) -> list[Obs]:
    return [row for row in store.obs_of(uuid) if not row.voided]


@pytest.fixture
def saved(http: Http, visit: str) -> Any:
    """A note `n`, and a form `f` with a weight `w` and two complaints."""
    group = obs(
        FORM,
        None,
        obs(WEIGHT, 50, uuid="w"),
        obs(COMPLAINT, {"uuid": FEVER}, uuid="c1"),
        obs(COMPLAINT, COUGH, uuid="c2"),
        uuid="f",
    )
    return save(http, obs(NOTE, "fine", uuid="n"), group)


# reading


def test_include_all_has_to_be_said(http: Http, saved: Any) -> None:
    assert http.get(f"{RESOURCE}/{ENCOUNTER}").status_code == 500
    assert http.get(f"{RESOURCE}/{ENCOUNTER}", includeAll="false").status_code == 200


def test_unknown_encounter_is_500(http: Http) -> None:
    assert http.get(f"{RESOURCE}/x", includeAll="true").status_code == 500


def test_encounter_without_a_visit_is_500(http: Http, patient: Any) -> None:
    made = {"uuid": "e", "patient": PATIENT, "encounterType": catalogue.CONSULTATION}
    assert http.post("/encounter", made).status_code == 201
    assert http.get(f"{RESOURCE}/e", includeAll="true").status_code == 500


def test_document_names_everything_by_uuid_and_by_name(http: Http, saved: Any) -> None:
    document = shown(http)
    assert document["patientUuid"] == PATIENT
    assert document["patientId"] == "GAN200001"
    assert (document["visitUuid"], document["visitTypeUuid"]) == (VISIT, catalogue.OPD)
    assert (document["encounterUuid"], document["encounterType"]) == (ENCOUNTER, "Consultation")
    assert (document["locationUuid"], document["locationName"]) == (catalogue.OPD_1, "OPD-1")
    assert document["providers"] == [
        {"uuid": catalogue.SUPERMAN, "name": "Super Man", "encounterRoleUuid": catalogue.UNKNOWN_ROLE}
    ]


def test_dates_are_milliseconds(http: Http, saved: Any) -> None:
    document = shown(http)
    assert document["encounterDateTime"] == MOMENT
    assert {row["observationDateTime"] for row in document["observations"]} == {MOMENT}


def test_dates_are_texts_in_old_releases(http: Http, store: Store, saved: Any) -> None:
    store.settings.transaction_iso_dates = True
    document = shown(http)
    assert document["encounterDateTime"] == "2026-11-21T10:30:00.000+0530"
    assert document["observations"][0]["observationDateTime"] == "2026-11-21T10:30:00.000+0530"


def test_voided_observations_of_the_top_level_are_among_all(http: Http, saved: Any) -> None:
    save(http, obs(NOTE, uuid="n", voided=True, voidReason="wrong"))
    everything = {row["uuid"]: row for row in shown(http)["observations"]}
    assert (everything["n"]["voided"], everything["n"]["voidReason"]) == (True, "wrong")
    assert [row["uuid"] for row in shown(http, include_all="false")["observations"]] == ["f"]


def test_voided_members_are_never_shown(http: Http, saved: Any) -> None:
    save(http, obs(FORM, None, obs(WEIGHT, uuid="w", voided=True), uuid="f"))
    form = next(row for row in shown(http)["observations"] if row["uuid"] == "f")
    assert [row["uuid"] for row in form["groupMembers"]] == ["c1", "c2"]


def test_voided_encounter_is_shown(http: Http, store: Store, saved: Any) -> None:
    store.void_encounter(ENCOUNTER)
    document = shown(http)
    assert document["encounterUuid"] == ENCOUNTER
    assert {row["voided"] for row in document["observations"]} == {True}


def test_newest_observation_comes_first(http: Http, clock: Clock, saved: Any) -> None:
    clock.move(60)
    save(http, obs(NOTE, "later", uuid="n2"))
    assert [row["uuid"] for row in shown(http)["observations"]] == ["n2", "n", "f"]


VALUES = [
    (WEIGHT, 51.5, 51.5),
    (NOTE, "a text", "a text"),
    (PREGNANT, True, True),
    (ONSET, "2026-11-02", "2026-11-02"),
    (SEEN_AT, "2026-11-02 10:15", "2026-11-02 10:15:00"),
]


@pytest.mark.parametrize(("concept", "sent", "read"), VALUES)
def test_value_reads_back(http: Http, visit: str, concept: str, sent: Any, read: Any) -> None:
    assert save(http, obs(concept, sent))["observations"][0]["value"] == read


def test_coded_value_is_a_concept_with_its_name(http: Http, saved: Any) -> None:
    form = next(row for row in saved["observations"] if row["uuid"] == "f")
    values = [row["value"] for row in form["groupMembers"][1:]]
    assert [(value["uuid"], value["name"]) for value in values] == [(FEVER, "Fever"), (COUGH, "Cough")]
    assert form["groupMembers"][1]["obsGroupUuid"] == "f"


def test_value_of_a_group_is_its_answers_in_words(http: Http, saved: Any) -> None:
    form = next(row for row in saved["observations"] if row["uuid"] == "f")
    assert (form["type"], form["value"]) == (None, "50.0, Fever, Cough")


# what a save answers and leaves


def test_save_answers_200_with_what_is_stored(http: Http, saved: Any) -> None:
    assert saved == shown(http, include_all="false")


def test_save_leaves_an_event(http: Http, store: Store, saved: Any) -> None:
    contents = [row.content for row in store.feeds.of("encounter")]
    assert contents == [f"/openmrs/ws/rest/v1/bahmnicore/bahmniencounter/{ENCOUNTER}?includeAll=true"]
    save(http)
    assert len(store.feeds.of("encounter")) == 2


def test_refused_save_leaves_nothing(http: Http, store: Store, visit: str) -> None:
    assert http.post(RESOURCE, body(obs(NOTE, "x"), obs("nothing", "y"))).status_code == 500
    assert (ENCOUNTER in store.encounters, store.feeds.of("encounter")) == (False, [])


def test_unknown_properties_are_ignored(http: Http, visit: str) -> None:
    assert http.post(RESOURCE, body(somethingElse=1)).status_code == 200


def test_save_says_on_the_visit_that_its_patient_is_out(http: Http, saved: Any) -> None:
    shown_attributes = [row["display"] for row in http.get(f"/visit/{VISIT}").json()["attributes"]]
    assert shown_attributes == ["Visit Status: OPD"]


def test_admission_says_that_the_patient_is_in(http: Http, store: Store, visit: str) -> None:
    kind = store.add_encounter_type("ADMISSION").uuid
    save(http, encounterTypeUuid=kind)
    shown_attributes = {row["display"] for row in http.get(f"/visit/{VISIT}").json()["attributes"]}
    assert shown_attributes == {"Visit Status: IPD", "Admission Status: Admitted"}


def test_save_needs_the_attribute_types_of_visits(http: Http, store: Store, visit: str) -> None:
    del store.visit_attribute_types[catalogue.VISIT_STATUS]
    assert http.post(RESOURCE, body()).status_code == 500


def test_sample_request_is_taken(http: Http, store: Store) -> None:
    request = fixture("request_bahmniencounter_save.json")
    for uuid, datatype in {
        "form-group-concept-uuid": "N/A",
        "numeric-concept-uuid": "Numeric",
        "coded-concept-uuid": "Coded",
        "answer-concept-uuid-1": "N/A",
    }.items():
        store.add_concept(uuid, datatype, uuid=uuid)
    kind = catalogue.PATIENT_IDENTIFIER
    store.hospital_create_patient("A", "B", "X", identifier_type=kind, uuid=request["patientUuid"])
    place = catalogue.REGISTRATION_DESK
    store.hospital_create_visit(
        uuid=request["visitUuid"],
        patient=request["patientUuid"],
        visitType="OPD",
        location=place,
        startDatetime="2026-11-20",
    )
    assert http.post(RESOURCE, request).status_code == 200
    assert {row.value for row in live(store, request["encounterUuid"])} == {None, 54.5, "answer-concept-uuid-1"}


@pytest.mark.parametrize("name", ["bahmniDiagnoses", "disposition"])
def test_diagnoses_and_dispositions_are_not_pretended(http: Http, visit: str, name: str) -> None:
    assert http.post(RESOURCE, body(**{name: [{}]})).status_code == 501


# which encounter


def test_encounter_type_is_found_by_uuid_else_by_name(http: Http, store: Store, visit: str) -> None:
    save(http, encounterTypeUuid=None, encounterType="Consultation")
    assert store.encounters[ENCOUNTER].type == catalogue.CONSULTATION


def test_encounter_type_not_found_is_500(http: Http, visit: str) -> None:
    answer = http.post(RESOURCE, body(encounterTypeUuid=None, encounterType="None of these"))
    assert (answer.status_code, message(answer)) == (500, "[Encounter type not found.]")


def test_uuid_of_an_encounter_of_another_visit_is_a_duplicate(http: Http, store: Store, saved: Any) -> None:
    place = catalogue.REGISTRATION_DESK
    other = store.hospital_create_visit(
        patient=PATIENT, visitType="OPD", location=place, startDatetime="2026-11-20"
    ).uuid
    answer = http.post(RESOURCE, body(visitUuid=other))
    assert answer.status_code == 500
    assert "Duplicate entry" in message(answer)


def without_uuid(http: Http, store: Store, **more: Any) -> Encounter:
    return store.encounters[save(http, encounterUuid=None, **more)["encounterUuid"]]


def test_save_without_a_uuid_joins_the_session(http: Http, store: Store, saved: Any) -> None:
    joined = without_uuid(http, store, observations=[obs(NOTE, "more")], encounterDateTime=NOW)
    assert joined.uuid == ENCOUNTER
    assert len(live(store)) == 6


def other_type(store: Store) -> dict[str, Any]:
    return {"encounterTypeUuid": store.add_encounter_type("Other").uuid}


def other_provider(store: Store) -> dict[str, Any]:
    return {"providers": [{"uuid": store.add_provider("Dr Other").uuid}]}


def other_place(store: Store) -> dict[str, Any]:
    return {"locationUuid": store.add_location("Elsewhere", tags=["Visit Location"]).uuid}


@pytest.mark.parametrize("other", [other_type, other_provider, other_place])
def test_somebody_elses_work_is_another_session(http: Http, store: Store, saved: Any, other: Any) -> None:
    assert without_uuid(http, store, encounterDateTime=NOW, **other(store)).uuid != ENCOUNTER


def test_session_is_over_after_an_hour(http: Http, store: Store, clock: Clock, saved: Any) -> None:
    store.settings.session_idle = 4000
    clock.move(3601)
    assert without_uuid(http, store, encounterDateTime=NOW + 3601_000).uuid != ENCOUNTER


def test_two_sessions_that_fit_are_500(http: Http, saved: Any) -> None:
    save(http, encounterUuid="second")
    answer = http.post(RESOURCE, body(encounterUuid=None, encounterDateTime=NOW))
    assert answer.status_code == 500
    assert "More than one encounter" in message(answer)


# which visit


def test_save_of_today_goes_to_the_visit_named(http: Http, store: Store, visit: str) -> None:
    other = store.hospital_create_visit(patient=PATIENT, visitType="OPD", startDatetime="2026-11-20").uuid
    assert save(http, visitUuid=other)["visitUuid"] == other


def test_save_without_a_visit_goes_to_the_open_one_of_the_place(http: Http, visit: str) -> None:
    assert save(http, visitUuid=None)["visitUuid"] == VISIT


def test_save_without_an_open_visit_opens_one(http: Http, store: Store, visit: str) -> None:
    http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-20"})
    made = store.visits[save(http, visitUuid=None, visitTypeUuid=catalogue.IPD)["visitUuid"]]
    assert (made.type, made.stop, made.location) == (catalogue.IPD, None, catalogue.REGISTRATION_DESK)


def test_unknown_visit_is_500(http: Http, visit: str) -> None:
    assert http.post(RESOURCE, body(visitUuid="x")).status_code == 500


YESTERDAY = "2026-11-20T10:00:00.000+0530"


def test_visit_of_a_save_of_the_past_is_found_by_date_and_place(http: Http, store: Store, visit: str) -> None:
    other = store.hospital_create_visit(patient=PATIENT, visitType="OPD", startDatetime="2026-11-21").uuid
    assert save(http, visitUuid=other, encounterDateTime=YESTERDAY)["visitUuid"] == VISIT


def test_visit_later_that_day_is_stretched(http: Http, store: Store, visit: str) -> None:
    http.post(f"/visit/{VISIT}", {"startDatetime": "2026-11-20T12:00:00.000+0530"})
    assert save(http, encounterDateTime=YESTERDAY)["visitUuid"] == VISIT
    assert http.get(f"/visit/{VISIT}").json()["startDatetime"] == YESTERDAY


def test_save_of_the_past_without_a_visit_makes_one_of_that_day(http: Http, store: Store, visit: str) -> None:
    http.post(f"/visit/{VISIT}", {"startDatetime": "2026-11-21"})
    made = save(http, visitType="IPD", encounterDateTime=YESTERDAY)["visitUuid"]
    read = http.get(f"/visit/{made}").json()
    assert (read["startDatetime"], read["stopDatetime"]) == (YESTERDAY, "2026-11-20T23:59:59.000+0530")
    assert read["visitType"]["uuid"] == catalogue.IPD


def test_voided_visit_is_not_saved_in(http: Http, visit: str) -> None:
    http.delete(f"/visit/{VISIT}")
    past = save(http, visitType="IPD", encounterDateTime=YESTERDAY, encounterUuid="past")
    today = save(http, visitUuid=None, visitType="IPD")
    assert VISIT not in (past["visitUuid"], today["visitUuid"])


def test_save_of_the_past_with_an_unknown_visit_type_is_500(http: Http, visit: str) -> None:
    http.post(f"/visit/{VISIT}", {"startDatetime": "2026-11-21"})
    answer = http.post(RESOURCE, body(visitType="Never", encounterDateTime=YESTERDAY))
    assert (answer.status_code, message(answer)) == (500, "[Visit type:'Never' not found.]")


def test_encounter_in_the_future_is_refused(http: Http, visit: str) -> None:
    answer = http.post(RESOURCE, body(encounterDateTime=NOW + 1000))
    assert field_codes(answer) == [("encounterDatetime", "Encounter.datetimeShouldBeBeforeCurrent")]


# observations


def test_changed_observation_gets_a_new_uuid(http: Http, store: Store, saved: Any) -> None:
    save(http, obs(NOTE, "better", uuid="n"))
    fresh = next(row for row in live(store) if row.concept == NOTE)
    assert (fresh.value, fresh.previous_version, store.obs["n"].voided) == ("better", "n", True)


def test_unchanged_observation_keeps_its_uuid(http: Http, store: Store, saved: Any) -> None:
    save(http, obs(NOTE, "fine", uuid="n"), obs(FORM, None, obs(WEIGHT, 50, uuid="w"), uuid="f"))
    assert not any(store.obs[uuid].voided for uuid in ("n", "f", "w"))


def test_observation_without_a_time_becomes_another_one(http: Http, store: Store, saved: Any) -> None:
    save(http, obs(NOTE, "fine", uuid="n", observationDateTime=None))
    assert store.obs["n"].voided


def test_value_null_keeps_what_is_there(http: Http, store: Store, saved: Any) -> None:
    save(http, obs(NOTE, None, uuid="n"))
    assert (store.obs["n"].value, store.obs["n"].voided) == ("fine", False)


def test_comment_not_repeated_is_lost(http: Http, store: Store, visit: str) -> None:
    save(http, obs(NOTE, "fine", uuid="n", comment="so she said"))
    save(http, obs(NOTE, "fine", uuid="n"))
    assert [row.comment for row in live(store)] == [None]


def test_new_leaf_without_a_value_fails_validation(http: Http, visit: str) -> None:
    assert field_codes(http.post(RESOURCE, body(obs(NOTE, None)))) == [("groupMembers", "error.noValue")]


def test_uuid_that_has_been_replaced_is_a_duplicate(http: Http, saved: Any) -> None:
    save(http, obs(NOTE, "better", uuid="n"))
    answer = http.post(RESOURCE, body(obs(NOTE, "best", uuid="n")))
    assert answer.status_code == 500
    assert "Duplicate entry 'n'" in message(answer)


def test_member_sent_outside_its_group_is_a_duplicate(http: Http, saved: Any) -> None:
    assert http.post(RESOURCE, body(obs(WEIGHT, 51, uuid="w"))).status_code == 500


def test_unknown_uuid_is_given_to_a_new_observation(http: Http, store: Store, saved: Any) -> None:
    save(http, obs(FORM, None, obs(NOTE, "inside", uuid="chosen"), uuid="f"))
    assert (store.obs["chosen"].value, store.obs["chosen"].group) == ("inside", "f")


def test_voided_form_takes_its_answers_along(http: Http, store: Store, saved: Any) -> None:
    save(http, obs(FORM, uuid="f", voided=True))
    assert [row.uuid for row in live(store)] == ["n"]


def test_observation_new_and_voided_at_once_is_never_stored(http: Http, store: Store, saved: Any) -> None:
    save(http, obs(NOTE, "x", voided=True))
    assert len(store.obs_of(ENCOUNTER)) == 5


def test_groups_nest(http: Http, store: Store, visit: str) -> None:
    save(http, obs(FORM, None, obs(GROUP, None, obs(NOTE, "deep", uuid="d"), uuid="g"), uuid="f"))
    assert (store.obs["d"].group, store.obs["g"].group, store.obs["f"].group) == ("g", "f", None)


def test_path_of_a_form_is_kept(http: Http, visit: str) -> None:
    sent = obs(NOTE, "x", formNamespace="Bahmni", formFieldPath="Vitals.1/1-0", interpretation="ABNORMAL")
    read = save(http, sent)["observations"][0]
    assert [read[name] for name in ("formNamespace", "formFieldPath", "interpretation")] == [
        "Bahmni",
        "Vitals.1/1-0",
        "ABNORMAL",
    ]


FAILING = [
    (COMPLAINT, {"uuid": "unknown"}),
    (WEIGHT, "heavy"),
    (ONSET, "yesterday"),
]


@pytest.mark.parametrize(("concept", "value"), FAILING)
def test_value_nobody_can_read_is_500(http: Http, visit: str, concept: str, value: Any) -> None:
    assert http.post(RESOURCE, body(obs(concept, value))).status_code == 500


def test_value_out_of_range_is_400(http: Http, visit: str) -> None:
    answer = http.post(RESOURCE, body(obs(WEIGHT, 301)))
    assert field_codes(answer) == [("valueNumeric", "error.outOfRange.high")]


def test_boolean_is_stored_as_its_concept(http: Http, store: Store, visit: str) -> None:
    save(http, obs(PREGNANT, True))
    assert [row.value for row in live(store)] == [TRUE_CONCEPT]


# find and delete


def find(http: Http, **more: Any) -> Any:
    usual = {
        "patientUuid": PATIENT,
        "providerUuids": [catalogue.SUPERMAN],
        "encounterTypeUuids": [catalogue.CONSULTATION],
        "locationUuid": catalogue.OPD_1,
        "includeAll": False,
    }
    return http.post(f"{RESOURCE}/find", {**usual, **more})


def test_find_shows_the_encounter_a_save_would_join(http: Http, saved: Any) -> None:
    assert find(http).json() == saved


def test_find_of_nothing_is_a_document_with_nothing_in_it(http: Http, visit: str) -> None:
    answer = find(http)
    assert answer.status_code == 200
    assert (answer.json()["encounterUuid"], answer.json()["observations"]) == (None, [])


def test_find_looks_at_open_visits_only(http: Http, saved: Any) -> None:
    http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-21T11:00:00.000+0530"})
    assert find(http).json()["encounterUuid"] is None


def test_find_wants_to_be_told_whether_all(http: Http, saved: Any) -> None:
    assert find(http, includeAll=None).status_code == 500


def test_delete_voids_without_an_event(http: Http, store: Store, saved: Any) -> None:
    answer = http.delete(f"{RESOURCE}/{ENCOUNTER}", reason="wrong patient")
    assert (answer.status_code, answer.content) == (200, b"")
    assert store.encounters[ENCOUNTER].audit.void_reason == "wrong patient"
    assert len(store.feeds.of("encounter")) == 1


def test_delete_in_a_visit_that_is_over_is_403_in_json(http: Http, store: Store, saved: Any) -> None:
    http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-21T11:00:00.000+0530"})
    answer = http.delete(f"{RESOURCE}/{ENCOUNTER}")
    assert answer.status_code == 403
    assert "Visit for this patient is closed" in message(answer)
    assert not store.encounters[ENCOUNTER].voided


def test_clinicians_door_takes_privileges(http: Http, store: Store, visit: str) -> None:
    store.add_user("reader", "r", ["Get Encounters"])
    assert Http(http.base, user="reader", password="r").post(RESOURCE, body()).status_code == 403
