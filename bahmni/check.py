"""Checking both connections step by step, in words a hospital's IT can act on. Reads only."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings

from atomfeed.reader import Feed
from avni.client import AvniClient
from avni.idp import Nobody, identity_providers
from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.handover import PATIENT_PATH
from bahmni.openmrs import OpenMRSClient
from bahmni.sentences import SENTENCES
from bahmni.servers import BY_PROVIDER, BahmniServers, avni_client, openmrs_client
from common import clock
from common.http_errors import RemoteError, SignInFailed
from engine.registry import CheckStep, Setting
from errors.catalogue import SIGN_IN, explain

PRIVILEGES = (
    "Get Patients", "Get People", "Get Patient Identifiers", "Get Identifier Types", "Get Person Attribute Types",
    "Get Locations", "Get Concepts", "Get Encounters", "Get Observations", "Get Visits", "Get Visit Types",
    "Get Visit Attribute Types", "Get Encounter Types", "Get Encounter Roles", "Get Providers",
    "Add People", "Add Patients", "Add Patient Identifiers", "Add Visits", "Add Encounters", "Edit Encounters",
    "Add Observations", "Edit Observations",
)  # fmt: skip
"""What our account needs for the streams there are (docs/before-you-start.md)."""

TOLERATED_CLOCK = timedelta(seconds=30)
RECENTLY = timedelta(days=30)


def check(setting: Setting) -> list[CheckStep]:
    """Every step for both sides; a side's later steps are left out when an earlier one makes them pointless."""
    steps = []
    for side, steps_of in ((v.AVNI, _avni), (v.BAHMNI, _bahmni)):
        if side not in setting.connections:
            steps.append(CheckStep(side, "set up", ok=False, finding="There is no connection for this side yet."))
            continue
        steps += _until_it_fails(side, steps_of(setting))
    return steps


Step = tuple[str, Callable[[], str]]
"""A name, and what it does: gives what it found, or raises."""


class Finding(Exception):
    """A step that found something wrong; the text says what and what to do."""


def _until_it_fails(side: str, steps: Iterator[Step]) -> Iterator[CheckStep]:
    for name, act in steps:
        try:
            yield CheckStep(side, name, ok=True, finding=act())
        except Finding as wrong:
            yield CheckStep(side, name, ok=False, finding=str(wrong))
        except RemoteError as failure:
            yield CheckStep(side, name, ok=False, finding=_in_words(failure))
            return


def _in_words(failure: RemoteError) -> str:
    """A refusal with its remedy where it has a sentence; else the reason."""
    if isinstance(failure, SignInFailed) and failure.detail:
        told = explain(f"{SIGN_IN}.{failure.detail}", {}, SENTENCES)
        return f"{told.cause} {told.remedy}"
    return f"{failure.reason[:1].upper()}{failure.reason[1:]}."


def _avni(setting: Setting) -> Iterator[Step]:
    connection = setting.connections[v.AVNI]
    client = avni_client(connection, refuse_writes=True)
    subject_type = setting.snapshot.constant(v.SUBJECT_TYPE)
    yield "address", lambda: _resolves(connection.base_url)
    if connection.sign_in in BY_PROVIDER:
        yield "identity provider", lambda: _providers(client)
    yield "log-in", lambda: _avni_log_in(client)
    yield "clock", lambda: _clock(client.server_now())
    if subject_type:
        yield "one page of subjects", lambda: _page_of_subjects(client, subject_type)
        yield "dedicated account", lambda: _avni_account(client, subject_type, connection.username)


def _bahmni(setting: Setting) -> Iterator[Step]:
    connection = setting.connections[v.BAHMNI]
    client = openmrs_client(connection, refuse_writes=True)
    yield "address", lambda: _resolves(connection.base_url)
    yield "log-in", lambda: f"Signed in as {client.account().get('username') or client.account().get('display')}."
    yield "privileges", lambda: _privileges(client)
    yield "clock", lambda: _clock(client.server_now())
    yield "zone", lambda: _zone(client, setting)
    yield "one page of the patient feed", lambda: _page_of_feed(setting)
    yield "dedicated account", lambda: _bahmni_account(client, setting)


