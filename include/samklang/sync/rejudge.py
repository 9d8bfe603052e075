"""Whether the reason for a line of a plan still holds, by what the store knows now.

A plan may have waited for a person, or for a task to be cleared. What has lost its reason is left to the next plan.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.core.matching import match
from samklang.core.plan import join_clocks
from samklang.core.records import IN_SCOPE, Scope
from samklang.store import freezes, holders, links, orders, seen
from samklang.sync.context import Sync
from samklang.sync.in_part import shared_in_part
from samklang.sync.transform import GIVEN
from samklang.systems.base import Description

Lines = Sequence[dict[str, Any]]

PAUSED = "paused or out of scope by now"
EDITED = "edited since this plan was made"
KEY_SHARED = "another record holds its key by now"
FROZEN = "frozen by a person since this plan was made"
LET_GO = "let go by a person since this plan was made"


def matches(
    connection: Connection, sync: Sync, descriptions: MappingOf[str, Description], lines: Lines
) -> list[dict[str, Any]]:
    """Lines of `tuned` without the new links whose match holds no more: each key still has one holder on each side.

    Whether one of the two has a twin by now, or is kept apart, is seen when the link is made.
    """
    sides = sync.mapping.sides
    new = [line for line in lines if line["matched"]]
    if not new:
        return list(lines)
    ids = {side: [line["ids"][n] for line in new] for n, side in enumerate(sides)}
    now = {side: seen.known(connection, sync.entity, side, ids[side]) for side in sides}
    frames = {name: holders.of_keys(connection, sync.entity, name, ids) for name in sync.mapping.match}
    by_key = {(a, b) for a, b, _ in match(sides, ids, frames).pairs}

    def holds(line: dict[str, Any]) -> bool:
        ends = [now[side].get(line["ids"][n]) for n, side in enumerate(sides)]
        if any(end is None or end["scope"] not in IN_SCOPE or end["missing"] for end in ends):
            return False
        if line["matched"] in sync.mapping.match:
            return tuple(line["ids"]) in by_key
        return line["matched"] == GIVEN or _carries_our_key(sync, descriptions, dict(zip(sides, ends, strict=True)))

    return [line for line in lines if not line["matched"] or holds(line)]


def outdated_creates(sync: Sync, side: str, rows: Lines) -> dict[int, str]:
    """By number of a row: why no record is to be made from its source any more; but for a source with a twin."""
    mapping, source = sync.mapping, sync.mapping.other(side)
    with sync.database.read() as connection:
        linked = links.of_records(connection, sync.entity, source, [row["source_id"] for row in rows])
        rows = [row for row in rows if row["source_id"] not in linked]
        ids = [row["source_id"] for row in rows]
        known = seen.known(connection, sync.entity, source, ids)
        alone_in = {source: ids, side: list[str]()}
        frames = {name: holders.of_keys(connection, sync.entity, name, alone_in) for name in mapping.match}
        alone = {i for one, i in match(mapping.sides, alone_in, frames).alone if one == source}
        alone -= shared_in_part(connection, mapping, source, alone).keys()
    found: dict[int, str] = {}
    for row in rows:
        now = known.get(row["source_id"])
        if now is None or now["missing"] or not _may_be_made(mapping, now["scope"]):
            found[row["n"]] = PAUSED
        elif _is_edited(row, now):
            found[row["n"]] = EDITED
        elif row["source_id"] not in alone:
            found[row["n"]] = KEY_SHARED
    return found


def outdated_updates(sync: Sync, side: str, rows: Lines) -> dict[int, str]:
    """By number of a row: why the record is not to be written any more. Whether it has moved, the system tells."""
    source = sync.mapping.other(side)
    with sync.database.read() as connection:
        targets = seen.known(connection, sync.entity, side, [row["id"] for row in rows])
        sources = seen.known(connection, sync.entity, source, [row["source_id"] for row in rows])
        frozen = freezes.of_persons(connection, sync.entity)
        ordered = any(c.get("order") is not None for row in rows for c in row["changes"])
        wanted = {one["id"] for one in orders.alive(connection, sync.entity)} if ordered else set()
    grouped = {f.name for f in sync.mapping.fields if f.group}
    found: dict[int, str] = {}
    for row in rows:
        ends = (targets.get(row["id"]), sources.get(row["source_id"]))
        planned = [c["field"] for c in row["changes"] if c.get("order") is None]
        if any(end is None or end["scope"] != Scope.ACTIVE for end in ends):
            found[row["n"]] = PAUSED
        elif _is_edited(row, ends[1]) or (grouped.intersection(planned) and _is_touched(row, ends[1])):
            found[row["n"]] = EDITED
        elif planned and any((row["link_id"], name) in frozen for name in ("", *planned)):
            found[row["n"]] = FROZEN
        elif any(c["order"] not in wanted for c in row["changes"] if c.get("order") is not None):
            found[row["n"]] = LET_GO
    return found


def _may_be_made(mapping: Mapping, scope: str) -> bool:
    return scope == Scope.ACTIVE or (scope == Scope.ARCHIVED and mapping.create_archived)


def _is_edited(row: dict[str, Any], source: MappingOf[str, Any] | None) -> bool:
    """Whether the source holds other values than those that the plan carries over; what is not shown is not known."""
    raw = loads(source["raw"]) if source is not None else {}
    return any(c["field"] in raw and raw[c["field"]] != c["source"][0] for c in row["changes"])


def _is_touched(row: dict[str, Any], source: MappingOf[str, Any] | None) -> bool:
    """Whether anything of the source was edited since the plan was made: an address that it moved in part by then is to
    move as a whole, or to wait as a whole, and which of the two it is, a plan decides."""
    clocks = join_clocks(source["clock"], source["group_clocks"]) if source is not None else ""
    return not row["last_edits"].startswith(f"{clocks} ")


def _carries_our_key(sync: Sync, descriptions: MappingOf[str, Description], ends: MappingOf[str, Any]) -> bool:
    """Whether one of two records still has the key under which it was made for the other one."""
    for side, end in ends.items():
        other = sync.mapping.other(side)
        if end["our_key"] and end["our_key"] == sync.system(side).key_for(ends[other]["id"], descriptions[other], {}):
            return True
    return False
