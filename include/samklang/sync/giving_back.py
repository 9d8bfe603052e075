"""Giving back: how a value that we emptied gets back to its record where a swap could not go on.

Another record may have taken it by then, as people wanted. In a ring of three and more that is the rule: all behind the
record that was refused have what they are to get, and the first one has nothing. So the ring is rolled back, the last
taker first: each gets the value again that it had before, and its own edit is still to come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from samklang.core.derive import SideView
from samklang.core.jsontext import loads
from samklang.core.plan import RETURNED, ROLLED_BACK, FieldChange, Plan, Row, join_clocks
from samklang.core.records import Scope
from samklang.core.values import normal_form
from samklang.store import holders, links, taking
from samklang.sync.context import Sync


@dataclass(frozen=True, slots=True)
class Step:
    """One value that goes back. :param value: raw. :param pair: a row of `links.these`."""

    field: str
    value: str
    why: str
    pair: Mapping[str, Any]

    def change(self, sync: Sync, side: str) -> dict[str, Any]:
        """As a line of a plan has it, see `FieldChange`."""
        source = sync.mapping.other(side)
        return {
            "field": self.field,
            "expected": loads(self.pair[f"{side}_raw"])[self.field],
            "value": self.value,
            "why": self.why,
            "source": [loads(self.pair[f"{source}_{part}"]).get(self.field) for part in ("raw", "normal", "form")],
        }


def ways_back(
    connection: Connection, sync: Sync, side: str, owed: Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]]
) -> dict[tuple[str, str], list[Step]]:
    """What is to be written, in this order, so that records have again what we emptied there.

    :param owed: by id and field, what stood there, raw, and the pair.
    :returns: the same places, without those whose value is to stay where it is: with a record that was made with it,
        was given it by a person's order, or has been edited since.
    """
    emptied = taking.freed(connection, sync.entity, side, sorted({i for i, _ in owed}))
    names = {name for _, name in owed}
    taken: dict[tuple[str, str], taking.Written] = {}
    if lines := [one.line for place, one in emptied.items() if place in owed]:
        for one in taking.written(connection, sync.entity, side, min(lines)):
            if one.field in names and (value := _normal(sync, one.field, one.after)) is not None:
                taken[one.field, value] = one
    chains = {place: _chain(sync, taken, place[1], value) for place, (value, _) in owed.items()}
    ids = sorted({one.link_id for chain in chains.values() for one in chain})
    pairs = links.these(connection, sync.entity, sync.mapping.sides, ids)
    found = {}
    for place, (value, pair) in owed.items():
        steps = [Step(place[1], value, RETURNED, pair)]
        for one in chains[place]:
            taker = pairs.get(one.link_id)
            if taker is None or _now(taker, side, one.field) != _normal(sync, one.field, one.after):
                break  # it has let go of the value since
            if one.before is None or not _may_go_back(sync, side, taker, one):
                steps = []
                break
            steps.append(Step(one.field, one.before, ROLLED_BACK, taker))
        if steps:
            found[place] = steps[::-1]
    return found


def _chain(
    sync: Sync, taken: Mapping[tuple[str, str], taking.Written], name: str, value: str | None
) -> Sequence[taking.Written]:
    """Who has taken the value, who has taken what that one had before, and so on."""
    chain: list[taking.Written] = []
    met = set[int]()
    while (one := taken.get((name, str(_normal(sync, name, value))))) is not None and one.link_id not in met:
        met.add(one.link_id)
        chain.append(one)
        value = one.before
    return chain


def _may_go_back(sync: Sync, side: str, pair: Mapping[str, Any], one: taking.Written) -> bool:
    """Whether nobody has typed there since, and both records are there."""
    base, now = (loads(pair[f"{side}_{part}"]).get(one.field) for part in ("base_raw", "raw"))
    return base == now and all(pair[f"{s}_scope"] == Scope.ACTIVE for s in sync.mapping.sides)


def _now(pair: Mapping[str, Any], side: str, name: str) -> str | None:
    value: str | None = loads(pair[f"{side}_normal"]).get(name)
    return value


def _normal(sync: Sync, name: str, value: str | None) -> str | None:
    kinds = {f.name: f.kind for f in sync.mapping.fields}
    return normal_form(kinds[name], value, sync.mapping.region) if name in kinds else None


def give_back(sync: Sync, views: tuple[SideView, SideView], plan: Plan) -> None:
    """See that what is to be given back is there: by rolling back who has it by now. Where that cannot be, or another
    record is to take it, it is taken out of the plan."""
    for view in views:
        mine = [row for row in plan.rows if row.side == view.name]
        back = [(row, c) for row in mine for c in row.changes if c.why == RETURNED]
        if back:
            _Backwards(sync, view.name, plan, mine).give(back)
    plan.rows[:] = [row for row in plan.rows if row.changes]


@dataclass(slots=True)
class _Backwards:
    """:param mine: the rows of this side."""

    sync: Sync
    side: str
    plan: Plan
    mine: Sequence[Row]

    def give(self, back: Sequence[tuple[Row, FieldChange]]) -> None:
        wanted = {(c.field, str(self._normal(c.field, c.value))) for _, c in back}
        with self.sync.database.read() as connection:
            held = holders.holding(connection, self.sync.entity, self.side, wanted)
        leaving = {
            (c.field, row.id) for row in self.mine for c in row.changes if self._normal(c.field, c.expected) is not None
        }
        blocked = []
        for row, change in back:
            place = change.field, str(self._normal(change.field, change.value))
            if place in self._taken():
                row.changes.remove(change)
            elif any(i != row.id and (change.field, i) not in leaving for i in held.get(place, ())):
                blocked.append((row, change))
        for row, change in blocked:
            if not self._roll_back(row, change):
                row.changes.remove(change)

    def _taken(self) -> set[tuple[str, str | None]]:
        """What other edits take."""
        return {
            (c.field, self._normal(c.field, c.value)) for row in self.mine for c in row.changes if c.why != RETURNED
        }

    def _roll_back(self, row: Row, change: FieldChange) -> bool:
        """Add what has to be written first. :returns: False where there is no way back."""
        with self.sync.database.read() as connection:
            ends = links.of_records(connection, self.sync.entity, self.side, [str(row.id)])
            pairs = links.these(connection, self.sync.entity, self.sync.mapping.sides, [i for i, _ in ends.values()])
            owed = {(str(row.id), change.field): (str(change.value), pair) for pair in pairs.values()}
            found = ways_back(connection, self.sync, self.side, owed)
        steps = [step for steps in found.values() for step in steps if step.why == ROLLED_BACK]
        ids = {step.pair[f"{self.side}_id"] for step in steps}
        planned = {one.id: one for one in self.mine if one.id in ids}
        busy = any(c.field == change.field for one in planned.values() for c in one.changes)
        if not steps or busy or any((s.field, self._normal(s.field, s.value)) in self._taken() for s in steps):
            return False
        for step in steps:
            self._row(step, planned).changes.append(FieldChange(**step.change(self.sync, self.side)))
        return True

    def _row(self, step: Step, planned: Mapping[Any, Row]) -> Row:
        pair, source = step.pair, self.sync.mapping.other(self.side)
        if (known := planned.get(pair[f"{self.side}_id"])) is not None:
            return known
        clocks = (pair[f"{side}_{name}"] for side in (source, self.side) for name in ("clock", "group_clocks"))
        row = Row(
            side=self.side,
            op="update",
            source_id=pair[f"{source}_id"],
            changes=[],
            id=pair[f"{self.side}_id"],
            revision=int(pair[f"{self.side}_revision"]),
            last_edits=join_clocks(*clocks),
            facts=loads(pair[f"{self.side}_facts"]),
        )
        self.plan.rows.append(row)
        return row

    def _normal(self, name: str, value: str | None) -> str | None:
        return normal_form(self.sync.mapping.field(name).kind, value, self.sync.mapping.region)
