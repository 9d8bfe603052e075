"""A copy of the store, to look at what a run would do."""

from __future__ import annotations

from sqlalchemy import insert, select

from samklang.store import seen
from samklang.store.copying import copied
from samklang.store.database import Database
from samklang.store.journal import StoredMemory
from samklang.store.schema import counters, history, metadata, runs
from samklang.store.tickets import next_ticket


def content(database: Database) -> dict[str, list[str]]:
    with database.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in metadata.sorted_tables
            if table is not counters
        }


def test_a_copy_has_all_that_the_store_has_and_what_is_done_to_it_stays_in_it(database: Database) -> None:
    StoredMemory(database, "sync")["x"] = "y"
    with database.begin() as connection:
        for n in range(6_000):
            run = {"entity": "customers", "run_id": f"r{n}", "kind": "manual", "state": "dry", "summary": "{}"}
            connection.execute(insert(runs).values(**run, started_at="a", finished_at=None))
        ticket = seen.start_read(
            connection, entity="customers", side="shopify", run_id="r", whole=True, started_at="2026-01-01"
        )
    before = content(database)

    with copied(database) as copy:
        assert content(copy) == before
        with copy.begin() as connection:
            assert next_ticket(connection) > ticket
            connection.execute(history.delete())
            connection.execute(runs.delete())

    assert content(database) == before
