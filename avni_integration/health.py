"""Two probes for whoever runs the containers. They tell parts and states, nothing else, and need no log-in."""

from __future__ import annotations

from typing import Final

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from avni_integration.celery import app

PATIENCE: Final = 2
"""Seconds to wait for the broker: less than any prober waits for us."""


@never_cache
@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all; restarting it helps against nothing else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """200 when database and broker answer, else 503 naming the one that does not."""
    parts = {"database": database_answers(), "broker": broker_answers()}
    states = {part: "ok" if answers else "unreachable" for part, answers in parts.items()}
    return JsonResponse(states, status=200 if all(parts.values()) else 503)


def database_answers() -> bool:
    """Whether the database executes a statement."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def broker_answers() -> bool:
    """Whether the broker accepts a connection within `PATIENCE`."""
    waits = {**app.conf.broker_transport_options, "socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    try:
        with app.connection_for_write(transport_options=waits) as link:
            link.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)
    except (OperationalError, OSError):
        return False
    return True
