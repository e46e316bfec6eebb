"""Two hospitals with something in every table; whatever belongs to a hospital carries its word."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core import serializers
from django.db import models

from common.fingerprint import fingerprint
from common.outcome import Outcome
from errors.models import ErrorLog, ErrorRecord, ErrorState, ErrorType
from mappings.models import Constant, IgnoredConcept, Mapping, MappingGroup, MappingType
from syncstatus.backfills import Backfill, BackfillKind
from syncstatus.models import AtBrake, Brake, BrakedRecord, Flow, Incident, IncidentKind, Link, Run, RunState, Stream
from tenants.audit import SYSTEM, record
from tenants.models import AuditEntry, Connection, Membership, Tenant
from tenants.rights import Role
from tenants.scoping import TenantOwned, all_tenants
from tenants.secrets import Secret

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PASSWORD = "a long enough one"


@dataclass
class Hospital:
    """A tenant, its people by role, and one row of each model."""

    word: str
    tenant: Tenant
    people: dict[str, User] = field(default_factory=dict)
    rows: dict[type[models.Model], models.Model] = field(default_factory=dict)

    def row(self, model: type[Any]) -> Any:
        return self.rows[model]

    def id(self, purpose: str) -> str:
        """A uuid that is this hospital's own."""
        return str(uuid.uuid5(self.tenant.namespace, purpose))


def hospital(word: str) -> Hospital:
    with all_tenants():
        tenant = Tenant.objects.create(name=word.lower(), title=f"{word} Hospital")
        made = Hospital(word, tenant)
        made.rows[Tenant] = tenant
        for role in Role:
            user = User.objects.create_user(f"{word.lower()}-{role.value}", password=PASSWORD)
            made.people[role] = user
            made.rows[Membership] = Membership.objects.create(user=user, tenant=tenant, role=role)
        _set_up(made)
        stream = Stream.objects.filter(tenant=tenant).order_by("sequence")[0]
        made.rows[Stream] = stream
        made.rows[Flow] = stream.flow
        run = add_run(made)
        add_link(made, "first", run=run)
        add_error(made, "first", run=run)
        add_brake(made, ended_at=NOON, ended_by=f"{word}-owner", reason=f"{word} reason")
        add_incident(made)
        add_backfill(made)
        made.rows[AuditEntry] = record(SYSTEM, "try", tenant, tenant=tenant, reason=f"{word} reason")
    return made


def _set_up(made: Hospital) -> None:
    word, tenant = made.word, made.tenant
    for side in ("avni", "bahmni"):
        made.rows[Connection] = Connection.objects.create(
            tenant=tenant,
            side=side,
            base_url=f"https://{side}.{word.lower()}.example",
            sign_in="none" if side == "avni" else "session",
            username=f"{word}-account",
            secret=Secret.of(f"{word}-secret"),  # type: ignore[misc]  # the stubs know no field of two types
            secret_set_at=NOON,
        )
    group = MappingGroup.objects.create(tenant=tenant, name=f"{word} group")
    MappingType.objects.create(tenant=tenant, group=group, name=f"{word} kind", used_for=f"{word} use")
    made.rows[MappingType] = MappingType.objects.get(tenant=tenant, group__name="Observation", name="Concept")
    add_mapping(made, "Marital status")
    made.rows[Constant] = Constant.objects.create(tenant=tenant, key=f"{word}Key", ordinal=1, value=f"{word} value")
    made.rows[IgnoredConcept] = IgnoredConcept.objects.create(
        tenant=tenant, side="avni", concept=f"{word} question", about=f"{word} reason"
    )
    made.rows[ErrorType] = ErrorType.objects.create(tenant=tenant, name=f"{word} error type")


def add_mapping(made: Hospital, name: str, **more: Any) -> Mapping:
    kind = MappingType._base_manager.get(tenant=made.tenant, group__name="Observation", name="Concept")
    values = {"avni_value": f"{made.word} {name}", "int_system_value": made.id(name), "about": f"{made.word} concept"}
    mapping = Mapping.objects.create(tenant=made.tenant, type=kind, **{**values, **more})
    made.rows[Mapping] = mapping
    return mapping


