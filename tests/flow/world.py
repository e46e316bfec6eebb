"""A small Avni and a small Bahmni as real HTTP servers, and a tenant that joins them. For tests of the path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db.models import F

from common import clock
from engine import bell, moves, work
from engine.registry import connector_of
from engine.slices import Limits
from engine.work import Report
from mappings.models import Constant, Mapping, MappingType
from simulators.avni import AvniApp, AvniStore
from simulators.avni import Settings as AvniSettings
from simulators.bahmni import BahmniApp, catalogue
from simulators.bahmni import Store as BahmniStore
from simulators.server import Server
from syncstatus.models import Flow, Link, Position, Round, StartPolicy, Stream
from tenants.audit import SYSTEM
from tenants.models import Connection, Tenant
from tenants.scoping import tenant_scope
from tenants.secrets import Secret
from tests.chaos.desk import wait_out

PREFIX = "TRI"
NUMBER = "Sangam Number"
MARKER = "Bahmni Entity UUID [Bahmni]"
REGISTRATION = "Bahmni Patient Registration"
HOUSEHOLD_VISIT = "Household visit"
PREGNANCY, CHECK_UP = "Pregnancy", "ANC visit"


@dataclass
class World:
    """Two servers with their stores, and the tenant between them."""

    avni: AvniStore
    bahmni: BahmniStore
    avni_server: Server
    bahmni_server: Server
    tenant: Tenant
    concepts: dict[str, str] = field(default_factory=dict)
    """Name in Avni → uuid in OpenMRS."""
    attributes: dict[str, str] = field(default_factory=dict)
    """Name of a person attribute → uuid of its type."""
    born: datetime = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
    _ticks: int = 0

    def moment(self) -> datetime:
        """A time of its own for each record, in the past, so that Avni shows it."""
        self._ticks += 1
        return self.born + timedelta(seconds=self._ticks)

    def subject(self, number: str | None, first: str = "Asha", last: str = "Devi", **more: Any) -> str:
        """A field worker registers a subject; gives its uuid."""
        observations = {**({NUMBER: number} if number else {}), **more.pop("observations", {})}
        row = self.avni.put_subject(
            subject_type=more.pop("subject_type", "Individual"), first_name=first, last_name=last,
            gender=more.pop("gender", "Female"),
            date_of_birth=more.pop("born", "1990-04-01"), registration_date=more.pop("registered", "2026-01-05"),
            observations=observations, at=more.pop("at", None) or self.moment(), **more,
        )  # fmt: skip
        return row.uuid

    def household_visits(self, kind: str = HOUSEHOLD_VISIT) -> None:
        """An encounter type of Avni whose encounters are handed over, with type and form in Bahmni."""
        self.avni.add_encounter_type(kind)
        encounter_type = self.bahmni.add_encounter_type(f"{kind} [Avni]").uuid
        form = self.bahmni.add_concept(f"{kind} Encounter [Avni]").uuid
        self.map("GeneralEncounter", "CommunityEncounter_EncounterType", kind, encounter_type)
        self.map("GeneralEncounter", "CommunityEncounter_BahmniForm", kind, form)

    def household_visit(self, subject: str, **more: Any) -> str:
        """A field worker visits a subject; gives the encounter's uuid."""
        kind = more.pop("kind", HOUSEHOLD_VISIT)
        at = more.pop("at", None) or self.moment()
        return self.avni.put_encounter(encounter_type=kind, subject=subject, at=at, **more).uuid

    def program(self, name: str) -> None:
        """A program of Avni whose enrolments are handed over, with types, forms and visit type in Bahmni."""
        self.avni.add_program(name)
        for mapping_type, event, add in (
            ("CommunityEnrolment_EncounterType", "Enrolment", self.bahmni.add_encounter_type),
            ("CommunityEnrolment_BahmniForm", "Enrolment", self.bahmni.add_concept),
            ("CommunityEnrolmentExit_EncounterType", "Exit", self.bahmni.add_encounter_type),
            ("CommunityEnrolmentExit_BahmniForm", "Exit", self.bahmni.add_concept),
            ("CommunityEnrolment_VisitType", "Enrolment", self.bahmni.add_visit_type),
        ):
            self.map("ProgramEnrolment", mapping_type, name, add(f"{name} {event} [Avni]").uuid)

    def programs(self) -> None:
        """A program, an encounter type in it that is handed over, and the concept for program data."""
        self.program(PREGNANCY)
        self.avni.add_encounter_type(CHECK_UP)
        encounter_type = self.bahmni.add_encounter_type(f"{CHECK_UP} [Avni]").uuid
        form = self.bahmni.add_concept(f"{CHECK_UP} Encounter [Avni]").uuid
        self.map("ProgramEncounter", "CommunityProgramEncounter_EncounterType", CHECK_UP, encounter_type)
        self.map("ProgramEncounter", "CommunityProgramEncounter_BahmniForm", CHECK_UP, form)
        concept = self.bahmni.add_concept("Program Data [Avni]", "Text")
        self.map("Common", "AvniProgramData_Concept", "", concept.uuid)

    def enrolment(self, subject: str, **more: Any) -> str:
        """A field worker enrols a subject; gives the enrolment's uuid."""
        program, at = more.pop("program", PREGNANCY), more.pop("at", None) or self.moment()
        return self.avni.put_enrolment(program=program, subject=subject, at=at, **more).uuid

    def check_up(self, enrolment: str, **more: Any) -> str:
        """A field worker sees a subject in a program; gives the encounter's uuid."""
        kind, at = more.pop("kind", CHECK_UP), more.pop("at", None) or self.moment()
        return self.avni.put_program_encounter(encounter_type=kind, enrolment=enrolment, at=at, **more).uuid

    def held(self, encounter: str) -> dict[str, list[Any]]:
        """What a clinician reads in an encounter: un-voided answers by question, in the names of Avni."""
        names = {uuid: name for name, uuid in self.concepts.items()}
        answers: dict[str, list[Any]] = {}
        for obs in self.bahmni.obs.values():
            if obs.encounter == encounter and not obs.voided and obs.concept in names:
                answers.setdefault(names[obs.concept], []).append(names.get(str(obs.value), obs.value))
        return {question: sorted(values, key=str) for question, values in answers.items()}

    def patient(self, number: str, first: str = "Asha", last: str = "Devi", **more: Any) -> str:
        """A clerk registers a patient; gives its uuid."""
        attributes = {self.attributes[name]: value for name, value in more.pop("attributes", {}).items()}
        row = self.bahmni.hospital_create_patient(
            first, last, PREFIX + number, identifier_type=catalogue.PATIENT_IDENTIFIER,
            birthdate=more.pop("born", "1990-04-01"), attributes=attributes, **more,
        )  # fmt: skip
        return row.uuid

    def map(self, group: str, name: str, avni: str, other: str, hint: str = "", about: str = "") -> Mapping:
        """Add a mapping as an administrator would."""
        kind = MappingType.objects.get(group__name=group, name=name)
        return Mapping.objects.create(
            tenant=self.tenant, type=kind, avni_value=avni, int_system_value=other, data_type_hint=hint, about=about
        )

    def concept(self, name: str, kind: str, hint: str, answers: tuple[str, ...] = ()) -> None:
        """A question both sides know, with its answers, and the mappings between them."""
        uuids = [self.bahmni.add_concept(f"{answer} [Avni]").uuid for answer in answers]
        self.avni.add_concept(name, kind, answers=list(answers))
        datatype = {"Coded": "Coded", "Numeric": "Numeric", "Date": "Date"}.get(kind, "Text")
        self.concepts[name] = self.bahmni.add_concept(f"{name} [Avni]", datatype, uuids).uuid
        self.map("Observation", "Concept", name, self.concepts[name], hint)
        for answer, uuid in zip(answers, uuids, strict=True):
            self.concepts[answer] = uuid
            self.map("Observation", "Concept", answer, uuid)

    def attribute(self, name: str, java: str = "java.lang.String", hint: str = "", kind: str = "Text") -> None:
        """A person attribute of Bahmni and the Avni concept that stands for it."""
        uuid = self.bahmni.add_person_attribute_type(name, java).uuid
        self.attributes[name] = uuid
        self.avni.add_concept(f"{name} [HP]", kind)
        self.map("PatientSubject", "PersonAttributeConcept", f"{name} [HP]", uuid, hint)

    def switch_on(self, policy: str = StartPolicy.BEGINNING) -> None:
        """Switch both flows on. Nothing is gone through, see `rest`: tests count what single changes cost."""
        for flow in Flow.objects.filter(tenant=self.tenant).order_by("key"):
            moves.switch_on(flow, start_policy=policy, actor=SYSTEM)
        self.rest()

    def rest(self) -> None:
        """Let all streams have been gone through just now, and not again until a test says so."""
        now = clock.now()
        rests = {"ordinal": 1, "last_finished_at": now, "last_turn_at": now, "next_turn_at": now + timedelta(days=3650)}
        connector = connector_of(self.tenant)
        for stream in Stream.objects.filter(tenant=self.tenant):
            if connector.stream(stream.key).round:
                Round.objects.update_or_create(tenant=self.tenant, stream=stream, defaults=rests)

    def go_round(self) -> None:
        """Go through all streams once, from end to end, in as many turns as it takes."""
        begun = dict(Round.objects.values_list("stream", "ordinal"))
        while True:
            Round.objects.update(next_turn_at=None)
            self.sync()
            rows = list(Round.objects.all())
            if all(row.began_at is None and row.ordinal > begun.get(row.stream_id, 0) for row in rows):
                self.rest_from(rows)
                return

    def rest_from(self, rows: list[Round]) -> None:
        """Take no further turn until a test says so."""
        Round.objects.filter(pk__in=[row.pk for row in rows]).update(next_turn_at=clock.now() + timedelta(days=3650))

    def sync(self, *streams: str, limits: Limits | None = None) -> Report:
        """Mark streams due (all of them when none is named) and work until nothing is due.

        It is later than the time before: a server that was down may be asked again.
        """
        wait_out(self.tenant)
        rows = Stream.objects.filter(tenant=self.tenant, **({"key__in": streams} if streams else {}))
        bell.mark_due(rows)
        return work.work_off(self.tenant.pk, limits=limits)

    def rewind(self) -> None:
        """Set all positions back to the beginning, comparing everything anew."""
        setting = work.setting_of(Tenant.objects.get(pk=self.tenant.pk))  # as it is now: with the clients at work
        servers = work.servers_of(setting)
        connector = connector_of(self.tenant)
        for position in Position.objects.select_related("stream"):
            position.value = connector.first_position(servers, position.stream.key, position.partition, None)
            position.save()
        Link.objects.update(is_suspect=True)

    def reset_counts(self) -> None:
        """Forget the requests counted so far on both servers."""
        self.avni_server.reset_counts()
        self.bahmni_server.reset_counts()

    @property
    def writes(self) -> int:
        """Writes both servers have seen, sign-ins left out."""
        sign_ins = self.avni_server.counts[("POST", "/api/user/generateToken")]
        return self.avni_server.writes + self.bahmni_server.writes - sign_ins

    def link(self, stream: str, source_id: str) -> Link:
        """The ledger's row."""
        return Link.objects.get(stream__key=stream, source_id=source_id)


