"""Whose turn it is to load: one load at a time for each entity and side.

Two loads at once (a task beside its own retry or a copy that was given up for dead, a manual run beside a scheduled
one) might both look a key up, find nobody, and both send the create. So a load waits until no other is at work on its
side. The lock is the operating system's or PostgreSQL's and ends with the process that holds it.

A lock can be lost while its holder lives on: PostgreSQL restarts, a connection is cut. Therefore each turn also has a
number in the store, and each commit of a load checks in the same transaction that no later turn has begun.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock as ThreadLock
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from samklang.core.jsontext import dumps, loads
from samklang.errors import LaneBusyError, OutdatedError
from samklang.store.database import Database, named_trouble
from samklang.store.schema import meta
from samklang.store.upserts import insert_new

log = logging.getLogger(__name__)

POLL = 1.0
TELL_EVERY = 60.0
LONGEST_WAIT = 3600.0
"""Seconds: between two tries, between two lines of the log, and until a load gives up waiting."""


@dataclass(frozen=True, slots=True)
class Turn:
    """:param database: the store, of which no transaction begins any more once another load has the turn."""

    database: Database
    _lock: _Lock

    def confirm(self) -> None:
        """Ask PostgreSQL whether it still knows the lock; one on a file is there as long as the process is.

        :raises StoreUnavailableError: the lock was lost with its connection.
        """
        self._lock.confirm()


@contextmanager
def take(
    database: Database, entity: str, side: str, *, run_id: str, at: str, sleep: Callable[[float], None]
) -> Iterator[Turn]:
    """Wait until no other load of this side is at work; then it is ours for as long as the block runs.

    :param run_id: told to those who wait. :param at: our time. :param sleep: called only while another has the turn.
    :raises LaneBusyError: it was not ours within `LONGEST_WAIT`.
    """
    name = f"lane.{entity}.{side}"
    lock = _lock_of(database, name)
    try:
        _wait_for(lock, database, name, sleep)
        mine = _next_turn(database, name, run_id, at)
        yield Turn(database.fenced(_Check(name, mine)), lock)
    finally:
        lock.release()


def _wait_for(lock: _Lock, database: Database, name: str, sleep: Callable[[float], None]) -> None:
    _, entity, side = name.split(".")
    waited = 0.0
    while not lock.take():
        if waited >= LONGEST_WAIT:
            raise LaneBusyError(
                f"{_other(database, name)} was loading {entity} into {side} for all of {LONGEST_WAIT / 60:.0f} "
                "minutes; nothing was written here.",
                remedy="Look at that run: where its load is stuck, mark it as failed; this one goes on by itself then.",
            )
        if waited % TELL_EVERY == 0:
            other = _other(database, name)
            log.info("%s is loading %s into %s; this load waits for its turn", other, entity, side)
        sleep(POLL)
        waited += POLL


def _other(database: Database, name: str) -> str:
    with database.read() as connection:
        return _who(connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar())


def _next_turn(database: Database, name: str, run_id: str, at: str) -> str:
    """:returns: the text that stands in the store for as long as nobody else has the turn."""
    row = meta.c.name == name
    with database.begin() as connection:
        insert_new(connection, meta, [{"name": name, "value": dumps({"turn": 0})}])
        last = connection.execute(select(meta.c.value).where(row).with_for_update()).scalar_one()
        mine = dumps({"turn": loads(last)["turn"] + 1, "run_id": run_id, "since": at})
        connection.execute(update(meta).where(row).values(value=mine))
    return mine


class _Check:
    """What each transaction of a load begins with: it holds off the next turn until the transaction ends."""

    def __init__(self, name: str, mine: str) -> None:
        self._name = name
        self._mine = mine
        # built once: it stands before every commit
        self._read = select(meta.c.value).where(meta.c.name == name).with_for_update(read=True)

    def __call__(self, connection: Connection) -> None:
        """:raises OutdatedError: the next turn has begun."""
        now = connection.execute(self._read).scalar()
        if now != self._mine:
            _, entity, side = self._name.split(".")
            raise OutdatedError(
                f"This load of {entity} into {side} has lost its turn, with the process or the connection that held "
                f"it: {_who(now)} has taken over.",
                remedy="Nothing to do: what this load had begun is taken up by that one, or by the next run.",
            )


def _who(value: str | None) -> str:
    turn: dict[str, Any] = loads(value) if value else {}
    return f"Run {turn['run_id']} (since {turn['since']})" if "run_id" in turn else "Another run"


# --- locks ------------------------------------------------------------------------------------------------------------


class _Lock(Protocol):
    def take(self) -> bool:
        """:returns: whether it is ours now; never waits."""

    def confirm(self) -> None: ...

    def release(self) -> None: ...


def _lock_of(database: Database, name: str) -> _Lock:
    if database.dialect == "postgresql":
        return _AdvisoryLock(database.engine, f"{database.store_id()}.{name}")
    path = database.engine.url.database
    if path and path != ":memory:":
        return _FileLock(f"{os.path.realpath(path)}.{name}")  # one store may be reached by several names
    return _InProcess(database.engine, name)


class _AdvisoryLock:
    """On PostgreSQL: in a transaction of its own that stays open, so that it also holds behind a connection pool.

    Its key is made of the store's id too: several schemas of one database, which share its advisory locks, may each
    hold a store.

    Between statements such a transaction has no snapshot, so it does not keep the database from cleaning up.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        self._key = {"lane": int.from_bytes(digest, signed=True)}
        self._connection: Connection | None = None

    def take(self) -> bool:
        with named_trouble():
            if self._connection is None:
                self._connection = self._engine.connect()
            statement = text("SELECT pg_try_advisory_xact_lock(:lane)")
            taken = bool(self._connection.execute(statement, self._key).scalar_one())
            if taken:
                self._connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            else:
                self._connection.rollback()
        return taken

    def confirm(self) -> None:
        if self._connection is not None:
            with named_trouble():
                self._connection.execute(text("SELECT 1"))

    def release(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):  # cut off already: then the lock is free as well
                self._connection.rollback()
            self._connection.close()


class _FileLock:
    """On SQLite: on an empty file beside the database, which stays."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def confirm(self) -> None:
        """It cannot be lost."""

    def release(self) -> None:
        os.close(self._file)


_in_process: WeakKeyDictionary[Engine, dict[str, ThreadLock]] = WeakKeyDictionary()


class _InProcess:
    """Of a SQLite store in memory, which no other process sees."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._lock = _in_process.setdefault(engine, {}).setdefault(name, ThreadLock())
        self._taken = False

    def take(self) -> bool:
        self._taken = self._lock.acquire(blocking=False)
        return self._taken

    def confirm(self) -> None:
        """It cannot be lost."""

    def release(self) -> None:
        if self._taken:
            self._lock.release()
