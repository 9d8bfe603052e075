"""One load at a time for each entity and side, however the one before ended."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import stat
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest
from sqlalchemy import text

from samklang.errors import LaneBusyError, OutdatedError, StoreUnavailableError
from samklang.store import lanes
from samklang.store.database import Database
from samklang.store.journal import StoredMemory
from samklang.store.lanes import Turn


def never(_seconds: float) -> None:
    raise AssertionError("nobody else is there, and it slept")


def take(
    database: Database,
    entity: str = "customers",
    side: str = "shopify",
    *,
    run: str = "run-1",
    sleep: Callable[[float], None] = never,
) -> AbstractContextManager[Turn]:
    return lanes.take(database, entity, side, run_id=run, at="2026-01-01T12:00:00Z", sleep=sleep)


def lose(turn: Turn) -> None:
    """As PostgreSQL does when it restarts; with a file it is a bad dream."""
    lock = turn._lock
    if isinstance(lock, lanes._AdvisoryLock):
        assert lock._connection is not None
        pid = lock._connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with turn.database.read() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    else:
        assert isinstance(lock, lanes._FileLock)
        os.close(lock._file)
        lock._file = os.open("/dev/null", os.O_RDONLY)


def test_a_load_that_is_alone_neither_waits_nor_starts_a_thread(database: Database) -> None:
    before = threading.active_count()

    for _ in range(3):
        with take(database) as turn, turn.database.begin() as connection:
            turn.confirm()
            assert connection.execute(text("SELECT 1")).scalar_one() == 1
            assert threading.active_count() == before


def test_loads_of_other_sides_and_entities_do_not_wait(database: Database) -> None:
    with ExitStack() as stack:
        for entity in ("customers", "products"):
            for side in ("shopify", "powerofficego"):
                stack.enter_context(take(database, entity, side))


def test_a_second_load_goes_on_when_the_first_is_through_even_if_that_failed(database: Database, url: str) -> None:
    events: list[str] = []
    waiting, through = threading.Event(), threading.Event()

    def second() -> None:
        def sleep(seconds: float) -> None:
            assert seconds == 1.0
            waiting.set()
            through.wait(10)

        other = Database(url)
        with take(other, run="run-2", sleep=sleep):
            events.append("second works")
        other.close()

    def first() -> None:
        with take(database):
            thread.start()
            assert waiting.wait(10)
            events.append("first fails")
            raise RuntimeError

    thread = threading.Thread(target=second)
    with pytest.raises(RuntimeError):
        first()
    through.set()
    thread.join(10)

    assert events == ["first fails", "second works"]


def test_who_waits_is_told_at_once_and_then_every_minute_for_whom(
    database: Database, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="samklang")
    other = Database(url)
    slept: list[float] = []
    with ExitStack() as first:
        first.enter_context(take(database, run="scheduled__1"))

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 125:
                first.close()

        with take(other, run="manual__2", sleep=sleep):
            pass
    other.close()

    assert sum(slept) == 125
    assert [record.getMessage() for record in caplog.records] == [
        "Run scheduled__1 (since 2026-01-01T12:00:00Z) is loading customers into shopify; this load waits for its turn"
    ] * 3


def test_nobody_waits_for_more_than_an_hour_and_then_the_task_may_try_again(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "POLL", 60.0)
    slept: list[float] = []
    other = Database(url)

    with (
        take(database),
        pytest.raises(LaneBusyError, match=r"Run run-1 .* was loading customers into shopify") as caught,
        take(other, sleep=slept.append),
    ):
        pass
    other.close()

    assert sum(slept) == 3600
    assert caught.value.final is False


def _hold(url: str, pipe: Pipe) -> None:
    with take(Database(url)):
        pipe.send("mine")
        pipe.recv()


def test_the_turn_of_a_process_that_is_killed_passes_on_at_once(url: str) -> None:
    Database(url).close()
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    holder = fork.Process(target=_hold, args=(url, theirs))
    holder.start()
    assert ours.recv() == "mine"
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if not slept:
            assert holder.pid is not None
            os.kill(holder.pid, signal.SIGKILL)
            holder.join()
        slept.append(seconds)
        time.sleep(0.02)  # PostgreSQL has to notice that its client is gone

    database = Database(url)
    with take(database, sleep=sleep) as turn, turn.database.begin():
        pass
    database.close()

    assert holder.exitcode == -signal.SIGKILL
    assert 1 <= len(slept) < 500


def test_no_commit_of_a_load_that_lost_its_turn_lands(database: Database, url: str) -> None:
    other = Database(url)
    with take(database, run="run-1") as lost:
        StoredMemory(lost.database, "test")["before"] = "yes"
        lose(lost)
        with (
            take(other, run="run-2"),
            pytest.raises(OutdatedError, match=r"into shopify has lost its turn.* Run run-2 .* has taken over"),
        ):
            StoredMemory(lost.database, "test")["after"] = "yes"
        with pytest.raises(OutdatedError):
            StoredMemory(lost.database, "test")["long after"] = "yes"

    assert dict(StoredMemory(database, "test")) == {"before": "yes"}
    other.close()


def test_a_lost_lock_is_noticed_before_anything_is_sent_even_if_nobody_took_over(
    new_postgres_url: Callable[[], str],
) -> None:
    database = Database(new_postgres_url())
    with take(database) as turn:
        turn.confirm()
        lose(turn)
        with pytest.raises(StoreUnavailableError):
            turn.confirm()
    with take(database) as turn:
        turn.confirm()
    database.close()


def test_a_new_turn_begins_after_the_commit_that_is_under_way(database: Database, url: str) -> None:
    seen: list[str | None] = []

    def take_over() -> None:
        other = Database(url)
        with take(other, run="run-2"):
            seen.append(StoredMemory(other, "test").get("a"))
        other.close()

    thread = threading.Thread(target=take_over)
    with take(database) as turn:
        lose(turn)
        with turn.database.begin() as connection:
            connection.execute(text("INSERT INTO meta (name, value) VALUES ('memory.test.a', 'committed')"))
            thread.start()
            thread.join(0.3)
            assert thread.is_alive()
    thread.join(10)

    assert seen == ["committed"]


def test_only_its_owner_may_touch_the_lock_files_of_a_store(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    with take(database):
        files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    database.close()

    assert files.pop("store.db.lane.customers.shopify") == 0o600
    assert set(files.values()) == {0o600}


def test_a_store_in_memory_has_turns_too() -> None:
    database = Database("sqlite://")
    with take(database), pytest.raises(LaneBusyError), take(database, sleep=lambda _: None):
        pass
    with take(database) as turn:
        turn.confirm()
    database.close()
