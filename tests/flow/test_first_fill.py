"""A flow that begins with everything is filled from REST: nothing is replayed from the feeds, nothing is missed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from console.flow_words import standing_line
from engine import moves, work
from engine.positions import standings
from errors.models import OPEN_STATES, ErrorRecord
from simulators.bahmni import catalogue
from simulators.server import Request
from syncstatus.models import Flow, Link, Position, Round, Run, RunKind, StartPolicy
from tenants.audit import SYSTEM
from tests.chaos.hooks import watch
from tests.commands import run
from tests.flow.clinic import VITALS, Clinic, open_clinic
from tests.flow.test_rounds import LIST, give_number, over_rest
from tests.flow.world import MARKER, PREFIX, World, small_world

PEOPLE = 12


class Hospital:
    """A hospital that has been at work for a while, and an Avni that knows its patients; no flow is on yet."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clinic: Clinic = open_clinic(world)
        self.subjects: dict[str, str] = {}
        self.patients: dict[str, str] = {}
        self.encounters: dict[str, list[str]] = {}
        for number in range(1001, 1001 + PEOPLE):
            self.add(str(number))

    def add(self, number: str) -> None:
        """One more patient with two encounters."""
        self.subjects[number] = self.world.subject(number)
        self.patients[number] = self.world.patient(number)
        forms = (self.clinic.form("Vitals", Pulse=pulse) for pulse in (72, 96))
        self.encounters[number] = [self.clinic.fill_in(self.patients[number], form) for form in forms]

    def switch_on(self, policy: str = StartPolicy.BEGINNING) -> None:
        """Only what comes from the hospital; rounds take their turns by themselves."""
        flow = Flow.objects.get(tenant=self.world.tenant, key="bahmni-to-avni")
        moves.switch_on(flow, start_policy=policy, actor=SYSTEM)
        self.world.reset_counts()

    def in_avni(self, number: str) -> list[tuple[str, int]]:
        """The vitals of a patient as Avni shows them: which encounter, and the pulse."""
        rows = self.clinic.in_avni(self.subjects[number]).get(VITALS, [])
        return [(row[MARKER], row["Pulse"]) for row in rows]

    def expected(self, number: str) -> list[tuple[str, int]]:
        """What they should be."""
        return list(zip(self.encounters[number], (72, 96), strict=True))


@pytest.fixture
def hospital(db: None) -> Iterator[Hospital]:
    with small_world() as world:
        world.bahmni.settings.clock_offset = -3600.0  # all of it was an hour ago
        built = Hospital(world)
        world.bahmni.settings.clock_offset = 0.0
        yield built


def test_w7_everything_there_was_arrives_once_and_in_order(hospital: Hospital) -> None:
    hospital.switch_on()
    hospital.world.sync()
    assert {number: hospital.in_avni(number) for number in hospital.patients} == {
        number: hospital.expected(number) for number in hospital.patients
    }
    assert hospital.world.writes == 3 * PEOPLE
    assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()


def test_w8_the_feeds_are_not_replayed_after_the_fill(hospital: Hospital) -> None:
    hospital.switch_on()
    before = {row.stream.key: row.value for row in Position.objects.filter(stream__flow__key="bahmni-to-avni")}
    hospital.world.sync()
    after = {row.stream.key: row.value for row in Position.objects.filter(stream__flow__key="bahmni-to-avni")}
    assert before == after
    assert set(Run.objects.values_list("kind", flat=True)) == {RunKind.FILL.value}


def test_what_changes_while_the_fill_is_under_way_is_not_missed(hospital: Hospital) -> None:
    hospital.switch_on()
    first, last = min(hospital.patients), max(hospital.patients)
    lists = 0

    def edit(request: Request) -> None:
        nonlocal lists
        if request.path.endswith("/encounter") and "patient" in request.query:
            lists += 1
            if lists == PEOPLE:  # the last patient's list is being read
                clinic, edited = hospital.clinic, hospital.encounters[first][0]
                clinic.change(edited, clinic.answer(edited, "Pulse", 60))
                more = clinic.fill_in(hospital.patients[last], clinic.form("Vitals", Pulse=55))
                hospital.encounters[last].append(more)

    watch(hospital.world.bahmni_server, before=edit)
    hospital.world.sync()
    hospital.world.sync()
    assert hospital.in_avni(first)[0] == (hospital.encounters[first][0], 60)
    assert (hospital.encounters[last][2], 55) in hospital.in_avni(last)


