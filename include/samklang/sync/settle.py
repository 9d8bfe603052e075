"""Settle: close a run. What was read and is in the store is never read again for nothing; what failed is said."""

from __future__ import annotations

from math import ceil
from typing import Any

from sqlalchemy import Connection

from samklang.core.sides import title
from samklang.store import health, journal, ledger, seen
from samklang.sync import report
from samklang.sync.context import Run, Sync
from samklang.sync.meter import NOTHING, Used, shares
from samklang.sync.waited import OUTDATED

_NAMED = 20


def settle(
    sync: Sync,
    run: Run,
    *,
    reads: list[dict[str, Any]],
    plan: dict[str, Any] | None,
    written: dict[str, dict[str, Any] | None],
    failed: list[str],
) -> dict[str, Any]:
    """Move watermarks, write the summary.

    Everything that a read saw is in the store before this runs, and each plan covers all that is out of tune there; so
    a watermark may pass a record whose write is still to come. A side whose load did not finish stays where it was;
    dry, rejected and backfill runs move nothing. A run is `outdated` where a load did not finish since a newer plan had
    been carried out, or the mapping had changed.

    :param written: what each load reported, by side; None where it did not finish.
    :param failed: task ids that failed before this one.
    :returns: the summary, also kept in the store.
    """
    with sync.database.read() as connection:  # no write waits for it
        stored = journal.plan(connection, plan["plan"], folder=plan["folder"]) if plan is not None else None
        rejected = stored is not None and stored["state"] == "rejected"
        outdated = stored is not None and (
            stored["state"] == OUTDATED or journal.plan_in_force(connection, sync.entity) > stored["id"]
        )
        carried_out = written if plan is not None and not (run.dry_run or rejected) else {}
        state_of_things = {**report.counts(connection, sync.mapping), **report.records(connection, sync.mapping)}
        if plan is not None:
            state_of_things["waiting"] = plan["counts"]["waiting"]
            state_of_things["to_create"] = _to_create(connection, plan, carried_out)
        wrote = any(one and one["outcomes"] for one in written.values())
        lag = _lag(health.lags(connection, sync.entity, run.id)) if wrote else None
    with sync.database.begin() as connection:
        if not (run.dry_run or rejected or run.kind == "backfill" or run.window):
            for read in reads:
                known = seen.is_known_read(connection, read["ticket"], read["started_at"])  # not another store's
                if written.get(read["side"]) is not None and known:
                    _move(connection, sync, read)
        used = _used(reads, written)
        gone = {read["side"]: len(read["gone"]) for read in reads if read["gone"]}
        limit = sync.mapping.limits.gone
        summary = {
            "mode": run.mode,
            "dry_run": run.dry_run,
            "reads": {read["side"]: {"rows": read["rows"], "whole": read["whole"]} for read in reads},
            "gone": {side: n for side, n in gone.items() if n <= limit},
            "gone_beyond_limit": {side: n for side, n in gone.items() if n > limit},
            "warnings": [
                *(_too_many_gone(sync, side, n) for side, n in gone.items() if n > limit),
                *(_unstorable(read["side"], read["unstorable"]) for read in reads if read.get("unstorable")),
            ],
            "forgotten": {read["side"]: read["forgotten"] for read in reads if read.get("forgotten")},
            "denied": {read["side"]: sorted(read["denied"]) for read in reads if read["denied"]},
            "plan": plan["plan"] if plan else None,
            "counts": plan["counts"] if plan else None,
            "review": _review(stored),
            "loads": written,
            "requests": {side: sum(int(one["requests"]) for one in tasks) for side, tasks in used.items()},
            "budget": shares(used),
            "held": _held(connection, sync),
            "health": state_of_things,
            "lag": lag,
            "failed": failed,
        }
        state = "failed" if failed else "dry" if run.dry_run else "rejected" if rejected else "success"
        if state == "success" and outdated and None in carried_out.values():
            state = "outdated"
        journal.finish_run(connection, sync.entity, run.id, state, summary, sync.clock())
    for side in sync.mapping.sides:
        _mark_linked(sync, side)
    return {"state": state, **summary}


def _used(reads: list[dict[str, Any]], written: dict[str, dict[str, Any] | None]) -> dict[str, list[Used]]:
    """By side, of the tasks that finished."""
    return {
        read["side"]: [
            report.get("used", NOTHING) for report in (read, written.get(read["side"])) if report is not None
        ]
        for read in reads
    }


def _mark_linked(sync: Sync, side: str) -> None:
    last: tuple[str, str] | None = ("", "")
    while last is not None:
        with sync.database.begin() as connection:
            journal.hold_plans(connection, sync.entity)  # nobody ends a link meanwhile
            last = seen.mark_linked(connection, sync.entity, side, after=last)


def _to_create(connection: Connection, plan: dict[str, Any], carried_out: dict[str, Any]) -> int:
    """Records that the plan would make a twin of, and that nobody has tried to yet.

    :param carried_out: reports of the loads by side, None where one did not finish; empty where none was to run.
    """
    left = 0
    for side, number in plan["counts"]["creates"].items():
        if carried_out.get(side) is None:
            outcomes = ledger.results(connection, plan["plan"], side).values()
            left += number - sum(outcome in ("created", "linked") for outcome in outcomes)
    return left


def _lag(lags: list[float]) -> dict[str, Any] | None:
    """How long edits took to get across, in seconds. :param lags: smallest first."""
    if not lags:
        return None
    p50, p95 = (round(lags[ceil(part * len(lags)) - 1], 3) for part in (0.50, 0.95))
    return {"p50": p50, "p95": p95, "writes": len(lags)}


def _review(plan: dict[str, Any] | None) -> dict[str, Any] | None:
    """Who decided on the plan, and why; None where nobody and nothing has."""
    if plan is None or plan["decided_by"] is None:
        return None
    return {"decision": plan["state"], "by": plan["decided_by"], "reason": plan["reason"]}


def _held(connection: Connection, sync: Sync) -> dict[str, Any]:
    """What is held or quarantined at the end of a run, as the store has it: ids, field names and reasons, no values.

    `field` of a quarantined record is the one that the system named, or None.
    """
    rows, more = ledger.first_holds(connection, sync.entity, _NAMED)
    named = [
        {
            "state": "held" if row["field"] else "quarantined",
            "side": sync.mapping.other(row["side"]),
            "id": row["source_id"],
            "towards": row["side"],
            "field": row["field"] or row["named"],
            "reason": row["reason"],
        }
        for row in rows
    ]
    return {"records": named, "more": more}


def _too_many_gone(sync: Sync, side: str, number: int) -> str:
    limit = sync.mapping.limits.gone
    return (
        f"{number} or more records seem gone in {title(side)}, and {limit} at once are believed: none of them was "
        f"marked. If they were really deleted there, raise limits: gone in {sync.entity}.yaml to their number for one "
        "run with the param mode set to full."
    )


def _unstorable(side: str, number: int) -> str:
    return (
        f"{number} records in {title(side)} have ids that no store can hold (over 64 characters): they were left out. "
        "No system is known to give such ids; look at what stands between."
    )


def _move(connection: Any, sync: Sync, read: dict[str, Any]) -> None:
    side = read["side"]
    if not seen.was_taken_in(connection, read["ticket"]):
        return  # the next run reads it again
    journal.move_watermark(
        connection,
        sync.entity,
        side,
        clock=read["max_clock"],
        whole_at=read["started_at"] if read["whole"] else None,
        fields=read["fields"],
        first_created=read["max_created"] if read["whole"] else None,
    )
