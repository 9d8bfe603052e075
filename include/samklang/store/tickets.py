"""One rising number for all reads and writes, so that an older observation never replaces a newer one."""

from __future__ import annotations

from sqlalchemy import Connection, update

from samklang.store.schema import counters, tickets


def next_ticket(connection: Connection) -> int:
    """The next number; call it inside a write transaction, after what it dates has happened.

    A sequence takes no lock: with a row, both lanes of both entities would wait for each other's commits.
    """
    if connection.dialect.name == "postgresql":
        return int(connection.execute(tickets.next_value()).scalar_one())
    counted = update(counters).where(counters.c.name == "ticket").values(value=counters.c.value + 1)
    return int(connection.execute(counted.returning(counters.c.value)).scalar_one())
