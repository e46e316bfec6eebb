"""Name, gender, birth date and address of a subject in Avni → of the patient in Bahmni. Pure.

A patient is created with them. Later changes follow to patients that this tenant created, as long as the tenant wants
it, and never over what the hospital wrote: the link notes what we left of each part, as of any answer, and what reads
otherwise by now is the hospital's. Whatever differs and is not written is told.
Stands on avni.md A20 (names among the observations, `location` by the names of its levels), openmrs.md O42 (a patient's
person is changed with an entry in the feed, so that the hospital's other systems follow), O44 (merged by uuid), O47.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.found import ADDRESS_FIELDS, FoundPerson
from bahmni.kinds import LAST_YEAR, wrong_kind
from common.fingerprint import fingerprint
from engine.left import Left, noted, question_note
from engine.verdicts import Fail
from mappings.snapshot import Snapshot

NAME, GENDER, BIRTH, ADDRESS = "name", "gender", "birth date", "address"
PARTS: Final = (NAME, GENDER, BIRTH, ADDRESS)
"""What is compared and written as a whole, as people call it; the link notes by it what we left."""

UNSAID: Final[tuple[Any, ...]] = ("", ["", "", ""], {})
"""How a part looks of which the subject says nothing."""


@dataclass(frozen=True)
class Person:
    """Who somebody is. `gender` is a letter of OpenMRS; empty texts stand for what is not known.

    `address` holds the fields of OpenMRS that levels of Avni are mapped to, empty ones too.
    """

    given_name: str
    middle_name: str
    family_name: str
    gender: str
    birthdate: str
    address: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, Any]:
        """What each part says."""
        return {
            NAME: [self.given_name, self.middle_name, self.family_name],
            GENDER: self.gender,
            BIRTH: self.birthdate,
            ADDRESS: dict(self.address),
        }


def asked_address(snapshot: Snapshot) -> tuple[str, ...]:
    """The address fields to ask OpenMRS for: those that levels of Avni are mapped to and it has."""
    entries = snapshot.by_avni_value.get(v.ADDRESS_LEVEL, {}).values()
    return tuple(sorted({entry.int_system_value for entry in entries} & ADDRESS_FIELDS))


def address_fields(snapshot: Snapshot) -> tuple[str, ...]:
    """The address fields of OpenMRS that levels of Avni are mapped to; none while the tenant maps none.

    Raises Fail for a field OpenMRS does not have.
    """
    entries = snapshot.by_avni_value.get(v.ADDRESS_LEVEL, {})
    for level, entry in entries.items():
        if entry.int_system_value not in ADDRESS_FIELDS:
            wrong = entry.int_system_value
            raise Fail("bahmni.address-field-unknown", level=level, field=wrong, side="avni", value=level)
    return tuple(sorted({entry.int_system_value for entry in entries.values()}))


def said_by(subject: Mapping[str, Any], snapshot: Snapshot) -> Person:
    """What the subject says of itself. Raises Fail for a birth date or place of another kind."""
    observations = subject["observations"]
    return Person(
        _text(observations, "First name"),
        _text(observations, "Middle name"),
        _text(observations, "Last name"),
        v.GENDERS.get(_text(observations, "Gender"), ""),
        _birthdate(observations),
        _address(subject.get("location") or {}, snapshot),
    )


def shown_by(person: FoundPerson, like: Person) -> Person:
    """What a patient's person says, with the address fields of `like`."""
    address = {name: person.address.get(name, "") for name in like.address}
    return Person(person.given_name, person.middle_name, person.family_name, person.gender, person.birthdate, address)


def check_complete(said: Person) -> None:
    """Raises Fail naming the field without which Bahmni takes no patient."""
    for name, value in (("First name", said.given_name), ("Last name", said.family_name), ("Gender", said.gender)):
        if not value:
            raise Fail("bahmni.demographic-missing", field=name)


def new_person(said: Person) -> dict[str, Any]:
    """The body of a new person."""
    body: dict[str, Any] = {"names": [{**_name(said), "preferred": True}], "gender": said.gender}
    if said.birthdate:
        body["birthdate"] = said.birthdate
    if any(said.address.values()):
        body["addresses"] = [{**_filled(said), "preferred": True}]
    return body


@dataclass(frozen=True)
class Following:
    """What of a patient's demographics to change, by name of the part, and what differs and stays as it is."""

    body: Mapping[str, Any]
    written: tuple[str, ...] = ()
    left_alone: tuple[str, ...] = ()
    left: Left = field(default_factory=dict)
    """What the link should remember of the parts we left, see `left_of`."""


