"""Questions of every kind on both servers, mapped, and what people should read of their answers, worked out apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import count
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid4

from hypothesis import strategies as st

from atomfeed.reader import Feed
from avni.wire import spelled
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.encounter_handover import general_encounters
from bahmni.avni_to_bahmni.reading import LookBack
from bahmni.bahmni_to_avni.encounter_handover import EncounterHandover
from bahmni.openmrs import FEEDS
from common.outcome import Outcome
from engine.ports import Known
from engine.registry import Setting
from mappings.models import Unmapped
from mappings.snapshot import Entry, Snapshot
from simulators.avni.metadata import Concept
from simulators.bahmni import catalogue
from simulators.bahmni.model import Obs
from simulators.bahmni.state import FALSE_CONCEPT, TRUE_CONCEPT
from tenants.models import Connection, Tenant
from tests.chaos.pair import Pair
from tests.chaos.records import MARKER, NAMESPACE, ZONE, snapshot, uuid_of

INDIA: Final = timezone(timedelta(hours=5, minutes=30))
KINDS: Final = {
    "Choice": ("Coded", "Coded", "Coded"),
    "Choices": ("Coded", "Coded", "Coded"),
    "Truth": ("Coded", "Boolean", "Boolean"),
    "Amount": ("Numeric", "Numeric", "Numeric"),
    "Words": ("Text", "Text", "Text"),
    "Day": ("Date", "Date", "Date"),
    "Moment": ("DateTime", "Datetime", "DateTime"),
    "Clock": ("Time", "Time", ""),
    "Span": ("Duration", "Text", ""),
    "Phone": ("PhoneNumber", "Text", "PhoneNumber"),
    "Place": ("Location", "Text", "Text"),
    "Relatives": ("Subject", "Text", ""),
    "Pictures": ("Image", "Text", "NA"),
    "Scan": ("Text", "Complex", ""),
    "Ward": ("Text", "Text", ""),
    "Remedy": ("Text", "Coded", "Coded"),
    "Once": ("QuestionGroup", "N/A", "QuestionGroup"),
    "Often": ("QuestionGroup", "N/A", "RepeatableGroup"),
}
"""Question → its data type in Avni, in OpenMRS, and the kind of answer in its mapping."""
GROUPS: Final = ("Once", "Often")
ANSWERS: Final = ("Red", "Green", "Blue")
REMEDY: Final = "Neem paste"
"""A drug that nobody mapped: as an answer its name is sent as text, as the mapping of its question says."""
VISIT: Final = "Visit of every kind"
VILLAGE, BLOCK = "Nijhma", "Melghat"
RELATIVES: Final = tuple(uuid_of(f"relative {number}") for number in range(3))

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)
words = texts.filter(str.strip)
days = st.dates(date(1000, 1, 1), date(9998, 12, 31))
clocks = st.times().map(lambda moment: moment.strftime("%H:%M"))
digits = st.from_regex(r"[6-9][0-9]{9}", fullmatch=True)
amounts = st.one_of(
    st.integers(-(10**6), 10**6),
    st.integers(2**53, 2**60),  # more digits than a double has
    st.floats(-1e6, 1e6).filter(lambda number: number == 0 or abs(number) > 1e-4),
)
moments = st.datetimes(
    datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, INDIA, timezone(timedelta(hours=-5))])
)

# -- what a field worker fills in -------------------------------------------------------------------------------------


def stored_day(day: date) -> str:
    """As the field app stores it."""
    return spelled(datetime.combine(day, time.min, INDIA))


in_avni: Final = {
    "Choice": st.sampled_from(ANSWERS),
    "Choices": st.lists(st.sampled_from(ANSWERS), max_size=4),
    "Truth": st.sampled_from(["Aye", "Nay"]),
    "Amount": amounts | amounts.map(lambda number: f" {number} ") | st.just("१२"),
    "Words": texts,
    "Day": days.map(stored_day) | moments.map(spelled),
    "Moment": moments.map(lambda moment: moment.isoformat(timespec="milliseconds")),
    "Clock": clocks,
    "Span": st.sampled_from(["P21Y", "P3M", "P1W"]),
    "Phone": st.fixed_dictionaries({"phoneNumber": digits, "verified": st.booleans()}),
    "Place": st.just(VILLAGE),
    "Relatives": st.sampled_from(RELATIVES) | st.lists(st.sampled_from(RELATIVES), max_size=4),
    "Pictures": st.just("a.jpg") | st.lists(st.sampled_from(["a.jpg", "b.jpg"]), max_size=3),
}
_scalars = st.fixed_dictionaries({}, optional=in_avni)
_groups = st.fixed_dictionaries({}, optional={**in_avni, "Once": _scalars})
records = st.fixed_dictionaries(
    {},
    optional={
        **in_avni,
        "Once": _scalars,
        "Often": st.lists(_groups, max_size=4),
        "Shoe size": amounts,  # nobody mapped it
    },
)
"""Observations by name, as a request of Avni takes them; every lossy case from Avni is among them."""


def repeated(record: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The record with its repetitions in another order, or one of them gone."""
    ones = record.get("Often") or []
    return st.permutations(ones).map(lambda order: {**record, "Often": order}) | st.just({**record, "Often": ones[1:]})


