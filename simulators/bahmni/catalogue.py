"""What a fresh Bahmni brings: the uuids that are the same in every new installation."""

from __future__ import annotations

from simulators.bahmni.store import Store

__all__ = [
    "CONSULTATION",
    "OPD",
    "OPD_1",
    "PATIENT_IDENTIFIER",
    "REGISTRATION_DESK",
    "SUPERMAN",
    "SUPERMAN_USER",
    "UNKNOWN_ROLE",
    "install",
]

PATIENT_IDENTIFIER = "81433852-3f10-11e4-adec-0800271c1b75"
CONSULTATION = "81852aee-3f10-11e4-adec-0800271c1b75"
LAB_RESULT = "82024e00-3f10-11e4-adec-0800271c1b75"
OPD = "c22a5000-3f10-11e4-adec-0800271c1b75"
REGISTRATION_DESK = "c5854fd7-3f12-11e4-adec-0800271c1b75"
OPD_1 = "c58e12ed-3f12-11e4-adec-0800271c1b75"
SUPERMAN = "c1c26908-3f10-11e4-adec-0800271c1b75"
SUPERMAN_USER = "c1c21e11-3f10-11e4-adec-0800271c1b75"
UNKNOWN_ROLE = "a0b03050-c99b-11e0-9572-0800200c9a66"
VISIT_STATUS = "7b5f2a10-0000-4000-8000-000000000051"
ADMISSION_STATUS = "7b5f2a10-0000-4000-8000-000000000052"


def install(store: Store, *, username: str = "superman", password: str = "hospital") -> Store:  # noqa: S107 - the password of a simulator
    """Enter types, places, a provider and a superuser into an empty store."""
    store.add_identifier_type("Patient Identifier", uuid=PATIENT_IDENTIFIER)
    store.add_encounter_type("Consultation", uuid=CONSULTATION)
    store.add_encounter_type("LAB_RESULT", uuid=LAB_RESULT)
    store.add_visit_type("OPD", uuid=OPD)
    desk = store.add_location("Registration Desk", uuid=REGISTRATION_DESK, tags=["Login Location", "Visit Location"])
    store.add_location("OPD-1", uuid=OPD_1, parent=desk.uuid, tags=["Login Location"])
    store.add_encounter_role("Unknown", uuid=UNKNOWN_ROLE)
    store.add_visit_attribute_type("Visit Status", uuid=VISIT_STATUS)
    store.add_visit_attribute_type("Admission Status", uuid=ADMISSION_STATUS)
    store.add_provider("Super Man", uuid=SUPERMAN, identifier=username)
    store.add_user(username, password, uuid=SUPERMAN_USER, provider=SUPERMAN)
    return store
