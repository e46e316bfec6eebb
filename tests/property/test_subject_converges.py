"""Any history of a subject, handed over step by step: Bahmni ends up with what Avni says, and nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bahmni.avni_to_bahmni.subject import Found, plan, wanted
from bahmni.numbers import number_in
from common.outcome import Outcome
from simulators.server import Request
from tests.chaos.hooks import watch
from tests.chaos.pair import Pair, pair
from tests.chaos.records import ANSWERS, POLICY, snapshot, subject, uuid_of

numbers_ = count(1)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)
counts = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(-1e9, 1e9, allow_nan=False).filter(lambda number: number == 0 or abs(number) > 1e-4),
)
days = st.dates().map(str)
observations = st.fixed_dictionaries(
    {},
    optional={
        "Marital status": st.none() | st.sampled_from(ANSWERS["Marital status"]),
        "Medical problems": st.none() | st.lists(st.sampled_from(ANSWERS["Medical problems"]), max_size=5),
        "Height": st.none() | counts | counts.map(lambda number: f" {number} "),
        "Weight": counts,
        "Occupation": st.none() | texts,
        "Remarks": texts,
        "Marriage date": st.none() | days | days.map(lambda day: f"{day}T00:00:00.000+05:30"),
        "Last visit": days,
        "Shoe size": counts,  # nobody mapped it
    },
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), observations),
        st.tuples(st.just("void"), st.just({})),
        st.tuples(st.just("a clinician voids one of ours"), st.just({})),
        st.tuples(st.just("a clinician adds one"), st.just({})),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module", params=[True, False], ids=["edits are dated", "edits of answers leave no date"])
def servers(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with pair() as built:
        built.bahmni.settings.audit_on_obs_edit = request.param
        yield built


def read(answers: dict[str, Any]) -> dict[str, list[Any]]:
    """What a clinician should read, worked out from the record alone."""
    said: dict[str, list[Any]] = {}
    for question, value in answers.items():
        if value is None or question == "Shoe size" or (isinstance(value, str) and not value.strip()):
            continue
        if question in ANSWERS:
            chosen = list(dict.fromkeys(value if isinstance(value, list) else [value]))
            if chosen:
                said[question] = sorted(chosen)
        elif question in ("Height", "Weight"):
            said[question] = [float(number_in(value))]
        elif question in ("Marriage date", "Last visit"):
            said[question] = [value[:10]]
        else:
            said[question] = [value]
    return said


class History:
    """One subject, and what was done to it so far."""

    def __init__(self, servers: Pair) -> None:
        self.servers = servers
        self.number = str(next(numbers_))
        self.id = uuid_of(f"history {self.number}")
        self.version = 0
        self.notes = 0

    def record(self, answers: dict[str, Any], *, voided: bool = False) -> dict[str, Any]:
        self.version += 1
        stamp = f"2026-02-01T06:{self.version // 60:02}:{self.version % 60:02}.000Z"
        return subject(self.number, id=self.id, observations=answers, voided=voided, modified=stamp)

    @property
    def encounter(self) -> str:
        return self.servers.known[self.id].target_id

    def a_clinician_voids_one_of_ours(self) -> None:
        ours = [row for row in self.servers.live_obs(self.encounter) if row.group and row.concept != uuid_of("marker")]
        if ours:
            newest = {"uuid": ours[-1].uuid, "voided": True}
            self.servers.bahmni.hospital_save_encounter(uuid=self.encounter, obs=[newest])

    def a_clinician_adds_one(self) -> None:
        note = {"concept": uuid_of("hospital note"), "value": "seen"}
        self.servers.bahmni.hospital_save_encounter(uuid=self.encounter, obs=[note])
        self.notes += 1

    def notes_there(self) -> int:
        return sum(1 for row in self.servers.live_obs(self.encounter) if row.concept == uuid_of("hospital note"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=observations, later=steps)
def test_whatever_happens_to_a_subject_the_hospital_ends_up_with_what_it_says(
    servers: Pair, first: dict[str, Any], later: list[tuple[str, dict[str, Any]]]
) -> None:
    history = History(servers)
    record = history.record(first)
    assert servers.hand(servers.subjects, record).outcome is Outcome.CREATED
    assert servers.answers(history.encounter) == read(first)
    answers, voided = first, False
    for what, new in later:
        if what == "a clinician voids one of ours" and not voided:
            history.a_clinician_voids_one_of_ours()
            force(servers, history, record)
        elif what == "a clinician adds one" and not voided:
            history.a_clinician_adds_one()
        elif what in ("edit", "void"):
            answers, voided = (new, False) if what == "edit" else (answers, True)
            record = history.record(answers, voided=voided)
            result = servers.hand(servers.subjects, record)
            assert result.is_finished, (result.message, result.params)
        assert servers.bahmni.encounters[history.encounter].voided is voided
        if not voided:
            assert servers.answers(history.encounter) == read(answers)
            assert history.notes_there() == history.notes
            assert servers.compared(servers.subjects, record) == [(Outcome.UNCHANGED, 0)] * 2
    assert len(list(servers.bahmni.encounters_of(patient_of(servers, history)))) == 1


def force(servers: Pair, history: History, record: dict[str, Any]) -> None:
    """Compare although nothing changed, as after a rewind."""
    servers.known[history.id] = replace(servers.known[history.id], is_suspect=True)
    assert servers.hand(servers.subjects, record).is_finished


def patient_of(servers: Pair, history: History) -> str:
    return servers.known[history.id].target_parent_id


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(observations, min_size=2, max_size=6))
def test_no_uuid_of_an_observation_is_given_twice_and_nothing_is_said_to_be_unvoided(
    servers: Pair, versions: list[dict[str, Any]]
) -> None:
    given_uuids: list[str] = []
    known: set[str] = set()

    def look(request: Request) -> None:
        if request.method == "POST" and "/encounter" in request.path and b'"obs"' in request.body:
            for obs in flattened(request.json()["obs"]):
                assert obs.get("voided", True) is True
                if obs["uuid"] not in known:
                    given_uuids.append(obs["uuid"])

    def learn(request: Request) -> None:
        known.update(servers.bahmni.obs)

    app = servers.bahmni_server.app
    watch(servers.bahmni_server, before=look, after=learn)
    try:
        history = History(servers)
        for answers in [*versions, versions[0], *versions]:
            learn(Request("GET", "/"))
            servers.hand(servers.subjects, history.record(answers))
    finally:
        servers.bahmni_server.app = app
    assert len(given_uuids) == len(set(given_uuids))


def flattened(bodies: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for body in bodies:
        yield body
        yield from flattened(body.get("groupMembers") or [])


@given(answers=observations)
def test_translating_twice_gives_the_same(answers: dict[str, Any]) -> None:
    document, mapped = subject(observations=answers), snapshot()
    one, other = wanted(document, mapped), wanted(document, mapped)
    assert one == other
    assert plan(one, Found(), None, mapped, POLICY) == plan(other, Found(), None, mapped, POLICY)
