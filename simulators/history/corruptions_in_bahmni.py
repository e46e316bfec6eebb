"""Ways in which what Bahmni holds for Avni's records may be spoilt, one at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from simulators.comparer.tables import Row, creator, live
from simulators.history.vandal import Corruption, Vandal

__all__ = ["IN_BAHMNI"]


def a_number_is_another(vandal: Vandal) -> None:
    row = vandal.choose(row for row in vandal.leaves() if isinstance(row["value"], float))
    vandal.put("bahmni", "obs", row, value=row["value"] + 1)


def a_unit_is_shifted(vandal: Vandal) -> None:
    row = vandal.choose(row for row in vandal.leaves() if isinstance(row["value"], float) and row["value"])
    vandal.put("bahmni", "obs", row, value=row["value"] * 10)


def a_text_is_cut(vandal: Vandal) -> None:
    texts = {partner.uuid for partner in vandal.pairs.questions.values() if partner.kind in ("Text", "Notes")}
    row = vandal.choose(row for row in vandal.leaves() if row["concept"] in texts and len(str(row["value"])) > 3)
    vandal.put("bahmni", "obs", row, value=row["value"][:-2])


def a_choice_is_another(vandal: Vandal) -> None:
    known = set(vandal.pairs.answers.values())
    row = vandal.choose(row for row in vandal.leaves() if row["value"] in known)
    siblings = {leaf["value"] for leaf in vandal.there.leaves_of(row["encounter"])}
    vandal.put("bahmni", "obs", row, value=vandal.choose(sorted(known - siblings)))


def one_of_several_choices_is_lost(vandal: Vandal) -> None:
    rows = vandal.leaves()
    counted: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        counted.setdefault((row["encounter"], row["concept"]), []).append(row)
    several = vandal.choose(rows for rows in counted.values() if len(rows) > 1)
    vandal.put("bahmni", "obs", several[-1], voided=True)


def an_answer_is_lost(vandal: Vandal) -> None:
    vandal.put("bahmni", "obs", vandal.choose(vandal.leaves()), voided=True)


def an_answer_stands_twice(vandal: Vandal) -> None:
    vandal.put("bahmni", "obs", vandal.choose(vandal.leaves()), uuid=vandal.uuid())


def an_answer_stands_outside_its_form(vandal: Vandal) -> None:
    vandal.put("bahmni", "obs", vandal.choose(vandal.leaves()), group=None)


def an_answer_belongs_to_another_person(vandal: Vandal) -> None:
    row = vandal.choose(vandal.leaves())
    others = sorted(uuid for uuid in vandal.there.patients if uuid != row["person"])
    vandal.put("bahmni", "obs", row, person=vandal.choose(others))


def a_whole_form_is_lost(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.filed.items())
    for row in live(vandal.there.obs_of(encounter["uuid"])):
        vandal.put("bahmni", "obs", row, voided=True)


def the_marker_is_anothers(vandal: Vandal) -> None:
    record, encounter = vandal.choose(vandal.filed.items())
    marker = next(row for row in vandal.there.leaves_of(encounter["uuid"]) if row["concept"] == vandal.ours.marker)
    vandal.put("bahmni", "obs", marker, value=vandal.choose(sorted({*vandal.here.subjects} - {record})))


def the_day_in_the_form_is_another(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.filed.items())
    rows = vandal.there.leaves_of(encounter["uuid"])
    row = next(row for row in rows if row["concept"] == vandal.ours.event_date)
    day = datetime.fromisoformat(row["value"]) + timedelta(days=1)
    vandal.put("bahmni", "obs", row, value=day.date().isoformat())


def an_encounter_stands_on_another_day(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.filed.items())
    moment = datetime.fromisoformat(encounter["moment"]) + timedelta(days=1)
    vandal.put("bahmni", "encounters", encounter, moment=moment.isoformat())


def an_encounter_stands_twice(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.filed.items())
    vandal.copy_of(encounter)


def an_encounter_is_voided(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.filed.items())
    vandal.put("bahmni", "encounters", encounter, voided=True)


def an_encounter_is_gone(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.visits())
    vandal.drop("bahmni", "obs", *(row["uuid"] for row in vandal.there.obs_of(encounter["uuid"])))
    vandal.put("bahmni", "encounters", encounter, voided=True)


def an_encounter_has_another_type(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.visits())
    types = sorted({filed.encounter_type for filed in vandal.pairs.visits.values()} - {encounter["type"]})
    vandal.put("bahmni", "encounters", encounter, type=vandal.choose(types))


def an_encounter_is_another_patients(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.filed.items())
    others = sorted(uuid for uuid in vandal.there.patients if uuid != encounter["patient"])
    vandal.put("bahmni", "encounters", encounter, patient=vandal.choose(others))


def an_encounter_has_no_provider(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.filed.items())
    vandal.put("bahmni", "encounters", encounter, providers=[])


def an_encounter_stands_in_another_visit(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.visits())
    others = sorted(uuid for uuid, row in vandal.there.visits.items() if row["patient"] != encounter["patient"])
    vandal.put("bahmni", "encounters", encounter, visit=vandal.choose(others))


def a_voided_encounter_came_back(vandal: Vandal) -> None:
    row = vandal.choose(row for row in vandal.gone if row["audit"]["voided_by"] == vandal.ours.user)
    voided = {**row["audit"], "voided_by": None, "date_voided": None, "void_reason": None}
    vandal.put("bahmni", "encounters", row, voided=False, audit=voided)
    for obs in vandal.there.obs_of(row["uuid"]):
        if obs["audit"]["date_voided"] == row["audit"]["date_voided"]:
            vandal.put("bahmni", "obs", obs, voided=False)


def a_visit_belongs_to_somebody_else(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.registrations())
    visit = vandal.there.visits[encounter["visit"]]
    others = sorted(uuid for uuid in vandal.there.patients if uuid != visit["patient"])
    vandal.put("bahmni", "visits", visit, patient=vandal.choose(others))


def a_visit_carries_no_mark(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.registrations())
    vandal.put("bahmni", "visits", vandal.there.visits[encounter["visit"]], attributes=[])


def a_visit_is_opened_again(vandal: Vandal) -> None:
    _, encounter = vandal.choose(vandal.registrations())
    vandal.put("bahmni", "visits", vandal.there.visits[encounter["visit"]], uuid=vandal.uuid())


def two_subjects_are_swapped(vandal: Vandal) -> None:
    _, one = vandal.choose(vandal.registrations())
    _, other = vandal.choose(pair for pair in vandal.registrations() if pair[1]["patient"] != one["patient"])
    vandal.put("bahmni", "encounters", one, patient=other["patient"], visit=other["visit"])
    vandal.put("bahmni", "encounters", other, patient=one["patient"], visit=one["visit"])


def a_patient_is_made_for_nobody(vandal: Vandal) -> None:
    rows = [row for row in vandal.there.patients.values() if creator(row) == vandal.ours.user and not row["voided"]]
    row = vandal.choose(sorted(rows, key=vandal.there.preferred_identifier))
    uuid = vandal.uuid()
    numbers = [{**one, "uuid": vandal.uuid(), "identifier": f"{one['identifier']}777"} for one in row["identifiers"]]
    vandal.put("bahmni", "persons", vandal.there.persons[row["uuid"]], uuid=uuid)
    vandal.put("bahmni", "patients", row, uuid=uuid, identifiers=numbers)


def an_exit_is_missing(vandal: Vandal) -> None:
    exits = [row for record, row in vandal.filed.items() if record.endswith(" exit")]
    vandal.put("bahmni", "encounters", vandal.choose(exits), voided=True)


def an_exit_is_undone_on_one_side(vandal: Vandal) -> None:
    exits = [record.removesuffix(" exit") for record in vandal.filed if record.endswith(" exit")]
    vandal.put("avni", "enrolments", vandal.here.enrolments[vandal.choose(exits)], exit_ms=None)


def what_is_told_of_a_program_is_cut(vandal: Vandal) -> None:
    rows = [leaf for one in vandal.filed.values() for leaf in vandal.there.leaves_of(one["uuid"])]
    data = [row for row in rows if row["concept"] == vandal.ours.program_data]
    row = vandal.choose(sorted(data, key=lambda row: (row["value"], row["encounter"])))
    vandal.put("bahmni", "obs", row, value=row["value"][:-1])


def a_program_visit_stands_in_another_visit(vandal: Vandal) -> None:
    rows = [row for record, row in vandal.filed.items() if record in vandal.here.program_encounters]
    row = vandal.choose(rows)
    others = sorted(uuid for uuid, one in vandal.there.visits.items() if one["patient"] != row["patient"])
    vandal.put("bahmni", "encounters", row, visit=vandal.choose(others))


IN_BAHMNI: Final[tuple[Corruption, ...]] = (
    a_number_is_another, a_unit_is_shifted, a_text_is_cut, a_choice_is_another, one_of_several_choices_is_lost,
    an_answer_is_lost, an_answer_stands_twice, an_answer_stands_outside_its_form, an_answer_belongs_to_another_person,
    a_whole_form_is_lost, the_marker_is_anothers, the_day_in_the_form_is_another, an_encounter_stands_on_another_day,
    an_encounter_stands_twice, an_encounter_is_voided, an_encounter_is_gone, an_encounter_has_another_type,
    an_encounter_is_another_patients, an_encounter_has_no_provider, an_encounter_stands_in_another_visit,
    a_voided_encounter_came_back, a_visit_belongs_to_somebody_else, a_visit_carries_no_mark, a_visit_is_opened_again,
    two_subjects_are_swapped, a_patient_is_made_for_nobody, an_exit_is_missing, an_exit_is_undone_on_one_side,
    what_is_told_of_a_program_is_cut, a_program_visit_stands_in_another_visit,
)  # fmt: skip
"""All of them, in an order of their own."""
