"""What a person has to decide about, looked up now: the hand-over is planned as always, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

from django.db import transaction

from common.outcome import Outcome
from engine import decisions, signing_in
from engine.carrying import fetch_one
from engine.commit import as_known, load_parents
from engine.handing_over import Pen, Result, hand_over
from engine.lease import hold_commits
from engine.ports import Change, Known, Parent
from engine.registry import connector_of
from engine.verdicts import Difference
from engine.work import setting_of
from errors.models import OPEN_STATES, ErrorRecord
from syncstatus.models import Link
from tenants import audit
from tenants.audit import Actor


@dataclass(frozen=True)
class Confrontation:
    """How both sides stand now: on what they disagree, with values. Nothing of it is kept."""

    differences: Sequence[Difference]
    is_met: bool
    """Whether there is still something to decide."""
    failed: tuple[str, dict[str, str]] | None = None
    """Message id and parameters where the record could not be looked at as a whole."""


def confront(record: ErrorRecord, actor: Actor) -> Confrontation:
    """Read both servers for a person who may see values; that she looked is on record.

    What there is to decide now takes the place of what the last attempt met, so that a decision is about what was
    shown. Raises common.http_errors.RemoteError.
    """
    audit.record(actor, "show values", record, tenant=record.tenant)
    stream = record.stream
    link = Link.objects.filter(stream=stream, source_id=record.entity_id).first()
    decided = decisions.in_force({record.entity_id: record}).get(record.entity_id, ())
    setting = setting_of(record.tenant, refuse_writes=True)
    connected = closing(connector_of(record.tenant).connect(setting))
    with signing_in.looking(record.tenant_id), connected as servers:
        handover = servers.handover(stream.key)
        found = fetch_one(Change(record.entity_id, "", record.source_time), handover)
        if not isinstance(found, Result):
            parent: Known | None = None
            with suppress(Exception):  # `want` will say what is wrong with it
                of: Parent | None = handover.parent(found)
                parent = load_parents(record.tenant_id, {record.entity_id: of}).get(record.entity_id) if of else None
            pen = Pen(may_write=lambda: True, rehearses=True)
            found = hand_over(found, as_known(link, decided), parent, handover, pen)
    if found.conflict is None:
        failed = (found.message, found.params) if found.outcome is Outcome.FAILED else None
        return Confrontation((), is_met=False, failed=failed)
    with transaction.atomic():
        hold_commits(record.tenant_id)
        record.message, record.params, record.conflict = found.message, found.params, decisions.kept(found.conflict)
        fields = {"message": found.message, "params": found.params, "conflict": record.conflict}
        ErrorRecord.objects.filter(pk=record.pk, state__in=OPEN_STATES).update(**fields)
    return Confrontation(found.conflict.differences, is_met=True)
