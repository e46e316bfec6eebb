"""The lists, each with its own window and its own way with filters (avni.md A1 to A12, A47 to A51)."""

from __future__ import annotations

from typing import Any

from simulators.avni import render
from simulators.avni.errors import Thrown
from simulators.avni.metadata import Organisation, User
from simulators.avni.paging import (
    ALL,
    bad_parameter,
    between,
    holds,
    in_order,
    lower_bound,
    page,
    unordered,
    upper_bound,
    wanted_concepts,
    window,
    wire_version,
)
from simulators.avni.rows import (
    ApprovalRow,
    EncounterRow,
    EnrolmentRow,
    Location,
    MembershipRow,
    ProgramEncounterRow,
    SubjectRow,
)
from simulators.avni.store import AvniStore
from simulators.avni.times import parse_ms
from simulators.server import HttpError, Request

FIRST_OF_PROGRAM_ENCOUNTERS = "2000-01-01"
FIRST_OF_ALL = "1900-01-01"
ENTITY_TYPES = frozenset({"Subject", "ProgramEnrolment", "ProgramEncounter", "Encounter", "ChecklistItem"})


def list_subjects(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/subjects. The window is open on both sides whatever the filters."""
    organisation = store.organisation(user.organisation)
    kind = request.param("subjectType") or None
    asked = window(store, request)
    wanted = wanted_concepts(organisation, request)
    places = _wanted_places(organisation, request)
    rows = [
        row
        for row in store.subject_table.in_window(organisation.name, kind, *asked)
        if holds(row, wanted) and (places is None or row.location in places)
    ]
    if asked == ALL:
        rows = unordered(rows)
    version = wire_version(store.settings, request)
    with_catchments = request.param("includeCatchments") == "true"

    def shown(row: SubjectRow) -> dict[str, Any]:
        document = render.subject(store, row, version)
        if kind:
            del document["Subject type"]
        if with_catchments and row.catchments:
            document["catchments"] = row.catchments
        return document | {"Groups": store.groups_of(row.uuid)}

    return page(store, user, request, in_order(request, rows), shown)


def list_encounters(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/encounters. With `concepts` the window takes in both its ends."""
    organisation = store.organisation(user.organisation)
    kind = request.param("encounterType") or None
    searching = bool(request.param("concepts"))
    wanted = wanted_concepts(organisation, request)
    if any('"' in value for value in wanted.values()):
        raise Thrown(
            500,
            "org.postgresql.util.PSQLException",
            "invalid input syntax for type json",
        )
    asked = window(store, request, closed=searching or store.settings.inclusive_general_encounters)
    owner = request.param("subjectId") if searching or kind else None
    rows = [
        row
        for row in store.encounter_table.in_window(organisation.name, kind, *asked)
        if (not owner or row.subject == owner)
        and all(row.observations.get(uuid) == value for uuid, value in wanted.items())
    ]
    if not searching:
        rows = in_order(request, unordered(rows) if asked == ALL else rows)
    version = wire_version(store.settings, request)

    def shown(row: EncounterRow) -> dict[str, Any]:
        return render.encounter(store, row, version)

    return page(store, user, request, rows, shown)


def list_enrolments(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/programEnrolments: program and subject together switch the window off (avni.md A47).

    Raises 400 without a body when neither the window nor both filters are given.
    """
    organisation = store.organisation(user.organisation)
    program, subject = request.param("program") or None, request.param("subject") or None
    asked = window(store, request)
    if program and subject:
        found = store.enrolment_table.in_window(organisation.name, program, *ALL)
        rows = [row for row in found if row.subject == subject]
    elif asked != ALL:
        rows = store.enrolment_table.in_window(organisation.name, program, *asked)
    else:
        raise HttpError(400)
    version = wire_version(store.settings, request)

    def shown(row: EnrolmentRow) -> dict[str, Any]:
        return render.enrolment(store, row, version)

    return page(store, user, request, in_order(request, rows), shown)


def list_program_encounters(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/programEncounters: a type or enrolment nobody knows does not count at all (avni.md A48).

    Without a lower bound the list begins in 2000 and hides nothing at its end.
    """
    organisation = store.organisation(user.organisation)
    kind = request.param("encounterType")
    enrolment = store.enrolment_table.get(organisation.name, request.param("programEnrolmentId") or "")
    asked = window(store, request)
    if asked == ALL:
        asked = between(_from(store, FIRST_OF_PROGRAM_ENCOUNTERS), store.now_ms())
    wanted = wanted_concepts(organisation, request)
    known = kind if kind in organisation.encounter_types else None
    rows = [
        row
        for row in store.program_encounter_table.in_window(organisation.name, known, *asked)
        if (enrolment is None or row.enrolment == enrolment.uuid) and holds(row, wanted)
    ]
    version = wire_version(store.settings, request)

    def shown(row: ProgramEncounterRow) -> dict[str, Any]:
        return render.program_encounter(store, row, version)

    return page(store, user, request, in_order(request, rows), shown)


def list_memberships(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/groupSubjects: a closed window, or the members of a group, or the groups of a member.

    Raises 400 without a body when none of them is asked for (avni.md A49).
    """
    organisation = store.organisation(user.organisation)
    group, member = request.param("groupSubjectId"), request.param("memberSubjectId")
    asked = window(store, request, closed=True)
    rows = store.membership_table.in_window(organisation.name, None, *asked)
    if asked == ALL and group:
        rows = [row for row in rows if row.group == group]
    elif asked == ALL and member:
        rows = [row for row in rows if row.member == member]
    elif asked == ALL:
        raise HttpError(400)
    version = wire_version(store.settings, request)

    def shown(row: MembershipRow) -> dict[str, Any]:
        return render.membership(store, row, version)

    return page(store, user, request, in_order(request, rows), shown)


def list_locations(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/locations: a closed window that begins in 1900 when not told otherwise (avni.md A50)."""
    lower = lower_bound(store, request)
    lower = _from(store, FIRST_OF_ALL) if lower is None else lower
    asked = between(lower, upper_bound(store, request), closed=True)
    rows = store.location_table(user.organisation).in_window(user.organisation, None, *asked)
    version = wire_version(store.settings, request)

    def shown(row: Location) -> dict[str, Any]:
        return render.location(store, row, version)

    return page(store, user, request, in_order(request, rows), shown)


def list_approvals(store: AvniStore, user: User, request: Request) -> dict[str, Any]:
    """GET /api/approvalStatuses: an open window that begins in 1900 when not told otherwise (avni.md A51)."""
    kind, type_uuid = request.param("entityType") or None, request.param("entityTypeId") or None
    if kind and kind not in ENTITY_TYPES:
        raise bad_parameter(request, "entityType")
    lower = lower_bound(store, request)
    lower = _from(store, FIRST_OF_ALL) if lower is None else lower
    asked = between(lower, upper_bound(store, request))
    found = store.approval_table.in_window(user.organisation, kind, *asked)
    rows = [row for row in found if type_uuid in (None, row.entity_type)]

    def shown(row: ApprovalRow) -> dict[str, Any]:
        return render.approval(store, row)

    return page(store, user, request, in_order(request, rows), shown)


def _from(store: AvniStore, day: str) -> int:
    """The beginning of a day in the server's own zone."""
    return parse_ms(day, store.settings.zone_offset_minutes)


def _wanted_places(organisation: Organisation, request: Request) -> set[str] | None:
    """Places of the `locationIds` filter with all inside; a filter that names none is dropped."""
    text = request.param("locationIds")
    return organisation.within(set(text.split(","))) or None if text else None
