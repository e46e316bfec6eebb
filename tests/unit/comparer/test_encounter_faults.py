"""Ways in which a service could get encounters wrong, each brought about by hand: none may pass unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from simulators.avni.rows import EncounterRow
from simulators.avni.times import IST, from_ms
from simulators.bahmni import catalogue, encounters
from simulators.bahmni.model import Encounter, Obs
from simulators.bahmni.state import FALSE_CONCEPT, TRUE_CONCEPT
from simulators.comparer import compare
from simulators.scenario import Scenario, Size, forms
from simulators.scenario.correspondence import hospital_concept
from tests.unit.comparer.by_hand import Case, bring_to_avni, bring_to_bahmni, concept, register_in_bahmni

Fault = Callable[[Scenario], object]

VITALS, HISTORY, DISCHARGE = forms.HOSPITAL_FORMS
A_DAY = 86_400_000
VISITS = 16
"""So many get through, and as many forms in the hospital: the fewest with which each kind is among them."""


@pytest.fixture
def case() -> Case:
    return Case(seed=4, size=Size(subjects=8, known=4, outside=2, general_encounters=VISITS, encounters=VISITS))


def test_a_faultless_hand_over_has_no_findings(case: Case) -> None:
    assert case.findings() == []


def test_nothing_handed_over_is_all_missing(case: Case) -> None:
    found = compare(case.before, case.before.avni, case.before.bahmni, case.made)
    kinds = [finding.kind for finding in found]
    assert kinds.count("general-missing") == VISITS
    assert len({finding.who for finding in found if finding.kind == "part-missing"}) == VISITS


def test_a_mended_encounter_is_expected_once_it_counts_as_mended(case: Case) -> None:
    stuck = {planted.source_id for planted in case.made.planted}
    for stream, kind in (("general-encounter", "general-missing"), ("encounter", "part-missing")):
        mended = next(one.source_id for one in case.made.planted if one.stream == stream)
        found = compare(
            case.before, case.made.avni.dump(), case.made.bahmni.dump(), case.made, in_error=stuck - {mended}
        )
        assert [finding.kind for finding in found] == [kind]


def test_what_waited_for_a_mended_subject_is_expected_with_it(case: Case) -> None:
    waiting = case.made.waiting[0]
    stuck = {planted.source_id for planted in case.made.planted} - {waiting.waits_for}
    found = compare(case.before, case.made.avni.dump(), case.made.bahmni.dump(), case.made, in_error=stuck)
    assert {"patient-missing", "encounter-missing", "general-missing"} == {finding.kind for finding in found}


# -- what the faults get hold of in Bahmni ----------------------------------------------------------------------------


def visits(made: Scenario) -> list[EncounterRow]:
    """Visits that got through."""
    return [made.avni.encounters[made.ids("avni", "encounter", f"visit {place}")] for place in range(VISITS)]


def that_stays(made: Scenario, kind: Callable[[EncounterRow], bool]) -> EncounterRow:
    """A visit that must not get through."""
    return next(row for row in made.avni.encounters.values() if "(Hospital)" not in row.kind and kind(row))


def speaks_for(made: Scenario, record: str) -> Encounter:
    """The encounter in Bahmni that carries the marker of a record."""
    marker = made.pairs.hospital.marker
    found = next(row for row in made.bahmni.obs.values() if row.concept == marker and row.value == record)
    return made.bahmni.encounters[found.encounter or ""]


def brought(made: Scenario, place: int = 0) -> Encounter:
    """The encounter in Bahmni that speaks for a visit."""
    return speaks_for(made, visits(made)[place].uuid)


def form_group(made: Scenario, place: int = 0) -> Obs:
    """Its form group."""
    return next(row for row in made.bahmni.obs_of(brought(made, place).uuid) if row.group is None)


def answer(made: Scenario, question: str) -> Obs:
    """An observation of ours in the encounter of a visit."""
    of_visits = {brought(made, place).uuid for place in range(VISITS)}
    asked = concept(made, question)
    return next(row for row in made.bahmni.obs.values() if row.concept == asked and row.encounter in of_visits)


def slip_in(made: Scenario, beside: Obs, **columns: Any) -> None:
    """Another observation of ours beside one."""
    made.bahmni.insert_obs(replace(beside, uuid="slipped in", **columns))


# -- in Bahmni --------------------------------------------------------------------------------------------------------


def never_written(made: Scenario) -> None:
    gone = brought(made).uuid
    for row in list(made.bahmni.obs_of(gone)):
        del made.bahmni.obs[row.uuid]
    del made.bahmni.encounters[gone]


def written_twice(made: Scenario) -> None:
    bring_to_bahmni(made, visits(made)[0])


def voided_by_mistake(made: Scenario) -> None:
    encounters.void_encounter(made.bahmni, brought(made), "by mistake")


def a_voided_one(made: Scenario) -> None:
    bring_to_bahmni(made, that_stays(made, lambda row: row.voided))


def one_voided_since(made: Scenario) -> None:
    made.avni.save(replace(visits(made)[0], voided=True))


def a_planned_one(made: Scenario) -> None:
    row = that_stays(made, lambda row: row.encounter_ms is None and row.cancel_ms is None)
    bring_to_bahmni(made, replace(row, encounter_ms=row.earliest_ms))


def a_cancelled_one(made: Scenario) -> None:
    row = that_stays(made, lambda row: row.cancel_ms is not None)
    bring_to_bahmni(made, replace(row, encounter_ms=row.cancel_ms))


def one_of_an_unmapped_type(made: Scenario) -> None:
    row = that_stays(made, lambda row: row.kind == forms.UNMAPPED_VISIT.name)
    bring_to_bahmni(made, replace(row, kind=forms.VISITS[0].name))


def one_in_error(made: Scenario) -> None:
    planted = next(one for one in made.planted if one.stream == "general-encounter")
    bring_to_bahmni(made, made.avni.encounters[planted.source_id])


def one_of_a_subject_in_error(made: Scenario) -> None:
    waiting = made.waiting[0]
    register_in_bahmni(made, made.avni.subjects[waiting.waits_for])
    bring_to_bahmni(made, made.avni.encounters[waiting.source_id])


def one_of_a_voided_subject(made: Scenario) -> None:
    waiting = next(one for one in made.waiting if made.avni.subjects[one.waits_for].voided)
    register_in_bahmni(made, made.avni.subjects[waiting.waits_for])
    bring_to_bahmni(made, made.avni.encounters[waiting.source_id])


def one_that_came_from_bahmni(made: Scenario) -> None:
    row = next(row for row in made.avni.encounters.values() if row.kind == VITALS.in_avni)
    bring_to_bahmni(made, replace(row, kind=forms.VISITS[0].name, observations={}))


def at_another_patient(made: Scenario) -> None:
    there = brought(made)
    there.patient = next(uuid for uuid in made.bahmni.patients if uuid != there.patient)


def under_another_type(made: Scenario) -> None:
    brought(made, 0).type = brought(made, 1).type


def under_another_form(made: Scenario) -> None:
    form_group(made, 0).concept = form_group(made, 1).concept


def an_answer_outside_the_form(made: Scenario) -> None:
    answer(made, "Symptoms").group = None


def two_groups_of_the_form(made: Scenario) -> None:
    slip_in(made, form_group(made))


def in_no_visit(made: Scenario) -> None:
    brought(made).visit = None


def in_a_visit_of_the_hospital(made: Scenario) -> None:
    theirs = next(row for row in made.bahmni.visits.values() if row.type == catalogue.OPD)
    ours = (brought(made, place) for place in range(VISITS))
    next(there for there in ours if there.patient == theirs.patient).visit = theirs.uuid


def before_its_visit(made: Scenario) -> None:
    there = brought(made)
    there.moment = there.moment.replace(year=there.moment.year - 1)


def a_day_late(made: Scenario) -> None:
    brought(made).moment += timedelta(days=1)


def before_registration_on_its_own_day(made: Scenario) -> None:
    """The visit it stands in had to begin earlier for that."""
    early = visits(made)[7]
    there = speaks_for(made, early.uuid)
    there.moment = from_ms(early.encounter_ms or 0)


def another_event_date(made: Scenario) -> None:
    uuid = brought(made).uuid
    row = next(row for row in made.bahmni.obs_of(uuid) if row.concept == made.pairs.hospital.event_date)
    row.value = "2019-01-01"


def the_day_of_greenwich(made: Scenario) -> None:
    for visit in visits(made):
        moment = from_ms(visit.encounter_ms or 0)
        if moment.date() != moment.astimezone(IST).date():
            rows = made.bahmni.obs_of(speaks_for(made, visit.uuid).uuid)
            next(row for row in rows if row.concept == made.pairs.hospital.event_date).value = moment.date().isoformat()
            return
    raise AssertionError("no visit so late in the day")


def one_symptom_lost(made: Scenario) -> None:
    answer(made, "Symptoms").voided = True


def another_reason(made: Scenario) -> None:
    row = answer(made, "Reason for the visit")
    others = [concept(made, name) for name in ("Illness", "Follow-up")]
    row.value = next(uuid for uuid in others if uuid != row.value)


def an_ignored_answer(made: Scenario) -> None:
    slip_in(made, answer(made, "Symptoms"), value=concept(made, forms.IGNORED_ANSWERS[0]))


def an_ignored_question(made: Scenario) -> None:
    asked = concept(made, forms.IGNORED_QUESTIONS[0])
    slip_in(made, answer(made, "Symptoms"), concept=asked, value=concept(made, "Wish of the family"))


def an_unmapped_question(made: Scenario) -> None:
    made.bahmni.add_concept("For the supervisor only [Avni]", "Text", uuid="unmapped")
    slip_in(made, answer(made, "Symptoms"), concept="unmapped", value="not for the hospital")


def a_number_rounded(made: Scenario) -> None:
    row = answer(made, "Body temperature")
    row.value = float(row.value or 0) + 0.1


def nought_lost(made: Scenario) -> None:
    asked = concept(made, "Children under five")
    next(row for row in made.bahmni.obs.values() if row.concept == asked and row.value == 0.0).voided = True


def an_hour_later(made: Scenario) -> None:
    row = answer(made, "Medicine taken at")
    row.value = (datetime.fromisoformat(str(row.value)) + timedelta(hours=1)).isoformat()


def greenwich_for_the_hospitals_zone(made: Scenario) -> None:
    row = answer(made, "Medicine taken at")
    row.value = (datetime.fromisoformat(str(row.value)) - timedelta(hours=5, minutes=30)).isoformat()


def another_time_of_day(made: Scenario) -> None:
    row = answer(made, "Time of the examination")
    row.value = "00:00" if row.value != "00:00" else "00:01"


def a_dose_a_day_early(made: Scenario) -> None:
    row = answer(made, "Date of the last dose")
    row.value = (datetime.fromisoformat(str(row.value)) - timedelta(days=1)).date().isoformat()


def advice_trimmed(made: Scenario) -> None:
    asked = concept(made, "Advice given")
    rows = (row for row in made.bahmni.obs.values() if row.concept == asked)
    row = next(row for row in rows if str(row.value) != str(row.value).strip())
    row.value = str(row.value).strip()


def blanks_sent(made: Scenario) -> None:
    asked = concept(made, "Number of the receipt")
    of_visit = next(place for place in range(VISITS) if asked not in {row.concept for row in rows_of(made, place)})
    slip_in(made, form_group(made, of_visit), concept=asked, value="   ", group=form_group(made, of_visit).uuid)


def rows_of(made: Scenario, place: int) -> list[Obs]:
    """All observations of the encounter that speaks for a visit."""
    return made.bahmni.obs_of(brought(made, place).uuid)


def by_nobody(made: Scenario) -> None:
    brought(made).providers.clear()


def elsewhere(made: Scenario) -> None:
    brought(made).location = catalogue.OPD_1


def without_its_marker(made: Scenario) -> None:
    for row in rows_of(made, 0):
        if row.concept == made.pairs.hospital.marker:
            row.voided = True


def for_nobody(made: Scenario) -> None:
    there = brought(made)
    body = {"patient": there.patient, "encounterType": catalogue.CONSULTATION}
    encounters.create_encounter(made.bahmni.as_user(made.pairs.hospital.user), body)


def an_answer_among_theirs(made: Scenario) -> None:
    theirs = made.bahmni.encounters[made.ids("bahmni", "encounter", "encounter 0")]
    slip_in(made, answer(made, "Symptoms"), encounter=theirs.uuid)


def a_form_of_theirs_altered(made: Scenario) -> None:
    theirs = made.ids("bahmni", "encounter", "encounter 0")
    next(row for row in made.bahmni.obs_of(theirs) if row.value is not None).comment = "altered"


IN_BAHMNI: list[tuple[Fault, str]] = [
    (never_written, "general-missing"),
    (written_twice, "general-doubled"),
    (voided_by_mistake, "general-voided"),
    (a_voided_one, "general-unwanted"),
    (one_voided_since, "general-unwanted"),
    (a_planned_one, "general-unwanted"),
    (a_cancelled_one, "general-unwanted"),
    (one_of_an_unmapped_type, "general-unwanted"),
    (one_in_error, "general-unwanted"),
    (one_of_a_subject_in_error, "general-unwanted"),
    (one_of_a_voided_subject, "general-unwanted"),
    (one_that_came_from_bahmni, "general-unwanted"),
    (at_another_patient, "wrong-patient"),
    (under_another_type, "type-wrong"),
    (under_another_form, "form-wrong"),
    (an_answer_outside_the_form, "form-wrong"),
    (two_groups_of_the_form, "form-wrong"),
    (in_no_visit, "visit-wrong"),
    (in_a_visit_of_the_hospital, "visit-wrong"),
    (before_its_visit, "outside-visit"),
    (a_day_late, "date-wrong"),
    (before_registration_on_its_own_day, "outside-visit"),
    (another_event_date, "value-wrong"),
    (the_day_of_greenwich, "value-wrong"),
    (one_symptom_lost, "value-missing"),
    (another_reason, "value-wrong"),
    (an_ignored_answer, "value-extra"),
    (an_ignored_question, "value-extra"),
    (an_unmapped_question, "value-extra"),
    (a_number_rounded, "value-wrong"),
    (nought_lost, "value-missing"),
    (an_hour_later, "value-wrong"),
    (greenwich_for_the_hospitals_zone, "value-wrong"),
    (another_time_of_day, "value-wrong"),
    (a_dose_a_day_early, "value-wrong"),
    (advice_trimmed, "value-wrong"),
    (blanks_sent, "value-extra"),
    (by_nobody, "provider-wrong"),
    (elsewhere, "location-wrong"),
    (without_its_marker, "encounter-stray"),
    (for_nobody, "encounter-stray"),
    (an_answer_among_theirs, "value-stray"),
    (a_form_of_theirs_altered, "foreign-changed"),
]


# -- what the faults get hold of in Avni ------------------------------------------------------------------------------


def consultation(made: Scenario, key: str) -> Encounter:
    """An encounter of the hospital's own, by the key it was entered under."""
    return made.bahmni.encounters[made.ids("bahmni", "encounter", key)]


