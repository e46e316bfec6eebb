"""Any history of an enrolment with its exit and its encounters: Bahmni ends up with what Avni says, step by step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common.outcome import Outcome
from simulators.bahmni.model import Encounter, Visit
from tests.chaos.pair import Pair
from tests.chaos.records import ZONE, enrolment, program_encounter, uuid_of
from tests.property.histories import moments, observations, read, subject_history

steps = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), observations),
        st.tuples(st.just("date"), moments),
        st.tuples(st.just("exit"), st.tuples(observations, moments)),
        st.tuples(st.just("exit undone"), st.none()),
        st.tuples(st.just("void"), st.none()),
        st.tuples(st.just("un-void"), st.none()),
        st.tuples(st.just("an encounter of the program"), st.tuples(observations, moments)),
        st.tuples(st.just("a clinician's encounter"), st.none()),
        st.tuples(st.just("a clinician voids one of ours"), st.none()),
        st.tuples(st.just("the hospital closes the visit"), st.none()),
    ),
    min_size=1,
    max_size=8,
)


class EnrolmentHistory:
    """One enrolment, and what was done to it so far."""

    def __init__(self, servers: Pair) -> None:
        owner = subject_history(servers)
        assert servers.hand(owner.handover, owner.becomes()).outcome is Outcome.CREATED
        self.servers = servers
        self.subject = owner.id
        self.patient = servers.known[owner.id].target_parent_id
        self.id = uuid_of(f"enrolment of {owner.id}")
        self.answers: dict[str, Any] = {}
        self.moment = datetime(2026, 1, 10, 6, 30, tzinfo=UTC)
        self.exit: tuple[dict[str, Any], datetime] | None = None
        self.voided = False
        self.encounters: dict[str, tuple[dict[str, Any], datetime]] = {}
        self.clinicians: list[str] = []
        self.version = 0
        self.record: dict[str, Any] = {}

    def hand(self) -> None:
        """The record as it is now, handed over in a new version."""
        self.version += 1
        exit_observations, exited = self.exit or ({}, None)
        self.record = enrolment(
            self.subject, id=self.id, observations=self.answers, at=written(self.moment), voided=self.voided,
            exited=exited and written(exited), exit_observations=exit_observations, encounters=list(self.encounters),
            modified=f"2026-02-01T06:00:{self.version:02}.000Z",
        )  # fmt: skip
        result = self.servers.hand(self.servers.enrolments, self.record)
        assert result.is_finished, (result.message, result.params)

    def lives_through(self, what: str, new: Any) -> None:
        """One step, handed over. Every save in Avni brings a voided enrolment back."""
        in_avni = {
            "edit": {"answers": new, "voided": False},
            "date": {"moment": new, "voided": False},
            "exit": {"exit": new, "voided": False},
            "exit undone": {"exit": None, "voided": False},
            "void": {"voided": True},
            "un-void": {"voided": False},
        }
        elsewhere = {
            "an encounter of the program": self._an_encounter,
            "a clinician's encounter": self._a_clinicians_encounter,
            "a clinician voids one of ours": self._a_clinician_voids_one_of_ours,
            "the hospital closes the visit": self._closed_at_the_end_of_its_last_day,
        }
        if what in in_avni:
            self.__dict__.update(in_avni[what])
        elif not self.voided:  # nobody works in what is not there
            elsewhere[what](new)
        self.hand()

    def _an_encounter(self, new: tuple[dict[str, Any], datetime]) -> None:
        answers, moment = new
        number = len(self.encounters)
        record = program_encounter(
            self.subject, self.id, id=uuid_of(f"{number} in {self.id}"), observations=answers, at=written(moment)
        )
        self.encounters[record["ID"]] = (answers, moment)
        result = self.servers.hand(self.servers.program_encounters, record)
        assert result.outcome is Outcome.CREATED, (result.message, result.params)
        assert self.servers.compared(self.servers.program_encounters, record) == [(Outcome.UNCHANGED, 0)] * 2

    def _a_clinicians_encounter(self, _: None) -> None:
        saved = self.servers.bahmni.hospital_save_encounter(
            patient=self.patient, encounterType=uuid_of("encounter type"), visit=self.visit.uuid,
            encounterDatetime=self.visit.start.isoformat(), obs=[note()],
        )  # fmt: skip
        self.clinicians.append(saved.uuid)

    def _a_clinician_voids_one_of_ours(self, _: None) -> None:
        """And the record is compared again, as after a rewind."""
        encounter = self.encounter("enrolment type")
        assert encounter
        ours = [row for row in self.servers.live_obs(encounter.uuid) if row.group and row.concept != uuid_of("marker")]
        newest = {"uuid": ours[-1].uuid, "voided": True}
        self.servers.bahmni.hospital_save_encounter(uuid=encounter.uuid, obs=[newest])
        self.servers.known[self.id] = replace(self.servers.known[self.id], is_suspect=True)

    def _closed_at_the_end_of_its_last_day(self, _: None) -> None:
        inside = [row for row in self.servers.bahmni.encounters_in(self.visit) if not row.voided]
        self.visit.stop = max(row.moment for row in inside) + timedelta(hours=1)

    # -- what stands in Bahmni

    @property
    def visit(self) -> Visit:
        """The one visit that was opened for it."""
        visits = self.servers.bahmni.visits_of(self.patient)
        (ours,) = [row for row in visits if any(one.value == self.id for one in row.attributes)]
        return ours

    def encounter(self, type_name: str) -> Encounter | None:
        """Its un-voided encounter of a type; fails when there are several."""
        rows = self.servers.bahmni.encounters_of(self.patient)
        found = [row for row in rows if row.type == uuid_of(type_name) and not row.voided]
        assert len(found) <= 1
        return found[0] if found else None

    def holds(self) -> None:
        """Bahmni says what Avni says, and nothing of a clinician's is lost."""
        assert not any(self.servers.bahmni.encounters[uuid].voided for uuid in self.clinicians)
        assert self.visit.voided is (self.voided and not self.clinicians)
        assert self.visit.start.astimezone(ZONE).date() >= date(1990, 4, 1)
        self._says("enrolment type", "Enrolment", None if self.voided else (self.answers, self.moment))
        self._says("exit type", "Exit", None if self.voided else self.exit)
        if not self.voided:
            told = [row.value for row in self.visit.attributes if row.type == uuid_of("visit event date")]
            assert told == [self.moment.astimezone(ZONE).date().isoformat()]
            found = {
                str(row.value): encounter
                for encounter in self.servers.bahmni.encounters_in(self.visit)
                for row in self.servers.live_obs(encounter.uuid)
                if row.concept == uuid_of("marker") and encounter.type == uuid_of("program encounter type")
            }
            assert set(found) == set(self.encounters)
            for encounter_id, (answers, moment) in self.encounters.items():
                assert self.servers.answers(found[encounter_id].uuid) == read(answers)
                assert found[encounter_id].moment == midnight(moment)
            assert self.servers.compared(self.servers.enrolments, self.record) == [(Outcome.UNCHANGED, 0)] * 2

    def _says(self, type_name: str, event: str, expected: tuple[dict[str, Any], datetime] | None) -> None:
        encounter = self.encounter(type_name)
        assert (encounter is None) is (expected is None)
        if encounter and expected:
            answers, moment = expected
            assert encounter.visit == self.visit.uuid
            assert encounter.moment == midnight(moment)
            assert self.servers.answers(encounter.uuid) == read(answers)
            day = moment.astimezone(ZONE).date()
            others = {row.concept: row.value for row in self.servers.live_obs(encounter.uuid)}
            assert others[uuid_of("event date")] == day.isoformat()
            assert others[uuid_of("program data")] == f"Pregnancy - {event} - {day:%d-%m-%Y}"


