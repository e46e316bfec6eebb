"""What really stands in the two stores, for one patient number: read from their rows, whatever links say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from common import clock
from errors.models import OPEN_STATES, ErrorRecord
from tests.flow.world import PREFIX, REGISTRATION, World


@dataclass(frozen=True)
class InBahmni:
    """How often the hospital holds each kind of record of one number, un-voided ones, and the answers in them."""

    patients: int = 0
    visits: int = 0
    encounters: int = 0
    rows: int = 0
    """Encounters, voided ones too: a voided twin is a twin."""
    answers: dict[str, list[Any]] = field(default_factory=dict)
    markers: tuple[str, ...] = ()
    """The ids of Avni's records that un-voided encounters say they stand for."""


def in_bahmni(world: World, number: str) -> InBahmni:
    """What a clerk with access to every table finds for a number."""
    store = world.bahmni
    found = [
        patient.uuid
        for patient in store.patients.values()
        if any(row.identifier == PREFIX + number and not row.voided for row in patient.identifiers)
    ]
    encounters = [row for row in store.encounters.values() if row.patient in found]
    live = {row.uuid for row in encounters if not row.voided}
    names = {uuid: name for name, uuid in world.concepts.items()}
    answers: dict[str, list[Any]] = {}
    markers = []
    for obs in store.obs.values():
        if obs.encounter in live and not obs.voided:
            if obs.concept in names:
                answers.setdefault(names[obs.concept], []).append(names.get(str(obs.value), obs.value))
            elif store.concepts[obs.concept].name == "Avni Entity UUID [Avni]":
                markers.append(str(obs.value))
    return InBahmni(
        patients=len(found),
        visits=sum(1 for row in store.visits.values() if row.patient in found and not row.voided),
        encounters=len(live),
        rows=len(encounters),
        answers={question: sorted(values, key=str) for question, values in sorted(answers.items())},
        markers=tuple(sorted(markers)),
    )


@dataclass(frozen=True)
class InAvni:
    """The registration encounters of one subject: how many rows, and the observations of the un-voided ones."""

    rows: int = 0
    observations: tuple[dict[str, Any], ...] = ()


def in_avni(world: World, subject: str) -> InAvni:
    """What stands at a subject, by names of concepts."""
    names = {row.uuid: row.name for row in world.avni.organisation("demo").concepts.values()}
    rows = [world.avni.encounters[uuid] for uuid in world.avni.encounters_of(subject)]
    mine = [row for row in rows if row.kind == REGISTRATION]
    live = [{names[key]: value for key, value in row.observations.items()} for row in mine if not row.voided]
    return InAvni(len(mine), tuple(live))


def retry_all() -> int:
    """Let every record that waits for time be due now; gives how many records are open at all."""
    open_ones = ErrorRecord.objects.filter(state__in=OPEN_STATES)
    open_ones.filter(next_attempt_at__isnull=False).update(next_attempt_at=clock.now())
    return open_ones.count()


def work_until_quiet(world: World, *streams: str, looks: int = 4) -> None:
    """Settle what was cut off, then look again with all errors due, as often as a patient operator would."""
    for _ in range(looks):
        world.avni_server.settle()
        world.bahmni_server.settle()
        waiting = retry_all()
        report = world.sync(*streams)
        if not waiting and not any(look.more or look.stopped_by for look in report.looks):
            return
