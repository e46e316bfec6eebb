"""One look at one stream: read pages, hand changes over in lanes, commit batch by batch, until nothing is new.

A slice ends early when a server is down or refuses our account: that is nobody's record's fault, so no record is blamed
and the position stays in front of what was not finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils.functional import cached_property

from common import clock
from common.http_errors import RemoteError, SignInFailed, Unreachable
from common.outcome import Outcome
from engine import lanes
from engine.batches import Batch, batches
from engine.commit import Ledger, as_known, load_known
from engine.handing_over import LeaseTooShort, Pen, Result, explain_remote, hand_over, where
from engine.lease import Grant
from engine.patience import Patience, Silent
from engine.ports import Change, Handover, Page
from engine.registry import Connector, Servers, Setting
from engine.verdicts import Hold, Verdict
from errors import recording
from errors.models import ErrorRecord
from syncstatus.models import Link, Position, Run, RunKind, RunState, Stream

SECONDS = 60.0
"""No batch is begun after this; the stream stays due and the next slice goes on."""

REPROCESSED_AT_ONCE = 100

GOES_ON_BY_ITSELF = frozenset({"remote.source-down", "remote.target-down", "remote.slow", "remote.garbled"})
"""What ends a look but needs no person: the stream stays due, and the sweep asks again."""

Answer = TypeVar("Answer", Result, Change | Result)

Watch = Callable[[Stream, Run], None]


@dataclass(frozen=True)
class Limits:
    """How much one look may do: seconds of reading, and changes (None: no bound)."""

    seconds: float = SECONDS
    changes: int | None = None


@dataclass
class Look:
    """What came of a look at a stream."""

    stream: Stream
    runs: list[Run] = field(default_factory=list)
    more: bool = False
    stopped_by: str = ""
    params: dict[str, str] = field(default_factory=dict)


class Slice:
    """The work on one due stream under a lease."""

    def __init__(
        self, connector: Connector, setting: Setting, servers: Servers, grant: Grant, token: int, position: Position,
        limits: Limits, watch: Watch | None = None,
    ) -> None:  # fmt: skip
        self.connector = connector
        self.setting = setting
        self.servers = servers
        self.grant = grant
        self.token = token
        self.position = position
        self.stream = position.stream
        self.limits = limits
        self.watch = watch
        self.spec = connector.stream(self.stream.key)
        self.begun = clock.monotonic()
        self.calls_before = servers.remote_calls
        self.look = Look(self.stream)

    @cached_property
    def handover(self) -> Handover[Any]:
        """The path of this stream."""
        return self.servers.handover(self.stream.key)

    def reprocess(self) -> None:
        """Try the error records that are due, oldest first. Never moves the position."""
        while not self.look.stopped_by and self._has_time():
            due = ErrorRecord.objects.filter(stream=self.stream, next_attempt_at__lte=clock.now())
            records = list(due.order_by("next_attempt_at", "pk")[:REPROCESSED_AT_ONCE])
            if not records:
                return
            run = self._run(RunKind.REPROCESS)
            changes = {record.entity_id: Change(record.entity_id, "", record.source_time) for record in records}
            with transaction.atomic():
                self.grant.extend(in_flight=changes)
                recording.begin_attempts(records, run, clock.now())
            links = load_known(self.stream, list(changes))
            # Without an end to its patience: what has an error already is only put off once more.
            results = self._hand_over(changes, links, Patience(most=len(changes) + 1))
            errors = {record.entity_id: record for record in records}
            Ledger(self.connector, self.grant, self.stream, run).commit(
                results, links, errors, unfinished=_without_result(changes, results), remote_calls=self._calls()
            )
            self._tell(run)

    def read(self) -> None:
        """Read on from the position and hand over what is new."""
        run: Run | None = None
        try:
            with closing(batches(self._pages())) as gathered:
                for batch in gathered:
                    run = run or self._run(RunKind.READ)
                    self._finish(batch, run)
                    self._tell(run)
                    if self.look.stopped_by or self.look.more:
                        break  # a later page must not move the position over what was left unfinished
                    if not self._has_time():
                        self.look.more = True
                        break
        except RemoteError as failure:
            self._stop(failure)
        except Verdict as verdict:  # the source as a whole needs a person, e.g. a feed that was rebuilt
            self.look.stopped_by, self.look.params = verdict.message, verdict.params

    def close(self) -> Look:
        """Write down how the look ended."""
        now = clock.now()
        for run in self.look.runs:
            run.state = RunState.STOPPED if self.look.stopped_by else RunState.DONE
            run.stopped_by, run.finished_at, run.remote_calls = self.look.stopped_by, now, self._calls()
            run.save(update_fields=["state", "stopped_by", "finished_at", "remote_calls"])
        done = not self.look.stopped_by
        ended = {
            "last_look_at": now,
            "last_look_failure": self.look.stopped_by,
            "oldest_unfinished_at": self.position.read_upto if self.look.more or not done else None,
        }
        if done:
            ended["last_good_look_at"] = now
        if self.look.more or self.look.stopped_by in GOES_ON_BY_ITSELF:
            Stream.objects.filter(pk=self.stream.pk).update(**ended)
        else:
            # A ring that came while we looked has set a later time; it stays due.
            answered = Stream.objects.filter(pk=self.stream.pk, due_since=self.stream.due_since)
            if not answered.update(due_since=None, **ended):
                Stream.objects.filter(pk=self.stream.pk).update(**ended)
        return self.look

    def _pages(self) -> Iterator[Page]:
        pages = _guarded(self.handover.pages(self.position.value))
        if self.limits.changes is None:
            return pages
        return _first_pages(pages, self.limits.changes)

    def _finish(self, batch: Batch, run: Run) -> None:
        newest, collapsed = batch.newest()
        links = load_known(self.stream, list(newest))
        errors = recording.open_records(self.stream, list(newest))
        self.grant.extend(in_flight=newest)
        results = self._hand_over(newest, links, Patience())
        unfinished = _without_result(newest, results)
        pages = batch.finished_pages(unfinished)
        counted = [change for change in collapsed if change.entity_id not in unfinished]
        Ledger(self.connector, self.grant, self.stream, run).commit(
            results, links, errors, position=self.position, finished_pages=pages,
            unfinished=unfinished, collapsed=len(counted), remote_calls=self._calls(),
        )  # fmt: skip
        if unfinished and not self.look.stopped_by:
            self.look.more = True

    def _hand_over(self, changes: Mapping[str, Change], links: Mapping[str, Link], patience: Patience) -> list[Result]:
        """Fetch what the page did not carry, then hand over in lanes. What the servers' state cut short is left out."""
        _give_connection_back()
        fetched, results = self._fetch(changes, patience)
        queues: dict[str, list[str]] = {}
        for entity_id in changes:
            if entity_id in fetched:
                queues.setdefault(self._lane(fetched[entity_id]), []).append(entity_id)
        pen = Pen(self.grant.may_write)

        def work(entity_id: str) -> Result:
            link = links.get(entity_id)
            result = hand_over(fetched[entity_id], as_known(link) if link else None, self.handover, pen)
            patience.note(entity_id, result.message, result.params.get("status", ""))
            return result

        done, failure = lanes.run(queues.values(), work, limit=self._limit(self.spec.target_side))
        return [*results, *self._without_the_unanswered(done, failure, patience).values()]

    def _fetch(self, changes: Mapping[str, Change], patience: Patience) -> tuple[dict[str, Change], list[Result]]:
        fetched = {entity_id: change for entity_id, change in changes.items() if change.record is not None}
        results = []
        missing = [[entity_id] for entity_id in changes if entity_id not in fetched]

        def fetch(entity_id: str) -> Change | Result:
            if not self.grant.may_write():
                raise LeaseTooShort
            answer = fetch_one(changes[entity_id], self.handover)
            patience.note(entity_id, answer.message if isinstance(answer, Result) else "")
            return answer

        if missing:
            answers, failure = lanes.run(missing, fetch, limit=self._limit(self.spec.source_side))
            for entity_id, answer in self._without_the_unanswered(answers, failure, patience).items():
                if isinstance(answer, Result):
                    results.append(answer)
                else:
                    fetched[entity_id] = answer
        return fetched, results

    def _without_the_unanswered(
        self, answers: dict[str, Answer], failure: BaseException | None, patience: Patience
    ) -> dict[str, Answer]:
        """What lanes brought; when they stopped because nobody was answered any more, without those records."""
        self._stop(failure)
        silent = patience.unanswered if isinstance(failure, Silent) else ()
        return {entity_id: answer for entity_id, answer in answers.items() if entity_id not in silent}

    def _lane(self, change: Change) -> str:
        try:
            return self.handover.lane(change)
        except Exception:  # noqa: BLE001  # its own lane; `want` will say what is wrong with it
            return change.entity_id

    def _stop(self, failure: BaseException | None) -> None:
        if failure is None or isinstance(failure, LeaseTooShort):
            return  # the rest of the batch is read again under the prolonged lease
        if isinstance(failure, Silent):
            self.look.stopped_by = "remote.slow"
            return
        if isinstance(failure, RemoteError):
            message, params = explain_remote(failure)
            if isinstance(failure, Unreachable | SignInFailed):
                at = "source" if failure.side == self.spec.source_side else "target"
                message = "remote.sign-in" if isinstance(failure, SignInFailed) else f"remote.{at}-down"
            self.look.stopped_by, self.look.params = message, params
            return
        raise failure

    def _run(self, kind: RunKind) -> Run:
        for run in self.look.runs:
            if run.kind == kind:
                return run
        self._close_what_was_cut_off()
        run = Run.objects.create(
            tenant_id=self.stream.tenant_id, stream=self.stream, kind=kind, started_at=clock.now(), token=self.token
        )
        self.look.runs.append(run)
        return run

    def _close_what_was_cut_off(self) -> None:
        """Runs whose process ended before it could say so."""
        open_ones = Run.objects.filter(stream=self.stream, state=RunState.RUNNING, token__lt=self.token)
        open_ones.update(state=RunState.STOPPED, stopped_by="engine.cut-off", finished_at=clock.now())

    def _tell(self, run: Run) -> None:
        if self.watch:
            self.watch(self.stream, run)

    def _calls(self) -> int:
        return self.servers.remote_calls - self.calls_before

    def _has_time(self) -> bool:
        return clock.monotonic() - self.begun < self.limits.seconds

    def _limit(self, side: str) -> int:
        return self.setting.connections[side].max_parallel


