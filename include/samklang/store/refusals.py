"""What the systems refused, attempt by attempt: the history of what is held or quarantined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from samklang.store.schema import refusals

KEEP = 50
"""Attempts that are kept of one record and field."""


def add(
    connection: Connection, *, entity: str, side: str, source_id: str, field: str, reason: str, named: str | None,
    run_id: str, at: str, said: str | None = None,
) -> None:  # fmt: skip
    """Keep one attempt that was refused, and forget what is older than the last `KEEP`. Columns are as in `holds`."""
    connection.execute(
        insert(refusals).values(
            entity=entity, side=side, source_id=source_id, field=field, reason=reason, named=named, run_id=run_id,
            at=at, said=said,
        )
    )  # fmt: skip
    these = (
        refusals.c.entity == entity,
        refusals.c.side == side,
        refusals.c.source_id == source_id,
        refusals.c.field == field,
    )
    last_of_old = select(refusals.c.id).where(*these).order_by(refusals.c.id.desc()).offset(KEEP).limit(1)
    connection.execute(delete(refusals).where(*these, refusals.c.id <= last_of_old.scalar_subquery()))


def of_record(connection: Connection, entity: str, side: str, source_id: str) -> list[Mapping[str, Any]]:
    """Newest first. :param side: where the values could not go; :param source_id: the record that has them."""
    statement = select(refusals).where(
        refusals.c.entity == entity, refusals.c.side == side, refusals.c.source_id == source_id
    )
    return [dict(row) for row in connection.execute(statement.order_by(refusals.c.id.desc())).mappings()]
