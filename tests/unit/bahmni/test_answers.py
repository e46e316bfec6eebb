from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from types import MappingProxyType
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.answers import Answers, answers
from bahmni.avni_to_bahmni.observations import Group, Leaf
from engine.verdicts import Fail
from mappings.models import DataTypeHint
from mappings.snapshot import Entry, Snapshot
from tests.chaos.records import KINDS, MARKER, ZONE, snapshot, uuid_of

MAPPED = snapshot()
INFINITE, NO_NUMBER = float("inf"), float("nan")
OF_ANOTHER_KIND: dict[str, list[Any]] = {
    "Height": ["tall", "", "1_000", True, {"a": 1}, [1], INFINITE, NO_NUMBER, "inf", "nan", 10**400],
    "Marriage date": ["soon", "0000-01-01", "2015-13-01", 20150211, {}, ["2015-02-11"], "", True],
    "Seen at": ["soon", "2026-01-10", "9999-12-31T23:00:00.000Z", 1768000000000, True, ["2026-01-10T06:30:00.000Z"]],
    "Occupation": [{"a": 1}, ["Weaver"], True, NO_NUMBER],
    "Marital status": [{"a": 1}, 7, True, [None], [["Married"]], "x" * 300, "Mar\x00ried"],
}

MEDICINE, DOSE, WHEN, PAIN = (uuid_of(name) for name in ("Medicine", "Dose", "Taken on", "Pain"))
"""Concepts in OpenMRS; their uuids in Avni are those of the name with "Avni" behind."""


def mapping(name: str, hint: str = "", policy: str = "") -> Entry:
    return Entry(name, uuid_of(name), hint, policy, uuid_of(f"{name} Avni"))


def with_groups(*more: Entry, hint: str = "", **constants: str) -> Snapshot:
    """The usual mappings and those of a group "Medicines" with its questions; `more` are laid over them."""
    own = [
        mapping("Medicines", hint), mapping("Medicine", "Coded"), mapping("Dose", "Numeric"),
        mapping("Taken on", "Date"), mapping("Paracetamol"), mapping("Iron"), *more,
    ]  # fmt: skip
    entries = {**MAPPED.by_avni_value[v.CONCEPT], **{entry.avni_value: entry for entry in own}}
    said = {key: (value,) for key, value in constants.items()}
    return replace(
        MAPPED,
        by_avni_value=MappingProxyType({**MAPPED.by_avni_value, v.CONCEPT: entries}),
        by_avni_uuid=MappingProxyType({v.CONCEPT: {one.avni_uuid: one for one in entries.values() if one.avni_uuid}}),
        constants=MappingProxyType({**MAPPED.constants, **said}),
    )


def read(snapshot_: Snapshot, **observations: Any) -> Answers:
    said = {name.replace("_", " "): value for name, value in observations.items()}
    return answers(said, snapshot_, ZONE, mapping("the form"))


def leaves(**observations: Any) -> list[tuple[str, Any]]:
    """What observations become, by question in words."""
    names = {uuid_of(name): name for name in KINDS}
    answered = answers({name.replace("_", " "): value for name, value in observations.items()}, MAPPED, ZONE)
    return [(names[said.concept], said.value) for said in answered.leaves]


def texts(value: Any, hint: str = "") -> list[Any]:
    """What a question that takes texts says."""
    return [said.value for said in read(with_groups(mapping("Told", hint)), Told=value).leaves]


def test_a_selection_becomes_one_leaf_per_answer() -> None:
    found = leaves(Medical_problems=["Asthma", "Diabetes"])
    assert found == [("Medical problems", uuid_of("Asthma")), ("Medical problems", uuid_of("Diabetes"))]


def test_an_ignored_question_is_neither_carried_nor_counted() -> None:
    ignoring = replace(MAPPED, ignored={"avni": frozenset({"Height", "Nobody mapped this"})})
    assert answers({"Height": 150, "Nobody mapped this": 1}, ignoring, ZONE).leaves == ()
    assert answers({"Height": 150, "Nobody mapped this": 1}, ignoring, ZONE).unmapped == ()


def test_for_an_ignored_question_we_do_not_answer_so_that_what_the_hospital_says_stays() -> None:
    ignoring = replace(MAPPED, ignored={"avni": frozenset({"Height"})})
    assert uuid_of("Height") in answers({}, MAPPED, ZONE).concepts
    assert uuid_of("Height") not in answers({}, ignoring, ZONE).concepts


