"""Settings that would harm are refused before anything runs, each by its id."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
from cryptography.fernet import Fernet
from django.core.checks import CheckMessage
from pytest_django import Settings

import avni.client
import bahmni.openmrs
from avni_integration import checks
from avni_integration.settings.security import DEVELOPMENT_KEY
from engine import work
from engine.lease import LONGEST_WRITE
from engine.suspects import GRACE

POSTGRESQL = {"default": {"ENGINE": "django.db.backends.postgresql"}}
SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3"}}


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.mark.parametrize("keys", [[], ["not a key"], [Fernet.generate_key().decode(), "dG9vIHNob3J0"]])
def test_unusable_encryption_keys_are_refused(settings: Settings, keys: list[str]) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys
    assert ids(checks.encryption_keys_are_fernet_keys(None)) == ["integration.E001"]


def test_an_unusable_key_is_named_by_its_place_only(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), "half-a-secret"]
    (message,) = checks.encryption_keys_are_fernet_keys(None)
    assert "key number 2" in message.msg
    assert "half-a-secret" not in message.msg


def test_usable_encryption_keys_pass(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), Fernet.generate_key().decode()]
    assert checks.encryption_keys_are_fernet_keys(None) == []


def test_one_key_for_both_purposes_is_refused(settings: Settings) -> None:
    settings.SECRET_KEY = settings.FIELD_ENCRYPTION_KEYS[0]
    assert ids(checks.keys_are_kept_apart(None)) == ["integration.E002"]


def test_development_keys_are_refused_without_debug(settings: Settings) -> None:
    settings.DEBUG = False
    settings.SECRET_KEY = "long enough and our own"
    settings.FIELD_ENCRYPTION_KEYS = [DEVELOPMENT_KEY]
    assert ids(checks.development_keys_stay_at_home(None)) == ["integration.E003"]


def test_development_keys_pass_while_developing(settings: Settings) -> None:
    settings.DEBUG = True
    settings.FIELD_ENCRYPTION_KEYS = [DEVELOPMENT_KEY]
    assert checks.development_keys_stay_at_home(None) == []


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.parametrize(
    ("databases", "processes", "expected"),
    [(SQLITE, 1, []), (SQLITE, 2, ["integration.E004"]), (POSTGRESQL, 4, [])],
)
def test_sqlite_bears_one_worker_process(
    settings: Settings, databases: dict[str, dict[str, str]], processes: int, expected: list[str]
) -> None:
    settings.DATABASES = databases
    settings.CELERY_WORKER_CONCURRENCY = processes
    assert ids(checks.sqlite_has_one_worker(None)) == expected


LONGEST = checks.longest_task()


@pytest.mark.parametrize(
    ("soft", "hard", "visibility"),
    [
        (LONGEST, LONGEST + 40, LONGEST + 99),
        (180, LONGEST + 40, LONGEST + 99),
        (LONGEST + 40, LONGEST + 40, LONGEST + 99),
        (LONGEST + 50, LONGEST + 40, LONGEST + 99),
        (LONGEST + 1, LONGEST + 40, LONGEST + 40),
        (LONGEST + 1, GRACE.total_seconds(), 9999),
    ],
    ids=[
        "a slow task is cut off", "far too short", "soft is hard", "soft after hard", "two workers", "two writers",
    ],
)  # fmt: skip
def test_time_limits_out_of_order_are_refused(settings: Settings, soft: int, hard: int, visibility: int) -> None:
    settings.CELERY_TASK_SOFT_TIME_LIMIT = soft
    settings.CELERY_TASK_TIME_LIMIT = hard
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": visibility}
    assert set(ids(checks.time_limits_are_ordered(None))) == {"integration.E005"}


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (work, "LONGEST", 300.0),
        (work, "LONGEST_ROUND", 300.0),
        (checks, "DURATION", timedelta(seconds=600)),
        (checks, "DURATION", timedelta(seconds=200)),
        (checks, "GRACE", timedelta(minutes=5)),
    ],
)
def test_what_the_limits_follow_from_is_added_up_anew(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, value: object
) -> None:
    monkeypatch.setattr(module, name, value)
    assert "integration.E005" in ids(checks.time_limits_are_ordered(None))


def test_a_request_to_either_server_is_shorter_than_what_the_lease_leaves_room_for() -> None:
    assert (avni.client.TIMEOUTS.read, bahmni.openmrs.TIMEOUTS.read) == (120, 60)
    assert max(avni.client.TIMEOUTS.longest, bahmni.openmrs.TIMEOUTS.longest) < LONGEST_WRITE.total_seconds()


def test_the_limits_as_they_are_pass() -> None:
    assert checks.time_limits_are_ordered(None) == []
