"""Observations of one record of Avni → what its form says in OpenMRS. Pure.

Stands on avni.md A24 to A28, A80 to A83 (how answers, groups, places and phone numbers are shown) and openmrs.md O66
to O74, O161 (what each data type takes). What a mapping's kind of answer means is told in docs/observations.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from math import isfinite
from typing import Any

from avni.wire import INDIA, instant, is_day
from bahmni import unmapped as policy
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.observations import Group, Leaf, Value
from bahmni.kinds import LAST_YEAR, LONGEST_TEXT, UUID_OF_OPENMRS, too_long, wrong_kind
from bahmni.numbers import number_in
from common.text import is_storable
from engine.verdicts import Fail
from mappings.models import DataTypeHint, Side, Unmapped
from mappings.snapshot import Entry, Snapshot

LONGEST_ANSWER = 255
"""Characters of the longest name of a concept; what is longer names none and may be anything."""

MOST_REPETITIONS = 100
DEEPEST_GROUP = 5
"""No form of people has more; a record that does is compared for too long."""

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""How Avni names a question inside a group that is filled in once (A28)."""

DEMOGRAPHICS = frozenset({"First name", "Middle name", "Last name", "Date of birth", "Gender", "Profile picture"})
"""Avni puts these among a subject's observations; they travel as name, gender and birth date of the person."""

GROUPS = frozenset({"", DataTypeHint.NA, DataTypeHint.QUESTION_GROUP, DataTypeHint.REPEATABLE_GROUP})
"""Kinds of answer under which an object is a group of questions."""

TEXTS = frozenset({"", DataTypeHint.NA, DataTypeHint.TEXT, DataTypeHint.PHONE_NUMBER})

TRUTHS = {"true": "true", "yes": "true", "false": "false", "no": "false"}
"""Words for a truth that is no answer anybody mapped."""


@dataclass(frozen=True)
class Answers:
    """All a record says, the concepts we answer for (also those left blank), and what has no mapping."""

    leaves: tuple[Leaf | Group, ...]
    concepts: frozenset[str]
    unmapped: tuple[str, ...]
    """What was left out by policy, by name, for counting."""
    unknown: tuple[tuple[str, str], ...] = ()
    """Question and answer where an answer without mapping is to be an error: see `reading.refuse_unknown`."""


def answers(
    observations: Mapping[str, Any], snapshot: Snapshot, zone: tzinfo, form: Entry | None = None
) -> Answers:  # fmt: skip
    """Translate the observations of one Avni record. Raises Fail naming question, kind and mapping.

    `zone` is the hospital's, which takes moments as its own clock shows them; `form` is the mapping of the form they
    were filled in on, whose policy holds for questions without a mapping. Ignored answers are left out like those
    nobody gave, and counted nowhere; so are ignored questions, for which we do not answer at all.
    """
    reading = _Reading(snapshot, zone)
    said = [*reading.members(observations, form, ())]
    spare = snapshot.single(*v.UNMAPPED_CONCEPT)
    if reading.lines:
        spare, text = policy.in_one_text(reading.lines, spare)
        said.append(Leaf(_concept(spare.avni_value, spare), text))
    concepts = frozenset(
        entry.int_system_value
        for name, entry in snapshot.by_avni_value.get(v.CONCEPT, {}).items()
        if not snapshot.is_ignored(Side.AVNI, name)
    ) | ({spare.int_system_value} if spare else set())
    return Answers(tuple(said), concepts, tuple(reading.unmapped), tuple(reading.unknown))


