"""Adopt: what a plan settles without writing to either system: links, bases in tune, conflicts, holds, verdicts.

Both loads call it before their first write; the first one does it, and doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select

from samklang.core.jsontext import dumps
from samklang.errors import OutdatedError
from samklang.store import journal, ledger, links
from samklang.store.schema import plans
from samklang.sync.context import Sync

_CHUNK = 500


def adopt(sync: Sync, plan: dict[str, Any]) -> None:
    """:param plan: the row of the store. :raises OutdatedError: a newer plan was adopted before this one."""
    with sync.database.read() as connection:
        if connection.execute(select(plans.c.adopted).where(plans.c.id == plan["id"])).scalar_one():
            return
        newest = connection.execute(
            select(func.max(plans.c.id)).where(plans.c.entity == sync.entity, plans.c.adopted)
        ).scalar()
    if newest is not None and newest > plan["id"]:
        raise OutdatedError(
            f"Plan {plan['id']} of {sync.entity} is older than plan {newest}, which has been carried out since.",
            remedy="Nothing to do: what was still open is in the newer plan. Clear the newest run instead.",
        )
    lines = sync.staging.read_lines(plan["folder"], "tuned")
    while chunk := list(islice(lines, _CHUNK)):
        with sync.database.begin() as connection:
            _tune(connection, sync, plan, chunk)
    with sync.database.begin() as connection:
        # The other lane may have finished this a moment ago: the ledger is written once.
        row = connection.execute(select(plans.c.adopted).where(plans.c.id == plan["id"]).with_for_update()).scalar_one()
        if not row:
            _report(connection, sync, plan)
            journal.set_plan(connection, plan["id"], adopted=True)


def _tune(connection: Connection, sync: Sync, plan: dict[str, Any], chunk: list[dict[str, Any]]) -> None:
    first, second = sync.mapping.sides
    # Locked in one order, so that two lanes wait for each other instead of meeting head-on.
    linked = [
        links.of_records(connection, sync.entity, side, [line["ids"][n] for line in chunk])
        for n, side in enumerate((first, second))
    ]
    for line in sorted(chunk, key=lambda line: str(line["ids"])):
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
                origin="matched",
                run_id=plan["run_id"],
                at=sync.clock(),
                sides=[links.LinkSide(first, a, bases[first]), links.LinkSide(second, b, bases[second])],
            )
        elif link_a is not None and link_a == link_b and line["bases"]:
            links.advance(connection, link_a, bases)
            ledger.close_conflicts(connection, sync.entity, dumps([a, b]), list(line["bases"]))
        # else: one of them got another twin since the plan was made; the next plan judges that anew.


def _report(connection: Connection, sync: Sync, plan: dict[str, Any]) -> None:
    at, run_id = sync.clock(), plan["run_id"]

    def lines(name: str) -> Iterator[dict[str, Any]]:
        return sync.staging.read_lines(plan["folder"], name)

    sides = sync.mapping.sides
    ledger.add_conflicts(
        connection,
        sync.entity,
        [
            {
                "record_ids": dumps(c["ids"]),
                "field": c["field"],
                "kind": c["kind"],
                "raw": dumps(dict(zip(sides, c["raw"], strict=True))),
                "base": dumps(dict(zip(sides, c["base"], strict=True))) if c["base"] else None,
                "clocks": dumps(dict(zip(sides, c["clocks"], strict=True))),
                "certain": c["certain"],
                "rule": c["rule"],
                "winner": c["winner"],
                "state": "open" if c["winner"] is None else "decided",
                "run_id": run_id,
                "plan_id": plan["id"],
                "at": at,
            }
            for c in lines("clashes")
        ],
    )
    if journal.is_backfill(connection, sync.entity, run_id):
        return  # a window says nothing about the records outside it
    known = {(h["side"], h["source_id"], h["field"]) for h in ledger.system_holds(connection, sync.entity)}
    held = [
        {**h, "run_id": run_id, "since": at}
        for h in lines("held")
        if (h["side"], h["source_id"], h["field"]) not in known
    ]
    ledger.replace_planner_holds(connection, sync.entity, held)
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
