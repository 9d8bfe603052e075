"""Connections: a slice of a sorted list, its edges and cursors.

A cursor is base64 of `{"last_id":n,"last_value":"text of the sort value"}` (recorded: customer-address-lifecycle).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import orjson
from graphql import GraphQLError

MAX_PAGE = 250


class Numbered(Protocol):
    """Anything that a connection can hold."""

    number: int


Order = Callable[[Any], str | int]
"""What a list is sorted by; ties are broken by number."""


@dataclass(frozen=True)
class Connection:
    """One page. Its fields are those of a `…Connection` in the schema."""

    nodes: Sequence[Any]
    order: Order
    has_next_page: bool = False
    has_previous_page: bool = False

    @cached_property
    def edges(self) -> list[dict[str, Any]]:
        """`cursor` and `node` of each row."""
        return [{"cursor": cursor(node, self.order), "node": node} for node in self.nodes]

    @cached_property
    def page_info(self) -> dict[str, Any]:
        """`PageInfo`; both cursors are null on an empty page."""
        ends = (self.nodes[0], self.nodes[-1]) if self.nodes else (None, None)
        start, end = (cursor(node, self.order) if node else None for node in ends)
        return {
            "hasNextPage": self.has_next_page,
            "hasPreviousPage": self.has_previous_page,
            "startCursor": start,
            "endCursor": end,
        }


def by_number(row: Numbered) -> int:
    """The default order of almost everything."""
    return row.number


def cursor(row: Numbered, order: Order) -> str:
    """Where a row stands, as text that `after` and `before` take."""
    return base64.b64encode(orjson.dumps({"last_id": row.number, "last_value": str(order(row))})).decode()


def connection(
    rows: Sequence[Any],
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    reverse: bool = False,
    order: Order = by_number,
) -> Connection:
    """One page of these rows.

    :param rows: in any order.
    :raises GraphQLError: neither `first` nor `last`, one above 250 (sheet 2.1), or a cursor that is none.
    """
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    for name, size in (("first", first), ("last", last)):
        _check_size(name, size)
    rows = sorted(rows, key=lambda row: (order(row), row.number), reverse=reverse)
    start, stop = 0, len(rows)
    if after is not None:
        start = _position(rows, after, order, reverse, following=True)
    if before is not None:
        stop = _position(rows, before, order, reverse, following=False)
    inside = range(start, max(start, stop))
    if first is not None:
        inside = inside[:first]
    if last is not None:
        inside = inside[len(inside) - min(last, len(inside)) :]
    return Connection(
        nodes=rows[inside.start : inside.stop],
        order=order,
        has_next_page=inside.stop < len(rows),
        has_previous_page=inside.start > 0,
    )


def _check_size(name: str, size: int | None) -> None:
    if size is None:
        return
    if size < 1:
        raise GraphQLError(f"{name} must be greater than 0", extensions={"code": "BAD_REQUEST"})
    if size > MAX_PAGE:
        text = "To query larger amounts of data with fewer limits, bulk operations should be used instead."
        raise GraphQLError(f"{name} cannot exceed {MAX_PAGE}. {text}", extensions={"code": "BAD_REQUEST"})


def _position(rows: Sequence[Any], text: str, order: Order, reverse: bool, following: bool) -> int:
    """The index of the first row behind the cursor, or of the row at it; rows may have come and gone since."""
    try:
        place = orjson.loads(base64.b64decode(text, validate=True))
        number, value = int(place["last_id"]), str(place["last_value"])
    except (ValueError, KeyError, TypeError) as error:
        raise GraphQLError("Invalid cursor for current pagination sort.", extensions={"code": "BAD_REQUEST"}) from error
    numeric = bool(rows) and isinstance(order(rows[0]), int)
    wanted = (int(value) if numeric else value, number)
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        found = (order(rows[middle]), rows[middle].number)
        ahead = found > wanted if reverse else found < wanted
        if ahead or (following and found == wanted):
            low = middle + 1
        else:
            high = middle
    return low
