from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from avni.wire import INDIA
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni import enrolment
from bahmni.bahmni_to_avni.encounter import wanted
from bahmni.bahmni_to_avni.encounter_plan import VOIDED, Found, plan
from bahmni.bahmni_to_avni.part import PRESCRIPTION
from bahmni.bahmni_to_avni.part_plan import Policy, external_id, questions
from common.outcome import Outcome
from engine.brake import Does, counted_as
from engine.ports import Known, Plan, Want
from engine.verdicts import Hold
from mappings.snapshot import Entry, Pair, Snapshot
from tests.chaos.forms import concept, encounter, forms_snapshot, group, leaf, with_singles
from tests.chaos.records import MARKER, NAMESPACE, uuid_of

MAPPED = forms_snapshot()
POLICY = Policy(NAMESPACE, questions(MAPPED), INDIA)
ENCOUNTER = uuid_of("encounter")
VITALS, HISTORY = uuid_of("Vitals"), uuid_of("History")
AGAIN = f"{VITALS}#2"
FIRST = min(VITALS, HISTORY)
PRESCRIBED = {
    "uuid": uuid_of("order"), "type": "drugorder", "voided": False, "action": "NEW", "drug": {"display": "Aspirin"},
    "dose": 1,
}  # fmt: skip


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


def link(*keys: str, **others: str) -> Known:
    """A link that remembers these parts, and other targets."""
    targets = {key: f"avni {key.removeprefix(VOIDED)}" for key in keys} | others
    return Known("TRI1001", next(iter(targets.values())), "S", targets, "", "", Outcome.CREATED, is_suspect=False)


def writes(made: Plan) -> list[tuple[str, str]]:
    return [(write.verb, write.id) for write in made.writes]


def test_a_form_of_ours_hides_no_overwrite_of_one_that_is_not() -> None:
    wish = want(vitals(), history("Fever"))
    theirs = there(wish, **{"External ID": None, "observations": {"Pulse (Hospital)": 1}})
    made = planned(wish, {VITALS: theirs}, link(VITALS))
    assert ([verb for verb, _ in writes(made)], counted_as(made)) == (["create", "update"], Does.OVERWRITE)


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
    policy = Policy(NAMESPACE, questions(forms_snapshot(ignored=["Advice"])), INDIA)
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
    form = vitals() if ignored else group("Diet")
    now = wanted(encounter(form), forms_snapshot(ignored=ignored))
    key = AGAIN if ignored else uuid_of("Diet")
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


class TestParts:
    """Laboratory results and prescriptions are parts like forms."""

    DRUGS = with_singles(
        MAPPED,
        {v.DRUG_ENCOUNTER_TYPE: Entry("Drugs", "", ""), v.DRUG_TEXT: Entry("Drug text", "", "")},
        OutpatientVisitTypes=uuid_of("OPD"),
    )

    def want(self, *orders: dict[str, Any], mapped: Snapshot = DRUGS) -> Want:
        visit = {"visitType": {"uuid": uuid_of("OPD")}}
        return wanted(encounter(vitals(), visit=visit, orders=list(orders)), mapped)

    def test_a_prescription_is_created_beside_the_form(self) -> None:
        made = planned(self.want(PRESCRIBED), {})
        assert [(write.kind, write.body["Encounter type"]) for write in made.writes] == [
            ("encounter", "Vitals (Hospital)"),
            ("encounter", "Drugs"),
        ]
        assert set(made.other_targets) == {VITALS, PRESCRIPTION}

    def test_when_the_last_one_is_stopped_it_is_voided(self) -> None:
        before = self.want(PRESCRIBED)
        found = {VITALS: there(before), PRESCRIPTION: there(before, PRESCRIPTION)}
        made = planned(self.want(PRESCRIBED | {"voided": True}), found, link(VITALS, PRESCRIPTION))
        assert writes(made) == [("void", f"avni {PRESCRIPTION}")]
        assert set(made.other_targets) == {VITALS, VOIDED + PRESCRIPTION}

    def test_when_its_mapping_is_taken_away_it_stays_as_it_is(self) -> None:
        now = self.want(PRESCRIBED, mapped=MAPPED)
        made = planned(now, {VITALS: there(now)}, link(VITALS, PRESCRIPTION))
        assert made.writes == ()

    def test_an_answer_given_by_hand_in_its_place_gives_way(self) -> None:
        wish = self.want(PRESCRIBED)
        found = {
            VITALS: there(wish),
            PRESCRIPTION: there(wish, PRESCRIPTION, observations={"Drug text": "by hand"}),
        }
        policy = Policy(NAMESPACE, questions(self.DRUGS), INDIA)
        made = plan(wish, Found("S", found), link(VITALS, PRESCRIPTION), policy)
        assert [write.body["observations"].keys() for write in made.writes] == [{"Drug text"}]


