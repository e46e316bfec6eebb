"""What a subject is called, its birth date, gender and place: how changes reach the hospital, and where they end."""

from __future__ import annotations

import pytest

from bahmni.check_bahmni import PRIVILEGES
from common.outcome import Outcome
from errors.models import ErrorRecord, ErrorState
from mappings import revision
from mappings.models import Mapping
from simulators.avni.rows import Location
from syncstatus.models import Run
from tenants.models import Tenant
from tests.chaos.truth import work_until_quiet
from tests.flow.world import World


def name(world: World, patient: str) -> list[str]:
    """Given and family name of a patient's un-voided names."""
    return [f"{row.given_name} {row.family_name}" for row in world.bahmni.persons[patient].names if not row.voided]


@pytest.fixture
def asha(world: World) -> tuple[str, str]:
    """A subject handed over, and the patient we created for it."""
    subject = world.subject("1001")
    world.sync("subject")
    return subject, world.link("subject", subject).target_parent_id


@pytest.fixture
def villages(world: World) -> tuple[Location, Location]:
    """Two villages of one district; both levels are mapped."""
    district = world.avni.add_location("Pune", "District")
    rampur, sitapur = (world.avni.add_location(title, "Village", district) for title in ("Rampur", "Sitapur"))
    world.map("Location", "AddressField", "Village", "cityVillage")
    world.map("Location", "AddressField", "District", "countyDistrict")
    world.map("Location", "AddressValue", "Sitapur", "Sitapur Khurd")
    return rampur, sitapur


def test_w23_a_new_name_gender_and_birth_date_reach_a_patient_we_created(world: World, asha: tuple[str, str]) -> None:
    subject, patient = asha
    world.avni.edit_subject(
        subject, last_name="Bai", gender="Other", date_of_birth="1991-05-02", at=world.moment()
    )  # fmt: skip
    world.sync("subject")
    person = world.bahmni.persons[patient]
    assert (name(world, patient), person.gender, str(person.birthdate)) == (["Asha Bai"], "U", "1991-05-02")
    assert world.link("subject", subject).outcome == Outcome.UPDATED.value


def test_a_new_name_reaches_a_patient_whose_registration_was_cut_off_at_first(world: World) -> None:
    world.bahmni_server.faults.plan("POST", "/visit$", "reset_before")
    subject = world.subject("1001")
    world.sync("subject")
    world.avni.edit_subject(subject, last_name="Bai", at=world.moment())
    world.sync("subject")
    assert name(world, world.link("subject", subject).target_parent_id) == ["Asha Bai"]


def test_such_a_change_costs_one_get_and_one_post(world: World, asha: tuple[str, str]) -> None:
    world.avni.edit_subject(asha[0], last_name="Bai", at=world.moment())
    world.reset_counts()
    world.sync("subject")
    assert (world.bahmni_server.requests, world.writes) == (2, 1)


def test_a_change_tells_the_hospitals_other_systems_by_its_feed(world: World, asha: tuple[str, str]) -> None:
    before = len(world.bahmni.feeds.queue) + len(world.bahmni.feeds.rows)
    world.avni.edit_subject(asha[0], last_name="Bai", at=world.moment())
    world.sync("subject")
    assert len(world.bahmni.feeds.queue) + len(world.bahmni.feeds.rows) == before + 1


def test_what_a_clerk_corrected_stays_and_the_link_tells_that_they_differ(world: World, asha: tuple[str, str]) -> None:
    subject, patient = asha
    uuid = world.bahmni.persons[patient].names[0].uuid
    world.bahmni.hospital_edit_patient(patient, names=[{"uuid": uuid, "familyName": "Patil"}])
    world.avni.edit_subject(subject, last_name="Bai", observations={"Height": 150}, at=world.moment())
    world.sync("subject")
    link = world.link("subject", subject)
    assert (name(world, patient), link.reason) == (["Asha Patil"], "bahmni.demographics-differ")
    assert world.held(link.target_id) == {"Height": [150]}
    assert Run.objects.latest("pk").reasons == {"updated: bahmni.demographics-differ": 1}


def test_of_a_patient_the_hospital_registered_differences_are_told_and_never_written(world: World) -> None:
    patient = world.patient("1001", last="Devee")
    subject = world.subject("1001")
    world.sync("subject")
    world.avni.edit_subject(subject, gender="Other", at=world.moment())
    world.sync("subject")
    link = world.link("subject", subject)
    assert (link.target_parent_id, link.reason) == (patient, "bahmni.demographics-differ")
    assert (name(world, patient), world.bahmni.persons[patient].gender) == (["Asha Devee"], "F")


def test_a_tenant_may_choose_that_they_do_not_follow(world: World, asha: tuple[str, str]) -> None:
    subject, patient = asha
    Tenant.objects.filter(pk=world.tenant.pk).update(follows_demographics=False)
    revision.bump(world.tenant)
    world.avni.edit_subject(subject, last_name="Bai", at=world.moment())
    world.sync("subject")
    assert (name(world, patient), world.link("subject", subject).reason) == (
        ["Asha Devi"],
        "bahmni.demographics-differ",
    )


