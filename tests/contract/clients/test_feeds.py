from __future__ import annotations

import pytest

from atomfeed import Feed, FeedPosition, FeedReset
from bahmni.openmrs import OpenMRSClient
from common.http import Garbled, Refused, Unreachable
from simulators.bahmni import Store
from simulators.server import Server
from tests.contract.clients.conftest import Clock

CATEGORIES = {
    "patient": ("Patient", "/openmrs/ws/rest/v1/patient/{n}?v=full"),
    "encounter": ("Encounter", "/openmrs/ws/rest/v1/bahmnicore/bahmniencounter/{n}?includeAll=true"),
    "lab": ("all-tests-and-panels", "/openmrs/ws/rest/v1/reference-data/all-tests-and-panels/{n}"),
    "drug": ("drug", "/openmrs/ws/rest/v1/reference-data/drug/{n}"),
}


def feed_of(client: OpenMRSClient, category: str) -> Feed:
    return Feed(client.get_bytes, f"/ws/atomfeed/{category}", side="openmrs")


def publish(hospital: Store, category: str, first: int, last: int) -> list[str]:
    """Contents of the entries published."""
    title, content = CATEGORIES[category]
    contents = [content.format(n=n) for n in range(first, last + 1)]
    for one in contents:
        hospital.publish(category, title, one)
    return contents


def read(feed: Feed, position: FeedPosition, back: int = 0) -> tuple[list[str], FeedPosition]:
    found: list[str] = []
    for reading in feed.read(position, back=back):
        found += [entry.content for entry in reading.entries]
        position = reading.position
    return found, position


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_is_read_alike(openmrs: OpenMRSClient, hospital: Store, category: str) -> None:
    contents = publish(hospital, category, 1, 13)
    feed = feed_of(openmrs, category)
    readings = list(feed.read(feed.start("beginning")))
    entries = [entry for reading in readings for entry in reading.entries]
    assert [entry.content for entry in entries] == contents
    assert {entry.title for entry in entries} == {CATEGORIES[category][0]}
    assert [len(reading.entries) for reading in readings] == [5, 5, 3]


def test_titles_that_share_a_category_are_told_apart(openmrs: OpenMRSClient, hospital: Store) -> None:
    for title in ("sample", "department", "test", "panel", "radiology"):
        hospital.publish("lab", title, f"/openmrs/ws/rest/v1/reference-data/{title}/1")
    entries = feed_of(openmrs, "lab").newest().entries
    assert [entry.title for entry in entries] == ["sample", "department", "test", "panel", "radiology"]


def test_categories_and_action_tags_are_read(openmrs: OpenMRSClient, hospital: Store) -> None:
    hospital.publish("patient", "Patient", "/x", ["patient", "VOIDED"])
    assert feed_of(openmrs, "patient").newest().entries[0].categories == {"patient", "VOIDED"}


@pytest.mark.parametrize("content", [None, "", '{"rest": "/ws/rest/v1/patient/1"}', "/x?v=custom:(a,b:(c))&x=<1>"])
def test_every_kind_of_content_is_read(openmrs: OpenMRSClient, hospital: Store, content: str | None) -> None:
    hospital.publish("patient", "Patient", content)
    assert feed_of(openmrs, "patient").newest().entries[0].content == (content or "")


def test_a_registration_shows_as_an_entry(openmrs: OpenMRSClient, hospital: Store) -> None:
    feed = feed_of(openmrs, "patient")
    position = feed.start("recent")
    hospital.publish("encounter", "Encounter", "/other")
    publish(hospital, "patient", 1, 2)
    assert len(read(feed, position)[0]) == 2


def test_an_idle_look_costs_one_request(openmrs: OpenMRSClient, hospital: Store, hospital_server: Server) -> None:
    publish(hospital, "patient", 1, 13)
    feed = feed_of(openmrs, "patient")
    _, position = read(feed, feed.start("beginning"))
    hospital_server.reset_counts()
    assert read(feed, position)[0] == []
    assert hospital_server.requests == 1


def test_links_with_a_wrong_host_are_followed_to_the_right_one(openmrs: OpenMRSClient, hospital: Store) -> None:
    hospital.settings.feed_links_base = "http://elsewhere.example:9"
    contents = publish(hospital, "patient", 1, 13)
    feed = feed_of(openmrs, "patient")
    assert read(feed, feed.start("beginning"))[0] == contents


