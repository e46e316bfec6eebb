"""Encounters: validation, updates, voiding and both search handlers (openmrs.md O60 to O65, O101, O128)."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from simulators.bahmni import dates
from simulators.bahmni.bodies import Body, check_properties, find, find_named, flag, given_uuid, maps
from simulators.bahmni.errors import (
    FieldError,
    bad_value,
    duplicate,
    illegal_properties,
    invalid,
    not_found,
    not_simulated,
    server_error,
)
from simulators.bahmni.model import Encounter, EncounterProvider, Obs, Visit
from simulators.bahmni.observations import ObsChanges
from simulators.bahmni.places import surrounding_visit_location
from simulators.bahmni.state import State
from simulators.bahmni.visits import unvoid_encounter_rows, void_encounter_rows

__all__ = [
    "add_provider",
    "all_of_patient",
    "by_obs",
    "by_patient",
    "claim_providers",
    "create_encounter",
    "purge_encounter",
    "unvoid_encounter",
    "update_encounter",
    "validate_encounter",
    "void_encounter",
]

PROPERTIES = frozenset(
    {
        "patient",
        "encounterType",
        "encounterDatetime",
        "location",
        "visit",
        "form",
        "encounterProviders",
        "obs",
        "orders",
        "diagnoses",
        "uuid",
    }
)
JAVA_ENCOUNTER = "org.openmrs.Encounter"


def create_encounter(state: State, body: Body) -> Encounter:
    """POST /encounter. No feed event but for the one type that always has one."""
    check_properties(body, PROPERTIES, ("patient", "encounterType"))
    patient = find(state.patients, body["patient"])
    kind = find_named(state.encounter_types, body["encounterType"])
    problems: list[FieldError] = []
    if patient is None:
        problems.append(("patient", "Encounter.error.patient.required"))
    if kind is None:
        problems.append(("encounterType", "Encounter.error.encounterType.required"))
    if patient is None or kind is None:
        raise invalid(*problems)
    now = dates.whole_second(state.now())
    encounter = Encounter(given_uuid(body) or str(uuid4()), patient.uuid, kind.uuid, now, audit=state.created())
    _fill(state, encounter, body)
    if encounter.visit is None:
        encounter.visit = _suitable_visit(state, encounter)
    validate_encounter(state, encounter, state.visits.get(encounter.visit or ""))
    changes = ObsChanges(state, encounter)
    changes.read(body)
    if encounter.uuid in state.encounters:
        raise duplicate("encounter", encounter.uuid)
    claim_providers(state, encounter, [])
    state.insert_encounter(encounter)
    changes.write()
    state.encounter_stored(encounter)
    return encounter


def update_encounter(state: State, encounter: Encounter, body: Body) -> None:
    """POST /encounter/{uuid}: a list of changes, not the new whole. Feed events as when it is created."""
    check_properties(body, PROPERTIES | {"voided"})
    if given_uuid(body) not in (None, encounter.uuid):
        raise illegal_properties(["uuid"])
    if "patient" in body and given_uuid(body["patient"]) != encounter.patient:
        raise not_simulated("POST /ws/rest/v1/encounter/{uuid}", "encounter moved to another patient")
    draft = replace(encounter, providers=[replace(row) for row in encounter.providers])
    if "encounterType" in body:
        kind = find_named(state.encounter_types, body["encounterType"])
        if kind is None:
            raise invalid(("encounterType", "Encounter.error.encounterType.required"))
        draft.type = kind.uuid
    _fill(state, draft, body)
    validate_encounter(state, draft, state.visits.get(draft.visit or ""))
    changes = ObsChanges(state, draft)
    changes.read(body)
    if draft.moment != encounter.moment:
        changes.shift(encounter.moment, draft.moment)
    if encounter.location is not None and draft.location != encounter.location:
        changes.relocate(encounter.location, draft.location)
    claim_providers(state, draft, encounter.providers)
    moved = _columns(draft) != _columns(encounter)
    encounter.__dict__.update(draft.__dict__)
    changed = changes.write()
    if moved or (changed and state.settings.audit_on_obs_edit):
        state.touch(encounter.audit)
    state.encounter_stored(encounter)


def _columns(encounter: Encounter) -> tuple[object, ...]:
    row = encounter
    return (row.type, row.moment, row.visit, row.location, row.voided, len(row.providers))


def _fill(state: State, encounter: Encounter, body: Body) -> None:
    for name in ("orders", "diagnoses"):
        if body.get(name):
            raise not_simulated("POST /ws/rest/v1/encounter", f"encounter written with {name}")
    if body.get("encounterDatetime") is not None:
        encounter.moment = dates.read(body["encounterDatetime"], state.settings.zone)
    if "location" in body:
        location = find_named(state.locations, body["location"])
        encounter.location = location.uuid if location else None  # unknown: silently none
    if "visit" in body:
        visit = find(state.visits, body["visit"])
        encounter.visit = visit.uuid if visit else None
    if "voided" in body:
        encounter.voided = flag(body["voided"])
    for each in maps(body, "encounterProviders"):
        add_provider(state, encounter, each)


def _suitable_visit(state: State, encounter: Encounter) -> str | None:
    """Sent without a visit, an encounter at a place joins the visit of that day there, if the patient has one."""
    place = surrounding_visit_location(state, encounter.location)
    if place is None:
        return None
    for visit in state.visits_of(encounter.patient):
        fits = visit.start <= encounter.moment and (visit.stop is None or encounter.moment <= visit.stop)
        if fits and not visit.voided and visit.location == place.uuid:
            return visit.uuid
    return None


def add_provider(state: State, encounter: Encounter, body: Body) -> None:
    """Only a (provider, role) pair not there yet is added; none is ever taken away."""
    provider = find(state.providers, body.get("provider"))
    role = find_named(state.encounter_roles, body.get("encounterRole"))
    if provider is None:
        raise bad_value("encounterProviders", JAVA_ENCOUNTER, "provider cannot be null")
    pair = (provider.uuid, role.uuid if role else None)
    if any((row.provider, row.role) == pair and not row.voided for row in encounter.providers):
        return
    uuid = given_uuid(body) or str(uuid4())
    encounter.providers.append(EncounterProvider(uuid, *pair))


def claim_providers(state: State, encounter: Encounter, before: list[EncounterProvider]) -> None:
    """Take the uuids of what was added. Raises 500 when one is taken."""
    known = {row.uuid for row in before}
    for row in encounter.providers:
        if row.uuid not in known:
            state.claim("encounter_provider", row.uuid)


def validate_encounter(state: State, encounter: Encounter, visit: Visit | None) -> None:
    """Raise 400 for an encounter in the future, outside its visit or in a visit of somebody else."""
    found: list[FieldError] = []
    if encounter.moment > state.now():
        found.append(("encounterDatetime", "Encounter.datetimeShouldBeBeforeCurrent"))
    if visit is not None:
        if visit.patient != encounter.patient:
            found.append(("visit", "Encounter.visit.patients.dontMatch"))
        late = visit.stop is not None and encounter.moment > visit.stop
        if encounter.moment < visit.start or late:
            found.append(("encounterDatetime", "Encounter.datetimeShouldBeInVisitDatesRange"))
    if found:
        raise invalid(*found)


def void_encounter(state: State, encounter: Encounter, reason: str) -> None:
    """DELETE: the encounter, its observations and its orders. Feed events as when it is created."""
    if not encounter.voided:
        void_encounter_rows(state, encounter, reason)


def unvoid_encounter(state: State, encounter: Encounter) -> None:
    """POST {"deleted": "false"}. Feed events as when it is created. Its visit must still have room for it."""
    validate_encounter(state, encounter, state.visits.get(encounter.visit or ""))
    unvoid_encounter_rows(state, encounter)


def purge_encounter(state: State, encounter: Encounter) -> None:
    """DELETE ?purge=true. Raises 500 when there are observations, voided ones too."""
    if state.obs_of(encounter.uuid):
        raise server_error(
            "could not execute statement; SQL [n/a]; nested exception is org.hibernate.exception."
            "ConstraintViolationException: could not execute statement"
        )
    state.purge_encounter(encounter)


# search


def all_of_patient(state: State, patient: str | None) -> list[Encounter]:
    """The resource's own search: whatever else was asked for is not looked at."""
    return [row for row in state.encounters_of(patient or "") if not row.voided]


