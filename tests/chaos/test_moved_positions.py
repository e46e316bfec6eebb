"""An operator moves a position while a slice is at work: the move stands, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from engine import rewinding
from engine.ports import JsonObject
from syncstatus.models import Flow, Link, Position, Stream
from tenants.audit import COMMAND
from tenants.scoping import tenant_scope
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import Paper, card

pytestmark = pytest.mark.django_db(transaction=True)

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class ByThePage:
    """Page n of the paper holds what changed in the nth hour."""

    def since(self, servers: Any, stream_key: str, partition: str, since: datetime) -> JsonObject:
        return {"page": max(0, (since - BEGAN) // timedelta(hours=1))}

    def page(self, servers: Any, stream_key: str, partition: str, page: int) -> tuple[JsonObject, datetime | None]:
        raise ValueError("no pages")

    def ahead(self, servers: Any, stream_key: str, partition: str, position: JsonObject) -> int:
        paper: Paper = servers
        return sum(len(page) for page in paper.pages_[int(position.get("page", 0)) :])

    def is_before(self, stream_key: str, one: JsonObject, other: JsonObject) -> bool:
        return bool(one.get("page", 0) < other.get("page", 0))

    def kept(self, stream_key: str, position: JsonObject) -> JsonObject:
        return position


@pytest.fixture(name="there")
def a_desk(transactional_db: None) -> Iterator[Desk]:
    with desk(seeker=ByThePage()) as built:
        for page in range(4):
            built.paper.add(*(card(f"{page}-{one}") for one in range(60)))
        yield built


def elsewhere(there: Desk, move: Any) -> None:
    """Done by a person in another process: over a connection of its own."""

    def act() -> None:
        with tenant_scope(there.tenant):
            move(
                Flow.objects.get(streams__key=STREAM), list(Stream.objects.select_related("tenant").filter(key=STREAM))
            )
        connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    thread.join(timeout=30)
    assert not thread.is_alive()


def once(entity: str, act: Any) -> Any:
    """A hook that acts when this entity is written for the first time."""
    done = threading.Event()

    def hook(written: str) -> None:
        if written == entity and not done.is_set():
            done.set()
            act()

    return hook


def to_the_beginning(flow: Flow, streams: list[Stream]) -> None:
    rewinding.rewind(flow, streams, BEGAN, reason="again", actor=COMMAND)


def test_w5_an_operators_rewind_amid_a_running_slice_stands_and_all_is_compared(there: Desk) -> None:
    there.paper.before_write = once("2-30", lambda: elsewhere(there, to_the_beginning))
    there.work()
    assert there.position == 4
    assert len(there.paper.target) == 240
    looked = [entity for what, entity in there.paper.order if what == "look"]
    assert all(looked.count(f"0-{one}") == 2 for one in range(60))  # written first, then compared again
    assert there.paper.asked["write"] == 240
    assert not Link.objects.filter(is_suspect=True).exists()


def test_w5_a_slice_that_ends_meanwhile_leaves_the_operators_place(there: Desk) -> None:
    there.work()
    there.paper.add(card("late"), card("0-0"))  # in one batch with what the ledger takes for unchanged
    there.paper.target["0-0"] = 99  # altered behind our back, where no page tells
    there.paper.before_write = once("late", lambda: elsewhere(there, to_the_beginning))
    there.work()
    assert there.paper.target["0-0"] == 1
    assert there.position == 5


def test_w5_an_operators_skip_amid_a_running_slice_stands(there: Desk) -> None:
    def to_the_third(flow: Flow, streams: list[Stream]) -> None:
        rewinding.skip(flow, streams, reason="test data", actor=COMMAND)
        Position.objects.update(value={"page": 3})  # what that time is found to be

    there.paper.before_write = once("0-30", lambda: elsewhere(there, to_the_third))
    there.work()
    assert there.position == 4
    assert {entity.partition("-")[0] for entity in there.paper.target} == {"0", "1", "3"}