def add_run(made: Hospital, **more: Any) -> Run:
    fields: dict[str, Any] = {
        "state": RunState.DONE,
        "started_at": NOON,
        "finished_at": NOON + timedelta(seconds=42),
        "token": 1,
        "read": 12,
        "created": 4,
        "updated": 3,
        "skipped": 4,
        "failed": 1,
        "target_writes": 9,
        "remote_calls": 30,
        "reasons": {
            "skipped: bahmni.not-in-programme": 4,
            "failed: bahmni.answer-unmapped": 1,
            f"not for this stream: {made.word} title": 3,
        },
        "unmapped": {f"{made.word} question": 5},
        **more,
    }
    run = Run.objects.create(tenant=made.tenant, stream=made.row(Stream), **fields)
    made.rows[Run] = run
    return run


def add_link(made: Hospital, name: str, **more: Any) -> Link:
    fields: dict[str, Any] = {
        "source_id": made.id(f"{name} subject"),
        "identifier": f"{made.word}-{name}".upper(),
        "target_id": made.id(f"{name} encounter"),
        "target_parent_id": made.id(f"{name} patient"),
        "other_targets": {"visit": made.id(f"{name} visit")},
        "created_by_us": ["patient", "encounter"],
        "outcome": Outcome.SKIPPED.value,
        "reason": "bahmni.not-in-programme",
        "source_time": NOON,
        **more,
    }
    link = Link.objects.create(tenant=made.tenant, stream=made.row(Stream), **fields)
    made.rows[Link] = link
    return link


def add_backfill(made: Hospital) -> Backfill:
    fields = {"kind": BackfillKind.IDS, "ids": [made.id("a")], "asked_at": NOON, "asked_by": f"{made.word}-operator"}
    backfill = Backfill.objects.create(
        tenant=made.tenant, stream=made.row(Stream), reason=f"{made.word} reason", unknown=[made.id("a")], **fields
    )
    made.rows[Backfill] = backfill
    return backfill


def add_brake(made: Hospital, **more: Any) -> Brake:
    """Three voids and an overwrite that wait, or waited."""
    fields = {"kind": AtBrake.MANY, "set_at": NOON, "limit": 20, "passed": 20, "links": 400, **more}
    brake = Brake.objects.create(tenant=made.tenant, flow=made.row(Flow), **fields)
    for number, does in enumerate(("void", "void", "void", "overwrite")):
        BrakedRecord.objects.create(
            tenant=made.tenant, brake=brake, stream=made.row(Stream), entity_id=made.id(f"braked {number}"), does=does,
            why="the record was voided in Avni",
        )  # fmt: skip
    made.rows[Brake] = brake
    return brake


def add_incident(made: Hospital, **more: Any) -> Incident:
    """A server that was down for a while, or is."""
    fields = {
        "kind": IncidentKind.DOWN, "about": "bahmni", "message": "remote.down", "params": {"side": "bahmni"},
        "opened_at": NOON, "last_seen_at": NOON, "recovered_at": NOON + timedelta(minutes=7), **more,
    }  # fmt: skip
    made.rows[Incident] = Incident.objects.create(tenant=made.tenant, **fields)
    return made.row(Incident)


def add_error(made: Hospital, name: str, *, run: Run | None = None, **more: Any) -> ErrorRecord:
    fields: dict[str, Any] = {
        "entity_id": made.id(f"{name} subject"),
        "state": ErrorState.RETRYING,
        "type": made.rows[ErrorType],
        "message": "bahmni.answer-unmapped",
        "params": {"question": "Marital status", "value": f"{made.word} widow", "side": "avni"},
        "attempts": 1,
        "next_attempt_at": NOON + timedelta(hours=1),
        "first_seen_at": NOON,
        "last_seen_at": NOON,
        "failed_in_a_row": 1 if more.get("state", ErrorState.RETRYING) == ErrorState.RETRYING else 0,
        **more,
    }
    fields.setdefault("fingerprint", fingerprint([fields["message"], fields["params"]]))
    found = ErrorRecord.objects.create(tenant=made.tenant, stream=made.row(Stream), **fields)
    made.rows[ErrorRecord] = found
    made.rows[ErrorLog] = ErrorLog.objects.create(
        tenant=made.tenant,
        record=found,
        run=run,
        attempt=1,
        started_at=NOON,
        finished_at=NOON,
        outcome="failed",
        message=found.message,
        params=found.params,
    )
    return found


def everything_of(made: Hospital) -> str:
    """All rows of a tenant as text, to see whether anybody touched one."""
    with all_tenants():
        owned = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
        rows = [row for model in owned for row in model.objects.filter(tenant=made.tenant).order_by("pk")]
        return str(serializers.serialize("json", [Tenant.objects.get(pk=made.tenant.pk), *rows], indent=1))
