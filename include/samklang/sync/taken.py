"""Taken: a refused value is tried again as soon as whoever has it lets go of it.

At the end of a load the store is asked who was seen with the values that were refused as taken, linked or not. From
then on a plan tries such a value when that record no longer has it, is gone, or was edited on either side; and, since
two records may each hold what the other one is to get, when the holder's own refused value is tried. Where nobody was
seen with the value, time alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping as SyncMapping
from samklang.core.plan import join_clocks
from samklang.core.records import Scope
from samklang.store import holders, links, quarantine, seen
from samklang.sync.context import Sync

Hold = Mapping[str, Any]
Place = tuple[str, str, str]
"""Side where the value cannot go, id of the record that has it on the other side, field ("": the whole record)."""
_TAKEN = "taken"


def note_holders(sync: Sync, side: str) -> None:
    """Write down who has what was refused as taken on this side, where nobody is known to yet."""
    with sync.database.read() as connection:
        open_ones = [h for h in quarantine.taken(connection, sync.entity, side) if h["holder"] is None and _name(h)]
        if not open_ones:
            return
        wanted = _wanted(connection, sync.mapping, open_ones)
        found = holders.holding(connection, sync.entity, side, set(wanted.values()))
        twins = _twins(connection, sync.mapping, side, [i for ids in found.values() for i in ids])
        noted = []
        for place, value in wanted.items():
            others = [i for i in found.get(value, ()) if twins.get(i, ("", ""))[0] != place[1]]
            if others:
                noted.append((place, others[0], _edits(connection, sync.mapping, side, others[:1], twins)[others[0]]))
    with sync.database.begin() as connection:
        for place, holder, edits in noted:
            quarantine.set_holder(connection, sync.entity, place, holder, edits)


def due(connection: Connection, mapping: SyncMapping, holds: Sequence[Hold], now: str) -> set[Place]:
    """Which of these refusals are to be tried again because of who has the value. :param holds: by the systems."""
    by_side: dict[str, list[Hold]] = {}
    for hold in holds:
        if hold["reason"] == _TAKEN and hold["holder"] is not None and _name(hold):
            by_side.setdefault(hold["side"], []).append(hold)
    tried = {_place(h) for h in holds if h["retry_at"] is not None and h["retry_at"] <= now}
    found: set[Place] = set()
    waiting: dict[Place, tuple[Place, ...]] = {}  # and the refusals of their holders
    for side, these in by_side.items():
        ids = [h["holder"] for h in these]
        records = seen.known(connection, mapping.entity, side, ids)
        twins = _twins(connection, mapping, side, ids)
        edits = _edits(connection, mapping, side, ids, twins)
        wanted = _wanted(connection, mapping, these)
        for hold in these:
            place, record = _place(hold), records.get(hold["holder"])
            has = record is not None and record["scope"] != Scope.GONE and place in wanted
            has = has and record is not None and loads(record["normal"]).get(_name(hold)) == wanted[place][1]
            if not has or edits.get(hold["holder"]) != hold["holder_edits"]:
                found.add(place)
            else:
                twin = twins.get(hold["holder"], ("", ""))[0]
                waiting[place] = ((side, twin, ""), (side, twin, _name(hold)))
    tried |= found
    while more := {place for place, others in waiting.items() if place not in tried and tried.intersection(others)}:
        tried |= more
        found |= more
    return found


def _name(hold: Hold) -> str:
    """The field whose value is taken; "" where the system did not say."""
    return str(hold["field"] or hold["named"] or "")


def _place(hold: Hold) -> Place:
    return hold["side"], hold["source_id"], hold["field"]


def _wanted(connection: Connection, mapping: SyncMapping, holds: Sequence[Hold]) -> dict[Place, tuple[str, str]]:
    """Field and normal form of the values that could not go, as their own side has them now. :param holds: of one
    side."""
    other = mapping.other(holds[0]["side"]) if holds else ""
    known = seen.known(connection, mapping.entity, other, [h["source_id"] for h in holds])
    found = {}
    for hold in holds:
        record = known.get(hold["source_id"])
        value = loads(record["normal"]).get(_name(hold)) if record is not None else None
        if value is not None:
            found[_place(hold)] = (_name(hold), str(value))
    return found


def _twins(connection: Connection, mapping: SyncMapping, side: str, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Id of the twin, and its clocks, by record."""
    linked = links.of_records(connection, mapping.entity, side, list(dict.fromkeys(ids)))
    pairs = links.these(connection, mapping.entity, mapping.sides, [link_id for link_id, _ in linked.values()])
    other = mapping.other(side)
    return {
        str(pair[f"{side}_id"]): (
            str(pair[f"{other}_id"]),
            join_clocks(pair[f"{other}_clock"], pair[f"{other}_group_clocks"]),
        )
        for pair in pairs.values()
    }


def _edits(
    connection: Connection, mapping: SyncMapping, side: str, ids: Sequence[str], twins: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """When somebody last edited each of these records or its twin, as text that is equal as long as nobody does."""
    return {
        i: join_clocks(row["clock"], row["group_clocks"], *twins.get(i, ())[1:])
        for i, row in seen.known(connection, mapping.entity, side, list(dict.fromkeys(ids))).items()
    }
