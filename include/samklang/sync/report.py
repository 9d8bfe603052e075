"""What is known of an entity, for people: counts of what is linked, in sync, held or waiting for somebody."""

from __future__ import annotations

from typing import Any

from samklang.core.mapping import Mapping
from samklang.store import journal, ledger, links
from samklang.store.database import Database


def status(database: Database, mapping: Mapping) -> dict[str, Any]:
    """Counts of one entity and its last run, as `status --json` prints them."""
    with database.read() as connection:
        return {
            "linked": links.count(connection, mapping.entity),
            "in_sync": links.count_in_tune(connection, mapping.entity, mapping.sides),
            **ledger.counts(connection, mapping.entity),
            "last_run": journal.last_run(connection, mapping.entity),
        }
