"""The room of the Bahmni connector."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class BahmniConfig(AppConfig):
    """Announces the connector once all models are there."""

    name = "bahmni"

    def ready(self) -> None:
        """Register; the engine learns of Avni ↔ Bahmni nowhere else."""
        from bahmni.connector import CONNECTOR
        from engine.registry import register
        from tenants.models import Tenant

        register(CONNECTOR)
        post_save.connect(_ignore_at_birth, sender=Tenant, dispatch_uid="bahmni-ignored-at-birth")


def _ignore_at_birth(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002  # Django's signature
    """Leave out in a new tenant what the Java service leaves out; later releases never repeat it."""
    from bahmni.connector import CONNECTOR
    from bahmni.declarations import IGNORED_CONCEPTS
    from mappings.ignoring import begin_with

    if created and not raw and instance.connector == CONNECTOR.key:
        begin_with(instance, IGNORED_CONCEPTS)
