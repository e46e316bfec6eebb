from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.enrolment import wanted
from bahmni.avni_to_bahmni.enrolment_look import (
    Found,
    is_new,
    needs_visits,
    uuids_behind,
    visit_to_void,
    visit_to_weigh,
)
from bahmni.avni_to_bahmni.enrolment_plan import plan
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundPerson, FoundVisit
from bahmni.avni_to_bahmni.observations import FoundObs
from bahmni.avni_to_bahmni.visit import Home, Policy
from common.fingerprint import derived_uuid
from common.outcome import Outcome
from engine.brake import Does, counted_as
from engine.ports import Known, Plan
from engine.verdicts import Defer, Hold, Skip
from tests.chaos.records import NAMESPACE, ZONE, enrolment, snapshot, uuid_of

MAPPED = snapshot()
POLICY = Policy(MAPPED, NAMESPACE)
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=ZONE)
ASHA = FoundPatient("P", voided=False, numbers=("TRI1001",), person=FoundPerson(birthdate="1990-04-01"))
DAY, EXIT_DAY = "2026-01-10T00:00:00.000+0530", "2026-02-10T00:00:00.000+0530"
EXITED = "2026-02-10T06:30:00.000Z"
VISIT = FoundVisit("V", DAY, attributes={uuid_of("visit marker"): "E"})
OUR_VISIT = Home("enrolment", "E", "", POLICY).uuid
OURS, OUR_EXIT = (str(derived_uuid(NAMESPACE, "encounter", kind, "E")) for kind in ("enrolment", "exit"))


def there(kind: str = "enrolment", **more: Any) -> FoundEncounter:
    """One of the encounters as it stands in Bahmni, with all that is ours in it."""
    day, said = ("2026-01-10", "Enrolment - 10-01-2026") if kind == "enrolment" else ("2026-02-10", "Exit - 10-02-2026")
    ours = (
        FoundObs("m", uuid_of("marker"), "E"),
        FoundObs("d", uuid_of("event date"), day),
        FoundObs("p", uuid_of("program data"), f"Pregnancy - {said}"),
    )
    usual: dict[str, Any] = {
        "uuid": "B" if kind == "enrolment" else "X", "voided": False, "at": f"{day}T00:00:00.000+0530",
        "patient": ASHA, "visit": VISIT, "obs": (FoundObs("g", uuid_of(f"{kind} form"), None, ours),), "marker": "E",
        "changed": "1", "type": uuid_of(f"{kind} type"),
    }  # fmt: skip
    return FoundEncounter(**usual | more)


BEGUN, ENDED = there(), there("exit")
HIDDEN: dict[str, Any] = {"voided": True, "obs": (), "marker": ""}
GONE_VISIT = replace(VISIT, voided=True)
MARKED = FoundObs("g", "form", None, (FoundObs("m", uuid_of("marker"), "C1"),))
CHECK_UP = there(uuid="C", marker="C1", type="check-up", obs=(MARKED,))
CLINICIANS = there(uuid="K", marker="", type="theirs", obs=(FoundObs("n", uuid_of("hospital note"), "seen"),))


def link(left: str = "", **targets: str) -> Known:
    others = targets or {"visit": "V"}
    return Known("TRI1001", "B", "P", others, "", left, Outcome.CREATED, is_suspect=False)


def planned(known: Known | None = None, found: dict[str, Any] | None = None, **record: Any) -> Plan:
    usual: dict[str, Any] = {"patient": "P", "number": "TRI1001", "now": NOW}
    want = wanted(enrolment("S", id="E", encounters=["C1"], **record), MAPPED, ZONE)
    return plan(want, Found(**usual | (found or {})), known, POLICY)


def verbs(made: Plan) -> list[tuple[str, str, str]]:
    return [(write.verb, write.kind, write.id) for write in made.writes]


# -- nothing there yet ------------------------------------------------------------------------------------------------


NEW: dict[str, Any] = {"owner": ASHA}


