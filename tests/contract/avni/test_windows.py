"""Which rows a list gives, in which order and in which pages (avni.md A1 to A12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from simulators.avni import AvniStore
from simulators.avni.times import iso
from tests.contract.avni.support import EPOCH, NOON, Caller, Clock, encounter_body, ms, subject

HOUR_AGO = ms(NOON - timedelta(hours=1))


def stamp(offset: int) -> str:
    """The time `offset` milliseconds after an hour ago, as a client writes it."""
    text = iso(HOUR_AGO + offset)
    assert text is not None
    return text


@pytest.fixture
def three(store: AvniStore) -> list[str]:
    """Subjects stamped 0, 1 and 2 ms after an hour ago."""
    return [subject(store, at=HOUR_AGO + offset).uuid for offset in range(3)]


@pytest.fixture
def three_encounters(store: AvniStore) -> list[str]:
    owner = subject(store, at=0).uuid
    put = store.put_encounter
    return [
        put(encounter_type="Home visit", subject=owner, observations={"Visit notes": "a"}, at=HOUR_AGO + n).uuid
        for n in range(3)
    ]


def between(lower: int, upper: int) -> dict[str, str]:
    return {"lastModifiedDateTime": stamp(lower), "now": stamp(upper)}


def test_subjects_exclude_both_ends_of_the_window(avni: Caller, three: list[str]) -> None:
    assert avni.ids("/api/subjects", **between(0, 2)) == three[1:2]


def test_the_concepts_filter_leaves_the_subject_window_open(store: AvniStore, avni: Caller) -> None:
    for offset in range(3):
        subject(store, at=HOUR_AGO + offset, observations={"Visit notes": "a"})
    assert len(avni.ids("/api/subjects", concepts='{"Visit notes": "a"}', **between(0, 2))) == 1


def test_encounters_exclude_both_ends_of_the_window(avni: Caller, three_encounters: list[str]) -> None:
    assert avni.ids("/api/encounters", **between(0, 2)) == three_encounters[1:2]


def test_encounters_found_by_concepts_include_both_ends(avni: Caller, three_encounters: list[str]) -> None:
    found = avni.ids("/api/encounters", concepts='{"Visit notes": "a"}', **between(0, 2))
    assert found == three_encounters


def test_an_older_server_includes_both_ends_of_encounters_always(
    store: AvniStore, avni: Caller, three_encounters: list[str]
) -> None:
    store.settings.inclusive_general_encounters = True
    assert avni.ids("/api/encounters", **between(0, 2)) == three_encounters


def test_rows_come_by_last_modification_then_database_id(store: AvniStore, avni: Caller) -> None:
    late = subject(store, at=HOUR_AGO + 9).uuid
    tied = [subject(store, at=HOUR_AGO + 5).uuid for _ in range(5)]
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == [*tied, late]


def test_without_a_lower_bound_nothing_is_hidden_and_nothing_is_in_order(store: AvniStore, avni: Caller) -> None:
    made = [subject(store, at=HOUR_AGO + offset).uuid for offset in range(30)]
    found = avni.ids("/api/subjects", size=100, now=stamp(3))
    assert (sorted(found), found != made) == (sorted(made), True)


def test_twenty_five_rows_of_one_millisecond_need_more_than_the_first_page(store: AvniStore, avni: Caller) -> None:
    tied = [subject(store, at=HOUR_AGO).uuid for _ in range(25)]
    pages = [avni.ids("/api/subjects", page=number, size=10, **between(-1, 1)) for number in range(4)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [uuid for page in pages for uuid in page] == tied
    assert avni.ids("/api/subjects", size=10, **between(0, 1)) == []


def test_a_bulk_job_gives_many_rows_one_millisecond(store: AvniStore, avni: Caller) -> None:
    made = [subject(store, at=0).uuid for _ in range(25)]
    store.bulk_touch(made, at=HOUR_AGO)
    assert {store.subjects[uuid].modified_ms for uuid in made} == {HOUR_AGO}


def test_a_row_edited_while_paging_pushes_another_out_of_sight(store: AvniStore, avni: Caller) -> None:
    made = [subject(store, at=HOUR_AGO + offset).uuid for offset in range(4)]
    first = avni.ids("/api/subjects", lastModifiedDateTime=EPOCH, size=2)
    store.edit_subject(first[0], at=HOUR_AGO + 100)
    second = avni.ids("/api/subjects", lastModifiedDateTime=EPOCH, size=2, page=1)
    assert first + second == [made[0], made[1], made[3], made[0]]


def test_the_live_profile_hides_the_newest_ten_seconds(store: AvniStore, avni: Caller, clock: Clock) -> None:
    made = subject(store).uuid
    clock.advance(10)
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == []
    clock.advance(0.001)
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == [made]


def test_a_server_on_site_hides_nothing_but_this_very_millisecond(store: AvniStore, avni: Caller, clock: Clock) -> None:
    store.settings.profile = "on-premise"
    made = subject(store).uuid
    clock.advance(0.001)
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == [made]


@pytest.mark.parametrize("literal", ["", "null"])
def test_a_missing_now_is_filled_in_by_the_server(store: AvniStore, avni: Caller, literal: str) -> None:
    subject(store)
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH, now=literal) == []


def test_a_clients_now_may_reach_into_the_hidden_seconds(store: AvniStore, avni: Caller) -> None:
    made = subject(store).uuid
    later = iso(ms(NOON) + 1)
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH, now=later) == [made]


def test_an_older_server_overwrites_the_clients_now(store: AvniStore, avni: Caller, three: list[str]) -> None:
    store.settings.honour_client_now = False
    assert avni.ids("/api/subjects", **between(-1, 1)) == three


def test_a_late_commit_inside_the_hidden_seconds_is_still_met(store: AvniStore, avni: Caller, clock: Clock) -> None:
    late = subject(store, commit_after=8).uuid
    subject(store, "Ravi")
    clock.advance(7)
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == []
    clock.advance(4)
    assert late in avni.ids("/api/subjects", lastModifiedDateTime=EPOCH)


def test_a_commit_later_than_that_appears_behind_the_readers_back(store: AvniStore, avni: Caller, clock: Clock) -> None:
    late = subject(store, commit_after=15).uuid
    clock.advance(1)
    seen = subject(store, "Ravi")
    clock.advance(12)
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == [seen.uuid]
    clock.advance(5)
    assert avni.ids("/api/subjects", lastModifiedDateTime=iso(seen.modified_ms)) == []
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == [late, seen.uuid]


def test_until_an_edit_is_committed_the_former_state_is_read(store: AvniStore, avni: Caller, clock: Clock) -> None:
    made = subject(store).uuid
    store.edit_subject(made, last_name="Devi", commit_after=5)
    assert "Last name" not in avni.get(f"/api/subject/{made}")["observations"]
    clock.advance(5)
    assert avni.get(f"/api/subject/{made}")["observations"]["Last name"] == "Devi"


def test_a_row_stamped_in_the_future_waits_for_its_time(store: AvniStore, avni: Caller, clock: Clock) -> None:
    made = subject(store, at=ms(NOON + timedelta(minutes=5))).uuid
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == []
    clock.advance(311)
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH) == [made]


def test_total_elements_counts_the_rows_of_the_page(store: AvniStore, avni: Caller) -> None:
    for offset in range(25):
        subject(store, at=HOUR_AGO + offset)
    page = avni.get("/api/subjects", lastModifiedDateTime=EPOCH, page=1)
    assert {key: page[key] for key in page if key != "content"} == {
        "totalElements": 5,
        "totalPages": 2,
        "pageSize": 20,
    }


def test_a_page_past_the_end_is_empty_but_knows_how_many_there_are(avni: Caller, three: list[str]) -> None:
    page = avni.get("/api/subjects", lastModifiedDateTime=EPOCH, page=7, size=2)
    assert page == {"content": [], "totalElements": 0, "totalPages": 2, "pageSize": 2}


@pytest.mark.parametrize(
    ("asked", "given"), [("100", 100), ("1000", 1000), ("5000", 1000), ("0", 20), ("-1", 20), ("many", 20), (None, 20)]
)
def test_the_page_size_is_silently_brought_into_bounds(avni: Caller, asked: Any, given: int) -> None:
    assert avni.get("/api/subjects", lastModifiedDateTime=EPOCH, size=asked)["pageSize"] == given


@pytest.mark.parametrize("junk", ["-1", "next"])
def test_a_junk_page_number_is_the_first_page(avni: Caller, three: list[str], junk: str) -> None:
    assert avni.ids("/api/subjects", lastModifiedDateTime=EPOCH, page=junk) == three


def test_sort_replaces_the_order(avni: Caller, three: list[str]) -> None:
    found = avni.ids("/api/subjects", lastModifiedDateTime=EPOCH, sort="lastModifiedDateTime,desc")
    assert found == three[::-1]


def test_an_unescaped_plus_in_a_time_is_a_bad_request(avni: Caller) -> None:
    query = "/api/subjects?lastModifiedDateTime=2024-06-18T10:00:00+05:30"
    assert avni.call("GET", query).status_code == 400


def test_a_time_without_zone_is_read_in_the_servers_own(store: AvniStore, avni: Caller) -> None:
    made = subject(store, at=HOUR_AGO).uuid
    in_india = (NOON - timedelta(hours=1) + timedelta(hours=5, minutes=30)).replace(tzinfo=None)
    before = in_india - timedelta(milliseconds=1)
    assert avni.ids("/api/subjects", lastModifiedDateTime=before.isoformat()) == [made]
    assert avni.ids("/api/subjects", lastModifiedDateTime=in_india.isoformat()) == []


def test_a_child_does_not_bring_its_subject_back(store: AvniStore, avni: Caller, three: list[str]) -> None:
    avni.send("POST", "/api/encounter", encounter_body(three[0]))
    store.settings.profile = "on-premise"
    assert avni.ids("/api/subjects", lastModifiedDateTime=stamp(2)) == []


def test_the_date_header_tells_the_servers_time(avni: Caller) -> None:
    assert avni.call("GET", "/ping").headers["Date"] == "Tue, 18 Jun 2024 12:00:00 GMT"
