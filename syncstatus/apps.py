from __future__ import annotations

from django.apps import AppConfig


class SyncStatusConfig(AppConfig):
    name = "syncstatus"
    default_auto_field = "django.db.models.BigAutoField"
