"""What stands at the top of every page of the admin until somebody has seen to it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from console.access import access
from console.addresses import list_url
from engine.overview import in_words_of
from tenants import seal
from tenants.models import Tenant
from tenants.rights import Right


@dataclass(frozen=True)
class Notice:
    """One line: what is so, why and what to do, and the door that leads there."""

    what: str
    why: str
    url: str = ""
    door: str = ""


def notices(request: HttpRequest) -> list[Notice]:
    """Of the tenants this person sees. One query, whatever there is to say."""
    return [
        Notice(
            f"{tenant} reads only.",
            in_words_of(seal.reason_of(tenant)),
            list_url(Tenant) if access(request).may(Right.CHANGE_CONNECTION, tenant.pk) else "",
            "Tenants → Bind to this installation",
        )
        for tenant in seal.sealed()
    ]
