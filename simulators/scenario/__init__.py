"""An Avni and a Bahmni that belong together: equal people, different uuids and names, and a tenant that joins them.

    made = build(seed=7, size=Size(subjects=300, known=200, general_encounters=400, encounters=400))
    with Server(AvniApp(made.avni)) as avni, Server(BahmniApp(made.bahmni)) as bahmni:
        made.declaration(avni_url=avni.base_url, bahmni_url=bahmni.base_url, secret="env:SIMULATOR_PASSWORD")

Another seed gives another pair with the same groups, types and names and not one uuid in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from simulators.avni import AvniStore
from simulators.avni.store import utc_now
from simulators.bahmni import Settings, Store
from simulators.scenario import metadata
from simulators.scenario.clinic import Clinic
from simulators.scenario.correspondence import Correspondence, Hospital, Partner, correspondence_of
from simulators.scenario.encounter_mistakes import (
    consultations_in_error,
    consultations_waiting,
    visits_in_error,
    visits_waiting,
)
from simulators.scenario.fieldwork import Fieldwork
from simulators.scenario.ids import Ids, ids_of
from simulators.scenario.mistakes import plant
from simulators.scenario.planted import Mend, Planted
from simulators.scenario.population import BEGINNING, Population, Size, StandingClock
from simulators.scenario.tenant import declaration

__all__ = ["Correspondence", "Hospital", "Mend", "Partner", "Planted", "Scenario", "Size", "build"]


@dataclass(frozen=True)
class Scenario:
    """Both stores, the pairs that join them, and the records planted to fail; `waiting` are those held up by these."""

    ids: Ids
    avni: AvniStore
    bahmni: Store
    pairs: Correspondence
    planted: tuple[Planted, ...]
    waiting: tuple[Planted, ...]
    town: Population
    """Enters more people, in the same way."""

    @property
    def password(self) -> str:
        """Of our account on both servers."""
        return metadata.PASSWORD

    def declaration(
        self, *, avni_url: str, bahmni_url: str, secret: str, name: str = "demo", title: str = ""
    ) -> dict[str, Any]:
        """The tenant that joins the two servers, as `import_tenant` reads it."""
        return declaration(
            self.ids, self.pairs, name=name, title=title, avni_url=avni_url, bahmni_url=bahmni_url, secret=secret
        )


def build(
    seed: int = 1,
    size: Size | None = None,
    *,
    organisation: str = "demo",
    relaxed_names: bool = False,
    with_mistakes: bool = True,
) -> Scenario:
    """Two filled servers. `relaxed_names`: the hospital takes names in any script, and some people have such names.

    Times of the population lie in the past; afterwards both servers go by the machine's clock.
    """
    ids = ids_of(seed)
    pairs = correspondence_of(ids, organisation)
    clock = StandingClock(BEGINNING)
    avni = AvniStore(clock=clock)
    bahmni = Store(Settings(name_pattern=None) if relaxed_names else None, clock=clock)
    metadata.enter_avni(avni, ids, pairs)
    metadata.enter_bahmni(bahmni, ids, pairs)
    town = Population(avni, bahmni, pairs, ids, Random(seed), clock, any_script=relaxed_names)
    town.settle(size := size or Size())
    planted, waiting = list(plant(town) if with_mistakes else ()), list[Planted]()
    if size.general_encounters:
        _enter_visits(town, size.general_encounters, planted, waiting)
    if size.encounters:
        _enter_consultations(town, size.encounters, planted, waiting)
    avni.clock = bahmni.clock = utc_now
    return Scenario(ids, avni, bahmni, pairs, tuple(planted), tuple(waiting), town)


def _enter_visits(town: Population, number: int, planted: list[Planted], waiting: list[Planted]) -> None:
    fieldwork = Fieldwork(town)
    fieldwork.settle(number)
    if planted:
        waiting += visits_waiting(town, fieldwork, planted)
        planted += visits_in_error(town, fieldwork)


def _enter_consultations(town: Population, number: int, planted: list[Planted], waiting: list[Planted]) -> None:
    clinic = Clinic(town)
    clinic.settle(number)
    if planted:
        waiting += consultations_waiting(clinic, planted)
        planted += consultations_in_error(town, clinic)
