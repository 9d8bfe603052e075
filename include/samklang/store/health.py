"""How an entity is doing, as numbers that stay cheap with a million links."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from samklang.store.schema import history, seen


def scopes(connection: Connection, entity: str) -> dict[str, dict[str, int]]:
    """How many records each side has in each scope (`core.records.Scope`); answered from an index alone."""
    found: dict[str, dict[str, int]] = {}
    place = (seen.c.side, seen.c.scope)
    statement = select(*place, func.count()).where(seen.c.entity == entity).group_by(*place)
    for side, scope, number in connection.execute(statement):
        found.setdefault(side, {})[scope] = number
    return found


def lags(connection: Connection, entity: str, run_id: str) -> list[float]:
    """Seconds from an edit to our write, of each write of a run that carried one on; smallest first."""
    return list(
        connection.execute(
            select(history.c.lag)
            .where(history.c.entity == entity, history.c.run_id == run_id, history.c.lag.is_not(None))
            .order_by(history.c.lag)
        ).scalars()
    )
