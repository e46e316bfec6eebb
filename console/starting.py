"""What must be there, and be said, before a flow is switched on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.urls import reverse

from console.addresses import list_url
from console.moments import MomentField, of_zone
from console.names import flow_spec, side_label
from engine.provision import Missing, missing
from engine.starting import Start, fed
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
    """Where to begin, asked only for flows of which nobody has said it; nothing is chosen beforehand."""

    start_policy = forms.ChoiceField(
        label="Where shall it begin?",
        choices=[(policy.value, str(policy.label).capitalize()) for policy in StartPolicy],
        widget=forms.RadioSelect,
        help_text="Asked once: later it always goes on where it stands.",
    )
    start_at = MomentField(label="Since", required=False, help_text="For a date. Time of the flow's zone.")

    def __init__(self, flows: Iterable[Flow], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unsaid = [flow for flow in flows if not flow.start_policy]
        self._specs = {flow.pk: spec for flow in unsaid if (spec := flow_spec(flow))}
        if not unsaid:
            del self.fields["start_policy"], self.fields["start_at"]
        feeds = {stream.key: stream for spec in self._specs.values() for stream in spec.streams if stream.has_pages}
        if unsaid and not feeds:
            policies = [one for one in StartPolicy if one != StartPolicy.PAGE]
            self.fields["start_policy"].choices = [  # type: ignore[attr-defined]  # of a ChoiceField
                (policy.value, str(policy.label).capitalize()) for policy in policies
            ]
        for key, stream in feeds.items():
            help_text = "For a page: the number at the end of its address in the feed."
            label = f"Page, {stream.label.lower()}"
            self.fields[_page_of(key)] = forms.IntegerField(
                label=label, min_value=1, required=False, help_text=help_text
            )

    def clean(self) -> dict[str, Any]:
        """What belongs to the choice must be there."""
        said = super().clean() or {}
        if said.get("start_policy") == StartPolicy.DATE and not said.get("start_at") and "start_at" not in self.errors:
            self.add_error("start_at", "Say since when.")
        if said.get("start_policy") == StartPolicy.PAGE:
            for name in [name for name in self.fields if name.startswith(_PAGE)]:
                if not said.get(name) and name not in self.errors:
                    self.add_error(name, "Say a page of this feed, too.")
        return said

    def start_for(self, flow: Flow) -> Start | None:
        """The answer, for a flow of which nobody has said it yet."""
        spec = self._specs.get(flow.pk)
        if spec is None:
            return None
        said, policy = self.cleaned_data, str(self.cleaned_data["start_policy"])
        if policy == StartPolicy.DATE:
            return Start(policy, of_zone(said["start_at"], flow.zone))
        pages = {key: said[_page_of(key)] for key in fed(spec)} if policy == StartPolicy.PAGE else {}
        return Start(policy, pages=pages)


_PAGE: Final = "page_"


def _page_of(key: str) -> str:
    return _PAGE + key