def _without_result(changes: Mapping[str, Change], results: Iterable[Result]) -> set[str]:
    return set(changes) - {result.change.entity_id for result in results}


def fetch_one(change: Change, handover: Handover[Any]) -> Change | Result:
    """The change with the record as it is now, or the result when there is none. Raises Unreachable, SignInFailed."""
    try:
        record = handover.fetch(change.entity_id)
    except (Unreachable, SignInFailed):
        raise
    except RemoteError as failure:
        return Result(change, Outcome.FAILED, *explain_remote(failure))
    except Exception as bug:  # noqa: BLE001  # the barrier around one record
        return Result(change, Outcome.FAILED, "engine.unexpected", where(bug))
    return replace(change, record=record) if record is not None else Result(change, Outcome.SKIPPED, "remote.gone")


def _give_connection_back() -> None:
    """A batch may wait for servers for minutes; its database connection serves others meanwhile."""
    if not connection.in_atomic_block:  # only in tests, which wrap everything
        connection.close()


def _guarded(pages: Iterator[Page]) -> Iterator[Page]:
    """Let a bug in reading a source end the look at this stream, and no other stream's."""
    try:
        yield from pages
    except (RemoteError, Verdict):
        raise
    except Exception as bug:  # noqa: BLE001  # its text may hold a patient's data: kind and place must do
        slip = Hold("engine.unexpected", **where(bug))
    else:
        return
    raise slip


def _first_pages(pages: Iterator[Page], changes: int) -> Iterator[Page]:
    """Whole pages until at least so many changes were read: a position never stands inside a page."""
    for page in pages:
        yield page
        changes -= len(page.changes)
        if changes <= 0:
            return
