"""What must be there, and be said, before a flow is switched on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.urls import reverse

from console.addresses import list_url
from console.names import flow_spec, side_label
from engine.provision import Missing, missing
from mappings.models import Constant
from syncstatus.models import Flow, StartPolicy
from tenants.models import Connection


@dataclass(frozen=True)
class Lack:
    """One thing a flow cannot start without: what it is, what for, and the form that mends it."""

    name: str
    used_for: str
    when_missing: str
    url: str


def lacks_of(flow: Flow) -> list[Lack]:
    """Everything that keeps a flow from starting, all at once."""
    spec = flow_spec(flow)
    if spec is None:
        return [Lack(f"the connector {flow.tenant.connector!r}", "It is not installed.", "", "")]
    there = set(Connection.objects.filter(tenant=flow.tenant_id).values_list("side", flat=True))
    sides = dict.fromkeys(side for stream in spec.streams for side in (stream.source_side, stream.target_side))
    connections = [_connection(flow, side) for side in sides if side not in there]
    constants = {row.key: row.pk for row in Constant.objects.filter(tenant=flow.tenant_id, ordinal=0)}
    return [*connections, *(_lack(flow, row, constants) for row in missing(flow.tenant, flow.key))]


def _connection(flow: Flow, side: str) -> Lack:
    url = f"{reverse('admin:tenants_connection_add')}?{urlencode({'tenant': flow.tenant_id, 'side': side})}"
    return Lack(f"connection to {side_label(flow.tenant, side)}", "Where the server is and how to sign in.", "", url)


def _lack(flow: Flow, row: Missing, constants: dict[str, int]) -> Lack:
    if row.kind == "constant":
        pk = constants.get(row.key)
        url = reverse("admin:mappings_constant_change", args=[pk]) if pk else list_url(Constant)
        return Lack(f"constant {row.key}", row.used_for, row.when_missing, url)
    query = urlencode({"tenant": flow.tenant_id, "group": row.group, "kind": row.type})
    url = f"{reverse('admin:mappings_mapping_add')}?{query}"
    return Lack(f"mapping {row.group} / {row.type}", row.used_for, row.when_missing, url)


class StartForm(forms.Form):
    """Where to begin, asked only for flows that never ran; nothing is chosen beforehand."""

    start_policy = forms.ChoiceField(
        label="Where shall it begin?",
        choices=[(policy.value, str(policy.label).capitalize()) for policy in StartPolicy],
        widget=forms.RadioSelect,
        help_text="Asked once: later it always goes on where it stands.",
    )

    def __init__(self, flows: Iterable[Flow], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if all(flow.start_policy for flow in flows):
            del self.fields["start_policy"]

    def policy_for(self, flow: Flow) -> str:
        """The answer, for a flow that has none yet."""
        return "" if flow.start_policy else str(self.cleaned_data["start_policy"])
