"""Dates and times as people enter them: of the zone of whatever they are about."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError


class MomentField(forms.CharField):
    """A date with a time, without a zone: see `of_zone`. A date alone means its beginning."""

    def __init__(self, **more: Any) -> None:
        widget = forms.TextInput(attrs={"type": "datetime-local"})
        super().__init__(**{"widget": widget, **more})

    def clean(self, value: Any) -> Any:
        """As a naive datetime; None when it may be, and is, left out. Raises ValidationError."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return datetime.fromisoformat(text).replace(tzinfo=None)
        except ValueError:
            raise ValidationError("Write a date and a time, as 2026-04-01T06:30.") from None


def of_zone(moment: datetime, zone: str) -> datetime:
    """What people there mean by it."""
    return moment.replace(tzinfo=ZoneInfo(zone))
