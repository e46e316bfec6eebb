"""Found by Django's autodiscovery: importing the screens registers them with our site."""

from __future__ import annotations

from console import (  # noqa: F401 - the import does it
    backfills_admin,
    beat_admin,
    brakes_admin,
    connections_admin,
    error_types_admin,
    errors_admin,
    flows_admin,
    incidents_admin,
    links_admin,
    mappings_admin,
    runs_admin,
    tenants_admin,
    users_admin,
)
