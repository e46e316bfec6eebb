"""Credentials that were refused are not tried again by themselves: seven wrong log-ins lock an account of OpenMRS.

The mark is the row of the connection (`engine.breaker`), so that no stream and no other process tries them either; a
person takes it away by saving the connection or by "run now". A server that is down is then asked at once, too.
What a person wants to see at once (a held record, both servers, a dry run) may make clients of its own: see `looking`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from common import clock
from common.http_errors import SignInFailed
from engine import incidents
from engine.breaker import Breaker, Down, try_now
from engine.lease import hold_commits
from errors.catalogue import SIGN_IN
from mappings import revision
from syncstatus.models import IncidentKind
from tenants.models import Connection
from tenants.scoping import tenant_scope


class NotAsked(SignInFailed):
    """The server was not even asked: it refused our credentials before, and nobody has mended the connection since."""


@contextmanager
def looking(tenant_id: int) -> Iterator[None]:
    """Around what a person has read from the tenant's servers. Needs a scope; raises SignInFailed.

    While a server's refusal stands nothing is asked (NotAsked); one met now stands for everybody from now on.
    """
    rows = Connection.objects.filter(tenant=tenant_id, down_since__isnull=False, down_reason__startswith=SIGN_IN)
    for side, why in rows.exclude(next_probe_at__lte=clock.now()).values_list("side", "down_reason"):
        detail = why.removeprefix(SIGN_IN).removeprefix(".")
        raise NotAsked("refused before, not asked", side=side, method="GET", path_template="/", detail=detail)
    try:
        yield
    except SignInFailed as failure:
        _mark(tenant_id, failure)
        raise


def _mark(tenant_id: int, failure: SignInFailed) -> None:
    message = f"{SIGN_IN}.{failure.detail}" if failure.detail else SIGN_IN
    with transaction.atomic():
        hold_commits(tenant_id)
        Breaker(tenant_id, any_down=False).trip(failure.side, Down(message), was_probe=False)


def allow_again(tenant_id: int) -> None:
    """Let the tenant's servers that are down, or refused us, be asked once more, by whoever comes first."""
    with tenant_scope(tenant_id):
        refused = Connection.objects.filter(tenant=tenant_id, down_reason__startswith=SIGN_IN)
        if refused.exists():
            revision.bump(tenant_id)  # clients that were refused once ask no second time; new ones are made
        try_now(tenant_id)


def connect() -> None:
    """A saved connection may hold the right password or address now; one that is gone is not down."""
    post_save.connect(_allow, sender=Connection, dispatch_uid="sign-in-allowed-again")
    post_delete.connect(_forget, sender=Connection, dispatch_uid="incidents-of-no-connection")


def _allow(instance: Connection, **_: Any) -> None:
    allow_again(instance.tenant_id)


def _forget(instance: Connection, **_: Any) -> None:
    with tenant_scope(instance.tenant_id), transaction.atomic():
        incidents.recovered(instance.tenant_id, [IncidentKind.DOWN, IncidentKind.REFUSED], instance.side)
