"""The simulated hospital as an application: the door, the routes, the feeds.

Everything lies under the context path /openmrs. What the product has and the simulator has not
answers 501 with the topic; what neither has answers 404.
"""

from __future__ import annotations

from datetime import datetime, time
from email.utils import format_datetime
from html import escape
from urllib.parse import urlencode

from simulators.bahmni import (
    clinical_routes,
    lab_routes,
    metadata_routes,
    order_routes,
    patient_routes,
    registration_routes,
    transaction_routes,
)
from simulators.bahmni.atom import render_page
from simulators.bahmni.calls import Call, Route
from simulators.bahmni.errors import ApiError, bad_request, not_simulated, server_error
from simulators.bahmni.feeds import FeedError
from simulators.bahmni.rendering import Renderer
from simulators.bahmni.security import Caller, require
from simulators.bahmni.session_routes import SESSION_ROUTES
from simulators.bahmni.store import Store
from simulators.server import Request, Response

__all__ = ["BahmniApp"]

CONTEXT = "/openmrs"
REST = f"{CONTEXT}/ws/rest/v1/"
FEEDS = f"{CONTEXT}/ws/atomfeed/"
HTML = "text/html;charset=utf-8"
JSON = "application/json;charset=UTF-8"
FEED_TYPE = "text/plain;charset=ISO-8859-1"
"""What an unconfigured string answer is labelled with; the bytes are UTF-8 all the same."""

ROUTES = {
    **SESSION_ROUTES,
    **patient_routes.ROUTES,
    **clinical_routes.ROUTES,
    **metadata_routes.ROUTES,
    **order_routes.ROUTES,
    **transaction_routes.ROUTES,
    **lab_routes.ROUTES,
    **registration_routes.ROUTES,
}
FOLDERS = frozenset({"bahmnicore", "idgen"})
"""Below these the next part of the path names the resource."""
WORDS = frozenset({"find", "match-decision", "endVisit"})
"""Parts of a path that are calls of their own where a uuid would stand."""
NOT_YET = {
    "bahmnicore": "Bahmni's other calls of its own",
    "bahmni": "Bahmni's own patient search",
    "idgen": "setting the next identifier",
    "relationship": "relationships",
    "relationshiptype": "relationships",
    "programenrollment": "programs",
    "program": "programs",
    "reference-data": "reference data",
    "bedPatientAssignment": "beds",
    "user": "users",
    "role": "users",
    "privilege": "users",
    "module": "version detection",
    "systeminformation": "version detection",
    "systemsetting": "global properties",
}
NOT_YET_ROOTS = {
    f"{CONTEXT}/ws/rest/emrapi": "emrapi encounters",
    f"{CONTEXT}/ws/fhir2": "FHIR",
    f"{CONTEXT}/ms/": "legacy servlets",
}


