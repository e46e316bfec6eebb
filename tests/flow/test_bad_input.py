"""Every stream meets records that are not as they should be: each is one error naming the field, the rest go on.

Subjects and patients: `test_isolation`. The documents are spoilt on their way from the simulated servers to us.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from engine.registry import connector_of
from errors.catalogue import explain
from errors.models import OPEN_STATES, ErrorLog, ErrorRecord
from mappings.models import Mapping
from simulators.server import Request, Response
from syncstatus.models import Link, Run
from tests.chaos.hooks import twist
from tests.flow.clinic import Clinic, open_clinic
from tests.flow.spoilt import SECRET, Spoil, having, saying, without
from tests.flow.world import World

FROM_AVNI: dict[str, tuple[Spoil, str, str]] = {
    "wrong type": (saying(Height={"value": SECRET}), "bahmni.value-kind", "Height"),
    "wrong type in a list": (saying(Medical_problems=[{"x": SECRET}]), "bahmni.value-kind", "Medical problems"),
    "unknown answer": (saying(Marital_status=SECRET), "bahmni.answer-unknown", "Marital status"),
    "answer nobody mapped": (saying(Marital_status="Unmapped"), "bahmni.answer-unmapped", "Marital status"),
    "mapping to no uuid": (saying(Spoilt_mapping=SECRET), "bahmni.mapping-without-uuid", "Spoilt mapping"),
    "two megabytes": (saying(Occupation=SECRET * 150_000), "bahmni.value-too-long", "Occupation"),
    "year 0": (saying(Marriage_date="0000-01-01"), "bahmni.value-kind", "Marriage date"),
    "year 9999": (saying(Marriage_date="9999-12-31"), "bahmni.value-kind", "Marriage date"),
    "half a surrogate": (saying(Occupation=f"{SECRET} \ud83d"), "bahmni.value-kind", "Occupation"),
    "observations a text": (having(observations=SECRET), "record.field-kind", "observations"),
    "observations missing": (without("observations"), "record.field-missing", "observations"),
    "no word whether voided": (without("Voided"), "record.field-missing", "Voided"),
    "no time": (without("audit"), "record.field-missing", "audit"),
    "no ID": (without("ID"), "record.field-missing", "ID"),
}
VISITS: dict[str, tuple[Spoil, str, str]] = {
    **FROM_AVNI,
    "held in the year 9999": (
        having(Encounter_date_time="9999-12-31T00:00:00.000Z"), "bahmni.value-kind", "Encounter date time",
    ),
    "held in the year 0": (having(Encounter_date_time="0000-01-01"), "bahmni.value-kind", "Encounter date time"),
}  # fmt: skip
ENROLMENTS: dict[str, tuple[Spoil, str, str]] = {
    **FROM_AVNI,
    "begun in the year 9999": (
        having(Enrolment_datetime="9999-12-31T00:00:00.000Z"), "bahmni.value-kind", "Enrolment datetime",
    ),
    "exit without a word": (
        having(Exit_datetime="2026-02-01T00:00:00.000Z", exitObservations=None), "record.field-missing",
        "exitObservations",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class AvniStream:
    """One stream from Avni: its list, and how a record of it is made for a subject."""

    key: str
    path: str
    made: Callable[[World, str], str]
    spoils: dict[str, tuple[Spoil, str, str]]


def visited(world: World, subject: str) -> str:
    return world.household_visit(subject)


def enrolled(world: World, subject: str) -> str:
    return world.enrolment(subject)


def checked_up(world: World, subject: str) -> str:
    return world.check_up(world.enrolment(subject))


STREAMS = [
    AvniStream("general-encounter", "/api/encounters", visited, VISITS),
    AvniStream("enrolment", "/api/programEnrolments", enrolled, ENROLMENTS),
    AvniStream("program-encounter", "/api/programEncounters", checked_up, VISITS),
]


def spoil_lists(world: World, path: str, spoilt: dict[str, Spoil]) -> None:
    def change(request: Request, response: Response) -> None:
        if request.path == path and "concepts" not in request.query:
            for row in response.body["content"]:
                if row.get("ID") in spoilt:
                    spoilt[row["ID"]](row)
            response.body = json.dumps(response.body)

    twist(world.avni_server, change)


def told() -> str:
    """Everything an operator may see of errors, runs and counts."""
    rows = [*ErrorRecord.objects.values(), *ErrorLog.objects.values(), *Run.objects.values()]
    return json.dumps(rows, default=str)


def explained(world: World, record: ErrorRecord) -> str:
    """The error as an administrator reads it."""
    return explain(record.message, record.params, connector_of(world.tenant).sentences).cause


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.key)
def test_each_spoilt_record_of_avni_is_one_error_that_names_its_field_and_the_others_go_on(
    world: World, stream: AvniStream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.household_visits()
    world.programs()
    world.avni.add_concept("Unmapped", "NA")
    world.concept("Spoilt mapping", "Text", "Text")
    kinds = list(stream.spoils)
    subjects = [world.subject(str(1001 + number)) for number in range(len(kinds) + 2)]
    first, *bad, last = (stream.made(world, subject) for subject in subjects)
    Mapping.objects.filter(avni_value="Spoilt mapping").update(int_system_value="soon")
    world.sync("subject")
    if stream.key == "program-encounter":
        world.sync("enrolment")
    spoil_lists(world, stream.path, {uuid: stream.spoils[kind][0] for uuid, kind in zip(bad, kinds, strict=True)})
    world.sync(stream.key)
    records = list(ErrorRecord.objects.filter(stream__key=stream.key, state__in=OPEN_STATES))
    by_id = {record.entity_id: record for record in records}
    nameless = [record for record in records if record.entity_id not in bad]
    for uuid, kind in zip(bad, kinds, strict=True):
        _, message, field = stream.spoils[kind]
        record = nameless[0] if kind == "no ID" else by_id[uuid]
        assert (kind, record.message) == (kind, message)
        assert field in explained(world, record)
    assert len(records) == len(kinds)
    assert set(Link.objects.filter(stream__key=stream.key, outcome="created").values_list("source_id", flat=True)) == {
        first, last,
    }  # fmt: skip
    run = Run.objects.filter(stream__key=stream.key).latest("pk")
    assert run.read == run.finished_changes
    assert SECRET not in caplog.text
    assert SECRET not in told()


def leaf(question: str, value: Any) -> Callable[[Clinic], Spoil]:
    """The form holds this answer and no other."""

    def spoil(clinic: Clinic) -> Spoil:
        answer = {"concept": {"uuid": clinic.concepts[question], "display": question}, "value": value, "voided": False}
        return lambda row: row["obs"][0].update(groupMembers=[answer])

    return spoil


def plainly(spoil: Spoil) -> Callable[[Clinic], Spoil]:
    return lambda clinic: spoil


def other_concept(uuid: str) -> dict[str, Any]:
    """A concept nobody mapped; its name is metadata."""
    return {
        "uuid": uuid,
        "display": "Vertigo",
        "links": [{"rel": "self", "uri": f"http://h/ws/rest/v1/concept/{uuid}"}],
    }


PULSE, ADVICE, COMPLAINT = "Pulse", "Advice", "Complaint"
FROM_BAHMNI: dict[str, tuple[Callable[[Clinic], Spoil], str, str]] = {
    "wrong type": (leaf(PULSE, SECRET), "bahmni.value-kind", PULSE),
    "a list": (leaf(ADVICE, [SECRET]), "bahmni.value-kind", ADVICE),
    "answer nobody mapped": (
        leaf(COMPLAINT, other_concept("5" * 36)), "bahmni.observation-answer-unmapped", "Vertigo",
    ),
    "answer that is a text": (leaf(COMPLAINT, SECRET), "bahmni.observation-answer-unmapped", COMPLAINT),
    "two megabytes": (leaf(ADVICE, SECRET * 150_000), "bahmni.value-too-long", ADVICE),
    "half a surrogate": (leaf(ADVICE, f"{SECRET} \ud83d"), "bahmni.value-kind", ADVICE),
    "held in the year 9999": (
        plainly(having(encounterDatetime="9999-12-31T00:00:00.000+0530")), "bahmni.value-kind", "encounterDatetime",
    ),
    "held in the year 0": (
        plainly(having(encounterDatetime="0000-01-01T00:00:00.000+0530")), "bahmni.value-kind", "encounterDatetime",
    ),
    "no time": (plainly(without("encounterDatetime")), "record.field-missing", "encounterDatetime"),
    "no patient": (plainly(without("patient")), "record.field-missing", "patient"),
    "observations a text": (plainly(having(obs=SECRET)), "record.field-kind", "obs"),
    "an observation without a concept": (plainly(having(obs=[{"value": SECRET}])), "record.field-missing", "concept"),
}  # fmt: skip


def spoil_encounters(world: World, spoilt: dict[str, Spoil]) -> None:
    def change(request: Request, response: Response) -> None:
        uuid = request.path.rsplit("/", 1)[-1]
        if request.method == "GET" and "/encounter/" in request.path and uuid in spoilt:
            spoilt[uuid](response.body)
            response.body = json.dumps(response.body)

    twist(world.bahmni_server, change)


def test_each_spoilt_encounter_of_the_hospital_is_one_error_that_names_its_field_and_the_others_go_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clinic = open_clinic(world)
    kinds = list(FROM_BAHMNI)
    patients = []
    for number in range(len(kinds) + 2):
        world.subject(str(1001 + number))
        patients.append(world.patient(str(1001 + number)))
    world.sync("patient")
    first, *bad, last = (clinic.fill_in(patient, clinic.form("Vitals", Pulse=72)) for patient in patients)
    spoil_encounters(world, {uuid: FROM_BAHMNI[kind][0](clinic) for uuid, kind in zip(bad, kinds, strict=True)})
    world.sync("encounter")
    records = {one.entity_id: one for one in ErrorRecord.objects.filter(stream__key="encounter", state__in=OPEN_STATES)}
    assert set(records) == set(bad)
    for uuid, kind in zip(bad, kinds, strict=True):
        _, message, field = FROM_BAHMNI[kind]
        assert (kind, records[uuid].message) == (kind, message)
        assert field in explained(world, records[uuid])
    created = Link.objects.filter(stream__key="encounter", outcome="created").values_list("source_id", flat=True)
    assert set(created) == {first, last}
    run = Run.objects.filter(stream__key="encounter").latest("pk")
    assert run.read == run.finished_changes
    assert SECRET not in caplog.text
    assert SECRET not in told()
