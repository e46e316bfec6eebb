"""What a save from a clinician's screen does to visit, encounter, observations and orders (openmrs.md O114 to O122).

The document is taken in and checked as a whole before anything is written. Then it is written and the feed hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from simulators.bahmni import dates
from simulators.bahmni.bodies import Body, find, flag, given_uuid, maps
from simulators.bahmni.encounters import add_provider, claim_providers, validate_encounter
from simulators.bahmni.errors import ApiError, duplicate, invalid, not_simulated, server_error
from simulators.bahmni.model import Concept, Encounter, Metadata, Obs, Visit, VisitAttribute, VisitAttributeType
from simulators.bahmni.observations import ObsChanges
from simulators.bahmni.orders import OrderChanges
from simulators.bahmni.places import open_visit, surrounding_visit_location, visit_location
from simulators.bahmni.state import State

__all__ = ["find_transaction", "save_transaction"]

NOT_TAKEN = ("bahmniDiagnoses", "disposition", "accessionNotes")
VISIT_STATUS, ADMISSION_STATUS = "Visit Status", "Admission Status"
ADMISSION, DISCHARGE = "ADMISSION", "DISCHARGE"


def save_transaction(state: State, body: Body) -> Encounter:
    """POST /bahmnicore/bahmniencounter, and the feed event that follows.

    Raises 400 for what validation refuses and for orders that are over already, 500 for everything else.
    """
    for name in NOT_TAKEN:
        if body.get(name):
            raise not_simulated("POST /ws/rest/v1/bahmnicore/bahmniencounter", f"an encounter saved with {name}")
    if find(state.patients, body.get("patientUuid")) is None:
        raise server_error("java.lang.NullPointerException")
    moment = dates.read_either(body.get("encounterDateTime"), state.settings.zone) or dates.whole_second(state.now())
    kind = _encounter_type(state, body)
    visit = _choose_visit(state, body, moment)
    encounter = _choose_encounter(state, body, visit, kind, moment)
    for each in maps(body, "providers"):
        _add_provider(state, encounter, each)
    validate_encounter(state, encounter, visit)
    observations = _read_observations(state, encounter, body)
    orders = OrderChanges(state, encounter)
    orders.read(body)
    _note_status(state, visit, state.encounter_types[kind].name)
    _write(state, visit, encounter, observations, orders)
    state.encounter_stored(encounter)
    state.encounter_saved(encounter.uuid)
    return state.encounters[encounter.uuid]


def find_transaction(state: State, body: Body) -> Encounter | None:
    """POST /bahmnicore/bahmniencounter/find: the encounter that a save with these parameters would join.

    Raises 500 for an unknown patient and without `includeAll`.
    """
    if find(state.patients, body.get("patientUuid")) is None or body.get("includeAll") is None:
        raise server_error("java.lang.NullPointerException")
    moment = dates.read_either(body.get("encounterDateTimeTo"), state.settings.zone) or state.now()
    visit = None
    if not _is_past(state, moment):
        visit = open_visit(state, body["patientUuid"], visit_location(state, body.get("locationUuid")).uuid)
        if visit is None:
            return None
    kinds = body.get("encounterTypeUuids") or []
    providers = set(body.get("providerUuids") or [])
    wanted = _Session(body["patientUuid"], kinds[0] if kinds else None, body.get("locationUuid"), providers, moment)
    return wanted.find(state, visit)


# what is saved where


def _encounter_type(state: State, body: Body) -> str:
    """That of the encounter if it exists already; else by uuid, else by name. Raises 500."""
    known = find(state.encounters, body.get("encounterUuid"))
    if known is not None:
        return known.type
    kind = find(state.encounter_types, body.get("encounterTypeUuid"))
    kind = kind or _named(state.encounter_types, body.get("encounterType"))
    if kind is None:
        raise server_error("Encounter type not found.")
    return kind.uuid


def _named(table: Mapping[str, Any], name: Any) -> Any:
    return next((row for row in table.values() if row.name == name), None)


def _is_past(state: State, moment: datetime) -> bool:
    """Whether a moment lies before today, in the server's zone."""
    zone = state.settings.zone
    return moment.astimezone(zone).date() < state.now().astimezone(zone).date()


def _choose_visit(state: State, body: Body, moment: datetime) -> Visit:
    """The visit to save in: a copy of one there is, stretched if need be, or a new one not stored yet.

    Raises 500 for an unknown visit, visit type or place without a visit location.
    """
    kind = _visit_type(state, body)
    if _is_past(state, moment):
        return _past_visit(state, body, moment, kind)
    place = visit_location(state, body["locationUuid"]) if body.get("locationUuid") else None
    if body.get("visitUuid"):
        visit = find(state.visits, body["visitUuid"])
        if visit is None:
            raise server_error("java.lang.NullPointerException")
        return replace(visit)
    running = open_visit(state, body["patientUuid"], place.uuid if place else None)
    if running is not None:
        return replace(running)
    if kind is None:
        raise invalid(("visitType", "Visit.error.visitType.required"))
    where = place.uuid if place else None
    return Visit(str(uuid4()), body["patientUuid"], kind.uuid, moment, location=where, audit=state.created())


