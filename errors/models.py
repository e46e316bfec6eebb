"""What did not get through: error types, one record per entity, and the log of every attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from errors.classification import Comparison, problem_with
from errors.retry import Policy
from errors.specs import Move
from syncstatus.models import Run, Stream
from tenants.scoping import TenantOwned


class FollowUp(models.TextChoices):
    """What follows from an error of a type."""

    PROCESS = "process", "process again"
    TERMINAL = "terminal", "do not try again"
    INTERNAL = "internal", "for our own engineers"
    EXTERNAL = "external", "for the other system"


LONGEST_WAIT_MINUTES = 30 * 24 * 60
"""A record that rests longer than a month is forgotten, not retried."""


class ErrorType(TenantOwned):
    """A kind of error as administrators know it: what tells it, what follows from it, how it is tried again.

    The live types of a tenant are asked in their order: see `errors.classification`. A type is switched off, never
    deleted: records that once had it keep it. `place` is None only until the type is first put in order; then it is
    the last. Rules are changed through `engine.error_types`, which brings open records in line.
    """

    name = models.CharField(max_length=255)
    place = models.PositiveIntegerField(null=True, blank=True, editable=False, help_text="Lower is asked first.")
    comparison = models.CharField(max_length=20, blank=True, choices=Comparison.choices, default=Comparison.NONE)
    comparison_value = models.TextField(blank=True)
    follow_up = models.CharField("follow-up", max_length=20, choices=FollowUp.choices, default=FollowUp.PROCESS)
    first_wait_minutes = models.PositiveIntegerField(default=1, db_default=1, validators=[MinValueValidator(1)])
    longest_wait_minutes = models.PositiveIntegerField(
        default=360, db_default=360, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WAIT_MINUTES)]
    )
    most_attempts = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="In a row; without limit when empty."
    )
    is_voided = models.BooleanField("switched off", default=False, db_default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="one_error_type_per_name"),
            models.UniqueConstraint(fields=["tenant", "place"], name="one_error_type_per_place"),
            models.CheckConstraint(
                condition=models.Q(first_wait_minutes__gte=1)
                & models.Q(longest_wait_minutes__gte=models.F("first_wait_minutes")),
                name="error_type_waits_grow",
            ),
            models.CheckConstraint(
                condition=models.Q(most_attempts__isnull=True) | models.Q(most_attempts__gte=1),
                name="error_type_allows_an_attempt",
            ),
        ]
        ordering: ClassVar = [models.F("place").asc(nulls_last=True), "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def policy(self) -> Policy:
        """How its errors are tried again, where its follow-up does."""
        first, longest = timedelta(minutes=self.first_wait_minutes), timedelta(minutes=self.longest_wait_minutes)
        return Policy(first, longest, self.most_attempts)

    @property
    def is_terminal(self) -> bool:
        """Whether its errors are not tried again."""
        return self.follow_up == FollowUp.TERMINAL

    def clean(self) -> None:
        """Refuse a rule that could fit nothing, and waits that shrink. What is switched off may stay as it is."""
        self.name, self.comparison_value = self.name.strip(), self.comparison_value.strip()
        problems = {}
        if not self.is_voided and (problem := problem_with(self.comparison, self.comparison_value)):
            problems["comparison_value"] = problem
        if self.longest_wait_minutes < self.first_wait_minutes:
            problems["longest_wait_minutes"] = "Not shorter than the first wait."
        if problems:
            raise ValidationError(problems)


class ErrorState(models.TextChoices):
    """Where an error record stands."""

    RETRYING = "retrying", "will be tried again"
    DEFERRED = "deferred", "waits for another record"
    HELD = "held", "waits for a person"
    CLOSED = "closed", "not tried again"
    IGNORED = "ignored", "ignored by a person"
    APART = "apart", "kept apart by a person"
    RESOLVED = "resolved", "got through"


OPEN_STATES = (ErrorState.RETRYING, ErrorState.DEFERRED, ErrorState.HELD)
"""What somebody or something still has to do with. Closed ones (of a terminal type) are not among them."""


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
    failed_in_a_row = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Attempts that failed since the record was last changed, waited for something, or a person retried "
        "it; what the policy of its type counts.",
    )
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    source_time = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ignored_reason = models.TextField(blank=True)
    conflict = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="What a person may decide about: see engine.decisions.kept."
    )
    touched = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How often a person retried, ignored or decided: tells an attempt that "
        "somebody acted meanwhile.",
    )  # fmt: skip

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

    @property
    def is_used_up(self) -> bool:
        """Whether it waits for a person only because its type allows no more attempts."""
        return self.state == ErrorState.HELD and self.failed_in_a_row > 0


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


class Decision(TenantOwned):
    """What a person decided about a record, once and for one conflict; kept for good.

    It waits until its record is through (`used_at`); `outcome` is what became of the record since. One whose move says
    that nothing is to be written stays in force for as long as the conflict is this one.
    """

    record = models.ForeignKey(ErrorRecord, on_delete=models.CASCADE, related_name="decisions")
    move = models.CharField(max_length=20, choices=[(move.value, move.value) for move in Move])
    state = models.CharField(max_length=64, help_text="Fingerprint of the conflict that was decided.")
    chosen = models.CharField(max_length=100, blank=True, help_text="Id of the candidate in the target.")
    message = models.CharField(max_length=100, help_text="Why the record was held.")
    reason = models.TextField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.record}: {self.move}"
