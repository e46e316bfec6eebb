from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter import owner, parent, wanted
from bahmni.bahmni_to_avni.encounter_handover import ENCOUNTER_PATH
from common.outcome import Outcome
from engine.ports import Known, Parent
from engine.verdicts import Defer, Fail, Outside, Skip
from mappings.snapshot import Entry, Pair, Snapshot
from tests.chaos.forms import concept, encounter, forms_snapshot, group, leaf, with_singles
from tests.chaos.records import MARKER, uuid_of

MAPPED = forms_snapshot()
ENCOUNTER = uuid_of("encounter")
PATIENT = uuid_of("patient 1001")


def observations(*leaves: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the answers of one form become in Avni, the marker left out."""
    (part,) = wanted(encounter(group("Vitals", *leaves)), forms_snapshot(**more)).content.parts
    found = dict(part.observations)
    assert found.pop(MARKER) == ENCOUNTER
    return found


def with_mappings(
    *rows: Entry, policy: str = "", without: str = "", spare: Entry | None = None, **more: str
) -> Snapshot:  # fmt: skip
    """The usual mappings with these of questions and answers, a policy of the form "Vitals", and constants."""
    usual = forms_snapshot()
    concepts = {one.int_system_value: one for one in (*usual.by_int_system_value[v.CONCEPT].values(), *rows)}
    concepts.pop(without, None)
    form = {uuid_of("Vitals"): Entry("Vitals (Hospital)", uuid_of("Vitals"), "", policy)}
    return replace(
        usual,
        by_int_system_value={**usual.by_int_system_value, v.CONCEPT: concepts, v.HOSPITAL_FORM: form},
        singles={**usual.singles, **({v.UNMAPPED_CONCEPT: spare} if spare else {})},
        constants={**usual.constants, **{key: (value,) for key, value in more.items()}},
    )


def read(form: dict[str, Any], *rows: Entry, ignored: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """What one form becomes in Avni, the marker left out."""
    mapped = replace(with_mappings(*rows, **more), ignored={"int_system": frozenset(map(uuid_of, ignored))})
    (part,) = wanted(encounter(form), mapped).content.parts
    return {name: value for name, value in part.observations.items() if name != MARKER}


def link(outcome: Outcome = Outcome.CREATED, **more: Any) -> Known:
    usual: dict[str, Any] = {
        "identifier": "TRI1001", "target_id": "E", "target_parent_id": "S", "other_targets": {},
        "wanted_fingerprint": "", "left_fingerprint": "", "outcome": outcome, "is_suspect": False,
    }  # fmt: skip
    return Known(**{**usual, **more})


PRESCRIBED = {"uuid": uuid_of("order"), "type": "drugorder", "voided": False}
WITH_PRESCRIPTIONS = with_singles(
    MAPPED, {v.DRUG_ENCOUNTER_TYPE: Entry("Drugs", "", ""), v.DRUG_TEXT: Entry("Drug text", "", "")}
)
NEVER = {"target_id": "", "target_parent_id": ""}
"""A link of a record that never got through."""


class TestForms:
    def test_each_mapped_form_is_a_part_of_its_own_type(self) -> None:
        content = wanted(
            encounter(group("Vitals", leaf("Pulse", 72.0)), group("History", leaf("Advice", "rest"))), MAPPED
        ).content
        assert [(part.key, part.encounter_type, dict(part.observations)) for part in content.parts] == [
            (uuid_of("Vitals"), "Vitals (Hospital)", {"Pulse (Hospital)": 72, MARKER: ENCOUNTER}),
            (uuid_of("History"), "History (Hospital)", {"Advice (Hospital)": "rest", MARKER: ENCOUNTER}),
        ]

    def test_a_form_filled_in_again_is_a_part_of_its_own(self) -> None:
        content = wanted(
            encounter(group("Vitals", leaf("Pulse", 72.0)), group("Vitals", leaf("Pulse", 96.0))), MAPPED
        ).content
        assert [(part.key, part.observations["Pulse (Hospital)"]) for part in content.parts] == [
            (uuid_of("Vitals"), 72),
            (f"{uuid_of('Vitals')}#2", 96),
        ]

    def test_forms_that_do_not_travel_are_counted_by_name(self) -> None:
        record = encounter(group("Diet"), group("Vitals"), group("Diagnosis"))
        want = wanted(record, MAPPED)
        assert want.unmapped == ("Diet", "Diagnosis")
        assert [part.encounter_type for part in want.content.parts] == ["Vitals (Hospital)"]
        assert want.content.left_out == {uuid_of("Diet"), uuid_of("Diagnosis")}

    def test_a_form_that_does_not_travel_and_is_taken_out_is_told_apart_from_one_that_stays(self) -> None:
        """Else what its form once brought to Avni would never be voided."""
        there, gone = wanted(encounter(group("Diet")), MAPPED), wanted(encounter(), MAPPED)
        assert there.fingerprint != gone.fingerprint

    def test_an_ignored_form_is_left_out_and_not_counted(self) -> None:
        want = wanted(encounter(group("Vitals")), forms_snapshot(ignored=["Vitals"]))
        assert (want.content.parts, want.unmapped) == ((), ())

    def test_a_voided_form_is_none(self) -> None:
        assert wanted(encounter(group("Vitals", leaf("Pulse", 72.0), voided=True)), MAPPED).content.parts == ()

    def test_a_voided_encounter_has_no_parts_whatever_it_says(self) -> None:
        record = encounter(group("Vitals", leaf("Pulse", "many")), voided=True)
        assert wanted(record, MAPPED).content.parts == ()

    def test_w28_the_time_travels_in_utc_to_the_second(self) -> None:
        record = encounter(group("Vitals"), encounterDatetime="2026-11-20T10:30:05.750+0530")
        assert wanted(record, MAPPED).content.held_at == "2026-11-20T05:00:05.000Z"

    def test_a_time_nobody_means_is_told_by_its_field(self) -> None:
        for at in ("soon", "9999-12-31T00:00:00.000+0530", "0000-01-01T00:00:00.000+0530"):
            with pytest.raises(Fail) as failure:
                wanted(encounter(group("Vitals"), encounterDatetime=at), MAPPED)
            assert failure.value.params["question"] == "encounterDatetime"

    @pytest.mark.parametrize("field", ["encounterDatetime", "patient"])
    def test_a_record_without_an_essential_field_is_refused_by_name(self, field: str) -> None:
        record = encounter(group("Vitals"))
        record[field] = None
        with pytest.raises(Fail) as failure:
            wanted(record, MAPPED)
        assert (failure.value.message, failure.value.params) == ("record.field-missing", {"field": field})


class TestFormsOfPrograms:
    def test_a_form_of_a_program_is_a_part_of_that_program(self) -> None:
        (part,) = wanted(encounter(group("Antenatal", leaf("Pulse", 72.0))), MAPPED).content.parts
        assert (part.key, part.encounter_type, part.program) == (
            f"program {uuid_of('Antenatal')}",
            "Antenatal (Hospital)",
            "Mother",
        )
        assert part.observations == {"Pulse (Hospital)": 72, MARKER: ENCOUNTER}

    def test_filled_in_again_it_is_another_part(self) -> None:
        content = wanted(encounter(group("Antenatal"), group("Antenatal")), MAPPED).content
        assert [part.key for part in content.parts] == [
            f"program {uuid_of('Antenatal')}",
            f"program {uuid_of('Antenatal')}#2",
        ]

    def test_another_program_is_another_content(self) -> None:
        record = encounter(group("Antenatal"))
        other = with_pair(v.FORM_PROGRAM, Entry("Child", uuid_of("Antenatal"), ""))
        assert wanted(record, MAPPED).fingerprint != wanted(record, other).fingerprint

    @pytest.mark.parametrize(
        ("mapped", "form", "message"),
        [
            ((v.FORM_PROGRAM, None), "Antenatal", "bahmni.form-without-program"),
            ((v.FORM_PROGRAM, Entry("", uuid_of("Antenatal"), "")), "Antenatal", "bahmni.form-without-program"),
            (
                (v.HOSPITAL_PROGRAM_FORM, Entry("Vitals (Hospital)", uuid_of("Vitals"), "")),
                "Vitals",
                "bahmni.form-mapped-twice",
            ),
            (
                (v.HOSPITAL_ENROLMENT_FORM, Entry("Mother", uuid_of("Enrolment"), "")),
                "Enrolment",
                "bahmni.form-of-enrolment",
            ),
        ],
    )
    def test_w33_a_form_that_nobody_can_tell_what_to_make_of_is_refused_by_name(
        self, mapped: tuple[Pair, Entry | None], form: str, message: str
    ) -> None:
        with pytest.raises(Fail) as failure:
            wanted(encounter(group(form)), with_pair(*mapped))
        assert (failure.value.message, failure.value.params) == (
            message,
            {"side": "int_system", "value": uuid_of(form), "name": form},
        )

    def test_w25_of_a_voided_encounter_nothing_is_wanted_whatever_its_forms(self) -> None:
        mapped = with_pair(v.FORM_PROGRAM, None)
        assert wanted(encounter(group("Antenatal"), voided=True), mapped).content.parts == ()


def with_pair(pair: Pair, entry: Entry | None) -> Snapshot:
    """The usual mappings, those of one pair replaced by one, or by none."""
    table = {entry.int_system_value: entry} if entry else {}
    return replace(MAPPED, by_int_system_value={**MAPPED.by_int_system_value, pair: table})


class TestAnswers:
    def test_answers_are_found_at_any_depth(self) -> None:
        said = observations(group("Blood pressure", group("Systolic data", leaf("Systolic", 130.0))))
        assert said == {"Systolic (Hospital)": 130}

    @pytest.mark.parametrize(
        "voided", [leaf("Pulse", 72.0, voided=True), group("Section", leaf("Pulse", 72.0), voided=True)]
    )
    def test_what_is_voided_is_dropped(self, voided: dict[str, Any]) -> None:
        assert observations(voided) == {}

    @pytest.mark.parametrize("nothing", [leaf("Pulse", None), leaf("Advice", ""), group("Section")])
    def test_what_holds_no_value_is_no_observation(self, nothing: dict[str, Any]) -> None:
        assert observations(nothing) == {}

    @pytest.mark.parametrize(
        ("question", "value", "shown"),
        [
            ("Pulse", 72.0, 72),
            ("Pulse", 72.5, 72.5),
            ("Advice", "rest", "rest"),
            ("Onset", "2026-11-02", "2026-11-01T18:30:00.000Z"),
            ("Onset", "2026-11-02T00:00:00.000+0530", "2026-11-01T18:30:00.000Z"),
            ("Seen at", "2026-11-02T10:30:00.000+0530", "2026-11-02T05:00:00.000Z"),
            ("Complaint", concept("Fever"), "Fever"),
            ("Smokes", concept("True"), "Yes"),
            ("Smokes", concept("False"), "No"),
        ],
    )
    def test_an_answer_travels_in_the_spelling_of_avni(self, question: str, value: Any, shown: Any) -> None:
        assert observations(leaf(question, value)) == {f"{question} (Hospital)": shown}

    def test_several_answers_are_a_list_in_stable_order_without_repeats(self) -> None:
        leaves = [leaf("Complaint", concept(name)) for name in ("Fits", "Cough", "Fits")]
        assert observations(*leaves) == {"Complaint (Hospital)": ["Cough", "Fits"]}

    def test_the_same_answer_twice_is_one(self) -> None:
        assert observations(leaf("Pulse", 72.0), leaf("Pulse", 72.0)) == {"Pulse (Hospital)": 72}

    def test_a_question_with_several_values_is_refused_by_name(self) -> None:
        with pytest.raises(Fail) as failure:
            observations(leaf("Pulse", 72.0), leaf("Pulse", 96.0))
        assert (failure.value.message, failure.value.params) == (
            "bahmni.repeated-question",
            {"question": "Pulse (Hospital)"},
        )

    def test_questions_without_mapping_are_counted_by_name(self) -> None:
        want = wanted(encounter(group("Vitals", leaf("Mood", "calm"), leaf("Mood", "cross"))), MAPPED)
        assert want.unmapped == ("Mood", "Mood")
        assert dict(want.content.parts[0].observations) == {MARKER: ENCOUNTER}

    @pytest.mark.parametrize("name", ["Mood", "Pulse"])
    def test_an_ignored_question_is_dropped_without_a_word_mapped_or_not(self, name: str) -> None:
        want = wanted(encounter(group("Vitals", leaf(name, 1.0))), forms_snapshot(ignored=[name]))
        assert (dict(want.content.parts[0].observations), want.unmapped) == ({MARKER: ENCOUNTER}, ())

    def test_an_ignored_answer_is_dropped_and_the_others_travel(self) -> None:
        leaves = [leaf("Complaint", concept(name)) for name in ("Other", "Cough")]
        assert observations(*leaves, ignored=["Other"]) == {"Complaint (Hospital)": "Cough"}

    def test_an_answer_without_mapping_is_named_with_its_concept(self) -> None:
        with pytest.raises(Fail) as failure:
            observations(leaf("Complaint", concept("Other")))
        assert failure.value.message == "bahmni.observation-answer-unmapped"
        assert failure.value.params == {
            "question": "Complaint (Hospital)", "side": "int_system", "value": uuid_of("Other"), "name": "Other",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("question", "value"),
        [
            ("Pulse", "many"),
            ("Onset", "soon"),
            ("Seen at", "2026-11-02"),
            ("Seen at", "0001-01-01T00:00:00.000+0530"),
            ("Advice", ["a", "b"]),
            ("Advice", {"uuid": uuid_of("OPD"), "links": [{"rel": "self", "uri": "http://h/ws/rest/v1/location/x"}]}),
            ("Advice", {"display": "raw file", "links": []}),
            ("Pulse", {"uuid": "x", "display": "OPD", "links": [{"uri": "http://h/ws/rest/v1/location/x"}]}),
            ("Onset", "0000-01-01"),
            ("Onset", "9999-12-31"),
            ("Seen at", "9999-12-31T00:00:00.000+0530"),
            ("Advice", "half a sign \ud83d"),
            ("Complaint", {"uuid": "x", "display": "OPD", "links": [{"uri": "http://h/ws/rest/v1/location/x"}]}),
        ],
    )
    def test_a_value_of_another_kind_is_named_by_question_and_never_shown(self, question: str, value: Any) -> None:
        with pytest.raises(Fail) as failure:
            observations(leaf(question, value))
        assert failure.value.message == "bahmni.value-kind"
        assert failure.value.params["question"] == f"{question} (Hospital)"
        assert set(failure.value.params) == {"question", "expected", "kind"}


def file(uri: str) -> dict[str, Any]:
    """A file, whose one link may stand without a list (openmrs.md O161)."""
    return {"display": "raw file", "links": {"rel": "value", "uri": uri}}


TOLD = uuid_of("Told")
OPD = {"uuid": "x", "display": "OPD", "links": [{"uri": "http://h/ws/rest/v1/location/x"}]}


class TestEveryKind:
    @pytest.mark.parametrize(
        ("hint", "value", "shown"),
        [
            ("", "1970-01-01T14:05:00.000+0530", "14:05"),
            ("Text", "1970-01-01T14:05:00.000+0530", "14:05"),
            ("DateTime", "1970-01-01T14:05:00.000+0530", "1970-01-01T08:35:00.000Z"),
            ("", "P21Y", "P21Y"),
            ("Text", OPD, "OPD"),
            ("", file("http://h/ws/rest/v1/obs/x/value"), "http://h/ws/rest/v1/obs/x/value"),
            ("Text", file("http://h/ws/rest/v1/obs/x/value"), "http://h/ws/rest/v1/obs/x/value"),
            ("PhoneNumber", "9876543210", {"phoneNumber": "9876543210", "verified": False}),
            ("", "2026-11-02", "2026-11-02"),
            ("", 72.0, 72.0),
        ],
    )
    def test_w31_a_value_travels_as_its_mapping_says(self, hint: str, value: Any, shown: Any) -> None:
        assert read(group("Vitals", leaf("Told", value)), Entry("Told", TOLD, hint)) == {"Told": shown}

    def test_several_files_are_a_list_of_links(self) -> None:
        form = group("Vitals", leaf("Told", file("b")), leaf("Told", file("a")))
        assert read(form, Entry("Told", TOLD, "")) == {"Told": ["a", "b"]}

    @pytest.mark.parametrize(("value", "shown"), [(concept("True"), "Ja"), (True, "Ja"), (False, "Nein")])
    def test_a_truth_is_found_by_its_word_where_its_concept_is_not_mapped(self, value: Any, shown: str) -> None:
        rows = (Entry("Told", TOLD, "Boolean"), Entry("Ja", "true", ""), Entry("Nein", "false", ""))
        assert read(group("Vitals", leaf("Told", value)), *rows, without=uuid_of("True")) == {"Told": shown}

    def test_a_drug_is_an_answer_like_a_concept(self) -> None:
        tablet = uuid_of("Iron 60 mg")
        drug = {"uuid": tablet, "display": "Iron 60 mg", "links": [{"uri": "http://h/ws/rest/v1/drug/x"}]}
        rows = (Entry("Told", TOLD, ""), Entry("Iron", tablet, ""))
        assert read(group("Vitals", leaf("Told", drug)), *rows) == {"Told": "Iron"}

    def test_a_text_longer_than_any_is_named_by_its_question(self) -> None:
        with pytest.raises(Fail) as failure:
            observations(leaf("Advice", "x" * 2_000_000))
        assert (failure.value.message, failure.value.params["question"]) == (
            "bahmni.value-too-long", "Advice (Hospital)",
        )  # fmt: skip


class TestGroups:
    PAIN = (Entry("Pains", uuid_of("Pains"), "RepeatableGroup"), Entry("Where", uuid_of("Where"), "Text"))
    ONCE = Entry("Pains", uuid_of("Pains"), "QuestionGroup")

    def test_w31_each_repetition_is_an_object_in_a_list_in_its_order(self) -> None:
        pains = [group("Pains", leaf("Where", place), leaf("Pulse", 70.0)) for place in ("head", "back", "head")]
        shown = [{"Where": place, "Pulse (Hospital)": 70} for place in ("head", "back", "head")]
        assert read(group("Vitals", *pains), *self.PAIN) == {"Pains": shown}

    def test_w31_a_repeatable_group_filled_in_once_is_a_list(self) -> None:
        form = group("Vitals", group("Pains", leaf("Where", "head")))
        assert read(form, *self.PAIN) == {"Pains": [{"Where": "head"}]}

    def test_w31_a_group_filled_in_once_is_an_object(self) -> None:
        form = group("Vitals", group("Pains", leaf("Pulse", 70.0)))
        assert read(form, self.ONCE) == {"Pains": {"Pulse (Hospital)": 70}}

    def test_a_group_for_one_that_is_filled_in_twice_is_an_error(self) -> None:
        with pytest.raises(Fail, match=r"bahmni\.repeated-question"):
            read(group("Vitals", *(group("Pains", leaf("Pulse", one)) for one in (70.0, 71.0))), self.ONCE)

    @pytest.mark.parametrize("hint", ["", "NA", "Coded"])
    def test_a_section_whose_mapping_does_not_say_it_is_a_group_is_none(self, hint: str) -> None:
        section = Entry("Pains", uuid_of("Pains"), hint)
        assert read(group("Vitals", group("Pains", leaf("Pulse", 70.0))), section) == {"Pulse (Hospital)": 70}

    def test_groups_stand_inside_groups_and_sections(self) -> None:
        inner = Entry("Course", uuid_of("Course"), "QuestionGroup")
        form = group("Vitals", group("Section", group("Pains", group("Course", leaf("Pulse", 70.0)))))
        assert read(form, *self.PAIN, inner) == {"Pains": [{"Course": {"Pulse (Hospital)": 70}}]}

    def test_a_group_that_is_empty_or_voided_is_none(self) -> None:
        form = group("Vitals", group("Pains"), group("Pains", leaf("Where", "head"), voided=True))
        assert read(form, *self.PAIN) == {}

    @pytest.mark.parametrize("ignored", ["Where", "Pains", "Section"])
    def test_what_is_ignored_is_left_out_with_all_below_it(self, ignored: str) -> None:
        form = group("Vitals", group("Section", group("Pains", leaf("Where", "head"))), leaf("Pulse", 70.0))
        assert read(form, *self.PAIN, ignored=[ignored]) == {"Pulse (Hospital)": 70}


class TestPolicies:
    FORM = group("Vitals", leaf("Mood", "calm"), leaf("Weather", concept("Rain")))

    @pytest.mark.parametrize(
        ("of_the_form", "constants"), [("fail", {}), ("", {"UnmappedQuestionsFromBahmni": "fail"})]
    )
    def test_w30_a_question_without_mapping_may_be_an_error(self, of_the_form: str, constants: dict[str, str]) -> None:
        with pytest.raises(Fail) as failure:
            read(self.FORM, policy=of_the_form, **constants)
        assert (failure.value.message, failure.value.params) == (
            "bahmni.observation-question-unmapped",
            {"name": "Mood", "value": uuid_of("Mood"), "side": "int_system"},
        )

    def test_w30_questions_without_mapping_may_be_sent_as_one_text(self) -> None:
        spare = Entry("Other answers", uuid_of("other"), "")
        said = read(self.FORM, policy="text", spare=spare)
        assert said == {"Other answers": "Mood: calm\nWeather: Rain"}

    def test_to_send_them_as_text_somebody_must_say_where(self) -> None:
        with pytest.raises(Fail, match=r"bahmni\.nowhere-for-unmapped"):
            read(self.FORM, policy="text")

    @pytest.mark.parametrize(
        ("of_the_question", "constants", "shown"),
        [
            ("skip", {}, {}),
            ("", {"UnmappedAnswersFromBahmni": "skip"}, {}),
            ("text", {}, {"Told": "Other"}),
        ],
    )
    def test_w30_an_answer_without_mapping_may_be_left_out_or_sent_as_text(
        self, of_the_question: str, constants: dict[str, str], shown: dict[str, str]
    ) -> None:
        question = Entry("Told", TOLD, "Coded", of_the_question)
        assert read(group("Vitals", leaf("Told", concept("Other"))), question, **constants) == shown

    def test_what_is_left_out_is_counted_by_question_and_name_of_the_answer(self) -> None:
        mapped = with_mappings(Entry("Told", TOLD, "Coded", "skip"))
        record = encounter(group("Vitals", leaf("Told", concept("Other")), leaf("Told", "words of a patient")))
        assert wanted(record, mapped).unmapped == ("Told: Other", "Told: a text")


class TestShape:
    @pytest.mark.parametrize(
        ("change", "message", "field"),
        [
            ({"obs": "x"}, "record.field-kind", "obs"),
            ({"obs": [7]}, "record.field-kind", "obs[0]"),
            ({"obs": [{"value": 1}]}, "record.field-missing", "obs[0].concept"),
            ({"obs": [{"concept": {"uuid": 7}}]}, "record.field-kind", "obs[0].concept.uuid"),
            ({"patient": {"uuid": "\ud83d"}}, "record.field-kind", "patient.uuid"),
            ({"patient": []}, "record.field-kind", "patient"),
            ({"uuid": None}, "record.field-missing", "uuid"),
            ({"voided": "true"}, "record.field-kind", "voided"),
        ],
    )
    def test_a_field_that_is_missing_or_of_another_kind_is_told_by_its_path(
        self, change: dict[str, Any], message: str, field: str
    ) -> None:
        with pytest.raises(Fail) as failure:
            wanted({**encounter(), **change}, MAPPED)
        assert (failure.value.message, failure.value.params["field"]) == (message, field)

    def test_a_bottomless_record_is_an_error(self) -> None:
        bottomless = leaf("Pulse", 1.0)
        for _ in range(500):
            bottomless = group("Section", bottomless)
        with pytest.raises(Fail, match=r"record\.field-kind"):
            wanted(encounter(bottomless), MAPPED)


class TestProgramme:
    def test_a_patient_outside_the_programme_is_skipped(self) -> None:
        with pytest.raises(Skip, match=r"bahmni\.not-in-programme"):
            wanted(encounter(group("Vitals"), number="GAN7"), MAPPED)

    def test_a_voided_patient_has_no_number_and_is_not_taken_for_a_stranger(self) -> None:
        record = encounter(voided=True, patient={"voided": True, "identifiers": []})
        assert wanted(record, MAPPED).content.voided

    def test_a_representation_without_numbers_leaves_the_programme_to_the_ledger(self) -> None:
        record = encounter(group("Vitals"))
        del record["patient"]["identifiers"]
        assert wanted(record, MAPPED).identifier == ""

    def test_the_encounter_is_known_by_its_patients_number(self) -> None:
        assert wanted(encounter(group("Vitals")), MAPPED).identifier == "TRI1001"


class TestOwner:
    def test_an_encounter_hangs_on_its_patient(self) -> None:
        assert parent(encounter()) == Parent(v.PATIENT, PATIENT)

    def test_the_patients_link_tells_the_subject(self) -> None:
        assert owner(wanted(encounter(group("Vitals")), MAPPED), None, link()) == "S"

    @pytest.mark.parametrize(
        ("patient", "asks"),
        [
            (None, True),
            (link(Outcome.SKIPPED, **NEVER), True),
            (link(Outcome.DEFERRED, **NEVER), False),
            (link(Outcome.FAILED, **NEVER), False),
        ],
    )
    def test_without_a_registered_patient_it_waits_and_asks_for_one_that_nothing_else_brings(
        self, patient: Known | None, asks: bool
    ) -> None:
        with pytest.raises(Defer) as verdict:
            owner(wanted(encounter(group("Vitals")), MAPPED), None, patient)
        assert verdict.value.message == "bahmni.patient-not-yet"
        assert verdict.value.waits_for == v.arrival_of_patient(PATIENT)
        assert verdict.value.asks_for == ((v.PATIENT, PATIENT) if asks else None)

    @pytest.mark.parametrize(
        ("record", "patient", "message"),
        [
            (encounter(group("Vitals")), link(left_fingerprint=v.VOIDED_BY_US), "bahmni.patient-of-encounter-voided"),
            (
                encounter(group("Vitals"), patient={"voided": True, "identifiers": []}),
                link(),
                "bahmni.patient-of-encounter-voided",
            ),
            (encounter(group("Vitals")), link(Outcome.HELD), "bahmni.patient-held"),
            (encounter(group("Vitals")), link(identifier="TRI9"), "bahmni.patient-number-differs"),
        ],
    )
    def test_while_it_is_in_doubt_who_the_patient_is_the_encounter_waits(
        self, record: dict[str, Any], patient: Known, message: str
    ) -> None:
        with pytest.raises(Defer) as verdict:
            owner(wanted(record, MAPPED), None, patient)
        assert (verdict.value.message, verdict.value.waits_for) == (message, v.arrival_of_patient(PATIENT))

    def test_a_patient_that_failed_later_still_tells_the_subject(self) -> None:
        assert owner(wanted(encounter(group("Vitals")), MAPPED), None, link(Outcome.FAILED)) == "S"

    @pytest.mark.parametrize(
        ("record", "message"),
        [
            (encounter(group("Diet")), "bahmni.no-mapped-form"),
            (encounter(orders=[PRESCRIBED]), "bahmni.not-outpatient"),
            (encounter(voided=True), "bahmni.voided-before-hand-over"),
        ],
    )
    @pytest.mark.parametrize("known", [None, link(Outcome.SKIPPED, **NEVER)])
    def test_what_has_nothing_to_hand_over_is_skipped_before_anybody_is_waited_for(
        self, record: dict[str, Any], message: str, known: Known | None
    ) -> None:
        with pytest.raises(Skip) as verdict:
            owner(wanted(record, WITH_PRESCRIPTIONS), known, None)
        assert verdict.value.message == message

    def test_one_voided_after_its_patient_left_the_programme_is_voided_where_it_stands(self) -> None:
        want = wanted(encounter(voided=True, number="GAN7"), MAPPED)
        assert owner(want, link(target_parent_id="T"), None) == "T"

    @pytest.mark.parametrize("known", [None, link(Outcome.SKIPPED, **NEVER)])
    def test_one_voided_that_never_was_in_the_programme_stays_outside(self, known: Known | None) -> None:
        want = wanted(encounter(voided=True, number="GAN7"), MAPPED)
        with pytest.raises(Outside, match=r"bahmni\.not-in-programme"):
            owner(want, known, None)

    def test_what_is_to_be_voided_needs_no_patient(self) -> None:
        assert owner(wanted(encounter(voided=True), MAPPED), link(target_parent_id="T"), None) == "T"


@pytest.mark.parametrize(
    "content",
    [
        "/openmrs/ws/rest/v1/bahmnicore/bahmniencounter/{}?includeAll=true",
        "/openmrs/ws/rest/v1/encounter/{}?v=full",
        "/openmrs/ws/rest/v1/encounter/{}",
    ],
)
def test_an_entry_names_the_encounter_under_either_path(content: str) -> None:
    found = ENCOUNTER_PATH.search(content.format(ENCOUNTER))
    assert found
    assert found[1] == ENCOUNTER


@pytest.mark.parametrize("content", ["/openmrs/ws/rest/v1/visit/{}", "/encounter/short", ""])
def test_an_entry_about_something_else_names_none(content: str) -> None:
    assert ENCOUNTER_PATH.search(content.format(ENCOUNTER)) is None
