"""Freeing: what a load keeps in order where a value goes from one record to another.

Who takes a value is not sent before its holder has let go of it. Where the holder could not, the taker waits for the
next plan, and what was emptied for the sake of both is given back at the end of the load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samklang.core.derive import SideView
from samklang.core.freed import freed_value
from samklang.core.jsontext import loads
from samklang.core.plan import RETURNED, Plan
from samklang.core.values import normal_form
from samklang.store import holders, ledger, links
from samklang.sync.commit import UNCLEAR
from samklang.sync.context import Sync

Row = dict[str, Any]
_Place = tuple[str, str]
WAITS = "the value that it takes has not become free"


@dataclass(slots=True)
class Freeing:
    """:param rows: all of one side of a plan, with their numbers `n`."""

    sync: Sync
    side: str
    plan_id: int
    rows: Sequence[Row]
    _released_by: dict[_Place, int] = field(default_factory=dict)  # by field and value
    _freed_by: dict[_Place, int] = field(default_factory=dict)  # by field and record
    _waves: dict[int, int] = field(default_factory=dict)
    _kept: set[tuple[int, str]] = field(default_factory=set)  # row and field that were refused: nothing became free
    _unique: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        rules, mapping = self.sync.system(self.side).rules, self.sync.mapping
        self._unique = frozenset(f.name for f in mapping.fields if rules.accepts(f.names[self.side]).unique)
        self._waves = {row["n"]: row["wave"] for row in self.rows}
        for row in self.rows:
            for change in row["changes"] if row["op"] in ("update", "free") else ():
                if change["field"] in self._unique:
                    held = self._normal(change["field"], change["expected"])
                    if held is not None and held != self._normal(change["field"], change["value"]):
                        self._released_by.setdefault((change["field"], held), row["n"])
                    if row["op"] == "free":
                        self._freed_by[change["field"], row["id"]] = row["n"]

    def kept(self, row: Row, fields: Iterable[str]) -> None:
        """Fields that the system did not take: the values before them stand."""
        self._kept |= {(row["n"], name) for name in fields}

    def split(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row], list[Row]]:
        """:returns: rows to send, without the changes that wait; rows that wait for the next plan; and rows that wait
        for a row of which nobody knows what became of it."""
        outcomes = self._outcomes(rows)
        ready, later, unknown = list[Row](), list[Row](), list[Row]()
        for row in rows:
            waits = {c["field"]: n for c in row["changes"] if (n := self._waits_for(row, c, outcomes)) is not None}
            rest = [c for c in row["changes"] if c["field"] not in waits]
            if not waits:
                ready.append(row)
            elif any(n not in outcomes for n in waits.values()):
                unknown.append(row)
            elif row["op"] == "create" or not rest:
                later.append(row)
            else:
                self.kept(row, waits)
                ready.append({**row, "changes": rest})
        return ready, later, unknown

    def _outcomes(self, rows: Sequence[Row]) -> Mapping[int, str]:
        if not any(row["wave"] for row in rows):
            return {}
        with self.sync.database.read() as connection:
            return ledger.results(connection, self.plan_id, self.side)

    def _waits_for(self, row: Row, change: Row, outcomes: Mapping[int, str]) -> int | None:
        """The row of an earlier wave that was to come first, and did not, or not with this field."""
        name = change["field"]
        if name not in self._unique or row["op"] == "free":
            return None
        before = self._released_by.get((name, self._normal(name, change["value"]) or ""))
        emptied = self._freed_by.get((name, row["id"])) if change.get("freed") else None
        for n in (before, emptied):
            if n is None or n == row["n"] or self._waves[n] >= row["wave"]:
                continue
            if outcomes.get(n) != "written" or (n, name) in self._kept:
                return n
        return None

    def to_return(self) -> list[Row]:
        """Rows that give back what this plan freed, where the write that was to follow is settled without it."""
        freed = [row for row in self.rows if row["op"] == "free"]
        if not freed:
            return []
        with self.sync.database.read() as connection:
            outcomes = ledger.results(connection, self.plan_id, self.side)
            linked = links.of_records(connection, self.sync.entity, self.side, [row["id"] for row in freed])
            pairs = links.these(
                connection, self.sync.entity, self.sync.mapping.sides, [link_id for link_id, _ in linked.values()]
            )
        after = {row["id"]: int(row["n"]) for row in self.rows if row["op"] == "update"}
        taken = {
            (c["field"], self._normal(c["field"], c["value"]))
            for row in self.rows
            if outcomes.get(row["n"]) in ("written", "created")
            for c in row["changes"]
            if (row["n"], c["field"]) not in self._kept
        }
        back = []
        for row in freed:
            link_id, revision = linked.get(row["id"], (0, -1))
            pair = pairs.get(link_id)
            last = outcomes.get(after.get(row["id"], int(row["n"])))
            if pair is None or row["n"] not in outcomes or last in (None, UNCLEAR):
                continue  # the next plan knows more
            changes = [
                {**c, "expected": loads(pair[f"{self.side}_raw"])[c["field"]], "value": value, "why": RETURNED}
                for c in row["changes"]
                if (value := freed_by_us(pair, self.side, c["field"])) is not None
                and (c["field"], self._normal(c["field"], value)) not in taken
            ]
            if changes:
                back.append({**row, "op": "update", "changes": changes, "revision": revision})
        return back

    def _normal(self, name: str, value: str | None) -> str | None:
        return normal_form(self.sync.mapping.field(name).kind, value, self.sync.mapping.region)


def freed_by_us(pair: Mapping[str, Any], side: str, name: str) -> str | None:
    """See `core.freed.freed_value`. :param pair: a row of `links.these`."""
    form, normal = (loads(pair[f"{side}_{part}"]).get(name) for part in ("base_form", "normal"))
    return freed_value(form or "", normal) if name in loads(pair[f"{side}_raw"]) else None


def leave_what_is_taken(sync: Sync, views: tuple[SideView, SideView], plan: Plan) -> None:
    """Take what is to be given back out of a plan where another record has the value by now, or is to take it."""
    kinds = {f.name: f.kind for f in sync.mapping.fields}

    def normal(name: str, value: str | None) -> str | None:
        return normal_form(kinds[name], value, sync.mapping.region)

    for view in views:
        mine = [row for row in plan.rows if row.side == view.name]
        back = [(row, c) for row in mine for c in row.changes if c.why == RETURNED]
        wanted = {(c.field, str(normal(c.field, c.value))) for _, c in back}
        if not wanted:
            continue
        with sync.database.read() as connection:
            held = holders.holding(connection, sync.entity, view.name, wanted)
        leaving = {(c.field, row.id) for row in mine for c in row.changes if normal(c.field, c.expected) is not None}
        taken = {(c.field, normal(c.field, c.value)) for row in mine for c in row.changes if c.why != RETURNED}
        for row, change in back:
            place = change.field, str(normal(change.field, change.value))
            others = [i for i in held.get(place, ()) if i != row.id and (change.field, i) not in leaving]
            if others or place in taken:
                row.changes.remove(change)
    plan.rows[:] = [row for row in plan.rows if row.changes]
