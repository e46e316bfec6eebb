"""What is known of a record whose writes went through only in part, or whose effect nobody could tell. Pure.

It guides the next look, and the ledger keeps it when the record comes to nothing: what was written for a part that is
taken back later would stand in the target for ever otherwise, and a void of ours would pass for a person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from common.outcome import Outcome
from engine.ports import Known, Plan, Want


def known_by_now(
    known: Known | None, want: Want, plan: Plan, given: Mapping[str, str], unclear: str = ""
) -> Known | None:
    """`known`, and what came of a plan so far; None while nothing stands for the record itself.

    `given` are the ids the target gave for the writes it answered, by the ids we chose; `unclear` is the write that may
    have arrived. Of that one both is believed, what stood before and what would stand now, but never that it created;
    what we left before stays noted, and the whole is suspect: nobody else needs to have changed it.
    """
    undone = {
        write.id for write in plan.writes if write.id not in given and (write.verb == "create" or write.id != unclear)
    }
    before = known or Known("", "", "", {}, want.fingerprint, "", Outcome.FAILED, is_suspect=False)
    target = before.target_id if plan.target_id in undone else given.get(plan.target_id, plan.target_id)
    if not target:
        return known
    kept = {name: there for name, there in before.other_targets.items() if there in undone or there == unclear}
    done = {name: given.get(there, there) for name, there in plan.other_targets.items() if there not in undone}
    return replace(
        before,
        identifier=plan.identifier or want.identifier or before.identifier,
        target_id=target,
        target_parent_id=plan.target_parent_id,
        other_targets=kept | done,
        left_fingerprint=before.left_fingerprint if undone else plan.left_fingerprint or before.left_fingerprint,
        notes=before.notes if undone else plan.notes,
        left=before.left if undone or unclear or plan.left is None else plan.left,
        is_suspect=before.is_suspect or bool(unclear),
    )
