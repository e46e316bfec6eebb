"""What the commands that move positions share: choosing streams, telling about how much, and asking for a yes."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, Final

from django.core.management.base import OutputWrapper

from engine.commandline import usage
from engine.registry import connector_of
from engine.rewinding import Moved, Reach, total
from syncstatus.models import Flow, Stream

NOT_DONE: Final = "Nothing was done. With --yes it is."


def add_yes(parser: ArgumentParser) -> None:
    """What every such command takes: the reason, and whether to do it or only to tell."""
    parser.add_argument("--reason", default="", help="why, for the record")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--yes", action="store_true", help="do it; without, only tell about how much it is")
    how.add_argument("--dry-run", action="store_true", help="only tell about how much it is, as without --yes")
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")


def streams_of(flow: Flow, keys: Sequence[str]) -> list[Stream]:
    """These streams of the flow, all of them when none is named. Raises CommandError (status 2)."""
    rows = list(Stream.objects.filter(flow=flow).select_related("tenant", "flow").order_by("sequence"))
    known = [row.key for row in rows]
    strange = [key for key in keys if key not in known]
    if strange:
        raise usage(f"{flow.key} has no stream {strange[0]!r}. Streams: {', '.join(known)}.")
    return [row for row in rows if not keys or row.key in keys]


def tell_reaches(out: OutputWrapper, reaches: Sequence[Reach], told: str) -> None:
    """A line per part, and the sum. `told` says what the number is of: "will be read again"."""
    for reach in reaches:
        number = "unknown" if reach.changes is None else f"about {reach.changes}"
        spec = connector_of(reach.stream.tenant).stream(reach.stream.key)
        out.write(f"{reach.stream.key}, {spec.part(reach.partition)}: {number} {reach.trouble}".rstrip() + "\n")
    whole = total(reaches)
    if whole is None:
        out.write(f"How many changes {told} cannot be told now; it can be done all the same.\n")
    else:
        out.write(f"About {whole} change{'' if whole == 1 else 's'} {told}.\n")


def as_json(reaches: Sequence[Reach], *, done: bool, **more: Any) -> str:
    """The same for programs: about how many changes, by part, whether it was done, and what came of it."""
    parts = [
        {
            "stream": reach.stream.key,
            "part": reach.partition,
            "about": reach.changes,
            **({"trouble": reach.trouble} if reach.trouble else {}),
        }
        for reach in reaches
    ]
    return json.dumps({"done": done, "about": total(reaches), "parts": parts, **more}, indent=2)


def moved_told(moved: Sequence[Moved]) -> list[dict[str, Any]]:
    """What became of positions, for programs."""
    return [
        {
            "stream": one.stream.key,
            "part": one.partition,
            "since": one.after.isoformat() if one.after else None,
            "stayed": one.stayed,
        }
        for one in moved
    ]


def tell_moved(out: OutputWrapper, moved: Sequence[Moved]) -> None:
    """What became of positions, for people."""
    for one in moved:
        since = one.after.isoformat(timespec="seconds") if one.after else "the beginning"
        where = "stands before that already, and stays" if one.stayed else f"reads on from {since}"
        out.write(f"{one.stream.key}, {one.partition}: {where}.\n")
