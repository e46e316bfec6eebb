"""The project as a Django application, so that its start-up checks are registered."""

from __future__ import annotations

from django.apps import AppConfig


class IntegrationConfig(AppConfig):
    """Has no models; brings the checks."""

    name = "avni_integration"
    verbose_name = "Avni integration"

    def ready(self) -> None:
        """Register the checks: the import does it."""
        from avni_integration import checks  # noqa: F401
