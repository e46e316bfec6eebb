"""How far each stream of each tenant has come: flow, stream, position, link, run and lease as rows."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from common.outcome import Outcome
from syncstatus.cron import validate_cron
from syncstatus.incidents import Incident as Incident  # noqa: PLC0414  # a model of this application
from syncstatus.incidents import IncidentKind as IncidentKind  # noqa: PLC0414
from tenants.models import Tenant, validate_zone
from tenants.scoping import TenantManager, TenantOwned

EVERY_MINUTE = "* * * * *"


class StartPolicy(models.TextChoices):
    """Where a stream begins when its flow is switched on for the first time. There is no default on purpose."""

    BEGINNING = "beginning", "from the very first record"
    RECENT = "recent", "from now on only"
    DATE = "date", "with what changed since a date"
    PAGE = "page", "with a page of each feed it reads"


class AtBrake(models.TextChoices):
    """Why a flow waits for a person before anything more is written."""

    SERVER = "server", "a server is not the one it was"
    MANY = "many", "unusually much would be voided or overwritten"


class Flow(TenantOwned):
    """An ordered cluster of streams in one direction, e.g. Avni → Bahmni, with its schedule."""

    key = models.CharField(max_length=50)
    is_on = models.BooleanField(default=False, help_text="Runs by its schedule. A new flow is off.")
    is_paused = models.BooleanField(default=False, help_text="Held by a person; the schedule stays.")
    cron = models.CharField(
        max_length=100,
        default="*/5 * * * *",
        validators=[validate_cron],
        help_text="minute hour day-of-month month day-of-week",
    )
    zone = models.CharField(max_length=64, default="Asia/Kolkata", validators=[validate_zone])
    slot_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="The newest time of the schedule that was acted on; what lies before it is past.",
    )
    retry_cron = models.CharField(
        max_length=100,
        default=EVERY_MINUTE,
        db_default=EVERY_MINUTE,
        validators=[validate_cron],
        help_text="When failed records may be tried again by themselves, in the same zone.",
    )
    stopped_by = models.CharField(
        max_length=150,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Who ended the run under way, until the flow goes on.",
    )
    start_policy = models.CharField(max_length=20, blank=True, choices=StartPolicy.choices)
    began_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it was first switched on: where a new partition begins."
    )
    start_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when records count, where it began with a date or page."
    )
    start_pages = models.JSONField(
        default=dict, db_default={}, blank=True, editable=False, help_text="Page of each stream that began with one."
    )
    at_brake = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        choices=AtBrake.choices,
        editable=False,
        help_text="Set with an open brake.",
    )
    schedule = models.OneToOneField(PeriodicTask, null=True, blank=True, editable=False, on_delete=models.SET_NULL)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "key"], name="one_flow_per_key")]
        ordering: ClassVar = ["tenant", "key"]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.key}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save without what only conditional updates write: a form opened before must not turn it back."""
        if not self._state.adding and not args and kwargs.get("update_fields") is None:
            kept = {"id", "slot_at", "stopped_by", "at_brake"}
            kwargs["update_fields"] = [field.name for field in self._meta.concrete_fields if field.name not in kept]
        super().save(*args, **kwargs)


