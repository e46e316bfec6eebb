"""Deciding about a held record in the admin: of what was shown, once, and with words for whatever gets in the way."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from common import clock
from engine import moves, work
from errors.models import Decision, ErrorRecord, ErrorState
from simulators.bahmni import catalogue
from simulators.bahmni.model import User
from syncstatus.models import AtBrake, Brake, Flow, Incident, IncidentKind
from tenants.audit import SYSTEM
from tenants.models import Connection
from tenants.rights import Role
from tenants.secrets import Secret
from tests.flow.console.conftest import Member
from tests.flow.deciding import clinician_answers, held
from tests.flow.world import World

PAGE, DECIDE, SHOW = (f"admin:errors_errorrecord_{door}" for door in ("change", "decide", "show"))


@pytest.fixture
def operator(world: World, member: Member) -> Client:
    return member(world, Role.OPERATOR)


@pytest.fixture
def changed(world: World) -> str:
    """A subject whose height a clinician changed before it changed in Avni, too."""
    subject = world.subject("1001", observations={"Height": 150})
    world.sync("subject")
    clinician_changes(world, subject, 155)
    world.avni.edit_subject(subject, observations={"Height": 151}, at=world.moment())
    world.sync("subject")
    return subject


def clinician_changes(world: World, subject: str, height: int) -> None:
    clinician_answers(world, world.link("subject", subject).target_id, "Height", height)


def height(world: World, subject: str) -> list[Any]:
    return world.held(world.link("subject", subject).target_id)["Height"]


def lock_out() -> None:
    """Somebody changes the password of our account in Bahmni."""
    row = Connection.objects.get(side="bahmni")
    row.secret = Secret.of("wrong")
    row.save()


def let_in() -> None:
    """Somebody enters the right password."""
    row = Connection.objects.get(side="bahmni")
    row.secret = Secret.of("secret")
    row.save()


def post(client: Client, door: str, entity: str, **form: str) -> str:
    """What a person reads after pressing a button of the record's page."""
    return client.post(reverse(door, args=[held(entity).pk]), form, follow=True).content.decode()


def shown_state(page: str) -> str:
    """The state that the form carries; empty where there is no form."""
    found = re.search(r'name="state" value="(\w*)"', page)
    return found[1] if found else ""


def answer(client: Client, entity: str, page: str, **more: str) -> str:
    """Fill in the form as it was shown, and send it."""
    given = {"move": "source", "reason": "asked the nurse", "state": shown_state(page), **more}
    return post(client, DECIDE, entity, answered="yes", **given)


def test_what_was_shown_is_decided(world: World, operator: Client, changed: str) -> None:
    page = post(operator, DECIDE, changed)
    assert "155" in page
    answer(operator, changed, page)
    world.sync()
    assert height(world, changed) == [151]


@pytest.mark.parametrize("lacking", [{"reason": " "}, {"move": ""}])
def test_what_was_left_empty_is_asked_for_beside_the_same_comparison(
    world: World, operator: Client, changed: str, lacking: dict[str, str]
) -> None:
    first = post(operator, DECIDE, changed)
    again = answer(operator, changed, first, **lacking)
    assert "This field is required." in again
    assert "155" in again
    assert shown_state(again) == shown_state(first)
    assert ("asked the nurse" in again) == ("move" in lacking)
    assert bool(re.search(r'value="source"[^>]*checked', again)) == ("reason" in lacking)


def test_what_changed_while_something_was_left_empty_is_shown_as_it_is_now(
    world: World, operator: Client, changed: str
) -> None:
    first = post(operator, DECIDE, changed)
    clinician_changes(world, changed, 160)
    again = answer(operator, changed, first, move="")
    assert "It has changed since you looked. This is how it stands now." in again
    assert "160" in again
    answer(operator, changed, again)
    world.sync()
    assert height(world, changed) == [151]


def test_of_several_candidates_one_must_be_chosen(world: World, operator: Client) -> None:
    world.bahmni.identifier_types[catalogue.PATIENT_IDENTIFIER].uniqueness_behavior = "NON_UNIQUE"
    first, second = world.patient("1001"), world.patient("1001")
    subject = world.subject("1001")
    world.sync("subject")
    again = answer(operator, subject, post(operator, DECIDE, subject), move="same")
    assert "Choose one of those it may be." in again
    answer(operator, subject, again, move="same", chosen=second)
    world.sync("subject")
    assert world.link("subject", subject).target_parent_id == second != first


