"""One named task per entity type; each marks its stream due and lets the engine work."""

from __future__ import annotations

from celery import shared_task

from bahmni import vocabulary as v
from engine.work import sync


@shared_task(name="bahmni.sync.subject")
def sync_subject(tenant_id: int) -> None:
    """Avni subjects → patients of Bahmni."""
    sync(tenant_id, v.SUBJECT)


@shared_task(name="bahmni.sync.enrolment")
def sync_enrolment(tenant_id: int) -> None:
    """Avni enrolments → visits of Bahmni with their encounters."""
    sync(tenant_id, v.ENROLMENT)


@shared_task(name="bahmni.sync.program-encounter")
def sync_program_encounter(tenant_id: int) -> None:
    """Avni program encounters → encounters in the visits of their enrolments."""
    sync(tenant_id, v.PROGRAM_ENCOUNTER)


@shared_task(name="bahmni.sync.general-encounter")
def sync_general_encounter(tenant_id: int) -> None:
    """Avni general encounters → encounters in the registration visits."""
    sync(tenant_id, v.GENERAL_ENCOUNTER)


@shared_task(name="bahmni.sync.patient")
def sync_patient(tenant_id: int) -> None:
    """Patients of Bahmni → registration encounters of Avni."""
    sync(tenant_id, v.PATIENT)


@shared_task(name="bahmni.sync.encounter")
def sync_encounter(tenant_id: int) -> None:
    """Encounters of Bahmni → general encounters of Avni."""
    sync(tenant_id, v.ENCOUNTER)
