"""How what could not be read of a source is told: by the server's refusal, by a bug of ours, by one place of it."""

from __future__ import annotations

from collections.abc import Iterator

from common.http_errors import Refused, RemoteError
from common.outcome import Outcome
from engine.handing_over import Result, explain_remote, where
from engine.ports import Change, Page
from engine.registry import StreamSpec
from engine.verdicts import Fail, Hold, Verdict
from errors.catalogue import PART_UNREADABLE, READABLE_AGAIN


def unreadable(spec: StreamSpec, partition: str, failure: Refused) -> Fail:
    """A server's refusal to let us read a part of it, for people."""
    _, params = explain_remote(failure)
    return Fail(PART_UNREADABLE, **{"code": "", "privilege": ""} | params | {"part": spec.part(partition)})


def of_gap(gap: str, why: Verdict | None) -> Result:
    """How a place that could not be read fares: still failing, or readable again."""
    change = Change(gap, "")
    if why is None:
        return Result(change, Outcome.SKIPPED, READABLE_AGAIN)
    return Result(change, why.outcome, why.message, why.params)


def guarded(pages: Iterator[Page]) -> Iterator[Page]:
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
