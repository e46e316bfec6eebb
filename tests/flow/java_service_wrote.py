"""What a Java service left behind: records with its payloads in both servers, and its database beside them.

Payloads follow docs/protocols/java-service.md J19 to J24, not our translators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from engine import work
from mappings.models import Constant
from mappings.models import Mapping as MappingRow
from tests.flow.clinic import VITALS
from tests.flow.java_service import JavaDatabase
from tests.flow.outpatients import ANTENATAL, DRUG_TEXT, DRUGS, LAB, MOTHER
from tests.flow.world import MARKER, NUMBER, PREFIX, PREGNANCY, REGISTRATION, World

OTHER_HOST: Final = "http://hospital.before:8050"


@dataclass
class JavaService:
    """A service that works as the Java one does, on the servers of a small world."""

    world: World
    today: str
    """The day on which it opens visits, as the hospital counts days."""
    patients: dict[str, str] = field(default_factory=dict)
    """Uuid of the subject → uuid of the patient."""

    def __post_init__(self) -> None:
        servers: Any = work.servers_of(work.setting_of(self.world.tenant))
        self.avni, self.openmrs = servers.avni, servers.openmrs

    # -- Avni → Bahmni -------------------------------------------------------------------------------------------------

    def hand_over_subject(self, subject: str) -> str:
        """Patient (found by number or made), visit, registration encounter; gives the encounter's uuid."""
        record = self.avni.subject(subject)
        number = PREFIX + record["observations"][NUMBER]
        found = self.openmrs.patient_by_identifier(number, identifier_type=self._constant("IdentifierType"), v="full")
        patient = found[0]["uuid"] if found else self._new_patient(record, number)
        self.patients[subject] = patient
        visit = self._visit(patient, self._constant("VisitType"), subject, record["Registration date"])
        return self._encounter(
            patient, visit, self._int("PatientSubject", "Subject_EncounterType"),
            self._int("PatientSubject", "CommunityRegistration_BahmniForm"), record, subject,
            record["Registration date"],
        )  # fmt: skip

    def hand_over_enrolment(self, enrolment: str) -> None:
        """A visit of its own with the enrolment's encounter, and another for the exit when there is one."""
        record = self.avni.program_enrolment(enrolment)
        patient = self.patients[record["Subject ID"]]
        begun = record["Enrolment datetime"][:10]
        visit = self._visit(patient, self._int("ProgramEnrolment", "CommunityEnrolment_VisitType"), enrolment, begun)
        for kind, day, said in (
            ("Enrolment", begun, "observations"),
            ("Exit", record["Exit datetime"], "exitObservations"),
        ):
            name = "CommunityEnrolment" if kind == "Enrolment" else "CommunityEnrolmentExit"
            if day:
                self._encounter(
                    patient, visit, self._int("ProgramEnrolment", f"{name}_EncounterType"),
                    self._int("ProgramEnrolment", f"{name}_BahmniForm"), {"observations": record[said]}, enrolment,
                    day[:10],
                    program=f"{PREGNANCY} - {kind} - {'-'.join(reversed(day[:10].split('-')))}",
                )  # fmt: skip

    def hand_over_check_up(self, encounter: str) -> None:
        """An encounter in the visit of its enrolment."""
        record = self.avni.program_encounter(encounter)
        visit = self._visit_of(record["Enrolment ID"])
        self._of_type(record, visit, "ProgramEncounter", "CommunityProgramEncounter")

    def hand_over_household_visit(self, encounter: str) -> None:
        """An encounter in the registration visit of its subject."""
        record = self.avni.encounter(encounter)
        self._of_type(record, self._visit_of(record["Subject ID"]), "GeneralEncounter", "CommunityEncounter")

    # -- Bahmni → Avni -------------------------------------------------------------------------------------------------

    def register(self, patient: str, subject: str, **attributes: Any) -> str:
        """The patient's registration at the subject; gives the uuid of Avni's encounter."""
        said = {f"{name} [HP]": value for name, value in attributes.items()}
        return self._in_avni(subject, REGISTRATION, {MARKER: patient, **said})

    def hand_over_vitals(self, encounter: str, subject: str, **answers: Any) -> str:
        """One form of an encounter of the hospital; gives the uuid of Avni's encounter."""
        return self._in_avni(subject, VITALS, {MARKER: encounter, **answers})

    def hand_over_results(self, encounter: str, subject: str, **answers: Any) -> None:
        """What the laboratory found, all in one encounter."""
        self._in_avni(subject, LAB, {MARKER: encounter, **answers})

    def hand_over_prescriptions(self, encounter: str, subject: str, text: str) -> None:
        """Prescriptions as one text."""
        self._in_avni(subject, DRUGS, {MARKER: encounter, DRUG_TEXT: text})

    def hand_over_antenatal(self, encounter: str, subject: str, **answers: Any) -> None:
        """A form of a program, in an enrolment that it makes empty for it."""
        avni, marked = self.world.avni, {MARKER: encounter}
        enrolment = avni.put_enrolment(
            program=MOTHER, subject=subject, observations=marked, at=self.world.moment(), by="java@demo"
        )
        avni.put_program_encounter(
            encounter_type=ANTENATAL, enrolment=enrolment.uuid, observations={**marked, **answers},
            at=self.world.moment(), by="java@demo",
        )  # fmt: skip

    def _in_avni(self, subject: str, kind: str, observations: Mapping[str, Any]) -> str:
        row = self.world.avni.put_encounter(
            encounter_type=kind,
            subject=subject,
            observations=dict(observations),
            at=self.world.moment(),
            by="java@demo",
        )
        return row.uuid

    # -- bodies --------------------------------------------------------------------------------------------------------

    def _new_patient(self, record: Mapping[str, Any], number: str) -> str:
        said = record["observations"]
        person = self.openmrs.post(
            "/person",
            {
                "names": [{"givenName": said["First name"], "familyName": said["Last name"], "preferred": True}],
                "gender": said["Gender"][0], "birthdate": said["Date of birth"][:10],
            },
        )  # fmt: skip
        identifier = {
            "identifier": number, "identifierType": self._constant("IdentifierType"),
            "location": self._constant("Location"), "preferred": True,
        }  # fmt: skip
        made = self.openmrs.post("/patient", {"person": person["uuid"], "identifiers": [identifier]})
        return str(made["uuid"])

    def _visit(self, patient: str, kind: str, record: str, day: str) -> str:
        body = {
            "patient": patient, "visitType": kind, "location": self._constant("Location"), "startDatetime": self.today,
            "attributes": [
                {"attributeType": self._int("Common", "AvniUUID_VisitAttributeType"), "value": record},
                {"attributeType": self._int("Common", "AvniEventDate_VisitAttributeType"), "value": day[:10]},
            ],
        }  # fmt: skip
        return str(self.openmrs.post("/visit", body)["uuid"])

    def _visit_of(self, record: str) -> str:
        return next(
            visit.uuid
            for visit in self.world.bahmni.visits.values()
            if any(attribute.value == record for attribute in visit.attributes)
        )

    def _of_type(self, record: Mapping[str, Any], visit: str, group: str, name: str) -> None:
        kind, day = record["Encounter type"], record["Encounter date time"][:10]
        patient = self.world.bahmni.visits[visit].patient
        self._encounter(
            patient, visit, self._int(group, f"{name}_EncounterType", kind),
            self._int(group, f"{name}_BahmniForm", kind),
            record, record["ID"], day,
        )  # fmt: skip

    def _encounter(
        self, patient: str, visit: str, kind: str, form: str, record: Mapping[str, Any], marker: str, day: str,
        *, program: str = "",
    ) -> str:  # fmt: skip
        members = [leaf for name, value in record["observations"].items() for leaf in self._leaves(name, value)]
        members.append({"concept": self._int("Common", "AvniUUID_Concept"), "value": marker, "voided": False})
        members.append({"concept": self._int("Common", "AvniEventDate_Concept"), "value": day[:10], "voided": False})
        if program:
            members.append(
                {"concept": self._int("Common", "AvniProgramData_Concept"), "value": program, "voided": False}
            )
        body = {
            "patient": patient, "encounterType": kind, "location": self._constant("Location"), "visit": visit,
            "encounterDatetime": max(day[:10], self.today),
            "encounterProviders": [
                {"provider": self._constant("Provider"), "encounterRole": self._constant("EncounterRole")}
            ],
            "obs": [{"concept": form, "voided": False, "groupMembers": members}],
        }  # fmt: skip
        return str(self.openmrs.post("/encounter", body)["uuid"])

    def _leaves(self, name: str, value: Any) -> list[dict[str, Any]]:
        row = MappingRow.objects.filter(type__name="Concept", avni_value=name, tenant=self.world.tenant).first()
        if row is None:
            return []
        answers = value if isinstance(value, list) else [value]
        said = [self._int("Observation", "Concept", one) if row.data_type_hint == "Coded" else one for one in answers]
        return [{"concept": row.int_system_value, "value": one, "voided": False} for one in said]

    def _int(self, group: str, name: str, avni: str | None = None) -> str:
        rows = MappingRow.objects.filter(tenant=self.world.tenant, type__group__name=group, type__name=name)
        row = rows.filter(avni_value=avni).first() if avni is not None else rows.first()
        assert row is not None, (group, name, avni)
        return row.int_system_value

    def _constant(self, name: str) -> str:
        return Constant.objects.get(tenant=self.world.tenant, key=f"IntegrationBahmni{name}").value

    # -- its database --------------------------------------------------------------------------------------------------

    def fill(self, java: JavaDatabase, layout: str) -> None:
        """Its configuration and how far it has come, as rows of its own database."""
        upto = self.world.moment().replace(tzinfo=None)
        _FILL[layout](java, self.world, upto)
        for row in Constant.objects.filter(tenant=self.world.tenant).exclude(value=""):
            columns, values = ("key, value", "%s, %s") if layout == "old" else ("key, value, uuid", "%s, %s, 'c'")
            java.run(f"INSERT INTO constants ({columns}) VALUES ({values})", (row.key, row.value))
        self.mark(java)

    def mark(self, java: JavaDatabase) -> None:
        """How far it has come in both feeds."""
        servers: Any = work.servers_of(work.setting_of(self.world.tenant))
        for category in ("patient", "encounter"):
            place = servers.feed(category).start("recent")
            base = f"{OTHER_HOST}/openmrs/ws/atomfeed/{category}"
            java.run(
                "INSERT INTO markers (feed_uri, feed_uri_for_last_read_entry, last_read_entry_id) VALUES (%s, %s, %s)",
                (f"{base}/recent", f"{base}/{place['page']}", place["entry"]),
            )


