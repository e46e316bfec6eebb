"""Encounters arrive before what they hang on, many at once: all that can get through does, once, nobody is asked twice.

The flows begin with what is new, so that every subject and patient is older than they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from common import clock
from errors.models import OPEN_STATES, ErrorRecord
from simulators.bahmni import catalogue
from simulators.server import Request, Response, Server
from syncstatus.models import Link, Run, StartPolicy, Stream
from tests.chaos.hooks import twist
from tests.chaos.truth import InAvni, InBahmni, in_avni, in_bahmni, retry_all
from tests.flow.clinic import VITALS, Clinic, open_clinic
from tests.flow.world import MARKER, NUMBER, World, small_world

PAIRS = 15
EACH = 3
"""Encounters of every subject and every patient."""

REST = "/openmrs/ws/rest/v1"
SUBJECT, PATIENT = ("GET", "/api/subject/{id}"), ("GET", f"{REST}/patient/{{uuid}}")


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A world with fifteen people whom both sides know."""
    with small_world() as built:
        built.household_visits()
        built.avni.add_subject_type("Household")
        yield built


def new(world: World, subject: str, **more: object) -> list[str]:
    """A field worker visits the subject some times, a moment ago: old enough to be shown, new enough to be read."""
    return [world.household_visit(subject, at=clock.now() - timedelta(seconds=30), **more) for _ in range(EACH)]


def not_found(server: Server, path: str, body: object = b"") -> None:
    """From now on this server knows nothing at this path, and says so as its kind does."""

    def forget(request: Request, response: Response) -> None:
        if request.path == path:
            response.status, response.body, response.content_type = 404, body, None

    twist(server, forget)


def a_minute_later(world: World) -> datetime:
    """Let a minute pass in Avni: what was done in it may be read. Gives a moment in it."""
    then = clock.now()
    world.avni.clock = lambda: clock.now() + timedelta(minutes=1)
    return then + timedelta(seconds=30)


def waiting() -> dict[str, str]:
    """Why each record that is not through is not, by entity."""
    return dict(ErrorRecord.objects.filter(state__in=OPEN_STATES).values_list("entity_id", "message"))


def is_quiet() -> bool:
    return not Stream.objects.filter(due_since__isnull=False).exists()


