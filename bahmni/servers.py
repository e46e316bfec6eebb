"""The two signed-in clients of a tenant, and the streams over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atomfeed.reader import Feed
from avni.client import AvniClient
from avni.signin import GenerateToken, NoSignIn, SignIn
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.general_encounter_handover import GeneralEncounterHandover
from bahmni.avni_to_bahmni.handover import SubjectHandover
from bahmni.bahmni_to_avni.encounter_handover import EncounterHandover
from bahmni.bahmni_to_avni.handover import PatientHandover
from bahmni.openmrs import FEEDS, OpenMRSClient
from engine.ports import Handover
from engine.registry import Setting
from tenants.models import Connection

SIGN_INS: Mapping[str, Any] = {
    "generate-token": "User name and password, exchanged for a token (Avni 12 and later)",
    "none": "User name only (Avni without an identity provider)",
}


class BahmniServers:
    """Clients of one tenant's Avni and Bahmni."""

    def __init__(self, setting: Setting) -> None:
        """Opens no connection yet. Raises KeyError when a side has no connection."""
        self.setting = setting
        self.avni = avni_client(setting.connections[v.AVNI], refuse_writes=setting.refuse_writes)
        self.openmrs = openmrs_client(setting.connections[v.BAHMNI], refuse_writes=setting.refuse_writes)

    @property
    def remote_calls(self) -> int:
        """Requests sent so far; signing in is counted apart by the clients."""
        return self.avni.counts.calls + self.openmrs.counts.calls

    def feed(self, category: str) -> Feed:
        """One feed of this Bahmni."""
        return Feed(self.openmrs.get_bytes, f"{FEEDS}/{category}", side=v.BAHMNI)

    def handover(self, stream_key: str) -> Handover[Any]:
        """The path of one stream. Raises KeyError for a stream this connector does not have."""
        match stream_key:
            case v.SUBJECT:
                return SubjectHandover(self.setting, self.avni, self.openmrs)
            case v.GENERAL_ENCOUNTER:
                return GeneralEncounterHandover(self.setting, self.avni, self.openmrs)
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
    sign_in: SignIn
    if connection.sign_in == "none":
        sign_in = NoSignIn(connection.username)
    else:
        sign_in = GenerateToken(connection.username, connection.secret.reveal())
    return AvniClient(connection.base_url, sign_in, limit=connection.max_parallel, refuse_writes=refuse_writes)


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
