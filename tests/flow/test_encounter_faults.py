"""Whatever goes wrong on the wire while encounters are written: afterwards everything is there once, and right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.truth import work_until_quiet
from tests.flow.clinic import HISTORY, VITALS, Clinic, open_clinic
from tests.flow.test_faults import REPEATED, WRITE_FAULTS, hasty, open_errors
from tests.flow.world import MARKER, World

__all__ = ["hasty"]

Trigger = Callable[[Clinic, str], None]
Shown = dict[str, list[dict[str, Any]]]


def nothing(clinic: Clinic, encounter: str) -> None:
    """The encounter is new: reading it is enough."""


def edit(clinic: Clinic, encounter: str) -> None:
    clinic.world.sync("encounter")
    clinic.change(encounter, clinic.answer(encounter, "Pulse", 96), clinic.answer(encounter, "Advice", "walk"))


def take_a_form_out(clinic: Clinic, encounter: str) -> None:
    clinic.world.sync("encounter")
    clinic.change(encounter, clinic.taken_out(encounter, "History"))


def put_a_form_back(clinic: Clinic, encounter: str) -> None:
    take_a_form_out(clinic, encounter)
    clinic.world.sync("encounter")
    clinic.change(encounter, clinic.form("History", Advice="rest"))


def void(clinic: Clinic, encounter: str) -> None:
    clinic.world.sync("encounter")
    clinic.void(encounter)
    clinic.world.rewind()


def both(encounter: str, pulse: int, advice: str) -> Shown:
    marked = {MARKER: encounter}
    return {VITALS: [{**marked, "Pulse": pulse}], HISTORY: [{**marked, "Advice": advice}]}


WRITES: dict[str, tuple[str, str, Trigger, Callable[[str], Shown]]] = {
    "new encounters": ("POST", r"/api/encounter$", nothing, lambda uuid: both(uuid, 72, "rest")),
    "edited encounters": ("PATCH", r"/api/encounter/", edit, lambda uuid: both(uuid, 96, "walk")),
    "a form taken out": (
        "DELETE", r"/api/encounter/", take_a_form_out, lambda uuid: {VITALS: both(uuid, 72, "rest")[VITALS]}
    ),
    "a form put back": ("PATCH", r"/api/encounter/", put_a_form_back, lambda uuid: both(uuid, 72, "rest")),
    "a voided encounter": ("DELETE", r"/api/encounter/", void, lambda uuid: {}),
}  # fmt: skip


@pytest.mark.parametrize("times", REPEATED, ids=["once", "again and again"])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_goes_wrong_leaves_every_form_there_once_and_right(hasty: World, name: str, times: int) -> None:
    method, path, trigger, expected = WRITES[name]
    clinic, faults = open_clinic(hasty), hasty.avni_server.faults
    wrong = {}
    for number, fault in enumerate(WRITE_FAULTS, start=1001):
        subject, patient = hasty.subject(str(number)), hasty.patient(str(number))
        hasty.sync("patient")
        encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest"))
        trigger(clinic, encounter)
        fired = faults.fired[fault]
        faults.plan(method, path, fault, times=times, seconds=3600)
        hasty.sync("encounter")
        assert faults.fired[fault] > fired, f"{fault} did not happen"
        faults.clear()
        work_until_quiet(hasty, "encounter")
        found = clinic.in_avni(subject)
        if found != expected(encounter) or open_errors(encounter):
            wrong[fault] = (found, open_errors(encounter))
        assert len(hasty.avni.encounters_of(subject)) == 3, fault  # the registration among them
    assert wrong == {}
