from __future__ import annotations

from typing import Any

import pytest

from bahmni.openmrs import OpenMRSClient
from common.http import Forbidden, Refused, RemoteError, SignInFailed, Unclear, Unreachable, WriteRefused
from simulators.bahmni import Store, catalogue
from simulators.server import Server
from tests.contract.clients.conftest import QUICK

PERSON = "cccc0000-0000-4000-8000-000000000001"
OTHER = "cccc0000-0000-4000-8000-000000000002"
BRIEF = "custom:(uuid,voided,identifiers:(identifier),person:(gender))"


def patient(identifier: str = "GAN1", given_name: str = "Asha", **person: Any) -> dict[str, Any]:
    return {
        "person": {"uuid": PERSON, "names": [{"givenName": given_name, "familyName": "Devi"}], "gender": "F",
                   "birthdate": "1990-01-01"} | person,
        "identifiers": [{"identifier": identifier, "identifierType": catalogue.PATIENT_IDENTIFIER}],
    }  # fmt: skip


def admit(hospital: Store, identifier: str) -> str:
    return hospital.hospital_create_patient(
        "Asha", "Devi", identifier, identifier_type=catalogue.PATIENT_IDENTIFIER
    ).uuid


# --- the session --------------------------------------------------------------------------------


def test_one_log_in_serves_reads_and_writes(openmrs: OpenMRSClient, hospital_server: Server) -> None:
    openmrs.post("/patient", patient())
    assert openmrs.patient(PERSON, BRIEF)
    assert openmrs.counts.sign_ins == 1
    assert (openmrs.counts.calls, openmrs.counts.writes) == (2, hospital_server.writes)


@pytest.mark.parametrize("status", [401, 403])
def test_a_read_after_a_restart_of_the_server_goes_on(openmrs: OpenMRSClient, hospital: Store, status: Any) -> None:
    hospital.settings.stale_cookie_status = status
    openmrs.post("/patient", patient())
    hospital.expire_sessions()
    assert openmrs.patient(PERSON, BRIEF)
    assert openmrs.counts.sign_ins == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_write_after_a_restart_of_the_server_is_unclear_did_nothing_and_may_be_repeated(
    openmrs: OpenMRSClient, hospital: Store, hospital_server: Server, status: Any
) -> None:
    hospital.settings.stale_cookie_status = status
    assert openmrs.patient(PERSON, BRIEF) is None
    hospital.expire_sessions()
    with pytest.raises(Unclear):
        openmrs.post("/patient", patient())
    assert hospital_server.writes == 1
    assert openmrs.patient(PERSON, BRIEF) is None
    openmrs.post("/patient", patient())
    assert openmrs.patient(PERSON, BRIEF)


def test_w50_the_session_is_found_whether_or_not_the_body_names_it(openmrs: OpenMRSClient, hospital: Store) -> None:
    hospital.settings.session_id_in_body = True
    assert openmrs.patient(PERSON, BRIEF) is None


def test_a_wrong_password_is_tried_once_and_locks_nothing(hospital: Store, hospital_server: Server) -> None:
    base = f"{hospital_server.base_url}/openmrs"
    wrong = OpenMRSClient(base, "bot", "wrong")
    for _ in range(20):
        with pytest.raises(SignInFailed):
            wrong.get("/location")
    assert hospital_server.requests == 1
    assert OpenMRSClient(base, "bot", "secret").account()["username"] == "bot"


def test_a_second_factor_is_a_failed_log_in(openmrs: OpenMRSClient, hospital: Store) -> None:
    hospital.settings.two_factor = True
    with pytest.raises(SignInFailed, match="second factor"):
        openmrs.get("/location")


# --- reading ------------------------------------------------------------------------------------


def test_a_representation_brings_what_it_names(openmrs: OpenMRSClient, hospital: Store) -> None:
    uuid = admit(hospital, "GAN1")
    found = openmrs.patient(uuid, BRIEF)
    assert found is not None
    assert found.keys() - {"resourceVersion"} == {"uuid", "voided", "identifiers", "person"}
    assert found["identifiers"][0]["identifier"] == "GAN1"


def test_a_patient_is_found_by_exactly_the_identifier(openmrs: OpenMRSClient, hospital: Store) -> None:
    wanted = admit(hospital, "GAN1")
    for similar in ("GAN10", "GAN100", "XGAN1", "GAN_1"):
        admit(hospital, similar)
    assert [row["uuid"] for row in openmrs.patient_by_identifier("GAN1")] == [wanted]


def test_a_patient_is_found_among_more_than_a_page_of_similar_ones(openmrs: OpenMRSClient, hospital: Store) -> None:
    for number in range(1000, 1130):
        admit(hospital, f"GAN{number}")
    wanted = admit(hospital, "GAN1")
    assert [row["uuid"] for row in openmrs.patient_by_identifier("GAN1")] == [wanted]


