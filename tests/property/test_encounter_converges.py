"""Any history of an encounter, handed over step by step: Avni ends up with what its forms say, nothing left to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from types import MappingProxyType
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
from bahmni.bahmni_to_avni.encounter_plan import Found, plan
from bahmni.bahmni_to_avni.part_plan import Policy, questions
from bahmni.numbers import number_in
from bahmni.openmrs import FEEDS
from common.outcome import Outcome
from engine.ports import Known
from engine.registry import Setting
from mappings.snapshot import Entry, Snapshot
from tenants.models import Connection, Tenant
from tests.chaos.forms import (
    COMPLAINTS,
    FORMS,
    PROGRAM_FORMS,
    PROGRAMS,
    QUESTIONS,
    TRUTHS,
    concept,
    encounter,
    forms_snapshot,
    group,
    leaf,
    with_singles,
)
from tests.chaos.pair import Pair, pair
from tests.chaos.records import MARKER, NAMESPACE, NUMBER, uuid_of
from tests.property.kinds import stored_day

numbers_ = count(1)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
fractions = st.just(0) | st.integers(1, 999)
"""Milliseconds of a moment: OpenMRS keeps none, whatever stands on the wire."""
times = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).flatmap(
    lambda time: fractions.map(lambda part: f"{time:%Y-%m-%dT%H:%M:%S}.{part:03}+0000")
)
filled = st.fixed_dictionaries(
    {},
    optional={
        "Systolic": st.floats(0, 300).map(lambda number: round(number, 2)),
        "Pulse": st.integers(0, 200).map(float),
        "Complaint": st.lists(st.sampled_from(COMPLAINTS), min_size=1, max_size=3),
        "Smokes": st.sampled_from(sorted(TRUTHS)),
        "Advice": texts,
        "Onset": st.dates(date(1800, 1, 1), date(9998, 12, 31)).map(date.isoformat),
        "Seen at": times,
        "Mood": texts,  # nobody mapped it
    },
)
"""One form filled in: question → what was answered."""
sheets = st.lists(st.tuples(st.sampled_from([*FORMS, *PROGRAM_FORMS, "Diet"]), filled), max_size=4)
prescribed = st.fixed_dictionaries(
    {
        "drug": st.sampled_from(["Aspirin", "Zinc"]),
        "dose": st.one_of(st.none(), st.floats(0, 1000).map(lambda number: round(number, 4))),
        "duration": st.one_of(st.none(), st.integers(1, 400)),
        "route": st.one_of(st.none(), texts.map(lambda name: name.replace(";   ", ""))),
        "day": st.dates(date(2000, 1, 1), date(2100, 1, 1)).map(date.isoformat),
        "fate": st.sampled_from(["stands", "stands", "stopped", "voided", "an end"]),
        "quantity": st.none() | st.integers(1, 90),
        "refills": st.none() | st.integers(0, 3),
    }
)
"""One order of a drug, and what became of it."""
tested = st.lists(
    st.tuples(
        st.sampled_from(["Pulse", "Systolic"]), st.integers(0, 200).map(float), st.sampled_from([None, *sorted(TRUTHS)])
    ),
    max_size=4,
)
"""Results of the laboratory: test, result, and whether it is abnormal, where that is said."""
steps = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), sheets),
        st.tuples(st.just("prescribe"), st.lists(prescribed, max_size=3)),
        st.tuples(st.just("void"), st.just([])),
        st.tuples(st.just("un-void"), st.just([])),
        st.tuples(st.just("moved in time"), st.lists(fractions, min_size=1, max_size=1)),
        st.tuples(
            st.just("a field worker adds a remark"),
            st.lists(st.dates(date(1900, 1, 1), date(2100, 1, 1)), min_size=1, max_size=1),
        ),
        st.tuples(st.just("a field worker changes one of ours"), st.just([])),
    ),
    min_size=1,
    max_size=7,
)


DRUGS, RESULTS = "Drug Prescriptions (Hospital)", "Lab Results (Hospital)"
DRUG_TEXT, DRUG_GROUP, LAB_TEXT, LAB_GROUP = "Drugs prescribed", "Drug prescribed", "Results", "Result of a test"
CONCEPTS = {
    DRUG_TEXT: "Text", DRUG_GROUP: "QuestionGroup", "Drug": "Text", "Dose": "Numeric", "Duration": "Numeric",
    "Route": "Text", "Start": "Date", LAB_TEXT: "Text", LAB_GROUP: "QuestionGroup", "Test": "Text", "Found": "Numeric",
}  # fmt: skip
OUTPATIENTS = uuid_of("OPD")
MAPPED = with_singles(
    forms_snapshot(),
    {
        v.LAB_ENCOUNTER_TYPE: Entry(RESULTS, uuid_of("LAB_RESULT"), ""),
        v.LAB_TEXT: Entry(LAB_TEXT, "", "Text"),
        v.LAB_GROUP: Entry(LAB_GROUP, "", ""),
        v.LAB_TEST: Entry("Test", "", "Text"),
        v.LAB_RESULT: Entry("Found", "", "Numeric"),
        v.DRUG_ENCOUNTER_TYPE: Entry(DRUGS, "", ""),
        v.DRUG_TEXT: Entry(DRUG_TEXT, "", "Text"),
        v.DRUG_GROUP: Entry(DRUG_GROUP, "", ""),
        v.DRUG_NAME: Entry("Drug", "", "Text"),
        v.DRUG_DOSE: Entry("Dose", "", "Numeric"),
        v.DRUG_DURATION: Entry("Duration", "", "Numeric"),
        v.DRUG_ROUTE: Entry("Route", "", "Text"),
        v.DRUG_START: Entry("Start", "", "Date"),
    },
    OutpatientVisitTypes=OUTPATIENTS,
)


class Clinic:
    """The pair of servers, with the mappings for forms and the handover of encounters."""

    def __init__(self, servers: Pair, mapped: Snapshot = MAPPED) -> None:
        self.pair = servers
        avni, openmrs = servers.patients._avni, servers.patients._openmrs
        tenant = Tenant(pk=1, name="pair", namespace=UUID(str(NAMESPACE)), born_here=False)
        setting = Setting(tenant, {side: Connection(side=side) for side in (v.AVNI, v.BAHMNI)}, mapped)
        feed = Feed(openmrs.get_bytes, f"{FEEDS}/encounter", side=v.BAHMNI)
        self.encounters = EncounterHandover(setting, avni, openmrs, feed)
        store = servers.avni
        store.add_concept("Remark", "Text")
        store.add_concept("Next visit", "Date")
        for name in (*COMPLAINTS, *TRUTHS.values()):
            store.add_concept(name, "NA")
        for name, kind in QUESTIONS.items():
            answers = COMPLAINTS if kind == "Coded" else tuple(TRUTHS.values()) if kind == "Boolean" else ()
            store.add_concept(f"{name} (Hospital)", "Coded" if answers else kind, answers=answers)
        for kind in (*FORMS.values(), *PROGRAM_FORMS.values(), DRUGS, RESULTS):
            store.add_encounter_type(kind)
        for program in PROGRAMS.values():
            store.add_program(program)
        for name, kind in CONCEPTS.items():
            store.add_concept(name, kind)

    def __repr__(self) -> str:
        return "<a clinic>"


@pytest.fixture(scope="module")
def clinic() -> Iterator[Clinic]:
    with pair() as built:
        yield Clinic(built)


@pytest.fixture(scope="module")
def clinic_without_room_for_each_test() -> Iterator[Clinic]:
    """Neither the text nor the group in which laboratory results stand test by test is mapped."""
    singles = {what: entry for what, entry in MAPPED.singles.items() if what not in (v.LAB_TEXT, v.LAB_GROUP)}
    with pair() as built:
        yield Clinic(built, replace(MAPPED, singles=MappingProxyType(singles)))


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
                shown = [f"{answer[:19]}.000Z"]
            case "Systolic" | "Pulse":
                shown = [number_in(answer)]
            case _:
                shown = [answer]
        found[f"{question} (Hospital)"] = shown if len(shown) > 1 else shown[0]
    return found


def order(said: dict[str, Any]) -> dict[str, Any]:
    """An order of a drug as both answers of OpenMRS tell it."""
    return {
        "uuid": uuid_of(str(said)), "type": "drugorder", "voided": said["fate"] == "voided",
        "action": "DISCONTINUE" if said["fate"] == "an end" else "NEW",
        "dateStopped": "2026-11-20T11:00:00.000+0530" if said["fate"] == "stopped" else None,
        "drug": {"uuid": uuid_of(said["drug"]), "display": said["drug"]}, "dose": said["dose"],
        "duration": said["duration"], "durationUnits": {"display": "Day(s)"} if said["duration"] else None,
        "route": {"display": said["route"]} if said["route"] else None,
        "scheduledDate": f"{said['day']}T10:00:00.000+0530",
        "quantity": said["quantity"], "numRefills": said["refills"], "orderer": {"display": "Dr. Sen"},
    }  # fmt: skip


def read_order(said: dict[str, Any]) -> dict[str, Any]:
    """What the field team should read of it, worked out from what was ordered alone."""
    shown = {
        "Drug": said["drug"],
        "Dose": said["dose"] if said["dose"] is None else number_in(said["dose"]),
        "Duration": said["duration"],
        "Route": said["route"],
        "Start": said["day"],
    }
    return {name: value for name, value in shown.items() if value is not None}


def comparable(observations: dict[str, Any]) -> dict[str, Any]:
    """Lists of answers without their order; one answer in a list is that answer."""
    groups = {name: value for name, value in observations.items() if name in (DRUG_GROUP, LAB_GROUP)}
    others = {name: value for name, value in observations.items() if name not in groups}
    found = {name: sorted(value) if isinstance(value, list) else value for name, value in others.items()}
    return groups | {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in found.items()
    }


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
        self.orders: list[dict[str, Any]] = []
        self.voided = False
        self.hour, self.milliseconds = 10, 0
        self.remarks: dict[str, dict[str, Any]] = {}

    @property
    def record(self) -> dict[str, Any]:
        shown = [] if self.voided else [written(form, said) for form, said in self.forms]
        return encounter(
            *shown,
            uuid=self.id,
            voided=self.voided,
            patient={"uuid": self.patient},
            encounterDatetime=f"2026-11-20T{self.hour:02}:30:00.{self.milliseconds:03}+0530",
            visit={"visitType": {"uuid": OUTPATIENTS}},
            orders=[order(said) for said in self.orders],
        )

    @property
    def held_at(self) -> datetime:
        return datetime.fromisoformat(f"2026-11-20T{self.hour:02}:30:00+05:30")

    def hand(self) -> None:
        result = self.clinic.pair.hand(self.clinic.encounters, self.record)
        assert result.is_finished, (result.message, result.params)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All encounters of the subject as version 2 shows them, general ones and those in programs."""
        avni, store = self.clinic.encounters._avni, self.clinic.pair.avni
        found = [avni.encounter(uuid) for uuid in store.encounters_of(self.subject)]
        for enrolment in store.enrolments_of(self.subject):
            found += [avni.program_encounter(uuid) for uuid in store.program_encounters_of(enrolment)]
        return [row for row in found if row]

    @property
    def live(self) -> list[dict[str, Any]]:
        return [row for row in self.rows if not row["Voided"]]

    def a_field_worker(self, row: dict[str, Any], observations: dict[str, Any]) -> None:
        self.clinic.pair.avni.edit(row["ID"], observations=observations)

    def expected(self) -> list[tuple[str, dict[str, Any]]]:
        """What should stand there, by type, as far as the hospital speaks for it."""
        if self.voided:
            return []
        types = FORMS | PROGRAM_FORMS
        rows = [(types[form], {MARKER: self.id, **read(said)}) for form, said in self.forms if form in types]
        if current := [read_order(said) for said in self.orders if said["fate"] == "stands"]:
            rows.append((DRUGS, {MARKER: self.id, DRUG_GROUP: current}))
        return sorted(rows, key=in_order)

    def take(self, what: str, given: list[Any]) -> None:
        match what:
            case "edit":
                self.forms = given
                self.hand()
            case "prescribe":
                self.orders = given
                self.hand()
            case "void" | "un-void":
                self.voided = what == "void"
                self.hand()
            case "moved in time":
                self.hour, self.milliseconds = self.hour + 1, given[0]
                self.hand()
            case "a field worker adds a remark":
                (day,) = given
                for row in self.rows:
                    self.remarks[row["ID"]] = {"Remark": "by hand", "Next visit": day.isoformat()}
                    self.a_field_worker(row, {"Remark": "by hand", "Next visit": stored_day(day)})
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
            if text := said.pop(DRUG_TEXT, None):
                assert len(text.split(";   ")) == len(said[DRUG_GROUP])
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
    clinic: Clinic, first: list[tuple[str, dict[str, Any]]], later: list[tuple[str, list[Any]]]
) -> None:
    history = History(clinic)
    for what, given_ in [("edit", first), *later]:
        history.take(what, given_)
        history.check()
    targets = clinic.pair.known[history.id].other_targets if history.rows else {}
    made = [key for key in targets if key.startswith("enrolment ")]
    assert len(history.rows) == len(targets) - len(made)
    assert len(clinic.pair.avni.enrolments_of(history.subject)) == len(made)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(forms=sheets, orders=st.lists(prescribed, max_size=3))
