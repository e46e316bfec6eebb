"""The room of tenants: who owns what, and who may do what."""

from __future__ import annotations

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """See the text of the package."""

    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"