class TestASecondTab:
    """Two pages about one record were opened; the second is used after the first."""

    def test_an_opposite_decision_is_refused_with_who_was_faster(
        self, world: World, operator: Client, changed: str
    ) -> None:
        page = post(operator, DECIDE, changed)
        assert "Decided." in answer(operator, changed, page)
        said = answer(operator, changed, page, move="target")
        assert "Your decision was not taken. This was decided before: “Take Avni&#x27;s”, by operator on" in said
        world.sync()
        assert height(world, changed) == [151]

    def test_once_the_record_is_through_it_is_told_so(self, world: World, operator: Client, changed: str) -> None:
        page = post(operator, DECIDE, changed)
        answer(operator, changed, page)
        world.sync()
        said = answer(operator, changed, page, move="target")
        assert "Your decision was not taken. Nothing is left to decide: by now its state is “got through”." in said
        assert "Decided last: “Take Avni&#x27;s”, by operator on" in said

    def test_asking_to_decide_then_says_why_not(self, world: World, operator: Client, changed: str) -> None:
        answer(operator, changed, post(operator, DECIDE, changed))
        assert "This was decided before" in post(operator, DECIDE, changed)


class TestWhatCouldNotBeRead:
    """Bahmni does not let us in when a person wants to decide."""

    def test_it_is_not_offered_to_decide(self, world: World, operator: Client, changed: str) -> None:
        lock_out()
        page = post(operator, DECIDE, changed)
        assert 'value="Decide"' not in page
        assert held(changed).conflict["state"] not in page
        assert "it cannot be decided now" in page

    def test_what_is_sent_all_the_same_changes_nothing(self, world: World, operator: Client, changed: str) -> None:
        lock_out()
        page = post(operator, DECIDE, changed)
        clinician_changes(world, changed, 160)
        answer(operator, changed, page)
        let_in()
        world.sync()
        assert not Decision.objects.exists()
        assert height(world, changed) == [160]

    def test_it_can_be_ignored(self, world: World, operator: Client, changed: str) -> None:
        lock_out()
        chosen = {"action": "ignore", "_selected_action": held(changed).pk, "answered": "yes", "reason": "a test"}
        operator.post(reverse("admin:errors_errorrecord_changelist"), chosen)
        assert ErrorRecord.objects.get(entity_id=changed).state == ErrorState.IGNORED


class TestWhatDoesNotAnswer:
    """A person looks while Bahmni is down, or fails at the question."""

    @pytest.mark.parametrize("door", [DECIDE, SHOW])
    def test_it_is_said_in_a_sentence(self, world: World, operator: Client, changed: str, door: str) -> None:
        world.bahmni_server.stop()
        work.forget()
        page = post(operator, door, changed)
        assert "Bahmni, where the records go, does not answer." in page
        assert "/ws/rest" not in page
        assert "Read just now" not in page

    def test_what_fails_at_one_question_leaves_nothing_to_decide_and_says_why(
        self, world: World, operator: Client, changed: str
    ) -> None:
        world.bahmni.users[account(world).uuid].privileges = []
        page = post(operator, DECIDE, changed)
        assert 'value="Decide"' not in page
        assert "Nothing is left to decide" not in page
        assert "errornote" in page


def test_what_came_of_a_decision_tells_that_it_changed_since(world: World, operator: Client, changed: str) -> None:
    answer(operator, changed, post(operator, DECIDE, changed))
    clinician_changes(world, changed, 160)
    world.sync()
    page = operator.get(reverse(PAGE, args=[held(changed).pk])).content.decode()
    assert "not carried out: it changed since, and is held as it is now" in page


def test_an_ignored_record_asks_for_no_decision(world: World, operator: Client, changed: str) -> None:
    before = operator.get(reverse(PAGE, args=[held(changed).pk])).content.decode()
    assert "Decide which" in before
    moves.ignore(ErrorRecord.objects.filter(entity_id=changed), reason="a test", actor=SYSTEM)
    page = operator.get(reverse(PAGE, args=[held(changed).pk])).content.decode()
    assert "Decide which" not in page
    assert "Nothing is done about it until it changes at its source." in page


