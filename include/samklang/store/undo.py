"""What a run wrote and made, as an undo asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from samklang.core.jsontext import loads
from samklang.store.schema import history, link_sides, links, runs
from samklang.store.upserts import chunks

_WRITES = ("update", "undo", "take")


def is_run(connection: Connection, entity: str, run_id: str) -> bool:
    return (
        connection.execute(select(runs.c.run_id).where(runs.c.entity == entity, runs.c.run_id == run_id)).first()
        is not None
    )


def last_run(connection: Connection, entity: str, link_id: int) -> str | None:
    """The run that last wrote to a pair, or made it."""
    wrote = (
        select(history.c.run_id)
        .where(history.c.entity == entity, history.c.link_id == link_id, history.c.op.in_((*_WRITES, "create")))
        .order_by(history.c.id.desc())
        .limit(1)
    )
    return connection.execute(wrote).scalar()


@dataclass(frozen=True, slots=True)
class Size:
    """What a run did that an undo may take back: how often it wrote to a record, and its links that are links still."""

    writes: int
    links: int


def size(connection: Connection, entity: str, run_id: str) -> Size:
    def number(table: Table, *where: ColumnElement[bool]) -> int:
        mine = select(func.count()).select_from(table).where(table.c.entity == entity, table.c.run_id == run_id, *where)
        return connection.execute(mine).scalar_one()

    return Size(number(history, history.c.op.in_(_WRITES)), number(links, links.c.state == "linked"))


def written(connection: Connection, entity: str, run_id: str, link_id: int | None) -> list[dict[str, Any]]:
    """What a run wrote, field by field: `link_id`, `side`, `record_id`, `field`, `before`, `after`.

    A field that it wrote more than once counts from its first value to its last.
    """
    statement = select(history).where(history.c.entity == entity, history.c.run_id == run_id, history.c.op.in_(_WRITES))
    if link_id is not None:
        statement = statement.where(history.c.link_id == link_id)
    found: dict[tuple[int, str, str], dict[str, Any]] = {}
    for row in connection.execute(statement.order_by(history.c.id)).mappings():
        before, after = loads(row["before"]), loads(row["after"])
        for name in after:
            place = (row["link_id"], row["side"], name)
            first = found.get(place)
            found[place] = {
                "link_id": row["link_id"],
                "side": row["side"],
                "record_id": row["record_id"],
                "field": name,
                "before": first["before"] if first else before[name],
                "after": after[name],
            }
    return list(found.values())


def links_parted(connection: Connection, entity: str, run_id: str, link_id: int | None) -> list[int]:
    """Links of a run whose records are kept apart."""
    statement = select(links.c.id).where(
        links.c.entity == entity, links.c.run_id == run_id, links.c.state == "excluded"
    )
    return list(connection.execute(statement if link_id is None else statement.where(links.c.id == link_id)).scalars())


def links_made(connection: Connection, entity: str, run_id: str, link_id: int | None) -> list[dict[str, Any]]:
    """Links of a run that are links still: `link_id`, `ids` by side, `origin`."""
    statement = select(links.c.id, links.c.origin).where(
        links.c.entity == entity, links.c.run_id == run_id, links.c.state == "linked"
    )
    if link_id is not None:
        statement = statement.where(links.c.id == link_id)
    rows = connection.execute(statement.order_by(links.c.id)).all()
    ids: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    for part in chunks(list(ids)):
        for side in connection.execute(select(link_sides).where(link_sides.c.link_id.in_(part))):
            ids[side.link_id][side.side] = side.record_id
    return [{"link_id": row.id, "ids": ids[row.id], "origin": row.origin} for row in rows]
