"""What people asked to be read besides: windows of time and lists of records, worked off beside the positions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from tenants.scoping import TenantOwned


class BackfillKind(models.TextChoices):
    """What was asked for."""

    WINDOW = "window", "what changed in a time"
    IDS = "ids", "records by their ids"
    REPLAY = "replay", "records that are known"


class BackfillState(models.TextChoices):
    """How far it is."""

    WAITING = "waiting", "waiting"
    RUNNING = "running", "under way"
    DONE = "done", "done"
    CANCELLED = "cancelled", "cancelled"


OPEN: tuple[str, ...] = (BackfillState.WAITING, BackfillState.RUNNING)


class Backfill(TenantOwned):
    """A window of a stream's source, or some of its records, to be read and compared once, after all that is new.

    It has places of its own, which no position takes notice of.
    """

    stream = models.ForeignKey("syncstatus.Stream", on_delete=models.CASCADE, related_name="backfills")
    kind = models.CharField(max_length=20, choices=BackfillKind.choices)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    ids = models.JSONField(default=list, blank=True, help_text="Of a list: which records, in order.")
    places = models.JSONField(
        default=dict, blank=True, help_text="Of a window: where each part stands; empty: through."
    )
    next_id = models.PositiveIntegerField(default=0, help_text="Of a list: so many are through.")
    state = models.CharField(max_length=20, choices=BackfillState.choices, default=BackfillState.WAITING)
    about = models.PositiveIntegerField(null=True, blank=True, help_text="What people were told it would be.")
    counts = models.JSONField(default=dict, blank=True, help_text="How many records ended how.")
    unknown = models.JSONField(default=list, blank=True, help_text="Ids the source holds no record of.")
    counted = models.JSONField(default=dict, blank=True, help_text="What the brake counted in it.")
    trouble = models.CharField(max_length=100, blank=True, help_text="Message id of why it does not get on.")
    reason = models.TextField()
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-asked_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["stream", "state"])]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.stream}"

    @property
    def read(self) -> int:
        """Records gone through so far."""
        counts: dict[str, Any] = self.counts
        return sum(counts.values())

    @property
    def is_open(self) -> bool:
        """Whether there is something left of it."""
        return self.state in OPEN
