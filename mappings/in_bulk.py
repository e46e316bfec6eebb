"""What many edits of a tenant's setting at once share: planned first, then all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol

from django.db import transaction

from mappings import revision
from tenants.models import Tenant
from tenants.scoping import tenant_scope

BATCH: Final = 200
"""Rows per statement: SQLite bears a limited number of parameters."""


class Planned(Protocol):
    """Everything a file would do to one tenant, as looked at under one mapping revision."""

    @property
    def tenant_id(self) -> int:
        """Whose setting it is."""
        ...

    @property
    def revision(self) -> int:
        """The number that stood before the rows were read."""
        ...

    @property
    def refused(self) -> tuple[tuple[int, str], ...]:
        """Lines that cannot be done, each with the reason and its remedy."""
        ...


class EditsRefused(Exception):
    """Nothing was done: lines were refused, or the mappings changed since the edits were planned."""


def refuse_the_unsound(edits: Planned) -> None:
    """Raises EditsRefused when any line is refused: nothing of the others may be done either."""
    if edits.refused:
        raise EditsRefused(f"{len(edits.refused)} lines are refused; nothing was changed")


@contextmanager
def as_planned(edits: Planned) -> Iterator[Tenant]:
    """One transaction that holds the tenant and ends with a new revision. Raises EditsRefused when one came before."""
    with tenant_scope(edits.tenant_id), transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=edits.tenant_id)
        if tenant.mapping_revision != edits.revision:
            raise EditsRefused("the mappings changed meanwhile; nothing was done, look again")
        yield tenant
        revision.bump(tenant)


def unsound_text(wanted: object, longest: Mapping[str, int]) -> str:
    """Why one of these texts of it cannot be stored (`longest` in characters, by name); empty when all can."""
    for name, most in longest.items():
        text = getattr(wanted, name) or ""
        if len(text) > most:
            return f"{name} is longer than {most} characters"
        if any(sign < " " and sign not in "\t\r\n" for sign in text):
            return f"{name} holds a control character; take it out"
    return ""
