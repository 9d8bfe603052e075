"""A list read to its end, page by page, checked on the way (sheet: 4).

The read ends where the server says that there is no next page, else at an empty page, never at a short one. Rows come
ordered by id, so ids must rise; rows seen before in the same read are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from samklang.errors import ProtocolError, TemporaryError
from samklang.systems.base import Memory
from samklang.systems.powerofficego.client import SYSTEM, Json, PowerOfficeGoClient
from samklang.systems.powerofficego.parts import PageParts
from samklang.systems.powerofficego.problems import RefusedError
from samklang.systems.powerofficego.values import read_id
from samklang.systems.transport import Reply

PAGE_SIZES = (20000, 5000, 1000, 0)
"""`MaxPageSize`, what to ask for of a server that refuses it, and at last 0: whatever it gives."""
MOST_STEPS_BACK = 5
MOST_IDLE_PAGES = 5
"""Pages one after the other without a row that was not seen before."""
MOST_ROWS = 10_000_000
"""Rows of one read where the server names no total."""


@dataclass(frozen=True, slots=True)
class Rows:
    """New rows of one page. :param total: of the whole read, where the server names it.

    :param unread: ids of rows over which the server fails, see `parts`.
    """

    rows: tuple[Json, ...]
    total: int | None
    unread: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    """One page as it came. :param has_next: what the server says; None where it does not say."""

    rows: tuple[Json, ...]
    total: int | None
    has_next: bool | None
    unread: tuple[int, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.rows and not self.unread


class ListReader:
    """Reads one list, and remembers which page size and which `Fields` the server takes.

    :param fields: top-level properties to ask for.
    """

    def __init__(self, client: PowerOfficeGoClient, path: str, fields: tuple[str, ...], memory: Memory) -> None:
        self._client = client
        self._path = path
        self._fields = fields
        self._memory = memory
        self._size_key = f"powerofficego{path.lower().replace('/', '.')}.page_size"
        self._fields_key = f"powerofficego{path.lower().replace('/', '.')}.fields_refused"

    def read(self, filters: Mapping[str, str] | None = None) -> Iterator[Rows]:
        """At least one page, which may be empty.

        :raises ProtocolError: malformed, out of order, or at its end before the server said so.
        """
        answer, request = self._first(dict(filters or {}))
        number, seen, steps_back, total, idle = 1, set[int](), 0, 0, 0
        while True:
            new = self._new(answer, seen)
            unread = tuple(row_id for row_id in answer.unread if row_id not in seen)
            seen.update(unread)
            if new or unread or number == 1:
                yield Rows(tuple(new), answer.total, unread)
            total = total if answer.total is None else answer.total
            idle = 0 if new or unread else idle + 1
            self._check_end(len(seen), total, idle)
            if len(seen) >= total and (answer.has_next is False or answer.is_empty):
                return
            if answer.is_empty:
                raise self._fault(f"{len(seen)} rows came of {total} that were announced")
            before, answer = answer, self._page(request, number + 1)
            if not _has_shrunk(before, answer):
                number += 1
                if (answer.rows, answer.unread) == (before.rows, before.unread):
                    raise self._fault(f"page {number} repeats the page before it")
                continue
            # rows were deleted meanwhile, and others moved up onto the page before: read that one again
            steps_back += 1
            if steps_back > MOST_STEPS_BACK:
                raise self._fault("rows keep disappearing while the list is read")
            answer = self._page(request, number)

    def _check_end(self, seen: int, total: int, idle: int) -> None:
        """:raises ProtocolError: the list does not come to its end."""
        # rows that are made meanwhile are more than announced, but not twice as many
        if idle > MOST_IDLE_PAGES or seen > (2 * total + PAGE_SIZES[0] if total else MOST_ROWS):
            raise self._fault(f"the list does not end; {seen} rows came")

    def _new(self, answer: _Answer, seen: set[int]) -> list[Json]:
        """The rows that were not seen before, which are then seen. :raises ProtocolError: their ids do not rise."""
        last = max(seen, default=0)
        new = []
        for row in answer.rows:
            row_id = read_id(row)
            if row_id in seen:
                continue
            if row_id <= last:
                raise self._fault("ids do not rise")
            last = row_id
            seen.add(row_id)
            new.append(row)
        return new

    def _first(self, filters: dict[str, str]) -> tuple[_Answer, dict[str, str]]:
        """The first page, with the first request that the server takes, and that request."""
        fields = ",".join(self._fields)
        refusal: RefusedError | None = None
        sizes = [size for size in PAGE_SIZES if size <= int(self._memory.get(self._size_key, PAGE_SIZES[0]))]
        selections = [""] if self._memory.get(self._fields_key) == fields else [fields, ""]
        for selection in selections:
            for size in sizes:
                request = {**filters, "OrderBy": "Id", **({"PageSize": str(size)} if size else {})}
                if selection:
                    request["Fields"] = selection
                try:
                    answer = self._page(request, 1)
                except RefusedError as error:
                    if error.status != 400:
                        raise
                    refusal = refusal or error
                    continue
                if selection and not self._has_all(answer):
                    # it took `Fields` and left some out: look whether the whole rows have them
                    break
                if size != PAGE_SIZES[0]:
                    self._memory[self._size_key] = str(size)
                if not selection and (refusal is not None or self._has_all(answer)):
                    self._memory[self._fields_key] = fields
                return answer, request
        raise refusal or self._fault("no first page came")

    def _has_all(self, answer: _Answer) -> bool:
        """Whether each property that was asked for stands in at least one row; an empty page proves nothing."""
        return not answer.rows or set().union(*answer.rows).issuperset(self._fields)

    def _page(self, request: Mapping[str, str], number: int) -> _Answer:
        """A page; where the server fails over it, put together from its parts, without the rows that it fails over."""
        try:
            return self._ask(request, number)
        except TemporaryError as error:
            if not error.is_server_fault or "PageSize" not in request:
                raise
            failure = error
        try:
            ids = self._ask({**request, "Fields": "Id"}, number)
        except RefusedError:
            raise failure from None
        wanted = [read_id(row) for row in ids.rows]
        size = len(wanted) if number == 1 and ids.has_next else int(request["PageSize"])
        parts = PageParts(self._client, self._path, lambda part, at: self._ask({**request, **part}, at).rows)
        rows = parts.read(wanted, start=(number - 1) * size, size=size, failure=failure)
        return _Answer(tuple(rows), ids.total, ids.has_next, tuple(parts.unread))

    def _ask(self, request: Mapping[str, str], number: int) -> _Answer:
        reply = self._client.get(self._path, {**request, "PageNumber": str(number)})
        total, has_next = _pagination(reply)
        if reply.status == 204:
            return _Answer((), total, has_next)
        rows = reply.json()
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._fault("a page is not a list of objects")
        return _Answer(tuple(rows), total, has_next)

    def _fault(self, what: str) -> ProtocolError:
        return ProtocolError(f"GET {self._path}: {what}.", system=SYSTEM)


def _has_shrunk(before: _Answer, after: _Answer) -> bool:
    """Whether the list lost rows between two pages."""
    if before.total is not None and after.total is not None:
        return after.total < before.total
    return before.has_next is True and after.is_empty


def _pagination(reply: Reply) -> tuple[int | None, bool | None]:
    """The total and whether there is a next page, from the `X-Pagination` header; None where it does not say.

    Its key set was never seen whole; `nextPageLink` is known, the others are those of the ASP.NET sample it copies.
    The link itself is never followed.
    """
    try:
        header: Any = orjson.loads(reply.headers.get("X-Pagination", ""))
    except orjson.JSONDecodeError:
        return None, None
    if not isinstance(header, dict):
        return None, None
    names = {name.lower(): value for name, value in header.items()}
    count = names.get("totalcount")
    total = count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
    return total, bool(names["nextpagelink"]) if "nextpagelink" in names else None
