"""A tenant goes out as a file and comes in again: headless set-up, as an administrator does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django_celery_beat.models import PeriodicTask

from engine import declaration
from engine.declaration import Changes, DeclarationRefused
from engine.registry import Connector
from errors.models import ErrorType
from mappings.models import Constant, IgnoredConcept, Mapping
from syncstatus.models import Flow, Stream
from tenants.audit import COMMAND
from tenants.models import AuditEntry, Connection, Tenant
from tenants.scoping import all_tenants
from tests.unit.engine.factories import error_of
from tests.unit.engine.fake_connector import announced, make

TEXT = """\
name: ashwini
title: Ashwini hospital
connector: paper
namespace: 5f0c86b4-7f4b-4c3e-9f5a-0b8a4d3c2e1f
zone: Asia/Kolkata
born_here: true
match_name_likeness: 0.8
match_birth_years: 3
connections:
  avni:
    base_url: https://avni.example.org
    sign_in: token
    username: integration@ashwini
    secret: env:AVNI_SECRET
    zone: UTC
    max_parallel: 8
  paper:
    base_url: https://paper.example.org/cards
    sign_in: basic
    username: integration
    secret: file:{secret_file}
constants:
  Prefix: TRI
  Boxes: [north, south]
mappings:
  People:
    Number:
      - {{avni: Sangam Number, int: number}}
  Words:
    Concept:
      - {{avni: Height, int: h-1, hint: Numeric, unmapped: skip, about: Height in cm}}
      - {{avni: 'No', int: n-1, uuid: 5f0c86b4-7f4b-4c3e-9f5a-0b8a4d3c2e20}}
    Form:
      - {{avni: Vitals, int: f-1}}
      - {{avni: Vitals, int: f-2}}
ignored:
  avni:
    - {{concept: Fever, about: asked by mistake}}
  int_system:
    - {{concept: x-1}}
error_types:
  - {{name: Slow, follow_up: external, comparison: contains, comparison_value: in time, most_attempts: 5}}
  - {{name: Burnt}}
flows:
  avni-to-paper: {{cron: 0 6-20 * * 1-6, zone: Asia/Kolkata}}
