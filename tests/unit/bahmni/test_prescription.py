from __future__ import annotations

import json
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter import wanted
from bahmni.bahmni_to_avni.part import PRESCRIPTION, Part
from bahmni.bahmni_to_avni.prescription import in_words, is_to_read, with_details
from engine.ports import Want
from engine.verdicts import Fail
from mappings.models import DataTypeHint
from mappings.snapshot import Entry, Snapshot
from tests.chaos.forms import concept, encounter, forms_snapshot, group, leaf, with_singles
from tests.chaos.records import MARKER, uuid_of

OPD = uuid_of("OPD")
TEXT, GROUP = "Prescriptions", "Prescribed drug"
KIND = Entry("Drug Prescriptions (Hospital)", "", "")
AS_TEXT = with_singles(
    forms_snapshot(), {v.DRUG_ENCOUNTER_TYPE: KIND, v.DRUG_TEXT: Entry(TEXT, "", "")}, OutpatientVisitTypes=OPD
)


def concepts(**hints: DataTypeHint) -> Snapshot:
    """Mappings of single concepts, named after what they hold."""
    pairs = {name: ("DrugOrder", f"DrugOrder_{name}") for name in hints}
    singles = {pair: Entry(name, "", hints[name]) for name, pair in pairs.items()}
    usual = with_singles(forms_snapshot(), {v.DRUG_ENCOUNTER_TYPE: KIND}, OutpatientVisitTypes=OPD)
    return with_singles(usual, {v.DRUG_GROUP: Entry(GROUP, "", ""), **singles})


def named(name: str) -> dict[str, Any]:
    return {"uuid": uuid_of(name), "display": name}


def order(**more: Any) -> dict[str, Any]:
    """A prescription as it is known once both answers are in."""
    return {
        "uuid": uuid_of(str(more)), "type": "drugorder", "voided": False, "action": "NEW", "dateStopped": None,
        "drug": named("Paracetamol 500 mg"), "drugNonCoded": None, "concept": named("Paracetamol"), "dose": 1.0,
        "doseUnits": named("Tablet(s)"), "frequency": named("Twice a day"), "route": named("Oral"), "asNeeded": False,
        "asNeededCondition": None, "duration": 5, "durationUnits": named("Day(s)"), "instructions": None,
        "dosingInstructions": None, "dateActivated": "2026-11-20T10:31:00.000+0530",
        "scheduledDate": "2026-11-20T10:30:00.000+0530", **more,
    }  # fmt: skip


