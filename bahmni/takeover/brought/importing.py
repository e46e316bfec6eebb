"""One import under way: what is to be brought where, what earlier imports brought, and the report as it grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bahmni.takeover.database import JavaService
from bahmni.takeover.deciding import Decision, Memory, decide
from bahmni.takeover.tally import THERE, Tally
from bahmni.takeover.understood.found import Found
from common.fingerprint import fingerprint
from syncstatus.models import Stream
from tenants.audit import Actor
from tenants.models import Tenant

KEPT: Final = "it differs from what stands here, which stays"


@dataclass(frozen=True)
class Import:
    """One import, inside its transaction and its tenant's scope; `streams` are the tenant's, by key."""

    tenant: Tenant
    streams: Mapping[str, Stream]
    service: JavaService
    found: Found
    actor: Actor
    tally: Tally
    memory: Memory
    """What was brought before; grows by what is brought now."""

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
