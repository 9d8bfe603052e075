"""Who holds match keys, and values that no two records of a system may share: whoever was last seen with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, Select, and_, select

from samklang.core.derive import PART
from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.store.schema import link_sides, seen, seen_keys
from samklang.store.upserts import chunks

Value = tuple[str, str]
"""Field and normal form."""
_PAGE = 20_000


def of_keys(connection: Connection, entity: str, field: str, ids: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """All holders, on both sides, of the keys that these records hold in one field, without reading the whole store.

    :param ids: by side. :returns: the columns of `of_free_records`.
    """
    wanted = {
        value
        for side, these in ids.items()
        for part in chunks(these)
        for value in connection.execute(
            select(seen_keys.c.value).where(
                seen_keys.c.entity == entity,
                seen_keys.c.side == side,
                seen_keys.c.field == field,
                seen_keys.c.id.in_(part),
            )
        ).scalars()
    }
    statement = _holders(entity, field)
    rows = [
        row
        for part in chunks(sorted(wanted))
        for row in connection.execute(statement.where(seen_keys.c.value.in_(part)))
    ]
    return _frame(rows)


def of_free_records(connection: Connection, entity: str, field: str) -> pd.DataFrame:
    """Who holds the keys of unlinked records, on both sides, linked or not: side, id, value, scope, linked."""
    return _frame(connection.execute(_of_free_records(entity, field)).all())


@cache
def _of_free_records(entity: str, field: str) -> Select[Any]:
    candidate = seen.alias("candidate")
    their_keys = seen_keys.alias("their_keys")
    their_link = link_sides.alias("their_link")
    wanted = (
        select(their_keys.c.value)
        .join(
            candidate,
            and_(
                candidate.c.entity == their_keys.c.entity,
                candidate.c.side == their_keys.c.side,
                candidate.c.id == their_keys.c.id,
            ),
        )
        .outerjoin(
            their_link,
            and_(
                their_link.c.entity == candidate.c.entity,
                their_link.c.side == candidate.c.side,
                their_link.c.record_id == candidate.c.id,
            ),
        )
        .where(
            their_keys.c.entity == entity,
            their_keys.c.field == field,
            candidate.c.scope.in_([Scope.ACTIVE, Scope.ARCHIVED]),
            their_link.c.link_id.is_(None),
        )
    )
    return _holders(entity, field).where(seen_keys.c.value.in_(wanted))


def _holders(entity: str, field: str) -> Select[Any]:
    """All that are there and have a key in this field; with their links, if any."""
    link = [link_sides.c[name] == seen.c[name] for name in ("entity", "side")]
    return (
        select(seen.c.side, seen.c.id, seen_keys.c.value, seen.c.scope, link_sides.c.link_id)
        .join(seen, and_(*(seen.c[name] == seen_keys.c[name] for name in ("entity", "side", "id"))))
        .outerjoin(link_sides, and_(*link, link_sides.c.record_id == seen.c.id))
        .where(seen_keys.c.entity == entity, seen_keys.c.field == field, seen.c.scope != Scope.GONE)
    )


def _frame(rows: Sequence[Row[Any]]) -> pd.DataFrame:
    frame = pd.DataFrame.from_records(rows, columns=["side", "id", "value", "scope", "link_id"])
    frame["linked"] = frame.pop("link_id").notna()
    return frame


def key_parts(connection: Connection, entity: str, field: str) -> list[tuple[str, str, str]]:
    """(side, id, value) of each key that was read out of a field that is none; see `core.derive.match_keys`."""
    return _key_rows(connection, entity, seen_keys.c.field.startswith(field + PART, autoescape=True))


def of_values(connection: Connection, entity: str, field: str, values: Sequence[str]) -> list[tuple[str, str, str]]:
    """(side, id, value) of all that hold one of these keys."""
    return [
        row
        for part in chunks(values)
        for row in _key_rows(connection, entity, seen_keys.c.field == field, seen_keys.c.value.in_(part))
    ]


def _key_rows(connection: Connection, entity: str, *which: Any) -> list[tuple[str, str, str]]:
    same = [seen.c[name] == seen_keys.c[name] for name in ("entity", "side", "id")]
    statement = select(seen_keys.c.side, seen_keys.c.id, seen_keys.c.value).join(seen, and_(*same))
    rows = connection.execute(statement.where(seen_keys.c.entity == entity, seen.c.scope != Scope.GONE, *which))
    return [(row.side, row.id, row.value) for row in rows]


def holding(connection: Connection, entity: str, side: str, wanted: Collection[Value]) -> dict[Value, list[str]]:
    """Ids by value, in the order of ids; whatever the record's scope, as long as it is there. Reads the side once."""
    found: dict[Value, list[str]] = {}
    names = {name for name, _ in wanted}
    if not names:
        return found
    statement = select(seen.c.id, seen.c.normal).where(
        seen.c.entity == entity, seen.c.side == side, seen.c.scope != Scope.GONE
    )
    for row in connection.execute(statement.order_by(seen.c.id).execution_options(yield_per=_PAGE)):
        normal = loads(row.normal)
        for name in names:
            if (name, normal.get(name)) in wanted:
                found.setdefault((name, normal[name]), []).append(row.id)
    return found