def for_clinicians(record: dict[str, Any], *, once: bool = False) -> list[Any]:
    """What clinicians should read: questions with their values and groups, each a pair, in an order of its own.

    `once`: inside a group that is filled in once, where Avni shows what it stores.
    """
    said: list[Any] = []
    for question, value in record.items():
        if question == "Shoe size":
            continue
        if question in GROUPS:
            said += [
                (question, members)
                for one in (value if isinstance(value, list) else [value])
                if (members := for_clinicians(one, once=once or question == "Once"))
            ]
        else:
            said += [(question, shown) for shown in _for_clinicians(question, value, once=once)]
    return sorted(said, key=repr)


def _for_clinicians(question: str, value: Any, *, once: bool) -> list[Any]:  # noqa: PLR0911  # one line a kind
    match question:
        case "Truth":
            return [{"Aye": "True", "Nay": "False"}[value]]
        case "Choices" | "Relatives" | "Pictures":
            return sorted(set(value if isinstance(value, list) else [value]))
        case "Amount":
            return [float(value)]
        case "Words":
            return [value] if value.strip() else []
        case "Day":
            return [datetime.fromisoformat(value).astimezone(INDIA).date().isoformat()]
        case "Moment":
            local = datetime.fromisoformat(value).astimezone(ZONE).replace(second=0, microsecond=0)
            return [local.replace(tzinfo=None).isoformat()]
        case "Phone":
            return [value["phoneNumber"]]
        case "Place":
            return [uuid_of(VILLAGE) if once else f"{VILLAGE}, {BLOCK}"]
        case _:
            return [value]


# -- what a clinician fills in ----------------------------------------------------------------------------------------

in_bahmni: Final = {
    "Choice": st.sampled_from(ANSWERS),
    "Choices": st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=4),
    "Truth": st.booleans(),
    "Amount": st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6).filter(lambda one: one == 0 or abs(one) > 1e-4),
    "Words": words,
    "Day": days.map(str),
    "Moment": st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(
        lambda at: at.isoformat(" ", "milliseconds")
    ),
    "Clock": clocks,
    "Span": st.sampled_from(["P21Y", "P3M"]),
    "Phone": digits,
    "Scan": st.lists(st.just("aGVsbG8="), min_size=1, max_size=2),
    "Ward": st.just("a ward"),
    "Remedy": st.just(REMEDY),
}


def _each_question_once(form: dict[str, Any]) -> dict[str, Any]:
    """A question stands in the form or in its section."""
    section = {name: one for name, one in form.get("Section", {}).items() if name not in form}
    return {**form, "Section": section} if section else {name: form[name] for name in form if name != "Section"}


_answers = st.fixed_dictionaries({}, optional=in_bahmni)
_inside = st.fixed_dictionaries({}, optional={**in_bahmni, "Once": _answers})
forms = st.fixed_dictionaries(
    {},
    optional={
        **in_bahmni,
        "Once": _answers,
        "Often": st.lists(_inside, max_size=3),
        "Section": _answers.map(lambda one: {name: one[name] for name in one if name in ("Clock", "Span")}),
        "Mood": words,  # nobody mapped it
    },
).map(_each_question_once)
"""A form filled in; every lossy case from Bahmni is among them."""


