from __future__ import annotations

import re

import pytest

from simulators.avni.times import to_ms
from simulators.scenario import Scenario, Size, build
from simulators.scenario.population import BEGINNING

SMALL = Size(subjects=12, known=6, outside=3)


def uuids(made: Scenario) -> set[str]:
    """Every id that means something in either server."""
    avni, bahmni = made.avni.organisation(made.pairs.organisation), made.bahmni
    tables = (avni.concepts, made.avni.subjects, bahmni.patients)
    hospital = set(vars(made.pairs.hospital).values())
    return {uuid for table in tables for uuid in table} | hospital


def declared(made: Scenario) -> dict[str, object]:
    return made.declaration(avni_url="http://a", bahmni_url="http://b", secret="env:X")


def test_the_same_seed_gives_the_same_people_ids_and_times() -> None:
    one, other = build(5, SMALL), build(5, SMALL)
    assert one.avni.dump() == other.avni.dump()
    assert one.planted == other.planted
    assert declared(one) == declared(other)
    assert set(one.bahmni.patients) == set(other.bahmni.patients)


def test_another_seed_shares_names_but_no_id() -> None:
    one, other = build(1, SMALL), build(2, SMALL)
    names = [{row.name for row in made.avni.organisation("demo").concepts.values()} for made in (one, other)]
    assert names[0] == names[1]
    assert not uuids(one) & uuids(other)


def test_the_two_servers_share_no_id() -> None:
    made = build(1, SMALL)
    avni = {*made.avni.organisation("demo").concepts, *made.avni.subjects}
    assert not avni & {*made.bahmni.concepts, *made.bahmni.patients}


def test_as_many_people_as_asked_for() -> None:
    made = build(1, SMALL, with_mistakes=False)
    assert len([row for row in made.avni.subjects.values() if not row.voided]) == 12
    assert len(made.bahmni.patients) == 6 + 3


def test_each_planted_record_is_of_its_own_kind_and_exists() -> None:
    made = build(1, SMALL)
    assert len({(planted.stream, planted.message) for planted in made.planted}) == len(made.planted) >= 5
    for planted in made.planted:
        where = made.avni.subjects if planted.stream == "subject" else made.bahmni.patients
        assert planted.source_id in where


def test_what_mends_a_planted_record_points_at_a_concept_the_hospital_has() -> None:
    made = build(1, SMALL)
    mends = [planted.mend for planted in made.planted if planted.mend]
    assert mends
    assert all(mend.int_system_value in made.bahmni.concepts for mend in mends)
    assert all(made.avni.organisation("demo").concept_named(mend.avni_value) for mend in mends)


def test_everything_is_old_enough_to_be_shown_and_several_subjects_share_a_millisecond() -> None:
    made = build(1, Size(subjects=40, known=0, outside=0))
    stamps = [row.modified_ms for row in made.avni.subjects.values()]
    assert to_ms(BEGINNING) <= min(stamps)
    assert max(stamps) < made.avni.now_ms() - 10_000
    assert len(set(stamps)) < len(stamps)


def test_by_default_the_hospital_takes_latin_names_and_all_but_the_planted_one_are() -> None:
    made = build(1, Size(subjects=60, known=10, outside=5))
    pattern = made.bahmni.settings.name_pattern
    assert pattern
    refused = [
        row.uuid
        for row in made.avni.subjects.values()
        if not re.search(pattern, row.first_name or "") or not re.search(pattern, row.last_name or "")
    ]
    assert refused == [planted.source_id for planted in made.planted if planted.message == "bahmni.name-refused"]


def test_a_hospital_with_a_relaxed_rule_has_people_with_names_in_any_script() -> None:
    made = build(1, Size(subjects=60, known=30, outside=5), relaxed_names=True)
    assert made.bahmni.settings.name_pattern is None
    assert any(not (row.first_name or "").isascii() for row in made.avni.subjects.values())
    names = [name for person in made.bahmni.persons.values() for name in person.names]
    assert any(not (name.given_name or "").isascii() for name in names)


def test_some_numbers_are_the_beginning_of_others() -> None:
    made = build(1, Size(subjects=12, known=12, outside=0), with_mistakes=False)
    numbers = {row.identifier for one in made.bahmni.patients.values() for row in one.identifiers}
    assert {"COM1", "COM11"} <= numbers


def test_more_known_subjects_than_subjects_is_refused() -> None:
    with pytest.raises(ValueError, match="known"):
        Size(subjects=1, known=2)
