"""Whatever goes wrong on the wire: afterwards everything is there once, right, and no error is left.

One test per request the streams send, through every kind of fault. The servers are real sockets; nothing is patched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.handing_over import LOOKS
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Link
from tests.chaos.truth import InAvni, InBahmni, in_avni, in_bahmni, work_until_quiet
from tests.flow.clinic import VITALS, open_clinic
from tests.flow.wire import (
    READ_FAULTS,
    REPEATED,
    Written,
    forget_sessions_before,
    nothing,
    open_errors,
    wrong_after_faults,
)
from tests.flow.world import MARKER, World

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


def unvoid_patient(world: World, patient: str) -> None:
    world.bahmni.unvoid_patient(patient)
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


def in_the_community(patient: str) -> InAvni:
    return InAvni(1, ({MARKER: patient, "Caste [HP]": "Toda", "Family size [HP]": 5},))


def creates(path: str) -> Written[World]:
    return Written("subject", "POST", path, subject_ready, nothing, hospital, registered(HELD_BEFORE))


WRITES = {
    "a new patient": creates(r"/patient$"),
    "a new visit": creates(r"/visit$"),
    "a new encounter": creates(r"/encounter$"),
    "an edited encounter": Written(
        "subject", "POST", r"/encounter/[^/]+$", subject_there, edit_subject, hospital, registered(HELD_AFTER)
    ),
    "a voided encounter that comes back later": Written(
        "subject", "DELETE", r"/encounter/", subject_there, void_subject, hospital, gone,
        (unvoid_subject, registered(HELD_AFTER)),
    ),
    "an encounter brought back": Written(
        "subject", "POST", r"/encounter/[^/]+$", subject_voided, unvoid_subject, hospital, registered(HELD_AFTER)
    ),
    "a new registration in Avni": Written(
        "patient", "POST", r"/api/encounter$", pair_ready, nothing, community, in_the_community
    ),
    "an edited registration in Avni": Written(
        "patient", "PATCH", r"/api/encounter/", pair_there, edit_patient, community,
        lambda patient: InAvni(1, ({MARKER: patient, "Caste [HP]": "Irula"},)),
    ),
    "a voided registration in Avni that comes back later": Written(
        "patient", "DELETE", r"/api/encounter/", pair_there, void_patient, community, lambda patient: InAvni(1),
        (unvoid_patient, in_the_community),
    ),
}  # fmt: skip


@pytest.mark.parametrize("times", REPEATED.values(), ids=REPEATED)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_goes_wrong_leaves_the_record_there_once_and_right(hasty: World, name: str, times: int) -> None:
    assert wrong_after_faults(hasty, hasty, WRITES[name], times) == {}


def test_one_brought_back_after_as_many_mishaps_as_a_hand_over_puts_up_with_has_its_newest_answers(
    hasty: World,
) -> None:
    assert wrong_after_faults(hasty, hasty, WRITES["an encounter brought back"], LOOKS - 1) == {}


READS = {
    "the window of subjects": ("subject", "avni", r"/api/subjects"),
    "the search for the patient": ("subject", "bahmni", r"/patient\?"),
    "the encounters of the patient": ("subject", "bahmni", r"/encounter\?"),
    "the visits of the patient": ("subject", "bahmni", r"/visit\?"),
    "the window of encounters": ("general-encounter", "avni", r"/api/encounters"),
    "the encounters with the marker": ("general-encounter", "bahmni", r"/encounter\?"),
    "the visit of the subject": ("general-encounter", "bahmni", r"/visit/"),
    "the feed of patients": ("patient", "bahmni", r"/atomfeed/"),
    "the patient": ("patient", "bahmni", r"/patient/[^/?]+\?"),
    "the encounter by its External ID": ("patient", "avni", r"/api/encounter/"),
    "the subject by its number": ("patient", "avni", r"/api/subjects"),
    "the feed of encounters": ("encounter", "bahmni", r"/atomfeed/"),
    "the encounter": ("encounter", "bahmni", r"/encounter/[^/?]+\?"),
    "the form's encounter by its External ID": ("encounter", "avni", r"/api/encounter/"),
}
NEEDS = {"general-encounter": "subject", "encounter": "patient"}
"""What a stream's records hang on must be through, or nothing is asked for them."""


@pytest.mark.parametrize("name", READS)
def test_a_read_that_goes_wrong_delays_the_record_and_harms_nothing(hasty: World, name: str) -> None:
    stream, side, path = READS[name]
    hasty.household_visits()
    clinic = open_clinic(hasty)
    faults = (hasty.avni_server if side == "avni" else hasty.bahmni_server).faults
    wrong = {}
    for number, fault in enumerate(READ_FAULTS, start=1001):
        subject = hasty.subject(str(number), observations=BEFORE)
        patient = hasty.patient(str(number), attributes={"Caste": "Toda"})
        if stream in NEEDS:
            hasty.sync(NEEDS[stream])
        visit = hasty.household_visit(subject, observations={"Height": 149})
        encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
        fired = faults.fired[fault]
        faults.plan("GET", path, fault, times=2)
        hasty.sync(stream)
        assert faults.fired[fault] > fired, f"{fault} did not happen"
        faults.clear()
        work_until_quiet(hasty)
        answers = HELD_BEFORE | {"Height": [149, 150], "Pulse": [72]}
        found = (in_bahmni(hasty, str(number)), in_avni(hasty, subject), clinic.in_avni(subject))
        expected = (
            InBahmni(1, 1, 3, 3, answers, tuple(sorted((subject, visit)))),
            InAvni(1, ({MARKER: patient, "Caste [HP]": "Toda"},)),
            {VITALS: [{MARKER: encounter, "Pulse": 72}]},
        )
        errors = [one for entity in (subject, visit, patient, encounter) for one in open_errors(entity)]
        if found != expected or errors:
            wrong[fault] = (found, errors)
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


def test_a_target_that_takes_requests_and_answers_none_stops_the_flow_and_blames_nobody(hasty: World) -> None:
    subjects = [hasty.subject(str(1001 + number)) for number in range(24)]
    hasty.bahmni_server.faults.plan("*", "", "hang:0.4", times=10_000)
    look = hasty.sync("subject").looks[-1]
    assert (look.stopped_by, ErrorRecord.objects.count()) == ("remote.slow", 0)
    hasty.bahmni_server.faults.clear()
    work_until_quiet(hasty, "subject")
    for number, subject in enumerate(subjects, start=1001):
        assert in_bahmni(hasty, str(number)) == InBahmni(1, 1, 1, 1, {}, (subject,))
