"""One batch, one transaction: the lease first, then links, error records, counts, position.

Nothing of a batch counts before this; everything counts together. The position moves to the last page in front of
the first unfinished change, while what was finished behind it keeps its links and is found unchanged when read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from django.db import transaction
from django.db.models import F

from common import clock
from common.outcome import Outcome
from common.text import storable
from engine import bell, decisions, gaps, suspects
from engine.handing_over import Result
from engine.lease import Grant
from engine.ports import Decided, Known, Page, Parent
from engine.registry import Connector
from engine.verdicts import LONGEST_NAME
from errors import recording
from errors.catalogue import KEPT_APART, explain
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Link, Position, Run, RunKind, Stream, ToRead

ERROR_STATES = {
    Outcome.FAILED: ErrorState.RETRYING,
    Outcome.DEFERRED: ErrorState.DEFERRED,
    Outcome.HELD: ErrorState.HELD,
}

TAKEN_OVER = "taken over: "
"""What a kind begins with in a link's `created_by_us` where a service before this one created it for the tenant."""

LONGEST_WAIT = 200
"""Characters kept of the name of what a record waits for."""

LINK_FIELDS = [
    "identifier", "target_id", "target_parent_id", "other_targets", "created_by_us", "source_version", "source_time",
    "wanted_fingerprint", "left_fingerprint", "left", "outcome", "reason", "is_suspect", "run", "updated_at",
]  # fmt: skip


UNCOMPARED_FIELDS = [name for name in LINK_FIELDS if name != "is_suspect"]
"""Only a look at the target lifts a suspicion: somebody may have raised it since the link was read."""


def load_known(stream: Stream, entity_ids: Sequence[str]) -> dict[str, Link]:
    """What the ledger remembers of these source records."""
    return {link.source_id: link for link in Link.objects.filter(stream=stream, source_id__in=entity_ids)}


def load_parents(tenant_id: int, parents: Mapping[str, Parent]) -> dict[str, Known]:
    """What the ledger remembers of the records that others hang on; `parents` and the answer by the others' ids."""
    if not parents:
        return {}
    asked = [one for parent in parents.values() for one in (parent, parent.owner) if one]
    links = Link.objects.filter(
        tenant=tenant_id,
        stream__key__in={one.stream for one in asked},
        source_id__in={one.entity_id for one in asked},
    ).annotate(stream_key=F("stream__key"))
    known = {(link.stream_key, link.source_id): as_known(link) for link in links}

    def remembered(one: Parent | None) -> Known | None:
        link = known.get((one.stream, one.entity_id)) if one else None
        return replace(link, owner=remembered(one.owner)) if link and one and one.owner else link

    found = {entity_id: remembered(parent) for entity_id, parent in parents.items()}
    return {entity_id: link for entity_id, link in found.items() if link}


def as_known(link: Link | None, decided: tuple[Decided, ...] = ()) -> Known | None:
    """The link as the translators may see it: a hint, without the row behind it; and what people decided."""
    if link is None:
        return Known("", "", "", {}, "", "", Outcome.HELD, is_suspect=False, decided=decided) if decided else None
    return Known(
        identifier=link.identifier,
        target_id=link.target_id,
        target_parent_id=link.target_parent_id,
        other_targets=link.other_targets,
        wanted_fingerprint=link.wanted_fingerprint,
        left_fingerprint=link.left_fingerprint,
        outcome=Outcome(link.outcome),
        is_suspect=link.is_suspect,
        left=link.left,
        taken_over=tuple(kind.removeprefix(TAKEN_OVER) for kind in link.created_by_us if kind.startswith(TAKEN_OVER)),
        is_apart=link.reason == KEPT_APART,
        decided=decided,
    )


