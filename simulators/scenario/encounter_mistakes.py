"""Encounters in error, one of each kind in either direction, and those that wait because somebody else is in error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

from simulators.avni.times import to_ms
from simulators.scenario import design, forms
from simulators.scenario.clinic import DISCHARGE, HISTORY, VITALS, Clinic
from simulators.scenario.correspondence import hospital_concept
from simulators.scenario.fieldwork import Fieldwork
from simulators.scenario.forms import VisitType
from simulators.scenario.people import Person
from simulators.scenario.planted import Mend, Planted
from simulators.scenario.population import Population

__all__ = ["consultations_in_error", "consultations_waiting", "visits_in_error", "visits_waiting"]

_HOME, _FOLLOW_UP, _NUTRITION = forms.VISITS
_BY_ADDING: Final = 'In the admin: open the error, follow "add the mapping", save, retry.'
_FAR_OFF: Final = datetime(2099, 1, 1, 6, tzinfo=UTC)


def visits_in_error(town: Population, fieldwork: Fieldwork) -> Iterator[Planted]:
    """Enter a visit of each kind that cannot get through, each of somebody of its own."""

    def planted(
        person: Person, kind: str, message: str, remedy: str, visit: VisitType, answers: dict[str, Any] | None = None,
        *, state: str = "retrying", mend: Mend | None = None, **fields: Any,
    ) -> Planted:  # fmt: skip
        resident = town.resident(town.subject(f"visited: {kind}", person, town.number()))
        uuid = fieldwork.held(kind, resident, visit, answers, **fields)
        return Planted(kind, "general-encounter", uuid, person.name, message, state, remedy, mend)

    answer = forms.UNMAPPED_VISIT_ANSWERS[0]
    yield planted(
        Person("Gauri", "Kamble", "Female", date(1983, 5, 17)),
        "an answer of a visit nobody has mapped",
        "bahmni.answer-unmapped", _BY_ADDING, _HOME, {"Reason for the visit": answer},
        mend=Mend("Observation", "Concept", answer, town.ids("bahmni", "concept", answer)),
    )  # fmt: skip
    yield planted(
        Person("Ramesh", "Tadvi", "Male", date(1960, 8, 2)),
        "words where a number should stand",
        "bahmni.value-kind", "In Avni: correct the upper arm in cm.", _NUTRITION, {"Upper arm in cm": "thin"},
    )  # fmt: skip
    yield planted(
        Person("Shanta", "Valvi", "Female", date(1951, 12, 30)),
        "a type of visits without a form",
        "bahmni.encounter-form-unmapped", _BY_ADDING, forms.VISIT_WITHOUT_FORM,
        mend=Mend(
            "GeneralEncounter", "CommunityEncounter_BahmniForm", forms.VISIT_WITHOUT_FORM.name,
            town.pairs.visits[forms.VISIT_WITHOUT_FORM.name].form,
        ),
    )  # fmt: skip
    yield planted(
        Person("Bhima", "Pavra", "Male", date(1997, 3, 21)),
        "a type of visits without an encounter type",
        "bahmni.encounter-type-unmapped", _BY_ADDING, forms.VISIT_WITHOUT_TYPE,
        mend=Mend(
            "GeneralEncounter", "CommunityEncounter_EncounterType", forms.VISIT_WITHOUT_TYPE.name,
            town.pairs.visits[forms.VISIT_WITHOUT_TYPE.name].encounter_type,
        ),
    )  # fmt: skip
    yield planted(
        Person("Parvati", "Ohol", "Female", date(1974, 7, 7)),
        "a question mapped to words",
        "bahmni.mapping-without-uuid", f'In the admin: enter the uuid in the mapping of "{forms.WITHOUT_UUID}", retry.',
        _FOLLOW_UP, {forms.WITHOUT_UUID: "high"},
    )  # fmt: skip
    yield planted(
        Person("Yusuf", "Tamboli", "Male", date(1989, 10, 12)),
        "a pulse the hospital does not believe",
        "remote.refused", "In Avni: correct the pulse.", _HOME, {forms.PULSE: int(forms.FASTEST_PULSE) + 500},
    )  # fmt: skip
    yield planted(
        Person("Meera", "Salve", "Female", date(2003, 6, 25)),
        "a visit in the future",
        "bahmni.future", "Nothing to do: it goes on when the day has come; in Avni, if the date is wrong.",
        _NUTRITION, state="deferred", encounter_ms=to_ms(_FAR_OFF),
    )  # fmt: skip


def consultations_in_error(town: Population, clinic: Clinic) -> Iterator[Planted]:
    """Save an encounter of each kind that cannot get through, each of somebody of its own."""

    def patient(kind: str, person: Person) -> str:
        number = town.number()
        town.subject(f"treated: {kind}", person, number)
        return town.patient(f"treated: {kind}", person, design.PREFIX + number)

    def planted(kind: str, person: Person, uuid: str, message: str, remedy: str, mend: Mend | None = None) -> Planted:
        return Planted(kind, "encounter", uuid, person.name, message, "retrying", remedy, mend)

    answer, kind = forms.UNMAPPED_HOSPITAL_ANSWERS[0], "an answer in a form nobody has mapped"
    person, concept = Person("Kisan", "Ghuge", "Male", date(1949, 2, 11)), hospital_concept(town.ids, answer)
    uuid = clinic.consult(kind, patient(kind, person), [HISTORY], {"Breath sounds": [answer]})
    mend = Mend("Observation", "Concept", design.as_hospital_answer(answer), concept)
    yield planted(kind, person, uuid, "bahmni.observation-answer-unmapped", _BY_ADDING, mend)

    kind, person = "words where the mapping says number", Person("Lata", "Bagul", "Female", date(1992, 9, 19))
    uuid = clinic.consult(kind, patient(kind, person), [DISCHARGE], {forms.TOLD_AS_TEXT: "about fifty"})
    remedy = "In Bahmni: correct the weight; or in the admin: let the mapping say Text."
    yield planted(kind, person, uuid, "bahmni.value-kind", remedy)

    kind, person = "one question answered twice", Person("Arjun", "Mahale", "Male", date(1966, 11, 3))
    uuid = clinic.consult(kind, patient(kind, person), [VITALS], {"Pulse rate": [64, 92]})
    yield planted(kind, person, uuid, "bahmni.repeated-question", "In Bahmni: take one of the two answers out.")


def visits_waiting(town: Population, fieldwork: Fieldwork, planted: Iterable[Planted]) -> Iterator[Planted]:
    """Enter a visit of each planted subject, and of one that is voided: it must wait as long as the subject does."""
    stuck = [(one.source_id, one.person) for one in planted if one.stream == "subject"]
    stuck += [(row.uuid, "a voided subject") for row in list(town.avni.subjects.values()) if row.voided][:1]
    for subject, person in stuck:
        uuid = fieldwork.held(f"waiting for {subject}", town.resident(subject), _FOLLOW_UP)
        yield _waiting("general-encounter", uuid, person, "bahmni.subject-not-yet", subject)


def consultations_waiting(clinic: Clinic, planted: Iterable[Planted]) -> Iterator[Planted]:
    """Save an encounter of each planted patient: it must wait as long as the patient does."""
    for one in planted:
        if one.stream == "patient":
            uuid = clinic.consult(f"waiting for {one.source_id}", one.source_id, [VITALS])
            yield _waiting("encounter", uuid, one.person, "bahmni.patient-not-yet", one.source_id)


def _waiting(stream: str, uuid: str, person: str, message: str, waits_for: str) -> Planted:
    kind, remedy = "waits for somebody in error", "Nothing to do here: it follows when that error is mended."
    return Planted(kind, stream, uuid, person, message, "deferred", remedy, waits_for=waits_for)
