"""Ping-pong: a field of a link that two systems keep overwriting, and that is left alone from some point on.

A server may rewrite what we store, or another integration may put its own value back. Then each run sees an edit and
carries it over, for ever. What tells this from people at work is in our own writes: values come back that we had
replaced, over and over within a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samklang.core.compare import FieldArrays
from samklang.core.mapping import Field, Mapping
from samklang.core.merge import NOTHING, TO_FIRST, TO_SECOND, Merged
from samklang.core.plan import FROZEN, FROZEN_BY_PERSON, Freeze
from samklang.core.plan_pairs import region_of
from samklang.core.prices import common_form
from samklang.core.values import normal_form


@dataclass(frozen=True, slots=True)
class Write:
    """One of our writes to one field, in normal forms."""

    side: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Past:
    """One of our writes to a record, as the history has it: raw values by field.

    :param at: as `core.clocks` writes it.
    """

    side: str
    before: MappingOf[str, str | None]
    after: MappingOf[str, str | None]
    at: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """What is known of a field that was frozen before.

    :param values: both normal forms. :param released_at: when it was let go; None: it is frozen.
    :param by_person: left alone whatever its values, until a person lets it go.
    """

    values: frozenset[str | None]
    released_at: str | None
    by_person: bool = False


def flips(writes: Iterable[Write]) -> int:
    """How often in a row a write of ours brought back a value that the field had before.

    A value that it never had starts the count anew: somebody entered it. And a write that only goes on from the one
    before it, on the same side, is no flip: nobody undid that one, somebody edits the field on the other side.

    :param writes: of one field of one link, in their order.
    """
    had: set[str | None] = set()
    last: Write | None = None
    count = 0
    for write in writes:
        if write.before == write.after:
            continue
        goes_on = last is not None and last.side == write.side and last.after == write.before
        if write.after not in had:
            count = 0
        elif not goes_on:
            count += 1
        had |= {write.before, write.after}
        last = write
    return count


def is_ping_pong(writes: Sequence[Write], planned: Write, freeze_after: int) -> bool:
    """Whether a planned write would be one flip more than `freeze_after`. 0 stands for any number."""
    before = flips(writes)
    return 0 < freeze_after <= before < flips([*writes, planned])


def moving(link_ids: NDArray[Any], merged: Merged) -> list[int]:
    """Links of which a field is to be written."""
    moves = np.zeros(len(link_ids), dtype=bool)
    for action in merged.action.values():
        moves |= (action == TO_FIRST) | (action == TO_SECOND)
    return [int(link_id) for link_id in link_ids[moves] if link_id]


def freeze(
    mapping: Mapping,
    link_ids: NDArray[Any],
    arrays: MappingOf[str, FieldArrays],
    merged: Merged,
    recent: MappingOf[int, Sequence[Past]],
    frozen: MappingOf[tuple[int, str], Frozen],
) -> list[Freeze]:
    """Take the writes that would go on with a ping-pong out of what the merge decided.

    :param link_ids: of the pairs; 0 where there is no link yet.
    :param recent: our writes of the last day, in their order, of links that have enough of them.
    :param frozen: what was frozen before, by link and field ("": all fields). It stays so while both values are still
        the same two, or a person wants it.
    :returns: all that is frozen among these pairs for going back and forth; `merged` says so there.
    """
    suspects = recent.keys() | {link_id for link_id, _ in frozen}
    found: list[Freeze] = []
    for i in np.flatnonzero([int(link_id) in suspects for link_id in link_ids]):
        link_id = int(link_ids[i])
        for f in mapping.fields:
            action = merged.action[f.name][i]
            if action not in (TO_FIRST, TO_SECOND):
                continue
            target = 0 if action == TO_FIRST else 1
            if any((one := frozen.get((link_id, name))) and one.by_person for name in ("", f.name)):
                merged.action[f.name][i], merged.reason[f.name][i] = NOTHING, f"{FROZEN_BY_PERSON}{target}"
                merged.drift[f.name][i] = False
                continue
            normal = arrays[f.name].normal
            planned = Write(mapping.sides[target], normal[target][i], normal[1 - target][i])
            known = frozen.get((link_id, f.name))
            writes = _writes_of(f, mapping, arrays, int(i), recent.get(link_id, ()), known)
            still = known is not None and known.released_at is None and known.values >= {planned.before, planned.after}
            if still or is_ping_pong(writes, planned, mapping.freeze_after):
                merged.action[f.name][i], merged.reason[f.name][i] = NOTHING, FROZEN
                merged.drift[f.name][i] = False
                values = {side: normal[n][i] for n, side in enumerate(mapping.sides)}
                found.append(Freeze(link_id, f.name, values, flips(writes)))
    return found


def _writes_of(
    f: Field,
    mapping: Mapping,
    arrays: MappingOf[str, FieldArrays],
    i: int,
    recent: Sequence[Past],
    known: Frozen | None,
) -> list[Write]:
    """The recent writes of one field; what came before it was let go is forgiven."""
    since = (known and known.released_at) or ""
    writes = []
    for past in recent:
        if f.name in past.after and past.at > since:
            side = mapping.sides.index(past.side)
            before, after = (_normal(f, mapping, arrays, i, side, raw[f.name]) for raw in (past.before, past.after))
            writes.append(Write(past.side, before, after))
    return writes


def _normal(
    f: Field, mapping: Mapping, arrays: MappingOf[str, FieldArrays], i: int, side: int, raw: str | None
) -> str | None:
    if f.kind in ("money", "cost"):
        return common_form(raw, arrays[f.name].form[side][i].partition("*")[2])
    return normal_form(f.kind, raw, region_of(mapping, arrays, i, side), mapping.region)
