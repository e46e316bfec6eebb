"""The whole main job at the size of a small district: `make main-job`. Not collected by itself, as it takes minutes."""

from __future__ import annotations

import pytest

from simulators.scenario import Size, build
from syncstatus.models import Run
from tenants.scoping import tenant_scope
from tests.flow.test_three_hundred import Hospital, hospital, in_error, planted_in, written

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(1800)]

SIZE = Size(subjects=1000, known=1000, outside=50, general_encounters=2000, encounters=2000)
ACTS = (
    "as it stands", "positions rewound", "links of subject", "links of patient",
    "links of general-encounter", "links of encounter",
)  # fmt: skip


def test_six_thousand_records_travel_and_doing_it_again_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with hospital(build(seed=31, size=SIZE), "district", monkeypatch) as one:
        until_quiet(one)
        assert one.findings() == []
        assert in_error(one.tenant) == planted_in(one.made)
        with tenant_scope(one.tenant):
            assert all(run.read == run.finished_changes for run in Run.objects.all())
        there, so_far = one.states(), written(one.tenant)
        for act in ACTS:
            one.again(act)
            until_quiet(one)
            assert (one.states() == there, written(one.tenant)) == (True, so_far), act
            assert in_error(one.tenant) == planted_in(one.made), act


def until_quiet(one: Hospital) -> None:
    """Look again for as long as a slice had no time for all."""
    before = -1
    while written_and_read(one) != before:
        before = written_and_read(one)
        one.sync()


def written_and_read(one: Hospital) -> int:
    with tenant_scope(one.tenant):
        return sum(run.read for run in Run.objects.all())