class Ledger:
    """Writes down the batches of one run of one stream."""

    def __init__(
        self, connector: Connector, grant: Grant, stream: Stream, run: Run, beside: Callable[[], None] = lambda: None
    ) -> None:
        """`beside`: what else holds only together with a batch."""
        self.beside = beside
        self.connector = connector
        self.grant = grant
        self.stream = stream
        self.run = run
        self.has_been_moved = False
        """Whether a person moved the position while the batch was under way; reading begins anew from theirs."""

    def commit(
        self,
        results: Sequence[Result],
        links: Mapping[str, Link],
        errors: Mapping[str, ErrorRecord],
        *,
        position: Position | None = None,
        finished_pages: Sequence[Page] = (),
        unfinished: Collection[str] = (),
        collapsed: int = 0,
        remote_calls: int = 0,
    ) -> None:
        """Write down a batch. Raises LeaseLost; then nothing of it counts.

        `position` moves over the `finished_pages`; retries have neither and move none.
        `unfinished` are the entities that have no result: what was written for them, nobody knows.
        """
        now = clock.now()
        with transaction.atomic():
            self.grant.extend()
            self._count(results, collapsed, finished_pages, remote_calls)
            self._note_admitted(results, links)
            self.beside()
            self._write_links(results, links)
            self._write_outsiders(results, links)
            if unfinished:
                suspects.distrust(self.stream.tenant_id, unfinished)
                recording.take_back_attempts([errors[one] for one in unfinished if one in errors], self.run)
            acted = recording.acted_on(errors)
            failures = [self._failure(result) for result in results if result.outcome in ERROR_STATES]
            fresh = [failure for failure in failures if failure.entity_id not in acted]
            recording.record(self.stream, fresh, errors, self.run, now)
            if acted:
                recording.note([one for one in failures if one.entity_id in acted], errors, self.run, now)
            got_through = {result.change.entity_id: result.outcome.value for result in results if result.is_finished}
            apart = {result.change.entity_id for result in results if result.is_apart}
            recording.resolve(got_through, errors, self.run, now, apart=apart, acted=acted)
            decisions.use(results, now)
            bell.ring(recording.release(self.stream.tenant_id, arrived(results), now))
            bell.ring(recording.ask_for(self.stream.tenant_id, _asked_for(results), now))
            if position and finished_pages:
                self._move(position, finished_pages[-1])

    def _count(self, results: Sequence[Result], collapsed: int, pages: Sequence[Page], remote_calls: int) -> None:
        run = self.run
        for outcome, number in Counter(result.outcome for result in results).items():
            setattr(run, outcome.value, getattr(run, outcome.value) + number)
        run.read += len(results) + collapsed
        run.collapsed += collapsed
        run.target_writes += sum(result.writes for result in results)
        run.remote_calls = remote_calls
        reasons = Counter(run.reasons)
        reasons.update(f"{result.outcome.value}: {result.message}" for result in results if result.message)
        for page in pages:
            reasons.update({f"not for this stream: {storable(title, 100)}": n for title, n in page.unclaimed.items()})
        run.reasons = dict(reasons)
        unmapped = Counter(run.unmapped)
        for result in results:
            unmapped.update(storable(name, LONGEST_NAME) for name in (result.want.unmapped if result.want else ()))
        run.unmapped = dict(unmapped)
        run.save()

    def _write_links(self, results: Sequence[Result], links: Mapping[str, Link]) -> None:
        rows = [
            self._link(result, links.get(result.change.entity_id))
            for result in results
            if not gaps.stands_for(result.change.entity_id) and not _is_unknown_outsider(result, links)
        ]
        compared = {result.change.entity_id for result in results if result.plan or result.half_done}
        for is_compared, fields in ((True, LINK_FIELDS), (False, UNCOMPARED_FIELDS)):
            some = [row for row in rows if (row.source_id in compared) is is_compared]
            Link.objects.bulk_create(
                some, update_conflicts=True, unique_fields=["tenant", "stream", "source_id"], update_fields=fields
            )

    def _write_outsiders(self, results: Sequence[Result], links: Mapping[str, Link]) -> None:
        """One row for each record outside that others hang on, however many they are; what is known of it stays."""
        unknown = [result for result in results if _is_unknown_outsider(result, links)]
        outsiders = {result.outside_with: result.message for result in unknown if result.outside_with}
        if not outsiders:
            return
        keys = {outsider.stream for outsider in outsiders}
        streams = {row.key: row for row in Stream.objects.filter(tenant=self.stream.tenant_id, key__in=keys)}
        rows = [
            Link(
                tenant_id=self.stream.tenant_id, stream=streams[outsider.stream], source_id=outsider.entity_id,
                outcome=Outcome.SKIPPED.value, reason=message, run=self.run, updated_at=clock.now(),
            )
            for outsider, message in outsiders.items()
        ]  # fmt: skip
        Link.objects.bulk_create(rows, ignore_conflicts=True)

    def _note_admitted(self, results: Sequence[Result], links: Mapping[str, Link]) -> None:
        """Have what hangs on a record read that was known to the source before it got through for the first time.

        While a stream is being filled nothing is noted: the fill of what hangs on it comes by all of them.
        """
        children = [
            spec.key for flow in self.connector.flows for spec in flow.streams
            if spec.round and spec.round.parents == self.stream.key
        ]  # fmt: skip
        admitted = [result.change.entity_id for result in results if self._is_admitted(result, links)]
        if not children or not admitted:
            return
        streams = list(Stream.objects.filter(tenant=self.stream.tenant_id, key__in=children).select_related("tenant"))
        notes = [
            ToRead(tenant_id=self.stream.tenant_id, stream=stream, parent_id=one)
            for stream in streams
            for one in admitted
        ]
        ToRead.objects.bulk_create(notes, ignore_conflicts=True)
        bell.ring(streams)

    def _is_admitted(self, result: Result, links: Mapping[str, Link]) -> bool:
        if not result.is_finished or result.plan is None or not result.plan.target_id:
            return False
        before = links.get(result.change.entity_id)
        return not before.wanted_fingerprint if before else self.run.kind in (RunKind.ROUND, RunKind.BACKFILL)

    def _link(self, result: Result, before: Link | None) -> Link:
        change, want, plan = result.change, result.want, result.plan
        link = before or Link(tenant_id=self.stream.tenant_id, stream=self.stream, source_id=change.entity_id)
        link.source_version, link.source_time = change.version[:100], change.source_time
        link.outcome, link.reason = result.outcome.value, result.message
        link.run, link.updated_at = self.run, clock.now()
        number = (plan.identifier if plan else "") or (want.identifier if want else "")
        may_be_new = not (result.is_left_alone or result.is_apart)
        # Of what is still as it was nothing was looked at: the number both sides know is the one the last plan found.
        is_unknown = before is None or (result.is_finished and not before.target_id)
        if number and may_be_new and (plan or is_unknown):
            link.identifier = storable(number, 100)
        if result.outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.VOIDED) and want:
            link.wanted_fingerprint = want.fingerprint
        if plan:
            link.target_id, link.target_parent_id = plan.target_id, plan.target_parent_id
            link.other_targets = dict(plan.other_targets)
            link.left_fingerprint = plan.left_fingerprint
            link.left = link.left if plan.left is None else dict(plan.left)
            link.is_suspect = False
            link.created_by_us = sorted({*link.created_by_us, *plan.created_by_us})
        elif standing := result.half_done:
            link.identifier = storable(standing.identifier, 100)
            link.target_id, link.target_parent_id = standing.target_id, standing.target_parent_id
            link.other_targets, link.left_fingerprint = dict(standing.other_targets), standing.left_fingerprint
            link.left = dict(standing.left)
            link.is_suspect = link.is_suspect or standing.is_suspect
        return link

    def _failure(self, result: Result) -> recording.Failure:
        params = {name: storable(value, LONGEST_NAME) for name, value in result.params.items()}
        sentence = explain(result.message, params, self.connector.sentences)
        return recording.Failure(
            entity_id=result.change.entity_id,
            state=ERROR_STATES[result.outcome],
            message=result.message,
            params=params,
            cause=result.cause,
            text=sentence.cause,
            error_type=sentence.error_type,
            waits_for=storable(result.waits_for, LONGEST_WAIT),
            due=result.due,
            source_time=result.change.source_time,
            can_change=not gaps.stands_for(result.change.entity_id),
            conflict=decisions.kept(result.conflict) if result.conflict else {},
        )

    def _move(self, position: Position, page: Page) -> None:
        """Move a position on, unless a person moved it since it was read: then theirs stands (`has_been_moved`)."""
        position.value, position.read_upto = dict(page.position), page.read_upto or position.read_upto
        as_read = Position.objects.filter(pk=position.pk, moves=position.moves)
        moved = as_read.update(value=position.value, read_upto=position.read_upto, moved_at=clock.now())
        self.has_been_moved = not moved


def _is_unknown_outsider(result: Result, links: Mapping[str, Link]) -> bool:
    """Whether a record that hangs on one outside was never handed over: then no row is kept of it."""
    return result.outside_with is not None and result.change.entity_id not in links


def arrived(results: Sequence[Result]) -> set[str]:
    """What waiting records may go on now. What the ledger alone showed to be through arrived long ago."""
    new = [result for result in results if result.plan or (result.is_finished and result.is_left_alone)]
    wants = [result.want for result in new if result.want]
    return {storable(name, LONGEST_WAIT) for want in wants for name in want.arrives}


def _asked_for(results: Sequence[Result]) -> set[tuple[str, str]]:
    """Records nobody has seen yet, by stream and id, that deferred ones wait for."""
    return {result.asks_for for result in results if result.asks_for}