def for_the_field(form: dict[str, Any]) -> dict[str, Any]:
    """What a field worker should read of a form."""
    said: dict[str, Any] = {}
    for question, value in form.items():
        shown: Any = None
        if question == "Often":
            shown = [one for each in value if (one := for_the_field(each))]
        elif question == "Once":
            shown = for_the_field(value)
        elif question == "Section":
            said |= for_the_field(value)
        elif question != "Mood":
            shown = _for_the_field(question, value)
        if shown not in (None, {}, []):
            said[question] = shown
    return said


def _for_the_field(question: str, value: Any) -> Any:  # noqa: PLR0911  # one line a kind
    match question:
        case "Choices":
            chosen = sorted(set(value))
            return chosen if len(chosen) > 1 else chosen[0]
        case "Truth":
            return "Aye" if value else "Nay"
        case "Amount":
            return int(value) if float(value).is_integer() else float(value)
        case "Day":
            return stored_day(date.fromisoformat(value))
        case "Moment":
            return spelled(datetime.fromisoformat(value).replace(second=0, microsecond=0, tzinfo=ZONE))
        case "Phone":
            return {"phoneNumber": value, "verified": False}
        case "Scan":
            return "links" if len(value) > 1 else "link"
        case _:
            return value


# -- the two servers --------------------------------------------------------------------------------------------------


def kinds_snapshot() -> Snapshot:
    """The usual mappings with those of every kind."""
    usual = snapshot()
    unmapped = {"Remedy": Unmapped.TEXT}
    questions = [
        Entry(name, uuid_of(name), hint, unmapped.get(name, ""), in_avni_uuid(name))
        for name, (_, _, hint) in KINDS.items()
    ]
    answers = [Entry(name, uuid_of(name), "", "", in_avni_uuid(name)) for name in ANSWERS]
    truths = [Entry(name, word, "", "", in_avni_uuid(name)) for name, word in (("Aye", "true"), ("Nay", "false"))]
    own = {entry.avni_value: entry for entry in (*questions, *answers, *truths)}
    rows = {**usual.by_avni_value[v.CONCEPT], **own}
    tables = {
        v.CONCEPT: rows,
        v.GENERAL_ENCOUNTER_TYPE: {VISIT: Entry(VISIT, uuid_of("visit encounter type"), "")},
        v.GENERAL_ENCOUNTER_FORM: {VISIT: Entry(VISIT, uuid_of("visit form"), "")},
        v.HOSPITAL_FORM: {"From the hospital": Entry("From the hospital", uuid_of("hospital form"), "")},
    }
    by_int = {pair: {row.int_system_value: row for row in table.values()} for pair, table in tables.items()}
    by_uuid = {v.CONCEPT: {row.avni_uuid: row for row in rows.values() if row.avni_uuid}}
    return replace(
        usual,
        by_avni_value=MappingProxyType({**usual.by_avni_value, **tables}),
        by_int_system_value=MappingProxyType({**usual.by_int_system_value, **by_int}),
        by_avni_uuid=MappingProxyType(by_uuid),
    )


def in_avni_uuid(name: str) -> str:
    """The uuid a concept has in Avni."""
    return uuid_of(f"{name} in Avni")


