"""What a posted list of observations does to an encounter (openmrs.md O75 to O85).

Nothing is written before everything has been read and found valid. A live row is never changed:
an edit voids it and writes another row with a new uuid; an edited group drags its members along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from simulators.bahmni import dates
from simulators.bahmni.bodies import Body, find, flag, given_uuid, maps, text
from simulators.bahmni.errors import ApiError, bad_value, duplicate, invalid, server_error
from simulators.bahmni.model import Concept, Encounter, Obs
from simulators.bahmni.state import State
from simulators.bahmni.values import JAVA_OBS, LOCATION_COMMENT, named_drug, read_value

__all__ = ["ObsChanges"]

PROPERTIES = frozenset(
    {
        "uuid",
        "concept",
        "value",
        "valueCodedName",
        "valueModifier",
        "groupMembers",
        "obsDatetime",
        "comment",
        "order",
        "location",
        "accessionNumber",
        "interpretation",
        "status",
        "formFieldPath",
        "formFieldNamespace",
        "voided",
        "person",
        "encounter",
        "obsGroup",
        "display",
        "links",
        "resourceVersion",
    }
)
PLAIN = {
    "comment": "comment",
    "accessionNumber": "accession_number",
    "interpretation": "interpretation",
    "formFieldPath": "form_field_path",
    "formFieldNamespace": "form_field_namespace",
}


@dataclass
class ObsChanges:
    """The changes one request makes to the observations of one encounter."""

    state: State
    encounter: Encounter
    fresh: list[Obs] = field(default_factory=list)
    """New rows; `group` may name a row that is re-issued in the same request."""
    edits: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Changed columns of existing rows, by uuid; empty: listed but not changed."""
    voids: dict[str, str] = field(default_factory=dict)
    """Reasons by the uuid of the row to be voided."""

    def read(self, body: Body) -> None:
        """Take in the `obs` of a posted encounter. Raises 400; writes nothing."""
        for each in maps(body, "obs"):
            self._read_one(each, None)

    def _read_one(self, body: Body, group: str | None) -> None:
        if unknown := set(body) - PROPERTIES:
            raise bad_value(min(unknown), JAVA_OBS, "unknown property")
        row = self.state.obs.get(given_uuid(body) or "")
        if row is None:
            self._read_new(body, group)
        else:
            self._read_edit(row, body)

    def _read_new(self, body: Body, group: str | None) -> None:
        concept = self._concept(body)
        encounter = self.encounter
        row = Obs(
            given_uuid(body) or str(uuid4()),
            concept.uuid,
            encounter.patient,
            encounter.uuid,
            encounter.moment,
            group,
            location=encounter.location,
            audit=self.state.created(),
        )
        if any(each.uuid == row.uuid for each in self.fresh):
            raise duplicate("obs", row.uuid)
        for column, value in self._columns(body, concept).items():
            setattr(row, column, value)
        row.voided = flag(body.get("voided"))
        members = maps(body, "groupMembers")
        if not members and "value" not in body:
            raise invalid(("groupMembers", "error.noValue"))
        self.fresh.append(row)
        self._read_members(members, row.uuid)

    def _read_members(self, members: list[Body], group: str) -> None:
        for member in members:
            try:
                self._read_one(member, group)
            except ApiError as error:
                if "fieldErrors" in error.body["error"]:
                    raise invalid(("groupMembers", "Obs.error.inGroupMember")) from None
                raise

    def _read_edit(self, row: Obs, body: Body) -> None:
        concept = self._concept(body) if "concept" in body else self.state.concepts[row.concept]
        columns = self._columns(body, concept)
        columns["concept"] = concept.uuid
        changed = {name: value for name, value in columns.items() if getattr(row, name) != value}
        voided = body.get("voided")
        if voided is not None and flag(voided) and not row.voided:
            self.voids[row.uuid] = ""
        elif row.voided and voided is not None and not flag(voided):
            self.edits[row.uuid] = {**changed, "voided": False}
        else:
            self.edits[row.uuid] = changed
        self._read_members(maps(body, "groupMembers"), row.uuid)

    def _concept(self, body: Body) -> Concept:
        value = body.get("concept")
        if value is None:
            raise invalid(("concept", "error.null"))
        if isinstance(value, Mapping):
            raise bad_value("concept", JAVA_OBS, "only a uuid is accepted")
        concept = find(self.state.concepts, value)
        if concept is None:
            raise bad_value("concept", JAVA_OBS, "the concept does not exist")
        return concept

    def _columns(self, body: Body, concept: Concept) -> dict[str, Any]:
        """The columns a map sets, in stored form."""
        state = self.state
        columns: dict[str, Any] = {column: text(body[name]) for name, column in PLAIN.items() if name in body}
        if "value" in body and not (body["value"] is None and body.get("groupMembers")):
            columns["value"] = read_value(state, concept, body["value"])
            columns["drug"] = named_drug(state, concept, body["value"])
            if concept.datatype == "Text" and columns["value"] in state.locations:
                columns["comment"] = LOCATION_COMMENT
        if body.get("obsDatetime") is not None:
            columns["moment"] = dates.read(body["obsDatetime"], state.settings.zone)
        if "location" in body:
            location = find(state.locations, body["location"])
            columns["location"] = location.uuid if location else None
        if "order" in body:
            order = find(state.orders, body["order"])
            columns["order"] = order.uuid if order else None
        return columns

    def shift(self, before: datetime, after: datetime) -> None:
        """The encounter moved in time: every row that stood at its old time moves along."""
        for row in self.state.obs_of(self.encounter.uuid):
            if not row.voided and row.moment == before:
                self.edits.setdefault(row.uuid, {}).setdefault("moment", after)

    def relocate(self, before: str | None, after: str | None) -> None:
        """The encounter moved to another place. Raises 500 when a row stands nowhere."""
        for row in self.state.obs_of(self.encounter.uuid):
            if row.voided:
                continue
            if row.location is None:
                raise server_error("java.lang.NullPointerException")
            if row.location == before:
                self.edits.setdefault(row.uuid, {}).setdefault("location", after)

    # writing

    def write(self) -> bool:
        """Carry the changes out; True when any row changed."""
        state = self.state
        existing = list(state.obs_of(self.encounter.uuid))
        known = {row.uuid for row in existing}
        foreign = [state.obs[uuid] for uuid in self.edits if uuid not in known]
        for uuid, reason in self.voids.items():
            self._void(state.obs[uuid], reason)
        renamed: dict[str, str] = {}
        changed = bool(self.voids or self.fresh)
        for row in _parents_first([*existing, *foreign]):
            changed |= self._apply(row, renamed)
        for row in self.fresh:
            row.group = renamed.get(row.group or "", row.group)
            state.insert_obs(row)
        return changed

    def _void(self, row: Obs, reason: str) -> None:
        """A nested `voided: true`; a group takes its members with it."""
        row.voided = True
        self.state.strike(row.audit, reason)
        for member in self.state.members(row):
            if not member.voided:
                self._void(member, reason)

    def _apply(self, row: Obs, renamed: dict[str, str]) -> bool:
        edit = dict(self.edits.get(row.uuid, {}))
        revive = edit.pop("voided", None) is False
        dragged = row.group in renamed
        if row.voided and not revive:
            for column, value in edit.items():  # lands in the voided row; nobody sees it
                setattr(row, column, value)
            return False
        if revive and not edit:
            row.voided = False
            self.state.unstrike(row.audit)
            return True
        if not edit and not dragged:
            return False
        fresh = replace(
            row,
            uuid=str(uuid4()),
            group=renamed.get(row.group or "", row.group),
            status="AMENDED" if row.status == "FINAL" else row.status,
            previous_version=row.uuid,
            voided=False,
            audit=self.state.created(),
            **edit,
        )
        renamed[row.uuid] = fresh.uuid
        if not row.voided:
            row.voided = True
            self.state.strike(row.audit, f"amended by {fresh.uuid}")
        self.state.insert_obs(fresh)
        return True


def _parents_first(rows: list[Obs]) -> list[Obs]:
    """Groups before their members, else in the order given."""
    by_group: dict[str | None, list[Obs]] = {}
    known = {row.uuid for row in rows}
    for row in rows:
        by_group.setdefault(row.group if row.group in known else None, []).append(row)
    ordered: list[Obs] = []
    waiting = list(reversed(by_group.get(None, [])))
    while waiting:
        row = waiting.pop()
        ordered.append(row)
        waiting.extend(reversed(by_group.get(row.uuid, [])))
    return ordered
