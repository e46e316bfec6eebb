"""Showing a record as it stands on both servers now, to a person who may see values; who looked is on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.registry import connector_of
from engine.work import servers_of, setting_of
from errors.models import ErrorRecord
from syncstatus.models import Link
from tenants import audit
from tenants.audit import Actor


def show(row: ErrorRecord | Link, actor: Actor) -> Mapping[str, Any]:
    """The record by side, read live. Nothing of it is kept. Raises common.http_errors.RemoteError."""
    if isinstance(row, Link):
        source_id, target_id = row.source_id, row.target_id
    else:
        source_id = row.entity_id
        known = Link.objects.filter(stream=row.stream, source_id=source_id).first()
        target_id = known.target_id if known else ""
    audit.record(actor, "show values", row, tenant=row.tenant)
    servers = servers_of(setting_of(row.tenant))
    return connector_of(row.tenant).show(servers, row.stream.key, source_id, target_id)
