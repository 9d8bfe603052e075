"""What the link store tells people, read from its tables for the oracle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from samklang.core.clocks import to_datetime
from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.store import schema
from samklang.store.database import Database
from simulation.values import FIELDS, POWEROFFICEGO, SHOPIFY, normal, other
from simulation.versions import Record


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a record has no twin, or what became of it."""

    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """What cannot go to a side, and why; field "" is the whole record."""

    side: str
    source: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Clash:
    """A conflict as the ledger keeps it. :param clocks: seconds, by side. :param at: seconds, when it was written.

    :param one_way: the field travels in one direction only, or a person had a say.
    """

    ids: tuple[str, str]
    field: str
    kind: str
    raw: dict[str, str | None]
    clocks: dict[str, float | None]
    rule: str
    winner: str | None
    certain: bool
    plan: int
    at: float
    one_way: bool


@dataclass(slots=True)
class StoreView:
    """What the link store tells people: links, and why things are as they are.

    :param accounted: records without a twin that it has a word for.
    :param holds: (side where it cannot go, id of the source, field) that it lists; field "" is the whole record.
    :param conflicts: by both ids and field, the values (normal forms) that it has kept, and whether it is open.
    :param linked_at: seconds, when a pair was linked.
    :param told_before: by record and field, values in conflicts that a store listed which was replaced.
    :param unconfirmed: (side, id of the source) of creations that nobody knows the outcome of.
    :param refused_undos: records and fields whose undo is listed as refused.
    """

    links: list[tuple[str, str]] = field(default_factory=list)
    accounted: set[Record] = field(default_factory=set)
    holds: set[tuple[str, str, str]] = field(default_factory=set)
    conflicts: dict[tuple[str, str, str], tuple[set[str | None], bool]] = field(default_factory=dict)
    linked_at: dict[tuple[str, str], float] = field(default_factory=dict)
    told_before: dict[tuple[Record, str], set[str | None]] = field(default_factory=dict)
    verdicts: dict[Record, Verdict] = field(default_factory=dict)
    reasons: list[Hold] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    unconfirmed: set[tuple[str, str]] = field(default_factory=set)
    refused_undos: set[tuple[Record, str]] = field(default_factory=set)
    mapping: Mapping | None = None

    def pair_of(self, record: Record) -> tuple[Record, Record] | None:
        """The link that a record is in."""
        for first, second in self.links:
            if record in (pair := ((POWEROFFICEGO, first), (SHOPIFY, second))):
                return pair
        return None

    def excuse(self, pair: tuple[Record, Record], name: str) -> bool:
        """Whether the store says that a field is not in tune."""
        for target, source in (pair, pair[::-1]):
            if {(target[0], source[1], name), (target[0], source[1], "")} & self.holds:
                return True
        return self.conflicts.get((pair[0][1], pair[1][1], name), (set(), False))[1]

    def told(self, pair: tuple[Record, Record], name: str) -> set[str | None]:
        return self.conflicts.get((pair[0][1], pair[1][1], name), (set[str | None](), False))[0]

    def told_of_any(self, pair: tuple[Record, Record], name: str) -> set[str | None]:
        """What is told of conflicts of either record, with whomever it was linked."""
        ids = {(0, pair[0][1]), (1, pair[1][1])}
        return {
            value
            for (first, second, field), (values, _) in self.conflicts.items()
            if field == name and ids & {(0, first), (1, second)}
            for value in values
        }


def read_store(database: Database, mapping: Mapping) -> StoreView:
    """Links, and why things are as they are."""
    entity = mapping.entity
    with database.read() as connection:

        def rows(table: Any) -> list[dict[str, Any]]:
            found = connection.execute(select(table).where(table.c.entity == entity)).mappings()
            return [dict(row) for row in found]

        ends: dict[int, dict[str, str]] = {}
        for row in rows(schema.link_sides):
            ends.setdefault(row["link_id"], {})[row["side"]] = row["record_id"]
        linked = {
            row["id"]: to_datetime(row["created_at"]).timestamp()
            for row in rows(schema.links)
            if row["state"] == "linked"
        }
        apart = {row["id"] for row in rows(schema.links) if row["state"] == "excluded"}
        holds = {(row["side"], row["source_id"], row["field"]) for row in rows(schema.holds)}
        accounted = {(row["side"], row["record_id"]) for row in rows(schema.verdicts)}
        accounted |= {(other(side), source) for side, source, _ in holds}
        intents = rows(schema.intents)
        unconfirmed = {(row["side"], row["source_id"]) for row in intents if row["state"] in ("open", "parked")}
        accounted |= {(other(side), source) for side, source in unconfirmed}
        accounted |= {(side, record) for link in apart for side, record in ends[link].items()}
        verdicts = {
            (row["side"], row["record_id"]): Verdict(row["verdict"], row["reason"]) for row in rows(schema.verdicts)
        }
        reasons = [Hold(row["side"], row["source_id"], row["field"], row["reason"]) for row in rows(schema.holds)]
        names = {f.name: f for f in mapping.fields if f.name in FIELDS[entity]}
        clashes = [
            _clash(row, names[row["field"]].direction) for row in rows(schema.conflicts) if row["field"] in names
        ]
        refused = {
            ((row["side"], row["record_id"]), row["field"]) for row in rows(schema.orders) if row["state"] == "refused"
        }
        conflicts: dict[tuple[str, str, str], tuple[set[str | None], bool]] = {}
        for row in rows(schema.conflicts):
            first, second = loads(row["record_ids"])
            told, is_open = conflicts.get((first, second, row["field"]), (set(), False))
            told |= {normal(row["field"], side, raw) for side, raw in loads(row["raw"]).items()}
            conflicts[first, second, row["field"]] = (told, is_open or row["state"] == "open")
    pairs = {(ends[link][POWEROFFICEGO], ends[link][SHOPIFY]): at for link, at in sorted(linked.items())}
    view = StoreView(list(pairs), accounted, holds, conflicts, pairs)
    view.verdicts, view.reasons, view.clashes, view.mapping = verdicts, reasons, clashes, mapping
    view.unconfirmed, view.refused_undos = unconfirmed, refused
    return view


def _clash(row: dict[str, Any], direction: str) -> Clash:
    clocks = (
        dict(zip((POWEROFFICEGO, SHOPIFY), loads(row["clocks"]), strict=True))
        if isinstance(loads(row["clocks"]), list)
        else loads(row["clocks"])
    )
    seconds = {side: to_datetime(clock).timestamp() if clock else None for side, clock in clocks.items()}
    first, second = loads(row["record_ids"])
    one_way = direction != "both" or row["rule"] in ("person", "taken", "direction")
    return Clash(
        (first, second), row["field"], row["kind"], loads(row["raw"]), seconds, row["rule"], row["winner"],
        bool(row["certain"]), row["plan_id"], to_datetime(row["at"]).timestamp(), one_way,
    )  # fmt: skip


def broken_promises(database: Database) -> list[str]:
    """What must never stand in the tables of a store at rest."""
    with database.read() as connection:
        is_open = schema.intents.c.state == "open"
        intents = connection.execute(select(schema.intents.c.key).where(is_open)).all()
        linked = connection.execute(select(schema.links.c.id).where(schema.links.c.state == "linked")).scalars().all()
        mine = schema.link_sides.c.link_id.in_(linked)  # one that a person keeps apart may stand alone
        ends = connection.execute(select(schema.link_sides.c.link_id).where(mine)).scalars().all()
    found = [f"open: {len(intents)} intents are never closed"] if intents else []
    return found + (["half: a link has one side"] if sorted(ends) != sorted(linked * 2) else [])
