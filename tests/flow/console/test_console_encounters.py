"""What the console says of encounters: what stands for them on the other side, and what keeps them from there."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from mappings.models import Mapping
from syncstatus.models import Link
from tenants.rights import Role
from tests.flow.clinic import HISTORY, VITALS, Clinic, open_clinic
from tests.flow.console.conftest import Member
from tests.flow.world import World


@pytest.fixture
def clinic(world: World) -> Clinic:
    return open_clinic(world)


@pytest.fixture
def operator(world: World, member: Member) -> Client:
    return member(world, Role.OPERATOR)


@pytest.fixture
def visited(world: World, clinic: Clinic) -> Link:
    """The link of an encounter with vitals, taken twice, and a history that was taken out again."""
    world.subject("1001")
    patient = world.patient("1001")
    forms = clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"), clinic.form("Vitals", Pulse=96)
    encounter = clinic.fill_in(patient, *forms)
    world.sync()
    clinic.change(encounter, clinic.taken_out(encounter, "History"))
    world.sync("encounter")
    return world.link("encounter", encounter)


@pytest.fixture
def handed_over(world: World) -> Link:
    """The link of an encounter of Avni."""
    world.household_visits()
    encounter = world.household_visit(world.subject("1002"), observations={"Occupation": "Weaver"})
    world.sync()
    return world.link("general-encounter", encounter)


def text(page: str) -> str:
    """A page as it is read: without its tags, blanks folded."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def sections(client: Client, name: str, row: Link) -> dict[str, str]:
    """The records of a page "both servers", by their headings."""
    page = client.post(reverse(name, args=[row.pk])).content.decode()
    parts = re.findall(r"<section.*?<h2>(.*?)</h2>(.*?)</section>", page, re.DOTALL)
    return {heading: text(said) for heading, said in parts}


def test_an_encounter_of_the_hospital_is_shown_with_all_its_parts_by_their_types(
    visited: Link, operator: Client
) -> None:
    shown = sections(operator, "admin:syncstatus_link_show", visited)
    assert set(shown) == {
        "Bahmni (OpenMRS): Encounter",
        f"Avni: {VITALS}",
        f"Avni: {VITALS}, no. 2",
        f"Avni: {HISTORY}, voided by us",
    }
    assert "observations › Pulse 72" in shown[f"Avni: {VITALS}"]
    assert "observations › Pulse 96" in shown[f"Avni: {VITALS}, no. 2"]
    assert "Voided True" in shown[f"Avni: {HISTORY}, voided by us"]
    assert visited.source_id in shown["Bahmni (OpenMRS): Encounter"]


def test_an_encounter_of_avni_is_shown_with_what_stands_for_it(handed_over: Link, operator: Client) -> None:
    shown = sections(operator, "admin:syncstatus_link_show", handed_over)
    assert "Weaver" in shown["Avni: Encounter"]
    assert handed_over.target_id in shown["Bahmni (OpenMRS): Encounter"]


def test_an_encounter_that_never_got_through_is_shown_alone(world: World, clinic: Clinic, operator: Client) -> None:
    encounter = clinic.fill_in(world.patient("1001"), clinic.form("Vitals", Pulse=72))
    world.sync("patient", "encounter")
    shown = sections(operator, "admin:syncstatus_link_show", world.link("encounter", encounter))
    assert encounter in shown["Bahmni (OpenMRS): Encounter"]
    assert shown["Avni: Encounter"] == "Nothing stands there."


def test_a_link_names_the_parts_of_an_encounter_by_their_types(visited: Link, clinic: Clinic, operator: Client) -> None:
    page = operator.get(reverse("admin:syncstatus_link_change", args=[visited.pk])).content.decode()
    vitals, history = clinic.concepts["Vitals"], clinic.concepts["History"]
    labels = {vitals: VITALS, f"{vitals}#2": f"{VITALS}, no. 2", f"voided {history}": HISTORY}
    said = text(page)
    assert labels.keys() == visited.other_targets.keys()
    for key, label in labels.items():
        assert f"{label} {visited.other_targets[key]}" in said
    assert f"Subject {visited.target_parent_id}" in said
    assert said.count("voided by us") == 1


def test_a_form_that_is_no_longer_mapped_is_named_by_its_uuid(clinic: Clinic, visited: Link, operator: Client) -> None:
    vitals = clinic.concepts["Vitals"]
    mapping = Mapping.objects.get(int_system_value=vitals)
    mapping.is_voided = True
    mapping.save()
    page = operator.get(reverse("admin:syncstatus_link_change", args=[visited.pk])).content.decode()
    assert f"Form {vitals}, no longer mapped" in text(page)


def test_a_link_is_found_by_any_of_its_records(handed_over: Link, visited: Link, operator: Client) -> None:
    address = reverse("admin:syncstatus_link_changelist")
    for link, ids in ((visited, visited.other_targets), (handed_over, {"visit": handed_over.other_targets["visit"]})):
        for record in ids.values():
            page = operator.get(address, {"q": record.upper()}).content.decode()
            assert reverse("admin:syncstatus_link_change", args=[link.pk]) in page


def test_the_uuid_of_a_form_finds_no_links(visited: Link, clinic: Clinic, operator: Client) -> None:
    page = operator.get(reverse("admin:syncstatus_link_changelist"), {"q": clinic.concepts["Vitals"]}).content.decode()
    assert "0 links" in page


def test_a_link_without_a_target_claims_nothing_about_who_made_it(
    world: World, clinic: Clinic, operator: Client
) -> None:
    encounter = clinic.fill_in(world.patient("1001"), clinic.form("Vitals", Pulse=72))
    world.sync("patient", "encounter")
    row = world.link("encounter", encounter)
    page = operator.get(reverse("admin:syncstatus_link_change", args=[row.pk])).content.decode()
    assert "was there before" not in page
