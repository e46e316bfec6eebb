"""The commands an administrator without a browser uses, on real servers."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from errors.models import ErrorRecord
from syncstatus.models import Flow, Link, Position, Run, Stream
from tenants.models import Connection
from tenants.secrets import Secret
from tests.flow.world import World


def status_of(*words: str) -> int:
    """Exit status of a command."""
    try:
        call_command(*words)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_sync_hands_over_and_ends_with_zero(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.subject("1001")
    assert status_of("sync", "ashwini", "--stream", "subject") == 0
    assert "read 1 · created 1 · target writes 3" in capsys.readouterr().out


def test_sync_ends_with_one_when_a_record_failed(world: World) -> None:
    world.subject(None)
    assert status_of("sync", "ashwini") == 1


def test_sync_ends_with_three_when_a_server_is_down(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.subject("1001")
    world.bahmni_server.stop()
    assert status_of("sync", "ashwini", "--stream", "subject") == 3
    assert "does not answer" in capsys.readouterr().err
    assert not ErrorRecord.objects.exists()


def test_a_dry_run_writes_nothing_anywhere_and_says_what_it_would_do(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = world.subject("1001")
    world.subject(None)
    position = Position.objects.get(stream__key="subject").value
    assert status_of("sync", "ashwini", "--dry-run", "--stream", "subject") == 1
    said = capsys.readouterr().out
    assert f"subject {subject}: would be created" in said
    assert "create patient" in said
    assert "is empty" in said
    assert world.writes == 0
    assert Position.objects.get(stream__key="subject").value == position
    for rows in (Link, ErrorRecord, Run):
        assert not rows.objects.exists()


def test_a_refused_password_is_tried_once_and_not_again_until_somebody_acts(world: World) -> None:
    world.subject("1001")
    row = Connection.objects.get(side="bahmni")
    row.secret = Secret.of("wrong")
    row.save()
    world.tenant.refresh_from_db()
    for _ in range(3):
        world.sync("subject")
    assert Stream.objects.get(key="subject").last_look_failure == "remote.sign-in"
    assert world.bahmni_server.requests == 1
    row.secret = Secret.of("secret")
    row.save()
    world.sync("subject")
    assert Link.objects.count() == 1


def test_sync_of_a_flow_that_is_off_says_how_to_switch_it_on(world: World) -> None:
    Flow.objects.update(is_on=False)
    with pytest.raises(Exception, match="switch_on ashwini"):
        call_command("sync", "ashwini")


def test_check_connections_finds_everything_good(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.subject("1001")
    assert status_of("check_connections", "ashwini") == 0
    assert "MEND" not in capsys.readouterr().out


def test_check_connections_names_the_privileges_that_are_missing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.subject("1001")
    world.bahmni.add_user("small", "secret", ["Get Patients", "Get Locations"])
    row = Connection.objects.get(side="bahmni")
    row.username = "small"
    row.save()
    assert status_of("check_connections", "ashwini") == 3
    said = capsys.readouterr().out
    assert "Add Encounters" in said


def test_check_connections_notices_a_person_who_shares_our_account(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = world.subject("1001")
    world.avni.edit_subject(subject, observations={"Height": 150}, by="integration@demo")
    assert status_of("check_connections", "ashwini") == 3
    assert "Our user edited 1 of 1 subjects" in capsys.readouterr().out


def test_patients_we_created_do_not_count_as_edited_by_a_person(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.subject("1001")
    world.sync("subject")
    assert status_of("check_connections", "ashwini") == 0
