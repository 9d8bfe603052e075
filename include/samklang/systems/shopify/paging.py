"""Pages of a connection: they end where the shop says so, and rows come in the order that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from samklang.errors import ProtocolError
from samklang.systems.shopify.answers import SYSTEM, Json

MOST_PAGES = 40_000
"""Pages of one read: ten million rows."""
Denied = frozenset[tuple[str, ...]]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Rows:
    """One page. :param cursor: where the next one starts; None at the end. :param denied: see `answers.Answer`.

    :param unread: records over which the shop fails, see `parts`.
    """

    nodes: list[Json]
    cursor: str | None
    denied: Denied = frozenset()
    unread: tuple[str, ...] = ()


def read_connection(connection: object, name: str, denied: Denied = frozenset()) -> Rows:
    """:raises ProtocolError: it is not a page, or says that there is more and not where."""
    nodes = connection.get("nodes") if isinstance(connection, dict) else None
    info = connection.get("pageInfo") if isinstance(connection, dict) else None
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes) or not isinstance(info, dict):
        raise ProtocolError(f"{name}: a page is malformed.", system=SYSTEM)
    more, cursor = info.get("hasNextPage"), info.get("endCursor")
    if not isinstance(more, bool):
        raise ProtocolError(f"{name}: a page does not say whether it is the last one.", system=SYSTEM)
    if more and (not nodes or not isinstance(cursor, str)):
        raise ProtocolError(f"{name}: there is a next page, and nothing says where it starts.", system=SYSTEM)
    return Rows(nodes, cursor if more else None, denied)


def follow(first: Rows, fetch: Callable[[str], Rows]) -> Iterator[Rows]:
    """This page and all that follow. :raises ProtocolError: the pages go in a circle."""
    rows, cursors = first, set[str]()
    while True:
        yield rows
        if rows.cursor is None:
            return
        if rows.cursor in cursors:
            raise ProtocolError("The same page came twice.", system=SYSTEM)
        if len(cursors) >= MOST_PAGES:
            raise ProtocolError("The pages do not end.", system=SYSTEM)
        cursors.add(rows.cursor)
        rows = fetch(rows.cursor)


class DisorderError(ProtocolError):
    """Rows came out of order. In a list sorted by the time of the last change, a change meanwhile does that."""


@dataclass(slots=True)
class Ordered:
    """Lets through each row once.

    :param key: what rows are sorted by; :param falling: from the largest to the smallest.
    """

    key: Callable[[Json], Any]
    falling: bool = False
    _seen: set[str] = field(default_factory=set)
    _last: Any = None

    def new(self, nodes: list[Json]) -> list[Json]:
        """The rows that have not come before. :raises DisorderError: they are out of order."""
        found = []
        for node in nodes:
            node_id = str(node.get("id"))
            if node_id in self._seen:
                continue  # it was changed while we read, and moved
            key = self.key(node)
            if self._last is not None and (key > self._last if self.falling else key < self._last):
                raise DisorderError("Rows came out of order.", system=SYSTEM)
            self._seen.add(node_id)
            self._last = key
            found.append(node)
        return found


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of up to `size` items, taken as they are asked for."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
