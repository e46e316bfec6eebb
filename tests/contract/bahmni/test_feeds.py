"""Atom feeds: pages, links, what is published and what never is."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from simulators.bahmni import Store, catalogue, clinicians
from simulators.bahmni.model import Patient
from tests.contract.bahmni.support import ENCOUNTER, NOTE, PATIENT, PHONE_TYPE, VISIT, Clock, Http

ATOM = "{http://www.w3.org/2005/Atom}"


def page(http: Http, path: str) -> Any:
    answer = http.feed(path)
    assert answer.status_code == 200, answer.text
    return etree.fromstring(answer.content)


def links(document: Any) -> dict[str, str]:
    return {link.get("rel"): link.get("href") for link in document.findall(f"{ATOM}link")}


def contents(document: Any) -> list[str]:
    return [entry.findtext(f"{ATOM}content") for entry in document.findall(f"{ATOM}entry")]


def publish(store: Store, count: int, category: str = "patient") -> None:
    first = len(store.feeds.of(category))
    for number in range(first + 1, first + count + 1):
        store.publish(category, "Patient", f"/openmrs/{number}")


def numbers(document: Any) -> list[int]:
    return [int(content.rsplit("/", 1)[1]) for content in contents(document)]


# pages


def test_page_holds_five_entries_oldest_first(http: Http, store: Store) -> None:
    publish(store, 12)
    assert [numbers(page(http, f"patient/{number}")) for number in (1, 2, 3)] == [
        [1, 2, 3, 4, 5],
        [6, 7, 8, 9, 10],
        [11, 12],
    ]


def test_recent_is_the_newest_page_and_via_its_number(http: Http, store: Store) -> None:
    publish(store, 7)
    recent = links(page(http, "patient/recent"))
    assert recent["self"].endswith("/openmrs/ws/atomfeed/patient/recent")
    assert recent["via"].endswith("/patient/2")
    assert recent["prev-archive"].endswith("/patient/1")
    assert "next-archive" not in recent


def test_first_page_has_a_next_and_no_previous(http: Http, store: Store) -> None:
    publish(store, 7)
    first = links(page(http, "patient/1"))
    assert first["self"] == first["via"]
    assert first["next-archive"].endswith("/patient/2")
    assert "prev-archive" not in first


def test_empty_feed_is_page_zero_without_neighbours(http: Http) -> None:
    empty = page(http, "patient/recent")
    assert contents(empty) == []
    assert set(links(empty)) == {"self", "via"}
    assert links(empty)["via"].endswith("/patient/0")
    assert empty.findtext(f"{ATOM}id").endswith("+0")
    assert empty.findtext(f"{ATOM}updated") == "2026-11-20T18:30:00Z"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "feedId must not be null and must be greater than 0"),
        ("-1", "greater than 0"),
        ("3", "feed does not exist"),
    ],
)
def test_page_out_of_range_is_500_with_a_text(http: Http, store: Store, number: str, text: str) -> None:
    publish(store, 7)
    answer = http.feed(f"patient/{number}")
    assert answer.status_code == 500
    assert text in answer.text
    assert answer.headers["Content-Type"].startswith("text/html")


def test_categories_are_separate_and_case_is_ignored(http: Http, store: Store) -> None:
    publish(store, 2)
    publish(store, 6, "Encounter")
    assert numbers(page(http, "encounter/2")) == [6]
    assert numbers(page(http, "PATIENT/recent")) == [1, 2]


def test_case_may_count(http: Http, store: Store) -> None:
    store.settings.feed_case_sensitive = True
    publish(store, 1, "Encounter")
    assert contents(page(http, "encounter/recent")) == []


def test_query_survives_in_self_only(http: Http, store: Store) -> None:
    publish(store, 1)
    shown = links(page(http, "patient/recent?a=b"))
    assert shown["self"].endswith("/recent?a=b")
    assert shown["via"].endswith("/patient/1")


def test_entry_says_what_changed(http: Http, store: Store, patient: Patient) -> None:
    entry = page(http, "patient/recent").find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "Patient"
    assert entry.find(f"{ATOM}category").get("term") == "patient"
    assert entry.findtext(f"{ATOM}id") == f"tag:atomfeed.ict4h.org:{store.feeds.rows[0].uuid}"
    assert entry.findtext(f"{ATOM}updated") == entry.findtext(f"{ATOM}published") == "2026-11-21T06:00:00Z"
    assert entry.find(f"{ATOM}content").get("type") == "application/vnd.atomfeed+xml"
    assert contents(page(http, "patient/recent")) == [f"/openmrs/ws/rest/v1/patient/{PATIENT}?v=full"]


def test_content_stands_in_cdata_and_lines_end_like_windows(http: Http, patient: Patient) -> None:
    raw = http.feed("patient/recent").content
    assert b"<![CDATA[/openmrs/ws/rest/v1/patient/" in raw
    assert b"\r\n" in raw


def test_bytes_are_utf8_whatever_the_header_says(http: Http, store: Store) -> None:
    store.publish("lab", "रक्त", "/openmrs/x")
    answer = http.feed("lab/recent")
    assert "ISO-8859-1" in answer.headers["Content-Type"]
    assert "रक्त".encode() in answer.content


def test_no_caching_headers(http: Http, patient: Patient) -> None:
    assert not {"ETag", "Last-Modified", "Cache-Control"} & set(http.feed("patient/recent").headers)


def test_feeds_need_no_login_and_ignore_basic(http: Http, patient: Patient) -> None:
    stranger = Http(http.base, user="nobody", password="wrong")
    assert stranger.feed("patient/recent").status_code == 200
    assert "JSESSIONID" not in stranger.session.cookies


def test_site_may_protect_its_feeds(http: Http, store: Store) -> None:
    store.settings.feed_needs_session = True
    assert http.feed("patient/recent").status_code == 200
    assert Http(http.base).feed("patient/recent").status_code == 401


def test_links_may_name_another_host(http: Http, store: Store) -> None:
    store.settings.feed_links_base = "http://inside.example:8080"
    publish(store, 1)
    assert links(page(http, "patient/recent"))["via"] == "http://inside.example:8080/openmrs/ws/atomfeed/patient/1"


def test_forwarded_scheme_shows_in_links(http: Http, store: Store) -> None:
    publish(store, 1)
    answer = http.feed("patient/recent", headers={"X-Forwarded-Proto": "https"})
    assert links(etree.fromstring(answer.content))["via"].startswith("https://")


def test_path_that_is_no_page_is_404(http: Http) -> None:
    assert http.feed("patient/newest").status_code == 404


# history and surgery


def test_chunking_appended_leaves_old_pages_as_they_were(http: Http, store: Store) -> None:
    publish(store, 7)
    store.feeds.append_chunking(9, 3)
    publish(store, 6)
    assert [numbers(page(http, f"patient/{number}")) for number in (1, 2, 3, 4)] == [
        [1, 2, 3, 4, 5],
        [6, 7, 8],
        [9, 10, 11],
        [12, 13],
    ]


def test_chunking_rewritten_moves_every_border(http: Http, store: Store) -> None:
    publish(store, 7)
    store.feeds.rechunk(3)
    assert numbers(page(http, "patient/2")) == [4, 5, 6]


def test_deleted_row_shifts_later_pages(http: Http, store: Store) -> None:
    publish(store, 7)
    store.feeds.delete(store.feeds.rows[0].uuid)
    assert numbers(page(http, "patient/1")) == [2, 3, 4, 5, 6]


def test_truncated_log_has_fewer_pages(http: Http, store: Store) -> None:
    publish(store, 12)
    store.feeds.truncate("patient", 2)
    assert numbers(page(http, "patient/1")) == [11, 12]
    assert http.feed("patient/3").status_code == 500


# contents


def test_one_category_carries_several_titles(http: Http, store: Store) -> None:
    store.publish("lab", "test", "/openmrs/ws/rest/v1/reference-data/test/t")
    store.publish("lab", "panel", "/openmrs/ws/rest/v1/reference-data/panel/p")
    store.publish("drug", "drug", "/openmrs/ws/rest/v1/reference-data/drug/d")
    titles = [entry.findtext(f"{ATOM}title") for entry in page(http, "lab/recent").findall(f"{ATOM}entry")]
    assert titles == ["test", "panel"]
    assert len(contents(page(http, "drug/recent"))) == 1


def test_bed_entries_appear_in_the_encounter_feed(http: Http, store: Store) -> None:
    path = "/openmrs/ws/rest/v1/bedPatientAssignment/b?v=custom:(uuid,startDatetime)"
    store.publish("encounter", "Bed-Assignment", path)
    assert contents(page(http, "encounter/recent")) == [path]


def test_tags_are_categories_too(http: Http, store: Store) -> None:
    store.publish("patient", "Patient", "/x", tags=["CREATED"])
    terms = [each.get("term") for each in page(http, "patient/recent").iter(f"{ATOM}category")]
    assert sorted(terms) == ["CREATED", "patient"]


def test_entry_without_content_is_possible(http: Http, store: Store) -> None:
    store.publish("patient", "Patient", None)
    assert contents(page(http, "patient/recent")) == [""]


def test_illegal_content_breaks_the_whole_page(http: Http, store: Store, patient: Patient) -> None:
    store.publish("patient", "Patient", "a]]>b")
    assert http.feed("patient/recent").status_code == 500


def test_one_change_may_leave_two_entries_in_the_same_second(http: Http, store: Store) -> None:
    store.settings.event_copies = 2
    store.hospital_create_patient("Asha", "Devi", "X", identifier_type=catalogue.PATIENT_IDENTIFIER)
    shown = page(http, "patient/recent")
    assert len(set(contents(shown))) == 1
    assert len({entry.findtext(f"{ATOM}id") for entry in shown.findall(f"{ATOM}entry")}) == 2


# publishing


def test_entry_appears_when_the_publisher_has_run(http: Http, store: Store, clock: Clock, patient: Patient) -> None:
    store.settings.feed_delay = 2
    store.hospital_edit_attribute(PATIENT, PHONE_TYPE, "1")
    assert len(contents(page(http, "patient/recent"))) == 1
    clock.move(2)
    assert len(contents(page(http, "patient/recent"))) == 2


def test_stopped_publisher_queues(http: Http, store: Store, patient: Patient) -> None:
    store.settings.feed_stopped = True
    store.hospital_edit_attribute(PATIENT, PHONE_TYPE, "1")
    assert len(contents(page(http, "patient/recent"))) == 1
    store.settings.feed_stopped = False
    assert len(contents(page(http, "patient/recent"))) == 2


def test_rest_writes_of_a_patient_are_published(http: Http, store: Store, patient: Patient) -> None:
    http.post(f"/patient/{PATIENT}", {"person": {"gender": "M"}})
    assert len(store.feeds.of("patient")) == 2


def test_rest_writes_of_visits_and_encounters_are_not(http: Http, store: Store, visit: str) -> None:
    before = len(store.feeds.rows)
    body = {"uuid": ENCOUNTER, "patient": PATIENT, "encounterType": catalogue.CONSULTATION, "visit": VISIT}
    assert http.post("/encounter", body).status_code == 201
    http.post(f"/visit/{VISIT}", {"location": catalogue.OPD_1})
    http.delete(f"/visit/{VISIT}")
    assert len(store.feeds.rows) == before


def test_a_clinicians_form_is_published_under_the_capital_category(http: Http, store: Store, visit: str) -> None:
    store.hospital_save_encounter(
        uuid=ENCOUNTER,
        patient=PATIENT,
        encounterType=catalogue.CONSULTATION,
        visit=VISIT,
        obs=[{"concept": NOTE, "value": "x"}],
    )
    shown = page(http, "encounter/recent")
    assert contents(shown) == [f"/openmrs/ws/rest/v1/bahmnicore/bahmniencounter/{ENCOUNTER}?includeAll=true"]
    assert shown.find(f"{ATOM}entry/{ATOM}category").get("term") == "Encounter"


def test_an_investigation_is_published_twice_by_a_clinicians_save(http: Http, store: Store, visit: str) -> None:
    clinicians.save_encounter(store, PATIENT, kind=catalogue.INVESTIGATION, uuid=ENCOUNTER)
    path = f"/openmrs/ws/rest/v1/bahmnicore/bahmniencounter/{ENCOUNTER}?includeAll=true"
    assert contents(page(http, "encounter/recent")) == [path, path]


def test_an_investigation_is_published_by_plain_writes_and_voids_too(http: Http, store: Store, visit: str) -> None:
    body = {"uuid": ENCOUNTER, "patient": PATIENT, "encounterType": catalogue.INVESTIGATION, "visit": VISIT}
    assert http.post("/encounter", body).status_code == 201
    assert len(store.feeds.of("encounter")) == 1
    assert http.delete(f"/encounter/{ENCOUNTER}").status_code == 204
    assert len(store.feeds.of("encounter")) == 2
