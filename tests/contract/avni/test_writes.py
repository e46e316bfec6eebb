"""POST, PUT, PATCH and DELETE (avni.md A13 to A19)."""

from __future__ import annotations

import pytest

from simulators.avni import AvniStore
from tests.contract.avni.support import (
    Caller,
    Clock,
    encounter_body,
    enrolment,
    program_encounter,
    subject,
    subject_body,
)


@pytest.fixture
def owner(store: AvniStore) -> str:
    return subject(store, at=0).uuid


def test_a_new_encounter_is_answered_with_200_and_its_id(store: AvniStore, avni: Caller, owner: str) -> None:
    made = avni.send("POST", "/api/encounter", encounter_body(owner, **{"External ID": "e-1"}))
    assert store.encounters[made["ID"]].external_id == "e-1"


def test_no_caller_chooses_the_uuid(avni: Caller, owner: str) -> None:
    chosen = "11111111-1111-4111-8111-111111111111"
    assert avni.send("POST", "/api/encounter", encounter_body(owner, ID=chosen))["ID"] != chosen


def test_a_post_with_a_known_external_id_replaces_everything(store: AvniStore, avni: Caller, owner: str) -> None:
    body = encounter_body(owner, observations={"Height": 150, "Visit notes": "old"}, **{"External ID": "e-1"})
    first = avni.send("POST", "/api/encounter", body)
    second = avni.send("POST", "/api/encounter", body | {"observations": {"Visit notes": "new"}})
    assert (second["ID"], second["observations"]) == (first["ID"], {"Visit notes": "new"})
    assert len(store.encounters) == 1


def test_a_post_without_external_id_always_makes_a_new_row(store: AvniStore, avni: Caller, owner: str) -> None:
    for _ in range(2):
        avni.send("POST", "/api/encounter", encounter_body(owner))
    assert len(store.encounters) == 2


def test_external_ids_are_trimmed_and_keep_their_case(avni: Caller, owner: str) -> None:
    first = avni.send("POST", "/api/encounter", encounter_body(owner, **{"External ID": " e-1 "}))
    other = avni.send("POST", "/api/encounter", encounter_body(owner, **{"External ID": "E-1"}))
    assert (first["External ID"], other["ID"] != first["ID"]) == ("e-1", True)


def test_an_external_id_cannot_be_cleared(avni: Caller, owner: str) -> None:
    made = avni.send("POST", "/api/encounter", encounter_body(owner, **{"External ID": "e-1"}))
    changed = avni.send("PUT", f"/api/encounter/{made['ID']}", encounter_body(owner, **{"External ID": ""}))
    assert changed["External ID"] == "e-1"


def test_two_subject_types_share_one_space_of_external_ids(store: AvniStore, avni: Caller) -> None:
    person = avni.send("POST", "/api/subject", subject_body(**{"External ID": "1"}))
    house = subject_body(**{"External ID": "1", "Subject type": "Household", "First name": "House"})
    assert avni.send("POST", "/api/subject", house)["ID"] == person["ID"]
    assert store.subjects[person["ID"]].kind == "Household"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_write_without_voided_unvoids(store: AvniStore, avni: Caller, owner: str, method: str) -> None:
    body = encounter_body(owner, **{"External ID": "e-1"})
    made = avni.send("POST", "/api/encounter", body | {"Voided": True})
    assert made["Voided"] is True
    path = "/api/encounter" if method == "POST" else f"/api/encounter/{made['ID']}"
    assert avni.send(method, path, body)["Voided"] is False


def test_a_voided_row_stays_voided_when_the_write_says_so(avni: Caller, owner: str) -> None:
    body = encounter_body(owner, Voided=True, **{"External ID": "e-1"})
    avni.send("POST", "/api/encounter", body)
    assert avni.send("POST", "/api/encounter", body)["Voided"] is True


def test_delete_voids_and_touches_no_child(store: AvniStore, avni: Caller, owner: str) -> None:
    child = store.put_encounter(encounter_type="Home visit", subject=owner).uuid
    assert avni.send("DELETE", f"/api/subject/{owner}")["Voided"] is True
    assert store.encounters[child].voided is False
    assert avni.get(f"/api/subject/{owner}")["Voided"] is True


