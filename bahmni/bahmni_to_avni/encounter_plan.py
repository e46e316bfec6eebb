"""Encounter of Bahmni → encounters in Avni, general and in programs. Pure: what to write, given what Avni holds.

Each part is looked at alone (`part_plan`). One whose form is there still and does not travel any more (its mapping was
taken away) stays as it is; one whose form was mapped anew, from general to program, gives way to another. Whatever a
person has to decide about the parts is decided once, for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni import enrolment, somebody
from bahmni.bahmni_to_avni.encounter import HospitalEncounter
from bahmni.bahmni_to_avni.part import ENROLMENT, Part, form_of, place
from bahmni.bahmni_to_avni.part_plan import Case, Policy, Remembered, external_id, kind_of, of_unwanted, of_wanted
from common.fingerprint import fingerprint
from common.outcome import Outcome
from engine.left import Left
from engine.ports import Known, Plan, Want, Write
from engine.settling import chosen, conflict_of, settled
from engine.verdicts import Conflict, Hold
from errors.specs import Move

VOIDED = v.VOIDED_PART
"""What a part's key begins with in a link's other targets while its encounter stands voided by us."""


@dataclass(frozen=True)
class Found:
    """The subject the parts belong to, and what Avni holds of each part that is wanted or remembered, by key.

    `enrolments` are those of the subject in each program (voided ones too) that a part needs a place in.
    """

    subject_id: str
    encounters: Mapping[str, Mapping[str, Any] | None]
    enrolments: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


def is_left_out(key: str, content: HospitalEncounter) -> bool:
    """Whether a part stays as it is: its form stands in the encounter and does not travel any more."""
    return form_of(key) in content.left_out


def needs_place(part: Part, there: Mapping[str, Any] | None, before: Remembered) -> bool:
    """Whether an enrolment has to be found for a part: a program encounter not there yet, or in another program."""
    if not part.program or (there is None and part.key in before.ids):
        return False
    return there is None or there["Program"] != part.program


def remembered(known: Known | None) -> Remembered:
    """What the link says of each part; nothing of it is trusted before Avni confirms it."""
    targets = known.other_targets if known else {}
    parts = {key: target for key, target in targets.items() if not key.startswith(ENROLMENT)}
    return Remembered(
        {key.removeprefix(VOIDED): target for key, target in parts.items()},
        frozenset(key.removeprefix(VOIDED) for key in parts if key.startswith(VOIDED)),
    )


def plan(want: Want, found: Found, known: Known | None, policy: Policy) -> Plan:
    """The writes that make Avni agree. Raises Hold."""
    content: HospitalEncounter = want.content
    before, parts = remembered(known), {part.key: part for part in content.parts}
    steps = _decided_steps(want, found, known, policy)
    writes, targets, ids = steps.writes, steps.targets, steps.ids
    external = {external_id(policy.namespace, content.uuid, key) for key in {**before.ids, **parts}}
    ours = {write.kind for write in writes if write.verb == "create"} - {"enrolment"} | {
        kind_of(key) for key, there in found.encounters.items() if there and there.get("External ID") in external
    }
    theirs = {there["ID"] for there in found.encounters.values() if there and there.get("External ID") not in external}
    ours -= {write.kind for write in writes if write.verb == "update" and write.id in theirs}
    made = {name: there for name, there in (known.other_targets if known else {}).items() if name.startswith(ENROLMENT)}
    made |= _standing_in_ours(found, policy) | steps.made
    return Plan(
        tuple(writes),
        _outcome(content, found, writes, before),
        target_id=ids[0],
        target_parent_id=found.subject_id,
        other_targets=targets | made,
        created_by_us=(*sorted(ours), *(["enrolment"] if made else [])),
        left_fingerprint=fingerprint([want.fingerprint]),
        left=steps.left,
    )


def _standing_in_ours(found: Found, policy: Policy) -> dict[str, str]:
    """The enrolments we made that program encounters stand in already: the link misses them where we were cut off."""
    rows = [there for there in found.encounters.values() if there and there.get("Enrolment external ID")]
    return {
        ENROLMENT + there["Program"]: there["Enrolment ID"]
        for there in rows
        if there["Enrolment external ID"] == enrolment.external_id(policy.namespace, found.subject_id, there["Program"])
    }


@dataclass
class _Steps:
    """What is to be done part by part, and how each stands then; `held` are those a person has to decide about."""

    writes: list[Write] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    left: dict[str, Left] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    held: dict[str, Hold] = field(default_factory=dict)


def _decided_steps(want: Want, found: Found, known: Known | None, policy: Policy) -> _Steps:
    """What is to be done, with regard to what a person decided. Raises Hold while nobody has."""
    content: HospitalEncounter = want.content
    if chosen(known, Move.TARGET):
        policy = replace(policy, us=somebody.NOBODY)  # what was left to them stays theirs, though we wrote since
    steps = _steps(content, found, known, policy, {})
    if not steps.held:
        return steps
    ruling = settled(_all_held(steps.held, want), want, known, Move.SOURCE, Move.TARGET).move
    return _steps(content, found, known, policy, dict.fromkeys(steps.held, ruling))


def _steps(
    content: HospitalEncounter, found: Found, known: Known | None, policy: Policy, rulings: Mapping[str, Move]
) -> _Steps:
    """Go through the parts; of those in `rulings` a person has decided. Raises Hold where a decision does not help."""
    before, parts = remembered(known), {part.key: part for part in content.parts}
    steps, enrolments = _Steps(), _Enrolments(content, found, policy)
    for key in sorted({**before.ids, **parts}, key=place):
        there, write = found.encounters.get(key), None
        case = Case(key, content, there, found.subject_id, policy, before, known.left.get(key) if known else None)
        voided_by_us = key in before.voided_by_us
        try:
            if part := parts.get(key):
                place_ = enrolments.of(part, steps.writes) if needs_place(part, there, before) else ""
                write, left = of_wanted(part, place_, case, rulings.get(key))
                steps.left[key], voided_by_us = left, False
            elif not is_left_out(key, content):
                write = of_unwanted(case, rulings.get(key))
                voided_by_us = write is not None or voided_by_us
        except Hold as hold:
            if key not in rulings:
                steps.held[key] = hold
            elif rulings[key] is not Move.TARGET:
                raise
        if key not in steps.left and case.left is not None:
            steps.left[key] = case.left
        steps.writes += [write] if write else []
        steps.ids.append(there["ID"] if there else write.id if write else before.ids.get(key, ""))
        steps.targets[VOIDED + key if voided_by_us else key] = steps.ids[-1]
    steps.made = enrolments.made
    return steps


def _all_held(held: Mapping[str, Hold], want: Want) -> Hold:
    """The first verdict, about all parts together: a person decides once, in the light of all of them."""
    conflicts = {key: conflict for key, hold in held.items() if (conflict := conflict_of(hold, want))}
    narrowed = [set(conflict.moves) for conflict in conflicts.values() if conflict.moves is not None]
    first = next(iter(held.values()))
    return Hold(first.message, **first.params).about(
        Conflict(
            fingerprint([[key, held[key].message, conflict.state] for key, conflict in conflicts.items()]),
            "encounter",
            tuple(dict.fromkeys(one for conflict in conflicts.values() for one in conflict.candidates)),
            tuple(move for move in Move if all(move in moves for moves in narrowed)) if narrowed else None,
            tuple(difference for conflict in conflicts.values() for difference in conflict.differences),
        )
    )


@dataclass
class _Enrolments:
    """Where the program encounters of one encounter belong; two of one program share what is made for the first."""

    content: HospitalEncounter
    found: Found
    policy: Policy
    made: dict[str, str] = field(default_factory=dict)

    def of(self, part: Part, writes: list[Write]) -> str:
        """An id that Avni finds the enrolment by; the write that makes it, where there is none, goes to `writes`."""
        subject, program, moment = self.found.subject_id, part.program, self.content.held_at
        ours = enrolment.external_id(self.policy.namespace, subject, program)
        if ENROLMENT + program in self.made:
            return ours
        there = enrolment.home(self.found.enrolments[program], moment, self.policy.zone, ours)
        if there is None:
            writes.append(enrolment.creation(ours, subject, program, moment, self.content.marked))
        if there is None or there.get("External ID") == ours:
            self.made[ENROLMENT + program] = there["ID"] if there else ours
        return there["ID"] if there else ours


def _outcome(content: HospitalEncounter, found: Found, writes: list[Write], before: Remembered) -> Outcome:
    if not writes:
        return Outcome.UNCHANGED
    if not content.parts and not any(is_left_out(key, content) for key in before.ids):
        return Outcome.VOIDED
    return Outcome.UPDATED if any(found.encounters.values()) else Outcome.CREATED
