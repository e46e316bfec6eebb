"""A copy of a database hands nothing over, nor does a tenant whose server moved, until a person binds it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection

from common.http_errors import WriteRefused
from engine import moves, seal_moves, work
from engine.moves import CannotStart
from engine.overview import overview
from syncstatus.models import Flow, Link, Position, Stream
from syncstatus.state import State
from tenants import environment, seal
from tenants.audit import COMMAND, SYSTEM
from tenants.models import AuditEntry, Connection, Tenant
from tests.flow.world import World, small_world

ROOT = Path(__file__).parents[2]
MANAGE = [sys.executable, "manage.py"]


@contextmanager
def copied(process_environment: dict[str, str], folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a second installation, which got a copy of the database and nothing else."""
    name = str(connection.settings_dict["NAME"])
    connection.close()
    if connection.vendor == "sqlite":
        for part in Path(name).parent.glob(f"{Path(name).name}*"):
            shutil.copy(part, folder / part.name)
        yield {**process_environment, "DATABASE_URL": f"sqlite:///{folder / Path(name).name}"}
        return
    copy = f"{name}_copy"
    with beside(connection) as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{copy}"')
        cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    url = urlsplit(process_environment["DATABASE_URL"])._replace(path=f"/{copy}").geturl()
    try:
        yield {**process_environment, "DATABASE_URL": url}
    finally:
        with beside(connection) as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')


@contextmanager
def beside(to: Any) -> Iterator[Any]:
    """A cursor at the same server, in none of its databases that tests use."""
    with to._nodb_cursor() as cursor:
        yield cursor


