"""The steps that check a connection to Avni: log-in, the user's rights to what is read and written, nobody beside us.

Stands on avni.md A9, A46 (a type our user may not view is refused where a row of it comes, an unknown one is empty).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings

from avni.client import AvniClient, AvniPage
from avni.idp import Nobody, identity_providers
from bahmni import vocabulary as v
from bahmni.avni_to_bahmni import enrolment
from bahmni.avni_to_bahmni.encounter import GENERAL, IN_PROGRAM, encounter_types, half_mapped
from bahmni.bahmni_to_avni.half_mapped import half_mapped_parts
from bahmni.check_steps import Finding, Step, in_step, resolves
from bahmni.servers import BY_PROVIDER, avni_client
from common import clock
from common.http_errors import Forbidden, NotFound, Refused
from engine.registry import Setting
from mappings.snapshot import Pair, Snapshot

RECENTLY = timedelta(days=30)
NOT_HANDED_OVER = "Until then they are not handed over; everything else is."


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
    yield "programs to hand over", lambda: _programs_to_read(client, snapshot)
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
    """A type or program with some of its mappings is read, and each of its records ends as an error."""
    lacking = half_mapped(GENERAL, snapshot) | half_mapped(IN_PROGRAM, snapshot) | enrolment.half_mapped(snapshot)
    if lacking:
        named = [f"{', '.join(map(_quoted, names))} in {' / '.join(pair)}" for pair, names in lacking.items()]
        raise Finding(
            f"Of the mappings of one name some are missing: {'; '.join(named)}. Add them; until then every such record "
            "fails with an error that names what it lacks."
        )
    return "Every encounter type and program that is handed over has all its mappings."


def _quoted(name: str) -> str:
    return f'"{name}"'


def _encounters_to_read(client: AvniClient, snapshot: Snapshot) -> str:
    types = encounter_types(GENERAL, snapshot)
    if not types:
        return "No encounter type of Avni is mapped to one of Bahmni, so no general encounter is handed over."
    return _read_each(client.encounters, "encounters of type", types, NOT_HANDED_OVER)


def _programs_to_read(client: AvniClient, snapshot: Snapshot) -> str:
    """Enrolments, and the encounters in them."""
    names, types = enrolment.programs(snapshot), encounter_types(IN_PROGRAM, snapshot)
    if not names:
        return "No program of Avni is mapped to Bahmni, so no enrolment is handed over, nor what belongs to one."
    said = _read_each(client.enrolments, "enrolments in", names, NOT_HANDED_OVER)
    if not types:
        return f"{said} No encounter type is mapped for what happens in a program."
    return f"{said} {_read_each(client.program_encounters, 'program encounters of type', types, NOT_HANDED_OVER)}"


def _encounters_we_write(client: AvniClient, snapshot: Snapshot) -> str:
    """Before one is written it is looked for; that user may enter and void them as well, only writing shows."""
    lacking = half_mapped_parts(snapshot)
    if lacking:
        raise Finding(" ".join(lacking))
    until_then = "Until then nothing of Bahmni gets there."
    pairs = (v.HOSPITAL_FORM, v.LAB_ENCOUNTER_TYPE, v.DRUG_ENCOUNTER_TYPE)
    types = [v.HOSPITAL_REGISTRATION, *sorted({name for pair in pairs for name in _in_avni(snapshot, pair)})]
    said = [_read_each(client.encounters, "encounters of type", types, until_then)]
    if in_programs := sorted(_in_avni(snapshot, v.HOSPITAL_PROGRAM_FORM)):
        said.append(_read_each(client.program_encounters, "program encounters of type", in_programs, until_then))
        programs = sorted(_in_avni(snapshot, v.FORM_PROGRAM))
        said.append(_read_each(client.enrolments, "enrolments in", programs, until_then))
    return " ".join([*said, "Whether our user may enter and void them, too, shows only when it does."])


def _in_avni(snapshot: Snapshot, pair: Pair) -> set[str]:
    """What a pair names in Avni."""
    return {entry.avni_value for entry in snapshot.by_int_system_value.get(pair, {}).values() if entry.avni_value}


@dataclass
class Read:
    """What came of reading a page of each type: their names, quoted, with what the server said of those it refused."""

    full: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def _pages_of(list_: Callable[..., AvniPage], types: Collection[str]) -> Read:
    read = Read()
    for name in types:
        try:
            page = list_(v.LONG_AGO, name, size=1)
        except Forbidden as failure:
            read.hidden.append(f'"{name}" (privilege {failure.privilege or "not named"})')
        except NotFound as failure:  # asked for program encounters of a type it does not know, it lists all (A48)
            read.unknown.append(f'"{name}" ({failure.reason})')
        except Refused as failure:
            read.broken.append(f'"{name}" (status {failure.status})')
        else:
            (read.full if page.content else read.empty).append(f'"{name}"')
    return read


def _read_each(list_: Callable[..., AvniPage], what: str, types: Collection[str], until_then: str) -> str:
    """One page of each type; `what` a list holds goes before the name of its type in every sentence."""
    read, wrong = _pages_of(list_, types), []
    if read.hidden:
        wrong.append(
            f"Avni does not let our user see {what} {', '.join(read.hidden)}. Have the user's group given that "
            f"privilege for the type, then check again. {until_then}"
        )
    if read.broken:
        wrong.append(
            f"Avni fails at the first of the {what} {', '.join(read.broken)}. Have whoever runs Avni look at it; what "
            "follows it is handed over all the same."
        )
    if read.unknown:
        wrong.append(
            f"Avni's answer shows no {what} {', '.join(read.unknown)}. Correct the name in the mapping, then check "
            "again; until then nothing of that name is read."
        )
    if wrong:
        raise Finding(" ".join(wrong))
    said = [f"{what.capitalize()} {', '.join(read.full)} were read."] if read.full else []
    if read.empty:
        named = ", ".join(read.empty)
        said.append(f"There are no {what} {named} yet; if there should be, check the name in the mapping.")
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
