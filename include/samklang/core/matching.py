"""Which records without a link are twins, which cannot be told apart, and which have nobody.

Judged over all records that were ever seen, never over one window: a key is only worth something where it is held
once. Linked records, companies and archived records hold their keys too.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

import pandas as pd

from samklang.core.records import Scope

_HOLDER = ("value", "side", "id", "scope", "linked")


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


def match(
    sides: tuple[str, str], unlinked: MappingOf[str, Iterable[str]], holders: MappingOf[str, pd.DataFrame]
) -> Matches:
    """Match by keys, tried in order.

    :param unlinked: per side, the ids of records in scope without a link.
    :param holders: by key field in order: who holds the keys of those records: columns side, id, value, scope, linked.
    """
    result = Matches()
    waiting = {side: dict.fromkeys(unlinked[side]) for side in sides}  # in their order
    for name, frame in holders.items():
        found = _judge(sides, waiting, frame)
        result.pairs.extend((a, b, name) for a, b in found.pairs)
        result.ambiguous.update({who: (name, candidates) for who, candidates in found.ambiguous.items()})
        result.blocked.update({who: (name, *why) for who, why in found.blocked.items()})
        settled = [who for pair in found.pairs for who in zip(sides, pair, strict=True)]
        for who in (*settled, *found.ambiguous, *found.blocked):
            del waiting[who[0]][who[1]]
    result.alone = [(side, i) for side in sides for i in waiting[side]]
    return result


@dataclass(slots=True)
class _Found:
    pairs: list[tuple[str, str]] = field(default_factory=list)
    ambiguous: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    blocked: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)


def _judge(sides: tuple[str, str], waiting: MappingOf[str, Container[str]], frame: pd.DataFrame) -> _Found:
    """One key field, value by value: only records that wait are judged, and all that hold the value count."""
    found = _Found()
    by_value: dict[str, dict[str, list[tuple[str, str, bool]]]] = {}
    for value, side, i, scope, linked in zip(*(frame[name] for name in _HOLDER), strict=True):
        by_value.setdefault(value, {one: [] for one in sides})[side].append((i, scope, linked))
    for held in by_value.values():
        if any(len(holders) > 1 for holders in held.values()):
            candidates = {side: [i for i, _, _ in held[side]] for side in sides}
            who = ((side, i) for side in sides for i in candidates[side] if i in waiting[side])
            found.ambiguous.update(dict.fromkeys(who, candidates))
        elif all(held.values()):
            ends = {side: held[side][0] for side in sides}
            free = [side for side in sides if ends[side][0] in waiting[side]]
            if len(free) == len(sides):
                found.pairs.append((ends[sides[0]][0], ends[sides[1]][0]))
            for side in free[: len(free) % len(sides)]:
                holder = ends[sides[1 - sides.index(side)]]
                found.blocked[side, ends[side][0]] = (_why(*holder[1:]), holder[0])
    return found


def _why(scope: str, linked: bool) -> str:
    if linked:
        return "key_held_by_a_linked_record"
    return _HELD_BY.get(Scope(scope), "key_held_by_a_settled_record")


_HELD_BY = {
    Scope.OUTSIDE: "key_held_by_a_company",
    Scope.CONTACT: "key_held_by_a_company_contact",
    Scope.GIFT_CARD: "key_held_by_a_gift_card",
    Scope.COMBINED: "key_held_by_a_combined_listing",
}
