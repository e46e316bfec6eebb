"""Our half of Cognito's SRP against the server's half, which the simulator has and which was written apart from it."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from avni.cognito_proof import PasswordProof
from avni.srp import signed
from simulators.avni.identity import srp

AT = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
passwords = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
salts = st.integers(min_value=0, max_value=2**128 - 1)
secrets = st.integers(min_value=1, max_value=2**1024 - 1)


def is_admitted(user: str, kept: str, shown: str, salt: int, ours: int, theirs: int) -> bool:
    """Whether a server that keeps one password admits a client that shows one."""
    verified = srp.verifier("myPool", user, kept, salt)
    server_number = srp.public_number(verified, theirs)
    proof = PasswordProof("myPool", shown, secret=ours)
    block = base64.b64encode(b"a block").decode()
    challenge = {"USER_ID_FOR_SRP": user, "SALT": f"{salt:x}", "SRP_B": f"{server_number:x}", "SECRET_BLOCK": block}
    answer = proof.answer(challenge, AT)
    key = srp.session_key(verified, theirs, int(proof.public, 16), server_number)
    expected = srp.signature(key, "myPool", user, block, answer["TIMESTAMP"])
    return srp.is_timely(answer["TIMESTAMP"], AT) and hmac.compare_digest(expected, answer["PASSWORD_CLAIM_SIGNATURE"])


@settings(max_examples=40, deadline=None)
@given(names, passwords, salts, secrets, secrets)
@example("bot", "secret", 0x80, 1, 1)
@example("bot", "secret", 0, 5, 7)
@example("bot", "secret", 0xFF << 120, 5, 7)
def test_the_right_password_is_admitted(user: str, password: str, salt: int, ours: int, theirs: int) -> None:
    assert is_admitted(user, password, password, salt, ours, theirs)


@settings(max_examples=20, deadline=None)
@given(names, passwords, passwords, salts, secrets, secrets)
def test_any_other_password_is_refused(user: str, kept: str, shown: str, salt: int, ours: int, theirs: int) -> None:
    assert is_admitted(user, kept, shown, salt, ours, theirs) is (kept == shown)


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0, max_value=2**3072))
@example(0)
@example(0x80)
@example(0x8000)
def test_both_halves_spell_numbers_alike(number: int) -> None:
    assert signed(number).hex() == srp.pad_hex(number)
