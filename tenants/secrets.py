"""Secrets at rest: encrypted text in the database, revealed only by the one who signs in with it.

Stored form `v1:<key id>:<token>`. `settings.FIELD_ENCRYPTION_KEYS` lists Fernet keys; the first encrypts, all decrypt.
Decryption happens in `Secret.reveal`, not when a row is read: a lost key must not make lists unreadable.
"""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

_FORM = "v1"


class SecretUnreadable(RuntimeError):
    """A stored secret cannot be decrypted with the configured keys."""


class Secret:
    """A secret that shows itself only through `reveal`; `repr` and `str` give dots."""

    __slots__ = ("_sealed",)

    def __init__(self, sealed: str) -> None:
        self._sealed = sealed

    @classmethod
    def of(cls, plain: str) -> Secret:
        """Seal a plain text with the first configured key; the empty text stays empty."""
        if not plain:
            return cls("")
        token = _fernet().encrypt(plain.encode()).decode()
        return cls(f"{_FORM}:{_key_id(_keys()[0])}:{token}")

    @property
    def sealed(self) -> str:
        """The stored form; safe to write to the database, useless without the keys."""
        return self._sealed

    def reveal(self) -> str:
        """The plain text. Raises SecretUnreadable when no configured key fits."""
        if not self._sealed:
            return ""
        form, key_id, token = (*self._sealed.split(":", 2), "", "")[:3]
        if form != _FORM:
            raise SecretUnreadable("the stored secret is not in a known form; enter it again")
        try:
            return _fernet().decrypt(token.encode()).decode()
        except InvalidToken as failure:
            raise SecretUnreadable(
                f"the secret was encrypted with key {key_id}, which FIELD_ENCRYPTION_KEYS no longer holds; "
                "add that key or enter the secret again"
            ) from failure

    def __bool__(self) -> bool:
        return bool(self._sealed)

    def __repr__(self) -> str:
        return "Secret(••••)" if self else "Secret(empty)"

    __str__ = __repr__


class SecretField(models.TextField):  # type: ignore[type-arg]  # the stubs want the set and get types, which differ here on purpose
    """Column holding a `Secret`. Assigning a plain string is refused, so that nothing is stored by accident."""

    def from_db_value(self, value: str | None, *_: object) -> Secret:
        """Wrap what is stored; nothing is decrypted yet."""
        return Secret(value or "")

    def to_python(self, value: Any) -> Secret:
        """Only a Secret is one."""
        return value if isinstance(value, Secret) else Secret("")

    def get_prep_value(self, value: Any) -> str:
        """The stored form. Raises TypeError for a plain text."""
        if isinstance(value, Secret):
            return value.sealed
        if not value:
            return ""
        raise TypeError("assign Secret.of(text), not the text itself")

    def value_to_string(self, obj: models.Model) -> str:
        """Nothing: serializers and fixtures never carry a secret, not even sealed."""
        return ""


def no_secret() -> Secret:
    """The empty secret, as a field's default."""
    return Secret("")


def _keys() -> list[str]:
    keys: list[str] = settings.FIELD_ENCRYPTION_KEYS
    if not keys:
        raise SecretUnreadable("FIELD_ENCRYPTION_KEYS is empty")
    return keys


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in _keys()])


def _key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]
