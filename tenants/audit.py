"""Writing the record of what people did. Every action and edit passes here, whichever door it came through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from tenants.models import AuditEntry, Tenant


@dataclass(frozen=True)
class Actor:
    """Who acts, and through which door (admin, command, api, system)."""

    door: str
    user: User | None = None


SYSTEM = Actor("system")
COMMAND = Actor("command")


def name_of(actor: Actor) -> str:
    """The person, or the door alone when none is known behind it."""
    doors = {"command": "somebody at the command line", "system": "the service itself"}
    return actor.user.get_username() if actor.user else doors.get(actor.door, actor.door)


def record(
    actor: Actor,
    action: str,
    row: models.Model,
    *,
    tenant: Tenant | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> AuditEntry:
    """Store one audit entry. Call it inside the transaction of the change, so that neither exists without the other.

    `before` and `after` hold only the fields that changed, as JSON-able values and never a secret.
    """
    return AuditEntry.objects.create(
        tenant=tenant,
        user=actor.user,
        door=actor.door,
        action=action,
        object_type=row._meta.label,  # noqa: SLF001  # public by documentation
        object_id=str(row.pk),
        object_label=str(row)[:300],
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
        reason=reason,
    )
