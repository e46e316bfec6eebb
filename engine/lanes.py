"""Same key in order, different keys side by side. Lanes touch no database; they only talk to servers and compute."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)
Result = TypeVar("Result")


def run(
    lanes: Iterable[list[Item]], work: Callable[[Item], Result], *, limit: int
) -> tuple[dict[Item, Result], BaseException | None]:
    """Work off the lanes, at most `limit` side by side.

    Gives the results by item and what ended it early (None when all is done). What has no result was not finished.
    Any exception of `work` ends all lanes after the item each is at; so does a time limit or Ctrl-C that reaches the
    caller, which is raised again once no lane is at work any more: nobody writes behind the back of the next holder.
    """
    results: dict[Item, Result] = {}
    failures: list[BaseException] = []
    stop = threading.Event()

    def drive(lane: list[Item]) -> None:
        for item in lane:
            if stop.is_set():
                return
            try:
                results[item] = work(item)
            except BaseException as failure:  # noqa: BLE001  # it is handed to the caller
                failures.append(failure)
                stop.set()
                return

    with ThreadPoolExecutor(max_workers=limit, thread_name_prefix="lane") as pool:
        try:
            wait([pool.submit(drive, lane) for lane in lanes])
        except BaseException:
            stop.set()
            raise
    return results, failures[0] if failures else None
