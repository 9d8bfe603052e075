"""From what the merge decided to the rows of a plan: which record gets which values, what is held back and why."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from samklang.core.compare import ABSENT, FieldArrays
from samklang.core.conflicts import Conflict
from samklang.core.derive import UNSENT, SideView, is_default
from samklang.core.freed import freed_value
from samklang.core.holds import (
    INCOMPLETE_ADDRESS,
    LAST_IDENTITY,
    NEEDS_PRICE,
    PERSONS_FREEZE,
    PING_PONG,
    Hold,
    loses_markup,
    refusal,
)
from samklang.core.jsontext import loads
from samklang.core.mapping import Field, Mapping
from samklang.core.merge import AGREE, NOTHING, TO_FIRST, TO_SECOND, Merged
from samklang.core.plan import (
    FROZEN,
    FROZEN_BY_PERSON,
    RETURNED,
    Based,
    Clash,
    FieldChange,
    Held,
    Plan,
    Refusals,
    Row,
    Tuned,
    join_clocks,
    row_content,
)
from samklang.core.prices import from_common, price_hold
from samklang.core.together import is_country_alone, whole_groups
from samklang.core.values import written_form


def plan_pairs(
    mapping: Mapping,
    views: tuple[SideView, SideView],
    pairs: pd.DataFrame,
    arrays: MappingOf[str, FieldArrays],
    merged: Merged,
    refusals: Refusals,
    plan: Plan,
) -> None:
    """Add what the merge decided to the plan.

    :param pairs: as for the merge, with `{side}_id`, `{side}_revision`, `{side}_facts`, and `matched`.
    """
    names = [f.name for f in mapping.fields]
    busy = np.zeros(len(pairs), dtype=bool)
    for name in names:
        busy |= (merged.action[name] != NOTHING) | (merged.reason[name] != "") | merged.drop[name]
        plan.drift += int(merged.drift[name].sum())
        plan.waiting += sum(1 for reason in merged.reason[name] if reason.startswith("waiting:"))
        plan.unknown[name] = plan.unknown.get(name, 0) + merged.unknown[name]
    busy |= pairs["matched"].notna().to_numpy()
    columns = {name: pairs[name].to_numpy() for name in pairs.columns}
    planner = _PairPlanner(mapping, views, columns, arrays, merged, refusals, plan)
    for i in np.flatnonzero(busy):
        planner.add(int(i))
    for conflict in merged.conflicts:
        plan.clashes.append(planner.clash(conflict))


def tune_pairs(
    mapping: Mapping, pairs: pd.DataFrame, arrays: MappingOf[str, FieldArrays], merged: Merged, plan: Plan
) -> None:
    """Add new pairs that are linked and left alone for now: nothing is written. What is equal is their base, so that
    what people change or empty meanwhile counts as an edit later on. :param pairs: as for `plan_pairs`."""
    ids = [pairs[f"{side}_id"].to_numpy() for side in mapping.sides]
    for i, matched in enumerate(pairs["matched"]):
        equal = [f.name for f in mapping.fields if merged.action[f.name][i] == AGREE]
        bases = {name: (_based(arrays[name], 0, i), _based(arrays[name], 1, i)) for name in equal}
        plan.tuned.append(Tuned((str(ids[0][i]), str(ids[1][i])), matched, bases))


@dataclass(slots=True)
class _PairPlanner:
    mapping: Mapping
    views: tuple[SideView, SideView]
    columns: dict[str, NDArray[Any]]
    arrays: MappingOf[str, FieldArrays]
    merged: Merged
    refusals: Refusals
    plan: Plan

    def add(self, i: int) -> None:
        sides = self.mapping.sides
        ids = (str(self.columns[f"{sides[0]}_id"][i]), str(self.columns[f"{sides[1]}_id"][i]))
        matched = self.columns["matched"][i]
        tuned: dict[str, tuple[Based, Based]] = {}
        wanted: tuple[list[Field], list[Field]] = ([], [])
        for f in self.mapping.fields:
            action = self.merged.action[f.name][i]
            if action == AGREE:
                tuned[f.name] = (self._based(f.name, 0, i), self._based(f.name, 1, i))
            elif action in (TO_FIRST, TO_SECOND):
                wanted[0 if action == TO_FIRST else 1].append(f)
            elif reason := self.merged.reason[f.name][i]:
                self._report(f.name, reason, i, ids)
            a = self.arrays[f.name]
            if action != AGREE and (a.restored[0][i] or a.restored[1][i]) and _has_base(a, i):
                tuned[f.name] = (_base(a, 0, i), _base(a, 1, i))  # the store still says that it was freed
        for target in (0, 1):
            lone = self._lone_countries(wanted[target], target, i) + self._filled_in(wanted[target], target, i)
            tuned |= {f.name: (self._based(f.name, 0, i), self._based(f.name, 1, i)) for f in lone}
            changes = self._changes([f for f in wanted[target] if f not in lone], target, i, ids)
            self._row(changes, self._returned(changes, target, i), target, i, ids)
        drop = [f.name for f in self.mapping.fields if self.merged.drop[f.name][i]]
        if tuned or drop or isinstance(matched, str):
            first, second = (int(self.columns[f"{side}_revision"][i]) for side in sides)
            key = matched if isinstance(matched, str) else None
            self.plan.tuned.append(Tuned(ids, key, tuned, drop, (first, second)))

    def clash(self, conflict: Conflict) -> Clash:
        sides, i, a = self.mapping.sides, conflict.pair, self.arrays[conflict.field]
        based = conflict.kind == "edit"
        return Clash(
            ids=(str(self.columns[f"{sides[0]}_id"][i]), str(self.columns[f"{sides[1]}_id"][i])),
            field=conflict.field,
            kind=conflict.kind,
            rule=conflict.rule,
            winner=None if conflict.winner is None else sides[conflict.winner],
            certain=conflict.order.certain,
            raw=(a.raw[0][i], a.raw[1][i]),
            base=(a.base_raw[0][i], a.base_raw[1][i]) if based else None,
            clocks=conflict.order.clocks,
        )

    def _changes(self, wanted: list[Field], target: int, i: int, ids: tuple[str, str]) -> list[FieldChange]:
        """The writes to one record, without what the target cannot take and without half a group."""
        refused, changes = [], []
        for f in wanted:
            change = self._change(f, target, i, ids)
            if change is None:
                refused.append(f.name)
            else:
                changes.append(change)
        for f in self._rest_of_new_groups(wanted, target, i):
            change = self._change(f, target, i, ids)
            if change is None:
                refused.append(f.name)
            else:
                change.why, change.edited = "fill", None
                changes.append(change)
        changes = self._together(changes, refused, target, ids)
        kept = self._by_rules(changes, target, i, ids)
        return self._together(kept, [c.field for c in changes if c not in kept], target, ids)

    def _together(
        self, changes: list[FieldChange], refused: list[str], target: int, ids: tuple[str, str]
    ) -> list[FieldChange]:
        kept, waiting = whole_groups(self.mapping, changes, refused)
        for name, hold in waiting:
            self._hold(name, target, ids, hold)
        return kept

    def _lone_countries(self, wanted: list[Field], target: int, i: int) -> list[Field]:
        """Countries that are in tune as they stand: alone they are no address, and the target has none either."""
        alone = []
        for f in wanted:
            if f.kind == "country" and f.group in self._new_groups(wanted, target, i):
                filled = [m.name for m in self.mapping.fields if _filled(self.arrays[m.name].raw[1 - target][i])]
                alone += [f] if is_country_alone(self.mapping, f.group, filled) else []
        return alone

    def _filled_in(self, wanted: list[Field], target: int, i: int) -> list[Field]:
        """What the source filled in by itself, in tune as it stands, though the store does not know of our write: its
        answer was lost, the store is an older one, or the mapping did not name the field then."""
        source = self.views[1 - target]
        keys = self.columns.get(f"{source.name}_our_key")
        ours = source.rules.key_proves_origin and keys is not None and keys[i] is not None
        filled = []
        for f in wanted:
            if not is_default(source, f, self.arrays[f.name].raw[1 - target][i]):
                continue
            members = [m for m in self.mapping.fields if m.group and m.group == f.group]
            had_none = all(
                self.arrays[m.name].base_raw[1 - target][i] != ABSENT
                and not _filled(self.arrays[m.name].base_raw[1 - target][i])
                for m in members
            )
            made = ours and self.columns["matched"][i] in (None, "our_key") and not _has_base(self.arrays[f.name], i)
            came = members and had_none and not any(m in wanted for m in members if m is not f)
            if not _filled(self.arrays[f.name].raw[target][i]) and (made or came):
                filled.append(f)
        return filled

    def _rest_of_new_groups(self, wanted: list[Field], target: int, i: int) -> list[Field]:
        """What goes along with the first fields of a group: it is in tune as it stood, next to a target without any."""
        new = self._new_groups(wanted, target, i)
        return [
            f
            for f in self.mapping.fields
            if f.group in new
            and self.merged.action[f.name][i] in (NOTHING, AGREE)
            and f.direction in ("both", f"to_{self.views[target].name}")
            and not self.merged.reason[f.name][i]
            and self.arrays[f.name].raw[target][i] != ABSENT
            and _filled(self.arrays[f.name].raw[1 - target][i])
        ]

    def _new_groups(self, wanted: list[Field], target: int, i: int) -> set[str]:
        """Of the groups that the target takes only as a whole at first, those that it has nothing of yet."""
        groups = {f.group for f in wanted if f.group in self.views[target].rules.group_needs}
        begun = {f.group for f in self.mapping.fields if _filled(self.arrays[f.name].raw[target][i])}
        return {group for group in groups - begun if group}

    def _change(self, f: Field, target: int, i: int, ids: tuple[str, str]) -> FieldChange | None:
        """The write of one field, or None where it is held back."""
        a, source = self.arrays[f.name], 1 - target
        accepts = self.views[target].rules.accepts(f.names[self.views[target].name])
        region = region_of(self.mapping, self.arrays, i, source)
        raw = a.raw[source][i]
        where = {"region": region, "home": self.mapping.region}
        hold = None if f.kind in ("money", "cost") else refusal(f.kind, raw, accepts=accepts, **where)
        value: str | None = None
        if hold is None and a.normal[source][i] is not None:
            if f.kind in ("money", "cost"):
                value, hold = _price(a, target, i)
                hold = hold or refusal(f.kind, value, accepts=accepts, region=region)
            else:
                value = written_form(f.kind, raw, accepts=accepts, **where)
        elif hold is None and not accepts.clearable:
            hold = refusal(f.kind, None, accepts=accepts, region=region)
        if f.kind == "html" and hold is None:
            hold = loses_markup(value, a.raw[target][i], accepts)
        side = self.views[target].name
        hold = hold or self.refusals.standing(side, ids[source], f.name, value, self._last_edits(target, i))
        if hold is not None:
            self._hold(f.name, target, ids, hold)
            return None
        why = self._why(f.name, i, value)
        freed = _freed(a, target, i)
        nothing_new = freed is not None and a.raw[source][i] == a.base_raw[source][i]
        edited = self._clock(f, source, i) if why in ("edit", "clear") and not nothing_new else ""
        if why == "edit" and self._is_first(a, target, i):
            why = "first"
        return FieldChange(
            f.name,
            a.raw[target][i],
            value,
            why,
            self._based(f.name, source, i),
            base=_last_in_tune(a, i) if _has_base(a, i) else None,
            edited=edited or None,
            freed=freed,
            needed=not accepts.clearable or (accepts.unique and self._is_last_identity(f, target, i)),
        )

    def _returned(self, changes: list[FieldChange], target: int, i: int) -> list[FieldChange]:
        """What we emptied, and what the other side's value cannot take the place of at present, goes back."""
        written = {change.field for change in changes}
        side = self.views[target].name
        back = []
        for f in self.mapping.fields:
            a, reason = self.arrays[f.name], self.merged.reason[f.name][i]
            freed = _freed(a, target, i)
            left_alone = reason.startswith(FROZEN_BY_PERSON) or self.merged.action[f.name][i] == AGREE
            if freed is None or f.name in written or left_alone or not self.mapping.shares(side):
                continue
            source = self._based(f.name, 1 - target, i)
            back.append(FieldChange(f.name, a.raw[target][i], freed, RETURNED, source, freed=freed))
        return back

    def _is_last_identity(self, f: Field, target: int, i: int) -> bool:
        """Whether the target has nothing else to know this record by."""
        view = self.views[target]
        others = [o for o in self.mapping.fields if o is not f and o.names[view.name] in view.rules.identity]
        return f.names[view.name] in view.rules.identity and not any(
            _filled(self.arrays[o.name].raw[target][i]) for o in others
        )

    def _by_rules(self, changes: list[FieldChange], target: int, i: int, ids: tuple[str, str]) -> list[FieldChange]:
        """Hold back what the target cannot take as a whole: a last identity, half an address."""
        if not changes:
            return changes
        rules, side = self.views[target].rules, self.views[target].name
        if not rules.identity and not rules.group_needs:
            return changes
        after = {f.names[side]: self.arrays[f.name].raw[target][i] for f in self.mapping.fields}
        before = dict(after)
        named = {self.mapping.field(c.field).names[side]: c for c in changes}
        after.update({name: c.value for name, c in named.items()})
        refused: set[str] = set()
        identity = [n for n in rules.identity if n in after]
        if identity and len(identity) == len(rules.identity) and not any(_filled(after[n]) for n in identity):
            clears = {n for n in named if n in identity and named[n].value is None}
            refused |= clears
            for name in clears:
                self._hold(named[name].field, target, ids, LAST_IDENTITY)
        for group, needs in rules.group_needs.items():
            members = [f.names[side] for f in self.mapping.fields if f.group == group]
            if lacks_needs(members, needs, before, after):
                for name in members:
                    if name in named:
                        refused.add(name)
                        self._hold(named[name].field, target, ids, INCOMPLETE_ADDRESS)
        return [c for name, c in named.items() if name not in refused]

    def _row(
        self, changes: list[FieldChange], back: list[FieldChange], target: int, i: int, ids: tuple[str, str]
    ) -> None:
        """:param back: what is given back whatever becomes of the changes."""
        side = self.views[target].name
        last_edits = self._last_edits(target, i)
        standing = self.refusals.standing(side, ids[1 - target], "", row_content(changes), last_edits)
        if changes and standing is not None:
            self._hold("", target, ids, standing)
            changes, back = [], self._returned([], target, i)
        if not changes and not back:
            return
        self.plan.rows.append(
            Row(
                side=side,
                op="update",
                id=ids[target],
                source_id=ids[1 - target],
                changes=changes + back,
                revision=int(self.columns[f"{side}_revision"][i]),
                last_edits=last_edits,
                facts=loads(self.columns[f"{side}_facts"][i]),
            )
        )

    def _report(self, name: str, reason: str, i: int, ids: tuple[str, str]) -> None:
        if reason == FROZEN:
            for target in (0, 1):
                self._hold(name, target, ids, PING_PONG)
            return
        if reason.startswith(FROZEN_BY_PERSON):
            self._hold(name, int(reason.removeprefix(FROZEN_BY_PERSON)), ids, PERSONS_FREEZE)
            return
        hold = price_hold(reason)
        if hold is not None:
            # A price that cannot be compared is held towards the second side, where it would be shown.
            unsent = self.arrays[name].base_form[0][i] == UNSENT
            self._hold(name, 1, ids, NEEDS_PRICE if unsent and hold.reason == "inherited" else hold)

    def _hold(self, name: str, target: int, ids: tuple[str, str], hold: Hold) -> None:
        self.plan.held.append(Held(self.views[target].name, ids[1 - target], name, hold.reason, hold.remedy))

    def _based(self, name: str, side: int, i: int) -> Based:
        return _based(self.arrays[name], side, i)

    def _last_edits(self, target: int, i: int) -> str:
        sides = (self.views[1 - target].name, self.views[target].name)
        return join_clocks(*(self.columns[f"{side}_{name}"][i] for side in sides for name in ("clock", "group_clocks")))

    def _clock(self, f: Field, side: int, i: int) -> str:
        """The upper bound of one side's edit: the group's own clock where it has one."""
        name = self.mapping.sides[side]
        own = loads(self.columns[f"{name}_group_clocks"][i]).get(f.group) if f.group else None
        return str(own or self.columns[f"{name}_clock"][i])

    def _is_first(self, a: FieldArrays, target: int, i: int) -> bool:
        """Whether the new record was made without this value, and shows the default that it got instead."""
        return bool(a.base_form[1 - target][i] == UNSENT and a.raw[target][i] == a.base_raw[target][i])

    def _why(self, name: str, i: int, value: str | None) -> str:
        if self.merged.drift[name][i]:
            return "drift"
        if value is None:
            return "clear"
        return "edit" if _has_base(self.arrays[name], i) else "fill"