ANTENATAL = f"program {uuid_of('Antenatal')}"
OPEN = {"ID": "N", "Program": "Mother", "Enrolment datetime": "2026-10-01T05:00:00.000Z", "Voided": False}
MADE = enrolment.external_id(NAMESPACE, "S", "Mother")


def antenatal(pulse: float = 72.0) -> dict[str, Any]:
    return group("Antenatal", leaf("Pulse", pulse))


def in_program(wish: Want, key: str = ANTENATAL, /, **more: Any) -> dict[str, Any]:
    """The program encounter of a part as Avni holds it after it was handed over."""
    usual = {"Enrolment ID": "N", "Program": "Mother", "Earliest scheduled date": None, "Max scheduled date": None}
    return {**there(wish, key, **more), **{key: more.get(key, value) for key, value in usual.items()}}


def placed(wish: Want, *rows: Mapping[str, Any]) -> Plan:
    """The plan for what is not there yet, given the enrolments of the subject."""
    nothing = dict.fromkeys(part.key for part in wish.content.parts)
    programs = {part.program for part in wish.content.parts if part.program}
    mine = {program: [row for row in rows if row["Program"] == program] for program in programs}
    return plan(wish, Found("S", nothing, mine), None, POLICY)


class TestProgramEncounters:
    def test_one_is_created_in_the_enrolment_that_is_there(self) -> None:
        made = placed(want(antenatal()), OPEN)
        (create,) = made.writes
        assert (create.verb, create.kind) == ("create", "program-encounter")
        assert create.body == {
            "External ID": external_id(NAMESPACE, ENCOUNTER, ANTENATAL),
            "Enrolment ID": "N",
            "Encounter type": "Antenatal (Hospital)",
            "Encounter date time": "2026-11-20T05:00:00.000Z",
            "observations": {MARKER: ENCOUNTER, "Pulse (Hospital)": 72},
            "cancelObservations": {},
            "Voided": False,
        }
        assert (made.created_by_us, set(made.other_targets)) == (("program-encounter",), {ANTENATAL})

    def test_where_there_is_none_the_subject_is_enrolled_first(self) -> None:
        made = placed(want(antenatal()))
        enrol, create = made.writes
        assert (enrol.verb, enrol.kind, enrol.id) == ("create", "enrolment", MADE)
        assert enrol.body["observations"] == {MARKER: ENCOUNTER}
        assert create.body["Enrolment ID"] == MADE
        assert made.created_by_us == ("program-encounter", "enrolment")
        assert made.other_targets["enrolment Mother"] == MADE

    def test_two_forms_of_one_program_need_one_enrolment(self) -> None:
        made = placed(want(antenatal(), antenatal(96.0)))
        assert [write.kind for write in made.writes] == ["enrolment", "program-encounter", "program-encounter"]

    def test_forms_of_two_programs_need_two(self) -> None:
        made = placed(want(antenatal(), group("Child")))
        assert sorted(write.body["Program"] for write in made.writes if write.kind == "enrolment") == [
            "Child",
            "Mother",
        ]

    def test_one_we_made_before_is_remembered_as_ours(self) -> None:
        made = placed(want(antenatal()), {**OPEN, "External ID": MADE})
        assert made.other_targets["enrolment Mother"] == "N"
        assert [write.kind for write in made.writes] == ["program-encounter"]

    def test_w25_a_voided_encounter_enrols_nobody(self) -> None:
        made = planned(want(voided=True), {ANTENATAL: None}, link(ANTENATAL))
        assert made.writes == ()

    def test_what_agrees_needs_no_write_and_no_enrolment(self) -> None:
        wish = want(antenatal())
        made = planned(wish, {ANTENATAL: in_program(wish)}, link(ANTENATAL, **{"enrolment Mother": "N"}))
        assert (made.writes, made.outcome) == ((), Outcome.UNCHANGED)
        assert made.other_targets == {ANTENATAL: f"avni {ANTENATAL}", "enrolment Mother": "N"}

    def test_an_update_sends_the_whole_with_what_the_field_team_added(self) -> None:
        wish = want(antenatal())
        by_hand = {"Remark": "by hand", "Seen on": "2026-11-02", "Phone": {"phoneNumber": "98", "verified": True}}
        found = in_program(wish, observations=by_hand, **{"Earliest scheduled date": "2026-11-19T00:00:00.000Z"})
        (update,) = planned(want(antenatal(96.0)), {ANTENATAL: found}, link(ANTENATAL)).writes
        assert (update.verb, update.kind, update.id) == ("update", "program-encounter", f"avni {ANTENATAL}")
        assert update.body == {
            "External ID": external_id(NAMESPACE, ENCOUNTER, ANTENATAL),
            "Earliest scheduled date": "2026-11-19T00:00:00.000Z",
            "Encounter type": "Antenatal (Hospital)",
            "Encounter date time": "2026-11-20T05:00:00.000Z",
            "observations": {**by_hand, MARKER: ENCOUNTER, "Pulse (Hospital)": 96},
            "cancelObservations": {},
            "Voided": False,
        }

    def test_what_bears_our_id_counts_as_ours_and_what_another_service_wrote_does_not(self) -> None:
        """Else the brake takes our own edits for overwrites."""
        wish = want(antenatal(96.0), vitals())
        found = {ANTENATAL: in_program(want(antenatal())), VITALS: there(wish, **{"External ID": None})}
        made = planned(wish, found, link(ANTENATAL, VITALS))
        assert (made.created_by_us, counted_as(made)) == (("program-encounter",), None)
        theirs = {**found, ANTENATAL: {**found[ANTENATAL], "External ID": None}}
        assert counted_as(planned(wish, theirs, link(ANTENATAL, VITALS))) is Does.OVERWRITE

    def test_an_answer_taken_out_is_not_sent_again(self) -> None:
        found = in_program(want(group("Antenatal", leaf("Pulse", 72.0), leaf("Advice", "rest"))))
        (update,) = planned(want(antenatal()), {ANTENATAL: found}, link(ANTENATAL)).writes
        assert update.body["observations"] == {MARKER: ENCOUNTER, "Pulse (Hospital)": 72}

    @pytest.mark.parametrize(
        "shown", [{"Village": "A", "Block": "B"}, {"0af5": 3}, [{"Where": {"Village": "A"}}]], ids=str
    )
    def test_an_answer_that_cannot_be_sent_back_is_not_lost(self, shown: Any) -> None:
        found = in_program(want(antenatal()), observations={"By hand": shown})
        with pytest.raises(Hold, match=r"bahmni\.answers-cannot-be-kept"):
            planned(want(antenatal(96.0)), {ANTENATAL: found}, link(ANTENATAL))
        assert planned(want(antenatal()), {ANTENATAL: found}, link(ANTENATAL)).writes == ()

    def test_one_that_the_field_team_cancelled_is_not_held_again_by_an_edit(self) -> None:
        why_not = {"cancelObservations": {"Reason": "moved away"}, "Cancel date time": "2026-11-21T05:00:00.000Z"}
        found = in_program(want(antenatal()), **why_not, **{"Encounter date time": None})
        with pytest.raises(Hold, match=r"bahmni\.cancelled-by-the-field-team"):
            planned(want(antenatal(96.0)), {ANTENATAL: found}, link(ANTENATAL))

    def test_one_that_the_field_team_cancelled_is_voided_with_the_hospitals(self) -> None:
        found = in_program(want(antenatal()), **{"Cancel date time": "2026-11-21T05:00:00.000Z"})
        (void,) = planned(want(voided=True), {ANTENATAL: found}, link(ANTENATAL)).writes
        assert void.verb == "void"

    def test_what_was_said_of_a_cancellation_that_was_undone_stays(self) -> None:
        point, said = {"X": 1.0, "Y": 2.0}, {"Reason": "moved away"}
        found = in_program(want(antenatal()), **{"cancelObservations": said, "Cancel location": point})
        (update,) = planned(want(antenatal(96.0)), {ANTENATAL: found}, link(ANTENATAL)).writes
        assert (update.body["cancelObservations"], update.body["Cancel location"]) == (said, point)

    def test_a_reason_that_cannot_be_sent_back_is_not_lost(self) -> None:
        found = in_program(want(antenatal()), cancelObservations={"Where": {"Village": "A"}})
        with pytest.raises(Hold, match=r"bahmni\.answers-cannot-be-kept"):
            planned(want(antenatal(96.0)), {ANTENATAL: found}, link(ANTENATAL))

    def test_a_voided_encounter_voids_it_and_leaves_the_enrolment(self) -> None:
        found = {ANTENATAL: in_program(want(antenatal()))}
        made = planned(want(voided=True), found, link(ANTENATAL, **{"enrolment Mother": "N"}))
        assert [(write.verb, write.kind) for write in made.writes] == [("void", "program-encounter")]
        assert made.other_targets == {VOIDED + ANTENATAL: f"avni {ANTENATAL}", "enrolment Mother": "N"}

    def test_one_we_voided_comes_back(self) -> None:
        wish = want(antenatal())
        found = in_program(wish, Voided=True)
        (update,) = planned(wish, {ANTENATAL: found}, link(VOIDED + ANTENATAL)).writes
        assert (update.verb, update.body["Voided"]) == ("update", False)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"observations": {MARKER: "somebody else's"}}, "bahmni.registration-gone"),
            ({"Subject ID": "T"}, "bahmni.encounter-elsewhere"),
            ({"Voided": True}, "bahmni.target-voided"),
        ],
    )
    def test_in_doubt_nothing_is_written(self, changed: dict[str, Any], message: str) -> None:
        found = {**in_program(want(antenatal())), **changed}
        with pytest.raises(Hold) as verdict:
            planned(want(antenatal(96.0)), {ANTENATAL: found}, link(ANTENATAL))
        assert verdict.value.message == message


