"""An installation of the release before keeps every row, and runs on while its database is migrated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = ("errors", "0001_initial")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

Migrate = Callable[[tuple[str, str] | None], Any]


@pytest.fixture
def migrate(transactional_db: None) -> Iterator[Migrate]:
    """Bring the tables of this room to a state (None: the newest) and give all models as they are then."""

    def to(target: tuple[str, str] | None) -> Any:
        executor = MigrationExecutor(connection)
        newest = executor.loader.graph.leaf_nodes()
        wanted = [target, *(leaf for leaf in newest if leaf[0] != target[0])] if target else newest
        executor.migrate([target] if target else newest)
        return MigrationExecutor(connection).loader.project_state(wanted).apps

    yield to
    to(None)


def a_tenant(apps: Any, name: str) -> Any:
    tenant = apps.get_model("tenants", "Tenant").objects.create(name=name, connector="paper")
    flow = apps.get_model("syncstatus", "Flow").objects.create(tenant=tenant, key="out")
    apps.get_model("syncstatus", "Stream").objects.create(tenant=tenant, flow=flow, key="card", sequence=1)
    return tenant


def an_error(apps: Any, tenant: Any, entity: str, state: str, **more: Any) -> None:
    stream = apps.get_model("syncstatus", "Stream").objects.get(tenant=tenant)
    apps.get_model("errors", "ErrorRecord").objects.create(
        tenant=tenant, stream=stream, entity_id=entity, state=state, message="remote.slow",
        first_seen_at=NOON, last_seen_at=NOON, **more,
    )  # fmt: skip


def test_types_keep_what_they_are_and_get_places_in_the_order_in_which_they_came(migrate: Migrate) -> None:
    old = migrate(BEFORE)
    kinds = old.get_model("errors", "ErrorType").objects
    one, other = a_tenant(old, "one"), a_tenant(old, "other")
    kinds.create(tenant=one, name="Z", follow_up="terminal")
    kinds.create(tenant=other, name="Only")
    kinds.create(tenant=one, name="A", comparison="contains", comparison_value="text")
    new = migrate(None).get_model("errors", "ErrorType").objects
    fields = ("name", "place", "follow_up", "comparison", "comparison_value")
    assert list(new.filter(tenant=one.pk).values_list(*fields)) == [
        ("Z", 1, "terminal", "", ""),
        ("A", 2, "process", "contains", "text"),
    ]
    assert list(new.filter(tenant=other.pk).values_list("name", "place")) == [("Only", 1)]
    policies = new.values_list("first_wait_minutes", "longest_wait_minutes", "most_attempts", "is_voided")
    assert set(policies) == {(1, 360, None, False)}


def test_records_go_on_with_the_waits_they_had_reached(migrate: Migrate) -> None:
    old = migrate(BEFORE)
    tenant = a_tenant(old, "one")
    an_error(old, tenant, "failed", "retrying", attempts=4, next_attempt_at=NOON)
    an_error(old, tenant, "waits", "held", attempts=2)
    new = migrate(None).get_model("errors", "ErrorRecord").objects
    assert set(new.values_list("entity_id", "state", "attempts", "failed_in_a_row", "next_attempt_at")) == {
        ("failed", "retrying", 4, 4, NOON),
        ("waits", "held", 2, 0, None),
    }


def test_the_release_before_goes_on_writing_to_the_new_tables(migrate: Migrate) -> None:
    old = migrate(BEFORE)
    new = migrate(None)
    tenant = a_tenant(old, "one")
    for name in ("first", "second"):
        old.get_model("errors", "ErrorType").objects.create(tenant=tenant, name=name)
    an_error(old, tenant, "failed", "retrying", next_attempt_at=NOON)
    kinds = new.get_model("errors", "ErrorType").objects
    assert list(kinds.values_list("name", "place", "first_wait_minutes")) == [("first", None, 1), ("second", None, 1)]
    assert new.get_model("errors", "ErrorRecord").objects.get().failed_in_a_row == 0


def test_going_back_loses_no_record_that_was_closed(migrate: Migrate) -> None:
    new = migrate(None)
    an_error(new, a_tenant(new, "one"), "closed", "closed")
    old = migrate(BEFORE)
    assert old.get_model("errors", "ErrorRecord").objects.get().state == "held"
