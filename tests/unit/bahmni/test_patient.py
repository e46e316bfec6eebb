from __future__ import annotations

from typing import Any

import pytest

from bahmni.bahmni_to_avni.patient import Found, external_id, plan, wanted
from common.outcome import Outcome
from engine.ports import Known, Plan
from engine.verdicts import Defer, Fail, Hold, Skip, Verdict
from tests.chaos.records import LIKENESS, MARKER, NAMESPACE, coded, patient, snapshot, subject, uuid_of

MAPPED = snapshot()
NO_NUMBERS: list[Any] = ["many", "1_0", True, [], 10**400, float("nan"), "inf"]
PATIENT = uuid_of("patient 1001")


def observations(**attributes: Any) -> dict[str, Any]:
    """What attributes become in Avni, the marker left out."""
    found = dict(
        wanted(patient(attributes={k.replace("_", " "): v for k, v in attributes.items()}), MAPPED).content.observations
    )
    assert found.pop(MARKER) == PATIENT
    return found


def planned(
    document: dict[str, Any], there: dict[str, Any] | None = None, known: Known | None = None, subjects: Any = None
) -> Plan:
    found = Found(there, subjects if subjects is not None else [subject()], subjects_asked=subjects is not None)
    return plan(wanted(document, MAPPED), found, known, NAMESPACE, LIKENESS)


