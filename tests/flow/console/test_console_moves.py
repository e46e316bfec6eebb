"""Positions moved in the admin: counted first, done with the second answer, and only what was counted."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from engine import backfill_moves
from errors.models import ErrorRecord
from syncstatus.backfills import Backfill, BackfillState
from syncstatus.models import Flow, Link, Position, Run, Stream
from tenants.audit import COMMAND
from tenants.models import AuditEntry
from tenants.rights import Role
from tests.flow.console.conftest import Member
from tests.flow.console.test_console_servers import act
from tests.flow.world import World

FLOWS, RUNS = "admin:syncstatus_flow_changelist", "admin:syncstatus_run_changelist"


def counted(page: str) -> str:
    """What the page holds about what was counted."""
    found = re.search(r'name="counted" value="([^"]+)"', page)
    assert found
    return found[1].replace("&quot;", '"')


def rewind(client: Client, **more: object) -> str:
    flow, stream = Flow.objects.get(key="avni-to-bahmni"), Stream.objects.get(key="subject")
    said = {"streams": [stream.pk], "since": "2026-01-01T00:00", "reason": "looked wrong", **more}
    return act(client, FLOWS, "rewind", [flow.pk], answered="yes", **said)


def test_a_rewind_is_counted_first_and_done_with_the_second_answer(world: World, member: Member) -> None:
    world.subject("1001")
    world.sync()
    operator = member(world, Role.OPERATOR)
    page = rewind(operator)
    assert "About 1 change will be read again and compared." in page
    assert not Link.objects.filter(is_suspect=True).exists()
    assert "reads on from 01 Jan 2026, 00:00" in rewind(operator, counted=counted(page))
    assert Link.objects.filter(is_suspect=True).count() == 1
    assert AuditEntry.objects.get(action="rewind").user is not None


def test_another_date_is_counted_anew(world: World, member: Member) -> None:
    world.subject("1001")
    world.sync()
    operator = member(world, Role.OPERATOR)
    page = rewind(operator)
    again = rewind(operator, counted=counted(page), since="2026-01-02T00:00")
    assert "will be read again and compared." in again
    assert not AuditEntry.objects.filter(action="rewind").exists()


def test_without_a_server_it_says_so_and_can_be_done(world: World, member: Member) -> None:
    operator = member(world, Role.OPERATOR)
    world.avni_server.stop()
    page = rewind(operator)
    assert "cannot be told now; it can be done all the same" in page
    assert "reads on from" in rewind(operator, counted=counted(page))


def test_a_run_is_gone_back_to(world: World, member: Member) -> None:
    world.subject("1001")
    world.sync("subject")
    before = Position.objects.get(stream__key="subject").moves
    run = Run.objects.get(stream__key="subject")
    operator = member(world, Role.OPERATOR)
    page = act(operator, RUNS, "rewind", [run.pk], answered="yes", reason="wrong mappings")
    assert "About 1 change" in page
    act(operator, RUNS, "rewind", [run.pk], answered="yes", reason="wrong mappings", counted=counted(page))
    assert Position.objects.get(stream__key="subject").moves == before + 1


def test_an_owner_skips_to_now(world: World, member: Member) -> None:
    world.subject("1001")
    owner = member(world, Role.OWNER)
    flow, stream = Flow.objects.get(key="avni-to-bahmni"), Stream.objects.get(key="subject")
    said = {"streams": [stream.pk], "reason": "test data"}
    page = act(owner, FLOWS, "skip", [flow.pk], answered="yes", **said)
    assert "About 1 change will not be read." in page
    act(owner, FLOWS, "skip", [flow.pk], answered="yes", counted=counted(page), **said)
    world.sync("subject")
    assert not Link.objects.exists()


# --- reading besides


def test_an_operator_asks_for_a_window_and_sees_how_far_it_is(world: World, member: Member) -> None:
    world.subject("1001")
    world.sync()
    operator = member(world, Role.OPERATOR)
    flow, stream = Flow.objects.get(key="avni-to-bahmni"), Stream.objects.get(key="subject")
    said = {"stream": stream.pk, "since": "2026-01-01T00:00", "reason": "looked wrong"}
    page = act(operator, FLOWS, "backfill", [flow.pk], answered="yes", **said)
    assert "About 1 change will be read and compared." in page
    assert not Backfill.objects.exists()
    act(operator, FLOWS, "backfill", [flow.pk], answered="yes", counted=counted(page), **said)
    world.sync("subject")
    row = Backfill.objects.get()
    page = operator.get(reverse("admin:syncstatus_backfill_change", args=[row.pk])).content.decode()
    assert "1 of about 1" in page
    assert "1 unchanged" in page


def test_ids_nobody_has_are_told_one_by_one(world: World, member: Member) -> None:
    operator = member(world, Role.OPERATOR)
    flow, stream = Flow.objects.get(key="avni-to-bahmni"), Stream.objects.get(key="subject")
    said = {"stream": stream.pk, "ids": "nobody\nnobody-else", "reason": "looked wrong"}
    page = act(operator, FLOWS, "backfill", [flow.pk], answered="yes", **said)
    act(operator, FLOWS, "backfill", [flow.pk], answered="yes", counted=counted(page), **said)
    world.sync("subject")
    page = operator.get(reverse("admin:syncstatus_backfill_change", args=[Backfill.objects.get().pk])).content.decode()
    assert "nobody</div>" in page
    assert "nobody-else</div>" in page


def test_a_backfill_is_cancelled_with_a_reason(world: World, member: Member) -> None:
    stream = Stream.objects.select_related("tenant").get(key="subject")
    row = backfill_moves.ask_for_ids(stream, ["a"], reason="looked wrong", actor=COMMAND)
    operator = member(world, Role.OPERATOR)
    act(operator, "admin:syncstatus_backfill_changelist", "cancel", [row.pk], answered="yes", reason="a mistake")
    assert Backfill.objects.get().state == BackfillState.CANCELLED


def test_a_record_is_sent_again_from_the_list_of_links(world: World, member: Member) -> None:
    subject = world.subject("1001")
    world.sync()
    operator, links = member(world, Role.OPERATOR), "admin:syncstatus_link_changelist"
    link = world.link("subject", subject)
    assert "Send 1 record again" in act(operator, links, "replay", [link.pk])
    act(operator, links, "replay", [link.pk], answered="yes", reason="looked wrong")
    assert Backfill.objects.get().ids == [subject]
    assert 'value="replay"' in operator.get(reverse("admin:syncstatus_link_change", args=[link.pk])).content.decode()


def test_records_are_sent_again_from_the_list_of_errors(world: World, member: Member) -> None:
    subject = world.subject(None)
    world.sync()
    error = ErrorRecord.objects.get(entity_id=subject)
    operator = member(world, Role.OPERATOR)
    act(operator, "admin:errors_errorrecord_changelist", "replay", [error.pk], answered="yes", reason="looked wrong")
    assert Backfill.objects.get().ids == [subject]