class TestWhatIsKept:
    """A person asks for something that cannot happen at once."""

    @pytest.fixture
    def braked(self, changed: str) -> str:
        """The flow of the held record waits at the brake."""
        flow = Flow.objects.get(key="avni-to-bahmni")
        brake = Brake.objects.create(tenant=flow.tenant, flow=flow, kind=AtBrake.MANY, set_at=clock.now())
        Flow.objects.filter(pk=flow.pk).update(at_brake=AtBrake.MANY)
        return reverse("admin:syncstatus_brake_change", args=[brake.pk])

    def test_a_decision_says_that_it_waits_at_the_brake(self, operator: Client, changed: str, braked: str) -> None:
        said = answer(operator, changed, post(operator, DECIDE, changed))
        assert "Decided. It is not carried out yet." in said
        assert braked in said

    def test_so_does_a_retry(self, operator: Client, changed: str, braked: str) -> None:
        said = retry(operator, changed)
        assert "1 record will be tried again, but not now." in said
        assert braked in said

    def test_so_does_run_now(self, operator: Client, changed: str, braked: str) -> None:
        said = run_now(operator)
        assert "It waits at the brake" in said
        assert braked in said

    def test_a_retry_says_when_the_server_is_asked_again(self, world: World, operator: Client, changed: str) -> None:
        world.subject("1002")
        world.bahmni_server.stop()
        world.sync("subject")
        assert "Bahmni (OpenMRS) does not answer; it is asked again at" in retry(operator, changed)

    def test_a_retry_says_that_our_account_is_not_let_in(self, world: World, operator: Client, changed: str) -> None:
        lock_out()
        post(operator, DECIDE, changed)
        assert "does not let us in; it goes on once somebody mends the" in retry(operator, changed)

    def test_run_now_says_that_what_was_refused_is_tried_once(
        self, world: World, operator: Client, changed: str
    ) -> None:
        lock_out()
        post(operator, DECIDE, changed)
        assert "Bahmni (OpenMRS) did not let us in: it is tried once." in run_now(operator)


def retry(client: Client, entity: str) -> str:
    chosen = {"action": "retry", "_selected_action": held(entity).pk, "from_its_page": "yes"}
    return client.post(reverse("admin:errors_errorrecord_changelist"), chosen, follow=True).content.decode()


def run_now(client: Client) -> str:
    chosen = {"action": "run_now", "_selected_action": Flow.objects.get(key="avni-to-bahmni").pk}
    return client.post(reverse("admin:syncstatus_flow_changelist"), chosen, follow=True).content.decode()


class TestRefusedCredentials:
    """OpenMRS locks an account after seven wrong log-ins; people who press buttons must not do that."""

    @pytest.mark.parametrize("door", [DECIDE, SHOW])
    def test_they_are_tried_once_however_often_a_person_looks(
        self, world: World, operator: Client, changed: str, door: str
    ) -> None:
        lock_out()
        for _ in range(3):
            work.forget()  # as if another process answered
            page = post(operator, door, changed)
        assert failed_log_ins(world) == 1
        assert "Nothing was asked now. Bahmni does not let us in" in page
        assert "Enter the right ones in the connection, then check it." in page

    def test_a_dry_run_of_many_streams_tries_them_once(self, world: World, operator: Client, changed: str) -> None:
        world.subject("1002")
        lock_out()
        page = dry_run(operator)
        assert failed_log_ins(world) == 1
        assert "Nothing was asked now. Bahmni does not let us in" in page

    def test_a_refusal_the_flow_met_is_believed(self, world: World, operator: Client, changed: str) -> None:
        world.subject("1002")
        lock_out()
        world.sync("subject")
        before = failed_log_ins(world)
        assert before > 0
        dry_run(operator)
        post(operator, DECIDE, changed)
        post(operator, SHOW, changed)
        assert failed_log_ins(world) == before

    def test_every_page_says_so_once_a_person_met_it(self, world: World, operator: Client, changed: str) -> None:
        lock_out()
        post(operator, DECIDE, changed)
        assert Incident.objects.get(recovered_at=None).kind == IncidentKind.REFUSED

    def test_after_the_connection_was_saved_they_are_tried_again(
        self, world: World, operator: Client, changed: str
    ) -> None:
        lock_out()
        post(operator, DECIDE, changed)
        let_in()
        assert "155" in post(operator, DECIDE, changed)

    def test_a_check_of_the_connections_tries_them_once(self, world: World, operator: Client, changed: str) -> None:
        world.subject("1002")
        lock_out()
        world.sync("subject")
        before = failed_log_ins(world)
        chosen = {"action": "check_connections", "_selected_action": Connection.objects.get(side="bahmni").pk}
        operator.post(reverse("admin:tenants_connection_changelist"), chosen)
        assert failed_log_ins(world) == before + 1


def dry_run(client: Client) -> str:
    chosen = {"action": "dry_run", "_selected_action": Flow.objects.get(key="avni-to-bahmni").pk}
    return client.post(reverse("admin:syncstatus_flow_changelist"), chosen, follow=True).content.decode()


def failed_log_ins(world: World) -> int:
    """What OpenMRS counts for our account; seven lock it."""
    return account(world).failures


def account(world: World) -> User:
    return next(user for user in world.bahmni.users.values() if user.username == "integration")