"""

Text = Callable[..., str]


@pytest.fixture(autouse=True)
def paper(db: None) -> Iterator[Connector]:
    with announced(make()) as connector, all_tenants():
        yield connector


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Text:
    """The declaration above; with arguments, with one piece of it replaced."""
    monkeypatch.setenv("AVNI_SECRET", "a-secret")
    secret_file = tmp_path / "secret"
    secret_file.write_text("b-secret\n")

    def changed(old: str = "", new: str = "") -> str:
        whole = TEXT.format(secret_file=secret_file)
        assert old in whole
        return whole.replace(old, new) if old else whole

    return changed


def bring_in(text: str, *, prune: bool = False) -> Changes:
    return declaration.apply(declaration.read(text), COMMAND, prune=prune)


def refusal(text: str) -> str:
    with pytest.raises(DeclarationRefused) as refused:
        bring_in(text)
    return str(refused.value)


def live() -> set[tuple[str, str]]:
    return set(Mapping.objects.filter(is_voided=False).values_list("avni_value", "int_system_value"))


def types() -> list[dict[str, object]]:
    return [{**row, "id": None, "place": place} for place, row in enumerate(ErrorType.objects.values())]


def test_a_new_tenant_holds_what_the_file_says(text: Text) -> None:
    tenant = bring_in(text()).tenant
    assert (tenant.title, tenant.born_here, tenant.match_name_likeness) == ("Ashwini hospital", True, 0.8)
    assert str(tenant.namespace) == "5f0c86b4-7f4b-4c3e-9f5a-0b8a4d3c2e1f"
    assert set(Constant.objects.values_list("key", "value")) == {
        ("Prefix", "TRI"),
        ("Boxes", "north"),
        ("Boxes", "south"),
    }
    assert ("No", "n-1") in live()
    assert Flow.objects.get(key="avni-to-paper").cron == "0 6-20 * * 1-6"


def test_secrets_are_fetched_from_where_the_file_says(text: Text) -> None:
    bring_in(text())
    secrets = {connection.side: connection.secret.reveal() for connection in Connection.objects.all()}
    assert secrets == {"avni": "a-secret", "paper": "b-secret"}


def test_a_new_tenant_is_off(text: Text) -> None:
    bring_in(text())
    assert not Flow.objects.filter(is_on=True).exists()
    assert not PeriodicTask.objects.filter(task="engine.knock", enabled=True).exists()


def test_importing_again_reports_no_change(text: Text) -> None:
    bring_in(text())
    entries = AuditEntry.objects.count()
    assert bring_in(text()).sentences == ()
    assert AuditEntry.objects.count() == entries


def test_an_import_never_switches_off_what_runs(text: Text) -> None:
    bring_in(text())
    flow = Flow.objects.get(key="avni-to-paper")
    flow.is_on = True
    flow.save()
    bring_in(text("0 6-20", "0 5-20"))
    flow.refresh_from_db()
    assert (flow.is_on, flow.cron) == (True, "0 5-20 * * 1-6")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Ashwini hospital", "Ashwini", "tenant ashwini: settings changed"),
        ("Prefix: TRI", "Prefix: TRX", "constant Prefix: TRI → TRX"),
        ("[north, south]", "[north]", "constant Boxes: north south → north"),
        ("int: h-1", "int: h-2", "mapping Words / Concept Height: changed"),
        ("asked by mistake", "asked twice", "ignored concept avni Fever: changed"),
        ("concept: x-1", "concept: Fever", "ignored concept int_system Fever: added"),
        ("https://avni.example.org", "https://avni2.example.org", "connection avni: changed"),
        ("0 6-20 * * 1-6", "'*/10 * * * *'", "flow avni-to-paper: schedule changed"),
        ("follow_up: external", "follow_up: internal", "error type Slow: changed"),
        ("most_attempts: 5", "most_attempts: null", "error type Slow: changed"),
        ("comparison_value: in time,", "comparison_value: in time, is_voided: true,", "error type Slow: changed"),
        ("{name: Burnt}", "{name: Burnt, longest_wait_minutes: 60}", "error type Burnt: changed"),
        ("{name: Burnt}", "{name: NoNumber}", "error types: put in another order"),
    ],
)
def test_a_change_in_the_file_is_the_only_change(text: Text, old: str, new: str, told: str) -> None:
    bring_in(text())
    assert bring_in(text(old, new)).sentences == (told,)
    assert bring_in(text(old, new)).sentences == ()


def test_a_secret_that_changed_at_its_place_is_a_change(text: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_in(text())
    monkeypatch.setenv("AVNI_SECRET", "another")
    assert bring_in(text()).sentences == ("connection avni: changed",)
    assert Connection.objects.get(side="avni").secret.reveal() == "another"


def test_what_the_file_no_longer_names_stays(text: Text) -> None:
    bring_in(text())
    assert bring_in("name: ashwini\nconnector: paper\n").sentences == ()
    assert ("Height", "h-1") in live()


def test_prune_voids_what_the_file_no_longer_names(text: Text) -> None:
    bring_in(text())
    changes = bring_in(text("      - {avni: Vitals, int: f-2}\n", ""), prune=True)
    assert changes.sentences == ("mapping Words / Form Vitals: voided",)
    assert Mapping.objects.filter(int_system_value="f-2", is_voided=True).exists()


def test_prune_empties_constants_the_file_no_longer_names(text: Text) -> None:
    bring_in(text())
    changes = bring_in(text("  Boxes: [north, south]\n", ""), prune=True)
    assert changes.sentences == ("constant Boxes: north south → not set",)


def test_prune_takes_out_ignored_concepts_the_file_no_longer_names(text: Text) -> None:
    bring_in(text())
    changes = bring_in(text("  int_system:\n    - {concept: x-1}\n", ""), prune=True)
    assert changes.sentences == ("ignored concept int_system x-1: taken out",)


def test_a_file_of_a_release_without_ignored_concepts_still_comes_in(text: Text) -> None:
    whole = text()
    section = whole[whole.index("ignored:") : whole.index("flows:")]
    tenant = bring_in(whole.replace(section, "")).tenant
    assert not IgnoredConcept.objects.filter(tenant=tenant).exists()


def test_an_export_comes_in_again_without_a_change(text: Text) -> None:
    tenant = bring_in(text()).tenant
    assert bring_in(declaration.export(tenant)).sentences == ()


def test_an_export_makes_the_same_tenant_elsewhere(text: Text) -> None:
    tenant = bring_in(text()).tenant
    exported = declaration.export(tenant)
    Mapping.objects.all().delete()
    tenant.delete()
    again = bring_in(exported).tenant
    assert declaration.export(again) == exported


def test_an_export_brings_error_types_back_to_what_they_were(text: Text) -> None:
    tenant = bring_in(text()).tenant
    exported = declaration.export(tenant)
    before = types()
    changes = {"follow_up": "internal", "comparison": "", "comparison_value": "", "most_attempts": 9}
    for place, kind in enumerate(ErrorType.objects.order_by("-pk"), start=10):
        ErrorType.objects.filter(pk=kind.pk).update(place=place, is_voided=True, longest_wait_minutes=10, **changes)
    bring_in(exported)
    assert types() == before


def test_an_export_names_types_that_are_switched_off_as_such(text: Text) -> None:
    tenant = bring_in(text("{name: Burnt}", "{name: Burnt, is_voided: true}")).tenant
    exported = declaration.export(tenant)
    ErrorType.objects.update(is_voided=False)
    bring_in(exported)
    assert list(ErrorType.objects.filter(is_voided=True).values_list("name", flat=True)) == ["Burnt"]


def test_a_file_from_before_error_types_travelled_changes_none(text: Text) -> None:
    bring_in(text())
    before = types()
    whole = text()
    old = whole[: whole.index("error_types:")] + whole[whole.index("flows:") :]
    assert bring_in(old, prune=True).sentences == ()
    assert types() == before


def test_prune_switches_off_types_the_file_no_longer_names_but_none_that_errors_name(text: Text) -> None:
    bring_in(text("  - {name: Burnt}\n", "  - {name: Burnt}\n  - {name: Mine}\n"))
    assert bring_in(text(), prune=True).sentences == ("error type Mine: voided",)
    assert bring_in(text(), prune=True).sentences == ()


def test_records_follow_the_types_of_an_import(text: Text) -> None:
    tenant = bring_in(text()).tenant
    record = error_of(Stream.objects.filter(tenant=tenant).first(), message="remote.slow", params={"side": "paper"})
    bring_in(text("follow_up: external", "follow_up: terminal"))
    record.refresh_from_db()
    assert (record.state, record.type.name) == ("closed", "Slow")  # type: ignore[union-attr]


def test_an_export_holds_no_secret(text: Text) -> None:
    exported = declaration.export(bring_in(text()).tenant)
    assert "a-secret" not in exported
    assert "secret: env:AVNI_SECRET" in exported


def test_an_export_names_the_connections_whose_secret_has_no_known_place(text: Text) -> None:
    tenant = bring_in(text()).tenant
    Connection.objects.filter(side="avni").update(secret_source="")
    assert "secret of avni" in declaration.export(tenant)


def test_an_export_does_not_say_whether_a_flow_runs(text: Text) -> None:
    tenant = bring_in(text()).tenant
    before = declaration.export(tenant)
    Flow.objects.update(is_on=True)
    assert declaration.export(tenant) == before


def test_no_secret_comes_on_record(text: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_in(text())
    monkeypatch.setenv("AVNI_SECRET", "another")
    bring_in(text())
    told = str(list(AuditEntry.objects.values_list("before", "after")))
    assert "a-secret" not in told
    assert "another" not in told


def test_what_was_done_is_on_record_with_the_door(text: Text) -> None:
    bring_in(text())
    assert set(AuditEntry.objects.values_list("door", flat=True)) == {"command"}
    assert AuditEntry.objects.filter(action="tenant.add").count() == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "env:AVNI_SECRET",
            "env:NOWHERE_SET",
            "line 14: the secret of avni is not there. Set the environment variable",
        ),
        ("- {avni: Vitals, int: f-2}", "- {avni: Vitals, int: f-1}", "line 35: means the same mapping as line 34"),
        (
            "avni: 'No', int: n-1",
            "avni: 'No', int: h-1",
            "line 32: its value of the other system has a partner already: line 31",
        ),
        ("hint: Numeric", "hint: Number", "line 31: data_type_hint 'Number' is none of"),
        ("unmapped: skip", "unmapped: drop", "line 31: when_unmapped 'drop' is none of fail, skip, text"),
        ("concept: x-1", "concept: ''", "line 40: the concept is empty"),
        ("    sign_in: basic\n", "", "line 18: the connection paper is new and lacks sign_in"),
        ("in time, most", "'', most", "line 42: the error type 'Slow' cannot be so. Say what text to look for"),
        (
            "contains, comp",
            "matches, first_wait_minutes: 500, comp",
            "line 42: the error type 'Slow' cannot be so. Not",
        ),
    ],
)
def test_what_only_the_database_can_tell_is_refused_with_its_line(text: Text, old: str, new: str, told: str) -> None:
    assert told in refusal(text(old, new))


def test_a_refused_file_leaves_nothing_behind(text: Text) -> None:
    refusal(text("int: f-2", "int: f-1"))
    assert not Tenant.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_namespace_of_a_tenant_cannot_be_changed(text: Text) -> None:
    bring_in(text())
    assert "line 4: 'ashwini' has another namespace" in refusal(text("4d3c2e1f", "4d3c2e1e"))


def test_the_namespace_of_another_tenant_cannot_be_taken(text: Text) -> None:
    bring_in(text())
    assert "line 4: the namespace belongs to the tenant 'ashwini'" in refusal(text("name: ashwini", "name: other"))
