"""Traces: what a database keeps of rows that were erased, overwritten as far as its user may."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from samklang.errors import StoreUnavailableError
from samklang.store.database import Database, named_trouble
from samklang.store.schema import metadata

_PATIENCE = "10s"
_WHERE = "In the database that samklang_store names, with psql or any other client"
_LOCK_NOT_AVAILABLE = "55P03"


def erase_traces(database: Database) -> list[str]:
    """Write the database's own files anew, without what erased rows have left in them.

    :returns: where something of them may be left all the same, and what to do about it.
    :raises StoreUnavailableError: others were at work all the time; the rows are gone, their traces may not be.
    """
    with named_trouble(), database.engine.connect() as connection:
        if database.dialect == "postgresql":
            return _in_postgresql(connection.execution_options(isolation_level="AUTOCOMMIT"))
        connection.exec_driver_sql("PRAGMA temp_store=FILE")  # it writes the whole database anew, beside it
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA temp_store=MEMORY")
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
    if busy:
        raise StoreUnavailableError(
            "Rows were erased, but others use the link store, so its log may still hold what they had.",
            remedy="Run the same command again when no run is under way.",
        )
    return []


def _in_postgresql(connection: Connection) -> list[str]:
    """Tables with their indexes and TOAST, then the statistics, which quote frequent values and bounds of ranges."""
    connection.exec_driver_sql(f"SET lock_timeout = '{_PATIENCE}'")
    try:
        kept = [name for name in metadata.tables if not _rewritten(connection, name)]
        statistics = _rewritten(connection, "pg_catalog.pg_statistic")
    finally:
        connection.exec_driver_sql("RESET lock_timeout")
    dead = connection.execute(
        text("SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables WHERE relid = ANY(:ids)"),
        {
            "ids": [
                connection.execute(text("SELECT to_regclass(:name)::oid"), {"name": n}).scalar()
                for n in metadata.tables
            ]
        },
    ).scalar_one()
    remains = []
    if kept:
        remains.append(
            f"PostgreSQL could not write {', '.join(kept)} anew (in use, or of another owner), so their pages may hold "
            f"what was erased. {_WHERE}, as their owner, when no run is under way: VACUUM (FULL, ANALYZE)"
        )
    elif dead:
        remains.append(
            f"PostgreSQL kept {dead} old versions of rows, since another session has a transaction open that may see "
            f"them. When it has ended, {_WHERE[0].lower()}{_WHERE[1:]}: VACUUM (FULL, ANALYZE)"
        )
    if not statistics:
        remains.append(
            "what PostgreSQL's statistics quoted is overwritten, but old pages of them may hold it. "
            f"{_WHERE}, as its owner: VACUUM FULL pg_catalog.pg_statistic"
        )
    return remains


def _rewritten(connection: Connection, table: str) -> bool:
    """Whether the table stands in a new file; else it was only cleaned, where that was possible.

    PostgreSQL refuses neither a table of another owner nor one of the system's: it warns, and passes it over.
    """
    before = _file(connection, table)
    try:
        connection.exec_driver_sql(f"VACUUM (FULL) {table}")
    except OperationalError as error:
        if getattr(error.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
            raise
    if not table.startswith("pg_catalog."):
        connection.exec_driver_sql(f"VACUUM (ANALYZE) {table}")  # it counts what is left, too
    return before != _file(connection, table)


def _file(connection: Connection, table: str) -> int | None:
    statement = text("SELECT pg_relation_filenode(to_regclass(:name))")
    number: int | None = connection.execute(statement, {"name": table}).scalar()
    return number
