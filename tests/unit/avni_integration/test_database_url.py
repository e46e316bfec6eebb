"""One URL says everything about the database, and is never repeated in a message: it holds a password."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from avni_integration.settings.database import parse_database_url


def test_every_part_of_a_postgresql_url_is_used() -> None:
    settings = parse_database_url("postgres://sync:p%40ss%2Fword@db.example.org:6432/avni?sslmode=require")
    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert (settings["USER"], settings["PASSWORD"], settings["NAME"]) == ("sync", "p@ss/word", "avni")
    assert (settings["HOST"], settings["PORT"]) == ("db.example.org", "6432")
    assert settings["OPTIONS"] == {"sslmode": "require"}


def test_a_unix_socket_is_named_as_host_parameter() -> None:
    settings = parse_database_url("postgresql://sync@/avni?host=/run/postgresql")
    assert (settings["HOST"], settings["PORT"], settings["OPTIONS"]) == ("/run/postgresql", "", {})


@pytest.mark.parametrize(
    ("url", "name"), [("sqlite:///var/db.sqlite3", "var/db.sqlite3"), ("sqlite:////srv/a.db", "/srv/a.db")]
)
def test_a_sqlite_path_may_be_relative_or_absolute(url: str, name: str) -> None:
    assert parse_database_url(url)["NAME"] == name


def test_sqlite_takes_the_write_lock_first_and_waits_for_it() -> None:
    options = parse_database_url("sqlite:///db.sqlite3")["OPTIONS"]
    assert (options["transaction_mode"], options["timeout"]) == ("IMMEDIATE", 20)
    assert "journal_mode=WAL" in options["init_command"]


@pytest.mark.parametrize(
    "url",
    ["mysql://u:secret@h/db", "postgres://u:secret@h/", "postgres://u:secret@h:port/db", "secret", "http://[secret/x"],
)
def test_anything_else_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refused:
        parse_database_url(url)
    assert "secret" not in str(refused.value)
