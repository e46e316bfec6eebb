"""A database of the release before gets the new tables, and gives them back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

TABLE = "mappings_ignoredconcept"


@pytest.fixture
def latest() -> Iterator[None]:
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def tables_after(*target: str) -> set[str]:
    executor = MigrationExecutor(connection)
    executor.migrate([("mappings", name) for name in target])
    return set(connection.introspection.table_names())


@pytest.mark.django_db(transaction=True)
def test_the_table_of_ignored_concepts_comes_and_goes(latest: None) -> None:
    assert TABLE not in tables_after("0001_initial")
    assert TABLE in tables_after("0002_ignored_concepts")
