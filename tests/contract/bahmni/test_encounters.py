"""Encounters: validation, updates, both searches and the trap between them, voiding."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.bahmni import Store, catalogue
from simulators.bahmni.model import Patient
from tests.contract.bahmni.support import (
    COMPLAINT,
    ENCOUNTER,
    FEVER,
    FORM,
    GROUP,
    NOTE,
    ONSET,
    PATIENT,
    VISIT,
    WEIGHT,
    Http,
    field_codes,
    fixture,
    message,
    uuids,
)

MOMENT = "2026-11-15T10:00:00.000+0530"


def body(**more: Any) -> dict[str, Any]:
    usual = {
        "uuid": ENCOUNTER,
        "patient": PATIENT,
        "encounterType": catalogue.CONSULTATION,
        "visit": VISIT,
        "encounterDatetime": MOMENT,
    }
    return {**usual, **more}


@pytest.fixture
def encounter(http: Http, visit: str) -> str:
    row = {"provider": catalogue.SUPERMAN, "encounterRole": catalogue.UNKNOWN_ROLE}
    made = http.post("/encounter", body(location=catalogue.OPD_1, encounterProviders=[row]))
    assert made.status_code == 201, made.text
    return ENCOUNTER


def test_encounter_is_created_with_a_chosen_uuid(http: Http, visit: str) -> None:
    answer = http.post("/encounter", body())
    assert (answer.status_code, answer.json()["uuid"]) == (201, ENCOUNTER)
    assert answer.json()["display"] == "Consultation 11/15/2026"


def test_encounter_uuid_taken_is_a_duplicate_entry(http: Http, encounter: str) -> None:
    answer = http.post("/encounter", body())
    assert answer.status_code == 500
    assert "Duplicate entry" in message(answer)


def test_fraction_of_a_second_is_dropped(http: Http, visit: str) -> None:
    answer = http.post("/encounter", body(encounterDatetime="2026-11-15T10:00:00.700+05:30"))
    assert answer.json()["encounterDatetime"] == MOMENT


@pytest.mark.parametrize("sent", ["2026-11-15T04:30:00Z", "2026-11-15T10:00:00", "2026-11-15 10:00:00"])
def test_accepted_date_forms(http: Http, visit: str, sent: str) -> None:
    assert http.post("/encounter", body(encounterDatetime=sent)).json()["encounterDatetime"] == MOMENT


def test_required_properties(http: Http, visit: str) -> None:
    answer = http.post("/encounter", {"visit": VISIT})
    assert message(answer) == "[Some required properties are missing: encounterType, patient]"


def test_unresolvable_required_references_fail_validation(http: Http, visit: str) -> None:
    assert field_codes(http.post("/encounter", body(patient="x", encounterType="y"))) == [
        ("patient", "Encounter.error.patient.required"),
        ("encounterType", "Encounter.error.encounterType.required"),
    ]


def test_unresolvable_optional_references_are_silently_dropped(http: Http, visit: str) -> None:
    answer = http.post("/encounter", body(location="x", visit="y"))
    assert answer.status_code == 201
    assert (answer.json()["location"], answer.json()["visit"]) == (None, None)


def test_unknown_provider_is_400(http: Http, visit: str) -> None:
    answer = http.post("/encounter", body(encounterProviders=[{"provider": "x"}]))
    assert answer.status_code == 400


def test_future_encounter_is_refused_by_the_servers_clock(http: Http, store: Store, visit: str) -> None:
    soon = body(encounterDatetime="2026-11-21T11:30:01.000+0530")
    assert field_codes(http.post("/encounter", soon)) == [
        ("encounterDatetime", "Encounter.datetimeShouldBeBeforeCurrent")
    ]
    store.settings.clock_offset = 2
    assert http.post("/encounter", soon).status_code == 201


@pytest.mark.parametrize("moment", ["2026-10-31T23:59:59", "2026-11-20T00:00:01"])
def test_encounter_outside_its_visit_is_refused(http: Http, visit: str, moment: str) -> None:
    http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-20T00:00:00"})
    assert field_codes(http.post("/encounter", body(encounterDatetime=moment))) == [
        ("encounterDatetime", "Encounter.datetimeShouldBeInVisitDatesRange")
    ]


@pytest.mark.parametrize("moment", ["2026-11-01T00:00:00", "2026-11-20T00:00:00"])
def test_borders_of_the_visit_are_inside(http: Http, visit: str, moment: str) -> None:
    http.post(f"/visit/{VISIT}", {"stopDatetime": "2026-11-20T00:00:00"})
    assert http.post("/encounter", body(encounterDatetime=moment)).status_code == 201


def test_visit_of_another_patient_is_refused(http: Http, store: Store, visit: str) -> None:
    other = store.hospital_create_patient("Ravi", "Kumar", "X", identifier_type=catalogue.PATIENT_IDENTIFIER)
    assert field_codes(http.post("/encounter", body(patient=other.uuid))) == [
        ("visit", "Encounter.visit.patients.dontMatch")
    ]


def test_update_may_repeat_what_does_not_change(http: Http, encounter: str) -> None:
    assert http.post(f"/encounter/{ENCOUNTER}", body()).status_code == 200


def test_update_may_change_the_type_and_nothing_else_with_it(http: Http, store: Store, encounter: str) -> None:
    http.post(f"/encounter/{ENCOUNTER}", {"obs": [{"concept": NOTE, "value": "seen"}]})
    before = [row.uuid for row in store.obs_of(ENCOUNTER)]
    another = store.add_encounter_type("Another").uuid
    assert http.post(f"/encounter/{ENCOUNTER}", {"encounterType": another}).status_code == 200
    assert store.encounters[ENCOUNTER].type == another
    assert [(row.uuid, row.voided) for row in store.obs_of(ENCOUNTER)] == [(uuid, False) for uuid in before]


def test_update_may_put_it_into_another_visit_that_has_room_for_it(http: Http, encounter: str) -> None:
    for uuid, start in (("later", "2026-11-16"), ("wide", "2026-11-02")):
        visit = {"uuid": uuid, "patient": PATIENT, "visitType": catalogue.OPD, "startDatetime": start}
        assert http.post("/visit", visit).status_code == 201
    assert field_codes(http.post(f"/encounter/{ENCOUNTER}", {"visit": "later"})) == [
        ("encounterDatetime", "Encounter.datetimeShouldBeInVisitDatesRange")
    ]
    moved = {"visit": "later", "encounterDatetime": "2026-11-16T08:00:00.000+0530"}
    assert [http.post(f"/encounter/{ENCOUNTER}", one).status_code for one in (moved, {"visit": "wide"})] == [200, 200]
    assert http.get(f"/encounter/{ENCOUNTER}").json()["visit"]["uuid"] == "wide"


def test_uuid_cannot_be_changed(http: Http, encounter: str) -> None:
    assert http.post(f"/encounter/{ENCOUNTER}", {"uuid": "other"}).status_code == 400


def test_refused_update_changes_nothing(http: Http, store: Store, encounter: str) -> None:
    answer = http.post(f"/encounter/{ENCOUNTER}", {"location": catalogue.REGISTRATION_DESK, "obs": [{"value": 1}]})
    assert answer.status_code == 400
    assert store.encounters[ENCOUNTER].location == catalogue.OPD_1


def test_provider_and_role_are_added_once_and_never_taken_away(http: Http, store: Store, encounter: str) -> None:
    same = {"provider": catalogue.SUPERMAN, "encounterRole": catalogue.UNKNOWN_ROLE}
    http.post(f"/encounter/{ENCOUNTER}", {"encounterProviders": [same]})
    other = store.add_provider("Dr Other").uuid
    http.post(f"/encounter/{ENCOUNTER}", {"encounterProviders": [{**same, "provider": other}]})
    http.post(f"/encounter/{ENCOUNTER}", {"encounterProviders": []})
    rows = store.encounters[ENCOUNTER].providers
    assert [row.provider for row in rows] == [catalogue.SUPERMAN, other]


def test_full_names_provider_and_role(http: Http, encounter: str) -> None:
    row = http.get(f"/encounter/{ENCOUNTER}", v="full").json()["encounterProviders"][0]
    assert (row["provider"]["uuid"], row["encounterRole"]["uuid"]) == (catalogue.SUPERMAN, catalogue.UNKNOWN_ROLE)


def test_change_is_noted(http: Http, encounter: str) -> None:
    http.post(f"/encounter/{ENCOUNTER}", {"location": catalogue.REGISTRATION_DESK})
    audit = http.get(f"/encounter/{ENCOUNTER}", v="full").json()["auditInfo"]
    assert audit["changedBy"]["display"] == "integration"


@pytest.mark.parametrize("noted", [True, False])
def test_edit_of_observations_alone_may_or_may_not_be_noted(
    http: Http, store: Store, encounter: str, noted: bool
) -> None:
    store.settings.audit_on_obs_edit = noted
    http.post(f"/encounter/{ENCOUNTER}", {"obs": [{"concept": NOTE, "value": "x"}]})
    assert (store.encounters[ENCOUNTER].audit.date_changed is not None) is noted


def test_orders_are_not_pretended(http: Http, visit: str) -> None:
    assert http.post("/encounter", body(orders=[{"type": "testorder"}])).status_code == 501


def test_sample_requests_of_a_client_are_taken(http: Http, store: Store) -> None:
    create, update = fixture("request_encounter_create.json"), fixture("request_encounter_update.json")
    for uuid, datatype in {
        "form-group-concept-uuid": "N/A",
        "text-concept-uuid-AvniEntityUUID": "Text",
        "numeric-concept-uuid": "Numeric",
        "coded-concept-uuid": "Coded",
        "date-concept-uuid": "Date",
        "answer-concept-uuid-1": "N/A",
        "answer-concept-uuid-2": "N/A",
        "answer-concept-uuid-3": "N/A",
    }.items():
        store.add_concept(uuid, datatype, uuid=uuid)
    store.hospital_create_patient("A", "B", "X", identifier_type=catalogue.PATIENT_IDENTIFIER, uuid=create["patient"])
    store.hospital_create_visit(
        uuid=create["visit"], patient=create["patient"], visitType="OPD", startDatetime="2026-11-20"
    )
    assert http.post("/encounter", create).status_code == 201
    members = list(store.members(store.obs[create["obs"][0]["uuid"]]))
    update["obs"][0]["groupMembers"][0]["uuid"] = members[1].uuid
    update["obs"][0]["groupMembers"][1]["uuid"] = members[2].uuid
    assert http.post(f"/encounter/{create['uuid']}", update).status_code == 200


# who took part


def test_who_took_part_is_added_once_and_taken_out_by_hand(http: Http, store: Store, encounter: str) -> None:
    path = f"/encounter/{ENCOUNTER}/encounterprovider"
    other = {"provider": store.add_provider("Dr Other").uuid, "encounterRole": catalogue.UNKNOWN_ROLE}
    made = http.post(path, other)
    assert made.status_code == 201
    assert len(http.get(path).json()["results"]) == 2
    assert http.delete(f"{path}/{made.json()['uuid']}").status_code == 204
    assert [row["provider"]["uuid"] for row in http.get(path).json()["results"]] == [catalogue.SUPERMAN]
    assert http.get(f"{path}/{made.json()['uuid']}").json()["voided"] is True
    assert http.get(f"{path}/x").status_code == 404


# the visit nobody named


def test_encounter_sent_without_a_visit_joins_the_one_of_that_day_and_place(http: Http, visit: str) -> None:
    sent = body(location=catalogue.OPD_1)
    del sent["visit"]
    assert http.post("/encounter", sent).json()["visit"]["uuid"] == VISIT


@pytest.mark.parametrize("other", [{"encounterDatetime": "2026-10-15"}, {"location": None}])
def test_encounter_of_another_day_or_place_stays_without_a_visit(http: Http, visit: str, other: dict[str, Any]) -> None:
    assert (
        http.post("/encounter", body(**{"location": catalogue.OPD_1, "visit": None, **other})).json()["visit"] is None
    )


# search


@pytest.fixture
def three(http: Http, store: Store, visit: str) -> list[str]:
    """Two consultations and a lab result, oldest first."""
    obs = [{"concept": WEIGHT, "value": 50}, {"concept": NOTE, "value": "a,b"}, {"concept": COMPLAINT, "value": FEVER}]
    rows = [
        body(uuid="late", encounterDatetime="2026-11-17", obs=obs),
        body(uuid="early", encounterDatetime="2026-11-12"),
        body(uuid="lab", encounterDatetime="2026-11-14", encounterType=catalogue.LAB_RESULT),
    ]
    for row in rows:
        assert http.post("/encounter", row).status_code == 201
    return ["early", "lab", "late"]


def test_search_is_ascending_and_can_be_turned(http: Http, three: list[str]) -> None:
    assert uuids(http.get("/encounter", patient=PATIENT)) == three
    assert uuids(http.get("/encounter", patient=PATIENT, order="desc")) == three[::-1]


def test_search_by_type_and_visit(http: Http, three: list[str]) -> None:
    assert uuids(http.get("/encounter", patient=PATIENT, encounterType="LAB_RESULT")) == ["lab"]
    assert uuids(http.get("/encounter", patient=PATIENT, visit=[VISIT, "other"])) == three
    assert uuids(http.get("/encounter", patient=PATIENT, visit="other")) == []


def test_plain_until_date_is_its_first_second(http: Http, three: list[str]) -> None:
    found = http.get("/encounter", patient=PATIENT, fromdate="2026-11-14", todate="2026-11-17")
    assert uuids(found) == ["lab", "late"]
    assert uuids(http.get("/encounter", patient=PATIENT, todate="2026-11-16")) == ["early", "lab"]


def test_unknown_patient_or_type_gives_an_empty_list(http: Http, three: list[str]) -> None:
    assert uuids(http.get("/encounter", patient="x")) == []
    assert uuids(http.get("/encounter", patient=PATIENT, encounterType="x")) == []


@pytest.mark.parametrize(
    ("concept", "values"), [(WEIGHT, "50.0"), (COMPLAINT, f"x,{FEVER}"), (WEIGHT, None), (NOTE, None)]
)
def test_search_by_observation(http: Http, three: list[str], concept: str, values: str | None) -> None:
    query = {"obsValues": values} if values else {}
    assert uuids(http.get("/encounter", patient=PATIENT, obsConcept=concept, **query)) == ["late"]


def test_comma_cuts_a_text_value_in_two(http: Http, three: list[str]) -> None:
    assert uuids(http.get("/encounter", patient=PATIENT, obsConcept=NOTE, obsValues="a,b")) == []


def test_text_values_are_case_sensitive(http: Http, store: Store, three: list[str]) -> None:
    store.hospital_save_encounter(uuid="early", obs=[{"concept": NOTE, "value": "Text"}])
    found = [
        uuids(http.get("/encounter", patient=PATIENT, obsConcept=NOTE, obsValues=value)) for value in ("Text", "text")
    ]
    assert found == [["early"], []]


def test_other_datatypes_match_no_value(http: Http, store: Store, three: list[str]) -> None:
    store.hospital_save_encounter(uuid="early", obs=[{"concept": ONSET, "value": "2026-11-01"}])
    assert uuids(http.get("/encounter", patient=PATIENT, obsConcept=ONSET, obsValues="2026-11-01")) == []
    assert uuids(http.get("/encounter", patient=PATIENT, obsConcept=ONSET)) == ["early"]


def test_voided_observations_and_encounters_are_not_found(http: Http, store: Store, three: list[str]) -> None:
    store.void_encounter("late")
    assert uuids(http.get("/encounter", patient=PATIENT, obsConcept=WEIGHT)) == []
    assert uuids(http.get("/encounter", patient=PATIENT)) == ["early", "lab"]


def test_unknown_patient_or_concept_of_an_observation_search_is_404(http: Http, three: list[str]) -> None:
    assert http.get("/encounter", patient="x", obsConcept=WEIGHT).status_code == 404
    assert http.get("/encounter", patient=PATIENT, obsConcept="x").status_code == 404


def test_one_parameter_too_many_gives_all_encounters(http: Http, three: list[str]) -> None:
    query = {"patient": PATIENT, "obsConcept": WEIGHT, "obsValues": "1", "encounterType": catalogue.LAB_RESULT}
    assert uuids(http.get("/encounter", **query)) == three


def test_search_combines_dates_type_order_and_count(http: Http, three: list[str]) -> None:
    query = {"encounterType": "Consultation", "fromdate": "2026-11-11", "todate": "2026-11-18", "order": "desc"}
    answer = http.get("/encounter", patient=PATIENT, totalCount="true", **query)
    assert (uuids(answer), answer.json()["totalCount"]) == (["late", "early"], 2)


def test_observations_are_found_at_any_depth(http: Http, store: Store, three: list[str]) -> None:
    inner = {"concept": GROUP, "groupMembers": [{"concept": NOTE, "value": "deep"}]}
    http.post("/encounter/lab", {"obs": [{"concept": FORM, "groupMembers": [inner]}]})
    assert uuids(http.get("/encounter", patient=PATIENT, obsConcept=NOTE, obsValues="deep")) == ["lab"]


def test_handler_may_be_named(http: Http, three: list[str]) -> None:
    assert uuids(http.get("/encounter", patient=PATIENT, obsConcept=WEIGHT, s="byObs")) == ["late"]
    assert http.get("/encounter", patient=PATIENT, s="byMood").status_code == 400


def test_search_without_criteria_finds_nothing(http: Http, three: list[str]) -> None:
    assert uuids(http.get("/encounter")) == []


# void


def test_void_takes_the_observations_along(http: Http, store: Store, three: list[str]) -> None:
    assert http.delete("/encounter/late", reason="wrong patient").status_code == 204
    assert all(row.voided for row in store.obs_of("late"))
    shown = http.get("/encounter/late", v="full").json()
    assert (shown["voided"], shown["obs"], shown["auditInfo"]["voidReason"]) == (True, [], "wrong patient")


def test_void_again_is_204_and_of_nothing_404(http: Http, encounter: str) -> None:
    assert [http.delete(f"/encounter/{uuid}").status_code for uuid in (ENCOUNTER, ENCOUNTER, "x")] == [204, 204, 404]


def test_reason_has_a_default(http: Http, store: Store, encounter: str) -> None:
    http.delete(f"/encounter/{ENCOUNTER}")
    assert store.encounters[ENCOUNTER].audit.void_reason == "web service call"


def test_unvoid_brings_back_what_was_voided_with_it(http: Http, store: Store, three: list[str]) -> None:
    http.post("/encounter/late", {"obs": [{"uuid": store.obs_of("late")[0].uuid, "voided": True}]})
    http.delete("/encounter/late")
    assert http.post("/encounter/late", {"deleted": "false"}).status_code == 200
    assert [row.voided for row in store.obs_of("late")] == [True, False, False]


def test_unvoid_is_refused_while_its_visit_has_no_room_for_it(http: Http, encounter: str) -> None:
    http.delete(f"/encounter/{ENCOUNTER}")
    for start, answered in (("2026-11-16", 400), ("2026-11-15", 200)):
        assert http.post(f"/visit/{VISIT}", {"startDatetime": start}).status_code == 200
        assert http.post(f"/encounter/{ENCOUNTER}", {"deleted": "false"}).status_code == answered


def test_purge_with_observations_is_500_and_without_removes(http: Http, three: list[str]) -> None:
    assert http.delete("/encounter/late", purge="true").status_code == 500
    assert http.delete("/encounter/early", purge="true").status_code == 204
    assert http.get("/encounter/early").status_code == 404
    assert http.delete("/encounter/early", purge="true").status_code == 204


def test_purge_takes_its_own_privilege(http: Http, store: Store, encounter: str) -> None:
    user = next(row for row in store.users.values() if row.username == "integration")
    user.privileges = ["Edit Encounters"]
    answer = http.delete(f"/encounter/{ENCOUNTER}", purge="true")
    assert answer.status_code == 403
    assert "Purge Encounters" in message(answer)


def test_nothing_done_over_rest_leaves_an_event(http: Http, store: Store, encounter: str, patient: Patient) -> None:
    before = len(store.feeds.rows)
    http.post(f"/encounter/{ENCOUNTER}", {"obs": [{"concept": NOTE, "value": "x"}]})
    http.delete(f"/encounter/{ENCOUNTER}")
    http.post(f"/encounter/{ENCOUNTER}", {"deleted": "false"})
    assert len(store.feeds.rows) == before
    assert store.feeds.of("encounter") == []
