"""When the service itself fails at one record after another, the flow pauses instead of filling the list of errors.

One record at which a translator stumbles is that record's error. Many new ones in a row are a fault of the program, and
every further one would only be one more of the same. Records that have their error already do not count, in either
direction: after a person resumed the flow it gets past them.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import Final

from django.db import transaction

from engine import incidents
from engine.lease import Grant
from errors.catalogue import TOO_MANY_FAULTS, UNEXPECTED, explain
from syncstatus.models import Flow, IncidentKind, Stream
from tenants import audit

MOST: Final = 25
"""New records in a row. So many error records are made, and no more."""


class Flood(Exception):
    """The service failed at too many new records in a row."""


class Faults:
    """Counts them over all lanes and batches of a look, beginning with what the looks before counted."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._stored = stream.faults_in_a_row
        self._lock = threading.Lock()
        self._number = stream.faults_in_a_row
        self._last: Mapping[str, str] = {}
        self.known: Collection[str] = ()
        """Records of the batch under way that have their error already."""

    @property
    def are_too_many(self) -> bool:
        """Whether nothing more may be begun."""
        return self._number >= MOST

    @property
    def params(self) -> dict[str, str]:
        """Parameters of the sentence: how many, and kind and place of the last one."""
        return {"limit": str(MOST), "kind": self._last.get("kind", ""), "place": self._last.get("place", "")}

    def begin(self) -> None:
        """Asked before a record is begun. Raises Flood."""
        if self.are_too_many:
            raise Flood

    def note(self, entity_id: str, message: str, params: Mapping[str, str]) -> None:
        """How a record ended. Raises Flood, instead of one error more, when others made it too many meanwhile."""
        if entity_id in self.known:
            return
        with self._lock:
            if message == UNEXPECTED:
                self.begin()
                self._number += 1
                self._last = params
            elif not self.are_too_many:
                self._number = 0

    def write_down(self) -> None:
        """In the transaction of the batch that was counted."""
        if self._number != self._stored:
            Stream.objects.filter(pk=self._stream.pk).update(faults_in_a_row=self._number)
            self._stored = self._number

    def pause(self, grant: Grant) -> None:
        """Let a person look before anything more is tried; on record as the service's own doing."""
        flow = self._stream.flow
        reason = explain(TOO_MANY_FAULTS, self.params, {}).cause
        with transaction.atomic():
            grant.extend()
            Stream.objects.filter(pk=self._stream.pk).update(faults_in_a_row=0)
            if Flow.objects.filter(pk=flow.pk, is_paused=False).update(is_paused=True):
                was, is_now = {"is_paused": False}, {"is_paused": True}
                audit.record(
                    audit.SYSTEM, "pause", flow, tenant=self._stream.tenant, before=was, after=is_now, reason=reason
                )
            incidents.seen(flow.tenant_id, IncidentKind.FAULTS, flow.key, TOO_MANY_FAULTS, self.params)
        flow.is_paused = True


def resumed(flow: Flow) -> None:
    """A person let the flow go on. Needs a transaction."""
    incidents.recovered(flow.tenant_id, [IncidentKind.FAULTS], flow.key)
