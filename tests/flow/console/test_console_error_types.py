"""Error types as administrators edit them: in order, in words, tried before they are saved, with their effect told."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from errors.models import ErrorRecord, ErrorState, ErrorType
from tenants.models import AuditEntry
from tests.flow.console.conftest import SignIn
from tests.flow.console.test_console_lists import page, queries_of
from tests.flow.console.world import Hospital, add_error

TYPES, ERRORS = "errors_errortype_changelist", "errors_errorrecord_changelist"

pytestmark = pytest.mark.usefixtures("everywhere")


def kind_of(hospital: Hospital, name: str) -> ErrorType:
    return ErrorType.objects.get(tenant=hospital.tenant, name=name)


def form(hospital: Hospital, **changes: Any) -> dict[str, Any]:
    """A new type as the form would post it."""
    fields = {
        "tenant": hospital.tenant.pk, "name": "Unmapped", "comparison": "contains", "comparison_value": "no partner",
        "order": "", "follow_up": "terminal", "first_wait_minutes": 1, "longest_wait_minutes": 360, "most_attempts": "",
    }  # fmt: skip
    return {**fields, **changes}


def add(client: Client, hospital: Hospital, **changes: Any) -> str:
    answer = client.post(reverse("admin:errors_errortype_add"), form(hospital, **changes), follow=True)
    return str(answer.content.decode())


def change(client: Client, kind: ErrorType, **changes: Any) -> str:
    names = ("comparison", "comparison_value", "follow_up", "first_wait_minutes", "longest_wait_minutes")
    fields = {name: getattr(kind, name) for name in names} | {"order": kind.place or "", "most_attempts": ""}
    answer = client.post(reverse("admin:errors_errortype_change", args=[kind.pk]), {**fields, **changes}, follow=True)
    return str(answer.content.decode())


def step(client: Client, kind: ErrorType, way: str) -> Any:
    return client.post(reverse("admin:errors_errortype_move", args=[kind.pk]), {"way": way}, follow=True)


def names(hospital: Hospital) -> list[str]:
    return list(ErrorType.objects.filter(tenant=hospital.tenant).values_list("name", flat=True))


def test_types_stand_in_their_order_with_rule_and_retries_in_words(numbat: Hospital, mapper: Client) -> None:
    add(mapper, numbat, order="1", follow_up="external", longest_wait_minutes=90, most_attempts=5)
    said = page(mapper, TYPES)
    assert said.index("Unmapped") < said.index("NoPatientWithId") < said.index("SubjectIdNull")
    for words in (
        "text contains “no partner”",
        "for the other system",
        "after 1 minute, ever later up to 1 hour 30 minutes; 5 attempts at most",
        "after 1 minute, ever later up to 6 hours; without limit",
        "not by itself",
        "nothing: give it a text",
        "errors that name it",
    ):
        assert words in said


def test_saving_a_rule_says_how_many_records_it_concerns(numbat: Hospital, mapper: Client) -> None:
    said = add(mapper, numbat)
    assert "1 record concerned: 1 of another type now, 1 not tried again from now on." in said
    record = ErrorRecord.objects.get()
    assert (record.state, record.type) == (ErrorState.CLOSED, kind_of(numbat, "Unmapped"))


def test_what_was_saved_is_on_record_once_with_who_did_it(numbat: Hospital, mapper: Client) -> None:
    add(mapper, numbat)
    change(mapper, kind_of(numbat, "Unmapped"), follow_up="external")
    user = numbat.people["mapper"]
    found = AuditEntry.objects.filter(user=user, door="admin").order_by("pk").values_list("action", "before", "after")
    assert [action for action, _, _ in found] == [
        "errortype.add", "reclassify errors", "errortype.change", "reclassify errors",
    ]  # fmt: skip
    assert found[2][1:] == ({"follow_up": "terminal"}, {"follow_up": "external"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"comparison": "matches", "comparison_value": "("}, "Not a regular expression that can be used"),
        ({"comparison_value": ""}, "Say what text to look for"),
        ({"comparison": ""}, "Say how this text is compared"),
        ({"longest_wait_minutes": "0"}, "greater than or equal to 1"),
        ({"first_wait_minutes": "400"}, "Not shorter than the first wait"),
        ({"most_attempts": "0"}, "greater than or equal to 1"),
        ({"order": "0"}, "greater than or equal to 1"),
        ({"name": "SubjectIdNull"}, "already exists"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    changes: dict[str, str], said: str, numbat: Hospital, mapper: Client
) -> None:
    before = names(numbat)
    assert said in add(mapper, numbat, **changes)
    assert names(numbat) == before


def test_a_type_goes_where_its_order_says(numbat: Hospital, mapper: Client) -> None:
    before = names(numbat)
    add(mapper, numbat, order="3")
    assert names(numbat) == [*before[:2], "Unmapped", *before[2:]]
    change(mapper, kind_of(numbat, "Unmapped"), order="1")
    assert names(numbat) == ["Unmapped", *before]


def test_the_steps_in_the_list_move_a_type_by_one_place(numbat: Hospital, mapper: Client) -> None:
    before = names(numbat)
    answer = step(mapper, kind_of(numbat, before[1]), "up")
    assert f"{before[1]} is number 1 now." in answer.content.decode()
    assert names(numbat) == [before[1], before[0], *before[2:]]
    step(mapper, kind_of(numbat, before[1]), "down")
    assert names(numbat) == before


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_may_not_map_sees_the_order_and_cannot_change_it(role: str, numbat: Hospital, signed_in: SignIn) -> None:
    client, before = signed_in(numbat.people[role]), names(numbat)
    assert "formaction" not in page(client, TYPES)
    assert "formaction" not in page(client, "errors_errortype_change", numbat.rows[ErrorType].pk)
    assert step(client, kind_of(numbat, before[1]), "up").status_code == 403
    assert client.post(reverse("admin:errors_errortype_try"), form(numbat)).status_code == 403
    assert names(numbat) == before


def test_types_of_another_hospital_stay_in_their_order(numbat: Hospital, quokka: Hospital, owner: Client) -> None:
    before = names(quokka)
    assert step(owner, kind_of(quokka, before[1]), "up").status_code == 404
    assert names(quokka) == before


def test_a_rule_is_tried_before_it_is_saved(numbat: Hospital, mapper: Client) -> None:
    add_error(numbat, "second", params={"question": "Caste", "value": "x", "side": "avni"})
    answer = mapper.post(reverse("admin:errors_errortype_try"), form(numbat, comparison_value="marital status"))
    said = answer.content.decode()
    assert "Fits 1 record" in said
    assert "to the question &quot;Marital status&quot; has no partner" in said
    assert "Numbat error type" in said
    assert "Caste" not in said
    assert not ErrorType.objects.filter(name="Unmapped").exists()
    assert not AuditEntry.objects.filter(door="admin").exists()


def test_trying_what_cannot_be_a_rule_says_why(numbat: Hospital, mapper: Client) -> None:
    asked = form(numbat, comparison="matches", comparison_value="(")
    assert b"Not a regular expression" in mapper.post(reverse("admin:errors_errortype_try"), asked).content


def test_a_rule_is_not_tried_on_the_records_of_another_hospital(
    numbat: Hospital, quokka: Hospital, mapper: Client
) -> None:
    said = mapper.post(reverse("admin:errors_errortype_try"), form(quokka)).content.decode()
    assert "Fits" not in said


def test_an_administrator_tries_a_rule_for_the_tenant_of_the_form(
    numbat: Hospital, quokka: Hospital, administrator: User, signed_in: SignIn
) -> None:
    client = signed_in(administrator)
    said = page(client, "errors_errortype_change", kind_of(quokka, "SubjectIdNull").pk)
    assert f'<input type="hidden" name="tenant" value="{quokka.tenant.pk}">' in said
    tried = client.post(reverse("admin:errors_errortype_try"), form(quokka)).content.decode()
    assert "Quokka widow" in tried
    assert "Numbat widow" not in tried


def test_types_are_switched_off_and_taken_back_with_their_effect_told(numbat: Hospital, mapper: Client) -> None:
    add(mapper, numbat)
    kind = kind_of(numbat, "Unmapped")
    for action, said, state in (
        ("void", "switched off. 1 record concerned: 1 of another type now, 1 back", ErrorState.RETRYING),
        ("unvoid", "taken back into use. 1 record concerned: 1 of another type now, 1 not tried", ErrorState.CLOSED),
    ):
        asked = {"action": action, ACTION_CHECKBOX_NAME: kind.pk}
        assert said in mapper.post(reverse(f"admin:{TYPES}"), asked, follow=True).content.decode()
        assert ErrorRecord.objects.get().state == state


def test_closed_records_are_in_a_list_of_their_own(numbat: Hospital, mapper: Client) -> None:
    add(mapper, numbat)
    assert "0 error records" in page(mapper, ERRORS)
    closed = page(mapper, ERRORS, state="closed")
    assert "Errors of the type &quot;Unmapped&quot; are not tried again by themselves." in closed
    assert "1 not tried again" in page(mapper, TYPES)


def test_the_page_of_a_closed_record_promises_no_further_attempt(numbat: Hospital, operator: Client) -> None:
    fields = {"message": "remote.garbled", "params": {"side": "avni"}, "state": ErrorState.CLOSED}
    record = add_error(numbat, "closed", **fields, failed_in_a_row=1, next_attempt_at=None)
    said = page(operator, "errors_errorrecord_change", record.pk)
    assert "It is tried again by itself." not in said
    assert "A change of the record at its source brings it back, or retry it." in said
    assert "Retry now" in said


def test_the_page_of_a_record_whose_attempts_are_used_up_says_so(numbat: Hospital, operator: Client) -> None:
    record = add_error(numbat, "used up", state=ErrorState.HELD, failed_in_a_row=5, next_attempt_at=None)
    said = page(operator, "errors_errorrecord_change", record.pk)
    assert "It was tried 5 times in a row, as often as its error type allows." in said
    assert "the attempts are counted anew" in said


def test_errors_are_filtered_by_type_and_by_whose_business_they_are(numbat: Hospital, operator: Client) -> None:
    ours = kind_of(numbat, "SubjectIdChanged")
    ErrorType.objects.filter(pk=ours.pk).update(follow_up="internal")
    record = add_error(numbat, "ours", type=ours)
    for query in ({"type__follow_up__exact": "internal"}, {"type__id__exact": str(ours.pk)}):
        said = page(operator, ERRORS, **query)
        assert "1 error record" in said
        assert record.entity_id in said
        assert "for our own engineers" in said


def test_the_list_of_types_costs_the_same_queries_for_10_and_40(numbat: Hospital, owner: Client) -> None:
    few = queries_of(owner, TYPES)
    for place in range(30):
        ErrorType.objects.create(tenant=numbat.tenant, name=f"kind {place}")
    assert queries_of(owner, TYPES) == few
