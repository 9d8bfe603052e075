"""Adopt: what a plan settles without writing to either system: links, bases in tune, conflicts, holds, verdicts.

Both loads call it before their first write; the first one does it, and doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.errors import OutdatedError
from samklang.store import clashes, freezes, journal, ledger, links, orders, seen, tombstones
from samklang.store.tombstones import Tombstones
from samklang.sync import rejudge
from samklang.sync.context import Sync
from samklang.sync.forgotten import is_about_forgotten
from samklang.systems.base import Description

_CHUNK = 500


def adopt(sync: Sync, plan: dict[str, Any], descriptions: Mapping[str, Description]) -> None:
    """Links whose match holds no more are left to the next plan.

    :param plan: the row of the store. :raises OutdatedError: a newer plan was adopted before this one.
    """
    with sync.database.read() as connection:
        if journal.plan(connection, plan["id"])["adopted"]:
            return
        entombed = tombstones.known(connection, sync.entity)  # nobody is forgotten while a load is at work
    lines = _lines(sync, plan, "tuned", entombed)
    while chunk := list(islice(lines, _CHUNK)):
        with sync.database.begin() as connection:
            journal.take_over(connection, sync.entity, plan["id"])  # both lanes, and other plans, wait here
            tune(connection, sync, plan["run_id"], rejudge.matches(connection, sync, descriptions, chunk))
    with sync.database.begin() as connection:
        journal.take_over(connection, sync.entity, plan["id"])
        if not journal.plan(connection, plan["id"])["adopted"]:  # the other lane may have finished this a moment ago
            _report(connection, sync, plan, entombed)
            journal.set_plan(connection, plan["id"], adopted=True)


def _lines(sync: Sync, plan: dict[str, Any], name: str, entombed: Tombstones) -> Iterator[dict[str, Any]]:
    """Of a file of the plan, but for those who were forgotten."""
    for line in sync.staging.read_lines(plan["folder"], name):
        if not is_about_forgotten(sync.mapping, entombed, line):
            yield line


def tune(connection: Connection, sync: Sync, run_id: str, chunk: list[dict[str, Any]]) -> None:
    """Link pairs that matched, and move bases. :param chunk: lines of `tuned`. :param run_id: told of new links."""
    first, second = sync.mapping.sides
    linked = [
        links.of_records(connection, sync.entity, side, [line["ids"][n] for line in chunk])
        for n, side in enumerate((first, second))
    ]
    for line in chunk:
        a, b = line["ids"]
        bases = {
            side: {name: tuple(both[n]) for name, both in line["bases"].items()}
            for n, side in enumerate((first, second))
        }
        link_a, link_b = linked[0].get(a, (None, 0))[0], linked[1].get(b, (None, 0))[0]
        if link_a is None and link_b is None and line["matched"]:
            links.create(
                connection,
                entity=sync.entity,
                origin="created" if line["matched"] == "our_key" else "matched",  # as it was made, however often parted
                run_id=run_id,
                at=sync.clock(),
                sides=[links.LinkSide(first, a, bases[first]), links.LinkSide(second, b, bases[second])],
            )
            ledger.close_intents_of(connection, sync.entity, second, a, sync.clock())
            ledger.close_intents_of(connection, sync.entity, first, b, sync.clock())
        elif link_a is not None and link_a == link_b:
            seen_at = dict(zip((first, second), line["revisions"], strict=True))
            with suppress(OutdatedError):  # another plan's load wrote it since; the next plan sees what came of it
                links.advance(connection, link_a, bases, unwritten=seen_at, drop=line["drop"])
        # else: one of them got another twin since the plan was made; the next plan judges that anew.


def _report(connection: Connection, sync: Sync, plan: dict[str, Any], entombed: Tombstones) -> None:
    at, run_id = sync.clock(), plan["run_id"]

    def lines(name: str) -> Iterator[dict[str, Any]]:
        return _lines(sync, plan, name, entombed)

    found = _of_twins(connection, sync, list(lines("clashes")))
    clashes.add(connection, sync.entity, [conflict_row(sync, clash, plan["id"], run_id, at) for clash in found])
    if journal.is_backfill(connection, sync.entity, run_id):
        return  # a window says nothing about the records outside it
    _close_conflicts(connection, sync, {(dumps(c["ids"]), c["field"]) for c in found if c["winner"] is None})
    standing = _standing(connection, sync, plan, list(lines("held")))
    held = [{**h, "run_id": run_id, "since": at} for h in lines("held") if _place(h) not in standing]
    ledger.replace_planner_holds(connection, sync.entity, held)
    for line in lines("closed"):
        orders.close(connection, line["order"], line["state"], at)
    freezes.set_freezes(connection, sync.entity, list(lines("frozen")), run_id=run_id, at=at)
    ledger.replace_verdicts(
        connection,
        sync.entity,
        [
            {
                "side": v["side"],
                "record_id": v["id"],
                "verdict": v["verdict"],
                "reason": v["reason"],
                "candidates": dumps(v["candidates"]),
                "run_id": run_id,
            }
            for v in lines("verdicts")
        ],
    )


def conflict_row(sync: Sync, clash: Mapping[str, Any], plan_id: int, run_id: str, at: str) -> dict[str, Any]:
    """A conflict of a plan as the store keeps it. :param clash: a line of the plan."""

    def by_side(values: list[Any]) -> str:
        return dumps(dict(zip(sync.mapping.sides, values, strict=True)))

    return {
        "record_ids": dumps(clash["ids"]),
        "field": clash["field"],
        "kind": clash["kind"],
        "raw": by_side(clash["raw"]),
        "base": by_side(clash["base"]) if clash["base"] else None,
        "clocks": by_side(clash["clocks"]),
        "certain": clash["certain"],
        "rule": clash["rule"],
        "winner": clash["winner"],
        "state": "open" if clash["winner"] is None else "decided",
        "run_id": run_id,
        "plan_id": plan_id,
        "at": at,
    }


def _of_twins(connection: Connection, sync: Sync, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Conflicts but for those of pairs that were to be linked, and were not."""
    first, second = (
        links.of_records(connection, sync.entity, side, [clash["ids"][n] for clash in found])
        for n, side in enumerate(sync.mapping.sides)
    )
    return [c for c in found if c["ids"][0] in first and first[c["ids"][0]][0] == second.get(c["ids"][1], (None, 0))[0]]


