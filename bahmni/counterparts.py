"""What stands on the other side for a record, by names people know; and the record and all of that, read live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.avni_encounters import one as in_avni
from bahmni.bahmni_to_avni.encounter_plan import remembered
from bahmni.bahmni_to_avni.part import ENROLMENT, LABORATORY, PRESCRIPTION, form_of, is_in_program, place
from bahmni.bahmni_to_avni.part_plan import kind_of
from bahmni.servers import BahmniServers
from engine.ports import Known
from engine.registry import Counterpart, Servers, Shown
from mappings.snapshot import Snapshot

SINGLES = {LABORATORY: v.LAB_ENCOUNTER_TYPE, PRESCRIPTION: v.DRUG_ENCOUNTER_TYPE}
"""Mappings that name the encounter type of a part which is no form."""

ENCOUNTER = "encounter"
TO_BAHMNI = (v.SUBJECT, v.ENROLMENT, v.PROGRAM_ENCOUNTER, v.GENERAL_ENCOUNTER)


def counterparts(snapshot: Snapshot, stream_key: str, known: Known) -> list[Counterpart]:
    """The records in the target that stand for a source record; first the patient or subject they hang on."""
    owner = Counterpart("Patient" if stream_key in TO_BAHMNI else "Subject", known.target_parent_id)
    visits = [_other(known, "Visit")] if stream_key in TO_BAHMNI else []
    written = [one for _, one in _encounters(snapshot, stream_key, known)]
    return [one for one in (owner, *visits, *written) if one.id]


def show(servers: Servers, stream_key: str, source_id: str, known: Known | None) -> list[Shown]:
    """The record, then each encounter that stands for it, as both servers show them now."""
    servers = cast(BahmniServers, servers)
    avni, openmrs = servers.avni, servers.openmrs

    def in_bahmni(kind: str, uuid: str) -> Mapping[str, Any] | None:
        return openmrs.one(f"/{kind}/{uuid}", "full")

    written = _encounters(servers.setting.snapshot, stream_key, known) if known else []
    written = [(kind, one) for kind, one in written if one.id] or [(ENCOUNTER, Counterpart("Encounter", ""))]
    match stream_key:
        case v.SUBJECT:
            source = Shown(v.AVNI, "Subject", avni.subject(source_id))
        case v.ENROLMENT:
            source = Shown(v.AVNI, "Enrolment", avni.program_enrolment(source_id))
        case v.PROGRAM_ENCOUNTER:
            source = Shown(v.AVNI, "Encounter", avni.program_encounter(source_id))
        case v.GENERAL_ENCOUNTER:
            source = Shown(v.AVNI, "Encounter", avni.encounter(source_id))
        case v.PATIENT:
            source = Shown(v.BAHMNI, "Patient", in_bahmni("patient", source_id))
        case _:
            source = Shown(v.BAHMNI, "Encounter", in_bahmni("encounter", source_id))
    there = [source]
    for kind, one in written:
        label = f"{one.label}, voided by us" if one.is_voided_by_us else one.label
        if stream_key in TO_BAHMNI:
            there.append(Shown(v.BAHMNI, label, in_bahmni(kind, one.id) if one.id else None))
        else:
            there.append(Shown(v.AVNI, label, in_avni(avni, kind, one.id) if one.id else None))
    return there


def _encounters(snapshot: Snapshot, stream_key: str, known: Known) -> list[tuple[str, Counterpart]]:
    """The records that carry the content, each with its kind: usually one encounter.

    Of an enrolment also its exit; of an encounter of the hospital one for each part, and the enrolments made for it.
    """
    if stream_key == v.ENCOUNTER:
        parts, others = remembered(known), known.other_targets
        made = {key.removeprefix(ENROLMENT): others[key] for key in sorted(others) if key.startswith(ENROLMENT)}
        return [
            *(("enrolment", Counterpart(f"Enrolment in {program}", made[program])) for program in made),
            *(
                (kind_of(key), Counterpart(_part(snapshot, key), parts.ids[key], key in parts.voided_by_us))
                for key in sorted(parts.ids, key=place)
            ),
        ]
    label = {v.PATIENT: v.HOSPITAL_REGISTRATION, v.ENROLMENT: "Enrolment"}.get(stream_key, "Encounter")
    first = Counterpart(label, known.target_id, known.left_fingerprint == v.VOIDED_BY_US)
    there = [first, _other(known, "Exit")] if stream_key == v.ENROLMENT else [first]
    return [(ENCOUNTER, one) for one in there]


def _other(known: Known, label: str) -> Counterpart:
    """One of a link's other targets; without an id when there is none."""
    voided = known.other_targets.get(v.VOIDED_PART + label.lower(), "")
    return Counterpart(label, known.other_targets.get(label.lower(), "") or voided, bool(voided))


def _part(snapshot: Snapshot, key: str) -> str:
    """The Avni encounter type of a part, as the mappings name it now; its number where its form was repeated."""
    form, (_, number) = form_of(key), place(key)
    if form in SINGLES:
        entry = snapshot.single(*SINGLES[form])
        return entry.avni_value if entry else f"{form.capitalize()}, no longer mapped"
    pair = v.HOSPITAL_PROGRAM_FORM if is_in_program(key) else v.HOSPITAL_FORM
    entry = snapshot.from_int_system(*pair, form)
    name = entry.avni_value if entry else f"Form {form}, no longer mapped"
    return f"{name}, no. {number}" if number > 1 else name
