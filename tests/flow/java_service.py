"""Databases of a Java service for tests: its literal schema, with the rows of the fixture or with a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from django.db import connection

FOLDER = Path(__file__).parents[1] / "fixtures" / "java_service"


@dataclass(frozen=True)
class JavaDatabase:
    """A database of its own beside the one under test."""

    address: str

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        """Change something in it, as the Java service or a person would."""
        with closing(psycopg2.connect(self.address)) as link, link, link.cursor() as cursor:
            cursor.execute(statement, values)

    def ask(self, statement: str) -> Any:
        """The first value a query gives."""
        with closing(psycopg2.connect(self.address)) as link, link.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
            return row[0] if row else None

    def content(self) -> str:
        """All its rows as text: equal before and after, nothing was written."""
        with closing(psycopg2.connect(self.address)) as link, link.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
            said = []
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
                said += [f"{table}: {row[0]}" for row in cursor.fetchall()]
            return "\n".join(said)


@contextmanager
def java_database(layout: str, *, rows: bool = True) -> Iterator[JavaDatabase]:
    """A database in this layout, with the fixture's rows or with none."""
    if connection.vendor != "postgresql":
        pytest.skip("the Java service keeps its data in PostgreSQL")
    settings = connection.settings_dict
    server = {
        "host": settings["HOST"],
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "port": settings["PORT"],
    }
    server = {key: value for key, value in server.items() if value}
    name = f"java_{uuid4().hex[:12]}"
    text = (FOLDER / f"{layout}.sql").read_text(encoding="utf-8")
    with closing(psycopg2.connect(dbname="postgres", **server)) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            database = JavaDatabase(psycopg2.extensions.make_dsn(dbname=name, **server))
            try:
                database.run(text if rows else text.partition("\n-- rows\n")[0])
                yield database
            finally:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