class House:
    """Both servers with questions of every kind, and the handovers of encounters."""

    _numbers = count(1)

    def __init__(self, servers: Pair) -> None:
        self.pair = servers
        clients = servers.patients._avni, servers.patients._openmrs
        tenant = Tenant(pk=1, name="house", namespace=UUID(str(NAMESPACE)), born_here=False)
        setting = Setting(tenant, {side: Connection(side=side) for side in (v.AVNI, v.BAHMNI)}, kinds_snapshot())
        feed = Feed(clients[1].get_bytes, f"{FEEDS}/encounter", side=v.BAHMNI)
        self.to_bahmni = general_encounters(setting, *clients, LookBack())
        self.to_avni = EncounterHandover(setting, *clients, feed)
        self._design()

    def __repr__(self) -> str:
        return "<a house of every kind>"

    def _design(self) -> None:
        avni, bahmni = self.pair.avni, self.pair.bahmni
        avni.add_encounter_type(VISIT)
        avni.add_encounter_type("From the hospital")
        avni.add_concept("Shoe size", "Numeric")
        for name in (*ANSWERS, "Aye", "Nay"):
            avni.add_concept(name, "NA", uuid=in_avni_uuid(name))
        for name in ANSWERS:
            bahmni.add_concept(name, uuid=uuid_of(name))
        for name, (kind, datatype, _) in KINDS.items():
            answers = ("Aye", "Nay") if name == "Truth" else ANSWERS if kind == "Coded" else ()
            avni.add_concept(name, kind, uuid=in_avni_uuid(name), answers=answers)
            bahmni.add_concept(name, datatype, [uuid_of(one) for one in ANSWERS], uuid=uuid_of(name))
        block = avni.add_location(BLOCK, "Block", level=2)
        avni.add_location(VILLAGE, "Village", block, uuid=uuid_of(VILLAGE))
        for name in ("hospital form", "section"):
            bahmni.add_concept(name, uuid=uuid_of(name))
        bahmni.add_concept("Mood", "Text", uuid=uuid_of("Mood"))
        bahmni.add_location("a ward", uuid=uuid_of("a ward"))
        bahmni.add_drug(REMEDY, uuid_of(ANSWERS[0]), uuid=uuid_of(REMEDY))

    def subject(self) -> str:
        """A subject that both sides know."""
        number = f"9{next(self._numbers):05}"
        subject = self.pair.avni.put_subject(
            subject_type="Individual", first_name="Asha", last_name="Devi", gender="Female",
            date_of_birth="1990-04-01", registration_date="2026-01-05", observations={"Sangam Number": number},
        ).uuid  # fmt: skip
        record = self.pair.patients._avni.subject(subject)
        assert record
        assert self.pair.hand(self.pair.subjects, record).is_finished
        return subject

    # from Avni

    def visit(self, subject: str) -> str:
        """An encounter of a subject in which nothing is answered yet."""
        return self.pair.avni.put_encounter(
            encounter_type=VISIT, subject=subject, observations={}, at=datetime(2026, 1, 10, 6, 30, tzinfo=UTC)
        ).uuid

    def answer(self, encounter: str, record: dict[str, Any]) -> dict[str, Any]:
        """A field worker says this and nothing else; gives the encounter as Avni shows it."""
        row = self.pair.avni.encounters[encounter]
        gone = {name for name in (*KINDS, "Shoe size") if name not in record}
        said = _with_places(record) | dict.fromkeys(gone)
        self.pair.avni.edit_encounter(row.uuid, observations=said)
        shown = self.pair.patients._avni.encounter(encounter)
        assert shown
        return shown

    def reads(self, encounter: str) -> list[Any]:
        """What clinicians read in the form of an encounter, as `for_clinicians` has it."""
        live = self.pair.live_obs(self.pair.known[encounter].target_id)
        (form,) = (row for row in live if row.concept == uuid_of("visit form"))
        return self._below(form, live)

    def _below(self, group: Obs, live: list[Obs]) -> list[Any]:
        names = {uuid_of(name): name for name in KINDS}
        said = []
        for row in live:
            if row.group == group.uuid and row.concept in names:
                name = names[row.concept]
                said.append((name, self._below(row, live) if name in GROUPS else _shown(name, row.value)))
        return sorted(said, key=repr)

    def repetitions(self, encounter: str) -> dict[str, set[str]]:
        """Uuids of the repetitions of a group by what they say."""
        live = self.pair.live_obs(self.pair.known[encounter].target_id)
        found: dict[str, set[str]] = {}
        for row in live:
            if row.concept == uuid_of("Often"):
                found.setdefault(repr(self._below(row, live)), set()).add(row.uuid)
        return found

    # from Bahmni

    def patient(self) -> tuple[str, str]:
        """A patient that both sides know, and the subject it is."""
        number = f"TRI8{next(self._numbers):05}"
        patient = self.pair.bahmni.hospital_create_patient(
            "Asha", "Devi", number, identifier_type=uuid_of("identifier type"), birthdate="1990-04-01"
        ).uuid
        subject = self.pair.avni.put_subject(
            subject_type="Individual", first_name="Asha", last_name="Devi", gender="Female",
            date_of_birth="1990-04-01", registration_date="2026-01-05", observations={"Sangam Number": number[3:]},
        ).uuid  # fmt: skip
        self.pair.known[patient] = Known(number, "registration", subject, {}, "", "", Outcome.CREATED, is_suspect=False)
        return patient, subject

    def fill_in(self, patient: str, encounter: str, form: dict[str, Any]) -> dict[str, Any]:
        """A clinician fills a form in, in place of what stands there; gives the encounter as OpenMRS shows it."""
        known = self.pair.bahmni.encounters.get(encounter)
        body = [{"concept": uuid_of("hospital form"), "groupMembers": _obs(form)}] if _obs(form) else []
        if known is None:
            self.pair.bahmni.hospital_save_encounter(
                uuid=encounter, patient=patient, encounterType=catalogue.CONSULTATION, obs=body
            )
        else:
            there = [row for row in self.pair.live_obs(encounter) if row.group is None]
            gone = [{"uuid": row.uuid, "concept": row.concept, "voided": True} for row in there]
            self.pair.bahmni.hospital_save_encounter(uuid=encounter, obs=[*gone, *body])
        shown = self.to_avni.fetch(encounter)
        assert shown
        return dict(shown)

    def told(self, subject: str) -> list[dict[str, Any]]:
        """What Avni holds of the un-voided encounters from the hospital, by names, the marker left out."""
        rows = [self.pair.avni.encounters[uuid] for uuid in self.pair.avni.encounters_of(subject)]
        live = [row for row in rows if row.kind == "From the hospital" and not row.voided]
        return [{name: one for name, one in self._named(row.observations).items() if name != MARKER} for row in live]

    def _named(self, observations: dict[str, Any]) -> dict[str, Any]:
        concepts = self.pair.avni.organisation("demo").concepts

        def one(concept: Concept, value: Any) -> Any:
            if concept.data_type == "QuestionGroup":
                return self._named(value)
            return concepts[value].name if concept.data_type == "Coded" else value

        found = {}
        for uuid, value in observations.items():
            concept = concepts[uuid]
            found[concept.name] = (
                [one(concept, each) for each in value] if isinstance(value, list) else one(concept, value)
            )
        return {name: _links(value) if name == "Scan" else value for name, value in found.items()}