def test_a_name_the_hospital_refuses_is_an_error_and_the_answers_get_through(
    world: World, asha: tuple[str, str]
) -> None:
    subject, _ = asha
    world.bahmni.settings.name_pattern = r"^[a-zA-Z \-]+$"
    world.avni.edit_subject(subject, last_name="D'Souza", observations={"Height": 150}, at=world.moment())
    world.sync("subject")
    error = ErrorRecord.objects.get(entity_id=subject)
    assert (error.state, error.message, error.params["field"]) == (
        ErrorState.RETRYING.value, "bahmni.name-refused", "Last name",
    )  # fmt: skip
    assert world.held(world.link("subject", subject).target_id) == {"Height": [150]}


def test_without_links_a_change_is_told_and_not_written_because_nobody_knows_whose_it_was(
    world: World, asha: tuple[str, str]
) -> None:
    subject, patient = asha
    world.link("subject", subject).delete()
    world.avni.edit_subject(subject, last_name="Bai", at=world.moment())
    world.sync("subject")
    assert (name(world, patient), world.link("subject", subject).reason) == (
        ["Asha Devi"],
        "bahmni.demographics-differ",
    )


def test_a_place_becomes_the_address_and_follows_when_the_subject_moves(
    world: World, villages: tuple[Location, Location]
) -> None:
    rampur, sitapur = villages
    subject = world.subject("1001", location=rampur.uuid)
    world.sync("subject")
    (address,) = world.bahmni.persons[world.link("subject", subject).target_parent_id].addresses
    assert address.parts == {"cityVillage": "Rampur", "countyDistrict": "Pune"}
    world.avni.edit_subject(subject, location=sitapur.uuid, at=world.moment())
    world.sync("subject")
    (address,) = world.bahmni.persons[world.link("subject", subject).target_parent_id].addresses
    assert address.parts == {"cityVillage": "Sitapur Khurd", "countyDistrict": "Pune"}


def test_levels_mapped_later_fill_in_the_address_with_the_next_change(
    world: World, villages: tuple[Location, Location]
) -> None:
    rows = Mapping.objects.filter(type__group__name="Location")
    rows.update(is_voided=True)
    revision.bump(world.tenant)
    subject = world.subject("1001", location=villages[0].uuid)
    world.sync("subject")
    patient = world.link("subject", subject).target_parent_id
    assert not world.bahmni.persons[patient].addresses
    rows.update(is_voided=False)
    revision.bump(world.tenant)
    world.avni.bulk_touch([subject], at=world.moment())
    world.sync("subject")
    assert [row.parts["cityVillage"] for row in world.bahmni.persons[patient].addresses] == ["Rampur"]


def test_a_change_our_account_may_not_make_names_the_privilege(world: World, asha: tuple[str, str]) -> None:
    account = next(user for user in world.bahmni.users.values() if user.username == "integration")
    needed = [name for names in PRIVILEGES.values() for name in names]
    account.privileges = [name for name in needed if name != "Edit Patients"]
    world.avni.edit_subject(asha[0], last_name="Bai", at=world.moment())
    world.sync("subject")
    error = ErrorRecord.objects.get(entity_id=asha[0])
    assert (error.message, error.params["privilege"]) == ("remote.forbidden", "Edit Patients")


@pytest.mark.parametrize("fault", ["reset_before", "reset_after"])
def test_a_change_that_was_cut_off_follows_with_the_next_look(world: World, asha: tuple[str, str], fault: str) -> None:
    subject, patient = asha
    world.avni.edit_subject(subject, last_name="Bai", at=world.moment())
    world.bahmni_server.faults.plan("POST", f"/patient/{patient}$", fault)
    world.sync("subject")
    assert world.bahmni_server.faults.fired[fault] == 1
    assert (name(world, patient), world.link("subject", subject).reason) == (["Asha Bai"], "")


def test_a_patient_that_an_attempt_before_created_follows_too(world: World) -> None:
    subject = world.subject("1001")
    world.bahmni_server.faults.plan("POST", "/visit$", "status:400")
    world.sync("subject")
    assert ErrorRecord.objects.get(entity_id=subject).state == ErrorState.RETRYING.value
    work_until_quiet(world, "subject")
    world.avni.edit_subject(subject, last_name="Bai", at=world.moment())
    world.sync("subject")
    assert name(world, world.link("subject", subject).target_parent_id) == ["Asha Bai"]


def test_an_answer_that_got_through_beside_a_refused_name_is_ours_still(world: World, asha: tuple[str, str]) -> None:
    subject, _ = asha
    world.bahmni.settings.name_pattern = r"^[a-zA-Z \-]+$"
    for last_name, height in (("Devi", 150), ("D'Souza", None)):
        world.avni.edit_subject(subject, last_name=last_name, observations={"Height": height}, at=world.moment())
        world.sync("subject")
    world.avni.edit_subject(subject, last_name="Bai", observations={"Height": 151}, at=world.moment())
    world.sync("subject")
    assert world.held(world.link("subject", subject).target_id) == {"Height": [151]}
