"""The rows of a prepared database, kept beside it: put back in milliseconds, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

BEGIN = "kept_"


class KeptRows:
    """Copies of all tables that had rows when it was made, or get some later."""

    def __init__(self) -> None:
        self.tables = [name for name in connection.introspection.table_names() if not name.startswith(BEGIN)]
        with connection.cursor() as cursor:
            for table in self.tables:
                cursor.execute(f"CREATE TABLE {_kept(table)} AS SELECT * FROM {_quoted(table)}")

    def put_back(self) -> None:
        """Every table as it was; numbers of rows go on counting. In one transaction: references hold at its end."""
        with transaction.atomic(), connection.cursor() as cursor:
            for table in self._changed():
                cursor.execute(f"DELETE FROM {_quoted(table)}")
                cursor.execute(f"INSERT INTO {_quoted(table)} SELECT * FROM {_kept(table)}")

    def drop(self) -> None:
        """Take the copies away."""
        with connection.cursor() as cursor:
            for table in self.tables:
                cursor.execute(f"DROP TABLE {_kept(table)}")

    def _changed(self) -> list[str]:
        with connection.cursor() as cursor:
            parts = [
                f"SELECT '{table}' WHERE EXISTS (SELECT * FROM {one} EXCEPT SELECT * FROM {other})"
                for table in self.tables
                for one, other in ((_quoted(table), _kept(table)), (_kept(table), _quoted(table)))
            ]
            cursor.execute(" UNION ALL ".join(parts))
            return sorted({row[0] for row in cursor.fetchall()})


@contextmanager
def kept_rows() -> Iterator[KeptRows]:
    """The database as it stands now, for as long as the block lasts."""
    kept = KeptRows()
    try:
        yield kept
    finally:
        kept.drop()


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)


def _kept(table: str) -> str:
    return _quoted(f"{BEGIN}{table}")
