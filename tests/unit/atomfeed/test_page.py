from __future__ import annotations

from datetime import UTC, datetime

import pytest

from atomfeed import NotAFeed, parse_page
from tests.unit.atomfeed.pages import entry_xml, page_xml

LINKS = {
    "self": "http://host/openmrs/ws/atomfeed/patient/recent",
    "via": "http://host/openmrs/ws/atomfeed/patient/7",
    "prev-archive": "http://host/openmrs/ws/atomfeed/patient/6",
}


def content_of(content: str) -> str:
    return parse_page(page_xml(LINKS, [entry_xml("a", content=content)])).entries[0].content


def test_everything_of_an_entry_is_read() -> None:
    data = page_xml(
        LINKS, [entry_xml("tag:x:1", datetime(2026, 3, 1, 12, tzinfo=UTC), "<![CDATA[/patient/7?v=full]]>")]
    )
    entry = parse_page(data).entries[0]
    assert (entry.id, entry.title, entry.categories) == ("tag:x:1", "Thing", frozenset({"thing"}))
    assert (entry.content, entry.updated) == ("/patient/7?v=full", datetime(2026, 3, 1, 12, tzinfo=UTC))


def test_the_newest_page_takes_its_number_from_via() -> None:
    page = parse_page(page_xml(LINKS, []))
    assert (page.number, page.prev, page.next) == (7, 6, None)


@pytest.mark.parametrize(
    ("links", "number"),
    [
        ({"self": "/feed/4"}, 4),
        ({"self": "/feed/recent", "prev-archive": "/feed/3"}, 4),
        ({"next-archive": "/feed/5"}, 4),
        ({"via": "4"}, 4),
        ({"via": "//elsewhere:99/feed/4/?x=9"}, 4),
    ],
)
def test_a_missing_via_is_made_up_for_by_the_other_links(links: dict[str, str], number: int) -> None:
    assert parse_page(page_xml(links, [])).number == number


def test_the_requested_number_counts_more_than_the_links() -> None:
    assert parse_page(page_xml({}, []), 3).number == 3


def test_a_page_that_does_not_say_its_number_is_refused() -> None:
    with pytest.raises(NotAFeed, match="links"):
        parse_page(page_xml({"self": "/feed/recent"}, []))


def test_a_next_page_that_leads_back_is_refused() -> None:
    with pytest.raises(NotAFeed, match="links"):
        parse_page(page_xml({"next-archive": "/feed/3"}, []), 3)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<![CDATA[/a?v=custom:(x,y)&z=1]]>", "/a?v=custom:(x,y)&z=1"),
        ("\n  <![CDATA[ /a ]]>\n ", "/a"),
        ("/a?x=1&amp;y=2", "/a?x=1&y=2"),
        ('<![CDATA[{"rest": "/a"}]]>', '{"rest": "/a"}'),
        ("", ""),
    ],
)
def test_every_way_to_write_content_is_read(written: str, read: str) -> None:
    assert content_of(written) == read


def test_an_entry_without_content_has_none() -> None:
    bare = "<entry><id>a</id><updated>2026-01-01T00:00:00Z</updated></entry>"
    assert parse_page(page_xml(LINKS, [bare])).entries[0].content == ""


def test_published_stands_in_for_updated() -> None:
    bare = "<entry><id>a</id><published>2026-01-01T05:30:00+05:30</published></entry>"
    assert parse_page(page_xml(LINKS, [bare])).entries[0].updated == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_entry_without_id_makes_the_page_unreadable() -> None:
    with pytest.raises(NotAFeed, match="id"):
        parse_page(page_xml(LINKS, ["<entry><id> </id></entry>"]))


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n\n", b"\xef\xbb\xbf\r\n "])
def test_what_stands_before_the_declaration_is_forgiven(before: bytes) -> None:
    assert parse_page(before + page_xml(LINKS, [])).number == 7


def test_bytes_are_read_as_they_declare_themselves() -> None:
    data = page_xml(LINKS, [entry_xml("é")]).decode().replace("UTF-8", "ISO-8859-1").encode("latin-1")
    assert parse_page(data).entries[0].id == "é"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "well-formed"),
        (b"<html><body>log in</body></html>", "root"),
        (b"<!DOCTYPE html><html><br></html>", "well-formed"),
        (b"<feed/>", "root"),
        (page_xml(LINKS, [])[:-9], "well-formed"),
        (page_xml(LINKS, [entry_xml("a", content="\x0b")]), "well-formed"),
        (b'<!DOCTYPE feed><feed xmlns="http://www.w3.org/2005/Atom"/>', "document type"),
        (b'<!DOCTYPE f [<!ENTITY e SYSTEM "file:///etc/passwd">]><feed>&e;</feed>', "document type"),
    ],
)
def test_what_is_no_feed_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(NotAFeed, match=fault):
        parse_page(data)


def test_a_bomb_of_entities_is_refused() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE feed [<!ENTITY e0 "x">{levels}]><feed xmlns="http://www.w3.org/2005/Atom"><id>&e11;</id></feed>'
    with pytest.raises(NotAFeed):
        parse_page(bomb.encode())


def test_ids_of_a_page_stand_once_in_order() -> None:
    page = parse_page(page_xml(LINKS, [entry_xml("b"), entry_xml("a"), entry_xml("b")]))
    assert page.ids == ["b", "a"]
