"""A page over which the server fails, whenever one row is on it: read in smaller pages, and at last row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from samklang.errors import TemporaryError
from samklang.systems.powerofficego.client import Json, PowerOfficeGoClient, read_object
from samklang.systems.powerofficego.problems import RefusedError
from samklang.systems.powerofficego.values import read_id

SPLIT = 25
"""Into how many smaller pages a page is split."""
FEW = 40
"""Rows that are read one by one, by their ids."""
MOST_UNREAD = 20
"""Rows of one page over which the server may fail; with more of them it is the server."""
Ask = Callable[[dict[str, str], int], Sequence[Json]]
"""Rows of a page. :param: what its request differs in; its number."""


class PageParts:
    """:param ask: asks for a page of the same list."""

    def __init__(self, client: PowerOfficeGoClient, path: str, ask: Ask) -> None:
        self.unread: list[int] = []
        self._client = client
        self._path = path
        self._ask = ask

    def read(self, ids: Sequence[int], *, start: int, size: int, failure: TemporaryError) -> list[Json]:
        """The rows of a page; those that the server fails over are `unread`.

        :param ids: of the rows on it. :param start: how many rows of the list stand before it.
        :param size: of the page. :param failure: raised where the parts are not the page, since the list changed
            meanwhile, or where it is the server.
        """
        rows = list(self._read(list(ids), start, size, failure))
        if not rows and len(ids) > 1:
            raise failure
        return rows

    def _read(self, ids: list[int], start: int, size: int, failure: TemporaryError) -> Iterator[Json]:
        if len(ids) <= FEW:
            for row_id in ids:
                yield from self._one(row_id, failure)
            return
        part = -(-size // SPLIT)
        while start % part:  # pages of the smaller size have to begin where this one does
            part += 1
        if part >= size:
            raise failure
        for at in range(0, len(ids), part):
            wanted = ids[at : at + part]
            try:
                rows = self._ask({"PageSize": str(part)}, (start + at) // part + 1)
            except TemporaryError as error:
                if not error.is_server_fault:
                    raise
                yield from self._read(wanted, start + at, part, failure)
            else:
                if [read_id(row) for row in rows] != wanted:
                    raise failure
                yield from rows

    def _one(self, row_id: int, failure: TemporaryError) -> Iterator[Json]:
        """The row, if it is there still."""
        try:
            yield read_object(self._client.get(f"{self._path}/{row_id}"))
        except RefusedError as error:
            if error.status != 404:
                raise
        except TemporaryError as error:
            if not error.is_server_fault:
                raise
            self.unread.append(row_id)
            if len(self.unread) > MOST_UNREAD:
                raise failure from None
