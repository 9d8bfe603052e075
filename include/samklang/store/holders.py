"""Who holds match keys, and values that no two records of a system may share: whoever was last seen with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd
from sqlalchemy import Connection, and_, select

from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.store.schema import link_sides, seen, seen_keys
from samklang.store.upserts import chunks

Value = tuple[str, str]
"""Field and normal form."""
_PAGE = 20_000


def of_keys(connection: Connection, entity: str, field: str, ids: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """All holders, on both sides, of the keys that these records hold in one field, without reading the whole store.

    :param ids: by side. :returns: the columns of `seen.key_holders`.
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
    statement = (
        select(seen.c.side, seen.c.id, seen_keys.c.value, seen.c.scope, link_sides.c.link_id)
        .join(
            seen,
            and_(seen.c.entity == seen_keys.c.entity, seen.c.side == seen_keys.c.side, seen.c.id == seen_keys.c.id),
        )
        .outerjoin(
            link_sides,
            and_(
                link_sides.c.entity == seen.c.entity,
                link_sides.c.side == seen.c.side,
                link_sides.c.record_id == seen.c.id,
            ),
        )
        .where(seen_keys.c.entity == entity, seen_keys.c.field == field, seen.c.scope != Scope.GONE)
    )
    rows = [
        row
        for part in chunks(sorted(wanted))
        for row in connection.execute(statement.where(seen_keys.c.value.in_(part)))
    ]
    frame = pd.DataFrame.from_records(rows, columns=["side", "id", "value", "scope", "link_id"])
    frame["linked"] = frame.pop("link_id").notna()
    return frame


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
