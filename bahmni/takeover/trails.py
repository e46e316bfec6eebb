"""Where records that a Java service handed over are met again: in Avni, on both ways.

Of Avni's own records the whole list is gone through, oldest change first. What came from Bahmni stands in Avni with the
uuid of its origin as an answer, so that no feed has to be read from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, cast

from avni.windows import FetchPage, window_start
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.reading import LookBack, pages
from bahmni.connector import CONNECTOR
from bahmni.servers import BahmniServers
from engine.adopting import Trail
from engine.ports import Change, JsonObject, Page
from engine.registry import Servers
from mappings import snapshot
from tenants.models import Tenant

GENERAL: Final = (v.HOSPITAL_FORM, v.LAB_ENCOUNTER_TYPE, v.DRUG_ENCOUNTER_TYPE)
"""Mappings whose Avni side names types of general encounters made from encounters of Bahmni."""

IN_PROGRAM: Final = (v.HOSPITAL_PROGRAM_FORM,)

MARKED: Final = {
    v.SUBJECT: ("encounter", "visit"),
    v.ENROLMENT: ("encounter", "visit"),
    v.PROGRAM_ENCOUNTER: ("encounter",),
    v.GENERAL_ENCOUNTER: ("encounter",),
    v.PATIENT: ("encounter",),
    v.ENCOUNTER: ("encounter", "program-encounter"),
}
"""Kinds of record on the other side that carry the marker, by stream (J19 to J22). A patient does not."""


def trails(servers: Servers, tenant: Tenant) -> Sequence[Trail]:
    """All trails of a tenant, what others hang on first."""
    ours, taken = cast(BahmniServers, servers), snapshot.take(tenant)
    begin = dict(window_start(v.LONG_AGO))
    from_avni = [
        Trail(spec.key, part, begin, MARKED[spec.key], partial(ours.handover(spec.key).pages, part))
        for flow in CONNECTOR.flows
        for spec in flow.streams
        if spec.source_side == v.AVNI
        for part in spec.partitions(taken)
        if part
    ]
    marker = taken.single(*v.BAHMNI_MARKER_CONCEPT)
    if marker is None:
        return from_avni

    def from_bahmni(stream: str, kind: str, list_: Callable[..., Any]) -> Trail:
        fetch: FetchPage = lambda since, page, size: list_(since, kind, page=page, size=size)  # noqa: E731
        return Trail(stream, kind, begin, MARKED[stream], partial(_origins, marker.avni_value, kind, fetch))

    return [
        *from_avni,
        from_bahmni(v.PATIENT, v.HOSPITAL_REGISTRATION, ours.avni.encounters),
        *(from_bahmni(v.ENCOUNTER, kind, ours.avni.encounters) for kind in sorted(taken.avni_values(*GENERAL))),
        *(
            from_bahmni(v.ENCOUNTER, kind, ours.avni.program_encounters)
            for kind in sorted(taken.avni_values(*IN_PROGRAM))
        ),
    ]


def _origins(marker: str, kind: str, fetch: FetchPage, position: JsonObject) -> Iterator[Page]:
    """Encounters of Avni of one type as the records of Bahmni that they stand for."""
    for page in pages(kind, position, fetch, LookBack()):
        answers = (change.record.get("observations") for change in page.changes if change.record)
        said = (one.get(marker) for one in answers if isinstance(one, dict))  # what lacks them is told by its stream
        uuids = dict.fromkeys(uuid for uuid in said if isinstance(uuid, str) and uuid)
        yield Page(tuple(Change(uuid, "") for uuid in uuids), page.position, gaps=page.gaps)