def test_an_ignored_answer_is_left_out_and_asks_for_no_mapping() -> None:
    ignoring = replace(MAPPED, ignored={"avni": frozenset({"Asthma", "Nobody mapped this"})})
    found = answers({"Medical problems": ["Asthma", "Diabetes", "Nobody mapped this"]}, ignoring, ZONE)
    assert [said.value for said in found.leaves] == [uuid_of("Diabetes")]


def test_a_concept_ignored_in_bahmni_still_travels_there() -> None:
    ignoring = replace(MAPPED, ignored={"int_system": frozenset({"Height"})})
    assert len(answers({"Height": 150}, ignoring, ZONE).leaves) == 1


def test_a_single_answer_of_a_selection_is_one_leaf() -> None:
    assert leaves(Marital_status="Married") == [("Marital status", uuid_of("Married"))]


@pytest.mark.parametrize(
    ("value", "number"), [(150, 150), (152.5, 152.5), (" 150 ", 150), ("1.5e2", 150), ("१५०", 150)]
)
def test_a_number_may_come_as_text(value: Any, number: float) -> None:
    assert leaves(Height=value) == [("Height", number)]


@pytest.mark.parametrize("blank", [None, "", "   ", "\n"])
def test_a_blank_text_is_no_answer(blank: str | None) -> None:
    assert leaves(Occupation=blank) == []


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2015-02-11", "2015-02-11"),
        ("2015-02-11T23:59:59", "2015-02-11"),
        ("1906-01-01T00:00:00.000+05:30", "1906-01-01"),
        ("1905-12-31T18:30:00.000Z", "1906-01-01"),
        ("2015-02-10T18:31:00.000Z", "2015-02-11"),
        ("2015-02-11T18:29:00.000Z", "2015-02-11"),
    ],
)
def test_a_date_is_the_day_by_the_clock_of_the_hospital(value: str, day: str) -> None:
    assert leaves(Marriage_date=value) == [("Marriage date", day)]


def test_w29_a_day_that_avni_stores_as_a_moment_is_that_day_in_every_hospital() -> None:
    (leaf,) = answers({"Marriage date": "2015-02-10T18:30:00.000Z"}, MAPPED, UTC).leaves
    assert leaf.value == "2015-02-11"


def test_a_moment_is_told_to_the_minute_by_the_clock_of_the_hospital() -> None:
    assert leaves(Seen_at="2026-01-10T20:15:59.999Z") == [("Seen at", "2026-01-11 01:45")]


@pytest.mark.parametrize(
    ("question", "value"), [(name, value) for name, values in OF_ANOTHER_KIND.items() for value in values]
)
def test_a_value_of_another_kind_is_named_by_question_and_kind_and_never_shown(question: str, value: Any) -> None:
    with pytest.raises(Fail) as failure:
        answers({question: value}, MAPPED, ZONE)
    assert failure.value.message == "bahmni.value-kind"
    assert failure.value.params["question"] == question
    assert set(failure.value.params) == {"question", "expected", "kind"}
    assert failure.value.params["kind"] in ("yes/no", "number", "text", "list", "group", "nothing", "something else")


def test_an_answer_without_mapping_is_set_aside_with_its_question() -> None:
    found = answers({"Marital status": "Divorced", "Height": 150}, MAPPED, ZONE)
    assert (found.unknown, len(found.leaves)) == ((("Marital status", "Divorced"),), 1)


def test_a_question_without_mapping_is_counted_and_left_out() -> None:
    assert answers({"Shoe size": 42, "First name": "Asha"}, MAPPED, ZONE).unmapped == ("Shoe size",)


