"""The state as a whole, the program on the command line, faults, speed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from simulators.bahmni import BahmniApp, Store, catalogue, clinicians
from simulators.bahmni.model import Patient
from simulators.server import Request, Server
from tests.contract.bahmni.support import (
    CLASS_TYPE,
    FEVER,
    HAEMOGLOBIN,
    NOTE,
    PARACETAMOL_500,
    PATIENT,
    USER,
    VISIT,
    Clock,
    Http,
    fixture,
    uuids,
)

ROOT = Path(__file__).parents[3]


def test_whole_state_survives_as_json(store: Store, clock: Clock, visit: str) -> None:
    store.settings.chunking = [(1, 3), (10, 5)]
    store.settings.feed_delay = 60
    store.hospital_edit_attribute(PATIENT, CLASS_TYPE, FEVER)
    store.hospital_save_encounter(
        patient=PATIENT, encounterType=catalogue.CONSULTATION, visit=VISIT, obs=[{"concept": NOTE, "value": "x"}]
    )
    seen = clinicians.save_encounter(store, PATIENT)
    clinicians.prescribe(store, seen.uuid, PARACETAMOL_500)
    clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    store.load_patient_document(fixture("patients/concept_values.json"))
    dumped = json.loads(json.dumps(store.dump()))
    other = Store(clock=clock)
    other.load(dumped)
    assert other.dump() == store.dump()
    assert other.settings == store.settings


def test_loaded_state_is_searchable_and_guards_its_uuids(store: Store, clock: Clock, patient: Patient) -> None:
    other = Store(clock=clock)
    other.load(json.loads(json.dumps(store.dump())))
    with Server(BahmniApp(other)) as server:
        http = Http(server.base_url)
        assert uuids(http.get("/patient", identifier="GAN2", searchType="start")) == [PATIENT]
        name = other.persons[PATIENT].names[0].uuid
        body = {"names": [{"uuid": name, "givenName": "A"}], "gender": "F"}
        assert http.post("/person", body).status_code == 500


def test_patient_document_cannot_be_loaded_twice(store: Store) -> None:
    store.load_patient_document(fixture("patients/plain_values.json"))
    with pytest.raises(Exception, match="HTTP 500"):
        store.load_patient_document(fixture("patients/plain_values.json"))


def test_loaded_document_leaves_an_event(store: Store) -> None:
    patient = store.load_patient_document(fixture("patients/hydrated_objects.json"))
    assert store.feeds.of("patient")[0].content == f"/openmrs/ws/rest/v1/patient/{patient.uuid}?v=full"


def test_hospital_acts_in_the_name_of_a_user(store: Store, patient: Patient) -> None:
    store.as_user(catalogue.SUPERMAN_USER).hospital_edit_patient(PATIENT, gender="M")
    assert patient.audit.changed_by == catalogue.SUPERMAN_USER


def test_answer_lost_after_the_commit(server: Server, http: Http, store: Store) -> None:
    server.faults.plan("POST", "/person$", "reset_after")
    with pytest.raises(requests.ConnectionError):
        http.post("/person", {"uuid": "p", "names": [{"givenName": "A"}], "gender": "F"})
    assert "p" in store.persons


def test_proxy_page_instead_of_an_answer(server: Server, http: Http) -> None:
    server.faults.plan("GET", "/session$", "status:502")
    answer = http.get("/session")
    assert answer.status_code == 502
    assert answer.headers["Content-Type"].startswith("text/html")


def test_body_may_come_drop_by_drop(server: Server, http: Http, patient: Patient) -> None:
    server.faults.plan("GET", "/patient/", "slow_body:0.1")
    answer = http.get(f"/patient/{PATIENT}")
    assert answer.json()["uuid"] == PATIENT
    assert server.faults.fired["slow_body:0.1"] == 1


def test_body_that_stops_coming_reaches_no_client(server: Server, http: Http, patient: Patient) -> None:
    server.faults.plan("POST", "/person/", "slow_body:60")
    url = f"{http.base}/openmrs/ws/rest/v1/person/{PATIENT}"
    with pytest.raises(requests.RequestException):
        http.session.post(url, json={"gender": "M"}, timeout=0.2)
    assert http.get(f"/person/{PATIENT}").json()["gender"] == "M"


def test_write_may_lose_a_deadlock(http: Http, store: Store) -> None:
    store.settings.deadlocks = 1
    body = {"uuid": "p", "names": [{"givenName": "A"}], "gender": "F"}
    first = http.post("/person", body)
    assert first.status_code == 500
    assert "Deadlock found" in first.json()["error"]["message"]
    assert http.post("/person", body).status_code == 201


def test_requests_leave_the_hospitals_own_user_alone(http: Http, store: Store, patient: Patient) -> None:
    store.as_user(catalogue.SUPERMAN_USER)
    http.get(f"/patient/{PATIENT}")
    assert store.acting == catalogue.SUPERMAN_USER


def test_requests_are_counted_by_route(server: Server, http: Http, patient: Patient) -> None:
    server.reset_counts()
    http.get(f"/patient/{PATIENT}")
    http.feed("patient/1")
    assert dict(server.counts) == {
        ("GET", "/openmrs/ws/rest/v1/patient/{uuid}"): 1,
        ("GET", "/openmrs/ws/atomfeed/patient/{n}"): 1,
    }


def test_search_looks_at_the_neighbourhood_only(store: Store) -> None:
    for number in range(3000):
        store.hospital_create_patient("Asha", "Devi", f"GAN{number:06}", identifier_type=catalogue.PATIENT_IDENTIFIER)
    seen = list(store.index.starting_with("GAN00123"))
    assert len(seen) == 10
    request = Request("GET", "/openmrs/ws/rest/v1/patient", {"identifier": ["GAN001234"], "searchType": ["start"]}, {})
    assert BahmniApp(store).handle(request).status == 401


def test_program_starts_serves_and_leaves_its_state(tmp_path: Path) -> None:
    state = tmp_path / "hospital.json"
    command = [sys.executable, "-m", "simulators.bahmni", "--state", str(state), "--username", "u", "--password", "p"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            base = process.stdout.readline().strip() if process.stdout else ""
            session = Http(base, user="u", password="p").get("/session").json()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert session["authenticated"]
    assert json.loads(state.read_text(encoding="utf-8"))["users"]


def test_a_hospital_set_up_anew_keeps_metadata_and_users_and_nothing_that_happened(
    store: Store, patient: Patient
) -> None:
    types = set(store.encounter_types)
    store.set_up_anew()
    assert (set(store.encounter_types), len(store.patients), store.feeds.rows) == (types, 0, [])
    assert any(user.username == USER for user in store.users.values())


def test_a_hospital_set_up_anew_knows_no_session(store: Store, http: Http) -> None:
    http.get("/ws/rest/v1/session")
    store.set_up_anew()
    assert store.doorkeeper.sessions == {}


def test_a_backup_put_back_lacks_the_entries_of_its_feeds_that_came_later(store: Store, patient: Patient) -> None:
    backup = store.dump()
    entries = [row.uuid for row in store.feeds.rows]
    store.hospital_edit_patient(patient.uuid, gender="M")
    store.load(backup)
    assert [row.uuid for row in store.feeds.rows] == entries
