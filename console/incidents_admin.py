"""What stopped the data from flowing, from when to when. Only to look at: it is over when the server answers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.addresses import row_url
from console.base import TenantAdmin
from console.incident_words import state_badge, what_comes_next
from console.names import connector, flow_label, side_label
from console.site import site
from console.words import NOTHING, when
from engine.incidents import explained, open_ones
from syncstatus.models import Flow, Incident, IncidentKind
from tenants.models import Connection


@admin.register(Incident, site=site)
class IncidentAdmin(TenantAdmin[Incident]):
    """Never edited: rows are opened, seen and closed by the service."""

    list_display = ("what", "state", "opened", "recovered", "probes", "tenant")
    list_display_links = ("what",)
    list_filter = ("tenant", "kind")
    list_select_related = ("tenant",)
    fields = (
        "cause",
        "remedy",
        "state",
        "comes_next",
        "concerns",
        "opened",
        "last_seen",
        "recovered",
        "probes",
        "tenant",
    )
    readonly_fields = fields

    def headline(self, row: Incident) -> str:
        """What it is about, and whose."""
        about = flow_name(row) if row.kind == IncidentKind.FAULTS else side_label(row.tenant, row.about)
        return f"{row.tenant}: {about}"

    @admin.display(description="what happened", ordering="kind")
    def what(self, row: Incident) -> str:
        """The sentence."""
        return explained(row).cause

    @admin.display(description="what happened")
    def cause(self, row: Incident) -> str:
        """The sentence."""
        return explained(row).cause

    @admin.display(description="what to do")
    def remedy(self, row: Incident) -> str:
        """While there is something to do."""
        return explained(row).remedy if row.recovered_at is None else NOTHING

    @admin.display(description="state", ordering="recovered_at")
    def state(self, row: Incident) -> SafeString:
        """Open, or for how long it was."""
        return state_badge(row)

    @admin.display(description="what comes next")
    def comes_next(self, row: Incident) -> SafeString | str:
        """When a server is asked again, or who must act."""
        return next((what_comes_next(one) for one in open_ones([row])), NOTHING)

    @admin.display(description="concerns")
    def concerns(self, row: Incident) -> SafeString | str:
        """The connection, where it is mended, and the flows that wait."""
        rows: list[Any] = list(Connection.objects.filter(tenant=row.tenant, side=row.about).select_related("tenant"))
        named = [(row_url(one), f"{side_label(one.tenant, one.side)} (connection)") for one in rows]
        named += [(row_url(flow), f"{flow_label(flow)} (flow)") for flow in _flows(row)]
        links = format_html_join("", '<li><a href="{}">{}</a></li>', named)
        return format_html("<ul>{}</ul>", links) if named else NOTHING

    @admin.display(description="since", ordering="opened_at")
    def opened(self, row: Incident) -> SafeString | str:
        """When it was found."""
        return when(row.opened_at, row.tenant.zone)

    @admin.display(description="last seen")
    def last_seen(self, row: Incident) -> SafeString | str:
        """When it was met last."""
        return when(row.last_seen_at, row.tenant.zone)

    @admin.display(description="recovered", ordering="recovered_at")
    def recovered(self, row: Incident) -> SafeString | str:
        """When it was over."""
        return when(row.recovered_at, row.tenant.zone)

    def has_delete_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        """It stays as a record."""
        return False


def _flows(row: Incident) -> list[Flow]:
    """The flow that paused itself, or those that are on and need the server."""
    flows = Flow.objects.filter(tenant=row.tenant).select_related("tenant").order_by("key")
    if row.kind == IncidentKind.FAULTS:
        return list(flows.filter(key=row.about))
    known = connector(row.tenant)
    needing = {
        flow.key
        for flow in (known.flows if known else ())
        if any(row.about in (stream.source_side, stream.target_side) for stream in flow.streams)
    }
    return list(flows.filter(key__in=needing, is_on=True))


def flow_name(row: Incident) -> str:
    """The direction of the flow in words."""
    return next((flow_label(flow) for flow in _flows(row)), row.about)
