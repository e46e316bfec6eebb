"""Whether what a server tells agrees with what is remembered of it: the comparison, then what is kept."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import connection, transaction

from engine.identity import FACTS, LINKS_AFTER, Difference, Expected, Identities, differences, learned, remember
from engine.registry import Connector, Fact, Seen, Servers
from tenants.models import Connection, Tenant
from tenants.scoping import all_tenants

SPECS = (Fact("organisation", "the organisation"), Fact("user", "our user", must_match=False))


def expected(**facts: str) -> Expected:
    return Expected(facts, ())


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {"organisation": "demo"}),
        ({"organisation": ""}, {"organisation": "demo"}),
        ({"organisation": "demo"}, {"organisation": "demo"}),
        ({"organisation": "demo"}, {}),
        ({"organisation": "demo", "user": "a"}, {"organisation": "demo", "user": "b"}),
    ],
    ids=["first contact", "empty until now", "as it was", "not told this time", "another account"],
)
def test_the_server_is_the_one_it_was(before: dict[str, str], now: dict[str, str]) -> None:
    assert differences(expected(**before), Seen(now), SPECS) == []


@pytest.mark.parametrize("now", ["elsewhere", ""])
def test_a_fact_that_must_match_and_does_not_is_a_difference(now: str) -> None:
    found = differences(expected(organisation="demo"), Seen({"organisation": now}), SPECS)
    assert found == [Difference("the organisation", "demo", now)]


def test_what_must_be_there_and_is_not_is_a_difference() -> None:
    assert differences(expected(), Seen({}, ("the record written last (e-1)",)), SPECS) == [
        Difference("the record written last (e-1)", "there", "")
    ]


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (Difference("the organisation", "demo", "other"), "the organisation was demo and is other"),
        (Difference("the organisation", "demo", ""), "the organisation is not there"),
        (Difference("the oldest entry", "x" * 60, "y" * 60), "the oldest entry is another one"),
    ],
)
def test_a_difference_is_said_in_a_few_words(difference: Difference, said: str) -> None:
    assert str(difference) == said


def test_what_is_told_anew_is_learned_and_what_is_not_told_stays_known() -> None:
    kept = learned(expected(organisation="demo", user="a"), Seen({"user": "b", "oldest": ""}))
    assert kept == {"organisation": "demo", "user": "b"}


# -- when it is asked again --------------------------------------------------------------------------------------------


class Clients:
    """The clients of one server, which the test signs in; they keep up to which signing in they may write."""

    def __init__(self) -> None:
        self.signed_in = 0
        self.trusted: int | None = None

    def sign_ins(self, side: str) -> int:
        return self.signed_in

    def trust(self, side: str, sign_ins: int) -> None:
        self.trusted = sign_ins


class Asked:
    """A connector to a server that tells nothing special, and that may demand a signing in when it is asked."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.demands_signing_in = False

    def identity(self, servers: object, side: str, traces: object) -> Seen:
        self.clients.signed_in += self.demands_signing_in
        return Seen({})

    def side(self, side: str) -> Any:
        return SimpleNamespace(facts=SPECS)


@pytest.mark.parametrize(
    ("signed_in", "demands", "is_proven"),
    [(0, True, True), (1, False, True), (1, True, False)],
    ids=["first contact", "within a session", "a session that ended while asking"],
)
def test_only_answers_of_one_session_prove_a_server(signed_in: int, demands: bool, is_proven: bool) -> None:
    clients, known = Clients(), Identities()
    asked = Asked(clients)
    clients.signed_in, asked.demands_signing_in = signed_in, demands
    known.ask(cast(Connector, asked), cast(Servers, clients), "bahmni", expected())
    assert known.is_fresh("bahmni", clients.signed_in) is is_proven
    assert (clients.trusted == clients.signed_in) is is_proven


# -- what is kept ------------------------------------------------------------------------------------------------------


def kept_after_another_wrote(before: dict[str, str], accepted: dict[str, str]) -> dict[str, object]:
    """What the connection remembers when somebody else was writing while a server's facts were to be kept."""
    with all_tenants():
        tenant = Tenant.objects.create(name="ashwini")
        row = Connection.objects.create(tenant=tenant, side="avni", base_url="http://avni", identity={FACTS: before})

    def keep() -> None:
        try:
            with all_tenants():
                remember(tenant.pk, "avni", before | {"user": "b"}, before)
        finally:
            connection.close()

    thread = threading.Thread(target=keep)
    with all_tenants():
        with transaction.atomic():
            rows = Connection.objects.filter(pk=row.pk)
            rows.update(identity={FACTS: accepted, LINKS_AFTER: 7})
            thread.start()
            while thread.is_alive() and not somebody_waits():
                pass
        thread.join()
        row.refresh_from_db()
    return dict(row.identity)


def somebody_waits() -> bool:
    """Whether a transaction waits for a lock of another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_facts_are_kept_beside_what_a_person_accepted_meanwhile() -> None:
    kept = kept_after_another_wrote({"organisation": "demo"}, {"organisation": "demo"})
    assert kept == {FACTS: {"organisation": "demo", "user": "b"}, LINKS_AFTER: 7}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_facts_accepted_meanwhile_are_not_written_over() -> None:
    kept = kept_after_another_wrote({"organisation": "demo"}, {"organisation": "elsewhere"})
    assert kept == {FACTS: {"organisation": "elsewhere"}, LINKS_AFTER: 7}