class TestMappedAnew:
    """A form that becomes another kind of record leaves no second copy."""

    def anew(self, pair: Pair, *entries: Entry) -> Snapshot:
        table = {entry.int_system_value: entry for entry in entries}
        return replace(MAPPED, by_int_system_value={**MAPPED.by_int_system_value, pair: table})

    def test_from_general_to_program_the_general_one_is_voided(self) -> None:
        before = wanted(encounter(antenatal()), self.general())
        key = uuid_of("Antenatal")
        found = Found("S", {key: there(before, key), ANTENATAL: None}, {"Mother": [OPEN]})
        made = plan(want(antenatal()), found, link(key), POLICY)
        assert [(write.verb, write.kind) for write in made.writes] == [
            ("void", "encounter"),
            ("create", "program-encounter"),
        ]
        assert set(made.other_targets) == {VOIDED + key, ANTENATAL}

    def test_and_back_the_general_one_comes_back(self) -> None:
        key, now = uuid_of("Antenatal"), wanted(encounter(antenatal()), self.general())
        found = {key: there(now, key, Voided=True), ANTENATAL: in_program(want(antenatal()))}
        made = planned(now, found, link(VOIDED + key, ANTENATAL))
        assert [(write.verb, write.kind) for write in made.writes] == [
            ("update", "encounter"),
            ("void", "program-encounter"),
        ]

    def test_without_any_mapping_it_stays(self) -> None:
        now = wanted(encounter(antenatal()), self.anew(v.HOSPITAL_PROGRAM_FORM))
        assert planned(now, {}, link(ANTENATAL)).writes == ()

    def test_in_another_program_it_moves_there(self) -> None:
        now = wanted(encounter(antenatal()), self.anew(v.FORM_PROGRAM, Entry("Child", uuid_of("Antenatal"), "")))
        found = Found(
            "S", {ANTENATAL: in_program(want(antenatal()))}, {"Child": [{**OPEN, "ID": "C", "Program": "Child"}]}
        )
        (move,) = plan(now, found, link(ANTENATAL), POLICY).writes
        chosen = external_id(NAMESPACE, ENCOUNTER, ANTENATAL)
        assert (move.verb, move.kind, move.id) == ("create", "program-encounter", chosen)
        assert (move.body["External ID"], move.body["Enrolment ID"]) == (chosen, "C")

    def test_what_another_service_wrote_cannot_be_moved(self) -> None:
        now = wanted(encounter(antenatal()), self.anew(v.FORM_PROGRAM, Entry("Child", uuid_of("Antenatal"), "")))
        theirs = {**in_program(want(antenatal())), "External ID": None}
        with pytest.raises(Hold, match=r"bahmni\.encounter-in-other-program"):
            plan(now, Found("S", {ANTENATAL: theirs}, {"Child": []}), link(ANTENATAL), POLICY)

    def general(self) -> Snapshot:
        """The form mapped to a general encounter type alone."""
        without = self.anew(v.HOSPITAL_PROGRAM_FORM)
        forms = {uuid_of("Antenatal"): Entry("Antenatal, general", uuid_of("Antenatal"), "")}
        return replace(without, by_int_system_value={**without.by_int_system_value, v.HOSPITAL_FORM: forms})
