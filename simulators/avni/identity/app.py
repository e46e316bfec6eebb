"""Both identity providers on one address: Cognito at `/`, Keycloak below `/realms`."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from simulators.avni.identity import cognito, keycloak
from simulators.server import HttpError, Request, Response

if TYPE_CHECKING:
    from simulators.avni.store import AvniStore

TARGET = "AWSCognitoIdentityProviderService."
TOKEN_ROUTE = re.compile(r"/realms/([^/]+)/protocol/openid-connect/token")


class IdentityApp:
    """The application to put into a `simulators.server.Server` of its own.

    `asked` tells what was asked, in order: "InitiateAuth USER_SRP_AUTH", "token refresh_token".
    """

    def __init__(self, store: AvniStore) -> None:
        self.store = store
        self.asked: list[str] = []

    def handle(self, request: Request) -> Response:
        """Answer a request, one at a time."""
        with self.store.lock:
            try:
                response = self._answer(request)
            except HttpError as error:
                response = error.response
            response.headers["Date"] = format_datetime(self.store.clock().astimezone(UTC), usegmt=True)
            return response

    def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            raise HttpError(405)
        if realm := TOKEN_ROUTE.fullmatch(request.path):
            self.asked.append(f"token {parse_qs(request.body.decode()).get('grant_type', ['?'])[0]}")
            return Response(200, keycloak.token(self.store, realm[1], request))
        action = (request.header("x-amz-target") or "").removeprefix(TARGET)
        if request.path != "/" or action not in ("InitiateAuth", "RespondToAuthChallenge"):
            raise HttpError(404)
        try:
            body = request.json()
        except ValueError:
            raise cognito.Failure("SerializationException", "") from None
        self.asked.append(f"{action} {body.get('AuthFlow') or body.get('ChallengeName')}")
        answer = cognito.initiate if action == "InitiateAuth" else cognito.respond
        return Response(200, answer(self.store, body), content_type=cognito.JSON_TYPE)
