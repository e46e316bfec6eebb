"""/session: 200 whether or not the login worked (openmrs.md O1 to O4)."""

from __future__ import annotations

from typing import Any

from simulators.bahmni.bodies import find
from simulators.bahmni.calls import Call, Route
from simulators.bahmni.errors import server_error
from simulators.bahmni.metadata_resources import LOCATION, PROVIDER, named_uuid
from simulators.bahmni.model import User
from simulators.bahmni.rendering import Node
from simulators.bahmni.representation import REF
from simulators.server import Response

__all__ = ["SESSION_ROUTES"]

LOCALES = ["en", "fr"]


def get_session(call: Call) -> Response:
    """`authenticated` is the only sign; 204 when a one-time password is waited for."""
    if call.state.settings.two_factor and call.caller.user is not None:
        call.caller.session.user = None
        return Response(204)
    return Response(200, _body(call))


def post_session(call: Call) -> Response:
    """Choose locale or location. Raises 500 for values the server does not know."""
    body = call.body()
    if body.get("locale", "en") not in LOCALES:
        raise server_error("The locale is not in the list of allowed locales")
    answer = _body(call)
    if "sessionLocation" in body:
        location = find(call.state.locations, body["sessionLocation"])
        if location is None:
            raise server_error("The location does not exist")
        answer["sessionLocation"] = call.renderer.render(Node(LOCATION, location), REF)
    return Response(200, answer)


def delete_session(call: Call) -> Response:
    """Log out."""
    call.state.doorkeeper.leave(call.caller.session)
    gone = "JSESSIONID=; Path=/openmrs; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:10 GMT"
    return Response(204, headers={"Set-Cookie": gone})


def _body(call: Call) -> dict[str, Any]:
    user = call.caller.user
    body: dict[str, Any] = {"authenticated": user is not None}
    if call.state.settings.session_id_in_body:
        body = {"sessionId": call.caller.session.id, **body}
    body |= {"locale": "en", "allowedLocales": LOCALES}
    if user is not None:
        body |= {
            "user": _user(call, user),
            "sessionLocation": None,
            "currentProvider": _provider(call, user),
        }
    return body


def _user(call: Call, user: User) -> dict[str, Any]:
    names = user.privileges or []
    own: dict[str, Any] = {
        "rel": "self",
        "uri": f"{call.renderer.base}/ws/rest/v1/user/{user.uuid}",
    }
    if call.state.settings.link_alias:
        own["resourceAlias"] = "user"
    role = "Authenticated" if user.privileges is not None else "System Developer"
    return {
        "uuid": user.uuid,
        "display": user.username,
        "username": user.username,
        "systemId": user.username,
        "userProperties": {"loginAttempts": str(user.failures)},
        "person": {"uuid": user.person, "display": user.person_name},
        "privileges": [_named("privilege", name) for name in names],
        "roles": [_named("role", role)],
        "links": [own],
    }


def _named(kind: str, name: str) -> dict[str, str]:
    return {"uuid": named_uuid(kind, name), "display": name, "name": name}


def _provider(call: Call, user: User) -> dict[str, Any] | None:
    row = call.state.providers.get(user.provider or "")
    return call.renderer.render(Node(PROVIDER, row), REF) if row else None


SESSION_ROUTES: dict[tuple[str, str], dict[str, Route]] = {
    ("session", ""): {
        "GET": Route(get_session),
        "POST": Route(post_session),
        "DELETE": Route(delete_session),
    }
}
