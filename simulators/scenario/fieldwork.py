"""Visits of the field team, entered into Avni as general encounters: most get through, some stay out for a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from simulators.avni.times import IST, to_ms
from simulators.scenario import forms
from simulators.scenario.forms import VisitType
from simulators.scenario.population import Population, Resident
from simulators.scenario.visit_answers import visit_answers

__all__ = ["Fieldwork"]

_ONE_OF = 8
"""One in so many stays out, and one in so many that get through is dated before its subject was registered."""


class Fieldwork:
    """Enters visits; every uuid, answer and time follows from the seed."""

    def __init__(self, town: Population) -> None:
        """In that town, whose people are there already."""
        self.town = town

    def settle(self, number: int) -> None:
        """Enter so many visits that get through and, on top of them, some that do not: of each kind at least one."""
        for place in range(number):
            resident = self.town.random.choice(self.town.residents)
            early = place % _ONE_OF == _ONE_OF - 1
            self.held(f"visit {place}", resident, forms.VISITS[place % len(forms.VISITS)], early=early)
        stays_out: tuple[Callable[[str, Resident], object], ...] = (
            self._planned, self._cancelled, self._voided, self._of_an_unmapped_type,
        )  # fmt: skip
        for place in range(max(number // _ONE_OF, len(stays_out)) if number else 0):
            resident = self.town.random.choice(self.town.residents)
            stays_out[place % len(stays_out)](f"stays out {place}", resident)

    def held(
        self,
        key: str,
        resident: Resident,
        visit: VisitType,
        answers: Mapping[str, Any] | None = None,
        *,
        early: bool = False,
        **fields: Any,
    ) -> str:
        """A visit that took place; its uuid. `answers` are laid over drawn ones, `early`: before the registration."""
        self.town.clock.advance(seconds=17.003)
        moment = self._before(resident.registered) if early else self._since(resident.registered)
        given = visit_answers(self.town.random, visit, moment)
        return self._put(key, resident, visit, given | dict(answers or {}), **{"encounter_ms": to_ms(moment), **fields})

    def _planned(self, key: str, resident: Resident) -> None:
        soon = to_ms(self.town.clock())
        self._put(key, resident, forms.VISITS[0], {}, encounter_ms=None, earliest_ms=soon, max_ms=soon + 864_000_000)

    def _cancelled(self, key: str, resident: Resident) -> None:
        now = to_ms(self.town.clock())
        self._put(
            key, resident, forms.VISITS[1], {}, encounter_ms=None, earliest_ms=now - 86_400_000, cancel_ms=now,
            cancel_observations={"Advice given": "Was not at home"},
        )  # fmt: skip

    def _voided(self, key: str, resident: Resident) -> None:
        self.held(key, resident, forms.VISITS[2], voided=True)

    def _of_an_unmapped_type(self, key: str, resident: Resident) -> None:
        self.held(key, resident, forms.UNMAPPED_VISIT)

    def _put(self, key: str, resident: Resident, visit: VisitType, answers: Mapping[str, Any], **fields: Any) -> str:
        uuid = self.town.ids("avni", "encounter", key)
        self.town.avni.put_encounter(
            encounter_type=visit.name,
            subject=resident.subject,
            observations=dict(answers),
            at=self.town.clock(),
            uuid=uuid,
            **fields,
        )
        return uuid

    # -- drawn ------------------------------------------------------------------------------------------------------

    def _since(self, registered: date) -> datetime:
        """A moment since the registration, at any time of the day, also when it is another day in Greenwich."""
        start = datetime.combine(registered, time(), IST)
        seconds = int((self.town.clock() - start).total_seconds())
        return start + timedelta(
            seconds=self.town.random.randrange(seconds), milliseconds=self.town.random.randrange(1000)
        )

    def _before(self, registered: date) -> datetime:
        return datetime.combine(registered, time(9, 30), IST) - timedelta(days=self.town.random.randrange(1, 40))
