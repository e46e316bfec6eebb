"""The two signed-in clients of a tenant, and the streams over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from atomfeed.reader import Feed
from avni.client import AvniClient
from avni.ways import way
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.encounter_handover import general_encounters, program_encounters
from bahmni.avni_to_bahmni.enrolment_handover import EnrolmentHandover
from bahmni.avni_to_bahmni.handover import SubjectHandover
from bahmni.avni_to_bahmni.reading import LookBack
from bahmni.bahmni_to_avni.encounter_handover import EncounterHandover
from bahmni.bahmni_to_avni.handover import PatientHandover
from bahmni.openmrs import FEEDS, OpenMRSClient
from common.http import HttpSession
from engine.ports import Handover
from engine.registry import Setting
from tenants.models import Connection

SIGN_INS: Mapping[str, str] = {
    "generate-token": "User name and password, exchanged for a token by Avni (release 12 and later)",
    "idp-details": "User name and password, where the Avni server says (Cognito, Keycloak, or the name only)",
    "cognito-srp": "User name and password at Amazon Cognito; the password is proved, not sent (SRP)",
    "cognito-password": "User name and password at Amazon Cognito; the password is sent",
    "keycloak": "User name and password at Keycloak",
    "none": "User name only (Avni without an identity provider)",
}
"""The ways of `avni.ways.way`, in the order in which a person is offered them."""

BY_PROVIDER = SIGN_INS.keys() - {"generate-token", "none"}
"""Those for which the server is asked where its users sign in."""


class BahmniServers:
    """Clients of one tenant's Avni and Bahmni."""

    def __init__(self, setting: Setting) -> None:
        """Opens no connection yet. Raises KeyError when a side has no connection."""
        self.setting = setting
        self.avni = avni_client(setting.connections[v.AVNI], refuse_writes=setting.refuse_writes)
        self.openmrs = openmrs_client(setting.connections[v.BAHMNI], refuse_writes=setting.refuse_writes)
        self._late: defaultdict[str, LookBack] = defaultdict(LookBack)

    @property
    def remote_calls(self) -> int:
        """Requests sent so far; signing in is counted apart by the clients."""
        return self.avni.counts.calls + self.openmrs.counts.calls

    def sign_ins(self, side: str) -> int:
        """How often the server let us in anew. Raises KeyError for a side there is none of."""
        return self._session(side).counts.sign_ins

    def trust(self, side: str, sign_ins: int) -> None:
        """See `HttpSession.trust`. Raises KeyError for a side there is none of."""
        self._session(side).trust(sign_ins)

    def _session(self, side: str) -> HttpSession:
        return {v.AVNI: self.avni.session, v.BAHMNI: self.openmrs.session}[side]

    def feed(self, category: str) -> Feed:
        """One feed of this Bahmni."""
        return Feed(self.openmrs.get_bytes, f"{FEEDS}/{category}", side=v.BAHMNI)

    def handover(self, stream_key: str) -> Handover[Any]:
        """The path of one stream. Raises KeyError for a stream this connector does not have."""
        match stream_key:
            case v.SUBJECT:
                return SubjectHandover(self.setting, self.avni, self.openmrs, self._late[stream_key])
            case v.GENERAL_ENCOUNTER:
                return general_encounters(self.setting, self.avni, self.openmrs, self._late[stream_key])
            case v.ENROLMENT:
                return EnrolmentHandover(self.setting, self.avni, self.openmrs, self._late[stream_key])
            case v.PROGRAM_ENCOUNTER:
                return program_encounters(self.setting, self.avni, self.openmrs, self._late[stream_key])
            case v.PATIENT:
                return PatientHandover(self.setting, self.avni, self.openmrs, self.feed("patient"))
            case v.ENCOUNTER:
                return EncounterHandover(self.setting, self.avni, self.openmrs, self.feed("encounter"))
            case _:
                raise KeyError(stream_key)

    def close(self) -> None:
        """Give the sockets back."""
        self.avni.session.close()
        self.openmrs.session.close()


def avni_client(connection: Connection, *, refuse_writes: bool = False) -> AvniClient:
    """The client for a connection row."""
    secret = "" if connection.sign_in == "none" else connection.secret.reveal()
    ours = way(connection.sign_in, connection.username, secret, cognito_endpoint=settings.AVNI_COGNITO_ENDPOINT)
    return AvniClient(connection.base_url, ours, limit=connection.max_parallel, refuse_writes=refuse_writes)


def openmrs_client(connection: Connection, *, refuse_writes: bool = False) -> OpenMRSClient:
    """The client for a connection row."""
    return OpenMRSClient(
        connection.base_url,
        connection.username,
        connection.secret.reveal(),
        limit=connection.max_parallel,
        refuse_writes=refuse_writes,
        side=v.BAHMNI,
    )
