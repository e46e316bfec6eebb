"""Every sample document of OpenMRS, Bahmni and OpenELIS comes out of our client as it went in, each key and each entry.

Own documents always; further ones where a folder of them is present, named by INTEGRATION_SHAPES_DIR or
`shared/fixtures` beside the checkout. A kind nobody thought of fails.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from atomfeed import Page, parse_page
from bahmni.openmrs import OpenMRSClient
from common.http import Forbidden, NotFound, Refused, RemoteError, SignInFailed, Timeouts, Unclear
from simulators.server import Request, Response, Server

ROOT = Path(__file__).parents[3]
SHAPES = Path(os.environ.get("INTEGRATION_SHAPES_DIR") or ROOT.parent / "shared" / "fixtures")
FOLDERS = ("openmrs", "openelis")


def files_in(folder: Path) -> list[Path]:
    return sorted(path for name in FOLDERS for path in (folder / name).rglob("*") if path.is_file())


OWN = files_in(ROOT / "tests" / "fixtures")
FURTHER = files_in(SHAPES)
QUICK = Timeouts(2, 2)
ATOM = "{http://www.w3.org/2005/Atom}"
SESSION = {"authenticated": True, "user": {"uuid": "u", "username": "bot"}}
COOKIE = {"Set-Cookie": "JSESSIONID=s; Path=/openmrs"}


def kind(path: Path) -> str:
    if path.suffix == ".xml":
        return "feed"
    word = path.name.split("_")[0]
    if path.suffix == ".json":
        return word if word in ("error", "request", "session") else "answer"
    return "unknown"


def of(wanted: str, which: Callable[[Path], bool] = lambda path: True) -> pytest.MarkDecorator:
    """One case for every document of a kind, our own and further ones; `which` leaves some out."""
    found = [path for path in (*OWN, *FURTHER) if kind(path) == wanted and which(path)]
    return pytest.mark.parametrize("path", found, ids=lambda path: f"{path.parent.name}-{path.stem}")


class Shelf:
    """A server that signs in whoever comes, gives out one document, and keeps what it was sent."""

    def __init__(self, body: bytes, status: int = 200, session: Any = SESSION, kind: str = "application/json") -> None:
        self.sent: list[bytes] = []
        self._document = Response(status, body, content_type=kind)
        self._session = Response(200, session, dict(COOKIE))

    def handle(self, request: Request) -> Response:
        if request.path.endswith("/session"):
            return self._session
        if request.method == "POST":
            self.sent.append(request.body)
        return self._document


def asked(shelf: Shelf, ask: Callable[[OpenMRSClient], Any]) -> Any:
    with Server(shelf) as server:
        return ask(OpenMRSClient(f"{server.base_url}/openmrs", "bot", "secret", timeouts=QUICK))


def load(path: Path) -> Any:
    """A document; a key that stands in it twice would be lost unnoticed, so it is refused here."""

    def once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), f"a key is doubled in {path.name}"
        return dict(pairs)

    return json.loads(path.read_bytes(), object_pairs_hook=lambda pairs: once(list(pairs)))


def exactly(value: Any) -> str:
    """Spelled out: order, and numbers and truth values by their kind, which `==` takes for the same."""
    return json.dumps(value, ensure_ascii=False)


def test_there_is_no_document_of_a_kind_nobody_thought_of() -> None:
    assert [path.name for path in (*OWN, *FURTHER) if kind(path) == "unknown"] == []


SAMPLES = {
    "encounters": "nested groups, several answers",
    "orders": "drug orders in default and full, one of them voided",
    "voided": "an encounter that was voided",
    "transactions": "Bahmni's own encounter documents",
    "visits": "visits in default and full",
    "lab": "laboratory results",
    "metadata": "concepts and places",
    "patients": "patients of three releases",
    "feeds": "pages of feeds, the empty one among them",
}


def test_there_are_documents_of_our_own_for_whatever_the_client_reads() -> None:
    folders = {path.parent.name for path in OWN}
    assert set(SAMPLES) <= folders
    assert {"answer", "error", "request", "session", "feed"} == {kind(path) for path in OWN}


def test_a_drug_order_of_our_own_is_voided_in_default_alone() -> None:
    default, full = (load(path) for path in OWN if path.parent.name == "orders" and "encounter" in path.name)
    assert [order.get("voided") for order in default["orders"]].count(True) == 1
    assert not any("voided" in order for order in full["orders"])


# --- answers ------------------------------------------------------------------------------------


@of("answer")
def test_an_answer_comes_out_as_it_went_in(path: Path) -> None:
    found = asked(Shelf(path.read_bytes()), lambda client: client.get("/x"))
    assert exactly(found) == exactly(load(path))


@of("answer", lambda path: isinstance(load(path), dict))
def test_an_object_comes_out_whole_by_its_uuid(path: Path) -> None:
    found = asked(Shelf(path.read_bytes()), lambda client: client.one("/x/1", "full"))
    assert exactly(found) == exactly(load(path))


@of("answer", lambda path: list(load(path)) == ["results"])
def test_a_list_comes_out_row_by_row(path: Path) -> None:
    rows = asked(Shelf(path.read_bytes()), lambda client: client.all("/x", {}))
    assert exactly(rows) == exactly(load(path)["results"])


@of("session")
def test_a_session_tells_whole_who_we_are(path: Path) -> None:
    document = load(path)
    shelf = Shelf(b"{}", session=document)
    if not document["authenticated"]:
        with pytest.raises(SignInFailed):
            asked(shelf, lambda client: client.account())
    else:
        assert exactly(asked(shelf, lambda client: client.account())) == exactly(document["user"])


@of("request")
def test_a_request_is_sent_as_it_is(path: Path) -> None:
    shelf = Shelf(b"{}", status=201)
    asked(shelf, lambda client: client.post("/x", load(path)))
    assert [exactly(json.loads(body)) for body in shelf.sent] == [exactly(load(path))]


# --- errors -------------------------------------------------------------------------------------


KINDS: dict[int, type[RemoteError]] = {400: Refused, 401: SignInFailed, 403: Forbidden, 404: NotFound, 500: Refused}


def status_of(path: Path) -> int:
    return int(path.stem.split("_")[1])


def refused(path: Path, ask: Callable[[OpenMRSClient], Any]) -> RemoteError:
    with pytest.raises(RemoteError) as failure:
        asked(Shelf(path.read_bytes(), status_of(path)), ask)
    return failure.value


MACHINE_WORD = re.compile(r"[A-Za-z0-9_.]+")


@of("error")
def test_an_error_is_of_the_kind_of_its_status(path: Path) -> None:
    failure = refused(path, lambda client: client.get("/x"))
    assert (type(failure), failure.status) == (KINDS[status_of(path)], status_of(path))


@of("error", lambda path: KINDS[status_of(path)] is Refused)
def test_every_machine_word_and_every_field_of_a_refusal_is_handed_on(path: Path) -> None:
    failure = refused(path, lambda client: client.get("/x"))
    assert isinstance(failure, Refused)
    error = load(path)["error"]
    fields = error.get("fieldErrors", {})
    complaints = [*error.get("globalErrors", []), *(one for group in fields.values() for one in group)]
    words = [*(one["code"] for one in complaints), error["code"].split(":")[0]]
    assert {word for word in words if MACHINE_WORD.fullmatch(word)} <= set(failure.codes)
    assert len(failure.codes) >= len(set(words))  # a sentence has a word of ours in its place
    assert list(failure.fields) == list(fields)


@of("error")
def test_no_sentence_and_no_trace_of_an_error_is_handed_on(path: Path) -> None:
    failure = refused(path, lambda client: client.get("/x"))
    error = load(path)["error"]
    assert error["message"] not in str(failure)
    assert not error.get("detail") or error["detail"] not in str(failure)


@pytest.mark.parametrize("name", ["error_500_duplicate_uuid", "error_500_deadlock"])
def test_a_write_after_which_the_record_may_be_there_is_unclear(name: str) -> None:
    path = next(path for path in OWN if path.stem == name)
    assert isinstance(refused(path, lambda client: client.post("/x", {})), Unclear)


# --- feeds --------------------------------------------------------------------------------------


def page_in(path: Path) -> Page:
    """The page as our client reads it; archived pages are asked for by number, the newest by name."""
    shelf = Shelf(path.read_bytes(), kind="text/plain;charset=ISO-8859-1")
    data = asked(shelf, lambda client: client.feed("encounter", "recent"))
    assert data == path.read_bytes()
    return parse_page(data)


def text(element: Any, name: str) -> str:
    return (element.findtext(ATOM + name) or "").strip()


@of("feed")
def test_every_entry_of_a_feed_is_read(path: Path) -> None:
    entries = etree.fromstring(path.read_bytes()).findall(ATOM + "entry")
    assert [(one.id, one.title, one.content) for one in page_in(path).entries] == [
        (text(entry, "id"), text(entry, "title"), text(entry, "content")) for entry in entries
    ]


@of("feed")
def test_categories_and_times_of_every_entry_are_read(path: Path) -> None:
    entries = etree.fromstring(path.read_bytes()).findall(ATOM + "entry")
    for one, entry in zip(page_in(path).entries, entries, strict=True):
        assert one.categories == {category.get("term") for category in entry.findall(ATOM + "category")}
        times = {datetime.fromisoformat(text(entry, name)).astimezone(UTC) for name in ("updated", "published")}
        assert {one.updated} == times


@of("feed")
def test_links_of_a_feed_become_numbers(path: Path) -> None:
    page = page_in(path)
    links = etree.fromstring(path.read_bytes()).findall(ATOM + "link")
    numbers = {link.get("rel"): str(link.get("href")).rsplit("/", 1)[1] for link in links}
    shown = {"via": page.number, "next-archive": page.next, "prev-archive": page.prev}
    assert {rel: str(number) for rel, number in shown.items() if number is not None} == {
        rel: number for rel, number in numbers.items() if rel != "self"
    }


def test_own_feeds_hold_several_titles_doubled_entries_and_empty_contents() -> None:
    pages = [page_in(path) for path in OWN if kind(path) == "feed"]
    entries = [entry for page in pages for entry in page.entries]
    assert {"Encounter", "Bed-Assignment", "Patient", "accession", "test", "sample"} <= {one.title for one in entries}
    assert any(one.content == "" for one in entries)
    assert any(page.number == 0 and not page.entries for page in pages)
    contents = [one.content for one in entries if one.title == "Encounter"]
    assert len(contents) > len(set(contents))
