"""Filters, and how they are dropped without a word (avni.md A8 to A12, A43)."""

from __future__ import annotations

import json

import pytest

from simulators.avni import AvniStore
from simulators.server import Server
from tests.contract.avni.support import EPOCH, Caller, sign_in, subject


def by(**concepts: object) -> str:
    return json.dumps(concepts)


@pytest.fixture
def owner(store: AvniStore) -> str:
    return subject(store, at=0).uuid


def test_the_type_filter_leaves_the_type_out_of_the_rows(avni: Caller, owner: str) -> None:
    [row] = avni.get("/api/subjects", subjectType="Individual")["content"]
    assert "Subject type" not in row


def test_without_type_filter_the_rows_name_their_type(avni: Caller, owner: str) -> None:
    [row] = avni.get("/api/subjects")["content"]
    assert row["Subject type"] == "Individual"


@pytest.mark.parametrize("path", ["/api/subjects?subjectType=Nobody", "/api/encounters?encounterType=Nobody"])
def test_an_unknown_type_gives_an_empty_page(avni: Caller, owner: str, path: str) -> None:
    assert avni.get(path)["content"] == []


def test_voided_rows_are_listed_and_flagged(store: AvniStore, avni: Caller, owner: str) -> None:
    store.void_subject(owner, at=0)
    [row] = avni.get("/api/subjects", lastModifiedDateTime=EPOCH)["content"]
    assert row["Voided"] is True


def test_subjects_are_found_by_the_stored_text_of_an_observation(store: AvniStore, avni: Caller) -> None:
    married = store.organisation().concept_named("Married")
    assert married is not None
    made = subject(store, observations={"Marital status": "Married", "Height": 152.5}).uuid
    assert avni.ids("/api/subjects", concepts=by(**{"Marital status": married.uuid})) == [made]
    assert avni.ids("/api/subjects", concepts=by(Height="152.5")) == [made]
    assert avni.ids("/api/subjects", concepts=by(**{"Marital status": "Married"})) == []


def test_encounters_are_found_by_text_never_by_number(store: AvniStore, avni: Caller, owner: str) -> None:
    observations = {"Visit notes": "note", "Height": 150}
    made = store.put_encounter(encounter_type="Home visit", subject=owner, observations=observations).uuid
    assert avni.ids("/api/encounters", concepts=by(**{"Visit notes": "note"})) == [made]
    assert avni.ids("/api/encounters", concepts=by(Height="150")) == []


def test_a_quote_in_the_value_breaks_the_encounter_search(avni: Caller) -> None:
    assert avni.call("GET", "/api/encounters", concepts=by(**{"Visit notes": 'a"b'})).status_code == 500


@pytest.mark.parametrize("path", ["/api/subjects", "/api/encounters"])
@pytest.mark.parametrize("filter_text", ['{"No such concept": "x"}', "{not json"])
def test_a_bad_concepts_filter_is_a_bad_request(avni: Caller, path: str, filter_text: str) -> None:
    answer = avni.call("GET", path, concepts=filter_text)
    assert (answer.status_code, "BadRequestError" in answer.text) == (400, True)


def test_the_subject_filter_needs_a_type_or_concepts(store: AvniStore, avni: Caller, owner: str) -> None:
    other = subject(store, "Ravi").uuid
    for uuid in (owner, other):
        store.put_encounter(encounter_type="Home visit", subject=uuid, observations={"Visit notes": "n"})
    assert len(avni.ids("/api/encounters", subjectId=owner)) == 2
    assert len(avni.ids("/api/encounters", subjectId=owner, encounterType="Home visit")) == 1
    assert len(avni.ids("/api/encounters", subjectId=owner, concepts=by(**{"Visit notes": "n"}))) == 1


def test_places_include_those_inside_them(store: AvniStore, avni: Caller) -> None:
    block = store.add_location("Kurhani", "Block")
    village = store.add_location("Rampur", "Village", block)
    made = subject(store, location=village.uuid).uuid
    subject(store, "Ravi")
    assert avni.ids("/api/subjects", locationIds=block.uuid) == [made]


def test_places_nobody_knows_are_dropped_and_everyone_returns(store: AvniStore, avni: Caller, owner: str) -> None:
    assert avni.ids("/api/subjects", locationIds="nowhere,else") == [owner]


def test_a_misspelt_parameter_is_ignored(avni: Caller, owner: str) -> None:
    assert avni.ids("/api/subjects", **{"subject type": "Household"}) == [owner]


def test_one_type_without_view_privilege_fails_the_whole_page(store: AvniStore, avni: Caller, owner: str) -> None:
    subject(store, "The house", subject_type="Household")
    store.users["integration@demo"].cannot_view.append("Household")
    assert avni.call("GET", "/api/subjects").status_code == 403
    assert avni.ids("/api/subjects", subjectType="Individual") == [owner]


def test_organisations_see_nothing_of_each_other(store: AvniStore, server: Server, owner: str) -> None:
    store.add_user("stranger", "secret", organisation="elsewhere")
    stranger = sign_in(server.base_url, "stranger", "secret")
    assert stranger.ids("/api/subjects") == []
    assert stranger.call("GET", f"/api/subject/{owner}").status_code == 404
    assert stranger.call("DELETE", f"/api/subject/{owner}").status_code == 404


def test_the_same_external_id_may_stand_in_two_organisations(store: AvniStore, server: Server, avni: Caller) -> None:
    store.add_user("stranger", "secret", organisation="elsewhere")
    store.add_subject_type("Individual", organisation="elsewhere")
    theirs = subject(store, "Theirs", external_id="X-1", organisation="elsewhere").uuid
    ours = subject(store, "Ours", external_id="X-1").uuid
    assert avni.get("/api/subject/X-1")["ID"] == ours
    assert sign_in(server.base_url, "stranger", "secret").get("/api/subject/X-1")["ID"] == theirs
