"""What is ours by its type or its maker, and speaks for nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from simulators.comparer.findings import Finding
from simulators.comparer.tables import AvniTables, BahmniTables, creator, live
from simulators.scenario import Correspondence

__all__ = ["strays_in_avni", "strays_in_bahmni"]


def strays_in_bahmni(
    before: BahmniTables, after: BahmniTables, pairs: Correspondence, accounted: Collection[str]
) -> Iterator[Finding]:
    """`accounted`: uuids of the patients, visits and encounters that stand for a record of Avni."""
    user = pairs.hospital.user
    programs = pairs.programs.values()
    filed = (*pairs.visits.values(), *pairs.program_visits.values(), *(one.enrolment for one in programs))
    types = {pairs.hospital.encounter_type, *(one.encounter_type for one in filed)}
    types |= {one.exit.encounter_type for one in programs}
    for row in live(after.encounters.values()):
        if (row["type"] in types or creator(row) == user) and row["uuid"] not in accounted:
            yield Finding("encounter-stray", f"encounter {row['uuid']}", "speaks for nobody that got through")
    tables = (("patient", before.patients, after.patients), ("visit", before.visits, after.visits))
    for name, known, rows in tables:
        for row in live(rows.values()):
            if creator(row) == user and row["uuid"] not in accounted and row["uuid"] not in known:
                yield Finding(f"{name}-stray", f"{name} {row['uuid']}", "was made for no subject that got through")
    for row in live(after.obs.values()):
        if creator(row) == user and row["encounter"] not in accounted:
            yield Finding("value-stray", f"observation {row['uuid']}", "stands in an encounter that is not ours")


def strays_in_avni(
    before: AvniTables, after: AvniTables, bahmni: BahmniTables, pairs: Correspondence, accounted: Collection[str]
) -> Iterator[Finding]:
    """`accounted`: uuids of the general encounters that stand for something of Bahmni."""
    for row in live(after.visits.values()):
        if row["uuid"] in accounted:
            continue
        if row["kind"] == pairs.hospital_registration:
            yield Finding("registration-stray", f"encounter {row['uuid']}", "carries no patient's uuid")
        elif row["created_by"] == pairs.avni_user and row["uuid"] not in before.visits:
            yield Finding("encounter-stray", f"encounter {row['uuid']}", "is ours, but stands for nothing in Bahmni")
    made: Counter[tuple[str, str]] = Counter()
    for row in live(after.enrolments.values()):
        if row["created_by"] == pairs.avni_user and row["uuid"] not in before.enrolments:
            made[row["subject"], row["kind"]] += 1
            if row["observations"].get(pairs.avni_marker) not in bahmni.encounters:
                yield Finding("enrolment-stray", f"enrolment {row['uuid']}", "was made for no encounter of Bahmni")
    for (subject, program), number in made.items():
        if number > 1:
            yield Finding("enrolment-doubled", f"subject {subject}", f"we enrolled it {number} times in {program!r}")
