"""Finding patients: the database's prefix search and the fuzzy one (openmrs.md O48 to O50)."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator

__all__ = ["PatientIndex"]


class PatientIndex:
    """Identifier rows sorted by their text, voided ones too, and words of names.

    Rows are never taken out but by `drop`; whether a row still counts is the caller's question.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str]] = []
        self._words: list[tuple[str, str]] = []
        self._words_of: dict[str, list[str]] = {}
        self._exact: dict[tuple[str, str], Counter[str]] = {}

    def add_identifier(self, text: str, identifier: str, patient: str, kind: str) -> None:
        """Note an identifier row (its own uuid, its patient's, its type's)."""
        insort(self._rows, (text.lower(), identifier, patient))
        self._exact.setdefault((kind, text.lower()), Counter())[patient] += 1

    def drop_identifier(self, text: str, identifier: str, patient: str, kind: str) -> None:
        """Forget an identifier row that was purged or given another text."""
        row = (text.lower(), identifier, patient)
        del self._rows[bisect_left(self._rows, row)]
        self._exact[kind, text.lower()][patient] -= 1

    def set_names(self, person: str, names: list[str]) -> None:
        """Replace the words under which a person is found."""
        for word in self._words_of.pop(person, []):
            del self._words[bisect_left(self._words, (word, person))]
        words = sorted({word for name in names for word in name.lower().split()})
        if words:
            self._words_of[person] = words
        for word in words:
            insort(self._words, (word, person))

    def holders(self, kind: str, text: str) -> list[str]:
        """Patients that have or had this identifier of this type, case ignored as in MySQL."""
        return [p for p, rows in self._exact.get((kind, text.lower()), Counter()).items() if rows]

    def starting_with(self, text: str) -> Iterator[tuple[str, str]]:
        """(identifier uuid, patient uuid) where identifier LIKE 'text%'; % and _ are wildcards."""
        wanted = text.lower()
        literal = re.split("[%_]", wanted, maxsplit=1)[0]
        pattern = None if literal == wanted else _like(wanted)
        for index in range(bisect_left(self._rows, (literal,)), len(self._rows)):
            row, identifier, patient = self._rows[index]
            if not row.startswith(literal):
                return
            if pattern is None or pattern.match(row):
                yield identifier, patient

    def containing(self, text: str) -> Iterator[tuple[str, str]]:
        """The same where the text stands anywhere in the identifier; exact hits first."""
        wanted = text.lower()
        hits = [row for row in self._rows if wanted in row[0]]
        hits.sort(key=lambda row: row[0] != wanted)
        return ((identifier, patient) for _, identifier, patient in hits)

    def named(self, text: str) -> list[str]:
        """Persons each word of the text is the beginning of a name of."""
        found: set[str] | None = None
        for word in text.lower().split():
            persons = set(self._persons(word))
            found = persons if found is None else found & persons
        return sorted(found or ())

    def _persons(self, word: str) -> Iterator[str]:
        for index in range(bisect_left(self._words, (word,)), len(self._words)):
            candidate, person = self._words[index]
            if not candidate.startswith(word):
                return
            yield person


def _like(text: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in text))