def _has_base(a: FieldArrays, i: int) -> bool:
    return bool(a.base_form[0][i] != ABSENT and a.base_form[1][i] != ABSENT)


def _freed(a: FieldArrays, side: int, i: int) -> str | None:
    known = a.raw[side][i] != ABSENT
    return freed_value(a.base_form[side][i], a.normal[side][i]) if known else None


def _last_in_tune(a: FieldArrays, i: int) -> tuple[str | None, str | None]:
    """Raw values; of a field that we emptied since, what stood there."""
    first, second = (freed_value(a.base_form[n][i], None) or a.base_raw[n][i] for n in (0, 1))
    return first, second


def _based(a: FieldArrays, side: int, i: int) -> Based:
    return a.raw[side][i], a.normal[side][i], a.form[side][i]


def _base(a: FieldArrays, side: int, i: int) -> Based:
    return a.base_raw[side][i], a.base_normal[side][i], a.base_form[side][i]


def region_of(mapping: Mapping, arrays: MappingOf[str, FieldArrays], i: int, side: int) -> str:
    """The country of phone numbers of one record that name none."""
    for f in mapping.fields:
        if f.kind == "country":
            country = arrays[f.name].normal[side][i]
            return mapping.region if country in (None, ABSENT) else str(country)
    return mapping.region


def _price(a: FieldArrays, target: int, i: int) -> tuple[str | None, Hold | None]:
    common = a.common[1 - target][i]
    factor = a.form[target][i].partition("*")[2]
    try:
        return from_common(common, factor), None
    except (ValueError, ArithmeticError):
        return None, Hold("money_invalid", "Enter an amount of 0 or more, as a plain number.")


def lacks_needs(
    members: list[str],
    needs: tuple[str, ...],
    before: MappingOf[str, str | None],
    after: MappingOf[str, str | None],
) -> bool:
    """Whether a group would be begun, or left, without the fields that the target needs with it."""
    if not any(_filled(after.get(name)) for name in members):
        return False
    begun = not any(_filled(before.get(name)) for name in members)
    return any(not _filled(after.get(n)) and (begun or _filled(before.get(n))) for n in needs)


def _filled(value: str | None) -> bool:
    return value is not None and value != ABSENT and bool(value.strip())
