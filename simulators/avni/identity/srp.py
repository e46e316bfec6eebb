"""The server's half of SRP as Cognito does it (avni.md A55), written apart from our client's half.

Numbers are spelled in hexadecimal digits here, as Cognito's own JavaScript client does; HKDF is spelled out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from calendar import timegm
from datetime import UTC, datetime

N_HEX = (
    "FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1 29024E08 8A67CC74 020BBEA6 3B139B22 514A0879 8E3404DD "
    "EF9519B3 CD3A431B 302B0A6D F25F1437 4FE1356D 6D51C245 E485B576 625E7EC6 F44C42E9 A637ED6B 0BFF5CB6 F406B7ED "
    "EE386BFB 5A899FA5 AE9F2411 7C4B1FE6 49286651 ECE45B3D C2007CB8 A163BF05 98DA4836 1C55D39A 69163FA8 FD24CF5F "
    "83655D23 DCA3AD96 1C62F356 208552BB 9ED52907 7096966D 670C354E 4ABC9804 F1746C08 CA18217C 32905E46 2E36CE3B "
    "E39E772C 180E8603 9B2783A2 EC07A28F B5C55DF0 6F4C52C9 DE2BCBF6 95581718 3995497C EA956AE5 15D22618 98FA0510 "
    "15728E5A 8AAAC42D AD33170D 04507A33 A85521AB DF1CBA64 ECFB8504 58DBEF0A 8AEA7157 5D060C7D B3970F85 A6E1E4C7 "
    "ABF5AE8C DB0933D7 1E8C94E0 4A25619D CEE3D226 1AD2EE6B F12FFA06 D98A0864 D8760273 3EC86A64 521F2B18 177B200C "
    "BBE11757 7A615D6C 770988C0 BAD946E2 08E24FA0 74E5AB31 43DB5BFC E0FD108E 4B82D120 A93AD2CA FFFFFFFF FFFFFFFF"
)
N = int(N_HEX.replace(" ", ""), 16)
G = 2
TOLERATED_SECONDS = 300
STAMP = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [1-9]\d? \d\d:\d\d:\d\d UTC \d{4}")


def pad_hex(number: int) -> str:
    """Hexadecimal digits of a positive number: an even count, and never looking negative."""
    digits = f"{number:x}"
    if len(digits) % 2:
        digits = "0" + digits
    return "00" + digits if digits[0] in "89abcdef" else digits


def hash_hex(digits: str) -> int:
    """SHA-256 over the bytes that the digits spell, as a number."""
    return int(hashlib.sha256(bytes.fromhex(digits)).hexdigest(), 16)


def verifier(pool_name: str, username: str, password: str, salt: int) -> int:
    """What a server keeps instead of the password."""
    inner = hashlib.sha256(f"{pool_name}{username}:{password}".encode()).hexdigest()
    return pow(G, hash_hex(pad_hex(salt) + inner), N)


def public_number(verified: int, secret: int) -> int:
    """B, for the server's secret number b."""
    k = hash_hex(pad_hex(N) + pad_hex(G))
    return (k * verified + pow(G, secret, N)) % N


def session_key(verified: int, secret: int, client_number: int, server_number: int) -> bytes:
    """The 16 bytes that a client which knows the password reaches as well."""
    u = hash_hex(pad_hex(client_number) + pad_hex(server_number))
    s = pow(client_number * pow(verified, u, N), secret, N)
    extracted = hmac.new(bytes.fromhex(pad_hex(u)), bytes.fromhex(pad_hex(s)), hashlib.sha256).digest()
    return hmac.new(extracted, b"Caldera Derived Key\x01", hashlib.sha256).digest()[:16]


def signature(key: bytes, pool_name: str, username: str, block: str, stamp: str) -> str:
    """What the client has to answer."""
    signed = hmac.new(key, digestmod=hashlib.sha256)
    for part in (pool_name.encode(), username.encode(), base64.b64decode(block), stamp.encode()):
        signed.update(part)
    return base64.b64encode(signed.digest()).decode()


def is_timely(stamp: str, now: datetime) -> bool:
    """Whether a time is spelled as Cognito wants it, to the weekday, and is not far from the server's own."""
    if not STAMP.fullmatch(stamp):
        return False
    try:
        said = datetime.strptime(stamp, "%a %b %d %H:%M:%S UTC %Y").replace(tzinfo=UTC)
    except ValueError:
        return False
    names_its_day = f"{said:%a}" == stamp[:3]
    return names_its_day and abs(timegm(now.utctimetuple()) - timegm(said.utctimetuple())) <= TOLERATED_SECONDS