def parts(made: Scenario, kind: str) -> list[EncounterRow]:
    """What stands for forms in Avni, by type."""
    return [row for row in made.avni.encounters.values() if row.kind == kind]


def part(made: Scenario, question: str) -> tuple[EncounterRow, str]:
    """An encounter in Avni that stands for a form with an answer to the question, and the question's uuid."""
    uuid = made.ids("avni", "concept", f"{question} [H]")
    return next(row for row in made.avni.encounters.values() if uuid in row.observations), uuid


def with_two_vitals(made: Scenario) -> list[EncounterRow]:
    """Both encounters in Avni of a consultation in which one form was filled in twice."""
    for row in parts(made, VITALS.in_avni):
        marker = row.observations[made.pairs.avni_marker]
        both = [one for one in parts(made, VITALS.in_avni) if one.observations[made.pairs.avni_marker] == marker]
        if len(both) == 2:
            return both
    raise AssertionError("no form was filled in twice")


def with_a_list(made: Scenario, question: str) -> tuple[EncounterRow, str]:
    """As `part`, with several answers."""
    uuid = made.ids("avni", "concept", f"{question} [H]")
    rows = (row for row in made.avni.encounters.values() if len(row.observations.get(uuid, ())) > 1)
    return next(rows), uuid


def said(made: Scenario, row: EncounterRow, uuid: str, value: Any) -> None:
    """Let an encounter in Avni say something else; None takes it out."""
    observations = {**row.observations, uuid: value}
    made.avni.save(replace(row, observations={k: v for k, v in observations.items() if v is not None}))


