"""What a database may get over by itself ends a task for now, not for good, and tells no values."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from samklang.errors import StoreUnavailableError
from samklang.store import database as database_module
from samklang.store.database import Database

SECRET = "kari@post.example"
CHANGE = text("UPDATE meta SET value = :value WHERE name = :name")


@pytest.fixture
def postgres(new_postgres_url: Callable[[], str]) -> Database:
    database = Database(new_postgres_url())
    with database.begin() as connection:
        connection.execute(text("INSERT INTO meta (name, value) VALUES ('a', ''), ('b', '')"))
    return database


def change(connection: Connection, name: str) -> None:
    connection.execute(CHANGE, {"name": name, "value": SECRET})


def test_a_deadlock_is_worth_another_try(postgres: Database) -> None:
    barrier = threading.Barrier(2)
    errors: list[StoreUnavailableError] = []

    def cross(first: str, second: str) -> None:
        try:
            with postgres.begin() as connection:
                connection.execute(text("SET LOCAL deadlock_timeout = '10ms'"))
                change(connection, first)
                barrier.wait(10)
                change(connection, second)
        except StoreUnavailableError as error:
            errors.append(error)

    threads = [threading.Thread(target=cross, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    postgres.close()

    (error,) = errors
    assert "DeadlockDetected" in str(error)
    assert not error.final
    assert SECRET not in f"{error!r} {error.__cause__!r}"


def test_a_server_that_cuts_the_connection_is_worth_another_try(postgres: Database) -> None:
    def be_cut_off() -> None:
        with postgres.begin() as connection:
            change(connection, "a")
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with postgres.begin() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            change(connection, "b")

    with pytest.raises(StoreUnavailableError) as caught:
        be_cut_off()

    assert SECRET not in str(caught.value)
    with postgres.begin() as connection:  # and the next transaction finds out what became of it
        assert connection.execute(text("SELECT value FROM meta WHERE name = 'a'")).scalar_one() == ""
    postgres.close()


def test_a_store_that_another_process_holds_for_too_long_is_worth_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    one, other = Database(url), Database(url)

    with one.begin(), pytest.raises(StoreUnavailableError, match="SQLITE_BUSY") as caught, other.begin():
        pass

    assert not caught.value.final
    assert not pickle.loads(pickle.dumps(caught.value)).final
    one.close()
    other.close()


def test_a_store_that_is_not_there_yet_is_worth_another_try() -> None:
    with pytest.raises(StoreUnavailableError, match="samklang_store"):
        Database("postgresql://somebody@127.0.0.1:1/store")


def test_a_mistake_of_ours_is_not_taken_for_trouble(database: Database) -> None:
    twice = text("INSERT INTO meta (name, value) VALUES ('a', '')")

    def insert_twice() -> None:
        with database.begin() as connection:
            connection.execute(twice)
            connection.execute(twice)

    with pytest.raises(IntegrityError):
        insert_twice()
    with pytest.raises(DBAPIError, match="no_such_table"), database.read() as connection:
        connection.execute(text("SELECT * FROM no_such_table"))


def test_a_wait_for_a_lock_ends_with_words(url: str) -> None:
    """Extracts hung mute for as long as somebody else had the lock."""
    one, other = Database(url), Database(url, patience=0.2)
    with one.begin() as connection:
        connection.execute(text("INSERT INTO meta (name, value) VALUES ('a', '')"))

    def collide() -> None:
        with one.begin() as holder, other.begin() as waiter:
            change(holder, "a")
            change(waiter, "a")

    with pytest.raises(StoreUnavailableError, match="has kept a lock in the link store for longer") as caught:
        collide()

    assert "look for a run" in caught.value.remedy
    assert not caught.value.final
    assert SECRET not in str(caught.value)
    one.close()
    other.close()


def test_who_finds_all_connections_in_use_is_told_so(url: str) -> None:
    database = Database(url, patience=0.2)
    with ExitStack() as held:

        def take_all() -> None:
            for _ in range(20):
                held.enter_context(database.read()).execute(text("SELECT 1"))

        with pytest.raises(StoreUnavailableError, match="connections to the link store are in use"):
            take_all()
    database.close()