class BahmniApp:
    """Answers requests from one store. One request at a time: one lock, as one database row."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        with self.store.lock:
            response = self._dispatch(request)
            response.headers["Date"] = format_datetime(self.store.now(), usegmt=True)
            return response

    def _dispatch(self, request: Request) -> Response:
        if request.path.startswith(FEEDS):
            return self._feed(request)
        if request.path.startswith(REST):
            return self._rest(request)
        for root, topic in NOT_YET_ROOTS.items():
            if request.path.startswith(root):
                return _json(not_simulated(root, topic))
        return _page(404, "Not Found")

    def template(self, method: str, path: str) -> str:
        """The route a path belongs to, for counters."""
        if path.startswith(FEEDS):
            category, _, page = path.removeprefix(FEEDS).partition("/")
            return f"{FEEDS}{category}/{'recent' if page == 'recent' else '{n}'}"
        if not path.startswith(REST):
            return path
        resource, shape, _ = _split(path)
        return f"{REST}{resource}/{shape}".rstrip("/")

    # REST

    def _rest(self, request: Request) -> Response:
        try:
            caller = self.store.doorkeeper.enter(request.headers)
        except ApiError as error:
            return _json(error)
        try:
            response = self._answer(request, caller)
        except ApiError as error:
            response = _json(error)
        if caller.stale:  # noticed before, but the request has been carried out all the same
            response = _page(self.store.settings.stale_cookie_status, "Session timed out")
        if caller.fresh:
            cookie = f"JSESSIONID={caller.session.id}; Path={CONTEXT}; HttpOnly"
            response.headers.setdefault("Set-Cookie", cookie)
        if isinstance(response.body, dict) and response.content_type is None:
            response.content_type = JSON
        return response

    def _answer(self, request: Request, caller: Caller) -> Response:
        resource, shape, uuids = _split(request.path)
        methods = ROUTES.get((resource, shape))
        if methods is None:
            raise _no_route(request, resource)
        route = methods.get(request.method)
        if route is None:
            raise ApiError(405, {"error": {"message": "Request method not supported"}})
        base = self._base(request)
        quiet = request.headers.get("disable-www-authenticate") == "true"
        require(caller, self._needed(route, request), None if quiet else base)
        self._deadlock(request)
        before, self.store.acting = self.store.acting, caller.user.uuid if caller.user else None
        try:
            call = Call(self.store, request, Renderer(self.store, base), caller, *uuids)
            return route.handler(call)
        finally:
            self.store.acting = before

    def _deadlock(self, request: Request) -> None:
        """The database rolled this write back in favour of another: 500, though it may be tried again."""
        if request.method == "GET" or not self.store.settings.deadlocks:
            return
        self.store.settings.deadlocks -= 1
        raise server_error("Deadlock found when trying to get lock; try restarting transaction")

    def _needed(self, route: Route, request: Request) -> tuple[str, ...]:
        """Purging takes another privilege than voiding."""
        if request.method == "DELETE" and request.param("purge") == "true":
            return tuple(name.replace("Delete", "Purge").replace("Edit", "Purge") for name in route.privileges)
        return route.privileges

    def _base(self, request: Request) -> str:
        prefix = self.store.settings.links_prefix
        if prefix == "request":
            return f"http://{request.headers.get('host', 'localhost')}{CONTEXT}"
        return prefix

    # feeds

    def _feed(self, request: Request) -> Response:
        store = self.store
        if request.method != "GET":
            return _page(405, "Request method not supported")
        needs_session = store.settings.feed_needs_session
        if needs_session and not store.doorkeeper.recognises(request.headers):
            return _page(401, "Unauthorized")
        category, _, wanted = request.path.removeprefix(FEEDS).partition("/")
        if not category or not (wanted == "recent" or wanted.lstrip("-").isdigit()):
            return _page(404, "Not Found")
        folder = f"{self._feed_base(request)}{FEEDS}{category}"
        query = urlencode(request.query, doseq=True)
        self_url = f"{folder}/{wanted}" + (f"?{query}" if query else "")
        zone = store.settings.zone
        today = datetime.combine(store.now().astimezone(zone).date(), time(), zone)
        try:
            page = store.feeds.page(category, None if wanted == "recent" else int(wanted))
            body = render_page(page, store.settings, folder, self_url, today)
        except FeedError as error:
            return _page(500, str(error))
        return Response(200, body, content_type=FEED_TYPE)

    def _feed_base(self, request: Request) -> str:
        forced = self.store.settings.feed_links_base
        if forced is not None:
            return forced
        scheme = request.headers.get("x-forwarded-proto", "http")
        return f"{scheme}://{request.headers.get('host', 'localhost')}"


def _split(path: str) -> tuple[str, str, list[str]]:
    """Resource, shape and uuids: /visit/V/attribute/A is visit, {uuid}/attribute/{uuid}, [V, A]."""
    resource, *rest = path.removeprefix(REST).strip("/").split("/")
    if resource in FOLDERS and rest:
        resource, *rest = f"{resource}/{rest[0]}", *rest[1:]
    if resource.partition("/")[0] in FOLDERS and rest and rest[0] in WORDS:
        return resource, "/".join(rest), []
    shape = "/".join("{uuid}" if index % 2 == 0 else part for index, part in enumerate(rest))
    return resource, shape, rest[::2]


def _no_route(request: Request, resource: str) -> ApiError:
    topic = NOT_YET.get(resource) or NOT_YET.get(resource.partition("/")[0])
    if topic is None and any(known == resource for known, _ in ROUTES):
        topic = f"this sub-resource of {resource}"
    if topic is not None:
        return not_simulated(f"{request.method} {REST}{resource}", topic)
    body = bad_request("Unknown resource: " + resource).body
    return ApiError(404, body)


def _json(error: ApiError) -> Response:
    return Response(error.status, error.body, dict(error.headers), JSON)


def _page(status: int, text: str) -> Response:
    """Tomcat's error page."""
    title = f"HTTP Status {status}"
    html = (
        f'<!doctype html><html lang="en"><head><title>{title}</title></head><body>'
        f"<h1>{title}</h1><p><b>Message</b> {escape(text)}</p><h3>Apache Tomcat</h3></body></html>"
    )
    return Response(status, html, content_type=HTML)
