"""The client's half of SRP-6a: a password is proved without being sent (RFC 5054).

Nothing here is Cognito's: the group, the hash and how numbers are spelled in bytes are parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Srp", "padded", "signed"]


def padded(prime: int) -> Callable[[int], bytes]:
    """The spelling of RFC 5054: as many bytes as the prime has."""
    length = (prime.bit_length() + 7) // 8
    return lambda number: number.to_bytes(length, "big")


def signed(number: int) -> bytes:
    """The spelling of Java's BigInteger: as few bytes as possible, with a leading 0 where the highest bit is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


@dataclass(frozen=True)
class Srp:
    """One agreement on how to reckon: safe prime, generator, hash, and the spelling of numbers."""

    prime: int
    generator: int
    digest: Callable[[bytes], bytes]
    spell: Callable[[int], bytes]

    @property
    def multiplier(self) -> int:
        """k, which ties what the server sends to the group."""
        return self._hashed(self.spell(self.prime), self.spell(self.generator))

    def public(self, secret: int) -> int:
        """A, what we send for our secret number a."""
        return pow(self.generator, secret, self.prime)

    def password_number(self, salt: bytes, identity: bytes, password: bytes) -> int:
        """x, made of the password and the salt the server keeps for the user."""
        return self._hashed(salt, self.digest(identity + b":" + password))

    def scrambler(self, ours: int, theirs: int) -> int:
        """u, made of both public numbers (A, B)."""
        return self._hashed(self.spell(ours), self.spell(theirs))

    def shared(self, secret: int, theirs: int, password_number: int) -> int:
        """S, which the server reaches as well if it knows the password's verifier.

        Raises ValueError for a public number of the server's that would let it skip the proof.
        """
        scrambler = self.scrambler(self.public(secret), theirs)
        if theirs % self.prime == 0 or scrambler == 0:
            raise ValueError("the server's number is not one")
        base = theirs - self.multiplier * self.public(password_number)
        return pow(base, secret + scrambler * password_number, self.prime)

    def _hashed(self, *parts: bytes) -> int:
        return int.from_bytes(self.digest(b"".join(parts)), "big")