def test_deleting_twice_is_no_mistake(store: AvniStore, avni: Caller, owner: str) -> None:
    avni.send("DELETE", f"/api/subject/{owner}")
    stamp = store.subjects[owner].modified_ms
    avni.send("DELETE", f"/api/subject/{owner}")
    assert store.subjects[owner].modified_ms == stamp


def test_a_voided_subjects_encounters_are_still_in_its_list(store: AvniStore, avni: Caller, owner: str) -> None:
    child = store.put_encounter(encounter_type="Home visit", subject=owner).uuid
    store.void_encounter(child)
    assert avni.get(f"/api/subject/{owner}")["encounters"] == [child]


def test_encounters_are_found_by_uuid_or_external_id_for_every_verb(avni: Caller, owner: str) -> None:
    body = encounter_body(owner, **{"External ID": "e-1"})
    made = avni.send("POST", "/api/encounter", body)["ID"]
    for key in (made, "e-1"):
        assert avni.get(f"/api/encounter/{key}")["ID"] == made
        assert avni.send("PUT", f"/api/encounter/{key}", body)["ID"] == made
        assert avni.send("PATCH", f"/api/encounter/{key}", {})["ID"] == made
        assert avni.send("DELETE", f"/api/encounter/{key}")["ID"] == made


def test_a_put_finds_subjects_by_uuid_or_by_the_external_id_in_its_body(avni: Caller) -> None:
    body = subject_body(**{"External ID": "s-1"})
    made = avni.send("POST", "/api/subject", body)["ID"]
    without = subject_body()
    assert avni.call("PUT", "/api/subject/s-1", without).status_code == 500
    assert avni.send("PUT", "/api/subject/nowhere", body)["ID"] == made
    assert avni.send("PUT", f"/api/subject/{made}", without)["ID"] == made


def test_a_put_leaves_nothing_it_was_not_given(store: AvniStore, avni: Caller) -> None:
    made = subject(store, last_name="Devi", date_of_birth="1994-08-29", observations={"Height": 150}).uuid
    avni.send("PUT", f"/api/subject/{made}", subject_body())
    row = store.subjects[made]
    assert (row.last_name, row.date_of_birth, row.observations) == (None, None, {})


def test_a_put_may_move_a_post_must_name_the_subject(store: AvniStore, avni: Caller, owner: str) -> None:
    other = subject(store, "Ravi", external_id="s-2").uuid
    body = encounter_body(owner, **{"External ID": "e-1"})
    made = avni.send("POST", "/api/encounter", body)["ID"]
    assert avni.send("PUT", f"/api/encounter/{made}", body | {"Subject ID": other})["Subject ID"] == owner
    assert avni.send("POST", "/api/encounter", body | {"Subject ID": "s-2"})["Subject ID"] == other
    assert store.encounters_of(owner) == []


def test_an_external_id_just_being_committed_is_a_conflict_then_an_update(
    store: AvniStore, avni: Caller, clock: Clock, owner: str
) -> None:
    winner = store.put_encounter(encounter_type="Home visit", subject=owner, external_id="e-1", commit_after=2).uuid
    body = encounter_body(owner, **{"External ID": "e-1"})
    assert avni.call("POST", "/api/encounter", body).status_code == 409
    clock.advance(2)
    assert avni.send("POST", "/api/encounter", body)["ID"] == winner


def test_a_put_cannot_take_anothers_external_id(avni: Caller, owner: str) -> None:
    avni.send("POST", "/api/encounter", encounter_body(owner, **{"External ID": "e-1"}))
    other = avni.send("POST", "/api/encounter", encounter_body(owner, **{"External ID": "e-2"}))["ID"]
    taken = encounter_body(owner, **{"External ID": "e-1"})
    assert avni.call("PUT", f"/api/encounter/{other}", taken).status_code == 409


def test_an_external_id_that_is_anothers_uuid_makes_reading_fail(store: AvniStore, avni: Caller, owner: str) -> None:
    subject(store, "Ravi", external_id=owner)
    assert avni.call("GET", f"/api/subject/{owner}").status_code == 500


