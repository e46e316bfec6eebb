"""What people changed on the other side is never written over without a person: rule 9, in both directions."""

from __future__ import annotations

import pytest

from errors.models import ErrorRecord, ErrorState
from errors.specs import Move
from tests.flow.clinic import VITALS, Clinic
from tests.flow.deciding import answer_row, clinician_answers, clinician_removes, decide, held, is_waiting, settled
from tests.flow.test_patient_to_subject import registrations
from tests.flow.world import MARKER, World

CHANGED = "bahmni.changed-by-somebody"
ANSWERS = {"Height": 150, "Occupation": "Weaver"}


class TestInBahmni:
    """A clinician changed what came from Avni."""

    @pytest.fixture
    def subject(self, world: World) -> str:
        subject = world.subject("1001", observations=ANSWERS)
        world.sync("subject")
        return subject

    @staticmethod
    def there(world: World, subject: str) -> str:
        return world.link("subject", subject).target_id

    @staticmethod
    def edited(world: World, subject: str, **answers: object) -> None:
        world.avni.edit_subject(subject, observations=answers, at=world.moment())
        world.sync("subject")

    def test_what_a_clinician_answered_otherwise_is_held_and_named(self, world: World, subject: str) -> None:
        clinician_answers(world, self.there(world, subject), "Height", 155)
        self.edited(world, subject, Height=151)
        assert is_waiting(subject, CHANGED)
        assert held(subject).params == {"who": "Somebody at the hospital", "questions": "Height"}
        assert world.held(self.there(world, subject))["Height"] == [155]

    def test_it_is_held_when_another_answer_changed_in_avni(self, world: World, subject: str) -> None:
        clinician_answers(world, self.there(world, subject), "Height", 155)
        self.edited(world, subject, Occupation="Potter")
        assert is_waiting(subject, CHANGED)

    def test_it_is_held_whether_or_not_the_hospital_notes_the_edit_on_the_encounter(
        self, world: World, subject: str
    ) -> None:
        world.bahmni.settings.audit_on_obs_edit = False
        clinician_answers(world, self.there(world, subject), "Height", 155)
        self.edited(world, subject, Height=151)
        assert is_waiting(subject, CHANGED)

    def test_what_a_clinician_took_out_is_held(self, world: World, subject: str) -> None:
        clinician_removes(world, self.there(world, subject), "Height")
        self.edited(world, subject, Occupation="Potter")
        assert is_waiting(subject, CHANGED)
        assert held(subject).params["questions"] == "Height"

    def test_what_a_clinician_set_to_what_is_wanted_is_no_trouble(self, world: World, subject: str) -> None:
        clinician_answers(world, self.there(world, subject), "Height", 151)
        self.edited(world, subject, Height=151, Occupation="Potter")
        assert not ErrorRecord.objects.exists()
        assert world.held(self.there(world, subject)) == {"Height": [151], "Occupation": ["Potter"]}

    def test_what_a_clinician_wrote_beside_our_answers_holds_nothing(self, world: World, subject: str) -> None:
        question = world.bahmni.add_concept("Remark of the ward", "Text").uuid
        row = answer_row(world, self.there(world, subject), "Height")
        group = world.bahmni.obs[row.group or ""]
        world.bahmni.hospital_save_encounter(
            uuid=self.there(world, subject),
            obs=[{"uuid": group.uuid, "concept": group.concept, "groupMembers": [{"concept": question, "value": "x"}]}],
        )
        self.edited(world, subject, Height=151)
        assert not ErrorRecord.objects.exists()
        assert world.held(self.there(world, subject))["Height"] == [151]

    def test_our_own_answers_seen_again_are_nobody_elses(self, world: World, subject: str) -> None:
        for height in (151, 152, 153):
            self.edited(world, subject, Height=height)
        assert not ErrorRecord.objects.exists()

    def test_a_question_mapped_later_makes_nothing_of_ours_foreign(self, world: World, subject: str) -> None:
        world.concept("Village", "Text", "Text")
        self.edited(world, subject, Village="Nilambur", Height=151)
        assert not ErrorRecord.objects.exists()

    def test_take_avnis_writes_it_over(self, world: World, subject: str) -> None:
        clinician_answers(world, self.there(world, subject), "Height", 155)
        self.edited(world, subject, Height=151)
        assert decide(world, subject, Move.SOURCE).state == ErrorState.RESOLVED
        assert world.held(self.there(world, subject))["Height"] == [151]
        assert settled(world)

    def test_take_bahmnis_leaves_it_and_lets_all_else_through(self, world: World, subject: str) -> None:
        clinician_answers(world, self.there(world, subject), "Height", 155)
        self.edited(world, subject, Occupation="Potter")
        assert decide(world, subject, Move.TARGET).state == ErrorState.RESOLVED
        assert world.held(self.there(world, subject)) == {"Height": [155], "Occupation": ["Potter"]}
        assert settled(world)

    def test_take_bahmnis_lasts_until_either_side_changes_that_answer(self, world: World, subject: str) -> None:
        clinician_answers(world, self.there(world, subject), "Height", 155)
        self.edited(world, subject, Occupation="Potter")
        decide(world, subject, Move.TARGET)
        self.edited(world, subject, Occupation="Smith")
        assert world.held(self.there(world, subject)) == {"Height": [155], "Occupation": ["Smith"]}
        self.edited(world, subject, Height=160)
        assert is_waiting(subject, CHANGED)

    def test_a_void_takes_nothing_along_that_a_clinician_answered(self, world: World, subject: str) -> None:
        clinician_answers(world, self.there(world, subject), "Height", 155)
        world.avni.void_subject(subject, at=world.moment())
        world.sync("subject")
        assert is_waiting(subject, CHANGED)
        decide(world, subject, Move.SOURCE)
        assert world.bahmni.encounters[self.there(world, subject)].voided

    def test_without_a_memory_what_another_account_wrote_is_held(self, world: World, subject: str) -> None:
        clinician_answers(world, self.there(world, subject), "Height", 155)
        link = world.link("subject", subject)
        link.left = {}
        link.save()
        self.edited(world, subject, Height=151)
        assert is_waiting(subject, CHANGED)

    def test_without_a_memory_what_we_wrote_is_ours(self, world: World, subject: str) -> None:
        link = world.link("subject", subject)
        link.left = {}
        link.save()
        self.edited(world, subject, Height=151)
        assert not ErrorRecord.objects.exists()

    def test_a_date_the_hospital_moved_holds_nothing_while_its_answers_are_ours(self, world: World) -> None:
        world.household_visits()
        encounter = world.household_visit(world.subject("1001"), observations=ANSWERS)
        world.sync()
        there = world.link("general-encounter", encounter).target_id
        world.bahmni.hospital_save_encounter(uuid=there, encounterDatetime="2026-01-06T10:00:00.000+0530")
        world.avni.edit_encounter(encounter, observations={"Height": 151}, at=world.moment())
        world.sync()
        assert not ErrorRecord.objects.exists()
        assert world.held(there)["Height"] == [151]


