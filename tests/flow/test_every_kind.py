"""Groups of questions, policies and answers nobody mapped, with mappings as an administrator enters them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from errors.models import OPEN_STATES, ErrorRecord
from mappings.models import Constant, IgnoredConcept, Mapping
from syncstatus.models import Run
from tests.chaos.truth import retry_all
from tests.flow.clinic import VITALS, Clinic, open_clinic
from tests.flow.world import World


def entered(world: World, name: str, kind: str, datatype: str, hint: str) -> str:
    """A question both sides know, mapped with its uuid in Avni; gives the concept in OpenMRS."""
    uuid = world.bahmni.add_concept(f"{name} [Avni]", datatype).uuid
    mapping = world.map("Observation", "Concept", name, uuid, hint)
    mapping.avni_uuid = world.avni.add_concept(name, kind).uuid
    mapping.save()
    world.concepts[name] = uuid
    return uuid


def medicines(world: World, hint: str) -> None:
    """A group of questions, its questions and an answer."""
    entered(world, "Medicines", "QuestionGroup", "N/A", hint)
    entered(world, "Medicine", "Text", "Text", "Text")
    entered(world, "Dose", "Numeric", "Numeric", "Numeric")


def groups(world: World, encounter: str) -> list[dict[str, Any]]:
    """What stands in the groups of an encounter in Bahmni."""
    live = [row for row in world.bahmni.obs_of(encounter) if not row.voided]
    names = {uuid: name for name, uuid in world.concepts.items()}
    return [
        {names[row.concept]: row.value for row in live if row.group == group.uuid}
        for group in live
        if group.concept == world.concepts["Medicines"]
    ]


def open_errors() -> list[tuple[str, dict[str, str]]]:
    return [(one.message, one.params) for one in ErrorRecord.objects.filter(state__in=OPEN_STATES)]


@pytest.fixture
def visit(world: World) -> str:
    """A subject of Avni that stands in Bahmni, and whose visits are handed over; gives the subject."""
    world.household_visits()
    subject = world.subject("1001")
    world.sync("subject")
    return subject


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("QuestionGroup", {"Medicine": "Iron", "Dose": 2}),
        ("RepeatableGroup", [{"Medicine": "Iron", "Dose": 2}, {"Medicine": "Zinc", "Dose": 1}]),
    ],
)
def test_w31_a_group_reaches_bahmni_and_an_edit_of_one_repetition_leaves_the_others(
    world: World, visit: str, hint: str, said: Any
) -> None:
    medicines(world, hint)
    encounter = world.household_visit(visit, observations={"Medicines": said})
    world.sync("general-encounter")
    there = world.link("general-encounter", encounter).target_id
    ones = said if isinstance(said, list) else [said]
    assert groups(world, there) == ones
    before = {row.uuid for row in world.bahmni.obs_of(there) if not row.voided}
    edited = [{**ones[0], "Dose": 3}, *ones[1:]]
    world.avni.edit_encounter(
        encounter, observations={"Medicines": edited if isinstance(said, list) else edited[0]}, at=world.moment()
    )
    world.sync("general-encounter")
    assert groups(world, there) == edited
    after = {row.uuid for row in world.bahmni.obs_of(there) if not row.voided}
    assert (len(after - before), len(before - after)) == (1, 1)


def test_w31_a_group_of_the_hospital_reaches_avni_and_comes_again_without_a_write(world: World) -> None:
    clinic = open_clinic(world)
    medicines(world, "QuestionGroup")
    subject, patient = world.subject("1001"), world.patient("1001")
    world.sync("patient")
    group = {
        "concept": world.concepts["Medicines"],
        "groupMembers": [
            {"concept": world.concepts["Medicine"], "value": "Iron"}, {"concept": world.concepts["Dose"], "value": 2},
        ],
    }  # fmt: skip
    form = clinic.form("Vitals", Pulse=72)
    clinic.fill_in(patient, {**form, "groupMembers": [*form["groupMembers"], group]})
    world.sync("encounter")
    (said,) = clinic.in_avni(subject)[VITALS]
    names = {row.uuid: row.name for row in world.avni.organisation("demo").concepts.values()}
    assert {names[key]: value for key, value in said["Medicines"].items()} == {"Medicine": "Iron", "Dose": 2}
    world.rewind()
    world.reset_counts()
    world.sync("patient", "encounter")
    assert world.writes == 0


def test_a_question_in_a_group_whose_uuid_nobody_entered_is_an_error_until_it_is_entered(
    world: World, visit: str
) -> None:
    medicines(world, "QuestionGroup")
    dose = Mapping.objects.get(avni_value="Dose")
    uuid, dose.avni_uuid = dose.avni_uuid, None
    dose.save()
    encounter = world.household_visit(visit, observations={"Medicines": {"Dose": 2}})
    world.sync("general-encounter")
    assert open_errors() == [("bahmni.question-unmapped.by-uuid", {"group": "Medicines", "uuid": str(uuid)})]
    dose.avni_uuid = uuid
    dose.save()
    retry_all()
    world.sync("general-encounter")
    assert groups(world, world.link("general-encounter", encounter).target_id) == [{"Dose": 2}]


class TestAnswersNobodyMapped:
    def test_one_that_is_a_concept_of_avni_is_named_and_another_text_is_not(self, world: World) -> None:
        world.avni.add_concept("Divorced", "NA")
        world.subject("1001", observations={"Marital status": "Divorced"})
        world.sync("subject")
        assert open_errors() == [
            ("bahmni.answer-unmapped", {"question": "Marital status", "value": "Divorced", "side": "avni"})
        ]

    def test_a_text_in_a_question_mapped_as_a_choice_is_told_by_its_question_alone(self, world: World) -> None:
        Mapping.objects.filter(avni_value="Occupation").update(data_type_hint="Coded")
        world.map("Observation", "Concept", "unused", "0" * 36)  # raises the revision, as saving the mapping would
        world.subject("1001", observations={"Occupation": "Zarina is HIV positive"})
        world.sync("subject")
        assert open_errors() == [("bahmni.answer-unknown", {"question": "Occupation"})]

    def test_w30_an_ignored_one_lets_its_record_through(self, world: World) -> None:
        world.avni.add_concept("Divorced", "NA")
        subject = world.subject("1001", observations={"Marital status": "Divorced", "Height": 150})
        IgnoredConcept.objects.create(tenant=world.tenant, side="avni", concept="Divorced")
        world.sync("subject")
        assert world.held(world.link("subject", subject).target_id) == {"Height": [150.0]}

    @pytest.mark.parametrize("by", ["mapping", "constant"])
    def test_w30_left_out_by_policy_it_is_counted_on_the_run(self, world: World, by: str) -> None:
        world.avni.add_concept("Divorced", "NA")
        if by == "mapping":
            question = Mapping.objects.get(avni_value="Marital status")
            question.when_unmapped = "skip"
            question.save()
        else:
            constant = Constant.objects.get(key="UnmappedAnswersFromAvni")
            constant.value = "skip"
            constant.save()
        world.subject("1001", observations={"Marital status": "Divorced"})
        world.sync("subject")
        assert (open_errors(), Run.objects.latest("pk").unmapped) == ([], {"Marital status: an answer": 1})


class TestQuestionsNobodyMapped:
    def test_w30_they_may_be_errors_by_a_constant_and_get_through_when_that_is_taken_back(self, world: World) -> None:
        world.avni.add_concept("Shoe size", "Numeric")
        constant = Constant.objects.get(key="UnmappedQuestionsFromAvni")
        constant.value = "fail"
        constant.save()
        subject = world.subject("1001", observations={"Shoe size": 42})
        world.sync("subject")
        assert open_errors() == [("bahmni.question-unmapped", {"value": "Shoe size", "side": "avni"})]
        constant.value = ""
        constant.save()
        retry_all()
        world.sync("subject")
        assert (open_errors(), world.link("subject", subject).outcome) == ([], "created")

    def test_w30_they_may_be_sent_as_one_text_and_are_taken_out_again_with_the_policy(
        self, world: World, visit: str
    ) -> None:
        spare = world.bahmni.add_concept("Other answers [Avni]", "Text").uuid
        world.map("Unmapped", "UnmappedQuestions_Concept", "Other answers", spare)
        world.avni.add_concept("Shoe size", "Numeric")
        form = Mapping.objects.get(type__name="CommunityEncounter_BahmniForm")
        form.when_unmapped = "text"
        form.save()
        encounter = world.household_visit(visit, observations={"Shoe size": 42})
        world.sync("general-encounter")

        def told() -> Counter[Any]:
            there = world.link("general-encounter", encounter).target_id
            rows = world.bahmni.obs_of(there)
            return Counter(row.value for row in rows if row.concept == spare and not row.voided)

        assert told() == Counter(["Shoe size: 42"])
        form.when_unmapped = "skip"
        form.save()
        world.avni.edit_encounter(encounter, at=world.moment())
        world.sync("general-encounter")
        assert told() == Counter()

    def test_w30_those_of_the_hospital_may_be_errors_by_the_mapping_of_their_form(self, world: World) -> None:
        clinic: Clinic = open_clinic(world)
        form = Mapping.objects.get(type__name="EncounterType", avni_value=VITALS)
        form.when_unmapped = "fail"
        form.save()
        world.subject("1001")
        patient = world.patient("1001")
        world.sync("patient")
        clinic.fill_in(patient, clinic.form("Vitals", Mood="calm"))
        world.sync("encounter")
        (found,) = open_errors()
        assert (found[0], found[1]["name"]) == ("bahmni.observation-question-unmapped", "Mood")