class Stream(TenantOwned):
    """One entity type of a flow, and when it was last looked at."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="streams")
    key = models.CharField(max_length=50)
    sequence = models.PositiveSmallIntegerField(help_text="Place in the order of dependencies inside the tenant.")
    due_since = models.DateTimeField(null=True, blank=True, help_text="Somebody knocked and nobody has looked yet.")
    last_look_at = models.DateTimeField(null=True, blank=True)
    last_good_look_at = models.DateTimeField(null=True, blank=True)
    last_look_failure = models.CharField(
        max_length=100, blank=True, help_text="Message id of why the last look failed."
    )
    oldest_unfinished_at = models.DateTimeField(
        null=True, blank=True, help_text="Source time of the oldest change known and not finished by the last look."
    )
    counted_voids = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Records voided since the last look that voided and overwrote none.",
    )
    counted_overwrites = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Records of others changed since then."
    )
    faults_in_a_row = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="New records at which the service itself failed, since the last one that ended otherwise.",
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "key"], name="one_stream_per_key")]
        ordering: ClassVar = ["tenant", "sequence"]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.key}"


class Position(TenantOwned):
    """How far a stream has read in one partition (a subject type, an encounter type, a feed).

    Moved only by commits and by people. One whose partition the settings no longer name stays, and is not read.
    """

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="positions")
    partition = models.CharField(max_length=255)
    value = models.JSONField(help_text="As the source defines it, with the ids of its overlap window.")
    read_upto = models.DateTimeField(
        null=True, blank=True, help_text="Source time of the last finished change, for people."
    )
    moved_at = models.DateTimeField(auto_now=True)
    moves = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="How often a person moved it: a commit knows by it."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "stream", "partition"], name="one_position_per_partition")
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.partition}"


class Round(TenantOwned):
    """How far a stream has been gone through from end to end, for what its partitions do not show; again and again.

    The first round fills: it takes all the time that is left over. The later ones have a budget.
    """

    stream = models.OneToOneField(Stream, on_delete=models.CASCADE, related_name="round")
    ordinal = models.PositiveIntegerField(default=0, help_text="Of the round under way, else of the last one.")
    value = models.JSONField(default=dict, help_text="Where it stands, as whoever goes through it defines it.")
    began_at = models.DateTimeField(null=True, help_text="Of the round under way; empty between two rounds.")
    seen = models.PositiveIntegerField(default=0, help_text="Records gone through in it so far.")
    remote_calls = models.PositiveIntegerField(default=0, help_text="Requests it has cost so far.")
    counted = models.JSONField(default=dict, help_text="What the brake counted in it, by what became of the record.")
    last_turn_at = models.DateTimeField(null=True)
    next_turn_at = models.DateTimeField(null=True, help_text="Not before; empty when it may go on at once.")
    last_finished_at = models.DateTimeField(null=True)
    last_took = models.DurationField(null=True, help_text="From the beginning of the last full round to its end.")
    last_seen = models.PositiveIntegerField(null=True, help_text="Records gone through in the last full round.")

    def __str__(self) -> str:
        return f"round of {self.stream}"


class ToRead(TenantOwned):
    """A record that was just registered though it is older: what hangs on it is to be read in this stream."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="+")
    parent_id = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "stream", "parent_id"], name="one_note_per_record")
        ]

    def __str__(self) -> str:
        return f"{self.stream}: what hangs on {self.parent_id}"


class Link(TenantOwned):
    """The identity ledger: one row per source record ever seen, and the target records that stand for it.

    `target_id` is the record that carries the content (an encounter), `target_parent_id` the one it hangs on
    (patient in Bahmni, subject in Avni), `other_targets` what else was needed (visit).
    """

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="links")
    source_id = models.CharField(max_length=100)
    identifier = models.CharField(max_length=100, blank=True, help_text="Normalised patient number both sides know.")
    target_id = models.CharField(max_length=100, blank=True)
    target_parent_id = models.CharField(max_length=100, blank=True)
    other_targets = models.JSONField(default=dict, blank=True)
    created_by_us = models.JSONField(default=list, blank=True, help_text="Kinds of target record this tenant created.")
    source_version = models.CharField(max_length=100, blank=True)
    source_time = models.DateTimeField(null=True, blank=True)
    wanted_fingerprint = models.CharField(max_length=64, blank=True, help_text="Content and the mapping entries used.")
    left_fingerprint = models.CharField(max_length=64, blank=True, help_text="State of the target as we left it.")
    left = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="The answers we left, as short notes: see engine.left."
    )
    outcome = models.CharField(max_length=20, choices=Outcome.choices())
    reason = models.CharField(max_length=100, blank=True, help_text="Message id.")
    is_suspect = models.BooleanField(
        default=False, help_text="Was in flight when a lease was taken over: compare before trusting."
    )
    run = models.ForeignKey("Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "stream", "source_id"], name="one_link_per_source_record")
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "identifier"]),
            models.Index(fields=["tenant", "target_id"]),
            models.Index(fields=["tenant", "target_parent_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.stream.key} {self.source_id}"


class RunKind(models.TextChoices):
    """What a run looked at."""

    READ = "read", "new changes"
    REPROCESS = "reprocess", "error records"
    TAKE_OVER = "take-over", "what another service handed over"
    FILL = "fill", "first fill"
    ROUND = "round", "what no change tells"
    COMPARE = "compare", "what a lost worker was writing"
    BACKFILL = "backfill", "what a person asked for again"


class RunState(models.TextChoices):
    """Where a run stands; a stopped one says by what."""

    RUNNING = "running", "running"
    DONE = "done", "done"
    STOPPED = "stopped", "stopped"


class Run(TenantOwned):
    """One look at one stream. It is green only when `read` equals the sum of its outcomes and none failed."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=20, choices=RunKind.choices, default=RunKind.READ)
    state = models.CharField(max_length=20, choices=RunState.choices, default=RunState.RUNNING)
    stopped_by = models.CharField(max_length=100, blank=True, help_text="Message id of what ended it early.")
    stopped_who = models.CharField(
        max_length=150, blank=True, default="", db_default="", help_text="Who ended it, where a person did."
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    token = models.BigIntegerField(help_text="Of the lease it ran under.")
    read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    voided = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    collapsed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    deferred = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    target_writes = models.PositiveIntegerField(default=0)
    remote_calls = models.PositiveIntegerField(default=0)
    reasons = models.JSONField(
        default=dict, blank=True, help_text="How often each reason (message id) occurred, by outcome."
    )
    unmapped = models.JSONField(
        default=dict, blank=True, help_text="How often each question without a mapping was left out."
    )
    began_with = models.JSONField(
        default=dict, db_default={}, blank=True, editable=False, help_text="Where each part was read from, by its name."
    )

    class Meta:
        ordering: ClassVar = ["-started_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["tenant", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.stream} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def finished_changes(self) -> int:
        """Sum of all outcomes; equal to `read`, or something was lost."""
        return sum(getattr(self, outcome.value) for outcome in Outcome)


class TakeOver(TenantOwned):
    """That a tenant was taken over from another service: what was brought, and how far its records were looked for."""

    brought = models.JSONField(default=dict, blank=True, help_text="Fingerprints of what was brought, by kind and key.")
    searched = models.JSONField(
        default=dict, blank=True, help_text="By stream and part of the source: how far, and what was found."
    )
    first_at = models.DateTimeField(auto_now_add=True)
    last_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant"], name="one_take_over_per_tenant")]

    def __str__(self) -> str:
        return f"take-over of {self.tenant}"


class Brake(TenantOwned):
    """A flow that was stopped until a person has looked. It stays as a record of what was let go on and why."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="brakes")
    kind = models.CharField(max_length=20, choices=AtBrake.choices)
    side = models.CharField(max_length=30, blank=True, help_text="The server that is not the one it was.")
    set_at = models.DateTimeField()
    differences = models.JSONField(default=list, blank=True, help_text="What of the server is not as it was.")
    facts = models.JSONField(default=dict, blank=True, help_text="What the server said of itself.")
    links = models.PositiveIntegerField(default=0, help_text="Known links of the flow when it was set.")
    limit = models.PositiveIntegerField(default=0, help_text="How many records of a kind passed without a word.")
    passed = models.PositiveIntegerField(default=0, help_text="How many of them did.")
    is_complete = models.BooleanField(default=True, help_text="Whether all that waits could be listed.")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True, help_text="Who let it go on, or what.")
    reason = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["flow", "kind", "side"], condition=models.Q(ended_at=None), name="one_open_brake_of_a_kind"
            )
        ]
        ordering: ClassVar = ["-set_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.flow} at the brake since {self.set_at:%Y-%m-%d %H:%M}"


class BrakedRecord(TenantOwned):
    """A record that waits, or waited, at a brake, and what was to become of its partner."""

    brake = models.ForeignKey(Brake, on_delete=models.CASCADE, related_name="records")
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="+")
    entity_id = models.CharField(max_length=100)
    does = models.CharField(max_length=20, help_text="void or overwrite")
    why = models.TextField(blank=True)
    is_spent = models.BooleanField(default=False, help_text="It has passed by the word given, which acts once.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["brake", "stream", "entity_id"], name="one_line_per_braked_record")
        ]
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.does} for {self.entity_id}"