class TestTexts:
    @pytest.mark.parametrize("hint", ["", "NA", "Text", "PhoneNumber"])
    def test_a_phone_number_travels_as_its_digits(self, hint: str) -> None:
        assert texts({"phoneNumber": "9876543210", "verified": True}, hint) == ["9876543210"]

    def test_a_place_travels_as_its_titles_from_the_lowest_up(self) -> None:
        assert texts({"Village": "Nijhma", "Block": "Melghat"}, "Text") == ["Nijhma, Melghat"]

    @pytest.mark.parametrize("value", ["P21Y", "14:05", "https://avni/asha.jpg", uuid_of("a subject")])
    @pytest.mark.parametrize("hint", ["", "Text", "NA"])
    def test_a_duration_a_time_a_link_and_a_subject_travel_as_they_stand(self, value: str, hint: str) -> None:
        assert texts(value, hint) == [value]

    @pytest.mark.parametrize("hint", ["", "NA"])
    def test_several_links_or_subjects_are_an_observation_each(self, hint: str) -> None:
        assert texts(["a.jpg", "b.jpg"], hint) == ["a.jpg", "b.jpg"]

    def test_where_one_text_is_asked_for_a_list_is_told_by_question_and_kind(self) -> None:
        with pytest.raises(Fail) as failure:
            texts(["a", "b"], "Text")
        assert failure.value.params == {"question": "Told", "expected": "a text", "kind": "list"}

    def test_an_object_that_is_neither_place_nor_phone_nor_group_is_told_by_question_and_kind(self) -> None:
        with pytest.raises(Fail) as failure:
            texts({"x": {"y": 1}})
        assert failure.value.params["kind"] == "group"

    @pytest.mark.parametrize("length", [65536, 2_000_000])
    @pytest.mark.parametrize("hint", ["", "Text"])
    def test_a_text_longer_than_the_hospital_keeps_is_named_by_its_question(self, length: int, hint: str) -> None:
        with pytest.raises(Fail) as failure:
            texts("x" * length, hint)
        assert (failure.value.message, failure.value.params) == (
            "bahmni.value-too-long", {"question": "Told", "kind": "text", "most": "65535"},
        )  # fmt: skip

    def test_a_number_stays_one_unless_a_text_is_asked_for(self) -> None:
        assert (texts(36.6), texts(36.6, "Text")) == ([36.6], ["36.6"])


class TestTruths:
    @pytest.mark.parametrize(("value", "word"), [(True, "true"), (False, "false"), ("Yes", "true"), ("no", "false")])
    def test_a_truth_nobody_mapped_travels_as_its_word(self, value: Any, word: str) -> None:
        without = {name: one for name, one in MAPPED.by_avni_value[v.CONCEPT].items() if name not in ("Yes", "No")}
        bare = replace(
            MAPPED, by_avni_value=MappingProxyType({v.CONCEPT: {**without, "Ill": mapping("Ill", "Boolean")}})
        )
        assert answers({"Ill": value}, bare, ZONE).leaves == (Leaf(uuid_of("Ill"), word, is_truth=True),)

    def test_a_truth_that_is_mapped_travels_as_its_concept(self) -> None:
        found = read(with_groups(mapping("Ill", "Boolean")), Ill="Iron")
        assert found.leaves == (Leaf(uuid_of("Ill"), uuid_of("Iron"), is_coded=True),)

    def test_a_truth_that_is_mapped_to_a_word_travels_as_the_word(self) -> None:
        found = read(with_groups(mapping("Ill", "Boolean")), Ill="Yes")  # mapped to "true" for an attribute
        assert found.leaves == (Leaf(uuid_of("Ill"), "true", is_truth=True),)


