"""What the last plan wrote without our hearing of it: its answer was lost, or the process died before its commit.

Such a value has no base. It would pass for an edit that somebody made at the target, later than any that people really
made, and win against them. So before anything is planned, what the target shows as it was to be written is taken for
written, with the base that the plan had.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from samklang.core.clocks import earlier
from samklang.core.derive import SideView
from samklang.core.jsontext import loads
from samklang.core.values import normal_form
from samklang.errors import StagingError, StoreError
from samklang.store import journal, ledger, links, seen
from samklang.sync.commit import UNCLEAR, Committer
from samklang.sync.context import Sync
from samklang.sync.extract import OVERLAP


def settle_unheard(sync: Sync, views: tuple[SideView, SideView], *, only: str | None = None) -> int:
    """:param only: what was written to this side. :returns: how many rows of earlier plans turned out to be written."""
    settled = 0
    for view in views:
        if only not in (None, view.name):
            continue
        settled += _creates(sync, views, view.name)
        settled += _updates(sync, views, view.name)
    return settled


def _updates(sync: Sync, views: tuple[SideView, SideView], side: str) -> int:
    """Rows of the newest plan that was carried out of which nobody knows what became."""
    with sync.database.read() as connection:
        number = journal.plan_in_force(connection, sync.entity)
        plan = journal.plan(connection, number) if number else None
        if plan is None:
            return 0
        results = ledger.results(connection, number, side)
        unclear = {n for n, outcome in results.items() if outcome == UNCLEAR}
        if not unclear and journal.run_state(connection, sync.entity, plan["run_id"]) == "success":
            return 0  # each of its rows has an outcome
        done = results.keys() - unclear
    left = [
        row
        for row in _rows(sync, number)
        if row["side"] == side and row["op"] in ("update", "free") and row["n"] not in done
    ]
    if not left:
        return 0
    with sync.database.read() as connection:
        known = seen.known(connection, sync.entity, side, [row["id"] for row in left])
        linked = links.of_records(connection, sync.entity, side, [row["id"] for row in left])
    committer = Committer(sync, side, plan, views)
    return sum(
        committer.settled({**row, "link_id": linked[row["id"]][0]}, _unpacked(known[row["id"]]))
        for row in left
        if row["id"] in known and linked.get(row["id"], (0, -1))[1] == row["revision"]
    )


def _creates(sync: Sync, views: tuple[SideView, SideView], side: str) -> int:
    """Open intents whose key stands on a record by now."""
    with sync.database.read() as connection:
        unresolved = ledger.unresolved_intents(connection, sync.entity, side)
        is_open = {key: intent for key, intent in unresolved.items() if intent["state"] == "open"}
        holders = seen.with_our_key(connection, sync.entity, side, list(is_open)) if is_open else {}
    settled = 0
    for key, ids in holders.items():
        rows = [row for row in _rows(sync, is_open[key]["plan_id"]) if row["side"] == side and row["key"] == key]
        if len(ids) != 1 or len(rows) != 1:
            continue  # matched, or reported, like any other record
        with sync.database.read() as connection:
            plan = journal.plan(connection, is_open[key]["plan_id"])
            now = _unpacked(seen.known(connection, sync.entity, side, ids)[ids[0]])
        since = earlier(is_open[key]["created_at"], OVERLAP)
        if not (
            sync.system(side).rules.key_proves_origin or (now["created"] >= since and _is_as_sent(sync, rows[0], now))
        ):
            continue  # a key that anybody may type; the load asks, and parks what it cannot tell
        settled += Committer(sync, side, plan, views).found_as_seen(rows[0], ids[0], now)
    return settled


def _is_as_sent(sync: Sync, row: dict[str, Any], now: dict[str, Any]) -> bool:
    kinds = {f.name: f.kind for f in sync.mapping.fields}
    return all(
        normal_form(kinds[c["field"]], c["value"], sync.mapping.region) == now["normal"].get(c["field"])
        for c in row["changes"]
    )


def _rows(sync: Sync, number: int) -> Iterator[dict[str, Any]]:
    """The rows of a plan with their numbers; none where there is no such plan, or its files have expired."""
    try:
        with sync.database.read() as connection:
            plan = journal.plan(connection, number) if number else None
        if plan is None or plan["state"] not in ("approved", "outdated"):
            return
        names = {f.name for f in sync.mapping.fields}  # a field may have left the mapping since
        for n, row in enumerate(sync.staging.read_lines(plan["folder"], "rows")):
            yield {**row, "n": n, "changes": [c for c in row["changes"] if c["field"] in names]}
    except (StagingError, StoreError):
        return


def _unpacked(row: dict[str, Any]) -> dict[str, Any]:
    maps = {name: loads(row[name]) for name in ("raw", "normal", "form")}
    return {**row, **maps, "answered": set(maps["raw"])}
