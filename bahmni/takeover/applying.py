"""What a Java service's database says, written into a tenant: in one transaction, on record, and repeatable.

Nothing that stands here otherwise is written over, unless it is as an earlier import brought it (`deciding`). A dry run
does the same and takes all of it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction

from bahmni import vocabulary as v
from bahmni.connector import CONNECTOR
from bahmni.declarations import ERROR_TYPES
from bahmni.takeover import converting, troubles
from bahmni.takeover.converting import Found, Wish
from bahmni.takeover.database import JavaService
from bahmni.takeover.deciding import Decision, Memory, decide
from bahmni.takeover.tally import THERE, Tally
from common import clock
from common.fingerprint import fingerprint
from engine import declaration, moves
from engine.declaration.shape import Declaration
from engine.lease import hold_commits
from engine.provision import missing_in
from errors.classification import Comparison
from errors.models import ErrorType
from mappings import edits, snapshot
from mappings.ignoring import WantedIgnored
from mappings.models import Constant, IgnoredConcept, MappingType, Side
from mappings.models import Mapping as MappingRow
from syncstatus.models import Position, Stream, TakeOver
from tenants import audit
from tenants.audit import Actor
from tenants.models import Connection, Tenant
from tenants.scoping import all_tenants, tenant_scope
from tenants.secrets import Secret

KEPT: Final = "it differs from what stands here, which stays"

_RULE: Final = ("comparison", "comparison_value", "follow_up", "is_voided")
_AVNI_KEYS: Final = ("avni_api_url", "avni_user", "avni_password", "avni_auth_enabled")
_WHY_IGNORED: Final = "The Java service left it out."


@dataclass(frozen=True)
class Address:
    """Where a side is and who signs in, as far as the caller says; `secret_source` is `env:NAME` or `file:PATH`."""

    base_url: str = ""
    username: str = ""
    sign_in: str = ""
    secret_source: str = ""


@dataclass(frozen=True)
class Order:
    """What is asked for: the tenant by its short name (made where there is none), and addresses by side."""

    tenant: str
    addresses: Mapping[str, Address] = field(default_factory=dict)
    dry_run: bool = False


class Refused(Exception):
    """Nothing was done; the text says why and what to do."""


def bring_in(service: JavaService, order: Order, actor: Actor) -> Tally:
    """Write what was read into the tenant, and tell what became of every row. Raises Refused, DeclarationRefused."""
    with transaction.atomic():
        tenant, is_new = _tenant(order, actor)
        with tenant_scope(tenant):
            tally = Tally()
            _Import(tenant, service, order, actor, tally).run()
            if is_new:
                tally.advice.insert(0, f"The tenant {tenant.name!r} is new: give people their roles in it (admin).")
        if order.dry_run:
            transaction.set_rollback(True)
    return tally


def _tenant(order: Order, actor: Actor) -> tuple[Tenant, bool]:
    with all_tenants():
        tenant = Tenant.objects.filter(name=order.tenant).first()
        if tenant is None:
            tenant = Tenant(name=order.tenant, connector=CONNECTOR.key, title=order.tenant.title())
            tenant.full_clean()
            tenant.save()
            audit.record(actor, "tenant.add", tenant, tenant=tenant)
            return tenant, True
        if tenant.connector != CONNECTOR.key:
            raise Refused(f"{tenant.name!r} is a tenant of {tenant.connector!r}. Name another one.")
        return tenant, False


class _Import:
    """One import, inside its transaction and its tenant's scope."""

    def __init__(self, tenant: Tenant, service: JavaService, order: Order, actor: Actor, tally: Tally) -> None:
        self.tenant, self.order, self.actor, self.tally = tenant, order, actor, tally
        hold_commits(tenant.pk)
        self.row, is_first = TakeOver.objects.get_or_create(tenant=tenant)
        moves.change_settings(tenant, {"born_here": False}, actor=actor)
        if is_first:  # whether it follows later is a person's choice
            moves.change_settings(tenant, {"follows_demographics": False}, actor=actor)
        self.memory: Memory = self.row.brought
        self.streams = {stream.key: stream for stream in Stream.objects.filter(tenant=tenant)}
        self.service = service
        self.found: Found = converting.understand(service, self.streams.keys(), tally)

    def run(self) -> None:
        self._connections()
        self._declared()
        self._mappings()
        self._voided_mappings()
        now = Tenant.objects.get(pk=self.tenant.pk)
        taken = snapshot.take_unkept(now)
        self._positions(taken)
        self._troubles()
        self.row.save()
        after = {table.name: table.carried.total() for table in self.tally.tables.values() if table.carried}
        audit.record(self.actor, "take over", self.tenant, tenant=self.tenant, after=after)
        lacks: dict[str, list[str]] = {}
        for flow in CONNECTOR.flows:
            for lack in missing_in(taken, CONNECTOR, flow.key):
                lacks.setdefault(str(lack), []).append(flow.label)
        self.tally.advice += [f"{' and '.join(flows)}: {lack}" for lack, flows in lacks.items()]

    def decide(self, kind: str, key: str, wanted: Any, here: Any) -> Decision:
        """See `deciding.decide`; remembers what is brought."""
        memory = self.memory.setdefault(kind, {})
        decision = decide(key, wanted, here, memory)
        if decision is not Decision.KEPT:
            memory[key] = fingerprint(wanted)
        return decision

    def tell(self, decision: Decision, table: str, rows: int = 1, kept: str = KEPT) -> bool:
        """Tally a decision; whether it is to be written."""
        if decision is Decision.WRITE:
            self.tally.carry(table, rows=rows)
        elif decision is Decision.THERE:
            self.tally.carry(table, THERE, rows)
        else:
            self.tally.leave(table, kept, rows)
        return decision is Decision.WRITE

    # -- connections ---------------------------------------------------------------------------------------------------

    def _connections(self) -> None:
        table, config = self.service.tables["config"].name, self.found.config
        used: set[str] = set()
        for side in (v.AVNI, v.BAHMNI):
            if Connection.objects.filter(tenant=self.tenant, side=side).exists():
                continue
            fields, keys = self._connection(side, config)
            if not fields.get("base_url"):
                self.tally.advice.append(
                    f"The Java service keeps the address of {CONNECTOR.side(side).label} in its properties: give it "
                    f"with --{side}-url, --{side}-user and --{side}-secret, or add the connection in the admin."
                )
                continue
            self._connect(side, fields, config if keys else {})
            used |= keys
        for row in self.service.rows("config"):
            key = row["key"]
            if key in used:
                self.tally.carry(table)
            elif key in _AVNI_KEYS:
                self.tally.leave(table, f"{key}: the connection to Avni stands here already, or was given otherwise")
            elif str(key).endswith(".cron"):
                self.tally.leave(table, f"{key}: when a flow runs is set on its page here")
            else:
                self.tally.leave(table, f"{key}: {converting.NOT_USED}")

    def _connection(self, side: str, config: Mapping[str, str]) -> tuple[dict[str, Any], set[str]]:
        """What a new connection says, and the keys of the configuration that it comes from."""
        given = self.order.addresses.get(side, Address())
        wanted = CONNECTOR.side(side)
        if side == v.AVNI and not given.base_url and config.get("avni_api_url"):
            has_provider = config.get("avni_auth_enabled", "true").lower() != "false"
            ours = {
                "base_url": config["avni_api_url"],
                "username": given.username or config.get("avni_user", ""),
                "sign_in": given.sign_in or ("idp-details" if has_provider else "none"),
            }
            fields = {**ours, "secret_source": given.secret_source}
            return fields, {key for key in _AVNI_KEYS if key in config}
        base_url = given.base_url or (self._openmrs() if side == v.BAHMNI else "")
        default = "idp-details" if side == v.AVNI else next(iter(wanted.sign_ins))
        fields = {
            "base_url": base_url,
            "username": given.username,
            "sign_in": given.sign_in or default,
            "secret_source": given.secret_source,
        }
        return fields, set()

    def _openmrs(self) -> str:
        """Where the feeds were read, up to and including /openmrs; empty where no marker tells."""
        found = [
            address.partition("/ws/atomfeed")[0] for address in self.found.feed_addresses if "/ws/atomfeed" in address
        ]
        return found[-1] if found else ""

    def _connect(self, side: str, fields: dict[str, Any], config: Mapping[str, str]) -> None:
        said = {key: value for key, value in fields.items() if value}
        declared = Declaration(self.tenant.name, CONNECTOR, connections={side: said})
        declaration.apply(declared, self.actor)
        connection = Connection.objects.get(tenant=self.tenant, side=side)
        secret = config.get("avni_password", "")
        if secret and not fields["secret_source"]:
            moves.change_settings(
                connection, {"secret": Secret.of(secret), "secret_set_at": clock.now()}, actor=self.actor
            )
        elif not fields["secret_source"] and fields["sign_in"] != "none":
            self.tally.advice.append(f"Enter user and password of the connection to {CONNECTOR.side(side).label}.")
        shown = connection.base_url
        self.tally.advice.append(f"Check that {CONNECTOR.side(side).label} is to be reached at {shown}.")

    # -- constants, ignored concepts, error types ----------------------------------------------------------------------

    def _declared(self) -> None:
        wanted = Declaration(
            self.tenant.name,
            CONNECTOR,
            constants=self._constants(),
            ignored=self._ignored(),
            error_types=self._error_types(),
        )
        declaration.apply(wanted, self.actor)

    def _constants(self) -> dict[str, tuple[str, ...]]:
        here: dict[str, list[str]] = {}
        rows = Constant.objects.filter(tenant=self.tenant).exclude(value="").order_by("key", "ordinal")
        for key, value in rows.values_list("key", "value"):
            here.setdefault(key, []).append(value)
        table = self.service.tables["constants"].name
        return {
            key: values
            for key, values in self.found.constants.items()
            if self.tell(
                self.decide("constant", key, list(values), here.get(key)), table, self.found.constant_rows[key],
                f"{key}: {KEPT}",
            )
        }  # fmt: skip

    def _ignored(self) -> tuple[WantedIgnored, ...]:
        here = set(
            IgnoredConcept.objects.filter(tenant=self.tenant, side=Side.INT_SYSTEM).values_list("concept", flat=True)
        )
        table = self.service.tables["ignored"].name
        return tuple(
            WantedIgnored(Side.INT_SYSTEM, concept, _WHY_IGNORED)
            for concept in self.found.ignored
            if self.tell(
                self.decide("ignored concept", concept, True, True if concept in here else None), table,  # noqa: FBT003
                kept="it travels here by now",
            )
        )  # fmt: skip

    def _error_types(self) -> dict[str, dict[str, Any]] | None:
        here = {kind.name: {name: getattr(kind, name) for name in _RULE} for kind in ErrorType.objects.all()}
        table = self.service.tables["error_types"].name
        wanted: dict[str, dict[str, Any]] = {}
        for name, fields in self.found.error_types.items():
            there = None if here.get(name) == _AT_BIRTH.get(name) != fields else here.get(name)
            decision = self.decide("error type", name, fields, there)
            if self.tell(decision, table, kept=f"{name}: {KEPT}"):
                wanted[name] = dict(fields)
        return wanted or None

    # -- mappings ------------------------------------------------------------------------------------------------------

    def _mappings(self) -> None:
        kinds = {(kind.group.name, kind.name): kind for kind in MappingType.objects.select_related("group")}
        here = self._standing(kinds.values())
        chosen: list[Wish] = []
        seen: set[str] = set()
        for wish in self.found.mappings:
            wanted = wish.wanted
            kind = kinds[wanted.group, wanted.type]
            key = _key(kind, wanted.avni_value, wanted.int_system_value)
            if key in seen:
                self.tally.leave(
                    wish.table,
                    f"{wanted.group} / {wanted.type}: a second partner of one value; that of the lowest id counts",
                )
                continue
            seen.add(key)
            value = [wanted.avni_value, wanted.int_system_value, wanted.data_type_hint or "", wanted.about or ""]
            memory = self.memory.setdefault("mapping", {})
            decision = decide(key, value, here.get(key), memory)
            if decision is Decision.WRITE:
                chosen.append(wish)
            else:
                if decision is Decision.THERE:
                    memory[key] = fingerprint(value)
                self.tell(decision, wish.table, kept=f"{wanted.group} / {wanted.type}: {KEPT}")
        for wish in self._write_mappings(chosen):
            wanted = wish.wanted
            kind = kinds[wanted.group, wanted.type]
            value = [wanted.avni_value, wanted.int_system_value, wanted.data_type_hint or "", wanted.about or ""]
            self.memory["mapping"][_key(kind, wanted.avni_value, wanted.int_system_value)] = fingerprint(value)
            self.tally.carry(wish.table)

    def _standing(self, kinds: Iterable[MappingType]) -> dict[str, list[str]]:
        """What stands for each question now; of a voided mapping that it is voided."""
        by_pk = {kind.pk: kind for kind in kinds}
        here: dict[str, list[str]] = {}
        for row in MappingRow.objects.filter(tenant=self.tenant).order_by("is_voided", "pk"):
            said = [row.avni_value, row.int_system_value, row.data_type_hint, row.about]
            key = _key(by_pk[row.type_id], row.avni_value, row.int_system_value)
            here.setdefault(key, [*said, "voided"] if row.is_voided else said)
        return here

    def _write_mappings(self, chosen: list[Wish]) -> list[Wish]:
        """Those that could be written; the others are tallied with the reason that mappings give."""
        while True:
            planned = edits.plan(self.tenant, [wish.wanted for wish in chosen])
            if not planned.refused:
                edits.carry_out(planned, self.actor)
                return chosen
            reasons = dict(planned.refused)
            for wish in chosen:
                if wish.wanted.line in reasons:
                    pair = f"{wish.wanted.group} / {wish.wanted.type}"
                    self.tally.leave(wish.table, f"{pair}: {_general(reasons[wish.wanted.line])}")
            chosen = [wish for wish in chosen if wish.wanted.line not in reasons]

    def _voided_mappings(self) -> None:
        kinds = {(kind.group.name, kind.name): kind for kind in MappingType.objects.select_related("group")}
        there = set(MappingRow.objects.filter(tenant=self.tenant).values_list("type", "avni_value", "int_system_value"))
        for wish in self.found.voided_mappings:
            wanted = wish.wanted
            kind = kinds[wanted.group, wanted.type]
            here = (kind.pk, wanted.avni_value, wanted.int_system_value) in there
            key = f"{wanted.group}\n{wanted.type}\n{wanted.avni_value}\n{wanted.int_system_value}"
            decision = self.decide("voided mapping", key, True, True if here else None)  # noqa: FBT003
            if self.tell(decision, wish.table):
                fields = {**wanted.fields, "is_voided": True}
                row = MappingRow.objects.create(tenant=self.tenant, type=kind, **fields)
                audit.record(self.actor, "mapping.add", row, tenant=self.tenant, after=fields)
                self.tally.note(wish.table, "voided there, and so here")

    # -- positions -----------------------------------------------------------------------------------------------------

    def _positions(self, taken: snapshot.Snapshot) -> None:
        stored = {(row.stream.key, row.partition): row for row in Position.objects.select_related("stream")}
        open_parts = {
            (key, part): spec.part(part)
            for flow in CONNECTOR.flows
            for spec in flow.streams
            for key in [spec.key]
            for part in spec.partitions(taken)
            if part and (key, part) not in stored
        }
        for watched in self.found.watched:
            parts = [part for part in CONNECTOR.stream(watched.stream).partitions(taken) if part]
            decisions = [self._position(watched.stream, part, watched.value, stored, watched) for part in parts]
            for part in parts:
                open_parts.pop((watched.stream, part), None)
            self._tell_position(decisions, watched.table, watched.stream)
        for feed in self.found.feeds:
            decision = self._position(feed.stream, feed.category, dict(feed.position), stored, None)
            open_parts.pop((feed.stream, feed.category), None)
            self._tell_position([decision], self.service.tables["markers"].name, feed.stream)
        self.tally.advice += [
            f"How far {self._label(key)}, {part}, was read is not known: where it begins is asked when the flow is "
            "switched on."
            for (key, _), part in open_parts.items()
        ]

    def _position(
        self, stream: str, part: str, value: dict[str, Any], stored: Mapping[tuple[str, str], Position],
        watched: converting.WatchedPosition | None,
    ) -> Decision:  # fmt: skip
        row = stored.get((stream, part))
        decision = self.decide("position", f"{stream}\n{part}", value, row.value if row else None)
        if decision is Decision.WRITE:
            row = row or Position(tenant=self.tenant, stream=self.streams[stream], partition=part)
            before = row.value if row.pk else None
            row.value, row.read_upto = value, watched.read_upto if watched else None
            row.save()
            audit.record(
                self.actor, "position.move", row, tenant=self.tenant, before={"value": before}, after={"value": value}
            )
        return decision

    def _tell_position(self, decisions: list[Decision], table: str, stream: str) -> None:
        """One row there may be several positions here: it came over when one did."""
        if not decisions:
            self.tally.leave(table, f"{self._label(stream)}: no mapping or constant names what is read")
        else:
            order = (Decision.WRITE, Decision.THERE, Decision.KEPT)
            best = min(decisions, key=order.index)
            self.tell(best, table, kept=f"{self._label(stream)}: read on from elsewhere here by now")

    def _label(self, key: str) -> str:
        return CONNECTOR.stream(key).label.lower()

    # -- what did not get through --------------------------------------------------------------------------------------

    def _troubles(self) -> None:
        here = troubles.standing(self.tenant)
        fresh = []
        for trouble in self.found.troubles:
            key, said = (trouble.stream, trouble.entity), troubles.said(trouble)
            was_brought = self.memory.get("error", {}).get("\n".join(key)) == fingerprint(said)
            standing = (said if was_brought else "another") if key in here else None
            decision = self.decide("error", "\n".join(key), said, standing)
            for table in trouble.rows:
                self.tell(decision, table, kept="of a record with an error record here, which stays")
            if decision is Decision.WRITE:
                fresh.append(trouble)
        told = troubles.write(self.tenant, fresh, self.streams)
        table = self.service.tables["errors"].name
        for state, number in told.items():
            self.tally.tables[table].notes[f"error records here: {state}"] += number


_AT_BIRTH: Final = {
    spec.name: {
        "comparison": Comparison.NONE.value,
        "comparison_value": "",
        "follow_up": str(spec.follow_up),
        "is_voided": False,
    }
    for spec in ERROR_TYPES
}
"""Error types as every new tenant has them, which nobody has edited yet."""


def _key(kind: MappingType, avni_value: str, int_system_value: str) -> str:
    """The question a mapping answers, by names, so that it means the same in every tenant."""
    return "\n".join((kind.group.name, kind.name, *edits.question_of(kind, avni_value, int_system_value)[1:]))


def _general(reason: str) -> str:
    """A reason without the row that it names, so that equal ones are counted together."""
    return reason.partition(": ")[0].partition("; ")[0]
