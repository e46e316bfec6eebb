"""The probes say which part does not answer, to anybody who asks, and nothing more."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.core


def test_live_answers_without_log_in(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_when_database_and_broker_answer(client: Client, broker: str) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"database": "ok", "broker": "ok"})
