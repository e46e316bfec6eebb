"""/visit, /bahmnicore/visit, /encounter, /obs."""

from __future__ import annotations

from simulators.bahmni import encounters, privileges, visits
from simulators.bahmni.bodies import check_properties
from simulators.bahmni.calls import Call, Route
from simulators.bahmni.clinical_resources import ENCOUNTER, ENCOUNTER_PROVIDER, OBS, VISIT, VISIT_ATTRIBUTE
from simulators.bahmni.errors import ApiError, bad_request, not_found, not_simulated, server_error
from simulators.bahmni.model import Encounter, EncounterProvider, Visit, VisitAttribute
from simulators.bahmni.patient_routes import NOT_CRITERIA, UNVOID
from simulators.bahmni.rendering import Node
from simulators.server import Response

__all__ = ["ROUTES"]


def _visit(call: Call) -> Visit:
    row = call.state.visits.get(call.uuid)
    if row is None:
        raise not_found()
    return row


def get_visit(call: Call) -> Response:
    """One visit, voided or not."""
    return call.one(VISIT, _visit(call))


def search_visits(call: Call) -> Response:
    """Without criteria: all visits there are, page by page."""
    rows = visits.find_visits(call.state, call.request.query)
    return call.page([Node(VISIT, row) for row in rows])


def post_visit(call: Call) -> Response:
    """Create."""
    return call.one(VISIT, visits.create_visit(call.state, call.body()), status=201)


def edit_visit(call: Call) -> Response:
    """Change some properties, or un-void."""
    row, body = _visit(call), call.body()
    if body == UNVOID:
        visits.unvoid_visit(call.state, row)
    else:
        visits.update_visit(call.state, row, body)
    return call.one(VISIT, row)


def delete_visit(call: Call) -> Response:
    """Void with everything in it, or purge an empty one."""
    if not call.purging:
        visits.void_visit(call.state, _visit(call), call.reason)
    elif call.uuid in call.state.visits:
        visits.purge_visit(call.state, _visit(call))
    return Response(204)


def _visit_attribute(call: Call) -> VisitAttribute:
    for row in _visit(call).attributes:
        if row.uuid == call.sub:
            return row
    raise not_found()


def list_visit_attributes(call: Call) -> Response:
    """The live ones."""
    visit = _visit(call)
    rows = [row for row in visit.attributes if not row.voided]
    return call.all([Node(VISIT_ATTRIBUTE, row, visit) for row in rows])


def get_visit_attribute(call: Call) -> Response:
    """One attribute."""
    return call.one(VISIT_ATTRIBUTE, _visit_attribute(call), _visit(call))


def post_visit_attribute(call: Call) -> Response:
    """Create; replaces where only one may occur."""
    visit = _visit(call)
    row = visits.save_visit_attribute(call.state, visit, call.body())
    return call.one(VISIT_ATTRIBUTE, row, visit, 201)


def edit_visit_attribute(call: Call) -> Response:
    """Another value."""
    visit, row = _visit(call), _visit_attribute(call)
    visits.save_visit_attribute(call.state, visit, call.body(), row)
    return call.one(VISIT_ATTRIBUTE, row, visit)


def remove_visit_attribute(call: Call) -> Response:
    """Void."""
    visits.delete_visit_attribute(call.state, _visit_attribute(call))
    return Response(204)


def end_visit(call: Call) -> Response:
    """Bahmni's own call: over now. Raises 500 for an unknown visit."""
    row = call.state.visits.get(call.first("visitUuid") or "")
    if row is None:
        raise server_error("java.lang.NullPointerException")
    visits.end_visit(call.state, row)
    return Response(200)


# encounter


def _encounter(call: Call) -> Encounter:
    row = call.state.encounters.get(call.uuid)
    if row is None:
        raise not_found()
    return row


def get_encounter(call: Call) -> Response:
    """One encounter, voided or not."""
    return call.one(ENCOUNTER, _encounter(call))


def post_encounter(call: Call) -> Response:
    """Create."""
    row = encounters.create_encounter(call.state, call.body())
    return call.one(ENCOUNTER, row, status=201)


def edit_encounter(call: Call) -> Response:
    """Change, or un-void."""
    row, body = _encounter(call), call.body()
    if body == UNVOID:
        encounters.unvoid_encounter(call.state, row)
    else:
        encounters.update_encounter(call.state, row, body)
    return call.one(ENCOUNTER, row)


def delete_encounter(call: Call) -> Response:
    """Void with its observations, or purge one without any."""
    if not call.purging:
        encounters.void_encounter(call.state, _encounter(call), call.reason)
    elif call.uuid in call.state.encounters:
        encounters.purge_encounter(call.state, _encounter(call))
    return Response(204)


def _provider(call: Call) -> EncounterProvider:
    for row in _encounter(call).providers:
        if row.uuid == call.sub:
            return row
    raise not_found()


def list_providers(call: Call) -> Response:
    """Who took part."""
    encounter = _encounter(call)
    rows = [row for row in encounter.providers if not row.voided]
    return call.all([Node(ENCOUNTER_PROVIDER, row, encounter) for row in rows])


