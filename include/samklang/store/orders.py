"""Values that people have put back: what is to be written, what was, and what stands since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from samklang.store.schema import orders
from samklang.store.upserts import chunks

Row = Mapping[str, Any]

WANTED, STANDING, DONE, MOVED, REFUSED, RELEASED = "wanted", "standing", "done", "moved", "refused", "released"
"""States: to be written by the next plan; an undo that was written and is held there; written, or over; not written,
because a side has changed; refused by the system; let go by a person."""

PART = "part"
"""The kind of an undo of what a run wrote to a pair that it had linked: the pair is kept apart, and this is still
written."""


def add(connection: Connection, entity: str, rows: Sequence[Row]) -> None:
    """:param rows: the other columns of new orders; they are `wanted`."""
    for part in chunks(rows):
        connection.execute(insert(orders), [{"entity": entity, "state": WANTED, **row} for row in part])


def alive(connection: Connection, entity: str) -> list[Row]:
    """Orders that are to be written, and undos that stand; in their order."""
    statement = select(orders).where(orders.c.entity == entity, orders.c.state.in_((WANTED, STANDING)))
    return [dict(row) for row in connection.execute(statement.order_by(orders.c.id)).mappings()]


def of_link(connection: Connection, link_id: int) -> list[Row]:
    """All orders of a link, newest first."""
    statement = select(orders).where(orders.c.link_id == link_id).order_by(orders.c.id.desc())
    return [dict(row) for row in connection.execute(statement).mappings()]


def alive_of_field(connection: Connection, link_id: int, name: str) -> list[Row]:
    """Orders of one field that are to be written or stand, newest first."""
    return [row for row in of_link(connection, link_id) if row["field"] == name and row["state"] in (WANTED, STANDING)]


def alive_of(connection: Connection, link_ids: Sequence[int]) -> dict[tuple[int, str], Row]:
    """Orders that are to be written or stand, by link and field."""
    found: dict[tuple[int, str], Row] = {}
    for part in chunks(link_ids):
        statement = select(orders).where(orders.c.link_id.in_(part), orders.c.state.in_((WANTED, STANDING)))
        for row in connection.execute(statement.order_by(orders.c.id)).mappings():
            found[row["link_id"], row["field"]] = dict(row)
    return found


def close(connection: Connection, order_id: int, state: str, at: str, *, stored: str | None = None) -> None:
    """Change the state of an order that is to be written, or stands; a closed one stays as it is."""
    connection.execute(
        update(orders)
        .where(orders.c.id == order_id, orders.c.state.in_((WANTED, STANDING)))
        .values(state=state, closed_at=at, stored=stored)
    )
