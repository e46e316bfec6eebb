"""What is known of a record whose writes went through only in part, or whose effect nobody could tell. Pure.

It guides the next look, and the ledger keeps it when the record comes to nothing: what was written for a part that is
taken back later would stand in the target for ever otherwise, and a void of ours would pass for a person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from common.outcome import Outcome
from engine.left import Left
from engine.ports import Known, Plan, Want


def known_by_now(
    known: Known | None, want: Want, plan: Plan, given: Mapping[str, str], unclear: str = ""
) -> Known | None:
    """`known`, and what came of a plan so far; None while nothing stands for the record itself.

    `given` are the ids the target gave for the writes it answered, by the ids we chose; `unclear` is the write that may
    have arrived. Of that one both is believed, what stood before and what would stand now, but never that it created;
    what we left there before stays noted, and the whole is suspect: nobody else needs to have changed it.
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
        left=before.left if plan.left is None else _left(before, plan, given, is_whole=not undone and not unclear),
        is_suspect=before.is_suspect or bool(unclear),
    )


def _left(before: Known, plan: Plan, given: Mapping[str, str], *, is_whole: bool) -> Mapping[str, Left]:
    """What we left record by record: what was answered is as planned, of the others what we left before."""
    planned = plan.left or {}
    return planned if is_whole else {**before.left, **{one: planned[one] for one in given if one in planned}}
