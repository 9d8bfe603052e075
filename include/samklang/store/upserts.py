"""Insert-or-update, and long lists of ids, on both dialects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

_CHUNK = 5_000


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *, keep: Sequence[str] = ()) -> None:
    """Insert rows, or replace those with the same primary key.

    :param keep: columns that a row which is already there keeps.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    key = [column.name for column in table.primary_key]
    for chunk in chunks(rows, _CHUNK):
        changed = {name: statement.excluded[name] for name in chunk[0] if name not in key and name not in keep}
        if changed:
            connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), chunk)
        else:
            connection.execute(statement.on_conflict_do_nothing(index_elements=key), chunk)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those that meet a unique constraint are left as they are."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for chunk in chunks(rows, _CHUNK):
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), chunk)


def chunks(items: Sequence[T], size: int = 500) -> Iterator[list[T]]:
    """Slices of a list; 500 ids fit in one statement of either dialect."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