class TestInPrograms:
    """A clinician changed what came from an enrolment of Avni."""

    @pytest.fixture
    def enrolment(self, world: World) -> str:
        world.programs()
        exited = {"exit_ms": 1_768_200_000_000, "exit_observations": {"Occupation": "Weaver"}}
        enrolment = world.enrolment(world.subject("1001"), observations={"Height": 150}, **exited)
        world.sync()
        return enrolment

    @staticmethod
    def edited(world: World, enrolment: str, **changes: object) -> None:
        world.avni.edit(enrolment, at=world.moment(), **changes)
        world.sync()

    def test_an_exit_undone_takes_nothing_along_that_a_clinician_answered(self, world: World, enrolment: str) -> None:
        there = world.link("enrolment", enrolment).other_targets["exit"]
        clinician_answers(world, there, "Occupation", "Potter")
        self.edited(world, enrolment, exit_ms=None, exit_observations={"Occupation": None})
        assert is_waiting(enrolment, CHANGED)
        assert not world.bahmni.encounters[there].voided
        decide(world, enrolment, Move.SOURCE)
        assert world.bahmni.encounters[there].voided

    def test_a_voided_enrolment_takes_nothing_along_that_a_clinician_answered(
        self, world: World, enrolment: str
    ) -> None:
        there = world.link("enrolment", enrolment).target_id
        clinician_answers(world, there, "Height", 155)
        self.edited(world, enrolment, voided=True)
        assert is_waiting(enrolment, CHANGED)
        assert not world.bahmni.encounters[there].voided
        decide(world, enrolment, Move.SOURCE)
        assert world.bahmni.encounters[there].voided

    def test_the_visit_of_a_voided_enrolment_stays_with_an_answer_of_a_clinicians_in_a_program_encounter(
        self, world: World, enrolment: str
    ) -> None:
        check_up = world.check_up(enrolment, observations={"Height": 151})
        world.sync()
        there = world.link("program-encounter", check_up).target_id
        clinician_answers(world, there, "Height", 155)
        self.edited(world, enrolment, voided=True)
        assert world.bahmni.encounters[world.link("enrolment", enrolment).target_id].voided
        assert world.held(there) == {"Height": [155]}
        assert not world.bahmni.visits[world.bahmni.encounters[there].visit or ""].voided


