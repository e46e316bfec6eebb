"""Enrolment of an Avni subject in a program: what Bahmni should hold of it, and what it waits for. Pure.

Two forms: one for the enrolment, one for the exit while there is one. Compatible with the Java service: encounter types
and forms by the name of the program, marker, event date, program data. An enrolment that the service once made for
records of Bahmni (its marker stands among the observations) travels, too: the encounters in it need its visit.
Stands on avni.md A47 and A25 to A28 (answers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Final

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.answers import answers
from bahmni.avni_to_bahmni.form_encounter import Form, day_in, filled_in, partner
from bahmni.avni_to_bahmni.observations import Leaf
from bahmni.avni_to_bahmni.owner import SUBJECT, wait_for
from bahmni.shapes import ENROLMENT, check
from common.fingerprint import fingerprint
from engine.ports import Known, Want
from engine.verdicts import Fail, Skip
from mappings.snapshot import Pair, Snapshot


@dataclass(frozen=True)
class Event:
    """Beginning or end of an enrolment: its fields in Avni, its mappings, and the messages where one is missing."""

    name: str
    """As the program data call it."""
    time: str
    observations: str
    encounter_type: Pair
    form: Pair
    type_unmapped: str
    form_unmapped: str


BEGIN = Event(
    "Enrolment", "Enrolment datetime", "observations", v.ENROLMENT_TYPE, v.ENROLMENT_FORM,
    "bahmni.enrolment-type-unmapped", "bahmni.enrolment-form-unmapped",
)  # fmt: skip
END = Event(
    "Exit", "Exit datetime", "exitObservations", v.EXIT_TYPE, v.EXIT_FORM,
    "bahmni.exit-type-unmapped", "bahmni.exit-form-unmapped",
)  # fmt: skip


@dataclass(frozen=True)
class Enrolment:
    """What Bahmni should hold of one enrolment. `form` is None when it is voided, `exit` also while nobody exited."""

    enrolment_id: str
    subject_id: str
    program: str
    encounters: frozenset[str]
    """Ids of its program encounters, voided ones too."""
    visit_type: str
    form: Form | None
    exit: Form | None

    @property
    def voided(self) -> bool:
        """Whether the enrolment is voided in Avni."""
        return self.form is None


NEEDED: Final[tuple[Pair, ...]] = (v.PROGRAM_VISIT_TYPE, v.ENROLMENT_TYPE, v.ENROLMENT_FORM)
NEEDED_TO_EXIT: Final[tuple[Pair, ...]] = (v.EXIT_TYPE, v.EXIT_FORM)
"""Mappings by the name of the program."""


def programs(snapshot: Snapshot) -> tuple[str, ...]:
    """The Avni programs whose enrolments are handed over: those with encounter type, form or visit type."""
    return tuple(sorted(snapshot.avni_values(*NEEDED)))


def half_mapped(snapshot: Snapshot) -> dict[Pair, tuple[str, ...]]:
    """The programs that lack a mapping, by the one they lack; those for exits only where one of them is there."""
    lacking = {
        pair: sorted(snapshot.avni_values(*pairs) - snapshot.avni_values(pair))
        for pairs in (NEEDED, NEEDED_TO_EXIT)
        for pair in pairs
    }
    return {pair: tuple(names) for pair, names in lacking.items() if names}


def wanted(enrolment: Mapping[str, Any], snapshot: Snapshot, zone: tzinfo) -> Want:
    """What Bahmni should hold; `zone` is the hospital's.

    Raises Skip for one of a subject that is no patient, Fail, KeyError.
    """
    check(enrolment, ENROLMENT)
    patients = snapshot.constant(v.SUBJECT_TYPE)
    if enrolment.get("Subject type", patients) != patients:
        raise Skip("bahmni.not-of-a-patient")
    program, form, exit_, visit_type = enrolment["Program"], None, None, ""
    if enrolment["Voided"] is not True:  # what is voided does not travel any more, and may not keep it from being so
        form = _form(enrolment, BEGIN, snapshot, zone)
        exit_ = _form(enrolment, END, snapshot, zone) if enrolment.get(END.time) else None
        visit_type = partner(program, v.PROGRAM_VISIT_TYPE, "bahmni.program-visit-type-unmapped", snapshot)
    encounters = enrolment.get("encounters")
    listed = frozenset(one for one in (encounters if isinstance(encounters, list) else ()) if isinstance(one, str))
    content = Enrolment(enrolment["ID"], enrolment["Subject ID"], program, listed, visit_type, form, exit_)
    forms = [one for one in (form, exit_) if one]
    return Want(
        content,
        fingerprint([content.subject_id, visit_type, *(one.content for one in forms)]),
        arrives=(v.arrival_of_enrolment(content.enrolment_id),) if form else (),
        unmapped=tuple(name for one in forms for name in one.answers.unmapped),
    )


def admit(content: Enrolment, known: Known | None, subject: Known | None) -> None:
    """Whether there is anything to look up, `subject` being what the ledger remembers of the enrolment's subject.

    Raises Skip, and Defer until the subject stands in Bahmni.
    """
    if not content.voided:
        wait_for(SUBJECT, content.subject_id, subject)
    elif not any(one and one.points_somewhere for one in (known, subject)):
        raise Skip("bahmni.voided-before-hand-over")


def _form(enrolment: Mapping[str, Any], event: Event, snapshot: Snapshot, zone: tzinfo) -> Form:
    program, observations = enrolment["Program"], enrolment.get(event.observations)
    if observations is None:
        raise Fail("record.field-missing", field=event.observations)
    day = day_in(enrolment[event.time], event.time, zone)
    form = filled_in(
        enrolment["ID"],
        day,
        answers(_without_our_marker(observations, snapshot), snapshot, zone, snapshot.from_avni(*event.form, program)),
        enrolment["audit"]["Last modified at"],
        snapshot,
        encounter_type=partner(program, event.encounter_type, event.type_unmapped, snapshot),
        concept=partner(program, event.form, event.form_unmapped, snapshot),
    )
    entry = snapshot.single(*v.PROGRAM_DATA_CONCEPT)
    if entry is None or not entry.int_system_value:
        return form
    said = f"{program} - {event.name} - {day:%d-%m-%Y}"
    return replace(form, program_data=(Leaf(entry.int_system_value, said),))


def _without_our_marker(observations: Mapping[str, Any], snapshot: Snapshot) -> Mapping[str, Any]:
    marker = snapshot.single(*v.BAHMNI_MARKER_CONCEPT)
    return {name: value for name, value in observations.items() if marker is None or name != marker.avni_value}
