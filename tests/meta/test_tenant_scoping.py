"""No row of a tenant can be reached by a query that names no tenant. Found out for every model there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.db.models import Count, F

from tenants.scoping import TenantManager, UnscopedQuery, all_tenants, tenant_scope

ROOMS = ("tenants", "mappings", "syncstatus", "errors", "engine", "bahmni", "console", "avni_integration")

WITHOUT_TENANT = {
    "tenants.LogInTrouble": "wrong passwords at the door of the installation, before anybody belongs to a tenant",
    "syncstatus.Heartbeat": "the sign of life of a process of the installation, which belongs to no tenant",
}

MODELS = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]
SEALED = [model for model in MODELS if model._meta.label not in WITHOUT_TENANT]

Query = Callable[[Any], object]

QUERIES: dict[str, Query] = {
    "list": lambda rows: list(rows.all()),
    "filter": lambda rows: list(rows.filter(pk=1)),
    "exclude": lambda rows: list(rows.exclude(pk=1)),
    "get": lambda rows: rows.get(pk=1),
    "first": lambda rows: rows.first(),
    "iterator": lambda rows: list(rows.iterator()),
    "values": lambda rows: list(rows.values("pk")),
    "count": lambda rows: rows.count(),
    "count of a slice": lambda rows: rows.all()[:5].count(),
    "exists": lambda rows: rows.exists(),
    "contains": lambda rows: rows.filter(pk=1).contains(rows.model(pk=1)),
    "in_bulk": lambda rows: rows.in_bulk([1]),
    "aggregate": lambda rows: rows.aggregate(number=Count("pk")),
    "annotate": lambda rows: list(rows.annotate(number=Count("pk"))),
    "update": lambda rows: rows.update(pk=F("pk")),
    "delete": lambda rows: rows.all().delete(),
    "delete some": lambda rows: rows.filter(pk=1).delete(),
    "update_or_create": lambda rows: rows.update_or_create(pk=1),
    "get_or_create": lambda rows: rows.get_or_create(pk=1),
    "union": lambda rows: list(rows.all().union(rows.all())),
    "subquery": lambda rows: list(rows.filter(pk__in=rows.values("pk"))),
    "lock": lambda rows: list(rows.select_for_update()),
    "raw": lambda rows: list(rows.raw("SELECT 1 AS id")),
    "raw of all": lambda rows: list(rows.all().raw("SELECT 1 AS id")),
    "explain": lambda rows: rows.all().explain(),
}


def label(model: type[models.Model]) -> str:
    return model._meta.label


@pytest.mark.parametrize("model", SEALED, ids=label)
def test_w40_every_model_asks_through_the_manager_that_needs_a_tenant(model: type[models.Model]) -> None:
    assert isinstance(model._default_manager, TenantManager)
    assert [type(manager) for manager in model._meta.managers] == [TenantManager]


def test_every_exception_still_exists() -> None:
    assert set(WITHOUT_TENANT) <= {label(model) for model in MODELS}


@pytest.mark.django_db
@pytest.mark.parametrize("model", SEALED, ids=label)
@pytest.mark.parametrize("query", QUERIES)
def test_w43_a_query_outside_a_scope_raises(model: type[models.Model], query: str) -> None:
    with pytest.raises(UnscopedQuery):
        QUERIES[query](model._default_manager)


@pytest.mark.django_db
@pytest.mark.parametrize("model", SEALED, ids=label)
def test_a_scope_without_tenants_sees_nothing(model: type[models.Model]) -> None:
    with tenant_scope():
        assert list(model._default_manager.all()) == []


@pytest.mark.django_db
@pytest.mark.parametrize("model", SEALED, ids=label)
def test_a_scope_of_all_tenants_can_ask(model: type[models.Model]) -> None:
    with all_tenants():
        assert model._default_manager.count() == 0
