"""By what Avni and Bahmni are known again, and whether they still hold what we read and wrote last.

Stands on avni.md A105 to A107 (who we are, what tells an organisation, what never goes back), openmrs.md O205 to O207
(our account, known uuids, the oldest entry), atomfeed.md F16 (a log that somebody operated on).

Requests: Avni 1 for its facts (our user and organisation come with one answer), Bahmni 3 (the oldest entry, two known
records; our account came with the session), and one for each trace. All of them reads; ids only are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, cast

from atomfeed.position import FeedPosition
from avni.wire import instant
from bahmni import vocabulary as v
from bahmni.servers import BahmniServers
from common.http_errors import Garbled, Refused
from engine.ports import JsonObject
from engine.registry import Fact, Seen, Servers, Trace

ORGANISATION: Final = "organisation"
USER: Final = "user"
OLDEST: Final = "oldest-patient-entry"
PLACE: Final = "location"
NUMBERS: Final = "identifier-type"

FACTS: Final[Mapping[str, tuple[Fact, ...]]] = {
    v.AVNI: (Fact(ORGANISATION, "the organisation"), Fact(USER, "our user", must_match=False)),
    v.BAHMNI: (
        Fact(OLDEST, "the oldest entry of the patient feed"),
        Fact(PLACE, f"the location of the constant {v.LOCATION}"),
        Fact(NUMBERS, f"the identifier type of the constant {v.IDENTIFIER_TYPE}"),
        Fact(USER, "our user", must_match=False),
    ),
}  # fmt: skip
"""An account may be exchanged for another of the same server, so that it is shown and decides nothing."""

METADATA: Final = ((PLACE, "location", v.LOCATION), (NUMBERS, "patientidentifiertype", v.IDENTIFIER_TYPE))
"""Facts that are records named by a constant: the fact, the resource, the constant."""

UUID_ONLY: Final = "custom:(uuid)"


def identity(servers: Servers, side: str, traces: Sequence[Trace]) -> Seen:
    """See `engine.registry.Connector.identity`."""
    ours = cast(BahmniServers, servers)
    facts = dict(_avni(ours) if side == v.AVNI else _bahmni(ours))
    return Seen(facts, tuple(name for trace in traces if (name := _gone(ours, side, trace))))


def _avni(servers: BahmniServers) -> Iterator[tuple[str, str]]:
    """What our user's own page tells. A release that has no such page tells nothing (avni.md A105)."""
    try:
        me = servers.avni.me()
    except (Refused, Garbled):
        return
    if me.organisation:
        yield ORGANISATION, me.organisation
    yield USER, me.username


def _bahmni(servers: BahmniServers) -> Iterator[tuple[str, str]]:
    client, snapshot = servers.openmrs, servers.setting.snapshot
    yield USER, str(client.account().get("uuid") or "")
    with suppress(Refused, Garbled):  # told of by the stream that reads this feed
        yield OLDEST, servers.feed("patient").oldest() or ""
    for fact, path, constant in METADATA:
        uuid = snapshot.constant(constant)
        there = _told(partial(client.one, f"/{path}/{uuid}", UUID_ONLY)) if uuid else None
        if there is not None:
            yield fact, "there" if there else ""


def _gone(servers: BahmniServers, side: str, trace: Trace) -> str:
    """What a trace is called that the server no longer holds; "" for one that is there, or of which nobody can tell."""
    if trace.target_id:
        there = _told(partial(_written, servers, side, trace.target_id))
        return f"the record written last ({trace.target_id})" if there is False else ""
    if side == v.BAHMNI:
        position = trace.position or {}
        return (
            "" if _holds(servers, trace.partition, position) else f"the last entry read of the {trace.partition} feed"
        )
    return _older(servers, trace)


def _holds(servers: BahmniServers, category: str, position: JsonObject) -> bool:
    """Whether the entry we stopped at is still in its feed, as far as that can be told."""
    if "entry" not in position:
        return True
    try:
        return servers.feed(category).holds(cast(FeedPosition, position))
    except (Refused, Garbled):
        return True


def _older(servers: BahmniServers, trace: Trace) -> str:
    """Of Avni's records the one read last must be there, and not older than we read it (avni.md A107)."""
    known: Mapping[str, str] = (trace.position or {}).get("known", {})
    if not known:
        return ""
    record, stamp = max(known.items(), key=lambda pair: (instant(pair[1]), pair[0]))
    row = _read(partial(_source, servers, trace.stream, record))
    if row is NOT_TOLD:
        return ""
    if row is None:
        return f"the record read last ({record})"
    modified = (row.get("audit") or {}).get("Last modified at")
    is_older = isinstance(modified, str) and instant(modified) < instant(stamp)
    return f"the state in which we read {record}" if is_older else ""


def _written(servers: BahmniServers, side: str, uuid: str) -> JsonObject | None:
    """A record we wrote. In Avni it is one of two kinds: mostly the first answers, so that one request does."""
    if side == v.BAHMNI:
        return servers.openmrs.one(f"/encounter/{uuid}", UUID_ONLY)
    return servers.avni.encounter(uuid) or servers.avni.program_encounter(uuid)


def _source(servers: BahmniServers, stream: str, uuid: str) -> JsonObject | None:
    """A record of Avni that a stream read."""
    match stream:
        case v.SUBJECT:
            return servers.avni.subject(uuid)
        case v.ENROLMENT:
            return servers.avni.program_enrolment(uuid)
        case v.PROGRAM_ENCOUNTER:
            return servers.avni.program_encounter(uuid)
        case _:
            return servers.avni.encounter(uuid)


class _NotTold:
    """Stands for an answer from which nothing can be told."""


NOT_TOLD: Final = _NotTold()


def _read(ask: Callable[[], JsonObject | None]) -> Any:
    """The record, None when there is none, NOT_TOLD when the server refuses this very question."""
    try:
        return ask()
    except Refused:
        return NOT_TOLD


def _told(ask: Callable[[], JsonObject | None]) -> bool | None:
    """Whether the record is there; None when the server refuses this very question."""
    found = _read(ask)
    return None if found is NOT_TOLD else found is not None