def test_without_a_link_what_was_written_is_found_and_nothing_is_written(
    clinic: Clinic, forms: list[tuple[str, dict[str, Any]]], orders: list[dict[str, Any]]
) -> None:
    history = History(clinic)
    history.take("edit", forms)
    history.take("prescribe", orders)
    if history.rows:
        assert clinic.pair.compared(clinic.encounters, history.record) == [(Outcome.UNCHANGED, 0)] * 2


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(tested, min_size=1, max_size=4))
def test_whatever_the_laboratory_finds_and_corrects_the_community_reads_of_each_test_what_was_found_for_it(
    clinic: Clinic, versions: list[list[tuple[str, float, str | None]]]
) -> None:
    history = Laboratory(clinic)
    for tests in versions:
        history.tests = tests
        history.hand()
        found = [row["observations"] for row in history.live]
        assert [row[LAB_GROUP] for row in found] == ([[read_test(*test) for test in tests]] if tests else [])
        for row in found:
            assert len(row[LAB_TEXT].split(";   ")) == len(tests)
            for question in ("Pulse", "Systolic"):
                results = {number_in(result) for test, result, _ in tests if test == question}
                assert row.get(f"{question} (Hospital)") == (results.pop() if len(results) == 1 else None)
    if history.rows:
        assert clinic.pair.compared(clinic.encounters, history.record)[0] == (Outcome.UNCHANGED, 0)
    assert len(history.rows) <= 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(tested, min_size=1, max_size=3))