def get_provider(call: Call) -> Response:
    """One who took part."""
    return call.one(ENCOUNTER_PROVIDER, _provider(call), _encounter(call))


def post_provider(call: Call) -> Response:
    """One more; the same pair of provider and role is there only once."""
    encounter, body = _encounter(call), call.body()
    check_properties(body, {"provider", "encounterRole", "uuid"}, ("provider", "encounterRole"))
    before = list(encounter.providers)
    encounters.add_provider(call.state, encounter, body)
    encounters.claim_providers(call.state, encounter, before)
    return call.one(ENCOUNTER_PROVIDER, encounter.providers[-1], encounter, 201)


def delete_provider(call: Call) -> Response:
    """Void: the only way to take somebody out."""
    _provider(call).voided = True
    return Response(204)


BY_PATIENT = frozenset({"patient", "encounterType", "visit", "fromdate", "todate", "order"})
BY_OBS = frozenset({"patient", "obsConcept", "obsValues"})


def search_encounters(call: Call) -> Response:
    """A handler that knows every parameter, else the resource's own search, which knows one."""
    query = call.request.query
    names = set(query) - NOT_CRITERIA
    handler = _handler(names, call.first("s"))
    if handler == "byObs":
        rows = encounters.by_obs(call.state, query)
    elif handler == "default":
        rows = encounters.by_patient(call.state, query)
    else:
        rows = encounters.all_of_patient(call.state, call.first("patient"))
    return call.page([Node(ENCOUNTER, row) for row in rows])


def _handler(names: set[str], asked: str | None) -> str | None:
    known = {
        "byObs": {"patient", "obsConcept"} <= names <= BY_OBS,
        "default": {"patient"} <= names <= BY_PATIENT,
    }
    if asked is not None:
        if not known.get(asked):
            raise bad_request(f"The search with id {asked} does not exist for these parameters")
        return asked
    return next((name for name, fits in known.items() if fits), None)


def get_obs(call: Call) -> Response:
    """One observation, voided or not."""
    row = call.state.obs.get(call.uuid)
    if row is None:
        raise not_found()
    return call.one(OBS, row)


def obs_alone(call: Call) -> Response:
    """Observations are written through their encounter only."""
    raise _not_yet(call)


def _not_yet(call: Call) -> ApiError:
    return not_simulated(f"{call.request.method} /ws/rest/v1/obs", "observations on their own")


ROUTES: dict[tuple[str, str], dict[str, Route]] = {
    ("visit", ""): {
        "GET": Route(search_visits, privileges.READ_VISIT),
        "POST": Route(post_visit, privileges.CREATE_VISIT),
    },
    ("visit", "{uuid}"): {
        "GET": Route(get_visit, privileges.READ_VISIT),
        "POST": Route(edit_visit, privileges.EDIT_VISIT),
        "DELETE": Route(delete_visit, privileges.VOID_VISIT),
    },
    ("visit", "{uuid}/attribute"): {
        "GET": Route(list_visit_attributes, privileges.READ_VISIT),
        "POST": Route(post_visit_attribute, privileges.EDIT_VISIT),
    },
    ("visit", "{uuid}/attribute/{uuid}"): {
        "GET": Route(get_visit_attribute, privileges.READ_VISIT),
        "POST": Route(edit_visit_attribute, privileges.EDIT_VISIT),
        "DELETE": Route(remove_visit_attribute, privileges.EDIT_VISIT),
    },
    ("encounter", ""): {
        "GET": Route(search_encounters, privileges.READ_ENCOUNTER),
        "POST": Route(post_encounter, privileges.CREATE_ENCOUNTER),
    },
    ("encounter", "{uuid}"): {
        "GET": Route(get_encounter, privileges.READ_ENCOUNTER),
        "POST": Route(edit_encounter, privileges.EDIT_ENCOUNTER),
        "DELETE": Route(delete_encounter, privileges.VOID_ENCOUNTER),
    },
    ("encounter", "{uuid}/encounterprovider"): {
        "GET": Route(list_providers, privileges.READ_ENCOUNTER),
        "POST": Route(post_provider, privileges.EDIT_ENCOUNTER),
    },
    ("encounter", "{uuid}/encounterprovider/{uuid}"): {
        "GET": Route(get_provider, privileges.READ_ENCOUNTER),
        "DELETE": Route(delete_provider, privileges.EDIT_ENCOUNTER),
    },
    ("bahmnicore/visit", "endVisit"): {"POST": Route(end_visit, privileges.EDIT_VISIT)},
    ("obs", ""): {
        "GET": Route(obs_alone, privileges.READ_ENCOUNTER),
        "POST": Route(obs_alone, privileges.EDIT_ENCOUNTER),
    },
    ("obs", "{uuid}"): {
        "GET": Route(get_obs, privileges.READ_ENCOUNTER),
        "POST": Route(obs_alone, privileges.EDIT_ENCOUNTER),
        "DELETE": Route(obs_alone, privileges.EDIT_ENCOUNTER),
    },
}
