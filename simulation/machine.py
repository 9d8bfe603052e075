"""What is costly to make and serves one world after another: both simulators, and a store on a quick disk."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from samklang.simulators.control import Controlled
from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator
from samklang.store.database import Database
from samklang.systems.powerofficego import paging
from samklang.systems.shopify import documents, reading
from simulation.clock import Clock
from simulation.values import POWEROFFICEGO, SHOPIFY, SIDES


class WatchedDatabase(Database):
    """The shipped store; somebody is told before and after each commit."""

    def __init__(self, url: str) -> None:
        self.point: Callable[[str], list[str]] = lambda _kind: []
        super().__init__(url)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        faults = self.point("commit")
        if "database busy" in faults:
            raise OperationalError("BEGIN IMMEDIATE", {}, sqlite3.OperationalError("database is locked"))
        with super().begin() as connection:
            yield connection
            if "commit lost" in faults:
                raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))
        if "commit unconfirmed" in faults:
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("the connection broke"))
        self.point("committed")


class Machine:
    """What is costly to make and serves one world after another."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.skews: dict[str, float] = dict.fromkeys(SIDES, 0.0)
        self.go = PowerOfficeGoSimulator(now=lambda: self._now(POWEROFFICEGO))
        self.shop = ShopifySimulator(now=lambda: self._now(SHOPIFY))
        self.defaults = {POWEROFFICEGO: self.go.switches(), SHOPIFY: self.shop.switches()}
        self._folder = tempfile.TemporaryDirectory(prefix="samklang-simulation-", dir=_quick_folder())
        self.database = WatchedDatabase(f"sqlite:///{self._folder.name}/store.db")
        _do_not_wait_for_the_disk(self.database)
        self.empty = self.copy_store()

    @property
    def simulators(self) -> dict[str, Controlled]:
        return {POWEROFFICEGO: self.go, SHOPIFY: self.shop}

    def _now(self, side: str) -> datetime:
        return self.clock.now() + timedelta(seconds=self.skews[side])

    def copy_store(self) -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        with self.database.read() as connection:
            connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
        return copy

    def put_store(self, copy: sqlite3.Connection) -> None:
        self.database.close()
        with self.database.read() as connection:
            copy.backup(connection.connection.driver_connection)  # type: ignore[arg-type]

    def close(self) -> None:
        self.database.close()
        self._folder.cleanup()


def _quick_folder() -> str | None:
    """Memory, where there is such a folder: no test pulls the plug of the machine."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _do_not_wait_for_the_disk(database: Database) -> None:
    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")

    event.listen(database.engine, "connect", relax)
    database.close()


@contextmanager
def small_pages(size: int) -> Iterator[None]:
    """Few rows a page, so that a few records make several, and call for a bulk operation."""
    before = paging.PAGE_SIZES, documents.PAGE, reading.BULK_FROM
    paging.PAGE_SIZES, documents.PAGE, reading.BULK_FROM = (size, size), size, 2 * size
    try:
        yield
    finally:
        paging.PAGE_SIZES, documents.PAGE, reading.BULK_FROM = before