def write(made: Scenario, consultation: Encounter, **columns: Any) -> None:
    """Bring a consultation to Avni, that should not be, as the subject of somebody."""
    patient = next(
        row for row in made.bahmni.encounters.values() if row.type == made.pairs.hospital.encounter_type
    ).patient
    bring_to_avni(made, replace(consultation, patient=patient, **columns))


def stands_for(made: Scenario, record: str, kind: str) -> None:
    """An encounter in Avni that claims to stand for a record of Bahmni."""
    made.avni.put_encounter(
        encounter_type=kind, subject=visits(made)[0].subject, by=made.pairs.avni_user,
        observations={"Bahmni Entity UUID [Bahmni]": record},
    )  # fmt: skip


# -- in Avni ----------------------------------------------------------------------------------------------------------


def form_never_written(made: Scenario) -> None:
    made.avni.erase(parts(made, HISTORY.in_avni)[0].uuid)


def form_written_twice(made: Scenario) -> None:
    bring_to_avni(made, consultation(made, "encounter 0"))


def form_voided(made: Scenario) -> None:
    made.avni.void_encounter(parts(made, HISTORY.in_avni)[0].uuid, by=made.pairs.avni_user)


def form_of_a_voided_encounter(made: Scenario) -> None:
    stands_for(made, consultation(made, "stays 0").uuid, HISTORY.in_avni)


