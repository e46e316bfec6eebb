"""Lookups: concepts by every name they have, places by tags, providers, types and forms."""

from __future__ import annotations

import pytest

from simulators.bahmni import Store, catalogue
from tests.contract.bahmni.support import (
    COMPLAINT,
    COUGH,
    FEVER,
    FORM,
    GROUP,
    NOTE,
    PARACETAMOL,
    PARACETAMOL_500,
    WEIGHT,
    Http,
    uuids,
)

# concepts


@pytest.fixture
def named(store: Store) -> str:
    """A concept with a preferred and a short name beside the full one."""
    return store.add_concept("Blood pressure, systolic", "Numeric", preferred="Systolic pressure", short="SBP").uuid


def test_custom_shows_answers_and_members(http: Http) -> None:
    v = "custom:(uuid,name:(name),datatype:(name),answers:(uuid,name:(name)),setMembers:(uuid,datatype:(name)))"
    coded = http.get(f"/concept/{COMPLAINT}", v=v).json()
    assert [answer["name"]["name"] for answer in coded["answers"]] == ["Fever", "Cough"]
    form = http.get(f"/concept/{FORM}", v=v).json()
    assert [(row["uuid"], row["datatype"]["name"]) for row in form["setMembers"]] == [(WEIGHT, "Numeric")]
    assert (form["datatype"]["name"], coded["datatype"]["name"]) == ("N/A", "Coded")


def test_members_of_members_are_shown_as_deep_as_asked(http: Http, store: Store) -> None:
    store.concepts[FORM].set_members = [GROUP]
    form = http.get(f"/concept/{FORM}", v="custom:(setMembers:(uuid,setMembers:(uuid)))").json()
    assert form["setMembers"][0]["setMembers"][0]["uuid"] == NOTE


def test_default_shows_answers_and_members_as_references(http: Http) -> None:
    body = http.get(f"/concept/{COMPLAINT}").json()
    assert [row["display"] for row in body["answers"]] == ["Fever", "Cough"]
    assert (body["set"], body["datatype"]["display"], body["retired"]) == (False, "Coded", False)


def test_display_is_the_preferred_name(http: Http, named: str) -> None:
    body = http.get(f"/concept/{named}").json()
    assert (body["display"], body["name"]["name"]) == ("Systolic pressure", "Systolic pressure")
    names = http.get(f"/concept/{named}", v="custom:(names:(name,conceptNameType))").json()["names"]
    assert [(name["name"], name["conceptNameType"]) for name in names] == [
        ("Blood pressure, systolic", "FULLY_SPECIFIED"),
        ("Systolic pressure", None),
        ("SBP", "SHORT"),
    ]


def test_words_find_beginnings_in_any_name(http: Http, named: str) -> None:
    assert uuids(http.get("/concept", q="sys pres")) == [named]
    assert uuids(http.get("/concept", q="sbp")) == [named]
    assert uuids(http.get("/concept", q="stolic")) == []


@pytest.mark.parametrize("name", ["Blood pressure, systolic", "systolic pressure"])
def test_name_finds_the_full_or_the_preferred_one_exactly(http: Http, named: str, name: str) -> None:
    assert uuids(http.get("/concept", name=name)) == [named]


def test_name_finds_no_part_and_no_short_one(http: Http, named: str) -> None:
    assert [uuids(http.get("/concept", name=name)) for name in ("Systolic", "SBP")] == [[], []]
    assert uuids(http.get("/concept", name="systolic", searchType="fuzzy")) == [named]


def test_fully_specified_names_find_several(http: Http, named: str) -> None:
    found = http.get("/concept", s="byFullySpecifiedName", name=["Fever", "Blood pressure, systolic", "None"])
    assert sorted(uuids(found)) == sorted([FEVER, named])
    assert uuids(http.get("/concept", s="byFullySpecifiedName", name="Systolic pressure", locale="en")) == []


@pytest.mark.parametrize("query", [{"name": "None"}, {"name": "None", "s": "byFullySpecifiedName"}])
def test_name_of_nothing_is_500_in_older_releases(http: Http, store: Store, query: dict[str, str]) -> None:
    assert uuids(http.get("/concept", **query)) == []
    store.settings.unknown_concept_name_fails = True
    assert http.get("/concept", **query).status_code == 500


def test_mapping_finds_its_concept(http: Http) -> None:
    assert uuids(http.get("/concept", source="CIEL", code="140238")) == [FEVER]
    assert uuids(http.get("/concept", term="140238")) == [FEVER]
    assert http.get(f"/concept/{FEVER}").json()["mappings"][0]["display"] == "CIEL: 140238"


def test_answers_and_members_are_searched(http: Http) -> None:
    assert uuids(http.get("/concept", answerTo=COMPLAINT, q="co")) == [COUGH]
    assert uuids(http.get("/concept", memberOf=FORM, q="")) == [WEIGHT]