def _visit_type(state: State, body: Body) -> Metadata | None:
    kind = find(state.visit_types, body.get("visitTypeUuid"))
    if kind is None and body.get("visitTypeUuid"):
        raise server_error("Cannot find visit type with UUID null")
    return kind or _named(state.visit_types, body.get("visitType"))


def _past_visit(state: State, body: Body, moment: datetime, kind: Metadata | None) -> Visit:
    """Before today the visit that was sent does not count: one of that day at that place does, or a new one is made."""
    zone = state.settings.zone
    place = visit_location(state, body.get("locationUuid")).uuid
    tomorrow = dates.midnight(moment.astimezone(zone).date() + timedelta(days=1), zone)
    fitting = [
        row
        for row in sorted(state.visits_of(body["patientUuid"]), key=lambda each: each.start, reverse=True)
        if not row.voided
        and row.start < tomorrow
        and (row.stop is None or row.stop >= moment)
        and row.location in (None, place)
    ]
    if fitting:
        around = next((row for row in fitting if row.start <= moment), fitting[-1])
        return replace(around, start=min(around.start, moment), location=place)
    if kind is None:
        raise server_error(f"Visit type:'{body.get('visitType')}' not found.")
    stop = dates.whole_second(tomorrow - timedelta(seconds=1))
    return Visit(str(uuid4()), body["patientUuid"], kind.uuid, moment, stop, place, audit=state.created())


def _choose_encounter(state: State, body: Body, visit: Visit, kind: str, moment: datetime) -> Encounter:
    """The encounter to save: a copy of one in this visit, found by uuid or by session, or a new one not stored yet.

    Raises 500 when the uuid belongs to an encounter of another visit, or when several fit the session.
    """
    uuid = given_uuid(body.get("encounterUuid"))
    known = state.encounters.get(uuid or "")
    if uuid is None:
        providers = {str(each.get("uuid")) for each in maps(body, "providers")}
        wanted = _Session(body["patientUuid"], kind, body.get("locationUuid"), providers, moment)
        known = wanted.find(state, visit)
    elif known is not None and known.visit != visit.uuid:
        raise duplicate("encounter", uuid)
    if known is not None:
        return replace(known, providers=list(known.providers))
    place = find(state.locations, body.get("locationUuid"))
    where = place.uuid if place else None
    return Encounter(uuid or str(uuid4()), body["patientUuid"], kind, moment, visit.uuid, where, audit=state.created())


@dataclass(frozen=True)
class _Session:
    """Somebody at work: saves of the same kind, by the same people, at the same place, within the hour, are one."""

    patient: str
    kind: str | None
    location: str | None
    providers: set[str]
    moment: datetime

    def find(self, state: State, visit: Visit | None) -> Encounter | None:
        """The encounter of this session, in one visit if named. Raises 500 when there are several."""
        place = surrounding_visit_location(state, self.location)
        if place is None:
            return None
        found = [
            row
            for row in state.encounters_of(self.patient)
            if not row.voided
            and (visit is None or row.visit == visit.uuid)
            and self.kind in (None, row.type)
            and self._is_recent(state, row)
            and self._is_ours(state, row)
            and surrounding_visit_location(state, row.location) == place
        ]
        if len(found) > 1:
            raise server_error("More than one encounter matches the criteria")
        return found[0] if found else None

    def _is_recent(self, state: State, row: Encounter) -> bool:
        """Of the same day, and changed within the length of a session."""
        zone = state.settings.zone
        changed = row.audit.date_changed or row.audit.date_created or row.moment
        since = self.moment - timedelta(seconds=state.settings.encounter_session)
        return row.moment.astimezone(zone).date() == self.moment.astimezone(zone).date() and changed >= since

    def _is_ours(self, state: State, row: Encounter) -> bool:
        present = {each.provider for each in row.providers if not each.voided}
        if self.providers:
            return bool(self.providers & present)
        return not present and row.audit.creator == state.acting


def _add_provider(state: State, encounter: Encounter, body: Body) -> None:
    with _unexpected():
        add_provider(state, encounter, {"provider": body.get("uuid"), "encounterRole": body.get("encounterRoleUuid")})


# observations


@contextmanager
def _unexpected() -> Iterator[None]:
    """What REST refuses with 400 for a wrong value is a 500 here; complaints of validation stay 400."""
    try:
        yield
    except ApiError as error:
        if error.status == 400 and "fieldErrors" not in error.body["error"]:
            raise server_error(str(error.body["error"]["message"]).strip("[]")) from None
        raise


