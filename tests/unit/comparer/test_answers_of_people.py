"""What a void took along of people's answers, where a form was filled in twice and is not any more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from simulators.avni.rows import EncounterRow
from simulators.avni.store import FIELD_USER
from simulators.bahmni import clinicians
from simulators.comparer import Finding, Memory
from simulators.comparer.theirs import answers_of_people
from simulators.scenario import Scenario, Size, forms
from tests.unit.comparer.by_hand import Case
from tests.unit.comparer.test_encounter_faults import VISITS, with_two_vitals

VITALS = forms.HOSPITAL_FORMS[0]


@dataclass
class Twice:
    """A form that was filled in twice and handed over: the encounters in Avni for the first and the second time."""

    made: Scenario
    memory: Memory
    first: EncounterRow
    second: EncounterRow

    def field_team(self, answers: dict[str, Any]) -> None:
        """Somebody of the field team answers questions of the second otherwise; None takes an answer out."""
        laid_over = {**self.second.observations, **answers}
        said = {question: value for question, value in laid_over.items() if value is not None}
        self.made.avni.save(replace(self.second, observations=said, modified_by=FIELD_USER))

    def found_after_its_void(self) -> list[Finding]:
        """What is said when the second time is taken out in Bahmni, and the service voids what stood for it."""
        store, pairs = self.made, self.made.pairs
        rows = store.bahmni.obs_of(self.second.observations[pairs.avni_marker])
        tops = [row for row in rows if row.group is None and pairs.forms.get(row.concept) == VITALS.in_avni]
        clinicians.remove_obs(store.bahmni, tops[1].uuid)
        avni, bahmni = store.avni.dump(), store.bahmni.dump()
        store.avni.void_encounter(self.second.uuid, by=pairs.avni_user)
        return list(answers_of_people(avni, store.avni.dump(), bahmni, store.bahmni.dump(), self.memory))


@pytest.fixture
def twice() -> Twice:
    made = Case(seed=4, size=Size(subjects=8, known=4, outside=2, general_encounters=VISITS, encounters=VISITS)).made
    memory = Memory(made.pairs)
    memory.note(made.avni.dump(), made.bahmni.dump())
    first, second = sorted(with_two_vitals(made), key=lambda row: row.seq)
    return Twice(made, memory, first, second)


def questions_of(one: EncounterRow, made: Scenario) -> set[str]:
    return one.observations.keys() - {made.pairs.avni_marker}


def test_an_answer_they_only_took_out_is_not_taken_along(twice: Twice) -> None:
    asked_both_times = questions_of(twice.first, twice.made) & questions_of(twice.second, twice.made)
    twice.field_team({min(asked_both_times): None})
    assert twice.found_after_its_void() == []


def test_an_answer_they_gave_is_taken_along_though_the_other_time_says_the_same(twice: Twice) -> None:
    first, second = twice.first.observations, twice.second.observations
    twice.field_team({uuid: first.get(uuid) for uuid in (first | second) if first.get(uuid) != second.get(uuid)})
    assert [finding.kind for finding in twice.found_after_its_void()] == ["answer-taken-along"]
