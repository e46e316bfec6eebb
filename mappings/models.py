"""What stands for what: mapping groups, types, mappings, ignored concepts and constants, each belonging to a tenant."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from tenants.scoping import TenantOwned


class MappingGroup(TenantOwned):
    """A cluster of mapping types, e.g. Observation. Names are those administrators of the Java service know."""

    name = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "name"], name="one_group_per_name")]
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class MappingType(TenantOwned):
    """One kind of mapping inside a group, with what it is used for and what happens while it is missing."""

    group = models.ForeignKey(MappingGroup, on_delete=models.CASCADE, related_name="types")
    name = models.CharField(max_length=255)
    used_for = models.TextField(blank=True)
    when_missing = models.TextField(blank=True)
    is_mandatory = models.BooleanField(default=False, help_text="A flow that needs it does not start without it.")
    is_single = models.BooleanField(default=False, help_text="Looked up without a value: at most one mapping.")
    avni_is_unique = models.BooleanField(default=True, help_text="One Avni value has one partner.")
    int_system_is_unique = models.BooleanField(default=True, help_text="One value of the other system has one partner.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "group", "name"], name="one_type_per_group_and_name")
        ]
        ordering: ClassVar = ["group__name", "name"]

    def __str__(self) -> str:
        return f"{self.group.name} / {self.name}"


class DataTypeHint(models.TextChoices):
    """Kinds of answer: as the Java service names them, then those it did not know."""

    CODED = "Coded"
    DATE = "Date"
    NUMERIC = "Numeric"
    TEXT = "Text"
    BOOLEAN = "Boolean"
    NA = "NA"
    DATETIME = "DateTime"
    PHONE_NUMBER = "PhoneNumber"
    QUESTION_GROUP = "QuestionGroup"
    REPEATABLE_GROUP = "RepeatableGroup"


class Unmapped(models.TextChoices):
    """What becomes of a question or an answer without a mapping."""

    FAIL = "fail", "Error that explains it"
    SKIP = "skip", "Left out and counted"
    TEXT = "text", "Sent as text"


class Mapping(TenantOwned):
    """One pair: a value of Avni and what stands for it in the other system."""

    type = models.ForeignKey(MappingType, on_delete=models.PROTECT, related_name="mappings")
    avni_value = models.CharField(
        max_length=255,
        blank=True,
        help_text="As it stands on the wire: the name of a concept, answer, program or type.",
    )
    avni_uuid = models.UUIDField(null=True, blank=True, help_text="Optional: survives a rename in Avni.")
    int_system_value = models.CharField(
        max_length=255, blank=True, help_text="Text or number of the other system; a uuid for OpenMRS."
    )
    data_type_hint = models.CharField(max_length=20, blank=True, choices=DataTypeHint.choices)
    when_unmapped = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        choices=Unmapped.choices,
        help_text="What becomes of answers to this question, or of questions in this form or group, that have no "
        "mapping. Empty: what the constants of the tenant say.",
    )
    about = models.CharField(
        max_length=1000, blank=True, help_text="Name or remark people read, e.g. the OpenMRS concept's name."
    )
    is_voided = models.BooleanField(default=False)
    # NULL where no uniqueness is asked for: databases let NULLs stand beside each other.
    avni_key = models.CharField(max_length=255, null=True, editable=False)  # noqa: DJ001
    int_system_key = models.CharField(max_length=255, null=True, editable=False)  # noqa: DJ001

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "type", "avni_key"], name="one_mapping_per_avni_value"),
            models.UniqueConstraint(
                fields=["tenant", "type", "int_system_key"], name="one_mapping_per_int_system_value"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "avni_value"]),
            models.Index(fields=["tenant", "int_system_value"]),
        ]
        ordering: ClassVar = ["type__group__name", "type__name", "avni_value"]

    def __str__(self) -> str:
        return f"{self.type}: {self.avni_value or '–'} ↔ {self.about or self.int_system_value or '–'}"

    def set_unique_keys(self) -> None:
        """Derive the columns behind the uniqueness rules; for callers that write in bulk and so bypass `save`."""
        live = not self.is_voided
        single = "*" if self.type.is_single else ""
        self.avni_key = (single or (self.avni_value if self.type.avni_is_unique else "")) or None if live else None
        self.int_system_key = (
            (single or (self.int_system_value if self.type.int_system_is_unique else "")) or None if live else None
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with the columns behind the uniqueness rules brought up to date."""
        self.set_unique_keys()
        super().save(*args, **kwargs)


class Side(models.TextChoices):
    """Where a concept is at home."""

    AVNI = "avni", "Avni"
    INT_SYSTEM = "int_system", "The other system"


class IgnoredConcept(TenantOwned):
    """A question or answer that does not travel because somebody decided so; no mapping of it is asked for."""

    side = models.CharField(max_length=20, choices=Side.choices, help_text="Where the concept is at home.")
    concept = models.CharField(
        max_length=255, help_text="Its name, as it stands on the wire, for Avni; its uuid for OpenMRS."
    )
    about = models.CharField(
        max_length=1000, blank=True, help_text="Why it is left out; for OpenMRS also the concept's name."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "side", "concept"],
                name="one_ignored_concept_per_side",
                violation_error_message="This concept is ignored already.",
            )
        ]
        ordering: ClassVar = ["side", "concept"]

    def __str__(self) -> str:
        return f"{self.get_side_display()}: {self.concept}"


class Constant(TenantOwned):
    """A setting of the tenant by key; keys that hold a list have one row per element."""

    key = models.CharField(max_length=255)
    ordinal = models.PositiveSmallIntegerField(default=0)
    value = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "key", "ordinal"], name="one_constant_per_key_and_place")
        ]
        ordering: ClassVar = ["key", "ordinal"]

    def __str__(self) -> str:
        return f"{self.key} = {self.value or '(not set)'}"
