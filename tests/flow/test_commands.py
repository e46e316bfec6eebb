"""The commands an administrator without a browser uses, on real servers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from errors.models import ErrorRecord
from mappings.models import Mapping
from syncstatus.models import Flow, Link, Position, Run, StartPolicy, Stream
from tenants.models import Connection
from tenants.secrets import Secret
from tests.flow.clinic import open_clinic
from tests.flow.world import World, small_world


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


@pytest.fixture
def forbidden(world: World) -> World:
    """One of two mapped encounter types of Avni is hidden from our user; there is an encounter of each."""
    world.household_visits()
    world.avni.add_encounter_type("Camp")
    for kind in ("CommunityEncounter_EncounterType", "CommunityEncounter_BahmniForm"):
        known = Mapping.objects.get(type__name=kind).int_system_value
        world.map("GeneralEncounter", kind, "Camp", known[:-4] + "0000")
    subject = world.subject("1001")
    world.household_visit(subject)
    world.household_visit(subject, kind="Camp")
    world.avni.forbid("integration@demo", "Camp")
    return world


def test_sync_says_which_part_of_a_source_could_not_be_read(
    forbidden: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # the second time nothing was tried, and it still is not all well
        assert status_of("sync", "ashwini") == 1
        assert 'general-encounter: Avni does not let us read "Camp"' in capsys.readouterr().err


def test_status_tells_how_far_every_part_is_read_and_which_cannot_be(
    forbidden: World, capsys: pytest.CaptureFixture[str]
) -> None:
    forbidden.sync()
    assert status_of("status", "ashwini") == 1
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "Subjects Individual up to 2026-01-05 06:00 UTC" in said
    assert "General encounters Household visit up to 2026-01-05 06:00 UTC" in said
    assert "General encounters Camp nothing read yet; cannot be read" in said
    assert "Encounters the encounter feed nothing read yet" in said
    assert any(line.startswith('General encounters: Avni does not let us read "Camp"') for line in said)


def test_status_tells_programs_the_same(forbidden: World, capsys: pytest.CaptureFixture[str]) -> None:
    forbidden.sync()
    status_of("status", "ashwini", "--json")
    flow = json.loads(capsys.readouterr().out)["flows"][0]
    parts = {part["part"]: (part["read_upto"], bool(part["unread"])) for part in flow["reads"] if part["part"]}
    assert parts == {
        "Individual": ("2026-01-05T06:00:01+00:00", False),
        "Household visit": ("2026-01-05T06:00:02+00:00", False),
        "Camp": (None, True),
    }


def test_status_names_a_stream_that_has_nothing_to_read(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    status_of("status", "ashwini")
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "General encounters nothing no mapping or constant names what to read" in said


def test_a_dry_run_tells_of_each_encounter_what_it_would_do(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.household_visits()
    clinic = open_clinic(world)
    subject, patient = world.subject("1001"), world.patient("1001")
    world.sync()
    visit = world.household_visit(subject)
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"))
    world.reset_counts()
    assert status_of("sync", "ashwini", "--dry-run") == 0
    said = capsys.readouterr().out
    of_visit = said.partition(f"general-encounter {visit}: would be created\n")[2]
    assert of_visit.lstrip().startswith("create encounter")
    of_encounter = said.partition(f"\nencounter {encounter}: would be created\n")[2].splitlines()
    assert [line.split()[:2] for line in of_encounter[:2]] == [["create", "encounter"]] * 2
    assert "nothing in Avni stands for this part of the encounter" in of_encounter[0]
    assert world.writes == 0


def test_a_dry_run_says_that_an_encounter_would_follow_its_subject_or_patient(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.household_visits()
    clinic = open_clinic(world)
    visit = world.household_visit(world.subject("1001"))
    encounter = clinic.fill_in(world.patient("1001"), clinic.form("Vitals", Pulse=72))
    alone = clinic.fill_in(world.patient("1002"), clinic.form("Vitals", Pulse=72))
    status_of("sync", "ashwini", "--dry-run")
    said = capsys.readouterr().out
    follows = "would be handed over in this same run, and it would follow."
    for record in (f"general-encounter {visit}", f"encounter {encounter}"):
        assert follows in said.partition(f"{record}: would be deferred\n")[2].splitlines()[0]
    assert follows not in said.partition(f"encounter {alone}: would be deferred\n")[2].splitlines()[0]


def test_a_dry_run_says_that_an_unknown_patient_would_be_fetched_first(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_world() as world:
        clinic = open_clinic(world)
        world.subject("1001")
        patient = world.patient("1001")
        world.switch_on(StartPolicy.RECENT)
        clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
        assert status_of("sync", "ashwini", "--dry-run", "--stream", "encounter") == 0
    assert "What it waits for would be fetched first." in capsys.readouterr().out


def test_a_dry_run_goes_on_past_what_cannot_be_read(forbidden: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("sync", "ashwini", "--dry-run", "--flow", "avni-to-bahmni") == 1
    said = capsys.readouterr().out
    assert "general-encounter, Camp: cannot be read\n" in said
    assert 'Avni does not let us read "Camp" (status 403' in said
    assert said.count("general-encounter ") == 1  # the visit of the other type


def test_a_dry_run_looks_into_every_part_of_a_source(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.household_visits()
    world.avni.add_encounter_type("Camp")
    world.map("GeneralEncounter", "CommunityEncounter_EncounterType", "Camp", "")
    subject = world.subject("1001")
    camps = [world.household_visit(subject, kind="Camp") for _ in range(3)]
    visits = [world.household_visit(subject) for _ in range(3)]
    status_of("sync", "ashwini", "--dry-run", "--stream", "general-encounter", "--limit", "4")
    said = capsys.readouterr().out
    assert [sum(one in said for one in of_type) for of_type in (camps, visits)] == [2, 2]


def test_a_limit_holds_for_all_parts_of_a_source_together(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.household_visits()
    world.avni.add_encounter_type("Camp")
    world.map("GeneralEncounter", "CommunityEncounter_BahmniForm", "Camp", "")
    subject = world.subject("1001")
    world.sync("subject")
    world.household_visit(subject, kind="Camp")
    world.household_visit(subject)
    status_of("sync", "ashwini", "--stream", "general-encounter", "--limit", "1")
    assert "read 1 " in capsys.readouterr().out


def test_a_dry_run_tells_of_a_feed_that_needs_a_person_and_goes_on(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    patients = [world.patient(f"100{number}") for number in range(3)]
    world.sync("patient")
    world.bahmni.feeds.replace_rows([])
    clinic = open_clinic(world)
    encounter = clinic.fill_in(patients[0], clinic.form("Vitals", Pulse=72))
    assert status_of("sync", "ashwini", "--dry-run", "--flow", "bahmni-to-avni") == 1
    said = capsys.readouterr().out
    assert "patient, the patient feed: cannot be read\n    Bahmni's feed no longer holds the entry" in said
    assert f"encounter {encounter}: would be" in said


def test_a_dry_run_of_a_part_named_later_begins_where_the_flow_began(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    began = datetime(2026, 2, 1, tzinfo=UTC)
    Flow.objects.update(start_policy=StartPolicy.RECENT, began_at=began)
    world.household_visits()
    subject = world.subject("1001")
    before, after = (world.household_visit(subject, at=began + timedelta(days=days)) for days in (-1, 1))
    status_of("sync", "ashwini", "--dry-run", "--stream", "general-encounter")
    said = capsys.readouterr().out
    assert (before in said, after in said) == (False, True)
