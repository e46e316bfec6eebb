"""Three hundred subjects, patients and encounters, judged by the comparer alone; and everything again, to no effect."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import yaml

from common import clock
from engine import bell, declaration, moves, work
from engine.registry import connector_of
from errors.models import OPEN_STATES, ErrorRecord
from mappings.models import Mapping, MappingType
from simulators.avni import AvniApp
from simulators.bahmni import BahmniApp
from simulators.comparer import Before, Finding, State, compare
from simulators.scenario import Scenario, Size, build
from simulators.server import Server
from syncstatus.models import Flow, Link, Position, Round, Run, Stream
from tenants.audit import SYSTEM
from tenants.models import Tenant
from tenants.scoping import tenant_scope

pytestmark = [pytest.mark.slow, pytest.mark.core, pytest.mark.django_db]

SIZE = Size(subjects=300, known=200, outside=20, general_encounters=200, encounters=200)


@dataclass
class Hospital:
    """A scenario behind its two servers, and the tenant that joins them."""

    made: Scenario
    avni: Server
    bahmni: Server
    tenant: Tenant
    before: Before

    def sync(self) -> None:
        """Look at both streams until nothing is due."""
        with tenant_scope(self.tenant):
            bell.mark_due(Stream.objects.all())
            work.work_off(self.tenant.pk)

    def findings(self, mended: Collection[str] = ()) -> list[Finding]:
        """What the comparer says; `mended` are planted records that should have got through by now."""
        stuck = {planted.source_id for planted in self.made.planted} - set(mended)
        return compare(self.before, self.made.avni.dump(), self.made.bahmni.dump(), self.made, in_error=stuck)

    def states(self) -> tuple[State, State]:
        """Everything both servers hold, to the last column."""
        return self.made.avni.dump(), self.made.bahmni.dump()

    def again(self, act: str) -> None:
        """Sync once more, after `act` was done to the ledger."""
        with tenant_scope(self.tenant):
            if act.startswith("links of "):
                Link.objects.filter(stream__key=act.removeprefix("links of ")).delete()
            if act != "as it stands":
                self.rewind()
            self.sync()

    def live_by_the_feeds(self) -> None:
        """As if the flows had been on while all this happened: the feeds tell of it, and nothing is gone through."""
        self.rewind()
        rests: dict[str, Any] = {
            "ordinal": 1,
            "last_finished_at": clock.now(),
            "next_turn_at": clock.now() + timedelta(days=3650),
        }
        for stream in Stream.objects.filter(key__in=("patient", "encounter")):
            Round.objects.create(tenant=self.tenant, stream=stream, **rests)

    def go_round(self) -> None:
        """Go through patients and encounters of Bahmni once, from end to end, in as many turns as it takes."""
        with tenant_scope(self.tenant):
            begun = dict(Round.objects.values_list("stream", "ordinal"))
            while True:
                Round.objects.update(next_turn_at=None)
                self.sync()
                rows = list(Round.objects.all())
                if all(row.began_at is None and row.ordinal > begun[row.stream_id] for row in rows):
                    Round.objects.update(next_turn_at=clock.now() + timedelta(days=3650))
                    return

    def rewind(self) -> None:
        """Set all positions back to the beginning; every record is then compared with its target anew."""
        servers = work.servers_of(work.setting_of(self.tenant))
        for position in Position.objects.select_related("stream"):
            position.value = dict(
                connector_of(self.tenant).first_position(servers, position.stream.key, position.partition, None)
            )
            position.save()
        Link.objects.update(is_suspect=True)


@contextmanager
def hospital(made: Scenario, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hospital]:
    """Servers, tenant by declaration, both flows on."""
    before = Before(made.avni.dump(), made.bahmni.dump())
    monkeypatch.setenv("ACCOUNT_PASSWORD", made.password)
    with Server(AvniApp(made.avni)) as avni, Server(BahmniApp(made.bahmni)) as bahmni:
        told = made.declaration(
            avni_url=avni.base_url, bahmni_url=bahmni.base_url, secret="env:ACCOUNT_PASSWORD", name=name
        )
        tenant = declaration.apply(declaration.read(yaml.safe_dump(told)), SYSTEM).tenant
        with tenant_scope(tenant):
            for flow in Flow.objects.select_related("tenant"):
                moves.switch_on(flow, start_policy="beginning", actor=SYSTEM)
        try:
            there = Hospital(made, avni, bahmni, tenant, before)
            with tenant_scope(tenant):
                there.live_by_the_feeds()
            yield there
        finally:
            work.forget()
        assert not avni.failures
        assert not bahmni.failures


def in_error(tenant: Tenant) -> set[tuple[str, str, str, str]]:
    """Every open record: stream, source id, message, state."""
    with tenant_scope(tenant):
        rows = ErrorRecord.objects.filter(state__in=OPEN_STATES)
        return set(rows.values_list("stream__key", "entity_id", "message", "state"))


def planted_in(made: Scenario, mended: Collection[str] = ()) -> set[tuple[str, str, str, str]]:
    """What must be in error, and what waits for it, as long as only the records in `mended` are mended."""
    stuck = (one for one in (*made.planted, *made.waiting) if not {one.source_id, one.waits_for} & set(mended))
    return {(one.stream, one.source_id, one.message, one.state) for one in stuck}


def written(tenant: Tenant) -> int:
    """Records that runs say they created, changed or voided."""
    with tenant_scope(tenant):
        return sum(run.created + run.updated + run.voided for run in Run.objects.all())


def test_all_get_through_but_the_planted_ones_and_doing_it_again_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hospital(build(seed=11, size=SIZE), "ashwini", monkeypatch) as one:
        one.sync()
        assert one.findings() == []
        assert in_error(one.tenant) == planted_in(one.made)
        with tenant_scope(one.tenant):
            runs = list(Run.objects.all())
            assert all(run.read == run.finished_changes for run in runs)
            created = dict.fromkeys(("subject", "patient", "general-encounter", "encounter"), 0)
            for run in runs:
                created[run.stream.key] += run.created
            assert created == {"subject": 312, "patient": 310, "general-encounter": 200, "encounter": 200}
        there, so_far = one.states(), written(one.tenant)
        streams = [f"links of {stream}" for stream in created]
        for act in ("as it stands", "positions rewound", *streams):
            one.again(act)
            assert one.states() == there, act
            assert written(one.tenant) == so_far, act
            assert in_error(one.tenant) == planted_in(one.made), act


def test_a_mended_mapping_lets_the_planted_record_through(monkeypatch: pytest.MonkeyPatch) -> None:
    made = build(seed=12, size=Size(subjects=6, known=3, outside=1, general_encounters=12, encounters=12))
    with hospital(made, "ashwini", monkeypatch) as one:
        one.sync()
        mendable = [planted for planted in made.planted if planted.mend]
        with tenant_scope(one.tenant):
            for planted in mendable:
                mend = planted.mend
                assert mend
                kind = MappingType.objects.get(group__name=mend.group, name=mend.type)
                Mapping.objects.create(
                    tenant=one.tenant, type=kind, avni_value=mend.avni_value, int_system_value=mend.int_system_value
                )
            moves.retry(ErrorRecord.objects.filter(entity_id__in=[one.source_id for one in mendable]), actor=SYSTEM)
        one.sync()
        mended = {planted.source_id for planted in mendable}
        assert one.findings(mended) == []
        assert in_error(one.tenant) == planted_in(made, mended)


def test_names_in_any_script_travel_where_the_hospital_allows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made = build(seed=13, size=Size(subjects=60, known=20, outside=2), relaxed_names=True, with_mistakes=False)
    with hospital(made, "ashwini", monkeypatch) as one:
        one.sync()
        assert one.findings() == []
        assert in_error(one.tenant) == set()


def test_w41_two_tenants_with_equal_names_keep_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    size = Size(subjects=12, known=6, outside=2, general_encounters=12, encounters=12)
    with ExitStack() as stack:
        ashwini, ekam = (
            stack.enter_context(hospital(build(seed=seed, size=size), name, monkeypatch))
            for seed, name in ((21, "ashwini"), (22, "ekam"))
        )
        for one in (ashwini, ekam):
            one.sync()
        for one in (ashwini, ekam):
            assert one.findings() == []
            assert in_error(one.tenant) == planted_in(one.made)
