"""What the person behind a request may do, tenant by tenant. The one place where memberships become permissions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.http import HttpRequest

from tenants.audit import Actor
from tenants.models import Membership
from tenants.rights import RIGHTS_OF_ROLE, Right
from tenants.scoping import all_tenants, tenant_scope

_ATTRIBUTE = "_console_access"


@dataclass(frozen=True)
class Access:
    """Rights by tenant (primary key). An installation administrator has every right in every tenant."""

    rights: Mapping[int, frozenset[Right]]
    is_administrator: bool = False

    @property
    def is_somebody(self) -> bool:
        """Whether this person has any business here."""
        return self.is_administrator or bool(self.rights)

    @property
    def sees_several(self) -> bool:
        """Whether rows of more than one tenant may meet in a list."""
        return self.is_administrator or len(self.rights) > 1

    def may(self, right: Right | None, tenant_id: int | None) -> bool:
        """Whether the right holds in this tenant. Nobody has the right None; rows of no tenant: administrators."""
        if right is None:
            return False
        return self.is_administrator or (tenant_id is not None and right in self.rights.get(tenant_id, ()))

    def may_somewhere(self, right: Right | None) -> bool:
        """Whether the right holds in at least one tenant."""
        return right is not None and (self.is_administrator or any(right in rights for rights in self.rights.values()))

    def where(self, right: Right, path: str = "tenant") -> models.Q:
        """Condition on rows (their tenant at the end of `path`) that keeps those of tenants where the right holds."""
        if self.is_administrator:
            return models.Q()
        return models.Q(**{f"{path}__in": [tenant for tenant, rights in self.rights.items() if right in rights]})

    def says(self, right: Right) -> models.Case | models.Value:
        """Column that is true on rows of tenants where the right holds."""
        if self.is_administrator:
            return models.Value(value=True, output_field=models.BooleanField())
        holds = models.When(self.where(right), then=models.Value(value=True))
        return models.Case(holds, default=models.Value(value=False), output_field=models.BooleanField())

    def scope(self) -> AbstractContextManager[None]:
        """The scope in which this person's queries run."""
        return all_tenants() if self.is_administrator else tenant_scope(*self.rights)


NOBODY = Access({})


def access_of(user: AbstractBaseUser | AnonymousUser) -> Access:
    """Read the person's memberships: one query, none for an administrator or somebody not signed in."""
    if not isinstance(user, User) or not user.is_active:
        return NOBODY
    if user.is_superuser:
        return Access({}, is_administrator=True)
    with all_tenants():
        roles = list(Membership.objects.filter(user=user).values_list("tenant_id", "role"))
    return Access({tenant: RIGHTS_OF_ROLE[role] for tenant, role in roles})


def remember(request: HttpRequest, access: Access) -> None:
    """Keep the access with the request, so that it is read once."""
    setattr(request, _ATTRIBUTE, access)


def access(request: HttpRequest) -> Access:
    """The access of the request; nothing for a request that did not pass the middleware."""
    found: Access = getattr(request, _ATTRIBUTE, NOBODY)
    return found


def actor(request: HttpRequest) -> Actor:
    """The person as the audit knows them."""
    return Actor("admin", request.user if isinstance(request.user, User) else None)
