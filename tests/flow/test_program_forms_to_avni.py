"""A form of the hospital that belongs to a program of Avni becomes a program encounter there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from common.outcome import Outcome
from engine import work
from engine.commit import as_known
from engine.registry import connector_of
from errors.models import ErrorRecord, ErrorState
from mappings.models import Mapping, MappingType
from syncstatus.models import Link, Run
from tests.flow.clinic import registered
from tests.flow.outpatients import ANTENATAL, CHILD, DRUGS, MOTHER, VITALS, WEIGHT, Outpatients
from tests.flow.world import MARKER, World


@pytest.fixture
def pair(world: World, outpatients: Outpatients) -> tuple[str, str]:
    """A subject and its patient, registered in Avni."""
    return registered(world)


def synced(world: World, encounter: str) -> str:
    world.sync("encounter")
    return encounter


def outcome(world: World, encounter: str) -> str:
    return world.link("encounter", encounter).outcome


def error(encounter: str) -> tuple[str, str]:
    record = ErrorRecord.objects.get(entity_id=encounter)
    return record.state, record.message


def enrolled(world: World, subject: str, began: datetime, **more: Any) -> str:
    """A field worker enrols a subject."""
    return world.avni.put_enrolment(program=MOTHER, subject=subject, at=began, **more).uuid


def test_it_stands_in_the_enrolment_that_is_there_beside_the_general_forms(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    enrolment = enrolled(world, subject, world.moment())
    encounter = synced(world, outpatients.seen(patient, "Antenatal", "Vitals"))
    assert outcome(world, encounter) == Outcome.CREATED.value
    (row,) = outpatients.program_encounters(subject)
    assert (row.kind, row.enrolment, outpatients.said(row)) == (
        ANTENATAL,
        enrolment,
        {MARKER: encounter, "Pulse": 72},
    )
    assert outpatients.live(subject, VITALS) == [{"Pulse": 72}]
    assert len(outpatients.enrolments(subject)) == 1


def test_without_one_the_subject_is_enrolled_at_the_time_of_the_encounter(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(world, outpatients.seen(patient, "Antenatal"))
    (enrolment,) = outpatients.enrolments(subject)
    (row,) = outpatients.program_encounters(subject)
    assert (enrolment.kind, enrolment.enrolment_ms) == (MOTHER, row.encounter_ms)
    assert (outpatients.said(enrolment), enrolment.exit_ms) == ({MARKER: encounter}, None)
    link = world.link("encounter", encounter)
    assert link.other_targets[f"enrolment {MOTHER}"] == enrolment.uuid
    assert link.created_by_us == ["enrolment", "program-encounter"]


def test_an_enrolment_made_before_the_answer_was_lost_is_known_for_ours(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    world.avni_server.faults.plan("POST", "/api/programEncounter$", "reset_after")
    encounter = synced(world, outpatients.seen(patient, "Antenatal"))
    (enrolment,) = outpatients.enrolments(subject)
    link = world.link("encounter", encounter)
    assert link.other_targets[f"enrolment {MOTHER}"] == enrolment.uuid
    assert link.created_by_us == ["enrolment", "program-encounter"]


def test_all_encounters_of_a_subject_share_the_enrolment_that_the_first_one_needed(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    for _ in range(3):
        outpatients.seen(patient, "Antenatal", "Antenatal")
    world.sync("encounter")
    assert len(outpatients.enrolments(subject)) == 1
    assert len(outpatients.program_encounters(subject)) == 6


def test_each_program_has_its_own(world: World, outpatients: Outpatients, pair: tuple[str, str]) -> None:
    subject, patient = pair
    synced(world, outpatients.seen(patient, "Antenatal", "Child weight"))
    assert sorted(row.kind for row in outpatients.enrolments(subject)) == [CHILD, MOTHER]
    homes = {row.kind: world.avni.enrolments[row.enrolment].kind for row in outpatients.program_encounters(subject)}
    assert homes == {ANTENATAL: MOTHER, WEIGHT: CHILD}


def test_the_nearest_enrolment_that_was_open_then_is_chosen(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    over = datetime(2026, 10, 20, tzinfo=UTC)
    enrolled(world, subject, datetime(2026, 10, 1, tzinfo=UTC), exit_ms=int(over.timestamp() * 1000))
    standing = enrolled(world, subject, datetime(2026, 3, 1, tzinfo=UTC))
    outpatients.seen(patient, "Antenatal", at=datetime(2026, 11, 1, 6, tzinfo=UTC))
    world.sync("encounter")
    assert [row.enrolment for row in outpatients.program_encounters(subject)] == [standing]


def test_an_edit_replaces_it_and_keeps_what_the_field_team_added(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    world.avni.add_concept("Remark", "Text")
    world.avni.add_concept("Next visit", "Date")
    encounter = synced(world, outpatients.seen(patient, "Antenatal"))
    (row,) = outpatients.program_encounters(subject)
    by_hand = {"Remark": "by hand", "Next visit": "2026-12-01T18:30:00.000Z"}
    world.avni.edit(row.uuid, observations=by_hand, at=world.moment())
    outpatients.edit(encounter, 96)
    world.sync("encounter")
    (row,) = outpatients.program_encounters(subject)
    said = outpatients.said(row)
    assert said | {"Next visit": said["Next visit"][:10]} == {
        MARKER: encounter,
        "Pulse": 96,
        "Remark": "by hand",
        "Next visit": "2026-12-02",
    }


def test_a_voided_encounter_is_voided_and_comes_back_and_the_enrolment_stays(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(world, outpatients.seen(patient, "Antenatal"))
    outpatients.void(encounter)
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.VOIDED.value
    assert [row.voided for row in outpatients.program_encounters(subject)] == [True]
    outpatients.unvoid(encounter)
    world.sync("encounter")
    assert [row.voided for row in outpatients.program_encounters(subject)] == [False]
    assert [row.voided for row in outpatients.enrolments(subject)] == [False]


def test_w25_an_encounter_voided_before_it_is_read_enrols_nobody(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = outpatients.seen(patient, "Antenatal")
    outpatients.void(encounter)
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.SKIPPED.value
    assert outpatients.enrolments(subject) == []


def test_an_enrolment_of_ours_that_a_person_voided_is_not_made_again(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    synced(world, outpatients.seen(patient, "Antenatal"))
    (enrolment,) = outpatients.enrolments(subject)
    world.avni.void(enrolment.uuid, at=world.moment())
    other = synced(world, outpatients.seen(patient, "Antenatal"))
    assert error(other) == (ErrorState.HELD, "bahmni.made-enrolment-voided")
    assert len(outpatients.enrolments(subject)) == 1


def test_a_form_taken_out_is_voided_and_comes_back(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    encounter = synced(world, outpatients.seen(patient, "Antenatal", "Vitals"))
    outpatients.take_out(encounter, "Antenatal")
    world.sync("encounter")
    assert outpatients.live(subject, ANTENATAL) == []
    outpatients.add(encounter, "Antenatal")
    world.sync("encounter")
    assert outpatients.live(subject, ANTENATAL) == [{"Pulse": 72}]
    assert len(outpatients.program_encounters(subject)) == 1


class TestMappedAnew:
    def remap(self, world: World, outpatients: Outpatients, group: str, kind: str) -> None:
        """The administrator maps the form for another kind of record."""
        mapping = Mapping.objects.get(
            type__name="EncounterType", int_system_value=outpatients.clinic.concepts["Antenatal"]
        )
        mapping.type = MappingType.objects.get(group__name=group, name="EncounterType")
        mapping.avni_value = kind
        mapping.save()

    def test_a_form_that_moves_between_kinds_leaves_no_second_copy(
        self, world: World, outpatients: Outpatients, pair: tuple[str, str]
    ) -> None:
        subject, patient = pair
        world.avni.add_encounter_type("Antenatal, general")
        encounter = synced(world, outpatients.seen(patient, "Antenatal"))
        kinds = [("GeneralEncounter", "Antenatal, general"), ("ProgramEncounter", ANTENATAL)] * 2
        for pulse, (group, kind) in enumerate(kinds, start=80):
            self.remap(world, outpatients, group, kind)
            outpatients.edit(encounter, pulse)
            world.sync("encounter")
            others = {"Antenatal, general", ANTENATAL} - {kind}
            assert outpatients.live(subject, kind) == [{"Pulse": pulse}]
            assert [outpatients.live(subject, other) for other in others] == [[]]
        assert len(outpatients.program_encounters(subject)) == 1
        assert len(outpatients.encounters(subject, "Antenatal, general")) == 1

    def test_a_form_of_another_program_moves_into_that(
        self, world: World, outpatients: Outpatients, pair: tuple[str, str]
    ) -> None:
        subject, patient = pair
        encounter = synced(world, outpatients.seen(patient, "Antenatal"))
        Mapping.objects.filter(
            type__name="BahmniForm_CommunityProgram", int_system_value=outpatients.clinic.concepts["Antenatal"]
        ).update(avni_value=CHILD)
        outpatients.edit(encounter, 80)
        world.tenant.refresh_from_db()
        world.tenant.mapping_revision += 1
        world.tenant.save()
        world.sync("encounter")
        (row,) = outpatients.program_encounters(subject)
        assert world.avni.enrolments[row.enrolment].kind == CHILD
        assert outpatients.live(subject, ANTENATAL) == [{"Pulse": 80}]

    def test_w33_a_form_mapped_as_an_enrolment_stops_its_encounter_and_says_where_it_belongs(
        self, world: World, outpatients: Outpatients, pair: tuple[str, str]
    ) -> None:
        self.remap(world, outpatients, "ProgramEnrolment", MOTHER)
        other = outpatients.seen(pair[1], "Vitals")
        encounter = synced(world, outpatients.seen(pair[1], "Antenatal"))
        assert error(encounter) == (ErrorState.RETRYING, "bahmni.form-of-enrolment")
        assert outcome(world, other) == Outcome.CREATED.value


def test_without_links_everything_is_found_and_nothing_is_written(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    encounter = synced(world, outpatients.seen(pair[1], "Antenatal", "Vitals"))
    Link.objects.filter(stream__key="encounter").delete()
    world.rewind()
    world.reset_counts()
    world.sync("encounter")
    assert (outcome(world, encounter), world.writes) == (Outcome.UNCHANGED.value, 0)


def test_what_the_java_service_wrote_is_found_by_its_marker_and_goes_on_in_place(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    subject, patient = pair
    enrolment = enrolled(world, subject, world.moment(), observations={MARKER: "whichever came first"})
    encounter = outpatients.seen(patient, "Antenatal")
    theirs = world.avni.put_program_encounter(
        encounter_type=ANTENATAL, enrolment=enrolment, observations={MARKER: encounter, "Pulse": 60}, at=world.moment()
    )
    world.sync("encounter")
    assert outcome(world, encounter) == Outcome.UPDATED.value
    assert [row.uuid for row in outpatients.program_encounters(subject)] == [theirs.uuid]
    assert outpatients.live(subject, ANTENATAL) == [{"Pulse": 72}]


def test_what_came_from_the_hospital_does_not_travel_back(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    world.programs()
    world.map("ProgramEncounter", "CommunityProgramEncounter_EncounterType", ANTENATAL, "anything")
    encounter = synced(world, outpatients.seen(pair[1], "Antenatal"))
    before = set(world.bahmni.encounters)
    world.sync()
    assert set(world.bahmni.encounters) - before == {world.link("subject", pair[0]).target_id}
    assert outcome(world, encounter) == Outcome.CREATED.value
    assert sum(run.read for run in Run.objects.filter(stream__key="program-encounter")) == 0


def test_both_servers_show_the_program_encounter_and_the_enrolment_made_for_it(
    world: World, outpatients: Outpatients, pair: tuple[str, str]
) -> None:
    encounter = outpatients.seen(pair[1], "Antenatal", "Vitals")
    outpatients.prescribe(encounter)
    link = world.link("encounter", synced(world, encounter))
    servers = work.servers_of(work.setting_of(world.tenant))
    source, *there = connector_of(world.tenant).show(servers, "encounter", encounter, as_known(link))
    assert source.record
    assert source.record["uuid"] == encounter
    shown = {one.label: one.record["ID"] for one in there if one.record}
    (row,) = outpatients.program_encounters(pair[0])
    assert (shown[f"Enrolment in {MOTHER}"], shown[ANTENATAL]) == (row.enrolment, row.uuid)
    assert set(shown) == {f"Enrolment in {MOTHER}", ANTENATAL, VITALS, DRUGS}
