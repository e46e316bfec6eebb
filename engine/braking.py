"""A flow at the brake, as rows: who stops it, what waits, and how a slice asks before it reads and writes.

What a person does about it is in `engine.brake_moves`; the decisions are in `engine.brake` and `engine.identity`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from common import clock
from common.http_errors import RemoteError, Unreachable
from engine.brake import Does, Planned, Tally, TooMany, limit_of, listed
from engine.handing_over import Result
from engine.identity import INTERVAL, Difference, Doorkeeper, OtherServer, identities_of
from engine.lease import Grant
from engine.ports import Change, Decided, Plan
from engine.registry import Connector, Servers, Setting
from engine.settling import STAYS
from engine.verdicts import Verdict
from errors.catalogue import OTHER_SERVER, TOO_MANY
from syncstatus.models import AtBrake, Brake, BrakedRecord, Flow, Link, Stream
from tenants import audit

MOST_LISTED: Final = 1000
"""Records listed at one brake; of more than these it is said that there are more."""
LONGEST_LISTING: Final = 30.0
"""Seconds spent on finding out what else would have to wait."""

TOO_MANY_REQUESTS: Final = 429

ITSELF_AGAIN: Final = "The server is again the one it was."

Rehearse = Callable[[Mapping[str, Change]], tuple[Sequence[Result], Sequence[BaseException]]]
"""Plans changes without writing any: results, and what ended the work early."""


class Guard:
    """What one slice asks before it reads, before it writes, and when it is through."""

    def __init__(
        self, connector: Connector, setting: Setting, servers: Servers, grant: Grant, stream: Stream
    ) -> None:  # fmt: skip
        self._connector = connector
        self._grant = grant
        self._stream = stream
        self._memory = identities_of(servers)
        self._doors = Doorkeeper(connector, setting, servers, stream)
        spec = connector.stream(stream.key)
        self._sides = (spec.source_side, spec.target_side)

    # -- is it the right server? --------------------------------------------------------------------------------------

    def prove(self, side: str) -> None:
        """See `Doorkeeper.prove`."""
        self._doors.prove(side)

    def is_up(self, failure: Unreachable) -> bool:
        """Whether the server is, which answered badly to one record, and did not ask everybody to wait.

        Raises OtherServer. Needs no database.
        """
        is_about_one = failure.status is not None and failure.status != TOO_MANY_REQUESTS and not failure.detail
        return is_about_one and self._doors.answers(failure.side)

    def ask_anew(self, side: str) -> None:
        """As `prove`, however lately the server was asked."""
        self._memory.forget(side)
        self._doors.prove(side)

    def prove_before_reading(self) -> None:
        """The source, before its pages are believed; both servers of a flow that waits for one of them.

        When both are themselves again, the flow goes on by itself. Raises OtherServer, RemoteError.
        """
        if not self._doors.is_under_brake:
            self.prove(self._sides[0])
            return
        for side in self._sides:
            self.prove(side)
        with transaction.atomic():
            self._grant.extend()
            _end_by_itself(self._stream, self._sides)

    def may_write(self) -> bool:
        """Whether a request begun now is one under our lease, to servers that are who they were.

        Raises OtherServer, Unreachable, SignInFailed. Needs no database.
        """
        return self._grant.may_write() and self._doors.is_same(*self._sides)

    def stop_for_server(self, found: OtherServer) -> dict[str, str]:
        """Let every flow that is on and uses the server wait for a person. Gives the parameters of the sentence."""
        with transaction.atomic():
            self._grant.extend()
            stop_for_server(self._connector, self._stream, found)
        return self._told()

    # -- is it too much? ----------------------------------------------------------------------------------------------

    @cached_property
    def tally(self) -> Tally:
        """The count of this look. Raises TooMany when the flow waits already; uses the database now and then."""
        if self._stream.flow.at_brake == AtBrake.MANY:
            raise TooMany
        return Tally(limit_of(self._links()), self._counts.flow, let_go=self._let_go())

    def count_on(self, counted: Mapping[Does, int]) -> None:
        """Let what a round met in its earlier turns count in this one: the looks between them met nothing of it.

        Raises TooMany as `tally`.
        """
        tally = self.tally
        tally.before = {does: max(tally.before.get(does, 0), counted.get(does, 0)) for does in Does}

    def allowance(self, decided: Mapping[str, tuple[Decided, ...]]) -> Callable[[str, Plan], None]:
        """What a pen asks; what people decided record by record has their word already. Raises TooMany as `tally`.

        A decision that stays in force is no such word: it says that nothing is written, so what is written nevertheless
        is about something else.
        """
        tally = self.tally
        has_word = {entity_id for entity_id, known in decided.items() if any(one.move not in STAYS for one in known)}
        return lambda entity_id, plan: None if entity_id in has_word else tally.allow(entity_id, plan)

    @property
    def _counts(self) -> Counts:
        counts: Counts = self._stream.counts  # type: ignore[attr-defined]  # hung on the row by `prepared`
        return counts

    def _let_go(self) -> frozenset[tuple[str, Does]]:
        """What a person has let go on and did not come yet: records of the stream, and what they were to do."""
        if not self._counts.has_let_go:
            return frozenset()
        rows = _unspent(self._stream).values_list("entity_id", "does")
        return frozenset((entity_id, Does(does)) for entity_id, does in rows)

    @property
    def _listed(self) -> set[str]:
        return {entity_id for entity_id, _ in self.tally.let_go}

    def settle(self, results: Sequence[Result]) -> Callable[[], None]:
        """What of a batch was counted, to be written down in the transaction of its commit."""
        if not self._has_begun:
            return lambda: None
        written = {result.change.entity_id for result in results if result.writes}
        numbers = self.tally.settle(written)
        spent = written & self._listed  # whatever it did: the record is not any more what people looked at

        def write_down() -> None:
            if any(numbers.values()):
                Stream.objects.filter(pk=self._stream.pk).update(
                    counted_voids=F("counted_voids") + numbers[Does.VOID],
                    counted_overwrites=F("counted_overwrites") + numbers[Does.OVERWRITE],
                )
            if spent:
                _spend(self._stream, spent)

        return write_down

    @property
    def counted_none(self) -> bool:
        """Whether this look met nothing that voids or overwrites."""
        return not self._has_begun or not self.tally.met

    def begin_anew(self) -> dict[str, int]:
        """Columns of the stream after a look that read to its end and met nothing: the count begins anew.

        What a person let go on and did not come is over as well.
        """
        if self._has_begun and self.tally.let_go:
            _spend(self._stream, self._listed)
        return {"counted_voids": 0, "counted_overwrites": 0}

    def stop_for_many(self, batches: Iterator[Mapping[str, Change]], rehearse: Rehearse) -> dict[str, str]:
        """List what else would have to wait, as far as the time reaches, and let the flow wait for a person.

        Nothing new to say of a flow that waited already. Gives the parameters of the sentence.
        """
        if self._has_begun:
            found, is_complete = self._waiting(batches, rehearse)
            with transaction.atomic():
                self._grant.extend()
                stop_for_many(self._stream, self.tally.limit, self._links(), found, is_complete=is_complete)
        return self._told()

    def _waiting(
        self, batches: Iterator[Mapping[str, Change]], rehearse: Rehearse
    ) -> tuple[list[Planned], bool]:  # fmt: skip
        end = clock.monotonic() + LONGEST_LISTING
        found: dict[str, Planned] = {}
        try:
            for changes in batches:
                results, failures = rehearse(changes)
                plans = ((result.change.entity_id, result.plan) for result in results if result.plan)
                found.update({one.entity_id: one for one in listed(plans, self.tally.let_go)})
                if failures or len(found) > MOST_LISTED or clock.monotonic() >= end:
                    return list(found.values())[:MOST_LISTED], False
        except (RemoteError, Verdict):
            return list(found.values()), False
        return list(found.values()), True

    @property
    def _has_begun(self) -> bool:
        """Whether this look has handed anything over."""
        return "tally" in self.__dict__

    def _told(self) -> dict[str, str]:
        self._stream.flow.refresh_from_db(fields=["at_brake"])
        row = open_brakes([self._stream.flow]).get(self._stream.flow_id)
        return params_of(row, self._connector) if row else {}

    def _links(self) -> int:
        """Known links of the flow; counted once in `INTERVAL`."""
        flow = self._stream.flow_id
        at, number = self._memory.links.get(flow, (0.0, -1))
        if number < 0 or clock.monotonic() - at >= INTERVAL:
            number = Link.objects.filter(stream__flow=flow).exclude(target_id="").count()
            self._memory.links[flow] = (clock.monotonic(), number)
        return number


@dataclass(frozen=True)
class Counts:
    """What a stream's guard knows from the start of a turn, without asking the database again."""

    flow: dict[Does, int]
    """What the flow counted since its last clean looks. The streams of one flow share it while they are worked off."""
    has_let_go: bool


