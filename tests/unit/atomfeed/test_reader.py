from __future__ import annotations

import json
from datetime import timedelta

import pytest

from atomfeed import Feed, FeedPosition, FeedReset
from atomfeed.reader import SEARCHED
from common.http_errors import Garbled, Unreachable
from tests.unit.atomfeed.pages import BEGAN, Log, entry_xml, name, page_xml, read_all


def ids(first: int, last: int) -> list[str]:
    return [name(number) for number in range(first, last + 1)]


def stopped_at(page: int, entry: int, *seen: str) -> FeedPosition:
    return {"page": page, "entry": name(entry), "seen": list(seen), "first": name(1)}


@pytest.fixture
def log() -> Log:
    """Thirteen entries: pages of five, five and three."""
    return Log(ids(1, 13))


# --- where it starts ----------------------------------------------------------------------------


def test_from_the_beginning_everything_comes_in_order(log: Log) -> None:
    assert read_all(log, log.feed.start("beginning"))[0] == ids(1, 13)


def test_from_a_page_everything_from_its_first_entry_comes(log: Log) -> None:
    assert read_all(log, log.feed.start(2))[0] == ids(6, 13)


def test_from_recent_only_what_is_published_later_comes(log: Log) -> None:
    position = log.feed.start("recent")
    assert read_all(log, position)[0] == []
    log.add(*ids(14, 17))
    assert read_all(log, position)[0] == ids(14, 17)


@pytest.mark.parametrize("second", [0, 1, 4, 6, 8, 13, 14])
def test_from_a_time_only_what_was_published_then_or_later_comes(log: Log, second: int) -> None:
    position = log.feed.start(BEGAN + timedelta(seconds=second))
    log.add(name(14))
    assert read_all(log, position)[0] == ids(max(1, second), 14)


def test_a_start_by_time_halves_its_way_through_a_long_feed() -> None:
    log = Log(ids(1, 5000))
    log.feed.start(BEGAN + timedelta(seconds=777))
    assert len(log.fetched) < 20


def test_a_start_by_time_wants_a_zone(log: Log) -> None:
    with pytest.raises(ValueError, match="aware"):
        log.feed.start(BEGAN.replace(tzinfo=None))


@pytest.mark.parametrize("page", [0, -1, 4])
def test_a_start_on_a_page_that_does_not_exist_is_refused(log: Log, page: int) -> None:
    with pytest.raises(ValueError, match="no such page"):
        log.feed.start(page)


def test_a_position_survives_json(log: Log) -> None:
    position = log.feed.start("recent")
    assert json.loads(json.dumps(position)) == position


# --- how it moves -------------------------------------------------------------------------------


def test_after_an_entry_the_rest_comes(log: Log) -> None:
    assert read_all(log, stopped_at(1, 3))[0] == ids(4, 13)


def test_after_the_last_entry_of_a_page_the_next_page_comes(log: Log) -> None:
    assert read_all(log, stopped_at(1, 5))[0] == ids(6, 13)


def test_an_empty_page_in_the_middle_is_walked_over() -> None:
    pages = {
        "1": page_xml({"next-archive": "/x/2"}, [entry_xml(one) for one in ids(1, 5)]),
        "2": page_xml({"next-archive": "/x/3", "prev-archive": "/x/1"}, []),
        "3": page_xml({"prev-archive": "/x/2"}, [entry_xml(one) for one in ids(11, 13)]),
    }
    feed = Feed(lambda path: pages[path.rpartition("/")[2]], "/x")
    readings = list(feed.read(stopped_at(1, 3)))
    assert [entry.id for reading in readings for entry in reading.entries] == ids(4, 5) + ids(11, 13)


def test_each_page_comes_with_the_position_after_it(log: Log) -> None:
    readings = list(log.feed.read(log.feed.start("beginning")))
    assert [(one.position["page"], one.position["entry"]) for one in readings] == [
        (1, name(5)), (2, name(10)), (3, name(13)),
    ]  # fmt: skip


def test_reading_goes_on_from_the_position_of_any_page(log: Log) -> None:
    for reading in log.feed.read(log.feed.start("beginning")):
        rest, _ = read_all(log, reading.position)
        assert rest == ids(int(str(reading.position["entry"]).rpartition(":")[2]) + 1, 13)


