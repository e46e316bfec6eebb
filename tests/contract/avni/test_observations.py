"""Observations on their way in and out (avni.md A24 to A30)."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.avni import AvniStore
from tests.contract.avni.support import Caller, encounter_body, subject

INDIAN_MIDNIGHT = "2015-02-10T18:30:00.000Z"


@pytest.fixture
def owner(store: AvniStore) -> str:
    return subject(store, at=0).uuid


def written(avni: Caller, owner: str, **observations: Any) -> dict[str, Any]:
    names = {name.replace("_", " "): value for name, value in observations.items()}
    made: dict[str, Any] = avni.send("POST", "/api/encounter", encounter_body(owner, observations=names))
    return made


@pytest.mark.parametrize(("version", "shown"), [(None, INDIAN_MIDNIGHT), (1, INDIAN_MIDNIGHT), (2, "2015-02-11")])
def test_a_date_is_a_moment_in_version_one_and_an_indian_day_in_version_two(
    store: AvniStore, avni: Caller, version: int | None, shown: str
) -> None:
    made = subject(store, observations={"Marriage date": INDIAN_MIDNIGHT}).uuid
    assert avni.get(f"/api/subject/{made}", version=version)["observations"]["Marriage date"] == shown


@pytest.mark.parametrize(
    "stored", ["2015-02-11T00:00:00.000+0530", "2015-02-10T18:30:00.000+00:00", "2015-02-11T00:00:00+05:30"]
)
def test_older_ways_of_storing_a_date_mean_the_same_day(store: AvniStore, avni: Caller, stored: str) -> None:
    made = subject(store, observations={"Marriage date": stored}).uuid
    assert avni.get(f"/api/subject/{made}", version=2)["observations"]["Marriage date"] == "2015-02-11"


def test_a_date_time_is_the_same_in_every_version(store: AvniStore, avni: Caller) -> None:
    store.add_concept("Seen at", "DateTime")
    made = subject(store, observations={"Seen at": INDIAN_MIDNIGHT}).uuid
    assert avni.get(f"/api/subject/{made}", version=2)["observations"]["Seen at"] == INDIAN_MIDNIGHT


def test_answers_are_stored_by_uuid_and_shown_by_name(store: AvniStore, avni: Caller, owner: str) -> None:
    question = store.organisation().concept_named("Marital status")
    answer = store.organisation().concept_named("Married")
    assert question is not None
    assert answer is not None
    made = written(avni, owner, Marital_status="Married")
    assert made["observations"] == {"Marital status": "Married"}
    assert store.encounters[made["ID"]].observations == {question.uuid: answer.uuid}


def test_several_answers_stay_a_list_even_if_it_is_one(avni: Caller, owner: str) -> None:
    assert written(avni, owner, Marital_status=["Single"])["observations"] == {"Marital status": ["Single"]}


def test_an_answer_of_another_question_is_taken(avni: Caller, owner: str) -> None:
    assert written(avni, owner, Marital_status="Height")["observations"] == {"Marital status": "Height"}


def test_an_answer_nobody_knows_any_more_shows_its_uuid(store: AvniStore, avni: Caller, owner: str) -> None:
    made = written(avni, owner, Marital_status="Married")["ID"]
    answer = store.organisation().concept_named("Married")
    assert answer is not None
    del store.organisation().concepts[answer.uuid]
    assert avni.get(f"/api/encounter/{made}")["observations"] == {"Marital status": answer.uuid}


def test_a_concepts_new_name_shows_at_once_without_a_new_stamp(store: AvniStore, avni: Caller, owner: str) -> None:
    made = written(avni, owner, Height=150)
    concept = store.organisation().concept_named("Height")
    assert concept is not None
    concept.name = "Height in cm"
    again = avni.get(f"/api/encounter/{made['ID']}")
    assert (again["observations"], again["audit"]) == ({"Height in cm": 150}, made["audit"])


def test_values_are_kept_as_sent_whatever_their_kind(avni: Caller, owner: str) -> None:
    assert written(avni, owner, Height="tall")["observations"] == {"Height": "tall"}


def test_null_is_left_out(avni: Caller, owner: str) -> None:
    assert written(avni, owner, Height=None)["observations"] == {}


class TestQuestionGroups:
    @pytest.fixture(autouse=True)
    def group(self, store: AvniStore) -> None:
        store.add_concept("House details", "QuestionGroup")
        store.add_concept("Walls", "Coded", answers=["Pucca"])

    def test_a_single_group_is_keyed_by_names_only_when_just_written(
        self, store: AvniStore, avni: Caller, owner: str
    ) -> None:
        walls = store.organisation().concept_named("Walls")
        pucca = store.organisation().concept_named("Pucca")
        assert walls is not None
        assert pucca is not None
        made = written(avni, owner, House_details={"Walls": "Pucca"})
        assert made["observations"]["House details"] == {"Walls": "Pucca"}
        again = avni.get(f"/api/encounter/{made['ID']}")
        assert again["observations"]["House details"] == {walls.uuid: pucca.uuid}

    def test_repeated_groups_are_keyed_by_names(self, avni: Caller, owner: str) -> None:
        made = written(avni, owner, House_details=[{"Walls": "Pucca"}, {}])["ID"]
        shown = avni.get(f"/api/encounter/{made}")["observations"]["House details"]
        assert shown == [{"Walls": "Pucca"}, {}]

    def test_a_patch_prunes_an_empty_group(self, avni: Caller, owner: str) -> None:
        made = written(avni, owner, House_details={"Walls": "Pucca"})["ID"]
        patch = {"observations": {"House details": {"Walls": None}}}
        assert avni.send("PATCH", f"/api/encounter/{made}", patch)["observations"] == {}


class TestPoisonRow:
    def test_one_row_fails_every_page_it_stands_on(self, store: AvniStore, avni: Caller) -> None:
        made = [subject(store, at=number).uuid for number in range(3)]
        store.poison(made[1])
        window = {"lastModifiedDateTime": "1900-01-01T00:00:00Z", "size": 1}
        statuses = [avni.call("GET", "/api/subjects", page=page, **window).status_code for page in range(3)]
        assert statuses == [200, 500, 200]
        assert avni.call("GET", f"/api/subject/{made[1]}").status_code == 500

    def test_a_date_that_is_no_text_fails_from_version_two_on(self, store: AvniStore, avni: Caller) -> None:
        made = subject(store, observations={"Marriage date": 7}).uuid
        statuses = [avni.call("GET", f"/api/subject/{made}", version=number).status_code for number in (1, 2)]
        assert statuses == [200, 500]
