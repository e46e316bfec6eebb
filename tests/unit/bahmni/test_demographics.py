from __future__ import annotations

import itertools
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.demographics import Person, differences, follow, left_of, new_person, said_by
from bahmni.avni_to_bahmni.found import FoundPerson
from engine.left import question_note
from engine.verdicts import Fail
from mappings.snapshot import Entry, Snapshot
from tests.chaos.records import snapshot, subject

SUBJECT = "s"
ASHA = Person("Asha", "", "Devi", "F", "1990-04-01")
THERE = FoundPerson("Asha", "", "Devi", "F", "1990-04-01", name_uuid="n")
LEFT = left_of(ASHA, SUBJECT)


def with_places(**levels: str) -> Snapshot:
    """The usual mappings, with these levels of Avni mapped to address fields, and one place by another name."""
    usual = snapshot()
    tables = {
        **usual.by_avni_value,
        v.ADDRESS_LEVEL: MappingProxyType({level: Entry(level, name, "") for level, name in levels.items()}),
        v.ADDRESS_PLACE: MappingProxyType({"Rampur": Entry("Rampur", "Rampur Kalan", "")}),
    }
    return replace(usual, by_avni_value=MappingProxyType(tables))


def test_a_new_person_is_called_as_the_subject_is() -> None:
    said = said_by(subject(observations={"First name": " Asha  Rani ", "Middle name": "Kumari"}), snapshot())
    assert new_person(said) == {
        "names": [{"givenName": "Asha Rani", "middleName": "Kumari", "familyName": "Devi", "preferred": True}],
        "gender": "F",
        "birthdate": "1990-04-01",
    }


def test_levels_go_into_their_fields_and_places_by_the_hospitals_name() -> None:
    place = {"Village": "Rampur", "Village External ID": None, "District": "Pune", "State": "Maharashtra"}
    said = said_by(subject(location=place), with_places(Village="cityVillage", District="countyDistrict"))
    assert said.address == {"cityVillage": "Rampur Kalan", "countyDistrict": "Pune"}
    fields = {"cityVillage": "Rampur Kalan", "countyDistrict": "Pune", "preferred": True}
    assert new_person(said)["addresses"] == [fields]


def test_without_mapped_levels_no_address_travels() -> None:
    said = said_by(subject(location={"Village": "Rampur"}), snapshot())
    assert "addresses" not in new_person(said)


@pytest.mark.parametrize(
    ("levels", "place", "message"),
    [
        ({"Village": "village"}, {"Village": "Rampur"}, "bahmni.address-field-unknown"),
        ({"Village": "cityVillage"}, {"Village": 7}, "bahmni.value-kind"),
        ({"Village": "cityVillage"}, "Rampur", "record.field-missing"),
    ],
)
def test_an_address_that_cannot_be_is_named_without_its_value(levels: dict[str, str], place: Any, message: str) -> None:
    with pytest.raises(Fail) as verdict:
        said_by(subject(location=place), with_places(**levels))
    assert verdict.value.message == message
    assert "Rampur" not in verdict.value.params.values()


def test_what_agrees_is_left_and_remembered() -> None:
    made = follow(ASHA, THERE, SUBJECT, {})
    assert (made.body, made.written, made.left_alone, made.left) == ({}, (), (), LEFT)


@pytest.mark.parametrize(
    ("changed", "body"),
    [
        (
            {"family_name": "Bai"},
            {"names": [{"uuid": "n", "givenName": "Asha", "middleName": None, "familyName": "Bai"}]},
        ),
        ({"gender": "U"}, {"gender": "U"}),
        ({"birthdate": "1991-04-01"}, {"birthdate": "1991-04-01"}),
    ],
)
def test_a_change_in_avni_follows_as_long_as_the_hospital_left_what_we_wrote(
    changed: dict[str, str], body: dict[str, Any]
) -> None:
    said = replace(ASHA, **changed)
    made = follow(said, THERE, SUBJECT, LEFT)
    assert (made.body, made.left_alone, made.left) == ({"person": body}, (), left_of(said, SUBJECT))


def test_what_the_hospital_wrote_is_never_overwritten_and_told() -> None:
    by_clerk = replace(THERE, family_name="Devi Patil")
    made = follow(replace(ASHA, family_name="Bai", gender="U"), by_clerk, SUBJECT, LEFT)
    assert (made.written, made.left_alone) == (("gender",), ("name",))
    assert made.left[question_note("name", SUBJECT)] == LEFT[question_note("name", SUBJECT)]


def test_a_clerks_change_that_avni_follows_is_agreed_again() -> None:
    said, by_clerk = replace(ASHA, family_name="Bai"), replace(THERE, family_name="Bai")
    made = follow(said, by_clerk, SUBJECT, LEFT)
    assert (made.body, made.left_alone, made.left) == ({}, (), left_of(said, SUBJECT))


def test_without_a_memory_of_what_we_left_nothing_is_overwritten() -> None:
    made = follow(replace(ASHA, family_name="Bai"), THERE, SUBJECT, {})
    assert (made.written, made.left_alone) == ((), ("name",))


def test_what_is_empty_in_the_hospital_is_filled_in() -> None:
    said = replace(ASHA, address={"cityVillage": "Rampur"})
    made = follow(said, replace(THERE, birthdate=""), SUBJECT, {})
    address = [{"cityVillage": "Rampur", "preferred": True}]
    assert made.body == {"person": {"birthdate": "1990-04-01", "addresses": address}}


def test_a_place_that_changed_changes_the_address_that_is_there() -> None:
    before = replace(ASHA, address={"cityVillage": "Rampur", "countyDistrict": "Pune"})
    there = replace(THERE, address={"cityVillage": "Rampur", "countyDistrict": "Pune"}, address_uuid="a")
    said = replace(ASHA, address={"cityVillage": "Sitapur", "countyDistrict": ""})
    made = follow(said, there, SUBJECT, left_of(before, SUBJECT))
    assert made.body == {"person": {"addresses": [{"uuid": "a", "cityVillage": "Sitapur", "countyDistrict": None}]}}


def test_what_the_subject_does_not_say_differs_from_nothing() -> None:
    assert differences(Person("", "", "", "", ""), THERE) == ()


def test_what_avni_took_out_and_entered_anew_follows_still() -> None:
    emptied = follow(replace(ASHA, birthdate=""), THERE, SUBJECT, LEFT)
    made = follow(replace(ASHA, birthdate="1991-05-02"), THERE, SUBJECT, emptied.left)
    assert (emptied.written, made.written, made.left_alone) == ((), ("birth date",), ())


def test_a_change_bahmni_takes_from_nobody_is_named() -> None:
    with pytest.raises(Fail, match=r"bahmni\.demographic-missing") as verdict:
        follow(replace(ASHA, family_name=""), THERE, SUBJECT, LEFT)
    assert verdict.value.params == {"field": "Last name"}


def test_a_note_tells_nothing_and_is_another_for_everybody() -> None:
    mine, hers = left_of(ASHA, "s"), left_of(ASHA, "t")
    assert not {*mine, *itertools.chain(*mine.values())} & {*hers, *itertools.chain(*hers.values())}


def test_of_what_differs_and_of_what_the_subject_does_not_say_nothing_is_remembered() -> None:
    said = replace(ASHA, birthdate="")
    assert set(left_of(said, SUBJECT, differing=("name",))) == {question_note("gender", SUBJECT)}
