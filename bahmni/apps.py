"""The room of the Bahmni connector."""

from __future__ import annotations

from django.apps import AppConfig


class BahmniConfig(AppConfig):
    """Announces the connector once all models are there."""

    name = "bahmni"

    def ready(self) -> None:
        """Register; the engine learns of Avni ↔ Bahmni nowhere else."""
        from bahmni.connector import CONNECTOR
        from engine.registry import register

        register(CONNECTOR)
