"""Start of the application: mappings."""

from __future__ import annotations

from django.apps import AppConfig


class MappingsConfig(AppConfig):
    """Mappings: what stands for what."""

    name = "mappings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let changes of mappings be noticed."""
        from mappings import revision

        revision.connect()