def columns() -> dict[str, Any]:
    """What a query of streams must carry for `prepared`."""
    of_flow = Stream.objects.filter(flow=OuterRef("flow")).order_by().values("flow")
    unspent = BrakedRecord.objects.filter(stream=OuterRef("pk"), is_spent=False, brake__ended_at__isnull=False)
    return {
        "flow_voids": Subquery(of_flow.annotate(number=Sum("counted_voids")).values("number")),
        "flow_overwrites": Subquery(of_flow.annotate(number=Sum("counted_overwrites")).values("number")),
        "has_let_go": Exists(unspent),
    }


def prepared(streams: Iterable[Stream]) -> None:
    """Let the rows of a query with `columns` share their flow and its counts, so that what one does the next sees."""
    flows: dict[int, Flow] = {}
    counts: dict[int, dict[Does, int]] = {}
    for stream in streams:
        stream.flow = flows.setdefault(stream.flow_id, stream.flow)
        now = {Does.VOID: stream.flow_voids, Does.OVERWRITE: stream.flow_overwrites}  # type: ignore[attr-defined]  # annotated
        shared = counts.setdefault(stream.flow_id, now)
        stream.counts = Counts(shared, stream.has_let_go)  # type: ignore[attr-defined]  # both of them


def stop_for_server(connector: Connector, stream: Stream, found: OtherServer) -> None:
    """Let every flow of the tenant that is on and uses the server wait. Needs a transaction."""
    touching = [flow.key for flow in connector.flows if found.side in sides_of(connector, flow.key)]
    told = [{"label": one.label, "before": one.before, "now": one.now} for one in found.differences]
    flows = Flow.objects.filter(Q(is_on=True) | Q(pk=stream.flow_id), tenant=stream.tenant_id, key__in=touching)
    for flow in flows:
        Brake.objects.update_or_create(
            tenant_id=stream.tenant_id, flow=flow, kind=AtBrake.SERVER, side=found.side, ended_at=None,
            defaults={"differences": told, "facts": found.facts}, create_defaults={
                "differences": told, "facts": found.facts, "set_at": clock.now(),
            },
        )  # fmt: skip
        mark(flow)