def test_a_new_enrolment_opens_its_visit_and_stands_in_it() -> None:
    made = planned(found=NEW)
    assert verbs(made) == [("create", "visit", OUR_VISIT), ("create", "encounter", OURS)]
    assert (made.outcome, made.target_id, made.target_parent_id) == (Outcome.CREATED, OURS, "P")
    assert (made.other_targets, made.created_by_us) == ({"visit": OUR_VISIT}, ("visit", "encounter"))
    assert made.identifier == "TRI1001"
    visit, encounter = (write.body for write in made.writes)
    assert visit == {
        "uuid": OUR_VISIT,
        "patient": "P",
        "visitType": uuid_of("program visit type"),
        "location": uuid_of("location"),
        "startDatetime": "2026-01-10",
        "attributes": [
            {"attributeType": uuid_of("visit marker"), "value": "E"},
            {"attributeType": uuid_of("visit event date"), "value": "2026-01-10"},
        ],
    }
    assert (encounter["visit"], encounter["encounterDatetime"]) == (OUR_VISIT, "2026-01-10")
    (group,) = encounter["obs"]
    assert [one["value"] for one in group["groupMembers"]] == ["E", "2026-01-10", "Pregnancy - Enrolment - 10-01-2026"]


def test_one_that_was_exited_gets_both_encounters_at_once() -> None:
    made = planned(found=NEW, exited=EXITED)
    assert verbs(made)[1:] == [("create", "encounter", OURS), ("create", "encounter", OUR_EXIT)]
    assert made.other_targets == {"visit": OUR_VISIT, "exit": OUR_EXIT}


def test_an_exit_before_the_enrolment_makes_the_visit_begin_with_it() -> None:
    made = planned(found=NEW, exited="2026-01-08T06:30:00.000Z")
    assert verbs(made)[2:] == [("update", "visit", OUR_VISIT), ("create", "encounter", OUR_EXIT)]


def test_the_visit_that_carries_its_id_is_used_and_others_are_not() -> None:
    theirs = replace(VISIT, uuid="W", attributes={uuid_of("visit marker"): "another"})
    made = planned(found=NEW | {"visits": (theirs, VISIT)})
    assert verbs(made) == [("create", "encounter", OURS)]
    assert (made.other_targets, made.created_by_us) == ({"visit": "V"}, ("encounter",))


def test_two_visits_that_carry_its_id_are_left_to_a_person() -> None:
    with pytest.raises(Hold, match=r"bahmni\.multiple-visits"):
        planned(found=NEW | {"visits": (VISIT, replace(VISIT, uuid="W"))})


def test_no_visit_begins_before_birth_and_the_true_day_is_kept() -> None:
    made = planned(found={"owner": replace(ASHA, person=FoundPerson(birthdate="2026-01-20"))})
    visit, encounter = (write.body for write in made.writes)
    assert (visit["startDatetime"], visit["attributes"][1]["value"]) == ("2026-01-20", "2026-01-10")
    assert encounter["encounterDatetime"] == "2026-01-20T00:00:00.000+0530"
    assert encounter["obs"][0]["groupMembers"][1]["value"] == "2026-01-10"


TOMORROW = "2026-03-01T18:30:00.000Z"


def test_an_enrolment_to_come_is_waited_for() -> None:
    with pytest.raises(Defer, match=r"bahmni\.future"):
        planned(found=NEW, at=TOMORROW)


def waits(made: Plan) -> tuple[str, datetime | None]:
    assert made.rest
    return made.rest.message, made.rest.due


def test_an_exit_to_come_keeps_only_itself_waiting() -> None:
    made = planned(found=NEW, exited=TOMORROW)
    assert verbs(made) == [("create", "visit", OUR_VISIT), ("create", "encounter", OURS)]
    assert waits(made) == ("bahmni.exit-in-future", datetime(2026, 3, 2, tzinfo=ZONE))
    assert made.other_targets == {"visit": OUR_VISIT}


