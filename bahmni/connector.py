"""Avni ↔ Bahmni as the engine sees it: sides, flows, declarations, and the doors to the two servers."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from atomfeed.position import StartPolicy
from avni.windows import window_start
from bahmni import declarations, mapping_types, sentences
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.encounter import GENERAL, IN_PROGRAM, encounter_types
from bahmni.avni_to_bahmni.enrolment import programs
from bahmni.check import check
from bahmni.counterparts import counterparts, show
from bahmni.identity import FACTS, identity
from bahmni.seeking import Seeker
from bahmni.servers import SIGN_INS, BahmniServers
from common import clock
from engine.ports import JsonObject
from engine.registry import Connector, FlowSpec, RoundSpec, Servers, SideSpec, StreamSpec

FEED = "the {} feed"


def first_position(servers: Servers, stream_key: str, partition: str, since: datetime | None) -> JsonObject:
    """Where a stream begins: before the first record, or (a feed) behind what there is now, (Avni) at that time."""
    servers = cast(BahmniServers, servers)
    if stream_key in (v.PATIENT, v.ENCOUNTER):
        position: Any = servers.feed(partition).start(_of_feed(since))
        return dict(position)
    # Avni's clock may be behind ours; a minute of overlap only costs a look at records that did not change.
    return dict(window_start(since - timedelta(minutes=1) if since else v.LONG_AGO))


def _of_feed(since: datetime | None) -> StartPolicy:
    """Behind what there is now for a time that is just past, whatever the server's clock says; else at that time."""
    if since is None:
        return "beginning"
    return "recent" if clock.now() - since < v.A_MOMENT else since - v.A_MOMENT


CONNECTOR = Connector(
    key="bahmni",
    label="Bahmni",
    sides=(
        SideSpec(v.AVNI, "Avni", SIGN_INS, max_parallel=8, facts=FACTS[v.AVNI]),
        SideSpec(
            v.BAHMNI, "Bahmni (OpenMRS)", {"session": "User name and password"}, max_parallel=4, facts=FACTS[v.BAHMNI]
        ),
    ),
    flows=(
        FlowSpec(
            v.AVNI_TO_BAHMNI,
            "Avni → Bahmni",
            (
                StreamSpec(
                    v.SUBJECT, "Subjects", "subject", v.AVNI, v.BAHMNI, lambda taken: [taken.constant(v.SUBJECT_TYPE)]
                ),
                StreamSpec(v.ENROLMENT, "Enrolments", "enrolment", v.AVNI, v.BAHMNI, programs),
                StreamSpec(
                    v.PROGRAM_ENCOUNTER,
                    "Program encounters",
                    "program encounter",
                    v.AVNI,
                    v.BAHMNI,
                    partial(encounter_types, IN_PROGRAM),
                ),
                StreamSpec(
                    v.GENERAL_ENCOUNTER,
                    "General encounters",
                    "encounter",
                    v.AVNI,
                    v.BAHMNI,
                    partial(encounter_types, GENERAL),
                ),
            ),
        ),
        FlowSpec(
            v.BAHMNI_TO_AVNI,
            "Bahmni → Avni",
            (
                StreamSpec(
                    v.PATIENT,
                    "Patients",
                    "patient",
                    v.BAHMNI,
                    v.AVNI,
                    lambda taken: ["patient"],
                    FEED,
                    has_pages=True,
                    round=RoundSpec("all patients with a number of the programme"),
                ),
                StreamSpec(
                    v.ENCOUNTER,
                    "Encounters",
                    "encounter",
                    v.BAHMNI,
                    v.AVNI,
                    lambda taken: ["encounter"],
                    FEED,
                    has_pages=True,
                    round=RoundSpec("all encounters of registered patients", parents=v.PATIENT),
                ),
            ),
        ),
    ),
    mapping_types=mapping_types.MAPPING_TYPES,
    constants=declarations.CONSTANTS,
    error_types=declarations.ERROR_TYPES,
    sentences=sentences.SENTENCES,
    connect=BahmniServers,
    first_position=first_position,
    check=check,
    counterparts=counterparts,
    show=show,
    seeker=Seeker(),
    identity=identity,
)
