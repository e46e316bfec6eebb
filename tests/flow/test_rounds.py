"""What Bahmni announces to nobody reaches Avni within one round, at a cost that has a bound."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from bahmni.openmrs import FOUND_AT_A_TIME
from common import clock
from common.outcome import Outcome
from engine import rounds
from engine.brake import LEAST
from engine.slices import Limits
from errors.models import OPEN_STATES, ErrorRecord
from simulators.bahmni import catalogue, clinicians, encounters, patients
from syncstatus.models import AtBrake, Brake, Flow, Link, Round, Run, RunKind, Stream, ToRead
from tests.flow.clinic import HISTORY, VITALS, Clinic
from tests.flow.outpatients import LAB, open_outpatients
from tests.flow.world import MARKER, PREFIX, REGISTRATION, World

REST = "/openmrs/ws/rest/v1"
LIST, ENCOUNTER = ("GET", f"{REST}/encounter"), ("GET", f"{REST}/encounter/{{uuid}}")
SEARCH = ("GET", f"{REST}/patient")


@pytest.fixture
def pair(world: World, clinic: Clinic) -> tuple[str, str]:
    """A subject and its patient, registered in Avni."""
    subject, patient = world.subject("1001"), world.patient("1001")
    world.sync()
    world.sync()
    world.reset_counts()
    return subject, patient


def registrations(world: World, subject: str) -> list[Any]:
    """The hospital registrations of a subject."""
    rows = [world.avni.encounters[uuid] for uuid in world.avni.encounters_of(subject)]
    return [row for row in rows if row.kind == REGISTRATION]


def over_rest(
    world: World, patient: str, *forms: dict[str, Any], kind: str = catalogue.CONSULTATION, day: str = "08"
) -> str:
    """Some other service writes an encounter over REST: no feed event. Gives its uuid."""
    at = f"2026-10-{day}T10:30:00.000+0530"
    body = {"patient": patient, "encounterType": kind, "obs": list(forms), "encounterDatetime": at}
    with world.bahmni.lock:
        return encounters.create_encounter(world.bahmni, body).uuid


def give_number(world: World, patient: str, number: str) -> None:
    """A clerk adds a number on the page for numbers and prefers it: no feed event, no trace in the patient."""
    kind, place = catalogue.PATIENT_IDENTIFIER, next(iter(world.bahmni.locations))
    body = {"identifier": number, "identifierType": kind, "location": place, "preferred": True}
    with world.bahmni.lock:
        row = world.bahmni.patients[patient]
        for one in row.identifiers:
            one.preferred = False
        patients.save_identifier(world.bahmni, row, body)


# -- what no feed shows ----------------------------------------------------------------------------------------------


def test_an_encounter_voided_in_bahmni_is_voided_in_avni_within_a_round(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync("encounter")
    clinic.void(encounter)
    world.sync("encounter")
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}
    world.go_round()
    assert clinic.in_avni(subject) == {}
    assert world.link("encounter", encounter).outcome == Outcome.VOIDED.value


def test_what_was_voided_is_asked_for_once_and_comes_back_when_it_is_un_voided(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync("encounter")
    clinic.void(encounter)
    world.go_round()
    world.reset_counts()
    world.go_round()
    assert world.bahmni_server.counts[ENCOUNTER] == 0
    clinic.unvoid(encounter)
    world.go_round()
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}


def test_an_encounter_that_is_neither_listed_nor_there_changes_nothing(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync("encounter")
    with world.bahmni.lock:
        world.bahmni.void_encounter(encounter)
        del world.bahmni.encounters[encounter]
    world.reset_counts()
    world.go_round()
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}
    assert world.writes == 0
    assert world.link("encounter", encounter).reason == "remote.gone"


def test_an_encounter_written_over_rest_arrives(world: World, clinic: Clinic, pair: tuple[str, str]) -> None:
    subject, patient = pair
    encounter = over_rest(world, patient, clinic.form("Vitals", Pulse=88), kind=catalogue.LAB_RESULT)
    world.sync()
    assert clinic.in_avni(subject) == {}
    world.go_round()
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 88}]}


@pytest.mark.parametrize("tells_of_edits", [True, False])
def test_w6_an_old_encounter_that_is_corrected_outside_the_screen_is_read_again(
    world: World, clinic: Clinic, pair: tuple[str, str], *, tells_of_edits: bool
) -> None:
    world.bahmni.settings.audit_on_obs_edit = tells_of_edits
    subject, patient = pair
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync("encounter")
    with world.bahmni.lock:
        row = world.bahmni.encounters[encounter]
        vitals = next(one for one in world.bahmni.obs_of(encounter) if one.concept == clinic.concepts["Vitals"])
        changed = {
            "uuid": vitals.uuid,
            "concept": vitals.concept,
            "groupMembers": [clinic.answer(encounter, "Pulse", 96)],
        }
        encounters.update_encounter(world.bahmni, row, {"obs": [changed]})
    world.sync("encounter")
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}
    world.go_round()
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 96}]}


def test_a_result_of_the_laboratory_arrives_and_so_does_its_correction(world: World) -> None:
    outpatients = open_outpatients(world)
    outpatients.tell = lambda encounter: None  # type: ignore[method-assign]  # nobody does
    subject, patient = world.subject("1001"), world.patient("1001")
    world.sync()
    encounter, order = outpatients.tested(patient, 72)
    world.sync()
    assert outpatients.live(subject, LAB) == []
    world.go_round()
    assert outpatients.live(subject, LAB) == [{"Pulse": 72}]
    outpatients.correct(encounter, order, 96)
    world.go_round()
    assert outpatients.live(subject, LAB) == [{"Pulse": 96}]


def test_w54_all_pages_of_a_long_list_are_read(world: World, clinic: Clinic, pair: tuple[str, str]) -> None:
    written = [over_rest(world, pair[1], clinic.form("Vitals", Pulse=number)) for number in range(FOUND_AT_A_TIME + 5)]
    world.go_round()
    assert {row[MARKER] for row in clinic.in_avni(pair[0])[VITALS]} == set(written)


def test_so_many_voids_at_once_wait_for_a_person_however_few_a_turn_finds(
    world: World, clinic: Clinic, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [clinic.fill_in(pair[1], clinic.form("Vitals", Pulse=number)) for number in range(LEAST + 10)]
    other = world.subject("1002", first="Meena"), world.patient("1002", first="Meena")
    rows += [clinic.fill_in(other[1], clinic.form("Vitals", Pulse=number)) for number in range(10)]
    world.sync()
    world.sync()
    for encounter in rows[15:]:
        clinic.void(encounter)
    spend(monkeypatch, 1)
    for _ in range(6):
        Round.objects.update(next_turn_at=None)
        world.sync()
    kept = {row[MARKER] for patient in (pair[0], other[0]) for row in clinic.in_avni(patient).get(VITALS, [])}
    assert len(kept) == len(rows) - LEAST == 20
    assert Flow.objects.get(key="bahmni-to-avni").at_brake == AtBrake.MANY
    assert Brake.objects.get().records.exists()


def test_a_patient_voided_in_bahmni_is_voided_in_avni_with_its_encounters(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    pulse = clinicians.form(clinic.concepts["Vitals"], {clinic.concepts["Pulse"]: 72})
    clinicians.save_encounter(world.bahmni, patient, pulse)
    world.sync("encounter")
    assert VITALS in clinic.in_avni(subject)
    with world.bahmni.lock:
        patients.void_patient(world.bahmni, world.bahmni.patients[patient], "entered twice")
    world.go_round()
    assert [row.voided for row in registrations(world, subject)] == [True]
    assert clinic.in_avni(subject) == {}


def test_a_patient_whose_number_was_given_late_arrives_with_its_encounters_in_order(
    world: World, clinic: Clinic
) -> None:
    stranger = world.bahmni.hospital_create_patient(
        "Asha", "Devi", "GAN7", identifier_type=catalogue.PATIENT_IDENTIFIER, birthdate="1990-04-01"
    ).uuid
    days = [f"2026-10-0{day}T10:30:00.000+0530" for day in (5, 2, 7)]
    filled = [
        clinic.fill_in(stranger, clinic.form("Vitals", Pulse=70 + number), encounterDatetime=day)
        for number, day in enumerate(days)
    ]
    world.sync()
    give_number(world, stranger, f"{PREFIX}1001")
    subject = world.subject("1001")
    world.sync()
    assert not registrations(world, subject)
    world.go_round()
    assert len(registrations(world, subject)) == 1
    assert [one["Pulse"] for one in clinic.in_avni(subject)[VITALS]] == [71, 70, 72]
    assert {world.link("encounter", one).outcome for one in filled} == {"created"}


# -- admission -------------------------------------------------------------------------------------------------------


def test_on_admission_earlier_encounters_are_filled_in_at_once_and_in_order(world: World, clinic: Clinic) -> None:
    patient = world.patient("1001")
    for day, pulse in (("05", 70), ("02", 71), ("07", 72)):
        over_rest(world, patient, clinic.form("Vitals", Pulse=pulse), day=day)
    world.sync("patient")  # waits for its subject
    subject = world.subject("1001")
    world.sync("subject", "patient")
    assert [one["Pulse"] for one in clinic.in_avni(subject)[VITALS]] == [71, 70, 72]
    assert not ToRead.objects.exists()


def test_a_number_given_with_an_event_admits_the_patient_and_fills_in_what_was_outside(
    world: World, clinic: Clinic
) -> None:
    kind = catalogue.PATIENT_IDENTIFIER
    patient = world.bahmni.hospital_create_patient(
        "Asha", "Devi", "GAN7", identifier_type=kind, birthdate="1990-04-01"
    ).uuid
    encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
    world.sync()
    assert not Link.objects.filter(stream__key="encounter").exists()
    give_number(world, patient, f"{PREFIX}1001")
    world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Toda")  # this raises the event
    subject = world.subject("1001")
    world.sync()
    assert clinic.in_avni(subject) == {VITALS: [{MARKER: encounter, "Pulse": 72}]}


def test_a_patient_registered_for_the_first_time_by_its_own_event_costs_no_list(world: World, clinic: Clinic) -> None:
    world.subject("1001")
    world.sync()
    world.patient("1002", first="Meena")
    world.subject("1002", first="Meena")
    world.reset_counts()
    world.sync("patient")
    assert world.bahmni_server.counts[LIST] == 0


# -- mapped later ----------------------------------------------------------------------------------------------------


def test_a_form_mapped_later_brings_back_the_encounters_that_were_left_out(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = clinic.fill_in(patient, clinic.form("Diet", Pulse=72))
    world.sync("encounter")
    assert world.link("encounter", encounter).reason == "bahmni.no-mapped-form"
    world.go_round()
    world.map("GeneralEncounter", "EncounterType", HISTORY, clinic.concepts["Diet"])
    world.go_round()
    assert clinic.in_avni(subject) == {HISTORY: [{MARKER: encounter, "Pulse": 72}]}


def test_a_mapping_that_does_not_concern_an_encounter_has_it_not_read_again(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    clinic.fill_in(pair[1], clinic.form("Diet", Mood="low"))
    world.sync("encounter")
    world.go_round()
    world.map("GeneralEncounter", "EncounterType", "Eyes (Hospital)", "0" * 36)
    runs = Run.objects.count()
    world.go_round()
    assert Run.objects.count() == runs


# -- the cost --------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(world: World, clinic: Clinic) -> list[str]:
    """Thirty registered patients with two encounters each; gone through once."""
    rows = []
    for number in range(1001, 1031):
        world.subject(str(number))
        rows.append(world.patient(str(number)))
    world.sync()
    for patient in rows:
        clinic.fill_in(patient, clinic.form("Vitals", Pulse=72))
        clinic.fill_in(patient, clinic.form("Vitals", Pulse=73))
    world.sync()
    world.go_round()
    world.reset_counts()
    return rows


def test_a_round_that_finds_nothing_costs_one_search_and_a_list_for_each_patient(world: World, many: list[str]) -> None:
    statements: list[str] = []
    with connection.execute_wrapper(lambda run, sql, *rest: (statements.append(sql), run(sql, *rest))[1]):
        world.go_round()
    assert Counter(world.bahmni_server.counts) - feeds(world) == {SEARCH: 1, LIST: len(many)}
    assert world.writes == 0
    kept = [sql for sql in statements if not sql.startswith(("SAVEPOINT", "RELEASE"))]
    assert len(kept) <= 60


def feeds(world: World) -> Counter[tuple[str, str]]:
    """What reading the feeds cost."""
    return Counter({call: n for call, n in world.bahmni_server.counts.items() if "atomfeed" in call[1]})


def test_a_round_that_finds_nothing_leaves_no_run_and_no_row(world: World, many: list[str]) -> None:
    links, runs = list(Link.objects.values()), Run.objects.count()
    world.go_round()
    assert (list(Link.objects.values()), Run.objects.count()) == (links, runs)


def test_a_turn_keeps_to_its_budget_and_the_round_goes_on_where_it_ended(
    world: World, many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream.objects.get(key="encounter")
    monkeypatch.setattr("engine.rounds.PAUSE", timedelta(minutes=1))
    Round.objects.filter(stream=stream).update(next_turn_at=None, last_turn_at=clock.now())
    spend(monkeypatch, 10)
    world.sync("encounter")
    assert world.bahmni_server.counts[LIST] == 10
    row = Round.objects.get(stream=stream)
    assert (row.seen, row.began_at is not None) == (10, True)
    while Round.objects.get(stream=stream).began_at:
        Round.objects.filter(stream=stream).update(next_turn_at=None)
        world.sync("encounter")
    assert world.bahmni_server.counts[LIST] == len(many)


def spend(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Let a minute hold so many requests."""
    monkeypatch.setattr(rounds.Turn, "_budget", lambda turn: calls)