def test_an_exit_moved_to_a_day_to_come_stays_as_it_is_until_then() -> None:
    found = {"encounters": (BEGUN, ENDED)}
    made = planned(link(visit="V", exit="X"), found, exited=TOMORROW, observations={"Height": 151})
    assert (verbs(made), made.other_targets) == ([("update", "encounter", "B")], {"visit": "V", "exit": "X"})
    assert waits(made)[0] == "bahmni.exit-in-future"


def test_an_exit_that_we_voided_does_not_come_back_before_the_day_of_the_next_one() -> None:
    known, found = link(**{"visit": "V", "voided exit": "X"}), {"encounters": (BEGUN, there("exit", **HIDDEN))}
    made = planned(known, found, exited=TOMORROW)
    assert (made.writes, made.other_targets) == ((), {"visit": "V", "voided exit": "X"})


def test_what_has_to_be_looked_at_again_is_not_put_off_by_an_exit_to_come() -> None:
    made = planned(link(), {"encounters": (BEGUN,)}, at="2026-01-12T06:30:00.000Z", exited=TOMORROW)
    assert (made.look_again, made.rest) == (True, None)


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        (None, "bahmni.patient-voided"),
        (replace(ASHA, voided=True), "bahmni.patient-voided"),
        (replace(ASHA, numbers=("TRI7",)), "bahmni.number-moved"),
    ],
)
def test_without_the_patient_meant_nothing_is_created(owner: FoundPatient | None, message: str) -> None:
    with pytest.raises(Hold) as verdict:
        planned(found={"owner": owner})
    assert verdict.value.message == message


# -- what stands there already ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [None, link(visit="V", exit="X")])
def test_what_stands_as_it_should_needs_nothing_with_and_without_a_link(known: Known | None) -> None:
    made = planned(known, {"encounters": (ENDED, BEGUN)}, exited=EXITED)
    assert (made.writes, made.outcome) == ((), Outcome.UNCHANGED)
    assert (made.target_id, made.other_targets) == ("B", {"visit": "V", "exit": "X"})


def test_each_encounter_is_changed_where_it_differs() -> None:
    found = {"encounters": (BEGUN, ENDED)}
    made = planned(link(visit="V", exit="X"), found, exited=EXITED, exit_observations={"Height": 151})
    assert verbs(made) == [("update", "encounter", "X")]
    made = planned(link(visit="V", exit="X"), found, exited=EXITED, observations={"Height": 151})
    assert verbs(made) == [("update", "encounter", "B")]


@pytest.mark.parametrize(
    ("begun", "exit_", "does"),
    [(OURS, OUR_EXIT, None), ("B", OUR_EXIT, Does.OVERWRITE), (OURS, "X", Does.OVERWRITE), ("B", "", Does.OVERWRITE)],
)
def test_an_encounter_of_ours_hides_no_overwrite_of_the_other(begun: str, exit_: str, does: Does | None) -> None:
    encounters = (there(uuid=begun), *([there("exit", uuid=exit_)] if exit_ else []))
    known = replace(link(visit="V", **({"exit": exit_} if exit_ else {})), target_id=begun)
    said: dict[str, Any] = {"observations": {"Height": 151}, "exit_observations": {"Height": 152}}
    made = planned(known, {"encounters": encounters}, exited=EXITED, **said)
    assert (len(made.writes), counted_as(made)) == (2, does)


def test_a_later_exit_is_created_in_the_visit_that_is_there() -> None:
    made = planned(link(), {"encounters": (BEGUN,)}, exited=EXITED)
    assert verbs(made) == [("create", "encounter", OUR_EXIT)]
    assert (made.outcome, made.other_targets) == (Outcome.UPDATED, {"visit": "V", "exit": OUR_EXIT})
    assert made.writes[0].body["visit"] == "V"


def test_an_exit_after_the_end_of_the_visit_stretches_it_first() -> None:
    ended = replace(VISIT, stop="2026-01-31T18:00:00.000+0530")
    made = planned(link(), {"encounters": (there(visit=ended),)}, exited=EXITED)
    assert verbs(made) == [("update", "visit", "V"), ("create", "encounter", OUR_EXIT)]


