"""All that the store has of one record, or of two that are linked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, or_, select

from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.store.schema import (
    conflicts,
    freezes,
    history,
    holds,
    intents,
    link_sides,
    links,
    revisit,
    seen,
    seen_keys,
    verdicts,
    watermarks,
)

Records = dict[str, str]
"""Record id by side: of one record, or of both twins, first side first."""

_JSON = {"raw", "normal", "form", "facts", "group_clocks", "base", "clocks", "before", "after", "candidates"}


def link_of(connection: Connection, entity: str, side: str, record_id: str) -> dict[str, Any] | None:
    """The link of a record: columns of `links`, and `ids` by side."""
    mine = (
        select(link_sides.c.link_id)
        .where(link_sides.c.entity == entity, link_sides.c.side == side, link_sides.c.record_id == record_id)
        .scalar_subquery()
    )
    found = _rows(connection, select(links).where(links.c.id == mine))
    if not found:
        return None
    sides = connection.execute(select(link_sides).where(link_sides.c.link_id == found[0]["id"])).all()
    return {**found[0], "ids": {row.side: row.record_id for row in sides}}


def having_part(connection: Connection, entity: str, side: str, part: str) -> list[str]:
    """Ids of records that this (a product, of variants) is named by. Looks at every record of the side."""
    return list(
        connection.execute(
            select(seen.c.id).where(
                seen.c.entity == entity, seen.c.side == side, seen.c.facts.contains(dumps(part), autoescape=True)
            )
        ).scalars()
    )


def bases(connection: Connection, link_id: int) -> dict[str, dict[str, Any]]:
    """What each side of a link held when both were last in tune: `raw`, `normal` and `form` by field."""
    rows = _rows(connection, select(link_sides).where(link_sides.c.link_id == link_id))
    return {row["side"]: row for row in rows}


def last_seen(connection: Connection, entity: str, records: Records) -> dict[str, dict[str, Any]]:
    """By side: columns of `seen`, and `revisit`, why it is to be read again by id (or None)."""
    again = {(row["side"], row["id"]): row["reason"] for row in _of(connection, revisit, entity, records, "id")}
    return {
        row["side"]: {**row, "revisit": again.get((row["side"], row["id"]))}
        for row in _of(connection, seen, entity, records, "id")
    }


def judged(connection: Connection, entity: str, records: Records) -> list[dict[str, Any]]:
    """Verdicts of the newest plan: why the records have no twin."""
    return _of(connection, verdicts, entity, records, "record_id")


def held(connection: Connection, entity: str, sides: Sequence[str], records: Records) -> list[dict[str, Any]]:
    """Values of these records that the other side cannot take; field "" is the whole record."""
    return _of(connection, holds, entity, _towards(sides, records), "source_id")


def frozen(connection: Connection, link_id: int) -> list[dict[str, Any]]:
    """Fields of a link that are left alone, with both values in normal form."""
    these = and_(freezes.c.link_id == link_id, freezes.c.released_at.is_(None))
    return _rows(connection, select(freezes).where(these).order_by(freezes.c.field))


def meant(connection: Connection, entity: str, sides: Sequence[str], records: Records) -> list[dict[str, Any]]:
    """Intents to make a twin of these records."""
    return _of(connection, intents, entity, _towards(sides, records), "source_id", intents.c.id)


def clashed(connection: Connection, entity: str, sides: Sequence[str], records: Records) -> list[dict[str, Any]]:
    """Conflicts between the two twins, newest first."""
    if len(records) < len(sides):
        return []
    ids = dumps([records[side] for side in sides])
    statement = select(conflicts).where(conflicts.c.entity == entity, conflicts.c.record_ids == ids)
    return _rows(connection, statement.order_by(conflicts.c.id.desc()))


def written(connection: Connection, entity: str, records: Records) -> list[dict[str, Any]]:
    """What was written to these records, newest first, with what that replaced."""
    return _of(connection, history, entity, records, "record_id", history.c.id.desc())


def first_created(connection: Connection, entity: str, side: str) -> str | None:
    """The newest record of a side at the first run; None before it."""
    return connection.execute(
        select(watermarks.c.first_created).where(watermarks.c.entity == entity, watermarks.c.side == side)
    ).scalar()


def sharing_keys(connection: Connection, entity: str, side: str, record_id: str) -> list[dict[str, Any]]:
    """Who holds a match key of this record, itself included: `field`, `side`, `id`, `value`, `scope`, `linked`.

    What is gone holds nothing.
    """
    mine = seen_keys.alias("mine")
    statement = (
        select(seen_keys.c.field, seen.c.side, seen.c.id, seen_keys.c.value, seen.c.scope, seen.c.missing)
        .add_columns(link_sides.c.link_id)
        .join(mine, and_(*(mine.c[n] == seen_keys.c[n] for n in ("entity", "field", "value"))))
        .join(seen, and_(*(seen.c[n] == seen_keys.c[n] for n in ("entity", "side", "id"))))
        .outerjoin(
            link_sides,
            and_(
                link_sides.c.entity == seen.c.entity,
                link_sides.c.side == seen.c.side,
                link_sides.c.record_id == seen.c.id,
            ),
        )
        .where(mine.c.entity == entity, mine.c.side == side, mine.c.id == record_id, seen.c.scope != Scope.GONE)
    )
    rows = _rows(connection, statement)
    return [{**row, "linked": row.pop("link_id") is not None} for row in rows]


def _towards(sides: Sequence[str], records: Records) -> Records:
    """The same ids under the side that they are to be written to."""
    return {target: records[source] for target, source in (tuple(sides), tuple(reversed(sides))) if source in records}


def _of(
    connection: Connection, table: Table, entity: str, records: Records, column: str, *order: Any
) -> list[dict[str, Any]]:
    these = or_(*(and_(table.c.side == side, table.c[column] == i) for side, i in records.items()))
    return _rows(connection, select(table).where(table.c.entity == entity, these).order_by(*order))


def _rows(connection: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    """Rows with their maps unpacked."""
    return [
        {str(name): loads(value) if name in _JSON and value is not None else value for name, value in row.items()}
        for row in connection.execute(statement).mappings()
    ]
