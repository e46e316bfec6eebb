"""What goes wrong with rows, tokens and privileges, for every list alike (avni.md A6, A7, A9, A29, A34, A40, A46)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from simulators.avni import AvniApp, AvniStore
from simulators.avni.times import iso
from simulators.control import DO, DUMP, Inspectable
from simulators.server import Faults, Server
from tests.contract.avni.support import (
    NOON,
    Caller,
    Clock,
    enrolment,
    ms,
    program_encounter,
    sign_in,
    subject,
)

HOUR_AGO = ms(NOON - timedelta(hours=1))
SINCE = {"lastModifiedDateTime": iso(HOUR_AGO - 1)}


@dataclass
class Sort:
    """One sort of record: its list, its single read, and how a row gets into the store."""

    store: AvniStore
    name: str
    owner: str
    enrolled: str

    @property
    def list(self) -> str:
        return f"/api/{self.name}s"

    def one(self, uuid: str) -> str:
        return f"/api/{self.name}/{uuid}"

    @property
    def type(self) -> str:
        return {
            "subject": "Individual",
            "encounter": "Home visit",
            "programEnrolment": "Pregnancy",
            "programEncounter": "ANC Visit",
        }[self.name]

    @property
    def filter(self) -> str:
        return {"subject": "subjectType", "programEnrolment": "program"}.get(self.name, "encounterType")

    def put(self, **more: Any) -> str:
        fields = {"at": HOUR_AGO} | more
        if self.name == "subject":
            return subject(self.store, **fields).uuid
        if self.name == "encounter":
            kind = {"encounter_type": "Home visit", "subject": self.owner}
            return self.store.put_encounter(**(kind | fields)).uuid
        if self.name == "programEnrolment":
            return enrolment(self.store, self.owner, **fields).uuid
        return program_encounter(self.store, self.enrolled, **fields).uuid


@pytest.fixture(params=["subject", "encounter", "programEnrolment", "programEncounter"])
def sort(request: pytest.FixtureRequest, store: AvniStore) -> Sort:
    owner = subject(store, at=0).uuid
    return Sort(store, request.param, owner, enrolment(store, owner, at=0).uuid)


def statuses(avni: Caller, sort: Sort, pages: int) -> list[int]:
    return [avni.call("GET", sort.list, page=page, size=1, **SINCE).status_code for page in range(pages)]


# --- rows ---------------------------------------------------------------------------------------


def test_a_poisoned_row_fails_its_page_and_its_single_read_until_it_is_healed(
    store: AvniStore, avni: Caller, sort: Sort
) -> None:
    made = [sort.put(at=HOUR_AGO + number) for number in range(3)]
    store.poison(made[1])
    assert statuses(avni, sort, 3) == [200, 500, 200]
    assert avni.call("GET", sort.list, **SINCE).status_code == 500
    assert avni.call("GET", sort.one(made[1])).status_code == 500
    store.unpoison(made[1])
    assert avni.ids(sort.list, **SINCE) == made
    assert avni.get(sort.one(made[1]))["ID"] == made[1]


def test_healing_a_row_leaves_its_stamp_and_its_other_observations(store: AvniStore, avni: Caller, sort: Sort) -> None:
    made = sort.put(observations={"Height": 150})
    before = avni.get(sort.one(made))
    store.poison(made)
    store.unpoison(made)
    assert avni.get(sort.one(made)) == before


def test_a_poisoned_subject_fails_the_pages_of_its_memberships(store: AvniStore, avni: Caller) -> None:
    house = store.put_subject(subject_type="Household", first_name="House", at=0).uuid
    members = [subject(store, at=0).uuid for _ in range(3)]
    for number, member in enumerate(members):
        store.put_membership(group=house, member=member, at=HOUR_AGO + number)
    store.poison(members[1])
    found = [avni.call("GET", "/api/groupSubjects", page=page, size=1, **SINCE).status_code for page in range(3)]
    assert found == [200, 500, 200]


def test_a_poisoned_place_fails_its_page_its_single_read_and_the_places_inside_it(
    store: AvniStore, avni: Caller
) -> None:
    block = store.add_location("Kurhani", "Block", at=HOUR_AGO)
    store.add_location("Sitapur", "Village", at=HOUR_AGO + 1)
    village = store.add_location("Rampur", "Village", block, at=HOUR_AGO + 2)
    store.poison(block.uuid)
    found = [avni.call("GET", "/api/locations", page=page, size=1, **SINCE).status_code for page in range(3)]
    assert found == [500, 200, 500]
    assert avni.call("GET", f"/api/location/{village.uuid}").status_code == 500
    store.unpoison(block.uuid)
    assert avni.call("GET", "/api/locations", **SINCE).status_code == 200


def test_a_bulk_job_spreads_its_stamps_by_microseconds_of_which_only_milliseconds_are_kept(
    store: AvniStore, avni: Caller, sort: Sort
) -> None:
    made = [sort.put(at=1) for _ in range(2000)]
    store.bulk_touch(made, at=HOUR_AGO)
    rows = [avni.get(sort.list, size=1000, page=page, **SINCE)["content"] for page in range(2)]
    stamps = [row["audit"]["Last modified at"] for page in rows for row in page]
    assert sorted(set(stamps)) == [iso(HOUR_AGO + number) for number in range(3)]
    assert max(stamps.count(stamp) for stamp in stamps) == 1000


def test_a_late_commit_appears_with_its_old_stamp(store: AvniStore, avni: Caller, sort: Sort, clock: Clock) -> None:
    late = sort.put(at=None, commit_after=15)
    clock.advance(1)
    early = sort.put(at=None)
    clock.advance(12)
    assert avni.ids(sort.list, **SINCE) == [early]
    clock.advance(5)
    assert avni.ids(sort.list, **SINCE) == [late, early]


def test_until_an_edit_is_committed_the_former_state_is_read(
    store: AvniStore, avni: Caller, sort: Sort, clock: Clock
) -> None:
    made = sort.put()
    store.edit(made, voided=True, commit_after=5)
    assert avni.get(sort.one(made))["Voided"] is False
    clock.advance(5)
    assert avni.get(sort.one(made))["Voided"] is True


def test_a_row_stamped_in_the_future_waits_for_its_time(
    store: AvniStore, avni: Caller, sort: Sort, clock: Clock
) -> None:
    made = sort.put(at=NOON + timedelta(minutes=5))
    assert avni.ids(sort.list, **SINCE) == []
    assert avni.get(sort.one(made))["ID"] == made
    clock.advance(311)
    assert avni.ids(sort.list, **SINCE) == [made]


def test_an_edit_between_two_pages_pushes_a_row_out_of_sight(
    store: AvniStore, server: Server, avni: Caller, sort: Sort
) -> None:
    made = [sort.put(at=HOUR_AGO + number) for number in range(4)]
    server.faults.before("GET", sort.list, lambda: store.edit(made[0], at=HOUR_AGO + 100), skip=1)
    pages = [avni.ids(sort.list, size=2, page=page, **SINCE) for page in range(2)]
    assert pages == [[made[0], made[1]], [made[3], made[0]]]


def test_an_erased_row_is_simply_gone(store: AvniStore, avni: Caller, sort: Sort) -> None:
    made = [sort.put(at=HOUR_AGO + number) for number in range(2)]
    store.erase(made[0])
    assert avni.ids(sort.list, **SINCE) == made[1:]
    assert avni.call("GET", sort.one(made[0])).status_code == 404


def test_a_row_others_belong_to_cannot_be_erased(store: AvniStore) -> None:
    owner = subject(store).uuid
    enrolment(store, owner)
    with pytest.raises(ValueError, match="belong"):
        store.erase(owner)


# --- tokens, bodies -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 500])
def test_tokens_may_end_after_some_requests(
    store: AvniStore, server: Server, avni: Caller, sort: Sort, status: Any
) -> None:
    store.settings.expired_status = status
    made = [sort.put(at=HOUR_AGO + number) for number in range(3)]
    server.faults.before("GET", sort.list, store.expire_tokens, skip=2)
    assert statuses(avni, sort, 3) == [200, 200, status]
    again = sign_in(server.base_url, "integration@demo", "secret")
    assert again.ids(sort.list, page=2, size=1, **SINCE) == [made[2]]


def test_error_bodies_may_be_switched_off(store: AvniStore, avni: Caller, sort: Sort) -> None:
    store.poison(sort.put())
    assert "\n\tat " in avni.call("GET", sort.list, **SINCE).text
    store.adjust(error_body=False)
    answer = avni.call("GET", sort.list, **SINCE)
    assert (answer.status_code, answer.content) == (500, b"")


# --- privileges ---------------------------------------------------------------------------------

PRIVILEGES = {
    "subject": ("ViewSubject", "SubjectType"),
    "encounter": ("ViewVisit", "EncounterType"),
    "programEncounter": ("ViewVisit", "EncounterType"),
    "programEnrolment": ("ViewEnrolmentDetails", "Program"),
}


def uuid_of(store: AvniStore, name: str) -> str:
    design = store.organisation()
    found = (design.subject_types, design.encounter_types, design.programs)
    return next(types[name].uuid for types in found if name in types)


def other(sort: Sort) -> dict[str, str]:
    """The fields that make a row of another type than the usual one."""
    return {
        "subject": {"subject_type": "Household"},
        "encounter": {"encounter_type": "Registration copy"},
        "programEnrolment": {"program": "Child"},
        "programEncounter": {"encounter_type": "PNC Visit"},
    }[sort.name]


def test_a_forbidden_type_fails_every_page_that_holds_it_and_names_the_privilege(
    store: AvniStore, avni: Caller, sort: Sort
) -> None:
    seen, hidden = sort.put(at=HOUR_AGO), sort.put(at=HOUR_AGO + 1, **other(sort))
    [forbidden] = other(sort).values()
    store.forbid("integration@demo", forbidden)
    assert statuses(avni, sort, 2) == [200, 403]
    privilege, kind = PRIVILEGES[sort.name]
    for answer in (
        avni.call("GET", sort.list, **SINCE),
        avni.call("GET", sort.list, **SINCE, **{sort.filter: forbidden}),
        avni.call("GET", sort.one(hidden)),
    ):
        assert answer.status_code == 403
        assert all(word in answer.text for word in (privilege, kind, uuid_of(store, forbidden)))
    assert avni.ids(sort.list, **SINCE, **{sort.filter: sort.type}) == [seen]
    assert avni.get(sort.one(seen))["ID"] == seen
    store.allow("integration@demo", forbidden)
    assert avni.ids(sort.list, **SINCE) == [seen, hidden]


def test_a_membership_is_judged_by_the_type_of_its_group(store: AvniStore, avni: Caller) -> None:
    house = store.put_subject(subject_type="Household", first_name="House", at=0).uuid
    store.put_membership(group=house, member=subject(store, at=0).uuid, at=HOUR_AGO)
    store.forbid("integration@demo", "Individual")
    assert avni.call("GET", "/api/groupSubjects", **SINCE).status_code == 200
    store.forbid("integration@demo", "Household")
    assert avni.call("GET", "/api/groupSubjects", **SINCE).status_code == 403


def test_an_approval_needs_the_privilege_to_approve(store: AvniStore, avni: Caller, sort: Sort) -> None:
    store.put_approval(entity=sort.put(), at=HOUR_AGO)
    store.forbid("integration@demo", sort.type)
    answer = avni.call("GET", "/api/approvalStatuses", **SINCE)
    privilege = {"subject": "ApproveSubject", "programEnrolment": "ApproveEnrolment"}.get(sort.name, "ApproveEncounter")
    assert (answer.status_code, privilege in answer.text) == (403, True)


# --- the same from another process --------------------------------------------------------------


class TestControl:
    """Every trouble above can be ordered over HTTP as well."""

    @pytest.fixture
    def server(self, store: AvniStore) -> Any:
        faults = Faults()
        with Server(Inspectable(AvniApp(store), store.dump, store.moves(), faults), faults=faults) as running:
            yield running
            assert running.failures == []

    def order(self, avni: Caller, move: str, before: dict[str, Any] | None = None, **arguments: Any) -> None:
        answer = avni.call("POST", DO, {"move": move, "arguments": arguments, "before": before})
        assert (answer.status_code, answer.json()) == (200, {"done": move})

    def test_poison_and_its_cure(self, avni: Caller, sort: Sort) -> None:
        made = sort.put()
        self.order(avni, "poison", uuid=made)
        assert avni.call("GET", sort.one(made)).status_code == 500
        self.order(avni, "unpoison", uuid=made)
        assert avni.call("GET", sort.one(made)).status_code == 200

    def test_a_bulk_job(self, avni: Caller, sort: Sort) -> None:
        made = [sort.put(at=1) for _ in range(3)]
        self.order(avni, "bulk_touch", uuids=made, at="2024-06-18T11:00:00Z")
        assert avni.ids(sort.list, **SINCE) == made

    def test_a_late_commit_and_a_stamp_in_the_future(self, avni: Caller, sort: Sort, clock: Clock) -> None:
        made = sort.put(at=1)
        self.order(avni, "edit", uuid=made, voided=True, at="2024-06-18T12:05:00Z", commit_after=60)
        assert avni.get(sort.one(made))["Voided"] is False
        clock.advance(60)
        assert avni.get(sort.one(made))["Voided"] is True
        assert avni.ids(sort.list, **SINCE) == []
        clock.advance(251)
        assert avni.ids(sort.list, **SINCE) == [made]

    def test_an_edit_between_two_pages(self, avni: Caller, sort: Sort) -> None:
        made = [sort.put(at=HOUR_AGO + number) for number in range(4)]
        before = {"method": "GET", "path_regex": sort.list, "skip": 1}
        self.order(avni, "edit", before, uuid=made[0], at="2024-06-18T11:30:00Z")
        pages = [avni.ids(sort.list, size=2, page=page, **SINCE) for page in range(2)]
        assert pages == [[made[0], made[1]], [made[3], made[0]]]

    def test_tokens_that_end_after_some_requests(self, avni: Caller, sort: Sort) -> None:
        self.order(avni, "expire_tokens", {"method": "GET", "path_regex": sort.list, "skip": 1})
        assert statuses(avni, sort, 2) == [200, 401]

    def test_a_forbidden_type(self, avni: Caller, sort: Sort) -> None:
        sort.put()
        self.order(avni, "forbid", username="integration@demo", name=sort.type)
        assert avni.call("GET", sort.list, **SINCE).status_code == 403
        self.order(avni, "allow", username="integration@demo", name=sort.type)
        assert avni.call("GET", sort.list, **SINCE).status_code == 200

    def test_error_bodies_and_other_knobs(self, avni: Caller, sort: Sort) -> None:
        self.order(avni, "poison", uuid=sort.put())
        self.order(avni, "adjust", error_body=False)
        assert avni.call("GET", sort.list, **SINCE).content == b""

    def test_troubles_of_the_wire(self, avni: Caller, sort: Sort) -> None:
        self.order(avni, "fault", method="GET", path_regex=sort.list, action="status:502")
        assert statuses(avni, sort, 2) == [502, 200]
        self.order(avni, "fault", method="GET", path_regex=sort.list, action="status:502", times=9)
        self.order(avni, "clear_faults")
        assert statuses(avni, sort, 1) == [200]

    def test_new_rows(self, store: AvniStore, avni: Caller) -> None:
        enrolled, visit = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
        self.order(avni, "put_enrolment", program="Child", subject=subject(store).uuid, uuid=enrolled)
        self.order(avni, "put_program_encounter", encounter_type="PNC Visit", enrolment=enrolled, uuid=visit)
        assert avni.get(f"/api/programEncounter/{visit}")["Enrolment ID"] == enrolled

    @pytest.mark.parametrize(
        ("order", "status"),
        [
            ({"move": "dance"}, 404),
            ({"move": "poison"}, 400),
            ({"move": "poison", "arguments": {"uuid": "nowhere"}}, 400),
            ({"move": "adjust", "arguments": {"colour": "green"}}, 400),
            ({"move": "expire_tokens", "before": {"method": "GET", "path_regex": "("}}, 400),
            ([], 400),
        ],
    )
    def test_an_order_that_makes_no_sense_is_refused(self, avni: Caller, order: Any, status: int) -> None:
        answer = avni.call("POST", DO, order)
        assert (answer.status_code, "error" in answer.json()) == (status, True)

    def test_the_whole_state_is_shown(self, store: AvniStore, avni: Caller, sort: Sort) -> None:
        sort.put()
        assert avni.get(DUMP) == json.loads(json.dumps(store.dump()))
