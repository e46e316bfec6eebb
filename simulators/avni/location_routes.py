"""One place; places are only read (avni.md A50)."""

from __future__ import annotations

from typing import Any

from simulators.avni import render
from simulators.avni.metadata import User
from simulators.avni.paging import wire_version
from simulators.avni.saving import existing
from simulators.avni.store import AvniStore
from simulators.server import Request


def get(store: AvniStore, user: User, request: Request, key: str) -> dict[str, Any]:
    """GET: by uuid or External ID, voided or not, for everybody."""
    row = existing(store.location_table(user.organisation), store.organisation(user.organisation), key)
    return render.location(store, row, wire_version(store.settings, request))