def seen(*orders: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An encounter of an outpatient with these orders."""
    usual = {"visit": {"visitType": {"uuid": OPD}}, "orders": list(orders)}
    return encounter(*more.pop("forms", ()), **{**usual, **more})


def want(*orders: dict[str, Any], snapshot: Snapshot = AS_TEXT, **more: Any) -> Want:
    return wanted(seen(*orders, **more), snapshot)


def part(*orders: dict[str, Any], snapshot: Snapshot = AS_TEXT, **more: Any) -> Part | None:
    parts: tuple[Part, ...] = want(*orders, snapshot=snapshot, **more).content.parts
    return next((one for one in parts if one.key == PRESCRIPTION), None)


def text(*orders: dict[str, Any]) -> str:
    found = part(*orders)
    assert found
    return str(found.observations[TEXT])


class TestInWords:
    def test_it_begins_as_the_java_service_wrote_it_and_goes_on_with_what_that_left_out(self) -> None:
        assert in_words(order()) == (
            "Paracetamol 500 mg Tablet(s) - 1 for 5 days - starting 20-11-2026 (Twice a day, Oral)"
        )

    @pytest.mark.parametrize(
        ("dose", "shown"), [(0.25, "0.25"), (1.5, "1.5"), (1.0, "1"), (10, "10"), (0.05, "0.05"), (1e-7, "0.0000001")]
    )
    def test_w27_no_dose_is_rounded(self, dose: float, shown: str) -> None:
        assert f" - {shown} for 5 days" in in_words(order(dose=dose))

    @pytest.mark.parametrize(
        ("unit", "shown"),
        [
            ("Day(s)", "for 2 days"),
            ("Week(s)", "for 2 weeks"),
            ("Month(s)", "for 2 months"),
            ("Hour(s)", "for 2 hours"),
            ("Cycle", "for 2 Cycle"),
        ],
    )
    def test_w27_a_duration_keeps_its_unit(self, unit: str, shown: str) -> None:
        assert shown in in_words(order(duration=2, durationUnits=named(unit)))

    def test_w27_without_a_duration_none_is_told(self) -> None:
        line = in_words(order(duration=None, durationUnits=None))
        assert line == "Paracetamol 500 mg Tablet(s) - 1 - starting 20-11-2026 (Twice a day, Oral)"

    def test_w27_a_drug_in_words_is_told_in_those_words(self) -> None:
        assert in_words(order(drug=None, drugNonCoded="Neem paste")).startswith("Neem paste Tablet(s) - 1 for")

    def test_without_a_drug_what_is_in_it_is_told(self) -> None:
        assert in_words(order(drug=None)).startswith("Paracetamol Tablet(s) - ")

    def test_as_needed_begins_as_the_java_service_wrote_it_and_keeps_the_dose(self) -> None:
        line = in_words(order(asNeeded=True, asNeededCondition="for pain"))
        assert line == (
            "Paracetamol 500 mg Tablet(s) - as needed - starting 20-11-2026 (for pain, 1 for 5 days, Twice a day, Oral)"
        )

    def test_doses_by_time_of_day_are_told_in_their_order(self) -> None:
        told = json.dumps({"instructions": "Before meals", "morningDose": 1, "afternoonDose": 0, "eveningDose": 0.5})
        line = in_words(order(dose=None, frequency=None, dosingInstructions=told))
        assert line == "Paracetamol 500 mg Tablet(s) - 1-0-0.5 for 5 days - starting 20-11-2026 (Oral, Before meals)"

    @pytest.mark.parametrize(
        ("told", "shown"),
        [
            ('{"instructions":"As directed","additionalInstructions":"with milk"}', "As directed, with milk"),
            ("take with milk", "take with milk"),
            ('{"instructions":null}', ""),
            ("[1]", "[1]"),
        ],
    )
    def test_instructions_are_told_as_they_were_given(self, told: str, shown: str) -> None:
        line = in_words(order(dosingInstructions=told))
        assert line.endswith(f"(Twice a day, Oral{', ' if shown else ''}{shown})")

    def test_what_nobody_said_is_not_told(self) -> None:
        bare = order(doseUnits=None, dose=None, duration=None, frequency=None, route=None, scheduledDate=None)
        assert in_words({**bare, "dateActivated": None}) == "Paracetamol 500 mg"

    def test_the_day_it_begins_is_the_hospitals(self) -> None:
        assert "starting 21-11-2026" in in_words(order(scheduledDate="2026-11-21T00:10:00.000+0530"))

    def test_an_order_without_a_schedule_begins_when_it_was_given(self) -> None:
        assert "starting 19-11-2026" in in_words(
            order(scheduledDate=None, dateActivated="2026-11-19T10:00:00.000+0530")
        )


class TestWhatHolds:
    def test_prescriptions_are_joined_as_the_java_service_joined_them(self) -> None:
        one, other = order(), order(drug=named("Cetirizine 10 mg"))
        assert text(one, other) == f"{in_words(one)};   {in_words(other)}"

    @pytest.mark.parametrize(
        "over",
        [
            {"voided": True},
            {"action": "DISCONTINUE"},
            {"dateStopped": "2026-11-20T10:35:00.000+0530"},
            {"type": "testorder"},
        ],
    )
    def test_what_was_voided_stopped_or_is_no_drug_is_not_told(self, over: dict[str, Any]) -> None:
        assert text(order(), order(**over, drug=named("Other"))) == in_words(order())
        assert part(order(**over)) is None

    def test_a_revised_prescription_is_told_once_as_it_is_now(self) -> None:
        first = order(dateStopped="2026-11-20T10:35:00.000+0530")
        assert text(first, order(action="REVISE", dose=2.0)) == in_words(order(dose=2.0))

    def test_one_that_ran_out_was_prescribed_all_the_same(self) -> None:
        assert text(order(autoExpireDate="2020-01-01T00:00:00.000+0530"))

    def test_the_part_is_of_the_mapped_type_and_marked(self) -> None:
        found = part(order())
        assert found
        assert (found.encounter_type, found.program) == ("Drug Prescriptions (Hospital)", "")
        assert found.observations[MARKER] == uuid_of("encounter")

    def test_it_stands_beside_the_forms_of_the_encounter(self) -> None:
        keys = [one.key for one in want(order(), forms=[group("Vitals", leaf("Pulse", 72.0))]).content.parts]
        assert keys == [uuid_of("Vitals"), PRESCRIPTION]

    @pytest.mark.parametrize(
        ("field", "value"), [("dose", "much"), ("duration", "long"), ("scheduledDate", "tomorrow")]
    )
    def test_a_value_of_another_kind_is_named_and_not_shown(self, field: str, value: Any) -> None:
        with pytest.raises(Fail) as failure:
            part(order(**{field: value}))
        assert (failure.value.message, failure.value.params["question"]) == ("bahmni.value-kind", f"orders.{field}")
        assert value not in str(failure.value.params)

    def test_a_field_of_another_shape_is_refused_by_its_path(self) -> None:
        with pytest.raises(Fail) as failure:
            part(order(route="by mouth"))
        assert (failure.value.message, failure.value.params["field"]) == ("record.field-kind", "orders[0].route")

    def test_an_order_without_its_details_is_refused_by_name(self) -> None:
        with pytest.raises(Fail) as failure:
            part({"uuid": uuid_of("x"), "type": "drugorder", "voided": False})
        assert failure.value.params == {"field": "orders.dose"}


class TestFromWhere:
    @pytest.mark.parametrize("visit", [None, {"visitType": {"uuid": uuid_of("IPD")}}, {"visitType": None}])
    def test_w33_from_other_visits_or_none_nothing_travels_and_it_is_said_why(self, visit: Any) -> None:
        content = want(order(), visit=visit).content
        assert (content.parts, content.elsewhere, content.left_out) == ((), True, {PRESCRIPTION})

    def test_w33_without_a_mapping_prescriptions_stay(self) -> None:
        content = want(order(), snapshot=forms_snapshot()).content
        assert (content.parts, content.elsewhere, content.left_out) == ((), False, {PRESCRIPTION})

    def test_details_are_asked_for_only_where_something_goes_to_avni(self) -> None:
        assert is_to_read(seen(order()), AS_TEXT)
        assert not is_to_read(seen(order()), forms_snapshot())
        assert not is_to_read(seen(order(), visit=None), AS_TEXT)
        assert not is_to_read(seen(order(), voided=True), AS_TEXT)
        assert not is_to_read(seen(order(voided=True), order(type="testorder")), AS_TEXT)

    def test_the_second_answer_brings_the_details_and_the_first_tells_what_is_voided(self) -> None:
        first = {"orders": [{"uuid": "A", "voided": True, "type": "drugorder"}, {"uuid": "B", "voided": False}]}
        second = {"orders": [{"uuid": "B", "dose": 1.0}, {"uuid": "A", "dose": 2.0}, {"uuid": "C", "dose": 3.0}]}
        assert with_details(first, second)["orders"] == [
            {"uuid": "A", "voided": True, "type": "drugorder", "dose": 2.0},
            {"uuid": "B", "voided": False, "dose": 1.0},
        ]


class TestSingleConcepts:
    def entries(self, *orders: dict[str, Any], **hints: DataTypeHint) -> list[dict[str, Any]]:
        found = part(*orders, snapshot=concepts(**hints))
        assert found
        rows: list[dict[str, Any]] = found.observations[GROUP]
        return rows

    def test_each_prescription_fills_the_group_in_once(self) -> None:
        rows = self.entries(order(dose=0.25), order(dose=2.0), Dose=DataTypeHint.NUMERIC)
        assert rows == [{"Dose": 0.25}, {"Dose": 2}]

    def test_all_that_is_mapped_is_told(self) -> None:
        told = '{"instructions":"As directed","additionalInstructions":"with milk"}'
        hints = dict.fromkeys(
            ["Name", "Dose", "DoseUnits", "Frequency", "Route", "Duration", "DurationUnits", "AsNeeded", "Start",
             "Instructions"], DataTypeHint.TEXT,
        )  # fmt: skip
        assert self.entries(order(dosingInstructions=told, duration=5), **hints) == [
            {
                "Name": "Paracetamol 500 mg", "Dose": "1", "DoseUnits": "Tablet(s)", "Frequency": "Twice a day",
                "Route": "Oral", "Duration": 5, "DurationUnits": "Day(s)", "AsNeeded": "No", "Start": "20-11-2026",
                "Instructions": "As directed, with milk",
            }
        ]  # fmt: skip

    def test_a_choice_is_told_by_the_mapped_answer(self) -> None:
        mapped = concepts(Name=DataTypeHint.CODED, AsNeeded=DataTypeHint.CODED, Route=DataTypeHint.CODED)
        answers = {uuid_of("Fits"): Entry("Fits", uuid_of("Fits"), ""), "true": Entry("Yes", "true", "")}
        table = {**mapped.by_int_system_value, v.CONCEPT: {**mapped.by_int_system_value[v.CONCEPT], **answers}}
        snapshot = Snapshot(mapped.by_avni_value, table, mapped.singles, mapped.constants, mapped.ignored)
        found = part(order(drug=concept("Fits"), route=concept("Fits"), asNeeded=True), snapshot=snapshot)
        assert found
        assert found.observations[GROUP] == [{"Name": "Fits", "AsNeeded": "Yes", "Route": "Fits"}]

    def test_an_answer_without_a_partner_is_refused_by_name(self) -> None:
        with pytest.raises(Fail) as failure:
            self.entries(order(), Route=DataTypeHint.CODED)
        assert failure.value.params["name"] == "Oral"

    def test_w30_an_answer_that_a_policy_leaves_out_is_counted_and_the_rest_is_told(self) -> None:
        mapped = concepts(Name=DataTypeHint.TEXT, Route=DataTypeHint.CODED)
        lenient = with_singles(mapped, {}, UnmappedAnswersFromBahmni="skip")
        wish = want(order(), snapshot=lenient)
        (found,) = wish.content.parts
        assert found.observations[GROUP] == [{"Name": "Paracetamol 500 mg"}]
        assert wish.unmapped == ("Route: Oral",)

    @pytest.mark.parametrize(
        ("hint", "shown"),
        [
            (DataTypeHint.DATE, "2026-11-19T18:30:00.000Z"),
            (DataTypeHint.DATETIME, "2026-11-20T05:00:00.000Z"),
            (DataTypeHint.TEXT, "20-11-2026"),
        ],
    )
    def test_the_start_is_told_as_its_concept_takes_it(self, hint: DataTypeHint, shown: str) -> None:
        assert self.entries(order(), Start=hint) == [{"Start": shown}]

    def test_doses_by_time_of_day_are_words_and_no_number(self) -> None:
        by_time = order(dose=None, dosingInstructions='{"morningDose":1,"eveningDose":1}')
        assert self.entries(by_time, Dose=DataTypeHint.TEXT) == [{"Dose": "1-0-1"}]
        assert self.entries(by_time, Dose=DataTypeHint.NUMERIC) == [{}]

    def test_without_the_group_only_the_text_is_written(self) -> None:
        found = part(order())
        assert found
        assert found.observations.keys() == {TEXT, MARKER}
