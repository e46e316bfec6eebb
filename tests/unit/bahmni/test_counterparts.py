from __future__ import annotations

import pytest

from bahmni import vocabulary as v
from bahmni.counterparts import counterparts
from common.outcome import Outcome
from engine.ports import Known
from engine.registry import Counterpart
from mappings.snapshot import Entry
from tests.chaos.forms import forms_snapshot, with_singles
from tests.chaos.records import snapshot, uuid_of


@pytest.mark.parametrize(
    ("left", "others", "expected"),
    [
        ("", {"visit": "V"}, [Counterpart("Visit", "V"), Counterpart("Enrolment", "B")]),
        (
            "",
            {"visit": "V", "exit": "X"},
            [Counterpart("Visit", "V"), Counterpart("Enrolment", "B"), Counterpart("Exit", "X")],
        ),
        (
            v.VOIDED_BY_US,
            {"voided visit": "V", "voided exit": "X"},
            [
                Counterpart("Visit", "V", is_voided_by_us=True),
                Counterpart("Enrolment", "B", is_voided_by_us=True),
                Counterpart("Exit", "X", is_voided_by_us=True),
            ],
        ),
    ],
)
def test_an_enrolment_stands_in_bahmni_as_a_visit_an_encounter_and_perhaps_an_exit(
    left: str, others: dict[str, str], expected: list[Counterpart]
) -> None:
    known = Known("TRI1", "B", "P", others, "", left, Outcome.CREATED, is_suspect=False)
    assert counterparts(snapshot(), v.ENROLMENT, known) == [Counterpart("Patient", "P"), *expected]


def test_a_program_encounter_stands_as_one_encounter_in_the_visit_of_its_enrolment() -> None:
    known = Known("TRI1", "T", "P", {"visit": "V"}, "", "", Outcome.CREATED, is_suspect=False)
    assert counterparts(snapshot(), v.PROGRAM_ENCOUNTER, known) == [
        Counterpart("Patient", "P"),
        Counterpart("Visit", "V"),
        Counterpart("Encounter", "T"),
    ]


def test_an_encounter_of_the_hospital_stands_as_its_parts_each_by_its_type_and_the_enrolment_made_for_it() -> None:
    mapped = with_singles(forms_snapshot(), {v.DRUG_ENCOUNTER_TYPE: Entry("Drugs (Hospital)", "", "")})
    vitals, antenatal = uuid_of("Vitals"), uuid_of("Antenatal")
    others = {
        vitals: "V", f"voided program {antenatal}#2": "A2", f"program {antenatal}": "A", "prescription": "D",
        "laboratory": "L", "enrolment Mother": "N", "program gone": "G",
    }  # fmt: skip
    known = Known("TRI1", "V", "S", others, "", "", Outcome.CREATED, is_suspect=False)
    found = counterparts(mapped, v.ENCOUNTER, known)
    assert found[:2] == [Counterpart("Subject", "S"), Counterpart("Enrolment in Mother", "N")]
    assert sorted((one.label, one.id, one.is_voided_by_us) for one in found[2:]) == [
        ("Antenatal (Hospital)", "A", False),
        ("Antenatal (Hospital), no. 2", "A2", True),
        ("Drugs (Hospital)", "D", False),
        ("Form gone, no longer mapped", "G", False),
        ("Laboratory, no longer mapped", "L", False),
        ("Vitals (Hospital)", "V", False),
    ]