def test_class_narrows_a_search(http: Http, store: Store) -> None:
    assert uuids(http.get("/concept", **{"name": "Form", "class": "ConvSet"})) == [FORM]
    assert uuids(http.get("/concept", **{"name": "Form", "class": "Misc"})) == []


def test_unknown_search_is_400(http: Http) -> None:
    assert http.get("/concept", s="byMood", q="x").status_code == 400
    assert http.get("/location", s="byMood").status_code == 400


def test_drug_shows_what_is_in_it(http: Http) -> None:
    assert uuids(http.get("/drug", q="para")) == [PARACETAMOL_500]
    body = http.get(f"/drug/{PARACETAMOL_500}").json()
    assert (body["concept"]["uuid"], body["dosageForm"]["display"]) == (PARACETAMOL, "Tablet(s)")


# places


@pytest.fixture
def ward(store: Store) -> str:
    """A bed in a ward of a wing; only the wing may have visits."""
    wing = store.add_location("Wing", tags=["Visit Location", "Login Location"], uuid="wing")
    ward = store.add_location("Ward", parent=wing.uuid, tags=["Login Location"])
    return store.add_location("Bed", parent=ward.uuid).uuid


def test_places_are_found_by_tags(http: Http, ward: str) -> None:
    tagged = uuids(http.get("/location", s="byTags", tags="Login Location,Visit Location"))
    assert tagged == [catalogue.REGISTRATION_DESK, "wing"]
    either = uuids(http.get("/location", s="byTags", tags="Login Location,Visit Location", operator="ANY"))
    assert len(either) == 4
    assert uuids(http.get("/location", tag="Visit Location")) == [catalogue.REGISTRATION_DESK, "wing"]


def test_visit_location_is_the_nearest_around(http: Http, ward: str) -> None:
    assert http.get(f"/bahmnicore/visitLocation/{ward}").json() == {"uuid": "wing"}
    assert http.get("/bahmnicore/visitLocation/wing").json() == {"uuid": "wing"}


def test_place_outside_every_visit_location_is_500(http: Http, store: Store) -> None:
    assert http.get(f"/bahmnicore/visitLocation/{store.add_location('Outside').uuid}").status_code == 500
    assert http.get("/bahmnicore/visitLocation/x").status_code == 500


def test_place_knows_its_tags_and_neighbours(http: Http, ward: str) -> None:
    wing = http.get("/location/wing").json()
    assert [tag["display"] for tag in wing["tags"]] == ["Visit Location", "Login Location"]
    assert [child["display"] for child in wing["childLocations"]] == ["Ward"]
    assert http.get(f"/location/{ward}").json()["parentLocation"]["display"] == "Ward"


# people, types, forms


def test_provider_is_found_by_identifier_and_by_user(http: Http, store: Store) -> None:
    assert uuids(http.get("/provider", q="superman")) == [catalogue.SUPERMAN]
    assert uuids(http.get("/provider", user=catalogue.SUPERMAN_USER)) == [catalogue.SUPERMAN]
    assert uuids(http.get("/provider", user="x")) == []


def test_provider_who_left_is_still_read(http: Http, store: Store) -> None:
    store.providers[catalogue.SUPERMAN].retired = True
    assert uuids(http.get("/provider", q="superman")) == []
    body = http.get(f"/provider/{catalogue.SUPERMAN}").json()
    assert (body["retired"], body["display"]) == (True, "superman - Super Man")


TYPES = [
    ("encountertype", catalogue.CONSULTATION, {"name": "Consultation", "description": None, "retired": False}),
    ("visittype", catalogue.OPD, {"name": "OPD", "description": None, "retired": False}),
    ("encounterrole", catalogue.UNKNOWN_ROLE, {"name": "Unknown", "retired": False}),
    ("visitattributetype", catalogue.VISIT_STATUS, {"name": "Visit Status", "minOccurs": 0, "maxOccurs": 1}),
    ("ordertype", catalogue.DRUG_ORDER_TYPE, {"name": "Drug Order", "javaClassName": "org.openmrs.DrugOrder"}),
    ("caresetting", catalogue.OUTPATIENT, {"name": "Outpatient"}),
]


@pytest.mark.parametrize(("resource", "uuid", "expected"), TYPES)
def test_types_are_listed_and_read(http: Http, resource: str, uuid: str, expected: dict[str, object]) -> None:
    assert uuid in uuids(http.get(f"/{resource}"))
    body = http.get(f"/{resource}/{uuid}", v="full").json()
    assert {name: body[name] for name in expected} == expected


def test_form_tells_its_encounter_type(http: Http, store: Store) -> None:
    form = store.add_form("Vitals", version="2", encounter_type=catalogue.CONSULTATION).uuid
    assert uuids(http.get("/form", q="vit")) == [form]
    body = http.get(f"/form/{form}").json()
    assert (body["name"], body["version"], body["published"]) == ("Vitals", "2", True)
    assert body["encounterType"]["uuid"] == catalogue.CONSULTATION