def test_w23_an_exit_that_was_undone_is_voided_and_noted_as_ours() -> None:
    for known in (link(visit="V", exit="X"), None):
        made = planned(known, {"encounters": (BEGUN, ENDED)})
        assert verbs(made) == [("void", "encounter", "X")]
        assert made.other_targets == {"visit": "V", "voided exit": "X"}


def test_an_exit_that_we_voided_is_remembered_without_being_looked_at() -> None:
    known = link(**{"visit": "V", "voided exit": "X"})
    assert uuids_behind(known, wanted(enrolment("S", id="E"), MAPPED, ZONE).content) == ("B",)
    made = planned(known, {"encounters": (BEGUN,)})
    assert (made.writes, made.other_targets) == ((), {"visit": "V", "voided exit": "X"})


def test_only_an_exit_that_we_voided_comes_back_with_the_next_one() -> None:
    found = {"encounters": (BEGUN, there("exit", **HIDDEN))}
    made = planned(link(**{"visit": "V", "voided exit": "X"}), found, exited=EXITED)
    assert (verbs(made), made.look_again) == ([("unvoid", "encounter", "X")], True)
    with pytest.raises(Hold, match=r"bahmni\.target-voided"):
        planned(link(visit="V", exit="X"), found, exited=EXITED)


def test_an_exit_a_person_voided_needs_nothing_when_it_is_undone() -> None:
    made = planned(link(visit="V", exit="X"), {"encounters": (BEGUN, there("exit", **HIDDEN))})
    assert (made.writes, made.other_targets) == ((), {"visit": "V", "exit": "X"})


def test_a_changed_day_moves_encounter_and_visit_before_anything_else_is_written() -> None:
    made = planned(link(), {"encounters": (BEGUN,)}, at="2026-01-08T06:30:00.000Z", observations={"Height": 1})
    assert [(write.kind, write.body) for write in made.writes] == [
        ("visit", {"startDatetime": "2026-01-08T00:00:00.000+0530"}),
        ("encounter", {"encounterDatetime": "2026-01-08"}),
    ]
    assert (made.look_again, made.left_fingerprint) == (True, "")


DATED = replace(
    VISIT,
    attributes={**VISIT.attributes, uuid_of("visit event date"): "2026-01-10"},
    attribute_uuids={uuid_of("visit event date"): "attribute"},
)
NEW_DAY = "2026-01-12T00:00:00.000+0530"


def test_a_later_day_reaches_the_visit_and_its_attribute_after_the_encounter() -> None:
    moved = there(visit=DATED, at=NEW_DAY)
    found: dict[str, Any] = {"encounters": (moved,), "inside": (moved,)}
    made = planned(link(), found, at="2026-01-12T06:30:00.000Z")
    assert [write.body for write in made.writes[1:]] == [
        {"startDatetime": NEW_DAY}, {"visit": "V", "value": "2026-01-12"},
    ]  # fmt: skip
    assert not made.look_again
    with_exit = planned(link(), found, at="2026-01-12T06:30:00.000Z", exited="2026-01-11T06:30:00.000Z")
    assert {"startDatetime": "2026-01-11T00:00:00.000+0530"} in [write.body for write in with_exit.writes]


def test_a_visit_left_over_from_before_a_correction_learns_the_day_when_the_enrolment_is_created_in_it() -> None:
    made = planned(found=NEW | {"visits": (DATED,)}, at="2026-01-12T06:30:00.000Z")
    assert verbs(made)[-1] == ("update", "visit attribute", "attribute")


@pytest.mark.parametrize(("kind", "written"), [("former", True), (uuid_of("program visit type"), False), ("", False)])
def test_the_visit_follows_the_mapping_of_its_program(kind: str, written: bool) -> None:
    made = planned(link(), {"encounters": (there(visit=replace(VISIT, type=kind)),)})
    expected = [("V", {"visitType": uuid_of("program visit type")})] if written else []
    assert [(write.id, write.body) for write in made.writes] == expected


