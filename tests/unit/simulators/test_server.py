"""The simulators' HTTP layer: answers, counters and the fault dial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from simulators.server import Faults, HttpError, Request, Response, Server


class Notebook:
    """Keeps what was posted to it; says nothing else."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def template(self, method: str, path: str) -> str:
        return "/line/{id}" if path.startswith("/line/") else path

    def handle(self, request: Request) -> Response:
        if request.method == "POST":
            self.lines.append(request.json())
            return Response(200, {"kept": len(self.lines)})
        if request.path == "/missing":
            raise HttpError(404, "no such page")
        if request.path == "/broken":
            raise KeyError("a mistake of the simulator")
        return Response(200, {"path": request.path, "query": request.query})


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def server(notebook: Notebook) -> Iterator[Server]:
    with Server(notebook, faults=Faults()) as running:
        yield running


def test_path_and_query_arrive_decoded(server: Server) -> None:
    answer = requests.get(server.base_url + "/line/a%20b?q=%E0%A4%85&q=2", timeout=5)
    assert answer.json() == {"path": "/line/a b", "query": {"q": ["अ", "2"]}}


def test_every_answer_carries_the_server_date(server: Server) -> None:
    assert "date" in requests.get(server.base_url + "/x", timeout=5).headers


def test_requests_are_counted_by_route_and_writes_apart(server: Server) -> None:
    requests.get(server.base_url + "/line/1", timeout=5)
    requests.get(server.base_url + "/line/2", timeout=5)
    requests.post(server.base_url + "/line/2", json=1, timeout=5)
    assert server.counts["GET", "/line/{id}"] == 2
    assert (server.requests, server.writes) == (3, 1)
    assert server.log[-1] == ("POST", "/line/2")


def test_an_http_error_becomes_the_answer(server: Server) -> None:
    answer = requests.get(server.base_url + "/missing", timeout=5)
    assert (answer.status_code, answer.text) == (404, "no such page")


def test_a_mistake_of_the_simulator_is_kept_apart(server: Server) -> None:
    answer = requests.get(server.base_url + "/broken", timeout=5)
    assert answer.headers["x-simulator-failure"] == "1"
    assert "KeyError" in server.failures[0]


@pytest.mark.parametrize(("action", "handled"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_leaves_the_client_without_an_answer(
    server: Server, notebook: Notebook, action: str, handled: int
) -> None:
    server.faults.plan("POST", "^/line", action)
    with pytest.raises(requests.ConnectionError):
        requests.post(server.base_url + "/line", json="a", timeout=5)
    assert len(notebook.lines) == handled
    assert server.faults.fired[action] == 1


def test_a_late_commit_happens_after_the_client_was_sent_away(server: Server, notebook: Notebook) -> None:
    server.faults.plan("POST", "/line", "late_commit", seconds=3600)
    with pytest.raises(requests.ConnectionError):
        requests.post(server.base_url + "/line", json="a", timeout=5)
    assert notebook.lines == []
    server.settle()
    assert notebook.lines == ["a"]


def test_a_plan_skips_then_fires_then_is_used_up(server: Server) -> None:
    server.faults.plan("GET", "/x$", "status:502", times=1, skip=1)
    statuses = [requests.get(server.base_url + "/x", timeout=5).status_code for _ in range(3)]
    assert statuses == [200, 502, 200]


def test_garbage_is_no_json_though_its_status_is_200(server: Server) -> None:
    server.faults.plan("GET", "/x", "garbage")
    answer = requests.get(server.base_url + "/x", timeout=5)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting"):
        answer.json()


def test_a_truncated_answer_was_handled(server: Server, notebook: Notebook) -> None:
    server.faults.plan("POST", "/line", "truncated")
    answer = requests.post(server.base_url + "/line", json="a", timeout=5)
    assert answer.status_code == 200
    assert not answer.text.endswith("}")
    assert notebook.lines == ["a"]


def test_a_slow_body_arrives_whole_in_the_end(server: Server, notebook: Notebook) -> None:
    server.faults.plan("POST", "/line", "slow_body:0.05")
    assert requests.post(server.base_url + "/line", json="a", timeout=5).json() == {"kept": 1}
    assert server.faults.fired["slow_body:0.05"] == 1


def test_a_gateway_error_may_hide_a_commit(server: Server, notebook: Notebook) -> None:
    server.faults.plan("POST", "/line", "status_after:504")
    assert requests.post(server.base_url + "/line", json="a", timeout=5).status_code == 504
    assert notebook.lines == ["a"]


def test_the_error_rate_is_the_same_for_the_same_seed(notebook: Notebook) -> None:
    runs = []
    for _ in range(2):
        with Server(notebook, faults=Faults(error_rate=0.5, seed=7)) as server:
            answers = [requests.get(server.base_url + "/x", timeout=5) for _ in range(20)]
            runs.append([answer.status_code for answer in answers])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


def test_a_stopped_server_cuts_kept_connections_and_comes_back_on_its_port(
    server: Server,
) -> None:
    with requests.Session() as session:
        session.get(server.base_url + "/x", timeout=5)
        server.stop()
        with pytest.raises(requests.ConnectionError):
            session.get(server.base_url + "/x", timeout=5)
        server.start()
        assert session.get(server.base_url + "/x", timeout=5).status_code == 200


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault"):
        Faults().plan("GET", "/", "explode")


def test_something_happens_once_just_before_a_request(server: Server, notebook: Notebook) -> None:
    server.faults.before("POST", "^/line$", lambda: notebook.lines.append("between"), skip=1)
    for number in range(4):
        requests.post(server.base_url + "/line", json=number, timeout=5)
    assert notebook.lines == [0, "between", 1, 2, 3]


def test_what_happens_before_other_requests_waits(server: Server, notebook: Notebook) -> None:
    server.faults.before("GET", "^/line$", lambda: notebook.lines.append("too early"))
    requests.post(server.base_url + "/line", json=1, timeout=5)
    server.faults.clear()
    requests.get(server.base_url + "/line", timeout=5)
    assert notebook.lines == [1]


def test_a_mistake_in_what_happens_before_a_request_is_kept_and_the_request_answered(server: Server) -> None:
    server.faults.before("*", "", [].pop)
    assert requests.get(server.base_url + "/x", timeout=5).status_code == 200
    assert "IndexError" in server.failures[0]
