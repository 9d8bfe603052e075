"""From decisions to a plan: which record gets which values, what is held back and why.

A plan is data: rows to write per side, what is in tune without a write, and what a person should know. It is made
without talking to a system, so it can be looked at, approved and carried out exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from samklang.core.derive import UNSENT, SideView
from samklang.core.holds import Hold, refusal
from samklang.core.jsontext import dumps, loads
from samklang.core.mapping import Field, Mapping
from samklang.core.merge import ABSENT, AGREE, NOTHING, TO_FIRST, TO_SECOND, FieldArrays, Merged
from samklang.core.prices import from_common, price_hold
from samklang.core.values import written_form

Based = tuple[str | None, str | None, str]
"""What becomes a base: raw value, normal form, form."""


@dataclass(slots=True)
class FieldChange:
    """:param expected: what the target stored when the plan was made. :param source: the base of the source side.
    :param why: `edit`, `clear`, `fill`, `drift`; `first` where the record was made without a value and shows a default;
        `undo` or `take` where a person put a value back.
    :param order: the person's order, see `store.orders`.
    :param edited: when the edit was made that this carries on, by the source's clock: an upper bound; of a record made
        since the first run, when it was made. None: it carries on nobody's edit, or nobody knows when that was.
    """

    field: str
    expected: str | None
    value: str | None
    why: str
    source: Based
    order: int | None = None
    edited: str | None = None


@dataclass(slots=True)
class Row:
    """One write to one record.

    :param side: where it is written.
    :param op: `create` or `update`; `free` only empties a value that another row takes.
    :param wave: rows of a later wave wait for the earlier ones.
    :param id: the record to update; :param source_id: its twin, or the record to make a twin of.
    :param revision: of the link's side when the plan was made.
    :param last_edits: of both records, see `join_clocks`.
    """

    side: str
    op: str
    source_id: str
    changes: list[FieldChange]
    id: str | None = None
    key: str | None = None
    revision: int = 0
    wave: int = 0
    last_edits: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tuned:
    """A pair that is linked, or whose bases move, without any write.

    :param ids: of both records, first side first. :param matched: the key that made them twins; None: linked already.
    :param bases: by field, for both sides. :param drop: fields whose base is forgotten.
    :param revisions: of both sides of the link when the plan was made.
    """

    ids: tuple[str, str]
    matched: str | None
    bases: dict[str, tuple[Based, Based]]
    drop: list[str] = field(default_factory=list)
    revisions: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Held:
    side: str
    source_id: str
    field: str
    reason: str
    remedy: str


@dataclass(slots=True)
class Clash:
    """A conflict as the ledger keeps it; raw values, base and clocks first side first."""

    ids: tuple[str, str]
    field: str
    kind: str
    rule: str
    winner: str | None
    certain: bool
    raw: tuple[str | None, str | None]
    base: tuple[str | None, str | None] | None
    clocks: tuple[str, str]


@dataclass(slots=True)
class Verdict:
    """Why a record has no twin: `ambiguous` with all candidates, or `excluded`; or what became of the twin that it has:
    `twin_gone`, `twin_erased`."""

    side: str
    id: str
    verdict: str
    reason: str
    candidates: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Freeze:
    """A field that is left alone because both systems keep overwriting it. :param values: normal forms, by side."""

    link_id: int
    field: str
    values: dict[str, str | None]
    flips: int


@dataclass(slots=True)
class Closed:
    """A person's order that this plan ends without a write. :param state: see `store.orders`."""

    order: int
    state: str


