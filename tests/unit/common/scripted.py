"""A server that says what a test tells it to, over a real socket."""

from __future__ import annotations

import threading
from collections.abc import Callable

from simulators.server import Request, Response

Handler = Callable[[Request], Response]


class Scripted:
    """Answers the given responses in turn, the last one for ever; keeps what it was asked."""

    def __init__(self, *answers: Response | Handler) -> None:
        self.requests: list[Request] = []
        self._answers = list(answers) or [Response(body={})]
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Response:
        with self._lock:
            self.requests.append(request)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer if isinstance(answer, Response) else answer(request)


def html(status: int, text: str = "Starting") -> Response:
    return Response(status, f"<html><body>{text}</body></html>", content_type="text/html")
