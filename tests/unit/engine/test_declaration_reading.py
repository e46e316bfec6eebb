from __future__ import annotations

import json

import pytest

from engine import declaration
from engine.declaration import DeclarationRefused
from engine.registry import Connector

HEAD = "name: ashwini\nconnector: paper\n"


def problems(text: str) -> list[str]:
    with pytest.raises(DeclarationRefused) as refusal:
        declaration.read(text)
    return [str(problem) for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "name: a\nconnector: paper\ntitel: x\n",
            "line 3: unknown key 'titel' in the declaration. Did you mean 'title'.",
        ),
        (HEAD + "colour: red\n", "line 3: unknown key 'colour' in the declaration. Known are: name, title"),
        (HEAD + "name: b\n", "line 3: 'name' stands twice in the declaration. Keep one (the first: line 1)."),
        (HEAD + "born_here: perhaps\n", "line 3: born_here must be true or false."),
        (HEAD + "born_here: 'yes'\n", "line 3: born_here must be true or false."),
        (HEAD + "match_birth_years: many\n", "line 3: match_birth_years must be a whole number."),
        (HEAD + "match_birth_years: 0o7x\n", "line 3: match_birth_years must be a whole number."),
        (HEAD + "match_name_likeness: 2\n", "line 3: match_name_likeness is not valid."),
        (HEAD + "title: [a]\n", "line 3: title must be text. Put it in quotes."),
        (HEAD + "title: 5\n", "line 3: title must be text. Put it in quotes."),
        (HEAD + "zone: Asia/Atlantis\n", "line 3: zone is not valid. 'Asia/Atlantis' is not a time zone"),
        (HEAD + "namespace: abc\n", "line 3: namespace is not valid. write a uuid"),
        ("name: Ashwini Hospital\nconnector: paper\n", "line 1: name is not valid. lower-case letters"),
        ("connector: paper\n", "line 1: the tenant has no name."),
        ("name: a\n", "line 1: the connector is not named. Write connector: and one of"),
        ("name: a\nconnector: stone\n", "line 2: there is no connector 'stone'. Write connector: and one of"),
        (HEAD + "connections: []\n", "line 3: connections must be key: value pairs."),
        (HEAD + "connections:\n  moon: {}\n", "line 4: unknown key 'moon' in connections. Known are: avni, paper."),
        (
            HEAD + "connections:\n  avni:\n    secret: hunter2\n",
            "line 5: secret is not valid. a secret never stands in the file",
        ),
        (HEAD + "connections:\n  avni:\n    base_url: ftp://x\n", "line 5: base_url is not valid."),
        (
            HEAD + "connections:\n  avni:\n    sign_in: guess\n",
            "line 5: no way to sign in: 'guess'. Write one of token, none.",
        ),
        (HEAD + "connections:\n  avni:\n    max_parallel: 0\n", "line 5: max_parallel is not valid."),
        (HEAD + "constants:\n  Prefix: [a, b]\n", "line 4: constant Prefix must be text or a number."),
        (HEAD + "constants:\n  Prefix: no\n", "line 4: constant Prefix must be text or a number. Put it in quotes."),
        (HEAD + "constants:\n  Boxes: one\n", "line 4: constant Boxes must be a list."),
        (HEAD + "constants:\n  Prefx: a\n", "line 4: unknown key 'Prefx' in constants. Did you mean 'Prefix'."),
        (HEAD + "ignored: [Fever]\n", "line 3: ignored must be key: value pairs."),
        (HEAD + "ignored:\n  int: []\n", "line 4: unknown key 'int' in ignored. Known are: avni, int_system."),
        (HEAD + "ignored:\n  avni: [Fever]\n", "line 4: an ignored concept of avni must be key: value pairs."),
        (HEAD + "ignored:\n  avni: [{concept: no}]\n", "line 4: concept must be text or a number. Put it in quotes."),
        (HEAD + "mappings:\n  Wrds: {}\n", "line 4: unknown key 'Wrds' in mappings. Did you mean 'Words'."),
        (HEAD + "mappings:\n  Words:\n    Concpt: []\n", "line 5: unknown key 'Concpt' in mapping group Words."),
        (HEAD + "mappings:\n  Words:\n    Concept: {avni: a}\n", "line 5: Words / Concept must be a list."),
        (
            HEAD + "mappings:\n  Words:\n    Concept:\n      - {avni: No, int: 1}\n",
            "line 6: avni must be text or a number.",
        ),
        (HEAD + "mappings:\n  Words:\n    Concept:\n      - {avny: a}\n", "line 6: unknown key 'avny' in a mapping of"),
        (
            HEAD + "mappings:\n  Words:\n    Concept:\n      - {avni: a, avni: b}\n",
            "line 6: 'avni' stands twice in a mapping",
        ),
        (HEAD + "error_types: {}\n", "line 3: error_types must be a list."),
        (HEAD + "error_types:\n  - Slow\n", "line 4: an error type must be key: value pairs."),
        (HEAD + "error_types:\n  - {follow_up: process}\n", "line 4: an error type has no name. Add name:."),
        (
            HEAD + "error_types:\n  - {name: a}\n  - {name: a}\n",
            "line 5: 'a' stands twice. Keep one (the first: line 4).",
        ),
        (HEAD + "error_types:\n  - {name: a, folow_up: process}\n", "line 4: unknown key 'folow_up' in an error type."),
        (HEAD + "error_types:\n  - {name: a, follow_up: forget}\n", "line 4: follow_up is not valid."),
        (HEAD + "error_types:\n  - {name: a, comparison: like}\n", "line 4: comparison is not valid."),
        (HEAD + "error_types:\n  - {name: a, first_wait_minutes: 0}\n", "line 4: first_wait_minutes is not valid."),
        (
            HEAD + "error_types:\n  - {name: a, first_wait_minutes: null}\n",
            "line 4: first_wait_minutes must be a whole",
        ),
        (HEAD + "error_types:\n  - {name: a, most_attempts: many}\n", "line 4: most_attempts must be a whole number."),
        (HEAD + "error_types:\n  - {name: a, is_voided: 'no'}\n", "line 4: is_voided must be true or false."),
        (HEAD + "flows:\n  sideways: {}\n", "line 4: unknown key 'sideways' in flows."),
        (HEAD + "flows:\n  avni-to-paper:\n    cron: soon\n", "line 5: cron is not valid. 'soon' is not a cron line"),
        (HEAD + "flows:\n  avni-to-paper:\n    is_on: true\n", "line 5: unknown key 'is_on' in flow avni-to-paper."),
        ("", "line 1: the file is empty."),
        ("just words\n", "line 1: the declaration must be key: value pairs."),
        ("name: [\n", "line 2: not YAML or JSON"),
        ("name: 'open\n", "not YAML or JSON"),
        ("name: a\x00\n", "line 1: not YAML or JSON"),
        ("a: &x 1\nb: *x\n", "line 1: an anchor or alias"),
        ("[" * 50, "line 1: nested deeper than a declaration can be."),
        (HEAD + "---\nname: b\n", "line 3: a second document begins here"),
        ("!!python/object/apply:os.system [ls]\n", "line 1: the declaration must be key: value pairs."),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_a_remedy(paper: Connector, text: str, told: str) -> None:
    assert any(told in problem for problem in problems(text)), problems(text)


