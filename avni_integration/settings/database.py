"""The database: PostgreSQL in production, SQLite for one host with one worker process.

No connection is kept between requests or tasks beyond `CONN_MAX_AGE`, and none is held while a remote server answers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from avni_integration.settings import env
from avni_integration.settings.base import BASE_DIR

__all__ = ["DATABASES", "DATABASE_URL"]

SHAPES = "postgres://user:password@host:port/name or sqlite:///path"


def parse_database_url(url: str) -> dict[str, Any]:
    """The Django database settings that `url` names.

    `postgres://user:password@host:port/name?sslmode=require` (every part but the name may be missing; a query
    parameter becomes a libpq option, and `host=/directory` names a unix socket), `sqlite:///relative/path` or
    `sqlite:////absolute/path`. Raises ImproperlyConfigured, never repeating the URL: it holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"DATABASE_URL is not a URL of the form {SHAPES}.") from None
    name = unquote(parts.path[1:])
    if not name:
        raise ImproperlyConfigured(f"DATABASE_URL names no database; it must look like {SHAPES}.")
    if parts.scheme == "sqlite":
        return sqlite(name)
    if parts.scheme in {"postgres", "postgresql"}:
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", unquote(parts.hostname or "")),
            "PORT": options.pop("port", str(port or "")),
            "OPTIONS": options,
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured(f"DATABASE_URL has an unknown scheme; it must look like {SHAPES}.")


def sqlite(name: str) -> dict[str, Any]:
    """The settings of a SQLite file on a local disk."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": {
            # Take the write lock when a transaction begins: a reader that becomes a writer in mid-transaction is
            # refused at once by SQLite, whatever the time-out.
            "transaction_mode": "IMMEDIATE",
            # Wait for another process's write (seconds) instead of failing with "database is locked".
            "timeout": 20,
            # WAL: the admin reads while the worker writes. NORMAL survives a killed process; only a power cut can
            # take the last commits, and every one of them can be repeated.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        # A test database is a file as well: several threads and processes look at it.
        "TEST": {"NAME": None},
    }


DATABASE_URL = env.secret("DATABASE_URL")
DATABASES = {
    "default": parse_database_url(DATABASE_URL) if DATABASE_URL else sqlite(str(BASE_DIR / "var" / "db.sqlite3")),
}
