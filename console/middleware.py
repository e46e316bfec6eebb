"""The seal at the door: every view runs inside the scope of the tenants its user belongs to.

Lists, filters, foreign-key choices, actions and addresses by id all ask the models' managers, so none of them has to
remember the seal, and a view that is added later cannot forget it.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from console.access import access_of, remember


class TenantScope:
    """Stands behind the authentication middleware. A request without a session costs no query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Open the scope around the view."""
        access = access_of(request.user)
        remember(request, access)
        with access.scope():
            return self.get_response(request)
