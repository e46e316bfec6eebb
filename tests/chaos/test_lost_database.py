"""Our own database refuses a commit: nothing of the batch counts, it is read again, and no record is blamed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections

from engine.lease import take
from errors.models import ErrorRecord
from syncstatus.models import Lease, Link, Stream
from tests.chaos.desk import STREAM, Desk, desk
from tests.chaos.paper import card

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="another process holds the rows"),
]

MOVES = 'UPDATE "syncstatus_position"'
"""Of the statements of a commit the last but one: links and errors are written by then."""


@pytest.fixture
def there(transactional_db: None) -> Iterator[Desk]:
    with desk() as built:
        built.paper.add(*(card(str(number)) for number in range(20)))
        yield built


class Before:
    """Does something once, in front of the first statement that begins so."""

    def __init__(self, begins: str, do: Callable[[], None]) -> None:
        self.begins = begins
        self.do = do
        self.fired = 0

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not self.fired and sql.startswith(self.begins):
            self.fired += 1
            self.do()
        return execute(sql, *rest)


def elsewhere(*statements: str, then: Callable[[Any], None] = lambda cursor: None) -> None:
    """In a session of another process."""
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            then(cursor)
    finally:
        other.close()


def end_our_session() -> None:
    assert connection.connection is not None
    elsewhere(f"SELECT pg_terminate_backend({connection.connection.info.backend_pid}, 5000)")


def test_a_session_ended_between_hand_over_and_commit_blames_nobody(there: Desk) -> None:
    cut = Before(MOVES, end_our_session)
    with connection.execute_wrapper(cut):
        look = there.work().looks[-1]
    assert (cut.fired, look.stopped_by) == (1, "engine.cut-off")
    assert (there.errors(), there.outcomes(), there.position) == ({}, {}, 0)
    assert Stream.objects.get(key=STREAM).due_since is not None


def test_the_lease_is_free_at_once_and_the_batch_is_read_again_without_a_write(there: Desk) -> None:
    with connection.execute_wrapper(Before(MOVES, end_our_session)):
        there.work()
    written = there.paper.asked["write"]
    there.work()
    assert (there.paper.asked["write"], there.position, len(there.outcomes())) == (written, 1, 20)
    assert ErrorRecord.objects.count() == 0


def test_a_deadlock_in_the_commit_is_tried_again(there: Desk) -> None:
    holds, asks, over = threading.Event(), threading.Event(), threading.Event()

    def somebody_else() -> None:
        def cross(cursor: Any) -> None:
            holds.set()
            asks.wait(30)
            cursor.execute("UPDATE syncstatus_lease SET owner = owner")  # waits for us, as we shall for it
            cursor.execute("ROLLBACK")
            over.set()

        patience = "SET deadlock_timeout = '60s'"  # so that it is us who are sent away
        elsewhere(patience, "BEGIN", "SELECT 1 FROM syncstatus_position FOR UPDATE", then=cross)

    thread = threading.Thread(target=somebody_else)
    thread.start()
    assert holds.wait(30)
    with connection.execute_wrapper(Before(MOVES, asks.set)):
        look = there.work().looks[-1]
    thread.join(60)
    assert (over.is_set(), look.stopped_by) == (True, "engine.cut-off")
    assert (there.errors(), Link.objects.count(), there.position) == ({}, 0, 0)
    there.work()
    assert (there.errors(), Link.objects.count(), there.position) == ({}, 20, 1)
    assert Lease.objects.filter(expires_at=None).exists()
    assert take(there.tenant.pk)
