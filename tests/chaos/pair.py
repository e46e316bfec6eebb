"""Both simulators on real sockets and both handovers over real clients, with mappings in memory: no database at all.

The engine's part is `hand_over` itself and a ledger that is a dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from atomfeed.reader import Feed
from avni.client import AvniClient
from avni.ways import NoSignIn
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.encounter_handover import EncounterHandover, general_encounters, program_encounters
from bahmni.avni_to_bahmni.enrolment_handover import EnrolmentHandover
from bahmni.avni_to_bahmni.handover import SubjectHandover
from bahmni.avni_to_bahmni.reading import LookBack
from bahmni.bahmni_to_avni.handover import PatientHandover
from bahmni.openmrs import FEEDS, OpenMRSClient
from common.outcome import Outcome
from engine.handing_over import Pen, Result, hand_over
from engine.ports import Change, Handover, Known
from engine.registry import Setting
from simulators.avni import AvniApp, AvniStore
from simulators.avni import Settings as AvniSettings
from simulators.bahmni import BahmniApp, catalogue
from simulators.bahmni import Store as BahmniStore
from simulators.bahmni.model import Obs
from simulators.server import Application, Request, Response, Server
from tenants.models import Connection, Tenant
from tests.chaos.records import ANSWERS, ATTRIBUTES, CLASSES, KINDS, MARKER, NAMESPACE, NUMBER, snapshot, uuid_of

ALWAYS = Pen(lambda: True)
JAVA = {
    "Family size": "java.lang.Integer",
    "Since": "org.openmrs.util.AttributableDate",
    "Class": "org.openmrs.Concept",
}
JAVA["Literate"] = "java.lang.Boolean"


class Pair:
    """The servers, the handovers, and what the ledger remembers."""

    def __init__(
        self, servers: tuple[Server, Server], stores: tuple[AvniStore, BahmniStore],
        subjects: SubjectHandover, encounters: EncounterHandover, patients: PatientHandover,
        enrolments: EnrolmentHandover, program_encounters: EncounterHandover,
    ) -> None:  # fmt: skip
        self.avni_server, self.bahmni_server = servers
        self.avni, self.bahmni = stores
        self.subjects = subjects
        self.encounters = encounters
        self.patients = patients
        self.enrolments = enrolments
        self.program_encounters = program_encounters
        self.known: dict[str, Known] = {}

    def __repr__(self) -> str:
        """Short: Hypothesis shows the arguments of an example that failed."""
        return "<a pair of servers>"

    def hand(self, handover: Handover[Any], record: dict[str, Any]) -> Result:
        """Hand a record over with what the ledger knows, and remember what came of it."""
        entity = str(record.get("ID") or record.get("uuid"))
        before = self.known.get(entity)
        change = Change(entity, "", record=record)
        result = hand_over(change, before, self._parent(handover, change), handover, ALWAYS)
        if result.plan and result.want and result.is_finished:
            self.known[entity] = Known(
                result.want.identifier or result.plan.identifier, result.plan.target_id, result.plan.target_parent_id,
                result.plan.other_targets, result.want.fingerprint, result.plan.left_fingerprint, result.outcome,
                is_suspect=False,
            )  # fmt: skip
        elif before:
            self.known[entity] = replace(before, outcome=result.outcome)
        return result

    def compared(self, handover: Handover[Any], record: dict[str, Any]) -> list[tuple[Outcome, int]]:
        """What comparing anew finds to do: with the link, suspect, and without any link."""
        entity = str(record.get("ID") or record.get("uuid"))
        change = Change(entity, "", record=record)
        suspect = replace(self.known[entity], is_suspect=True)
        parent = self._parent(handover, change)
        results = [hand_over(change, link, parent, handover, ALWAYS) for link in (suspect, None)]
        return [(result.outcome, result.writes) for result in results]

    def _parent(self, handover: Handover[Any], change: Change) -> Known | None:
        """What the ledger knows of the record this one hangs on."""
        parent = handover.parent(change)
        known = self.known.get(parent.entity_id) if parent else None
        if known and parent and parent.owner:
            return replace(known, owner=self.known.get(parent.owner.entity_id))
        return known

    def live_obs(self, encounter: str) -> list[Obs]:
        """Un-voided observations of an encounter."""
        return [row for row in self.bahmni.obs_of(encounter) if not row.voided]

    def answers(self, encounter: str) -> dict[str, list[Any]]:
        """What a clinician reads in an encounter, by name of question."""
        questions = {uuid_of(name): name for name in KINDS}
        names = {uuid_of(answer): answer for answers in ANSWERS.values() for answer in answers}
        found: dict[str, list[Any]] = {}
        for row in self.live_obs(encounter):
            if row.concept in questions:
                found.setdefault(questions[row.concept], []).append(names.get(str(row.value), row.value))
        return {question: sorted(values, key=str) for question, values in found.items()}


class Ticking:
    """A hospital whose clock, as its answers tell it, is a second later each time: people need longer than tests."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._time = datetime(2026, 11, 1, tzinfo=UTC)

    def handle(self, request: Request) -> Response:
        """The application's answer, with its date."""
        self._time += timedelta(seconds=1)
        response = self._app.handle(request)
        response.headers["Date"] = format_datetime(self._time, usegmt=True)
        return response

    def __getattr__(self, name: str) -> Any:
        """Whatever else the server asks the application."""
        return getattr(self._app, name)


