"""Visits of the field team and forms of the hospital: some of every kind, so that a stream must cope with all."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import pytest

from engine import declaration
from mappings.models import IgnoredConcept, Mapping
from simulators.avni.rows import EncounterRow
from simulators.avni.times import IST, from_ms
from simulators.bahmni.model import Encounter, Obs
from simulators.scenario import Scenario, Size, build, design, forms
from simulators.scenario.correspondence import hospital_concept
from tenants.audit import SYSTEM
from tenants.scoping import tenant_scope

SIZE = Size(subjects=12, known=6, outside=3, general_encounters=40, encounters=40)


@cache
def town() -> Scenario:
    """Only looked at."""
    return build(6, SIZE)


@cache
def healthy() -> Scenario:
    return build(6, SIZE, with_mistakes=False)


def visits(made: Scenario) -> list[EncounterRow]:
    """Those that get through."""
    kinds = {visit.name for visit in forms.VISITS}
    return [row for row in made.avni.encounters.values() if row.kind in kinds and row.encounter_ms and not row.voided]


def tops(made: Scenario, encounter: Encounter) -> list[Obs]:
    return [row for row in made.bahmni.obs_of(encounter.uuid) if row.group is None and not row.voided]


def forms_in(made: Scenario, encounter: Encounter) -> list[str]:
    """Names of the mapped forms that stand in an encounter."""
    names = [made.bahmni.concepts[row.concept].name for row in tops(made, encounter)]
    return [name for name in names if name in {form.name for form in forms.HOSPITAL_FORMS}]


def in_programme(made: Scenario, encounter: Encounter) -> bool:
    return made.bahmni.patients[encounter.patient].identifiers[0].identifier.startswith(design.PREFIX)


def test_as_many_encounters_get_through_as_asked_for() -> None:
    made = healthy()
    assert len(visits(made)) == 40
    rows = made.bahmni.encounters.values()
    assert sum(bool(forms_in(made, row)) and in_programme(made, row) and not row.voided for row in rows) == 40


def test_without_a_size_there_are_none() -> None:
    made = build(6, Size(subjects=3, known=2))
    assert not made.avni.encounters
    assert not made.waiting
    assert {one.stream for one in made.planted} == {"subject", "patient"}


def test_encounters_need_somebody_who_gets_through() -> None:
    for size in ({"subjects": 0, "known": 0, "general_encounters": 1}, {"subjects": 1, "known": 0, "encounters": 1}):
        with pytest.raises(ValueError, match="gets through"):
            Size(**size)


def test_the_same_seed_gives_the_same_encounters() -> None:
    one, other = town(), build(6, SIZE)
    assert one.avni.dump() == other.avni.dump()
    assert (one.planted, one.waiting) == (other.planted, other.waiting)
    assert list(one.bahmni.encounters) == list(other.bahmni.encounters)
    told = [Counter((row.concept, row.value) for row in made.bahmni.obs.values()) for made in (one, other)]
    assert told[0] == told[1]


def test_names_are_used_once() -> None:
    made = town()
    in_avni = [concept.name for concept in made.avni.organisation("demo").concepts.values()]
    in_bahmni = [concept.name for concept in made.bahmni.concepts.values()]
    assert len(set(in_avni)) == len(in_avni)
    assert len(set(in_bahmni)) == len(in_bahmni)


def test_the_field_team_asks_questions_of_every_kind() -> None:
    asked = {name for row in visits(town()) for name in row.observations}
    concepts = town().avni.organisation("demo").concepts
    assert {concepts[uuid].data_type for uuid in asked} >= {
        "Coded", "Numeric", "Text", "Notes", "Date", "DateTime", "Time", "Duration", "Id", "Image", "PhoneNumber",
        "QuestionGroup",
    }  # fmt: skip
    assert len([uuid for uuid in asked if uuid in town().pairs.questions]) >= 12


def test_answers_are_lists_blanks_noughts_ignored_and_unmapped() -> None:
    made = town()
    values = [(uuid, value) for row in visits(made) for uuid, value in row.observations.items()]
    assert any(isinstance(value, list) and len(value) > 1 for _, value in values)
    assert any(isinstance(value, str) and not value.strip() for _, value in values)
    assert any(value == 0 for _, value in values)
    assert {uuid for uuid, _ in values} & made.pairs.ignored_in_avni
    assert any(made.pairs.ignored_in_avni & set(value) for _, value in values if isinstance(value, list))
    assert any(uuid not in made.pairs.questions for uuid, _ in values)


def test_some_visits_were_planned_cancelled_voided_or_of_a_type_nobody_mapped() -> None:
    rows = list(town().avni.encounters.values())
    assert any(row.encounter_ms is None and row.earliest_ms and row.cancel_ms is None for row in rows)
    assert any(row.encounter_ms is None and row.cancel_ms and row.cancel_observations for row in rows)
    assert any(row.voided for row in rows)
    assert any(row.kind == forms.UNMAPPED_VISIT.name for row in rows)


def test_some_visits_are_dated_before_the_registration_and_some_late_in_the_day() -> None:
    made = town()
    moments = [(from_ms(row.encounter_ms or 0), made.avni.subjects[row.subject]) for row in visits(made)]
    days = [(moment.astimezone(IST).date().isoformat(), subject.registration_date or "") for moment, subject in moments]
    assert any(day < registered for day, registered in days)
    assert any(day > registered for day, registered in days)
    assert any(moment.date() != moment.astimezone(IST).date() for moment, _ in moments)


def test_the_hospital_fills_in_one_form_two_or_one_twice_and_others_beside() -> None:
    made = town()
    rows = [row for row in made.bahmni.encounters.values() if not row.voided and in_programme(made, row)]
    found = [forms_in(made, row) for row in rows]
    assert sum(len(set(names)) == 2 for names in found) >= 40 // 3 - 4
    assert any(len(names) != len(set(names)) for names in found)
    assert any(names and len(tops(made, row)) > len(names) for row, names in zip(rows, found, strict=True))
    assert {name for names in found for name in names} == {form.name for form in forms.HOSPITAL_FORMS}


def test_some_forms_stay_voided_taken_out_unmapped_or_of_somebody_outside() -> None:
    made = town()
    rows = [row for row in made.bahmni.encounters.values() if made.bahmni.obs_of(row.uuid)]
    unmapped = hospital_concept(made.ids, forms.UNMAPPED_HOSPITAL_FORM.name)
    assert any(row.voided for row in rows)
    assert any(not row.voided and not tops(made, row) for row in rows)
    assert any([top.concept for top in tops(made, row)] == [unmapped] for row in rows)
    assert any(forms_in(made, row) and not in_programme(made, row) for row in rows)


def test_forms_are_nested_and_hold_values_of_every_kind() -> None:
    made = town()
    rows = {row.uuid: row for row in made.bahmni.obs.values() if not row.voided}
    assert any(row.group and rows[row.group].group and rows[rows[row.group].group or ""].group for row in rows.values())
    kinds = {made.bahmni.concepts[row.concept].datatype for row in rows.values() if row.value is not None}
    assert kinds >= {"Coded", "Numeric", "Text", "Date", "Datetime", "Boolean"}
    assert {row.value for row in rows.values()} & made.pairs.ignored_in_bahmni
    assert {row.concept for row in rows.values()} & made.pairs.ignored_in_bahmni


def test_each_encounter_of_the_hospital_has_an_event_and_a_corrected_one_two() -> None:
    made = town()
    events = Counter(
        event.content.rpartition("/")[2].partition("?")[0]
        for event in (*made.bahmni.feeds.rows, *made.bahmni.feeds.queue)
        if event.category == "Encounter" and event.content
    )
    assert set(events) == set(made.bahmni.encounters)
    assert max(events.values()) == 2


def test_each_planted_encounter_is_of_its_own_kind_and_belongs_to_somebody_who_gets_through() -> None:
    made = town()
    stuck = {one.source_id for one in made.planted if one.stream in ("subject", "patient")}
    of_encounters = [one for one in made.planted if one.stream in ("general-encounter", "encounter")]
    assert len({(one.stream, one.message) for one in made.planted}) == len(made.planted)
    assert len({one.person for one in of_encounters}) == len(of_encounters) == 10
    for one in of_encounters:
        if one.stream == "encounter":
            assert made.bahmni.encounters[one.source_id].patient not in stuck
        else:
            assert made.avni.encounters[one.source_id].subject not in stuck


def test_somebody_in_error_has_an_encounter_that_waits() -> None:
    made = town()
    owners = {
        **{uuid: row.subject for uuid, row in made.avni.encounters.items()},
        **{uuid: row.patient for uuid, row in made.bahmni.encounters.items()},
    }
    assert all(owners[one.source_id] == one.waits_for for one in made.waiting)
    stuck = {one.source_id for one in made.planted if one.stream in ("subject", "patient")}
    assert stuck < {one.waits_for for one in made.waiting}


def test_what_mends_a_planted_encounter_exists_on_both_sides() -> None:
    made = town()
    organisation = made.avni.organisation("demo")
    for one in made.planted:
        if one.mend:
            assert one.mend.int_system_value in {**made.bahmni.concepts, **made.bahmni.encounter_types}
            names = {concept.name for concept in organisation.concepts.values()} | set(organisation.encounter_types)
            assert one.mend.avni_value in names


@pytest.mark.django_db
def test_the_tenant_that_joins_both_holds_every_mapping_and_what_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNT_PASSWORD", town().password)
    told = town().declaration(avni_url="http://localhost", bahmni_url="http://localhost", secret="env:ACCOUNT_PASSWORD")
    tenant = declaration.apply(declaration.read(json.dumps(told)), SYSTEM).tenant
    with tenant_scope(tenant):
        declared = sum(len(rows) for kinds in told["mappings"].values() for rows in kinds.values())
        assert Mapping.objects.count() == declared
        assert IgnoredConcept.objects.count() == 4