ENTITIES: Final = ("Subject", "Enrolment", "ProgramEncounter", "GeneralEncounter")


def _mappings(world: World) -> list[tuple[str, str, str, str, str | None, str | None]]:
    return [
        (
            row.type.group.name,
            row.type.name,
            row.int_system_value,
            row.avni_value,
            row.data_type_hint or None,
            row.about,
        )
        for row in MappingRow.objects.filter(tenant=world.tenant).select_related("type__group").order_by("pk")
    ]


def _fill_old(java: JavaDatabase, world: World, upto: Any) -> None:
    for values in _mappings(world):
        java.run(
            "INSERT INTO mapping_metadata (mapping_group_name, mapping_name, bahmni_value, avni_value, data_type_hint,"
            " about) VALUES (%s, %s, %s, %s, %s, %s)",
            values,
        )
    for entity in ENTITIES:
        java.run("INSERT INTO avni_entity_status (entity_type, read_upto) VALUES (%s, %s)", (entity, upto))
    for entity in ("Patient", "Encounter"):
        java.run("INSERT INTO bahmni_entity_status (entity_type, read_upto) VALUES (%s, 0)", (entity,))


def _fill_new(java: JavaDatabase, world: World, upto: Any) -> None:
    java.run("INSERT INTO integration_system (name, system_type, uuid) VALUES ('ashwini hospital', 'bahmni', 's')")
    for number, (group, name, other, avni, hint, about) in enumerate(_mappings(world)):
        for table, value in (("mapping_group", group), ("mapping_type", name)):
            java.run(
                f"INSERT INTO {table} (name, integration_system_id, uuid) SELECT %s, 1, %s"
                f" WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE name = %s)",
                (value, str(uuid4()), value),
            )
        java.run(
            "INSERT INTO mapping_metadata (mapping_group_id, mapping_type_id, int_system_value, avni_value,"
            " data_type_hint, about, uuid) VALUES ((SELECT id FROM mapping_group WHERE name = %s),"
            " (SELECT id FROM mapping_type WHERE name = %s), %s, %s, %s, %s, %s)",
            (group, name, other or None, avni or None, hint, about, f"m{number}"),
        )
    for entity in ENTITIES:
        java.run(
            "INSERT INTO integrating_entity_status (entity_type, read_upto_date_time, uuid) VALUES (%s, %s, %s)",
            (entity, upto, entity),
        )


_FILL: Final = {"old": _fill_old, "new": _fill_new}
