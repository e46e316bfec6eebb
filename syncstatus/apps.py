"""Start of the application: flows and their schedules."""

from __future__ import annotations

from django.apps import AppConfig


class SyncStatusConfig(AppConfig):
    """How far the flows have come."""

    name = "syncstatus"
    verbose_name = "Synchronisation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the beat's entries in step with the flows."""
        from syncstatus import schedule

        schedule.connect()
