"""Ways in which what Avni holds for the hospital's records may be spoilt, one at a time."""

from __future__ import annotations

from typing import Any, Final

from simulators.comparer.tables import Row
from simulators.history.vandal import Corruption, Vandal

__all__ = ["IN_AVNI"]


def what_came_says_something_else(vandal: Vandal) -> None:
    row, concept, value = vandal.choose(_said(vandal))
    other = [*value, vandal.uuid()] if isinstance(value, list) else f"{value}, they say"
    vandal.spoil(row, observations={**row["observations"], concept: other})


def what_came_lost_an_answer(vandal: Vandal) -> None:
    row, concept, _ = vandal.choose(_said(vandal))
    left = {key: value for key, value in row["observations"].items() if key != concept}
    vandal.spoil(row, observations=left)


def what_came_lost_one_of_several_answers(vandal: Vandal) -> None:
    row, concept, value = vandal.choose(said for said in _said(vandal) if isinstance(said[2], list) and said[2][1:])
    vandal.spoil(row, observations={**row["observations"], concept: value[:-1]})


def what_came_has_a_number_of_another_size(vandal: Vandal) -> None:
    said = (one for one in _said(vandal) if isinstance(one[2], int | float) and one[2])
    row, concept, value = vandal.choose(said)
    vandal.spoil(row, observations={**row["observations"], concept: value / 10})


def what_came_stands_twice(vandal: Vandal) -> None:
    vandal.spoil(vandal.choose(vandal.brought), uuid=vandal.uuid())


def what_came_is_voided(vandal: Vandal) -> None:
    vandal.spoil(vandal.choose(vandal.brought), voided=True)


def what_came_is_somebody_elses(vandal: Vandal) -> None:
    row = vandal.choose(row for row in vandal.brought if row["kind"] not in vandal.pairs.in_programs)
    vandal.spoil(row, subject=vandal.choose(sorted({*vandal.here.subjects} - {row["subject"]})))


def what_came_stands_at_another_time(vandal: Vandal) -> None:
    row = vandal.choose(vandal.brought)
    vandal.spoil(row, encounter_ms=row["encounter_ms"] + 60_000)


def what_came_has_another_type(vandal: Vandal) -> None:
    general = set(vandal.pairs.forms.values()) - {*vandal.pairs.in_programs}
    row = vandal.choose(row for row in vandal.brought if row["kind"] in general)
    kinds = sorted(general - {row["kind"]})
    vandal.spoil(row, kind=vandal.choose(kinds))


def what_came_is_cancelled(vandal: Vandal) -> None:
    row = vandal.choose(vandal.brought)
    vandal.spoil(row, cancel_ms=row["encounter_ms"])


def what_came_stands_for_something_else(vandal: Vandal) -> None:
    row, marker = vandal.choose(vandal.brought), vandal.pairs.avni_marker
    vandal.spoil(row, observations={**row["observations"], marker: vandal.uuid()})


def what_came_lost_its_marker(vandal: Vandal) -> None:
    row, marker = vandal.choose(vandal.brought), vandal.pairs.avni_marker
    left = {key: value for key, value in row["observations"].items() if key != marker}
    vandal.spoil(row, observations=left)


def what_came_stands_in_another_program(vandal: Vandal) -> None:
    row = vandal.choose(row for row in vandal.brought if row["kind"] in vandal.pairs.in_programs)
    rows = vandal.here.enrolments.values()
    others = sorted(one["uuid"] for one in rows if one["kind"] != vandal.pairs.in_programs[row["kind"]])
    vandal.spoil(row, enrolment=vandal.choose(others))


def what_came_stands_in_another_enrolment(vandal: Vandal) -> None:
    nearest = vandal.memory.enrolments
    moved = [
        (row, other["uuid"])
        for row in vandal.brought
        if row["kind"] in vandal.pairs.in_programs and row["uuid"] in nearest
        for other in vandal.here.enrolments.values()
        if (other["subject"], other["kind"]) == (row["subject"], vandal.pairs.in_programs[row["kind"]])
        and other["uuid"] not in nearest[row["uuid"]]
    ]
    row, enrolment = vandal.choose(moved)
    vandal.spoil(row, enrolment=enrolment)


def an_enrolment_is_made_for_nobody(vandal: Vandal) -> None:
    made = (row for row in vandal.here.enrolments.values() if row["created_by"] == vandal.pairs.avni_user)
    row = vandal.choose(sorted(made, key=vandal.source_of))
    said = {vandal.pairs.avni_marker: vandal.uuid()}
    vandal.put("avni", "enrolments", row, uuid=vandal.uuid(), observations=said)


def what_came_and_was_voided_came_back(vandal: Vandal) -> None:
    rows = (row for row in vandal.went if row["modified_by"] == vandal.pairs.avni_user)
    row = vandal.choose(rows)
    vandal.spoil(row, voided=False)


def _said(vandal: Vandal) -> list[tuple[Row, str, Any]]:
    """(encounter, concept, value) of every answer that came from the hospital."""
    partners = (*vandal.pairs.attributes.values(), *vandal.pairs.hospital_questions.values())
    asked = {partner.uuid for partner in partners}
    return [
        (row, key, value)
        for row in vandal.brought
        for key, value in sorted(row["observations"].items())
        if key in asked
    ]


IN_AVNI: Final[tuple[Corruption, ...]] = (
    what_came_says_something_else, what_came_lost_an_answer, what_came_lost_one_of_several_answers,
    what_came_has_a_number_of_another_size, what_came_stands_twice, what_came_is_voided, what_came_is_somebody_elses,
    what_came_stands_at_another_time, what_came_has_another_type, what_came_is_cancelled,
    what_came_stands_for_something_else, what_came_lost_its_marker, what_came_stands_in_another_program,
    what_came_stands_in_another_enrolment,
    an_enrolment_is_made_for_nobody, what_came_and_was_voided_came_back,
)  # fmt: skip
"""All of them, in an order of their own."""
