"""People who can log in. The installation's administrator keeps them; what each may do stands in the memberships."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common import clock
from console.access import access, actor
from console.base import AdministratorOnly
from console.site import site
from console.words import BAD, OFF, badge, when
from tenants import log_ins
from tenants.models import LogInTrouble


@admin.register(User, site=site)
class PeopleAdmin(AdministratorOnly, UserAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Django's own, without groups and permissions, which nothing here asks."""

    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_superuser")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Access",
            {
                "fields": ("is_active", "is_superuser"),
                "description": "“Superuser” makes an installation administrator, who may do all in every tenant. "
                "Everybody else gets in by a membership.",
            },
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")


@admin.register(LogInTrouble, site=site)
class LogInTroublesAdmin(AdministratorOnly):
    """Accounts and addresses with wrong passwords of late. A wait ends by itself, or by an administrator."""

    list_display = ("what", "wrong", "state", "last")
    list_display_links = None
    actions = ("unlock",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They are counted."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Unlocking is an action."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changes."""
        return False

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        """For the installation's administrator."""
        return access(request).is_administrator

    @admin.display(description="account or address", ordering="label")
    def what(self, row: LogInTrouble) -> str:
        """The account by name, if it exists."""
        kind = row.key.partition(":")[0]
        return f"{kind} {row.label or '(there is no such account)'}"

    @admin.display(description="state", ordering="locked_until")
    def state(self, row: LogInTrouble) -> SafeString:
        """Whether it has to wait."""
        if row.locked_until and row.locked_until > clock.now():
            return badge("has to wait", BAD)
        return badge("may try", OFF)

    @admin.display(description="last wrong password", ordering="last_at")
    def last(self, row: LogInTrouble) -> SafeString | str:
        """When."""
        return when(row.last_at, "UTC")

    @admin.action(description="Unlock", permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: models.QuerySet[LogInTrouble]) -> None:
        """Let them try again at once."""
        for row in queryset:
            name = self.what(row)
            log_ins.unlock(row, actor=actor(request))
            self.message_user(request, f"{name} may try again.", messages.SUCCESS)
