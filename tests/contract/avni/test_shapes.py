"""The simulator's documents against fixtures of the same kind: keys, nesting, kinds of values.

The fixtures made for this project stand in tests/fixtures/avni. More shapes are checked in
place where a folder of them is present: named by INTEGRATION_SHAPES_DIR, or `shared/fixtures`
beside the checkout.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulators.avni import AvniStore, EncounterRow, SubjectRow
from simulators.avni.times import parse_ms
from tests.contract.avni.shapes import assert_same, kinds, shapes_folder
from tests.contract.avni.support import Caller, fixture, subject, subject_body

ASHA = "3f1c9b0a-6a0e-4f53-9e0b-7b0b1f4f1a01"
HOUSE_WALLS = "0c8f6d1e-aaaa-4bbb-8ccc-1234567890ab"
HOUSE_ROOMS = "0c8f6d1e-aaaa-4bbb-8ccc-1234567890ac"


@pytest.fixture
def shapes() -> Path:
    folder = shapes_folder()
    if folder is None:
        pytest.skip("no folder with further shapes on this machine")
    return folder


@pytest.fixture
def designed(store: AvniStore) -> AvniStore:
    """The questions and places the fixtures speak of."""
    store.add_user("asha1@demo", "secret")
    for name, kind in {
        "Phone number": "PhoneNumber",
        "Time of interview": "Time",
        "Age at marriage": "Duration",
        "Health ID card photo": "Image",
        "Birth place": "Location",
        "Guardian": "Subject",
        "Family members": "QuestionGroup",
        "Member name": "Text",
        "House details": "QuestionGroup",
        "Temperature": "Numeric",
    }.items():
        store.add_concept(name, kind)
    store.add_concept("House walls", "Coded", uuid=HOUSE_WALLS)
    store.add_concept("House rooms", "Numeric", uuid=HOUSE_ROOMS)
    for name, answers in {
        "Medical problems": ["Asthma", "Diabetes"],
        "Relation": ["Son", "Daughter"],
        "Known conditions": ["Asthma"],
        "Symptoms": ["Fever", "Cough"],
        "Cancel reason": ["Person absent"],
    }.items():
        store.add_concept(name, "Coded", answers=answers)
    place = None
    for title, kind, key in (
        ("Bihar", "State", "10"),
        ("Muzaffarpur", "District", "208"),
        ("Kurhani", "Block", "1213"),
        ("Rampur", "Village", None),
    ):
        named = {"uuid": "77aa88bb-1111-4222-8333-444455556666"} if kind == "Village" else {}
        place = store.add_location(title, kind, place, external_id=key, **named)
    return store


@pytest.fixture
def asha(designed: AvniStore) -> SubjectRow:
    """The subject of the fixtures, brought into the store."""
    told = fixture("subject-get-v1")
    names = {"First name", "Last name", "Date of birth", "Gender"}
    observations = {name: value for name, value in told["observations"].items() if name not in names}
    village = told["Location ID"]
    row = designed.put_subject(
        subject_type="Individual",
        uuid=ASHA,
        first_name=told["observations"]["First name"],
        last_name=told["observations"]["Last name"],
        date_of_birth=told["observations"]["Date of birth"],
        gender=told["observations"]["Gender"],
        registration_date=told["Registration date"],
        point=told["Registration Coordinates"],
        location=village,
        relatives=told["relatives"],
        observations=observations | {"House details": {}, "Birth place": village},
        by="asha1@demo",
        at=parse_ms(told["audit"]["Created at"]),
    )
    house = designed.organisation().concept_named("House details")
    assert house is not None
    stored = row.observations | {house.uuid: told["observations"]["House details"]}
    at = parse_ms(told["audit"]["Last modified at"])
    for enrolment in told["enrolments"]:
        designed.put_enrolment(program="Pregnancy", subject=ASHA, uuid=enrolment)
    for group in told["Groups"]:
        designed.put_subject(subject_type="Household", first_name="Devi household", uuid=group)
        designed.put_membership(group=group, member=ASHA)
    edited = designed.edit_subject(ASHA, at=at, by="asha1@demo")
    return designed.save(SubjectRow(**(vars(edited) | {"observations": stored})))


def planted(store: AvniStore, told: dict[str, Any]) -> EncounterRow:
    """An encounter of the fixtures, brought into the store."""
    made, changed = (parse_ms(told["audit"][key]) for key in ("Created at", "Last modified at"))
    times: dict[str, Any] = {
        field: parse_ms(told[name]) if told[name] else None
        for name, field in {
            "Encounter date time": "encounter_ms",
            "Earliest scheduled date": "earliest_ms",
            "Max scheduled date": "max_ms",
            "Cancel date time": "cancel_ms",
        }.items()
    }
    row = store.put_encounter(
        encounter_type=told["Encounter type"],
        subject=told["Subject ID"],
        uuid=told["ID"],
        observations=told["observations"],
        cancel_observations=told["cancelObservations"],
        point=told.get("Encounter Coordinates"),
        by="asha1@demo",
        at=made,
        **times,
    )
    return store.edit_encounter(row.uuid, at=changed, by="asha1@demo")


@pytest.fixture
def visits(designed: AvniStore, asha: SubjectRow) -> None:
    for kind in ("completed", "scheduled", "cancelled"):
        planted(designed, fixture(f"encounter-{kind}"))


@pytest.mark.parametrize("version", [1, 2])
def test_a_subject_reads_like_the_fixture_to_the_last_value(avni: Caller, visits: None, version: int) -> None:
    assert_same(avni.get(f"/api/subject/{ASHA}", version=version), fixture(f"subject-get-v{version}"))


@pytest.mark.parametrize("kind", ["completed", "scheduled", "cancelled"])
def test_an_encounter_reads_like_the_fixture_to_the_last_value(avni: Caller, visits: None, kind: str) -> None:
    told = fixture(f"encounter-{kind}")
    assert_same(avni.get(f"/api/encounter/{told['ID']}"), told)


def test_a_list_of_encounters_reads_like_the_fixture(avni: Caller, visits: None) -> None:
    read, told = avni.get("/api/encounters", lastModifiedDateTime="1900-01-01T00:00:00Z"), fixture("encounters-list")
    assert list(read) == list(told)
    for row in told["content"]:
        assert_same(next(found for found in read["content"] if found["ID"] == row["ID"]), row)


def test_a_list_of_one_type_reads_like_the_fixture(store: AvniStore, avni: Caller, visits: None) -> None:
    for number in range(12):
        subject(store, f"Ravi {number}", at=parse_ms("2024-06-19T00:00:00Z") - 3600_000 * 14)
    told = fixture("subjects-list-with-subjectType-filter")
    window = {"lastModifiedDateTime": "2024-06-18T09:45:02.016Z", "size": 1}
    assert_same(avni.get("/api/subjects", subjectType="Individual", **window), told)


def test_an_empty_list_reads_like_the_fixture(avni: Caller) -> None:
    assert_same(avni.get("/api/subjects"), fixture("subjects-list-empty"))


def test_the_fixtures_requests_are_accepted(avni: Caller, asha: SubjectRow) -> None:
    avni.send("POST", "/api/subject", fixture("subject-post-request-v1"))
    avni.send("POST", "/api/subject", fixture("subject-post-request-v3"), version=3)
    avni.send("POST", "/api/encounter", fixture("encounter-post-request"))
    answer = avni.send("PATCH", f"/api/subject/{ASHA}", fixture("subject-patch-request"))
    assert "Marital status" not in answer["observations"]


def test_what_a_write_answers_is_the_single_read_without_groups(avni: Caller, asha: SubjectRow) -> None:
    written = avni.send("POST", "/api/subject", fixture("subject-post-request-v1"))
    read = avni.get(f"/api/subject/{written['ID']}")
    assert [*written, "Groups"] == list(read)


def test_an_older_server_names_coordinates_otherwise(store: AvniStore, avni: Caller, visits: None) -> None:
    store.settings.coordinate_keys = "old"
    point = fixture("subject-get-v1")["Registration Coordinates"]
    assert avni.get(f"/api/subject/{ASHA}")["Registration location"] == point
    completed = fixture("encounter-completed")["ID"]
    assert "Encounter location" in avni.get(f"/api/encounter/{completed}")


def test_new_keys_are_silently_ignored_by_an_older_server(store: AvniStore, avni: Caller) -> None:
    store.settings.coordinate_keys = "old"
    body = subject_body(**{"Registration Coordinates": {"x": 1.5, "y": 2.5}})
    assert "Registration location" not in avni.send("POST", "/api/subject", body)


def test_absent_things_are_absent_or_null_each_in_its_way(store: AvniStore, avni: Caller) -> None:
    made = subject(store, registration_date=None).uuid
    read = avni.get(f"/api/subject/{made}")
    absent = {"Registration Coordinates", "Subject location", "Location ID", "relatives", "catchments"}
    assert not absent & read.keys()
    assert (read["External ID"], read["Registration date"], read["location"]) == (None, None, {})
    assert "Last name" not in read["observations"]


def test_catchments_are_told_only_when_asked_for(store: AvniStore, avni: Caller) -> None:
    subject(store, catchments=["North"])
    [plain], [asked] = (avni.get("/api/subjects", includeCatchments=ask)["content"] for ask in (None, "true"))
    assert ("catchments" in plain, asked["catchments"]) == (False, ["North"])


def test_our_copies_have_the_shapes_of_those_found_elsewhere(shapes: Path) -> None:
    own = Path(__file__).parents[2] / "fixtures" / "avni"
    for copy in own.glob("*.json"):
        original = shapes / "authored" / copy.name
        if not original.exists():  # a list of documents whose kinds stand there one by one
            continue
        found = json.loads(original.read_text(encoding="utf-8"))
        assert kinds(json.loads(copy.read_text(encoding="utf-8"))) == kinds(found), copy.name


def test_a_published_question_group_request_is_accepted(store: AvniStore, avni: Caller, shapes: Path) -> None:
    given = json.loads((shapes / "docs-samples" / "issue-453-encounter-post-question-group.json").read_text("utf-8"))
    subject(store, uuid=given["Subject ID"])
    store.add_encounter_type(given["Encounter type"])
    for name, kind in (("Order ID", "Text"), ("Item", "QuestionGroup"), ("Name", "Text"), ("Quantity", "Numeric")):
        store.add_concept(name, kind)
    answer = avni.send("POST", "/api/encounter", given)
    assert answer["observations"] == given["observations"]
    assert answer["Encounter date time"] == "2022-04-04T00:00:00.000Z"


def test_a_place_has_the_published_shape(store: AvniStore, avni: Caller, shapes: Path) -> None:
    told = json.loads((shapes / "docs-samples" / "issue-489-subject-location-fragment.json").read_text("utf-8"))
    levels = [name for name in told["location"] if not name.endswith(" External ID")]
    place = None
    for level in reversed(levels):
        key = told["location"][f"{level} External ID"]
        place = store.add_location(told["location"][level], level, place, external_id=key)
    assert place is not None
    made = subject(store, location=place.uuid).uuid
    assert_same(avni.get(f"/api/subject/{made}")["location"], told["location"])
