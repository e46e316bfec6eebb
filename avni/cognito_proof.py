"""What Cognito makes of SRP: its group, its key, and the signature that answers PASSWORD_VERIFIER (avni.md A55)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from avni.srp import Srp, signed

__all__ = ["PasswordProof", "timestamp"]

PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
"""The group of 3072 bits of RFC 3526, with the generator 2 (RFC 5054 pairs it with 5)."""

SRP = Srp(PRIME, 2, lambda data: hashlib.sha256(data).digest(), signed)
SECRET_BITS = 1024
KEY_BYTES = 16
KEY_PURPOSE = b"Caldera Derived Key"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class PasswordProof:
    """One exchange: `public` goes out with USER_SRP_AUTH, `answer` to the challenge that comes back."""

    def __init__(self, pool_name: str, password: str, secret: int | None = None) -> None:
        """`pool_name`: the pool's id behind its region; `secret`: our number a, drawn when not given."""
        self._pool_name = pool_name.encode()
        self._password = password.encode()
        self._secret = secret or 1 + secrets.randbits(SECRET_BITS)

    @property
    def public(self) -> str:
        """SRP_A, in hexadecimal digits."""
        return f"{SRP.public(self._secret):x}"

    def answer(self, challenge: Mapping[str, str], at: datetime) -> dict[str, str]:
        """The responses to a challenge's parameters, `at` being Cognito's own time (it refuses signatures of another).

        Raises KeyError and ValueError for parameters that make no challenge.
        """
        user, block = challenge["USER_ID_FOR_SRP"], challenge["SECRET_BLOCK"]
        key = self.key(user, salt=int(challenge["SALT"], 16), theirs=int(challenge["SRP_B"], 16))
        said_at = timestamp(at)
        message = self._pool_name + user.encode() + b64decode(block, validate=True) + said_at.encode()
        return {
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": b64encode(hmac.digest(key, message, "sha256")).decode(),
            "TIMESTAMP": said_at,
        }

    def key(self, user: str, *, salt: int, theirs: int) -> bytes:
        """The 16 bytes both sides arrive at. Raises ValueError when the server's number would skip the proof."""
        number = SRP.password_number(signed(salt), self._pool_name + user.encode(), self._password)
        shared = SRP.shared(self._secret, theirs, number)
        scrambler = SRP.scrambler(SRP.public(self._secret), theirs)
        derive = HKDF(hashes.SHA256(), length=KEY_BYTES, salt=signed(scrambler), info=KEY_PURPOSE)
        return derive.derive(signed(shared))


def timestamp(at: datetime) -> str:
    """An aware time as Cognito reads it, e.g. "Sat Sep 5 07:08:09 UTC 2026": no leading zero in front of the day."""
    at = at.astimezone(UTC)
    return f"{DAYS[at.weekday()]} {MONTHS[at.month - 1]} {at.day} {at:%H:%M:%S} UTC {at.year}"
