"""What the console says of encounters: what stands for them on the other side, and what keeps them from there."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from common.outcome import Outcome
from console.addresses import row_url
from engine import work
from errors.models import OPEN_STATES, ErrorRecord
from mappings.models import Mapping
from syncstatus.models import Flow, Link, Position
from tenants.rights import Role
from tests.flow.clinic import HISTORY, VITALS, Clinic
from tests.flow.console.conftest import Member
from tests.flow.world import HOUSEHOLD_VISIT, World


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


# --- what did not get through ---------------------------------------------------------------------------------------


@pytest.fixture
def mapper(world: World, member: Member) -> Client:
    return member(world, Role.MAPPER)


def form_behind(client: Client, text: str) -> dict[str, str]:
    """What the mapping form holds to which the list of errors leads from the row with this text."""
    page = client.get(reverse("admin:errors_errorrecord_changelist")).content.decode()
    row = next(row for row in page.split("<tr>") if html.escape(text) in row)
    address = row.partition(">Add mapping<")[0].rpartition('href="')[2].rstrip('"').replace("&amp;", "&")
    form = client.get(address).context["adminform"].form
    kind = str(form.fields["type"].queryset.get(pk=form.initial["type"]))
    return {"kind": kind, **{name: form.initial.get(name, "") for name in ("avni_value", "int_system_value", "about")}}


def test_a_type_without_its_partner_leads_to_the_form_for_types(world: World, mapper: Client) -> None:
    world.household_visits()
    Mapping.objects.get(type__name="CommunityEncounter_EncounterType").delete()
    world.household_visit(world.subject("1001"))
    world.sync()
    assert form_behind(mapper, f'"{HOUSEHOLD_VISIT}" has no encounter type of Bahmni') == {
        "kind": "GeneralEncounter / CommunityEncounter_EncounterType",
        "avni_value": HOUSEHOLD_VISIT,
        "int_system_value": "",
        "about": "",
    }


@pytest.mark.parametrize("kind", ["CommunityEncounter_EncounterType", "CommunityEncounter_BahmniForm"])
def test_a_mapping_that_holds_no_uuid_is_opened_by_its_error_and_leads_back(
    world: World, mapper: Client, kind: str
) -> None:
    world.household_visits()
    wrong = Mapping.objects.get(type__name=kind)
    Mapping.objects.filter(pk=wrong.pk).update(int_system_value="the visit")
    world.household_visit(world.subject("1001"))
    world.sync()
    error = ErrorRecord.objects.get()
    page = mapper.get(row_url(error)).content.decode()
    address = f"{row_url(wrong)}?error={error.pk}"
    assert f'href="{address}">Change the mapping<' in page
    form = {"avni_value": wrong.avni_value, "int_system_value": wrong.int_system_value, "data_type_hint": ""}
    assert mapper.post(address, form).headers["Location"] == row_url(error)


def test_a_type_without_a_form_leads_to_the_form_for_forms(world: World, mapper: Client) -> None:
    world.household_visits()
    Mapping.objects.get(type__name="CommunityEncounter_BahmniForm").delete()
    world.household_visit(world.subject("1001"))
    world.sync()
    form = form_behind(mapper, f'"{HOUSEHOLD_VISIT}" has no form of Bahmni')
    assert form["kind"] == "GeneralEncounter / CommunityEncounter_BahmniForm"
    assert form["avni_value"] == HOUSEHOLD_VISIT


def test_an_answer_of_the_hospital_leads_to_a_form_that_names_it(world: World, clinic: Clinic, mapper: Client) -> None:
    world.subject("1001")
    patient = world.patient("1001")
    fever = clinic.concepts["Fever"]
    Mapping.objects.get(int_system_value=fever).delete()
    clinic.fill_in(patient, clinic.form("History", Complaint="Fever"))
    world.sync()
    assert form_behind(mapper, 'to the question behind "Complaint" has no partner in Avni') == {
        "kind": "Observation / Concept",
        "avni_value": "",
        "int_system_value": fever,
        "about": "Fever [Avni]",
    }


def test_an_encounter_that_waits_leads_to_its_patients_own_error(
    world: World, clinic: Clinic, operator: Client
) -> None:
    patient = world.patient("1001")
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync()
    waiting, awaited = (ErrorRecord.objects.get(entity_id=one) for one in (encounter, patient))
    page = operator.get(reverse("admin:errors_errorrecord_change", args=[waiting.pk])).content.decode()
    assert f"patient {patient}" in text(page)
    assert f'href="{reverse("admin:errors_errorrecord_change", args=[awaited.pk])}">What it waits for<' in page


def test_records_of_both_systems_are_told_apart(world: World, clinic: Clinic, operator: Client) -> None:
    world.household_visits()
    world.household_visit(world.subject(None))
    clinic.fill_in(world.patient("1002"), clinic.form("Vitals", Pulse=72))
    world.sync()
    said = text(operator.get(reverse("admin:errors_errorrecord_changelist")).content.decode())
    for what in ("Avni: Subject", "Avni: Encounter", "Bahmni (OpenMRS): Patient", "Bahmni (OpenMRS): Encounter"):
        assert what in said


# --- parts of the source that cannot be read ------------------------------------------------------------------------


@pytest.fixture
def unread(world: World) -> ErrorRecord:
    """The error of an encounter type that our user may not see; there is an encounter of it."""
    world.household_visits()
    world.household_visit(world.subject("1001"))
    world.avni.forbid("integration@demo", HOUSEHOLD_VISIT)
    world.sync()
    return ErrorRecord.objects.get()


def test_a_part_that_cannot_be_read_is_called_by_its_name(unread: ErrorRecord, operator: Client) -> None:
    said = text(operator.get(reverse("admin:errors_errorrecord_changelist")).content.decode())
    assert f"Avni: Part of the source {HOUSEHOLD_VISIT}" in said
    assert "unread:" not in said
    page = text(operator.get(reverse("admin:errors_errorrecord_change", args=[unread.pk])).content.decode())
    assert f"Part of the source {HOUSEHOLD_VISIT}" in page
    assert "privilege: ViewVisit" in page
    assert "unread:" not in page
    assert "Show both servers" not in page


def test_a_part_that_may_be_read_again_is_read_when_somebody_retries_it(
    world: World, unread: ErrorRecord, operator: Client
) -> None:
    world.avni.allow("integration@demo", HOUSEHOLD_VISIT)
    world.sync()
    assert not Link.objects.filter(stream__key="general-encounter").exists()  # not due yet
    address = reverse("admin:errors_errorrecord_changelist")
    operator.post(address, {"action": "retry", "_selected_action": unread.pk})
    work.work_off(world.tenant.pk)
    assert Link.objects.get(stream__key="general-encounter").outcome == Outcome.CREATED.value
    assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()


def test_a_place_that_cannot_be_shown_is_called_by_part_and_time(world: World, operator: Client) -> None:
    world.household_visits()
    world.avni.poison(world.household_visit(world.subject("1001"), at=world.born))
    world.sync()
    said = text(operator.get(reverse("admin:errors_errorrecord_changelist")).content.decode())
    assert f"Avni: Part of the source {HOUSEHOLD_VISIT}, 2026-01-05T06:00:00.000Z" in said
    flow = Flow.objects.get(key="avni-to-bahmni")
    address = reverse("admin:syncstatus_flow_changelist")
    Position.objects.update(value={"ts": "1900-01-01T00:00:00.000Z", "known": {}})
    said = text(operator.post(address, {"action": "dry_run", "_selected_action": [flow.pk]}).content.decode())
    assert re.search(rf"Part of the source {HOUSEHOLD_VISIT}, 2026-01-05T06:00:00.000Z \S+ cannot be read Avni", said)


def test_ignoring_a_part_says_that_only_a_person_brings_it_back(unread: ErrorRecord, operator: Client) -> None:
    address = reverse("admin:errors_errorrecord_changelist")
    page = operator.post(address, {"action": "ignore", "_selected_action": unread.pk}).content.decode()
    assert "A part of the source is read again only when somebody retries it." in page
    assert f"Part of the source {HOUSEHOLD_VISIT}:" in page


def test_the_page_of_a_flow_names_every_part_it_reads_and_the_stream_that_reads_none(
    world: World, operator: Client
) -> None:
    flow = {row.key: reverse("admin:syncstatus_flow_change", args=[row.pk]) for row in Flow.objects.all()}
    said = text(operator.get(flow["avni-to-bahmni"]).content.decode())
    assert "General encounters: nothing; no mapping or constant names what to read" in said
    world.household_visits()
    said = text(operator.get(flow["avni-to-bahmni"]).content.decode())
    assert f"General encounters: {HOUSEHOLD_VISIT}, nothing read yet" in said
    said = text(operator.get(flow["bahmni-to-avni"]).content.decode())
    assert "Patients: the patient feed, nothing read yet" in said
    assert "Encounters: the encounter feed, nothing read yet" in said


def test_a_dry_run_tells_of_encounters_of_both_systems(world: World, clinic: Clinic, operator: Client) -> None:
    world.household_visits()
    subject, patient = world.subject("1001"), world.patient("1001")
    world.sync()
    visit = world.household_visit(subject)
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    later = clinic.fill_in(world.patient("1002"), clinic.form("Vitals", Pulse=72))
    world.subject("1002")
    world.reset_counts()
    rows = [row.pk for row in Flow.objects.order_by("key")]
    address = reverse("admin:syncstatus_flow_changelist")
    said = text(operator.post(address, {"action": "dry_run", "_selected_action": rows}).content.decode())
    assert re.search(rf"Encounter {visit} \S+ created create encounter \S+ : no encounter carries the marker", said)
    vitals = html.escape(f'"{VITALS}": nothing in Avni stands for this part of the encounter')
    assert re.search(rf"Encounter {encounter} \S+ created create encounter \S+ : {re.escape(vitals)}", said)
    assert re.search(rf"Encounter {later} \S+ handed over after what it waits for", said)
    assert world.writes == 0


def test_a_dry_run_goes_on_past_a_part_that_cannot_be_read(unread: ErrorRecord, operator: Client) -> None:
    row = Flow.objects.get(key="avni-to-bahmni")
    address = reverse("admin:syncstatus_flow_changelist")
    said = text(operator.post(address, {"action": "dry_run", "_selected_action": [row.pk]}).content.decode())
    assert re.search(rf"Part of the source {HOUSEHOLD_VISIT} \S+ cannot be read Avni does not let us read", said)