def follow(said: Person, there: FoundPerson, subject_id: str, left: Left) -> Following:
    """How a patient of ours follows its subject. `left`: what the link remembers of what we left.

    Raises Fail when the subject lacks what Bahmni demands.
    """
    shown = shown_by(there, said).parts
    differing = _differing(said, shown)
    written = tuple(part for part in differing if _is_as_left(part, shown, subject_id, left))
    if written:
        check_complete(said)
    left_alone = tuple(part for part in differing if part not in written)
    # What the subject does not say any more stands there still as we left it.
    as_before = [part for part in PARTS if part in left_alone or said.parts[part] in UNSAID]
    kept = {question_note(part, subject_id) for part in as_before}
    remembered = {question: values for question, values in left.items() if question in kept}
    now = _noted({part: value for part, value in said.parts.items() if part not in as_before}, subject_id)
    return Following(_update(said, there, written), written, left_alone, {**remembered, **now})


def differences(said: Person, there: FoundPerson) -> tuple[str, ...]:
    """The parts in which a patient differs from its subject. What the subject does not say differs from nothing."""
    return _differing(said, shown_by(there, said).parts)


def left_of(said: Person, subject_id: str, *, differing: Sequence[str] = ()) -> Left:
    """What a link remembers of a patient of ours that says what its subject does, but for the `differing` parts."""
    unsaid = [part for part, value in said.parts.items() if value in UNSAID]
    return _noted({part: value for part, value in said.parts.items() if part not in (*unsaid, *differing)}, subject_id)


def _noted(parts: Mapping[str, Any], subject_id: str) -> dict[str, list[str]]:
    return noted({part: [fingerprint(value)] for part, value in parts.items()}, subject_id)


def _differing(said: Person, shown: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(part for part, value in said.parts.items() if value not in UNSAID and value != shown[part])


def _is_as_left(part: str, shown: Mapping[str, Any], subject_id: str, left: Left) -> bool:
    """Whether nobody but us wrote what stands there: it is what we left, or nothing."""
    value = shown[part]
    is_empty = not any(value.values()) if isinstance(value, dict) else not value or value == ["", "", ""]
    return is_empty or _noted({part: value}, subject_id).items() <= left.items()


def _update(said: Person, there: FoundPerson, parts: Sequence[str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if NAME in parts:
        body["names"] = [_row(there.name_uuid) | _name(said)]
    if GENDER in parts:
        body["gender"] = said.gender
    if BIRTH in parts:
        body["birthdate"] = said.birthdate
    if ADDRESS in parts:
        fresh = {} if there.address_uuid else {"preferred": True}
        fields = {name: value or None for name, value in said.address.items()}
        body["addresses"] = [_row(there.address_uuid) | fields | fresh]
    return {"person": body} if body else {}


def _row(uuid: str) -> dict[str, Any]:
    """The row to change; without one a further row is added."""
    return {"uuid": uuid} if uuid else {}


def _name(said: Person) -> dict[str, Any]:
    middle = {"middleName": said.middle_name or None}
    return {"givenName": said.given_name, **middle, "familyName": said.family_name}


def _filled(said: Person) -> dict[str, str]:
    return {name: value for name, value in said.address.items() if value}


def _text(observations: Mapping[str, Any], key: str) -> str:
    value = observations.get(key)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _birthdate(observations: Mapping[str, Any]) -> str:
    value = observations.get("Date of birth")
    if not value:
        return ""
    try:
        day = date.fromisoformat(value[:10])
    except (KeyError, TypeError, ValueError):
        raise wrong_kind("Date of birth", "a date", value) from None
    if day.year > LAST_YEAR:
        raise wrong_kind("Date of birth", f"a date before the year {LAST_YEAR + 1}", value)
    return day.isoformat()


def _address(location: Any, snapshot: Snapshot) -> dict[str, str]:
    """The mapped levels of a subject's place; of two levels that share a field the one that is there counts."""
    fields = address_fields(snapshot)
    if fields and not isinstance(location, Mapping):
        raise Fail("record.field-missing", field="location")
    address = dict.fromkeys(fields, "")
    for level, entry in snapshot.by_avni_value.get(v.ADDRESS_LEVEL, {}).items():
        title = location.get(level)
        if title is not None and not isinstance(title, str):
            raise Fail("bahmni.value-kind", question=level, expected="the name of a place", kind="something else")
        if title and not address[entry.int_system_value]:
            place = snapshot.from_avni(*v.ADDRESS_PLACE, title)
            address[entry.int_system_value] = place.int_system_value if place else title
    return address
