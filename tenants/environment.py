"""Which installation this is. A database that was copied finds itself in another one.

Unless the setting says it, the id is told by what a copy of the database does not carry along: PostgreSQL's own number
of its server and that of the database in it, or a file beside the database of SQLite. So all processes of an
installation agree without sharing a disk, and a dump that is loaded elsewhere is elsewhere.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.db import connection

FILE: Final = "environment-id"
"""Name of the file beside a SQLite database."""

_told: dict[str, str] = {}
"""By database: it does not change while a process lives."""


def environment_id() -> str:
    """The id of this installation, at most 100 characters. Asks the database once in the life of a process."""
    if settings.ENVIRONMENT_ID:
        return str(settings.ENVIRONMENT_ID)[:100]
    name = str(connection.settings_dict["NAME"])
    if name not in _told:
        _told[name] = _of_postgresql() if connection.vendor == "postgresql" else _of_file(name)
    return _told[name]


def forget() -> None:
    """Ask anew. For tests that copy databases."""
    _told.clear()


def _of_postgresql() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_function_privilege('pg_control_system()', 'EXECUTE'), "
            "(SELECT oid::text FROM pg_database WHERE datname = current_database())"
        )
        may_ask, database = cursor.fetchone()
        server = "server"
        if may_ask:  # everybody may, unless somebody took it away
            cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
            (server,) = cursor.fetchone()
    return f"postgresql-{server}-{database}"


def _of_file(database: str) -> str:
    if ":memory:" in database or "mode=memory" in database:
        return "sqlite-memory"
    file = Path(database).resolve().with_name(FILE)
    if not file.exists():
        mine = file.with_name(f"{FILE}.{uuid4().hex}")
        mine.write_text(f"sqlite-{uuid4()}\n", encoding="ascii")
        with suppress(FileExistsError):
            os.link(mine, file)  # whole or not at all, and the first one wins
        mine.unlink()
    return file.read_text(encoding="ascii").strip()[:100]