def test_a_write_stamps_the_row_with_time_and_user(store: AvniStore, avni: Caller, clock: Clock, owner: str) -> None:
    clock.advance(60)
    avni.send("PUT", f"/api/subject/{owner}", subject_body(**{"First name": "Usha"}))
    row = store.subjects[owner]
    assert (row.modified_ms, row.modified_by) == (store.now_ms(), "integration@demo")


def test_a_put_answers_with_the_former_last_modification(avni: Caller, clock: Clock, owner: str) -> None:
    before = avni.get(f"/api/subject/{owner}")["audit"]
    clock.advance(60)
    answer = avni.send("PUT", f"/api/subject/{owner}", subject_body(**{"First name": "Usha"}))
    assert answer["audit"] == before
    assert avni.get(f"/api/subject/{owner}")["audit"] != before


def test_a_put_that_changes_nothing_leaves_no_trace(store: AvniStore, avni: Caller, clock: Clock, owner: str) -> None:
    avni.send("PUT", f"/api/subject/{owner}", subject_body())
    before = store.subjects[owner]
    clock.advance(60)
    avni.send("PUT", f"/api/subject/{owner}", subject_body())
    assert store.subjects[owner] == before


def test_a_refused_change_may_have_been_kept_all_the_same(store: AvniStore, avni: Caller, owner: str) -> None:
    made = avni.send("POST", "/api/encounter", encounter_body(owner))["ID"]
    timeless = encounter_body(owner, observations={"Visit notes": "kept"}) | {"Encounter date time": None}
    assert avni.call("PUT", f"/api/encounter/{made}", timeless).status_code == 400
    assert avni.get(f"/api/encounter/{made}")["observations"] == {"Visit notes": "kept"}


class TestPatch:
    def test_only_the_given_keys_change_and_null_removes(self, store: AvniStore, avni: Caller) -> None:
        made = subject(store, last_name="Devi", observations={"Height": 150, "Visit notes": "old"}).uuid
        patch = {"observations": {"Height": 151, "Visit notes": None}}
        observations = avni.send("PATCH", f"/api/subject/{made}", patch)["observations"]
        assert observations == {"First name": "Asha", "Last name": "Devi", "Gender": "Female", "Height": 151}

    def test_coordinates_are_written_with_capitals_and_read_with_small_letters(self, avni: Caller, owner: str) -> None:
        patch = {"Registration Coordinates": {"X": 26.5, "Y": 85.25}}
        answer = avni.send("PATCH", f"/api/subject/{owner}", patch)
        assert answer["Registration Coordinates"] == {"x": 26.5, "y": 85.25}

    @pytest.mark.parametrize(
        "patch",
        [
            {"Registration Coordinates": {"X": 26, "Y": 85}},
            {"Registration Coordinates": {"x": 26.5, "y": 85.5}},
            {"Date of birth": None},
            {"Voided": None},
            {"First name": 7},
            {"Address": "Nowhere"},
        ],
    )
    def test_what_the_server_cannot_digest_is_a_500(self, avni: Caller, owner: str, patch: dict[str, object]) -> None:
        assert avni.call("PATCH", f"/api/subject/{owner}", patch).status_code == 500

    def test_an_encounter_is_patched_likewise(self, avni: Caller, owner: str) -> None:
        made = avni.send("POST", "/api/encounter", encounter_body(owner, observations={"Height": 1}))["ID"]
        patch = {"Voided": True, "observations": {"Visit notes": "n"}, "Cancel date time": "2024-04-03T00:00:00Z"}
        answer = avni.send("PATCH", f"/api/encounter/{made}", patch)
        assert (answer["Voided"], answer["observations"]) == (True, {"Height": 1, "Visit notes": "n"})
        assert answer["Cancel date time"] == "2024-04-03T00:00:00.000Z"


