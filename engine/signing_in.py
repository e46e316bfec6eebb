"""Credentials that were refused are not tried again by themselves: seven wrong log-ins lock an account of OpenMRS.

The mark is `Stream.last_look_failure`; a person takes it away by saving the connection or by "run now".
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save

from errors.catalogue import SIGN_IN, general
from mappings import revision
from syncstatus.models import Stream
from tenants.models import Connection
from tenants.scoping import tenant_scope


def is_refused(stream: Stream) -> bool:
    """Whether a server refused our credentials at the last look and nobody has done anything about it."""
    return general(stream.last_look_failure) == SIGN_IN


def allow_again(tenant_id: int) -> None:
    """Let every process try the tenant's credentials once more."""
    with tenant_scope(tenant_id):
        refused = Stream.objects.filter(tenant=tenant_id, last_look_failure__startswith=SIGN_IN)
        if refused.update(last_look_failure=""):
            revision.bump(tenant_id)  # clients that were refused once ask no second time; new ones are made


def connect() -> None:
    """A saved connection may hold the right password now."""
    post_save.connect(_allow, sender=Connection, dispatch_uid="sign-in-allowed-again")


def _allow(instance: Connection, **_: Any) -> None:
    allow_again(instance.tenant_id)
