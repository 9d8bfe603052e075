"""One rising number for all reads and writes, so that an older observation never replaces a newer one."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from samklang.store.schema import counters, tickets


def next_ticket(connection: Connection) -> int:
    """The next number; call it inside a write transaction, after what it dates has happened.

    A sequence takes no lock: with a row, both lanes of both entities would wait for each other's commits.
    """
    if connection.dialect.name == "postgresql":
        return int(connection.execute(tickets.next_value()).scalar_one())
    row = counters.c.name == "ticket"
    connection.execute(update(counters).where(row).values(value=counters.c.value + 1))
    return int(connection.execute(select(counters.c.value).where(row)).scalar_one())