class Lease(models.Model):
    """The right to write for a tenant. Taken, kept and proven by conditional updates on the database's clock."""

    tenant = models.OneToOneField(Tenant, primary_key=True, on_delete=models.CASCADE, related_name="+")
    owner = models.CharField(max_length=200, blank=True)
    token = models.BigIntegerField(default=0, help_text="Grows with every taking; a commit under an older one fails.")
    expires_at = models.DateTimeField(null=True, blank=True)
    in_flight = models.JSONField(default=list, blank=True, help_text="Source records being written when last heard of.")
    at_work = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Their stream, and those that a death now counts against."
    )

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    def __str__(self) -> str:
        return f"lease of {self.tenant}"


class Suspect(TenantOwned):
    """A record that was being handed over when its worker was lost: that one may be frozen and write late.

    It is compared with the target again at growing intervals, until that worker has reported or the grace time is
    over; then the row goes. See `engine.suspects`.
    """

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="suspects")
    source_id = models.CharField(max_length=100)
    owner = models.CharField(max_length=200, blank=True, help_text="Who lost the lease; empty when several did.")
    has_reported = models.BooleanField(default=False, help_text="The owner is through: one more comparison will do.")
    taken_over_at = models.DateTimeField()
    compare_at = models.DateTimeField(db_index=True)
    deaths = models.PositiveSmallIntegerField(
        default=0, help_text="Workers lost in a row while they handed it over. Any outcome of it begins anew."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "stream", "source_id"], name="one_suspicion_per_record")
        ]

    def __str__(self) -> str:
        return f"{self.stream}: {self.source_id}"


class Heartbeat(models.Model):
    """Sign of life of a process of the installation (the beat), so that silence can be seen."""

    name = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


from syncstatus.backfills import Backfill  # noqa: E402, F401  # a model of this room in a module of its own