class TestOfSubjects:
    """General encounters of Avni, of subjects nobody has seen."""

    @pytest.fixture
    def good(self, world: World) -> list[str]:
        return [world.subject(str(1001 + number)) for number in range(PAIRS)]

    @pytest.fixture
    def nameless(self, world: World) -> list[str]:
        """Subjects without a number: they do not get through before somebody gives them one."""
        return [world.subject(None) for _ in range(2)]

    @pytest.fixture
    def voided(self, world: World) -> str:
        return world.subject("2001", voided=True)

    @pytest.fixture
    def hidden(self, world: World) -> str:
        """A subject Avni does not show us, although it shows its encounters."""
        subject = world.subject("2002")
        not_found(world.avni_server, f"/api/subject/{subject}")
        return subject

    @pytest.fixture
    def household(self, world: World) -> str:
        """A subject of another type, which even has a number."""
        return world.subject("2003", subject_type="Household")

    @pytest.fixture
    def visits(
        self, world: World, good: list[str], nameless: list[str], voided: str, hidden: str, household: str
    ) -> dict[str, list[str]]:
        """Sixty new encounters by their subjects, all handed over that can be."""
        world.switch_on(StartPolicy.RECENT)
        visits = {subject: new(world, subject) for subject in (*good, *nameless, voided, hidden, household)}
        world.reset_counts()
        for _ in range(2):  # what came to the hospital comes back as its patients
            world.sync()
        return visits

    def test_each_that_can_get_through_does_so_once_and_to_its_own_patient(
        self, world: World, visits: dict[str, list[str]], good: list[str]
    ) -> None:
        for number, subject in enumerate(good, start=1001):
            there = in_bahmni(world, str(number))
            markers = tuple(sorted((subject, *visits[subject])))
            assert there == InBahmni(1, 1, 1 + EACH, 1 + EACH, {}, markers)
        assert len(world.bahmni.patients) == PAIRS

    def test_every_subject_is_asked_for_once_and_what_waits_costs_nothing_more(
        self, world: World, visits: dict[str, list[str]]
    ) -> None:
        assert world.avni_server.counts[SUBJECT] == len(visits) - 1  # the encounter itself says that it is a household
        world.reset_counts()
        world.sync()
        assert set(world.avni_server.counts) == {("GET", "/api/subjects"), ("GET", "/api/encounters")}
        assert world.writes == 0

    def test_nothing_stays_due_and_every_change_is_accounted_for(
        self, world: World, visits: dict[str, list[str]]
    ) -> None:
        assert is_quiet()
        assert all(run.read == run.finished_changes for run in Run.objects.all())

    def test_each_that_has_to_wait_says_what_for(
        self, world: World, visits: dict[str, list[str]], nameless: list[str], voided: str, hidden: str
    ) -> None:
        expected = {visit: "bahmni.subject-not-yet" for one in (*nameless, voided, hidden) for visit in visits[one]}
        assert waiting() == expected | dict.fromkeys(nameless, "bahmni.subject-id-null")

    def test_an_encounter_of_a_household_is_a_counted_skip_and_the_household_no_patient(
        self, world: World, visits: dict[str, list[str]], household: str
    ) -> None:
        reasons = Link.objects.filter(source_id__in=visits[household]).values_list("outcome", "reason")
        assert Counter(reasons) == {("skipped", "bahmni.not-of-a-patient"): EACH}
        assert in_bahmni(world, "2003") == InBahmni()

    def test_asking_again_for_what_waits_finds_nothing_new_and_ends(
        self, world: World, visits: dict[str, list[str]], nameless: list[str]
    ) -> None:
        before = waiting()
        world.reset_counts()
        retry_all()
        world.sync()
        assert world.avni_server.counts[SUBJECT] == len(nameless)  # their own retries
        assert (waiting(), is_quiet(), world.writes) == (before, True, 0)

    def test_what_waits_follows_when_its_subject_is_put_right(
        self, world: World, visits: dict[str, list[str]], nameless: list[str], voided: str
    ) -> None:
        at = a_minute_later(world)
        for number, subject in enumerate(nameless, start=3001):
            world.avni.edit_subject(subject, observations={NUMBER: str(number)}, at=at)
        world.avni.edit_subject(voided, voided=False, at=at)
        world.sync("subject")
        for number, subject in (("3001", nameless[0]), ("3002", nameless[1]), ("2001", voided)):
            markers = tuple(sorted((subject, *visits[subject])))
            assert in_bahmni(world, number) == InBahmni(1, 1, 1 + EACH, 1 + EACH, {}, markers)
        assert is_quiet()


