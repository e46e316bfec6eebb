"""What an organisation has designed: types, concepts, places; and who may sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

from simulators.avni.rows import Location
from simulators.avni.table import Table


def new_uuid() -> str:
    """A fresh random uuid as text."""
    return str(uuid4())


@dataclass
class Concept:
    """A question or an answer. `answers` are uuids of answer concepts."""

    name: str
    data_type: str
    uuid: str = field(default_factory=new_uuid)
    answers: list[str] = field(default_factory=list)


@dataclass
class SubjectType:
    """A kind of subject. `places`: names of location types it may be registered at, all if empty."""

    name: str
    uuid: str = field(default_factory=new_uuid)
    person: bool = True
    allow_empty_location: bool = True
    allow_middle_name: bool = False
    allow_profile_picture: bool = False
    places: list[str] = field(default_factory=list)


@dataclass
class EncounterType:
    """A kind of encounter, of subjects or within a program."""

    name: str
    uuid: str = field(default_factory=new_uuid)


@dataclass
class Program:
    """A programme of care in which subjects are enrolled."""

    name: str
    uuid: str = field(default_factory=new_uuid)


@dataclass
class User:
    """One user of one organisation.

    `cannot_view`, `cannot_void`: names of types and programs without the privilege to see or to void their records.

    `account` is how the user stands at the identity provider: ready, new-password (still to be chosen), unconfirmed,
    disabled, reset (by an administrator), expired (the first password, never used), locked, second-factor, not-set-up.
    `provider`: the one that knows the user, "" for the one the site has (Cognito where it has both).
    """

    username: str
    password: str
    organisation: str
    may_generate_token: bool = True
    voided: bool = False
    cannot_view: list[str] = field(default_factory=list)
    cannot_void: list[str] = field(default_factory=list)
    account: str = "ready"
    provider: str = ""
    email_verified: bool = True


@dataclass
class Organisation:
    """Everything designed in one organisation; nothing of it is seen from another."""

    name: str
    concepts: dict[str, Concept] = field(default_factory=dict)
    subject_types: dict[str, SubjectType] = field(default_factory=dict)
    encounter_types: dict[str, EncounterType] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)
    location_table: Table[Location] = field(default_factory=Table, repr=False)
    genders: list[str] = field(default_factory=lambda: ["Female", "Male", "Other"])

    @property
    def locations(self) -> dict[str, Location]:
        """Places by uuid. Read only."""
        return self.location_table.rows

    def concept_named(self, name: str) -> Concept | None:
        """By exact name."""
        return next((found for found in self.concepts.values() if found.name == name), None)

    def lineage(self, uuid: str) -> list[Location]:
        """A place and all around it, from the lowest level up. Empty for an unknown uuid."""
        found: list[Location] = []
        place = self.locations.get(uuid)
        while place is not None:
            found.append(place)
            place = self.locations.get(place.parent) if place.parent else None
        return found

    def at_address(self, address: str) -> list[Location]:
        """Places whose titles, from the top joined by ", ", spell the address in any case."""
        wanted = address.casefold()
        return [
            place
            for place in self.locations.values()
            if ", ".join(p.title for p in reversed(self.lineage(place.uuid))).casefold() == wanted
        ]

    def at_address_map(self, address: dict[str, str]) -> list[Location]:
        """Living places whose every level, from the top to themselves, is in the map."""
        wanted = {level.casefold(): title.casefold() for level, title in address.items()}
        return [
            place
            for place in self.locations.values()
            if not place.voided and {p.kind.casefold(): p.title.casefold() for p in self.lineage(place.uuid)} == wanted
        ]

    def within(self, uuids: set[str]) -> set[str]:
        """The known ones of these places together with all places inside them."""
        return {
            place.uuid
            for place in self.locations.values()
            if any(outer.uuid in uuids for outer in self.lineage(place.uuid))
        }
