"""The connector's sentences: each said in one place, and what people read about a sign-in that was refused."""

from __future__ import annotations

import re

import pytest

from avni.refusals import REFUSALS, Refusal
from bahmni.sentences import SENTENCES, mapping, people, servers, standing, waiting
from errors.catalogue import explain


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.word)
def test_every_refusal_has_a_cause_and_a_remedy_of_its_own(refusal: Refusal) -> None:
    told = explain(f"remote.sign-in.{refusal.word}", {}, SENTENCES)
    assert (told.cause, told.remedy) == (refusal.cause, refusal.remedy)
    assert told.cause.endswith(".")
    assert told.remedy.endswith(".")


def test_no_two_refusals_are_told_alike() -> None:
    assert len({refusal.cause for refusal in REFUSALS}) == len({refusal.word for refusal in REFUSALS}) == len(REFUSALS)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.word)
def test_a_message_id_of_a_refusal_fits_its_column(refusal: Refusal) -> None:
    message = f"remote.sign-in.{refusal.word}"
    assert re.fullmatch(r"[a-z.-]{1,100}", message)


def test_no_message_id_has_sentences_in_two_topics() -> None:
    said = [message for topic in (mapping, people, servers, standing, waiting) for message in topic.SENTENCES]
    assert sorted(said) == sorted(SENTENCES)


@pytest.mark.parametrize("message", ["bahmni.first-match-disagrees", "bahmni.multiple-patients", "bahmni.number-moved"])
def test_what_is_decided_about_people_is_named_among_what_to_do(message: str) -> None:
    assert "Decide…" in explain(message, {}, SENTENCES).remedy


def test_who_links_two_as_one_person_is_told_whose_name_stands() -> None:
    assert "in Bahmni that of the patient stands" in explain("bahmni.first-match-disagrees", {}, SENTENCES).remedy
