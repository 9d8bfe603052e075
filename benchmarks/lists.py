"""What a page costs those who look at a store of a million links: the first, one in the middle, and a search."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection

from benchmarks.million import CONFLICTS, GO, GO_FIRST, HOLDS, RUNS, SHOP, SHOP_FIRST, UNLINKED, fill
from benchmarks.worlds import mapping
from samklang.store import lists, seen
from samklang.store.database import Database
from samklang.store.lists.pages import to_cursor

ROUNDS = 5
Look = Callable[[Connection], Any]


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


def measure(database: Database, pairs: int) -> Iterator[tuple[str, float, float, int]]:
    """:returns: of each page its name, milliseconds when first asked for and usually, and rows."""
    for name, look in looks(pairs).items():
        times = []
        for _ in range(ROUNDS):
            with database.read() as connection:
                started = time.perf_counter()
                answer = look(connection)
                times.append((time.perf_counter() - started) * 1000)
        yield name, times[0], statistics.median(times), len(getattr(answer, "rows", answer))


if __name__ == "__main__":
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    opened = Database(sys.argv[1])
    if "fill" in sys.argv:
        fill(opened, number)
    for what, first, usual, rows in measure(opened, number):
        print(f"{opened.dialect:11} {what:30} {first:8.1f} ms first {usual:8.1f} ms  {rows} rows")
