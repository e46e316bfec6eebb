"""A log line tells where something failed, and nothing of whom it was about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db.utils import IntegrityError, OperationalError

from avni_integration.logs import name_exceptions


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """The exception with a traceback."""
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


def logged(error: Exception) -> list[dict[str, Any]]:
    event = name_exceptions(None, "error", {"event": "task.failed", "exc_info": error})
    exceptions: list[dict[str, Any]] = event["exception"]
    return exceptions


def test_the_text_of_an_exception_stays_out_of_the_log() -> None:
    described = logged(raised(IntegrityError("Key (name)=(Asha Rao) already exists.")))
    assert described[0]["class"] == "django.db.utils.IntegrityError"
    assert "Asha" not in json.dumps(described)


def test_the_text_of_a_cause_stays_out_as_well() -> None:
    described = logged(raised(RuntimeError("while saving"), raised(ValueError("Asha Rao"))))
    assert [link["class"] for link in described] == ["builtins.RuntimeError", "builtins.ValueError"]
    assert "Asha" not in json.dumps(described)


def test_the_place_is_told() -> None:
    (described,) = logged(raised(ValueError("x")))
    assert "test_logs.py" in described["frames"][-1]
    assert described["frames"][-1].endswith(" raised")


def test_an_unreachable_database_is_quoted() -> None:
    (described,) = logged(raised(OperationalError("connection refused")))
    assert described["text"] == "connection refused"


def test_a_line_without_exception_stays_as_it_is() -> None:
    assert name_exceptions(None, "info", {"event": "run.finished"}) == {"event": "run.finished"}
