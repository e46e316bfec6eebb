"""/bahmnicore/labOrderResults."""

from __future__ import annotations

from simulators.bahmni import lab, privileges
from simulators.bahmni.calls import Call, Route
from simulators.bahmni.errors import bad_request, server_error
from simulators.server import Response

__all__ = ["ROUTES"]


def get_results(call: Call) -> Response:
    """Of a patient, of its last visits, or of visits. Raises 400 without either, 500 for an unknown one."""
    state = call.state
    accessions = call.first("numberOfAccessions")
    most = int(accessions) if accessions else None
    named = [uuid for each in call.request.query.get("visitUuids", []) for uuid in each.split(",")]
    if named:
        if not all(uuid in state.visits for uuid in named):
            raise server_error("java.lang.NullPointerException")
        return Response(200, lab.results(state, state.visits[named[0]].patient, named, most))
    patient = call.first("patientUuid")
    if patient is None:
        raise bad_request("Parameter conditions not met", "BaseRestController:99")
    if patient not in state.patients:
        raise server_error("java.lang.NullPointerException")
    count = call.first("numberOfVisits")
    if not count:
        return Response(200, lab.results(state, patient, None, most))
    visits = sorted(state.visits_of(patient), key=lambda row: row.start, reverse=True)
    last = [row.uuid for row in visits if not row.voided][: int(count)]
    return Response(200, lab.results(state, patient, last, most))


ROUTES: dict[tuple[str, str], dict[str, Route]] = {
    ("bahmnicore/labOrderResults", ""): {"GET": Route(get_results, privileges.READ_ENCOUNTER)},
}
