from __future__ import annotations

import string

import pytest

from errors.catalogue import GENERIC, Mend, explain, general
from errors.specs import Sentence

OURS = {
    "paper.unmapped": Sentence(
        cause='The answer "{value}" to "{question}" has no partner.',
        remedy="Map it.",
        error_type="Unmapped",
        mends=("Observation", "Concept"),
    ),
    "remote.refused": Sentence(cause="The card box is full.", remedy="Empty it."),
    "paper.broken": Sentence(cause="{", remedy="{0}{a.b}"),
}

SAFE = {
    "differences",
    "source",
    "limit",
    "listed",
    "passed",
    "part",
    "side",
    "status",
    "code",
    "fields",
    "privilege",
    "kind",
    "times",
    "who",
    "place",
    "path",
    "type",
    "attempts",
}


def test_a_sentence_is_filled_with_its_parameters() -> None:
    told = explain("paper.unmapped", {"value": "Yes", "question": "Fever?", "side": "avni"}, OURS)
    assert told.cause == 'The answer "Yes" to "Fever?" has no partner.'
    assert (told.remedy, told.error_type) == ("Map it.", "Unmapped")


def test_a_missing_mapping_comes_with_all_its_form_needs() -> None:
    told = explain("paper.unmapped", {"value": "Yes", "question": "Fever?", "side": "avni"}, OURS)
    assert told.mends == Mend("Observation", "Concept", "avni", "Yes")


def test_an_error_no_mapping_mends_offers_none() -> None:
    assert explain("remote.slow", {"side": "Avni"}, OURS).mends is None


def test_the_connectors_sentence_goes_before_the_generic_one() -> None:
    assert explain("remote.refused", {}, OURS).cause == "The card box is full."


def test_a_server_is_called_by_its_name_not_by_its_key() -> None:
    assert explain("remote.slow", {"side": "avni"}, {}).cause == "Avni did not answer in time."


@pytest.mark.parametrize("message", ["paper.unknown", "", "{side}"])
def test_an_id_nobody_knows_is_shown_as_it_stands(message: str) -> None:
    told = explain(message, {"anything": 1}, OURS)
    assert message in told.cause
    assert told.remedy


def test_a_parameter_the_record_does_not_carry_shows_as_a_dash() -> None:
    assert explain("paper.unmapped", {"value": "", "question": None}, OURS).cause.count("–") == 2


def test_a_slip_in_a_sentence_does_not_hide_the_error() -> None:
    assert explain("paper.broken", {}, OURS).cause == "{"


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is() -> None:
    told = explain("paper.unmapped", {"value": "{question}", "question": "Q"}, OURS)
    assert '"{question}"' in told.cause


@pytest.mark.parametrize("message", GENERIC)
def test_generic_sentences_name_nothing_but_metadata(message: str) -> None:
    sentence = GENERIC[message]
    named = {
        name for text in (sentence.cause, sentence.remedy) for _, name, _, _ in string.Formatter().parse(text) if name
    }
    assert named <= SAFE


@pytest.mark.parametrize("message", GENERIC)
def test_generic_sentences_say_cause_and_remedy_in_whole_sentences(message: str) -> None:
    told = explain(message, dict.fromkeys(SAFE, "X"), {})
    assert told.cause.endswith(".")
    assert told.remedy.endswith(".")
    assert "{" not in told.cause + told.remedy


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("remote.sign-in.new-password", "remote.sign-in"),
        ("remote.sign-in", "remote.sign-in"),
        ("remote", "remote"),
        ("", ""),
    ],
)
def test_a_specific_id_belongs_to_a_general_one(message: str, expected: str) -> None:
    assert general(message) == expected


def test_a_specific_id_nobody_has_a_sentence_for_is_explained_by_the_general_one() -> None:
    told = explain("remote.sign-in.never-heard-of", {"side": "avni"}, {})
    assert told == explain("remote.sign-in", {"side": "avni"}, {})


def test_a_provider_that_is_down_is_told_apart_from_its_server() -> None:
    told = [
        explain(message, {"side": "avni"}, {}).cause
        for message in ("remote.source-down", "remote.source-down.provider")
    ]
    assert ["identity provider" in cause for cause in told] == [False, True]
