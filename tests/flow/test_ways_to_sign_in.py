"""A tenant whose Avni signs its users in elsewhere: records travel, and a refusal is told where people look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from bahmni.servers import SIGN_INS
from engine import declaration, moves, work
from engine.overview import overview
from errors.models import ErrorRecord
from simulators.avni import IdentityApp
from simulators.server import Server
from syncstatus.models import Flow, Stream
from syncstatus.state import State
from tenants.audit import COMMAND, SYSTEM
from tenants.models import Connection
from tests.chaos.desk import wait_out
from tests.chaos.truth import InBahmni, in_bahmni
from tests.flow.world import World

USER = "integration@demo"


@dataclass
class Site:
    """The small world with identity providers beside its Avni."""

    world: World
    provider: Server
    app: IdentityApp

    def signs_in(self, key: str, idp_type: Any = "cognito") -> None:
        """Let the tenant go this way, as an administrator would."""
        self.world.avni.settings.idp_type = idp_type
        row = Connection.objects.get(side="avni")
        row.sign_in = key
        row.save()

    def stands(self, account: str) -> None:
        """What the provider thinks of our user from here on."""
        self.world.avni.users[USER].account = account
        self.world.avni.expire_tokens()
        self.world.avni.revoke_sessions()


@pytest.fixture
def site(world: World, settings: Settings) -> Iterator[Site]:
    app = IdentityApp(world.avni)
    with Server(app) as provider:
        settings.AVNI_COGNITO_ENDPOINT = provider.base_url
        world.avni.settings.keycloak_url = provider.base_url
        yield Site(world, provider, app)
        assert provider.failures == []


def told() -> list[str]:
    """Why each flow stands, in sentences, as the list of flows has it."""
    return [seen.trouble for seen in overview(Flow.objects.select_related("tenant"))]


@pytest.mark.parametrize(
    ("key", "idp_type"),
    [("idp-details", "cognito"), ("cognito-password", "cognito"), ("keycloak", "keycloak"), ("idp-details", "none")],
)
def test_a_subject_is_handed_over_whichever_way_we_sign_in(site: Site, key: str, idp_type: str) -> None:
    site.signs_in(key, idp_type)
    subject = site.world.subject("1001")
    site.world.sync()
    assert in_bahmni(site.world, "1001") == InBahmni(1, 1, 1, 1, {}, (subject,))
    assert site.world.avni_server.counts["POST", "/api/user/generateToken"] == 0


def test_a_ticket_serves_many_looks(site: Site) -> None:
    site.signs_in("idp-details")
    for number in range(3):
        site.world.subject(str(1001 + number))
        site.world.sync()
    assert site.app.asked == ["InitiateAuth USER_SRP_AUTH", "RespondToAuthChallenge PASSWORD_VERIFIER"]


def test_a_look_stopped_by_a_new_password_says_so_and_asks_no_second_time(site: Site) -> None:
    site.world.subject("1001")
    site.signs_in("idp-details")
    site.stands("new-password")
    looks = [site.world.sync("subject").looks[-1] for _ in range(3)]
    assert {look.stopped_by for look in looks} == {"remote.sign-in.new-password"}
    assert site.app.asked == ["InitiateAuth USER_SRP_AUTH", "RespondToAuthChallenge PASSWORD_VERIFIER"]
    assert not ErrorRecord.objects.exists()


def test_the_sentence_of_a_refusal_stands_beside_both_flows(site: Site) -> None:
    site.world.subject("1001")
    site.world.patient("1001")
    site.signs_in("idp-details")
    site.stands("new-password")
    for _ in range(2):
        site.world.sync()
    assert [trouble.count("wants our user to choose a new password") for trouble in told()] == [1, 1]
    assert {seen.state for seen in overview(Flow.objects.select_related("tenant"))} == {State.CREDENTIALS}


def test_the_status_command_tells_the_sentence(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.signs_in("idp-details")
    site.stands("new-password")
    site.world.sync()
    with pytest.raises(SystemExit) as ended:
        call_command("status", "ashwini")
    assert ended.value.code == 3
    assert "Sign in to Avni once as this user and choose the password" in capsys.readouterr().out


def test_the_sync_command_tells_the_sentence_and_ends_with_three(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.signs_in("idp-details")
    site.stands("disabled")
    with pytest.raises(SystemExit) as ended:
        call_command("sync", "ashwini", "--stream", "subject")
    assert ended.value.code == 3
    assert "Our user is disabled at the identity provider." in capsys.readouterr().err


def test_the_page_of_the_flows_shows_the_sentence(site: Site) -> None:
    site.signs_in("idp-details")
    site.stands("new-password")
    site.world.sync()
    client = Client()
    client.force_login(User.objects.create_superuser("administrator", password="a long enough one"))
    page = client.get(reverse("admin:syncstatus_flow_changelist")).content.decode()
    assert "wants our user to choose a new password" in page


def test_a_flow_goes_on_when_the_account_was_mended_and_somebody_runs_it(site: Site) -> None:
    site.world.subject("1001")
    site.signs_in("idp-details")
    site.stands("new-password")
    site.world.sync("subject")
    site.stands("ready")
    site.world.sync("subject")
    assert in_bahmni(site.world, "1001").encounters == 0
    moves.run_now(Flow.objects.get(key="avni-to-bahmni"), actor=SYSTEM)
    work.work_off(site.world.tenant.pk)
    assert in_bahmni(site.world, "1001").encounters == 1


def test_a_flow_goes_on_by_itself_when_the_provider_answers_again(site: Site) -> None:
    site.world.subject("1001")
    site.signs_in("idp-details")
    site.provider.stop()
    look = site.world.sync("subject").looks[-1]
    stream = Stream.objects.get(key="subject")
    assert (look.stopped_by, stream.due_since is not None) == ("remote.source-down.provider", True)
    assert any("identity provider that signs us in to Avni" in trouble for trouble in told())
    site.provider.start()
    wait_out(site.world.tenant)
    work.work_off(site.world.tenant.pk)
    assert in_bahmni(site.world, "1001").encounters == 1


def test_the_check_says_where_avni_signs_in_and_goes_on_to_read(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.world.subject("1001")
    site.signs_in("idp-details", "both")
    call_command("check_connections", "ashwini")
    said = capsys.readouterr().out
    steps = [line.split(" · ")[1].split(":")[0] for line in said.splitlines() if line.startswith("good  avni")]
    assert steps[:4] == ["address", "identity provider", "log-in", "clock"]
    assert f"Amazon Cognito (pool SIMULATED at {site.provider.base_url}), then Keycloak (realm On-premise" in said


@pytest.mark.parametrize(
    ("trouble", "step", "sentence"),
    [
        ("no details", "identity provider", "Avni does not say where it signs its users in."),
        ("unknown name", "identity provider", "The name nowhere.invalid does not resolve."),
        ("provider down", "log-in", "The identity provider does not answer"),
        ("second-factor", "log-in", "asks for a further proof"),
        ("forbidden", "one page of subjects", "Our account lacks a privilege"),
    ],
)
def test_the_check_tells_which_step_failed(
    site: Site, capsys: pytest.CaptureFixture[str], trouble: str, step: str, sentence: str
) -> None:
    site.world.subject("1001")
    site.signs_in("idp-details")
    match trouble:
        case "no details":
            site.signs_in("idp-details", "something new")
        case "unknown name":
            site.signs_in("idp-details", "keycloak")
            site.world.avni.settings.keycloak_url = "http://nowhere.invalid"
        case "provider down":
            site.provider.stop()
        case "forbidden":
            site.world.avni.forbid(USER, "Individual")
        case account:
            site.stands(account)
    with pytest.raises(SystemExit):
        call_command("check_connections", "ashwini")
    mended = [line for line in capsys.readouterr().out.splitlines() if line.startswith("MEND")]
    assert mended[0].startswith(f"MEND  avni · {step}: ")
    assert sentence in mended[0]


def test_the_form_of_a_connection_offers_every_way_by_a_name_people_understand(site: Site) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("administrator", password="a long enough one"))
    row = Connection.objects.get(side="avni")
    page = client.get(reverse("admin:tenants_connection_change", args=[row.pk])).content.decode()
    assert [key for key, label in SIGN_INS.items() if f'<option value="{key}"' not in page or label not in page] == []


@pytest.mark.parametrize("key", SIGN_INS)
def test_a_way_to_sign_in_survives_export_and_import(site: Site, key: str) -> None:
    Connection.objects.filter(side="avni").update(sign_in=key)
    text = declaration.export(site.world.tenant)
    assert f"sign_in: {key}\n" in text
    Connection.objects.filter(side="avni").update(sign_in="none" if key != "none" else "keycloak")
    declaration.apply(declaration.read(text), COMMAND)
    assert Connection.objects.get(side="avni").sign_in == key
