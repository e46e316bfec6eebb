from __future__ import annotations

from django.apps import AppConfig


class BahmniConfig(AppConfig):
    name = "bahmni"