def test_an_idle_tick_takes_no_turn_before_its_time(world: World, many: list[str]) -> None:
    world.sync("encounter")
    assert sum(world.bahmni_server.counts.values()) == 1


def test_a_full_round_says_how_long_it_took_and_rests(world: World, many: list[str]) -> None:
    Round.objects.update(next_turn_at=None)
    world.sync()
    for row in Round.objects.select_related("stream"):
        assert row.began_at is None
        assert row.last_took is not None
        assert row.last_seen == len(many)
        assert row.next_turn_at is not None
        assert row.last_finished_at is not None
        assert row.next_turn_at >= row.last_finished_at + rounds.REST - row.last_took - timedelta(seconds=1)


# -- troubles --------------------------------------------------------------------------------------------------------


def test_a_patient_whose_list_cannot_be_had_is_an_error_of_its_own_and_holds_up_no_other(
    world: World, clinic: Clinic, many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ill, *others = many
    monkeypatch.setattr("bahmni.bahmni_to_avni.encounter_handover.EncounterHandover.below", broken_for(ill))
    written = [over_rest(world, patient, clinic.form("History", Advice="rest")) for patient in (ill, *others)]
    world.go_round()
    arrived = set(Link.objects.filter(source_id__in=written, outcome="created").values_list("source_id", flat=True))
    assert arrived == set(written[1:])
    error = ErrorRecord.objects.get(state__in=OPEN_STATES)
    assert error.message == "engine.unexpected"
    monkeypatch.undo()
    ErrorRecord.objects.update(next_attempt_at=clock.now())
    world.sync("encounter")
    assert Link.objects.get(source_id=written[0]).outcome == "created"
    assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()


def broken_for(patient: str) -> Any:
    """A list that fails for one patient."""
    from bahmni.bahmni_to_avni.encounter_handover import EncounterHandover

    whole = EncounterHandover.below

    def below(self: EncounterHandover, parent_id: str) -> Any:
        if parent_id == patient:
            raise LookupError
        return whole(self, parent_id)

    return below


def test_a_round_goes_on_when_the_hospital_answers_again(world: World, clinic: Clinic, many: list[str]) -> None:
    written = over_rest(world, many[-1], clinic.form("History", Advice="rest"))
    Round.objects.update(next_turn_at=None)
    world.bahmni_server.stop()
    world.sync()
    world.bahmni_server.start()
    world.go_round()
    assert Link.objects.get(source_id=written).outcome == "created"


# -- loops -----------------------------------------------------------------------------------------------------------


def test_what_we_wrote_ourselves_is_found_and_does_not_travel_back(world: World, clinic: Clinic) -> None:
    world.household_visits()
    subject = world.subject("1001")
    world.household_visit(subject, observations={"Height": 150})
    world.sync()
    world.sync()
    world.reset_counts()
    world.go_round()
    assert world.writes == 0
    assert not ErrorRecord.objects.filter(state__in=OPEN_STATES).exists()


def test_prescriptions_that_are_stopped_are_looked_at_again(
    world: World, clinic: Clinic, pair: tuple[str, str]
) -> None:
    drug = world.bahmni.add_drug("Paracetamol 500mg", world.bahmni.add_concept("Paracetamol").uuid).uuid
    encounter = clinicians.save_encounter(world.bahmni, pair[1])
    order = clinicians.prescribe(world.bahmni, encounter.uuid, drug)
    world.sync("encounter")
    world.go_round()
    clinicians.void_order(world.bahmni, order.uuid)
    world.reset_counts()
    world.go_round()
    assert world.bahmni_server.counts[ENCOUNTER] == 1


# -- the first fill --------------------------------------------------------------------------------------------------


def test_kinds_of_runs_tell_the_fill_from_the_rounds() -> None:
    assert {RunKind.FILL.label, RunKind.ROUND.label} == {"first fill", "what no change tells"}


def test_a_limited_look_takes_no_turn(world: World, many: list[str]) -> None:
    Round.objects.update(next_turn_at=None)
    world.sync("encounter", limits=Limits(changes=1))
    assert world.bahmni_server.counts[LIST] == 0
