"""A running hospital with a few concepts, one account, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulators.bahmni import BahmniApp, Store, catalogue
from simulators.bahmni.model import Patient
from simulators.server import Server
from tests.contract.bahmni import support
from tests.contract.bahmni.support import Clock, Http


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    store = catalogue.install(Store(clock=clock))
    store.add_user(support.USER, support.PASSWORD, provider=catalogue.SUPERMAN)
    store.add_concept("Weight", "Numeric", uuid=support.WEIGHT, units="kg", hi_absolute=300.0, low_absolute=0.0)
    store.add_concept("Note", "Text", uuid=support.NOTE)
    store.add_concept("Form", uuid=support.FORM, concept_class="ConvSet", set_members=[support.WEIGHT])
    store.add_concept("Complaint", "Coded", [support.FEVER, support.COUGH], uuid=support.COMPLAINT)
    store.add_concept("Fever", uuid=support.FEVER, mappings=["CIEL:140238"])
    store.add_concept("Cough", uuid=support.COUGH)
    store.add_concept("Onset", "Date", uuid=support.ONSET)
    store.add_concept("Seen at", "Datetime", uuid=support.SEEN_AT)
    store.add_concept("Pregnant", "Boolean", uuid=support.PREGNANT)
    store.add_concept("Children", "Numeric", uuid=support.CHILDREN, allow_decimal=False)
    store.add_concept("Group", uuid=support.GROUP, concept_class="ConvSet", set_members=[support.NOTE])
    store.add_concept("Paracetamol", uuid=support.PARACETAMOL, concept_class="Drug")
    store.add_drug(
        "Paracetamol 500 mg", support.PARACETAMOL, uuid=support.PARACETAMOL_500, form="Tablet(s)", strength="500 mg"
    )
    store.add_concept("Haemoglobin", "Numeric", uuid=support.HAEMOGLOBIN, concept_class="LabTest", units="g/dl")
    store.add_concept("Platelets", "Numeric", uuid=support.PLATELETS, concept_class="LabTest")
    members = [support.HAEMOGLOBIN, support.PLATELETS]
    store.add_concept("Blood count", uuid=support.BLOOD_COUNT, concept_class="LabSet", set_members=members)
    store.add_person_attribute_type("class", "org.openmrs.Concept", uuid=support.CLASS_TYPE)
    store.add_person_attribute_type("phone", uuid=support.PHONE_TYPE)
    store.add_visit_attribute_type("Avni UUID", uuid=support.AVNI_UUID_TYPE)
    return store


@pytest.fixture(scope="session")
def listening() -> Iterator[Server]:
    """One socket for all tests; closing it takes a moment each time."""
    with Server(BahmniApp(Store())) as running:
        yield running


@pytest.fixture
def server(listening: Server, store: Store) -> Iterator[Server]:
    """The socket with this test's hospital behind it."""
    listening.app = BahmniApp(store)
    listening.faults.clear()
    listening.failures.clear()
    listening.reset_counts()
    yield listening
    assert listening.failures == []


@pytest.fixture
def http(server: Server) -> Http:
    http = Http(server.base_url)
    assert http.get("/session").json()["authenticated"]
    return http


@pytest.fixture
def patient(store: Store) -> Patient:
    return store.hospital_create_patient(
        "Asha", "Devi", "GAN200001", identifier_type=catalogue.PATIENT_IDENTIFIER, uuid=support.PATIENT
    )


@pytest.fixture
def visit(store: Store, patient: Patient) -> str:
    """Open since the first of November, server time."""
    store.hospital_create_visit(
        uuid=support.VISIT,
        patient=patient.uuid,
        visitType=catalogue.OPD,
        location=catalogue.REGISTRATION_DESK,
        startDatetime="2026-11-01T00:00:00.000+0530",
    )
    return support.VISIT
