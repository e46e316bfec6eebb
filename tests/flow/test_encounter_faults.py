"""Whatever goes wrong on the wire while encounters are written to Avni: afterwards every form is there once, right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.flow.clinic import HISTORY, VITALS, Clinic, open_clinic
from tests.flow.wire import REPEATED, Written, nothing, wrong_after_faults
from tests.flow.world import MARKER, World

Case = Written[Clinic]


def ready(clinic: Clinic, number: str) -> str:
    """An encounter with two forms of a patient who is registered in Avni."""
    clinic.world.subject(number)
    patient = clinic.world.patient(number)
    clinic.world.sync("patient")
    return clinic.fill_in(patient, clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"))


def there(clinic: Clinic, number: str) -> str:
    encounter = ready(clinic, number)
    clinic.world.sync("encounter")
    return encounter


def without_a_form(clinic: Clinic, number: str) -> str:
    encounter = there(clinic, number)
    take_a_form_out(clinic, encounter)
    clinic.world.sync("encounter")
    return encounter


def edit(clinic: Clinic, encounter: str) -> None:
    clinic.change(encounter, clinic.answer(encounter, "Pulse", 96), clinic.answer(encounter, "Advice", "walk"))


def take_a_form_out(clinic: Clinic, encounter: str) -> None:
    clinic.change(encounter, clinic.taken_out(encounter, "History"))


def put_a_form_back(clinic: Clinic, encounter: str) -> None:
    clinic.change(encounter, clinic.form("History", Advice="rest"))


def take_a_form_out_and_edit_the_other(clinic: Clinic, encounter: str) -> None:
    clinic.change(encounter, clinic.taken_out(encounter, "History"), clinic.answer(encounter, "Pulse", 96))


def void(clinic: Clinic, encounter: str) -> None:
    clinic.void(encounter)
    clinic.world.rewind()


def unvoid(clinic: Clinic, encounter: str) -> None:
    clinic.unvoid(encounter)
    clinic.world.rewind()


def in_avni(clinic: Clinic, number: str, encounter: str) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """What stands in Avni, and how many encounters there are, voided ones and the registration among them."""
    patient = clinic.world.bahmni.encounters[encounter].patient
    subject = clinic.world.link("patient", patient).target_parent_id
    return clinic.in_avni(subject), len(clinic.world.avni.encounters_of(subject))


def holding(pulse: int | None = None, advice: str | None = None) -> Callable[[str], object]:
    """One encounter in Avni for each answer that is given, and no third one."""

    def expected(encounter: str) -> object:
        forms = {VITALS: ("Pulse", pulse), HISTORY: ("Advice", advice)}
        said = {form: [{MARKER: encounter, name: value}] for form, (name, value) in forms.items() if value is not None}
        return said, 3

    return expected


ENCOUNTER = r"/api/encounter/"
BOTH = holding(72, "rest")

WRITES: dict[str, Case] = {
    "new encounters": Case("encounter", "POST", r"/api/encounter$", ready, nothing, in_avni, BOTH),
    "edited encounters": Case("encounter", "PATCH", ENCOUNTER, there, edit, in_avni, holding(96, "walk")),
    "a form taken out and put back later": Case(
        "encounter", "DELETE", ENCOUNTER, there, take_a_form_out, in_avni, holding(72), (put_a_form_back, BOTH)
    ),
    "an edit beside a form taken out that is put back later": Case(
        "encounter", "PATCH", ENCOUNTER, there, take_a_form_out_and_edit_the_other, in_avni, holding(96),
        (put_a_form_back, holding(96, "rest")),
    ),
    "a form put back": Case("encounter", "PATCH", ENCOUNTER, without_a_form, put_a_form_back, in_avni, BOTH),
    "a voided encounter that comes back later": Case(
        "encounter", "DELETE", ENCOUNTER, there, void, in_avni, holding(), (unvoid, BOTH)
    ),
}  # fmt: skip


@pytest.mark.parametrize("times", REPEATED.values(), ids=REPEATED)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_goes_wrong_leaves_every_form_there_once_and_right(hasty: World, name: str, times: int) -> None:
    assert wrong_after_faults(hasty, open_clinic(hasty), WRITES[name], times) == {}
