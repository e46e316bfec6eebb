"""A worker of the release before goes on beside a database that was migrated already.

Its rows lack the new columns, and it asks for all that it knows.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, DeleteModel, RemoveField, RenameField, RenameModel
from django.db.models import Field
from django.db.models.fields import NOT_PROVIDED

ROOMS = ("tenants", "mappings", "syncstatus", "errors")


def added() -> Iterator[tuple[str, str, str]]:
    """Room, model and field of every column that came after its table."""
    for (room, _), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        if room in ROOMS:
            adding = (one for one in migration.operations if isinstance(one, AddField))
            yield from ((room, one.model_name, one.name) for one in adding if _stands(room, one))


def _stands(room: str, one: AddField) -> bool:
    return one.name in {field.name for field in apps.get_model(room, one.model_name)._meta.get_fields()}


@pytest.mark.parametrize(("room", "model", "name"), sorted(set(added())))
def test_a_column_that_came_later_is_filled_by_the_database(room: str, model: str, name: str) -> None:
    field = apps.get_model(room, model)._meta.get_field(name)
    assert isinstance(field, Field)
    assert field.null or field.many_to_many or field.db_default is not NOT_PROVIDED


@pytest.mark.parametrize("room", ROOMS)
def test_no_migration_takes_away_what_the_release_before_asks_for(room: str) -> None:
    taking = (DeleteModel, RemoveField, RenameField, RenameModel)
    found = {
        (migration.name, operation.describe())
        for (label, _), migration in MigrationLoader(None).disk_migrations.items()
        for operation in migration.operations
        if label == room and isinstance(operation, taking)
    }
    assert found == set(), "forget it in the state alone (SeparateDatabaseAndState), and drop it a release later"
