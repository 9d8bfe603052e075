"""The three-way merge: what was seen on each side against what both held when they were last in tune.

Pure, and vectorised over pairs: one pass of array comparisons per field. Only pairs in conflict are looked at one by
one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from samklang.core.clocks import seconds_between
from samklang.core.derive import HELD, PRICES, SKIP, UNSENT
from samklang.core.freed import FREED
from samklang.core.jsontext import loads
from samklang.core.mapping import Field, Mapping
from samklang.core.prices import common_forms, same_terms
from samklang.core.values import plain_form

ABSENT = "\x00absent"
"""Stands in arrays for a field that is unknown, or has no base; no system can store it."""

Array = NDArray[Any]
NOTHING, AGREE, TO_FIRST, TO_SECOND = 0, 1, 2, 3
_TIE_SECONDS = 1.0
_PARTS = ("raw", "normal", "form")


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
    :param drop: pairs whose base is forgotten, because the field is not synchronised at present.
    :param unknown: how many pairs had no answer for the field.
    """

    action: dict[str, Array] = field(default_factory=dict)
    reason: dict[str, Array] = field(default_factory=dict)
    drift: dict[str, Array] = field(default_factory=dict)
    drop: dict[str, Array] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


@dataclass(slots=True)
class FieldArrays:
    """One field of all pairs; each a pair of object arrays, first side and second side."""

    raw: list[Array]
    normal: list[Array]
    form: list[Array]
    base_raw: list[Array]
    base_normal: list[Array]
    base_form: list[Array]
    restored: list[Array]  # whether it holds again what we had freed: as if that had not been
    common: list[Array]


def field_arrays(mapping: Mapping, pairs: pd.DataFrame) -> dict[str, FieldArrays]:
    """Unpack the JSON columns of pairs (`{side}_raw`, `{side}_base_raw`, …) into arrays by field."""
    names = [f.name for f in mapping.fields]
    columns: dict[str, list[dict[str, Array]]] = {part: [] for part in (*_PARTS, *(f"base_{p}" for p in _PARTS))}
    for part in _PARTS:
        for side in mapping.sides:
            now, base = _unpack(names, pairs[f"{side}_{part}"], pairs[f"{side}_base_{part}"])
            columns[part].append(now)
            columns[f"base_{part}"].append(base)
    result = {}
    for f in mapping.fields:
        one = {part: [side[f.name] for side in both] for part, both in columns.items()}
        one["restored"] = [_restore(*(one[part][i] for part in columns)) for i in (0, 1)]
        if f.kind in PRICES:
            one["base_form"] = [_objects([same_terms(form) for form in side]) for side in one["base_form"]]
            common = [_common_price(one["raw"][i], one["form"][i]) for i in (0, 1)]
            based = [_common_price(one["base_raw"][i], one["base_form"][i]) for i in (0, 1)]
            # Less than one øre as the shop shows it is no edit, and more is one, whatever the figure's own rounding.
            one["normal"] = [np.where(_is_none(common[i]), one["normal"][i], common[i]) for i in (0, 1)]
            one["base_normal"] = [np.where(_is_none(based[i]), one["base_normal"][i], based[i]) for i in (0, 1)]
        elif f.kind == "html":
            # a picture added in one system is no difference to the other, which has none
            common = [_common_text(one["raw"][i]) for i in (0, 1)]
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
    decided = _decide_conflicts(mapping, pairs, states, merged)
    for f in mapping.fields:
        _act(f, mapping, arrays[f.name], states[f.name], decided.get(f.name, {}), merged)
    return merged


@dataclass(slots=True)
class _State:
    known: Array
    live: Array  # known, and comparable at present
    held: Array
    skipped: Array
    based: Array
    changed: list[Array]
    moved: Array  # a raw value, or a form, differs from its base
    equal: Array
    empty: list[Array]
    owed: list[Array]  # emptied by us, for another record's sake, and empty still: nobody's edit

    @property
    def conflict(self) -> Array:
        both: Array = np.where(self.based, self.changed[0] & self.changed[1], ~self.empty[0] & ~self.empty[1])
        return self.live & ~self.equal & both


def _compare(a: FieldArrays) -> _State:
    known = (a.raw[0] != ABSENT) & (a.raw[1] != ABSENT)
    held = known & (_starts(a.form[0], HELD) | _starts(a.form[1], HELD))
    skipped: Array = _starts(a.form[0], SKIP) | _starts(a.form[1], SKIP)
    live = known & ~held & ~skipped
    based = live & _counts(a, 0) & _counts(a, 1)
    differs = [a.raw[i] != a.base_raw[i] for i in (0, 1)]
    changed = [based & differs[i] & (a.normal[i] != a.base_normal[i]) for i in (0, 1)]
    return _State(
        known=known,
        live=live,
        held=held,
        skipped=skipped,
        based=based,
        changed=changed,
        moved=np.logical_or.reduce(
            [*differs, *a.restored, a.form[0] != a.base_form[0], a.form[1] != a.base_form[1]],
        ),
        equal=a.common[0] == a.common[1],
        empty=[_is_none(a.normal[i]) for i in (0, 1)],
        owed=[live & _starts(a.base_form[i], FREED) & _is_none(a.common[i]) for i in (0, 1)],
    )


