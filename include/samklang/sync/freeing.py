"""Freeing: what a load keeps in order where a value goes from one record to another.

Who takes a value is not sent before its holder has let go of it. Where the holder could not, the taker waits for the
next plan, and what was emptied for the sake of both is given back at the end of the load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from samklang.core.freed import freed_value
from samklang.core.jsontext import loads
from samklang.core.values import normal_form
from samklang.store import ledger, links
from samklang.sync.commit import UNCLEAR
from samklang.sync.context import Sync
from samklang.sync.giving_back import Step, ways_back

Row = dict[str, Any]
_Place = tuple[str, str]
Waiting = tuple[Row, set[str]]
"""A row, and the fields that wait."""
_HELD = ("refused", UNCLEAR, "unread")
WAITS = "the value that it takes has not become free"


@dataclass(slots=True)
class Freeing:
    """:param rows: all of one side of a plan, with their numbers `n`."""

    sync: Sync
    side: str
    plan_id: int
    rows: Sequence[Row]
    _released_by: dict[_Place, list[int]] = field(default_factory=dict)  # by field and value: emptied, written over
    _freed_by: dict[_Place, int] = field(default_factory=dict)  # by field and record
    _taken_by: dict[_Place, list[int]] = field(default_factory=dict)  # by field and value, where any is owed one
    _waves: dict[int, int] = field(default_factory=dict)
    _kept: set[tuple[int, str]] = field(default_factory=set)  # row and field that were not written: nothing became free
    _stuck: set[tuple[int, str]] = field(default_factory=set)  # those among them that are held
    _gone: frozenset[int] = frozenset()  # rows whose record the system does not know: what it had is free
    _unique: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        rules, mapping = self.sync.system(self.side).rules, self.sync.mapping
        self._unique = frozenset(f.name for f in mapping.fields if rules.accepts(f.names[self.side]).unique)
        self._waves = {row["n"]: row["wave"] for row in self.rows}
        owed = {c["field"] for row in self.rows for c in row["changes"] if c.get("freed") is not None}
        for row in self.rows:
            for change in row["changes"]:
                if change["field"] in self._unique & owed and row["op"] != "free":
                    wanted = self._normal(change["field"], change["value"])
                    self._taken_by.setdefault((change["field"], wanted or ""), []).append(row["n"])
            for change in row["changes"] if row["op"] in ("update", "free") else ():
                if change["field"] in self._unique:
                    held = self._normal(change["field"], change.get("freed") or change["expected"])
                    if held is not None and held != self._normal(change["field"], change["value"]):
                        self._released_by.setdefault((change["field"], held), []).append(row["n"])
                    if row["op"] == "free":
                        self._freed_by[change["field"], row["id"]] = row["n"]

    def meant(self, row: Row) -> Row:
        """What a row that only empties a value clears the way of; of others, the row itself."""
        mine = (one for one in self.rows if one["op"] == "update" and one["id"] == row["id"])
        return next(mine, row) if row["op"] == "free" else row

    def kept(self, row: Row, fields: Iterable[str]) -> None:
        """Fields that the system did not take: the values before them stand."""
        refused = {(row["n"], name) for name in fields}
        self._kept |= refused
        self._stuck |= refused

    def split(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row], list[Waiting]]:
        """:returns: rows to send, without the changes that wait; rows that wait as a whole, for the next plan; and
        what waits for a record that keeps the value, being held itself."""
        outcomes = self._outcomes(rows)
        ready, later, held = list[Row](), list[Row](), list[Waiting]()
        for row in rows:
            waits = {c["field"]: n for c in row["changes"] if (n := self._waits_for(row, c, outcomes)) is not None}
            rest = [c for c in row["changes"] if c["field"] not in waits]
            if not waits:
                ready.append(row)
                continue
            if any(n not in outcomes for n in waits.values()):
                continue  # nobody knows what became of that one
            stuck = {name for name, n in waits.items() if (n, name) in self._stuck or outcomes[n] in _HELD}
            if taken := {name for name in stuck if waits[name] != self._freed_by.get((name, row["id"]))}:
                held.append((row, taken))  # the others are held with what was to empty them
            if stuck:
                self._stuck |= {(row["n"], name) for name in stuck}
            self._kept |= {(row["n"], name) for name in waits}
            if row["op"] == "create" or not rest:
                later.append(row)
            else:
                ready.append({**row, "changes": rest})
        return ready, later, held

    def _outcomes(self, rows: Sequence[Row]) -> Mapping[int, str]:
        if not any(row["wave"] for row in rows):
            return {}
        with self.sync.database.read() as connection:
            self._gone = ledger.not_found(connection, self.plan_id, self.side)
            return ledger.results(connection, self.plan_id, self.side)

    def _waits_for(self, row: Row, change: Row, outcomes: Mapping[int, str]) -> int | None:
        """The row of an earlier wave that was to come first, and did not, or not with this field: the value's holder,
        or whoever takes it, too, and keeps a record waiting that we emptied. If that one is not written, the value goes
        back to its holder; if it is, the system says who has it. Nobody waits for a holder that the system does not
        know: it may take days until that is believed, and if somebody has the value after all, the system says so."""
        name = change["field"]
        if name not in self._unique or row["op"] == "free":
            return None
        place = name, self._normal(name, change["value"]) or ""
        holders = (n for n in self._released_by.get(place, ()) if n not in self._gone)
        before = (*holders, *(self._taken_by.get(place, ()) if place[1] else ()))
        emptied = self._freed_by.get((name, row["id"])) if change.get("freed") else None
        for n in (*(() if emptied is None else (emptied,)), *before):
            if n == row["n"] or self._waves[n] >= row["wave"]:
                continue
            if outcomes.get(n) != "written" or (n, name) in self._kept:
                return int(n)
        return None

    def to_return(self) -> Iterator[list[Row]]:
        """Rows that give back what this plan freed, where the write that was to follow is settled without it.

        Each time, those that depend on none which is still to be written; what the store says by then decides who is
        next.
        """
        template = {row["id"]: row for row in self.rows if row["op"] == "update"}
        chains = self._ways_back()
        while chains := [chain for chain in chains if chain]:
            changes: dict[int, list[Row]] = {}
            first = {id(chain): chain.pop(0) for chain in chains}
            pairs = self._pairs([step.pair["link_id"] for step in first.values()])
            for step in first.values():
                if (pair := pairs.get(step.pair["link_id"])) is None or self._is_done(step, pairs):
                    continue
                changes.setdefault(step.pair["link_id"], []).append(
                    replace(step, pair=pair).change(self.sync, self.side)
                )
            yield [
                {
                    **template[pairs[link_id][f"{self.side}_id"]],
                    "op": "update",
                    "changes": these,
                    "revision": pairs[link_id][f"{self.side}_revision"],
                }
                for link_id, these in changes.items()
            ]
            pairs = self._pairs(list(pairs))
            chains = [chain for chain in chains if self._is_done(first[id(chain)], pairs)]

    def _ways_back(self) -> list[list[Step]]:
        freed = [row for row in self.rows if row["op"] == "free"]
        if not freed:
            return []
        with self.sync.database.read() as connection:
            outcomes = ledger.results(connection, self.plan_id, self.side)
            linked = links.of_records(connection, self.sync.entity, self.side, [row["id"] for row in freed])
        pairs = self._pairs([link_id for link_id, _ in linked.values()])
        after = {row["id"]: int(row["n"]) for row in self.rows if row["op"] == "update"}
        owed = {}
        for row in freed:
            pair = pairs.get(linked.get(row["id"], (0, -1))[0])
            last = outcomes.get(after.get(row["id"], int(row["n"])))
            if pair is None or row["n"] not in outcomes or last in (None, UNCLEAR):
                continue  # the next plan knows more
            for c in row["changes"]:
                if (value := freed_by_us(pair, self.side, c["field"])) is not None:
                    owed[row["id"], c["field"]] = (value, pair)
        with self.sync.database.read() as connection:
            return [*ways_back(connection, self.sync, self.side, owed).values()] if owed else []

    def _pairs(self, link_ids: Sequence[int]) -> Mapping[int, Row]:
        with self.sync.database.read() as connection:
            return links.these(connection, self.sync.entity, self.sync.mapping.sides, link_ids)

    def _is_done(self, step: Step, pairs: Mapping[int, Row]) -> bool:
        pair = pairs.get(step.pair["link_id"])
        now = loads(pair[f"{self.side}_normal"]).get(step.field) if pair is not None else None
        return bool(now == self._normal(step.field, step.value))

    def _normal(self, name: str, value: str | None) -> str | None:
        return normal_form(self.sync.mapping.field(name).kind, value, self.sync.mapping.region)


def freed_by_us(pair: Mapping[str, Any], side: str, name: str) -> str | None:
    """See `core.freed.freed_value`. :param pair: a row of `links.these`."""
    form, normal = (loads(pair[f"{side}_{part}"]).get(name) for part in ("base_form", "normal"))
    return freed_value(form or "", normal) if name in loads(pair[f"{side}_raw"]) else None
