"""Any history of a patient, handed over step by step: Avni ends up with what the hospital says, nothing left to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.patient import Found, plan, wanted
from bahmni.numbers import number_in
from common.outcome import Outcome
from tests.chaos.pair import Pair, pair
from tests.chaos.records import CLASSES, LIKENESS, MARKER, NAMESPACE, NUMBER, coded, patient, snapshot, subject, uuid_of

numbers_ = count(1)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)
days = st.dates(date(1800, 1, 1), date(9998, 12, 31)).map(lambda day: f"{day}T00:00:00.000+0530")
attributes = st.fixed_dictionaries(
    {},
    optional={
        "Caste": st.none() | texts,
        "Family size": st.none() | st.integers(0, 99) | st.integers(0, 99).map(str),
        "Since": st.none() | days,
        "Class": st.none() | st.sampled_from(CLASSES).map(coded),
        "Literate": st.booleans(),
        "Nickname": texts,  # nobody mapped it
    },
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), attributes),
        st.tuples(st.just("void"), st.just({})),
        st.tuples(st.just("a field worker adds a remark"), st.just({})),
        st.tuples(st.just("a field worker changes one of ours"), st.just({})),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    with pair() as built:
        built.avni.add_concept("Remark", "Text")
        yield built


def read(said: dict[str, Any], uuid: str) -> dict[str, Any]:
    """What a field worker should read, worked out from the attributes alone."""
    found: dict[str, Any] = {MARKER: uuid}
    for name, value in said.items():
        if value is None or value == "" or name == "Nickname":
            continue
        match name:
            case "Family size":
                shown: Any = number_in(value)
            case "Since":
                shown = value[:10]
            case "Class":
                shown = value["display"]
            case "Literate":
                shown = "Yes" if value else "No"
            case _:
                shown = value
        found[f"{name} [HP]"] = shown
    return found


class History:
    """One patient and its subject."""

    def __init__(self, servers: Pair) -> None:
        self.servers = servers
        self.number = str(next(numbers_))
        self.id = uuid_of(f"history of {self.number}")
        self.remarks: dict[str, Any] = {}
        servers.avni.put_subject(
            subject_type="Individual", first_name="Asha", last_name="Devi", gender="Female",
            date_of_birth="1990-04-01", registration_date="2026-01-05", observations={NUMBER: self.number},
        )  # fmt: skip

    @property
    def encounter(self) -> str:
        return self.servers.known[self.id].target_id

    def there(self) -> dict[str, Any]:
        """The encounter as version 2 shows it."""
        found = self.servers.patients._avni.encounter(self.encounter)
        assert found
        return found

    def record(self, said: dict[str, Any], *, voided: bool = False) -> dict[str, Any]:
        return patient(self.number, uuid=self.id, attributes=said, voided=voided)

    def a_field_worker(self, observations: dict[str, Any]) -> None:
        self.servers.avni.edit_encounter(self.encounter, observations=observations)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=attributes, later=steps)
def test_whatever_happens_to_a_patient_the_community_ends_up_with_what_it_says(
    servers: Pair, first: dict[str, Any], later: list[tuple[str, dict[str, Any]]]
) -> None:
    history = History(servers)
    record = history.record(first)
    assert servers.hand(servers.patients, record).outcome is Outcome.CREATED
    said, voided = first, False
    for what, new in later:
        if what == "a field worker adds a remark":
            history.remarks = {"Remark": "by hand"}
            history.a_field_worker(history.remarks)
        elif what == "a field worker changes one of ours" and not voided:
            history.a_field_worker({"Caste [HP]": "changed by hand"})
            servers.known[history.id] = replace(servers.known[history.id], is_suspect=True)
            assert servers.hand(servers.patients, record).is_finished
        elif what in ("edit", "void"):
            said, voided = (new, False) if what == "edit" else (said, True)
            record = history.record(said, voided=voided)
            result = servers.hand(servers.patients, record)
            assert result.is_finished, (result.message, result.params)
        there = history.there()
        assert there["Voided"] is voided
        if not voided:
            assert there["observations"] == {**read(said, history.id), **history.remarks}
            assert servers.compared(servers.patients, record) == [(Outcome.UNCHANGED, 0)] * 2
    owner = servers.known[history.id].target_parent_id
    assert len(servers.avni.encounters_of(owner)) == 1


@given(said=attributes)
def test_translating_twice_gives_the_same(said: dict[str, Any]) -> None:
    document, mapped = patient(attributes=said), snapshot()
    one, other = wanted(document, mapped), wanted(document, mapped)
    assert one == other
    found = Found(None, (subject(),), subjects_asked=True)
    plans = [plan(want, found, None, NAMESPACE, LIKENESS) for want in (one, other)]
    assert plans[0] == plans[1]
    assert plans[0].writes[0].body["Encounter type"] == v.HOSPITAL_REGISTRATION
