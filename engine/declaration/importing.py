"""Making a tenant agree with its declaration: in one transaction, on record, and with nothing to do the second time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from django.db import transaction

from common import clock
from engine import error_types, moves, provision, starting
from engine.declaration.problems import DeclarationRefused, Problem
from engine.declaration.shape import Declaration
from mappings import ignoring
from mappings.edits import Edits, Wanted, carry_out, plan
from mappings.models import Constant, IgnoredConcept
from syncstatus.models import Flow
from tenants import audit
from tenants.audit import Actor
from tenants.models import Connection, Tenant
from tenants.scoping import all_tenants, tenant_scope
from tenants.secrets import Secret, SecretUnreadable

_LONGEST_SECRET: Final = 65_536


@dataclass(frozen=True)
class Changes:
    """What an import did: one sentence per row it touched."""

    tenant: Tenant
    sentences: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of rows added or changed; 0 when the tenant agreed already."""
        return len(self.sentences)


def apply(declaration: Declaration, actor: Actor, *, prune: bool = False) -> Changes:
    """Make the tenant of that name agree with the declaration; create it, off, when there is none.

    What the declaration does not name stays as it is. With `prune`, mappings it does not name are voided, constants it
    does not name are emptied, concepts it does not name as ignored travel again, and, if it says anything of error
    types, those of people's own making it does not name are switched off. Raises DeclarationRefused; then nothing was
    changed.
    """
    secrets = _secrets(declaration)  # files and environment are asked before the transaction
    with transaction.atomic():
        return _Import(declaration, actor, secrets).run(prune=prune)


class _Import:
    """One import, inside its transaction."""

    def __init__(self, declaration: Declaration, actor: Actor, secrets: Mapping[str, str]) -> None:
        self.declared = declaration
        self.actor = actor
        self.secrets = secrets
        self.sentences: list[str] = []

    def run(self, *, prune: bool) -> Changes:
        tenant = self._tenant()
        with tenant_scope(tenant):
            provision.seed(tenant)
            for side, fields in self.declared.connections.items():
                self._connection(tenant, side, fields)
            self._constants(tenant, prune=prune)
            self._mappings(tenant, prune=prune)
            self._ignored(tenant, prune=prune)
            self._error_types(tenant, prune=prune)
            for key, fields in self.declared.flows.items():
                self._flow(Flow.objects.get(tenant=tenant, key=key), fields)
        return Changes(tenant, tuple(self.sentences))

    def _tenant(self) -> Tenant:
        declared = self.declared
        with all_tenants():
            tenant = Tenant.objects.filter(name=declared.name).first()
            namespace = declared.tenant.get("namespace")
            owner = Tenant.objects.filter(namespace=namespace).first() if namespace else None
            if owner is not None and owner != tenant:
                self._refuse(("namespace",), f"the namespace belongs to the tenant {owner.name!r}", _TAKEN)
            if tenant is None:
                tenant = Tenant.objects.create(name=declared.name, connector=declared.connector.key, **declared.tenant)
                audit.record(self.actor, "tenant.add", tenant, tenant=tenant)
                self.sentences.append(f"tenant {tenant.name}: added, all flows off")
                if declared.ignored is not None:  # then the file knows better than what new tenants begin with
                    IgnoredConcept.objects.filter(tenant=tenant).delete()
                return tenant
            if tenant.connector != declared.connector.key:
                self._refuse(
                    ("connector",), f"{tenant.name!r} is a tenant of {tenant.connector!r}", "Name another tenant"
                )
            if namespace and namespace != tenant.namespace:
                self._refuse(("namespace",), f"{tenant.name!r} has another namespace", _KEPT)
            if moves.change_settings(tenant, declared.tenant, actor=self.actor):
                self.sentences.append(f"tenant {tenant.name}: settings changed")
            return tenant

    def _connection(self, tenant: Tenant, side: str, fields: Mapping[str, Any]) -> None:
        wanted = dict(fields)
        there = Connection.objects.filter(tenant=tenant, side=side).first()
        if side in self.secrets and not _is_known(self.secrets[side], there):
            wanted |= {"secret": Secret.of(self.secrets[side]), "secret_set_at": clock.now()}
        if there is not None:
            if moves.change_settings(there, wanted, actor=self.actor):
                self.sentences.append(f"connection {side}: changed")
            return
        lacking = [key for key in ("base_url", "sign_in") if key not in fields]
        if lacking:
            what = f"the connection {side} is new and lacks {' and '.join(lacking)}"
            self._refuse(("connections", side), what, "Add what is lacking")
        defaults = {"max_parallel": self.declared.connector.side(side).max_parallel, "zone": tenant.zone}
        connection = Connection.objects.create(tenant=tenant, side=side, **{**defaults, **wanted})
        after = {key: value for key, value in fields.items() if key != "secret"}
        audit.record(self.actor, "connection.add", connection, tenant=tenant, after=after)
        self.sentences.append(f"connection {side}: added")

    def _constants(self, tenant: Tenant, *, prune: bool) -> None:
        wanted = dict(self.declared.constants)
        if prune:
            wanted = {**dict.fromkeys((spec.key for spec in self.declared.connector.constants), ()), **wanted}
        there: dict[str, list[Constant]] = {}
        for row in Constant.objects.filter(tenant=tenant).order_by("key", "ordinal"):
            there.setdefault(row.key, []).append(row)
        for key, values in wanted.items():
            rows = there.get(key, [])
            before = [row.value for row in rows if row.value]
            if before == list(values):
                continue
            for row in rows:
                row.delete()
            made = [
                Constant.objects.create(tenant=tenant, key=key, ordinal=place, value=value)
                for place, value in enumerate(values or ("",))
            ]
            audit.record(
                self.actor,
                "constant.change",
                made[0],
                tenant=tenant,
                before={"value": before},
                after={"value": list(values)},
            )
            self.sentences.append(f"constant {key}: {' '.join(before) or 'not set'} → {' '.join(values) or 'not set'}")

    def _mappings(self, tenant: Tenant, *, prune: bool) -> None:
        edits = plan(tenant, self.declared.mappings, prune=prune)
        if edits.refused:
            raise DeclarationRefused(Problem(line, *_split(reason)) for line, reason in edits.refused)
        carry_out(edits, self.actor)
        self.sentences += _told(edits)

    def _ignored(self, tenant: Tenant, *, prune: bool) -> None:
        edits = ignoring.plan(tenant, self.declared.ignored or (), prune=prune)
        if edits.refused:
            raise DeclarationRefused(Problem(line, *_split(reason)) for line, reason in edits.refused)
        ignoring.carry_out(edits, self.actor)
        self.sentences += [f"ignored concept {wanted}: added" for wanted in edits.added]
        self.sentences += [f"ignored concept {each.wanted}: changed" for each in edits.changed]
        self.sentences += [f"ignored concept {name}: taken out" for name in edits.removed.values()]

    def _error_types(self, tenant: Tenant, *, prune: bool) -> None:
        wanted = self.declared.error_types
        if wanted is None:  # a file from before they travelled: nothing is said of them
            return
        try:
            self.sentences += error_types.set_all(tenant, wanted, actor=self.actor, prune=prune)
        except error_types.NotARule as refusal:
            why = " ".join(refusal.reasons).rstrip(".")
            self._refuse(("error_types", refusal.name), f"the error type {refusal.name!r} cannot be so", why)

    def _flow(self, flow: Flow, fields: Mapping[str, Any]) -> None:
        schedule = {key: value for key, value in fields.items() if not key.startswith("start_")}
        start = {key: value for key, value in fields.items() if key.startswith("start_")}
        if moves.change_settings(flow, schedule, actor=self.actor):
            self.sentences.append(f"flow {flow.key}: schedule changed")
        differs = any(getattr(flow, key) != value for key, value in start.items() if value)
        if flow.began_at and differs:
            what = f"the flow {flow.key} began with {starting.spelled(flow)!r} already"
            self._refuse(("flows", flow.key, "start"), what, "Leave the line out; to read again, rewind the flow")
        if not flow.began_at and moves.change_settings(flow, start, actor=self.actor):
            self.sentences.append(f"flow {flow.key}: will begin with {starting.spelled(flow)}")

    def _refuse(self, path: tuple[str, ...], what: str, remedy: str) -> NoReturn:
        raise DeclarationRefused([Problem(self.declared.line(*path), what, remedy)])


