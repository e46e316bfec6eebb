"""What hospital people do, by one function each: what stands there afterwards, and whether the feed tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from simulators.bahmni import Store, catalogue, clinicians
from simulators.bahmni.clinicians import Result, form
from simulators.bahmni.errors import ApiError
from simulators.bahmni.model import Encounter, Obs
from tests.contract.bahmni.support import (
    COMPLAINT,
    COUGH,
    FEVER,
    FORM,
    GROUP,
    HAEMOGLOBIN,
    NOTE,
    PARACETAMOL,
    PARACETAMOL_500,
    PATIENT,
    PREGNANT,
    VISIT,
    WEIGHT,
    Http,
)


@pytest.fixture
def seen(store: Store, visit: str) -> Encounter:
    """A consultation with one form: a weight, two complaints, and a group with a note inside."""
    answers = {WEIGHT: 51.5, COMPLAINT: [FEVER, COUGH], GROUP: {NOTE: "inside"}}
    return clinicians.save_encounter(store, PATIENT, form(FORM, answers))


def row(store: Store, encounter: Encounter, concept: str) -> Obs:
    return next(each for each in store.obs_of(encounter.uuid) if each.concept == concept and not each.voided)


def values(store: Store, encounter: Encounter) -> dict[str, list[Any]]:
    """Answers that count, by concept."""
    found: dict[str, list[Any]] = {}
    for each in store.obs_of(encounter.uuid):
        if not each.voided and each.value is not None:
            found.setdefault(each.concept, []).append(each.value)
    return found


def events(store: Store) -> int:
    return len(store.feeds.of("encounter"))


def test_saved_form_stands_there_with_its_groups(store: Store, seen: Encounter) -> None:
    assert values(store, seen) == {WEIGHT: [51.5], COMPLAINT: [FEVER, COUGH], NOTE: ["inside"]}
    assert row(store, seen, NOTE).group == row(store, seen, GROUP).uuid
    assert row(store, seen, GROUP).group == row(store, seen, FORM).uuid
    assert (seen.visit, seen.providers[0].provider) == (VISIT, catalogue.SUPERMAN)


def test_several_forms_are_saved_at_once(store: Store, visit: str) -> None:
    saved = clinicians.save_encounter(store, PATIENT, form(FORM, {WEIGHT: 50}), form(GROUP, {NOTE: "x"}))
    assert values(store, saved) == {WEIGHT: [50.0], NOTE: ["x"]}
    assert events(store) == 1


def test_saved_form_is_read_over_http(http: Http, seen: Encounter) -> None:
    shown = http.get(f"/encounter/{seen.uuid}", v="full").json()
    assert [group["concept"]["uuid"] for group in shown["obs"]] == [FORM]
    assert len(shown["obs"][0]["groupMembers"]) == 4


def test_encounter_of_the_past_stands_in_the_visit_of_its_day(store: Store, visit: str) -> None:
    at = store.now() - timedelta(days=3)
    assert clinicians.save_encounter(store, PATIENT, at=at).visit == VISIT
    before = clinicians.save_encounter(store, PATIENT, at=at - timedelta(days=60))
    assert before.visit not in (VISIT, None)


def test_two_saves_are_two_encounters(store: Store, seen: Encounter) -> None:
    assert clinicians.save_encounter(store, PATIENT, form(FORM, {WEIGHT: 50})).uuid != seen.uuid


def test_edited_answer_has_a_new_uuid_and_its_form_keeps_its(store: Store, seen: Encounter) -> None:
    old, above = row(store, seen, NOTE), row(store, seen, FORM)
    new = clinicians.edit_obs(store, old.uuid, "changed")
    assert (new.value, new.previous_version, old.voided, above.voided) == ("changed", old.uuid, True, False)
    assert values(store, seen) == {WEIGHT: [51.5], COMPLAINT: [FEVER, COUGH], NOTE: ["changed"]}


def test_answer_edited_to_the_same_stays_as_it_is(store: Store, seen: Encounter) -> None:
    old = row(store, seen, WEIGHT)
    assert clinicians.edit_obs(store, old.uuid, 51.5) is old
    assert events(store) == 2


def test_removed_answer_is_gone_and_the_others_stay(store: Store, seen: Encounter) -> None:
    clinicians.remove_obs(store, row(store, seen, WEIGHT).uuid)
    assert values(store, seen) == {COMPLAINT: [FEVER, COUGH], NOTE: ["inside"]}


def test_removed_form_takes_all_its_answers_along(store: Store, seen: Encounter) -> None:
    clinicians.remove_obs(store, row(store, seen, FORM).uuid)
    assert values(store, seen) == {}


def test_second_form_is_added_beside_the_first(store: Store, seen: Encounter) -> None:
    added = clinicians.add_form(store, seen.uuid, form(FORM, {PREGNANT: False}))
    assert added.group is None
    assert {each.concept for each in store.obs_of(seen.uuid) if each.group is None} == {FORM}
    assert len(values(store, seen)) == 4


def test_voided_obs_takes_its_members_along(store: Store, seen: Encounter) -> None:
    clinicians.void_obs(store, row(store, seen, GROUP).uuid)
    assert values(store, seen) == {WEIGHT: [51.5], COMPLAINT: [FEVER, COUGH]}


def test_voided_encounter_takes_orders_along(store: Store, seen: Encounter) -> None:
    order = clinicians.prescribe(store, seen.uuid, PARACETAMOL_500)
    clinicians.void_encounter(store, seen.uuid)
    assert (seen.voided, order.voided, values(store, seen)) == (True, True, {})


def test_prescription_says_how_much_and_for_how_long(store: Store, seen: Encounter) -> None:
    order = clinicians.prescribe(store, seen.uuid, PARACETAMOL_500, dose=2, days=3)
    assert order.dosing is not None
    assert (order.dosing.drug, order.dosing.dose, order.dosing.quantity) == (PARACETAMOL_500, 2, 6)
    assert order.expires == store.now().replace(microsecond=0) + timedelta(days=3, seconds=-1)


def test_drug_out_of_stock_is_prescribed_in_words(store: Store, seen: Encounter) -> None:
    order = clinicians.prescribe(store, seen.uuid, "Paracetamol")
    assert order.dosing is not None
    assert (order.concept, order.dosing.drug, order.dosing.drug_non_coded) == (PARACETAMOL, None, "Paracetamol")


def test_revised_and_stopped_orders_follow_one_another(store: Store, seen: Encounter) -> None:
    first = clinicians.prescribe(store, seen.uuid, PARACETAMOL_500)
    second = clinicians.revise_drug_order(store, first.uuid, dose=2)
    third = clinicians.stop_drug_order(store, second.uuid)
    assert [each.action for each in (first, second, third)] == ["NEW", "REVISE", "DISCONTINUE"]
    assert [each.previous for each in (second, third)] == [first.uuid, second.uuid]
    assert None not in (first.stopped, second.stopped)


def test_order_that_is_over_cannot_be_stopped_again(store: Store, seen: Encounter) -> None:
    order = clinicians.prescribe(store, seen.uuid, PARACETAMOL_500)
    clinicians.stop_drug_order(store, order.uuid)
    with pytest.raises(ApiError, match="HTTP 400"):
        clinicians.stop_drug_order(store, order.uuid)


def test_results_stand_in_an_encounter_of_the_laboratory(store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    made = clinicians.receive_results(store, order.uuid, {HAEMOGLOBIN: Result(9.5, abnormal=True, notes="pale")})
    assert (made.type, made.visit) == (catalogue.LAB_RESULT, seen.visit)
    assert values(store, made)[HAEMOGLOBIN] == [9.5]
    assert {each.order for each in store.obs_of(made.uuid)} == {order.uuid}


def test_corrected_results_void_the_rows_before(store: Store, seen: Encounter) -> None:
    order = clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    made = clinicians.receive_results(store, order.uuid, {HAEMOGLOBIN: Result(9.5)})
    clinicians.correct_results(store, made.uuid, order.uuid, {HAEMOGLOBIN: Result(10.5)})
    assert values(store, made) == {HAEMOGLOBIN: [10.5]}


Act = Callable[[Store, Encounter], object]


def prescribed(store: Store, encounter: Encounter) -> str:
    return clinicians.prescribe(store, encounter.uuid, PARACETAMOL_500).uuid


HEARD: dict[str, Act] = {
    "edit": lambda s, e: clinicians.edit_obs(s, row(s, e, WEIGHT).uuid, 52),
    "removed answer": lambda s, e: clinicians.remove_obs(s, row(s, e, WEIGHT).uuid),
    "removed form": lambda s, e: clinicians.remove_obs(s, row(s, e, FORM).uuid),
    "second form": lambda s, e: clinicians.add_form(s, e.uuid, form(FORM, {NOTE: "x"})),
    "prescription": lambda s, e: clinicians.prescribe(s, e.uuid, PARACETAMOL_500),
    "test ordered": lambda s, e: clinicians.order_test(s, e.uuid, HAEMOGLOBIN),
}
UNHEARD: dict[str, Act] = {
    "voided answer": lambda s, e: clinicians.void_obs(s, row(s, e, WEIGHT).uuid),
    "voided form": lambda s, e: clinicians.void_obs(s, row(s, e, FORM).uuid),
    "voided encounter": lambda s, e: clinicians.void_encounter(s, e.uuid),
}


@pytest.mark.parametrize("act", HEARD.values(), ids=HEARD.keys())
def test_what_is_done_on_the_clinicians_screen_leaves_one_event(store: Store, seen: Encounter, act: Act) -> None:
    before = events(store)
    act(store, seen)
    assert events(store) == before + 1


@pytest.mark.parametrize("act", UNHEARD.values(), ids=UNHEARD.keys())
def test_what_administrators_void_leaves_none(store: Store, seen: Encounter, act: Act) -> None:
    before = events(store)
    act(store, seen)
    assert events(store) == before


def test_orders_voided_and_results_of_the_laboratory_leave_none(store: Store, seen: Encounter) -> None:
    order, test = prescribed(store, seen), clinicians.order_test(store, seen.uuid, HAEMOGLOBIN)
    before = events(store)
    clinicians.void_order(store, order)
    made = clinicians.receive_results(store, test.uuid, {HAEMOGLOBIN: Result(9.5)})
    clinicians.correct_results(store, made.uuid, test.uuid, {HAEMOGLOBIN: Result(10.5)})
    assert events(store) == before
