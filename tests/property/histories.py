"""What can happen to a record of Avni and to its encounter in Bahmni, step by step, and what must hold after each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any

from hypothesis import strategies as st

from bahmni.numbers import number_in
from common.outcome import Outcome
from engine.ports import Handover
from simulators.server import Request
from tests.chaos.hooks import watch
from tests.chaos.pair import Pair
from tests.chaos.records import ANSWERS, ZONE, encounter, subject, uuid_of

numbers_ = count(1)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)
counts = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(-1e9, 1e9, allow_nan=False).filter(lambda number: number == 0 or abs(number) > 1e-4),
)
days = st.dates(date(1, 1, 2), date(9998, 12, 31)).map(str)  # the day before begins in no year of Python's
instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
)
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
        "Seen at": st.none() | instants,
        "Shoe size": counts,  # nobody mapped it
    },
)
moments = st.datetimes(datetime(2025, 11, 1), datetime(2026, 10, 31), timezones=st.just(UTC))
"""All past for the hospital, some before the visit began."""
steps = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), observations),
        st.tuples(st.just("date"), moments),
        st.tuples(st.just("edit and date"), st.tuples(observations, moments)),
        st.tuples(st.just("void"), st.none()),
        st.tuples(st.just("a clinician voids one of ours"), st.none()),
        st.tuples(st.just("a clinician adds one"), st.none()),
    ),
    min_size=1,
    max_size=6,
)

Record = Callable[..., dict[str, Any]]


class History:
    """One record of Avni, and what was done to it so far."""

    def __init__(self, servers: Pair, handover: Handover[Any], entity_id: str, made: Record) -> None:
        self.servers = servers
        self.handover = handover
        self.id = entity_id
        self._made = made
        self._version = 0
        self.answers: dict[str, Any] = {}
        self.moment = datetime(2026, 1, 5, 6, tzinfo=UTC)
        self.voided = False
        self.notes = 0
        self.record: dict[str, Any] = {}

    def becomes(self, **changed: Any) -> dict[str, Any]:
        """A new version of the record."""
        self.__dict__.update(changed)
        self._version += 1
        stamp = f"2026-02-01T06:{self._version // 60:02}:{self._version % 60:02}.000Z"
        self.record = self._made(self.answers, voided=self.voided, moment=self.moment, modified=stamp)
        return self.record

    def goes(self, first: dict[str, Any], moment: datetime, later: list[tuple[str, Any]]) -> None:
        """From the first hand-over through all steps; what must hold is looked at after each."""
        record = self.becomes(answers=first, moment=moment)
        assert self.servers.hand(self.handover, record).outcome is Outcome.CREATED
        self.holds()
        for what, new in later:
            self.live_through(what, new)
            self.holds()

    @property
    def encounter(self) -> str:
        """The encounter that stands for it."""
        return self.servers.known[self.id].target_id

    def live_through(self, what: str, new: Any) -> None:
        """One step, handed over."""
        if what == "a clinician voids one of ours" and not self.voided:
            self._a_clinician_voids_one_of_ours()
            self._compare_although_nothing_changed()
        elif what == "a clinician adds one" and not self.voided:
            self._a_clinician_adds_one()
        elif changed := _changed(what, new):
            result = self.servers.hand(self.handover, self.becomes(**changed))
            if self.voided and self.notes:
                assert (result.outcome, result.message) == (Outcome.HELD, "bahmni.encounter-shared")
            else:
                assert result.is_finished, (result.message, result.params)

    def holds(self) -> None:
        """Bahmni says what Avni says, nothing of the clinicians' is lost, and nothing is left to do."""
        there = self.servers.bahmni.encounters[self.encounter]
        assert there.voided is (self.voided and not self.notes)
        assert self._notes_there() == self.notes
        if not self.voided:
            assert self.servers.answers(self.encounter) == read(self.answers)
            assert there.moment == max(_midnight(self.moment), self.servers.bahmni.visits[there.visit or ""].start)
            assert self.servers.compared(self.handover, self.record) == [(Outcome.UNCHANGED, 0)] * 2

    def _a_clinician_voids_one_of_ours(self) -> None:
        ours = [row for row in self.servers.live_obs(self.encounter) if row.group and row.concept != uuid_of("marker")]
        if ours:
            newest = {"uuid": ours[-1].uuid, "voided": True}
            self.servers.bahmni.hospital_save_encounter(uuid=self.encounter, obs=[newest])

    def _compare_although_nothing_changed(self) -> None:
        """As after a rewind."""
        self.servers.known[self.id] = replace(self.servers.known[self.id], is_suspect=True)
        assert self.servers.hand(self.handover, self.record).is_finished

    def _a_clinician_adds_one(self) -> None:
        note = {"concept": uuid_of("hospital note"), "value": "seen"}
        self.servers.bahmni.hospital_save_encounter(uuid=self.encounter, obs=[note])
        self.notes += 1

    def _notes_there(self) -> int:
        return sum(1 for row in self.servers.live_obs(self.encounter) if row.concept == uuid_of("hospital note"))