def test_where_results_have_no_room_test_by_test_none_is_told_what_was_found_for_another(
    clinic_without_room_for_each_test: Clinic, versions: list[list[tuple[str, float, str | None]]]
) -> None:
    history = Laboratory(clinic_without_room_for_each_test)
    for tests in versions:
        history.tests = tests
        history.hand()
        told: dict[str, set[Any]] = {}
        for test, result, abnormal in tests:
            told.setdefault(f"{test} (Hospital)", set()).add(number_in(result))
            if abnormal:
                told.setdefault("Smokes (Hospital)", set()).add(TRUTHS[abnormal])
        agreed = {question: values.pop() for question, values in told.items() if len(values) == 1}
        assert [row["observations"] for row in history.live] == ([{MARKER: history.id, **agreed}] if tests else [])


def read_test(test: str, result: float, abnormal: str | None) -> dict[str, Any]:
    """One filling-in of the group, worked out from what was found alone."""
    said = {"Test": test, "Found": number_in(result)}
    return said | ({"Smokes (Hospital)": TRUTHS[abnormal]} if abnormal else {})


class Laboratory(History):
    """One encounter of the laboratory; "Smokes" stands for whether a result is abnormal."""

    tests: Sequence[tuple[str, float, str | None]] = ()

    @property
    def record(self) -> dict[str, Any]:
        """Each test inside itself, as the laboratory stores it."""
        rows = []
        for test, result, abnormal in self.tests:
            beside = [leaf("Smokes", concept(abnormal))] if abnormal else []
            rows.append(group(test, group(test, leaf(test, result), *beside)))
        usual = {"visit": {"visitType": {"uuid": OUTPATIENTS}}, "encounterType": {"uuid": uuid_of("LAB_RESULT")}}
        return encounter(*rows, uuid=self.id, patient={"uuid": self.patient}, **usual)


@settings(deadline=None)
@given(forms=sheets)
def test_translating_twice_gives_the_same(forms: list[tuple[str, dict[str, Any]]]) -> None:
    mapped = forms_snapshot()
    document = encounter(*(written(form, said) for form, said in forms), group("Vitals"))
    one, other = wanted(document, mapped), wanted(document, mapped)
    assert one == other
    policy, found = Policy(NAMESPACE, questions(mapped), INDIA), Found("S", {}, dict.fromkeys(PROGRAMS.values(), ()))
    assert plan(one, found, None, policy) == plan(other, found, None, policy)
