"""Mappings of what comes from the hospital that lack another one, in words for the check of the connections. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bahmni import vocabulary as v
from mappings.snapshot import Pair, Snapshot


def half_mapped_parts(snapshot: Snapshot) -> list[str]:
    """One sentence for each finding, with what to do."""
    return [*_forms(snapshot), *_prescriptions(snapshot), *_without_visit_type(snapshot)]


def _forms(snapshot: Snapshot) -> Iterator[str]:
    in_programs, general, enrolments, placed = (
        snapshot.by_int_system_value.get(pair, {})
        for pair in (v.HOSPITAL_PROGRAM_FORM, v.HOSPITAL_FORM, v.HOSPITAL_ENROLMENT_FORM, v.FORM_PROGRAM)
    )
    if lacking := [entry.avni_value for form, entry in in_programs.items() if form not in placed]:
        yield (
            f"The forms of {_quoted(lacking)} become program encounters, but nothing says in which program. Add a "
            f"mapping of each form in {_path(v.FORM_PROGRAM)}."
        )
    if twice := [entry.avni_value for form, entry in in_programs.items() if form in general]:
        yield f"The forms of {_quoted(twice)} are mapped to a general encounter type, too. Void one of the two."
    if enrolments:
        named = _quoted([entry.avni_value for entry in enrolments.values()])
        yield f"Forms are mapped as enrolments ({named}), which they cannot become. Void these mappings."


def _prescriptions(snapshot: Snapshot) -> Iterator[str]:
    kind, text, group = (snapshot.single(*pair) for pair in (v.DRUG_ENCOUNTER_TYPE, v.DRUG_TEXT, v.DRUG_GROUP))
    if kind and not (text or group):
        yield f"Prescriptions have an encounter type, but no concept to stand in. Map {_path(v.DRUG_TEXT)}."
    if (text or group) and not kind:
        yield f"Prescriptions have a concept, but no encounter type. Map {_path(v.DRUG_ENCOUNTER_TYPE)}."
    if snapshot.single(*v.DRUG_NAME) and not group:
        yield f"Single concepts of prescriptions are mapped, but not the group they stand in ({_path(v.DRUG_GROUP)})."


def _without_visit_type(snapshot: Snapshot) -> Iterator[str]:
    mapped = snapshot.single(*v.LAB_ENCOUNTER_TYPE) or snapshot.single(*v.DRUG_ENCOUNTER_TYPE)
    if mapped and not snapshot.constants.get(v.OUTPATIENT):
        yield (
            f"Laboratory results or prescriptions are mapped, but the constant {v.OUTPATIENT} names no type of visit, "
            "so none goes to Avni. Enter the types of visit they should come from."
        )


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))


def _path(pair: Pair) -> str:
    return " / ".join(pair)
