from __future__ import annotations

import signal
import threading
import time

import pytest

from engine import lanes

PATIENCE = 10
"""Seconds until a test that would hang fails instead."""


def test_items_of_one_lane_are_worked_off_in_order() -> None:
    done: list[int] = []

    def work(item: int) -> int:
        done.append(item)
        return item * 2

    results, failure = lanes.run([[1, 2, 3, 4, 5]], work, limit=4)
    assert done == [1, 2, 3, 4, 5]
    assert (results, failure) == ({1: 2, 2: 4, 3: 6, 4: 8, 5: 10}, None)


def test_different_lanes_run_side_by_side() -> None:
    together = threading.Barrier(3, timeout=PATIENCE)
    results, failure = lanes.run([["a"], ["b"], ["c"]], lambda item: together.wait() >= 0, limit=3)
    assert (results, failure) == ({"a": True, "b": True, "c": True}, None)


def test_a_lane_that_waits_holds_up_only_itself() -> None:
    others_done = threading.Semaphore(0)

    def work(item: str) -> str:
        if item == "first of one":
            for _ in range(3):
                assert others_done.acquire(timeout=PATIENCE)
        else:
            others_done.release()
        return item

    one, others = ["first of one", "second of one"], [["x"], ["y"], ["z"]]
    results, failure = lanes.run([one, *others], work, limit=2)
    assert failure is None
    assert set(results) == {"first of one", "second of one", "x", "y", "z"}


def test_never_more_at_a_time_than_the_limit() -> None:
    lock, now, most = threading.Lock(), [0], [0]
    full = threading.Barrier(3, timeout=PATIENCE)

    def work(item: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        full.wait()
        with lock:
            now[0] -= 1

    lanes.run([[item] for item in range(12)], work, limit=3)
    assert most == [3]


def test_a_failure_lets_every_lane_finish_the_item_it_is_at_and_begin_no_other() -> None:
    together = threading.Barrier(2, timeout=PATIENCE)
    failed = threading.Event()

    def work(item: str) -> str:
        together.wait()
        if item == "bad":
            failed.set()
            raise RuntimeError("bad")
        assert failed.wait(PATIENCE)
        return item

    results, failure = lanes.run([["bad", "never"], ["at it", "maybe"]], work, limit=2)
    assert isinstance(failure, RuntimeError)
    assert results["at it"] == "at it"
    assert "never" not in results


def test_an_item_that_raised_has_no_result_but_its_predecessors_do() -> None:
    def work(item: int) -> int:
        return 10 // item

    results, failure = lanes.run([[2, 1, 0, 5]], work, limit=1)
    assert results == {2: 5, 1: 10}
    assert isinstance(failure, ZeroDivisionError)


def test_no_lanes_are_no_work() -> None:
    assert lanes.run([], str, limit=4) == ({}, None)


def test_when_the_caller_is_cut_off_the_lanes_come_to_rest_before_it_goes_on() -> None:
    begun: list[int] = []
    both, cut = threading.Barrier(2, timeout=PATIENCE), threading.Event()
    main = threading.main_thread().ident or 0

    def work(item: int) -> None:
        begun.append(item)
        if both.wait() == 0:
            signal.pthread_kill(main, signal.SIGUSR1)  # as a time limit of Celery or Ctrl-C does
        assert cut.wait(PATIENCE)
        time.sleep(0.1)

    def cut_off(*_: object) -> None:
        cut.set()
        raise InterruptedError

    before = signal.signal(signal.SIGUSR1, cut_off)
    try:
        with pytest.raises(InterruptedError):
            lanes.run([[1, 2, 3], [4, 5, 6], [7, 8]], work, limit=2)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert set(begun) == {1, 4}