@dataclass
class _Reading:
    """One record being read, and what is left out on the way."""

    snapshot: Snapshot
    zone: tzinfo
    unmapped: list[str] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """Questions without a mapping that are sent as text."""

    def members(
        self, said: Mapping[str, Any], place: Entry | None, path: tuple[str, ...]
    ) -> Iterator[Leaf | Group]:  # fmt: skip
        """What stands in a form or a group (`path`: names of the groups around). `place` is its mapping."""
        for key, value in sorted(said.items()):
            entry = self._mapped(key)
            question = entry.avni_value if entry else key
            if self.snapshot.is_ignored(Side.AVNI, key) or self.snapshot.is_ignored(Side.AVNI, question):
                continue
            if entry:
                yield from self._answered(question, value, entry, path)
            elif path or not self._travels_elsewhere(key):
                self._without_mapping(key, value, place, path)

    def _mapped(self, name: str) -> Entry | None:
        """The mapping of a question or answer, by its name or its uuid in Avni."""
        by_name = self.snapshot.from_avni(*v.CONCEPT, name)
        return by_name or self.snapshot.from_avni_uuid(*v.CONCEPT, name.lower())

    def _travels_elsewhere(self, question: str) -> bool:
        number = self.snapshot.single(*v.IDENTIFIER_CONCEPT)  # travels as the patient's identifier
        return question in DEMOGRAPHICS or (number is not None and question == number.avni_value)

    def _without_mapping(self, question: str, value: Any, place: Entry | None, path: tuple[str, ...]) -> None:
        what = policy.for_questions(self.snapshot, Side.AVNI, place)
        if value in (None, "", [], {}) or (isinstance(value, str) and not value.strip()):
            what = Unmapped.SKIP
        is_a_uuid = bool(path) and UUID.fullmatch(question)
        if what == Unmapped.FAIL or (is_a_uuid and not policy.is_said(self.snapshot, Side.AVNI, place)):
            if is_a_uuid:  # perhaps it is mapped, but by its name alone
                raise Fail("bahmni.question-unmapped.by-uuid", group=path[-1], uuid=question)
            raise Fail("bahmni.question-unmapped", value=question, side=Side.AVNI)
        if what == Unmapped.TEXT:
            self.lines.append(f"{' / '.join((*path, question))}: {self._as_text(question, value)}")
        else:
            self.unmapped.append(question)

    def _as_text(self, question: str, value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(self._as_text(question, one) for one in value)
        if isinstance(value, Mapping):
            return "; ".join(f"{name}: {self._as_text(question, one)}" for name, one in sorted(value.items()))
        return str(value) if isinstance(value, bool) or value is None else str(_plain(question, value))

    # -- by kind of answer

    def _answered(self, question: str, value: Any, entry: Entry, path: tuple[str, ...]) -> Iterator[Leaf | Group]:
        if value is None or value == []:
            return
        concept = _concept(question, entry)
        match entry.data_type_hint:
            case DataTypeHint.CODED | DataTypeHint.BOOLEAN:
                for answer in value if isinstance(value, list) else [value]:
                    yield from self._chosen(question, answer, entry, concept)
            case DataTypeHint.DATE:
                yield Leaf(concept, _date(question, value, self.zone), is_date=True)
            case DataTypeHint.DATETIME:
                yield Leaf(concept, _moment(question, value, self.zone), is_moment=True)
            case DataTypeHint.NUMERIC:
                yield Leaf(concept, _number(question, value))
            case hint if hint in GROUPS and self._is_group(value, hint):
                yield from self._repeated(question, value, entry, concept, path)
            case hint if hint in TEXTS:
                yield from _texts(question, value, hint, concept)
            case _:
                raise wrong_kind(question, "a group of questions", value)

    def _is_group(self, value: Any, hint: str) -> bool:
        """Whether a value is a group of questions; without a word on it, when a question in it is known."""
        ones = value if isinstance(value, list) else [value]
        if not ones or not all(isinstance(one, Mapping) for one in ones):
            return False
        if hint in (DataTypeHint.QUESTION_GROUP, DataTypeHint.REPEATABLE_GROUP):
            return True
        keys = {key for one in ones for key in one}
        return any(self._mapped(key) or UUID.fullmatch(key) or self.snapshot.is_ignored(Side.AVNI, key) for key in keys)

    def _repeated(
        self, question: str, value: Any, entry: Entry, concept: str, path: tuple[str, ...]
    ) -> Iterator[Group]:  # fmt: skip
        """One group of observations per repetition; one that says nothing is none (O73)."""
        ones = value if isinstance(value, list) else [value]
        if len(ones) > MOST_REPETITIONS:
            raise Fail("bahmni.value-kind", question=question, expected=f"at most {MOST_REPETITIONS} repetitions",
                       kind="more of them")  # fmt: skip
        if len(path) >= DEEPEST_GROUP:
            raise wrong_kind(question, f"groups inside groups, {DEEPEST_GROUP} at most,", value)
        for number, one in enumerate(ones, start=1):
            members = tuple(dict.fromkeys(self.members(one, entry, (*path, question))))
            if members:
                yield Group(concept, members, number)

    def _chosen(self, question: str, answer: Any, entry: Entry, concept: str) -> Iterator[Leaf]:
        """One answer of a choice; of a truth also the bare word."""
        if entry.data_type_hint == DataTypeHint.BOOLEAN and isinstance(answer, bool):
            yield Leaf(concept, str(answer).lower(), is_truth=True)
            return
        if not isinstance(answer, str) or len(answer) > LONGEST_ANSWER or not is_storable(answer):
            raise wrong_kind(question, "the name of an answer", answer)
        if self.snapshot.is_ignored(Side.AVNI, answer):
            return
        found = self._mapped(answer)
        if found and self.snapshot.is_ignored(Side.AVNI, found.avni_value):
            return
        is_truth = entry.data_type_hint == DataTypeHint.BOOLEAN
        word = found.int_system_value if found else TRUTHS.get(answer.strip().lower(), "")
        if is_truth and word in TRUTHS.values():
            yield Leaf(concept, word, is_truth=True)
        elif found:
            yield Leaf(concept, _concept(answer, found), is_coded=True)
        elif answer.strip():
            yield from self._without_partner(question, answer, entry, concept)

    def _without_partner(self, question: str, answer: str, entry: Entry, concept: str) -> Iterator[Leaf]:
        match policy.for_answers(self.snapshot, Side.AVNI, entry):
            case Unmapped.TEXT:
                yield Leaf(concept, answer)
            case Unmapped.SKIP:
                self.unmapped.append(f"{question}: an answer")  # what it says may be anything
            case _:
                self.unknown.append((question, answer))


def _concept(name: str, entry: Entry) -> str:
    """The concept a question or answer is mapped to; a mapping typed by hand may hold anything."""
    if not UUID_OF_OPENMRS.fullmatch(entry.int_system_value):
        raise Fail("bahmni.mapping-without-uuid", name=entry.avni_value, side="avni", value=entry.avni_value)
    return entry.int_system_value


def _date(question: str, value: Any, zone: tzinfo) -> str:
    """A day; of a moment (the question may ask for the time as well) the one on which it is in the hospital."""
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo:
            at = at.astimezone(INDIA if is_day(at) else zone)
    except (TypeError, ValueError, OverflowError):
        raise wrong_kind(question, "a date", value) from None
    if at.year > LAST_YEAR:
        raise wrong_kind(question, f"a date before the year {LAST_YEAR + 1}", value)
    return at.date().isoformat()


def _moment(question: str, value: Any, zone: tzinfo) -> str:
    """To the minute and with a blank, the one spelling that is taken (O72)."""
    try:
        at = instant(value).astimezone(zone)
    except (TypeError, ValueError, OverflowError):
        raise wrong_kind(question, "a date and time", value) from None
    if at.year > LAST_YEAR:
        raise wrong_kind(question, f"a time before the year {LAST_YEAR + 1}", value)
    return at.replace(tzinfo=None).isoformat(" ", "minutes")


def _number(question: str, value: Any) -> float | int:
    try:
        return number_in(value)
    except ValueError:
        raise wrong_kind(question, "a number", value) from None


def _texts(question: str, value: Any, hint: str, concept: str) -> Iterator[Leaf]:
    """A text that is not blank; several (links to files, ids of subjects) where the mapping does not ask for one."""
    several = isinstance(value, list) and hint != DataTypeHint.TEXT
    for one in value if several else [value]:
        text = _words(question, one, hint)
        if not isinstance(text, str) or text.strip():
            yield Leaf(concept, text)


def _words(question: str, value: Any, hint: str) -> Value:
    """A text; a number, in words where a text is asked for; a place by its titles, a phone by its number."""
    if isinstance(value, Mapping):
        words = [value["phoneNumber"]] if "phoneNumber" in value else list(value.values())
        if not all(isinstance(word, str) for word in words):
            raise wrong_kind(question, "a text", value)
        value = ", ".join(words)
    plain = _plain(question, value)
    return plain if isinstance(plain, str) or hint in ("", DataTypeHint.NA) else str(plain)


def _plain(question: str, value: Any) -> Value:
    if isinstance(value, str) and is_storable(value):
        if len(value) > LONGEST_TEXT:
            raise too_long(question)
        return value
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return value
    except OverflowError:  # a whole number of hundreds of digits
        pass
    raise wrong_kind(question, "a text", value)