def _close_conflicts(connection: Connection, sync: Sync, still: set[tuple[str, str]]) -> None:
    """Conflicts that waited for a person, and are none any more: a plan names all those of pairs that are in scope."""
    first, second = sync.mapping.sides
    for record_ids, name in clashes.waiting(connection, sync.entity):
        a, b = loads(record_ids)
        ends = (seen.known(connection, sync.entity, first, [a]), seen.known(connection, sync.entity, second, [b]))
        active = all(row["scope"] == Scope.ACTIVE for end in ends for row in end.values())
        if active and (record_ids, name) not in still:
            clashes.close(connection, sync.entity, record_ids, [name])


def _standing(
    connection: Connection, sync: Sync, plan: dict[str, Any], held: list[dict[str, Any]]
) -> set[tuple[str, str, str]]:
    """Refusals by a system that stand, or are tried again by this plan; the others have had their day and are dropped.

    :param held: what the plan holds back, standing refusals among them.
    """
    reasons = {_place(h): h["reason"] for h in held}
    tried = set()
    for row in sync.staging.read_lines(plan["folder"], "rows"):
        tried |= {(row["side"], row["source_id"], name) for name in ("", *(c["field"] for c in row["changes"]))}
    standing = set()
    for hold in ledger.system_holds(connection, sync.entity):
        place = _place(hold)
        if place in tried or reasons.get(place) == hold["reason"]:
            standing.add(place)
        else:
            ledger.drop_holds(connection, sync.entity, hold["side"], hold["source_id"], [hold["field"]])
    return standing


def _place(hold: Mapping[str, Any]) -> tuple[str, str, str]:
    return hold["side"], hold["source_id"], hold["field"]
