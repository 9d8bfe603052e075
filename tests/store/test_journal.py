"""Tenants, memory, runs, plans and watermarks."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from samklang.errors import OutdatedError, StoreError
from samklang.store import journal
from samklang.store.database import Database
from samklang.store.schema import runs


def test_a_store_is_bound_to_the_tenant_that_used_it_first(database: Database) -> None:
    with database.begin() as connection:
        journal.bind(connection, "shopify", "1", "shop")
        journal.bind(connection, "powerofficego", "client", "Go")
        journal.bind(connection, "shopify", "1", "renamed shop")
        with pytest.raises(StoreError, match="belongs to shopify 1; the connection now leads to 2"):
            journal.bind(connection, "shopify", "2", "other shop")
        assert journal.tenants(connection) == {"shopify": "1", "powerofficego": "client"}


def test_memories_of_different_systems_do_not_mix(database: Database) -> None:
    one, other = journal.StoredMemory(database, "a_b"), journal.StoredMemory(database, "axb")
    one["test"] = "yes"
    other["test"] = "no"

    assert dict(one) == {"test": "yes"}
    assert len(other) == 1
    del one["test"]
    assert "test" not in one
    assert other["test"] == "no"
    with pytest.raises(KeyError):
        del one["test"]


def test_a_watermark_moves_forward_only(database: Database) -> None:
    def move(clock: str, whole_at: str | None = None, fields: str = "a", first: str | None = None) -> None:
        with database.begin() as connection:
            journal.move_watermark(
                connection, "customers", "shopify", clock=clock, whole_at=whole_at, fields=fields, first_created=first
            )

    move("2026-02", whole_at="2026-02", first="2026-01")
    move("2026-01", fields="b")
    move("", whole_at="2026-03", fields="a,c", first="2026-09")

    with database.read() as connection:
        mark = journal.watermark(connection, "customers", "shopify")
        assert journal.watermark(connection, "customers", "powerofficego") is None
    assert mark is not None
    assert (mark["clock"], mark["whole_at"], mark["fields"], mark["first_created"]) == (
        "2026-02",
        "2026-03",
        "a,c",
        "2026-01",
    )


def test_an_older_plan_is_fenced_off_by_a_newer_one_of_the_same_entity(database: Database) -> None:
    with database.begin() as connection:
        for number in (3, 3, 5):
            journal.take_over(connection, "customers", number)
        journal.take_over(connection, "products", 1)
    with pytest.raises(OutdatedError, match="Plan 4 of customers is older than plan 5"), database.begin() as connection:
        journal.take_over(connection, "customers", 4)


def test_a_plan_keeps_its_counts_and_gets_a_number_of_its_own(database: Database) -> None:
    with database.begin() as connection:
        numbers = [
            journal.add_plan(connection, entity="customers", run_id="r", state="proposed", counts={"links": n}, at="t")
            for n in range(2)
        ]
        journal.set_plan(connection, numbers[1], state="approved", folder="f")
        plan = journal.plan(connection, numbers[1])
        with pytest.raises(StoreError, match="Plan 99 of this run is not in this store"):
            journal.plan(connection, 99)

    assert numbers[0] < numbers[1]
    assert (plan["state"], plan["folder"], plan["counts"]) == ("approved", "f", {"links": 1})


def test_a_run_that_is_started_again_keeps_when_it_began(database: Database) -> None:
    with database.begin() as connection:
        journal.start_run(connection, "customers", "r1", "backfill", "2026-01")
        journal.finish_run(connection, "customers", "r1", "failed", {"a": 1}, "2026-02")
        journal.start_run(connection, "customers", "r1", "backfill", "2026-03")
        run = connection.execute(select(runs)).one()

    assert (run.started_at, run.state, run.finished_at) == ("2026-01", "running", None)
    with database.read() as connection:
        assert journal.is_backfill(connection, "customers", "r1")
        assert not journal.is_backfill(connection, "products", "r1")
