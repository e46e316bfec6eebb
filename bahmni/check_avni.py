"""The steps that check a connection to Avni: log-in, the user's rights to what is read and written, nobody beside us.

Stands on avni.md A9, A46 (a type our user may not view is refused where a row of it comes, an unknown one is empty).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from django.conf import settings

from avni.client import AvniClient
from avni.idp import Nobody, identity_providers
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni.encounter import GENERAL, encounter_types, half_mapped
from bahmni.check_steps import Finding, Step, in_step, resolves
from bahmni.servers import BY_PROVIDER, avni_client
from common import clock
from common.http_errors import Forbidden, Refused
from engine.registry import Setting
from mappings.snapshot import Snapshot

RECENTLY = timedelta(days=30)


def steps(setting: Setting) -> Iterator[Step]:
    """In the order in which one makes the next worth while."""
    connection, snapshot = setting.connections[v.AVNI], setting.snapshot
    client = avni_client(connection, refuse_writes=True)
    subject_type = snapshot.constant(v.SUBJECT_TYPE)
    yield "address", lambda: resolves(connection.base_url)
    if connection.sign_in in BY_PROVIDER:
        yield "identity provider", lambda: _providers(client)
    yield "log-in", lambda: _log_in(client, connection.username)
    yield "clock", lambda: in_step(client.server_now())
    if subject_type:
        yield "one page of subjects", lambda: _page_of_subjects(client, subject_type)
    yield "mappings of encounter types", lambda: _mapped_whole(snapshot)
    yield "encounters to hand over", lambda: _encounters_to_read(client, snapshot)
    yield "encounters we write", lambda: _encounters_we_write(client, snapshot)
    if subject_type:
        yield "dedicated account", lambda: _nobody_else(client, subject_type, connection.username)


def _providers(client: AvniClient) -> str:
    """Where the server signs its users in, and whether that can be found from here."""
    named = identity_providers(client.session, settings.AVNI_COGNITO_ENDPOINT)
    for provider in named:
        if not isinstance(provider, Nobody):
            resolves(provider.address)
    return f"Avni names {', then '.join(map(str, named))}."


def _log_in(client: AvniClient, username: str) -> str:
    client.sign_in()
    return f"Signed in as {username}."


def _page_of_subjects(client: AvniClient, subject_type: str) -> str:
    page = client.subjects(v.LONG_AGO, subject_type, size=1)
    if not page.content:
        raise Finding(
            f'There is no subject of type "{subject_type}" our user may see. Check the name (constant '
            f"{v.SUBJECT_TYPE}) and the user's rights."
        )
    return f'A subject of type "{subject_type}" was read.'


def _mapped_whole(snapshot: Snapshot) -> str:
    """A type with one of its two mappings is read, and each of its encounters ends as an error."""
    lacking = [
        f"{', '.join(map(_quoted, kinds))} in {' / '.join(pair)}"
        for pair, kinds in half_mapped(GENERAL, snapshot).items()
    ]
    if lacking:
        raise Finding(
            f"Of two mappings one is missing: {'; '.join(lacking)}. Add it; until then every encounter of such a type "
            "fails with an error that names it."
        )
    return "Every encounter type that is handed over has its two mappings."


def _quoted(name: str) -> str:
    return f'"{name}"'


def _encounters_to_read(client: AvniClient, snapshot: Snapshot) -> str:
    types = encounter_types(GENERAL, snapshot)
    if not types:
        return "No encounter type of Avni is mapped to one of Bahmni, so no general encounter is handed over."
    return _read_each(client, types, "Until then they are not handed over; everything else is.")


def _encounters_we_write(client: AvniClient, snapshot: Snapshot) -> str:
    """Before one is written it is looked for; that user may enter and void them as well, only writing shows."""
    mapped = {entry.avni_value for entry in snapshot.by_int_system_value.get(v.HOSPITAL_FORM, {}).values()}
    said = _read_each(client, [v.HOSPITAL_REGISTRATION, *sorted(mapped)], "Until then nothing of Bahmni gets there.")
    return f"{said} Whether our user may enter and void them, too, shows only when it does."


def _read_each(client: AvniClient, types: Collection[str], until_then: str) -> str:
    """One page of each type."""
    read: list[str] = []
    empty: list[str] = []
    hidden: list[str] = []
    broken: list[str] = []
    for name in types:
        try:
            page = client.encounters(v.LONG_AGO, name, size=1)
        except Forbidden as failure:
            hidden.append(f'"{name}" (privilege {failure.privilege or "not named"})')
        except Refused as failure:
            broken.append(f'"{name}" (status {failure.status})')
        else:
            (read if page.content else empty).append(f'"{name}"')
    wrong = []
    if hidden:
        wrong.append(
            f"Avni does not let our user see encounters of type {', '.join(hidden)}. Have the user's group given that "
            f"privilege for the type, then check again. {until_then}"
        )
    if broken:
        wrong.append(
            f"Avni fails at the first encounter of type {', '.join(broken)}. Have whoever runs Avni look at it; what "
            "follows it is handed over all the same."
        )
    if wrong:
        raise Finding(" ".join(wrong))
    said = [f"Encounters of type {', '.join(read)} were read."] if read else []
    if empty:
        said.append(f"There is none yet of type {', '.join(empty)}; if there should be, check the name in the mapping.")
    return " ".join(said)


def _nobody_else(client: AvniClient, subject_type: str, username: str) -> str:
    """We never write subjects: one last modified by our user was edited by a person who shares the account."""
    since = (client.server_now() or clock.now()) - RECENTLY
    rows = client.subjects(since, subject_type).content
    shared = sum(row["audit"].get("Last modified by") == username for row in rows)
    if shared:
        raise Finding(
            f"Our user edited {shared} of {len(rows)} subjects in the last 30 days, which the service never does. "
            "Somebody shares the account; use one for the service alone."
        )
    return f"None of {len(rows)} recently changed subjects was edited by our user."
