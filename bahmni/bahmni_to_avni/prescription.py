"""Drugs prescribed in an encounter → one general encounter in Avni: a text for people, and single concepts. Pure.

Only what holds now is shown: nothing voided, nothing that was stopped, and of a revised order the last one. The text
begins as the Java service writes it; what that service rounded or left out is added. Stands on openmrs.md O102 to O107
(orders), O140 (how doses are told) and O141 (what takes two answers).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from bahmni import vocabulary as v
from bahmni.bahmni_to_avni.part import PRESCRIPTION, Part
from bahmni.bahmni_to_avni.values import CHOICES, translated
from bahmni.bahmni_to_avni.visit_type import is_outpatient
from bahmni.kinds import wrong_kind
from bahmni.numbers import number_in
from engine.verdicts import Fail
from mappings.models import DataTypeHint
from mappings.snapshot import Entry, Pair, Snapshot

Order = Mapping[str, Any]

DRUG_ORDER: Final = "drugorder"
BETWEEN: Final = ";   "
"""Between the prescriptions of a text, as the Java service joins them; so are tests of the laboratory."""

TIMES_OF_DAY: Final = ("morningDose", "afternoonDose", "eveningDose")


def is_mapped(snapshot: Snapshot) -> bool:
    """Whether the tenant has a place in Avni for prescriptions."""
    kind = snapshot.single(*v.DRUG_ENCOUNTER_TYPE)
    return bool(kind and kind.avni_value and (snapshot.single(*v.DRUG_TEXT) or snapshot.single(*v.DRUG_GROUP)))


def are_handed_over(encounter: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Whether prescriptions of this encounter go to Avni, if there are any."""
    return is_mapped(snapshot) and is_outpatient(encounter, snapshot)


def orders(encounter: Mapping[str, Any]) -> list[Order]:
    """The un-voided orders of drugs, as far as the document tells them."""
    rows = encounter.get("orders") or ()
    return [row for row in rows if row.get("type") == DRUG_ORDER and row.get("voided") is not True]