class TestAddress:
    @pytest.fixture(autouse=True)
    def places(self, store: AvniStore) -> None:
        state = store.add_location("Bihar", "State")
        for name in ("Rampur", "Sitapur"):
            store.add_location(name, "Village", state)

    def body(self, address: str) -> dict[str, object]:
        return subject_body(Address=address, **{"External ID": "s-1"})

    def test_an_address_is_the_titles_from_the_top_in_any_case(self, avni: Caller) -> None:
        made = avni.send("POST", "/api/subject", self.body("bihar, RAMPUR"))
        assert made["location"]["Village"] == "Rampur"

    def test_version_three_wants_every_level_by_name(self, avni: Caller) -> None:
        whole = subject_body(**{"Address map": {"State": "Bihar", "Village": "Rampur"}})
        assert avni.send("POST", "/api/subject", whole, version=3)["location"]["Village"] == "Rampur"
        assert avni.call("POST", "/api/subject", self.body("Bihar, Rampur"), version=3).status_code == 500

    def test_an_unknown_address_vanishes_where_a_type_may_do_without(self, avni: Caller) -> None:
        assert avni.send("POST", "/api/subject", self.body("Nowhere"))["location"] == {}

    def test_an_unknown_address_is_a_500_where_a_type_needs_one(self, store: AvniStore, avni: Caller) -> None:
        store.organisation().subject_types["Individual"].allow_empty_location = False
        assert avni.call("POST", "/api/subject", self.body("Nowhere")).status_code == 500

    def test_a_subject_that_moves_brings_its_encounters_back(
        self, store: AvniStore, avni: Caller, clock: Clock
    ) -> None:
        owner = avni.send("POST", "/api/subject", self.body("Bihar, Rampur"))["ID"]
        child = avni.send("POST", "/api/encounter", encounter_body(owner))["ID"]
        clock.advance(60)
        avni.send("PUT", f"/api/subject/{owner}", self.body("Bihar, Sitapur"))
        assert store.encounters[child].modified_ms == store.now_ms()

    def family(self, store: AvniStore, owner: str) -> list[str]:
        """One record of each sort that belongs to the subject."""
        enrolled = enrolment(store, owner).uuid
        group = store.put_subject(subject_type="Household", first_name="House").uuid
        return [
            enrolled,
            program_encounter(store, enrolled).uuid,
            store.put_membership(group=group, member=owner).uuid,
            store.put_membership(group=owner, member=group).uuid,
            store.put_approval(entity=owner).uuid,
            store.put_approval(entity=enrolled).uuid,
        ]

    def stamps(self, store: AvniStore) -> dict[str, int]:
        rows = (store.enrolment_table, store.program_encounter_table, store.membership_table, store.approval_table)
        return {uuid: row.modified_ms for table in rows for uuid, row in table.rows.items()}

    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_a_subject_that_moves_brings_all_its_records_back(
        self, store: AvniStore, avni: Caller, clock: Clock, method: str
    ) -> None:
        owner = avni.send("POST", "/api/subject", self.body("Bihar, Rampur"))["ID"]
        family = self.family(store, owner)
        others = set(self.family(store, subject(store, "Ravi").uuid))
        clock.advance(60)
        path = "/api/subject" if method == "POST" else f"/api/subject/{owner}"
        avni.send(method, path, self.body("Bihar, Sitapur"))
        moved = {uuid for uuid, stamp in self.stamps(store).items() if stamp == store.now_ms()}
        assert (moved, moved & others) == (set(family), set())

    def test_a_subject_that_stays_brings_nothing_back(self, store: AvniStore, avni: Caller, clock: Clock) -> None:
        owner = avni.send("POST", "/api/subject", self.body("Bihar, Rampur"))["ID"]
        self.family(store, owner)
        before = self.stamps(store)
        clock.advance(60)
        avni.send("PUT", f"/api/subject/{owner}", self.body("Bihar, Rampur") | {"Last name": "Devi"})
        assert self.stamps(store) == before

    def test_a_patch_moves_the_subject_alone(self, store: AvniStore, avni: Caller, clock: Clock) -> None:
        owner = avni.send("POST", "/api/subject", self.body("Bihar, Rampur"))["ID"]
        child = avni.send("POST", "/api/encounter", encounter_body(owner))["ID"]
        self.family(store, owner)
        before = self.stamps(store)
        clock.advance(60)
        avni.send("PATCH", f"/api/subject/{owner}", {"Address": "Bihar, Sitapur"})
        assert store.encounters[child].modified_ms < store.now_ms()
        assert self.stamps(store) == before

    def test_a_first_address_given_later_is_a_500(self, avni: Caller) -> None:
        owner = avni.send("POST", "/api/subject", self.body("Nowhere"))["ID"]
        assert avni.call("PUT", f"/api/subject/{owner}", self.body("Bihar, Rampur")).status_code == 500
