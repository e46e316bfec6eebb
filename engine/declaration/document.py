"""YAML or JSON as typed values that know their line. Nothing is guessed: what is not as it should be is a problem.

JSON is read as the YAML it (almost) is. Anchors, aliases and deep nesting are refused before anything is built, so a
small file cannot grow into a large one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable
from typing import Final, NoReturn, TypeVar

import yaml

from engine.declaration.problems import DeclarationRefused, Problem

MAX_CHARACTERS: Final = 10_000_000
MAX_DEPTH: Final = 8

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"
_HALVES: Final = re.compile(r"\\\\|\\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})")
_NUMBERS: Final = frozenset({"int", "float", "timestamp"})

Value = TypeVar("Value")


def compose(text: str) -> yaml.Node:
    """The tree of a file with one document. Raises DeclarationRefused."""
    if len(text) > MAX_CHARACTERS:
        _refuse(1, f"the file is longer than {MAX_CHARACTERS} characters", "Split it")
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        text = _json_as_yaml(text)
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        what = f"not YAML or JSON: {failure.problem or failure.context}"
        starred = "alias" in (failure.context or "")
        remedy = (
            "Quote a text that begins with *" if starred else "Look for a missing quote, bracket, colon or blank there"
        )
        _refuse(mark.line + 1 if mark else 1, what, remedy)
    except yaml.YAMLError:
        _refuse(1, "not YAML or JSON: a character that cannot stand in a text file", "Save the file as UTF-8 text")
    if node is None:
        _refuse(1, "the file is empty", "Take an export of another tenant as a pattern")
    return node


def line_of(node: yaml.Node) -> int:
    """Line of a value, counted from 1."""
    return int(node.start_mark.line) + 1


def is_null(node: yaml.Node) -> bool:
    """Whether a value is null."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"


class Reader:
    """Takes values out of nodes and collects every problem on the way; what had one comes out as None."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def report(self, line: int, what: str, remedy: str) -> None:
        """Note a problem and go on: a file is refused once, with everything that is wrong in it."""
        self.problems.append(Problem(line, what, remedy))

    def entries(self, node: yaml.Node, what: str, known: Collection[str]) -> dict[str, yaml.Node]:
        """The entries of a mapping by key. Unknown and doubled keys are problems and left out."""
        if not isinstance(node, yaml.MappingNode):
            self.report(line_of(node), f"{what} must be key: value pairs", "Indent its entries below it")
            return {}
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "(no text)"
            if key in found:
                first = line_of(found[key])
                self.report(line_of(key_node), f"{key!r} stands twice in {what}", f"Keep one (the first: line {first})")
            elif key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                remedy = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}"
                self.report(line_of(key_node), f"unknown key {key!r} in {what}", remedy.removesuffix("?"))
            else:
                found[key] = value
        return found

    def items(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        """The elements of a list."""
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.report(line_of(node), f"{what} must be a list", "Begin each element with a hyphen, or write [a, b]")
        return []

    def text(self, node: yaml.Node, what: str) -> str | None:
        """A text. A number or a bare yes is none: it might not mean what it looks like."""
        return self._scalar(node, what, "text", {"str"}, str, "Put it in quotes")

    def wire_text(self, node: yaml.Node, what: str) -> str | None:
        """A text or number of another system, kept as it is written. A bare yes or no must be quoted."""
        return self._scalar(node, what, "text or a number", {"str", *_NUMBERS}, str, "Put it in quotes")

    def boolean(self, node: yaml.Node, what: str) -> bool | None:
        """True or false."""
        return self._scalar(node, what, "true or false", {"bool"}, _true, "Write true or false, without quotes")

    def integer(self, node: yaml.Node, what: str) -> int | None:
        """A whole number."""
        return self._scalar(node, what, "a whole number", {"int"}, int, "Write digits only, without quotes")

    def number(self, node: yaml.Node, what: str) -> float | None:
        """A number."""
        return self._scalar(node, what, "a number", {"int", "float"}, float, "Write it as 0.7, without quotes")

    def _scalar(
        self,
        node: yaml.Node,
        what: str,
        expected: str,
        tags: Iterable[str],
        make: Callable[[str], Value],
        remedy: str,
    ) -> Value | None:
        if isinstance(node, yaml.ScalarNode) and node.tag.removeprefix(_TAG) in tags:
            try:
                return make(_encodable(node.value))
            except ValueError:
                pass
        self.report(line_of(node), f"{what} must be {expected}", remedy)
        return None


def _true(word: str) -> bool:
    return word.lower() in ("true", "yes", "on")


def _encodable(text: str) -> str:
    """The text, unless it holds half a character, which no database takes. Raises ValueError."""
    text.encode()
    return text


def _json_as_yaml(text: str) -> str:
    """JSON without what YAML does not know: tabs between values, and characters escaped as two halves."""

    def join(found: re.Match[str]) -> str:
        halves = found["high"], found["low"]
        if halves == (None, None):
            return found[0]  # an escaped backslash, which escapes nothing further
        return bytes.fromhex("".join(halves)).decode("utf-16-be")

    return _HALVES.sub(join, text.replace("\t", " "))


def _check_events(text: str) -> None:
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = int(event.start_mark.line) + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse(line, "an anchor or alias (& or *)", "Write the value out; quote a text that begins with & or *")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                _refuse(line, "nested deeper than a declaration can be", "Compare with an export")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                _refuse(line, "a second document begins here (---)", "Write one file per tenant")


def _refuse(line: int, what: str, remedy: str) -> NoReturn:
    raise DeclarationRefused([Problem(line, what, remedy)])
