"""What one part of an encounter of Bahmni needs in Avni, given what stands there of it. Pure.

A part is created, changed where it differs, voided when its form or the whole encounter is gone, brought back only if
it was us who voided it. Stands on avni.md A14 (External ID), A15 to A17 (whole and partial update, void), A22, A48, A70
(what a whole update keeps).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any
from uuid import UUID

from avni.wire import instant
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni import prescription, somebody
from bahmni.bahmni_to_avni.encounter import HospitalEncounter
from bahmni.bahmni_to_avni.part import Part, form_of, is_in_program
from bahmni.bahmni_to_avni.values import differing
from common.fingerprint import derived_uuid
from engine.left import Left
from engine.ports import Write
from engine.verdicts import Conflict, Hold
from errors.specs import Move
from mappings.models import Side
from mappings.snapshot import Snapshot


@dataclass(frozen=True)
class Remembered:
    """Avni ids by part key, and the parts that we voided, as the link notes them."""

    ids: Mapping[str, str] = field(default_factory=dict)
    voided_by_us: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policy:
    """What planning needs to know of the tenant; `zone` is the hospital's."""

    namespace: UUID
    questions: Container[str]
    """See `questions`."""
    zone: tzinfo
    names: Mapping[str, str] = field(default_factory=dict)
    """See `names`."""
    us: str = ""
    """Our user name in Avni, by which our own writes are told from those of others."""

    @property
    def ours(self) -> somebody.Ours:
        """What the hospital speaks for in Avni."""
        return somebody.Ours(self.questions, self.names)


def questions(snapshot: Snapshot) -> frozenset[str]:
    """The questions in Avni that the hospital speaks for. What else stands in an encounter is the field team's."""
    whole = [entry.avni_value for pair in (*TOLD_AS_ONE, v.UNMAPPED_CONCEPT) if (entry := snapshot.single(*pair))]
    return frozenset(whole) | frozenset(
        name
        for name, entry in snapshot.by_avni_value.get(v.CONCEPT, {}).items()
        if not snapshot.is_ignored(Side.INT_SYSTEM, entry.int_system_value) and not snapshot.is_ignored(Side.AVNI, name)
    )


def names(snapshot: Snapshot) -> dict[str, str]:
    """What is called by its uuid inside a group of Avni, by that uuid (avni.md A28)."""
    return {uuid: entry.avni_value for uuid, entry in snapshot.by_avni_uuid.get(v.CONCEPT, {}).items()}


TOLD_AS_ONE = (v.LAB_TEXT, v.LAB_GROUP, v.LAB_TEST, v.LAB_RESULT, v.DRUG_TEXT, v.DRUG_GROUP, *prescription.FIELDS)
"""Mappings whose Avni side is filled in with what the hospital says otherwise than as the answer to one question."""


@dataclass(frozen=True)
class Case:
    """One part: its key, what Avni holds of it, whom it belongs to, and what the link remembers of its answers."""

    key: str
    content: HospitalEncounter
    there: Mapping[str, Any] | None
    subject_id: str
    policy: Policy
    before: Remembered
    left: Left | None

    @property
    def chosen(self) -> str:
        """The External ID we give it."""
        return external_id(self.policy.namespace, self.content.uuid, self.key)


def external_id(namespace: UUID, encounter_uuid: str, key: str) -> str:
    """The External ID of a part: chosen by us, so that a create cut off is found again."""
    return str(derived_uuid(namespace, "avni-encounter", "encounter", encounter_uuid, key))


def kind_of(key: str) -> str:
    """The kind of record a part becomes in Avni, as writes name it."""
    return "program-encounter" if is_in_program(key) else "encounter"


