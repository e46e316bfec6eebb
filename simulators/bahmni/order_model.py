"""Rows that prescriptions and laboratory orders are made of. References are uuids."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from simulators.bahmni.model import Audit, Metadata

__all__ = ["Dosing", "Drug", "Order", "OrderType"]


@dataclass
class Drug(Metadata):
    """Something to be dispensed; `concept` is what is in it, `form` the name of its dosage form."""

    concept: str = ""
    form: str | None = None
    strength: str | None = None


@dataclass
class OrderType(Metadata):
    """`java` decides what orders of this type are called on the wire: drugorder, testorder or order."""

    java: str = "org.openmrs.Order"


@dataclass
class Dosing:
    """What an order of a drug has beside any order. `drug` None: `drug_non_coded` says it in words.

    Units, frequency and route are uuids; `instructions` is JSON in a text, `kind` a Java class.
    """

    drug: str | None = None
    drug_non_coded: str | None = None
    kind: str | None = None
    dose: float | None = None
    dose_units: str | None = None
    frequency: str | None = None
    as_needed: bool = False
    quantity: float | None = None
    quantity_units: str | None = None
    refills: int | None = None
    instructions: str | None = None
    duration: int | None = None
    duration_units: str | None = None
    route: str | None = None


@dataclass
class Order:
    """Something a clinician asked for. It never changes but to be stopped: a revision is another order."""

    uuid: str
    number: str
    patient: str
    encounter: str
    concept: str
    type: str
    action: str = "NEW"
    previous: str | None = None
    care_setting: str | None = None
    orderer: str | None = None
    activated: datetime | None = None
    scheduled: datetime | None = None
    stopped: datetime | None = None
    expires: datetime | None = None
    urgency: str = "ROUTINE"
    instructions: str | None = None
    comment: str | None = None
    accession_number: str | None = None
    dosing: Dosing | None = None
    voided: bool = False
    audit: Audit = field(default_factory=Audit)
