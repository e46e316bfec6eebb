"""A tenant, who may work with it, the two servers it joins, and the record of what people did."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, URLValidator
from django.db import models

from tenants.rights import RIGHTS_OF_ROLE, Right, Role
from tenants.scoping import TenantManager, TenantOwned
from tenants.secrets import SecretField, no_secret


def validate_zone(value: str) -> None:
    """Refuse a name that the time zone database does not know."""
    if value not in available_timezones():
        raise ValidationError(f"{value!r} is not a time zone; write one like Asia/Kolkata")


class Tenant(models.Model):
    """One integration of one Avni organisation with one other system; everything else is scoped to it."""

    name = models.CharField(
        max_length=100,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", "lower-case letters, digits and hyphens only")],
        help_text="Short name used in commands and addresses, e.g. ashwini.",
    )
    title = models.CharField(max_length=200, blank=True, help_text="Name people read.")
    connector = models.CharField(max_length=50, default="bahmni", help_text="The system joined with Avni.")
    namespace = models.UUIDField(
        default=uuid.uuid4,
        unique=True,
        help_text="Seed of every id this tenant creates in the other systems. It must survive a move to another "
        "installation, or records would be created twice.",
    )
    zone = models.CharField(max_length=64, default="Asia/Kolkata", validators=[validate_zone])
    born_here = models.BooleanField(
        default=False,
        help_text="No other service ever wrote for this tenant. Only then may the look-up by marker be left out.",
    )
    match_name_likeness = models.FloatField(
        default=0.7,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="How alike (0 to 1) the names must be when a subject and a patient meet for the first time by "
        "number alone.",
    )
    match_birth_years = models.PositiveSmallIntegerField(
        default=2, help_text="By how many years the birth years may differ at that first meeting."
    )
    follows_demographics = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Changes of name, gender, birth date and address reach people this tenant created in the other "
        "system. Switched off after another service was taken over. Takes effect when a record next changes.",
    )
    mapping_revision = models.PositiveBigIntegerField(
        default=0,
        editable=False,
        help_text="Grows with every change of mappings, constants, connections: what was read holds as long.",
    )
    bound_to = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The installation it may write from; see tenants.seal.",
    )
    bound_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager("pk")

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.title or self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save without what only the database or a binding writes: a form opened before must not turn it back."""
        if not self._state.adding and not args and kwargs.get("update_fields") is None:
            kept = {"id", "mapping_revision", "bound_to", "bound_at"}
            kwargs["update_fields"] = [field.name for field in self._meta.concrete_fields if field.name not in kept]
        super().save(*args, **kwargs)


class Membership(TenantOwned):
    """A person's role in a tenant."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "tenant"], name="one_role_per_person_and_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} of {self.tenant}"

    @property
    def rights(self) -> frozenset[Right]:
        """What the role allows."""
        return RIGHTS_OF_ROLE[self.role]


class Connection(TenantOwned):
    """One server of a tenant: where it is, how to sign in, and how hard we may lean on it."""

    side = models.CharField(max_length=30, help_text="Which server of the tenant this is, e.g. avni or bahmni.")
    base_url = models.CharField(
        max_length=500, validators=[URLValidator(schemes=["http", "https"])], help_text="Never left by any request."
    )
    bound_url = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The address a person let this tenant write to; see tenants.seal.",
    )
    sign_in = models.CharField(max_length=30, help_text="How to sign in, one of the ways the connector offers.")
    username = models.CharField(max_length=200, blank=True)
    secret = SecretField(blank=True, default=no_secret, editable=False)
    secret_source = models.CharField(
        max_length=500, blank=True, help_text="Where the secret was read from (env:NAME or file:PATH); kept for export."
    )
    secret_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    zone = models.CharField(
        max_length=64,
        default="Asia/Kolkata",
        validators=[validate_zone],
        help_text="Zone the server writes its times in.",
    )
    max_parallel = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(64)], help_text="Requests at a time."
    )
    identity = models.JSONField(
        default=dict, blank=True, editable=False, help_text="What the server said of itself when last checked."
    )
    down_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Everything that needs the server waits while this is set."
    )
    next_probe_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When one request may ask whether it is back; empty while only a person lets us ask.",
    )
    down_reason = models.CharField(max_length=100, blank=True, editable=False, help_text="Message id.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "side"], name="one_connection_per_side")]
        ordering: ClassVar = ["tenant", "side"]

    def __str__(self) -> str:
        return f"{self.side} of {self.tenant}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save without what `engine.breaker` writes: a form that was opened before must not turn it back.

        The address entered with a new connection is the one a person meant.
        """
        if self._state.adding:
            self.bound_url = self.bound_url or self.base_url
        elif not args and kwargs.get("update_fields") is None:
            kept = {"id", "down_since", "next_probe_at", "down_reason"}
            kwargs["update_fields"] = [field.name for field in self._meta.concrete_fields if field.name not in kept]
        super().save(*args, **kwargs)


class LogInTrouble(models.Model):
    """Wrong passwords in a row, of one account or from one address. It belongs to the installation, to no tenant."""

    key = models.CharField(max_length=80, primary_key=True, help_text="Kind, and a hash of the name or the address.")
    label = models.CharField(max_length=150, blank=True, help_text="The account, if it exists, or the address.")
    wrong = models.PositiveIntegerField(default=0, help_text="Wrong passwords in a row.")
    last_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-last_at"]
        verbose_name = "log-in with wrong passwords"
        verbose_name_plural = "log-ins with wrong passwords"

    def __str__(self) -> str:
        return f"{self.key.partition(':')[0]} {self.label}".strip()


class AuditEntry(models.Model):
    """What a person did: through which door, to what, before and after. Never edited or deleted by the application."""

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    door = models.CharField(
        max_length=20, choices=[("admin", "admin"), ("command", "command line"), ("api", "API"), ("system", "system")]
    )
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=100)
    object_label = models.CharField(max_length=300, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["tenant", "-at"])]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_label or self.object_id}"
