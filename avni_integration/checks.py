"""What is refused at start, with an id and a remedy. `bin/entrypoint` runs these before every entry point.

A key that is missing altogether is refused earlier, while the settings are read (`settings.security`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from avni_integration.settings.security import DEVELOPMENT_KEY
from engine import rounds, work
from engine.lease import DURATION, LONGEST_WRITE
from engine.suspects import GRACE


@register(Tags.security)
def encryption_keys_are_fernet_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """E001: every key of `FIELD_ENCRYPTION_KEYS` can encrypt."""
    unusable = [place for place, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1) if not is_fernet_key(key)]
    if settings.FIELD_ENCRYPTION_KEYS and not unusable:
        return []
    which = f"key number {unusable[0]} is not one" if unusable else "it holds none"
    return [
        Error(
            f"FIELD_ENCRYPTION_KEYS must be a comma-separated list of Fernet keys; {which}.",
            hint="Make one: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
            id="integration.E001",
        )
    ]


@register(Tags.security)
def keys_are_kept_apart(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """E002: the key of the web sessions does not open the stored passwords."""
    if settings.SECRET_KEY not in settings.FIELD_ENCRYPTION_KEYS:
        return []
    return [
        Error(
            "DJANGO_SECRET_KEY is also one of FIELD_ENCRYPTION_KEYS.",
            hint="Make a key of its own for each: rotating one must never cost the other.",
            id="integration.E002",
        )
    ]


@register(Tags.security)
def development_keys_stay_at_home(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """E003: the keys that everybody can read in the source protect nothing."""
    known = [key for key in (settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEYS) if DEVELOPMENT_KEY in key]
    if settings.DEBUG or not known:
        return []
    return [
        Error(
            "DJANGO_SECRET_KEY or FIELD_ENCRYPTION_KEYS holds a development key.",
            hint="Make keys of your own; the development keys stand in the source.",
            id="integration.E003",
        )
    ]


@register()
def sqlite_has_one_worker(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """E004: SQLite bears one worker process."""
    on_sqlite = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    if not on_sqlite or settings.CELERY_WORKER_CONCURRENCY <= 1:
        return []
    return [
        Error(
            f"WORKER_CONCURRENCY is {settings.CELERY_WORKER_CONCURRENCY}, but SQLite bears one worker process.",
            hint="Set WORKER_CONCURRENCY=1, or DATABASE_URL to a PostgreSQL database.",
            id="integration.E004",
        )
    ]


@register()
def time_limits_are_ordered(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """E005: a task ends by itself, else before it is killed, and is killed before anybody else may have its work."""
    spans = [
        ("a request with its sign-in", LONGEST_WRITE.total_seconds()),
        ("a lease", DURATION.total_seconds()),
        ("a task at its longest", longest_task()),
        ("the soft time limit", settings.CELERY_TASK_SOFT_TIME_LIMIT),
        ("the hard one", settings.CELERY_TASK_TIME_LIMIT),
    ]
    visibility = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    after_all = [("the visibility time-out", visibility), ("the grace time after a take-over", GRACE.total_seconds())]
    pairs = [*pairwise(spans), *((spans[-1], one) for one in after_all)]
    return [
        Error(
            f"{shorter} ({short:g} s) must be shorter than {longer} ({long:g} s).",
            hint="Otherwise two workers hold the same work at once, or slow work is cut off each time it is tried.",
            id="integration.E005",
        )
        for (shorter, short), (longer, long) in pairs
        if short >= long
    ]


def longest_task() -> float:
    """Seconds after which a task has ended by itself: its last page asked for at the last moment, and its batch."""
    last_page = max(work.LONGEST, work.LONGEST_ROUND + rounds.SECONDS)
    return last_page + (LONGEST_WRITE + DURATION).total_seconds()


def is_fernet_key(key: str) -> bool:
    """Whether `key` is 32 bytes in URL-safe base64."""
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
