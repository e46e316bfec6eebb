"""Which type an error is of: the first rule in order whose text fits, else the one it names itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from errors.classification import LONGEST_PATTERN, Comparison, classify, fits, problem_with

TEXT = 'The answer "Tanker" to the question "Water source" has no partner in Bahmni.'
EQUALS, CONTAINS, MATCHES, NONE = Comparison.EQUALS, Comparison.CONTAINS, Comparison.MATCHES, Comparison.NONE


@dataclass(frozen=True)
class Kind:
    name: str
    comparison: str = NONE
    comparison_value: str = ""


def name_of(text: str, declared: str, *rules: Kind) -> str | None:
    found = classify(text, declared, rules)
    return found.name if found else None


@pytest.mark.parametrize(
    ("comparison", "value", "is_fitting"),
    [
        (EQUALS, TEXT, True),
        (EQUALS, TEXT.upper(), True),
        (EQUALS, f" {TEXT} ", True),
        (EQUALS, TEXT[:-1], False),
        (CONTAINS, "WATER source", True),
        (CONTAINS, "water tank", False),
        (CONTAINS, "ẞ", False),
        (MATCHES, ".*Water.*", True),
        (MATCHES, "Water", False),
        (MATCHES, ".*water.*", False),
        (MATCHES, "(?i).*water.*", True),
        (MATCHES, 'The answer "(Tanker|Well)" .*', True),
        (MATCHES, "The.*Bahmni", False),
        (NONE, TEXT, False),
        ("like", TEXT, False),
    ],
)
def test_a_text_fits_as_its_comparison_says(comparison: str, value: str, is_fitting: bool) -> None:
    assert fits(comparison, value, TEXT) is is_fitting


def test_letters_are_alike_whatever_their_case_in_every_script() -> None:
    assert fits(CONTAINS, "STRASSE", "An der Straße")
    assert fits(EQUALS, "ΌΝΟΜΑ", "όνομα")


def test_an_expression_reaches_across_lines() -> None:
    assert fits(MATCHES, "first.*last", "first\nmiddle\r\nlast")


@pytest.mark.parametrize("comparison", [EQUALS, CONTAINS, MATCHES])
@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_an_empty_text_fits_nothing(comparison: str, value: str) -> None:
    assert not fits(comparison, value, "")
    assert not fits(comparison, value, TEXT)


@pytest.mark.parametrize("value", ["(", "*", r"(a)\1", "(?=a)", "a{2000}", "\ud800"])
def test_an_expression_that_cannot_be_used_fits_nothing_and_raises_nothing(value: str) -> None:
    assert name_of(TEXT, "", Kind("broken", MATCHES, value), Kind("sound", CONTAINS, "Tanker")) == "sound"


def test_the_first_rule_that_fits_has_it() -> None:
    rules = [Kind("a", CONTAINS, "no such"), Kind("b", CONTAINS, "Tanker"), Kind("c", EQUALS, TEXT)]
    assert name_of(TEXT, "", *rules) == "b"
    assert name_of(TEXT, "", *reversed(rules)) == "c"


def test_a_rule_that_fits_goes_before_the_name_the_error_declares() -> None:
    assert name_of(TEXT, "Declared", Kind("Declared"), Kind("Fitting", CONTAINS, "Tanker")) == "Fitting"


def test_without_a_fitting_rule_the_declared_name_tells_the_type() -> None:
    assert name_of(TEXT, "Declared", Kind("Other", CONTAINS, "Well"), Kind("Declared")) == "Declared"


def test_a_declared_type_whose_own_text_does_not_fit_is_still_told_by_its_name() -> None:
    assert name_of(TEXT, "Declared", Kind("Declared", CONTAINS, "Well")) == "Declared"


@pytest.mark.parametrize("declared", ["", "Unknown"])
def test_what_no_rule_and_no_name_tells_has_no_type(declared: str) -> None:
    assert name_of(TEXT, declared, Kind("Other"), Kind("Well", CONTAINS, "Well")) is None


@pytest.mark.timeout(20)  # Python's own engine would need longer than the universe has
@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+b", "(.*a){30}b", "(a*)*b"])
def test_no_expression_takes_longer_than_its_text_is_long(pattern: str) -> None:
    assert not fits(MATCHES, pattern, "a" * 20_000)


@pytest.mark.parametrize(
    ("comparison", "value", "said"),
    [
        (NONE, "", ""),
        (CONTAINS, "Tanker", ""),
        (CONTAINS, "(", ""),
        (MATCHES, ".*Tanker.*", ""),
        (NONE, "Tanker", "how this text is compared"),
        (EQUALS, " ", "what text to look for"),
        (MATCHES, "", "what text to look for"),
        (CONTAINS, "x" * (LONGEST_PATTERN + 1), "At most 1000"),
        (MATCHES, "(", "missing )"),
        (MATCHES, "(?=a)", "Look-around and back-references are not known"),
        (MATCHES, "((a{100}){100}){100}", "Not a regular expression that can be used"),
        (MATCHES, "\ud800", "half a character"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_in_words(comparison: str, value: str, said: str) -> None:
    assert (said in problem_with(comparison, value)) if said else problem_with(comparison, value) == ""


def test_an_expression_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from errors import classification

    read: list[str] = []
    compile_ = classification.re2.compile
    monkeypatch.setattr(
        classification.re2, "compile", lambda pattern, *rest: read.append(pattern) or compile_(pattern, *rest)
    )
    for _ in range(3):
        assert fits(MATCHES, "seen only here .*", "seen only here and there")
        assert not fits(MATCHES, "seen only here (", "seen only here (")
    assert read == ["seen only here .*", "seen only here ("]
