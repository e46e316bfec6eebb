"""A hand that types requests at the simulated hospital, and the words the tests share."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

FIXTURES = Path(__file__).parents[2] / "fixtures" / "openmrs"

WEIGHT = "aaaa0000-0000-4000-8000-000000000001"
NOTE = "aaaa0000-0000-4000-8000-000000000002"
FORM = "aaaa0000-0000-4000-8000-000000000003"
COMPLAINT = "aaaa0000-0000-4000-8000-000000000004"
FEVER = "aaaa0000-0000-4000-8000-000000000005"
COUGH = "aaaa0000-0000-4000-8000-000000000006"
ONSET = "aaaa0000-0000-4000-8000-000000000007"
SEEN_AT = "aaaa0000-0000-4000-8000-000000000008"
PREGNANT = "aaaa0000-0000-4000-8000-000000000009"
CHILDREN = "aaaa0000-0000-4000-8000-000000000010"
PARACETAMOL = "aaaa0000-0000-4000-8000-000000000011"
PARACETAMOL_500 = "aaaa0000-0000-4000-8000-000000000012"
GROUP = "aaaa0000-0000-4000-8000-000000000013"
HAEMOGLOBIN = "aaaa0000-0000-4000-8000-000000000014"
PLATELETS = "aaaa0000-0000-4000-8000-000000000015"
BLOOD_COUNT = "aaaa0000-0000-4000-8000-000000000016"
CLASS_TYPE = "bbbb0000-0000-4000-8000-000000000001"
PHONE_TYPE = "bbbb0000-0000-4000-8000-000000000002"
AVNI_UUID_TYPE = "bbbb0000-0000-4000-8000-000000000003"
PATIENT = "cccc0000-0000-4000-8000-000000000001"
VISIT = "cccc0000-0000-4000-8000-000000000002"
ENCOUNTER = "cccc0000-0000-4000-8000-000000000003"

USER, PASSWORD = "integration", "secret"


class Clock:
    """A clock that stands still until told to move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Http:
    """Requests against one base URL, with or without cookies and Basic."""

    def __init__(self, base: str, *, user: str | None = USER, password: str = PASSWORD) -> None:
        self.base = base
        self.session = requests.Session()
        if user is not None:
            self.session.auth = (user, password)

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        url = f"{self.base}/openmrs{path}"
        return self.session.request(method, url, json=body, timeout=10, **more)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self("GET", f"/ws/rest/v1{path}", params=params)

    def post(self, path: str, body: Any = None, **params: Any) -> requests.Response:
        return self("POST", f"/ws/rest/v1{path}", body if body is not None else {}, params=params)

    def delete(self, path: str, **params: Any) -> requests.Response:
        return self("DELETE", f"/ws/rest/v1{path}", params=params)

    def feed(self, path: str, **more: Any) -> requests.Response:
        return self("GET", f"/ws/atomfeed/{path}", **more)


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def uuids(response: requests.Response) -> list[str]:
    """The uuids of a page of results."""
    assert response.status_code == 200, response.text
    return [row["uuid"] for row in response.json()["results"]]


def field_codes(response: requests.Response) -> list[tuple[str, str]]:
    """(field, code) of every complaint in a validation answer."""
    assert response.status_code == 400, response.text
    errors = response.json()["error"]["fieldErrors"]
    return [(field, each["code"]) for field, found in errors.items() for each in found]


def global_codes(response: requests.Response) -> list[str]:
    assert response.status_code == 400, response.text
    return [each["code"] for each in response.json()["error"]["globalErrors"]]


def message(response: requests.Response) -> str:
    return str(response.json()["error"]["message"])
