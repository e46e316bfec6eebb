"""The environment seal: a tenant writes only from the installation, and to the addresses, it was bound to by a person.

It is bound when a flow is first switched on. A copy of its database, or an address that changed without anybody's
word, is sealed: it reads only. What lifts the seal is in `engine.seal_moves`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from tenants.environment import environment_id
from tenants.models import Connection, Tenant

COPY: Final = "engine.sealed-copy"
ADDRESS: Final = "engine.sealed-address"
"""Message ids of the two reasons."""

_MOVED: Final = ~Q(bound_url="") & ~Q(bound_url=F("base_url"))


def reason(tenant: Tenant, connections: Iterable[Connection]) -> str:
    """The message id of why the tenant is sealed; empty when it is not, or never was bound."""
    if not tenant.bound_to:
        return ""
    if tenant.bound_to != environment_id():
        return COPY
    return ADDRESS if any(one.bound_url not in ("", one.base_url) for one in connections) else ""


def seen(rows: QuerySet[Tenant]) -> QuerySet[Tenant]:
    """The tenants with what `reason_of` asks, in the query that reads them."""
    moved = Connection.objects.filter(_MOVED, tenant=OuterRef("pk"))
    is_bound, is_copy = ~Q(bound_to=""), ~Q(bound_to=environment_id())
    return rows.annotate(
        is_copy=ExpressionWrapper(is_bound & is_copy, output_field=BooleanField()),
        is_moved=ExpressionWrapper(is_bound & Q(Exists(moved)), output_field=BooleanField()),
    )


def reason_of(row: Tenant) -> str:
    """As `reason`, of a row of `seen`."""
    if row.is_copy:  # type: ignore[attr-defined]  # annotated by `seen`, both
        return COPY
    return ADDRESS if row.is_moved else ""  # type: ignore[attr-defined]


def sealed() -> list[Tenant]:
    """The sealed tenants of the scope, for `reason_of`: one query."""
    return list(seen(Tenant.objects.all()).filter(Q(is_copy=True) | Q(is_moved=True)))


def bind(tenant: Tenant) -> None:
    """Bind a tenant to this installation and to the addresses it has now. Needs a scope and a transaction."""
    tenant.bound_to = environment_id()
    Tenant.objects.filter(pk=tenant.pk).update(bound_to=tenant.bound_to, bound_at=Now())
    Connection.objects.filter(tenant=tenant).update(bound_url=F("base_url"))


def bind_unbound(tenant: Tenant) -> bool:
    """As `bind`, unless it is bound already; whether it was not."""
    unbound = Tenant.objects.filter(pk=tenant.pk, bound_to="")
    if tenant.bound_to or not unbound.update(bound_to=environment_id(), bound_at=Now()):
        return False
    bind(tenant)
    return True