@contextmanager
def small_world(name: str = "ashwini", *, avni_profile: str = "on-premise") -> Iterator[World]:
    """Servers, metadata on both sides, a tenant with everything mandatory, both flows still off. Enters its scope."""
    avni, bahmni = AvniStore(AvniSettings(profile=avni_profile)), catalogue.install(BahmniStore())
    with Server(AvniApp(avni)) as avni_server, Server(BahmniApp(bahmni)) as bahmni_server:
        tenant = Tenant.objects.create(name=name, title=name.title())
        with tenant_scope(tenant):
            world = World(avni, bahmni, avni_server, bahmni_server, tenant)
            _connect(world)
            _metadata(world)
            try:
                yield world
            finally:
                work.forget()
        assert not avni_server.failures
        assert not bahmni_server.failures


def _connect(world: World) -> None:
    world.avni.add_user("integration@demo", "secret", may_generate_token=True)
    world.bahmni.add_user("integration", "secret")
    rows = [
        ("avni", world.avni_server.base_url, "generate-token", "integration@demo", 8),
        ("bahmni", f"{world.bahmni_server.base_url}/openmrs", "session", "integration", 4),
    ]
    for side, base_url, sign_in, username, parallel in rows:
        Connection.objects.create(
            tenant=world.tenant, side=side, base_url=base_url, sign_in=sign_in, username=username,
            secret=Secret.of("secret"), max_parallel=parallel,  # type: ignore[misc]  # the stubs know no field of two types
        )  # fmt: skip
    Tenant.objects.filter(pk=world.tenant.pk).update(mapping_revision=F("mapping_revision") + 1)


