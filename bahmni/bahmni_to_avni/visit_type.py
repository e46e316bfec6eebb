"""The kind of visit an encounter stands in: from some only, laboratory results and prescriptions go to Avni. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bahmni import vocabulary as v
from mappings.snapshot import Snapshot


def is_outpatient(encounter: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Whether its visit is of one of the types in the constant OutpatientVisitTypes; one without a visit is not."""
    visit = encounter.get("visit") or {}
    return (visit.get("visitType") or {}).get("uuid") in snapshot.constants.get(v.OUTPATIENT, ())
