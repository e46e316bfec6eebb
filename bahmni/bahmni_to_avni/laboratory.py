"""Results of the laboratory → one general encounter in Avni. Pure.

Each answer below an encounter of the laboratory travels to the question its concept is mapped to, as the Java service
does it. What stands beside every result (normal range, abnormal, notes) has one concept for all tests: where the tests
differ in it, it does not stand alone but with its test, in a text or a repeatable question group, if the tenant maps
one. Stands on openmrs.md O123 (how results are stored).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.answers import Obs, answers_question, name_of, observations
from bahmni.bahmni_to_avni.part import LABORATORY, Part
from bahmni.bahmni_to_avni.prescription import BETWEEN
from bahmni.bahmni_to_avni.values import same, translated
from bahmni.bahmni_to_avni.visit_type import is_outpatient
from bahmni.numbers import number_in
from mappings.snapshot import Entry, Snapshot


@dataclass
class LabTest:
    """What was found for one test: its concept, and the observations that stand with it in one group."""

    concept: Mapping[str, Any]
    rows: list[Obs] = field(default_factory=list)


def is_of(encounter: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Whether an encounter is one of the laboratory, by the mapping, whatever the visit."""
    entry = snapshot.single(*v.LAB_ENCOUNTER_TYPE)
    kind = (encounter.get("encounterType") or {}).get("uuid")
    return entry is not None and bool(entry.avni_value) and kind == entry.int_system_value


def is_handed_over(encounter: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Whether an encounter is one of the laboratory in a visit whose results go to Avni."""
    return is_of(encounter, snapshot) and is_outpatient(encounter, snapshot)


def part(
    encounter: Mapping[str, Any], snapshot: Snapshot, marked: Mapping[str, str], unmapped: list[str]
) -> Part | None:
    """All results; None when none is left. `marked` is the marker. What is left out is named in `unmapped`."""
    entry = snapshot.single(*v.LAB_ENCOUNTER_TYPE)
    tests = list(_tests(encounter, snapshot))
    if entry is None or not tests:
        return None
    said = [(test, _said(test, entry, snapshot, unmapped)) for test in tests]
    spare = _without_a_question(said, snapshot)
    alone = _alone(said, snapshot, unmapped)
    return Part(LABORATORY, entry.avni_value, {**alone, **spare, **_in_one(said, snapshot), **marked})


def _tests(encounter: Mapping[str, Any], snapshot: Snapshot) -> Iterator[LabTest]:
    """What has a result, in the order OpenMRS shows it: the innermost groups, and what stands in none.

    What carries the id of a record of Avni came from there and does not travel back, whatever its encounter's type.
    """
    from_avni = snapshot.single(*v.MARKER_CONCEPT)
    for obs in encounter.get("obs") or ():
        if from_avni and answers_question(obs, from_avni.int_system_value):
            continue
        if obs.get("groupMembers"):
            yield from _inside(obs)
        elif not obs.get("voided") and obs.get("value") not in (None, ""):
            yield LabTest(obs["concept"], [obs])


def _inside(group: Obs) -> Iterator[LabTest]:
    if group.get("voided"):
        return
    test = LabTest(group["concept"])
    for member in group["groupMembers"]:
        if member.get("groupMembers"):
            yield from _inside(member)
        elif not member.get("voided") and member.get("value") not in (None, ""):
            test.rows.append(member)
    if test.rows:
        yield test


def _said(test: LabTest, mapping: Entry, snapshot: Snapshot, unmapped: list[str]) -> dict[str, Any]:
    """The answers that stand with a test, by Avni's names; `mapping` is that of the laboratory."""
    return observations({"concept": test.concept, "groupMembers": test.rows}, snapshot, unmapped, mapping)


def _without_a_question(said: list[tuple[LabTest, dict[str, Any]]], snapshot: Snapshot) -> dict[str, str]:
    """What is sent as text because its question has no mapping, taken out of `said`: line by line, by test."""
    spare = snapshot.single(*v.UNMAPPED_CONCEPT)
    lines = [
        f"{name_of(test.concept)} / {line}"
        for test, answers in said
        for line in (answers.pop(spare.avni_value, "").splitlines() if spare else ())
    ]
    return {spare.avni_value: "\n".join(lines)} if spare and lines else {}


def _alone(said: list[tuple[LabTest, dict[str, Any]]], snapshot: Snapshot, unmapped: list[str]) -> dict[str, Any]:
    """The answers on which all tests agree that give one. The others are told with their test, or not at all."""
    found: dict[str, Any] = {}
    apart: set[str] = set()
    for _, answers in said:
        for question, value in answers.items():
            if question in found and not same(value, found[question]):
                apart.add(question)
            found.setdefault(question, value)
    if not _is_told_by_test(snapshot):
        unmapped += [f"{question} (differs by test)" for question in sorted(apart)]
    return {question: value for question, value in found.items() if question not in apart}


def _is_told_by_test(snapshot: Snapshot) -> bool:
    return bool(snapshot.single(*v.LAB_TEXT) or snapshot.single(*v.LAB_GROUP))


def _in_one(said: list[tuple[LabTest, dict[str, Any]]], snapshot: Snapshot) -> dict[str, Any]:
    """The results test by test, where the tenant maps a concept for that."""
    told: dict[str, Any] = {}
    if text := snapshot.single(*v.LAB_TEXT):
        words = BETWEEN.join(_in_words(test, answers, snapshot) for test, answers in said)
        told[text.avni_value] = translated(words, text, snapshot, unmapped="bahmni.observation-answer-unmapped")
    if group := snapshot.single(*v.LAB_GROUP):
        told[group.avni_value] = [_entry(test, answers, snapshot) for test, answers in said]
    return told


def _entry(test: LabTest, answers: Mapping[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    """One filling-in of the repeatable question group."""
    entry = dict(answers)
    if result := snapshot.single(*v.LAB_RESULT):
        own = _question(test, snapshot)
        if own in entry:
            value = entry.pop(own)
            entry[result.avni_value] = value if isinstance(value, int | float) else _shown(value)
    if name := snapshot.single(*v.LAB_TEST):
        entry[name.avni_value] = name_of(test.concept)
    return entry


def _in_words(test: LabTest, answers: Mapping[str, Any], snapshot: Snapshot) -> str:
    """E.g. "Haemoglobin: 9.5 (Lowest normal: 12, Highest normal: 16, Abnormal: Yes)"."""
    own = _question(test, snapshot)
    beside = ", ".join(f"{question}: {_shown(value)}" for question, value in answers.items() if question != own)
    name = name_of(test.concept)
    said = f"{name}: {_shown(answers[own])}" if own in answers else name
    return f"{said} ({beside})" if beside else said


def _question(test: LabTest, snapshot: Snapshot) -> str:
    """The question in Avni that a test's result answers; "" for a test without mapping."""
    entry = snapshot.from_int_system(*v.CONCEPT, test.concept["uuid"])
    return entry.avni_value if entry else ""


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(number_in(value) if isinstance(value, float) else value)
