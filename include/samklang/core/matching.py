"""Which records without a link are twins, which cannot be told apart, and which have nobody.

Judged over all records that were ever seen, never over one window: a key is only worth something where it is held
once. Linked records, companies and archived records hold their keys too.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

import pandas as pd

from samklang.core.records import Scope


@dataclass(slots=True)
class Matches:
    """:param pairs: twins, as (id on the first side, id on the second side, key field).
    :param ambiguous: by (side, id): key field and the ids of all holders by side.
    :param blocked: by (side, id): why its key cannot be used, though it is held once: reason and holder.
    :param alone: (side, id) of records that nobody on the other side shares a key with.
    """

    pairs: list[tuple[str, str, str]] = field(default_factory=list)
    ambiguous: dict[tuple[str, str], tuple[str, dict[str, list[str]]]] = field(default_factory=dict)
    blocked: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    alone: list[tuple[str, str]] = field(default_factory=list)


def match(sides: tuple[str, str], unlinked: MappingOf[str, pd.Index], holders: MappingOf[str, pd.DataFrame]) -> Matches:
    """Match by keys, tried in order.

    :param unlinked: per side, the ids of records in scope without a link.
    :param holders: by key field in order: who holds the keys of those records: columns side, id, value, scope, linked.
    """
    result = Matches()
    waiting = {side: unlinked[side] for side in sides}
    for name, frame in holders.items():
        found = _judge(sides, waiting, frame)
        result.pairs.extend((a, b, name) for a, b in found.pairs)
        result.ambiguous.update({who: (name, candidates) for who, candidates in found.ambiguous.items()})
        result.blocked.update({who: (name, *why) for who, why in found.blocked.items()})
        settled = {
            sides[0]: [a for a, _ in found.pairs],
            sides[1]: [b for _, b in found.pairs],
        }
        for side in sides:
            others = [i for s, i in (*found.ambiguous, *found.blocked) if s == side]
            waiting[side] = waiting[side].difference(pd.Index(settled[side] + others), sort=False)
    result.alone = [(side, i) for side in sides for i in waiting[side]]
    return result


@dataclass(slots=True)
class _Found:
    pairs: list[tuple[str, str]] = field(default_factory=list)
    ambiguous: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    blocked: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)


def _judge(sides: tuple[str, str], waiting: MappingOf[str, pd.Index], frame: pd.DataFrame) -> _Found:
    found = _Found()
    if frame.empty:
        return found
    first, second = sides
    counts = frame.groupby(["value", "side"]).size().unstack("side", fill_value=0)
    counts = counts.reindex(columns=list(sides), fill_value=0)
    several = counts.index[(counts > 1).any(axis=1)]
    once = counts.index[(counts == 1).all(axis=1)]

    candidates: dict[str, dict[str, list[str]]] = {}
    doubled = frame[frame["value"].isin(several)]
    for value, side, i in doubled[["value", "side", "id"]].itertuples(index=False):
        candidates.setdefault(value, {s: [] for s in sides})[side].append(i)
    for side in sides:
        mine = doubled[(doubled["side"] == side) & doubled["id"].isin(waiting[side])]
        found.ambiguous.update({(side, i): candidates[v] for i, v in zip(mine["id"], mine["value"], strict=True)})

    single = frame[frame["value"].isin(once)]
    both = single[single["side"] == first].merge(single[single["side"] == second], on="value", suffixes=("_a", "_b"))
    free_a = both["id_a"].isin(waiting[first])
    free_b = both["id_b"].isin(waiting[second])
    twins = both[free_a & free_b]
    found.pairs = list(zip(twins["id_a"], twins["id_b"], strict=True))
    for side, own, met, theirs in (
        (first, "a", both[free_a & ~free_b], "b"),
        (second, "b", both[free_b & ~free_a], "a"),
    ):
        columns = [f"id_{own}", f"id_{theirs}", f"scope_{theirs}", f"linked_{theirs}"]
        for i, holder, scope, linked in met[columns].itertuples(index=False):
            found.blocked[side, i] = (_why(scope, linked), holder)
    return found


def _why(scope: str, linked: bool) -> str:
    if linked:
        return "key_held_by_a_linked_record"
    return "key_held_by_a_company" if scope == Scope.OUTSIDE else "key_held_by_a_settled_record"
