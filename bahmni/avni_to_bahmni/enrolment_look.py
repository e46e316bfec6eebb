"""What has to be looked at in Bahmni for an enrolment of Avni, and which of what is found there is which. Pure.

An enrolment has a visit of its own with one encounter, and one more for the exit: both carry its id as their marker,
the visit carries it as an attribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.enrolment import BEGIN, END, Enrolment, Event
from bahmni.avni_to_bahmni.form_encounter import NEVER, Form, ours_among, the_one_of
from bahmni.avni_to_bahmni.found import FoundEncounter, FoundPatient, FoundVisit
from bahmni.avni_to_bahmni.owner import ENROLMENT
from bahmni.avni_to_bahmni.visit import Home, Policy, is_over, may_begin_later
from common.fingerprint import derived_uuid
from engine.ports import Known, Want

EXIT = "exit"
VOIDED_EXIT = f"{v.VOIDED_PART}{EXIT}"
"""Keys of the exit among a link's other targets: as it stands, and while we hold it voided."""


@dataclass(frozen=True)
class Found:
    """What was read before writing. `patient` (uuid) and `number` are those of the subject, as the ledger has them."""

    patient: str = ""
    number: str = ""
    encounters: tuple[FoundEncounter, ...] = ()
    """All that carry the marker, and those of `uuids_behind` that do not show it."""
    owner: FoundPatient | None = None
    """The patient, when there is no encounter yet."""
    visits: tuple[FoundVisit, ...] = ()
    """The patient's visits, when `needs_visits`; of a voided enrolment where its encounters lie in none of its own."""
    inside: tuple[FoundEncounter, ...] = ()
    """The un-voided encounters of `visit_to_weigh`."""
    now: datetime = NEVER
    """The hospital's clock when it was asked, in its own zone."""


@dataclass(frozen=True)
class Part:
    """One of the two encounters: what it should say (None: nothing), what stands there, and what the link says of it.

    `uuid` is the one we would give it.
    """

    form: Form | None
    there: FoundEncounter | None
    known: Known | None
    uuid: str


@dataclass(frozen=True)
class Case:
    """Everything a plan is made of."""

    want: Want
    found: Found
    known: Known | None
    policy: Policy

    @property
    def content(self) -> Enrolment:
        """What Bahmni should hold."""
        content: Enrolment = self.want.content
        return content

    @property
    def remembered(self) -> Mapping[str, str]:
        """The link's other targets."""
        return self.known.other_targets if self.known else {}

    def uuid(self, kind: str) -> str:
        """The one we give an encounter of the enrolment."""
        return str(derived_uuid(self.policy.namespace, "encounter", kind, self.content.enrolment_id))

    @property
    def home(self) -> Home:
        """The enrolment's own visit."""
        return home_of(self.content, self.policy)


def home_of(content: Enrolment, policy: Policy) -> Home:
    """The enrolment's own visit."""
    return Home(ENROLMENT.visit, content.enrolment_id, content.visit_type, policy)


def uuids_behind(known: Known | None, content: Enrolment) -> tuple[str, ...]:
    """The encounters that must be looked at whatever the search by marker shows: voided, they hide it."""
    if known is None or not known.points_somewhere:
        return ()
    keys = (EXIT, VOIDED_EXIT) if content.exit else (EXIT,)
    return (known.target_id, *(known.other_targets[key] for key in keys if key in known.other_targets))


def is_new(content: Enrolment, encounters: Iterable[FoundEncounter], known: Known | None) -> bool:
    """Whether neither link nor type tells one of these to be the encounter of an enrolment that is un-voided."""
    encounter_type, target = content.form.encounter_type if content.form else "", known.target_id if known else ""
    return not any(one.type == encounter_type or one.uuid == target for one in encounters)


def needs_visits(
    content: Enrolment, encounters: Iterable[FoundEncounter], known: Known | None, now: datetime, policy: Policy
) -> bool:
    """Whether a visit has to be found or opened: there is no encounter yet, or its visit is another's and over."""
    home, days = home_of(content, policy), [form.day for form in (content.form, content.exit) if form]
    encounters = tuple(encounters)
    return is_new(content, encounters, known) or any(
        is_over(day, one.visit, home, now) for one in encounters for day in days
    )


def visit_to_weigh(
    content: Enrolment, encounters: Iterable[FoundEncounter], now: datetime, policy: Policy
) -> FoundVisit | None:
    """The own visit when what else it holds decides: whether it is voided, or may begin later. Else None."""
    encounters = tuple(encounters)
    if content.form is None:
        return visit_to_void(encounters, content, policy)
    home, form = home_of(content, policy), content.form
    return next((one.visit for one in encounters if may_begin_later(form, one, home, now)), None)


def visit_to_void(
    encounters: Iterable[FoundEncounter], content: Enrolment, policy: Policy, visits: Iterable[FoundVisit] = ()
) -> FoundVisit | None:
    """The enrolment's own visit as long as it is un-voided; None when its encounters lie in none such.

    Where they lie in somebody else's, a program encounter may have opened the own one: among `visits`, the patient's.
    """
    home = home_of(content, policy)
    those = [*(one.visit for one in encounters if one.visit), *visits]
    return next((visit for visit in those if not visit.voided and home.is_own(visit)), None)


def parts(case: Case) -> tuple[Part, Part]:
    """Both encounters, told apart by the link, else by type. Raises Hold when one is there twice, or gone."""
    content, known, known_exit = case.content, case.known, _known_exit(case.known)
    among = [one for one in case.found.encounters if not (known_exit and one.uuid == known_exit.target_id)]
    begin = Part(content.form, _there(BEGIN, content.form, known, among, case), known, case.uuid("enrolment"))
    taken = {begin.there.uuid if begin.there else "", known.target_id if known else ""}
    among = [one for one in case.found.encounters if one.uuid not in taken]
    end = Part(content.exit, _there(END, content.exit, known_exit, among, case), known_exit, case.uuid("exit"))
    return begin, end


def _there(
    event: Event, form: Form | None, known: Known | None, among: list[FoundEncounter], case: Case
) -> FoundEncounter | None:
    entry = case.policy.snapshot.from_avni(*event.encounter_type, case.content.program)
    linked = [one for one in among if known and one.uuid == known.target_id]
    candidates = linked or [one for one in among if entry and one.type == entry.int_system_value and one.marker]
    candidates = [*the_one_of(candidates, case.want, known)]
    return ours_among(candidates, case.content.enrolment_id, case.want, known, voided=form is None)


def _known_exit(known: Known | None) -> Known | None:
    """The link as it would be if the exit were a record of its own."""
    targets = known.other_targets if known else {}
    remembered = targets.get(EXIT) or targets.get(VOIDED_EXIT)
    if known is None or not remembered:
        return None
    return replace(known, target_id=remembered, left_fingerprint=v.VOIDED_BY_US if VOIDED_EXIT in targets else "")
