"""Whatever goes wrong on the wire: afterwards everything is there once, right, and no error is left.

One test per request the streams send, through every kind of fault. The servers are real sockets; nothing is patched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from common.http import Timeouts
from engine import work
from errors.models import OPEN_STATES, ErrorRecord, ErrorState
from simulators.faults import Faults
from simulators.server import Request
from syncstatus.models import Link
from tenants.models import Tenant
from tests.chaos.hooks import watch
from tests.chaos.truth import InAvni, InBahmni, in_avni, in_bahmni, work_until_quiet
from tests.flow.world import MARKER, World

WRITE_FAULTS = (
    "reset_before",
    "reset_after",
    "late_commit",
    "garbage",
    "truncated",
    "status:500",
    "status:502",
    "status_after:500",
    "status_after:502",
    "hang:0.4",
)
READ_FAULTS = ("reset_before", "status:500", "status:502", "garbage", "truncated", "hang:0.4")
REPEATED = (1, 4)
"""How often in a row: a single mishap, and more than a hand-over puts up with."""

BEFORE = {
    "Height": 150,
    "Medical problems": ["Asthma", "Diabetes"],
    "Occupation": "Weaver",
    "Marital status": "Married",
}
EDIT = {"Height": 151, "Medical problems": ["Asthma", "Anaemia"], "Occupation": None, "Marriage date": "2015-02-11"}
HELD_BEFORE: dict[str, list[Any]] = {
    "Height": [150.0],
    "Marital status": ["Married"],
    "Medical problems": ["Asthma", "Diabetes"],
    "Occupation": ["Weaver"],
}
HELD_AFTER: dict[str, list[Any]] = {
    "Height": [151.0],
    "Marital status": ["Married"],
    "Marriage date": ["2015-02-11"],
    "Medical problems": ["Anaemia", "Asthma"],
}


@pytest.fixture
def hasty(world: World) -> World:
    """The world with clients that wait 0.2 s for an answer instead of minutes."""
    servers: Any = work.servers_of(work.setting_of(Tenant.objects.get(pk=world.tenant.pk)))
    for client in (servers.avni, servers.openmrs):
        client.session.timeouts = Timeouts(connect=2.0, read=0.2)
    return world


@dataclass(frozen=True)
class Written:
    """One request of a stream: what must be there before it, what triggers it, and what must stand there afterwards."""

    stream: str
    method: str
    path: str
    prepare: Callable[[World, str], str]
    trigger: Callable[[World, str], None]
    truth: Callable[[World, str, str], object]
    expected: Callable[[str], object]


def subject_ready(world: World, number: str) -> str:
    return world.subject(number, observations=BEFORE)


def subject_there(world: World, number: str) -> str:
    subject = subject_ready(world, number)
    world.sync("subject")
    return subject


def subject_voided(world: World, number: str) -> str:
    subject = subject_there(world, number)
    world.avni.void_subject(subject, at=world.moment())
    world.sync("subject")
    return subject


def pair_ready(world: World, number: str) -> str:
    world.subject(number)
    return world.patient(number, attributes={"Caste": "Toda", "Family size": "5"})


def pair_there(world: World, number: str) -> str:
    patient = pair_ready(world, number)
    world.sync("patient")
    return patient


def nothing(world: World, entity: str) -> None:
    """The record is new: reading it is enough."""


def edit_subject(world: World, subject: str) -> None:
    world.avni.edit_subject(subject, observations=EDIT, at=world.moment())


def void_subject(world: World, subject: str) -> None:
    world.avni.void_subject(subject, at=world.moment())


def unvoid_subject(world: World, subject: str) -> None:
    world.avni.edit_subject(subject, voided=False, observations=EDIT, at=world.moment())


def edit_patient(world: World, patient: str) -> None:
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Family size"], None)


def void_patient(world: World, patient: str) -> None:
    world.bahmni.void_patient(patient)
    world.rewind()


def hospital(world: World, number: str, entity: str) -> InBahmni:
    return in_bahmni(world, number)


def community(world: World, number: str, patient: str) -> InAvni:
    subject = next(
        row.uuid for row in world.avni.subjects.values() if number in [str(v) for v in row.observations.values()]
    )
    return in_avni(world, subject)


def registered(answers: dict[str, list[Any]]) -> Callable[[str], InBahmni]:
    return lambda subject: InBahmni(1, 1, 1, 1, answers, (subject,))


def gone(subject: str) -> InBahmni:
    return InBahmni(1, 1, 0, 1)


def creates(path: str) -> Written:
    return Written("subject", "POST", path, subject_ready, nothing, hospital, registered(HELD_BEFORE))


WRITES = {
    "a new patient": creates(r"/patient$"),
    "a new visit": creates(r"/visit$"),
    "a new encounter": creates(r"/encounter$"),
    "an edited encounter": Written(
        "subject", "POST", r"/encounter/[^/]+$", subject_there, edit_subject, hospital, registered(HELD_AFTER)
    ),
    "a voided encounter": Written("subject", "DELETE", r"/encounter/", subject_there, void_subject, hospital, gone),
    "an encounter brought back": Written(
        "subject", "POST", r"/encounter/[^/]+$", subject_voided, unvoid_subject, hospital, registered(HELD_AFTER)
    ),
    "a new registration in Avni": Written(
        "patient", "POST", r"/api/encounter$", pair_ready, nothing, community,
        lambda patient: InAvni(1, ({MARKER: patient, "Caste [HP]": "Toda", "Family size [HP]": 5},)),
    ),
    "an edited registration in Avni": Written(
        "patient", "PATCH", r"/api/encounter/", pair_there, edit_patient, community,
        lambda patient: InAvni(1, ({MARKER: patient, "Caste [HP]": "Irula"},)),
    ),
    "a voided registration in Avni": Written(
        "patient", "DELETE", r"/api/encounter/", pair_there, void_patient, community, lambda patient: InAvni(1)
    ),
}  # fmt: skip


def faults_of(world: World, stream: str) -> Faults:
    return (world.bahmni_server if stream == "subject" else world.avni_server).faults


def open_errors(entity: str) -> list[tuple[str, str]]:
    return list(ErrorRecord.objects.filter(entity_id=entity, state__in=OPEN_STATES).values_list("state", "message"))


@pytest.mark.parametrize("times", REPEATED, ids=["once", "again and again"])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_goes_wrong_leaves_the_record_there_once_and_right(hasty: World, name: str, times: int) -> None:
    case = WRITES[name]
    faults = faults_of(hasty, case.stream)
    wrong = {}
    for number, fault in enumerate(WRITE_FAULTS, start=1001):
        entity = case.prepare(hasty, str(number))
        case.trigger(hasty, entity)
        fired = faults.fired[fault]
        faults.plan(case.method, case.path, fault, times=times, seconds=3600)
        hasty.sync(case.stream)
        assert faults.fired[fault] > fired, f"{fault} did not happen"
        faults.clear()
        work_until_quiet(hasty, case.stream)
        found = case.truth(hasty, str(number), entity)
        if found != case.expected(entity) or open_errors(entity):
            wrong[fault] = (found, open_errors(entity))
    assert wrong == {}


READS = {
    "the window of subjects": ("subject", "avni", r"/api/subjects"),
    "the search for the patient": ("subject", "bahmni", r"/patient\?"),
    "the encounters of the patient": ("subject", "bahmni", r"/encounter\?"),
    "the visits of the patient": ("subject", "bahmni", r"/visit\?"),
    "the feed": ("patient", "bahmni", r"/atomfeed/"),
    "the patient": ("patient", "bahmni", r"/patient/[^/?]+\?"),
    "the encounter by its External ID": ("patient", "avni", r"/api/encounter/"),
    "the subject by its number": ("patient", "avni", r"/api/subjects"),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_that_goes_wrong_delays_the_record_and_harms_nothing(hasty: World, name: str) -> None:
    stream, side, path = READS[name]
    faults = (hasty.avni_server if side == "avni" else hasty.bahmni_server).faults
    wrong = {}
    for number, fault in enumerate(READ_FAULTS, start=1001):
        subject = hasty.subject(str(number), observations=BEFORE)
        patient = hasty.patient(str(number), attributes={"Caste": "Toda"})
        fired = faults.fired[fault]
        faults.plan("GET", path, fault, times=2)
        hasty.sync(stream)
        assert faults.fired[fault] > fired, f"{fault} did not happen"
        faults.clear()
        work_until_quiet(hasty)
        expected: tuple[InBahmni, InAvni, list[tuple[str, str]]] = (
            InBahmni(1, 1, 1, 1, HELD_BEFORE, (subject,)),
            InAvni(1, ({MARKER: patient, "Caste [HP]": "Toda"},)),
            [],
        )
        found = (in_bahmni(hasty, str(number)), in_avni(hasty, subject), open_errors(subject) + open_errors(patient))
        if found != expected:
            wrong[fault] = found
    assert wrong == {}


def test_a_write_whose_arrival_is_seen_in_a_second_look_counts_as_what_it_did(world: World) -> None:
    subject = world.subject("1001")
    world.bahmni_server.faults.plan("POST", r"/encounter$", "reset_after")
    world.sync("subject")
    link = world.link("subject", subject)
    assert (link.outcome, link.created_by_us) == ("created", ["encounter", "patient", "visit"])


def test_a_link_lost_with_its_worker_is_found_again_with_all_that_we_created(world: World) -> None:
    subject = world.subject("1001")
    world.sync("subject")
    Link.objects.all().delete()
    world.rewind()
    world.sync("subject")
    assert world.link("subject", subject).created_by_us == ["encounter", "patient", "visit"]


def test_a_voided_record_found_voided_again_still_comes_back_with_its_source(world: World) -> None:
    subject = subject_voided(world, "1001")
    world.rewind()
    world.sync("subject")
    unvoid_subject(world, subject)
    world.sync("subject")
    assert in_bahmni(world, "1001").answers == HELD_AFTER


@pytest.mark.parametrize("lost", ["between patient and visit", "between visit and encounter"])
def test_a_session_that_ends_between_two_writes_costs_a_look_and_doubles_nothing(world: World, lost: str) -> None:
    subject = world.subject("1001", observations=BEFORE)
    before = "POST /openmrs/ws/rest/v1/" + ("visit" if lost == "between patient and visit" else "encounter")
    forget_sessions_before(world, before)
    world.sync("subject")
    assert in_bahmni(world, "1001") == InBahmni(1, 1, 1, 1, HELD_BEFORE, (subject,))
    assert open_errors(subject) == []


def test_a_token_that_expires_in_the_middle_is_renewed_and_nothing_is_written_twice(world: World) -> None:
    subjects = [world.subject(str(1001 + n)) for n in range(6)]
    for n in range(6):
        world.patient(str(1001 + n), attributes={"Caste": "Toda"})
    forget_sessions_before(world, "POST /api/encounter", skip=2)
    world.sync("patient")
    assert [in_avni(world, subject).rows for subject in subjects] == [1] * 6
    assert not ErrorRecord.objects.exclude(state=ErrorState.RESOLVED).exists()


def forget_sessions_before(world: World, request: str, skip: int = 0) -> None:
    """Just before this request arrives, both servers forget who is signed in; once."""
    left = [skip]

    def forget(arrived: Request) -> None:
        if f"{arrived.method} {arrived.path}" == request:
            if left[0] == 0:
                world.bahmni.expire_sessions()
                world.avni.expire_tokens()
            left[0] -= 1

    watch(world.avni_server, before=forget)
    watch(world.bahmni_server, before=forget)


def test_a_target_that_takes_requests_and_answers_none_stops_the_flow_and_blames_nobody(hasty: World) -> None:
    subjects = [hasty.subject(str(1001 + number)) for number in range(24)]
    hasty.bahmni_server.faults.plan("*", "", "hang:0.4", times=10_000)
    look = hasty.sync("subject").looks[-1]
    assert (look.stopped_by, ErrorRecord.objects.count()) == ("remote.slow", 0)
    hasty.bahmni_server.faults.clear()
    work_until_quiet(hasty, "subject")
    for number, subject in enumerate(subjects, start=1001):
        assert in_bahmni(hasty, str(number)) == InBahmni(1, 1, 1, 1, {}, (subject,))
