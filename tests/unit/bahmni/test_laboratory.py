from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter import wanted
from bahmni.bahmni_to_avni.part import LABORATORY
from engine.ports import Want
from engine.verdicts import Fail
from mappings.models import DataTypeHint, Unmapped
from mappings.snapshot import Entry, Snapshot
from tests.chaos.forms import concept, encounter, forms_snapshot, group, leaf, with_singles
from tests.chaos.records import MARKER, uuid_of

OPD = uuid_of("OPD")
KIND = {v.LAB_ENCOUNTER_TYPE: Entry("Lab Results (Hospital)", uuid_of("LAB_RESULT"), "")}
MAPPED = with_singles(forms_snapshot(), KIND, OutpatientVisitTypes=OPD)
TEXT, GROUP = "Results", "One result"
AS_TEXT = with_singles(MAPPED, {v.LAB_TEXT: Entry(TEXT, "", DataTypeHint.TEXT)})
AS_GROUP = with_singles(
    MAPPED,
    {
        v.LAB_GROUP: Entry(GROUP, "", ""),
        v.LAB_TEST: Entry("Test", "", ""),
        v.LAB_RESULT: Entry("Result", "", ""),
    },
)


def test_of(name: str, *beside: dict[str, Any]) -> dict[str, Any]:
    """A test as the laboratory stores it: inside it the test again, inside that the result and what stands beside."""
    return group(name, group(name, *beside))


test_of.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test


def pulse(result: float, smokes: str | None = None, *more: dict[str, Any]) -> dict[str, Any]:
    """Here "Smokes" stands for LAB_ABNORMAL and "Advice" for LAB_NOTES."""
    beside = [leaf("Smokes", concept(smokes))] if smokes else []
    return test_of("Pulse", leaf("Pulse", result), *beside, *more)


def systolic(result: float, smokes: str | None = None) -> dict[str, Any]:
    return test_of("Systolic", leaf("Systolic", result), *([leaf("Smokes", concept(smokes))] if smokes else []))


def results(*tests: dict[str, Any], **more: Any) -> dict[str, Any]:
    usual = {"visit": {"visitType": {"uuid": OPD}}, "encounterType": {"uuid": uuid_of("LAB_RESULT")}}
    return encounter(*tests, **{**usual, **more})


def want(*tests: dict[str, Any], snapshot: Snapshot = MAPPED, **more: Any) -> Want:
    return wanted(results(*tests, **more), snapshot)


def observations(*tests: dict[str, Any], snapshot: Snapshot = MAPPED) -> dict[str, Any]:
    (part,) = want(*tests, snapshot=snapshot).content.parts
    found = dict(part.observations)
    assert found.pop(MARKER) == uuid_of("encounter")
    return found


class TestOnePart:
    def test_all_results_become_one_encounter_of_the_mapped_type(self) -> None:
        (part,) = want(pulse(72.0), systolic(120.0)).content.parts
        assert (part.key, part.encounter_type) == (LABORATORY, "Lab Results (Hospital)")
        assert part.observations == {"Pulse (Hospital)": 72, "Systolic (Hospital)": 120, MARKER: uuid_of("encounter")}

    def test_panels_stand_around_their_tests(self) -> None:
        assert observations(group("Panel", pulse(72.0), systolic(120.0))) == {
            "Pulse (Hospital)": 72,
            "Systolic (Hospital)": 120,
        }

    def test_a_test_mapped_as_a_form_makes_no_second_encounter(self) -> None:
        assert [part.key for part in want(group("Vitals", leaf("Pulse", 72.0))).content.parts] == [LABORATORY]

    def test_a_result_that_stands_in_no_group_travels(self) -> None:
        assert observations(leaf("Pulse", 72.0)) == {"Pulse (Hospital)": 72}

    def test_what_was_voided_is_dropped(self) -> None:
        corrected = pulse(70.0) | {"voided": True}
        assert observations(corrected, pulse(72.0)) == {"Pulse (Hospital)": 72}

    def test_when_nothing_is_left_there_is_no_part(self) -> None:
        content = want(pulse(70.0) | {"voided": True}).content
        assert (content.parts, content.left_out) == ((), frozenset())

    def test_questions_without_mapping_are_counted_by_name(self) -> None:
        wish = want(test_of("Pulse", leaf("Pulse", 72.0), leaf("Mood", "low")))
        assert wish.unmapped == ("Mood",)

    def test_a_correction_changes_what_is_wanted(self) -> None:
        assert want(pulse(70.0)).fingerprint != want(pulse(72.0)).fingerprint


