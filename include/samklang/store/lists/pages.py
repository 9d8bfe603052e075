"""Pages of a list: where the next one begins follows from the last row, so that a page far down costs no more."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import orjson

from samklang.errors import PageError

T = TypeVar("T")
U = TypeVar("U")
PAGE = 50
_SIZE = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """:param next: what to give as `after` for the page that follows; None: this is the last."""

    rows: list[T] = field(default_factory=list)
    next: str | None = None

    def of(self, make: Callable[[list[T]], list[U]]) -> Page[U]:
        """The same page with other rows."""
        return Page(make(self.rows), self.next)


Turn = Callable[[str | None, int], Page[T]]
"""(where to begin, how many rows): one page."""


def page_of(rows: Sequence[T], limit: int, place: Callable[[T], Sequence[Any]]) -> Page[T]:
    """:param rows: up to one more than the page takes. :param place: of a row, what the list is ordered by."""
    kept = list(rows[:limit])
    return Page(kept, to_cursor(place(kept[-1])) if len(rows) > limit else None)


def all_rows(turn: Turn[T]) -> Iterator[T]:
    """Every row of a list, a page at a time."""
    page = turn(None, _SIZE)
    yield from page.rows
    while page.next is not None:
        page = turn(page.next, _SIZE)
        yield from page.rows


def first_rows(turn: Turn[T], limit: int) -> tuple[list[T], bool]:
    """The first rows, however many pages that takes.

    :param limit: 0: all. :returns: the rows, and whether there are more.
    """
    if not limit:
        return list(all_rows(turn)), False
    rows = list(islice(all_rows(lambda after, _: turn(after, min(limit + 1, _SIZE))), limit + 1))
    return rows[:limit], len(rows) > limit


def to_cursor(place: Sequence[Any]) -> str:
    """Text that an address may hold. :param place: ids, numbers, times, names of fields and reasons; no values."""
    return base64.urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def from_cursor(text: str, *kinds: type) -> tuple[Any, ...]:
    """:param kinds: of what the list is ordered by. :raises PageError: this list never gave that text."""
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        place = None
    if not isinstance(place, list) or [type(part) for part in place] != list(kinds) or not all(map(_is_fit, place)):
        raise PageError("No page of this list begins there.", remedy="Start again from the first page.")
    return tuple(place)


def _is_fit(part: Any) -> bool:
    """Whether a database takes it."""
    return 0 <= part < 2**63 if isinstance(part, int) else "\0" not in part
