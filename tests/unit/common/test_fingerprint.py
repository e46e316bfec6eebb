from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from common.fingerprint import derived_uuid, fingerprint

TENANT = UUID("a2d6a7b8-8c1c-4a5c-9d0b-3f9f2f6f5a10")


def test_order_of_keys_makes_no_difference() -> None:
    assert fingerprint({"a": 1, "b": [{"x": 1, "y": 2}]}) == fingerprint({"b": [{"y": 2, "x": 1}], "a": 1})


def test_order_of_a_list_makes_a_difference() -> None:
    assert fingerprint([1, 2]) != fingerprint([2, 1])


def test_text_and_number_differ() -> None:
    assert fingerprint("1") != fingerprint(1)


def test_it_is_the_same_in_every_process() -> None:
    assert fingerprint({"नाम": "आशा", "age": 31}) == "e2822c172512e74f1a2cb0c936068833"


def test_half_a_surrogate_pair_has_a_fingerprint() -> None:
    assert len(fingerprint("\ud800")) == 32


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError):
        fingerprint(datetime(2026, 1, 1, tzinfo=UTC))


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        fingerprint(float("nan"))


def test_same_parts_give_the_same_uuid() -> None:
    assert derived_uuid(TENANT, "patient", "7") == derived_uuid(TENANT, "patient", "7")


def test_another_tenant_gives_another_uuid() -> None:
    assert derived_uuid(TENANT, "patient", "7") != derived_uuid(UUID(int=7), "patient", "7")


def test_parts_are_kept_apart() -> None:
    assert derived_uuid(TENANT, "ab", "c") != derived_uuid(TENANT, "a", "bc")


def test_uuid_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="part"):
        derived_uuid(TENANT)
