"""Checking both connections step by step, in words a hospital's IT can act on. Reads only."""

from __future__ import annotations

from bahmni import check_avni, check_bahmni
from bahmni import vocabulary as v
from bahmni.check_steps import told
from engine.registry import CheckStep, Setting


def check(setting: Setting) -> list[CheckStep]:
    """Every step for both sides; a side's later steps are left out when an earlier one makes them pointless."""
    steps: list[CheckStep] = []
    for side, product, of_side in ((v.AVNI, "Avni", check_avni), (v.BAHMNI, "Bahmni", check_bahmni)):
        if side in setting.connections:
            steps += told(side, product, of_side.steps(setting))
        else:
            missing = "There is no connection for this side yet. Add one: where the server is and how to sign in."
            steps.append(CheckStep(side, "set up", ok=False, finding=missing))
    return steps
