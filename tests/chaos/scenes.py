"""Two small places just before much happens at once: every kind of plan waits to be carried out, and nothing is read.

Each is a world in which records are through, failed, held or wait, and then people did something to most of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from simulators.bahmni import clinicians
from tests.chaos.records import ZONE
from tests.flow.outpatients import open_outpatients
from tests.flow.world import World

Scene = Callable[[World], None]


def to_bahmni(world: World) -> None:
    """What field teams do: subjects, enrolments, program encounters and general encounters of every fate."""
    world.household_visits()
    world.programs()
    world.avni.add_concept("Divorced", "NA")
    known = {number: world.subject(number, observations={"Height": 150}) for number in _numbers(1001, 5)}
    visits = {
        fate: world.household_visit(known["1001"], **_on(6), observations={"Height": 150})
        for fate in ("edited", "moved", "same", "voided", "back")
    }
    exited, ended = (world.enrolment(known[number], enrolment_ms=_ms(6)) for number in ("1001", "1002"))
    seen = world.check_up(exited, **_on(7), observations={"Height": 150})
    mended = world.subject("1010", observations={"Marital status": "Divorced"})
    world.household_visit(mended, **_on(6), observations={"Height": 160})
    world.sync()
    _void(world, known["1004"], visits["back"])
    world.sync()

    edit = world.avni.edit
    edit(known["1001"], observations={"Height": 151}, at=world.moment())
    edit(known["1002"], at=world.moment())
    _void(world, known["1003"], visits["voided"], ended)
    edit(known["1004"], voided=False, at=world.moment())
    edit(visits["back"], voided=False, at=world.moment())
    edit(visits["edited"], observations={"Height": 152}, at=world.moment())
    edit(visits["moved"], **_on(9), at=world.moment())
    edit(visits["same"], at=world.moment())
    edit(exited, exit_ms=_ms(9), exit_observations={"Height": 153}, at=world.moment())
    edit(seen, observations={"Height": 154}, at=world.moment())
    edit(mended, observations={"Marital status": "Married"}, at=world.moment())
    fresh = world.subject("2001", observations={"Height": 161, "Medical problems": ["Asthma", "Diabetes"]})
    world.household_visit(fresh, **_on(6), observations={"Height": 162})
    enrolled = world.enrolment(fresh, enrolment_ms=_ms(6), observations={"Height": 163})
    world.check_up(enrolled, **_on(7), observations={"Height": 164})
    world.enrolment(fresh, enrolment_ms=_ms(6), exit_ms=_ms(8), exit_observations={"Height": 165})
    world.patient("2002", attributes={"Caste": "Toda"})
    world.subject("2002", observations={"Height": 166})
    world.patient("2003", first="Zarina", last="Begum", born="1950-01-01")
    world.subject("2003")
    failed = world.subject("2004", observations={"Marital status": "Divorced"})
    world.household_visit(failed, **_on(6), observations={"Height": 167})


def to_avni(world: World) -> None:
    """What a hospital does: registrations, forms, results, prescriptions and program forms of every fate."""
    place = open_outpatients(world)
    clinic = place.clinic
    known = _numbers(1001, 5)
    for number in known:
        world.subject(number)
    patients = {number: world.patient(number, attributes={"Caste": "Toda"}) for number in (*known, "1010")}
    one, other = patients["1001"], patients["1002"]
    forms = clinic.form("Vitals", Pulse=72), clinic.form("History", Advice="rest")
    edited, same, less, back = (clinic.fill_in(one, *forms) for _ in range(4))
    clinic.fill_in(patients["1010"], clinic.form("Vitals", Pulse=80))
    mother, former = (place.seen(other, "Antenatal") for _ in range(2))
    revised, stopped = (place.seen(patients["1003"]) for _ in range(2))
    orders = [place.prescribe(encounter) for encounter in (revised, stopped)]
    measured, order = place.tested(patients["1003"], 72)
    world.sync()
    clinic.change(back, clinic.taken_out(back, "History"))
    world.sync()

    clinic.change(edited, clinic.answer(edited, "Pulse", 96))
    place.tell(same)
    clinic.change(less, clinic.taken_out(less, "History"))
    clinic.change(back, clinic.form("History", Advice="walk"))
    place.edit(mother, 97)
    place.void(former)
    clinicians.revise_drug_order(world.bahmni, orders[0], dose=2)
    clinicians.stop_drug_order(world.bahmni, orders[1])
    place.correct(measured, order, 73)
    place.tested(patients["1004"], 74)
    place.prescribe(place.seen(patients["1004"], "Antenatal", pulse=75))
    world.bahmni.hospital_edit_attribute(one, world.attributes["Caste"], "Irula")
    world.subject("1010")  # whom patient and encounter waited for
    world.subject("2001")
    fresh = world.patient("2001", attributes={"Caste": "Kota"})
    clinic.fill_in(fresh, clinic.form("Vitals", Pulse=76), clinic.form("History", Advice="swim"))
    clinic.fill_in(patients["1005"], clinic.form("Vitals", Complaint=world.bahmni.add_concept("Giddiness").uuid))
    alone = world.patient("2002", attributes={"Caste": "Kota"})
    clinic.fill_in(alone, clinic.form("Vitals", Pulse=77))
    world.patient("2003", first="Zarina", last="Begum", born="1950-01-01")
    world.subject("2003")


SCENES: dict[str, Scene] = {"to Bahmni": to_bahmni, "to Avni": to_avni}


def _numbers(first: int, many: int) -> list[str]:
    return [str(first + number) for number in range(many)]


def _void(world: World, *records: str) -> None:
    for record in records:
        world.avni.void(record, at=world.moment())


def _ms(day: int) -> int:
    """Noon of a day of the world's month."""
    return int(datetime.combine(date(2026, 1, day), time(12), ZONE).timestamp() * 1000)


def _on(day: int) -> dict[str, Any]:
    return {"encounter_ms": _ms(day)}
