from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bahmni.avni_to_bahmni.found import FoundPatient, found_encounter, found_patient, found_visit

NUMBER = {"identifier": "TRI1", "voided": False, "preferred": True}


def document(**more: Any) -> dict[str, Any]:
    marker = {"uuid": "m", "voided": False, "concept": {"uuid": "marker"}, "value": "subject", "groupMembers": None}
    group = {"uuid": "g", "voided": False, "concept": {"uuid": "form"}, "value": None, "groupMembers": [marker]}
    return {
        "uuid": "e",
        "voided": False,
        "patient": {"uuid": "p", "voided": False, "identifiers": [NUMBER]},
        "encounterDatetime": "2026-01-05T00:00:00.000+0530",
        "visit": {"uuid": "v", "startDatetime": "2026-01-05T00:00:00.000+0530", "stopDatetime": None},
        "obs": [group],
        "auditInfo": {"dateCreated": "1", "dateChanged": "2"},
        **more,
    }


def test_the_marker_is_found_inside_the_group() -> None:
    found = found_encounter(document(), "marker")
    assert (found.marker, found.patient.uuid, found.visit_uuid, found.changed) == ("subject", "p", "v", "2")


def test_an_encounter_never_changed_counts_from_its_creation() -> None:
    assert found_encounter(document(auditInfo={"dateCreated": "1", "dateChanged": None}), "marker").changed == "1"


def test_a_voided_encounter_shows_no_marker() -> None:
    assert found_encounter(document(voided=True, obs=[]), "marker").marker == ""


def test_an_encounter_outside_any_visit_has_none() -> None:
    assert found_encounter(document(visit=None), "marker").visit_uuid == ""


def test_a_voided_number_is_not_the_patients() -> None:
    found = found_patient({"uuid": "p", "identifiers": [{**NUMBER, "voided": True}], "person": None})
    assert not found.has_number("TRI1")
    assert found_patient({"uuid": "p", "identifiers": [NUMBER]}).has_number("TRI1")


def test_a_patient_is_read_with_what_a_first_meeting_compares() -> None:
    person = {
        "gender": "F",
        "birthdate": "1990-04-01T00:00:00.000+0530",
        "preferredName": {"givenName": "Asha", "familyName": None},
    }
    found = found_patient({"uuid": "p", "person": person})
    assert (found.person.name, found.person.gender, found.birthdate) == ("Asha", "F", "1990-04-01")


def test_a_visit_is_read_without_its_voided_attributes() -> None:
    attributes = [
        {"uuid": "1", "attributeType": {"uuid": "a"}, "value": "x", "voided": False},
        {"uuid": "2", "attributeType": {"uuid": "b"}, "value": "y", "voided": True},
    ]
    start = "2026-01-05T00:00:00.000+0530"
    found = found_visit({"uuid": "v", "visitType": {"uuid": "t"}, "startDatetime": start, "attributes": attributes})
    assert (found.attributes, found.start) == ({"a": "x"}, start)


def test_a_visit_is_open_until_it_says_when_it_ended() -> None:
    start, stop = "2026-01-05T00:00:00.000+0530", "2026-01-06T18:00:00.000+0530"
    ends = [found_visit({"uuid": "v", "startDatetime": start, "stopDatetime": one}).ends for one in (None, stop)]
    assert ends == [None, datetime(2026, 1, 6, 12, 30, tzinfo=UTC)]


def test_a_visit_may_come_with_its_patient() -> None:
    start = "2026-01-05T00:00:00.000+0530"
    patient = {"uuid": "p", "voided": True, "identifiers": [NUMBER]}
    found = found_visit({"uuid": "v", "voided": True, "startDatetime": start, "patient": patient})
    assert found.voided
    assert found.patient == FoundPatient("p", voided=True, numbers=("TRI1",))