def test_an_idle_look_costs_one_request(log: Log) -> None:
    _, position = read_all(log, log.feed.start("beginning"))
    log.fetched.clear()
    assert list(log.feed.read(position)) == []
    assert log.fetched == ["3"]


def test_w8_hosts_in_links_make_no_difference(log: Log) -> None:
    _, position = read_all(log, log.feed.start("beginning"))
    log.host = "https://moved.example/other"
    log.add(*ids(14, 20))
    assert read_all(log, position)[0] == ids(14, 20)


def test_the_ids_remembered_are_bounded() -> None:
    log = Log(ids(1, 400))
    _, position = read_all(log, log.feed.start("beginning"))
    assert position["seen"] == ids(351, 400)


def test_all_ids_of_a_large_page_are_remembered() -> None:
    log = Log(ids(1, 120), size=100)
    position = next(log.feed.read(log.feed.start("beginning"))).position
    assert position["seen"] == ids(1, 100)


# --- what appears twice, late or elsewhere ------------------------------------------------------


def test_an_entry_that_stands_twice_comes_once() -> None:
    log = Log([*ids(1, 3), name(2), name(4), name(4), name(5)])
    assert read_all(log, log.feed.start("beginning"))[0] == ids(1, 5)


def test_an_entry_that_stands_twice_at_the_end_does_not_come_for_ever() -> None:
    log = Log([*ids(1, 3), name(3)])
    _, position = read_all(log, log.feed.start("beginning"))
    assert list(log.feed.read(position)) == []


def test_a_late_entry_on_the_last_page_comes_though_it_stands_before_the_last_one_read(log: Log) -> None:
    _, position = read_all(log, log.feed.start("beginning"))
    log.ids.insert(11, "late")
    assert read_all(log, position)[0] == ["late"]


def test_a_late_entry_that_shifts_the_last_one_read_to_the_next_page_comes() -> None:
    log = Log(ids(1, 10))
    _, position = read_all(log, log.feed.start("beginning"))
    log.ids.insert(7, "late")
    log.add(name(11))
    assert read_all(log, position)[0] == ["late", name(11)]


def test_a_late_entry_on_an_earlier_page_comes_when_one_looks_back(log: Log) -> None:
    _, position = read_all(log, log.feed.start("beginning"))
    log.ids.insert(8, "late")
    assert read_all(log, position)[0] == []
    found, position = read_all(log, position, back=1)
    assert found == ["late"]
    assert read_all(log, position, back=2)[0] == []


def test_looking_back_never_moves_the_position_back(log: Log) -> None:
    _, position = read_all(log, log.feed.start("beginning"))
    log.ids.insert(8, "late")
    first = next(log.feed.read(position, back=2))
    assert (first.position["page"], first.position["entry"]) == (3, name(13))


def test_looking_back_does_not_bring_what_was_read_long_ago() -> None:
    log = Log(ids(1, 200))
    _, position = read_all(log, log.feed.start("beginning"))
    assert read_all(log, position, back=30)[0] == []


def test_a_position_without_memory_takes_what_stands_before_it_as_read(log: Log) -> None:
    found, position = read_all(log, stopped_at(3, 12), back=0)
    assert found == [name(13)]
    assert position["seen"] == ids(12, 13)


@pytest.mark.parametrize(("before", "after"), [(5, 2), (5, 7), (2, 5), (5, 100), (100, 5), (3, 4)])
def test_cutting_the_feed_into_other_pages_loses_and_repeats_nothing(before: int, after: int) -> None:
    log = Log(ids(1, 60), size=before)
    _, position = read_all(log, log.feed.start("beginning"))
    log.size = after
    log.add(*ids(61, 75))
    found, moved = read_all(log, position)
    assert found == ids(61, 75)
    assert moved["page"] == log.last


def test_a_new_cut_alone_moves_the_position_without_entries() -> None:
    log = Log(ids(1, 60), size=5)
    _, position = read_all(log, log.feed.start("beginning"))
    log.size = 10
    readings = list(log.feed.read(position))
    assert [(one.entries, one.position["page"]) for one in readings] == [((), 6)]
    assert list(log.feed.read(readings[-1].position)) == []


