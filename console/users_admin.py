"""People who can log in. The installation's administrator keeps them; what each may do stands in the memberships."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from console.base import AdministratorOnly
from console.site import site


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