def encounter(document: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The encounter as Avni holds it after the document was handed over."""
    content = wanted(document, MAPPED).content
    return {
        "ID": "E",
        "External ID": external_id(NAMESPACE, content.patient_uuid),
        "Subject ID": subject()["ID"],
        "Voided": False,
        "observations": dict(content.observations),
        **more,
    }


def link(outcome: Outcome = Outcome.CREATED, **more: Any) -> Known:
    usual: dict[str, Any] = {"wanted_fingerprint": "", "left_fingerprint": "", "is_suspect": False}
    return Known("TRI1001", "E", subject()["ID"], {}, outcome=outcome, **{**usual, **more})


@pytest.mark.parametrize(
    ("attribute", "value", "shown"),
    [
        ("Caste", "Toda", "Toda"),
        ("Family size", "5", 5),
        ("Family size", 5.5, 5.5),
        ("Since", "2015-02-11T00:00:00.000+0530", "2015-02-10T18:30:00.000Z"),
        ("Since", "1943-05-01", "1943-04-30T18:30:00.000Z"),
        ("Since", "0900-02-11", "0900-02-10T18:30:00.000Z"),
        ("Class", coded("Backward"), "Backward"),
        ("Literate", True, "Yes"),
        ("Literate", "false", "No"),
    ],
)
def test_an_attribute_travels_in_the_spelling_of_avni(attribute: str, value: Any, shown: Any) -> None:
    assert observations(**{attribute: value}) == {f"{attribute} [HP]": shown}


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_attribute_is_no_observation(value: str | None) -> None:
    assert observations(Caste=value) == {}


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        *(("Family size", value) for value in NO_NUMBERS),
        *(("Since", value) for value in ("soon", "0000-01-01", "0001-01-01", 7)),
        *(("Caste", value) for value in ([], [1], float("nan"))),
    ],
)
def test_a_value_of_another_kind_is_named_by_question_and_never_shown(attribute: str, value: Any) -> None:
    with pytest.raises(Fail) as failure:
        observations(**{attribute: value})
    assert failure.value.message == "bahmni.value-kind"
    assert failure.value.params["question"] == f"{attribute} [HP]"
    assert set(failure.value.params) == {"question", "expected", "kind"}


def test_an_answer_without_mapping_is_shown_by_its_name_only_when_it_is_a_concept() -> None:
    with pytest.raises(Fail) as concept:
        observations(Class=coded("Other"))
    with pytest.raises(Fail) as text:
        observations(Class="told to the clerk")
    assert (concept.value.params["name"], text.value.params["name"]) == ("Other", "a text")
    assert "clerk" not in str(text.value.params)


def test_w32_an_attribute_without_mapping_is_counted_and_the_patient_travels() -> None:
    assert wanted(patient(attributes={"Nickname": "Chinni"}), MAPPED).unmapped == ("Nickname",)


def test_a_new_registration_carries_marker_and_an_id_of_ours() -> None:
    made = planned(patient(attributes={"Caste": "Toda"}))
    (create,) = made.writes
    assert (create.verb, create.body["External ID"], create.body["Voided"]) == (
        "create",
        external_id(NAMESPACE, PATIENT),
        False,
    )
    assert create.body["observations"] == {MARKER: PATIENT, "Caste [HP]": "Toda"}
    assert made.created_by_us == ("encounter",)


def test_what_agrees_needs_no_write() -> None:
    document = patient(attributes={"Caste": "Toda", "Since": "2015-02-11"})
    there = encounter(document)
    there["observations"]["Since [HP]"] = "2015-02-11"  # as version 2 shows a date
    assert planned(document, there, link()).writes == ()


def test_an_update_carries_what_differs_and_null_for_what_is_gone() -> None:
    there = encounter(patient(attributes={"Caste": "Toda", "Family size": 5}))
    there["observations"]["Remark"] = "by hand"
    (update,) = planned(patient(attributes={"Caste": "Irula"}), there, link()).writes
    assert update.body == {"observations": {"Caste [HP]": "Irula", "Family size [HP]": None}}


def test_a_voided_patient_is_voided_whatever_its_attributes_say() -> None:
    there = encounter(patient())
    made = planned(patient(voided=True, attributes={"Family size": "many"}), there, link())
    assert [(write.verb, write.id) for write in made.writes] == [("void", "E")]


def test_w24_an_encounter_we_voided_comes_back_and_one_that_a_person_voided_is_held() -> None:
    there = encounter(patient(), Voided=True)
    left = planned(patient(voided=True), encounter(patient()), link()).left_fingerprint
    (update,) = planned(patient(), there, link(Outcome.FAILED, left_fingerprint=left)).writes
    assert update.body == {"Voided": False}
    with pytest.raises(Hold, match=r"bahmni\.target-voided"):
        planned(patient(), there, link())


@pytest.mark.parametrize(
    ("there", "known", "subjects", "kind", "message"),
    [
        (None, None, [], Defer, "bahmni.no-subject"),
        (None, None, [subject(id="a"), subject(id="b")], Fail, "bahmni.multiple-subjects-for-patient"),
        (None, None, [subject(voided=True)], Defer, "bahmni.no-subject"),
        (None, link(), None, Hold, "bahmni.registration-gone"),
        (encounter(patient(), observations={}), link(), None, Hold, "bahmni.marker-missing"),
        (encounter(patient(), **{"Subject ID": "x"}), link(), None, Hold, "bahmni.number-moved"),
        (encounter(patient()), None, [subject(id="b")], Fail, "bahmni.subject-id-changed-for-patient"),
        (
            None,
            None,
            [subject(observations={"First name": "Ramesh", "Gender": "Male"})],
            Hold,
            "bahmni.first-match-disagrees",
        ),
    ],
)
def test_in_doubt_nothing_is_written(
    there: Any, known: Known | None, subjects: Any, kind: type[Verdict], message: str
) -> None:
    with pytest.raises(kind) as verdict:
        planned(patient(), there, known, subjects)
    assert verdict.value.message == message


def test_a_patient_voided_before_it_was_handed_over_is_skipped() -> None:
    with pytest.raises(Skip):
        planned(patient(voided=True))


def test_a_patient_outside_the_programme_is_skipped() -> None:
    document = patient()
    document["identifiers"][0]["identifier"] = "GAN7"
    with pytest.raises(Skip):
        wanted(document, MAPPED)


def test_the_preferred_number_counts() -> None:
    document = patient()
    document["identifiers"].insert(0, {"identifier": "TRI9", "preferred": False, "voided": False})
    document["identifiers"].insert(0, {"identifier": "TRI8", "preferred": True, "voided": True})
    assert wanted(document, MAPPED).identifier == "TRI1001"


def test_the_same_record_gives_the_same_plan() -> None:
    document = patient(attributes={"Caste": "Toda", "Class": coded("General")})
    assert planned(document) == planned(document)