class TestInAvni:
    """The field team changed what came from Bahmni."""

    @pytest.fixture
    def encounter(self, world: World, clinic: Clinic) -> str:
        self.subject, patient = world.subject("1001"), world.patient("1001")
        encounter = clinic.fill_in(patient, clinic.form("Vitals", Pulse=72, Advice="rest"))
        world.sync()
        return encounter

    @staticmethod
    def there(world: World, encounter: str) -> str:
        return world.link("encounter", encounter).target_id

    def field_team(self, world: World, encounter: str, **answers: object) -> None:
        world.avni.edit_encounter(self.there(world, encounter), observations=answers, at=world.moment())

    def changed(self, world: World, clinic: Clinic, encounter: str, question: str, value: object) -> None:
        clinic.change(encounter, clinic.answer(encounter, question, value))
        world.sync("encounter")

    def test_what_the_field_team_answered_otherwise_is_held_and_named(
        self, world: World, clinic: Clinic, encounter: str
    ) -> None:
        self.field_team(world, encounter, Pulse=80)
        self.changed(world, clinic, encounter, "Advice", "walk")
        assert is_waiting(encounter, CHANGED)
        assert held(encounter).params == {"who": "Somebody of the field team", "questions": "Pulse"}
        assert clinic.in_avni(self.subject)[VITALS][0]["Pulse"] == 80

    def test_their_own_questions_hold_nothing(self, world: World, clinic: Clinic, encounter: str) -> None:
        world.avni.add_concept("Remark", "Text")
        self.field_team(world, encounter, Remark="was asleep")
        self.changed(world, clinic, encounter, "Pulse", 90)
        assert not ErrorRecord.objects.exists()
        assert clinic.in_avni(self.subject)[VITALS] == [
            {MARKER: encounter, "Pulse": 90, "Advice": "rest", "Remark": "was asleep"}
        ]

    def test_what_they_set_to_what_is_wanted_is_no_trouble(self, world: World, clinic: Clinic, encounter: str) -> None:
        self.field_team(world, encounter, Pulse=90)
        self.changed(world, clinic, encounter, "Pulse", 90)
        assert not ErrorRecord.objects.exists()

    def test_take_bahmnis_writes_it_over(self, world: World, clinic: Clinic, encounter: str) -> None:
        self.field_team(world, encounter, Pulse=80)
        self.changed(world, clinic, encounter, "Advice", "walk")
        assert decide(world, encounter, Move.SOURCE).state == ErrorState.RESOLVED
        assert clinic.in_avni(self.subject)[VITALS] == [{MARKER: encounter, "Pulse": 72, "Advice": "walk"}]
        assert settled(world)

    def test_take_avnis_leaves_it_and_lets_all_else_through(self, world: World, clinic: Clinic, encounter: str) -> None:
        self.field_team(world, encounter, Pulse=80)
        self.changed(world, clinic, encounter, "Advice", "walk")
        decide(world, encounter, Move.TARGET)
        assert clinic.in_avni(self.subject)[VITALS] == [{MARKER: encounter, "Pulse": 80, "Advice": "walk"}]
        assert settled(world)
        self.changed(world, clinic, encounter, "Pulse", 99)
        assert is_waiting(encounter, CHANGED)

    def test_a_form_taken_out_takes_nothing_along_that_the_field_team_answered(
        self, world: World, clinic: Clinic, encounter: str
    ) -> None:
        self.field_team(world, encounter, Pulse=80)
        clinic.change(encounter, clinic.taken_out(encounter, "Vitals"))
        world.sync("encounter")
        assert is_waiting(encounter, CHANGED)
        decide(world, encounter, Move.SOURCE)
        assert clinic.in_avni(self.subject) == {}
        assert settled(world)

    def test_of_a_form_filled_in_twice_one_goes_though_they_took_an_answer_out_of_it(
        self, world: World, clinic: Clinic, encounter: str
    ) -> None:
        second = self.second_time(world, clinic, encounter)
        world.avni.edit_encounter(second, observations={"Advice": None}, at=world.moment())
        self.second_taken_out(world, clinic, encounter)
        assert not ErrorRecord.objects.exists()
        assert clinic.in_avni(self.subject)[VITALS] == [{MARKER: encounter, "Pulse": 72, "Advice": "rest"}]

    def test_of_a_form_filled_in_twice_one_takes_nothing_along_that_they_answered_as_the_other_says(
        self, world: World, clinic: Clinic, encounter: str
    ) -> None:
        second = self.second_time(world, clinic, encounter)
        world.avni.edit_encounter(second, observations={"Pulse": 72, "Advice": "rest"}, at=world.moment())
        self.second_taken_out(world, clinic, encounter)
        assert is_waiting(encounter, CHANGED)
        assert not world.avni.encounters[second].voided

    @staticmethod
    def second_time(world: World, clinic: Clinic, encounter: str) -> str:
        """The form is filled in once more; gives what stands for that in Avni."""
        clinic.change(encounter, clinic.form("Vitals", Pulse=90, Advice="walk"))
        world.sync("encounter")
        return str(world.link("encounter", encounter).other_targets[clinic.concepts["Vitals"] + "#2"])

    @staticmethod
    def second_taken_out(world: World, clinic: Clinic, encounter: str) -> None:
        tops = [row for row in world.bahmni.obs_of(encounter) if row.concept == clinic.concepts["Vitals"]]
        clinic.change(encounter, {"uuid": tops[1].uuid, "concept": tops[1].concept, "voided": True})
        world.sync("encounter")

    def test_without_a_memory_nothing_tells_their_answers_from_ours(
        self, world: World, clinic: Clinic, encounter: str
    ) -> None:
        link = world.link("encounter", encounter)
        link.left = {}
        link.save()
        self.field_team(world, encounter, Pulse=80)
        self.changed(world, clinic, encounter, "Advice", "walk")
        assert clinic.in_avni(self.subject)[VITALS] == [{MARKER: encounter, "Pulse": 72, "Advice": "walk"}]

    def test_a_registration_they_changed_is_held(self, world: World) -> None:
        subject, patient = world.subject("1001"), world.patient("1001", attributes={"Caste": "Toda"})
        world.sync()
        there = world.link("patient", patient).target_id
        world.avni.edit_encounter(there, observations={"Caste [HP]": "Kota"}, at=world.moment())
        world.bahmni.hospital_edit_attribute(patient, world.attributes["Caste"], "Irula")
        world.sync("patient")
        assert is_waiting(patient, CHANGED)
        decide(world, patient, Move.TARGET)
        assert registrations(world, subject) == [{MARKER: patient, "Caste [HP]": "Kota"}]
        assert settled(world)