def by_patient(state: State, query: dict[str, list[str]]) -> list[Encounter]:
    """Handler `default`. An unknown patient or type gives an empty list, not an error."""
    first = {name: values[0] for name, values in query.items()}
    rows = all_of_patient(state, first.get("patient"))
    zone = state.settings.zone
    if "encounterType" in first:
        kind = find_named(state.encounter_types, first["encounterType"])
        rows = [row for row in rows if kind and row.type == kind.uuid]
    if "visit" in query:
        rows = [row for row in rows if row.visit in query["visit"]]
    if "fromdate" in first:
        since = dates.read(first["fromdate"], zone)
        rows = [row for row in rows if row.moment >= since]
    if "todate" in first:
        until = dates.read(first["todate"], zone)  # a plain date is the day's first second
        rows = [row for row in rows if row.moment <= until]
    return rows[::-1] if first.get("order") == "desc" else rows


def by_obs(state: State, query: dict[str, list[str]]) -> list[Encounter]:
    """Handler `byObs`: encounters with a live observation of a concept, at any depth."""
    patient = query["patient"][0]
    concept = find(state.concepts, query["obsConcept"][0])
    if patient not in state.patients or concept is None:
        raise not_found()
    wanted = query["obsValues"][0].split(",") if "obsValues" in query else None
    found = []
    for encounter in all_of_patient(state, patient):
        rows = [row for row in state.obs_of(encounter.uuid) if not row.voided]
        hits = (row for row in rows if row.concept == concept.uuid)
        if any(wanted is None or _matches(row, concept.datatype, wanted) for row in hits):
            found.append(encounter)
    return found


def _matches(row: Obs, datatype: str, wanted: list[str]) -> bool:
    if datatype == "Numeric":
        return any(_number(each) == row.value for each in wanted)
    if datatype in ("Text", "Coded"):
        return row.value in wanted  # case counts, and a comma has cut the value in two
    return False


def _number(literal: str) -> float | None:
    try:
        return float(literal)
    except ValueError:
        return None
