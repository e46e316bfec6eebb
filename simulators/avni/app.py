"""Avni's external API over an `AvniStore`: which path leads where.

Routes the product has but this simulator has not answer 501 and name their topic; they never
pretend. Paths the product does not have answer 404.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import Any

from simulators.avni import (
    auth,
    encounter_routes,
    enrolment_routes,
    listing,
    location_routes,
    program_encounter_routes,
    subject_routes,
    user_routes,
)
from simulators.avni.errors import Thrown, framework_error, problem
from simulators.avni.metadata import User
from simulators.avni.store import AvniStore
from simulators.server import HttpError, Request, Response

Handler = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """A method on a path; `handler` takes (store, user, request, *path parts)."""

    method: str
    template: str
    handler: Handler

    def match(self, path: str) -> tuple[str, ...] | None:
        """The variable parts of a path of this route."""
        found = _pattern(self.template).fullmatch(path)
        return found.groups() if found else None


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "([^/]+)", template))


ROUTES = (
    Route("GET", "/api/subjects", listing.list_subjects),
    Route("POST", "/api/subject", subject_routes.post),
    Route("GET", "/api/subject/{id}", subject_routes.get),
    Route("PUT", "/api/subject/{id}", subject_routes.put),
    Route("PATCH", "/api/subject/{id}", subject_routes.patch),
    Route("DELETE", "/api/subject/{id}", subject_routes.delete),
    Route("GET", "/api/encounters", listing.list_encounters),
    Route("POST", "/api/encounter", encounter_routes.post),
    Route("GET", "/api/encounter/{id}", encounter_routes.get),
    Route("PUT", "/api/encounter/{id}", encounter_routes.put),
    Route("PATCH", "/api/encounter/{id}", encounter_routes.patch),
    Route("DELETE", "/api/encounter/{id}", encounter_routes.delete),
    Route("GET", "/api/programEnrolments", listing.list_enrolments),
    Route("POST", "/api/programEnrolment", enrolment_routes.post),
    Route("GET", "/api/programEnrolment/{id}", enrolment_routes.get),
    Route("PUT", "/api/programEnrolment/{id}", enrolment_routes.put),
    Route("DELETE", "/api/programEnrolment/{id}", enrolment_routes.delete),
    Route("GET", "/api/programEncounters", listing.list_program_encounters),
    Route("POST", "/api/programEncounter", program_encounter_routes.post),
    Route("GET", "/api/programEncounter/{id}", program_encounter_routes.get),
    Route("PUT", "/api/programEncounter/{id}", program_encounter_routes.put),
    Route("DELETE", "/api/programEncounter/{id}", program_encounter_routes.delete),
    Route("GET", "/api/groupSubjects", listing.list_memberships),
    Route("GET", "/api/locations", listing.list_locations),
    Route("GET", "/api/location/{id}", location_routes.get),
    Route("GET", "/api/approvalStatuses", listing.list_approvals),
    Route("GET", "/userInfo", user_routes.get),
)

OPEN_PATHS = frozenset({"/ping", "/idp-details", "/cognito-details", "/api/user/generateToken"})

NOT_BUILT = {
    "/api/subjectTree": "voiding by location",
    "/api/task": "tasks",
    "/api/tasks": "tasks",
    "/api/user": "user administration",
    "/api/user/enable": "user administration",
    "/api/subjectMigration/bulk": "subject migration",
    "/api/subjectMigration/bulk/status/{id}": "subject migration",
    "/api/defaultDashboard/create": "dashboards",
    "/api/impl/catchmentLocations": "catchment locations",
    "/api/impl/encountersWithLocation": "catchment locations",
    "/executeQuery": "custom queries",
    "/media/uploadUrl/{id}": "media",
    "/media/signedUrl": "media",
    "/media/signedUrls": "media",
    "/web/media": "media",
    "/web/uploadMedia": "media",
    "/web/message/sendMsg": "messages",
    "/web/message/startFlowForContact": "messages",
    "/export/v2": "exports",
    "/export/status": "exports",
    "/export/download": "exports",
    "/config": "client configuration",
}


class AvniApp:
    """The application to put into a `simulators.server.Server`."""

    def __init__(self, store: AvniStore) -> None:
        self.store = store

    def template(self, method: str, path: str) -> str:
        """The route a path belongs to, for counting."""
        templates = [route.template for route in ROUTES] + list(NOT_BUILT)
        return next((found for found in templates if _pattern(found).fullmatch(path)), path)

    def handle(self, request: Request) -> Response:
        """Answer a request; one at a time, as the store is one piece of state."""
        with self.store.lock:
            try:
                response = self._answer(request)
            except HttpError as error:
                response = self._failure(request, error)
            response.headers["Date"] = format_datetime(self.store.clock().astimezone(UTC), usegmt=True)
            if token := auth.token_of(request):
                cookie = f"auth-token={token}; Path=/; Secure; HttpOnly"
                response.headers["Set-Cookie"] = cookie
            return response

    def _answer(self, request: Request) -> Response:
        if "%2f" in request.raw_path.lower():
            raise HttpError(400, "<html><body>Bad Request</body></html>", "text/html")
        if request.path in OPEN_PATHS:
            return self._open(request)
        for path, topic in NOT_BUILT.items():
            if _pattern(path).fullmatch(request.path):
                return Response(501, {"route": path, "topic": f"not yet built: {topic}"})
        found = [(route, route.match(request.path)) for route in ROUTES]
        known = [(route, parts) for route, parts in found if parts is not None]
        if not known:
            raise framework_error(404, "Not Found", request.path, self.store.now_ms())
        user = auth.user_of(self.store, request)
        for route, parts in known:
            if route.method == request.method:
                return Response(200, self._run(route, user, request, parts))
        detail = f"Method '{request.method}' is not supported."
        raise problem(405, "Method Not Allowed", detail, request.path)

    def _run(self, route: Route, user: User, request: Request, parts: tuple[str, ...]) -> dict[str, Any]:
        return route.handler(self.store, user, request, *parts)

    def _open(self, request: Request) -> Response:
        method = "POST" if request.path == "/api/user/generateToken" else "GET"
        if request.method != method:
            detail = f"Method '{request.method}' is not supported."
            raise problem(405, "Method Not Allowed", detail, request.path)
        if request.path == "/ping":
            return Response(200, "pong")
        if request.path == "/cognito-details":
            return Response(200, auth.cognito_details(self.store))
        if request.path == "/idp-details":
            if not self.store.settings.offers_idp_details:
                raise framework_error(404, "Not Found", request.path, self.store.now_ms())
            return Response(200, auth.idp_details(self.store))
        return Response(200, auth.generate_token(self.store, request))

    def _failure(self, request: Request, error: HttpError) -> Response:
        """Error bodies: raw text, mislabelled as JSON for those who ask for JSON."""
        response = error.response
        if isinstance(error, Thrown) and not self.store.settings.error_body:
            return Response(response.status)
        if isinstance(response.body, str) and "json" in (request.header("accept") or ""):
            response.content_type = "application/json"
        return response
