"""Encounter of Bahmni → general encounters in Avni. Pure: what to write, given what Avni holds.

Each part is looked at alone: created, changed where it differs, voided when its form or the whole encounter is gone,
brought back only if it was us who voided it. One whose form is there still and does not travel any more (its mapping
was taken away) stays as it is. Stands on avni.md A14 (External ID), A16, A17 (partial update, void), A22.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from avni.wire import instant
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter import HospitalEncounter
from bahmni.bahmni_to_avni.part import Part, place
from bahmni.bahmni_to_avni.values import differing
from common.fingerprint import derived_uuid, fingerprint
from common.outcome import Outcome
from engine.ports import Known, Plan, Want, Write
from engine.verdicts import Hold
from mappings.models import Side
from mappings.snapshot import Snapshot

VOIDED = v.VOIDED_PART
"""What a part's key begins with in a link's other targets while its encounter stands voided by us."""


@dataclass(frozen=True)
class Remembered:
    """Avni ids by part key, and the parts that we voided, as the link notes them."""

    ids: Mapping[str, str] = field(default_factory=dict)
    voided_by_us: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Found:
    """The subject the parts belong to, and what Avni holds of each part that is wanted or remembered, by key."""

    subject_id: str
    encounters: Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Policy:
    """What planning needs to know of the tenant."""

    namespace: UUID
    questions: Container[str]
    """See `questions`."""


def is_left_out(key: str, content: HospitalEncounter) -> bool:
    """Whether a part stays as it is: its form stands in the encounter and does not travel any more."""
    return place(key)[0] in content.left_out


def remembered(known: Known | None) -> Remembered:
    """What the link says of each part; nothing of it is trusted before Avni confirms it."""
    targets = known.other_targets if known else {}
    return Remembered(
        {key.removeprefix(VOIDED): target for key, target in targets.items()},
        frozenset(key.removeprefix(VOIDED) for key in targets if key.startswith(VOIDED)),
    )


def external_id(namespace: UUID, encounter_uuid: str, key: str) -> str:
    """The External ID of a part: chosen by us, so that a create cut off is found again."""
    return str(derived_uuid(namespace, "avni-encounter", "encounter", encounter_uuid, key))


def questions(snapshot: Snapshot) -> frozenset[str]:
    """The questions in Avni that the hospital speaks for. What else stands in an encounter is the field team's."""
    return frozenset(
        name
        for name, entry in snapshot.by_avni_value.get(v.CONCEPT, {}).items()
        if not snapshot.is_ignored(Side.INT_SYSTEM, entry.int_system_value) and not snapshot.is_ignored(Side.AVNI, name)
    )


def plan(want: Want, found: Found, known: Known | None, policy: Policy) -> Plan:
    """The writes that make Avni agree. Raises Hold."""
    content: HospitalEncounter = want.content
    before, parts = remembered(known), {part.key: part for part in content.parts}
    writes: list[Write] = []
    targets: dict[str, str] = {}
    ids: list[str] = []
    for key in sorted({**before.ids, **parts}, key=place):
        there = found.encounters.get(key)
        if part := parts.get(key):
            write = _of_wanted(part, content, there, found.subject_id, policy, before)
            voided_by_us = False
        else:
            write = None if is_left_out(key, content) else _of_unwanted(content, there, found.subject_id)
            voided_by_us = write is not None or key in before.voided_by_us
        writes += [write] if write else []
        ids.append(there["ID"] if there else write.id if write else before.ids[key])
        targets[VOIDED + key if voided_by_us else key] = ids[-1]
    chosen = {external_id(policy.namespace, content.uuid, key) for key in {**before.ids, **parts}}
    is_ours = any(write.verb == "create" for write in writes) or any(
        there and there.get("External ID") in chosen for there in found.encounters.values()
    )
    return Plan(
        tuple(writes),
        _outcome(content, found, writes),
        target_id=ids[0],
        target_parent_id=found.subject_id,
        other_targets=targets,
        created_by_us=("encounter",) if is_ours else (),
        left_fingerprint=fingerprint([want.fingerprint]),
    )


def _outcome(content: HospitalEncounter, found: Found, writes: list[Write]) -> Outcome:
    if not writes:
        return Outcome.UNCHANGED
    if not (content.parts or content.left_out):
        return Outcome.VOIDED
    return Outcome.UPDATED if any(found.encounters.values()) else Outcome.CREATED


def _of_wanted(
    part: Part,
    content: HospitalEncounter,
    there: Mapping[str, Any] | None,
    subject_id: str,
    policy: Policy,
    before: Remembered,
) -> Write | None:
    """What brings Avni's encounter to what its form says now; None when it says so already."""
    if there is None and part.key in before.ids:
        raise Hold("bahmni.registration-gone")
    if there is None:
        return _create(part, content, subject_id, external_id(policy.namespace, content.uuid, part.key))
    _confirm(content, there, subject_id)
    if there["Voided"] and part.key not in before.voided_by_us:
        raise Hold("bahmni.target-voided")
    body: dict[str, Any] = {}
    changes = differing(part.observations, there["observations"], policy.questions)
    if changes:
        body["observations"] = changes
    if there["Encounter type"] != part.encounter_type:
        body["Encounter type"] = part.encounter_type
    if not _is_at(there, content.held_at):
        body["Encounter date time"] = content.held_at
    if there["Voided"]:
        body["Voided"] = False
    return Write("update", "encounter", there["ID"], body, _why(part, body)) if body else None


def _of_unwanted(content: HospitalEncounter, there: Mapping[str, Any] | None, subject_id: str) -> Write | None:
    """What voids Avni's encounter of a form that is no more; None when nothing is there or it is voided already."""
    if there is None or there["Voided"]:
        return None
    _confirm(content, there, subject_id)
    why = "the encounter was voided in Bahmni" if content.voided else "its form was taken out of the encounter"
    return Write("void", "encounter", there["ID"], {}, f'"{there["Encounter type"]}": {why}')


def _create(part: Part, content: HospitalEncounter, subject_id: str, chosen: str) -> Write:
    body = {
        "External ID": chosen,
        "Subject ID": subject_id,
        "Encounter type": part.encounter_type,
        "Encounter date time": content.held_at,
        "observations": dict(part.observations),
        "cancelObservations": {},
        "Voided": False,
    }
    why = f'"{part.encounter_type}": nothing in Avni stands for this form of the encounter'
    return Write("create", "encounter", chosen, body, why)


def _confirm(content: HospitalEncounter, there: Mapping[str, Any], subject_id: str) -> None:
    """Avni's encounter must carry our encounter's marker and hang on the patient's subject, or a person decides."""
    if content.uuid not in there["observations"].values():
        raise Hold("bahmni.registration-gone")
    if there["Subject ID"] != subject_id:
        raise Hold("bahmni.encounter-elsewhere")


def _is_at(there: Mapping[str, Any], held_at: str) -> bool:
    shown = there["Encounter date time"]
    return shown is not None and instant(shown) == instant(held_at)


def _why(part: Part, body: Mapping[str, Any]) -> str:
    said = [f"{len(body['observations'])} observations differ"] if "observations" in body else []
    said += [f'"{name}" differs' for name in ("Encounter type", "Encounter date time") if name in body]
    said += ["it was voided by us and is back in Bahmni"] if "Voided" in body else []
    return f'"{part.encounter_type}": {", ".join(said)}'
