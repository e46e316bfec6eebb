from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bahmni.bahmni_to_avni.encounter import wanted
from bahmni.bahmni_to_avni.encounter_plan import VOIDED, Found, Policy, external_id, plan, questions
from common.outcome import Outcome
from engine.ports import Known, Plan, Want
from engine.verdicts import Hold
from tests.chaos.forms import concept, encounter, forms_snapshot, group, leaf
from tests.chaos.records import MARKER, NAMESPACE, uuid_of

MAPPED = forms_snapshot()
POLICY = Policy(NAMESPACE, questions(MAPPED))
ENCOUNTER = uuid_of("encounter")
VITALS, HISTORY = uuid_of("Vitals"), uuid_of("History")
AGAIN = f"{VITALS}#2"
FIRST = min(VITALS, HISTORY)


def want(*forms: dict[str, Any], **more: Any) -> Want:
    return wanted(encounter(*forms, **more), MAPPED)


def vitals(pulse: float = 72.0) -> dict[str, Any]:
    return group("Vitals", leaf("Pulse", pulse))


def history(*complaints: str) -> dict[str, Any]:
    return group("History", *(leaf("Complaint", concept(name)) for name in complaints))


def there(wish: Want, key: str = VITALS, /, **more: Any) -> dict[str, Any]:
    """The encounter of a part as Avni holds it after it was handed over."""
    (part,) = [part for part in wish.content.parts if part.key == key]
    return {
        "ID": f"avni {key}",
        "External ID": external_id(NAMESPACE, ENCOUNTER, key),
        "Subject ID": "S",
        "Encounter type": part.encounter_type,
        "Encounter date time": wish.content.held_at,
        "Voided": False,
        "observations": {**part.observations, **more.pop("observations", {})},
        **more,
    }


def planned(wish: Want, found: Mapping[str, dict[str, Any] | None], known: Known | None = None) -> Plan:
    return plan(wish, Found("S", {**dict.fromkeys(part.key for part in wish.content.parts), **found}), known, POLICY)


def link(*keys: str, **more: Any) -> Known:
    """A link that remembers these parts."""
    targets = {key: f"avni {key.removeprefix(VOIDED)}" for key in keys}
    usual: dict[str, Any] = {"wanted_fingerprint": "", "left_fingerprint": "", "is_suspect": False}
    return Known("TRI1001", next(iter(targets.values())), "S", targets, outcome=Outcome.CREATED, **{**usual, **more})


def writes(made: Plan) -> list[tuple[str, str]]:
    return [(write.verb, write.id) for write in made.writes]


def test_each_form_of_a_new_encounter_is_created_with_marker_time_and_an_id_of_ours() -> None:
    made = planned(want(vitals(), history("Fever")), {})
    bodies = {write.body["Encounter type"]: write.body for write in made.writes}
    assert bodies["Vitals (Hospital)"] == {
        "External ID": external_id(NAMESPACE, ENCOUNTER, VITALS),
        "Subject ID": "S",
        "Encounter type": "Vitals (Hospital)",
        "Encounter date time": "2026-11-20T05:00:00.000Z",
        "observations": {MARKER: ENCOUNTER, "Pulse (Hospital)": 72},
        "cancelObservations": {},
        "Voided": False,
    }
    assert bodies["History (Hospital)"]["External ID"] == external_id(NAMESPACE, ENCOUNTER, HISTORY)
    assert (made.outcome, made.created_by_us, made.target_parent_id) == (Outcome.CREATED, ("encounter",), "S")


def test_the_link_will_name_every_part_and_the_first_one_as_target() -> None:
    made = planned(want(vitals(), history("Fever"), vitals(96.0)), {})
    chosen = {key: external_id(NAMESPACE, ENCOUNTER, key) for key in (VITALS, HISTORY, AGAIN)}
    assert made.other_targets == chosen
    assert made.target_id == chosen[FIRST]


def test_forms_filled_in_ten_times_stay_in_their_order() -> None:
    made = planned(want(*(vitals(float(pulse)) for pulse in range(60, 71))), {})
    assert [write.body["observations"]["Pulse (Hospital)"] for write in made.writes] == list(range(60, 71))