class TestGroups:
    DOSES = (
        Leaf(DOSE, 2),
        Leaf(MEDICINE, uuid_of("Iron"), is_coded=True),
        Leaf(WHEN, "2026-01-05", is_date=True),
    )

    @pytest.mark.parametrize("hint", ["", "NA", "QuestionGroup", "RepeatableGroup"])
    def test_w31_a_group_of_questions_is_one_observation_with_members(self, hint: str) -> None:
        said = {"Dose": 2, "Medicine": "Iron", "Taken on": "2026-01-05"}
        found = read(with_groups(hint=hint), Medicines=said)
        assert found.leaves == (Group(uuid_of("Medicines"), self.DOSES),)

    def test_w31_each_repetition_is_an_observation_of_its_own_even_if_it_says_the_same(self) -> None:
        found = read(with_groups(), Medicines=[{"Dose": 1}, {"Dose": 2}, {"Dose": 1}])
        numbers = [(said.number, said.members[0].value) for said in found.leaves if isinstance(said, Group)]
        assert numbers == [(1, 1), (2, 2), (3, 1)]

    def test_questions_and_answers_that_avni_names_by_uuid_are_found_by_it(self) -> None:
        said = {"Dose": 2, "Medicine": "Iron", "Taken on": "2026-01-04T18:30:00.000Z"}
        by_uuid = {uuid_of(f"{name} Avni"): value for name, value in said.items()}
        by_uuid[uuid_of("Medicine Avni")] = uuid_of("Iron Avni")
        (found,) = read(with_groups(), Medicines=by_uuid).leaves
        assert isinstance(found, Group)
        assert set(found.members) == set(self.DOSES)

    @pytest.mark.parametrize("hint", ["", "QuestionGroup"])
    def test_a_question_in_a_group_named_by_a_uuid_that_nobody_entered_is_an_error(self, hint: str) -> None:
        with pytest.raises(Fail) as failure:
            read(with_groups(hint=hint), Medicines={uuid_of("Dose in Avni"): 2})
        assert (failure.value.message, failure.value.params) == (
            "bahmni.question-unmapped.by-uuid", {"group": "Medicines", "uuid": uuid_of("Dose in Avni")},
        )  # fmt: skip

    @pytest.mark.parametrize("ignored", ["Dose", uuid_of("Dose Avni")])
    def test_what_is_ignored_is_left_out_inside_groups_too(self, ignored: str) -> None:
        snapshot_ = replace(with_groups(), ignored={"avni": frozenset({ignored})})
        said = {uuid_of("Dose Avni"): 2, "Taken on": "2026-01-05"}
        found = read(snapshot_, Medicines=said)
        assert found.leaves == (Group(uuid_of("Medicines"), (self.DOSES[2],)),)

    @pytest.mark.parametrize("nothing", [{}, [], [{}], {"Dose": None}, [{"Shoe size": 42}]])
    def test_a_group_that_says_nothing_is_none(self, nothing: Any) -> None:
        assert read(with_groups(hint="RepeatableGroup"), Medicines=nothing).leaves == ()

    def test_a_question_without_mapping_in_a_group_is_counted(self) -> None:
        assert read(with_groups(), Medicines={"Dose": 1, "Colour": "red"}).unmapped == ("Colour",)

    def test_groups_stand_inside_groups(self) -> None:
        inner = with_groups(mapping("Course", "RepeatableGroup"), mapping("Medicines", "QuestionGroup"))
        (found,) = read(inner, Course=[{"Medicines": {"Dose": 1}}]).leaves
        assert found == Group(uuid_of("Course"), (Group(uuid_of("Medicines"), (Leaf(DOSE, 1),)),))

    @pytest.mark.parametrize("value", ["Iron", 7, [1], ["Iron", {}], True])
    def test_what_is_no_group_is_told_by_question_and_kind(self, value: Any) -> None:
        with pytest.raises(Fail) as failure:
            read(with_groups(hint="QuestionGroup"), Medicines=value)
        assert failure.value.params["question"] == "Medicines"

    def test_a_hundred_repetitions_travel(self) -> None:
        assert len(read(with_groups(), Medicines=[{"Dose": 1}] * 100).leaves) == 100

    def test_more_repetitions_than_anybody_fills_in_are_an_error(self) -> None:
        with pytest.raises(Fail, match=r"bahmni\.value-kind"):
            read(with_groups(), Medicines=[{"Dose": 1}] * 101)


