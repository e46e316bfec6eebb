"""The registration desk's calls: a patient with a number out of a source, and numbers alone (openmrs.md O125, O126)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.bahmni import patients, privileges
from simulators.bahmni.bodies import Body, find, given_uuid, maps
from simulators.bahmni.calls import Call, Route
from simulators.bahmni.errors import ApiError, bad_request, not_found, not_simulated, server_error
from simulators.bahmni.model import IdentifierSource, Patient
from simulators.bahmni.person_resources import PATIENT
from simulators.bahmni.rendering import Node
from simulators.bahmni.representation import FULL
from simulators.bahmni.state import State
from simulators.server import Response

__all__ = ["ROUTES"]


def next_identifier(source: IdentifierSource) -> str:
    """Take a number out of a source. It is used up, whatever becomes of it."""
    number = f"{source.prefix}{source.next_number:0{source.digits}}"
    source.next_number += 1
    return number


def _source(state: State, uuid: Any) -> IdentifierSource:
    source = find(state.identifier_sources, uuid)
    if source is None:
        raise server_error("java.lang.NullPointerException")
    return source


# idgen


def post_number(call: Call) -> Response:
    """Bahmni's own call: a source by its name, and the number as plain text."""
    name = call.body().get("identifierSourceName")
    source = next((row for row in call.state.identifier_sources.values() if row.name == name), None)
    if source is None:
        raise server_error("java.lang.NullPointerException")
    return Response(200, next_identifier(source))


def list_sources(call: Call) -> Response:
    """What numbers may come from."""
    rows = call.state.identifier_sources.values()
    return Response(200, [{"uuid": row.uuid, "name": row.name, "prefix": row.prefix} for row in rows])


def post_numbers(call: Call) -> Response:
    """The module's call: several numbers at once."""
    body = call.body()
    if body.get("generateIdentifiers") is not True:
        raise not_simulated("POST /ws/rest/v1/idgen/identifiersource", "setting up a source of identifiers")
    source = _source(call.state, body.get("sourceUuid"))
    count = int(body.get("numberToGenerate", 1))
    return Response(201, {"identifiers": [next_identifier(source) for _ in range(count)]})


def post_number_of(call: Call) -> Response:
    """The module's call: one number of one source."""
    if call.uuid not in call.state.identifier_sources:
        raise not_found()
    return Response(201, {"identifier": next_identifier(call.state.identifier_sources[call.uuid])})


# patient profile


def post_profile(call: Call) -> Response:
    """Register: 200, with the patient in full. A number is generated where none is sent."""
    state, body = call.state, call.body()
    patient = _patient_of(body)
    identifiers = [dict(each) for each in maps(patient, "identifiers")]
    jumps = []
    for each in identifiers:
        source = find(state.identifier_sources, each.pop("identifierSourceUuid", None))
        prefix = str(each.pop("identifierPrefix", None) or "")
        given = each.get("identifier")
        if source is not None and given is None:
            each["identifier"] = next_identifier(source)
        elif source is not None and str(given).removeprefix(prefix).isdigit():
            jump = int(str(given).removeprefix(prefix)) - source.next_number
            if call.request.header("Jump-Accepted") == "true":
                source.next_number = max(source.next_number, source.next_number + jump + 1)
            elif jump > 0:
                jumps.append({"identifierType": each.get("identifierType"), "sizeOfJump": jump})
    if jumps:
        return Response(412, jumps)
    with_numbers = {"person": patient.get("person"), "identifiers": identifiers}
    return _saved(call, lambda: patients.create_patient(state, with_numbers))


def edit_profile(call: Call) -> Response:
    """Change the person's part."""
    state, row = call.state, _patient(call)
    patient = _patient_of(call.body())
    known = {(each.type, each.identifier) for each in row.identifiers}
    sent = {(given_uuid(each.get("identifierType")), each.get("identifier")) for each in maps(patient, "identifiers")}
    if sent - known:
        raise not_simulated("POST /ws/rest/v1/bahmnicore/patientprofile/{uuid}", "a number added through the profile")

    def save() -> Patient:
        patients.update_patient(state, row, {"person": patient.get("person") or {}})
        return row

    return _saved(call, save)


def get_profile(call: Call) -> Response:
    """The same document as it is answered to a save."""
    return Response(200, _profile(call, _patient(call)))


def _patient(call: Call) -> Patient:
    row = call.state.patients.get(call.uuid)
    if row is None:
        raise not_found()
    return row


def _patient_of(body: Body) -> Body:
    if body.get("relationships"):
        raise not_simulated("POST /ws/rest/v1/bahmnicore/patientprofile", "relationships")
    patient = body.get("patient")
    if not isinstance(patient, dict):
        raise bad_request("The patient property is missing", "BahmniPatientProfileResource:150")
    return patient


def _saved(call: Call, save: Callable[[], Patient]) -> Response:
    """What the resource makes of failures: 400 in the general shape for refusals and for taken uuids alike."""
    try:
        row = save()
    except ApiError as error:
        said = error.body["error"]
        of_fields = (one for each in said.get("fieldErrors", {}).values() for one in each)
        complaints = [*said.get("globalErrors", []), *of_fields]
        if complaints:
            raise bad_request(" => ".join(one["message"] for one in complaints)) from None
        if "Duplicate entry" in str(said["message"]):
            raise bad_request(str(said["message"]).strip("[]")) from None
        raise
    return Response(200, _profile(call, row))


def _profile(call: Call, row: Patient) -> dict[str, Any]:
    return {"patient": call.renderer.render(Node(PATIENT, row), FULL), "image": None, "relationships": []}


PROFILE = "bahmnicore/patientprofile"
ROUTES: dict[tuple[str, str], dict[str, Route]] = {
    ("idgen", ""): {"POST": Route(post_number, privileges.REGISTER_NUMBER)},
    ("idgen/identifiersources", ""): {"GET": Route(list_sources, privileges.REGISTER_NUMBER)},
    ("idgen/identifiersource", ""): {"POST": Route(post_numbers, privileges.REGISTER_NUMBER)},
    ("idgen/identifiersource", "{uuid}/identifier"): {"POST": Route(post_number_of, privileges.REGISTER_NUMBER)},
    (PROFILE, ""): {"POST": Route(post_profile, privileges.CREATE_PATIENT)},
    (PROFILE, "{uuid}"): {"POST": Route(edit_profile, privileges.EDIT_PATIENT)},
    ("patientprofile", "{uuid}"): {"GET": Route(get_profile, privileges.READ_PATIENT)},
}