def form_voided_since(made: Scenario) -> None:
    encounters.void_encounter(made.bahmni, consultation(made, "encounter 0"), "entered twice")


def form_without_a_mapping(made: Scenario) -> None:
    stands_for(made, consultation(made, "stays 1").uuid, VITALS.in_avni)


def form_taken_out(made: Scenario) -> None:
    stands_for(made, consultation(made, "stays 2").uuid, DISCHARGE.in_avni)


def form_of_somebody_outside(made: Scenario) -> None:
    write(made, consultation(made, "stranger 0"))


def form_in_error(made: Scenario) -> None:
    planted = next(one for one in made.planted if one.stream == "encounter")
    stands_for(made, planted.source_id, HISTORY.in_avni)


def form_of_a_patient_in_error(made: Scenario) -> None:
    waiting = next(one for one in made.waiting if one.stream == "encounter")
    write(made, made.bahmni.encounters[waiting.source_id])


def one_of_ours_brought_back(made: Scenario) -> None:
    stands_for(made, brought(made).uuid, VITALS.in_avni)


def at_another_subject(made: Scenario) -> None:
    row = parts(made, VITALS.in_avni)[0]
    made.avni.save(replace(row, subject=next(uuid for uuid in made.avni.subjects if uuid != row.subject)))


def of_another_type(made: Scenario) -> None:
    row = next(iter(alone(made)))
    made.avni.save(replace(row, kind=DISCHARGE.in_avni if row.kind != DISCHARGE.in_avni else VITALS.in_avni))


