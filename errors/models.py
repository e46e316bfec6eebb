"""What did not get through: error types, one record per entity, and the log of every attempt."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from syncstatus.models import Run, Stream
from tenants.scoping import TenantOwned


class Comparison(models.TextChoices):
    """How the text of an error is compared to tell its type."""

    EQUALS = "equals", "equals"
    CONTAINS = "contains", "contains"
    MATCHES = "matches", "matches (regular expression)"


class FollowUp(models.TextChoices):
    """What follows from an error of a type."""

    PROCESS = "process", "process again"
    TERMINAL = "terminal", "do not try again"
    INTERNAL = "internal", "for our own engineers"
    EXTERNAL = "external", "for the other system"


class ErrorType(TenantOwned):
    """A kind of error as administrators know it, by name."""

    name = models.CharField(max_length=255)
    comparison = models.CharField(max_length=20, blank=True, choices=Comparison.choices)
    comparison_value = models.TextField(blank=True)
    follow_up = models.CharField(max_length=20, choices=FollowUp.choices, default=FollowUp.PROCESS)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "name"], name="one_error_type_per_name")]
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ErrorState(models.TextChoices):
    """Where an error record stands."""

    RETRYING = "retrying", "will be tried again"
    DEFERRED = "deferred", "waits for another record"
    HELD = "held", "waits for a person"
    IGNORED = "ignored", "ignored by a person"
    RESOLVED = "resolved", "got through"


OPEN_STATES = (ErrorState.RETRYING, ErrorState.DEFERRED, ErrorState.HELD)


class ErrorRecord(TenantOwned):
    """One durable row per (tenant, stream, entity) that did not get through.

    `message` is an id of the catalogue and `params` hold metadata in clear (names of concepts, forms, types);
    values of patients never stand here.
    """

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="errors")
    entity_id = models.CharField(max_length=100)
    state = models.CharField(max_length=20, choices=ErrorState.choices)
    type = models.ForeignKey(ErrorType, null=True, blank=True, on_delete=models.SET_NULL, related_name="records")
    message = models.CharField(max_length=100)
    params = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, help_text="Equal for equal causes.")
    waits_for = models.CharField(max_length=200, blank=True, help_text="What releases it, e.g. identifier:TRI0001.")
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    source_time = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ignored_reason = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "stream", "entity_id"], name="one_error_record_per_entity"),
            models.CheckConstraint(
                condition=models.Q(next_attempt_at__isnull=True)
                | models.Q(state__in=[ErrorState.RETRYING, ErrorState.DEFERRED]),
                name="only_waiting_records_have_a_next_attempt",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "stream", "next_attempt_at", "id"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="error_record_due",
            ),
            models.Index(
                fields=["tenant", "waits_for"],
                condition=models.Q(state=ErrorState.DEFERRED),
                name="error_record_waits_for",
            ),
            models.Index(fields=["tenant", "state", "-last_seen_at"]),
        ]
        ordering: ClassVar = ["-last_seen_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.stream.key} {self.entity_id}: {self.message}"


class ErrorLog(TenantOwned):
    """One attempt. The row is written before the attempt begins and completed after it; one left open was cut off."""

    record = models.ForeignKey(ErrorRecord, on_delete=models.CASCADE, related_name="logs")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    attempt = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True)
    message = models.CharField(max_length=100, blank=True)
    params = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"attempt {self.attempt}: {self.outcome or 'not finished'}"
