"""What a plan would do, in numbers: for `review`, the command line, the console and the run notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from samklang.core.doubts import doubts_of
from samklang.core.mapping import Mapping
from samklang.core.plan import FieldChange, Plan, Row
from samklang.core.prices import moves_beyond
from samklang.store import links
from samklang.sync.context import Sync


def count(sync: Sync, plan: Plan) -> dict[str, Any]:
    """Numbers by name; those of writes by side.

    `doubtful` are records that are written, and that a person should look at. What a person has put back (`put_back`,
    in records) stands in no other number: it was looked at when it was ordered.
    """
    sides = sync.mapping.sides
    with sync.database.read() as connection:
        linked = links.count(connection, sync.entity)
    updates = [(row, ours) for row in plan.rows if row.op == "update" and (ours := _planned(row))]
    doubted = [codes for row in plan.rows if (codes := _doubts(sync.mapping, row))]
    changed = {(row.side, row.id, change.field) for row, ours in updates for change in ours}

    def decided(kind: str) -> int:
        """Conflicts whose winner is written by this plan; those that are held or left to a person change nothing."""
        return sum(
            1
            for clash in plan.clashes
            if clash.kind == kind and any((side, clash.ids[n], clash.field) in changed for n, side in enumerate(sides))
        )

    def per_side(rows: Iterable[str]) -> dict[str, int]:
        number = Counter(rows)
        return {side: number[side] for side in sides}

    return {
        "linked_before": linked,
        "links": sum(1 for tuned in plan.tuned if tuned.matched),
        "creates": per_side(row.side for row in plan.rows if row.op == "create"),
        "updates": per_side(row.side for row, _ in updates),
        "clears": per_side(row.side for row, ours in updates for change in ours if change.value is None),
        "price_moves": per_side(row.side for row, ours in updates if _moves_a_price(sync.mapping, ours)),
        "put_back": per_side(row.side for row in plan.rows if any(c.order is not None for c in row.changes)),
        "conflicts": decided("edit"),
        "link_conflicts": decided("link"),
        "held": len({(h.side, h.source_id) for h in plan.held}),
        "held_reasons": dict(Counter(h.reason for h in plan.held)),
        "ambiguous": sum(1 for v in plan.verdicts if v.verdict == "ambiguous"),
        "excluded": sum(1 for v in plan.verdicts if v.verdict == "excluded"),
        "excluded_reasons": dict(Counter(v.reason for v in plan.verdicts if v.verdict == "excluded")),
        "doubtful": len(doubted),
        "doubtful_reasons": dict(Counter(code for codes in doubted for code in codes)),
        "drift": plan.drift,
        "waiting": plan.waiting,
        "unknown": {name: n for name, n in plan.unknown.items() if n},
    }


def _doubts(mapping: Mapping, row: Row) -> set[str]:
    values = {mapping.field(change.field).names[row.side]: change.value for change in row.changes}
    return set(doubts_of(row.facts, values).values())


def _planned(row: Row) -> list[FieldChange]:
    """The changes that the merge decided, and nobody ordered."""
    return [change for change in row.changes if change.order is None]


def _moves_a_price(mapping: Mapping, changes: list[FieldChange]) -> bool:
    """Whether one of these prices changes by more than the limit, in the target's own figures. What a record shows that
    was made without a price is none."""
    part = mapping.limits.price_move
    return part is not None and any(
        mapping.field(change.field).kind in ("money", "cost")
        and change.why != "first"
        and moves_beyond(change.expected, change.value, part)
        for change in changes
    )