def is_to_read(encounter: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Whether the details of its orders have to be asked for: the first answer only tells which are voided."""
    return encounter.get("voided") is not True and are_handed_over(encounter, snapshot) and bool(orders(encounter))


def with_details(encounter: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    """The encounter with its orders as a second answer shows them, in which none says that it is voided.

    An order that only the second one shows was written in between: it raises an event of its own.
    """
    shown = {row["uuid"]: row for row in details.get("orders") or ()}
    rows = [{**shown.get(row["uuid"], {}), **row} for row in encounter.get("orders") or ()]
    return {**encounter, "orders": rows}


def part(
    encounter: Mapping[str, Any], snapshot: Snapshot, marked: Mapping[str, str], unmapped: list[str]
) -> Part | None:
    """All drugs that are prescribed now; None when there are none. `marked` is the marker. Raises Fail.

    Answers that a policy leaves out are named in `unmapped`.
    """
    kind = snapshot.single(*v.DRUG_ENCOUNTER_TYPE)
    current = [row for row in orders(encounter) if _holds(row)]
    if kind is None or not current:
        return None
    said: dict[str, Any] = {}
    if text := snapshot.single(*v.DRUG_TEXT):
        words = BETWEEN.join(in_words(row) for row in current)
        said[text.avni_value] = _said(words, text, snapshot, unmapped)
    if group := snapshot.single(*v.DRUG_GROUP):
        said[group.avni_value] = [dict(_concepts(row, snapshot, unmapped)) for row in current]
    return Part(PRESCRIPTION, kind.avni_value, {**said, **marked})


def _holds(order: Order) -> bool:
    """Whether an order stands: it is none that ends another, and was neither stopped nor replaced by a revision.

    One that ran out by itself was prescribed all the same. Raises Fail for an order whose details are not known.
    """
    if "action" not in order or "dose" not in order:
        raise Fail("record.field-missing", field="orders.dose")
    return order["action"] != "DISCONTINUE" and order.get("dateStopped") is None


# -- in words --------------------------------------------------------------------------------------------------------


def in_words(order: Order) -> str:
    """One prescription as a line, e.g. "Aspirin 75Mg Tablet(s) - 1.5 for 30 days - starting 27-08-2017 (OD, Oral)"."""
    what = " ".join(one for one in (_name(order), _display(order.get("doseUnits"))) if one)
    amount = " ".join(one for one in (dose(order), _for(order)) if one)
    start = f"starting {day.strftime('%d-%m-%Y')}" if (day := _start(order)) else ""
    beside = [_display(order.get("frequency")), _display(order.get("route")), *instructions(order)]
    if order.get("asNeeded") is True:
        condition = order.get("asNeededCondition")
        main, beside = [what, "as needed", start], [str(condition or ""), amount, *beside]
    else:
        main = [what, amount, start]
    line, more = (sep.join(one for one in some if one) for sep, some in ((" - ", main), (", ", beside)))
    return f"{line} ({more})" if more else line


def dose(order: Order) -> str:
    """How much of it at a time, nothing rounded; by times of day as "1-0-1"; "" where nothing is said."""
    if order["dose"] is not None:
        return _digits(order["dose"], "dose")
    told = _json(order.get("dosingInstructions"))
    if any(told.get(time) is not None for time in TIMES_OF_DAY):
        return "-".join(_digits(told.get(time) or 0, time) for time in TIMES_OF_DAY)
    return ""


def instructions(order: Order) -> list[str]:
    """What else was said about taking it: in the hospital's own words, each once."""
    told = _json(order.get("dosingInstructions"))
    bare = order.get("dosingInstructions") if not told else None
    said = [told.get("instructions"), told.get("additionalInstructions"), bare, order.get("instructions")]
    return list(dict.fromkeys(str(one).strip() for one in said if one and str(one).strip()))


def _name(order: Order) -> str:
    """The drug as the hospital stocks it, in the words of who prescribed it, or at least what is in it."""
    for one in (order.get("drug"), order.get("drugNonCoded"), order.get("concept")):
        if one:
            return _display(one)
    raise Fail("record.field-missing", field="orders.drug")


def _for(order: Order) -> str:
    """E.g. "for 5 days"; Bahmni writes its units "Day(s)"."""
    if order.get("duration") is None:
        return ""
    unit = _display(order.get("durationUnits"))
    unit = unit.removesuffix("(s)").lower() + "s" if unit.endswith("(s)") else unit
    return " ".join(one for one in ("for", _digits(order["duration"], "duration"), unit) if one)


def _start(order: Order) -> date | None:
    """The day it begins, as the hospital counts days: its own times carry its own offset."""
    moment = order.get("scheduledDate") or order.get("dateActivated")
    try:
        return date.fromisoformat(str(moment)[:10]) if moment else None
    except ValueError:
        raise wrong_kind("orders.scheduledDate", "a date", moment) from None


def _display(value: Any) -> str:
    return str(value.get("display") or "") if isinstance(value, Mapping) else str(value or "")


def _digits(value: Any, field: str) -> str:
    return format(Decimal(str(_number(value, field))), "f")


def _number(value: Any, field: str) -> int | float | None:
    try:
        return None if value is None else number_in(value)
    except ValueError:
        raise wrong_kind(f"orders.{field}", "a number", value) from None


def _json(text: Any) -> Mapping[str, Any]:
    """Bahmni's instructions are JSON in a text; others write a text."""
    try:
        told = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


# -- as single concepts ----------------------------------------------------------------------------------------------


def _concepts(order: Order, snapshot: Snapshot, unmapped: list[str]) -> Iterator[tuple[str, Any]]:
    """Avni's concepts with what the order says, those mapped only. Raises Fail for an answer without a partner."""
    for pair, told in FIELDS.items():
        entry = snapshot.single(*pair)
        value = told(order, entry) if entry else None
        said = _said(value, entry, snapshot, unmapped) if entry and value is not None and value != "" else None
        if entry and said is not None:
            yield entry.avni_value, said


def _said(value: Any, entry: Entry, snapshot: Snapshot, unmapped: list[str]) -> Any:
    return translated(value, entry, snapshot, unmapped="bahmni.observation-answer-unmapped", counted=unmapped)


def _named(value: Any, entry: Entry) -> Any:
    """Something with a uuid and a name: its uuid where the mapping is for a choice, else its name."""
    if isinstance(value, Mapping) and entry.data_type_hint in CHOICES:
        return {"uuid": value.get("uuid"), "display": value.get("display")}
    return _display(value)


def _as_needed(order: Order, entry: Entry) -> Any:
    is_needed = order.get("asNeeded") is True
    return is_needed if entry.data_type_hint in CHOICES else "Yes" if is_needed else "No"


def _begins(order: Order, entry: Entry) -> Any:
    day, hint = _start(order), entry.data_type_hint
    if day is None or hint == DataTypeHint.DATE:
        return day.isoformat() if day else None
    if hint == DataTypeHint.DATETIME:
        return order.get("scheduledDate") or order.get("dateActivated")
    return day.strftime("%d-%m-%Y")


def _amount(order: Order, entry: Entry) -> Any:
    """A number where it is one; several by times of day are words, which a question for a number cannot hold."""
    if entry.data_type_hint == DataTypeHint.TEXT:
        return dose(order)
    if order["dose"] is None:
        return None if entry.data_type_hint == DataTypeHint.NUMERIC else dose(order)
    return _number(order["dose"], "dose")


FIELDS: Final[Mapping[Pair, Callable[[Order, Entry], Any]]] = {
    v.DRUG_NAME: lambda order, entry: _named(order.get("drug") or _name(order), entry),
    v.DRUG_DOSE: _amount,
    v.DRUG_DOSE_UNITS: lambda order, entry: _named(order.get("doseUnits"), entry),
    v.DRUG_FREQUENCY: lambda order, entry: _named(order.get("frequency"), entry),
    v.DRUG_ROUTE: lambda order, entry: _named(order.get("route"), entry),
    v.DRUG_DURATION: lambda order, entry: _number(order.get("duration"), "duration"),
    v.DRUG_DURATION_UNITS: lambda order, entry: _named(order.get("durationUnits"), entry),
    v.DRUG_AS_NEEDED: _as_needed,
    v.DRUG_START: _begins,
    v.DRUG_INSTRUCTIONS: lambda order, entry: ", ".join(instructions(order)),
}
"""What an order says, for each mapping type."""