def of_wanted(part: Part, enrolment_id: str, case: Case, ruling: Move | None) -> tuple[Write | None, Left]:
    """What brings Avni's encounter to what its part says now (None when it says so), and what it is left with.

    `ruling` is what a person decided about the part. Raises Hold.
    """
    content, there = case.content, case.there
    if there is None and part.key in case.before.ids:
        moves = (Move.TARGET,) if part.program else None  # nothing tells where in the program it stood
        _unless_overruled(Hold("bahmni.registration-gone").about(Conflict(moves=moves)), ruling)
    if there is None:
        why = f'"{part.encounter_type}": nothing in Avni stands for this part of the encounter'
        body = _new(part, case, enrolment_id)
        return Write("create", kind_of(part.key), case.chosen, body, why), _notes(part, content)
    _confirm(case, there, ruling)
    if there["Voided"] and part.key not in case.before.voided_by_us:
        _unless_overruled(Hold("bahmni.target-voided"), ruling)
    theirs = frozenset[str]() if there["Voided"] else _left_to_somebody(part, case, there, ruling)
    left = {**somebody.kept(case.left, theirs, part.key), **_notes(part, content, theirs)}
    part, content = _as_left(part, content, there, theirs)
    case = replace(case, content=content)
    if enrolment_id:
        return _moved(part, case, there, enrolment_id), left
    differs = _differing(part, content, there, case.policy)
    if not differs:
        return None, left
    # A program encounter knows no partial update.
    body = _whole(part, content, there, case.policy) if is_in_program(part.key) else differs
    return Write("update", kind_of(part.key), there["ID"], body, _why(part, differs)), left


def _unless_overruled(hold: Hold, ruling: Move | None) -> None:
    if ruling is not Move.SOURCE:
        raise hold


def _notes(part: Part, content: HospitalEncounter, theirs: frozenset[str] = frozenset()) -> Left:
    """What the link remembers of what we leave, but what is left to somebody."""
    said = {**part.observations, somebody.DATE: content.held_at, somebody.TYPE: part.encounter_type}
    return somebody.notes_of({name: value for name, value in said.items() if name not in theirs}, part.key)


def _left_to_somebody(part: Part, case: Case, there: Mapping[str, Any], ruling: Move | None) -> frozenset[str]:
    """What stays as somebody answered it, because a person decided so. Raises Hold while nobody has decided."""
    marked = {question for question, value in part.observations.items() if value == case.content.uuid}
    said = {question: value for question, value in part.observations.items() if question not in marked}
    said |= {somebody.DATE: case.content.held_at, somebody.TYPE: part.encounter_type}
    shown = {question: value for question, value in there["observations"].items() if question not in marked}
    there = {**there, "observations": shown}
    found = somebody.contested(said, case.policy.ours, there, case.left, part.key, case.policy.us)
    if found and ruling is None:
        raise somebody.changed_by_somebody(found, there["ID"])
    return frozenset(one.question for one in found) if ruling is Move.TARGET else frozenset()


def _as_left(
    part: Part, content: HospitalEncounter, there: Mapping[str, Any], theirs: frozenset[str]
) -> tuple[Part, HospitalEncounter]:
    """The part as it should stand when these of its answers are left to somebody."""
    shown = somebody.shown_in(there)
    said = {question: value for question, value in part.observations.items() if question not in theirs}
    answered = {one: shown[one] for one in theirs & there["observations"].keys()}
    part = replace(part, observations={**said, **answered})
    if somebody.TYPE in theirs:
        part = replace(part, encounter_type=str(shown[somebody.TYPE]))
    return part, replace(content, held_at=str(shown[somebody.DATE])) if somebody.DATE in theirs else content