def test_a_type_that_is_mapped_to_another_one_now_changes_that_of_either_encounter() -> None:
    found = {"encounters": (there(type="former"), there("exit", type="former too"))}
    made = planned(link(visit="V", exit="X"), found, exited=EXITED)
    assert [(write.id, write.body) for write in made.writes] == [
        ("B", {"encounterType": uuid_of("enrolment type")}), ("X", {"encounterType": uuid_of("exit type")}),
    ]  # fmt: skip


def test_an_exit_after_somebody_elses_visit_is_over_opens_the_enrolments_own() -> None:
    over = FoundVisit("W", DAY, "2026-01-31T18:00:00.000+0530")
    found = {"encounters": (there(visit=over),), "visits": (over,)}
    made = planned(link(visit="W"), found, exited=EXITED)
    assert verbs(made) == [("create", "visit", OUR_VISIT), ("create", "encounter", OUR_EXIT)]
    assert (made.writes[1].body["visit"], made.other_targets["visit"]) == (OUR_VISIT, OUR_VISIT)


def test_in_a_visit_of_somebody_else_an_encounter_stands_where_that_begins_and_new_ones_go_into_its_own() -> None:
    theirs = FoundVisit("W", "2026-01-20T00:00:00.000+0530")
    made = planned(link(), {"encounters": (there(visit=theirs),)}, at="2026-01-08T06:30:00.000Z")
    assert [write.body for write in made.writes] == [{"encounterDatetime": theirs.start}]
    assert made.other_targets == {"visit": "V"}


# -- voided in Avni ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [(BEGUN, ENDED), (BEGUN, ENDED, CHECK_UP), ()])
def test_a_voided_enrolment_takes_along_a_visit_in_which_everything_came_through_it(
    inside: tuple[FoundEncounter, ...],
) -> None:
    made = planned(link(visit="V", exit="X"), {"encounters": (BEGUN, ENDED), "inside": inside}, voided=True)
    assert (verbs(made), made.outcome) == ([("void", "visit", "V")], Outcome.VOIDED)
    assert made.other_targets == {"voided visit": "V", "voided exit": "X"}
    assert made.left_fingerprint == v.VOIDED_BY_US


@pytest.mark.parametrize(
    "other",
    [CLINICIANS, replace(BEGUN, uuid="O", marker="another's"), replace(CHECK_UP, obs=(*CHECK_UP.obs, *CLINICIANS.obs))],
    ids=["a clinician's", "of another record", "ours, with a clinician's note"],
)
def test_w22_a_visit_with_anything_else_stays_and_only_our_encounters_are_voided(other: FoundEncounter) -> None:
    found = {"encounters": (BEGUN, ENDED), "inside": (BEGUN, ENDED, other)}
    made = planned(link(visit="V", exit="X"), found, voided=True)
    assert verbs(made) == [("void", "encounter", "X"), ("void", "encounter", "B")]
    assert made.other_targets == {"visit": "V", "voided exit": "X"}


def test_w22_a_visit_that_was_not_opened_for_it_is_never_voided() -> None:
    theirs = FoundVisit("W", DAY)
    found = {"encounters": (there(visit=theirs),), "inside": (there(visit=theirs),)}
    assert verbs(planned(link(), found, voided=True)) == [("void", "encounter", "B")]


SHARED = replace(VISIT, uuid="W", attributes={})
IN_SHARED = {"encounters": (there(visit=SHARED),), "visits": (SHARED, VISIT)}


def test_an_own_visit_that_a_program_encounter_opened_goes_with_the_enrolment() -> None:
    made = planned(link(visit="W"), IN_SHARED | {"inside": (CHECK_UP,)}, voided=True)
    assert verbs(made) == [("void", "encounter", "B"), ("void", "visit", "V")]
    assert made.other_targets == {"voided visit": "V"}


