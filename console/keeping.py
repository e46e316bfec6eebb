"""What keeps a flow from doing at once what a person asked for, in a sentence with the way to it."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import clock
from console.addresses import list_url, row_url
from console.names import side_label
from console.words import when
from errors.catalogue import SIGN_IN
from syncstatus.models import Brake, Flow
from tenants.models import Connection


def kept_by(flow: Flow) -> SafeString | str:
    """Why the flow hands nothing over just now though it is on; empty when nothing keeps it."""
    if flow.is_paused:
        return "The flow is paused; it goes on once somebody resumes it."
    if flow.at_brake:
        brake = Brake.objects.filter(flow=flow, ended_at=None).order_by("pk").first()
        address = row_url(brake) if brake else list_url(Brake)
        said = 'The flow waits <a href="{}">at the brake</a>; it goes on once somebody decides there.'
        return format_html(said, address)
    for row in Connection.objects.filter(tenant=flow.tenant_id, down_since__isnull=False):
        server = side_label(flow.tenant, row.side)
        if row.down_reason.startswith(SIGN_IN):
            said = '{} does not let us in; it goes on once somebody mends the <a href="{}">connection</a>.'
            return format_html(said, server, row_url(row))
        if row.next_probe_at and row.next_probe_at > clock.now():
            again = when(row.next_probe_at, flow.tenant.zone)
            return format_html("{} does not answer; it is asked again at {}.", server, again)
    return ""


def tried_once(flow: Flow) -> str:
    """What "run now" means where a server was down or refused us: to be read before that is forgotten."""
    rows = Connection.objects.filter(tenant=flow.tenant_id, down_since__isnull=False)
    refused, silent = "did not let us in: it is tried once.", "did not answer: it is asked once more."
    return " ".join(
        f"{side_label(flow.tenant, row.side)} {refused if row.down_reason.startswith(SIGN_IN) else silent}"
        for row in rows
    )
