from __future__ import annotations

import pytest

from bahmni import vocabulary as v
from bahmni.counterparts import counterparts
from common.outcome import Outcome
from engine.ports import Known
from engine.registry import Counterpart
from tests.chaos.records import snapshot


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
