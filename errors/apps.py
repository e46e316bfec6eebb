"""The room of errors: what did not get through."""

from __future__ import annotations

from django.apps import AppConfig


class ErrorsConfig(AppConfig):
    """See the text of the package."""

    name = "errors"
    default_auto_field = "django.db.models.BigAutoField"
