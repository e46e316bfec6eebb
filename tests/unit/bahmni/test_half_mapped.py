"""What the check of the connections says of mappings of the hospital's forms, results and prescriptions."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.half_mapped import half_mapped_parts
from mappings.snapshot import Entry, Pair, Snapshot
from tests.chaos.forms import forms_snapshot, with_singles
from tests.chaos.records import uuid_of

KIND, TEXT = Entry("Drugs", "", ""), Entry("Drug text", "", "")
WHOLE = with_singles(
    forms_snapshot(),
    {v.DRUG_ENCOUNTER_TYPE: KIND, v.DRUG_TEXT: TEXT, v.LAB_ENCOUNTER_TYPE: Entry("Lab", uuid_of("LAB_RESULT"), "")},
    OutpatientVisitTypes=uuid_of("OPD"),
)


def without(pair: Pair) -> Snapshot:
    """All but one of the mappings."""
    singles = {one: entry for one, entry in WHOLE.singles.items() if one != pair}
    return replace(WHOLE, singles=MappingProxyType(singles))


def with_form(pair: Pair, form: str, shown: str) -> Snapshot:
    """A further form mapped."""
    table = {**WHOLE.by_int_system_value.get(pair, {}), uuid_of(form): Entry(shown, uuid_of(form), "")}
    return replace(WHOLE, by_int_system_value=MappingProxyType({**WHOLE.by_int_system_value, pair: table}))


def test_what_is_mapped_whole_or_not_at_all_gives_nothing_to_say() -> None:
    assert half_mapped_parts(WHOLE) == []
    assert half_mapped_parts(forms_snapshot()) == []


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [
        (with_form(v.HOSPITAL_PROGRAM_FORM, "New", "New (Hospital)"), "nothing says in which program"),
        (with_form(v.HOSPITAL_FORM, "Antenatal", "General"), '"Antenatal (Hospital)" are mapped to a general'),
        (with_form(v.HOSPITAL_ENROLMENT_FORM, "New", "Mother"), 'mapped as enrolments ("Mother")'),
        (without(v.DRUG_TEXT), "no concept to stand in"),
        (without(v.DRUG_ENCOUNTER_TYPE), "no encounter type"),
        (with_singles(WHOLE, {v.DRUG_NAME: Entry("Drug", "", "")}), "DrugOrder / DrugOrder_Group"),
        (replace(WHOLE, constants=MappingProxyType({})), "names no type of visit"),
    ],
)
def test_what_lacks_its_other_half_is_told_with_what_to_do(snapshot: Snapshot, said: str) -> None:
    (sentence,) = half_mapped_parts(snapshot)
    assert said in sentence
