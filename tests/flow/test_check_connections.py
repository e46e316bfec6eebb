"""The check of both connections finds what would keep the streams from working, before they try."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bahmni import vocabulary as v
from bahmni.check_bahmni import PRIVILEGES
from common.outcome import Outcome
from engine.registry import CheckStep, connector_of
from engine.work import setting_of
from errors.models import OPEN_STATES, ErrorRecord
from mappings.models import Mapping
from tenants.models import Connection
from tests.flow.clinic import VITALS, Clinic
from tests.flow.outpatients import ANTENATAL, DRUGS, MOTHER, Outpatients
from tests.flow.world import CHECK_UP, HOUSEHOLD_VISIT, PREGNANCY, World

ROOT = Path(__file__).parents[2]
USER = "integration@demo"
PROGRAMS = "programs to hand over"
TO_HAND_OVER, WRITTEN, ENCOUNTER = "encounters to hand over", "encounters we write", "an encounter"


@pytest.fixture
def world(world: World) -> World:
    world.household_visits()
    return world


def checked(world: World) -> dict[str, CheckStep]:
    """The steps by name; those both sides have are told apart by their side."""
    world.tenant.refresh_from_db()
    steps = connector_of(world.tenant).check(setting_of(world.tenant, refuse_writes=True))
    both = ("address", "log-in", "clock", "dedicated account", "set up")
    return {f"{step.side} {step.name}" if step.name in both else step.name: step for step in steps}


def with_privileges(world: World, *names: str) -> None:
    """Let the service come with an account that has just these privileges."""
    world.bahmni.add_user("small", "secret", list(names))
    row = Connection.objects.get(side="bahmni")
    row.username = "small"
    row.save()


def all_privileges() -> Iterator[str]:
    for names in PRIVILEGES.values():
        yield from names


def test_everything_is_good_and_says_what_was_done(world: World, clinic: Clinic) -> None:
    subject, patient = world.subject("1001"), world.patient("1001")
    world.household_visit(subject)
    clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync()
    steps = checked(world)
    assert [step.name for step in steps.values() if not step.ok] == []
    assert steps[TO_HAND_OVER].finding == f'Encounters of type "{HOUSEHOLD_VISIT}" were read.'
    assert f'"{VITALS}"' in steps[WRITTEN].finding
    assert "newest page of the patient feed, number 1, was read; it names" in steps["patient feed"].finding
    assert "newest page of the encounter feed, number 1, was read; it names 1 encounter." in (
        steps["encounter feed"].finding
    )
    assert steps[ENCOUNTER].finding == "The feed's newest encounter was read with its observations."


def test_a_type_with_one_of_its_two_mappings_is_named_with_the_one_it_lacks(world: World) -> None:
    Mapping.objects.get(type__name="CommunityEncounter_BahmniForm").delete()
    step = checked(world)["mappings of encounter types"]
    assert not step.ok
    assert f'"{HOUSEHOLD_VISIT}" in GeneralEncounter / CommunityEncounter_BahmniForm' in step.finding
    assert "CommunityEncounter_EncounterType" not in step.finding


def test_a_program_that_lacks_one_of_its_mappings_is_named_with_it(world: World) -> None:
    world.programs()
    for name in ("CommunityEnrolment_VisitType", "CommunityEnrolmentExit_BahmniForm"):
        Mapping.objects.get(type__name=name).delete()
    step = checked(world)["mappings of encounter types"]
    assert not step.ok
    for name in ("CommunityEnrolment_VisitType", "CommunityEnrolmentExit_BahmniForm"):
        assert f'"{PREGNANCY}" in ProgramEnrolment / {name}' in step.finding


def test_an_encounter_type_our_user_may_not_see_is_named_with_its_privilege_and_the_check_goes_on(
    world: World,
) -> None:
    world.household_visit(world.subject("1001"))
    world.avni.forbid(USER, HOUSEHOLD_VISIT)
    steps = checked(world)
    assert not steps[TO_HAND_OVER].ok
    assert f'"{HOUSEHOLD_VISIT}" (privilege ViewVisit)' in steps[TO_HAND_OVER].finding
    assert steps[WRITTEN].ok
    assert steps["avni dedicated account"].ok


def test_an_encounter_avni_cannot_show_is_told_apart_from_one_it_does_not_let_us_see(world: World) -> None:
    world.avni.poison(world.household_visit(world.subject("1001")))
    assert checked(world)[TO_HAND_OVER].finding == (
        f'Avni fails at the first of the encounters of type "{HOUSEHOLD_VISIT}" (status 500). Have whoever runs Avni '
        "look at it; what follows it is handed over all the same."
    )


def test_without_a_mapped_program_nothing_of_one_is_asked_for(world: World) -> None:
    assert checked(world)[PROGRAMS].finding.startswith("No program of Avni is mapped to Bahmni")


def test_programs_and_what_happens_in_them_are_read(world: World) -> None:
    world.programs()
    world.check_up(world.enrolment(world.subject("1001")))
    assert checked(world)[PROGRAMS].finding == (
        f'Enrolments in "{PREGNANCY}" were read. Program encounters of type "{CHECK_UP}" were read.'
    )


def test_a_program_our_user_may_not_see_is_named_with_its_privilege(world: World) -> None:
    world.programs()
    world.enrolment(world.subject("1001"))
    world.avni.forbid(USER, PREGNANCY)
    assert f'enrolments in "{PREGNANCY}" (privilege ViewEnrolmentDetails)' in checked(world)[PROGRAMS].finding


def test_a_type_of_program_encounters_avni_does_not_know_is_named_and_the_check_goes_on(world: World) -> None:
    world.programs()
    world.map("ProgramEncounter", "CommunityProgramEncounter_BahmniForm", "No such type", "form")
    world.check_up(world.enrolment(world.subject("1001")))
    steps = checked(world)
    assert '"No such type" (the server knows no encounter type of the name asked for)' in steps[PROGRAMS].finding
    assert steps[WRITTEN].ok


def test_a_type_we_write_and_may_not_see_is_found(world: World, clinic: Clinic) -> None:
    world.subject("1001")
    clinic.fill_in(world.patient("1001"), clinic.form("Vitals", Pulse=72))
    world.sync()
    world.avni.forbid(USER, VITALS)
    assert f'"{VITALS}" (privilege ViewVisit)' in checked(world)[WRITTEN].finding


def test_a_type_without_encounters_is_good_and_asks_to_look_at_its_name(world: World) -> None:
    step = checked(world)[TO_HAND_OVER]
    assert (step.ok, step.finding) == (
        True,
        f'There are no encounters of type "{HOUSEHOLD_VISIT}" yet; if there should be, check the name in the mapping.',
    )


def test_privileges_are_named_by_what_they_are_for(world: World) -> None:
    with_privileges(world, *(set(all_privileges()) - {"Get Orders", "Edit Encounters"}))
    step = checked(world)["privileges"]
    assert not step.ok
    assert "to read visits and encounters: Get Orders; to write and void encounters: Edit Encounters." in step.finding


def test_an_encounter_that_may_not_be_read_is_found_by_reading_one(world: World, clinic: Clinic) -> None:
    clinic.fill_in(world.patient("1001"), clinic.form("Vitals", Pulse=72))
    with_privileges(world, *(set(all_privileges()) - {"Get Observations"}))
    step = checked(world)[ENCOUNTER]
    assert (step.ok, step.finding) == (
        False,
        "Our account lacks a privilege (Get Observations). Have it granted at Bahmni, then check again.",
    )


def test_an_account_with_the_privileges_asked_for_carries_every_stream(world: World, clinic: Clinic) -> None:
    with_privileges(world, *all_privileges())
    subject, patient = world.subject("1001"), world.patient("1002")
    visit, other = world.household_visit(subject, observations={"Height": 150}), world.subject("1002")
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.programs()
    enrolment = world.enrolment(subject)
    world.check_up(enrolment, encounter_ms=0)
    world.sync()
    world.avni.edit_encounter(visit, observations={"Height": 151}, at=world.moment())
    world.sync()
    for record in (visit, enrolment):
        world.avni.void(record, at=world.moment())
    world.sync()
    for record in (visit, enrolment):
        world.avni.edit(record, voided=False, at=world.moment())
    world.sync()
    assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()
    ended = [world.link("general-encounter", visit).outcome, world.link("encounter", encounter).outcome]
    assert ended == [Outcome.UPDATED.value, Outcome.CREATED.value]
    assert world.link("subject", other).target_parent_id == patient
    assert all(step.ok for step in checked(world).values())


def test_the_page_for_the_hospitals_it_names_the_same_privileges() -> None:
    page = (ROOT / "docs" / "before-you-start.md").read_text()
    for purpose, names in PRIVILEGES.items():
        said = re.search(rf"\* \*\*to {purpose}:\*\* (.*?)\n(?:\*|\n)", page, re.DOTALL)
        assert said, purpose
        listed = re.sub(r" \([^)]*\)", "", " ".join(said[1].split())).split(", ")
        assert listed == list(names)


def test_a_server_that_does_not_answer_ends_the_steps_of_its_side_alone(world: World) -> None:
    world.avni_server.stop()
    steps = checked(world)
    assert "Avni does not answer" in steps["avni log-in"].finding
    assert TO_HAND_OVER not in steps
    assert steps["encounter feed"].ok


class TestPartsOfTheHospital:
    """What forms of programs, laboratory results and prescriptions become in Avni is read before it is written."""

    def test_every_type_and_program_they_are_written_to_is_read(self, world: World, outpatients: Outpatients) -> None:
        subject, patient = world.subject("1001"), world.patient("1001")
        world.sync("patient")
        outpatients.prescribe(outpatients.seen(patient, "Antenatal"))
        world.sync("encounter")
        step = checked(world)[WRITTEN]
        assert step.ok
        assert f'Encounters of type "{v.HOSPITAL_REGISTRATION}", "{DRUGS}" were read.' in step.finding
        assert f'Program encounters of type "{ANTENATAL}" were read.' in step.finding
        assert f'Enrolments in "{MOTHER}" were read.' in step.finding
        assert len(outpatients.enrolments(subject)) == 1

    def test_a_program_our_user_may_not_see_is_named(self, world: World, outpatients: Outpatients) -> None:
        world.avni.put_enrolment(program=MOTHER, subject=world.subject("1001"), at=world.moment())
        world.avni.forbid(USER, MOTHER)
        step = checked(world)[WRITTEN]
        assert not step.ok
        assert f'enrolments in "{MOTHER}"' in step.finding

    def test_a_form_of_no_program_is_named_before_anything_fails(self, world: World, outpatients: Outpatients) -> None:
        for mapping in Mapping.objects.filter(type__name="BahmniForm_CommunityProgram"):
            mapping.is_voided = True
            mapping.save()
        step = checked(world)[WRITTEN]
        assert (step.ok, f'"{ANTENATAL}"' in step.finding) == (False, True)
