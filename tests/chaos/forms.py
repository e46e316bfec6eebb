"""Forms as clinicians fill them in, as OpenMRS renders them for the encounter stream, and the mappings for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bahmni import vocabulary as v
from mappings.snapshot import Entry, Pair, Snapshot
from tests.chaos.records import PREFIX, snapshot, uuid_of

FORMS = {"Vitals": "Vitals (Hospital)", "History": "History (Hospital)"}
"""Form in Bahmni → encounter type in Avni."""

PROGRAM_FORMS = {"Antenatal": "Antenatal (Hospital)", "Child": "Child (Hospital)"}
"""Form in Bahmni → program encounter type in Avni."""
PROGRAMS = {"Antenatal": "Mother", "Child": "Child"}
"""Form in Bahmni → program in Avni."""

QUESTIONS = {
    "Systolic": "Numeric",
    "Pulse": "Numeric",
    "Complaint": "Coded",
    "Smokes": "Boolean",
    "Advice": "Text",
    "Onset": "Date",
    "Seen at": "DateTime",
}
COMPLAINTS = ("Fever", "Cough", "Fits")
TRUTHS = {"True": "Yes", "False": "No"}
"""OpenMRS's own two concepts → answer in Avni."""


def forms_snapshot(ignored: Iterable[str] = ()) -> Snapshot:
    """The usual mappings with those for forms and their questions; `ignored`: names of concepts left out on purpose."""
    usual = snapshot()
    questions = [Entry(f"{name} (Hospital)", uuid_of(name), kind) for name, kind in QUESTIONS.items()]
    answers = [Entry(name, uuid_of(name), "") for name in COMPLAINTS]
    truths = [Entry(shown, uuid_of(name), "") for name, shown in TRUTHS.items()]
    table = {
        v.HOSPITAL_FORM: [Entry(shown, uuid_of(form), "") for form, shown in FORMS.items()],
        v.HOSPITAL_PROGRAM_FORM: [Entry(shown, uuid_of(form), "") for form, shown in PROGRAM_FORMS.items()],
        v.FORM_PROGRAM: [Entry(program, uuid_of(form), "") for form, program in PROGRAMS.items()],
        v.CONCEPT: [*usual.by_avni_value[v.CONCEPT].values(), *questions, *answers, *truths],
    }
    by_avni = {pair: MappingProxyType({row.avni_value: row for row in rows}) for pair, rows in table.items()}
    by_int = {pair: MappingProxyType({row.int_system_value: row for row in rows}) for pair, rows in table.items()}
    return replace(
        usual,
        by_avni_value=MappingProxyType({**usual.by_avni_value, **by_avni}),
        by_int_system_value=MappingProxyType({**usual.by_int_system_value, **by_int}),
        ignored=MappingProxyType({"int_system": frozenset(uuid_of(name) for name in ignored)}),
    )


def with_singles(usual: Snapshot, singles: Mapping[Pair, Entry], **constants: str) -> Snapshot:
    """The mappings with further ones that are looked up without a value, and constants."""
    return replace(
        usual,
        singles=MappingProxyType({**usual.singles, **singles}),
        constants=MappingProxyType({**usual.constants, **{key: (value,) for key, value in constants.items()}}),
    )


def concept(name: str) -> dict[str, Any]:
    """A concept as a reference."""
    uuid = uuid_of(name)
    return {"uuid": uuid, "display": name, "links": [{"rel": "self", "uri": f"http://h/ws/rest/v1/concept/{uuid}"}]}


def leaf(name: str, value: Any, *, voided: bool = False) -> dict[str, Any]:
    """One answer."""
    return {"concept": concept(name), "value": value, "voided": voided, "groupMembers": None}


def group(name: str, *members: dict[str, Any], voided: bool = False) -> dict[str, Any]:
    """A form, or a section of one."""
    return {"concept": concept(name), "value": None, "voided": voided, "groupMembers": list(members)}


def encounter(*forms: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An encounter as OpenMRS renders what the stream asks for; `patient` is laid over the usual one."""
    number = more.pop("number", f"{PREFIX}1001")
    patient = {
        "uuid": uuid_of("patient 1001"),
        "voided": False,
        "identifiers": [{"identifier": number, "preferred": True, "voided": False}],
        **more.pop("patient", {}),
    }
    return {
        "uuid": uuid_of("encounter"),
        "voided": False,
        "encounterDatetime": "2026-11-20T10:30:00.000+0530",
        "patient": patient,
        "obs": list(forms),
        **more,
    }
