"""Filters of lists that several screens share."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from console.names import stream_label
from syncstatus.models import Stream


class StreamFilter(admin.SimpleListFilter):
    """By stream, under the names people know; tenants are named where there are several."""

    title = "stream"
    parameter_name = "stream"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The streams of one's own tenants."""
        streams = list(Stream.objects.select_related("tenant"))
        several = len({stream.tenant_id for stream in streams}) > 1
        return [
            (str(stream.pk), f"{stream.tenant}: {stream_label(stream)}" if several else stream_label(stream))
            for stream in streams
        ]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """The rows of the stream asked for."""
        asked = self.value()
        return queryset.filter(stream=int(asked)) if asked and asked.isdigit() else queryset