def _differing(part: Part, content: HospitalEncounter, there: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """What a partial update would have to carry; nothing when Avni agrees."""
    body: dict[str, Any] = {}
    changes = differing(part.observations, there["observations"], policy.questions, policy.names)
    if changes:
        body["observations"] = changes
    if there["Encounter type"] != part.encounter_type:
        body["Encounter type"] = part.encounter_type
    if not _is_at(there, content.held_at):
        body["Encounter date time"] = content.held_at
    if there["Voided"]:
        body["Voided"] = False
    return body


def of_unwanted(case: Case, ruling: Move | None) -> Write | None:
    """What voids Avni's encounter of a part that is no more; None when nothing is there or it is voided already."""
    content, there, key = case.content, case.there, case.key
    if there is None or there["Voided"]:
        return None
    _confirm(case, there, ruling)
    if written := somebody.written_into(case.policy.ours, there, case.left, key, case.policy.us):
        _unless_overruled(somebody.changed_by_somebody(written, there["ID"]), ruling)
    why = "the encounter was voided in Bahmni" if content.voided else "its form was taken out of the encounter"
    if not content.voided and form_of(key) in {form_of(part.key) for part in content.parts}:
        why = "its form is not filled in so often any more, or is mapped otherwise"
    return Write("void", kind_of(key), there["ID"], {}, f'"{there["Encounter type"]}": {why}')


def _new(part: Part, case: Case, enrolment_id: str) -> dict[str, Any]:
    """All of an encounter, as it is made."""
    owner = {"Enrolment ID": enrolment_id} if part.program else {"Subject ID": case.subject_id}
    return {
        "External ID": case.chosen,
        **owner,
        "Encounter type": part.encounter_type,
        "Encounter date time": case.content.held_at,
        "observations": dict(part.observations),
        "cancelObservations": {},
        "Voided": False,
    }


def _moved(part: Part, case: Case, there: Mapping[str, Any], enrolment_id: str) -> Write:
    """What brings a program encounter into another program: only what bears our External ID can be moved."""
    if there.get("External ID") != case.chosen:
        raise Hold("bahmni.encounter-in-other-program")
    whole = _whole(part, case.content, there, case.policy)
    body = {**whole, "External ID": case.chosen, "Enrolment ID": enrolment_id}
    return Write(
        "create", kind_of(part.key), case.chosen, body, f'"{part.encounter_type}": its form is of another program'
    )


def _whole(part: Part, content: HospitalEncounter, there: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """All of a program encounter that is there already: what is not sent would be gone.

    The field team's own answers are sent back as they were shown. Raises Hold for one that Avni shows otherwise than it
    takes it, and for an encounter that they cancelled: it cannot be held as well (A48).
    """
    if there.get("Cancel date time"):
        raise Hold("bahmni.cancelled-by-the-field-team")
    why_not = there.get("cancelObservations") or {}
    theirs = {
        question: value
        for question, value in there["observations"].items()
        if question not in policy.questions and question not in part.observations
    }
    if not all(map(_can_be_sent_back, (*theirs.values(), *why_not.values()))):
        raise Hold("bahmni.answers-cannot-be-kept")
    return {
        **{name: there[name] for name in KEPT if there.get(name) is not None},
        "Encounter type": part.encounter_type,
        "Encounter date time": content.held_at,
        "observations": {**theirs, **part.observations},
        "cancelObservations": dict(why_not),
        "Voided": False,
    }


KEPT = (
    "External ID",
    "Earliest scheduled date",
    "Max scheduled date",
    "Encounter Coordinates",
    "Encounter location",
    "Cancel location",
)
"""What a program encounter may hold beside what the hospital says of it."""


def _can_be_sent_back(value: Any) -> bool:
    """Whether what Avni shows of an answer is what it takes: of a place it shows names, of one group uuids."""
    if isinstance(value, Mapping):
        return value.keys() == {"phoneNumber", "verified"}
    if isinstance(value, list):
        rows = [one for row in value for one in (row.values() if isinstance(row, Mapping) else (row,))]
        return all(map(_can_be_sent_back, rows))
    return True


def _confirm(case: Case, there: Mapping[str, Any], ruling: Move | None) -> None:
    """Avni's encounter must carry our encounter's marker and hang on the patient's subject, or a person decides."""
    if case.content.uuid not in there["observations"].values():
        _unless_overruled(Hold("bahmni.registration-gone"), ruling)
    if there["Subject ID"] != case.subject_id:
        raise Hold("bahmni.encounter-elsewhere")


def _is_at(there: Mapping[str, Any], held_at: str) -> bool:
    shown = there["Encounter date time"]
    return shown is not None and instant(shown) == instant(held_at)


def _why(part: Part, body: Mapping[str, Any]) -> str:
    said = [f"{len(body['observations'])} observations differ"] if "observations" in body else []
    said += [f'"{name}" differs' for name in ("Encounter type", "Encounter date time") if name in body]
    said += ["it was voided by us and is back in Bahmni"] if "Voided" in body else []
    return f'"{part.encounter_type}": {", ".join(said)}'
