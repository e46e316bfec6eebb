"""The state of the simulated Avni: kept, loaded, started alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import requests

from simulators.avni import AvniStore


def filled() -> AvniStore:
    store = AvniStore()
    store.add_user("integration@demo", "secret")
    store.add_subject_type("Individual")
    store.add_encounter_type("Home visit")
    store.add_concept("Blood group", "Coded", answers=["A", "B"])
    village = store.add_location("रामपुर", "Village")
    made = store.put_subject(
        subject_type="Individual", first_name="आशा", location=village.uuid, observations={"Blood group": "A"}
    )
    store.put_encounter(encounter_type="Home visit", subject=made.uuid, external_id="e-1", earliest_ms=5)
    store.add_program("Pregnancy")
    enrolled = store.put_enrolment(program="Pregnancy", subject=made.uuid, exit_observations={"Blood group": "B"})
    store.put_program_encounter(encounter_type="Home visit", enrolment=enrolled.uuid, cancel_ms=7, encounter_ms=None)
    store.put_membership(group=made.uuid, member=made.uuid, role="Head")
    store.put_approval(entity=enrolled.uuid, status="Rejected", comment="no")
    return store


def test_a_state_survives_being_written_as_json() -> None:
    before = filled()
    after = AvniStore()
    after.load(json.loads(json.dumps(before.dump())))
    assert after.dump() == before.dump()


def test_a_loaded_state_goes_on_with_fresh_database_ids() -> None:
    after = AvniStore()
    after.load(filled().dump())
    [old] = after.subjects.values()
    assert after.put_subject(subject_type="Individual", first_name="Ravi").seq == old.seq + 1


def test_what_belongs_together_is_known_again_after_loading() -> None:
    after = AvniStore()
    after.load(filled().dump())
    [owner] = after.subjects
    [enrolled] = after.enrolments_of(owner)
    assert len(after.program_encounters_of(enrolled)) == 1
    assert len(after.records_of(owner)) == 5


def test_an_edit_lays_observations_over_and_keeps_the_rest() -> None:
    store = filled()
    store.add_concept("Height", "Numeric")
    [row] = store.subjects.values()
    edited = store.edit_subject(row.uuid, observations={"Height": 150}, last_name="Devi")
    assert edited.observations == row.observations | {list(edited.observations)[-1]: 150}
    assert (edited.first_name, edited.last_name) == ("आशा", "Devi")


def test_it_starts_alone_with_a_state_and_stops_when_told(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps(filled().dump()), encoding="utf-8")
    command = [sys.executable, "-m", "simulators.avni", "--port", "0", "--state", str(state)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        given = {"username": "integration@demo", "password": "secret"}
        token = requests.post(base_url + "/api/user/generateToken", json=given, timeout=10).json()["authToken"]
        page = requests.get(base_url + "/api/encounters", headers={"AUTH-TOKEN": token}, timeout=10).json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert [row["External ID"] for row in page["content"]] == ["e-1"]
