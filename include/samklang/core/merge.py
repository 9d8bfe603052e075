"""The three-way merge: what was seen on each side against what both held when they were last in tune.

Pure, and vectorised over pairs: one pass of array comparisons per field. Only pairs in conflict are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from samklang.core.clocks import seconds_between
from samklang.core.derive import HELD, SKIP
from samklang.core.jsontext import loads
from samklang.core.mapping import Field, Mapping
from samklang.core.prices import common_forms

ABSENT = "\x00absent"
"""Stands in arrays for a field that is unknown, or has no base; no system can store it."""

NOTHING, AGREE, TO_FIRST, TO_SECOND = 0, 1, 2, 3
_TIE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field of one pair that both sides hold differently, and how that was decided.

    :param kind: `edit`, or `link` where there was no base.
    :param winner: 0 or 1, the index of the side; None: a person decides.
    :param certain: whether the order of the two edits is known.
    """

    pair: int
    field: str
    kind: str
    rule: str
    winner: int | None
    certain: bool


@dataclass(slots=True)
class Merged:
    """What to do, by field name: arrays over the pairs.

    :param action: NOTHING, AGREE (both hold the same: that is the base now), TO_FIRST or TO_SECOND (write there).
    :param reason: why a field is left alone though the sides differ (`held:…`, `waiting:…`, `ask`), else "".
    :param drift: pairs whose edit on the wrong side of a one-way field is put back.
    :param unknown: how many pairs had no answer for the field.
    """

    action: dict[str, np.ndarray] = field(default_factory=dict)
    reason: dict[str, np.ndarray] = field(default_factory=dict)
    drift: dict[str, np.ndarray] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


@dataclass(slots=True)
class FieldArrays:
    """One field of all pairs; each a pair of object arrays, first side and second side."""

    raw: list[np.ndarray]
    normal: list[np.ndarray]
    form: list[np.ndarray]
    base_raw: list[np.ndarray]
    base_normal: list[np.ndarray]
    base_form: list[np.ndarray]
    common: list[np.ndarray]


def field_arrays(mapping: Mapping, pairs: pd.DataFrame) -> dict[str, FieldArrays]:
    """Unpack the JSON columns of pairs (`{side}_raw`, `{side}_base_raw`, …) into arrays by field."""
    names = [f.name for f in mapping.fields]
    columns = {
        part: [_unpack(pairs[f"{side}_{part}"], names) for side in mapping.sides]
        for part in ("raw", "normal", "form", "base_raw", "base_normal", "base_form")
    }
    result = {}
    for f in mapping.fields:
        one = {part: [side[f.name] for side in both] for part, both in columns.items()}
        if f.kind in ("money", "cost"):
            common = [_common_price(one["raw"][i], one["form"][i]) for i in (0, 1)]
            based = [_common_price(one["base_raw"][i], one["base_form"][i]) for i in (0, 1)]
            # Less than one øre as the shop shows it is no edit, and more is one, whatever the figure's own rounding.
            one["normal"] = [np.where(common[i] == None, one["normal"][i], common[i]) for i in (0, 1)]  # noqa: E711
            one["base_normal"] = [
                np.where(based[i] == None, one["base_normal"][i], based[i])  # noqa: E711
                for i in (0, 1)
            ]
        else:
            common = one["normal"]
        result[f.name] = FieldArrays(**one, common=common)
    return result


def merge(mapping: Mapping, pairs: pd.DataFrame, arrays: MappingOf[str, FieldArrays]) -> Merged:
    """Decide every field of every pair.

    :param pairs: `{side}_clock`, `{side}_group_clocks`, `{side}_changed_after` besides what the arrays came from.
    """
    merged = Merged()
    states = {f.name: _compare(arrays[f.name]) for f in mapping.fields}
    decided = _decide_conflicts(mapping, pairs, arrays, states, merged)
    for f in mapping.fields:
        _act(f, mapping, arrays[f.name], states[f.name], decided.get(f.name, {}), merged)
    return merged


@dataclass(slots=True)
class _State:
    known: np.ndarray
    live: np.ndarray  # known, and comparable at present
    held: np.ndarray
    based: np.ndarray
    changed: list[np.ndarray]
    moved: np.ndarray  # a raw value differs from its base
    equal: np.ndarray
    empty: list[np.ndarray]

    @property
    def conflict(self) -> np.ndarray:
        return (
            self.live
            & ~self.equal
            & np.where(self.based, self.changed[0] & self.changed[1], ~self.empty[0] & ~self.empty[1])
        )


def _compare(a: FieldArrays) -> _State:
    known = (a.raw[0] != ABSENT) & (a.raw[1] != ABSENT)
    held = known & (_starts(a.form[0], HELD) | _starts(a.form[1], HELD))
    live = known & ~held & ~(_starts(a.form[0], SKIP) | _starts(a.form[1], SKIP))
    based = live & (a.base_form[0] == a.form[0]) & (a.base_form[1] == a.form[1])
    differs = [a.raw[i] != a.base_raw[i] for i in (0, 1)]
    changed = [based & differs[i] & (a.normal[i] != a.base_normal[i]) for i in (0, 1)]
    return _State(
        known=known,
        live=live,
        held=held,
        based=based,
        changed=changed,
        moved=differs[0] | differs[1],
        equal=a.common[0] == a.common[1],
        empty=[np.equal(a.common[i], None) for i in (0, 1)],
    )