def alone(made: Scenario) -> Iterator[EncounterRow]:
    """Encounters in Avni that alone stand for their consultation."""
    marker = made.pairs.avni_marker
    rows = [row for row in made.avni.encounters.values() if row.kind in made.pairs.forms.values()]
    markers = [row.observations[marker] for row in rows]
    return (row for row in rows if markers.count(row.observations[marker]) == 1)


def second_time_never_written(made: Scenario) -> None:
    made.avni.erase(with_two_vitals(made)[1].uuid)


def second_time_as_the_first(made: Scenario) -> None:
    first, second = with_two_vitals(made)
    made.avni.save(replace(second, observations=first.observations))


def two_forms_in_one(made: Scenario) -> None:
    first, second = with_two_vitals(made)
    made.avni.save(replace(first, observations={**second.observations, **first.observations}))
    made.avni.erase(second.uuid)


def a_day_off(made: Scenario) -> None:
    row = parts(made, VITALS.in_avni)[0]
    made.avni.save(replace(row, encounter_ms=(row.encounter_ms or 0) + A_DAY))


def by_the_clock_of_greenwich(made: Scenario) -> None:
    row = parts(made, VITALS.in_avni)[0]
    made.avni.save(replace(row, encounter_ms=(row.encounter_ms or 0) + 19_800_000))


def only_the_last_answer(made: Scenario) -> None:
    row, uuid = with_a_list(made, "Breath sounds")
    said(made, row, uuid, row.observations[uuid][-1])


def an_answer_the_hospital_ignores(made: Scenario) -> None:
    row, uuid = part(made, "Abnormal signs")
    said(made, row, uuid, [*row.observations[uuid], made.ids("avni", "concept", "Not recorded [H]")])


def a_question_the_hospital_ignores(made: Scenario) -> None:
    said(made, parts(made, VITALS.in_avni)[0], made.ids("avni", "concept", "Ward [H]"), "7")


def a_question_nobody_mapped(made: Scenario) -> None:
    said(made, parts(made, VITALS.in_avni)[0], made.ids("avni", "concept", "Bed the patient prefers [H]"), "window")


def an_answer_lost(made: Scenario) -> None:
    said(made, *part(made, "Diastolic"), None)


