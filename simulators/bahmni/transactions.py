"""An encounter as Bahmni's own call shows it: one flat document with all of it (openmrs.md O111 to O113)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulators.bahmni import dates
from simulators.bahmni.model import Concept, Encounter, Obs
from simulators.bahmni.order_model import Dosing, Order
from simulators.bahmni.orders import DRUG_ORDER
from simulators.bahmni.state import TRUE_CONCEPT, State

__all__ = ["NOTHING", "render"]

NOTHING: dict[str, Any] = {
    "bahmniDiagnoses": [],
    "observations": [],
    "accessionNotes": [],
    "encounterType": None,
    "visitType": None,
    "patientId": None,
    "reason": None,
    "patientUuid": None,
    "visitUuid": None,
    "drugOrders": [],
    "encounterTypeUuid": None,
    "locationUuid": None,
    "encounterDateTime": None,
    "disposition": None,
    "encounterUuid": None,
    "visitTypeUuid": None,
    "associatedToPatientProgram": False,
    "patientProgramUuid": None,
    "locationName": None,
    "orders": [],
    "providers": [],
    "context": {},
    "extensions": {"mdrtbSpecimen": []},
}
"""What is answered where no encounter was found; every other answer has the same keys."""


def render(state: State, encounter: Encounter, *, include_all: bool) -> dict[str, Any]:
    """The document. `include_all` adds voided observations of the top level; members are always live ones."""
    return _View(state, encounter).document(include_all=include_all)


@dataclass(frozen=True)
class _View:
    """One encounter on its way out."""

    state: State
    encounter: Encounter

    def document(self, *, include_all: bool) -> dict[str, Any]:
        state, row = self.state, self.encounter
        visit = state.visits[row.visit or ""]
        place = state.locations.get(row.location or "")
        number = state.preferred_identifier(state.patients[row.patient])
        top = [each for each in state.obs_of(row.uuid) if each.group is None and (include_all or not each.voided)]
        orders = state.orders_of(row.uuid)
        return {
            **NOTHING,
            "observations": [self.observation(each) for each in _newest_first(top)],
            "encounterType": state.encounter_types[row.type].name,
            "patientId": number.identifier if number else None,
            "patientUuid": row.patient,
            "visitUuid": visit.uuid,
            "drugOrders": [self.drug_order(each, each.dosing) for each in orders if each.dosing],
            "encounterTypeUuid": row.type,
            "locationUuid": place.uuid if place else None,
            "encounterDateTime": self.moment(row.moment),
            "encounterUuid": row.uuid,
            "visitTypeUuid": visit.type,
            "locationName": place.name if place else None,
            "orders": [self.order(each) for each in orders if not each.dosing],
            "providers": self.providers(),
        }

    def moment(self, moment: datetime) -> int | str | None:
        """Of encounter and observation: milliseconds, or text in Bahmni 0.9x. Other dates are always milliseconds."""
        if self.state.settings.transaction_iso_dates:
            return dates.write(moment, self.state.settings.zone)
        return dates.milliseconds(moment)

    def providers(self) -> list[dict[str, Any]]:
        return [
            {
                "uuid": row.provider,
                "name": self.state.providers[row.provider].name,
                "encounterRoleUuid": row.role,
            }
            for row in self.encounter.providers
            if not row.voided
        ]

    # observations

    def observation(self, row: Obs, group: str | None = None) -> dict[str, Any]:
        state = self.state
        concept = state.concepts[row.concept]
        members = [each for each in state.members(row) if not each.voided]
        value = ", ".join(self.words(row)) if members else self.value(row)
        return {
            "encounterDateTime": dates.milliseconds(self.encounter.moment),
            "visitUuid": self.encounter.visit,
            "visitStartDateTime": None,
            "targetObsRelation": None,
            "groupMembers": [self.observation(each, row.uuid) for each in members],
            "providers": self.providers(),
            "isAbnormal": None,
            "duration": None,
            "type": None if members else concept.datatype,
            "encounterUuid": self.encounter.uuid,
            "obsGroupUuid": group,
            "creatorName": self.author(row),
            "conceptSortWeight": 1,
            "parentConceptUuid": None,
            "hiNormal": concept.hi_normal,
            "lowNormal": concept.low_normal,
            "unknown": False,
            "valueAsString": ", ".join(self.words(row)),
            "uuid": row.uuid,
            "voided": row.voided,
            "voidReason": row.audit.void_reason if row.voided else None,
            "concept": self.concept(concept),
            "conceptUuid": concept.uuid,
            "observationDateTime": self.moment(row.moment),
            "orderUuid": row.order,
            "abnormal": None,
            "conceptNameToDisplay": concept.short or concept.display,
            "value": value,
            "comment": row.comment,
            "interpretation": row.interpretation,
            "status": row.status,
            "formNamespace": row.form_field_namespace,
            "formFieldPath": row.form_field_path,
            "encounterTypeName": None,
            "complexData": None,
        }

    def author(self, row: Obs) -> str | None:
        user = self.state.users.get(row.audit.creator or "")
        return user.person_name if user else None

    def value(self, row: Obs) -> Any:
        state = self.state
        concept = state.concepts[row.concept]
        if row.value is None:
            return None
        if concept.datatype == "Boolean":
            return row.value == TRUE_CONCEPT
        if concept.datatype == "Coded":
            if row.drug is not None:
                return self.drug(row.drug)
            return self.concept(state.concepts[str(row.value)])
        if concept.datatype == "Datetime":
            return datetime.fromisoformat(str(row.value)).astimezone(state.settings.zone).strftime("%Y-%m-%d %H:%M:%S")
        return row.value

    def words(self, row: Obs) -> list[str]:
        """A value, or those of all members, as a person would read them."""
        members = [each for each in self.state.members(row) if not each.voided]
        if members:
            return [word for each in members for word in self.words(each)]
        value = self.value(row)
        if value is None:
            return []
        if isinstance(value, bool):
            return ["Yes" if value else "No"]
        return [str(value["name"] if isinstance(value, dict) else value)]

    def concept(self, row: Concept) -> dict[str, Any]:
        mappings = (each.partition(":") for each in row.mappings)
        return {
            "uuid": row.uuid,
            "name": row.display,
            "dataType": row.datatype,
            "shortName": row.short,
            "units": row.units,
            "conceptClass": row.concept_class,
            "hiNormal": row.hi_normal,
            "lowNormal": row.low_normal,
            "set": bool(row.set_members),
            "mappings": [{"code": code, "name": row.name, "source": source} for source, _, code in mappings],
        }

    # orders

    def order(self, row: Order) -> dict[str, Any]:
        concept = self.state.concepts[row.concept]
        return {
            "concept": self.concept(concept),
            "instructions": row.instructions,
            "uuid": row.uuid,
            "orderType": self.state.order_types[row.type].name,
            "orderTypeUuid": row.type,
            "accessionNumber": row.accession_number,
            "orderGroup": None,
            "dateCreated": dates.milliseconds(row.audit.date_created),
            "dateChanged": None,
            "dateStopped": dates.milliseconds(row.stopped),
            "orderNumber": row.number,
            "careSetting": None,
            "action": row.action,
            "commentToFulfiller": row.comment,
            "autoExpireDate": dates.milliseconds(row.expires),
            "urgency": row.urgency,
            "previousOrderUuid": row.previous,
            "conceptUuid": concept.uuid,
            "voided": row.voided,
            "voidReason": row.audit.void_reason if row.voided else None,
        }

    def drug_order(self, row: Order, dosing: Dosing) -> dict[str, Any]:
        setting = self.state.care_settings.get(row.care_setting or "")
        return {
            **self.order(row),
            "orderType": DRUG_ORDER,
            "dateCreated": None,
            "careSetting": setting.name.upper() if setting else None,
            "urgency": None,
            "drug": self.drug(dosing.drug),
            "drugNonCoded": dosing.drug_non_coded,
            "dosingInstructionType": dosing.kind,
            "dosingInstructions": self.dosing(dosing),
            "dateActivated": dates.milliseconds(row.activated),
            "scheduledDate": dates.milliseconds(row.scheduled),
            "effectiveStartDate": dates.milliseconds(row.scheduled or row.activated),
            "effectiveStopDate": dates.milliseconds(row.stopped or row.expires),
            "orderReasonText": None,
            "duration": dosing.duration,
            "durationUnits": self.named(dosing.duration_units),
            "orderReasonConcept": None,
            "sortWeight": None,
        }

    def dosing(self, dosing: Dosing) -> dict[str, Any]:
        frequency = self.state.order_frequencies.get(dosing.frequency or "")
        return {
            "dose": dosing.dose,
            "doseUnits": self.named(dosing.dose_units),
            "route": self.named(dosing.route),
            "frequency": frequency.name if frequency else None,
            "asNeeded": dosing.as_needed,
            "administrationInstructions": dosing.instructions,
            "quantity": dosing.quantity,
            "quantityUnits": self.named(dosing.quantity_units),
            "numberOfRefills": dosing.refills,
        }

    def drug(self, uuid: str | None) -> dict[str, Any] | None:
        row = self.state.drugs.get(uuid or "")
        return {"name": row.name, "uuid": row.uuid, "form": row.form, "strength": row.strength} if row else None

    def named(self, uuid: str | None) -> str | None:
        row = self.state.concepts.get(uuid or "")
        return row.name if row else None


def _newest_first(rows: Iterable[Obs]) -> list[Obs]:
    """By when they were written, the last first."""
    return sorted(rows, key=lambda row: row.audit.date_created or _LONG_AGO, reverse=True)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
