"""Wrong passwords in a row: after a few, an account and an address have to wait, each time longer.

Counted in the database, for several web processes, and before the password is looked at, so that many tries at once
gain nothing. Names are kept as hashes (people type passwords into the wrong field); of an account that exists also the
name, so that an administrator can unlock it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.contrib.auth.models import User
from django.db import transaction

from common import clock
from tenants import audit
from tenants.audit import Actor
from tenants.models import LogInTrouble

log = structlog.get_logger(__name__)

FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""Without a wrong password."""


@dataclass(frozen=True)
class Kind:
    """What is counted by, and how many wrong passwords are free."""

    name: str
    free: int


ACCOUNT: Final = Kind("account", 5)
ADDRESS: Final = Kind("address", 30)
"""Generous: behind one address a whole hospital may sit."""


def attempt(name: str, address: str) -> timedelta:
    """Count a try to log in, before its password is looked at. Gives how long to wait instead; zero: go on."""
    now = clock.now()
    with transaction.atomic():
        LogInTrouble.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).delete()
        rows = [_row(ACCOUNT, name, _known(name), now), _row(ADDRESS, address, address, now)]
        wait = max((row.locked_until - now for row in rows if row.locked_until), default=timedelta(0))
        if wait > timedelta(0):
            return wait
        for kind, row in zip((ACCOUNT, ADDRESS), rows, strict=True):
            row.wrong, row.last_at = row.wrong + 1, now
            row.locked_until = now + wait_after(kind, row.wrong) if row.wrong >= kind.free else None
            row.save()
    return timedelta(0)


def succeeded(name: str, address: str) -> None:
    """The try counted last was with the right password: forget those of the account, and this one of the address."""
    with transaction.atomic():
        LogInTrouble.objects.filter(key=_key(ACCOUNT, name)).delete()
        for row in LogInTrouble.objects.select_for_update().filter(key=_key(ADDRESS, address)):
            row.wrong, row.locked_until = row.wrong - 1, None
            if row.wrong > 0:
                row.save()
            else:
                row.delete()


def failed(name: str) -> None:
    """The try counted last was with a wrong password; of one that led to a wait there is a line in the log."""
    for row in LogInTrouble.objects.filter(key=_key(ACCOUNT, name), locked_until__gt=clock.now()):
        log.warning("log_in.locked", wrong=row.wrong)


def unlock(row: LogInTrouble, *, actor: Actor) -> None:
    """Let an account or an address try again at once; on record."""
    with transaction.atomic():
        audit.record(actor, "unlock log-in", row, tenant=None, before={"wrong": row.wrong})
        row.delete()


def wait_after(kind: Kind, wrong: int) -> timedelta:
    """How long to wait after so many wrong passwords in a row, at least `kind.free`."""
    doublings = min(wrong - kind.free, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _row(kind: Kind, what: str, label: str, now: datetime) -> LogInTrouble:
    key = _key(kind, what)
    LogInTrouble.objects.get_or_create(key=key, defaults={"label": label[:150], "last_at": now})
    return LogInTrouble.objects.select_for_update().get(key=key)


def _key(kind: Kind, what: str) -> str:
    return f"{kind.name}:{hashlib.sha256(what.casefold().encode()).hexdigest()}"


def _known(name: str) -> str:
    return User.objects.filter(username__iexact=name).values_list("username", flat=True).first() or ""
