"""Observations: names on the wire, uuids in the store (avni.md A24 to A30)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulators.avni.errors import Thrown, bad_request, class_cast, null_pointer
from simulators.avni.metadata import Concept, Organisation
from simulators.avni.times import indian_day


def accept(organisation: Organisation, given: Any, field: str = "observations") -> dict[str, Any]:
    """What a request gives, as it is kept. Null values are left out.

    A missing map or an unknown question is a null pointer (500); an unknown answer is a 400.
    An answer may be any concept: that it belongs to the question is not checked.
    """
    if given is None:
        raise null_pointer(f"{field} is null")
    if not isinstance(given, dict):
        raise class_cast(f"{field} is not a map")
    kept: dict[str, Any] = {}
    for name, value in given.items():
        concept = _question(organisation, name)
        if value is not None:
            kept[concept.uuid] = _accepted_value(organisation, concept, value)
    return kept


def patch(organisation: Organisation, kept: dict[str, Any], given: Any) -> dict[str, Any]:
    """Stored observations with a PATCH laid over: null removes, empty groups are pruned."""
    if not isinstance(given, dict):
        raise class_cast("observations is not a map")
    result = dict(kept)
    for name, value in given.items():
        concept = _question(organisation, name)
        if value is None:
            result.pop(concept.uuid, None)
            continue
        result[concept.uuid] = _accepted_value(organisation, concept, value)
        if concept.data_type == "QuestionGroup" and result[concept.uuid] in ({}, []):
            del result[concept.uuid]
    return result


def _question(organisation: Organisation, name: str) -> Concept:
    concept = organisation.concept_named(name)
    if concept is None:
        raise null_pointer(f"Concept not found: {name}")
    return concept


def _accepted_value(organisation: Organisation, concept: Concept, value: Any) -> Any:
    if concept.data_type == "Coded":
        if isinstance(value, list):
            return [_answer(organisation, name) for name in value]
        return _answer(organisation, value)
    if concept.data_type == "QuestionGroup":
        if isinstance(value, list):
            return [accept(organisation, item) for item in value]
        return accept(organisation, value)
    return value


def _answer(organisation: Organisation, name: Any) -> str:
    concept = organisation.concept_named(name) if isinstance(name, str) else None
    if concept is None:
        raise bad_request(f"Answer concept not found: {name}")
    return concept.uuid


def render(organisation: Organisation, kept: dict[str, Any], version: int, *, fresh: bool = False) -> dict[str, Any]:
    """Stored observations as Avni shows them.

    `fresh` for the answer to the request that wrote them: only there a single question group
    is keyed by names. A question nobody designed poisons the whole answer (500).
    """
    return _Reader(organisation, version, fresh).read(kept)


@dataclass(frozen=True)
class _Reader:
    organisation: Organisation
    version: int
    fresh: bool

    def read(self, kept: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for uuid, value in kept.items():
            concept = self.organisation.concepts.get(uuid)
            if concept is None:
                raise null_pointer(f"No concept with uuid {uuid}")
            by_type = {"Coded": self._coded, "Date": self._date, "Location": self._place, "QuestionGroup": self._group}
            read = by_type.get(concept.data_type)
            shown[concept.name] = read(value) if read else value
        return shown

    def _coded(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._coded(uuid) for uuid in value]
        concept = self.organisation.concepts.get(value) if isinstance(value, str) else None
        return concept.name if concept else value

    def _date(self, value: Any) -> Any:
        if self.version < 2:
            return value
        if not isinstance(value, str):
            raise class_cast("a Date observation is not text")
        try:
            return indian_day(value)
        except ValueError:
            raise Thrown(500, "java.lang.IllegalArgumentException", "Invalid date format") from None

    def _place(self, value: Any) -> Any:
        lineage = self.organisation.lineage(value) if isinstance(value, str) else []
        return {place.kind: place.title for place in lineage} or value

    def _group(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.read(item) for item in value]
        return self.read(value) if self.fresh else value