def test_what_agrees_needs_no_write() -> None:
    record = encounter(
        group(
            "History",
            leaf("Complaint", concept("Fever")),
            leaf("Complaint", concept("Cough")),
            leaf("Onset", "2026-11-02"),
        )
    )
    wish = wanted(record, MAPPED)
    shown = {"Complaint (Hospital)": ["Fever", "Cough"], "Onset (Hospital)": "2026-11-02"}
    made = planned(wish, {HISTORY: there(wish, HISTORY, observations=shown)}, link(HISTORY))
    assert (made.writes, made.outcome) == ((), Outcome.UNCHANGED)


def test_one_answer_in_a_list_is_that_answer() -> None:
    wish = want(history("Fever"))
    assert planned(wish, {HISTORY: there(wish, HISTORY, observations={"Complaint (Hospital)": ["Fever"]})}).writes == ()


def test_an_update_carries_what_differs_and_null_for_what_is_gone_and_leaves_the_field_teams_answers() -> None:
    before = want(group("Vitals", leaf("Pulse", 72.0), leaf("Advice", "rest")))
    found = there(before, observations={"Remark": "by hand"})
    (update,) = planned(want(vitals(96.0)), {VITALS: found}, link(VITALS)).writes
    assert update.body == {"observations": {"Pulse (Hospital)": 96, "Advice (Hospital)": None}}


def test_an_answer_to_an_ignored_question_is_left_as_it_stands() -> None:
    found = there(want(group("Vitals", leaf("Pulse", 72.0), leaf("Advice", "rest"))))
    policy = Policy(NAMESPACE, questions(forms_snapshot(ignored=["Advice"])))
    assert plan(want(vitals()), Found("S", {VITALS: found}), link(VITALS), policy).writes == ()


def test_a_changed_time_is_corrected() -> None:
    wish = want(vitals())
    found = there(wish, **{"Encounter date time": "2026-11-19T05:00:00.000Z"})
    (update,) = planned(wish, {VITALS: found}, link(VITALS)).writes
    assert update.body == {"Encounter date time": "2026-11-20T05:00:00.000Z"}


def test_a_form_mapped_anew_changes_the_type_of_its_encounter() -> None:
    wish = want(vitals())
    (update,) = planned(wish, {VITALS: there(wish, **{"Encounter type": "Old"})}, link(VITALS)).writes
    assert update.body == {"Encounter type": "Vitals (Hospital)"}


def test_a_form_taken_out_is_voided_and_the_other_left_alone() -> None:
    before, wish = want(vitals(), history("Fever")), want(vitals())
    found = {VITALS: there(before), HISTORY: there(before, HISTORY)}
    made = planned(wish, found, link(VITALS, HISTORY))
    assert writes(made) == [("void", f"avni {HISTORY}")]
    assert made.outcome is Outcome.UPDATED
    assert made.other_targets == {VITALS: f"avni {VITALS}", VOIDED + HISTORY: f"avni {HISTORY}"}


@pytest.mark.parametrize("ignored", [["Vitals"], []])
def test_a_form_that_does_not_travel_any_more_stays_as_it_is(ignored: list[str]) -> None:
    form = vitals() if ignored else group("Antenatal")
    now = wanted(encounter(form), forms_snapshot(ignored=ignored))
    key = AGAIN if ignored else uuid_of("Antenatal")
    made = planned(now, {}, link(key))
    assert (made.writes, made.outcome, dict(made.other_targets)) == ((), Outcome.UNCHANGED, {key: f"avni {key}"})


def test_beside_a_form_that_stays_one_taken_out_is_voided_and_the_record_counts_as_changed() -> None:
    before = want(vitals(), history("Fever"))
    now = wanted(encounter(vitals()), forms_snapshot(ignored=["Vitals"]))
    made = planned(now, {HISTORY: there(before, HISTORY)}, link(VITALS, HISTORY))
    assert (writes(made), made.outcome) == ([("void", f"avni {HISTORY}")], Outcome.UPDATED)


def test_a_form_added_later_is_created_beside_the_others() -> None:
    wish = want(vitals(), history("Fever"))
    made = planned(wish, {VITALS: there(wish)}, link(VITALS))
    assert writes(made) == [("create", external_id(NAMESPACE, ENCOUNTER, HISTORY))]
    assert made.outcome is Outcome.UPDATED