def _read_observations(state: State, encounter: Encounter, body: Body) -> ObsChanges:
    """The changes the document makes to the encounter's observations. Raises 400 and 500; writes nothing."""
    live = {row.uuid: row for row in state.obs_of(encounter.uuid) if row.group is None and not row.voided}
    reader = _ObsReader(state)
    changes = ObsChanges(state, encounter)
    with _unexpected():
        changes.read({"obs": reader.read(maps(body, "observations"), live)})
    changes.voids.update(reader.reasons)
    return changes


@dataclass
class _ObsReader:
    """Turns observations of the document into what the REST resource takes, by the rules of the other module."""

    state: State
    reasons: dict[str, str] = field(default_factory=dict)
    """Why, by the uuid of what is to be voided."""

    def read(self, bodies: list[Body], live: Mapping[str, Obs]) -> list[Body]:
        """`live`: the rows a uuid may mean at this level."""
        return [made for each in bodies if (made := self._one(each, live)) is not None]

    def _one(self, body: Body, live: Mapping[str, Obs]) -> Body | None:
        uuid = given_uuid(body)
        row = live.get(uuid or "")
        if row is None and uuid in self.state.obs:  # voided, replaced or somewhere else
            raise duplicate("obs", uuid or "")
        if flag(body.get("voided")):
            if row is None:
                return None
            self.reasons[row.uuid] = str(body.get("voidReason") or "")
            return {"uuid": row.uuid, "voided": True}
        concept = self.state.concepts[row.concept] if row else self._concept(body)
        members = {each.uuid: each for each in self.state.members(row) if not each.voided} if row else {}
        made: dict[str, Any] = {
            "concept": concept.uuid,
            "obsDatetime": self._moment(body),
            "comment": body.get("comment"),
            "groupMembers": self.read(maps(body, "groupMembers"), members),
        }
        if uuid is not None:
            made["uuid"] = uuid
        if concept.datatype != "N/A" and body.get("value") is not None:
            made["value"] = body["value"]
        for name, theirs in _ALSO.items():
            if body.get(name):
                made[theirs] = body[name]
        return made

    def _concept(self, body: Body) -> Concept:
        concept = find(self.state.concepts, body.get("concept") or body.get("conceptUuid"))
        if concept is None:
            raise server_error("Observation concept does not exist")
        return concept

    def _moment(self, body: Body) -> str | None:
        """Without a time it is now, which makes an observation that existed another one."""
        zone = self.state.settings.zone
        return dates.write(dates.read_either(body.get("observationDateTime"), zone) or self.state.now(), zone)


_ALSO = {
    "orderUuid": "order",
    "formNamespace": "formFieldNamespace",
    "formFieldPath": "formFieldPath",
    "interpretation": "interpretation",
}


# writing


def _note_status(state: State, visit: Visit, kind: str) -> None:
    """Each save says on the visit whether its patient is in. Raises 500 where the attribute types are missing."""
    types = {name: _named(state.visit_attribute_types, name) for name in (VISIT_STATUS, ADMISSION_STATUS)}
    if None in types.values():
        raise server_error("java.lang.NullPointerException")
    visit.attributes = [replace(row) for row in visit.attributes]
    _set(visit, types[VISIT_STATUS], "IPD" if kind == ADMISSION else None, usual="OPD")
    if kind in (ADMISSION, DISCHARGE):
        _set(visit, types[ADMISSION_STATUS], "Admitted" if kind == ADMISSION else "Discharged")


def _set(visit: Visit, kind: VisitAttributeType, value: str | None, usual: str | None = None) -> None:
    row = next((each for each in visit.attributes if each.type == kind.uuid and not each.voided), None)
    if row is None:
        row = VisitAttribute(str(uuid4()), kind.uuid, usual)
        visit.attributes.append(row)
    if value is not None:
        row.value = value


def _write(state: State, visit: Visit, encounter: Encounter, observations: ObsChanges, orders: OrderChanges) -> None:
    stored_visit = state.visits.get(visit.uuid)
    known = {row.uuid for row in stored_visit.attributes} if stored_visit else set()
    for attribute in visit.attributes:
        if attribute.uuid not in known:
            state.claim("visit_attribute", attribute.uuid)
    if stored_visit is None:
        state.insert_visit(visit)
    else:
        stored_visit.__dict__.update(visit.__dict__)
    stored = state.encounters.get(encounter.uuid)
    claim_providers(state, encounter, stored.providers if stored else [])
    joined = stored is not None and len(stored.providers) != len(encounter.providers)
    if stored is None:
        state.insert_encounter(encounter)
    else:
        stored.__dict__.update(encounter.__dict__)
    observed, ordered = observations.write(), orders.write()
    if stored is not None and (joined or observed or ordered):
        state.touch(stored.audit)
