"""Processes forked from a prepared one: milliseconds instead of the seconds that a new interpreter takes.

Only a process without threads is forked: what the others held would be held for ever in the child.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from django.db import connections

T = TypeVar("T")
PATIENCE = 10.0
"""Seconds in which the threads of servers that were stopped must be gone."""


def alone() -> None:
    """Wait until this process has no thread but this one, and close its connections. Raises AssertionError."""
    deadline = time.monotonic() + PATIENCE
    while threading.active_count() > 1:
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.005)
    connections.close_all()


def in_a_child(work: Callable[[], T]) -> T:
    """What `work` gives, done in a process of its own. Raises AssertionError with the child's traceback."""
    alone()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _answer(writing, work)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        told = answers.read()
    os.waitpid(pid, 0)
    assert told, "the child ended without a word"
    is_well, result = pickle.loads(told)
    assert is_well, result
    value: T = result
    return value


def _answer(writing: int, work: Callable[[], Any]) -> NoReturn:
    try:
        told = pickle.dumps((True, work()))
    except BaseException:  # noqa: BLE001 - whatever it is, the parent must hear of it
        told = pickle.dumps((False, traceback.format_exc()))
    try:
        with os.fdopen(writing, "wb") as answers:
            answers.write(told)
    finally:
        os._exit(0)  # nothing of it may run on as a second test run


@dataclass
class Worker:
    """A forked process that waits for a word before it begins."""

    pid: int
    _go: int

    def begin(self) -> None:
        """Let it work."""
        os.write(self._go, b"!")
        os.close(self._go)

    def kill(self) -> None:
        """At once, as a power cut does."""
        os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> int:
        """Wait for its end: its exit status, negative for the signal that ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def worker(work: Callable[[], object]) -> Worker:
    """Fork a process that does `work` once it is told to begin: 0 when it got through, 1 with a traceback."""
    alone()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reading)
        return Worker(pid, writing)
    os.close(writing)
    try:
        os.read(reading, 1)
        work()
    except BaseException:  # noqa: BLE001 - nothing of it may run on as a second test run
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
