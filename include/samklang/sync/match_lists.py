"""Match lists: whole lists of who is whose twin, of the store, and of the newest plan while it is not carried out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO

from sqlalchemy import Connection

from samklang.core.mapping import Mapping
from samklang.core.spreadsheet import Sheet
from samklang.errors import StagingError
from samklang.staging import Staging
from samklang.store import lists
from samklang.store.lists import Alone, Page, Record
from samklang.store.lists.pages import Turn, all_rows, first_rows
from samklang.sync import match_file
from samklang.sync.planned import Book

NAMES = ("linked", "ambiguous", "only", "excluded")
PLANNED = "plan_"
"""Before the name of a list of the plan that waits."""
_STRETCH = 100_000


@dataclass(frozen=True, slots=True)
class Matches:
    """:param only: a side, for `only`; None: both. :param among: only what is about these records."""

    connection: Connection
    mapping: Mapping
    staging: Staging
    among: Sequence[Record] | None = None

    def document(self, names: Sequence[str], side: str | None, limit: int) -> dict[str, Any]:
        """By list its first rows; `more`, the lists that have more of them; and `plan`, the one that waits.

        :param side: of `only`; None: both. :param limit: 0: all.
        """
        book = self.book()
        found: dict[str, Any] = {"plan": None, "proposed": {}}
        more = []
        if book is not None:
            found["plan"] = {"id": book.plan.id, "state": book.plan.state, "run_id": book.plan.run_id}
        for name, turn in self.turns(names, side).items():
            found[name], left = first_rows(turn, limit)
            more += [name] if left else []
        for name, turn in (self.proposed(book, names, side) if book is not None else {}).items():
            found["proposed"][name], left = first_rows(turn, limit)
            more += [f"proposed {name}"] if left else []
        return {**found, "more": more}

    def write(self, file: TextIO, names: Sequence[str], side: str | None) -> int:
        """All rows as CSV, see `sync.match_file`. :returns: how many lines."""
        number = -1  # the header
        for text in self.as_csv(names, side):
            number += text.count("\r\n")
            file.write(text)
        return number

    def as_csv(self, names: Sequence[str], side: str | None = None, *, only: str | None = None) -> Iterator[str]:
        """The same a stretch at a time. :param only: of these lists only this one, as `turns` names it, with `plan_`
        before the name of one of the plan that waits."""
        turns = self.turns(names, side)
        book = self.book()
        if book is not None:
            turns |= {f"{PLANNED}{name}": turn for name, turn in self.proposed(book, names, side).items()}
        text = io.StringIO()
        sheet = Sheet(text)
        sheet.line(match_file.header(self.mapping))
        for name, turn in turns.items():
            for row in all_rows(turn) if only in (None, name) else ():
                if only is None and name.startswith("only_") and row.standing in names:
                    continue  # in a list of its own
                for cells in self._lines(name, row):
                    sheet.line(cells)
                if text.tell() > _STRETCH:
                    yield text.getvalue()
                    text.seek(0)
                    text.truncate()
        yield text.getvalue()

    def book(self) -> Book | None:
        """The newest plan, if it is not carried out and its files are there."""
        plan = lists.newest_plan(self.connection, self.mapping.entity)
        if plan is None or plan.adopted:
            return None
        book = Book(self.connection, self.staging, self.mapping, plan)
        try:
            book.links(limit=1)
        except StagingError:
            return None
        return book

    def turns(self, names: Sequence[str], side: str | None = None) -> dict[str, Turn[Any]]:
        """Pages by list, of the store: `linked`, `ambiguous`, `only_<side>`, `kept_apart`, `excluded`."""
        connection, mapping, among = self.connection, self.mapping, self.among
        turns: dict[str, Turn[Any]] = {}
        if "linked" in names:
            turns["linked"] = lambda after, size: lists.linked(
                connection, mapping, among=among, after=after, limit=size
            )
        if "ambiguous" in names:
            turns["ambiguous"] = lambda after, size: lists.ambiguous(
                connection, mapping, among=among, after=after, limit=size
            )
        for one in mapping.sides if "only" in names else ():
            if side in (None, one):
                turns[f"only_{one}"] = partial(self._only_here, one)
        if "excluded" in names:
            turns["kept_apart"] = lambda after, size: lists.linked(
                connection, mapping, state="excluded", among=among, after=after, limit=size
            )
            turns["excluded"] = lambda after, size: lists.excluded(
                connection, mapping, among=among, after=after, limit=size
            )
        return turns

    def _only_here(self, side: str, after: str | None, size: int) -> Page[Alone]:
        return lists.only_here(self.connection, self.mapping, side, among=self.among, after=after, limit=size)

    def proposed(self, book: Book, names: Sequence[str], side: str | None = None) -> dict[str, Turn[Any]]:
        """Pages by list, of a plan: `links`, `ambiguous`, `creates`, `excluded`."""
        among = self.among
        turns: dict[str, Turn[Any]] = {}
        if "linked" in names:
            turns["links"] = lambda after, size: book.links(among=among, after=after, limit=size)
        if "ambiguous" in names:
            turns["ambiguous"] = lambda after, size: book.ambiguous(among=among, after=after, limit=size)
        if "only" in names:
            target = self.mapping.other(side) if side else None
            turns["creates"] = lambda after, size: book.rows(
                op="create", side=target, among=among, after=after, limit=size
            )
        if "excluded" in names:
            turns["excluded"] = lambda after, size: book.excluded(among=among, after=after, limit=size)
        return turns

    def _lines(self, name: str, row: Any) -> Iterator[list[str]]:
        mapping = self.mapping
        match name.removeprefix(PLANNED):
            case "linked" | "kept_apart":
                yield match_file.pair_line(mapping, row)
            case "links":
                yield match_file.proposed_line(mapping, "to link", row.matched, row.records)
            case "creates":
                yield match_file.proposed_line(mapping, "to create", row["side"], row["names"])
            case "ambiguous":
                yield from match_file.ambiguous_lines(mapping, row)
            case _:
                yield match_file.alone_line(mapping, row)
