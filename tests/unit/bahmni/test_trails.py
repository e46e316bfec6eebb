from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from avni.client import AvniPage
from avni.windows import window_start
from bahmni import vocabulary as v
from bahmni.takeover.trails import _origins


def test_rows_without_answers_keep_no_others_from_being_met() -> None:
    audit = {"Last modified at": "2026-01-05T06:00:00.000Z"}
    rows: list[dict[str, Any]] = [
        {"ID": "1", "audit": audit},
        {"ID": "2", "audit": audit, "observations": None},
        {"ID": "3", "audit": audit, "observations": {"Marker": "origin"}},
    ]
    page = AvniPage(rows, 1, datetime(2026, 1, 6, tzinfo=UTC))
    pages = _origins("Marker", "Vitals", lambda since, number, size: page, dict(window_start(v.LONG_AGO)))
    assert [change.entity_id for one in pages for change in one.changes] == ["origin"]
