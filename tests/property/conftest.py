"""Both servers with the handovers between them, once per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.pair import Pair, pair


@pytest.fixture(scope="module", params=[True, False], ids=["edits are dated", "edits of answers leave no date"])
def servers(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A hospital whose encounters tell when their answers were edited, and one whose do not (openmrs.md O85)."""
    with pair() as built:
        built.bahmni.settings.audit_on_obs_edit = request.param
        yield built
