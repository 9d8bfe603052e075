"""Which values we emptied on the way of a swap, and who has taken which value since, by the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from samklang.core.jsontext import loads
from samklang.store.schema import history
from samklang.store.upserts import chunks

_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Written:
    """One field of one of our writes. :param line: of the history. :param before: raw; :param after: raw."""

    line: int
    link_id: int
    record_id: str
    field: str
    before: str | None
    after: str | None


def freed(connection: Connection, entity: str, side: str, ids: Sequence[str]) -> dict[tuple[str, str], Written]:
    """By id and field: how we last emptied the values of these records for the sake of others."""
    found: dict[tuple[str, str], Written] = {}
    for part in chunks(ids):
        statement = _writes(entity, side, "free").where(history.c.record_id.in_(part))
        found |= {(one.record_id, one.field): one for one in _read(connection, statement)}
    return found


def written(connection: Connection, entity: str, side: str, after: int) -> Iterator[Written]:
    """The edits that were carried over since a line of the history, in their order; of very many the first, for what
    was taken long after is no part of that swap."""
    return _read(connection, _writes(entity, side, "update").where(history.c.id > after).limit(_MOST))


def _writes(entity: str, side: str, op: str) -> Select[Any]:
    return (
        select(history)
        .where(history.c.entity == entity, history.c.side == side, history.c.op == op)
        .order_by(history.c.id)
    )


def _read(connection: Connection, statement: Select[Any]) -> Iterator[Written]:
    for row in connection.execute(statement):
        before, after = loads(row.before), loads(row.after)
        for name, value in after.items():
            yield Written(row.id, row.link_id, row.record_id, name, before.get(name), value)
