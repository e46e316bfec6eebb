"""What is not ours stands as it stood: every column of every row."""

from __future__ import annotations

from collections.abc import Iterator

from simulators.comparer.findings import Finding, State
from simulators.comparer.tables import Row, creator
from simulators.scenario import Correspondence

__all__ = ["foreign_rows"]

_DESIGNED = (
    "concepts", "locations", "providers", "encounter_types", "encounter_roles", "visit_types",
    "visit_attribute_types", "person_attribute_types", "identifier_types",
)  # fmt: skip
_RECORDS = ("persons", "patients", "visits", "encounters", "obs")


def foreign_rows(
    avni_before: State, avni_after: State, bahmni_before: State, bahmni_after: State, pairs: Correspondence
) -> Iterator[Finding]:
    """Rows of others, and all metadata, that changed or vanished."""
    for table in (*_DESIGNED, *_RECORDS):
        foreign = [row for row in bahmni_before[table] if not _is_ours(row, pairs)]
        yield from _compared(f"{table} in Bahmni", foreign, bahmni_after[table])
        if table in _DESIGNED:
            yield from _compared(f"{table} in Bahmni", bahmni_after[table], bahmni_before[table])
    yield from _compared("subjects in Avni", avni_before["subjects"], avni_after["subjects"])
    yield from _compared("subjects in Avni", avni_after["subjects"], avni_before["subjects"])
    for table in ("enrolments", "program_encounters"):
        theirs = [row for row in avni_before[table] if row["created_by"] != pairs.avni_user]
        yield from _compared(f"{table} in Avni", theirs, avni_after[table])
    foreign = [row for row in avni_before["encounters"] if row["created_by"] != pairs.avni_user]
    # What stood for a patient or a form before our time is ours to keep up to date.
    foreign = [row for row in foreign if row["kind"] not in (pairs.hospital_registration, *pairs.forms.values())]
    yield from _compared("encounters in Avni", foreign, avni_after["encounters"])
    if avni_before["organisations"] != avni_after["organisations"]:
        yield Finding("foreign-changed", "organisations in Avni", "what was designed there")


def _is_ours(row: Row, pairs: Correspondence) -> bool:
    return "audit" in row and creator(row) == pairs.hospital.user


def _compared(table: str, before: list[Row], after: list[Row]) -> Iterator[Finding]:
    there = {row["uuid"]: row for row in after}
    for row in before:
        now = there.get(row["uuid"])
        if now is None:
            yield Finding("foreign-gone", f"{table} {row['uuid']}", "stands on one side of the run only")
        elif now != row:
            changed = ", ".join(sorted(column for column in row if row[column] != now[column]))
            yield Finding("foreign-changed", f"{table} {row['uuid']}", f"columns {changed}")
