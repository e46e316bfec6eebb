"""What people did, in words: an audit entry holds ids, so that a better wording reaches old entries, too."""

from __future__ import annotations

import re
from typing import Final

from django.apps import apps
from django.utils.text import capfirst

from console.names import connector, reason
from engine import gaps
from engine.registry import Connector
from tenants.models import AuditEntry, Tenant

_VERBS: Final = {
    "add": "Add", "change": "Change", "delete": "Delete", "void": "Void", "unvoid": "Take back into use",
    "move": "Move", "check": "Check", "order": "Put in order",
}  # fmt: skip

_KINDS: Final = {"position": "position", "errortype": "error type", "ignoredconcept": "ignored concept"}
"""Models by the names that stand in actions, where a person writes them otherwise."""

_WORDS: Final = {
    "decide same": "Decide: link the two",
    "decide apart": "Decide: keep them apart",
    "decide source": "Decide: take what the source says",
    "decide target": "Decide: leave the target as it is",
    "bind": "Bind to this installation",
    "accept server": "Accept the server as it is",
    "unlock log-in": "Let try to log in again",
}

_ERROR: Final = re.compile(r"(?P<stream>\S+) (?P<record>.*): (?P<message>\S+)")
"""How an error record is called on record: stream, id in the source, message id."""


def deed(action: str) -> str:
    """An action in words: "Change mapping", "Decide: keep them apart"."""
    model, dot, verb = action.partition(".")
    if dot and verb in _VERBS:
        return f"{_VERBS[verb]} {_KINDS.get(model, model)}"
    return _WORDS.get(action, capfirst(action))


def done_to(entry: AuditEntry) -> str:
    """What it was done to, by the names people know; as it stands where its connector is not installed."""
    label = entry.object_label or entry.object_id
    known = connector(entry.tenant) if entry.tenant else None
    if entry.tenant is None or known is None:
        return label
    if entry.object_type == "errors.ErrorRecord":
        return _error(entry.tenant, known, label)
    begin, colon, key = label.rpartition(": ")
    names = {flow.key: flow.label for flow in known.flows}
    names |= {stream.key: stream.label for flow in known.flows for stream in flow.streams}
    return f"{begin}{colon}{names.get(key, key)}"


def kind_of_thing(entry: AuditEntry) -> str:
    """What it is, e.g. "error record"; by its class where the release no longer has it."""
    try:
        return str(apps.get_model(entry.object_type)._meta.verbose_name)  # noqa: SLF001  # public by documentation
    except (LookupError, ValueError):
        return entry.object_type.rpartition(".")[2]


def _error(tenant: Tenant, known: Connector, label: str) -> str:
    told = _ERROR.fullmatch(label)
    if told is None:
        return label
    streams = {stream.key: stream for flow in known.flows for stream in flow.streams}
    spec = streams.get(told["stream"])
    name = f"{capfirst(spec.entity_label)} {told['record']}" if spec else f"{told['stream']} {told['record']}"
    if gaps.stands_for(told["record"]):
        name = f"{spec.label if spec else told['stream']}, a part of the source"
    return f"{name}: {reason(tenant, told['message'])}"
