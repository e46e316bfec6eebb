"""The arithmetic of SRP against published numbers, and Cognito's use of it against those of other clients."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone

import pytest

from avni.cognito_proof import PRIME, SRP, PasswordProof, timestamp
from avni.srp import Srp, padded, signed

N_1024 = int(
    "EEAF0AB9ADB38DD69C33F80AFA8FC5E86072618775FF3C0B9EA2314C9C256576D674DF7496EA81D3383B4813D692C6E0"
    "E0D5D8E250B98BE48E495C1D6089DAD15DC7D7B46154D6B6CE8EF4AD69B15D4982559B297BCF1885C529F566660E57EC"
    "68EDBC3C05726CC02FD4CBF4976EAA9AFD5138FE8376435B9FC61D2FC0EB06E3",
    16,
)
RFC_5054 = Srp(N_1024, 2, lambda data: hashlib.sha1(data).digest(), padded(N_1024))
"""Appendix B: I = alice, P = password123, and the numbers below."""
SALT = bytes.fromhex("BEB25379D1A8581EB5A727673A2441EE")
K = 0x7556AA045AEF2CDD07ABAF0F665C3E818913186F
X = 0x94B7555AABE9127CC58CCF4993DB6CF84D16C124
A_SECRET = 0x60975527035CF2AD1989806F0407210BC81EDC04E2762A56AFD529DDDA2D4393
A_PUBLIC = int(
    "61D5E490F6F1B79547B0704C436F523DD0E560F0C64115BB72557EC44352E8903211C04692272D8B2D1A5358A2CF1B6E"
    "0BFCF99F921530EC8E39356179EAE45E42BA92AEACED825171E1E8B9AF6D9C03E1327F44BE087EF06530E69F66615261"
    "EEF54073CA11CF5858F0EDFDFE15EFEAB349EF5D76988A3672FAC47B0769447B",
    16,
)
B_PUBLIC = int(
    "BD0C61512C692C0CB6D041FA01BB152D4916A1E77AF46AE105393011BAF38964DC46A0670DD125B95A981652236F99D9"
    "B681CBF87837EC996C6DA04453728610D0C6DDB58B318885D7D82C7F8DEB75CE7BD4FBAA37089E6F9C6059F388838E7A"
    "00030B331EB76840910440B1B27AAEAEEB4012B7D7665238A8E3FB004B117B58",
    16,
)
U = 0xCE38B9593487DA98554ED47D70A7AE5F462EF019
PREMASTER = int(
    "B0DC82BABCF30674AE450C0287745E7990A3381F63B387AAF271A10D233861E359B48220F7C4693C9AE12B0A6F67809F"
    "0876E2D013800D6C41BB59B6D5979B5C00A172B4A2A5903A0BDCAF8A709585EB2AFAFA8F3499B200210DCC1F10EB3394"
    "3CD67FC88A2F39A4BE5BEC4EC0A3212DC346D7E474B29EDE8A469FFECA686E5A",
    16,
)

COGNITO_K = 0x538282C4354742D7CBBDE2359FCF67F9F5B3A6B08791E5011B43B8A5B66D9EE6
"""The number on which the public clients of Cognito agree."""


def test_the_multiplier_is_that_of_rfc_5054() -> None:
    assert RFC_5054.multiplier == K


def test_the_number_of_a_password_is_that_of_rfc_5054() -> None:
    assert RFC_5054.password_number(SALT, b"alice", b"password123") == X


def test_our_public_number_is_that_of_rfc_5054() -> None:
    assert RFC_5054.public(A_SECRET) == A_PUBLIC


def test_the_scrambler_is_that_of_rfc_5054() -> None:
    assert RFC_5054.scrambler(A_PUBLIC, B_PUBLIC) == U


def test_the_shared_number_is_that_of_rfc_5054() -> None:
    assert RFC_5054.shared(A_SECRET, B_PUBLIC, X) == PREMASTER


@pytest.mark.parametrize("theirs", [0, N_1024, 2 * N_1024])
def test_a_number_that_would_skip_the_proof_is_refused(theirs: int) -> None:
    same_hash = Srp(N_1024, 2, lambda data: b"\x01", signed)
    with pytest.raises(ValueError, match="not one"):
        same_hash.shared(A_SECRET, theirs, X)


def test_a_scrambler_of_nought_is_refused() -> None:
    nought = Srp(N_1024, 2, lambda data: b"\x00", signed)
    with pytest.raises(ValueError, match="not one"):
        nought.shared(A_SECRET, B_PUBLIC, X)


@pytest.mark.parametrize(
    ("number", "spelled"),
    [(0, "00"), (1, "01"), (0x7F, "7f"), (0x80, "0080"), (0xFF, "00ff"), (0x100, "0100"), (0x8000, "008000")],
)
def test_a_signed_number_never_looks_negative(number: int, spelled: str) -> None:
    assert signed(number).hex() == spelled


def test_cognitos_group_has_the_multiplier_everybody_knows() -> None:
    assert (SRP.multiplier, PRIME.bit_length()) == (COGNITO_K, 3072)


def test_the_scrambler_of_cognito_is_that_of_another_client() -> None:
    ours, theirs = 0x6D797365637265746861736841, 0x6D797365637265746861736842
    assert SRP.scrambler(ours, theirs) == 39743664823761398449876968619416475559594078623923024211668626611155104513539


def test_the_derived_key_is_that_of_another_client() -> None:
    key = PasswordProof("myPool", "test", secret=1234567890).key("test", salt=1234567890, theirs=1234567890)
    assert key.hex() == "d96cde6c95dda17175c1293140c5a81f"


def test_the_answer_to_a_challenge_is_that_of_another_client() -> None:
    challenge = {
        "USER_ID_FOR_SRP": "test",
        "SALT": f"{1234567890:x}",
        "SRP_B": f"{1234567890:x}",
        "SECRET_BLOCK": b64encode(b"secretssecrestssecrets").decode(),
    }
    answer = PasswordProof("myPool", "test", secret=1234567890).answer(
        challenge, datetime(2018, 7, 10, 11, 1, tzinfo=UTC)
    )
    assert answer == {
        "USERNAME": "test",
        "PASSWORD_CLAIM_SECRET_BLOCK": challenge["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": "tdvQu/Li/qWl8Nni0aFPs+MwY4rvKZm0kSMrGIMSUHk=",
        "TIMESTAMP": "Tue Jul 10 11:01:00 UTC 2018",
    }


def test_every_exchange_draws_a_number_of_its_own() -> None:
    assert PasswordProof("myPool", "test").public != PasswordProof("myPool", "test").public


def test_a_time_is_spelled_in_english_utc_without_a_leading_zero() -> None:
    at = datetime(2026, 9, 5, 12, 38, 9, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert timestamp(at) == "Sat Sep 5 07:08:09 UTC 2026"
