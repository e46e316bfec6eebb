"""Why a flow waits for a person, what waits with it, and the two ways to let it go on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from common.http_errors import RemoteError
from console.access import actor
from console.addresses import list_url, row_url
from console.base import TenantAdmin
from console.names import connector, entity_label, flow_label, sentences, side_label, source_label
from console.questions import ReasonForm, answered, ask
from console.site import site
from console.words import BAD, GOOD, NOTHING, badge, how_many, when
from engine import brake_moves
from engine.brake import Does
from engine.brake_moves import NotWaiting, Onward
from engine.braking import differences_of, in_words, message_of, numbers_of, params_of
from errors.catalogue import Explanation, explain
from syncstatus.models import AtBrake, Brake
from tenants.rights import Right

WHAT_BECOMES: dict[str, str] = {
    Does.VOID.value: "will be voided",
    Does.OVERWRITE.value: "will be changed; we did not create it",
}
WHAT_WAS_TO_BECOME: dict[str, str] = {
    Does.VOID.value: "was to be voided",
    Does.OVERWRITE.value: "was to be changed; we did not create it",
}
"""As above, of a brake that has ended: whether it was done stands with the record itself."""


class AcceptForm(ReasonForm):
    """Where to go on, and why; nothing is chosen beforehand."""

    onward = forms.ChoiceField(
        label="Where shall it go on?",
        choices=[(one.value, str(one.label).capitalize()) for one in Onward],
        widget=forms.RadioSelect,
    )


def explanation(brake: Brake) -> Explanation:
    """The sentence about a brake, in the words of its connector."""
    known = connector(brake.tenant)
    params = params_of(brake, known) if known else {}
    return explain(message_of(brake), params, sentences(brake.tenant))


@admin.register(Brake, site=site)
class BrakeAdmin(TenantAdmin[Brake]):
    """Never edited: a flow that waits is let go on, or its server accepted, with a reason. What is over stays."""

    change_form_template = "console/brake.html"
    list_display = ("what", "flow_name", "state", "since", "tenant")
    list_display_links = ("what",)
    list_filter = ("tenant", "kind")
    list_select_related = ("tenant", "flow__tenant")
    actions = ("let_go_on", "accept_server")
    fields = ("cause", "remedy", "flow_name", "state", "since", "tenant")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Brake]:
        """With the records that are counted in every sentence."""
        return super().get_queryset(request).prefetch_related("records")

    def headline(self, row: Brake) -> str:
        """Which flow it holds."""
        return f"{row.tenant}: {flow_label(row.flow)} at the brake"

    # --- columns -----------------------------------------------------------------------------------------------------

    @admin.display(description="why it waits", ordering="kind")
    def what(self, brake: Brake) -> str:
        """In a few words."""
        if brake.kind == AtBrake.SERVER:
            return f"{side_label(brake.tenant, brake.side)} is not the server it was"
        return in_words(brake, *numbers_of(brake)).capitalize()

    @admin.display(description="flow")
    def flow_name(self, brake: Brake) -> str:
        """The direction in words."""
        return flow_label(brake.flow)

    @admin.display(description="state", ordering="ended_at")
    def state(self, brake: Brake) -> SafeString:
        """Open, or who ended it and why."""
        if brake.ended_at is None:
            return badge("waits for a person", BAD)
        return badge(f"went on: {brake.reason}" + (f" ({brake.ended_by})" if brake.ended_by else ""), GOOD)

    @admin.display(description="since", ordering="set_at")
    def since(self, brake: Brake) -> SafeString | str:
        """When the flow was stopped."""
        return when(brake.set_at, brake.tenant.zone)

    @admin.display(description="what happened")
    def cause(self, brake: Brake) -> str:
        """The sentence."""
        return explanation(brake).cause

    @admin.display(description="what to do")
    def remedy(self, brake: Brake) -> str:
        """While there is something to do."""
        return explanation(brake).remedy if brake.ended_at is None else NOTHING

    # --- the page of one brake ---------------------------------------------------------------------------------------

    def page_of(self, request: HttpRequest, row: Brake) -> dict[str, Any]:
        """What differs, or what waits; and the doors that are open to this person."""
        may = row.ended_at is None and self.may(request, Right.CHANGE_CONNECTION, row)
        return {
            "differences": differences_of(row),
            "records": list(_lines(row)),
            "listed": in_words(row, *numbers_of(row)),
            "may_let_go": may and row.kind == AtBrake.MANY,
            "may_accept": may and row.kind == AtBrake.SERVER,
            "server": side_label(row.tenant, row.side) if row.side else "",
            "flow_url": row_url(row.flow),
            "list_url": list_url(Brake),
        }

    # --- actions -----------------------------------------------------------------------------------------------------

    @admin.action(description="Let this run go on…", permissions=["configure"])
    def let_go_on(self, request: HttpRequest, queryset: models.QuerySet[Brake]) -> HttpResponse | None:
        """Show what would be written and ask why; then let exactly that pass."""
        rows = self._open(request, queryset, AtBrake.MANY)
        if not rows:
            return None
        form = ReasonForm(request.POST if answered(request) else None)
        if answered(request) and form.is_valid():
            for row in rows:
                self._let_go(request, row, form.cleaned_data["reason"])
            return None
        lines = [f"{stream} {entity} {becomes}: {why}" for row in rows for stream, entity, becomes, why in _lines(row)]
        numbers = "; ".join(in_words(row, *numbers_of(row)) for row in rows) or "nothing"
        return ask(
            self,
            request,
            form,
            title="Let this run go on",
            lead=f"{numbers} will be written. It holds for these records, once; whatever else comes is counted anew.",
            button="Let this run go on" if rows else "",
            rows=lines,
            count=len(lines),
        )

    @admin.action(description="Accept this server as it is…", permissions=["configure"])
    def accept_server(self, request: HttpRequest, queryset: models.QuerySet[Brake]) -> HttpResponse | None:
        """Show what differs, ask where to go on and why; then know the server by what it is now."""
        rows = self._open(request, queryset, AtBrake.SERVER)
        if not rows:
            return None
        form = AcceptForm(request.POST if answered(request) else None)
        if answered(request) and form.is_valid():
            for row in rows:
                self._accept(request, row, **form.cleaned_data)
            return None
        told = [f"{side_label(row.tenant, row.side)}: {one}" for row in rows for one in differences_of(row)]
        return ask(
            self,
            request,
            form,
            title="Accept this server as it is",
            lead="Every flow that waits for this server goes on with it. If the address or the account is wrong, "
            "correct the connection instead.",
            button="Accept this server" if rows else "",
            rows=told,
            count=len(told),
        )

    def _open(self, request: HttpRequest, queryset: models.QuerySet[Brake], kind: str) -> list[Brake]:
        """Those chosen that still wait; says which do not any more, as in a page that was left open."""
        allowed = self.permitted(request, queryset.filter(kind=kind), Right.CHANGE_CONNECTION)
        rows = list(allowed.select_related("tenant", "flow__tenant"))
        for row in rows:
            if row.ended_at is not None:
                self._say_over(request, row)
        if not rows:
            self.message_user(request, "None of those chosen waits for this.", messages.WARNING)
        return [row for row in rows if row.ended_at is None]

    def _let_go(self, request: HttpRequest, row: Brake, reason: str) -> None:
        try:
            voids, overwrites = brake_moves.let_go_on(row, reason=reason, actor=actor(request))
        except NotWaiting:
            self._say_over(request, row)
        else:
            self._say(request, row, f"goes on: {how_many(voids + overwrites, 'record')} pass.", messages.SUCCESS)

    def _accept(self, request: HttpRequest, row: Brake, *, reason: str, onward: str) -> None:
        try:
            brake_moves.accept_server(row, onward=onward, reason=reason, actor=actor(request))
        except NotWaiting:
            self._say_over(request, row)
        except RemoteError as trouble:
            self._say(request, row, f"still waits: where to go on could not be asked. {trouble}", messages.ERROR)
        else:
            self._say(request, row, f"goes on with {side_label(row.tenant, row.side)} as it is.", messages.SUCCESS)

    def _say_over(self, request: HttpRequest, row: Brake) -> None:
        self._say(request, row, "went on already, so nothing was done.", messages.WARNING)

    def _say(self, request: HttpRequest, row: Brake, said: str, level: int) -> None:
        self.message_user(request, f"{row.tenant}: {flow_label(row.flow)} {said}", level)


def _lines(brake: Brake) -> list[tuple[str, str, str, str]]:
    """What it is, its id in the source, what becomes of its partner, why."""
    rows = brake.records.select_related("stream__tenant")
    becomes = WHAT_BECOMES if brake.ended_at is None else WHAT_WAS_TO_BECOME
    return [
        (
            f"{source_label(row.stream)}: {entity_label(row.stream)}",
            row.entity_id,
            becomes.get(row.does, row.does),
            row.why,
        )
        for row in rows
    ]
