"""`v=`: which properties of an object are shown, and how deep (openmrs.md O11 to O16)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simulators.bahmni.errors import bad_request, server_error

__all__ = ["DEFAULT", "FULL", "REF", "Custom", "Rep", "parse"]


@dataclass(frozen=True)
class Rep:
    """One of the three named representations."""

    name: str


REF, DEFAULT, FULL = Rep("ref"), Rep("default"), Rep("full")
_NAMED = {rep.name: rep for rep in (REF, DEFAULT, FULL)}


@dataclass(frozen=True)
class Custom(Rep):
    """`custom:(a,b:(c),d:ref)`: the wanted properties and the representation of each."""

    name: str = "custom"
    properties: Mapping[str, Rep] = field(default_factory=dict)


def parse(value: str | None, usual: Rep) -> Rep:
    """The representation a `v=` parameter asks for.

    Asking for the one that is usual for the call anyway is an error of the caller: 500.
    """
    if value is None:
        return usual
    if value == usual.name:
        raise server_error(
            f"Do not specify ?v={value} because it is the default behavior for this request",
            "org.openmrs.module.webservices.rest.web.RestUtil:463",
        )
    if value in _NAMED:
        return _NAMED[value]
    if value.startswith("custom:"):
        return _custom(value.removeprefix("custom:"))
    if not value:
        raise server_error("String index out of range: 0")
    raise bad_request(f"No such representation: {value}")


def _custom(text: str) -> Custom:
    marks = iter(re.findall(r"[(),:]|[^(),:\s]+", text))
    if next(marks, None) != "(":
        raise bad_request("The custom representation is malformed")
    rep = _group(marks)
    if next(marks, None) is not None:
        raise bad_request("The custom representation is malformed")
    return rep


def _group(marks: Iterator[str]) -> Custom:
    """What follows an opening parenthesis, up to its closing one."""
    properties: dict[str, Rep] = {}
    mark = next(marks, None)
    while mark != ")":
        if mark is None or mark in "(,:":
            raise bad_request("The custom representation is malformed")
        name, rep, mark = mark, DEFAULT, next(marks, None)
        if mark == ":":
            rep, mark = _nested(marks), next(marks, None)
        properties[name] = rep
        if mark == ",":
            mark = next(marks, None)
    return Custom(properties=properties)


def _nested(marks: Iterator[str]) -> Rep:
    mark = next(marks, None)
    if mark == "(":
        return _group(marks)
    if mark in _NAMED:
        return _NAMED[mark]
    raise bad_request("The custom representation is malformed")
