"""A copy of the link store, for looking at what a run would do without leaving a trace in the store itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, func, insert, select, update

from samklang.store.database import Database
from samklang.store.schema import counters, metadata, reads, seen

_ROWS = 5_000


@contextmanager
def copied(database: Database) -> Iterator[Database]:
    """A store with the same content as at this moment, in a private file that is gone when the block ends.

    :raises StoreUnavailableError: either store breaks off.
    """
    with TemporaryDirectory(prefix="samklang-") as folder:  # for its owner only
        copy = Database(f"sqlite:///{folder}/store.db")
        try:
            (_from_file if database.dialect == "sqlite" else _row_by_row)(database, copy)
            yield copy
        finally:
            copy.close()


def _from_file(database: Database, copy: Database) -> None:
    with database.read() as source, copy.read() as target:
        source.connection.driver_connection.backup(target.connection.driver_connection)  # type: ignore[union-attr]


def _row_by_row(database: Database, copy: Database) -> None:
    with database.engine.connect() as connection:
        source = connection.execution_options(isolation_level="REPEATABLE READ")  # all tables as of one moment
        with copy.begin() as target:
            for table in reversed(metadata.sorted_tables):
                target.execute(table.delete())
            for table in metadata.sorted_tables:
                rows = source.execute(select(table).execution_options(yield_per=_ROWS)).mappings()
                for part in rows.partitions(_ROWS):
                    target.execute(insert(table), [dict(row) for row in part])
            _count_on(target)


def _count_on(target: Connection) -> None:
    """Tickets, which come from a sequence elsewhere, go on from the largest one that was given."""
    given = [target.execute(select(func.max(table.c.ticket))).scalar() or 0 for table in (reads, seen)]
    target.execute(update(counters).where(counters.c.name == "ticket").values(value=max(given)))