def stop_for_many(
    stream: Stream, limit: int, links: int, waiting: Sequence[Planned], *, is_complete: bool
) -> None:  # fmt: skip
    """Let the flow wait, with the records that do. Needs a transaction."""
    sums = {"voids": Sum("counted_voids"), "overwrites": Sum("counted_overwrites")}
    passed = Stream.objects.filter(flow=stream.flow_id).aggregate(**sums)
    row, _ = Brake.objects.get_or_create(
        tenant_id=stream.tenant_id, flow_id=stream.flow_id, kind=AtBrake.MANY, side="", ended_at=None,
        defaults={
            "set_at": clock.now(), "limit": limit, "links": links, "is_complete": is_complete,
            "passed": passed["voids"] + passed["overwrites"],
        },
    )  # fmt: skip
    lines = [
        BrakedRecord(
            tenant_id=stream.tenant_id, brake=row, stream=stream, entity_id=one.entity_id, does=one.does.value,
            why=one.why,
        )
        for one in waiting
    ]  # fmt: skip
    BrakedRecord.objects.bulk_create(lines, ignore_conflicts=True)
    mark(stream.flow)


def open_brakes(flows: Collection[Flow]) -> dict[int, Brake]:
    """The brake that holds each of the flows that wait, by flow; the server's before a number's."""
    rows = Brake.objects.filter(flow__in=[flow.pk for flow in flows if flow.at_brake], ended_at=None)
    found = rows.select_related("flow__tenant").prefetch_related("records")
    return {row.flow_id: row for row in sorted(found, key=lambda row: row.kind == AtBrake.SERVER)}


