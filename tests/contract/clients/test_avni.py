from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from avni import AvniClient, GenerateToken, NoSignIn, WindowPosition, read_gap, read_window, window_start
from avni.windows import FetchPage
from common.http import Forbidden, NotFound, Refused, SignInFailed, Unclear, Unreachable
from simulators.avni import AvniStore, SubjectRow
from simulators.server import Server
from tests.contract.clients.conftest import Clock


def register(field: AvniStore, name: str = "Asha", **more: Any) -> SubjectRow:
    least = {"subject_type": "Individual", "gender": "Female", "registration_date": "2026-02-03"}
    return field.put_subject(first_name=name, **(least | more))


def body(owner: SubjectRow, **more: Any) -> dict[str, Any]:
    return {
        "External ID": "b-1", "Encounter type": "Registration", "Subject ID": owner.uuid, "Voided": False,
        "Encounter date time": "2026-04-02T04:10:00.000Z", "observations": {"Note": "one"}, "cancelObservations": {},
    } | more  # fmt: skip


def read(avni: AvniClient, position: WindowPosition) -> tuple[list[str], WindowPosition]:
    found: list[str] = []
    for reading in read_window(position, individuals(avni), size=10):
        assert not reading.gaps
        found += [row["ID"] for row in reading.rows]
        position = reading.position
    return found, position


def individuals(avni: AvniClient) -> FetchPage:
    return lambda since, page, size: avni.subjects(since, "Individual", page=page, size=size)


def uuids(rows: Iterable[SubjectRow]) -> list[str]:
    return [row.uuid for row in rows]


@pytest.fixture
def start(moving: Clock) -> WindowPosition:
    return window_start(moving.time)


# --- windows ------------------------------------------------------------------------------------


def test_everything_registered_is_read_once(
    avni: AvniClient, field: AvniStore, moving: Clock, start: WindowPosition
) -> None:
    rows = [register(field, at=moving.time + timedelta(seconds=n)) for n in range(35)]
    moving.move(60)
    found, position = read(avni, start)
    assert found == uuids(rows)
    assert read(avni, position)[0] == []


@pytest.mark.parametrize("crowd", [10, 25])
def test_rows_that_share_a_millisecond_are_all_read(
    avni: AvniClient, field: AvniStore, moving: Clock, start: WindowPosition, crowd: int
) -> None:
    rows = [register(field) for _ in range(crowd)]
    moving.move(60)
    assert read(avni, start)[0] == uuids(rows)


def test_rows_stamped_by_a_bulk_job_are_all_read(
    avni: AvniClient, field: AvniStore, moving: Clock, start: WindowPosition
) -> None:
    rows = [register(field) for _ in range(40)]
    moving.move(60)
    _, position = read(avni, start)
    field.bulk_touch(uuids(rows))
    moving.move(60)
    assert sorted(read(avni, position)[0]) == sorted(uuids(rows))


@pytest.mark.parametrize("profile", ["live", "on-premise"])
def test_a_row_committed_late_is_not_lost(
    avni: AvniClient, field: AvniStore, moving: Clock, start: WindowPosition, profile: str
) -> None:
    field.settings.profile = profile
    moving.move(100)
    late = register(field, "Late", commit_after=8)
    early = register(field, "Early", at=moving.time + timedelta(seconds=1))
    moving.move(2)
    found, position = read(avni, start)
    moving.move(60)
    assert sorted(found + read(avni, position)[0]) == sorted(uuids([late, early]))


def test_a_row_that_is_edited_comes_again_with_its_void(
    avni: AvniClient, field: AvniStore, moving: Clock, start: WindowPosition
) -> None:
    row = register(field)
    moving.move(60)
    _, position = read(avni, start)
    field.void_subject(row.uuid)
    moving.move(60)
    assert read(avni, position)[0] == [row.uuid]
    found = avni.subject(row.uuid)
    assert found is not None
    assert found["Voided"] is True


def test_an_idle_look_costs_one_request(
    avni: AvniClient, field: AvniStore, field_server: Server, moving: Clock, start: WindowPosition
) -> None:
    register(field)
    moving.move(60)
    _, position = read(avni, start)
    field_server.reset_counts()
    read(avni, position)
    assert field_server.requests == 1