def test_an_own_visit_that_a_program_encounter_opened_stays_with_what_clinicians_wrote() -> None:
    made = planned(link(visit="W"), IN_SHARED | {"inside": (CHECK_UP, CLINICIANS)}, voided=True)
    assert verbs(made) == [("void", "encounter", "B")]


def test_an_own_visit_that_a_program_encounter_opened_comes_back_with_the_enrolment() -> None:
    hidden = there(visit=SHARED, **HIDDEN)
    made = planned(link(v.VOIDED_BY_US, **{"voided visit": "V"}), {"encounters": (hidden,)})
    assert verbs(made) == [("unvoid", "visit", "V"), ("unvoid", "encounter", "B")]
    assert (made.other_targets, made.look_again) == ({"visit": "V"}, True)


def test_an_encounter_that_lies_elsewhere_is_voided_beside_the_visit() -> None:
    elsewhere = there("exit", visit=FoundVisit("W", DAY))
    found = {"encounters": (BEGUN, elsewhere), "inside": (BEGUN,)}
    assert verbs(planned(link(visit="V", exit="X"), found, voided=True)) == [
        ("void", "encounter", "X"),
        ("void", "visit", "V"),
    ]


@pytest.mark.parametrize("shared", [BEGUN, ENDED], ids=["enrolment", "exit"])
def test_what_a_clinician_wrote_into_is_left_to_a_person(shared: FoundEncounter) -> None:
    noted = replace(shared, obs=(*shared.obs, *CLINICIANS.obs))
    found = {"encounters": tuple(noted if one is shared else one for one in (BEGUN, ENDED)), "inside": (noted,)}
    with pytest.raises(Hold, match=r"bahmni\.encounter-shared"):
        planned(link(visit="V", exit="X"), found, voided=True)


def test_without_link_and_mappings_all_that_carries_its_marker_is_voided() -> None:
    known, found = None, {"encounters": (BEGUN, ENDED), "inside": (BEGUN, ENDED)}
    assert verbs(planned(known, found, voided=True, program="Unmapped")) == [("void", "visit", "V")]


@pytest.mark.parametrize("known", [None, link(v.VOIDED_BY_US)])
def test_of_one_that_is_voided_and_not_there_nothing_is_missing(known: Known | None) -> None:
    with pytest.raises(Skip, match=r"bahmni\.voided-before-hand-over"):
        planned(known, voided=True)


def test_voided_in_both_it_needs_nothing_and_keeps_what_it_remembers() -> None:
    known = link(v.VOIDED_BY_US, **{"voided visit": "V", "voided exit": "X"})
    found = {"encounters": (there(visit=GONE_VISIT, **HIDDEN),)}
    made = planned(known, found, voided=True)
    assert (made.outcome, made.left_fingerprint) == (Outcome.UNCHANGED, v.VOIDED_BY_US)
    assert made.other_targets == {"voided visit": "V", "voided exit": "X"}


def test_what_a_person_voided_before_us_is_not_noted_as_ours() -> None:
    made = planned(link(), {"encounters": (there(**HIDDEN),), "inside": ()}, voided=True)
    assert (verbs(made), made.left_fingerprint) == ([("void", "visit", "V")], "")


# -- back in Avni -----------------------------------------------------------------------------------------------------


def test_all_that_we_voided_comes_back_in_one_step() -> None:
    known = link(v.VOIDED_BY_US, **{"voided visit": "V", "voided exit": "X"})
    found = {"encounters": (there(visit=GONE_VISIT, **HIDDEN), there("exit", visit=GONE_VISIT, **HIDDEN))}
    made = planned(known, found, exited=EXITED)
    assert verbs(made) == [("unvoid", "visit", "V"), ("unvoid", "encounter", "B"), ("unvoid", "encounter", "X")]
    assert (made.look_again, made.other_targets) == (True, {"visit": "V", "exit": "X"})


