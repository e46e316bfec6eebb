"""A clock the tests move, and a caller that speaks to the simulator over its socket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from simulators.avni import AvniStore, EnrolmentRow, ProgramEncounterRow, SubjectRow

NOON = datetime(2024, 6, 18, 12, 0, tzinfo=UTC)
EPOCH = "1900-01-01T00:00:00.000Z"
OWN_FIXTURES = Path(__file__).parents[2] / "fixtures" / "avni"


def ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def fixture(name: str) -> Any:
    return json.loads((OWN_FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


class Clock:
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Caller:
    """One signed-in user; every call is one request and returns the raw answer."""

    base_url: str
    headers: dict[str, str]

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        return requests.request(method, self.base_url + path, params=query, json=body, headers=self.headers, timeout=10)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.call(method, path, body, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, path: str, **query: Any) -> list[str]:
        return [row["ID"] for row in self.get(path, **query)["content"]]


def sign_in(base_url: str, username: str, password: str) -> Caller:
    answer = requests.post(
        base_url + "/api/user/generateToken", json={"username": username, "password": password}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    return Caller(base_url, {"AUTH-TOKEN": answer.json()["authToken"]})


def subject(store: AvniStore, first_name: str = "Asha", **fields: Any) -> SubjectRow:
    """A stored person with the least a person has."""
    least = {"subject_type": "Individual", "gender": "Female", "registration_date": "2024-02-03"}
    return store.put_subject(first_name=first_name, **(least | fields))


def subject_body(**keys: Any) -> dict[str, Any]:
    """A request for a person that the server accepts."""
    least = {
        "Subject type": "Individual",
        "First name": "Asha",
        "Gender": "Female",
        "Registration date": "2024-02-03",
        "observations": {},
    }
    return least | keys


def encounter_body(owner: str, **keys: Any) -> dict[str, Any]:
    """A request for an encounter that the server accepts."""
    least = {
        "Encounter type": "Home visit",
        "Subject ID": owner,
        "Encounter date time": "2024-04-02T04:10:00.000Z",
        "observations": {},
        "cancelObservations": {},
    }
    return least | keys


def enrolment(store: AvniStore, owner: str, **fields: Any) -> EnrolmentRow:
    """A stored enrolment with the least an enrolment has."""
    return store.put_enrolment(**({"program": "Pregnancy", "subject": owner} | fields))


def enrolment_body(owner: str, **keys: Any) -> dict[str, Any]:
    """A request for an enrolment that the server accepts."""
    least = {
        "Program": "Pregnancy",
        "Subject ID": owner,
        "Enrolment datetime": "2024-03-01T06:30:00.000Z",
        "observations": {},
        "exitObservations": {},
    }
    return least | keys


def program_encounter(store: AvniStore, enrolled: str, **fields: Any) -> ProgramEncounterRow:
    """A stored program encounter with the least one has."""
    return store.put_program_encounter(**({"encounter_type": "ANC Visit", "enrolment": enrolled} | fields))


def program_encounter_body(enrolled: str, **keys: Any) -> dict[str, Any]:
    """A request for a program encounter that the server accepts."""
    least = {
        "Encounter type": "ANC Visit",
        "Enrolment ID": enrolled,
        "Encounter date time": "2024-04-02T04:10:00.000Z",
        "observations": {},
        "cancelObservations": {},
    }
    return least | keys
