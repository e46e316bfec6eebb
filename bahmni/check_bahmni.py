"""The steps that check a connection to Bahmni: log-in, privileges, zone, both feeds, an encounter, nobody beside us.

Stands on openmrs.md O3, O10 (privileges), atomfeed.md F11 (what an entry says).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.encounter_handover import ENCOUNTER, ENCOUNTER_PATH
from bahmni.bahmni_to_avni.handover import PATIENT_PATH
from bahmni.check_steps import Finding, Step, in_step, resolves
from bahmni.openmrs import OpenMRSClient
from bahmni.servers import BahmniServers
from engine.registry import Setting

PRIVILEGES: Final[Mapping[str, tuple[str, ...]]] = {
    "read patients": (
        "Get Patients", "Get People", "Get Patient Identifiers", "Get Identifier Types", "Get Person Attribute Types",
        "Get Locations", "Get Concepts",
    ),
    "read visits and encounters": (
        "Get Visits", "Get Visit Types", "Get Visit Attribute Types", "Get Encounters", "Get Encounter Types",
        "Get Encounter Roles", "Get Providers", "Get Observations", "Get Concept Classes", "Get Concept Datatypes",
        "Get Orders", "Get Order Types", "Get Order Frequencies", "Get Care Settings", "Get Global Properties",
    ),
    "create patients and visits": ("Add People", "Add Patients", "Add Patient Identifiers", "Add Visits"),
    "let patients follow whom the service created": ("Edit Patients", "Edit People"),
    "write and void encounters": ("Add Encounters", "Edit Encounters", "Add Observations", "Edit Observations"),
    "stretch and void visits of enrolments": ("Edit Visits", "Delete Visits"),
}  # fmt: skip
"""What our account needs for the streams there are, by what for (docs/before-you-start.md)."""


def steps(setting: Setting) -> Iterator[Step]:
    """In the order in which one makes the next worth while."""
    connection = setting.connections[v.BAHMNI]
    servers = BahmniServers(Setting(setting.tenant, setting.connections, setting.snapshot, refuse_writes=True))
    client = servers.openmrs
    yield "address", lambda: resolves(connection.base_url)
    yield "log-in", lambda: f"Signed in as {client.account().get('username') or client.account().get('display')}."
    yield "privileges", lambda: _privileges(client)
    yield "clock", lambda: in_step(client.server_now())
    yield "zone", lambda: _zone(client, connection.zone)
    yield "patient feed", lambda: _newest_page(servers, "patient", PATIENT_PATH)
    yield "encounter feed", lambda: _newest_page(servers, "encounter", ENCOUNTER_PATH)
    yield "an encounter", lambda: _newest_encounter(servers)
    yield "dedicated account", lambda: _nobody_else(servers)


def _privileges(client: OpenMRSClient) -> str:
    user = client.account()
    held = {row.get("name") or row.get("display") for row in user.get("privileges") or ()}
    if any("System Developer" in str(role.get("display")) for role in user.get("roles") or ()):
        return "The account may do everything. Give it only what it needs."
    lacking = {purpose: [name for name in names if name not in held] for purpose, names in PRIVILEGES.items()}
    said = [f"to {purpose}: {', '.join(names)}" for purpose, names in lacking.items() if names]
    if said:
        raise Finding(
            f"The account lacks, {'; '.join(said)}. Let the hospital's administrator add them to its role, then check "
            "again."
        )
    return f"The account has all of the {sum(map(len, PRIVILEGES.values()))} privileges it needs."


def _zone(client: OpenMRSClient, zone: str) -> str:
    """The offset the server writes, compared with the zone of the connection."""
    rows = client.get("/location", {"limit": "1", "v": "custom:(uuid,auditInfo)"}).get("results") or []
    created = ((rows[0] if rows else {}).get("auditInfo") or {}).get("dateCreated")
    if not created:
        return "The server shows no time to compare with; nothing was checked."
    moment = datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z")
    if moment.utcoffset() != moment.astimezone(ZoneInfo(zone)).utcoffset():
        raise Finding(
            f"The server writes times of another zone ({moment:%z}) than {zone}. Correct the zone of the connection."
        )
    return f"The server writes times of {zone}."


def _newest(servers: BahmniServers, category: str, path: re.Pattern[str]) -> tuple[int, list[str]]:
    """Number of a feed's newest page, and the records its entries name, the latest last, each once."""
    page = servers.feed(category).newest()
    named = [about[1] for entry in page.entries if (about := path.search(entry.content or ""))]
    return page.number, list(dict.fromkeys(reversed(named)))[::-1]


def _newest_page(servers: BahmniServers, category: str, path: re.Pattern[str]) -> str:
    number, named = _newest(servers, category, path)
    if not number:
        return f"The {category} feed was read; it holds nothing yet."
    said = f"The newest page of the {category} feed, number {number}, was read"
    return f"{said}; it names {len(named)} {category}{'' if len(named) == 1 else 's'}."


def _newest_encounter(servers: BahmniServers) -> str:
    """Shows what the list of privileges cannot: a type of encounter with a privilege of its own."""
    _, named = _newest(servers, "encounter", ENCOUNTER_PATH)
    if not named:
        return "The feed names no encounter that could be read."
    if servers.openmrs.one(f"/encounter/{named[-1]}", ENCOUNTER) is None:
        return "The feed's newest encounter is not there any more, so none was read."
    return "The feed's newest encounter was read with its observations."


def _nobody_else(servers: BahmniServers) -> str:
    """We never change a patient, and those we create carry our marker."""
    client = servers.openmrs
    us = client.account()["uuid"]
    _, uuids = _newest(servers, "patient", PATIENT_PATH)
    shared = 0
    for uuid in uuids:
        patient = client.patient(uuid, "custom:(uuid,auditInfo)")
        audit = (patient or {}).get("auditInfo") or {}
        changed = (audit.get("changedBy") or {}).get("uuid") == us
        created = (audit.get("creator") or {}).get("uuid") == us
        shared += changed or (created and not _carries_marker(servers, uuid))
    if shared:
        raise Finding(
            f"Our account changed {shared} of the {len(uuids)} latest patients without our marker. "
            "Somebody shares the account; use one for the service alone."
        )
    return f"None of the {len(uuids)} latest patients was changed by our account without our marker."


def _carries_marker(servers: BahmniServers, patient: str) -> bool:
    marker = servers.setting.snapshot.single(*v.MARKER_CONCEPT)
    if marker is None:
        return True
    found = {"patient": patient, "obsConcept": marker.int_system_value, "v": "custom:(uuid)"}
    return bool(servers.openmrs.all("/encounter", found))
