"""Nobody sees or touches what belongs to another tenant: every address of the console is walked, as it is declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.forms.models import model_to_dict
from django.test import Client
from django.urls import URLPattern, reverse

from console.site import site
from tenants.rights import Role
from tests.flow.console.conftest import SignIn
from tests.flow.console.world import Hospital, everything_of

SCREENS = sorted(site._registry.items(), key=lambda pair: pair[0]._meta.label)


def addresses(model: type[models.Model], screen: Any, pk: object) -> Iterator[str]:
    """All addresses of a screen, those of one row with `pk`."""
    for pattern in screen.get_urls():
        if isinstance(pattern, URLPattern) and pattern.name:
            names = pattern.pattern.converters
            yield reverse(f"admin:{pattern.name}", kwargs=dict.fromkeys(names, pk) if names else None)


def site_addresses() -> Iterator[str]:
    """The addresses of no single screen; `view_on_site` leads nowhere here, but is asked for all the same."""
    yield from (reverse(f"admin:{name}") for name in ("index", "autocomplete", "jsi18n", "password_change"))
    yield from (reverse("admin:app_list", args=[label]) for label in {model._meta.app_label for model, _ in SCREENS})
    yield reverse("admin:view_on_site", args=[1, 1])


def body(answer: Any) -> str:
    return str(answer.content.decode(errors="replace")).lower()


def strangers(hospital: Hospital, signed_in: SignIn) -> list[Client]:
    return [signed_in(hospital.people[role]) for role in Role]


@pytest.mark.parametrize(("model", "screen"), SCREENS, ids=lambda value: getattr(value, "__name__", ""))
def test_no_address_of_a_screen_tells_a_stranger_anything(
    model: type[models.Model], screen: Any, quokka: Hospital, numbat: Hospital, signed_in: SignIn
) -> None:
    pk = quokka.rows[model].pk if model in quokka.rows else 1
    for client in strangers(numbat, signed_in):
        for address in addresses(model, screen, pk):
            answer = client.get(address, follow=True)
            assert answer.status_code in (200, 403, 404, 405), address
            assert "quokka" not in body(answer), address
            assert str(quokka.tenant.namespace) not in body(answer), address


@pytest.mark.parametrize(("model", "screen"), SCREENS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_page_of_a_strangers_row_does_not_open(
    model: type[models.Model], screen: Any, quokka: Hospital, numbat: Hospital, signed_in: SignIn
) -> None:
    pk = quokka.rows[model].pk if model in quokka.rows else 1
    for client in strangers(numbat, signed_in):
        for address in addresses(model, screen, pk):
            if f"/{pk}/" in address:
                assert client.get(address).status_code in (302, 403, 404, 405), address


@pytest.mark.parametrize(("model", "screen"), SCREENS, ids=lambda value: getattr(value, "__name__", ""))
def test_no_form_posted_to_a_strangers_row_changes_it(
    model: type[models.Model], screen: Any, quokka: Hospital, numbat: Hospital, signed_in: SignIn
) -> None:
    pk = quokka.rows[model].pk if model in quokka.rows else 1
    form = a_form(quokka, model)
    before = everything_of(quokka)
    for client in strangers(numbat, signed_in):
        for address in addresses(model, screen, pk):
            answer = client.post(address, {**form, "post": "yes"}, follow=True)
            assert answer.status_code in (200, 403, 404, 405), address
            # What one typed oneself comes back in the form; what one did not must not.
            assert str(quokka.tenant.namespace) not in body(answer), address
    assert everything_of(quokka) == before


@pytest.mark.parametrize(("model", "screen"), SCREENS, ids=lambda value: getattr(value, "__name__", ""))
def test_no_action_reaches_a_strangers_row(
    model: type[models.Model], screen: Any, quokka: Hospital, numbat: Hospital, signed_in: SignIn
) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    pk = quokka.rows[model].pk if model in quokka.rows else 1
    names = {"delete_selected", *(getattr(action, "__name__", action) for action in screen.actions or ())}
    before = everything_of(quokka)
    for client in strangers(numbat, signed_in):
        for name in names:
            answered = {"answered": "yes", "post": "yes", "reason": "because", "start_policy": "recent"}
            choice = {"action": name, ACTION_CHECKBOX_NAME: [pk], "select_across": "0"}
            answer = client.post(address, {**choice, **answered}, follow=True)
            assert "quokka" not in body(answer), (name, address)
    assert everything_of(quokka) == before


def test_everything_that_matches_is_everything_of_ones_own(quokka: Hospital, owner: Client) -> None:
    before = everything_of(quokka)
    choice = {"action": "ignore", ACTION_CHECKBOX_NAME: [1], "select_across": "1", "answered": "yes", "reason": "so"}
    owner.post(reverse("admin:errors_errorrecord_changelist"), choice)
    assert everything_of(quokka) == before


def test_filters_and_searches_find_nothing_of_a_stranger(quokka: Hospital, owner: Client) -> None:
    for model, row in quokka.rows.items():
        if model in site._registry:
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            for query in (
                {"tenant__id__exact": quokka.tenant.pk},
                {"state": "all"},
                {"stream": quokka.row(type(row)).pk},
            ):
                assert "quokka hospital" not in body(owner.get(address, query, follow=True)), (address, query)
    found = owner.get(reverse("admin:syncstatus_link_changelist"), {"q": quokka.id("first patient")})
    assert "0 links" in body(found)


def test_pages_of_the_site_tell_nothing(quokka: Hospital, numbat: Hospital, signed_in: SignIn) -> None:
    for client in strangers(numbat, signed_in):
        for address in site_addresses():
            assert "quokka" not in body(client.get(address, follow=True)), address


@pytest.mark.parametrize(
    "name",
    [f"mappings_{model}_{way}" for model in ("mapping", "ignoredconcept") for way in ("export", "import")],
)
def test_files_of_a_stranger_stay_theirs(name: str, quokka: Hospital, owner: Client) -> None:
    asked = {"tenant": quokka.tenant.pk}
    assert "quokka" not in body(owner.get(reverse(f"admin:{name}"), asked))
    assert owner.post(reverse(f"admin:{name}"), {**asked, "text": "group,type\n", "revision": "0"}).status_code in (
        200,
        403,
        404,
    )


def test_somebody_without_a_membership_gets_nowhere(quokka: Hospital, client: Client, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("nobody", password="a long enough one", is_staff=True)
    client.force_login(user)
    for address in [*site_addresses(), *(a for m, s in SCREENS for a in addresses(m, s, 1))]:
        assert "quokka" not in body(client.get(address, follow=True)), address


def a_form(hospital: Hospital, model: type[models.Model]) -> dict[str, Any]:
    """The fields of the hospital's row as a browser would post them, foreign keys as they are."""
    if model not in hospital.rows:
        return {}
    fields = model_to_dict(hospital.rows[model])
    return {name: value for name, value in fields.items() if isinstance(value, str | int)}