class TestWhatStandsBesideResults:
    """W26: the Java service kept one LAB_ABNORMAL, minimum and maximum for all tests of an encounter."""

    def test_of_one_test_alone_it_stands_under_its_own_question(self) -> None:
        assert observations(pulse(72.0, "True"), systolic(120.0)) == {
            "Pulse (Hospital)": 72,
            "Systolic (Hospital)": 120,
            "Smokes (Hospital)": "Yes",
        }

    def test_where_all_tests_agree_it_is_said_once(self) -> None:
        assert observations(pulse(72.0, "False"), systolic(120.0, "False"))["Smokes (Hospital)"] == "No"

    def test_w26_where_tests_differ_none_is_told_for_the_other(self) -> None:
        wish = want(pulse(72.0, "True"), systolic(120.0, "False"))
        (part,) = wish.content.parts
        assert dict(part.observations) == {
            "Pulse (Hospital)": 72,
            "Systolic (Hospital)": 120,
            MARKER: uuid_of("encounter"),
        }
        assert wish.unmapped == ("Smokes (Hospital) (differs by test)",)

    def test_w26_a_text_tells_it_test_by_test(self) -> None:
        tests = pulse(72.0, "True", leaf("Advice", "seen twice")), systolic(120.5, "False")
        assert observations(*tests, snapshot=AS_TEXT)[TEXT] == (
            "Pulse: 72 (Smokes (Hospital): Yes, Advice (Hospital): seen twice);   "
            "Systolic: 120.5 (Smokes (Hospital): No)"
        )
        assert want(*tests, snapshot=AS_TEXT).unmapped == ()

    def test_w26_a_repeatable_group_tells_it_test_by_test(self) -> None:
        tests = pulse(72.0, "True"), systolic(120.5, "False")
        said = observations(*tests, snapshot=AS_GROUP)
        assert said[GROUP] == [
            {"Test": "Pulse", "Result": 72, "Smokes (Hospital)": "Yes"},
            {"Test": "Systolic", "Result": 120.5, "Smokes (Hospital)": "No"},
        ]
        assert (said["Pulse (Hospital)"], said["Systolic (Hospital)"]) == (72, 120.5)

    def test_a_test_done_twice_is_told_twice(self) -> None:
        said = observations(pulse(72.0), pulse(96.0), snapshot=AS_TEXT)
        assert said == {TEXT: "Pulse: 72;   Pulse: 96"}

    def test_a_result_that_is_a_choice_is_told_by_its_name(self) -> None:
        found = test_of("Complaint", leaf("Complaint", concept("Fits")), leaf("Complaint", concept("Cough")))
        said = observations(found, snapshot=AS_GROUP)
        assert said[GROUP] == [{"Test": "Complaint", "Result": "Cough, Fits"}]
        assert said["Complaint (Hospital)"] == ["Cough", "Fits"]

    def test_a_test_without_a_result_of_its_own_is_named_with_what_it_has(self) -> None:
        found = test_of("Biopsy", leaf("Advice", "see report"))
        assert observations(found, snapshot=AS_TEXT)[TEXT] == "Biopsy (Advice (Hospital): see report)"

    def test_two_values_for_one_test_are_refused_by_name(self) -> None:
        with pytest.raises(Fail, match=r"bahmni\.repeated-question"):
            want(test_of("Pulse", leaf("Pulse", 72.0), leaf("Pulse", 96.0)))


class TestWithoutAMapping:
    """W30: what nobody mapped follows the policy of the laboratory's mapping, else of the tenant."""

    def test_w30_it_is_sent_as_text_test_by_test_where_the_policy_says_so(self) -> None:
        kind = replace(KIND[v.LAB_ENCOUNTER_TYPE], when_unmapped=Unmapped.TEXT)
        spare = {v.LAB_ENCOUNTER_TYPE: kind, v.UNMAPPED_CONCEPT: Entry("Other answers", "", "")}
        tests = (
            test_of("Pulse", leaf("Pulse", 72.0), leaf("Mood", "low")),
            test_of("Systolic", leaf("Systolic", 120.0), leaf("Mood", "high")),
        )
        assert observations(*tests, snapshot=with_singles(AS_TEXT, spare)) == {
            "Pulse (Hospital)": 72,
            "Systolic (Hospital)": 120,
            "Other answers": "Pulse / Mood: low\nSystolic / Mood: high",
            TEXT: "Pulse: 72;   Systolic: 120",
        }

    def test_w30_it_stops_the_encounter_where_the_policy_says_so(self) -> None:
        kind = replace(KIND[v.LAB_ENCOUNTER_TYPE], when_unmapped=Unmapped.FAIL)
        with pytest.raises(Fail, match=r"bahmni\.observation-question-unmapped"):
            want(leaf("Mood", "low"), snapshot=with_singles(MAPPED, {v.LAB_ENCOUNTER_TYPE: kind}))


class TestFromWhere:
    @pytest.mark.parametrize("visit", [None, {"visitType": {"uuid": uuid_of("IPD")}}])
    def test_w33_from_other_visits_or_none_nothing_travels_and_it_is_said_why(self, visit: Any) -> None:
        content = want(pulse(72.0), visit=visit).content
        assert (content.parts, content.elsewhere) == ((), True)

    def test_what_was_handed_over_before_the_visit_counted_stays(self) -> None:
        assert LABORATORY in want(pulse(72.0), visit=None).content.left_out
        assert LABORATORY not in want(visit=None).content.left_out

    def test_w33_without_a_mapping_tests_are_forms_that_nobody_mapped(self) -> None:
        wish = want(pulse(72.0), snapshot=forms_snapshot())
        assert (wish.content.parts, wish.unmapped, wish.content.elsewhere) == ((), ("Pulse",), False)

    def test_an_encounter_of_another_type_is_none_of_the_laboratory(self) -> None:
        content = want(group("Vitals", leaf("Pulse", 72.0)), encounterType={"uuid": uuid_of("Other")}).content
        assert [part.key for part in content.parts] == [uuid_of("Vitals")]

    def test_what_came_from_avni_does_not_travel_back_as_results(self) -> None:
        marked = with_singles(MAPPED, {v.MARKER_CONCEPT: Entry("", uuid_of("marker"), "")}, OutpatientVisitTypes=OPD)
        ours = group("Vitals", leaf("Pulse", 72.0), leaf("marker", "id in Avni"))
        assert want(ours, snapshot=marked).content.parts == ()
