"""What people did through the console or the command line: when, by whom, to which records. No values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from samklang.core.jsontext import dumps, loads
from samklang.store.orders import PART
from samklang.store.schema import actions, orders

Row = Mapping[str, Any]


def add(
    connection: Connection,
    *,
    entity: str,
    name: str,
    what: str,
    person: str,
    via: str,
    at: str,
    records: Sequence[str],
    detail: Mapping[str, Any],
) -> None:
    """:param records: as `side:id`. :param detail: ids, field names and counts."""
    connection.execute(
        insert(actions).values(
            entity=entity, name=name, what=what, person=person, via=via, at=at, records=dumps(list(records)),
            detail=dumps(dict(detail)),
        )
    )  # fmt: skip


def newest(connection: Connection, entity: str, *, before: int | None = None, limit: int = 50) -> list[Row]:
    """Newest first. :param before: an `id`; only older ones."""
    statement = select(actions).where(actions.c.entity == entity).order_by(actions.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(actions.c.id < before)
    return [_unpacked(row) for row in connection.execute(statement).mappings()]


def named(connection: Connection, names: Sequence[str]) -> dict[str, Row]:
    """Actions by name."""
    rows = connection.execute(select(actions).where(actions.c.name.in_(names))).mappings()
    return {row["name"]: _unpacked(row) for row in rows}


def undone_by(connection: Connection, entity: str, run_ids: Sequence[str]) -> dict[str, list[str]]:
    """Who has put back what these runs wrote, by run; a run that nobody has undone is missing."""
    rows = connection.execute(
        select(orders.c.of_run, actions.c.person)
        .join(actions, actions.c.name == orders.c.action)
        .where(orders.c.entity == entity, orders.c.kind.in_(("undo", PART)), orders.c.of_run.in_(run_ids))
        .distinct()
        .order_by(orders.c.of_run, actions.c.person)
    )
    found: dict[str, list[str]] = {}
    for run_id, person in rows:
        found.setdefault(run_id, []).append(person)
    return found


def _unpacked(row: RowMapping) -> Row:
    plain = {str(name): value for name, value in row.items()}
    return {**plain, "records": loads(row["records"]), "detail": loads(row["detail"])}