@contextmanager
def pair() -> Iterator[Pair]:
    """Two servers with everything the mappings of `tests.chaos.records` name."""
    avni = AvniStore(AvniSettings(profile="on-premise", idp_type="none"))
    bahmni = catalogue.install(BahmniStore())
    _design_avni(avni)
    _design_bahmni(bahmni)
    with Server(AvniApp(avni)) as avni_server, Server(Ticking(BahmniApp(bahmni))) as bahmni_server:
        clients = (
            AvniClient(avni_server.base_url, NoSignIn("integration@demo")),
            OpenMRSClient(f"{bahmni_server.base_url}/openmrs", "integration", "secret", side=v.BAHMNI),
        )
        tenant = Tenant(pk=1, name="pair", namespace=UUID(str(NAMESPACE)), born_here=False)
        setting = Setting(tenant, {side: Connection(side=side) for side in (v.AVNI, v.BAHMNI)}, snapshot())
        feed = Feed(clients[1].get_bytes, f"{FEEDS}/patient", side=v.BAHMNI)
        try:
            late, patients = LookBack(), PatientHandover(setting, *clients, feed)
            yield Pair(
                (avni_server, bahmni_server), (avni, bahmni), SubjectHandover(setting, *clients, late),
                general_encounters(setting, *clients, late), patients,
                EnrolmentHandover(setting, *clients, late), program_encounters(setting, *clients, late),
            )  # fmt: skip
        finally:
            for client in clients:
                client.session.close()
    assert not avni_server.failures
    assert not bahmni_server.failures


def _design_avni(avni: AvniStore) -> None:
    avni.add_user("integration@demo", "secret")
    avni.add_subject_type("Individual", person=True)
    avni.add_encounter_type(v.HOSPITAL_REGISTRATION)
    for name in (NUMBER, MARKER):
        avni.add_concept(name, "Text")
    for name in (*CLASSES, "Yes", "No"):
        avni.add_concept(name, "NA")
    for name, kind in ATTRIBUTES.items():
        avni.add_concept(f"{name} [HP]", kind or "Text", answers=CLASSES if name == "Class" else ())


def _design_bahmni(bahmni: BahmniStore) -> None:
    bahmni.add_user("integration", "secret")
    bahmni.add_identifier_type("Number", uuid=uuid_of("identifier type"))
    bahmni.add_provider("Service", uuid=uuid_of("provider"))
    bahmni.add_encounter_role("Service", uuid=uuid_of("role"))
    bahmni.add_location("Community", uuid=uuid_of("location"))
    bahmni.add_visit_type("Community", uuid=uuid_of("visit type"))
    bahmni.add_encounter_type("Registration", uuid=uuid_of("encounter type"))
    bahmni.add_encounter_type("Visit", uuid=uuid_of("visit encounter type"))
    bahmni.add_visit_type("Program", uuid=uuid_of("program visit type"))
    for name in ("enrolment", "exit", "program encounter"):
        bahmni.add_encounter_type(name.title(), uuid=uuid_of(f"{name} type"))
        bahmni.add_concept(f"{name.title()} form", uuid=uuid_of(f"{name} form"))
    bahmni.add_concept("Program data", "Text", uuid=uuid_of("program data"))
    bahmni.add_visit_attribute_type("Marker", uuid=uuid_of("visit marker"))
    bahmni.add_visit_attribute_type("Event date", uuid=uuid_of("visit event date"))
    bahmni.add_concept("Form", uuid=uuid_of("form"))
    bahmni.add_concept("Visit form", uuid=uuid_of("visit form"))
    bahmni.add_concept("Marker", "Text", uuid=uuid_of("marker"))
    bahmni.add_concept("Event date", "Date", uuid=uuid_of("event date"))
    bahmni.add_concept("Hospital note", "Text", uuid=uuid_of("hospital note"))
    for name, kind in KINDS.items():
        datatype = kind.capitalize()  # Avni writes DateTime
        bahmni.add_concept(name, datatype, [uuid_of(one) for one in ANSWERS.get(name, ())], uuid=uuid_of(name))
    for name in {answer for answers in ANSWERS.values() for answer in answers} | set(CLASSES):
        bahmni.add_concept(name, uuid=uuid_of(name))
    for name in ATTRIBUTES:
        bahmni.add_person_attribute_type(name, JAVA.get(name, "java.lang.String"), uuid=uuid_of(name))