class TestOfPatients:
    """Encounters of the hospital, of patients no event told of."""

    @pytest.fixture
    def clinic(self, world: World) -> Clinic:
        return open_clinic(world)

    @pytest.fixture
    def good(self, world: World) -> dict[str, str]:
        """Patients by their subjects."""
        numbers = [str(1001 + number) for number in range(PAIRS)]
        return {world.subject(number): world.patient(number) for number in numbers}

    @pytest.fixture
    def alone(self, world: World) -> list[str]:
        """Patients whose subjects nobody has registered yet."""
        return [world.patient(number) for number in ("3001", "3002")]

    @pytest.fixture
    def voided(self, world: World) -> str:
        world.subject("2001")
        return world.patient("2001")

    @pytest.fixture
    def hidden(self, world: World) -> str:
        """A patient the hospital does not show us, although it shows the encounters."""
        world.subject("2002")
        patient = world.patient("2002")
        unknown = {"error": {"message": "Object with given uuid doesn't exist [null]", "code": "", "detail": ""}}
        not_found(world.bahmni_server, f"{REST}/patient/{patient}", unknown)
        return patient

    @pytest.fixture
    def stranger(self, world: World) -> str:
        """A patient outside the programme."""
        return world.bahmni.hospital_create_patient(
            "Ravi", "Kumar", "GAN7", identifier_type=catalogue.PATIENT_IDENTIFIER
        ).uuid

    @pytest.fixture
    def seen(
        self,
        world: World,
        clinic: Clinic,
        good: dict[str, str],
        alone: list[str],
        voided: str,
        hidden: str,
        stranger: str,
    ) -> dict[str, list[str]]:
        """Sixty new encounters by their patients, all handed over that can be."""
        world.switch_on(StartPolicy.RECENT)
        patients = (*good.values(), *alone, voided, hidden, stranger)
        seen = {
            patient: [clinic.fill_in(patient, clinic.form("Vitals", Pulse=60 + number)) for number in range(EACH)]
            for patient in patients
        }
        world.bahmni.void_patient(voided)
        world.reset_counts()
        world.sync()
        return seen

    def test_each_that_can_get_through_does_so_once_and_to_its_own_subject(
        self, world: World, clinic: Clinic, seen: dict[str, list[str]], good: dict[str, str]
    ) -> None:
        for subject, patient in good.items():
            forms = [{MARKER: encounter, "Pulse": 60 + number} for number, encounter in enumerate(seen[patient])]
            assert by_pulse(clinic, subject) == forms
            assert in_avni(world, subject) == InAvni(1, ({MARKER: patient},))
            assert len(world.avni.encounters_of(subject)) == 1 + EACH

    def test_every_patient_is_asked_for_once_and_what_waits_costs_nothing_more(
        self, world: World, seen: dict[str, list[str]]
    ) -> None:
        assert world.bahmni_server.counts[PATIENT] == PAIRS + 3  # of a voided one and a stranger the encounter tells
        world.reset_counts()
        world.sync()
        assert world.bahmni_server.counts[PATIENT] == 0
        assert world.writes == 0

    def test_nothing_stays_due_and_every_change_is_accounted_for(
        self, world: World, seen: dict[str, list[str]]
    ) -> None:
        assert is_quiet()
        assert all(run.read == run.finished_changes for run in Run.objects.all())

    def test_each_that_has_to_wait_says_what_for(
        self, world: World, seen: dict[str, list[str]], alone: list[str], voided: str, hidden: str
    ) -> None:
        unregistered = {one: "bahmni.patient-not-yet" for patient in (*alone, hidden) for one in seen[patient]}
        of_voided = dict.fromkeys(seen[voided], "bahmni.patient-of-encounter-voided")
        assert waiting() == unregistered | of_voided | dict.fromkeys(alone, "bahmni.no-subject")

    def test_asking_again_for_what_waits_finds_nothing_new_and_ends(
        self, world: World, seen: dict[str, list[str]], alone: list[str], hidden: str
    ) -> None:
        before = waiting()
        world.reset_counts()
        retry_all()
        world.sync()
        assert world.bahmni_server.counts[PATIENT] == len(alone) + 1  # their own retries, and the hidden one again
        assert (waiting(), is_quiet(), world.writes) == (before, True, 0)

    def test_what_waits_follows_when_its_patient_gets_a_subject_or_comes_back(
        self, world: World, clinic: Clinic, seen: dict[str, list[str]], alone: list[str], voided: str
    ) -> None:
        at = a_minute_later(world)
        subjects = [world.subject(number, at=at) for number in ("3001", "3002")]
        world.bahmni.unvoid_patient(voided)
        retry_all()  # no event tells that a patient is back
        world.sync("subject")
        for subject, patient in zip(subjects, alone, strict=True):
            assert [form[MARKER] for form in by_pulse(clinic, subject)] == seen[patient]
        back = world.link("patient", voided).target_parent_id
        assert [form[MARKER] for form in by_pulse(clinic, back)] == seen[voided]
        assert is_quiet()


def by_pulse(clinic: Clinic, subject: str) -> list[dict[str, object]]:
    return sorted(clinic.in_avni(subject)[VITALS], key=lambda form: str(form["Pulse"]))
