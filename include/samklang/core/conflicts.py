"""Conflicts: both sides of a pair have another value than before. Which one stands, by which rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

import numpy as np
import pandas as pd

from samklang.core.clocks import seconds_between
from samklang.core.compare import Compared
from samklang.core.jsontext import loads
from samklang.core.mapping import Field, Mapping

_TIE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Order:
    """Which of two edits is the later one: the upper bound of each, first side first.

    :param certain: whether it is known that one came before the other.
    """

    clocks: tuple[str, str]
    certain: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field of one pair that both sides hold differently, and how that was decided.

    :param kind: `edit`, or `link` where there was no base.
    :param winner: 0 or 1, the index of the side; None: a person decides.
    """

    pair: int
    field: str
    kind: str
    rule: str
    winner: int | None
    order: Order


OrdersBefore = Callable[[Sequence[int]], MappingOf[tuple[int, str], Order]]
"""By pair and field, of pairs in conflict: by what order the same two values were decided before. A decision that could
not be carried out yet stands: most clocks are of whole records, and an edit of another field would turn it round."""


def decide_conflicts(
    mapping: Mapping, pairs: pd.DataFrame, states: MappingOf[str, Compared], orders_before: OrdersBefore
) -> tuple[dict[str, dict[int, int | None]], list[Conflict]]:
    """The winner by field and pair, and all conflicts. :param pairs: see `merge`."""
    winners: dict[str, dict[int, int | None]] = {}
    conflicts: list[Conflict] = []
    contested = np.flatnonzero(np.logical_or.reduce([state.conflict for state in states.values()]))
    before = orders_before(contested.tolist()) if len(contested) else {}
    for members in _groups(mapping):
        for pair in np.flatnonzero(np.logical_or.reduce([states[f.name].conflict for f in members])).tolist():
            first = _decides(members, states, pair)
            known = before.get((pair, first.name))
            found, listed = _decide(mapping, members, first, states, pair, known) if known else ({}, [])
            if not known or any(_clocks_of(before.get((pair, one.field))) != known.clocks for one in listed):
                now = _clocks(mapping, pairs, pair, first.group)
                order = Order(now, _certain(mapping, pairs, pair, now))
                found, listed = _decide(mapping, members, first, states, pair, order)
            for name, winner in found.items():
                winners.setdefault(name, {})[pair] = winner
            conflicts += listed
    return winners, conflicts


def _decide(
    mapping: Mapping, members: list[Field], first: Field, states: MappingOf[str, Compared], pair: int, order: Order
) -> tuple[dict[str, int | None], list[Conflict]]:
    """One pair, and fields that are decided together. :param first: whose policy goes for them."""
    winners: dict[str, int | None] = {}
    listed = []
    rule, winner = _judge(first, mapping, order.clocks)
    for f in members:
        s = states[f.name]
        changed = s.changed[0][pair] or s.changed[1][pair]
        if s.conflict[pair]:
            own_rule, own_winner = _one_way(f, mapping, rule, winner)
            own_rule, own_winner = _never_empty(own_rule, own_winner, s, pair)
        elif s.live[pair] and not s.equal[pair] and changed:
            if s.owed[0][pair] or s.owed[1][pair]:
                continue  # the other side's value goes there, whoever wins
            own_rule, own_winner = _one_way(f, mapping, "ask" if winner is None else "group", winner)
        else:
            continue
        winners[f.name] = own_winner
        if s.conflict[pair] or own_winner is None or not s.changed[own_winner][pair]:
            based = bool(s.based[pair])
            own = Order(order.clocks, order.certain and based)
            listed.append(Conflict(pair, f.name, "edit" if based else "link", own_rule, own_winner, own))
    return winners, listed


def _clocks_of(order: Order | None) -> tuple[str, str] | None:
    return order.clocks if order else None


def _decides(members: list[Field], states: MappingOf[str, Compared], pair: int) -> Field:
    """Whose policy goes for a group: of the fields in conflict the first one, unless a field that this would decide
    over is to be asked about."""
    contested = [f for f in members if states[f.name].conflict[pair]]
    affected = [
        f
        for f in members
        if (s := states[f.name]).live[pair] and not s.equal[pair] and (s.changed[0][pair] or s.changed[1][pair])
    ]
    return next((f for f in (*contested, *affected) if f.policy == "ask"), contested[0])


def _judge(f: Field, mapping: Mapping, clocks: tuple[str, str]) -> tuple[str, int | None]:
    if f.policy == "ask":
        return "ask", None
    if f.policy in mapping.sides:
        return "policy", mapping.sides.index(f.policy)
    if not clocks[0] or not clocks[1] or abs(seconds_between(*clocks)) <= _TIE_SECONDS:
        return "tie", 0
    return "latest", 0 if clocks[0] > clocks[1] else 1


def _never_empty(rule: str, winner: int | None, s: Compared, pair: int) -> tuple[str, int | None]:
    if winner is not None and s.empty[winner][pair]:
        return "not_empty", 1 - winner
    return rule, winner


def _one_way(f: Field, mapping: Mapping, rule: str, winner: int | None) -> tuple[str, int | None]:
    if f.direction == "both" or winner is None:
        return rule, winner
    source = 1 - mapping.sides.index(f.direction.removeprefix("to_"))
    return (rule, winner) if winner == source else ("direction", source)


def _clocks(mapping: Mapping, pairs: pd.DataFrame, pair: int, group: str | None) -> tuple[str, str]:
    """The upper bound of each side's edit: the group's own clock where it has one."""

    def clock(side: str) -> str:
        own = loads(str(pairs[f"{side}_group_clocks"].iat[pair])).get(group) if group else None
        return str(own or pairs[f"{side}_clock"].iat[pair])

    return clock(mapping.sides[0]), clock(mapping.sides[1])


def _certain(mapping: Mapping, pairs: pd.DataFrame, pair: int, clocks: tuple[str, str]) -> bool:
    """The order of two edits is known where the one was there to be read before a read that still saw the other side's
    base: both its clock and how far that side had been read are its own system's (`seen.changed_after`)."""
    for own, other in ((0, 1), (1, 0)):
        unchanged_until = pairs[f"{mapping.sides[own]}_changed_after"].iat[pair]
        if isinstance(unchanged_until, str) and clocks[other] and clocks[other] < unchanged_until:
            return True
    return False


def _groups(mapping: Mapping) -> list[list[Field]]:
    """Fields that are decided together."""
    groups: dict[str, list[Field]] = {}
    for f in mapping.fields:
        groups.setdefault(f"group {f.group}" if f.group else f"field {f.name}", []).append(f)
    return list(groups.values())
