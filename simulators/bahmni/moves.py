"""What hospital people do, for whoever runs the hospital in another process: the same functions, arguments in JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import wraps
from typing import Any

from simulators.bahmni import clinicians
from simulators.bahmni.clinicians import Result, form
from simulators.bahmni.errors import ApiError
from simulators.bahmni.store import Store

__all__ = ["moves"]

Move = Callable[..., object]
Forms = Sequence[Mapping[str, Any]]


def moves(store: Store) -> dict[str, Move]:
    """By name, for `simulators.control`. What the product would refuse is a ValueError with its status.

    A form is {"concept": uuid, "answers": {…}} as `clinicians.form` takes it, a result {"value": …, …} as `Result`.
    Everything else is named as in `clinicians` and `Store`; moments are ISO texts.
    """

    def save_encounter(
        patient: str, forms: Sequence[Mapping[str, Any]] = (), at: str | None = None, **more: Any
    ) -> object:
        moment = datetime.fromisoformat(at) if at else None
        return clinicians.save_encounter(store, patient, *(form(**each) for each in forms), at=moment, **more)

    def add_form(encounter: str, **filled: Any) -> object:
        return clinicians.add_form(store, encounter, form(**filled))

    def receive_results(order: str, results: Mapping[str, Mapping[str, Any]], **more: Any) -> object:
        return clinicians.receive_results(store, order, _results(results), **more)

    def correct_results(encounter: str, order: str, results: Mapping[str, Mapping[str, Any]]) -> None:
        clinicians.correct_results(store, encounter, order, _results(results))

    def adjust(**settings: Any) -> None:
        """Turn knobs of `Settings` by name."""
        known = {field.name for field in fields(store.settings)}
        if unknown := sorted(set(settings) - known):
            raise TypeError(f"no setting {unknown[0]!r}")
        for name, value in settings.items():
            setattr(store.settings, name, value)

    plain = (
        clinicians.edit_obs,
        clinicians.remove_obs,
        clinicians.prescribe,
        clinicians.revise_drug_order,
        clinicians.stop_drug_order,
        clinicians.order_test,
        clinicians.void_obs,
        clinicians.void_encounter,
        clinicians.void_order,
    )
    named: dict[str, Move] = {move.__name__: _of(store, move) for move in plain}
    at_the_desk: tuple[Move, ...] = (
        store.hospital_create_patient,
        store.hospital_edit_patient,
        store.hospital_edit_attribute,
        store.hospital_add_identifier,
        store.hospital_create_visit,
        store.void_patient,
        store.unvoid_patient,
        store.expire_sessions,
        store.set_up_anew,
    )
    own: tuple[Move, ...] = (save_encounter, add_form, receive_results, correct_results, adjust, *at_the_desk)
    named |= {move.__name__: move for move in own}
    return {name: _refusable(move) for name, move in named.items()}


def _of(store: Store, move: Callable[..., object]) -> Move:
    return lambda **arguments: move(store, **arguments)


def _results(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Result]:
    return {test: Result(**result) for test, result in results.items()}


def _refusable(move: Move) -> Move:
    @wraps(move)
    def moved(**arguments: Any) -> object:
        try:
            return move(**arguments)
        except ApiError as error:
            raise ValueError(f"the hospital refuses with {error.status}") from error

    return moved
