"""What people have put back, as rows of the next plan; and what was put back before and is held since.

An order is carried out only where both sides still hold what they held when it was given. It then goes before what the
merge decided for that field, since that is what the person looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any

from samklang.core.derive import SKIP, SideView, derive
from samklang.core.holds import UNDONE, refusal
from samklang.core.jsontext import loads
from samklang.core.plan import Based, Closed, FieldChange, Held, Plan, Row, join_clocks
from samklang.core.prices import common_form
from samklang.core.records import Scope
from samklang.store import freezes, links, orders
from samklang.sync.context import Sync
from samklang.sync.freeing import freed_by_us


def put_back(sync: Sync, views: tuple[SideView, SideView], plan: Plan) -> None:
    """Add what people have put back to a plan, and take out what the merge decided for the same fields."""
    with sync.database.read() as connection:
        alive = orders.alive(connection, sync.entity)
        if not alive:
            return
        ids = sorted({one["link_id"] for one in alive})
        linked = links.these(connection, sync.entity, sync.mapping.sides, ids)
        apart = links.these(connection, sync.entity, sync.mapping.sides, ids, state="excluded")
        frozen = freezes.of_persons(connection, sync.entity)
    planner = _Planner(sync, {view.name: view for view in views}, plan, frozen)
    planner.find_moved(alive, linked)
    for order in alive:
        pair = (apart if order["kind"] == orders.PART else linked).get(order["link_id"])
        if order["state"] == orders.STANDING and pair is None and order["link_id"] in apart:
            continue  # it stands again once they are let in
        if order["state"] == orders.STANDING:
            planner.stand(order, pair)
        else:
            planner.carry_out(order, pair)
    planner.leave_out()


@dataclass(slots=True)
class _Planner:
    sync: Sync
    views: dict[str, SideView]
    plan: Plan
    frozen: set[tuple[int, str]]  # by a person: link and field ("": all of them)
    _rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    _ordered: set[tuple[str, str, str]] = field(default_factory=set)  # ids of both records, first side first, and field
    _moved: set[tuple[int, str]] = field(default_factory=set)  # link and group of what was taken, and is in part void

    def __post_init__(self) -> None:
        self._rows = {(row.side, row.id): row for row in self.plan.rows if row.op == "update" and row.id}

    def find_moved(self, alive: Iterable[orders.Row], linked: MappingOf[int, dict[str, Any]]) -> None:
        """An address that a person has taken is put back whole, or not at all: see which have moved in part."""
        for order in alive:
            place = self._place(order) if order["kind"] == "take" else None
            if place is not None and self._has_moved(order, linked.get(order["link_id"])):
                self._moved.add(place)

    def _place(self, order: orders.Row) -> tuple[int, str] | None:
        group = {f.name: f.group for f in self.sync.mapping.fields}.get(order["field"])
        return (order["link_id"], group) if group else None

    def stand(self, order: orders.Row, pair: dict[str, Any] | None) -> None:
        """An undo is held as long as neither base of the field has moved since."""
        side, other, name = order["side"], self.sync.mapping.other(order["side"]), order["field"]
        is_held = pair is not None and order["kind"] != orders.PART
        if pair is None or not is_held or not self._stands(pair, order) or self._is_equal(pair, name):
            self.plan.closed.append(Closed(order["id"], orders.DONE))
        elif not self._changes(pair, name):
            self.plan.held.append(Held(side, pair[f"{other}_id"], name, UNDONE.reason, UNDONE.remedy))

    def carry_out(self, order: orders.Row, pair: dict[str, Any] | None) -> None:
        side, other, name = order["side"], self.sync.mapping.other(order["side"]), order["field"]
        in_part = order["kind"] == "take" and self._place(order) in self._moved
        if pair is None or in_part or self._has_moved(order, pair):
            self.plan.closed.append(Closed(order["id"], orders.MOVED))
            return
        if any(pair[f"{s}_scope"] != Scope.ACTIVE for s in (side, other)) or not self.sync.mapping.shares(side):
            return  # waits
        if order["kind"] != orders.PART and {(order["link_id"], ""), (order["link_id"], name)} & self.frozen:
            return  # waits until it is let go; who is parted is frozen no more, and nobody could let them go
        f = self.sync.mapping.field(name)
        accepts = self.views[side].rules.accepts(f.names[side])
        if order["value"] is None and refusal(f.kind, None, accepts=accepts, region=self.sync.mapping.region):
            self.plan.closed.append(Closed(order["id"], orders.REFUSED))
            return
        self._take_out(pair, name)
        emptied = _emptied_for(order, pair)
        now = loads(pair[f"{side}_raw"])[name]
        change = FieldChange(name, now, order["value"], order["kind"], _based(pair, other, name), order=order["id"])
        change.freed, change.needed = order["expected"] if emptied else None, not accepts.clearable
        self._row(pair, side).changes.append(change)

    def _has_moved(self, order: orders.Row, pair: dict[str, Any] | None) -> bool:
        """Whether anything that it rests on is not as it was when the order was given."""
        side, name = order["side"], order["field"]
        if pair is None or name not in {f.name for f in self.sync.mapping.fields}:
            return True
        expected = {side: order["expected"], self.sync.mapping.other(side): order["other"]}
        now = loads(pair[f"{side}_raw"]).get(name)
        if _emptied_for(order, pair) or now == order["value"]:  # written already, says a store that is an older one
            expected[side] = now
        return (
            pair[f"{side}_id"] != order["record_id"]
            or not _still(pair, "raw", expected, name)
            or loads(pair[f"{side}_form"])[name].startswith(SKIP)  # a title that several variants share by now
            or (order["kind"] == "take" and self._changes(pair, name))
        )

    def _stands(self, pair: dict[str, Any], order: orders.Row) -> bool:
        """Whether both bases are what they were when the value was put back, but for their spelling."""
        name, side = order["field"], order["side"]
        if name not in {f.name for f in self.sync.mapping.fields}:
            return False
        for one, value in ((side, order["stored"]), (self.sync.mapping.other(side), order["other"])):
            raw, normal = (loads(pair[f"{one}_base_{part}"]) for part in ("raw", "normal"))
            if name not in raw:
                return False
            as_now = {**loads(pair[f"{one}_raw"]), name: value}
            derived = derive(self.sync.mapping, self.views[one], as_now, loads(pair[f"{one}_facts"]))
            if raw[name] != value and normal[name] != derived.normal[name]:
                return False
        return True

    def _is_equal(self, pair: dict[str, Any], name: str) -> bool:
        """Both sides hold the same: there is nothing to hold."""
        (raw, normal, form), (other_raw, other_normal, other_form) = (
            _based(pair, side, name) for side in self.sync.mapping.sides
        )
        if self.sync.mapping.field(name).kind in ("money", "cost"):
            factors = form.partition("*")[2], other_form.partition("*")[2]  # empty: its VAT is not known at present
            return all(factors) and common_form(raw, factors[0]) == common_form(other_raw, factors[1])
        return normal == other_normal

    def _changes(self, pair: dict[str, Any], name: str) -> bool:
        """Whether the plan writes this field of this pair anyway."""
        return any(
            change.field == name
            for side in self.sync.mapping.sides
            if (row := self._rows.get((side, pair[f"{side}_id"])))
            for change in row.changes
        )

    def _take_out(self, pair: dict[str, Any], name: str) -> None:
        first, second = self.sync.mapping.sides
        self._ordered.add((pair[f"{first}_id"], pair[f"{second}_id"], name))
        for side in self.sync.mapping.sides:
            row = self._rows.get((side, pair[f"{side}_id"]))
            if row is not None:
                row.changes = [change for change in row.changes if change.field != name]

    def leave_out(self) -> None:
        """What the merge had to say of fields that a person has put back, and rows that are left without a change."""
        first, second = self.sync.mapping.sides
        sources = {place for a, b, name in self._ordered for place in ((second, a, name), (first, b, name))}
        plan = self.plan
        plan.held[:] = [held for held in plan.held if (held.side, held.source_id, held.field) not in sources]
        plan.clashes[:] = [clash for clash in plan.clashes if (*clash.ids, clash.field) not in self._ordered]
        plan.rows[:] = [row for row in plan.rows if row.changes]

    def _row(self, pair: dict[str, Any], side: str) -> Row:
        """The one write to this record."""
        place = (side, pair[f"{side}_id"])
        if place not in self._rows:
            other = self.sync.mapping.other(side)
            row = Row(
                side=side,
                op="update",
                source_id=pair[f"{other}_id"],
                changes=[],
                id=place[1],
                revision=int(pair[f"{side}_revision"]),
                last_edits=join_clocks(
                    *(pair[f"{s}_{name}"] for s in (other, side) for name in ("clock", "group_clocks"))
                ),
                facts=loads(pair[f"{side}_facts"]),
            )
            self._rows[place] = row
            self.plan.rows.append(row)
        return self._rows[place]


def _emptied_for(order: orders.Row, pair: dict[str, Any]) -> bool:
    """Whether we emptied the field to carry out this order, and did not get further."""
    freed = freed_by_us(pair, order["side"], order["field"])
    return freed is not None and bool(freed == order["expected"])


def _still(pair: dict[str, Any], part: str, expected: dict[str, str | None], name: str) -> bool:
    for side, value in expected.items():
        values = loads(pair[f"{side}_{part}"])
        if name not in values or values[name] != value:
            return False
    return True


def _based(pair: dict[str, Any], side: str, name: str) -> Based:
    raw, normal, form = (loads(pair[f"{side}_{part}"])[name] for part in ("raw", "normal", "form"))
    return raw, normal, form
