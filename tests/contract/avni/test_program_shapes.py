"""Documents of programs, groups, places and approvals against fixtures of the same kind, to the last value."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.avni import AvniStore
from simulators.avni.times import parse_ms
from tests.contract.avni.shapes import assert_same
from tests.contract.avni.support import EPOCH, Caller, enrolment, fixture, program_encounter, subject

ASHA = "3f1c9b0a-6a0e-4f53-9e0b-7b0b1f4f1a01"


@pytest.fixture(autouse=True)
def designed(store: AvniStore) -> None:
    """The questions the fixtures speak of."""
    store.add_user("asha1@demo", "secret")
    for name, kind in {
        "Last menstrual period": "Date",
        "Gravida": "Numeric",
        "Birth weight": "Numeric",
        "Weight": "Numeric",
        "BP systolic": "Numeric",
    }.items():
        store.add_concept(name, kind)
    for name, answer in {
        "Exit reason": "Moved away",
        "High risk conditions": "None",
        "Cancel reason": "Person absent",
    }.items():
        store.add_concept(name, "Coded", answers=[answer])


@pytest.fixture
def asha(store: AvniStore) -> str:
    return subject(store, uuid=ASHA, at=0).uuid


def at(told: dict[str, Any], *names: str) -> dict[str, int | None]:
    """Times of a document in ms."""
    return {name: parse_ms(told[name]) if told[name] else None for name in names}


def audited(store: AvniStore, uuid: str, told: dict[str, Any]) -> None:
    store.edit(uuid, at=told["audit"]["Last modified at"], by="asha1@demo")


def plant_enrolment(store: AvniStore, told: dict[str, Any]) -> None:
    """An enrolment of the fixtures, brought into the store."""
    times = at(told, "Enrolment datetime", "Exit datetime")
    store.put_enrolment(
        program=told["Program"],
        subject=told["Subject ID"],
        uuid=told["ID"],
        external_id=told["External ID"],
        observations=told["observations"],
        exit_observations=told["exitObservations"],
        point=told.get("Enrolment Coordinates"),
        exit_point=told.get("Exit location"),
        enrolment_ms=times["Enrolment datetime"],
        exit_ms=times["Exit datetime"],
        at=told["audit"]["Created at"],
        by="asha1@demo",
    )
    audited(store, told["ID"], told)


def plant_visit(store: AvniStore, told: dict[str, Any]) -> None:
    """A program encounter of the fixtures, brought into the store."""
    names = ("Encounter date time", "Earliest scheduled date", "Max scheduled date", "Cancel date time")
    times = at(told, *names)
    store.put_program_encounter(
        encounter_type=told["Encounter type"],
        enrolment=told["Enrolment ID"],
        uuid=told["ID"],
        external_id=told["External ID"],
        voided=told["Voided"],
        observations=told["observations"],
        cancel_observations=told["cancelObservations"],
        point=told.get("Encounter Coordinates"),
        cancel_point=told.get("Cancel location"),
        **dict(zip(("encounter_ms", "earliest_ms", "max_ms", "cancel_ms"), times.values(), strict=True)),
        at=told["audit"]["Created at"],
        by="asha1@demo",
    )
    audited(store, told["ID"], told)


@pytest.fixture
def enrolments(store: AvniStore, asha: str) -> dict[str, Any]:
    told: dict[str, Any] = fixture("programEnrolments-list")
    for row in told["content"]:
        plant_enrolment(store, row)
    return told


@pytest.fixture
def visits(store: AvniStore, enrolments: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = fixture("programEncounters-list")
    for row in told["content"]:
        plant_visit(store, row)
    return told


def test_an_enrolment_reads_like_the_fixture(store: AvniStore, avni: Caller, enrolments: dict[str, Any]) -> None:
    told = fixture("programEnrolment-get")
    plant_visit(store, fixture("programEncounter-get"))
    assert_same(avni.get(f"/api/programEnrolment/{told['ID']}"), told)


def test_a_list_of_enrolments_reads_like_the_fixture(
    store: AvniStore, avni: Caller, enrolments: dict[str, Any]
) -> None:
    plant_visit(store, fixture("programEncounter-get"))
    assert_same(avni.get("/api/programEnrolments", lastModifiedDateTime=EPOCH), enrolments)


def test_a_program_encounter_reads_like_the_fixture(avni: Caller, visits: dict[str, Any]) -> None:
    told = fixture("programEncounter-get")
    assert_same(avni.get(f"/api/programEncounter/{told['ID']}"), told)


def test_a_list_of_program_encounters_reads_like_the_fixture(avni: Caller, visits: dict[str, Any]) -> None:
    assert_same(avni.get("/api/programEncounters", lastModifiedDateTime=EPOCH), visits)


def test_an_enrolment_may_be_read_and_written_back(store: AvniStore, avni: Caller, enrolments: dict[str, Any]) -> None:
    plant_visit(store, fixture("programEncounter-get"))
    for told in enrolments["content"]:
        avni.send("PUT", f"/api/programEnrolment/{told['ID']}", told)
        assert_same(avni.get(f"/api/programEnrolment/{told['ID']}"), told)


def test_a_program_encounter_may_be_read_and_written_back(avni: Caller, visits: dict[str, Any]) -> None:
    for told in visits["content"]:
        avni.send("PUT", f"/api/programEncounter/{told['ID']}", told)
        assert_same(avni.get(f"/api/programEncounter/{told['ID']}"), told)


def test_the_fixtures_requests_are_accepted(store: AvniStore, avni: Caller, enrolments: dict[str, Any]) -> None:
    store.edit(ASHA, external_id="BAH-279731")
    made = avni.send("POST", "/api/programEnrolment", fixture("programEnrolment-post-request"))
    assert (made["Subject ID"], made["External ID"]) == (ASHA, "BAH-279731::preg")
    visit = avni.send("POST", "/api/programEncounter", fixture("programEncounter-post-request"))
    assert visit["observations"] == {"Weight": 54}


def test_absent_things_are_absent_or_null_each_in_its_way(store: AvniStore, avni: Caller, asha: str) -> None:
    enrolled = enrolment(store, asha).uuid
    read = avni.get(f"/api/programEnrolment/{enrolled}")
    assert not {"Enrolment Coordinates", "Exit location"} & read.keys()
    assert (read["External ID"], read["Subject external ID"], read["Exit datetime"]) == (None, None, None)
    assert (read["observations"], read["exitObservations"], read["encounters"]) == ({}, {}, [])
    visit = avni.get(f"/api/programEncounter/{program_encounter(store, enrolled, encounter_ms=None).uuid}")
    assert not {"Encounter Coordinates", "Cancel location"} & visit.keys()
    nulls = {name for name, value in visit.items() if value is None}
    assert nulls == {
        "Subject external ID", "Enrolment external ID", "External ID", "Encounter date time",
        "Earliest scheduled date", "Max scheduled date", "Cancel date time",
    }  # fmt: skip


def test_an_older_server_names_coordinates_otherwise(store: AvniStore, avni: Caller, asha: str) -> None:
    store.settings.coordinate_keys = "old"
    point = {"x": 1.5, "y": 2.5}
    enrolled = enrolment(store, asha, point=point, exit_point=point).uuid
    read = avni.get(f"/api/programEnrolment/{enrolled}")
    assert (read["Enrolment location"], read["Exit location"]) == (point, point)
    assert "Enrolment Coordinates" not in read


def test_a_place_reads_like_the_fixture(store: AvniStore, avni: Caller) -> None:
    told = fixture("location-get")
    chain = [told, told["Parent"], told["Parent"]["Parent"]]
    place = None
    for one in reversed(chain):
        place = store.add_location(
            one["Title"],
            one["Type"],
            place,
            uuid=one["ID"],
            external_id=one["External ID"],
            level=one["Level"],
            at=one["audit"]["Last modified at"],
        )
    assert_same(avni.get(f"/api/location/{told['ID']}"), told)


def test_a_place_may_have_coordinates_and_properties(store: AvniStore, avni: Caller) -> None:
    place = store.add_location("Rampur", "Village", point={"x": 1.5, "y": 2.5})
    store.edit(place.uuid, observations={"Visit notes": "beyond the river"})
    read = avni.get(f"/api/location/{place.uuid}")
    assert read["GPS Coordinates"] == {"x": 1.5, "y": 2.5}
    assert read["customProperties"] == {"Visit notes": "beyond the river"}
    assert list(read).index("GPS Coordinates") == list(read).index("customProperties") - 1


def test_a_list_of_memberships_reads_like_the_fixture(store: AvniStore, avni: Caller) -> None:
    told = fixture("groupSubjects-list")
    [row] = told["content"]
    place = None
    location = row["Group subject"]["location"]
    for level in ("State", "District", "Block", "Village"):
        named = {"uuid": row["Group subject"]["Location ID"]} if level == "Village" else {}
        place = store.add_location(
            location[level], level, place, external_id=location[f"{level} External ID"], at=0, **named
        )
    for one in (row["Group subject"], row["Member subject"]):
        store.put_subject(
            subject_type=one["Subject type"],
            uuid=one["ID"],
            first_name=one["observations"]["First name"],
            registration_date=one["Registration date"],
            location=one["Location ID"],
            at=one["audit"]["Last modified at"],
            by="asha1@demo",
        )
    store.put_membership(
        group=row["Group subject"]["ID"],
        member=row["Member subject"]["ID"],
        role=row["Role"],
        start_ms=parse_ms(row["Membership start date"]),
        at=row["audit"]["Last modified at"],
        by="asha1@demo",
    )
    assert_same(avni.get("/api/groupSubjects", lastModifiedDateTime=EPOCH), told)


def test_a_list_of_approvals_reads_like_the_fixture(store: AvniStore, avni: Caller, asha: str) -> None:
    told = fixture("approvalStatuses-list")
    [row] = told["content"]
    store.add_subject_type("Individual", uuid=row["Entity type ID"])
    store.put_approval(
        entity=asha,
        status=row["Approval status"],
        status_ms=parse_ms(row["Status date time"]),
        at=row["audit"]["Last modified at"],
        by="asha1@demo",
    )
    assert_same(avni.get("/api/approvalStatuses"), told)
