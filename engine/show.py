"""Showing a record as it stands on both servers now, to a person who may see values; who looked is on record."""

from __future__ import annotations

from collections.abc import Sequence

from engine import signing_in
from engine.commit import as_known
from engine.registry import Shown, connector_of
from engine.work import servers_of, setting_of
from errors.models import ErrorRecord
from syncstatus.models import Link
from tenants import audit
from tenants.audit import Actor


def show(row: ErrorRecord | Link, actor: Actor) -> Sequence[Shown]:
    """The record in its source and all that stands for it, read live. Nothing is kept. Raises RemoteError."""
    source_id = row.source_id if isinstance(row, Link) else row.entity_id
    link = row if isinstance(row, Link) else Link.objects.filter(stream=row.stream, source_id=source_id).first()
    audit.record(actor, "show values", row, tenant=row.tenant)
    servers = servers_of(setting_of(row.tenant))
    with signing_in.looking(row.tenant_id):
        return connector_of(row.tenant).show(servers, row.stream.key, source_id, as_known(link))