def params_of(brake: Brake, connector: Connector) -> dict[str, str]:
    """Parameters of the sentence about a brake (`message_of`); of a row of `open_brakes`."""
    if brake.kind == AtBrake.SERVER:
        return {"side": brake.side, "differences": "; ".join(map(str, differences_of(brake)))}
    sides = [(stream.source_side, stream.target_side) for stream in connector.flow(brake.flow.key).streams]
    voids, overwrites = numbers_of(brake)
    return {
        "side": sides[0][1], "source": connector.side(sides[0][0]).label, "listed": in_words(brake, voids, overwrites),
        "passed": str(brake.passed), "limit": str(brake.limit),
    }  # fmt: skip


def message_of(brake: Brake) -> str:
    """The message id of what happened."""
    return OTHER_SERVER if brake.kind == AtBrake.SERVER else TOO_MANY


def numbers_of(brake: Brake) -> tuple[int, int]:
    """How many voids and how many overwrites are listed."""
    does = [record.does for record in brake.records.all()]
    return does.count(Does.VOID.value), does.count(Does.OVERWRITE.value)


def in_words(brake: Brake, voids: int, overwrites: int) -> str:
    """E.g. "280 voids", "at least 1 void and 3 overwrites"."""
    said = [
        f"{number} {one if number == 1 else one + 's'}"
        for number, one in ((voids, "void"), (overwrites, "overwrite"))
        if number
    ]
    return ("" if brake.is_complete else "at least ") + (" and ".join(said) or "no records")


def mark(flow: Flow) -> None:
    """Bring the mark of a flow in line with its open brakes. Needs a transaction."""
    kinds = set(Brake.objects.filter(flow=flow, ended_at=None).values_list("kind", flat=True))
    flow.at_brake = next((kind for kind in (AtBrake.SERVER, AtBrake.MANY) if kind in kinds), "")
    Flow.objects.filter(pk=flow.pk).update(at_brake=flow.at_brake)
    if not flow.at_brake:
        stopped = Stream.objects.filter(flow=flow, last_look_failure__in=(OTHER_SERVER, TOO_MANY))
        stopped.update(last_look_failure="")


def sides_of(connector: Connector, flow_key: str) -> set[str]:
    """The servers that a flow uses."""
    return {side for stream in connector.flow(flow_key).streams for side in (stream.source_side, stream.target_side)}


def differences_of(brake: Brake) -> list[Difference]:
    """What of the server is not as it was."""
    return [Difference(row["label"], row["before"], row["now"]) for row in brake.differences]


def _end_by_itself(stream: Stream, sides: Sequence[str]) -> None:
    for row in Brake.objects.filter(tenant=stream.tenant_id, kind=AtBrake.SERVER, side__in=sides, ended_at=None):
        row.ended_at, row.ended_by, row.reason = clock.now(), "", ITSELF_AGAIN
        row.save(update_fields=["ended_at", "ended_by", "reason"])
        audit.record(audit.SYSTEM, "brake ended", row.flow, tenant=row.flow.tenant, reason=ITSELF_AGAIN)
        mark(row.flow)
    stream.flow.refresh_from_db(fields=["at_brake"])


def _unspent(stream: Stream) -> QuerySet[BrakedRecord]:
    return BrakedRecord.objects.filter(stream=stream, is_spent=False, brake__ended_at__isnull=False)


def _spend(stream: Stream, entity_ids: Collection[str]) -> None:
    _unspent(stream).filter(entity_id__in=list(entity_ids)).update(is_spent=True)