@pytest.mark.parametrize("policy", ["beginning", "recent"])
def test_an_empty_feed_brings_what_comes_later(openmrs: OpenMRSClient, hospital: Store, policy: object) -> None:
    feed = feed_of(openmrs, "patient")
    position = feed.start(policy)  # type: ignore[arg-type]
    assert read(feed, position)[0] == []
    contents = publish(hospital, "patient", 1, 7)
    assert read(feed, position)[0] == contents


def test_a_start_by_time_begins_with_the_first_entry_then(
    openmrs: OpenMRSClient, hospital: Store, moving: Clock
) -> None:
    publish(hospital, "patient", 1, 8)
    moving.move(3600)
    noon = moving.time
    later = publish(hospital, "patient", 9, 13)
    feed = feed_of(openmrs, "patient")
    assert read(feed, feed.start(noon))[0] == later


@pytest.mark.parametrize("size", [2, 3, 50])
def test_a_feed_cut_into_other_pages_goes_on(openmrs: OpenMRSClient, hospital: Store, size: int) -> None:
    publish(hospital, "patient", 1, 23)
    feed = feed_of(openmrs, "patient")
    _, position = read(feed, feed.start("beginning"))
    hospital.feeds.rechunk(size)
    later = publish(hospital, "patient", 24, 30)
    assert read(feed, position)[0] == later


def test_longer_pages_from_some_entry_on_are_read_through(openmrs: OpenMRSClient, hospital: Store) -> None:
    contents = publish(hospital, "patient", 1, 8)
    hospital.feeds.append_chunking(11, 9)
    contents += publish(hospital, "patient", 9, 40)
    feed = feed_of(openmrs, "patient")
    assert read(feed, feed.start("beginning"))[0] == contents


def test_a_purged_feed_goes_on_while_our_entry_is_in_it(openmrs: OpenMRSClient, hospital: Store) -> None:
    publish(hospital, "patient", 1, 40)
    feed = feed_of(openmrs, "patient")
    _, position = read(feed, feed.start("beginning"))
    hospital.feeds.truncate("patient", 4)
    later = publish(hospital, "patient", 41, 47)
    assert read(feed, position)[0] == later


def test_a_feed_without_our_entry_stops_the_reading(openmrs: OpenMRSClient, hospital: Store) -> None:
    publish(hospital, "patient", 1, 13)
    feed = feed_of(openmrs, "patient")
    _, position = read(feed, feed.start("beginning"))
    hospital.feeds.replace_rows([])
    publish(hospital, "patient", 1, 13)
    with pytest.raises(FeedReset) as raised:
        read(feed, position)
    assert raised.value.rebuilt


def test_a_feed_that_needs_a_session_is_read_with_ours(openmrs: OpenMRSClient, hospital: Store) -> None:
    hospital.settings.feed_needs_session = True
    contents = publish(hospital, "patient", 1, 3)
    feed = feed_of(openmrs, "patient")
    position = feed.start("beginning")
    hospital.expire_sessions()
    assert read(feed, position)[0] == contents


def test_a_page_that_does_not_exist_is_none(openmrs: OpenMRSClient, hospital: Store) -> None:
    publish(hospital, "patient", 1, 3)
    assert feed_of(openmrs, "patient").page(2) is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("garbage", Unreachable), ("status:502", Unreachable), ("truncated", Garbled), ("status:500", Refused)],
)
def test_trouble_stops_the_reading_and_the_position_stays(
    openmrs: OpenMRSClient, hospital: Store, hospital_server: Server, fault: str, kind: type[Exception]
) -> None:
    contents = publish(hospital, "patient", 1, 13)
    feed = feed_of(openmrs, "patient")
    position = feed.start("beginning")
    hospital_server.faults.plan("GET", "/patient/2$", fault)
    first = next(feed.read(position))
    with pytest.raises(kind):
        read(feed, first.position)
    assert read(feed, first.position)[0] == contents[5:]


def test_a_feed_is_known_again_by_its_oldest_entry_and_by_where_it_was_read_to(
    openmrs: OpenMRSClient, hospital: Store
) -> None:
    publish(hospital, "patient", 1, 7)
    backup, feed = hospital.dump(), feed_of(openmrs, "patient")
    oldest = feed.oldest()
    publish(hospital, "patient", 8, 9)
    position = feed.start("recent")
    assert (feed.holds(position), bool(oldest)) == (True, True)
    hospital.load(backup)
    assert (feed.oldest(), feed.holds(position)) == (oldest, False)


def test_an_empty_feed_has_no_oldest_entry_and_holds_the_place_before_its_first(openmrs: OpenMRSClient) -> None:
    feed = feed_of(openmrs, "patient")
    assert (feed.oldest(), feed.holds(feed.start("recent"))) == (None, True)
