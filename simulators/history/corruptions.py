"""Ways in which what two servers hold may be spoilt, one at a time, as no person and no server would do it by itself.

    for name, spoilt in corruptions(avni, bahmni, memory, made, seed=1, number=100): ...

Each takes both dumped stores as they stand, in agreement, and gives them back with a single thing wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

from simulators.comparer import Memory
from simulators.comparer.findings import State
from simulators.comparer.tables import AvniTables, BahmniTables, Row, creator, live
from simulators.scenario import Correspondence, Scenario

__all__ = ["KINDS", "Spoilt", "corruptions"]

Chosen = TypeVar("Chosen")


@dataclass(frozen=True)
class Spoilt:
    """Both stores with one thing wrong, and what that is."""

    kind: str
    about: str
    avni: State
    bahmni: State


class Vandal:
    """Both stores, and who stands for whom in them; what is stuck anyway is nothing to spoil."""

    def __init__(
        self, avni: State, bahmni: State, memory: Memory, pairs: Correspondence, left: Iterable[str], random: Random
    ) -> None:
        self.pairs = pairs
        self.ours = pairs.hospital
        self.random = random
        self.states: dict[str, dict[str, Any]] = {"avni": dict(avni), "bahmni": dict(bahmni)}
        self.here, self.there = AvniTables(avni, pairs.organisation), BahmniTables(bahmni)
        skipped = frozenset(left)
        self.gone = sorted(
            (
                self.there.encounters[filed.encounter]
                for record, filed in memory.filed.items()
                if record.removesuffix(" exit") not in skipped and self.there.encounters[filed.encounter]["voided"]
            ),
            key=lambda row: (row["type"], row["moment"], row["uuid"]),
        )
        """Voided encounters of Bahmni that stood for a record of Avni."""
        self.filed = {
            record: self.there.encounters[filed.encounter]
            for record, filed in sorted(memory.filed.items())
            if record.removesuffix(" exit") not in skipped and not self.there.encounters[filed.encounter]["voided"]
        }
        """Live encounters of Bahmni by the record of Avni they stand for."""
        marker = pairs.avni_marker
        rows = [row for row in self.here.visits.values() if row["observations"].get(marker)]
        rows = [row for row in rows if self.source_of(row) not in skipped]
        rows.sort(key=lambda row: (self.source_of(row), row["kind"], row["seq"]))
        self.brought = [row for row in rows if not row["voided"]]
        """Encounters of Avni that stand for something of Bahmni."""
        self.went = [row for row in rows if row["voided"]]
        """Those that are voided."""

    def source_of(self, row: Row) -> str:
        """The record of Bahmni that an encounter of Avni says it stands for."""
        return str(row["observations"].get(self.pairs.avni_marker))

    # -- getting hold of rows ------------------------------------------------------------------------------------------

    def choose(self, among: Iterable[Chosen]) -> Chosen:
        """One of them. Raises LookupError when there is none."""
        return self.random.choice(list(among))

    def put(self, server: str, table: str, row: Row, **changes: Any) -> Row:
        """Another row in the place of one, or beside all of them if its uuid is new."""
        state, spoilt = self.states[server], {**deepcopy(row), **changes}
        rows = [spoilt if one["uuid"] == spoilt["uuid"] else one for one in state[table]]
        state[table] = rows if any(one is spoilt for one in rows) else [*rows, spoilt]
        return spoilt

    def spoil(self, brought: Row, **changes: Any) -> Row:
        """Change an encounter of Avni that stands for something of Bahmni."""
        if brought["uuid"] in self.here.encounters:
            return self.put("avni", "encounters", brought, **changes)
        row = self.here.program_encounters[brought["uuid"]]
        return self.put("avni", "program_encounters", row, **changes)

    def drop(self, server: str, table: str, *uuids: str) -> None:
        """Take rows away for good."""
        state = self.states[server]
        state[table] = [row for row in state[table] if row["uuid"] not in uuids]

    def uuid(self) -> str:
        """One that nobody has."""
        return str(UUID(int=self.random.getrandbits(128)))

    def leaves(self) -> list[Row]:
        """Answers of the field team in live encounters of ours."""
        asked = {partner.uuid for partner in self.pairs.questions.values()}
        rows = (leaf for one in self.filed.values() for leaf in self.there.leaves_of(one["uuid"]))
        asked_rows = (row for row in rows if row["concept"] in asked)
        return sorted(asked_rows, key=lambda row: (row["concept"], str(row["value"]), row["encounter"]))

    def registrations(self) -> list[tuple[str, Row]]:
        """(subject, encounter) of those registered in Bahmni."""
        return [(record, row) for record, row in self.filed.items() if record in self.here.subjects]

    def visits(self) -> list[tuple[str, Row]]:
        """(general encounter, encounter of Bahmni)."""
        return [(record, row) for record, row in self.filed.items() if record in self.here.encounters]

    def copy_of(self, encounter: Row) -> None:
        """The same encounter again with all that stands in it, under other uuids."""
        again = self.put("bahmni", "encounters", encounter, uuid=self.uuid())
        rows = list(live(self.there.obs_of(encounter["uuid"])))
        names = {row["uuid"]: self.uuid() for row in rows}
        for row in rows:
            group = names.get(row["group"], row["group"])
            self.put("bahmni", "obs", row, uuid=names[row["uuid"]], encounter=again["uuid"], group=group)


Corruption = Callable[[Vandal], object]


# -- in Bahmni --------------------------------------------------------------------------------------------------------


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


# -- in Avni ----------------------------------------------------------------------------------------------------------


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


KINDS: Final[Mapping[str, Corruption]] = {
    one.__name__.replace("_", " "): one
    for one in (
        a_number_is_another, a_unit_is_shifted, a_text_is_cut, a_choice_is_another, one_of_several_choices_is_lost,
        an_answer_is_lost, an_answer_stands_twice, an_answer_stands_outside_its_form,
        an_answer_belongs_to_another_person, a_whole_form_is_lost, the_marker_is_anothers,
        the_day_in_the_form_is_another, an_encounter_stands_on_another_day, an_encounter_stands_twice,
        an_encounter_is_voided, an_encounter_is_gone, an_encounter_has_another_type, an_encounter_is_another_patients,
        an_encounter_has_no_provider, an_encounter_stands_in_another_visit, a_voided_encounter_came_back,
        a_visit_belongs_to_somebody_else, a_visit_carries_no_mark, a_visit_is_opened_again, two_subjects_are_swapped,
        a_patient_is_made_for_nobody, an_exit_is_missing, an_exit_is_undone_on_one_side,
        what_is_told_of_a_program_is_cut, a_program_visit_stands_in_another_visit, what_came_says_something_else,
        what_came_lost_an_answer, what_came_lost_one_of_several_answers, what_came_has_a_number_of_another_size,
        what_came_stands_twice, what_came_is_voided, what_came_is_somebody_elses, what_came_stands_at_another_time,
        what_came_has_another_type, what_came_is_cancelled, what_came_stands_for_something_else,
        what_came_lost_its_marker, what_came_stands_in_another_program, an_enrolment_is_made_for_nobody,
        what_came_and_was_voided_came_back,
    )
}  # fmt: skip
"""What may be wrong, by name."""


def corruptions(
    avni: State, bahmni: State, memory: Memory, made: Scenario, left: Iterable[str], *, seed: int, number: int
) -> Iterator[Spoilt]:
    """So many spoilt states, each kind in turn but for those for which there is nothing to spoil.

    `left`: uuids of records that wait for a person, of which nobody can say what should stand.
    """
    planted = 0
    for place, (kind, spoil) in enumerate(cycle(KINDS.items())):
        if planted == number or place > number + 10 * len(KINDS):
            return
        vandal = Vandal(avni, bahmni, memory, made.pairs, left, Random(seed * 1000 + place))
        with suppress(IndexError):  # nothing to choose from
            spoil(vandal)
            planted += 1
            yield Spoilt(kind, f"{seed * 1000 + place}", vandal.states["avni"], vandal.states["bahmni"])
