"""/bahmnicore/bahmniencounter: the door clinicians save through, and what the encounter feed points at."""

from __future__ import annotations

from typing import Any

from simulators.bahmni import dates, encounters, privileges
from simulators.bahmni.calls import Call, Route
from simulators.bahmni.errors import ApiError, server_error
from simulators.bahmni.model import Encounter
from simulators.bahmni.transaction_saving import find_transaction, save_transaction
from simulators.bahmni.transactions import NOTHING, render
from simulators.server import Response

__all__ = ["ROUTES"]

CLOSED = "Visit for this patient is closed. You cannot do an 'Undo Discharge' for the patient."


def _encounter(call: Call) -> Encounter:
    """Raises 500 for an unknown encounter and for one without a visit: nobody expected either."""
    row = call.state.encounters.get(call.uuid)
    if row is None or row.visit is None:
        raise server_error("java.lang.NullPointerException")
    return row


def get_transaction(call: Call) -> Response:
    """The whole encounter, voided or not. Raises 500 when `includeAll` is not said."""
    row = _encounter(call)
    wanted = call.first("includeAll")
    if wanted is None:
        raise server_error("java.lang.NullPointerException")
    return Response(200, render(call.state, row, include_all=wanted == "true"))


def post_transaction(call: Call) -> Response:
    """Save; 200 with what is stored now."""
    return Response(200, render(call.state, save_transaction(call.state, call.body()), include_all=False))


def post_find(call: Call) -> Response:
    """The encounter a save would join, or a document with nothing in it."""
    body: dict[str, Any] = call.body()
    row = find_transaction(call.state, body)
    return Response(200, NOTHING if row is None else render(call.state, row, include_all=bool(body["includeAll"])))


def delete_transaction(call: Call) -> Response:
    """Void. Raises 403, which is no lack of a privilege, when the visit is over."""
    row = _encounter(call)
    visit = call.state.visits[row.visit or ""]
    if visit.stop is not None and visit.stop < dates.whole_second(call.state.now()):
        error = {"message": f"[{CLOSED}]", "code": "org.bahmni.module.bahmnicore.web.v1_0.controller", "detail": ""}
        raise ApiError(403, {"error": error})
    encounters.void_encounter(call.state, row, call.reason)
    return Response(200)


RESOURCE = "bahmnicore/bahmniencounter"
ROUTES: dict[tuple[str, str], dict[str, Route]] = {
    (RESOURCE, ""): {"POST": Route(post_transaction, privileges.WRITE_TRANSACTION)},
    (RESOURCE, "find"): {"POST": Route(post_find, privileges.READ_ENCOUNTER)},
    (RESOURCE, "{uuid}"): {
        "GET": Route(get_transaction, privileges.READ_ENCOUNTER),
        "DELETE": Route(delete_transaction, privileges.VOID_ENCOUNTER),
    },
}
