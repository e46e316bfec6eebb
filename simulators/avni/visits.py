"""What writing general encounters and program encounters has in common (avni.md A13 to A18)."""

from __future__ import annotations

from typing import Any

from simulators.avni import fields, observations, render
from simulators.avni.errors import illegal_argument, invalid
from simulators.avni.metadata import EncounterType, Organisation, User
from simulators.avni.rows import VisitRow
from simulators.avni.saving import guard_external_id, stamped
from simulators.avni.store import AvniStore
from simulators.avni.table import R, Table
from simulators.server import HttpError

TIMES = {
    "Encounter date time": "encounter_ms",
    "Earliest scheduled date": "earliest_ms",
    "Max scheduled date": "max_ms",
    "Cancel date time": "cancel_ms",
}
"""Keys of a document, and the fields of a row behind them."""


def encounter_type(organisation: Organisation, name: str | None) -> EncounterType:
    """The type of that name. Raises 500."""
    found = organisation.encounter_types.get(name or "")
    if found is None:
        raise illegal_argument(f"Encounter type not found with name '{name}'")
    return found


def content(store: AvniStore, organisation: Organisation, given: dict[str, Any], kind: EncounterType) -> dict[str, Any]:
    """The fields of a row as a POST or PUT gives them: what is not given becomes null, false or empty.

    Without an External ID the row keeps the one it has. Raises 500 without both maps, 400 for wrong kinds.
    """
    external_id = fields.external_id(given)
    return {
        "kind": kind.name,
        **({"external_id": external_id} if external_id else {}),
        "voided": fields.flag(given, "Voided"),
        "point": fields.point(given, render.coordinates_key(store.settings, "encounter")),
        "cancel_point": fields.point(given, "Cancel location"),
        "observations": observations.accept(organisation, given.get("observations")),
        "cancel_observations": observations.accept(organisation, given.get("cancelObservations"), "cancelObservations"),
        **{field: fields.moment(given, name) for name, field in TIMES.items()},
    }


def keep(store: AvniStore, user: User, table: Table[R], before: R | None, after: R) -> R:
    """Keep the row. Raises 409 for a taken External ID, 400 when the row has no time.

    On an existing row that 400 still keeps the change: the controller answers it in the
    normal way, so the transaction commits (avni.md A18).
    """
    timeless = isinstance(after, VisitRow) and after.encounter_ms is None and after.earliest_ms is None
    if timeless and before is None:
        raise _timeless()
    guard_external_id(table, after)
    row = store.save(stamped(store, user, before, after))
    if timeless:
        raise _timeless()
    return row


def _timeless() -> HttpError:
    return invalid("Encounter date time or earliest scheduled date is required")
