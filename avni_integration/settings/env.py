"""Reading the environment: a value is well-formed, absent, or refused by its name.

No value is ever part of a message: it may be a secret.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def text(name: str, default: str = "") -> str:
    """The variable, stripped; `default` when it is not set."""
    return os.environ.get(name, default).strip()


def boolean(name: str, *, default: bool) -> bool:
    """The variable as a yes or a no. Raises ImproperlyConfigured for any third thing."""
    if name not in os.environ:
        return default
    value = text(name).lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0 (also true/false, yes/no, on/off).")


def integer(name: str, default: int, *, at_least: int = 0) -> int:
    """The variable as a whole number. Raises ImproperlyConfigured when it is none, or too small."""
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None
    if number < at_least:
        raise ImproperlyConfigured(f"{name} must be at least {at_least}.")
    return number


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """The variable as a comma-separated list, blanks dropped."""
    return [word.strip() for word in text(name, ",".join(default)).split(",") if word.strip()]


def secret(name: str) -> str:
    """The secret `name`, or the content of the file that `<name>_FILE` points to; "" when neither is set.

    Raises ImproperlyConfigured when both are set or the file cannot be read.
    """
    value, path = text(name), text(f"{name}_FILE")
    if value and path:
        raise ImproperlyConfigured(f"Set either {name} or {name}_FILE, not both.")
    if not path:
        return value
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read ({type(error).__name__}).") from None
