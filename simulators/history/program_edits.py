"""What field workers do in the programs of Avni in the course of a history, one function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from simulators.avni.rows import EnrolmentRow
from simulators.avni.times import from_ms, to_ms
from simulators.history.place import Place
from simulators.scenario import programs
from simulators.scenario.visit_answers import answers_to, visit_answers

__all__ = ["PROGRAM_EDITS"]

Edit = Callable[[Place, str], object]

_PROGRAMS: Final = {one.name: one for one in (*programs.PROGRAMS, programs.UNMAPPED_PROGRAM)}


def enrol(place: Place, key: str) -> None:
    """Mostly in a program that travels; a subject may be enrolled several times."""
    subject = place.choose(place.live_subjects())
    name = place.random.choice(sorted(_PROGRAMS) if place.random.random() < 0.1 else sorted(place.pairs.programs))
    place.avni.put_enrolment(
        program=name,
        subject=subject.uuid,
        observations=_answers(place, _PROGRAMS[name].questions),
        uuid=place.made.ids("avni", "enrolment", key),
        enrolment_ms=to_ms(place.recently()),
    )


def edit_an_enrolment(place: Place, key: str) -> None:
    """Some answers are others now, some are taken out; those of the exit, too."""
    row = place.choose(_live(place))
    program = _PROGRAMS[row.kind]
    changes: dict[str, Any] = {"observations": _answers(place, program.questions)}
    if row.exit_ms is not None:
        changes["exit_observations"] = _answers(place, program.exit_questions)
    place.avni.edit(row.uuid, **changes)


def move_an_enrolment(place: Place, key: str) -> None:
    """It began on another day."""
    row = place.choose(_live(place))
    moved = from_ms(row.enrolment_ms or 0) + timedelta(hours=place.random.randrange(-900, 901))
    place.avni.edit(row.uuid, enrolment_ms=to_ms(min(moved, place.recently())))


def exit_somebody(place: Place, key: str) -> None:
    """Of a program, some days ago at most."""
    row = place.choose(row for row in _live(place) if row.exit_ms is None)
    answers = _answers(place, _PROGRAMS[row.kind].exit_questions)
    place.avni.edit(row.uuid, exit_ms=to_ms(place.recently()), exit_observations=answers)


def undo_an_exit(place: Place, key: str) -> None:
    """It was a mistake."""
    row = place.choose(row for row in _live(place) if row.exit_ms is not None)
    gone = dict.fromkeys(_PROGRAMS[row.kind].exit_questions)
    place.avni.edit(row.uuid, exit_ms=None, exit_observations=gone)


def void_an_enrolment(place: Place, key: str) -> None:
    """What belongs to it stays as it is."""
    place.avni.void(place.choose(_live(place)).uuid)


def unvoid_an_enrolment(place: Place, key: str) -> None:
    """Sometimes exited at once."""
    row = place.choose(row for row in place.enrolments() if row.voided)
    changes = {"exit_ms": to_ms(place.recently())} if place.random.random() < 0.3 else {}
    place.avni.edit(row.uuid, voided=False, **changes)


def hold_a_program_visit(place: Place, key: str) -> None:
    """Sometimes of a voided enrolment, sometimes long before or after it began."""
    _put_a_visit(place, key, encounter_ms=to_ms(place.recently() - timedelta(days=place.random.randrange(30))))


def plan_a_program_visit(place: Place, key: str) -> None:
    """It has not taken place yet."""
    soon = to_ms(place.town.clock())
    _put_a_visit(place, key, encounter_ms=None, earliest_ms=soon, max_ms=soon + 864_000_000)


PROGRAM_EDITS: Final[Mapping[str, tuple[int, Edit]]] = {
    "somebody is enrolled": (8, enrol),
    "an enrolment is edited": (4, edit_an_enrolment),
    "an enrolment is moved": (4, move_an_enrolment),
    "somebody exits": (5, exit_somebody),
    "an exit is undone": (3, undo_an_exit),
    "an enrolment is voided": (2, void_an_enrolment),
    "an enrolment is un-voided": (3, unvoid_an_enrolment),
    "a program visit is held": (10, hold_a_program_visit),
    "a program visit is planned": (2, plan_a_program_visit),
}
"""What field workers do in programs, each with how often it happens beside the others."""


def _live(place: Place) -> list[EnrolmentRow]:
    return [row for row in place.enrolments() if not row.voided]


def _answers(place: Place, questions: tuple[str, ...]) -> dict[str, Any]:
    """Answers to all of the questions, None to those left open."""
    drawn = answers_to(place.random, questions, place.town.clock())
    return {name: drawn.get(name) for name in questions}


def _put_a_visit(place: Place, key: str, **fields: Any) -> None:
    rows = [row for row in place.enrolments() if row.kind in place.pairs.programs]
    if place.random.random() > 0.05:
        rows = [row for row in rows if not row.voided]
    enrolment = place.choose(rows)
    visit = place.random.choice(_PROGRAMS[enrolment.kind].visits)
    place.avni.put_program_encounter(
        encounter_type=visit.name,
        enrolment=enrolment.uuid,
        observations=visit_answers(place.random, visit, place.town.clock()),
        uuid=place.made.ids("avni", "program encounter", key),
        **fields,
    )