_TAKEN: Final = "Two tenants with one namespace would give their records the same ids: leave the line out"
_KEPT: Final = "The ids of its records follow from it, so it cannot change: leave the line out"


def _split(reason: str) -> tuple[str, str]:
    """A reason of the planner as what is wrong and its remedy."""
    what, _, remedy = reason.partition("; ")
    return what, (remedy or "Correct the mapping on that line").removesuffix("?").capitalize()


def _told(edits: Edits) -> list[str]:
    added = [f"mapping {_name(edit.wanted)}: added" for edit in edits.added]
    changed = [
        f"mapping {_name(edit.wanted)}: {'voided' if edit.after.get('is_voided') else 'changed'}"
        for edit in edits.changed
    ]
    return added + changed


def _name(wanted: Wanted) -> str:
    return f"{wanted.group} / {wanted.type} {wanted.avni_value or wanted.int_system_value}"


def _is_known(secret: str, connection: Connection | None) -> bool:
    try:
        return connection is not None and connection.secret.reveal() == secret
    except SecretUnreadable:
        return False


def _secrets(declaration: Declaration) -> dict[str, str]:
    """The declared secrets by side, from where the file says they are. Raises DeclarationRefused."""
    secrets, problems = {}, []
    for side, fields in declaration.connections.items():
        source = fields.get("secret_source")
        if source:
            try:
                secrets[side] = _fetch(source)
            except LookupError as failure:
                line = declaration.line("connections", side, "secret")
                problems.append(Problem(line, f"the secret of {side} is not there", str(failure.args[0])))
    if problems:
        raise DeclarationRefused(problems)
    return secrets


def _fetch(source: str) -> str:
    """The secret behind `env:NAME` or `file:PATH`. Raises LookupError with the remedy."""
    kind, _, place = source.partition(":")
    if kind == "env":
        secret = os.environ.get(place, "")
        if not secret:
            raise LookupError(f"Set the environment variable {place} for this command")
        return secret
    try:
        with Path(place).open(encoding="utf-8") as file:
            secret = file.read(_LONGEST_SECRET).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as failure:
        raise LookupError(f"Make {place} a file this command can read") from failure
    if not secret:
        raise LookupError(f"Write the secret into {place}")
    return secret
