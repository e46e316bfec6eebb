"""Who is asking, as Avni's own apps see it (avni.md A105)."""

from __future__ import annotations

from typing import Any

from simulators.avni.metadata import User
from simulators.avni.store import AvniStore
from simulators.server import HttpError, Request


def get(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /userInfo: our user, its organisation by name and number, and what it may do."""
    if not store.settings.offers_user_info:
        raise HttpError(404, "")
    numbers = {name: number for number, name in enumerate(store.organisations, start=1)}
    return {
        "username": user.username,
        "organisationName": user.organisation,
        "organisationId": numbers[user.organisation],
        "usernameSuffix": user.organisation,
        "roles": ["user"],
        "settings": {},
        "name": user.username,
        "catchmentName": None,
        "syncSettings": {},
        "privileges": [],
    }
