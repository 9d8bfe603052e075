"""What PostgreSQL's own files keep of somebody who was forgotten: nothing, or the command says what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url
from tests.sync.world import LEFT, RULES, World, customers

from samklang.core.clocks import from_datetime
from samklang.store.database import Database
from samklang.store.traces import erase_traces
from samklang.sync.explain import Terms
from samklang.sync.forget import Forgotten, forget

CANARY = "canary" * 700  # long enough for TOAST


@pytest.fixture
def world(tmp_path: Path, new_postgres_url: Callable[[], str]) -> World:
    return World(tmp_path, customers(), new_postgres_url())


def forgotten(world: World) -> Forgotten:
    terms = Terms(world.mapping, {s: RULES["customers", s] for s in world.mapping.sides}, from_datetime(world.tick()))
    return forget(world.database, terms, world.sync().staging, f"{LEFT}:7", who="kim", via="cli")


def files(world: World) -> bytes:
    """All of the database's files: heap, TOAST, indexes, statistics."""
    with world.database.engine.connect() as connection:
        run = connection.exec_driver_sql
        run("CHECKPOINT")
        folder = run("SELECT current_setting('data_directory')").scalar_one()
        oid = run("SELECT oid FROM pg_database WHERE datname = current_database()").scalar_one()
    return b"".join(path.read_bytes() for path in Path(folder, "base", str(oid)).iterdir() if path.is_file())


def test_nothing_is_left_in_heap_toast_indexes_and_statistics(world: World) -> None:
    """A plain vacuum left the person's values in freed space, and in the statistics of each column."""
    for n in range(20):
        world.left.add(email=f"ola{n}@post.example", first="Ola", last="Dal")
    world.left.add(id="7", email="canary-mail@post.example", first="Canaryfirst", last=CANARY[:90], line1="Canaryvei 1")
    world.run()
    with world.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    assert b"canary-mail" in files(world)

    done = forgotten(world)

    assert done.remains == []
    assert b"anary" not in files(world)
    with world.database.read() as connection:
        assert "anary" not in str(
            connection.exec_driver_sql("SELECT * FROM pg_stats WHERE schemaname = 'public'").all()
        )


def test_an_open_transaction_that_keeps_old_rows_is_told(world: World) -> None:
    world.left.add(id="7", email="canary-mail@post.example", first="Canary", last="Lie")
    world.run()
    url = make_url(world.url)
    other = psycopg2.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    other.set_session(isolation_level="REPEATABLE READ")
    try:
        other.cursor().execute("SELECT 1 FROM pg_class")  # a snapshot of before
        done = forgotten(world)
    finally:
        other.close()

    assert any("transaction open" in text and "VACUUM (FULL, ANALYZE)" in text for text in done.remains)


def test_a_user_who_does_not_own_the_database_is_told_what_is_left(world: World) -> None:
    with world.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for command in (
            "CREATE ROLE samklang_visitor LOGIN PASSWORD 'x'",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO samklang_visitor",
        ):  # fmt: skip
            connection.exec_driver_sql(command)
    url = make_url(world.url).set(username="samklang_visitor", password="x")
    visitor = Database(url.render_as_string(hide_password=False))
    try:
        told = " | ".join(erase_traces(visitor))
    finally:
        visitor.close()
        with world.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("DROP OWNED BY samklang_visitor")
            connection.exec_driver_sql("DROP ROLE samklang_visitor")

    assert "seen" in told
    assert "In the database that samklang_store names, with psql or any other client, as their owner" in told
    assert "pg_statistic" in told
