"""What every record must look like before anything is made of it. Pure.

A record that does not is told by the path of the field and the kind of what stands there, never by what that says.
Only fields that somebody relies on are listed; what else a record holds is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bahmni.kinds import kind_of
from common.text import is_storable
from engine.verdicts import Fail

__all__ = ["AVNI_ENCOUNTER", "ENROLMENT", "FORMS", "HOSPITAL_ENCOUNTER", "PATIENT", "SUBJECT", "check"]

DEEPEST: Final = 40
"""Levels of objects and lists in a record; no form of people has more groups inside groups."""

Shape = str | Mapping[str, Any] | list[Any]
"""The kind of a value; of an object the shapes of its fields, optional ones (missing or null) with a question mark;
of a list, in a list, that of its elements."""

_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "yes or no": (bool,),
    "an object": (dict,),
    "anything": (object,),
}

_AUDIT: Final = {"Last modified at": "text"}

SUBJECT: Final[Shape] = {
    "ID": "text",
    "Voided": "yes or no",
    "Registration date": "anything",
    "observations": "an object",
    "location?": "an object",
    "audit": {**_AUDIT, "Created at": "text"},
}
AVNI_ENCOUNTER: Final[dict[str, Shape]] = {
    "ID": "text",
    "Voided": "yes or no",
    "Encounter type": "text",
    "observations": "an object",
    "audit": _AUDIT,
}
ENROLMENT: Final[Shape] = {
    "ID": "text",
    "Subject ID": "text",
    "Voided": "yes or no",
    "Program": "text",
    "Enrolment datetime": "anything",
    "observations": "an object",
    "exitObservations?": "an object",
    "audit": _AUDIT,
}

_IDENTIFIERS: Final = [{"identifier?": "text", "preferred?": "yes or no", "voided?": "yes or no"}]
_CONCEPT: Final = {"uuid": "text", "display?": "text"}
_OBS: Final[dict[str, Any]] = {"concept": _CONCEPT, "voided?": "yes or no", "value?": "anything"}
_OBS["groupMembers?"] = [_OBS]

PATIENT: Final[Shape] = {
    "uuid": "text",
    "voided?": "yes or no",
    "identifiers?": _IDENTIFIERS,
    "person?": {
        "gender?": "text",
        "birthdate?": "text",
        "preferredName?": {"givenName?": "text", "familyName?": "text"},
        "attributes?": [{"voided?": "yes or no", "value?": "anything", "attributeType": _CONCEPT}],
    },
    "auditInfo?": {"dateCreated?": "text"},
}
HOSPITAL_ENCOUNTER: Final[Shape] = {
    "uuid": "text",
    "voided?": "yes or no",
    "encounterDatetime": "text",
    "patient": {"uuid": "text", "voided?": "yes or no", "identifiers?": _IDENTIFIERS},
}
"""Without what it says: who it is about decides first whether it is looked at."""
_NAMED: Final = {"uuid?": "text", "display?": "text"}
_ORDER: Final = {
    "uuid": "text",
    "type?": "text",
    "voided?": "yes or no",
    "action?": "text",
    "drug?": _NAMED,
    "concept?": _NAMED,
    "drugNonCoded?": "text",
    "doseUnits?": _NAMED,
    "frequency?": _NAMED,
    "route?": _NAMED,
    "durationUnits?": _NAMED,
    "asNeeded?": "yes or no",
    "asNeededCondition?": "text",
    "scheduledDate?": "text",
    "dateActivated?": "text",
    "dosingInstructions?": "text",
    "instructions?": "text",
}
FORMS: Final[Shape] = {
    "obs?": [_OBS],
    "encounterType?": {"uuid?": "text"},
    "visit?": {"visitType?": {"uuid?": "text"}},
    "orders?": [_ORDER],
}
"""What it says, in forms, results and prescriptions."""


def check(record: Any, shape: Shape) -> None:
    """Raise Fail for the first field that is missing or of another kind."""
    _check(record, shape, ())


def _check(value: Any, shape: Shape, path: tuple[str, ...]) -> None:
    if len(path) > DEEPEST:
        raise Fail("record.field-kind", field=path[0], expected=f"at most {DEEPEST} levels", kind="more of them")
    if isinstance(shape, str):
        _expect(value, shape, path)
    elif isinstance(shape, list):
        _expect_a(list, "a list", value, path)
        for number, one in enumerate(value):
            _check(one, shape[0], (*path, f"[{number}]"))
    else:
        _expect_a(dict, "an object", value, path)
        for name, below in shape.items():
            _check_field(value, name, below, path)


def _check_field(record: Mapping[str, Any], name: str, shape: Shape, path: tuple[str, ...]) -> None:
    key = name.removesuffix("?")
    there = record.get(key)
    if there is None and (name != key or (shape == "anything" and key in record)):
        return
    if there is None:
        raise Fail("record.field-missing", field=_told((*path, key)))
    _check(there, shape, (*path, key))


def _expect(value: Any, kind: str, path: tuple[str, ...]) -> None:
    _expect_a(_KINDS[kind], kind, value, path)
    if kind == "text" and not is_storable(value):
        raise Fail("record.field-kind", field=_told(path), expected="text", kind="text no database takes")


def _expect_a(kinds: type | tuple[type, ...], expected: str, value: Any, path: tuple[str, ...]) -> None:
    if not isinstance(value, kinds):
        raise Fail("record.field-kind", field=_told(path), expected=expected, kind=kind_of(value))


def _told(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(".[", "[") or "the record"
