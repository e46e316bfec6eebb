"""Every page opens for those it is meant for."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django_celery_beat.models import IntervalSchedule

from console.site import site
from tests.flow.console.conftest import SignIn
from tests.flow.console.test_console_seal import SCREENS, addresses, site_addresses
from tests.flow.console.world import Hospital


def key_of(model: type[models.Model], hospital: Hospital) -> Any:
    if model in hospital.rows:
        return hospital.rows[model].pk
    if model is IntervalSchedule:
        return model._default_manager.create(every=5, period="minutes").pk
    row = model._default_manager.first()
    return row.pk if row else None


@pytest.mark.parametrize(("model", "screen"), SCREENS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_page_opens_for_the_administrator(
    model: type[models.Model], screen: Any, numbat: Hospital, quokka: Hospital, administrator: User, signed_in: SignIn
) -> None:
    client = signed_in(administrator)
    for address in addresses(model, screen, key_of(model, numbat)):
        answer = client.get(address, follow=True)
        # 403: what nobody may add or delete. 405: what only a form may ask for.
        assert answer.status_code in (200, 403, 405), address
        if not any(word in address for word in ("/add/", "/delete/", "/show/")):
            assert answer.status_code == 200, address


@pytest.mark.parametrize("model", list(site._registry), ids=lambda model: model.__name__)
def test_a_page_that_is_not_there_leads_home(model: type[models.Model], numbat: Hospital, owner: Client) -> None:
    meta = model._meta
    for key in ("999999", "no-number"):
        answer = owner.get(f"/admin/{meta.app_label}/{meta.model_name}/{key}/change/")
        assert answer.status_code in (302, 403), key


def test_the_pages_of_the_site_open(numbat: Hospital, owner: Client) -> None:
    for address in site_addresses():
        assert owner.get(address).status_code in (200, 403, 404), address


@pytest.mark.parametrize(
    "query", ["?q=x", "?state=nonsense", "?stream=x", "?p=99", "?o=1.-2", "?e=1", "?tenant__id__exact=x"]
)
def test_lists_bear_any_question(query: str, numbat: Hospital, owner: Client) -> None:
    for name in ("errors/errorrecord", "syncstatus/link", "syncstatus/run", "mappings/mapping", "syncstatus/flow"):
        assert owner.get(f"/admin/{name}/{query}", follow=True).status_code == 200, name
