"""Whether what a server tells agrees with what is remembered of it: the comparison alone."""

from __future__ import annotations

import pytest

from engine.identity import Difference, Expected, differences, learned
from engine.registry import Fact, Seen

SPECS = (Fact("organisation", "the organisation"), Fact("user", "our user", must_match=False))


def expected(**facts: str) -> Expected:
    return Expected(facts, ())


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {"organisation": "demo"}),
        ({"organisation": ""}, {"organisation": "demo"}),
        ({"organisation": "demo"}, {"organisation": "demo"}),
        ({"organisation": "demo"}, {}),
        ({"organisation": "demo", "user": "a"}, {"organisation": "demo", "user": "b"}),
    ],
    ids=["first contact", "empty until now", "as it was", "not told this time", "another account"],
)
def test_the_server_is_the_one_it_was(before: dict[str, str], now: dict[str, str]) -> None:
    assert differences(expected(**before), Seen(now), SPECS) == []


@pytest.mark.parametrize("now", ["elsewhere", ""])
def test_a_fact_that_must_match_and_does_not_is_a_difference(now: str) -> None:
    found = differences(expected(organisation="demo"), Seen({"organisation": now}), SPECS)
    assert found == [Difference("the organisation", "demo", now)]


def test_what_must_be_there_and_is_not_is_a_difference() -> None:
    assert differences(expected(), Seen({}, ("the record written last (e-1)",)), SPECS) == [
        Difference("the record written last (e-1)", "there", "")
    ]


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (Difference("the organisation", "demo", "other"), "the organisation was demo and is other"),
        (Difference("the organisation", "demo", ""), "the organisation is not there"),
        (Difference("the oldest entry", "x" * 60, "y" * 60), "the oldest entry is another one"),
    ],
)
def test_a_difference_is_said_in_a_few_words(difference: Difference, said: str) -> None:
    assert str(difference) == said


def test_what_is_told_anew_is_learned_and_what_is_not_told_stays_known() -> None:
    kept = learned(expected(organisation="demo", user="a"), Seen({"user": "b", "oldest": ""}))
    assert kept == {"organisation": "demo", "user": "b"}