def test_a_type_our_user_may_not_see_is_forbidden_but_others_are_read(
    avni: AvniClient, field: AvniStore, moving: Clock
) -> None:
    field.add_subject_type("Household", person=False)
    field.users["bot"].cannot_view.append("Household")
    register(field)
    field.put_subject(subject_type="Household", first_name="House", registration_date="2026-02-03")
    moving.move(60)
    since = moving.time - timedelta(days=1)
    assert len(avni.subjects(since, "Individual").content) == 1
    with pytest.raises(Forbidden):
        avni.subjects(since, "Household")


def test_rows_that_break_their_page_are_told_and_cost_no_other_row(
    avni: AvniClient, field: AvniStore, moving: Clock, start: WindowPosition
) -> None:
    rows = [register(field, at=moving.time + timedelta(seconds=n // 3)) for n in range(60)]
    broken = [rows[4], rows[30], rows[31], rows[59]]
    for row in broken:
        field.poison(row.uuid)
    moving.move(60)
    readings = list(read_window(start, individuals(avni)))
    found = [row["ID"] for reading in readings for row in reading.rows]
    assert found == uuids(row for row in rows if row not in broken)
    told = [(gap.at - moving.time + timedelta(seconds=60), gap.rows) for reading in readings for gap in reading.gaps]
    assert told == [(timedelta(seconds=1), 1), (timedelta(seconds=10), 2), (timedelta(seconds=19), 1)]


def test_a_gap_is_read_again_when_its_row_can_be_read(
    avni: AvniClient, field: AvniStore, moving: Clock, start: WindowPosition
) -> None:
    row = register(field)
    field.poison(row.uuid)
    moving.move(60)
    (gap,) = [gap for reading in read_window(start, individuals(avni)) for gap in reading.gaps]
    field.unpoison(row.uuid)
    assert [one["ID"] for one in read_gap(gap.at, individuals(avni))[0]] == [row.uuid]


def test_a_list_of_which_no_row_can_be_read_is_a_refusal(
    avni: AvniClient, field: AvniStore, moving: Clock, start: WindowPosition
) -> None:
    for _ in range(25):
        field.poison(register(field).uuid)
    moving.move(60)
    with pytest.raises(Refused) as raised:
        list(read_window(start, individuals(avni)))
    assert raised.value.status == 500


def test_a_server_that_is_starting_is_unreachable_and_no_row_is_looked_for(
    avni: AvniClient, field_server: Server, start: WindowPosition
) -> None:
    avni.sign_in()
    field_server.reset_counts()
    field_server.faults.plan("GET", "/api/subjects", "status:500", times=100)
    with pytest.raises(Unreachable):
        list(read_window(start, individuals(avni)))
    assert field_server.requests == 1


# --- single records -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "known"), [("Note", True), ("no such concept", False), ('"quoted" & ए+%', False), ("", False)]
)
def test_a_concept_is_known_by_its_name_whatever_stands_in_that(
    avni: AvniClient, name: str, known: bool
) -> None:  # fmt: skip
    avni.subjects(None, "Individual", size=1)
    assert avni.knows_concept(name, "Individual") is known


def test_encounters_are_found_by_what_was_written_into_them(avni: AvniClient, field: AvniStore, moving: Clock) -> None:
    owner = register(field)
    value = "a+b & 100% /?#"
    avni.upsert_encounter(body(owner, observations={"Bahmni UUID": value}))
    moving.move(60)
    found = avni.encounters(None, "Registration", concepts={"Bahmni UUID": value}).content
    assert [row["External ID"] for row in found] == ["b-1"]


def test_an_encounter_written_twice_is_one(avni: AvniClient, field: AvniStore) -> None:
    owner = register(field)
    first = avni.upsert_encounter(body(owner))
    second = avni.upsert_encounter(body(owner, observations={"Note": "two"}))
    assert first["ID"] == second["ID"]
    found = avni.encounter("b-1")
    assert found is not None
    assert found["observations"] == {"Note": "two"}


def test_a_partial_change_leaves_what_it_does_not_name(avni: AvniClient, field: AvniStore) -> None:
    owner = register(field)
    stored = avni.upsert_encounter(body(owner, observations={"Note": "one"}))
    avni.patch_encounter(stored["ID"], {"Voided": True})
    found = avni.encounter(stored["ID"])
    assert found is not None
    assert (found["Voided"], found["observations"]) == (True, {"Note": "one"})


def test_a_void_finds_its_encounter_by_uuid_and_may_be_repeated(avni: AvniClient, field: AvniStore) -> None:
    stored = avni.upsert_encounter(body(register(field)))
    avni.void_encounter(stored["ID"])
    avni.void_encounter(stored["ID"])
    found = avni.encounter(stored["ID"])
    assert found is not None
    assert found["Voided"] is True


def test_nothing_there_is_none(avni: AvniClient) -> None:
    assert avni.encounter("b-1") is None


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"observations": {"Unknown": 1}}, Refused),
        ({"Encounter type": "Unknown"}, Refused),
        ({"Subject ID": "unknown"}, Refused),
        ({"Encounter date time": "soon"}, Refused),
        ({"Encounter date time": None}, Refused),
    ],
)
def test_what_the_server_cannot_store_is_refused(
    avni: AvniClient, field: AvniStore, change: dict[str, Any], kind: type[Refused]
) -> None:
    with pytest.raises(kind) as raised:
        avni.upsert_encounter(body(register(field)) | change)
    assert not isinstance(raised.value, NotFound)
    assert avni.encounter("b-1") is None


