"""One bad record is its own error and nobody else's, and nothing of what it says reaches a log, an error or a count."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from errors.models import ErrorLog, ErrorRecord
from simulators.server import Request, Response
from syncstatus.models import Position, Run
from tests.chaos.hooks import twist
from tests.chaos.truth import InBahmni, in_avni, in_bahmni
from tests.flow.spoilt import SECRET, Spoil, having, saying, without
from tests.flow.world import NUMBER, World

SUBJECTS: dict[str, tuple[Spoil, str]] = {
    "observations null": (having(observations=None), "record.field-missing"),
    "observations a list": (having(observations=[SECRET]), "record.field-kind"),
    "observations a text": (having(observations=SECRET), "record.field-kind"),
    "a number as a group": (saying(Height={"value": SECRET}), "bahmni.value-kind"),
    "a number as a word": (saying(Height=SECRET), "bahmni.value-kind"),
    "a number without end": (saying(Height=10**400), "bahmni.value-kind"),
    "not a number": (saying(Height=float("nan")), "bahmni.value-kind"),
    "an answer as a group": (saying(Marital_status={"uuid": SECRET}), "bahmni.value-kind"),
    "an answer as long as a book": (saying(Marital_status=SECRET * 10_000), "bahmni.value-kind"),
    "a date in the year 0": (saying(Marriage_date="0000-01-01"), "bahmni.value-kind"),
    "a date in the year 9999": (saying(Marriage_date="9999-12-31"), "bahmni.value-kind"),
    "an answer that is no concept": (saying(Marital_status=SECRET), "bahmni.answer-unknown"),
    "a date that is none": (saying(Marriage_date=SECRET), "bahmni.value-kind"),
    "a text as a list": (saying(Occupation=[SECRET]), "bahmni.value-kind"),
    "two megabytes of text": (saying(Occupation=SECRET * 150_000), "bahmni.value-too-long"),
    "half a surrogate": (saying(Occupation=f"{SECRET} \ud83d"), "bahmni.value-kind"),
    "half a surrogate in a name": (saying(First_name=f"{SECRET} \ud83d"), "bahmni.name-refused"),
    "NUL in the number": (saying(**{NUMBER: f"{SECRET}\x00"}), "bahmni.value-kind"),
    "a number too long": (saying(**{NUMBER: SECRET * 9}), "bahmni.value-kind"),
    "the number as a group": (saying(**{NUMBER: {"x": SECRET}}), "bahmni.subject-id-null"),
    "no registration date": (without("Registration date"), "record.field-missing"),
    "registration date a number": (having(Registration_date=20260105), "bahmni.registration-date-missing"),
    "no word whether voided": (without("Voided"), "record.field-missing"),
    "a word whether voided that is none": (having(Voided=SECRET), "record.field-kind"),
    "no time": (without("audit"), "record.field-missing"),
    "a name that is a number": (saying(First_name=7), "bahmni.demographic-missing"),
    "a birth date that is none": (saying(Date_of_birth=SECRET), "bahmni.value-kind"),
    "a gender nobody knows": (saying(Gender=SECRET), "bahmni.demographic-missing"),
}


def attribute(name: str, value: Any) -> Callable[[World], Spoil]:
    def spoil(world: World) -> Spoil:
        row = {"value": value, "voided": False, "attributeType": {"uuid": world.attributes[name], "display": name}}
        return lambda patient: patient["person"].update(attributes=[row])

    return spoil


def plainly(spoil: Spoil) -> Callable[[World], Spoil]:
    return lambda world: spoil


PATIENTS: dict[str, tuple[Callable[[World], Spoil], str]] = {
    "a number as a group": (attribute("Family size", {"uuid": SECRET}), "bahmni.attribute-answer-unmapped"),
    "a number as a word": (attribute("Family size", SECRET), "bahmni.value-kind"),
    "a text as a list": (attribute("Caste", [SECRET]), "bahmni.value-kind"),
    "half a surrogate": (attribute("Caste", f"{SECRET} \ud83d"), "bahmni.value-kind"),
    "an attribute without a type": (
        plainly(lambda row: row["person"].update(attributes=[{"value": SECRET}])), "record.field-missing",
    ),
    "attributes a text": (plainly(lambda row: row["person"].update(attributes=SECRET)), "record.field-kind"),
    "a person that is a list": (plainly(having(person=[SECRET])), "record.field-kind"),
    "no word on when": (plainly(having(auditInfo=None)), "record.field-missing"),
    "a time that is none": (plainly(having(auditInfo={"dateCreated": SECRET})), "record.field-missing"),
}  # fmt: skip


def spoil_subjects(world: World, spoilt: dict[str, Spoil]) -> None:
    def change(request: Request, response: Response) -> None:
        if request.path == "/api/subjects" and "concepts" not in request.query:
            for row in response.body["content"]:
                if row["ID"] in spoilt:
                    spoilt[row["ID"]](row)
            response.body = json.dumps(response.body)

    twist(world.avni_server, change)


def spoil_patients(world: World, spoilt: dict[str, Spoil]) -> None:
    def change(request: Request, response: Response) -> None:
        if request.method == "GET" and request.path.rsplit("/", 1)[-1] in spoilt:
            spoilt[request.path.rsplit("/", 1)[-1]](response.body)
            response.body = json.dumps(response.body)

    twist(world.bahmni_server, change)


def told() -> str:
    """Everything an operator may see of errors, runs and counts."""
    rows = [*ErrorRecord.objects.values(), *ErrorLog.objects.values(), *Run.objects.values()]
    return json.dumps(rows, default=str)


def test_w9_spoilt_subjects_end_as_their_own_errors_and_the_others_go_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = [world.subject("1001")]
    spoilt = {}
    expected = {}
    for number, (spoil, message) in enumerate(SUBJECTS.values(), start=2001):
        subject = world.subject(str(number))
        spoilt[subject], expected[subject] = spoil, message
    good.append(world.subject("1002"))
    spoil_subjects(world, spoilt)
    world.sync("subject")
    names = dict(zip(spoilt, SUBJECTS, strict=True))
    found = {names[record.entity_id]: record.message for record in ErrorRecord.objects.all()}
    assert found == {names[entity]: message for entity, message in expected.items()}
    for known, subject in zip(("1001", "1002"), good, strict=True):
        assert in_bahmni(world, known) == InBahmni(1, 1, 1, 1, {}, (subject,))
    run = Run.objects.get()
    assert (run.read, run.finished_changes, run.created) == (len(SUBJECTS) + 2, len(SUBJECTS) + 2, 2)
    assert Position.objects.get(stream__key="subject").value["ts"] > "2026-01-05T06:00:20"
    assert SECRET not in caplog.text
    assert SECRET not in told()


def test_w10_spoilt_patients_end_as_their_own_errors_and_the_others_go_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    subject = world.subject("1001")
    world.patient("1001")
    spoilt, expected = {}, {}
    for number, (name, (spoil, message)) in enumerate(PATIENTS.items(), start=2001):
        world.subject(str(number))
        patient = world.patient(str(number))
        spoilt[patient], expected[patient] = spoil(world), (name, message)
    other = world.subject("1002")
    world.patient("1002")
    spoil_patients(world, spoilt)
    world.sync("patient")
    found = {expected[record.entity_id][0]: record.message for record in ErrorRecord.objects.all()}
    assert found == dict(expected.values())
    assert [in_avni(world, one).rows for one in (subject, other)] == [1, 1]
    run = Run.objects.get()
    assert run.read == run.finished_changes == len(PATIENTS) + 2
    assert SECRET not in caplog.text
    assert SECRET not in told()


def test_a_spoilt_record_gets_through_once_it_is_mended(world: World) -> None:
    subject = world.subject("1001", observations={"Occupation": "Weaver"})
    spoilt = {subject: saying(Height=SECRET)}
    spoil_subjects(world, spoilt)
    world.sync("subject")
    assert ErrorRecord.objects.get().message == "bahmni.value-kind"
    spoilt.clear()
    world.avni.edit_subject(subject, observations={"Height": 150}, at=world.moment())
    world.sync("subject")
    assert ErrorRecord.objects.get().state == "resolved"
    assert in_bahmni(world, "1001").answers == {"Height": [150.0], "Occupation": ["Weaver"]}


def test_what_joins_letters_of_indian_scripts_is_no_spoilt_text(world: World) -> None:
    world.subject("1001", observations={"Occupation": "ക്‍ഷ ശ്രീ‌മതി"})
    world.sync("subject")
    assert in_bahmni(world, "1001").answers == {"Occupation": ["ക്‍ഷ ശ്രീ‌മതി"]}