def test_a_voided_encounter_voids_all_its_parts() -> None:
    before = want(vitals(), history("Fever"))
    found = {VITALS: there(before), HISTORY: there(before, HISTORY)}
    made = planned(want(voided=True), found, link(VITALS, HISTORY))
    assert sorted(writes(made)) == sorted([("void", f"avni {VITALS}"), ("void", f"avni {HISTORY}")])
    assert made.outcome is Outcome.VOIDED
    assert set(made.other_targets) == {VOIDED + VITALS, VOIDED + HISTORY}


def test_what_is_voided_or_gone_already_needs_no_void() -> None:
    before = want(vitals(), history("Fever"))
    found = {VITALS: there(before, Voided=True), HISTORY: None}
    made = planned(want(voided=True), found, link(VOIDED + VITALS, HISTORY))
    assert (made.writes, made.outcome) == ((), Outcome.UNCHANGED)
    assert made.other_targets == {VOIDED + VITALS: f"avni {VITALS}", HISTORY: f"avni {HISTORY}"}


def test_a_part_we_voided_comes_back_with_what_changed_meanwhile() -> None:
    found = there(want(vitals(72.0)), Voided=True)
    made = planned(want(vitals(96.0)), {VITALS: found}, link(VOIDED + VITALS))
    (update,) = made.writes
    assert update.body == {"observations": {"Pulse (Hospital)": 96}, "Voided": False}
    assert made.other_targets == {VITALS: f"avni {VITALS}"}


def test_only_the_part_we_voided_comes_back_by_itself() -> None:
    wish = want(vitals(), history("Fever"))
    found = {VITALS: there(wish, Voided=True), HISTORY: there(wish, HISTORY, Voided=True)}
    with pytest.raises(Hold, match=r"bahmni\.target-voided"):
        planned(wish, found, link(VOIDED + VITALS, HISTORY))


def test_what_a_person_voided_stays_unmarked_when_its_form_goes_too() -> None:
    before = want(vitals(), history("Fever"))
    found = {VITALS: there(before), HISTORY: there(before, HISTORY, Voided=True)}
    made = planned(want(vitals()), found, link(VITALS, HISTORY))
    assert made.other_targets == {VITALS: f"avni {VITALS}", HISTORY: f"avni {HISTORY}"}


@pytest.mark.parametrize(
    ("found", "known", "message"),
    [
        (None, link(VITALS), "bahmni.registration-gone"),
        (there(want(vitals()), observations={MARKER: "somebody else's"}), link(VITALS), "bahmni.registration-gone"),
        (there(want(vitals()), **{"Subject ID": "T"}), link(VITALS), "bahmni.encounter-elsewhere"),
        (there(want(vitals()), **{"Subject ID": "T"}), None, "bahmni.encounter-elsewhere"),
        (there(want(vitals()), Voided=True), link(VITALS), "bahmni.target-voided"),
        (there(want(vitals()), Voided=True), None, "bahmni.target-voided"),
    ],
)
def test_in_doubt_nothing_is_written(found: dict[str, Any] | None, known: Known | None, message: str) -> None:
    with pytest.raises(Hold) as verdict:
        planned(want(vitals(96.0)), {VITALS: found}, known)
    assert verdict.value.message == message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"observations": {MARKER: "somebody else's"}}, "bahmni.registration-gone"),
        ({"Subject ID": "T"}, "bahmni.encounter-elsewhere"),
    ],
)
def test_nothing_is_voided_that_is_not_surely_ours(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(Hold) as verdict:
        planned(want(voided=True), {VITALS: there(want(vitals()), **changed)}, link(VITALS))
    assert verdict.value.message == message


def test_a_record_the_java_service_wrote_is_updated_and_not_called_ours() -> None:
    wish = want(vitals())
    theirs = {**there(wish), "ID": "J", "External ID": None}
    made = planned(wish, {VITALS: theirs})
    assert (made.writes, made.created_by_us, made.other_targets) == ((), (), {VITALS: "J"})


def test_the_same_record_gives_the_same_plan() -> None:
    assert planned(want(vitals(), history("Fever")), {}) == planned(want(vitals(), history("Fever")), {})
