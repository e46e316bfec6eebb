"""Guessing passwords at the door is slowed down, for the account and for the address it comes from (W46)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from common import clock
from common.clock import FrozenClock
from tenants.log_ins import ACCOUNT, ADDRESS
from tenants.models import AuditEntry, LogInTrouble
from tests.flow.console.conftest import SignIn
from tests.flow.console.world import NOON, PASSWORD, Hospital

LOG_IN = "/admin/login/"
LOCKED = "Too many wrong passwords."


@pytest.fixture(autouse=True)
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as time:
        yield time


def log_in(name: str, password: str = PASSWORD, **more: Any) -> str:
    """What the page says; nothing when it lets in."""
    answer = Client().post(LOG_IN, {"username": name, "password": password}, **more)
    return "" if answer.status_code == 302 else answer.content.decode()


def guess(times: int, name: str = "numbat-owner", **more: Any) -> str:
    """What the last of so many wrong passwords is answered with."""
    return [log_in(name, f"guess {number}", **more) for number in range(times)][-1]


def test_w46_after_five_wrong_passwords_the_right_one_has_to_wait(numbat: Hospital) -> None:
    assert LOCKED not in guess(ACCOUNT.free)
    said = log_in("numbat-owner")
    assert f"{LOCKED} Try again in 1 minute, or ask the installation&#x27;s administrator to unlock it." in said


def test_w46_after_the_wait_the_right_password_lets_in_and_all_is_forgotten(
    numbat: Hospital, time: FrozenClock
) -> None:
    guess(ACCOUNT.free)
    time.advance(60)
    assert log_in("numbat-owner") == ""
    assert LOCKED not in guess(ACCOUNT.free)


def test_w46_each_further_wrong_password_doubles_the_wait_up_to_a_quarter_of_an_hour(
    numbat: Hospital, time: FrozenClock
) -> None:
    waits = []
    guess(ACCOUNT.free)
    for _ in range(6):
        row = LogInTrouble.objects.get(label="numbat-owner")
        assert row.locked_until
        waits.append((row.locked_until - clock.now()).total_seconds() / 60)
        time.advance(60 * waits[-1])
        guess(1)
    assert waits == [1, 2, 4, 8, 15, 15]


def test_w46_while_it_waits_no_password_is_looked_at(numbat: Hospital) -> None:
    guess(ACCOUNT.free)
    guess(20)
    assert LogInTrouble.objects.get(label="numbat-owner").wrong == ACCOUNT.free


def test_w46_an_account_is_locked_wherever_the_guesses_come_from(numbat: Hospital) -> None:
    for number in range(ACCOUNT.free):
        guess(1, REMOTE_ADDR=f"10.0.0.{number}")
    assert LOCKED in log_in("numbat-owner", REMOTE_ADDR="10.0.0.99")


def test_w46_capitals_do_not_make_another_account(numbat: Hospital) -> None:
    for name in ("numbat-owner", "Numbat-Owner", "NUMBAT-OWNER", "numbat-OWNER", "Numbat-owner"):
        guess(1, name)
    assert LOCKED in log_in("numbat-owner")


def test_w46_other_people_log_in_meanwhile(numbat: Hospital) -> None:
    guess(ACCOUNT.free)
    assert log_in("numbat-mapper") == ""


def test_w46_guesses_at_many_accounts_lock_the_address_they_come_from(numbat: Hospital) -> None:
    for number in range(ADDRESS.free):
        guess(1, f"person {number}", REMOTE_ADDR="10.0.0.1")
    assert LOCKED in log_in("numbat-owner", REMOTE_ADDR="10.0.0.1")
    assert log_in("numbat-owner", REMOTE_ADDR="10.0.0.2") == ""


def test_w46_an_account_that_does_not_exist_is_locked_alike(numbat: Hospital) -> None:
    guess(ACCOUNT.free, "nobody")
    assert LOCKED in log_in("nobody")


def test_w46_what_was_typed_as_a_name_is_not_kept(numbat: Hospital) -> None:
    guess(1, "my secret password")
    assert "secret" not in str(list(LogInTrouble.objects.values_list()))


def test_w46_after_an_hour_wrong_passwords_are_forgotten(numbat: Hospital, time: FrozenClock) -> None:
    guess(ACCOUNT.free - 1)
    time.advance(3601)
    guess(1)
    assert log_in("numbat-owner") == ""


def test_w46_right_passwords_never_lock_an_address(numbat: Hospital) -> None:
    assert [log_in("numbat-owner") for _ in range(ADDRESS.free + 1)] == [""] * (ADDRESS.free + 1)


@pytest.mark.parametrize(("is_trusted", "is_locked"), [(False, True), (True, False)])
def test_w46_behind_a_proxy_the_address_is_the_one_it_adds_once_it_is_trusted(
    numbat: Hospital, settings: Any, is_trusted: bool, is_locked: bool
) -> None:
    settings.TRUST_FORWARDED_FOR = is_trusted
    for number in range(ADDRESS.free):
        guess(1, f"person {number}", HTTP_X_FORWARDED_FOR="1.2.3.4, 10.0.0.1")
    assert (LOCKED in log_in("numbat-owner", HTTP_X_FORWARDED_FOR="10.0.0.1, 10.0.0.2")) is is_locked


def test_w46_the_administrator_unlocks_an_account_on_record(
    numbat: Hospital, administrator: User, signed_in: SignIn
) -> None:
    guess(ACCOUNT.free)
    row = LogInTrouble.objects.get(label="numbat-owner")
    address = reverse("admin:tenants_logintrouble_changelist")
    client = signed_in(administrator)
    assert "has to wait" in client.get(address).content.decode()
    said = client.post(address, {"action": "unlock", ACTION_CHECKBOX_NAME: [row.pk]}, follow=True).content.decode()
    assert "Account numbat-owner may try again." in said
    assert log_in("numbat-owner") == ""
    assert AuditEntry._base_manager.filter(action="unlock log-in", user=administrator).count() == 1


def test_w46_nobody_else_sees_who_is_locked_out(numbat: Hospital, owner: Client) -> None:
    assert owner.get(reverse("admin:tenants_logintrouble_changelist")).status_code == 403


def test_w46_a_locked_out_administrator_unlocks_at_the_command_line(
    administrator: User, capsys: pytest.CaptureFixture[str]
) -> None:
    guess(ACCOUNT.free, "administrator")
    call_command("unlock_log_in", "administrator")
    assert capsys.readouterr().out == "1 unlocked\n"
    assert log_in("administrator") == ""
