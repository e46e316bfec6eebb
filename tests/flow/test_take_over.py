"""An installation of the Java service is taken over: nothing is replayed, nothing is doubled, everything goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from bahmni.takeover.trails import trails
from common.http_errors import RemoteError
from engine import adopting, brake, lease, moves
from errors.models import ErrorRecord, ErrorState
from syncstatus.models import Flow, Link, Run, RunKind, StartPolicy
from tenants.audit import SYSTEM
from tenants.models import Connection, Tenant
from tenants.scoping import all_tenants, tenant_scope
from tenants.secrets import Secret
from tests.flow.java_service import JavaDatabase, java_database
from tests.flow.java_service_wrote import JavaService
from tests.flow.outpatients import Outpatients, open_outpatients
from tests.flow.world import NUMBER, World, small_world

pytestmark = pytest.mark.django_db


@dataclass
class Installation:
    """A pair of servers that a Java service joined until now, and its database."""

    world: World
    hospital: Outpatients
    service: JavaService
    java: JavaDatabase
    ids: dict[str, str]
    """One record of every type, by name; beside each what stands for it."""

    def rows(self) -> Counter[str]:
        """How many records there are on both sides, voided ones too."""
        avni, bahmni = self.world.avni, self.world.bahmni
        tables = {
            "subjects": avni.subjects, "encounters": avni.encounters, "enrolments": avni.enrolments,
            "program encounters": avni.program_encounters, "patients": bahmni.patients, "visits": bahmni.visits,
            "hospital encounters": bahmni.encounters,
        }  # fmt: skip
        return Counter({name: len(table) for name, table in tables.items()})

    def bring_in(self) -> None:
        call_command("import_java_service", "taken", "--database", self.java.address)

    @contextmanager
    def taken(self) -> Iterator[Tenant]:
        """Take the installation over into a tenant of its own, links and all, and switch it on."""
        self.prepare()
        with tenant_scope(self.world.tenant):
            call_command("find_links", "taken")
            self.switch_on()
            self.world.reset_counts()
            yield self.world.tenant

    def prepare(self) -> None:
        """Bring the database in, and enter the addresses of the two servers."""
        before = self.world.tenant
        self.bring_in()
        tenant = _tenant("taken")
        with tenant_scope(before):
            rows = {row.side: row for row in Connection.objects.filter(tenant=before)}
        with tenant_scope(tenant):
            Connection.objects.filter(tenant=tenant).delete()
            for side, row in rows.items():
                Connection.objects.create(
                    tenant=tenant, side=side, base_url=row.base_url, sign_in=row.sign_in, username=row.username,
                    secret=Secret.of("secret"), max_parallel=row.max_parallel,  # type: ignore[misc]
                )  # fmt: skip
        self.world.tenant = _tenant("taken")

    def switch_on(self) -> None:
        for flow in Flow.objects.filter(tenant=self.world.tenant).order_by("key"):
            moves.switch_on(flow, start_policy=StartPolicy.RECENT, actor=SYSTEM)
        self.world.rest()

    def sync(self) -> None:
        self.world.tenant.refresh_from_db()
        self.world.sync()


def _tenant(name: str) -> Tenant:
    with all_tenants():
        return Tenant.objects.get(name=name)


def build(world: World, java: JavaDatabase, layout: str) -> Installation:
    """One person with everything on both sides, and one who came to the hospital before she was registered."""
    world.household_visits()
    world.programs()
    hospital = open_outpatients(world)
    service = JavaService(world, world.bahmni.clock().date().isoformat())
    answers = {"Height": 150, "Occupation": "Weaver", "Marital status": "Married", "Medical problems": ["Asthma"]}
    subject = world.subject("1001", observations=answers)
    registration = service.hand_over_subject(subject)
    walk_in = world.patient("1002", attributes={"Caste": "Toda"})
    other = world.subject("1002")
    service.hand_over_subject(other)
    enrolment = world.enrolment(
        subject, observations={"Height": 151}, exit_ms=millis(world), exit_observations={"Height": 152}
    )
    service.hand_over_enrolment(enrolment)
    check_up = world.check_up(enrolment, observations={"Height": 153})
    service.hand_over_check_up(check_up)
    household_visit = world.household_visit(subject, observations={"Occupation": "Tailor"})
    service.hand_over_household_visit(household_visit)
    patient = service.patients[subject]
    service.register(patient, subject)
    service.register(walk_in, other, Caste="Toda")
    encounter = hospital.seen(walk_in, "Vitals", pulse=72)
    service.hand_over_vitals(encounter, other, Pulse=72)
    antenatal = hospital.seen(walk_in, "Antenatal", pulse=73)
    service.hand_over_antenatal(antenatal, other, Pulse=73)
    prescription = hospital.seen(walk_in)
    hospital.prescribe(prescription)
    day = "-".join(reversed(service.today.split("-")))
    service.hand_over_prescriptions(
        prescription, other, f"Paracetamol 500 mg Tablet(s) - 1 for 5 days - starting {day}"
    )
    results, _ = hospital.tested(walk_in, 74)
    service.hand_over_results(results, other, Pulse=74)
    service.fill(java, layout)
    ids = {
        "subject": subject, "enrolment": enrolment, "program-encounter": check_up, "general-encounter": household_visit,
        "patient": walk_in, "encounter": encounter, "registration": registration, "other": other,
        "program form": antenatal, "prescription": prescription, "results": results,
    }  # fmt: skip
    return Installation(world, hospital, service, java, ids)


def millis(world: World) -> int:
    return int(world.moment().timestamp() * 1000)


@pytest.fixture(params=["old", "new"])
def installation(request: pytest.FixtureRequest, db: None) -> Iterator[Installation]:
    with java_database(request.param, rows=False) as java, small_world() as world:
        yield build(world, java, request.param)


@pytest.fixture
def one(db: None) -> Iterator[Installation]:
    """In the new layout alone, where the layout makes no difference."""
    with java_database("new", rows=False) as java, small_world() as world:
        yield build(world, java, "new")


OF_AVNI = ("subject", "enrolment", "program-encounter", "general-encounter")
OF_BAHMNI = ("patient", "encounter", "program form", "prescription", "results")
TYPES = (*OF_AVNI, *OF_BAHMNI)


def link(installation: Installation, name: str) -> Link:
    stream = name if name in (*OF_AVNI, "patient") else "encounter"
    return installation.world.link(stream, installation.ids[name])


def test_every_record_is_linked_to_what_the_java_service_made_of_it(installation: Installation) -> None:
    with installation.taken():
        assert all(link(installation, name).target_id for name in TYPES)
        assert not ErrorRecord.objects.exists()


def test_the_next_run_replays_nothing(installation: Installation) -> None:
    with installation.taken():
        before = installation.rows()
        installation.sync()
        assert (installation.world.writes, installation.rows()) == (0, before)
        assert not ErrorRecord.objects.exists()


def test_feeds_go_on_behind_the_marker_although_it_names_another_host(one: Installation) -> None:
    with one.taken():
        one.sync()
        assert not Run.objects.filter(stream__key__in=("patient", "encounter")).exclude(kind=RunKind.TAKE_OVER).exists()
        one.world.bahmni.hospital_edit_attribute(one.ids["patient"], one.world.attributes["Caste"], "Kota")
        one.sync()
        assert Run.objects.exclude(kind=RunKind.TAKE_OVER).get(stream__key="patient").read == 1


def edit(installation: Installation, name: str) -> None:
    world, hospital, entity = installation.world, installation.hospital, installation.ids[name]
    if name in OF_AVNI:
        world.avni.edit(entity, observations={"Height": 160}, at=world.moment())
    elif name == "patient":
        world.bahmni.hospital_edit_attribute(entity, world.attributes["Caste"], "Kota")
    elif name == "prescription":
        hospital.prescribe(entity, hospital.neem)
    else:
        hospital.edit(entity, 80)
        hospital.tell(entity)


def void(installation: Installation, name: str) -> None:
    world, entity = installation.world, installation.ids[name]
    if name == "patient":
        world.bahmni.void_patient(entity)
        tell_of_patient(installation)
    elif name in OF_BAHMNI:
        installation.hospital.void(entity)
    else:
        world.avni.void(entity, at=world.moment())


def unvoid(installation: Installation, name: str) -> None:
    world, entity = installation.world, installation.ids[name]
    if name == "patient":
        world.bahmni.unvoid_patient(entity)
    elif name in OF_BAHMNI:
        installation.hospital.unvoid(entity)
    else:
        world.avni.edit(entity, voided=False, at=world.moment())


def tell_of_patient(installation: Installation) -> None:
    """The feed names the patient, which it does not by itself when one is voided."""
    path = f"/openmrs/ws/rest/v1/patient/{installation.ids['patient']}?v=full"
    installation.world.bahmni.publish("patient", "Patient", path)


def test_an_old_record_of_every_type_edited_voided_and_brought_back_makes_no_new_record(
    installation: Installation,
) -> None:
    with installation.taken():
        installation.sync()
        before = installation.rows()
        for name in TYPES:
            for act, outcome in ((edit, "updated"), (void, "voided"), (unvoid, "updated")):
                installation.world.reset_counts()
                act(installation, name)
                installation.sync()
                done = (name, act.__name__, link(installation, name).outcome, installation.world.writes > 0)
                assert done == (name, act.__name__, outcome, True)
                assert (name, act.__name__, installation.rows() - before) == (name, act.__name__, Counter())
            assert not ErrorRecord.objects.exclude(state=ErrorState.RESOLVED).exists()


def test_even_without_links_an_old_record_of_every_type_is_found_by_its_marker(one: Installation) -> None:
    one.prepare()
    with tenant_scope(one.world.tenant):
        one.switch_on()
        before = one.rows()
        for name in TYPES:
            edit(one, name)
            one.sync()
            assert (name, link(one, name).outcome, one.rows() - before) == (name, "updated", Counter())


# -- the search for links ----------------------------------------------------------------------------------------------


def find(installation: Installation, **more: Any) -> Counter[str]:
    return adopting.adopt(installation.world.tenant, trails, **more)


@contextmanager
def prepared(installation: Installation) -> Iterator[None]:
    """Brought in, and the links still to be found."""
    installation.prepare()
    installation.world.reset_counts()
    with tenant_scope(installation.world.tenant):
        yield


def test_the_search_writes_nothing_and_counts_what_it_met(one: Installation) -> None:
    with prepared(one):
        counts = find(one)
        assert one.world.writes == 0
        assert counts[adopting.LINKED] + counts[adopting.DIFFERS] == 11
        assert Link.objects.filter(outcome="unchanged").count() == 11


def test_the_search_costs_at_most_four_requests_for_a_record_beside_the_lists(one: Installation) -> None:
    with prepared(one):
        find(one)
        lists = 9  # a page for each type of record
        assert one.world.avni_server.counts.total() + one.world.bahmni_server.counts.total() <= lists + 11 * 4 + 4


def test_a_second_search_asks_only_for_what_changed_since(one: Installation) -> None:
    with prepared(one):
        find(one)
        before = list(Link.objects.order_by("pk").values())
        one.world.reset_counts()
        counts = find(one)
        assert counts[adopting.LINKED] == 0
        assert list(Link.objects.order_by("pk").values()) == before
        assert one.world.bahmni_server.counts.total() == 0


def test_a_search_that_a_server_ended_goes_on_where_it_was(one: Installation) -> None:
    with prepared(one):
        one.world.bahmni_server.faults.plan("GET", r"/encounter$", "status:503", skip=3, times=1000)
        with pytest.raises(RemoteError):
            find(one)
        found = Link.objects.count()
        assert 0 < found < 11
        one.world.bahmni_server.faults.clear()
        counts = find(one)
        assert Link.objects.filter(outcome="unchanged").count() == 11
        assert counts[adopting.LINKED] + counts[adopting.DIFFERS] == 11 - found


def test_the_search_leaves_a_tenant_alone_that_somebody_works_for(one: Installation) -> None:
    with prepared(one):
        grant = lease.take(one.world.tenant.pk)
        assert grant
        with pytest.raises(SystemExit) as ended:
            call_command("find_links", "taken")
        assert ended.value.code == 4
        grant.release()


def test_a_record_that_the_java_service_passed_by_waits_for_a_person(one: Installation) -> None:
    lost = one.world.subject("1003", at=one.world.born)
    with one.taken():
        record = ErrorRecord.objects.get()
        assert (record.entity_id, record.state, record.message) == (lost, ErrorState.HELD, "engine.taken-over-missing")
        one.sync()
        assert one.world.writes == 0
        moves.retry(ErrorRecord.objects.all(), actor=SYSTEM)
        one.sync()
        assert one.world.link("subject", lost).outcome == "created"


def test_a_record_that_it_had_not_read_yet_is_handed_over_by_the_first_run(one: Installation) -> None:
    new = one.world.subject("1003", at=one.world.moment() + timedelta(days=1))
    with one.taken():
        assert not ErrorRecord.objects.exists()
        one.sync()
        assert one.world.link("subject", new).outcome == "created"


def test_a_number_changed_after_the_take_over_doubles_nobody(one: Installation) -> None:
    with one.taken():
        before = one.rows()
        one.world.avni.edit(one.ids["subject"], observations={NUMBER: "9999"}, at=one.world.moment())
        one.sync()
        assert one.rows() == before
        assert ErrorRecord.objects.get().message == "bahmni.subject-id-changed"


def test_what_was_found_by_its_marker_counts_as_ours_before_the_brake(one: Installation) -> None:
    world = one.world
    subjects = [world.subject(str(number)) for number in range(3000, 3000 + brake.LEAST + 2)]
    for subject in subjects:
        one.service.hand_over_subject(subject)
    one.java.run(
        "UPDATE integrating_entity_status SET read_upto_date_time = %s", (world.moment().replace(tzinfo=None),)
    )
    with one.taken():
        for subject in subjects:
            world.avni.edit(subject, observations={"Height": 171}, at=world.moment())
        one.sync()
        assert {world.link("subject", subject).outcome for subject in subjects} == {"updated"}


def test_an_encounter_of_which_one_form_of_two_was_handed_over_is_linked_by_that_one(one: Installation) -> None:
    with_both = one.hospital.seen(one.ids["patient"], "Vitals", "Vitals", pulse=60)
    there = one.service.hand_over_vitals(with_both, one.ids["other"], Pulse=60)
    with prepared(one):
        find(one)
        link = one.world.link("encounter", with_both)
        assert (link.target_id, list(link.other_targets.values())) == (there, [there])


def test_a_failed_event_is_carried_out_by_the_first_run(one: Installation) -> None:
    encounter = one.hospital.seen(one.ids["patient"], "Vitals", pulse=60)
    one.java.run("DELETE FROM markers")
    one.service.mark(one.java)
    one.java.run(
        "INSERT INTO failed_events (event_content, title) VALUES (%s, 'Encounter')",
        (f"/openmrs/ws/rest/v1/bahmnicore/bahmniencounter/{encounter}?includeAll=true",),
    )
    with one.taken():
        one.sync()
        assert one.world.link("encounter", encounter).outcome == "created"
        assert ErrorRecord.objects.get().state == ErrorState.RESOLVED
