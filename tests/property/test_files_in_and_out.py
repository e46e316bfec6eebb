"""Whatever stands in a file: it comes back as it went out, or it is refused in sentences. Nothing else happens."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine import declaration
from engine.declaration import DeclarationRefused, Problem
from mappings.csv_table import bare, guarded
from tests.unit.engine.fake_connector import announced, make

FORMULA = "=+-@\t\r\n＝＋－＠"

SIGNS = st.sampled_from(list("'\"" + FORMULA + "a1 ,;"))

PIECES = st.sampled_from(
    [
        "name: a", "connector: paper", "title: ", "zone: Asia/Kolkata", "namespace: 1", "born_here: yes", "constants:",
        "  Prefix: ", "  Boxes: [", "]", "{", "}", "mappings:", "  Words:", "    Concept:", "      - {avni: x, int: y}",
        "flows:", "connections:", "  avni:", "    secret: env:X", "- ", ": ", "? ", "&a ", "*a", "<<: ", "!!int x",
        "---",
        "...", "'", '"', "|", ">", "#", "%TAG", "\t", "\n", "\u2028", "\ufeff", "\x00", "\\ud83d", "1e400", ".nan",
        "0x_",
        "1_0:0", "2026-13-45", "~", "\U0001f600", "no", "=", "!<x> y",
    ]
)  # fmt: skip


def problems_of(text: str) -> list[Problem]:
    """Why the text is refused; empty when it is not."""
    with announced(make()):
        try:
            declaration.read(text)
        except DeclarationRefused as refusal:
            return refusal.problems
    return []


@given(st.text(SIGNS))
def test_a_guarded_cell_is_never_a_formula_and_comes_back_as_it_was(cell: str) -> None:
    assert not guarded(cell).startswith(tuple(FORMULA))
    assert bare(guarded(cell)) == cell


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(PIECES, st.just("\n"), st.text(max_size=5)), max_size=25).map("".join))
@example('{"name": "a", "connector": "paper", "title": "\\ud83d"}')
@example("name: a\nconnector: paper\nmatch_birth_years: 1_0:0\n")
@example("name: a\nconnector: paper\nmatch_name_likeness: .nan\n")
@example("name: a\nconnector: paper\nmatch_name_likeness: 1e400\n")
@example("name: a\nconnector: paper\nmatch_birth_years: " + "9" * 5000 + "\n")
@example("? [a]\n: b\n")
@example("? {a: b}\n: c\n")
def test_any_text_is_a_declaration_or_refused_in_sentences(text: str) -> None:
    problems_of(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_a_refusal_always_names_line_and_remedy(text: str) -> None:
    for problem in problems_of(text):
        assert problem.line >= 1
        assert problem.remedy
