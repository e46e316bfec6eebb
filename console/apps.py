"""The console as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Has no models; its `admin` module registers the screens."""

    name = "console"
