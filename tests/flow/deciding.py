"""A person before a held record, in tests of the path."""

from __future__ import annotations

from engine import decisions
from errors.models import ErrorRecord, ErrorState
from errors.specs import Move
from mappings.models import Mapping
from simulators.bahmni.model import Obs
from tenants.audit import SYSTEM
from tests.flow.world import World


def held(entity: str, stream: str = "") -> ErrorRecord:
    """The error record of an entity."""
    return ErrorRecord.objects.get(entity_id=entity, **({"stream__key": stream} if stream else {}))


def offered(entity: str) -> list[Move]:
    """What may be decided about it."""
    return [offer.move for offer in decisions.offers(held(entity))]


def decide(world: World, entity: str, move: Move, chosen: str = "") -> ErrorRecord:
    """Decide as one sees it now, and let it be carried out."""
    record = held(entity)
    assert move in offered(entity), (record.message, record.state, record.conflict)
    state = record.conflict["state"]
    decisions.decide(record, move, state=state, reason="looked into the paper files", actor=SYSTEM, chosen=chosen)
    world.sync()
    return held(entity)


def is_waiting(entity: str, message: str) -> bool:
    """Whether it is held for this reason."""
    record = held(entity)
    return (record.state, record.message) == (ErrorState.HELD, message)


def answer_row(world: World, encounter: str, question: str) -> Obs:
    """The un-voided answer that stands in an encounter of Bahmni."""
    concept = world.concepts[question]
    return next(row for row in world.bahmni.obs_of(encounter) if row.concept == concept and not row.voided)


def clinician_answers(world: World, encounter: str, question: str, value: object) -> None:
    """A clinician answers a question of ours anew."""
    _save(world, answer_row(world, encounter, question), value=value)


def clinician_removes(world: World, encounter: str, question: str) -> None:
    """A clinician takes an answer of ours out."""
    _save(world, answer_row(world, encounter, question), voided=True)


def _save(world: World, row: Obs, **change: object) -> None:
    """Save an answer inside its form, as a screen does."""
    group = world.bahmni.obs[row.group or ""]
    member = {"uuid": row.uuid, "concept": row.concept, **change}
    form = {"uuid": group.uuid, "concept": group.concept, "groupMembers": [member]}
    world.bahmni.hospital_save_encounter(uuid=row.encounter, obs=[form])


def marker_concept() -> str:
    """The question under which our marker stands in Bahmni."""
    return Mapping.objects.get(type__name="AvniUUID_Concept").int_system_value


def settled(world: World) -> bool:
    """Whether comparing everything anew writes nothing."""
    world.rewind()
    world.reset_counts()
    world.sync()
    return world.writes == 0
