"""Privileges by name for each thing a client may do (openmrs.md O10)."""

from __future__ import annotations

__all__ = [
    "CREATE_ENCOUNTER",
    "CREATE_PATIENT",
    "CREATE_PERSON",
    "CREATE_VISIT",
    "EDIT_ENCOUNTER",
    "EDIT_IDENTIFIER",
    "EDIT_PATIENT",
    "EDIT_PERSON",
    "EDIT_VISIT",
    "LOOKUPS",
    "READ_ENCOUNTER",
    "READ_ORDER",
    "READ_PATIENT",
    "READ_PERSON",
    "READ_VISIT",
    "REGISTER_NUMBER",
    "VOID_ENCOUNTER",
    "VOID_ORDER",
    "VOID_PATIENT",
    "VOID_VISIT",
    "WRITE_TRANSACTION",
]

READ_PERSON = ("Get People",)
READ_PATIENT = (
    "Get Patients",
    "Get People",
    "Get Patient Identifiers",
    "Get Identifier Types",
    "Get Person Attribute Types",
    "Get Locations",
    "Get Concepts",
)
READ_VISIT = (*READ_PATIENT, "Get Visits", "Get Visit Types", "Get Visit Attribute Types")
READ_ENCOUNTER = (
    *READ_VISIT,
    "Get Encounters",
    "Get Observations",
    "Get Encounter Types",
    "Get Encounter Roles",
    "Get Providers",
    "Get Orders",
    "Get Order Types",
    "Get Care Settings",
    "Get Order Frequencies",
    "Get Concept Classes",
    "Get Concept Datatypes",
    "Get Global Properties",
)
CREATE_PERSON = ("Add People",)
EDIT_PERSON = ("Edit People",)
CREATE_PATIENT = ("Add Patients", "Add People", "Add Patient Identifiers")
EDIT_PATIENT = ("Edit Patients", "Edit People")
EDIT_IDENTIFIER = ("Add Patient Identifiers", "Edit Patient Identifiers")
VOID_PATIENT = ("Delete Patients",)
CREATE_VISIT = ("Add Visits",)
EDIT_VISIT = ("Edit Visits",)
VOID_VISIT = ("Delete Visits",)
CREATE_ENCOUNTER = ("Add Encounters", "Add Observations")
EDIT_ENCOUNTER = ("Edit Encounters", "Edit Observations", "Add Observations")
VOID_ENCOUNTER = ("Edit Encounters",)

WRITE_TRANSACTION = (*CREATE_ENCOUNTER, "Edit Encounters", "Edit Observations", "Add Visits", "Edit Visits")
READ_ORDER = (*READ_PATIENT, "Get Orders", "Get Order Types", "Get Care Settings", "Get Order Frequencies")
VOID_ORDER = ("Delete Orders",)
REGISTER_NUMBER = ("Generate Batch of Identifiers",)

LOOKUPS = {
    "concept": ("Get Concepts",),
    "location": ("Get Locations",),
    "encountertype": ("Get Encounter Types",),
    "visittype": ("Get Visit Types",),
    "visitattributetype": ("Get Visit Attribute Types",),
    "personattributetype": ("Get Person Attribute Types",),
    "patientidentifiertype": ("Get Identifier Types",),
    "provider": ("Get Providers",),
    "encounterrole": ("Get Encounter Roles",),
    "drug": ("Get Concepts",),
    "form": ("Get Forms",),
    "ordertype": ("Get Order Types",),
    "caresetting": ("Get Care Settings",),
    "orderfrequency": ("Get Order Frequencies",),
}
