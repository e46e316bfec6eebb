"""The names people know for what the rows hold by key; a key stands for itself while its connector is not installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

from django.utils.text import capfirst

from engine.commit import as_known
from engine.positions import Standing
from engine.registry import Connector, Counterpart, FlowSpec, SideSpec, StreamSpec, connectors
from errors.catalogue import GENERIC, explain
from errors.specs import Sentence
from mappings import snapshot
from syncstatus.models import Flow, Link, Stream
from tenants.models import Tenant


def connector(tenant: Tenant) -> Connector | None:
    """The tenant's connector, or None while its application is not installed."""
    return connectors().get(tenant.connector)


def flow_spec(flow: Flow) -> FlowSpec | None:
    """What the connector declares of the flow."""
    known = connector(flow.tenant)
    return next((spec for spec in known.flows if spec.key == flow.key), None) if known else None


def stream_spec(stream: Stream) -> StreamSpec | None:
    """What the connector declares of the stream; `stream.tenant` should be loaded."""
    known = connector(stream.tenant)
    specs = (spec for flow in known.flows for spec in flow.streams) if known else iter(())
    return next((spec for spec in specs if spec.key == stream.key), None)


def side_spec(tenant: Tenant, key: str) -> SideSpec | None:
    """What the connector declares of one server."""
    known = connector(tenant)
    return next((side for side in known.sides if side.key == key), None) if known else None


def flow_label(flow: Flow) -> str:
    """E.g. "Avni → Bahmni"."""
    spec = flow_spec(flow)
    return spec.label if spec else flow.key


def stream_label(stream: Stream) -> str:
    """E.g. "Subject → patient"."""
    spec = stream_spec(stream)
    return spec.label if spec else stream.key


def entity_label(stream: Stream) -> str:
    """What one record of the stream is, e.g. "Subject"."""
    spec = stream_spec(stream)
    return capfirst(spec.entity_label) if spec else "Record"


def part_label(standing: Standing) -> str:
    """What people call a partition, e.g. "the patient feed"."""
    spec = stream_spec(standing.stream)
    return spec.part(standing.partition) if spec else standing.partition


def side_label(tenant: Tenant, key: str) -> str:
    """E.g. "Avni"."""
    spec = side_spec(tenant, key)
    return spec.label if spec else key


def source_label(stream: Stream) -> str:
    """Name of the server a stream reads."""
    spec = stream_spec(stream)
    return side_label(stream.tenant, spec.source_side) if spec else "source"


def target_label(stream: Stream) -> str:
    """Name of the server a stream writes."""
    spec = stream_spec(stream)
    return side_label(stream.tenant, spec.target_side) if spec else "target"


def counterparts(link: Link) -> Sequence[Counterpart]:
    """What stands in the target for a record, the one it hangs on first; `link.tenant` should be loaded."""
    known = connector(link.tenant)
    if known is None:
        found = (("Record", link.target_id), ("Record it hangs on", link.target_parent_id))
        return [Counterpart(label, record) for label, record in found if record]
    remembered = as_known(link)
    return known.counterparts(snapshot.take(link.tenant), link.stream.key, remembered) if remembered else []


def reason(tenant: Tenant, message: str) -> str:
    """The sentence of a message id alone, where its parameters are not kept: what varies is left open."""
    known = {**GENERIC, **sentences(tenant)}.get(message)
    fields = [name for _, name, _, _ in Formatter().parse(known.cause) if name] if known else []
    return explain(message, dict.fromkeys(fields, "…"), sentences(tenant)).cause


def sentences(tenant: Tenant) -> Mapping[str, Sentence]:
    """The connector's own sentences by message id."""
    known = connector(tenant)
    return known.sentences if known else {}
