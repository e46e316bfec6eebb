"""Start of the application: the one path."""

from __future__ import annotations

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """The one path every change takes."""

    name = "engine"

    def ready(self) -> None:
        """Seed every new tenant."""
        from engine import provision

        provision.connect()