def note() -> dict[str, Any]:
    """An observation of the hospital's own."""
    return {"concept": uuid_of("hospital note"), "value": "seen"}


def written(moment: datetime) -> str:
    """A moment as Avni writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def midnight(moment: datetime) -> datetime:
    """When the encounter of that day stands: its visit makes room for it."""
    return datetime.combine(moment.astimezone(ZONE).date(), time.min, ZONE)


SPRING, EARLIER = datetime(2026, 4, 1, 6, tzinfo=UTC), datetime(2025, 12, 1, 6, tzinfo=UTC)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=observations, begun=moments, later=steps)
@example(
    first={"Height": 1},
    begun=SPRING,
    later=[
        ("an encounter of the program", ({"Height": 2}, SPRING + timedelta(days=9))),
        ("exit", ({"Weight": 3}, SPRING + timedelta(days=30))),
        ("void", None),
        ("edit", {"Height": 4}),
        ("exit undone", None),
        ("void", None),
        ("date", EARLIER),
        ("exit", ({}, SPRING)),
    ],
)
def test_whatever_happens_to_an_enrolment_the_hospital_ends_up_with_what_it_says(
    servers: Pair, first: dict[str, Any], begun: datetime, later: list[tuple[str, Any]]
) -> None:
    history = EnrolmentHistory(servers)
    history.answers, history.moment = first, begun
    history.hand()
    history.holds()
    for what, new in later:
        history.lives_through(what, new)
        history.holds()