def test_w24_a_visit_that_a_person_voided_is_not_brought_back() -> None:
    found = {"encounters": (there(visit=GONE_VISIT, **HIDDEN),)}
    with pytest.raises(Hold, match=r"bahmni\.visit-gone"):
        planned(link(v.VOIDED_BY_US), found)


# -- in doubt ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "known", "message"),
    [
        ((BEGUN, there(uuid="C")), None, "bahmni.multiple-encounters"),
        ((BEGUN, ENDED, there("exit", uuid="Y")), None, "bahmni.multiple-encounters"),
        ((), link(), "bahmni.registration-gone"),
        ((there(marker="another's"),), link(), "bahmni.registration-gone"),
        ((BEGUN,), link(visit="V", exit="X"), "bahmni.registration-gone"),
        ((there(patient=replace(ASHA, voided=True)),), link(), "bahmni.patient-voided"),
        ((there(patient=replace(ASHA, numbers=("TRI7",))),), None, "bahmni.number-moved"),
        ((there(patient=replace(ASHA, uuid="Q")),), link(), "bahmni.number-moved"),
        ((BEGUN, there("exit", patient=replace(ASHA, uuid="Q"))), link(visit="V", exit="X"), "bahmni.number-moved"),
        ((there(visit=None),), link(), "bahmni.visit-gone"),
        ((there(**HIDDEN),), link(), "bahmni.target-voided"),
    ],
)
def test_in_doubt_nothing_is_written(found: tuple[FoundEncounter, ...], known: Known | None, message: str) -> None:
    with pytest.raises(Hold) as verdict:
        planned(known, {"encounters": found}, exited=EXITED)
    assert verdict.value.message == message


def test_a_twin_of_what_the_link_names_is_not_touched() -> None:
    made = planned(link(), {"encounters": (BEGUN, there(uuid="twin"))})
    assert (made.writes, made.target_id) == ((), "B")


def test_what_must_be_looked_at_is_known_beforehand() -> None:
    content = wanted(enrolment("S", id="E", exited=EXITED), MAPPED, ZONE).content
    assert uuids_behind(None, content) == ()
    assert uuids_behind(link(**{"visit": "V", "voided exit": "X"}), content) == ("B", "X")
    assert (is_new(content, (), None), is_new(content, (ENDED,), None), is_new(content, (BEGUN,), None)) == (
        True, True, False,
    )  # fmt: skip
    assert not is_new(content, (there(type="another"),), link())
    assert visit_to_void((there(visit=GONE_VISIT), ENDED), content, POLICY) == VISIT
    assert visit_to_void((there(visit=None),), content, POLICY) is None


def test_visits_are_looked_for_only_where_one_has_to_be_found() -> None:
    content = wanted(enrolment("S", id="E", exited=EXITED), MAPPED, ZONE).content
    over = there(visit=FoundVisit("W", DAY, "2026-01-31T18:00:00.000+0530"))
    for encounters, known, needed in (((), None, True), ((BEGUN,), link(), False), ((over,), link(), True)):
        assert needs_visits(content, encounters, known, NOW, POLICY) is needed


def test_what_else_a_visit_holds_is_looked_at_before_it_is_voided_or_begins_later() -> None:
    voided = wanted(enrolment("S", id="E", voided=True), MAPPED, ZONE).content
    later = wanted(enrolment("S", id="E", at="2026-01-12T06:30:00.000Z"), MAPPED, ZONE).content
    assert visit_to_weigh(voided, (BEGUN,), NOW, POLICY) == VISIT
    assert visit_to_weigh(later, (there(visit=DATED, at=NEW_DAY),), NOW, POLICY) == DATED
    assert visit_to_weigh(later, (there(visit=DATED),), NOW, POLICY) is None


def test_the_same_record_and_state_give_the_same_plan() -> None:
    found: dict[str, Any] = {"encounters": (BEGUN, ENDED)}
    assert planned(found=NEW, exited=EXITED) == planned(found=NEW, exited=EXITED)
    assert planned(link(visit="V", exit="X"), found) == planned(link(visit="V", exit="X"), found)
