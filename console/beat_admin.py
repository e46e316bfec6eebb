"""The stock screens of the scheduler, for the installation's administrator; what we own can only be read there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpRequest
from django_celery_beat.admin import CrontabScheduleAdmin, PeriodicTaskAdmin, ScheduleAdmin
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from console.base import AdministratorOnly
from console.site import site

OURS = models.Q(name__startswith="flow:") | models.Q(name__startswith="engine.")
"""Entries of flows, edited on the flow, and those of the engine, set by the settings."""


def is_ours(entry: PeriodicTask) -> bool:
    """Whether the service keeps this entry itself."""
    return str(entry.name).startswith(("flow:", "engine."))


@admin.register(PeriodicTask, site=site)
class EntriesAdmin(AdministratorOnly, PeriodicTaskAdmin):  # type: ignore[misc]  # untyped package
    """Entries of the scheduler."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not ours."""
        return super().has_change_permission(request, obj) and (obj is None or not is_ours(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not ours."""
        return super().has_delete_permission(request, obj) and (obj is None or not is_ours(obj))

    def response_action(self, request: HttpRequest, queryset: Any, *rest: Any) -> Any:
        """Leave ours out of every action but running."""
        if request.POST.get("action") == "run_tasks":
            return super().response_action(request, queryset, *rest)
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if queryset.filter(OURS, pk__in=chosen).exists() or request.POST.get("select_across") == "1":
            said = "Entries of flows are edited on the flow, those of the engine by the settings; they were left out."
            self.message_user(request, said, messages.WARNING)
        return super().response_action(request, queryset.exclude(OURS), *rest)


class OwnedSchedule(AdministratorOnly):
    """A schedule one of our entries follows is ours as well."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not ours."""
        return super().has_change_permission(request, obj) and (obj is None or not self._is_ours(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not ours: the entry would go with it."""
        return super().has_delete_permission(request, obj) and (obj is None or not self._is_ours(obj))

    def _is_ours(self, schedule: Any) -> bool:
        return bool(schedule.periodictask_set.filter(OURS).exists())


@admin.register(CrontabSchedule, site=site)
class CrontabsAdmin(OwnedSchedule, CrontabScheduleAdmin):  # type: ignore[misc]  # untyped package
    """Crontab schedules."""


@admin.register(IntervalSchedule, site=site)
class IntervalsAdmin(OwnedSchedule, ScheduleAdmin):  # type: ignore[misc]  # untyped package
    """Intervals."""
