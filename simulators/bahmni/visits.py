"""Visits, their attributes and the range rules in both directions (openmrs.md O54 to O59)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from simulators.bahmni import dates
from simulators.bahmni.bodies import (
    Body,
    check_properties,
    find,
    find_named,
    flag,
    given_uuid,
    maps,
    text,
)
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
from simulators.bahmni.model import Encounter, Obs, Visit, VisitAttribute
from simulators.bahmni.order_model import Order
from simulators.bahmni.state import State

__all__ = [
    "create_visit",
    "delete_visit_attribute",
    "end_visit",
    "find_visits",
    "purge_visit",
    "save_visit_attribute",
    "unvoid_encounter_rows",
    "unvoid_visit",
    "update_visit",
    "void_encounter_rows",
    "void_visit",
]

PROPERTIES = frozenset(
    {
        "visitType",
        "startDatetime",
        "stopDatetime",
        "location",
        "indication",
        "encounters",
        "attributes",
    }
)
JAVA_VISIT = "org.openmrs.Visit"
FAR = datetime.max.replace(tzinfo=UTC)


def create_visit(state: State, body: Body) -> Visit:
    """POST /visit."""
    check_properties(body, PROPERTIES | {"patient", "uuid"}, ("patient", "visitType"))
    patient = find(state.patients, body["patient"])
    kind = find_named(state.visit_types, body["visitType"])
    problems: list[FieldError] = []
    if patient is None:
        problems.append(("patient", "Visit.error.patient.required"))
    if kind is None:
        problems.append(("visitType", "Visit.error.visitType.required"))
    if patient is None or kind is None:
        raise invalid(*problems)
    start = dates.whole_second(state.now())
    visit = Visit(
        given_uuid(body) or str(uuid4()),
        patient.uuid,
        kind.uuid,
        start,
        audit=state.created(),
    )
    _fill(state, visit, body)
    _validate(state, visit, [])
    if visit.uuid in state.visits:
        raise duplicate("visit", visit.uuid)
    _claim(state, visit.attributes, [])
    state.insert_visit(visit)
    return visit


def update_visit(state: State, visit: Visit, body: Body) -> None:
    """POST /visit/{uuid}: attributes given without uuid are appended, again and again."""
    check_properties(body, PROPERTIES | {"patient", "voided", "uuid"})
    if given_uuid(body) not in (None, visit.uuid):
        raise illegal_properties(["uuid"])
    if "patient" in body and given_uuid(body["patient"]) != visit.patient:
        raise illegal_properties(["patient"])
    draft = replace(visit, attributes=[replace(row) for row in visit.attributes])
    if "visitType" in body:
        kind = find_named(state.visit_types, body["visitType"])
        if kind is None:
            raise invalid(("visitType", "Visit.error.visitType.required"))
        draft.type = kind.uuid
    _fill(state, draft, body)
    _validate(state, draft, state.encounters_in(visit))
    _claim(state, draft.attributes, visit.attributes)
    visit.__dict__.update(draft.__dict__)
    state.touch(visit.audit)


def _fill(state: State, visit: Visit, body: Body) -> None:
    zone = state.settings.zone
    if body.get("encounters"):
        raise not_simulated("POST /ws/rest/v1/visit", "visit written with encounters")
    if body.get("startDatetime") is not None:
        visit.start = dates.read(body["startDatetime"], zone)
    if "stopDatetime" in body:
        value = body["stopDatetime"]
        visit.stop = None if value is None else dates.read(value, zone)
    if "location" in body:
        location = find_named(state.locations, body["location"])
        visit.location = location.uuid if location else None  # unknown: silently none
    if "indication" in body:
        concept = find(state.concepts, body["indication"])
        visit.indication = concept.uuid if concept else None
    if "voided" in body:
        visit.voided = flag(body["voided"])
    for each in maps(body, "attributes"):
        _merge_attribute(state, visit, each)


def _merge_attribute(state: State, visit: Visit, body: Body) -> VisitAttribute:
    uuid = given_uuid(body)
    row = next((each for each in visit.attributes if each.uuid == uuid), None)
    kind = find_named(state.visit_attribute_types, body.get("attributeType") or (row and row.type))
    if kind is None:
        raise bad_value("attributes", JAVA_VISIT, "attributeType cannot be null")
    if row is None:
        row = VisitAttribute(uuid or str(uuid4()), kind.uuid)
        visit.attributes.append(row)
    row.type = kind.uuid
    if "value" in body:
        row.value = text(body["value"])
    if "voided" in body:
        row.voided = flag(body["voided"])
    return row


def _claim(state: State, rows: list[VisitAttribute], before: list[VisitAttribute]) -> None:
    known = {row.uuid for row in before}
    fresh = [row.uuid for row in rows if row.uuid not in known]
    for uuid in fresh:
        if state.taken("visit_attribute", uuid):
            raise duplicate("visit_attribute", uuid)
    for uuid in fresh:
        state.claim("visit_attribute", uuid)


def _validate(state: State, visit: Visit, encounters: Iterable[Encounter]) -> None:
    found: list[FieldError] = []
    if visit.stop and visit.stop < visit.start:
        found.append(("stopDatetime", "Visit.error.endDateBeforeStartDate"))
    live = [row for row in encounters if not row.voided]
    if any(row.moment < visit.start for row in live):
        found.append(("startDatetime", "Visit.encountersCannotBeBeforeStartDate"))
    if visit.stop and any(row.moment > visit.stop for row in live):
        found.append(("stopDatetime", "Visit.encountersCannotBeAfterStopDate"))
    if _before_birth(state, visit):
        found.append(
            (
                "startDatetime",
                "Visit.startDateCannotFallBeforeTheBirthDateOfTheSamePatient",
            )
        )
    if not state.settings.overlapping_visits and _overlaps(state, visit):
        found.append(("startDatetime", "Visit.visitCannotOverlapAnotherVisitOfTheSamePatient"))
    found.extend(_attribute_complaints(state, visit))
    if found:
        raise invalid(*found)


def _before_birth(state: State, visit: Visit) -> bool:
    """An estimated birth date gets grace: half the patient's age at the visit, at least a year."""
    person = state.persons[visit.patient]
    if person.birthdate is None:
        return False
    day = visit.start.astimezone(state.settings.zone).date()
    if not person.birthdate_estimated:
        return day < person.birthdate
    grace = max(1, (state.now().year - person.birthdate.year) // 2)
    return day < person.birthdate.replace(year=person.birthdate.year - grace, day=1)


def _overlaps(state: State, visit: Visit) -> bool:
    for other in state.visits_of(visit.patient):
        if other.uuid == visit.uuid or other.voided:
            continue
        if other.start <= (visit.stop or FAR) and visit.start <= (other.stop or FAR):
            return True
    return False


def _attribute_complaints(state: State, visit: Visit) -> list[FieldError]:
    found: list[FieldError] = []
    for kind in state.visit_attribute_types.values():
        count = sum(row.type == kind.uuid and not row.voided for row in visit.attributes)
        if kind.max_occurs is not None and count > kind.max_occurs:
            found.append(("attributes", "attribute.error.maxOccurs"))
        if count < kind.min_occurs:
            found.append(("attributes", "attribute.error.minOccurs"))
    return found


def save_visit_attribute(state: State, visit: Visit, body: Body, row: VisitAttribute | None = None) -> VisitAttribute:
    """The sub-resource: where only one may occur, the old value makes way for the new."""
    if row is not None:
        check_properties(body, {"attributeType", "value", "voided", "uuid"})
        _merge_attribute(state, visit, {**body, "uuid": row.uuid})
        return row
    check_properties(body, {"attributeType", "value", "uuid"}, ("attributeType", "value"))
    kind = find_named(state.visit_attribute_types, body["attributeType"])
    if kind is None:
        raise bad_value("attributeType", JAVA_VISIT, "attributeType cannot be null")
    uuid = given_uuid(body)
    if state.taken("visit_attribute", uuid):
        raise duplicate("visit_attribute", uuid or "")
    live = [each for each in visit.attributes if each.type == kind.uuid and not each.voided]
    if kind.max_occurs == 1:
        for each in live:
            each.voided, each.date_voided = True, dates.whole_second(state.now())
    elif kind.max_occurs is not None and len(live) >= kind.max_occurs:
        raise invalid(("attributes", "attribute.error.maxOccurs"))
    fresh = _merge_attribute(state, visit, body)
    state.claim("visit_attribute", fresh.uuid)
    return fresh


def delete_visit_attribute(state: State, row: VisitAttribute) -> None:
    """DELETE /visit/{uuid}/attribute/{uuid}: voids."""
    if not row.voided:
        row.voided, row.date_voided = True, dates.whole_second(state.now())


def void_visit(state: State, visit: Visit, reason: str) -> None:
    """DELETE: the visit with its encounters and their observations."""
    if visit.voided:
        return
    visit.voided = True
    state.strike(visit.audit, reason)
    for encounter in state.encounters_in(visit):
        if not encounter.voided:
            void_encounter_rows(state, encounter, reason)


def void_encounter_rows(state: State, encounter: Encounter, reason: str) -> None:
    """Void an encounter with its observations and orders. No feed event but for the one type that always has one."""
    encounter.voided = True
    state.strike(encounter.audit, reason)
    for row in _contents(state, encounter):
        if not row.voided:
            row.voided = True
            state.strike(row.audit, reason)
    state.encounter_stored(encounter)


def _contents(state: State, encounter: Encounter) -> list[Obs | Order]:
    return [*state.obs_of(encounter.uuid), *state.orders_of(encounter.uuid)]


def unvoid_visit(state: State, visit: Visit) -> None:
    """What was voided with the visit comes back with it."""
    when = visit.audit.date_voided
    visit.voided = False
    state.unstrike(visit.audit)
    for encounter in state.encounters_in(visit):
        if encounter.voided and encounter.audit.date_voided == when:
            unvoid_encounter_rows(state, encounter)


def unvoid_encounter_rows(state: State, encounter: Encounter) -> None:
    """What was voided with the encounter comes back with it."""
    when, reason = encounter.audit.date_voided, encounter.audit.void_reason
    encounter.voided = False
    state.unstrike(encounter.audit)
    for row in _contents(state, encounter):
        if row.voided and (row.audit.date_voided, row.audit.void_reason) == (when, reason):
            row.voided = False
            state.unstrike(row.audit)
    state.encounter_stored(encounter)


def purge_visit(state: State, visit: Visit) -> None:
    """DELETE ?purge=true. Raises 500 when the visit has any encounter, voided ones too."""
    if state.encounters_in(visit):
        raise server_error("Visit.purge.inUse", "org.openmrs.api.impl.VisitServiceImpl:219")
    state.purge_visit(visit)


def end_visit(state: State, visit: Visit) -> None:
    """POST /bahmnicore/visit/endVisit, and what the nightly task does to stale ones: the visit is over now."""
    visit.stop = dates.whole_second(state.now())
    state.touch(visit.audit)


def find_visits(state: State, query: dict[str, list[str]]) -> list[Visit]:
    """GET /visit?… What it does not know it does not look at. Raises 404 for an unknown patient, location or type."""
    first = {name: values[0] for name, values in query.items()}
    for name, table in _references(state).items():
        if name in first and first[name] not in table:
            raise not_found()
    rows: Iterable[Visit] = state.visits_of(first["patient"]) if "patient" in first else state.visits.values()
    with_voided = flag(first.get("includeAll", "false"))
    with_closed = flag(first.get("includeInactive", "true"))
    places = _places(state, first)
    now = state.now()
    found = [
        row
        for row in rows
        if (with_voided or not row.voided)
        and (with_closed or row.stop is None or row.stop > now)
        and (places is None or row.location in places)
        and first.get("visitType", row.type) == row.type
        and _inside(state, first, row)
    ]
    return sorted(found, key=lambda row: row.start, reverse=True)


def _places(state: State, first: dict[str, str]) -> set[str] | None:
    """The location asked for, with what is around it if wished; None for any."""
    if "location" not in first:
        return None
    found = {first["location"]}
    row = state.locations[first["location"]]
    while flag(first.get("includeParentLocations", "false")) and row.parent in state.locations:
        row = state.locations[row.parent or ""]
        found.add(row.uuid)
    return found


def _references(state: State) -> dict[str, Collection[str]]:
    return {
        "patient": state.patients,
        "location": state.locations,
        "visitType": state.visit_types,
    }


def _inside(state: State, first: dict[str, str], row: Visit) -> bool:
    zone = state.settings.zone
    checks = (
        ("fromStartDate", row.start, False),
        ("toStartDate", row.start, True),
        ("fromStopDate", row.stop, False),
        ("toStopDate", row.stop, True),
    )
    for name, moment, upper in checks:
        if name not in first:
            continue
        bound = dates.read(first[name], zone)
        if moment is None or (moment > bound if upper else moment < bound):
            return False
    return True