def told(arguments: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Exit status and what was said by a command of an installation."""
    done = subprocess.run([*MANAGE, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)  # noqa: PLW1510
    return done.returncode, done.stdout + done.stderr


TASK = "import sys, django; django.setup()\nfrom engine.work import sync\n"
TASK += "for stream in ('subject', 'patient'): sync(int(sys.argv[1]), stream)\n"


@pytest.mark.django_db(transaction=True)
def test_a_copied_database_sends_nothing_until_it_is_bound(process_environment: dict[str, str], tmp_path: Path) -> None:
    with small_world() as world:
        world.switch_on()
        world.subject("1001")
        world.patient("1001")
        work.forget()
        world.reset_counts()
        with copied(process_environment, tmp_path) as second:
            subprocess.run(
                [sys.executable, "-c", TASK, str(world.tenant.pk)], cwd=ROOT, env=second, check=True, timeout=120
            )
            assert told(["sync", "ashwini"], second)[0] == 2
            assert not world.avni_server.counts
            assert not world.bahmni_server.counts
            assert "sealed" in told(["status", "ashwini"], second)[1]
            assert told(["bind", "ashwini", "--reason", "this is the new one"], second)[0] == 0
            assert told(["sync", "ashwini"], second)[0] == 0
            assert world.writes == 3  # a visit with its encounter there, the registration here


@pytest.mark.django_db(transaction=True)
def test_the_first_installation_goes_on_beside_its_copy(process_environment: dict[str, str], tmp_path: Path) -> None:
    with small_world() as world:
        world.switch_on()
        world.subject("1001")
        work.forget()
        with copied(process_environment, tmp_path):
            pass
        assert world.sync("subject").looks[-1].stopped_by == ""
        assert Link.objects.count() == 1


@pytest.fixture
def elsewhere(world: World, settings: Any) -> World:
    """The world, looked at from an installation that got a copy of it."""
    work.forget()
    world.reset_counts()
    settings.ENVIRONMENT_ID = "the trial"
    return world


def test_a_copy_asks_no_server_and_its_positions_stay(elsewhere: World) -> None:
    elsewhere.subject("1001")
    before = list(Position.objects.values_list("stream__key", "value"))
    looks = elsewhere.sync().looks
    assert {look.stopped_by for look in looks} == {seal.COPY}
    assert not elsewhere.avni_server.counts
    assert not elsewhere.bahmni_server.counts
    assert list(Position.objects.values_list("stream__key", "value")) == before


def test_no_client_of_a_copy_writes_whoever_asks_it(elsewhere: World) -> None:
    servers: Any = work.servers_of(work.setting_of(Tenant.objects.get()))
    with pytest.raises(WriteRefused):
        servers.openmrs.post("visit", {})


def test_a_copy_can_be_tried_and_looked_at(elsewhere: World, capsys: pytest.CaptureFixture[str]) -> None:
    subject = elsewhere.subject("1001")
    with suppress(SystemExit):
        call_command("sync", "ashwini", "--dry-run", "--stream", "subject")
    assert f"subject {subject}: would be created" in capsys.readouterr().out
    assert elsewhere.writes == 0


def test_a_copy_says_so_in_its_state(elsewhere: World) -> None:
    for seen in overview(Flow.objects.select_related("tenant")):
        assert seen.state is State.SEALED
        assert "not the one the tenant was set up in" in seen.trouble


@pytest.mark.parametrize("act", [moves.run_now, moves.switch_on])
def test_in_a_copy_nothing_is_run_or_switched_on(elsewhere: World, act: Any) -> None:
    with pytest.raises(CannotStart, match="bind the tenant to this installation"):
        act(Flow.objects.select_related("tenant").order_by("key")[0], actor=COMMAND)


def test_bound_by_a_person_a_copy_works_and_it_is_on_record(elsewhere: World) -> None:
    subject = elsewhere.subject("1001")
    elsewhere.sync()
    assert seal_moves.bind(Tenant.objects.get(), reason="the old server burnt down", actor=COMMAND)
    assert Stream.objects.filter(due_since__isnull=False).count() == Stream.objects.count()
    work.work_off(elsewhere.tenant.pk)
    assert elsewhere.link("subject", subject).outcome == "created"
    entry = AuditEntry.objects.filter(action="bind").order_by("-pk")[0]
    assert entry.reason == "the old server burnt down"
    assert (entry.before or {})["installation"] != (entry.after or {})["installation"] == "the trial"


def test_a_binding_needs_a_reason(elsewhere: World) -> None:
    with pytest.raises(ValueError, match="say why"):
        seal_moves.bind(Tenant.objects.get(), reason=" ", actor=COMMAND)


def test_a_tenant_that_is_not_sealed_is_not_bound_again(world: World) -> None:
    assert not seal_moves.bind(Tenant.objects.get(), reason="just so", actor=COMMAND)


def change_address(url: str) -> None:
    row = Connection.objects.get(side="bahmni")
    moves.change_settings(row, {"base_url": url}, actor=SYSTEM)


def test_a_server_whose_address_changed_without_a_word_is_not_asked(world: World) -> None:
    world.subject("1001")
    world.reset_counts()
    there = Connection.objects.get(side="bahmni").base_url
    change_address(there.replace("127.0.0.1", "localhost"))
    assert {look.stopped_by for look in world.sync().looks} == {seal.ADDRESS}
    assert not world.bahmni_server.counts


def test_bound_to_its_new_address_a_tenant_goes_on(world: World) -> None:
    world.subject("1001")
    there = Connection.objects.get(side="bahmni").base_url
    change_address(there.replace("127.0.0.1", "localhost"))
    world.sync()
    seal_moves.bind(Tenant.objects.get(), reason="it has a name now", actor=COMMAND)
    assert {look.stopped_by for look in world.sync().looks} == {""}
    assert Link.objects.filter(stream__key="subject").count() == 1


def test_an_address_put_back_needs_no_word(world: World) -> None:
    there = Connection.objects.get(side="bahmni").base_url
    for url in (there.replace("127.0.0.1", "localhost"), there):
        change_address(url)
    assert {look.stopped_by for look in world.sync().looks} == {""}


def test_before_a_flow_is_switched_on_addresses_change_freely(db: None) -> None:
    with small_world() as world:
        there = Connection.objects.get(side="bahmni").base_url
        for url in ("http://elsewhere.example/openmrs", there):
            change_address(url)
        world.switch_on()
        assert {look.stopped_by for look in world.sync().looks} == {""}


def test_a_tenant_of_a_release_that_knew_no_seal_is_bound_where_it_is_worked(world: World) -> None:
    Tenant.objects.update(bound_to="")
    Connection.objects.update(bound_url="")
    world.sync()
    assert Tenant.objects.get().bound_to == environment.environment_id()
    assert set(Connection.objects.values_list("bound_url")) == set(Connection.objects.values_list("base_url"))


def test_the_command_shows_why_a_tenant_is_sealed(elsewhere: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bind", "ashwini")
    said = capsys.readouterr().out
    assert "ashwini is sealed." in said
    assert Connection.objects.get(side="bahmni").base_url in said
    assert seal.sealed()


def test_an_installation_is_known_by_its_database_server(db: None, tmp_path: Path) -> None:
    told_once = environment.environment_id()
    environment.forget()
    assert environment.environment_id() == told_once
    assert told_once.startswith(connection.vendor)


def test_a_file_tells_an_installation_on_sqlite_and_a_copy_elsewhere_has_its_own(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    ids = [environment._of_file(str(folder / "db.sqlite3")) for folder in (here, here, there)]
    assert ids[0] == ids[1] != ids[2]
