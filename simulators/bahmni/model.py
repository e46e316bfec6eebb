"""Rows of the simulated hospital's database.

References are uuids; date-times are aware and whole seconds, as MySQL keeps them. The rows hold
no rules: those are in `patients`, `visits`, `encounters`, `observations` and `orders`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

__all__ = [
    "Address",
    "Attribute",
    "Audit",
    "Concept",
    "Encounter",
    "EncounterProvider",
    "FeedEvent",
    "Form",
    "Identifier",
    "IdentifierSource",
    "IdentifierType",
    "Location",
    "Metadata",
    "Name",
    "Obs",
    "Patient",
    "Person",
    "PersonAttributeType",
    "Provider",
    "User",
    "Visit",
    "VisitAttribute",
    "VisitAttributeType",
]


@dataclass
class Audit:
    """Who made, changed and voided a row (user uuids)."""

    creator: str | None = None
    date_created: datetime | None = None
    changed_by: str | None = None
    date_changed: datetime | None = None
    voided_by: str | None = None
    date_voided: datetime | None = None
    void_reason: str | None = None


@dataclass
class Metadata:
    """Encounter type, visit type, encounter role: a name and nothing more."""

    uuid: str
    name: str
    description: str | None = None
    retired: bool = False
    audit: Audit = field(default_factory=Audit)


@dataclass
class Location(Metadata):
    """A place; `parent` is the place around it."""

    parent: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass
class IdentifierType(Metadata):
    """`format` is a regex; `location_behavior` None means required, `uniqueness_behavior` None unique."""

    format: str | None = None
    required: bool = False
    location_behavior: str | None = None
    uniqueness_behavior: str | None = None
    validator: str | None = None


@dataclass
class PersonAttributeType(Metadata):
    """`format` is a Java class: it decides the kind of value."""

    format: str = "java.lang.String"
    searchable: bool = False


@dataclass
class VisitAttributeType(Metadata):
    """`max_occurs` None: any number."""

    datatype: str = "org.openmrs.customdatatype.datatype.FreeTextDatatype"
    min_occurs: int = 0
    max_occurs: int | None = 1


@dataclass
class Provider(Metadata):
    """Somebody who provides care."""

    identifier: str | None = None
    person: str | None = None


@dataclass
class Concept(Metadata):
    """`datatype` is the name OpenMRS uses: Coded, Numeric, Text, Date, Datetime, Boolean, N/A.

    `name` is the fully specified one. `preferred` is what a `display` shows where it is another; `short` the short one.
    """

    name_uuid: str = ""
    preferred: str | None = None
    short: str | None = None
    version: str | None = None
    datatype: str = "N/A"
    concept_class: str = "Misc"
    answers: list[str] = field(default_factory=list)
    set_members: list[str] = field(default_factory=list)
    mappings: list[str] = field(default_factory=list)
    units: str | None = None
    low_absolute: float | None = None
    hi_absolute: float | None = None
    low_normal: float | None = None
    hi_normal: float | None = None
    allow_decimal: bool = True

    @property
    def display(self) -> str:
        """The name it goes by; nothing to find it by."""
        return self.preferred or self.name


@dataclass
class Form(Metadata):
    """A form as OpenMRS knows it. Bahmni's own forms are not among them."""

    version: str = "1"
    encounter_type: str | None = None
    published: bool = True


@dataclass
class IdentifierSource(Metadata):
    """Hands out numbers: `prefix` and `next_number`, padded to `digits`. A number handed out never comes back."""

    identifier_type: str = ""
    prefix: str = ""
    next_number: int = 1
    digits: int = 6


@dataclass
class User:
    """`privileges` None: superuser."""

    uuid: str
    username: str
    password: str
    person: str
    person_name: str
    privileges: list[str] | None = None
    provider: str | None = None
    failures: int = 0
    locked_at: datetime | None = None


@dataclass
class Name:
    """A person's name."""

    uuid: str
    given_name: str | None = None
    middle_name: str | None = None
    family_name: str | None = None
    family_name2: str | None = None
    preferred: bool = False
    voided: bool = False
    date_voided: datetime | None = None


@dataclass
class Address:
    """`parts` by their name on the wire (address1 … address15, cityVillage, …)."""

    uuid: str
    parts: dict[str, str | None] = field(default_factory=dict)
    preferred: bool = False
    voided: bool = False
    date_voided: datetime | None = None


@dataclass
class Attribute:
    """Person attribute. For a concept typed one `value` is the concept's uuid."""

    uuid: str
    type: str
    value: str | bool | int | float | None = None
    voided: bool = False
    date_voided: datetime | None = None


@dataclass
class Person:
    """Demographics."""

    uuid: str
    gender: str | None = None
    birthdate: date | None = None
    birthdate_estimated: bool = False
    birthtime: str | None = None
    dead: bool = False
    death_date: datetime | None = None
    death_date_estimated: bool = False
    cause_of_death: str | None = None
    names: list[Name] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    voided: bool = False
    audit: Audit = field(default_factory=Audit)


@dataclass
class Identifier:
    """A patient's identifier; the number patients are known by."""

    uuid: str
    identifier: str
    type: str
    location: str | None = None
    preferred: bool = False
    voided: bool = False
    audit: Audit = field(default_factory=Audit)


@dataclass
class Patient:
    """The patient's part of a person with the same uuid."""

    uuid: str
    identifiers: list[Identifier] = field(default_factory=list)
    voided: bool = False
    audit: Audit = field(default_factory=Audit)


@dataclass
class VisitAttribute:
    """Attribute of a visit."""

    uuid: str
    type: str
    value: str | None = None
    voided: bool = False
    date_voided: datetime | None = None


@dataclass
class Visit:
    """`stop` None: still open."""

    uuid: str
    patient: str
    type: str
    start: datetime
    stop: datetime | None = None
    location: str | None = None
    indication: str | None = None
    attributes: list[VisitAttribute] = field(default_factory=list)
    voided: bool = False
    audit: Audit = field(default_factory=Audit)


@dataclass
class EncounterProvider:
    """Who took part, and as what."""

    uuid: str
    provider: str
    role: str | None = None
    voided: bool = False


@dataclass
class Encounter:
    """`moment` is what the API calls encounterDatetime."""

    uuid: str
    patient: str
    type: str
    moment: datetime
    visit: str | None = None
    location: str | None = None
    form: str | None = None
    providers: list[EncounterProvider] = field(default_factory=list)
    voided: bool = False
    audit: Audit = field(default_factory=Audit)


@dataclass
class Obs:
    """One observation row. An edit never changes a live row: it voids it and writes another.

    `value` by datatype: Coded and Boolean the answer concept's uuid, Numeric a float, Text a
    string, Date "yyyy-MM-dd", Datetime an ISO text with offset, Time "HH:mm". `drug` is set where
    a drug was the answer.
    """

    uuid: str
    concept: str
    person: str
    encounter: str | None
    moment: datetime
    group: str | None = None
    value: str | float | None = None
    drug: str | None = None
    comment: str | None = None
    location: str | None = None
    order: str | None = None
    accession_number: str | None = None
    form_field_path: str | None = None
    form_field_namespace: str | None = None
    interpretation: str | None = None
    status: str = "FINAL"
    previous_version: str | None = None
    voided: bool = False
    audit: Audit = field(default_factory=Audit)


@dataclass
class FeedEvent:
    """A row of `event_records`; `number` is its primary key, `timestamp` the publishing time."""

    uuid: str
    title: str
    category: str
    content: str | None
    raised: datetime
    tags: list[str] = field(default_factory=list)
    number: int = 0
    timestamp: datetime | None = None