def test_everything_that_is_wrong_is_told_at_once(paper: Connector) -> None:
    text = HEAD + "titel: x\nborn_here: 1\nconstants:\n  Prefx: a\nconnections:\n  avni: {max_parallel: -1}\n"
    assert [problem.split(":")[0] for problem in problems(text)] == ["line 3", "line 4", "line 6", "line 8"]


def test_a_list_of_lists_of_lists_is_refused_before_it_is_built(paper: Connector) -> None:
    assert "nested deeper" in problems(HEAD + "constants:\n  Boxes: " + "[" * 5000)[0]


def test_json_says_the_same_as_yaml(paper: Connector) -> None:
    told = {
        "name": "ashwini",
        "connector": "paper",
        "born_here": True,
        "constants": {"Prefix": "TRI", "Boxes": ["a", "b"]},
        "mappings": {"Words": {"Concept": [{"avni": "ऊंचाई 😀", "int": 5}]}},
    }
    read = declaration.read(json.dumps(told, indent="\t"))
    assert read.tenant == {"born_here": True}
    assert read.constants == {"Prefix": ("TRI",), "Boxes": ("a", "b")}
    (wanted,) = read.mappings
    assert (wanted.avni_value, wanted.int_system_value) == ("ऊंचाई 😀", "5")


def test_numbers_of_the_other_system_are_kept_as_they_are_written(paper: Connector) -> None:
    text = HEAD + "constants: {Prefix: 007}\nmappings: {Words: {Concept: [{avni: 1e3, int: 0x10}]}}\n"
    read = declaration.read(text)
    assert read.constants["Prefix"] == ("007",)
    assert (read.mappings[0].avni_value, read.mappings[0].int_system_value) == ("1e3", "0x10")


def test_a_quoted_no_is_a_text(paper: Connector) -> None:
    read = declaration.read(HEAD + "mappings: {Words: {Concept: [{avni: 'No', int: n}]}}\n")
    assert read.mappings[0].avni_value == "No"


def test_what_the_file_does_not_say_is_not_declared(paper: Connector) -> None:
    read = declaration.read(HEAD)
    assert (read.tenant, read.connections, read.constants, read.mappings, read.flows) == ({}, {}, {}, (), {})
