"""Ten thousand changes wait while the target is down for an hour; then all arrive, in order for each patient."""

from __future__ import annotations

import pytest

from common import clock
from engine import work
from errors.models import ErrorRecord
from syncstatus.models import Incident, Link
from tests.chaos.desk import desk
from tests.chaos.paper import card, down
from tests.unit.engine.factories import NOON

pytestmark = pytest.mark.django_db

PATIENTS = 500
CHANGES = 10_000
IN_A_ROW = 4
"""Changes of one patient that come one after the other."""


def patient_of(number: int) -> int:
    return number // IN_A_ROW % PATIENTS


def test_ten_thousand_that_waited_arrive_in_order_and_the_outage_cost_a_probe_an_interval() -> None:
    asked: list[float] = []
    with clock.frozen(NOON) as time, desk() as there:

        def answers_nobody(entity: str) -> None:
            asked.append(time.monotonic())
            raise down()

        cards = [card(f"{number}", key=f"patient {patient_of(number)}") for number in range(CHANGES)]
        for begin in range(0, CHANGES, 100):
            there.paper.add(*cards[begin : begin + 100])
        there.paper.before_look = answers_nobody
        there.ring()
        for _ in range(120):
            work.work_off(there.tenant.pk)
            time.advance(30)
        probes = len(set(asked))
        assert probes <= 4 + 3600 / 240
        assert len(asked) <= 4 * probes  # those that were under way when the first one got no answer
        assert (ErrorRecord.objects.count(), Link.objects.count(), there.position) == (0, 0, 0)

        there.paper.before_look = lambda entity: None
        time.advance(300)
        work.work_off(there.tenant.pk)
        assert (Link.objects.filter(outcome="created").count(), there.position) == (CHANGES, CHANGES // 100)
        written = [int(entity) for what, entity in there.paper.order if what == "write"]
        for patient in range(PATIENTS):
            mine = [number for number in written if patient_of(number) == patient]
            assert mine == sorted(mine)
            assert len(mine) == CHANGES // PATIENTS
        assert Incident.objects.get().recovered_at == clock.now()