# --- writes that are cut off --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "there"),
    [
        ("reset_before", False), ("reset_after", True), ("truncated", True), ("garbage", False),
        ("status:502", False), ("status_after:502", True), ("status:504", False), ("status:409", False),
    ],
)  # fmt: skip
def test_a_write_that_is_cut_off_is_sent_once_and_found_by_its_external_id(
    avni: AvniClient, field: AvniStore, field_server: Server, fault: str, there: bool
) -> None:
    owner = register(field)
    avni.subject(owner.uuid)
    field_server.faults.plan("POST", "/api/encounter$", fault)
    before = field_server.writes
    with pytest.raises(Unclear):
        avni.upsert_encounter(body(owner))
    assert field_server.writes == before + 1
    field_server.settle()
    assert (avni.encounter("b-1") is not None) is there


def test_a_write_carried_out_late_is_found_in_the_end(avni: AvniClient, field: AvniStore, field_server: Server) -> None:
    owner = register(field)
    field_server.faults.plan("POST", "/api/encounter$", "late_commit", seconds=3600)
    with pytest.raises(Unclear):
        avni.upsert_encounter(body(owner))
    assert avni.encounter("b-1") is None
    field_server.settle()
    assert avni.encounter("b-1") is not None


# --- signing in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 500])
def test_an_expired_token_is_renewed_for_reads_and_writes(avni: AvniClient, field: AvniStore, status: Any) -> None:
    field.settings.expired_status = status
    owner = register(field)
    assert avni.subject(owner.uuid)
    field.expire_tokens()
    assert avni.upsert_encounter(body(owner))
    field.expire_tokens()
    assert avni.encounter("b-1")
    assert avni.counts.sign_ins == 3


def test_a_token_is_renewed_before_the_server_refuses_it(avni: AvniClient, field: AvniStore) -> None:
    field.settings.token_ttl = 0
    register(field)
    for _ in range(2):
        avni.encounter("b-1")
    assert avni.counts.sign_ins == 2


@pytest.mark.parametrize(("user", "password"), [("bot", "wrong"), ("nobody", "secret"), ("", ""), ("locked", "secret")])
def test_a_wrong_account_is_told_once(field: AvniStore, field_server: Server, user: str, password: str) -> None:
    field.add_user("locked", "secret", may_generate_token=False)
    client = AvniClient(field_server.base_url, GenerateToken(user, password))
    for _ in range(3):
        with pytest.raises(SignInFailed):
            client.subject("x")
    assert field_server.requests == 1


def test_a_server_without_sign_in_takes_the_name(field: AvniStore, field_server: Server) -> None:
    field.settings.idp_type = "none"
    assert AvniClient(field_server.base_url, NoSignIn("bot")).subject("x") is None
    with pytest.raises(SignInFailed, match="does not know"):
        AvniClient(field_server.base_url, NoSignIn("nobody")).subject("x")
    with pytest.raises(SignInFailed, match="no token"):
        AvniClient(field_server.base_url, GenerateToken("bot", "secret")).subject("x")


def test_a_server_that_is_down_is_unreachable(avni: AvniClient, field_server: Server) -> None:
    field_server.stop()
    with pytest.raises(Unreachable):
        avni.subject("x")


# --- who we are -----------------------------------------------------------------------------------


def test_the_server_says_who_we_are_and_to_which_organisation_we_belong(avni: AvniClient) -> None:
    assert (avni.me().username, avni.me().organisation) == ("bot", "demo (number 1)")


def test_a_release_without_that_page_refuses(avni: AvniClient, field: AvniStore) -> None:
    field.adjust(offers_user_info=False)
    with pytest.raises(NotFound):
        avni.me()
