"""What is held or quarantined, many at once: find it, have it tried again, or have it skipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, tuple_, update

from samklang.store.schema import holds
from samklang.store.upserts import chunks

Place = tuple[str, str, str]
"""Side where the value cannot go, id of the record that has it, field ("": the whole record)."""
_PLACE = (holds.c.side, holds.c.source_id, holds.c.field)


def matching(
    connection: Connection, entity: str, *, reason: str | None, side: str | None, quarantined: bool | None
) -> list[Place]:
    """In the order of sides, records, fields. None: whatever it is."""
    statement = select(*_PLACE).where(holds.c.entity == entity).order_by(*_PLACE)
    if reason is not None:
        statement = statement.where(holds.c.reason == reason)
    if side is not None:
        statement = statement.where(holds.c.side == side)
    if quarantined is not None:
        statement = statement.where(holds.c.field == "" if quarantined else holds.c.field != "")
    return [(row.side, row.source_id, row.field) for row in connection.execute(statement)]


def these(connection: Connection, entity: str, places: Sequence[Place]) -> dict[Place, dict[str, Any]]:
    """Rows of `holds`, by place; locked until the transaction ends."""
    found: dict[Place, dict[str, Any]] = {}
    for part in chunks(places):
        statement = select(holds).where(holds.c.entity == entity, tuple_(*_PLACE).in_(part)).order_by(*_PLACE)
        for row in connection.execute(statement.with_for_update()).mappings():
            found[row["side"], row["source_id"], row["field"]] = dict(row)
    return found


def taken(connection: Connection, entity: str, side: str | None = None) -> list[dict[str, Any]]:
    """What the systems refused because another record has the value. :param side: only towards this side."""
    statement = select(holds).where(holds.c.entity == entity, holds.c.by_system, holds.c.reason == "taken")
    if side is not None:
        statement = statement.where(holds.c.side == side)
    return [dict(row) for row in connection.execute(statement.order_by(*_PLACE)).mappings()]


def set_holder(connection: Connection, entity: str, place: Place, holder: str, edits: str) -> None:
    """:param holder: id of the record that has the value. :param edits: see `sync.taken`."""
    this = (holds.c.entity == entity, tuple_(*_PLACE) == place, holds.c.reason == "taken")
    connection.execute(update(holds).where(*this).values(holder=holder, holder_edits=edits))


def set_retry(connection: Connection, entity: str, places: Sequence[Place], retry_at: str | None) -> None:
    """:param retry_at: None: not before somebody edits one of the two records."""
    for part in chunks(places):
        connection.execute(
            update(holds).where(holds.c.entity == entity, tuple_(*_PLACE).in_(part)).values(retry_at=retry_at)
        )