def _act(
    f: Field,
    mapping: Mapping,
    a: FieldArrays,
    s: _State,
    decided: MappingOf[int, int | None],
    merged: Merged,
) -> None:
    n = len(s.known)
    action = np.zeros(n, dtype=np.int8)
    reason = np.full(n, "", dtype=object)
    drift = np.zeros(n, dtype=bool)

    # In tune: a new pair, the same edit on both sides, or another spelling of the same value.
    action[s.live & s.equal & (~s.based | s.moved)] = AGREE
    action[s.based & ~s.equal & ~s.changed[0] & ~s.changed[1] & s.moved] = AGREE

    differ = s.live & ~s.equal
    source_first = differ & ((s.based & s.changed[0] & ~s.changed[1]) | (~s.based & s.empty[1]))
    source_second = differ & ((s.based & s.changed[1] & ~s.changed[0]) | (~s.based & s.empty[0]))
    for pair, winner in decided.items():
        source_first[pair] = winner == 0
        source_second[pair] = winner == 1
        if winner is None:
            reason[pair] = "ask"
            action[pair] = NOTHING

    for source, moving, write in ((0, source_first, TO_SECOND), (1, source_second, TO_FIRST)):
        target = 1 - source
        against = f.direction not in ("both", f"to_{mapping.sides[target]}")
        if against:
            # An edit on the wrong side is put back; where there was no base there is nothing to put back.
            back = moving & s.based
            drift |= back
            reason[moving & ~s.based] = "waiting:direction"
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
    reason[unequal_held] = np.where(_starts(a.form[0], HELD), a.form[0], a.form[1])[unequal_held]
    merged.action[f.name], merged.reason[f.name], merged.drift[f.name] = action, reason, drift
    merged.unknown[f.name] = int((~s.known).sum())


def _decide_conflicts(
    mapping: Mapping,
    pairs: pd.DataFrame,
    arrays: MappingOf[str, FieldArrays],
    states: MappingOf[str, _State],
    merged: Merged,
) -> dict[str, dict[int, int | None]]:
    """The winner by field and pair; fills `merged.conflicts`."""
    decided: dict[str, dict[int, int | None]] = {}
    for members in _groups(mapping):
        conflict = {f.name: states[f.name].conflict for f in members}
        for pair in np.flatnonzero(np.logical_or.reduce(list(conflict.values()))):
            first = next(f for f in members if conflict[f.name][pair])
            clocks = _clocks(mapping, pairs, int(pair), first.group)
            rule, winner = _judge(first, mapping, clocks)
            certain = _certain(mapping, pairs, int(pair), clocks)
            for f in members:
                s = states[f.name]
                if conflict[f.name][pair]:
                    own_rule, own_winner = _never_empty(rule, winner, s, int(pair))
                elif s.live[pair] and not s.equal[pair] and (s.changed[0][pair] or s.changed[1][pair]):
                    own_rule, own_winner = ("ask" if winner is None else "group"), winner
                else:
                    continue
                own_rule, own_winner = _one_way(f, mapping, own_rule, own_winner)
                decided.setdefault(f.name, {})[int(pair)] = own_winner
                if conflict[f.name][pair] or own_winner is None or not s.changed[own_winner][pair]:
                    kind = "edit" if s.based[pair] else "link"
                    merged.conflicts.append(Conflict(int(pair), f.name, kind, own_rule, own_winner, certain))
    return decided


def _judge(f: Field, mapping: Mapping, clocks: tuple[str, str]) -> tuple[str, int | None]:
    if f.policy == "ask":
        return "ask", None
    if f.policy in mapping.sides:
        return "policy", mapping.sides.index(f.policy)
    if not clocks[0] or not clocks[1] or abs(seconds_between(*clocks)) <= _TIE_SECONDS:
        return "tie", 0
    return "latest", 0 if clocks[0] > clocks[1] else 1


def _never_empty(rule: str, winner: int | None, s: _State, pair: int) -> tuple[str, int | None]:
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
        own = loads(pairs[f"{side}_group_clocks"].iat[pair]).get(group) if group else None
        return str(own or pairs[f"{side}_clock"].iat[pair])

    return clock(mapping.sides[0]), clock(mapping.sides[1])


def _certain(mapping: Mapping, pairs: pd.DataFrame, pair: int, clocks: tuple[str, str]) -> bool:
    """The order of two edits is known where one clock lies before a read that still saw the other side's base."""
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


def _unequal_or_unclear(a: FieldArrays) -> np.ndarray:
    """A held price cannot be compared in common form: any two different figures may be out of tune."""
    return a.normal[0] != a.normal[1]


def _common_price(raw: np.ndarray, form: np.ndarray) -> np.ndarray:
    amounts = np.where((raw == ABSENT) | (form == ABSENT), None, raw)
    factors = [f.partition("*")[2] or f for f in form]
    return common_forms(pd.Series(amounts, dtype=object), pd.Series(factors, dtype=object)).to_numpy()


def _starts(values: np.ndarray, prefix: str) -> np.ndarray:
    return np.fromiter((v.startswith(prefix) for v in values), dtype=bool, count=len(values))


def _unpack(texts: pd.Series, names: list[str]) -> dict[str, np.ndarray]:
    known = {text: loads(text) for text in set(texts)}  # forms, above all, are the same text over and over
    rows = [known[text] for text in texts]
    return {name: _objects([row.get(name, ABSENT) for row in rows]) for name in names}


def _objects(values: list[str | None]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