def test_a_voided_patient_is_not_found_by_identifier_but_by_uuid(openmrs: OpenMRSClient, hospital: Store) -> None:
    uuid = admit(hospital, "GAN1")
    hospital.void_patient(uuid)
    assert openmrs.patient_by_identifier("GAN1") == []
    found = openmrs.patient(uuid, BRIEF)
    assert found is not None
    assert found["voided"] is True


@pytest.mark.parametrize("identifier", ["GAN 1", "GAN/1", "GAN+1", "GAN&1", "GAN%", "GAN_"])
def test_an_identifier_with_special_characters_is_found_as_it_is(
    openmrs: OpenMRSClient, hospital: Store, identifier: str
) -> None:
    wanted = admit(hospital, identifier)
    admit(hospital, "GANX")
    assert [row["uuid"] for row in openmrs.patient_by_identifier(identifier)] == [wanted]


@pytest.mark.parametrize("fault", ["garbage", "status:502", "status:503"])
def test_a_server_that_starts_is_unreachable(openmrs: OpenMRSClient, hospital_server: Server, fault: str) -> None:
    hospital_server.faults.plan("GET", "/patient/", fault, times=9)
    with pytest.raises(Unreachable):
        openmrs.patient(PERSON, BRIEF)


# --- writing ------------------------------------------------------------------------------------


def test_voiding_twice_does_no_harm(openmrs: OpenMRSClient, hospital: Store) -> None:
    openmrs.post("/patient", patient())
    for _ in range(2):
        openmrs.delete(f"/patient/{PERSON}", "voided in Avni")
    assert hospital.patients[PERSON].voided


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (patient(), "identifier.in-use"),
        (patient("GAN2", given_name="आशा"), "GivenName.invalid"),
        (patient("GAN2", gender=None), "Person.gender.required"),
        (patient("GAN2") | {"uuid": OTHER}, "properties.not-settable"),
        ({"person": PERSON}, "properties.missing"),
        (patient("GAN2", birthdate="soon"), "conversion"),
    ],
)
def test_what_the_server_refuses_is_told_in_machine_words(
    openmrs: OpenMRSClient, hospital: Store, body: dict[str, Any], code: str
) -> None:
    admit(hospital, "GAN1")
    with pytest.raises(Refused) as raised:
        openmrs.post("/patient", body)
    assert code in raised.value.codes
    assert "Asha" not in str(raised.value)
    assert "GAN" not in str(raised.value)


def test_a_uuid_that_exists_already_is_unclear(openmrs: OpenMRSClient) -> None:
    person = patient()["person"]
    openmrs.post("/person", person)
    with pytest.raises(Unclear):
        openmrs.post("/person", person)


def test_a_missing_privilege_is_named(hospital: Store, hospital_server: Server) -> None:
    hospital.add_user("reader", "secret", ["Get Patients", "Get People", "Get Patient Identifiers"])
    reader = OpenMRSClient(f"{hospital_server.base_url}/openmrs", "reader", "secret")
    with pytest.raises(Forbidden) as raised:
        reader.post("/patient", patient())
    assert raised.value.privilege


@pytest.mark.parametrize(
    ("fault", "there", "kind"),
    [
        ("reset_before", False, Unclear), ("reset_after", True, Unclear), ("truncated", True, Unclear),
        ("garbage", False, Unclear), ("status:502", False, Unclear), ("status_after:502", True, Unclear),
        ("status:500", False, Unclear),
    ],
)  # fmt: skip
def test_a_write_that_is_cut_off_is_sent_once_and_found_by_its_uuid(
    openmrs: OpenMRSClient, hospital_server: Server, fault: str, there: bool, kind: type[RemoteError]
) -> None:
    assert openmrs.patient(PERSON, BRIEF) is None
    hospital_server.faults.plan("POST", "/patient$", fault)
    with pytest.raises(kind):
        openmrs.post("/patient", patient())
    assert hospital_server.writes == 1
    assert (openmrs.patient(PERSON, BRIEF) is not None) is there


def test_a_write_carried_out_late_is_found_in_the_end(openmrs: OpenMRSClient, hospital_server: Server) -> None:
    assert openmrs.patient(PERSON, BRIEF) is None
    hospital_server.faults.plan("POST", "/patient$", "late_commit", seconds=3600)
    with pytest.raises(Unclear):
        openmrs.post("/patient", patient())
    assert openmrs.patient(PERSON, BRIEF) is None
    hospital_server.settle()
    assert openmrs.patient(PERSON, BRIEF)


def test_looking_only_leaves_the_server_as_it_is(hospital_server: Server) -> None:
    looking = OpenMRSClient(
        f"{hospital_server.base_url}/openmrs", "bot", "secret", timeouts=QUICK, refuse_writes=True
    )  # fmt: skip
    assert looking.patient(PERSON, BRIEF) is None
    with pytest.raises(WriteRefused):
        looking.post("/patient", patient())
    assert hospital_server.writes == 0
