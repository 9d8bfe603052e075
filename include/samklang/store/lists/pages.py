"""Pages of a list: where the next one begins follows from the last row, so that a page far down costs no more."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson

from samklang.errors import StoreError

T = TypeVar("T")
U = TypeVar("U")
PAGE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """:param next: what to give as `after` for the page that follows; None: this is the last."""

    rows: list[T] = field(default_factory=list)
    next: str | None = None

    def of(self, make: Callable[[list[T]], list[U]]) -> Page[U]:
        """The same page with other rows."""
        return Page(make(self.rows), self.next)


def page_of(rows: Sequence[T], limit: int, place: Callable[[T], Sequence[Any]]) -> Page[T]:
    """:param rows: up to one more than the page takes. :param place: of a row, what the list is ordered by."""
    kept = list(rows[:limit])
    return Page(kept, to_cursor(place(kept[-1])) if len(rows) > limit else None)


def to_cursor(place: Sequence[Any]) -> str:
    """Text that an address may hold. :param place: ids, numbers, times, names of fields and reasons; no values."""
    return base64.urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def from_cursor(text: str, *kinds: type) -> tuple[Any, ...]:
    """:param kinds: of what the list is ordered by. :raises StoreError: this list never gave that text."""
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        place = None
    if not isinstance(place, list) or [type(part) for part in place] != list(kinds):
        raise StoreError("No page of this list begins there.", remedy="Start again from the first page.")
    return tuple(place)
