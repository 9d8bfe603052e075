"""Unread: records over which a system fails whenever it is asked for them.

They are neither absent nor empty: what was last seen of them stands. They are quarantined and named, and asked for
again at growing intervals; a read that brings one ends that. One that was never seen may hold any match key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection

from samklang.core.clocks import from_datetime
from samklang.core.plan import Held
from samklang.store import ledger, seen
from samklang.sync.context import Sync
from samklang.sync.refusing import pause

REASON = "unreadable"
REMEDY = (
    "The system fails whenever it is asked for this record: see there what is wrong with it, or ask the system's "
    "support. It counts as it was last seen, and is asked for again by itself."
)


def of(connection: Connection, sync: Sync, side: str) -> dict[str, dict[str, Any]]:
    """The holds of records of this side that could not be read, by id."""
    target = sync.mapping.other(side)
    return {
        hold["source_id"]: dict(hold)
        for hold in ledger.system_holds(connection, sync.entity)
        if hold["side"] == target and hold["reason"] == REASON
    }


def is_due(hold: dict[str, Any], now: str) -> bool:
    return hold["retry_at"] is not None and hold["retry_at"] <= now


def waiting(connection: Connection, sync: Sync, side: str) -> set[str]:
    """Records of this side that are not to be asked for yet."""
    return {i for i, hold in of(connection, sync, side).items() if not is_due(hold, sync.clock())}


def note(connection: Connection, sync: Sync, side: str, ids: Iterable[str], run_id: str) -> None:
    """They could not be read, once more."""
    known = of(connection, sync, side)
    for record_id in sorted(ids):
        attempts = 1 + (known[record_id]["attempts"] if record_id in known else 0)
        ledger.put_system_hold(
            connection,
            entity=sync.entity,
            side=sync.mapping.other(side),
            source_id=record_id,
            field="",
            reason=REASON,
            remedy=REMEDY,
            fingerprint="",
            retry_at=from_datetime(sync.now() + pause(attempts)),
            run_id=run_id,
            at=sync.clock(),
            attempts=attempts,
        )


def drop(connection: Connection, sync: Sync, side: str, ids: Collection[str]) -> None:
    """They have been read."""
    for record_id in of(connection, sync, side).keys() & set(ids):
        ledger.drop_holds(connection, sync.entity, sync.mapping.other(side), record_id, [""])


def held(connection: Connection, sync: Sync) -> list[Held]:
    """As a plan names them."""
    return [
        Held(sync.mapping.other(side), record_id, "", REASON, hold["remedy"])
        for side in sync.mapping.sides
        for record_id, hold in sorted(of(connection, sync, side).items())
    ]


def hides_keys(connection: Connection, sync: Sync, side: str) -> bool:
    """Whether there is one that was never seen: it may be the twin of anybody who seems to have none."""
    ids = list(of(connection, sync, side))
    return bool(ids) and len(seen.known(connection, sync.entity, side, ids)) < len(ids)