def test_a_fill_that_is_cut_off_goes_on_and_doubles_nothing(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital.switch_on()
    monkeypatch.setattr("engine.rounds.SECONDS", 0.0)
    monkeypatch.setattr("engine.below.AT_ONCE", 1)
    monkeypatch.setattr("engine.rounds.AT_ONCE", 1)
    for _ in range(4 * PEOPLE):
        work.forget()
        Round.objects.update(next_turn_at=None)
        hospital.world.sync()
        if not Round.objects.filter(last_finished_at=None).exists():
            break
    assert all(hospital.in_avni(number) == hospital.expected(number) for number in hospital.patients)
    assert hospital.world.writes == 3 * PEOPLE


def test_encounters_that_waited_for_the_last_patients_are_filled_in_without_a_pause(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital.switch_on()
    monkeypatch.setattr("engine.rounds.SECONDS", 0.0)
    for _ in range(3):
        hospital.world.sync()
    assert not Round.objects.filter(last_finished_at=None).exists()
    assert all(hospital.in_avni(number) == hospital.expected(number) for number in hospital.patients)


def test_a_fill_tells_how_far_it_is(hospital: Hospital) -> None:
    hospital.switch_on()
    hospital.world.sync()
    rows = Round.objects.select_related("stream")
    told = {row.stream.key: (row.ordinal, row.last_seen, row.began_at) for row in rows}
    assert told == {"patient": (1, PEOPLE, None), "encounter": (1, PEOPLE, None)}


def test_patients_whose_subjects_come_later_are_filled_then(hospital: Hospital) -> None:
    for subject in list(hospital.subjects.values())[:3]:
        hospital.world.avni.void_subject(subject, at=hospital.world.moment())
    hospital.switch_on()
    hospital.world.sync()
    first = min(hospital.patients)
    assert not Link.objects.filter(source_id__in=hospital.encounters[first]).exists()
    hospital.subjects[first] = hospital.world.subject(first)
    ErrorRecord.objects.update(next_attempt_at=hospital.world.moment())
    hospital.world.sync()
    assert hospital.in_avni(first) == hospital.expected(first)


def test_from_now_on_only_leaves_what_was_there_and_hands_over_what_comes(hospital: Hospital) -> None:
    world, clinic = hospital.world, hospital.clinic
    hospital.switch_on(StartPolicy.RECENT)
    world.sync()
    assert world.writes == 0
    later = clinic.fill_in(hospital.patients["1001"], clinic.form("Vitals", Pulse=60))
    world.sync()
    world.go_round()
    assert hospital.in_avni("1001") == [(later, 60)]
    assert hospital.in_avni("1002") == []


def test_from_now_on_only_also_hands_over_a_number_that_is_given_late(hospital: Hospital) -> None:
    world = hospital.world
    world.bahmni.settings.clock_offset = -3600.0
    kind = catalogue.PATIENT_IDENTIFIER
    stranger = world.bahmni.hospital_create_patient(
        "Asha", "Devi", "GAN7", identifier_type=kind, birthdate="1990-04-01"
    ).uuid
    world.bahmni.settings.clock_offset = 0.0
    hospital.switch_on(StartPolicy.RECENT)
    world.sync()
    give_number(world, stranger, f"{PREFIX}2001")
    hospital.subjects["2001"] = world.subject("2001")
    written = over_rest(world, stranger, hospital.clinic.form("Vitals", Pulse=60))
    world.go_round()
    assert hospital.in_avni("2001") == [(written, 60)]
    assert world.bahmni_server.counts[LIST] >= 1


def test_flow_page_and_status_say_what_the_fill_created_while_no_change_was_read(hospital: Hospital) -> None:
    hospital.switch_on()
    hospital.world.sync()
    flow = Flow.objects.select_related("tenant").get(key="bahmni-to-avni")
    lines = [standing_line(one, flow.zone) for one in standings(flow)]
    words = "no change read yet; 24 records created by going through what was there"
    assert f"Encounters: the encounter feed, {words}" in lines
    _, told = run("status", hospital.world.tenant.name)
    said = [" ".join(line.split()) for line in told.splitlines()]
    assert "Encounters the encounter feed no change yet; 24 created by going through what was there" in said