def subject_history(servers: Pair) -> History:
    """A subject nobody has seen yet."""
    number = str(next(numbers_))
    subject_id = uuid_of(f"history {number}")

    def made(answers: dict[str, Any], moment: datetime, **more: Any) -> dict[str, Any]:
        return subject(number, id=subject_id, observations=answers, registered=str(_indian_day(moment)), **more)

    return History(servers, servers.subjects, subject_id, made)


def encounter_history(servers: Pair) -> History:
    """An encounter nobody has seen yet, of a subject that stands in Bahmni."""
    owner = subject_history(servers)
    assert servers.hand(owner.handover, owner.becomes()).outcome is Outcome.CREATED
    encounter_id = uuid_of(f"encounter of {owner.id}")

    def made(answers: dict[str, Any], moment: datetime, **more: Any) -> dict[str, Any]:
        at = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return encounter(owner.id, id=encounter_id, observations=answers, at=at, **more)

    return History(servers, servers.encounters, encounter_id, made)


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
        elif question == "Seen at":
            moment = datetime.fromisoformat(value).astimezone(ZONE)
            said[question] = [moment.replace(second=0, microsecond=0).isoformat()]
        else:
            said[question] = [value]
    return said


def uuids_given(history: History, versions: list[dict[str, Any]]) -> list[str]:
    """The uuids we chose for new observations while each version was handed over. No body may un-void one."""
    servers = history.servers
    given_uuids: list[str] = []
    known: set[str] = set()

    def look(request: Request) -> None:
        if request.method == "POST" and "/encounter" in request.path and b'"obs"' in request.body:
            for obs in _flattened(request.json()["obs"]):
                assert obs.get("voided", True) is True
                if obs["uuid"] not in known:
                    given_uuids.append(obs["uuid"])

    def learn(request: Request) -> None:
        known.update(servers.bahmni.obs)

    app = servers.bahmni_server.app
    watch(servers.bahmni_server, before=look, after=learn)
    try:
        for number, answers in enumerate(versions):
            learn(Request("GET", "/"))
            moment = datetime(2026, 1, 10 + number, tzinfo=UTC) if number % 3 == 2 else history.moment
            assert servers.hand(history.handover, history.becomes(answers=answers, moment=moment)).is_finished
    finally:
        servers.bahmni_server.app = app
    return given_uuids


def _flattened(bodies: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for body in bodies:
        yield body
        yield from _flattened(body.get("groupMembers") or [])


def _changed(what: str, new: Any) -> dict[str, Any]:
    """What a step in Avni does to the record; every save brings a voided one back."""
    match what:
        case "edit":
            return {"answers": new, "voided": False}
        case "date":
            return {"moment": new, "voided": False}
        case "edit and date":
            return {"answers": new[0], "moment": new[1], "voided": False}
        case "void":
            return {"voided": True}
        case _:
            return {}


def _indian_day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(_indian_day(moment), time.min, ZONE)
