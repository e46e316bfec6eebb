"""What the message ids of this connector mean to a person: the cause with names of metadata, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from bahmni.sentences import mapping, people, servers, standing, waiting
from errors.specs import Sentence

SENTENCES: Mapping[str, Sentence] = {
    **servers.SENTENCES,
    **mapping.SENTENCES,
    **people.SENTENCES,
    **waiting.SENTENCES,
    **standing.SENTENCES,
}
