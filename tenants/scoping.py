"""The seal between tenants: a query on a tenant's rows runs only inside a scope that names the tenant.

Enter a scope at the border (task, command, request) with `tenant_scope`; everything below asks its models as usual.
A query built outside any scope raises `UnscopedQuery` the moment it would reach the database.

Why not django-scopes: it blocks a list of queryset methods and leaves others (`exclude`, `exists`) open.
Here the refusal sits in the one place every statement passes, the compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Self, TypeVar

from django.db import models
from django.db.models.sql import Query

if TYPE_CHECKING:
    from tenants.models import Tenant


class UnscopedQuery(RuntimeError):
    """Rows of a tenant were asked for outside `tenant_scope`: a programming error, never shown as an empty list."""


class _Everything:
    """Marker of a scope that spans all tenants; for the sweep, the commands and tasks of the installation."""


_EVERYTHING: Final = _Everything()
_scope: ContextVar[frozenset[int] | _Everything | None] = ContextVar("tenant_scope", default=None)


@contextmanager
def tenant_scope(*tenants: Tenant | int) -> Iterator[None]:
    """Let queries see the rows of these tenants (model instances or primary keys) and of no other.

    No tenant at all is a valid scope: it sees nothing.
    """
    token = _scope.set(frozenset(tenant if isinstance(tenant, int) else tenant.pk for tenant in tenants))
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def all_tenants() -> Iterator[None]:
    """Let queries see every tenant's rows. For work of the installation itself (finding what is due, housekeeping)."""
    token = _scope.set(_EVERYTHING)
    try:
        yield
    finally:
        _scope.reset(token)


def _refuse(model: type[models.Model] | None) -> NoReturn:
    label = model._meta.label if model else "?"  # noqa: SLF001  # public by documentation
    raise UnscopedQuery(f"{label} was queried outside a tenant scope; wrap the caller in tenants.scoping.tenant_scope")


class _RefusedQuery(Query):
    """A query that may be built on but never run."""

    def get_compiler(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse(self.model)

    def chain(self, klass: type[Query] | None = None) -> Any:
        if klass is not None:  # update() turns the query into another kind
            _refuse(self.model)
        return super().chain()


_Row = TypeVar("_Row", bound=models.Model)


class _RefusedQuerySet(models.QuerySet[_Row]):
    """Rows that cannot be reached; what does not pass through the query's own compiler needs a word of its own."""

    def delete(self) -> NoReturn:
        """Refused: deletion swaps the query's class."""
        _refuse(self.model)

    def raw(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: handwritten SQL is not built from the query."""
        _refuse(self.model)


class TenantManager(models.Manager[_Row]):
    """Manager that adds the current scope to every query; `path` leads from the model to its tenant."""

    def __init__(self, path: str = "tenant") -> None:
        super().__init__()
        self.path = path

    def get_queryset(self) -> models.QuerySet[_Row]:
        """The rows inside the current scope; outside any, a query that refuses to run."""
        scope = _scope.get()
        if scope is None:
            return _RefusedQuerySet(model=self.model, query=_RefusedQuery(self.model), using=self._db)
        rows = super().get_queryset()
        return rows if isinstance(scope, _Everything) else rows.filter(**{f"{self.path}__in": scope})


class TenantOwned(models.Model):
    """Base of every row that belongs to one tenant."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True