@dataclass(slots=True)
class Plan:
    rows: list[Row] = field(default_factory=list)
    tuned: list[Tuned] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    frozen: list[Freeze] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    drift: int = 0
    waiting: int = 0
    unknown: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal by a system.

    :param fingerprint: of what was refused.
    :param retry_at: when to try again, as `core.clocks` writes it; None: not before either record changes.
    :param last_edits: of both records by then, see `join_clocks`; None: not known.
    """

    fingerprint: str
    retry_at: str | None
    reason: str
    remedy: str
    last_edits: str | None = None


@dataclass(frozen=True, slots=True)
class Refusals:
    """What the systems refused before, and whether it is time to try again.

    :param known: by (side, source id, field). Field "" is the whole record.
    :param now: as `core.clocks` writes it.
    """

    known: MappingOf[tuple[str, str, str], Refused]
    now: str

    def standing(self, side: str, source_id: str, name: str, content: Any, last_edits: str) -> Hold | None:
        """The refusal that still stands: neither side has changed anything, and no next try is due."""
        found = self.known.get((side, source_id, name))
        if found is None or found.fingerprint != fingerprint(content) or found.last_edits not in (None, last_edits):
            return None
        due = found.retry_at is not None and found.retry_at <= self.now
        return None if due else Hold(found.reason, found.remedy)


def join_clocks(*clocks: str) -> str:
    """When somebody last edited two records, as text that is equal as long as nobody does.

    Our own writes do not move these clocks (see `sync.observe`), so what we write beside a refused field is no change.

    :param clocks: the clock and the clocks of groups of the source, then of the target, if there is one.
    """
    return " ".join(clocks)


def fingerprint(content: Any) -> str:
    """What a refusal was about, without keeping it."""
    return hashlib.blake2b(dumps(content).encode(), digest_size=16).hexdigest()


def row_content(changes: list[FieldChange]) -> dict[str, str | None]:
    """What a refusal of a whole record is about."""
    return {change.field: change.value for change in changes}


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
        changes: tuple[list[FieldChange], list[FieldChange]] = ([], [])
        for f in self.mapping.fields:
            action = self.merged.action[f.name][i]
            if action == AGREE:
                tuned[f.name] = (self._based(f.name, 0, i), self._based(f.name, 1, i))
            elif action in (TO_FIRST, TO_SECOND):
                target = 0 if action == TO_FIRST else 1
                change = self._change(f, target, i, ids)
                if change is not None:
                    changes[target].append(change)
            elif reason := self.merged.reason[f.name][i]:
                self._report(f.name, reason, i, ids)
        for target in (0, 1):
            kept = self._by_rules(changes[target], target, i, ids)
            if kept:
                self._row(kept, target, i, ids)
        drop = [f.name for f in self.mapping.fields if self.merged.drop[f.name][i]]
        if tuned or drop or isinstance(matched, str):
            first, second = (int(self.columns[f"{side}_revision"][i]) for side in sides)
            key = matched if isinstance(matched, str) else None
            self.plan.tuned.append(Tuned(ids, key, tuned, drop, (first, second)))

    def clash(self, conflict: Any) -> Clash:
        sides, i, a = self.mapping.sides, conflict.pair, self.arrays[conflict.field]
        f = self.mapping.field(conflict.field)
        based = conflict.kind == "edit"
        return Clash(
            ids=(str(self.columns[f"{sides[0]}_id"][i]), str(self.columns[f"{sides[1]}_id"][i])),
            field=conflict.field,
            kind=conflict.kind,
            rule=conflict.rule,
            winner=None if conflict.winner is None else sides[conflict.winner],
            certain=conflict.certain,
            raw=(a.raw[0][i], a.raw[1][i]),
            base=(a.base_raw[0][i], a.base_raw[1][i]) if based else None,
            clocks=(self._clock(f, 0, i), self._clock(f, 1, i)),
        )

    def _change(self, f: Field, target: int, i: int, ids: tuple[str, str]) -> FieldChange | None:
        """The write of one field, or None where it is held back."""
        a, source = self.arrays[f.name], 1 - target
        accepts = self.views[target].rules.accepts(f.names[self.views[target].name])
        region = region_of(self.mapping, self.arrays, i, source)
        raw = a.raw[source][i]
        hold = None if f.kind in ("money", "cost") else refusal(f.kind, raw, accepts=accepts, region=region)
        value: str | None = None
        if hold is None and a.normal[source][i] is not None:
            if f.kind in ("money", "cost"):
                value, hold = _price(a, target, i)
                hold = hold or refusal(f.kind, value, accepts=accepts, region=region)
            else:
                value = written_form(f.kind, raw, accepts=accepts, region=region)
        elif hold is None and not accepts.clearable:
            hold = refusal(f.kind, None, accepts=accepts, region=region)
        side = self.views[target].name
        hold = hold or self.refusals.standing(side, ids[source], f.name, value, self._last_edits(target, i))
        if hold is not None:
            self._hold(f.name, target, ids, hold)
            return None
        why = self._why(f.name, i, value)
        edited = self._clock(f, source, i) if why in ("edit", "clear") else ""
        if why == "edit" and self._is_first(a, target, i):
            why = "first"
        return FieldChange(
            f.name,
            a.raw[target][i],
            value,
            why,
            self._based(f.name, source, i),
            edited=edited or None,
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

    def _row(self, changes: list[FieldChange], target: int, i: int, ids: tuple[str, str]) -> None:
        side = self.views[target].name
        last_edits = self._last_edits(target, i)
        standing = self.refusals.standing(side, ids[1 - target], "", row_content(changes), last_edits)
        if standing is not None:
            self._hold("", target, ids, standing)
            return
        self.plan.rows.append(
            Row(
                side=side,
                op="update",
                id=ids[target],
                source_id=ids[1 - target],
                changes=changes,
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
        a = self.arrays[name]
        return "fill" if a.base_form[0][i] == ABSENT or a.base_form[1][i] == ABSENT else "edit"


def _based(a: FieldArrays, side: int, i: int) -> Based:
    return a.raw[side][i], a.normal[side][i], a.form[side][i]


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


LAST_IDENTITY = Hold("last_identity", "Keep a name, an e-mail address or a phone number; the target needs one of them.")
FROZEN, FROZEN_BY_PERSON = "frozen", "frozen by a person towards "
PERSONS_FREEZE = Hold("frozen_by_a_person", "A person has frozen this field; let it go with samklang unfreeze.")
PING_PONG = Hold(
    "ping_pong",
    "Both systems keep overwriting this field, so it is left alone. Find out what sets it there, then enter the same "
    "value on both sides, or a new one.",
)
UNDONE = Hold(
    "undone",
    "The value was put back here and is held: it moves again when somebody edits the field on either side, or with "
    "samklang release.",
)
NEEDS_PRICE = Hold("needs_price", "Enter a price; the record was made without one.")
INCOMPLETE_ADDRESS = Hold("incomplete_address", "Enter both city and postal code; the target takes no address without.")
