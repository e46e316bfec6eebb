"""What a fresh Bahmni brings: the uuids that are the same in every new installation."""

from __future__ import annotations

from simulators.bahmni import lab
from simulators.bahmni.metadata_resources import named_uuid
from simulators.bahmni.orders import DRUG_ORDER, LAB_ORDER, SPANS
from simulators.bahmni.store import Store

__all__ = [
    "CONSULTATION",
    "DRUG_ORDER_TYPE",
    "INVESTIGATION",
    "IPD",
    "LAB_ORDER_TYPE",
    "LAB_RESULT",
    "OPD",
    "OPD_1",
    "OUTPATIENT",
    "PATIENT_IDENTIFIER",
    "REGISTRATION_DESK",
    "SUPERMAN",
    "SUPERMAN_USER",
    "UNKNOWN_ROLE",
    "VISIT_STATUS",
    "install",
]

PATIENT_IDENTIFIER = "81433852-3f10-11e4-adec-0800271c1b75"
CONSULTATION = "81852aee-3f10-11e4-adec-0800271c1b75"
INVESTIGATION = "81fbaddd-3f10-11e4-adec-0800271c1b75"
LAB_RESULT = "82024e00-3f10-11e4-adec-0800271c1b75"
OPD = "c22a5000-3f10-11e4-adec-0800271c1b75"
IPD = "c228eab1-3f10-11e4-adec-0800271c1b75"
REGISTRATION_DESK = "c5854fd7-3f12-11e4-adec-0800271c1b75"
OPD_1 = "c58e12ed-3f12-11e4-adec-0800271c1b75"
SUPERMAN = "c1c26908-3f10-11e4-adec-0800271c1b75"
SUPERMAN_USER = "c1c21e11-3f10-11e4-adec-0800271c1b75"
UNKNOWN_ROLE = "a0b03050-c99b-11e0-9572-0800200c9a66"
DRUG_ORDER_TYPE = "131168f4-15f5-102d-96e4-000c29c2a5d7"
LAB_ORDER_TYPE = "8189b409-3f10-11e4-adec-0800271c1b75"
OUTPATIENT = "6f0c9a92-6f24-11e3-af88-005056821db0"
INPATIENT = "c365e560-c3ec-11e3-9c1a-0800200c9a66"
VISIT_STATUS = "7b5f2a10-0000-4000-8000-000000000051"
ADMISSION_STATUS = "7b5f2a10-0000-4000-8000-000000000052"


def install(store: Store, *, username: str = "superman", password: str = "hospital") -> Store:  # noqa: S107 - the password of a simulator
    """Enter types, places, a provider and a superuser into an empty store."""
    store.add_identifier_type("Patient Identifier", uuid=PATIENT_IDENTIFIER)
    store.add_encounter_type("Consultation", uuid=CONSULTATION)
    store.add_encounter_type("INVESTIGATION", uuid=INVESTIGATION)
    store.add_encounter_type("LAB_RESULT", uuid=LAB_RESULT)
    store.add_visit_type("OPD", uuid=OPD)
    store.add_visit_type("IPD", uuid=IPD)
    desk = store.add_location("Registration Desk", uuid=REGISTRATION_DESK, tags=["Login Location", "Visit Location"])
    store.add_location("OPD-1", uuid=OPD_1, parent=desk.uuid, tags=["Login Location"])
    store.add_encounter_role("Unknown", uuid=UNKNOWN_ROLE)
    store.add_visit_attribute_type("Visit Status", uuid=VISIT_STATUS)
    store.add_visit_attribute_type("Admission Status", uuid=ADMISSION_STATUS)
    store.add_provider("Super Man", uuid=SUPERMAN, identifier=username)
    store.add_user(username, password, uuid=SUPERMAN_USER, provider=SUPERMAN)
    _orders(store)
    _laboratory(store)
    return store


def _orders(store: Store) -> None:
    """What a prescription is made of."""
    store.add_order_type(DRUG_ORDER, "org.openmrs.DrugOrder", uuid=DRUG_ORDER_TYPE)
    store.add_order_type(LAB_ORDER, uuid=LAB_ORDER_TYPE)
    store.add_care_setting("Outpatient", uuid=OUTPATIENT)
    store.add_care_setting("Inpatient", uuid=INPATIENT)
    for frequency in ("Once a day", "Twice a day", "Thrice a day"):
        store.add_order_frequency(frequency, uuid=named_uuid("orderfrequency", frequency))
    for unit in (*SPANS, "Tablet(s)", "Capsule(s)", "ml", "Oral", "Topical", "Intramuscular"):
        store.add_concept(unit, uuid=named_uuid("unit", unit))


def _laboratory(store: Store) -> None:
    """What stands beside a result."""
    for name, datatype in (
        (lab.ABNORMAL, "Boolean"),
        (lab.LOWEST_NORMAL, "Numeric"),
        (lab.HIGHEST_NORMAL, "Numeric"),
        (lab.NOTES, "Text"),
        (lab.REPORT, "Text"),
        (lab.REFERRED_OUT, "Boolean"),
    ):
        store.add_concept(name, datatype, uuid=named_uuid("laboratory", name))
