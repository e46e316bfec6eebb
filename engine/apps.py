"""Start of the application: the one path."""

from __future__ import annotations

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """The one path every change takes."""

    name = "engine"

    def ready(self) -> None:
        """Seed every new tenant; let changed credentials be tried."""
        from engine import provision, signing_in

        provision.connect()
        signing_in.connect()
