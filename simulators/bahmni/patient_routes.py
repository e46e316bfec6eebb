"""/patient, its identifiers, /person."""

from __future__ import annotations

from datetime import timedelta

from simulators.bahmni import patients, persons, privileges
from simulators.bahmni.calls import Call, Route
from simulators.bahmni.errors import bad_request, not_found, not_simulated, server_error
from simulators.bahmni.model import Identifier, Patient, Person
from simulators.bahmni.person_resources import IDENTIFIER, PATIENT, PERSON
from simulators.bahmni.rendering import Node
from simulators.bahmni.representation import DEFAULT
from simulators.server import Response

__all__ = ["ROUTES"]

UNVOID = {"deleted": "false"}
NOT_CRITERIA = frozenset({"v", "q", "limit", "startIndex", "totalCount", "includeAll", "s", "t"})


def _patient(call: Call) -> Patient:
    row = call.state.patients.get(call.uuid)
    if row is None:
        raise not_found()
    return row


def get_patient(call: Call) -> Response:
    """Voided patients too: the reader has to look at `voided`."""
    return call.one(PATIENT, _patient(call))


def post_patient(call: Call) -> Response:
    """The answer is the default representation whatever `v` says."""
    row = patients.create_patient(call.state, call.body())
    return _default(call, row, 201)


def _default(call: Call, row: Patient, status: int) -> Response:
    return Response(status, call.renderer.render(Node(PATIENT, row), DEFAULT))


def edit_patient(call: Call) -> Response:
    row, body = _patient(call), call.body()
    if body == UNVOID:
        patients.unvoid_patient(call.state, row)
    else:
        patients.update_patient(call.state, row, body)
    return call.one(PATIENT, row)


def delete_patient(call: Call) -> Response:
    """Void; a purge is refused as long as there are clinical data."""
    state = call.state
    if not call.purging:
        patients.void_patient(state, _patient(call), call.reason)
    elif call.uuid in state.patients:
        if state.encounters_of(call.uuid) or state.visits_of(call.uuid):
            raise server_error("could not execute statement; ConstraintViolationException")
        raise not_simulated("DELETE /ws/rest/v1/patient/{uuid}?purge=true", "purge of a patient")
    return Response(204)


def search_patients(call: Call) -> Response:
    """The handler `patientByIdentifier`, else the resource's own search by `q`."""
    names = set(call.request.query) - NOT_CRITERIA
    if names and names <= {"identifier", "searchType"} and "identifier" in names:
        text = call.first("identifier") or ""
        prefix = call.first("searchType") == "start"
        found = _by_prefix(call, text) if prefix else _fuzzy(call, text)
    elif "q" in call.request.query:
        found = _fuzzy(call, call.first("q") or "")
    elif names:  # a parameter no handler knows: nothing is left to search by
        found = []
    else:
        raise bad_request("ResourceDoesNotSupportOperationException")
    return call.page([Node(PATIENT, call.state.patients[uuid]) for uuid in found])


def _by_prefix(call: Call, text: str) -> list[str]:
    """The database's LIKE: voided identifiers match, voided patients only with includeAll."""
    state = call.state
    with_voided = call.first("includeAll") == "true"
    found = dict.fromkeys(patient for _, patient in state.index.starting_with(text))
    rows = [uuid for uuid in found if with_voided or not state.patients[uuid].voided]
    return rows[: state.settings.search_results]


def _fuzzy(call: Call, text: str) -> list[str]:
    """Identifiers that contain the text, then names with words beginning with it."""
    state = call.state
    if len(text.strip()) < state.settings.search_minimum:
        return []
    border = state.now() - timedelta(seconds=state.settings.search_lag)
    found: dict[str, None] = {}
    for uuid, patient in state.index.containing(text):
        row = state.identifiers[uuid]
        created = row.audit.date_created
        indexed = not state.settings.search_lag or created is None or created <= border
        if indexed and not row.voided:
            found[patient] = None
    found.update(dict.fromkeys(uuid for uuid in state.index.named(text) if uuid in state.patients))
    rows = [uuid for uuid in found if not state.patients[uuid].voided]
    return rows[: state.settings.search_results]


# identifiers


def _identifier(call: Call) -> Identifier:
    row = call.state.identifiers.get(call.sub)
    if row is None or row not in _patient(call).identifiers:
        raise not_found()
    return row


def list_identifiers(call: Call) -> Response:
    patient = _patient(call)
    with_voided = call.first("includeAll") == "true"
    rows = [row for row in patient.identifiers if with_voided or not row.voided]
    return call.all([Node(IDENTIFIER, row, patient) for row in rows])


def get_identifier(call: Call) -> Response:
    return call.one(IDENTIFIER, _identifier(call), _patient(call))


def post_identifier(call: Call) -> Response:
    patient = _patient(call)
    row = patients.save_identifier(call.state, patient, call.body())
    return call.one(IDENTIFIER, row, patient, 201)


def edit_identifier(call: Call) -> Response:
    patient, row = _patient(call), _identifier(call)
    patients.update_identifier(call.state, patient, row, call.body())
    return call.one(IDENTIFIER, row, patient)


def delete_identifier(call: Call) -> Response:
    if call.purging:
        raise not_simulated("DELETE /patient/{uuid}/identifier/{uuid}", "purge of an identifier")
    patients.void_identifier(call.state, _identifier(call), call.reason)
    return Response(204)


# person


def _person(call: Call) -> Person:
    row = call.state.persons.get(call.uuid)
    if row is None:
        raise not_found()
    return row


def get_person(call: Call) -> Response:
    return call.one(PERSON, _person(call))


def post_person(call: Call) -> Response:
    return call.one(PERSON, persons.create_person(call.state, call.body()), status=201)


def edit_person(call: Call) -> Response:
    row = _person(call)
    persons.update_person(call.state, row, call.body())
    return call.one(PERSON, row)


ROUTES: dict[tuple[str, str], dict[str, Route]] = {
    ("patient", ""): {
        "GET": Route(search_patients, privileges.READ_PATIENT),
        "POST": Route(post_patient, privileges.CREATE_PATIENT),
    },
    ("patient", "{uuid}"): {
        "GET": Route(get_patient, privileges.READ_PATIENT),
        "POST": Route(edit_patient, privileges.EDIT_PATIENT),
        "DELETE": Route(delete_patient, privileges.VOID_PATIENT),
    },
    ("patient", "{uuid}/identifier"): {
        "GET": Route(list_identifiers, privileges.READ_PATIENT),
        "POST": Route(post_identifier, privileges.EDIT_IDENTIFIER),
    },
    ("patient", "{uuid}/identifier/{uuid}"): {
        "GET": Route(get_identifier, privileges.READ_PATIENT),
        "POST": Route(edit_identifier, privileges.EDIT_IDENTIFIER),
        "DELETE": Route(delete_identifier, privileges.EDIT_IDENTIFIER),
    },
    ("person", ""): {"POST": Route(post_person, privileges.CREATE_PERSON)},
    ("person", "{uuid}"): {
        "GET": Route(get_person, privileges.READ_PERSON),
        "POST": Route(edit_person, privileges.EDIT_PERSON),
    },
}
