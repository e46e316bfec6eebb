"""The database of a running Java service: read, never written. Its two layouts end here in one shape.

Everything is read in one read-only transaction, so that it fits together although the service may be running. The only
SQL of another product in this program; it stands on java-service.md J1 to J5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import psycopg2
from psycopg2 import extras, sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

Row = Mapping[str, Any]

CONNECT_SECONDS: Final = 10
STATEMENT_MILLISECONDS: Final = 60_000

OLD: Final = "old"
NEW: Final = "new"


class NotReadable(Exception):
    """The database cannot be read; the text says why and what to do, and holds no part of its address."""


@dataclass(frozen=True)
class Table:
    """Rows of one table that belong to the chosen system, by id. `of_others` counts those of other systems."""

    name: str
    rows: tuple[Row, ...]
    of_others: int = 0


@dataclass(frozen=True)
class JavaService:
    """What the database of a Java service says of one integration system."""

    layout: str
    system: str
    """Name of the integration system; empty in the old layout, which has but one."""
    tables: Mapping[str, Table]
    """By our word for them, see `_TABLES`; a table the database lacks has no rows."""
    unread: Mapping[str, int]
    """Tables of which nothing is taken over, with their number of rows."""

    def rows(self, word: str) -> tuple[Row, ...]:
        """Rows of a table."""
        return self.tables[word].rows


@dataclass(frozen=True)
class _Spec:
    """A table: its names by layout, our words for its columns with their names, and how a row tells its system."""

    names: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    system: str = ""
    """A condition with one place for the system's id."""


_OWN: Final = "integration_system_id = %s"
_OWN_OR_NOBODYS: Final = "(integration_system_id = %s OR integration_system_id IS NULL)"
_OF_AN_OWN_RECORD: Final = "error_record_id IN (SELECT id FROM error_record WHERE integration_system_id = %s)"
_COMMON: Final[Mapping[str, tuple[str, ...]]] = {"id": ("id",), "voided": ("is_voided",)}
_NAMED: Final[Mapping[str, tuple[str, ...]]] = {**_COMMON, "name": ("name",)}

_TABLES: Final[Mapping[str, _Spec]] = {
    "config": _Spec(
        ("integration_system_config",),
        {**_COMMON, "key": ("key",), "value": ("value",), "secret": ("is_secret",)},
        _OWN,
    ),
    "groups": _Spec(("mapping_group",), _NAMED, _OWN),
    "types": _Spec(("mapping_type",), _NAMED, _OWN),
    "mappings": _Spec(
        ("mapping_metadata",),
        {
            **_COMMON,
            "group_id": ("mapping_group_id",),
            "type_id": ("mapping_type_id",),
            "group": ("mapping_group_name", "mapping_group"),
            "type": ("mapping_name", "mapping_type"),
            "int": ("int_system_value", "bahmni_value"),
            "avni": ("avni_value",),
            "about": ("about",),
            "hint": ("data_type_hint",),
        },
        _OWN,
    ),
    "constants": _Spec(("constants",), {**_COMMON, "key": ("key",), "value": ("value",)}),
    "ignored": _Spec(
        ("ignored_integrating_concept", "ignored_bahmni_concept"),
        {**_COMMON, "concept": ("concept_id", "concept_uuid")},
    ),
    "avni_status": _Spec(
        ("avni_entity_status",), {**_COMMON, "entity": ("entity_type",), "time": ("read_upto",)}, _OWN
    ),
    "status": _Spec(
        ("integrating_entity_status", "bahmni_entity_status"),
        {
            **_COMMON,
            "entity": ("entity_type",),
            "time": ("read_upto_date_time",),
            "number": ("read_upto_numeric", "read_upto"),
        },
        _OWN_OR_NOBODYS,
    ),
    "error_types": _Spec(
        ("error_type",),
        {
            **_NAMED,
            "comparison": ("comparison_operator",),
            "comparison_value": ("comparison_value",),
            "follow_up": ("follow_up_step",),
        },
        _OWN,
    ),
    "errors": _Spec(
        ("error_record",),
        {
            **_COMMON,
            "avni_type": ("avni_entity_type",),
            "bahmni_type": ("integrating_entity_type", "bahmni_entity_type"),
            "entity": ("entity_id",),
            "disabled": ("processing_disabled",),
        },
        _OWN,
    ),
    # Neither message nor body of a log is read: they may hold what a patient said.
    "logs": _Spec(
        ("error_record_log",),
        {
            **_COMMON,
            "record": ("error_record_id",),
            "type_id": ("error_type_id",),
            "type": ("error_type",),
            "at": ("logged_at",),
        },
        _OF_AN_OWN_RECORD,
    ),
    "markers": _Spec(
        ("markers",),
        {
            **_COMMON,
            "feed": ("feed_uri",),
            "page": ("feed_uri_for_last_read_entry",),
            "entry": ("last_read_entry_id",),
        },
    ),
    "failed_events": _Spec(
        ("failed_events",),
        {
            **_COMMON,
            "feed": ("feed_uri",),
            "at": ("failed_at",),
            "content": ("event_content",),
            "title": ("title",),
            "retries": ("retries",),
        },
    ),
}


