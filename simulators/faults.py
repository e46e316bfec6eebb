"""The dial for what goes wrong between a client and a simulator."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Faults"]


@dataclass
class _Plan:
    method: str
    pattern: re.Pattern[str]
    action: str
    times: int
    skip: int
    seconds: float


@dataclass
class _Deed:
    method: str
    pattern: re.Pattern[str]
    do: Callable[[], object]
    skip: int


class Faults:
    """The dial for what goes wrong between client and server. All off at first; thread-safe.

    `latency` is in seconds per request. `error_rate` (0 to 1) answers 503 without handling;
    its dice are seeded, so one order of requests always fails at the same places.
    """

    def __init__(self, *, latency: float = 0.0, error_rate: float = 0.0, seed: int = 0) -> None:
        self.latency = latency
        self.error_rate = error_rate
        self.fired: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._plans: list[_Plan] = []
        self._deeds: list[_Deed] = []
        self._lock = threading.Lock()

    def plan(
        self,
        method: str,
        path_regex: str,
        action: str,
        times: int = 1,
        skip: int = 0,
        seconds: float = 1.0,
    ) -> None:
        """Let `times` matching requests go wrong, after `skip` matching ones went well.

        `method` may be "*". `path_regex` is searched in the decoded path, then in path?query.
        Actions: "reset_before" (closed unhandled), "reset_after" (handled, then closed without
        an answer), "late_commit" (closed at once, handled `seconds` later or at
        `Server.settle()`), "garbage" (unhandled, 200 with half an HTML page), "truncated"
        (handled, 200 with half its body), "status:502" (unhandled), "status_after:502"
        (handled, then answered 502), "hang:5" (waits 5 s, then handles and answers), "slow_body:5"
        (handled, then answered drop by drop over 5 s).
        """
        name, _, argument = action.partition(":")
        if name not in _ACTIONS or (name in _WITH_ARGUMENT) != bool(argument):
            raise ValueError(f"unknown fault {action!r}")
        plan = _Plan(method.upper(), re.compile(path_regex), action, times, skip, seconds)
        with self._lock:
            self._plans.append(plan)

    def before(self, method: str, path_regex: str, do: Callable[[], object], skip: int = 0) -> None:
        """Do something once, just before a matching request is handled, after `skip` matching ones.

        So a row is edited between two pages, or a token ends after some requests.
        """
        deed = _Deed(method.upper(), re.compile(path_regex), do, skip)
        with self._lock:
            self._deeds.append(deed)

    def clear(self) -> None:
        """Everything off again; `fired` keeps its counts."""
        with self._lock:
            self._plans.clear()
            self._deeds.clear()
            self.latency = self.error_rate = 0.0

    def due(self, method: str, path: str, target: str) -> list[Callable[[], object]]:
        """What is to be done before this request, used up by asking. The caller does it, without our lock."""
        due = []
        with self._lock:
            for deed in list(self._deeds):
                if not _matches(deed, method, path, target):
                    continue
                if deed.skip:
                    deed.skip -= 1
                    continue
                self._deeds.remove(deed)
                due.append(deed.do)
        return due

    def next_action(self, method: str, path: str, target: str) -> tuple[str, float] | None:
        """The fault for this request with its seconds, used up by asking; None when all is well."""
        with self._lock:
            for plan in self._plans:
                if plan.times and _matches(plan, method, path, target):
                    if plan.skip:
                        plan.skip -= 1
                        continue
                    plan.times -= 1
                    self.fired[plan.action] += 1
                    return plan.action, plan.seconds
            if self.error_rate and self._random.random() < self.error_rate:
                self.fired["error_rate"] += 1
                return "status:503", 0.0
        return None


_WITH_ARGUMENT = frozenset({"status", "status_after", "hang", "slow_body"})
_ACTIONS = _WITH_ARGUMENT | {
    "reset_before",
    "reset_after",
    "late_commit",
    "garbage",
    "truncated",
}


def _matches(plan: _Plan | _Deed, method: str, path: str, target: str) -> bool:
    if plan.method not in ("*", method):
        return False
    return bool(plan.pattern.search(path) or plan.pattern.search(target))
