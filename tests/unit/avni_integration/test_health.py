"""The probes say which part does not answer, to anybody who asks, and nothing more."""

from __future__ import annotations

import pytest
from django.test import Client

from avni_integration.celery import app
from tests.services.servers import free_port


@pytest.mark.core
def test_live_answers_without_log_in(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_when_database_and_broker_answer(client: Client, broker: str) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"database": "ok", "broker": "ok"})


@pytest.mark.django_db
def test_not_ready_without_a_broker_and_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.conf, "broker_write_url", f"redis://user:secret@127.0.0.1:{free_port()}/0")
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (503, {"database": "ok", "broker": "unreachable"})
