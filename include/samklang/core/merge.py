"""The three-way merge: what was seen on each side against what both held when they were last in tune.

Pure, and vectorised over pairs: one pass of array comparisons per field. Only pairs in conflict are looked at one by
one.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from samklang.core.compare import ABSENT, Array, Compared, FieldArrays, compare, starts
from samklang.core.conflicts import Conflict, OrdersBefore, decide_conflicts
from samklang.core.derive import HELD, UNSENT
from samklang.core.mapping import Field, Mapping

NOTHING, AGREE, TO_FIRST, TO_SECOND = 0, 1, 2, 3


@dataclass(slots=True)
class Merged:
    """What to do, by field name: arrays over the pairs.

    :param action: NOTHING, AGREE (both hold the same: that is the base now), TO_FIRST or TO_SECOND (write there).
    :param reason: why a field is left alone though the sides differ (`held:…`, `waiting:…`, `ask`), else "".
    :param drift: pairs whose edit on the wrong side of a one-way field is put back.
    :param drop: pairs whose base is forgotten, because the field is not synchronised at present.
    :param unknown: how many pairs had no answer for the field.
    """

    action: dict[str, Array] = field(default_factory=dict)
    reason: dict[str, Array] = field(default_factory=dict)
    drift: dict[str, Array] = field(default_factory=dict)
    drop: dict[str, Array] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


def merge(
    mapping: Mapping,
    pairs: pd.DataFrame,
    arrays: MappingOf[str, FieldArrays],
    orders_before: OrdersBefore = lambda _pairs: {},
) -> Merged:
    """Decide every field of every pair.

    :param pairs: `{side}_clock`, `{side}_group_clocks`, `{side}_changed_after` besides what the arrays came from.
    """
    merged = Merged()
    states = {f.name: compare(arrays[f.name]) for f in mapping.fields}
    winners, merged.conflicts = decide_conflicts(mapping, pairs, states, orders_before)
    for f in mapping.fields:
        _act(f, mapping, arrays[f.name], states[f.name], winners.get(f.name, {}), merged)
    return merged


def _act(
    f: Field,
    mapping: Mapping,
    a: FieldArrays,
    s: Compared,
    decided: MappingOf[int, int | None],
    merged: Merged,
) -> None:
    n = len(s.known)
    action = np.zeros(n, dtype=np.int8)
    reason = np.full(n, "", dtype=object)
    drift = np.zeros(n, dtype=bool)

    # In tune: a new pair, the same edit on both sides, or another spelling of the same value.
    action[s.live & s.equal & (~s.based | s.moved)] = AGREE
    action[s.based & ~s.equal & ~s.changed[0] & ~s.changed[1] & s.moved & ~s.owed[0] & ~s.owed[1]] = AGREE

    differ = s.live & ~s.equal
    conflict = np.zeros(n, dtype=bool)
    source_first = differ & ((s.based & s.changed[0] & ~s.changed[1]) | (~s.based & s.empty[1]) | s.owed[1])
    source_second = differ & ((s.based & s.changed[1] & ~s.changed[0]) | (~s.based & s.empty[0]) | s.owed[0])
    for pair, winner in decided.items():
        source_first[pair] = winner == 0
        source_second[pair] = winner == 1
        conflict[pair] = True
        if winner is None:
            reason[pair] = "ask"
            action[pair] = NOTHING

    for source, moving, write in ((0, source_first, TO_SECOND), (1, source_second, TO_FIRST)):
        target = 1 - source
        owed = moving & s.owed[target]  # whatever the direction: it was ours to empty, and is ours to fill
        moving = moving & ~owed
        if not mapping.shares(mapping.sides[target]):
            reason[owed] = "waiting:share_off"
        else:
            action[owed] = write
        against = f.direction not in ("both", f"to_{mapping.sides[target]}")
        if against:
            # An edit on the wrong side is put back. Where there was no base there is nothing to put back, nor where
            # the other record was made without the value; and where it won over an emptied value neither way is open.
            back = moving & s.based & ~conflict & (a.base_form[source] != UNSENT)
            drift |= back
            reason[moving & ~back] = "waiting:direction"
            moving, write, target = back, (TO_FIRST if write == TO_SECOND else TO_SECOND), source
        wait = np.full(n, "", dtype=object)
        if not f.clear:
            wait[moving & s.empty[1 - target]] = "waiting:clear_off"
        if not mapping.shares(mapping.sides[target]):
            wait[moving] = "waiting:share_off"
        waiting = wait != ""
        reason[waiting] = wait[waiting]
        action[moving & ~waiting] = write

    unequal_held = s.held & _unequal_or_unclear(a)
    reason[unequal_held] = np.where(starts(a.form[0], HELD), a.form[0], a.form[1])[unequal_held]
    merged.action[f.name], merged.reason[f.name], merged.drift[f.name] = action, reason, drift
    merged.drop[f.name] = s.skipped & ((a.base_form[0] != ABSENT) | (a.base_form[1] != ABSENT))
    merged.unknown[f.name] = int((~s.known).sum())


def _unequal_or_unclear(a: FieldArrays) -> Array:
    """A held price cannot be compared in common form: any two different figures may be out of tune."""
    unequal: Array = a.normal[0] != a.normal[1]
    return unequal