class TestPolicies:
    """W30: dropped in silence, or the end of the run, whatever anybody wanted."""

    @pytest.mark.parametrize(
        ("of_the_form", "constants", "message"),
        [
            ("fail", {}, "bahmni.question-unmapped"),
            ("", {"UnmappedQuestionsFromAvni": "fail"}, "bahmni.question-unmapped"),
            ("skip", {"UnmappedQuestionsFromAvni": "fail"}, ""),
            ("", {}, ""),
            ("", {"UnmappedQuestionsFromAvni": "perhaps"}, ""),
            ("", {"UnmappedQuestionsFromBahmni": "fail"}, ""),
        ],
    )
    def test_w30_the_form_decides_on_questions_else_the_tenant_else_they_are_counted(
        self, of_the_form: str, constants: dict[str, str], message: str
    ) -> None:
        form = mapping("the form", policy=of_the_form)
        if not message:
            assert answers({"Shoe size": 42}, with_groups(**constants), ZONE, form).unmapped == ("Shoe size",)
            return
        with pytest.raises(Fail) as failure:
            answers({"Shoe size": 42}, with_groups(**constants), ZONE, form)
        assert (failure.value.message, failure.value.params) == (message, {"value": "Shoe size", "side": "avni"})

    @pytest.mark.parametrize("blank", [None, "", " ", [], {}])
    def test_a_question_without_mapping_that_nobody_answered_is_no_error(self, blank: Any) -> None:
        form = mapping("the form", policy="fail")
        assert answers({"Shoe size": blank}, MAPPED, ZONE, form).unmapped == ("Shoe size",)

    def test_the_group_decides_on_the_questions_in_it(self) -> None:
        mapped = with_groups(mapping("Medicines", policy="fail"))
        with pytest.raises(Fail) as failure:
            read(mapped, Medicines={"Dose": 1, "Colour": "red"})
        assert failure.value.params["value"] == "Colour"

    def test_w30_questions_without_mapping_may_be_sent_as_one_text(self) -> None:
        spare = MappingProxyType({**MAPPED.singles, v.UNMAPPED_CONCEPT: mapping("Other answers")})
        mapped = replace(with_groups(UnmappedQuestionsFromAvni="text"), singles=spare)
        found = read(mapped, Medicines={"Dose": 1, "Colour": "red"}, Mood=["calm", "tired"], Shoe_size=42, Wet=True)
        told = next(said for said in found.leaves if said.concept == uuid_of("Other answers"))
        assert told.value == "Medicines / Colour: red\nMood: calm, tired\nShoe size: 42\nWet: True"
        assert (uuid_of("Other answers") in found.concepts, found.unmapped) == (True, ())

    def test_to_send_them_as_text_somebody_must_say_where(self) -> None:
        with pytest.raises(Fail, match=r"bahmni\.nowhere-for-unmapped"):
            read(with_groups(UnmappedQuestionsFromAvni="text"), Shoe_size=42)

    @pytest.mark.parametrize(
        ("of_the_question", "constants", "unknown", "counted", "said"),
        [
            ("", {}, (("Status", "Divorced"),), (), []),
            ("fail", {"UnmappedAnswersFromAvni": "skip"}, (("Status", "Divorced"),), (), []),
            ("skip", {}, (), ("Status: an answer",), []),
            ("", {"UnmappedAnswersFromAvni": "skip"}, (), ("Status: an answer",), []),
            ("text", {}, (), (), ["Divorced"]),
        ],
    )
    def test_w30_the_question_decides_on_answers_else_the_tenant_else_they_are_errors(
        self,
        of_the_question: str,
        constants: dict[str, str],
        unknown: tuple[tuple[str, str], ...],
        counted: tuple[str, ...],
        said: list[str],
    ) -> None:
        mapped = with_groups(mapping("Status", DataTypeHint.CODED, of_the_question), **constants)
        found = read(mapped, Status="Divorced")
        assert (found.unknown, found.unmapped, [one.value for one in found.leaves]) == (unknown, counted, said)

    def test_w30_an_ignored_answer_stops_nothing(self) -> None:
        mapped = replace(with_groups(mapping("Status", "Coded")), ignored={"avni": frozenset({"Divorced"})})
        assert read(mapped, Status=["Divorced", "Iron"]).unknown == ()


def test_w26_several_answers_of_a_choice_are_an_observation_each() -> None:
    assert len(leaves(Medical_problems=["Asthma", "Diabetes", "Anaemia"])) == 3


def test_w29_a_date_stored_as_indian_midnight_keeps_its_day() -> None:
    assert leaves(Marriage_date="2021-01-14T18:30:00.000Z") == [("Marriage date", "2021-01-15")]


def test_w28_a_moment_is_told_by_the_clock_of_the_hospital_whatever_zone_it_was_written_in() -> None:
    spellings = ("2026-01-10T20:15:00.000Z", "2026-01-11T01:45:00.000+05:30", "2026-01-10T15:15:00.000-05:00")
    assert {leaves(Seen_at=spelling)[0][1] for spelling in spellings} == {"2026-01-11 01:45"}


@pytest.mark.parametrize("day", ["9999-12-31", "9999-01-01T00:00:00.000Z"])
@pytest.mark.parametrize("question", ["Marriage date", "Seen at"])
def test_a_date_that_stands_for_none_is_told_by_its_question(question: str, day: str) -> None:
    with pytest.raises(Fail) as failure:
        answers({question: day}, MAPPED, ZONE)
    assert failure.value.params["question"] == question


def test_the_marker_of_bahmni_is_no_question_of_ours() -> None:
    assert answers({MARKER: "x"}, MAPPED, ZONE).leaves == ()


def test_an_answer_given_twice_in_a_group_is_one() -> None:
    mapped = with_groups(mapping("Medicines", "QuestionGroup"))
    (found,) = read(mapped, Medicines={"Medicine": ["Iron", "Iron"]}).leaves
    assert isinstance(found, Group)
    assert len(found.members) == 1