def _metadata(world: World) -> None:
    avni, bahmni = world.avni, world.bahmni
    avni.add_subject_type("Individual", person=True)
    avni.add_encounter_type(REGISTRATION)
    avni.add_concept(NUMBER, "Text")
    avni.add_concept(MARKER, "Text")
    location = bahmni.add_location("Community").uuid
    visit_type = bahmni.add_visit_type("Community - DO NOT OPEN").uuid
    constants = {
        "BahmniIdentifierPrefix": PREFIX,
        "IntegrationBahmniProvider": catalogue.SUPERMAN,
        "IntegrationBahmniEncounterRole": catalogue.UNKNOWN_ROLE,
        "IntegrationBahmniLocation": location,
        "IntegrationBahmniIdentifierType": catalogue.PATIENT_IDENTIFIER,
        "IntegrationBahmniVisitType": visit_type,
        "IntegrationAvniSubjectType": "Individual",
    }
    for key, value in constants.items():
        constant = Constant.objects.get(key=key)
        constant.value = value
        constant.save()
    world.map("PatientSubject", "PatientIdentifier_Concept", NUMBER, "Patient Identifier")
    world.map("PatientSubject", "Subject_EncounterType", "", bahmni.add_encounter_type("Community Registration").uuid)
    world.map("PatientSubject", "CommunityRegistration_BahmniForm", "", bahmni.add_concept("Registration [Avni]").uuid)
    world.map("Common", "AvniUUID_Concept", "", bahmni.add_concept("Avni Entity UUID [Avni]", "Text").uuid)
    world.map("Common", "AvniEventDate_Concept", "", bahmni.add_concept("Event Date [Avni]", "Date").uuid)
    world.map("Common", "AvniUUID_VisitAttributeType", "", bahmni.add_visit_attribute_type("Avni Entity UUID").uuid)
    world.map("Common", "AvniEventDate_VisitAttributeType", "", bahmni.add_visit_attribute_type("Event Date").uuid)
    world.map("Common", "BahmniUUID_Concept", MARKER, "")
    world.concept("Marital status", "Coded", "Coded", ("Married", "Unmarried", "Widowed"))
    world.concept("Medical problems", "Coded", "Coded", ("Asthma", "Diabetes", "Anaemia"))
    world.concept("Height", "Numeric", "Numeric")
    world.concept("Occupation", "Text", "Text")
    world.concept("Marriage date", "Date", "Date")
    world.attribute("Caste")
    world.attribute("Family size", "java.lang.Integer", "Numeric", "Numeric")


def new_uuid() -> str:
    """A uuid nobody has."""
    return str(uuid4())


def noon(day: str) -> int:
    """Noon of a day in Avni's milliseconds."""
    return int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1000)
