"""Any history of an encounter, handed over step by step: Avni ends up with what its forms say, nothing left to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atomfeed.reader import Feed
from avni.wire import INDIA
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter import wanted
from bahmni.bahmni_to_avni.encounter_handover import EncounterHandover
from bahmni.bahmni_to_avni.encounter_plan import Found, Policy, plan, questions
from bahmni.numbers import number_in
from bahmni.openmrs import FEEDS
from common.outcome import Outcome
from engine.ports import Known
from engine.registry import Setting
from tenants.models import Connection, Tenant
from tests.chaos.forms import COMPLAINTS, FORMS, QUESTIONS, TRUTHS, concept, encounter, forms_snapshot, group, leaf
from tests.chaos.pair import Pair, pair
from tests.chaos.records import MARKER, NAMESPACE, NUMBER, uuid_of

numbers_ = count(1)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
times = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
)
filled = st.fixed_dictionaries(
    {},
    optional={
        "Systolic": st.floats(0, 300).map(lambda number: round(number, 2)),
        "Pulse": st.integers(0, 200).map(float),
        "Complaint": st.lists(st.sampled_from(COMPLAINTS), min_size=1, max_size=3),
        "Smokes": st.sampled_from(sorted(TRUTHS)),
        "Advice": texts,
        "Onset": st.dates(min_value=date(1800, 1, 1)).map(date.isoformat),
        "Seen at": times,
        "Mood": texts,  # nobody mapped it
    },
)
"""One form filled in: question → what was answered."""
sheets = st.lists(st.tuples(st.sampled_from([*FORMS, "Diet"]), filled), max_size=4)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), sheets),
        st.tuples(st.just("void"), st.just([])),
        st.tuples(st.just("un-void"), st.just([])),
        st.tuples(st.just("moved in time"), st.just([])),
        st.tuples(st.just("a field worker adds a remark"), st.just([])),
        st.tuples(st.just("a field worker changes one of ours"), st.just([])),
    ),
    min_size=1,
    max_size=7,
)


class Clinic:
    """The pair of servers, with the mappings for forms and the handover of encounters."""

    def __init__(self, servers: Pair) -> None:
        self.pair = servers
        avni, openmrs = servers.patients._avni, servers.patients._openmrs
        tenant = Tenant(pk=1, name="pair", namespace=UUID(str(NAMESPACE)), born_here=False)
        setting = Setting(tenant, {side: Connection(side=side) for side in (v.AVNI, v.BAHMNI)}, forms_snapshot())
        feed = Feed(openmrs.get_bytes, f"{FEEDS}/encounter", side=v.BAHMNI)
        self.encounters = EncounterHandover(setting, avni, openmrs, feed)
        store = servers.avni
        store.add_concept("Remark", "Text")
        for name in (*COMPLAINTS, *TRUTHS.values()):
            store.add_concept(name, "NA")
        for name, kind in QUESTIONS.items():
            answers = COMPLAINTS if kind == "Coded" else tuple(TRUTHS.values()) if kind == "Boolean" else ()
            store.add_concept(f"{name} (Hospital)", "Coded" if answers else kind, answers=answers)
        for kind in FORMS.values():
            store.add_encounter_type(kind)

    def __repr__(self) -> str:
        return "<a clinic>"


@pytest.fixture(scope="module")
def clinic() -> Iterator[Clinic]:
    with pair() as built:
        yield Clinic(built)


def written(form: str, said: dict[str, Any]) -> dict[str, Any]:
    """A form as OpenMRS shows it, some of its answers in a section of their own."""
    leaves: list[dict[str, Any]] = []
    for question, answer in said.items():
        match question:
            case "Complaint":
                leaves += [leaf(question, concept(name)) for name in answer]
            case "Smokes":
                leaves.append(leaf(question, concept(answer)))
            case _:
                leaves.append(leaf(question, answer))
    return group(form, *leaves[::2], group("Section", *leaves[1::2]))


def read(said: dict[str, Any]) -> dict[str, Any]:
    """What a field worker should read of a form, worked out from its answers alone."""
    found: dict[str, Any] = {}
    for question, answer in said.items():
        match question:
            case "Mood":
                continue
            case "Complaint":
                shown = sorted(set(answer))
            case "Smokes":
                shown = [TRUTHS[answer]]
            case "Seen at":
                shown = [answer.replace("+0000", "Z")]
            case "Systolic" | "Pulse":
                shown = [number_in(answer)]
            case _:
                shown = [answer]
        found[f"{question} (Hospital)"] = shown if len(shown) > 1 else shown[0]
    return found


def comparable(observations: dict[str, Any]) -> dict[str, Any]:
    """Lists of answers without their order; one answer in a list is that answer."""
    found = {name: sorted(value) if isinstance(value, list) else value for name, value in observations.items()}
    return {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in found.items()}


def in_order(row: tuple[str, dict[str, Any]]) -> str:
    """Sorts rows that are equal but for the order of their keys alike."""
    return json.dumps(row, sort_keys=True)


class History:
    """One encounter of one registered patient."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        number = next(numbers_)
        self.id, self.patient = uuid_of(f"encounter {number}"), uuid_of(f"patient of encounter {number}")
        self.subject = clinic.pair.avni.put_subject(
            subject_type="Individual", first_name="Asha", last_name="Devi", gender="Female",
            date_of_birth="1990-04-01", registration_date="2026-01-05", observations={NUMBER: "1001"},
        ).uuid  # fmt: skip
        clinic.pair.known[self.patient] = Known(
            "TRI1001", "registration", self.subject, {}, "", "", Outcome.CREATED, is_suspect=False
        )
        self.forms: list[tuple[str, dict[str, Any]]] = []
        self.voided = False
        self.hour = 10
        self.remarks: dict[str, dict[str, Any]] = {}

    @property
    def record(self) -> dict[str, Any]:
        shown = [] if self.voided else [written(form, said) for form, said in self.forms]
        return encounter(
            *shown,
            uuid=self.id,
            voided=self.voided,
            patient={"uuid": self.patient},
            encounterDatetime=f"2026-11-20T{self.hour:02}:30:00.000+0530",
        )

    @property
    def held_at(self) -> datetime:
        return datetime.fromisoformat(f"2026-11-20T{self.hour:02}:30:00+05:30")

    def hand(self) -> None:
        result = self.clinic.pair.hand(self.clinic.encounters, self.record)
        assert result.is_finished, (result.message, result.params)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All encounters of the subject as version 2 shows them."""
        found = [
            self.clinic.encounters._avni.encounter(uuid) for uuid in self.clinic.pair.avni.encounters_of(self.subject)
        ]
        return [row for row in found if row]

    @property
    def live(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if not row["Voided"]]

    def a_field_worker(self, row: dict[str, Any], observations: dict[str, Any]) -> None:
        self.clinic.pair.avni.edit_encounter(row["ID"], observations=observations)

    def expected(self) -> list[tuple[str, dict[str, Any]]]:
        """What should stand there, by type, as far as the hospital speaks for it."""
        shown = [] if self.voided else [(form, said) for form, said in self.forms if form in FORMS]
        return sorted(((FORMS[form], {MARKER: self.id, **read(said)}) for form, said in shown), key=in_order)

    def take(self, what: str, forms: list[tuple[str, dict[str, Any]]]) -> None:
        match what:
            case "edit":
                self.forms = forms
                self.hand()
            case "void" | "un-void":
                self.voided = what == "void"
                self.hand()
            case "moved in time":
                self.hour += 1
                self.hand()
            case "a field worker adds a remark":
                for row in self.rows:
                    self.remarks[row["ID"]] = {"Remark": "by hand"}
                    self.a_field_worker(row, {"Remark": "by hand"})
            case "a field worker changes one of ours":
                for row in self.live:
                    self.a_field_worker(row, {"Advice (Hospital)": "changed by hand"})
                if self.id in self.clinic.pair.known:
                    known = self.clinic.pair.known[self.id]
                    self.clinic.pair.known[self.id] = replace(known, is_suspect=True)
                    self.hand()

    def check(self) -> None:
        pair = self.clinic.pair
        shown = []
        for row in self.live:
            said = comparable(row["observations"])
            assert {name: said.pop(name) for name in self.remarks.get(row["ID"], {})} == self.remarks.get(row["ID"], {})
            assert datetime.fromisoformat(row["Encounter date time"]) == self.held_at
            shown.append((row["Encounter type"], said))
        assert sorted(shown, key=in_order) == self.expected()
        if self.id in pair.known:
            suspect = replace(pair.known[self.id], is_suspect=True)
            pair.known[self.id] = suspect
            result = pair.hand(self.clinic.encounters, self.record)
            assert (result.outcome, result.writes) == (Outcome.UNCHANGED, 0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=sheets, later=steps)
def test_whatever_happens_to_an_encounter_the_community_ends_up_with_what_its_forms_say(
    clinic: Clinic, first: list[tuple[str, dict[str, Any]]], later: list[tuple[str, list[tuple[str, dict[str, Any]]]]]
) -> None:
    history = History(clinic)
    for what, forms in [("edit", first), *later]:
        history.take(what, forms)
        history.check()
    keys = {
        key.removeprefix("voided ") for key in (clinic.pair.known[history.id].other_targets if history.rows else {})
    }
    assert len(history.rows) == len(keys)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(forms=sheets)
def test_without_a_link_what_was_written_is_found_and_nothing_is_written(
    clinic: Clinic, forms: list[tuple[str, dict[str, Any]]]
) -> None:
    history = History(clinic)
    history.take("edit", forms)
    if history.rows:
        assert clinic.pair.compared(clinic.encounters, history.record) == [(Outcome.UNCHANGED, 0)] * 2


@settings(deadline=None)
@given(forms=sheets)
def test_translating_twice_gives_the_same(forms: list[tuple[str, dict[str, Any]]]) -> None:
    mapped = forms_snapshot()
    document = encounter(*(written(form, said) for form, said in forms), group("Vitals"))
    one, other = wanted(document, mapped), wanted(document, mapped)
    assert one == other
    policy = Policy(NAMESPACE, questions(mapped), INDIA)
    assert plan(one, Found("S", {}), None, policy) == plan(other, Found("S", {}), None, policy)