def _resolves(base_url: str) -> str:
    parts = urlsplit(base_url)
    try:
        socket.getaddrinfo(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    except OSError as failure:
        raise Finding(
            f"The name {parts.hostname} does not resolve. Check the address, or the DNS of this machine."
        ) from failure
    return f"{parts.hostname} resolves; requests go by {parts.scheme}."


def _providers(client: AvniClient) -> str:
    """Where the server signs its users in, and whether that can be found from here."""
    named = identity_providers(client.session, settings.AVNI_COGNITO_ENDPOINT)
    for provider in named:
        if not isinstance(provider, Nobody):
            _resolves(provider.address)
    return f"Avni names {', then '.join(map(str, named))}."


def _avni_log_in(client: AvniClient) -> str:
    client.sign_in()
    return "Signed in."


def _clock(server_now: object) -> str:
    if not isinstance(server_now, datetime):
        raise Finding("The server does not say its time.")
    ahead = server_now - clock.now()
    if abs(ahead) > TOLERATED_CLOCK:
        raise Finding(f"The clocks differ by {abs(ahead).total_seconds():.0f} s. Let both machines keep time by NTP.")
    return f"The clocks differ by {abs(ahead).total_seconds():.0f} s."


def _page_of_subjects(client: AvniClient, subject_type: str) -> str:
    page = client.subjects(v.LONG_AGO, subject_type, size=1)
    if not page.content:
        raise Finding(
            f'There is no subject of type "{subject_type}" our user may see. Check the name and the user\'s rights.'
        )
    return f'A subject of type "{subject_type}" was read.'


def _avni_account(client: AvniClient, subject_type: str, username: str) -> str:
    """We never write subjects: one last modified by our user was edited by a person who shares the account."""
    since = (client.server_now() or clock.now()) - RECENTLY
    rows = client.subjects(since, subject_type).content
    shared = sum(row["audit"].get("Last modified by") == username for row in rows)
    if shared:
        raise Finding(
            f"Our user edited {shared} of {len(rows)} subjects in the last 30 days, which the service never does. "
            "Somebody shares the account; use one for the service alone."
        )
    return f"None of {len(rows)} recently changed subjects was edited by our user."


def _bahmni_account(client: OpenMRSClient, setting: Setting) -> str:
    """We never change a patient, and those we create carry our marker."""
    us = client.account()["uuid"]
    entries = _feed(setting).newest().entries
    uuids = {about[1] for entry in entries if (about := PATIENT_PATH.search(entry.content or ""))}
    shared = 0
    for uuid in sorted(uuids):
        patient = client.patient(uuid, "custom:(uuid,auditInfo)")
        audit = (patient or {}).get("auditInfo") or {}
        changed = (audit.get("changedBy") or {}).get("uuid") == us
        created = (audit.get("creator") or {}).get("uuid") == us
        shared += changed or (created and not _carries_marker(client, setting, uuid))
    if shared:
        raise Finding(
            f"Our account changed {shared} of the {len(uuids)} latest patients without our marker. "
            "Somebody shares the account; use one for the service alone."
        )
    return f"None of the {len(uuids)} latest patients was changed by our account without our marker."


def _carries_marker(client: OpenMRSClient, setting: Setting, patient: str) -> bool:
    marker = setting.snapshot.single(*v.MARKER_CONCEPT)
    if marker is None:
        return True
    found = {"patient": patient, "obsConcept": marker.int_system_value, "v": "custom:(uuid)"}
    return bool(client.all("/encounter", found))


def _privileges(client: OpenMRSClient) -> str:
    user = client.account()
    held = {row.get("name") or row.get("display") for row in user.get("privileges") or ()}
    if any("System Developer" in str(role.get("display")) for role in user.get("roles") or ()):
        return "The account may do everything. Give it only what it needs."
    lacking = [name for name in PRIVILEGES if name not in held]
    if lacking:
        raise Finding(
            f"The account lacks: {', '.join(lacking)}. Let the hospital's administrator add them to its role."
        )
    return "The account has every privilege it needs."


def _zone(client: OpenMRSClient, setting: Setting) -> str:
    """The offset the server writes, compared with the zone of the connection."""
    zone = setting.connections[v.BAHMNI].zone
    rows = client.get("/location", {"limit": "1", "v": "custom:(uuid,auditInfo)"}).get("results") or []
    created = ((rows[0] if rows else {}).get("auditInfo") or {}).get("dateCreated")
    if not created:
        return "The server shows no time to compare with; nothing was checked."
    moment = datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z")
    expected = moment.astimezone(ZoneInfo(zone)).utcoffset()
    if moment.utcoffset() != expected:
        raise Finding(
            f"The server writes times of another zone ({moment:%z}) than {zone}. Correct the zone of the connection."
        )
    return f"The server writes times of {zone}."


def _page_of_feed(setting: Setting) -> str:
    return f"Its newest page is number {_feed(setting).newest().number}."


def _feed(setting: Setting) -> Feed:
    looking_only = Setting(setting.tenant, setting.connections, setting.snapshot, refuse_writes=True)
    return BahmniServers(looking_only).feed("patient")
