"""The first rows of a list, however many pages that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

from samklang.store.lists import Page

T = TypeVar("T")
_SIZE = 500

Turn = Callable[[str | None, int], Page[T]]
"""(where to begin, how many rows): one page."""


def all_rows(turn: Turn[T]) -> Iterator[T]:
    """Every row, a page at a time."""
    page = turn(None, _SIZE)
    yield from page.rows
    while page.next is not None:
        page = turn(page.next, _SIZE)
        yield from page.rows


def first_rows(turn: Turn[T], limit: int) -> tuple[list[T], bool]:
    """:param limit: 0: all. :returns: the rows, and whether there are more."""
    if not limit:
        return list(all_rows(turn)), False
    rows = list(islice(all_rows(lambda after, _: turn(after, min(limit + 1, _SIZE))), limit + 1))
    return rows[:limit], len(rows) > limit