def another_number(made: Scenario) -> None:
    row, uuid = part(made, "Chest in cm")
    said(made, row, uuid, row.observations[uuid] + 1)


def the_pulse_before_it_was_corrected(made: Scenario) -> None:
    uuid = made.ids("avni", "concept", "Pulse rate [H]")
    said(made, next(row for row in parts(made, VITALS.in_avni) if row.observations.get(uuid) == 72), uuid, 70)


def illness_began_a_day_early(made: Scenario) -> None:
    row, uuid = part(made, "Illness began on")
    earlier = datetime.fromisoformat(row.observations[uuid]) - timedelta(days=1)
    said(made, row, uuid, earlier.isoformat())


def to_be_seen_an_hour_late(made: Scenario) -> None:
    row, uuid = part(made, "To be seen again at")
    said(made, row, uuid, (datetime.fromisoformat(row.observations[uuid]) + timedelta(hours=1)).isoformat())


def yes_for_no(made: Scenario) -> None:
    row, uuid = part(made, "Uses tobacco")
    yes, no = (made.pairs.hospital_answers[concept] for concept in (TRUE_CONCEPT, FALSE_CONCEPT))
    said(made, row, uuid, no if row.observations[uuid] == yes else yes)


def words_cut_short(made: Scenario) -> None:
    row, uuid = part(made, "History of the illness")
    said(made, row, uuid, row.observations[uuid][:4])


def marker_lost(made: Scenario) -> None:
    said(made, parts(made, VITALS.in_avni)[0], made.pairs.avni_marker, None)


def marker_of_another(made: Scenario) -> None:
    first, other = list(alone(made))[:2]
    said(made, first, made.pairs.avni_marker, other.observations[made.pairs.avni_marker])


def cancelled(made: Scenario) -> None:
    row = parts(made, VITALS.in_avni)[0]
    made.avni.save(replace(row, cancel_ms=row.encounter_ms))


def a_visit_of_the_field_team_altered(made: Scenario) -> None:
    made.avni.save(replace(visits(made)[0], max_ms=1))


def a_question_of_the_hospital_renamed(made: Scenario) -> None:
    made.bahmni.concepts[hospital_concept(made.ids, "Pulse rate")].name = "Heart rate"


IN_AVNI: list[tuple[Fault, str]] = [
    (form_never_written, "part-missing"),
    (form_written_twice, "part-doubled"),
    (form_voided, "part-voided"),
    (form_of_a_voided_encounter, "part-unwanted"),
    (form_voided_since, "part-unwanted"),
    (form_without_a_mapping, "part-unwanted"),
    (form_taken_out, "part-unwanted"),
    (form_of_somebody_outside, "part-unwanted"),
    (form_in_error, "part-unwanted"),
    (form_of_a_patient_in_error, "part-unwanted"),
    (one_of_ours_brought_back, "part-unwanted"),
    (at_another_subject, "wrong-subject"),
    (of_another_type, "type-wrong"),
    (second_time_never_written, "part-missing"),
    (second_time_as_the_first, "value-wrong"),
    (two_forms_in_one, "part-missing"),
    (a_day_off, "date-wrong"),
    (by_the_clock_of_greenwich, "date-wrong"),
    (only_the_last_answer, "value-missing"),
    (an_answer_the_hospital_ignores, "value-extra"),
    (a_question_the_hospital_ignores, "value-extra"),
    (a_question_nobody_mapped, "value-extra"),
    (an_answer_lost, "value-missing"),
    (another_number, "value-wrong"),
    (the_pulse_before_it_was_corrected, "value-wrong"),
    (illness_began_a_day_early, "value-wrong"),
    (to_be_seen_an_hour_late, "value-wrong"),
    (yes_for_no, "value-wrong"),
    (words_cut_short, "value-wrong"),
    (marker_lost, "encounter-stray"),
    (marker_of_another, "part-missing"),
    (cancelled, "cancelled"),
    (a_visit_of_the_field_team_altered, "foreign-changed"),
    (a_question_of_the_hospital_renamed, "foreign-changed"),
]


@pytest.mark.parametrize(("fault", "kind"), IN_BAHMNI + IN_AVNI, ids=lambda value: getattr(value, "__name__", ""))
def test_a_fault_is_flagged(case: Case, fault: Fault, kind: str) -> None:
    fault(case.made)
    assert kind in {finding.kind for finding in case.findings()}