def _counts(a: FieldArrays, i: int) -> Array:
    """Whether there is a base in the terms of today. An empty one is empty in all terms."""
    counts: Array = (a.base_form[i] == a.form[i]) | ((a.base_form[i] != ABSENT) & _is_none(a.base_normal[i]))
    return counts


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
    reason[unequal_held] = np.where(_starts(a.form[0], HELD), a.form[0], a.form[1])[unequal_held]
    merged.action[f.name], merged.reason[f.name], merged.drift[f.name] = action, reason, drift
    merged.drop[f.name] = s.skipped & ((a.base_form[0] != ABSENT) | (a.base_form[1] != ABSENT))
    merged.unknown[f.name] = int((~s.known).sum())


def _decide_conflicts(
    mapping: Mapping,
    pairs: pd.DataFrame,
    states: MappingOf[str, _State],
    merged: Merged,
) -> dict[str, dict[int, int | None]]:
    """The winner by field and pair; fills `merged.conflicts`."""
    decided: dict[str, dict[int, int | None]] = {}
    for members in _groups(mapping):
        conflict = {f.name: states[f.name].conflict for f in members}
        for pair in np.flatnonzero(np.logical_or.reduce(list(conflict.values()))):
            first = _decides(members, states, int(pair))
            clocks = _clocks(mapping, pairs, int(pair), first.group)
            rule, winner = _judge(first, mapping, clocks)
            certain = _certain(mapping, pairs, int(pair), clocks)
            for f in members:
                s = states[f.name]
                if conflict[f.name][pair]:
                    own_rule, own_winner = _one_way(f, mapping, rule, winner)
                    own_rule, own_winner = _never_empty(own_rule, own_winner, s, int(pair))
                elif s.live[pair] and not s.equal[pair] and (s.changed[0][pair] or s.changed[1][pair]):
                    if s.owed[0][pair] or s.owed[1][pair]:
                        continue  # the other side's value goes there, whoever wins
                    own_rule, own_winner = _one_way(f, mapping, "ask" if winner is None else "group", winner)
                else:
                    continue
                decided.setdefault(f.name, {})[int(pair)] = own_winner
                if conflict[f.name][pair] or own_winner is None or not s.changed[own_winner][pair]:
                    based = bool(s.based[pair])
                    kind = "edit" if based else "link"
                    merged.conflicts.append(Conflict(int(pair), f.name, kind, own_rule, own_winner, certain and based))
    return decided


def _decides(members: list[Field], states: MappingOf[str, _State], pair: int) -> Field:
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


def _unequal_or_unclear(a: FieldArrays) -> Array:
    """A held price cannot be compared in common form: any two different figures may be out of tune."""
    unequal: Array = a.normal[0] != a.normal[1]
    return unequal


def _restore(raw: Array, normal: Array, form: Array, base_raw: Array, base_normal: Array, base_form: Array) -> Array:
    """Where the value that we freed is back, it is the base: we gave it back and did not hear of it, most likely."""
    restored: Array = _starts(base_form, FREED)
    for i in np.flatnonzero(restored):
        restored[i] = raw[i] == base_form[i].removeprefix(FREED)
    base_raw[restored], base_normal[restored], base_form[restored] = raw[restored], normal[restored], form[restored]
    return restored


def _common_price(raw: Array, form: Array) -> Array:
    """None where there is no factor: held, skipped or unknown."""
    factors = _objects([f.partition("*")[2] or None for f in form])
    amounts = raw.copy()
    amounts[raw == ABSENT] = None
    common: Array = common_forms(pd.Series(amounts, dtype=object), pd.Series(factors, dtype=object)).to_numpy()
    return common


def _common_text(raw: Array) -> Array:
    known = {text: plain_form(text) or None for text in set(raw) if text not in (None, ABSENT)}
    return _objects([known.get(text) for text in raw])


def _is_none(values: Array) -> Array:
    none: Array = np.equal(values, np.array(None, dtype=object))
    return none


def _starts(values: Array, prefix: str) -> Array:
    wanted = [value for value in set(values) if value.startswith(prefix)]
    result: Array = (
        np.logical_or.reduce([values == value for value in wanted]) if wanted else np.zeros(len(values), bool)
    )
    return result


def _unpack(names: list[str], *columns: pd.Series) -> list[dict[str, Array]]:
    """JSON texts to arrays by field. Each distinct text is parsed once: a base mostly equals what is seen, and forms
    are the same text over and over."""
    codes, texts = pd.factorize(np.concatenate([column.to_numpy(dtype=object) for column in columns]))
    distinct = dict(zip(names, map(_objects, _columns(names, texts)), strict=True))
    size = len(columns[0])
    return [
        {name: values[codes[start : start + size]] for name, values in distinct.items()}
        for start in range(0, size * len(columns), size or 1)
    ] or [{name: _objects([]) for name in names} for _ in columns]


def _columns(names: list[str], texts: Iterable[str]) -> list[Sequence[str | None]]:
    """The values of each field; ABSENT where a text does not name it."""
    rows = loads(f"[{','.join(texts)}]")  # one call: it costs less than one per text
    try:
        values = list(map(itemgetter(*names), rows)) if len(names) > 1 else [(row[names[0]],) for row in rows]
    except KeyError:
        values = [tuple(row.get(name, ABSENT) for name in names) for row in rows]
    return list(zip(*values, strict=True)) if values else [()] * len(names)


def _objects(values: Sequence[str | None]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
