"""The project: settings, addresses, the Celery application and the start-up checks. Imported by no room."""

from __future__ import annotations

from avni_integration.celery import app as celery_app

__all__ = ["celery_app"]