def _links(value: Any) -> str:
    ones = value if isinstance(value, list) else [value]
    assert all("/ws/rest/v1/obs/" in one for one in ones)
    return "links" if len(ones) > 1 else "link"


def new_encounter() -> str:
    """A uuid nobody has."""
    return str(uuid4())


def _with_places(record: dict[str, Any]) -> dict[str, Any]:
    """Places by their uuids, which is how requests name them."""

    def placed(name: str, value: Any) -> Any:
        if name in GROUPS:
            return [_with_places(one) for one in value] if isinstance(value, list) else _with_places(value)
        return uuid_of(value) if name == "Place" else value

    return {name: placed(name, value) for name, value in record.items()}


def _shown(question: str, value: Any) -> Any:
    if question in ("Choice", "Choices"):
        return {uuid_of(name): name for name in ANSWERS}[value]
    if question == "Truth":
        return {TRUE_CONCEPT: "True", FALSE_CONCEPT: "False"}[value]
    if question == "Moment":
        return datetime.fromisoformat(value).replace(tzinfo=None).isoformat()
    return value


def _obs(form: dict[str, Any]) -> list[dict[str, Any]]:
    """The bodies of what a form says."""
    return [body for question, value in form.items() for body in _bodies(question, value)]


def _bodies(question: str, value: Any) -> Iterator[dict[str, Any]]:
    if question in (*GROUPS, "Section"):
        concept = uuid_of("section") if question == "Section" else uuid_of(question)
        for one in value if isinstance(value, list) else [value]:
            if members := _obs(one):
                yield {"concept": concept, "groupMembers": members}
        return
    for one in value if isinstance(value, list) else [value]:
        said = uuid_of(one) if question in ("Choice", "Choices", "Ward", "Remedy") else one
        yield {"concept": uuid_of(question), "value": said}
