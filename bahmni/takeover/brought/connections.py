"""Connections that the tenant lacks, from the system's keys and from what the caller says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bahmni import vocabulary as v
from bahmni.connector import CONNECTOR
from bahmni.takeover.brought.importing import Import
from bahmni.takeover.tally import NOT_USED
from bahmni.takeover.understood.found import Found
from common import clock
from engine import declaration, moves
from engine.declaration.shape import Declaration
from tenants.models import Connection
from tenants.secrets import Secret

_AVNI_KEYS: Final = ("avni_api_url", "avni_user", "avni_password", "avni_auth_enabled")


@dataclass(frozen=True)
class Address:
    """Where a side is and who signs in, as far as the caller says; `secret_source` is `env:NAME` or `file:PATH`."""

    base_url: str = ""
    username: str = ""
    sign_in: str = ""
    secret_source: str = ""


def bring(under_way: Import, addresses: Mapping[str, Address]) -> None:
    """Add those that are not here yet; an address that somebody gave counts before one that is found."""
    table, config = under_way.service.tables["config"].name, under_way.found.config
    used: set[str] = set()
    for side in (v.AVNI, v.BAHMNI):
        if Connection.objects.filter(tenant=under_way.tenant, side=side).exists():
            continue
        fields, keys = _connection(side, addresses.get(side, Address()), under_way.found)
        if not fields.get("base_url"):
            under_way.tally.advice.append(
                f"The Java service keeps the address of {CONNECTOR.side(side).label} in its properties: give it "
                f"with --{side}-url, --{side}-user and --{side}-secret, or add the connection in the admin."
            )
            continue
        _connect(under_way, side, fields, config if keys else {})
        used |= keys
    for row in under_way.service.rows("config"):
        key = row["key"]
        if key in used:
            under_way.tally.carry(table)
        elif key in _AVNI_KEYS:
            under_way.tally.leave(table, f"{key}: the connection to Avni stands here already, or was given otherwise")
        elif str(key).endswith(".cron"):
            under_way.tally.leave(table, f"{key}: when a flow runs is set on its page here")
        else:
            under_way.tally.leave(table, f"{key}: {NOT_USED}")


def _connection(side: str, given: Address, found: Found) -> tuple[dict[str, Any], set[str]]:
    """What a new connection says, and the keys of the configuration that it comes from."""
    config = found.config
    if side == v.AVNI and not given.base_url and config.get("avni_api_url"):
        has_provider = config.get("avni_auth_enabled", "true").lower() != "false"
        ours = {
            "base_url": config["avni_api_url"],
            "username": given.username or config.get("avni_user", ""),
            "sign_in": given.sign_in or ("idp-details" if has_provider else "none"),
        }
        fields = {**ours, "secret_source": given.secret_source}
        return fields, {key for key in _AVNI_KEYS if key in config}
    base_url = given.base_url or (_openmrs(found) if side == v.BAHMNI else "")
    default = "idp-details" if side == v.AVNI else next(iter(CONNECTOR.side(side).sign_ins))
    fields = {
        "base_url": base_url,
        "username": given.username,
        "sign_in": given.sign_in or default,
        "secret_source": given.secret_source,
    }
    return fields, set()


def _openmrs(found: Found) -> str:
    """Where the feeds were read, up to and including /openmrs; empty where no marker tells."""
    read = [address.partition("/ws/atomfeed")[0] for address in found.feed_addresses if "/ws/atomfeed" in address]
    return read[-1] if read else ""


def _connect(under_way: Import, side: str, fields: dict[str, Any], config: Mapping[str, str]) -> None:
    said = {key: value for key, value in fields.items() if value}
    declared = Declaration(under_way.tenant.name, CONNECTOR, connections={side: said})
    declaration.apply(declared, under_way.actor)
    connection = Connection.objects.get(tenant=under_way.tenant, side=side)
    secret = config.get("avni_password", "")
    if secret and not fields["secret_source"]:
        moves.change_settings(
            connection, {"secret": Secret.of(secret), "secret_set_at": clock.now()}, actor=under_way.actor
        )
    elif not fields["secret_source"] and fields["sign_in"] != "none":
        under_way.tally.advice.append(f"Enter user and password of the connection to {CONNECTOR.side(side).label}.")
    reached = f"{CONNECTOR.side(side).label} is to be reached at {connection.base_url}"
    under_way.tally.advice.append(f"Check that {reached}.")
