"""What is known of an entity, for people: counts of what is linked, in sync, held or waiting for somebody."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, select

from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.core.records import Scope
from samklang.store import health, ledger, links
from samklang.store.database import Database
from samklang.store.journal import PLAN_ONLY
from samklang.store.schema import runs


def status(database: Database, mapping: Mapping) -> dict[str, Any]:
    """Counts of one entity and its last run, as `status --json` prints them."""
    with database.read() as connection:
        return {**counts(connection, mapping), "last_run": _last_run(connection, mapping.entity)}


def counts(connection: Connection, mapping: Mapping) -> dict[str, int]:
    """What is linked, in sync, held, ambiguous, quarantined, excluded, …, as the store has it now."""
    halves = Counter(what for what, *_ in links.halves(connection, mapping.entity))
    return {
        "linked": links.count(connection, mapping.entity),
        "in_sync": links.count_in_tune(connection, mapping.entity, mapping.sides),
        **ledger.counts(connection, mapping.entity),
        "gone": halves[Scope.GONE],
        "erased": halves[Scope.ERASED],
    }


def records(connection: Connection, mapping: Mapping) -> dict[str, dict[str, Any]]:
    """By side: `records`, how many it is known to have, and `out_of_scope`, those that are left alone by reason.

    The reasons are those of `core.records.Scope`. What is gone is out of scope too, and no record any more.
    """
    found = health.scopes(connection, mapping.entity)
    by_side = {side: found.get(side, {}) for side in mapping.sides}
    return {
        "records": {side: sum(n for scope, n in of.items() if scope != Scope.GONE) for side, of in by_side.items()},
        "out_of_scope": {
            side: {scope: n for scope, n in sorted(of.items()) if scope != Scope.ACTIVE} for side, of in by_side.items()
        },
    }


def _last_run(connection: Connection, entity: str) -> dict[str, Any] | None:
    row = (
        connection.execute(
            select(runs)
            .where(runs.c.entity == entity, runs.c.kind != PLAN_ONLY)
            .order_by(runs.c.started_at.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    return {**{str(name): value for name, value in row.items()}, "summary": loads(row["summary"])} if row else None