def test_an_entry_found_on_a_later_page_is_where_reading_goes_on(log: Log) -> None:
    assert read_all(log, stopped_at(1, 7))[0] == ids(8, 13)


# --- when the feed is another one ---------------------------------------------------------------


def test_an_entry_that_is_gone_stops_the_reading(log: Log) -> None:
    with pytest.raises(FeedReset) as raised:
        read_all(log, stopped_at(2, 99))
    assert (raised.value.page, raised.value.entry, raised.value.rebuilt) == (2, name(99), False)


def test_a_rebuilt_feed_is_told_from_a_shortened_one(log: Log) -> None:
    _, position = read_all(log, log.feed.start("beginning"))
    with pytest.raises(FeedReset) as raised:
        read_all(Log(ids(101, 113)), position)
    assert raised.value.rebuilt


def test_a_feed_that_became_shorter_stops_the_reading(log: Log) -> None:
    _, position = read_all(log, log.feed.start("beginning"))
    del log.ids[7:]
    with pytest.raises(FeedReset):
        read_all(log, position)


def test_a_feed_that_became_empty_stops_the_reading(log: Log) -> None:
    _, position = read_all(log, log.feed.start("beginning"))
    log.ids.clear()
    with pytest.raises(FeedReset):
        read_all(log, position)


def test_a_start_page_that_vanished_stops_the_reading(log: Log) -> None:
    position = log.feed.start(3)
    del log.ids[7:]
    with pytest.raises(FeedReset):
        read_all(log, position)


def test_the_search_for_an_entry_is_bounded() -> None:
    log = Log(ids(1, 5000))
    with pytest.raises(FeedReset):
        read_all(log, stopped_at(500, 9999))
    assert len(log.fetched) <= 2 * SEARCHED + 3


# --- a feed without entries ---------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["beginning", "recent", BEGAN, 3])
def test_what_is_first_published_after_an_empty_start_comes(policy: object) -> None:
    log = Log([])
    position = log.feed.start(policy)  # type: ignore[arg-type]
    assert position["page"] == 1
    assert list(log.feed.read(position)) == []
    log.add(*ids(1, 7))
    found, position = read_all(log, position)
    assert found == ids(1, 7)
    assert position["first"] == name(1)


def test_an_empty_feed_costs_one_request_to_look_at() -> None:
    log = Log([])
    position = log.feed.start("beginning")
    log.fetched.clear()
    list(log.feed.read(position))
    assert log.fetched == ["recent"]


def test_page_zero_is_no_position(log: Log) -> None:
    with pytest.raises(ValueError, match="page 1"):
        next(log.feed.read(stopped_at(0, 1)))


# --- trouble ------------------------------------------------------------------------------------


def test_a_page_that_cannot_be_read_is_garbled() -> None:
    with pytest.raises(Garbled, match="root"):
        Feed(lambda _: b"<html/>", "/feed").newest()


def test_a_page_beyond_the_size_limit_is_garbled() -> None:
    with pytest.raises(Garbled, match="larger"):
        Feed(lambda _: b" " * 9_000_000, "/feed").newest()


def test_a_linked_page_that_does_not_exist_is_garbled(log: Log) -> None:
    entries = [entry_xml(name(1))]
    feed = Feed(lambda path: page_xml({"next-archive": "/x/2"}, entries) if path == "/x/1" else log.fetch("99"), "/x")
    with pytest.raises(Garbled, match="links to"):
        list(feed.read({"page": 1, "entry": None, "seen": [], "first": name(1)}))


def test_trouble_on_the_way_passes_through_after_the_pages_before_it(log: Log) -> None:
    position = log.feed.start("beginning")

    def failing(path: str) -> bytes:
        if path.endswith("/2"):
            raise Unreachable("down", side="test", method="GET", path_template=path)
        return log.fetch(path)

    readings = Feed(failing, Log.base).read(position)
    assert [entry.id for entry in next(readings).entries] == ids(1, 5)
    with pytest.raises(Unreachable):
        next(readings)
