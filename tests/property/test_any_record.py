"""Whatever stands in a record, a translator gives a wish or a verdict, and no verdict tells what the record says."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni import encounter as visit
from bahmni.avni_to_bahmni import enrolment, subject
from bahmni.bahmni_to_avni import encounter as hospital
from bahmni.bahmni_to_avni import patient
from engine.ports import Want
from engine.verdicts import Verdict
from mappings.snapshot import Entry
from tests.chaos import forms, records
from tests.chaos.records import ATTRIBUTES, KINDS, NUMBER, ZONE, uuid_of
from tests.property.kinds import GROUPS, in_avni_uuid, kinds_snapshot
from tests.property.kinds import KINDS as OF_EVERY_KIND

SECRET = "Zarina Qureshi"
"""Stands in every text that is made up here."""

QUESTIONS = (*OF_EVERY_KIND, *KINDS)
scraps = st.text(st.characters(), max_size=10).map(lambda text: SECRET + text)
"""Texts with half surrogates, NUL and all else in them."""
likely = st.sampled_from(["", " ", "9999-12-31", "0000-01-01", "2026-01-01T00:00:00", "1e400", "NaN", "१२"])
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), scraps, likely, st.just(SECRET * 200_000),
)  # fmt: skip
keys = st.sampled_from(
    [
        *OF_EVERY_KIND,
        *KINDS,
        *map(in_avni_uuid, OF_EVERY_KIND),
        "uuid",
        "display",
        "links",
        "uri",
        "phoneNumber",
        "value",
    ]
)
junk = st.recursive(
    leaves,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=3),
    max_leaves=8,
)
observations = st.dictionaries(
    st.sampled_from([*OF_EVERY_KIND, *KINDS, NUMBER, "First name", "Shoe size"]), junk, max_size=4
)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


MAPPED = kinds_snapshot()
HOSPITAL_FORM = uuid_of("hospital form")


def _leaf(name: str, value: Any) -> dict[str, Any]:
    return {"concept": {"uuid": uuid_of(name), "display": name}, "value": value, "voided": False, "groupMembers": None}


@st.composite
def filled_in(draw: st.DrawFn) -> dict[str, Any]:
    """An encounter of the hospital whose answers may be anything."""
    said = draw(st.lists(st.tuples(st.sampled_from([*OF_EVERY_KIND, "Mood"]), junk), max_size=4))
    inner = [_leaf(name, value) for name, value in said]
    group = {"concept": {"uuid": uuid_of(draw(st.sampled_from(GROUPS)))}, "value": None, "groupMembers": inner[:2]}
    form = {"concept": {"uuid": HOSPITAL_FORM}, "value": None, "groupMembers": [*inner, group]}
    return forms.encounter(form)


def wanted_of_visit(record: Any) -> Want:
    return visit.wanted(visit.GENERAL, record, MAPPED, ZONE)


def wanted_of_subject(record: Any) -> Want:
    return subject.wanted(record, MAPPED, ZONE)


def wanted_of_enrolment(record: Any) -> Want:
    return enrolment.wanted(record, MAPPED, ZONE)


def wanted_of_patient(record: Any) -> Want:
    return patient.wanted(record, MAPPED)


def wanted_in_hospital(record: Any) -> Want:
    return hospital.wanted(record, MAPPED)


OPD, LAB = uuid_of("OPD"), uuid_of("LAB_RESULT")
OUTPATIENTS = forms.with_singles(
    MAPPED,
    {
        v.LAB_ENCOUNTER_TYPE: Entry("Results", LAB, ""),
        v.LAB_TEXT: Entry("Results in words", "", "Text"),
        v.DRUG_ENCOUNTER_TYPE: Entry("Prescriptions", "", ""),
        v.DRUG_TEXT: Entry("Drugs", "", "Text"),
        v.DRUG_GROUP: Entry("Drug", "", ""),
        **{pair: Entry(pair[1], "", hint) for pair, hint in ((v.DRUG_DOSE, "Numeric"), (v.DRUG_START, "Date"))},
    },
    OutpatientVisitTypes=OPD,
)


def wanted_of_outpatient(record: Any) -> Want:
    return hospital.wanted(record, OUTPATIENTS)


def prescribed() -> dict[str, Any]:
    """An encounter of an outpatient with a prescription."""
    names = ("drug", "doseUnits", "frequency", "route", "durationUnits")
    order = {
        "uuid": "order", "type": "drugorder", "voided": False, "action": "NEW", "dateStopped": None, "dose": 0.5,
        "duration": 3, "asNeeded": True, "asNeededCondition": "pain", "scheduledDate": "2026-11-20T10:30:00.000+0530",
        "dosingInstructions": '{"instructions":"as told","morningDose":1}', "drugNonCoded": None,
        **{name: {"uuid": uuid_of(name), "display": name} for name in names},
    }  # fmt: skip
    return forms.encounter(visit={"visitType": {"uuid": OPD}}, orders=[order])


def with_results() -> dict[str, Any]:
    """An encounter of the laboratory with two tests."""
    tests = [forms.group("Words", forms.group("Words", _leaf("Words", said))) for said in ("high", "low")]
    return forms.encounter(*tests, visit={"visitType": {"uuid": OPD}}, encounterType={"uuid": LAB})


Translate = Callable[[Any], Want]
SOUND: dict[str, tuple[Translate, Callable[[], dict[str, Any]]]] = {
    "subject": (wanted_of_subject, records.subject),
    "visit": (wanted_of_visit, lambda: records.encounter("s", kind="Visit of every kind")),
    "enrolment": (wanted_of_enrolment, lambda: records.enrolment("s")),
    "patient": (wanted_of_patient, lambda: records.patient(attributes=dict.fromkeys(ATTRIBUTES, "7"))),
    "hospital": (wanted_in_hospital, lambda: forms.encounter(forms.group("hospital form", _leaf("Words", "x")))),
    "prescription": (wanted_of_outpatient, prescribed),
    "laboratory": (wanted_of_outpatient, with_results),
}


NAMES_OF_FORMS = {"Program", "Encounter type"}
"""Fields of Avni that hold no answer but the name of a form: one that is not mapped is told, so that it can be."""


def judged(translate: Translate, record: Any) -> None:
    """A wish or a verdict comes of it; what stands in the record stands in no parameter."""
    told: dict[str, str] | tuple[str, ...]
    try:
        told = translate(record).unmapped
    except Verdict as verdict:
        told = verdict.params
    assert SECRET not in json.dumps(told)
    assert all(len(text) < 500 for text in (told.values() if isinstance(told, dict) else told))


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(said=observations)
@pytest.mark.parametrize("kind", ["subject", "visit", "enrolment"])
def test_whatever_is_answered_in_avni_no_value_is_told(kind: str, said: dict[str, Any]) -> None:
    translate, sound = SOUND[kind]
    record = sound()
    judged(translate, {**record, "observations": {**record["observations"], **said}})


@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(record=filled_in())
def test_whatever_is_answered_in_the_hospital_no_value_is_told(record: dict[str, Any]) -> None:
    judged(wanted_in_hospital, record)


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(value=junk, name=st.sampled_from(sorted(ATTRIBUTES)))
def test_whatever_an_attribute_holds_no_value_is_told(value: Any, name: str) -> None:
    judged(wanted_of_patient, records.patient(attributes={name: value}))


RECORDS = {kind: sound() for kind, (_, sound) in SOUND.items()}
"""One sound record of each kind: what is drawn from it must be the same whenever it is drawn."""


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(data=st.data(), value=junk)
@pytest.mark.parametrize("kind", SOUND)
def test_whatever_a_field_holds_or_lacks_it_is_named(kind: str, data: st.DataObject, value: Any) -> None:
    translate, _ = SOUND[kind]
    record = deepcopy(RECORDS[kind])
    holder: Any = record
    while True:
        steps = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        step = data.draw(st.sampled_from(steps))
        below = holder[step]
        if isinstance(below, dict | list) and below and data.draw(st.booleans()):
            holder = below
            continue
        if data.draw(st.booleans()):
            holder[step] = value
        else:
            del holder[step]
        break
    if step in NAMES_OF_FORMS and isinstance(record.get(step), str):
        record[step] = record[step].replace(SECRET, "Eye camp")
    judged(translate, record)


@settings(max_examples=50, deadline=None, suppress_health_check=QUIET)
@given(record=junk)
@pytest.mark.parametrize("kind", SOUND)
def test_what_is_no_record_at_all_is_a_verdict(kind: str, record: Any) -> None:
    with pytest.raises(Verdict):
        SOUND[kind][0](record)
