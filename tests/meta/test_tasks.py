"""A stream without a task of its own is never woken: its messages reach nobody, and retries wait for a schedule."""

from __future__ import annotations

import pytest

from avni_integration.celery import app
from engine.registry import connectors

TASKS = [
    f"{connector.key}.sync.{stream.key}"
    for connector in connectors().values()
    for flow in connector.flows
    for stream in flow.streams
]


@pytest.mark.parametrize("name", TASKS)
def test_every_stream_has_the_task_that_its_bell_calls(name: str) -> None:
    app.loader.import_default_modules()
    assert name in app.tasks
