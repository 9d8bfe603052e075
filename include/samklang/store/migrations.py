"""Ordered steps that bring a store to the schema of this version, each applied once, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, insert, inspect, select, update
from sqlalchemy.schema import CreateColumn

from samklang.errors import StoreError
from samklang.store import schema
from samklang.store.upserts import insert_new

_VERSION = "schema_version"
STORE_ID = "store_id"
"""The row of `meta` with the store's random name."""


def _create_tables(connection: Connection) -> None:
    schema.metadata.create_all(connection)
    connection.execute(insert(schema.counters).values(name="ticket", value=0))


def _add_freezes_and_what_quarantine_knows(connection: Connection) -> None:
    schema.freezes.create(connection, checkfirst=True)
    for name in ("named", "last_edits"):
        _add_column(connection, schema.holds.c[name])


def _add_what_people_do(connection: Connection) -> None:
    """Actions, values put back, refusals one by one, tombstones; and indexes for what people look up."""
    for table in (schema.actions, schema.orders, schema.refusals, schema.tombstones):
        table.create(connection, checkfirst=True)
    for column in (
        schema.conflicts.c.reviewed_by,
        schema.conflicts.c.reviewed_at,
        schema.freezes.c.person,
        schema.history.c.lag,
        schema.seen.c.linked,
    ):
        _add_column(connection, column)
    for table in schema.metadata.sorted_tables:
        known = {index["name"] for index in inspect(connection).get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in known:
                index.create(connection)


def _add_what_reads_may_not_know_yet(connection: Connection) -> None:
    for name in ("latest", "latest_at"):
        _add_column(connection, schema.seen.c[name])


def _add_a_shelf_for_bases(connection: Connection) -> None:
    _add_column(connection, schema.link_sides.c.shelf)


def _name_the_store(connection: Connection) -> None:
    """What is staged, and locked, is known by this name among that of other stores."""
    insert_new(connection, schema.meta, [{"name": STORE_ID, "value": secrets.token_hex(16)}])


def _add_column(connection: Connection, column: Column[Any]) -> None:
    """One that may be null; a store that is new has it already."""
    table = column.table.name
    if column.name not in {known["name"] for known in inspect(connection).get_columns(table)}:
        definition = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {definition}")


def _add_what_systems_say_and_who_holds_what_is_taken(connection: Connection) -> None:
    for column in (
        schema.holds.c.said,
        schema.holds.c.holder,
        schema.holds.c.holder_edits,
        schema.refusals.c.said,
    ):
        _add_column(connection, column)


def _add_how_far_the_other_side_was_read(connection: Connection) -> None:
    """What was noted until then is by our clock, which says nothing about either system's."""
    _add_column(connection, schema.reads.c.other_clock)
    connection.execute(update(schema.seen).where(schema.seen.c.changed_after.is_not(None)).values(changed_after=None))


def _add_why_a_person_decided(connection: Connection) -> None:
    _add_column(connection, schema.plans.c.reason)


STEPS: tuple[Callable[[Connection], None], ...] = (
    _create_tables,
    _add_freezes_and_what_quarantine_knows,
    _add_what_people_do,
    _add_what_reads_may_not_know_yet,
    _add_a_shelf_for_bases,
    _add_what_systems_say_and_who_holds_what_is_taken,
    _name_the_store,
    _add_how_far_the_other_side_was_read,
    _add_why_a_person_decided,
)
"""Append only. A step that has shipped is never edited."""


def migrate(connection: Connection) -> None:
    """Apply what is missing. The caller holds the store's lock.

    :raises StoreError: the store was made by a newer version of Samklang.
    """
    done = _applied(connection)
    if done > len(STEPS):
        raise StoreError(
            f"The link store has schema version {done}; this Samklang knows up to {len(STEPS)}.",
            remedy="Install the newer version of Samklang that made it, or point samklang_store at another database.",
        )
    for number, step in enumerate(STEPS[done:], start=done + 1):
        step(connection)
        if number == 1:
            connection.execute(insert(schema.meta).values(name=_VERSION, value=str(number)))
        else:
            connection.execute(update(schema.meta).where(schema.meta.c.name == _VERSION).values(value=str(number)))


def is_current(connection: Connection) -> bool:
    return _applied(connection) == len(STEPS)


def _applied(connection: Connection) -> int:
    if not inspect(connection).has_table("meta"):
        return 0
    value = connection.execute(select(schema.meta.c.value).where(schema.meta.c.name == _VERSION)).scalar()
    return int(value) if value else 0
