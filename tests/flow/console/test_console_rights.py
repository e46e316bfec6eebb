"""What each role may do, screen by screen, as a table."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.urls import reverse

from console.site import site
from errors.models import ErrorRecord, ErrorType
from mappings.models import Constant, IgnoredConcept, Mapping, MappingType
from syncstatus.backfills import Backfill
from syncstatus.models import Brake, Flow, Incident, Link, Run
from tenants.models import AuditEntry, Connection, Membership, Tenant
from tenants.rights import Role
from tests.flow.console.conftest import SignIn
from tests.flow.console.world import Hospital

VIEWER, OPERATOR, MAPPER, OWNER = Role.VIEWER, Role.OPERATOR, Role.MAPPER, Role.OWNER
NOBODY: set[Role] = set()

# screen: who may add, change, delete. Everybody may look at everything but secrets and values.
MAY: dict[type[models.Model], tuple[set[Role], set[Role], set[Role]]] = {
    AuditEntry: (NOBODY, NOBODY, NOBODY),
    Backfill: (NOBODY, NOBODY, NOBODY),
    Brake: (NOBODY, NOBODY, NOBODY),
    Incident: (NOBODY, NOBODY, NOBODY),
    Connection: ({OWNER}, {OWNER}, NOBODY),
    Constant: ({MAPPER, OWNER}, {MAPPER, OWNER}, {MAPPER, OWNER}),
    ErrorRecord: (NOBODY, NOBODY, NOBODY),
    ErrorType: ({MAPPER, OWNER}, {MAPPER, OWNER}, NOBODY),
    Flow: (NOBODY, {OWNER}, NOBODY),
    IgnoredConcept: ({MAPPER, OWNER}, {MAPPER, OWNER}, {MAPPER, OWNER}),
    Link: (NOBODY, NOBODY, NOBODY),
    Mapping: ({MAPPER, OWNER}, {MAPPER, OWNER}, NOBODY),
    MappingType: (NOBODY, NOBODY, NOBODY),
    Membership: ({OWNER}, {OWNER}, {OWNER}),
    Run: (NOBODY, NOBODY, NOBODY),
    Tenant: (NOBODY, {OWNER}, NOBODY),
}

ACTIONS: dict[type[models.Model], dict[str, set[Role]]] = {
    Backfill: {"cancel": {OPERATOR, MAPPER, OWNER}},
    Brake: {"let_go_on": {OWNER}, "accept_server": {OWNER}},
    ErrorRecord: {
        "retry": {OPERATOR, MAPPER, OWNER},
        "replay": {OPERATOR, MAPPER, OWNER},
        "ignore": {OPERATOR, MAPPER, OWNER},
    },
    Link: {"replay": {OPERATOR, MAPPER, OWNER}},
    ErrorType: {"void": {MAPPER, OWNER}, "unvoid": {MAPPER, OWNER}},
    Flow: {
        "run_now": {OPERATOR, MAPPER, OWNER},
        "pause": {OPERATOR, MAPPER, OWNER},
        "resume": {OPERATOR, MAPPER, OWNER},
        "dry_run": {OPERATOR, MAPPER, OWNER},
        "rewind": {OPERATOR, MAPPER, OWNER},
        "backfill": {OPERATOR, MAPPER, OWNER},
        "skip": {OWNER},
        "switch_on": {OWNER},
        "switch_off": {OWNER},
    },
    Mapping: {"void": {MAPPER, OWNER}, "unvoid": {MAPPER, OWNER}},
    Run: {"rewind": {OPERATOR, MAPPER, OWNER}},
    Connection: {"check_connections": {OPERATOR, MAPPER, OWNER}},
    Constant: {"delete_selected": {MAPPER, OWNER}},
    IgnoredConcept: {"delete_selected": {MAPPER, OWNER}},
    Membership: {"delete_selected": {OWNER}},
}

INSTALLATION = ("user", "logintrouble", "periodictask", "crontabschedule", "intervalschedule")


def address(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_the_table_knows_every_screen() -> None:
    assert set(MAY) == {model for model in site._registry if model._meta.model_name not in INSTALLATION}


@pytest.mark.parametrize("role", list(Role))
def test_forms_open_for_those_who_may(role: Role, numbat: Hospital, signed_in: SignIn) -> None:
    client = signed_in(numbat.people[role])
    for model, (add, change, delete) in MAY.items():
        pk = numbat.rows[model].pk
        assert client.get(address(model, "changelist")).status_code == 200, model
        assert client.get(address(model, "add")).status_code == (200 if role in add else 403), model
        page = client.get(address(model, "change", pk))
        assert page.status_code == 200, model
        assert (b'name="_save"' in page.content) == (role in change), model
        assert client.get(address(model, "delete", pk)).status_code == (200 if role in delete else 403), model


@pytest.mark.parametrize("role", list(Role))
def test_lists_offer_the_actions_of_the_role(role: Role, numbat: Hospital, signed_in: SignIn) -> None:
    client = signed_in(numbat.people[role])
    for model in MAY:
        page = client.get(address(model, "changelist")).content.decode()
        for action, roles in ACTIONS.get(model, {}).items():
            assert (f'<option value="{action}"' in page) == (role in roles), (model, action)


def test_a_viewer_sees_no_patient_number_and_finds_none(numbat: Hospital, viewer: Client) -> None:
    assert b"NUMBAT-FIRST" not in viewer.get(address(Link, "changelist")).content
    assert b"NUMBAT-FIRST" not in viewer.get(address(Link, "change", numbat.rows[Link].pk)).content
    assert b"0 links" in viewer.get(address(Link, "changelist"), {"q": "NUMBAT-FIRST"}).content


def test_an_operator_sees_and_finds_patient_numbers(numbat: Hospital, operator: Client) -> None:
    assert b"NUMBAT-FIRST" in operator.get(address(Link, "changelist")).content
    assert b"1 link" in operator.get(address(Link, "changelist"), {"q": " numbat-first "}).content


def test_what_a_record_waits_for_is_a_value(numbat: Hospital, viewer: Client, operator: Client) -> None:
    record = numbat.row(ErrorRecord)
    record.__class__._base_manager.filter(pk=record.pk).update(waits_for="identifier:TRI0001")
    assert b"TRI0001" not in viewer.get(address(ErrorRecord, "change", record.pk)).content
    assert b"TRI0001" in operator.get(address(ErrorRecord, "change", record.pk)).content


def test_looking_at_both_servers_needs_the_right_to_see_values(numbat: Hospital, viewer: Client) -> None:
    for name, row in (
        ("errors_errorrecord_show", numbat.rows[ErrorRecord]),
        ("syncstatus_link_show", numbat.rows[Link]),
    ):
        assert viewer.post(reverse(f"admin:{name}", args=[row.pk])).status_code == 403
        back = viewer.get(reverse(f"admin:{name}", args=[row.pk]))
        assert (back.status_code, back["Location"]) == (302, address(type(row), "change", row.pk))


def test_roles_hold_in_their_own_tenant_only(quokka: Hospital, numbat: Hospital, signed_in: SignIn) -> None:
    both = numbat.people[OWNER]
    Membership._base_manager.create(user=both, tenant=quokka.tenant, role=VIEWER)
    client = signed_in(both)
    assert b'name="_save"' in client.get(address(Mapping, "change", numbat.rows[Mapping].pk)).content
    assert b'name="_save"' not in client.get(address(Mapping, "change", quokka.rows[Mapping].pk)).content
    chosen = [numbat.rows[Mapping].pk, quokka.rows[Mapping].pk]
    client.post(address(Mapping, "changelist"), {"action": "void", "_selected_action": chosen})
    voided = Mapping._base_manager.filter(is_voided=True)
    assert [row.pk for row in voided] == [numbat.rows[Mapping].pk]


def test_who_belongs_to_several_may_choose_only_where_the_right_holds(
    quokka: Hospital, numbat: Hospital, signed_in: SignIn
) -> None:
    both = numbat.people[OWNER]
    Membership._base_manager.create(user=both, tenant=quokka.tenant, role=VIEWER)
    page = signed_in(both).get(address(Constant, "add")).content
    assert b"Numbat Hospital" in page
    assert b"Quokka Hospital" not in page


def test_the_installations_screens_are_for_its_administrator(
    owner: Client, administrator: User, signed_in: SignIn
) -> None:
    names = (
        "auth_user",
        "tenants_logintrouble",
        "django_celery_beat_periodictask",
        "django_celery_beat_crontabschedule",
    )
    for name in names:
        assert owner.get(reverse(f"admin:{name}_changelist")).status_code == 403
        assert signed_in(administrator).get(reverse(f"admin:{name}_changelist")).status_code == 200


def test_only_the_administrator_adds_tenants(owner: Client, administrator: User, signed_in: SignIn) -> None:
    form = {
        "name": "wombat", "title": "Wombat", "connector": "bahmni", "zone": "Asia/Kolkata",
        "match_name_likeness": "0.7", "match_birth_years": "2", "namespace": "7c0e4f8e-8d4b-4c5e-9c5e-0c2f3a1b2c3d",
    }  # fmt: skip
    assert owner.post(address(Tenant, "add"), form).status_code == 403
    signed_in(administrator).post(address(Tenant, "add"), form)
    wombat = Tenant._base_manager.get(name="wombat")
    assert Flow._base_manager.filter(tenant=wombat, is_on=False).count() == 2


def test_a_member_is_named_by_log_in(numbat: Hospital, quokka: Hospital, owner: Client) -> None:
    form = {"log_in": "quokka-viewer", "tenant": numbat.tenant.pk, "role": "viewer"}
    assert owner.post(address(Membership, "add"), form).status_code == 302
    assert Membership._base_manager.filter(user=quokka.people[VIEWER], tenant=numbat.tenant, role="viewer").exists()
    again = owner.post(address(Membership, "add"), form)
    assert b"has a role in this tenant already" in again.content
    assert b"Nobody can log in" in owner.post(address(Membership, "add"), {**form, "log_in": "nobody"}).content


def test_people_without_a_membership_are_told_who_can_help(client: Client, django_user_model: type[User]) -> None:
    django_user_model.objects.create_user("lonely", password="a long enough one", is_staff=True)
    answer = client.post(reverse("admin:login"), {"username": "lonely", "password": "a long enough one"})
    assert b"not a member of any tenant yet" in answer.content


def test_a_refusal_says_who_can_help_and_leads_back(numbat: Hospital, viewer: Client) -> None:
    for address_, status, said in (
        (reverse("admin:mappings_mapping_add"), 403, "An owner of your tenant"),
        ("/admin/nonsense/", 404, "nothing at this address"),
    ):
        answer = viewer.get(address_)
        assert answer.status_code == status
        assert said in answer.content.decode()
        assert 'href="/admin/"' in answer.content.decode()