def read(address: str, system: str = "") -> JavaService:
    """Read the database at `address` (a PostgreSQL URL). `system` names the integration system where there are several.

    Raises NotReadable.
    """
    try:
        with (
            closing(_connect(address)) as connection,
            connection.cursor(cursor_factory=extras.RealDictCursor) as cursor,
        ):
            return _Reading(cursor).service(system)
    except psycopg2.errors.InsufficientPrivilege:
        raise NotReadable(
            "The user of this address may not read a table of the Java service. Use that service's own user, or grant "
            "SELECT on all its tables."
        ) from None
    except psycopg2.errors.QueryCanceled:
        raise NotReadable("The database did not answer in time. Try again when it has less to do.") from None
    except psycopg2.Error as failure:
        raise NotReadable(f"The database could not be read ({type(failure).__name__}).") from None


def _connect(address: str) -> Any:
    address = address.removeprefix("jdbc:")
    try:
        connection = psycopg2.connect(
            address,
            connect_timeout=CONNECT_SECONDS,
            application_name="avni-integration take-over",
            options=f"-c statement_timeout={STATEMENT_MILLISECONDS} -c default_transaction_read_only=on",
        )
    except (psycopg2.Error, UnicodeError):  # its text may repeat the address with the password
        raise NotReadable(
            "The database cannot be reached. Check host, port, name, user and password of the address; it looks like "
            "postgresql://user:password@host:5432/avni_int."
        ) from None
    connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
    return connection


class _Reading:
    """One reading, in one transaction."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._columns: dict[str, set[str]] = {}
        rows = self._all(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = ANY (current_schemas(false))"
        )
        for row in rows:
            self._columns.setdefault(row["table_name"], set()).add(row["column_name"])

    def service(self, system: str) -> JavaService:
        if "mapping_metadata" not in self._columns or "error_record" not in self._columns:
            raise NotReadable(
                "This is no database of the Java service: it has no tables mapping_metadata and error_record. Check "
                "the name of the database at the end of the address."
            )
        layout = NEW if "integration_system" in self._columns else OLD
        identity, name = self._system(system) if layout == NEW else (None, "")
        if layout == OLD and system:
            raise NotReadable("This database is of the old service, which knows one system only: leave --system out.")
        tables = {word: self._table(spec, identity) for word, spec in _TABLES.items()}
        taken = {table.name for table in tables.values()} | {"integration_system"}
        unread = {name: self._count(name) for name in sorted(self._columns.keys() - taken)}
        return JavaService(layout, name, tables, unread)

    def _system(self, wanted: str) -> tuple[int, str]:
        columns = self._columns["integration_system"]
        kind = sql.Identifier("system_type" if "system_type" in columns else "name")
        voided = sql.SQL("coalesce(is_voided, false)" if "is_voided" in columns else "false")
        rows = self._all(
            sql.SQL("SELECT id, name, {} AS kind, {} AS voided FROM integration_system ORDER BY id").format(
                kind, voided
            )
        )
        ours = [row for row in rows if row["kind"] == "bahmni"]
        found = [row for row in ours if row["name"] == wanted] if wanted else [row for row in ours if not row["voided"]]
        if len(found) == 1:
            return found[0]["id"], found[0]["name"]
        names = ", ".join(repr(row["name"]) for row in ours) or "none"
        if wanted:
            raise NotReadable(f"There is no integration system {wanted!r} for Bahmni in it. Those for Bahmni: {names}.")
        raise NotReadable(f"Say with --system which integration system is meant. Those for Bahmni: {names}.")

    def _table(self, spec: _Spec, system: int | None) -> Table:
        name = next((name for name in spec.names if name in self._columns), "")
        if not name:
            return Table(spec.names[0], ())
        there = self._columns[name]
        chosen = [
            sql.SQL("{} AS {}").format(sql.Identifier(column), sql.Identifier(word))
            for word, candidates in spec.columns.items()
            for column in [next((one for one in candidates if one in there), "")]
            if column
        ]
        condition = sql.SQL(spec.system if spec.system and system is not None else "true")
        statement = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY id").format(
            sql.SQL(", ").join(chosen), sql.Identifier(name), condition
        )
        rows = self._all(statement, (system,) if spec.system and system is not None else ())
        return Table(name, tuple(rows), self._count(name) - len(rows))

    def _count(self, table: str) -> int:
        return int(self._all(sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier(table)))[0]["n"])

    def _all(self, statement: Any, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        self._cursor.execute(statement, values)
        return [dict(row) for row in self._cursor.fetchall()]
