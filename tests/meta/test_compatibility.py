"""docs/compatibility.md answers for every weakness of the Java service, by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.meta.test_guarantees import missing
from tests.property.test_lossy_cases import CASES

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"\| W(?P<number>\d+) \| (?P<wrong>[^|]+) \| (?P<answer>[^|]+) \|")
TEXT = (ROOT / "docs" / "compatibility.md").read_text()
ROWS = {int(found["number"]): found["answer"] for line in TEXT.splitlines() if (found := ROW.fullmatch(line))}
NAMED_AFTER = [*range(1, 44), *range(49, 55)]
"""Those that concern what travels; the others are about who may do what, and about running the service."""


def test_all_61_are_answered_for() -> None:
    assert sorted(ROWS) == list(range(1, 62))


@pytest.mark.parametrize("number", ROWS)
def test_an_answer_names_tests_that_exist_or_says_why_there_is_none(number: int) -> None:
    answer = ROWS[number]
    assert missing(answer) == []
    assert "`" in answer or answer.startswith("not ours: ")


@pytest.mark.parametrize("number", NAMED_AFTER)
def test_what_concerns_the_records_has_a_test_of_its_name(number: int) -> None:
    assert re.search(rf"::test_w{number}_\w+`|::Test\w+::test_w{number}_\w+`", ROWS[number])


def test_the_lossy_cases_are_a_closed_list_with_a_generator_each() -> None:
    numbers = [int(number) for number in re.findall(r"^\| L(\d+) \|", TEXT, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [f"L{number}" for number in numbers] == list(CASES)


def test_what_is_said_of_the_lossy_cases_names_tests_that_exist() -> None:
    (said,) = re.findall(r"^## Lossy cases\n(.+?)^\| # ", TEXT, re.MULTILINE | re.DOTALL)
    assert missing(said) == []
    assert "`" in said
