"""Planned: what a staged plan would write, link and leave alone, page by page, with what came of it.

A plan of a million rows is a file of half a gigabyte: pages are read from where the last one ended, and lines that
cannot match are told by their text, before they are parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from samklang.core.mapping import Mapping
from samklang.staging import Place, Staging
from samklang.store import ledger
from samklang.store.lists import PAGE, Alone, Ambiguous, Page, Plan, Record, Shown, shown
from samklang.store.lists.ambiguous import with_candidates
from samklang.store.lists.pages import from_cursor, to_cursor
from samklang.sync.plan_lines import Line, conflict, link, row
from samklang.sync.staged import EMPTY

_BATCH = 500
NO_OUTCOME = "waiting"
"""The outcome of a row that no load has got to."""


@dataclass(frozen=True, slots=True)
class PlannedLink:
    """Two records that become twins. :param matched: the key field, or `our_key`."""

    records: dict[str, Shown]
    matched: str


@dataclass(frozen=True, slots=True)
class Book:
    """A staged plan, opened for reading. :raises StagingError: from every page: its files have expired."""

    connection: Connection
    staging: Staging
    mapping: Mapping
    plan: Plan

    # --- rows to write

    def rows(
        self,
        *,
        side: str | None = None,
        op: str | None = None,
        field: str | None = None,
        why: str | None = None,
        outcome: str | None = None,
        among: Sequence[Record] | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> Page[Line]:
        """Rows in the plan's order, as `plan_lines.row` shapes them.

        With `n`, the row's number; `names`, the records by side, as they were last seen; and from the load `outcome`
        (`waiting`: none yet), `reason` and `at`.

        :param why: `create`, `edit`, `conflict`, `fill`, … of a field. :param among: only of these records.
        """
        clauses = [
            *([f'"side":"{side}"'] if side else []),
            *([f'"op":"{op}"'] if op else []),
            *([f'"field":"{field}"'] if field else []),
        ]
        decided = self._decided(None) if why else set()

        def shaped(line: Line) -> Line | None:
            if line["op"] == EMPTY:
                return None
            one = row(self.mapping, line, decided)
            changes = [c for c in one["changes"] if field in (None, c["field"]) and why in (None, c["why"])]
            fits = side in (None, one["side"]) and op in (None, one["op"]) and _has(one["records"], among)
            return one if fits and (changes or not (field or why)) else None

        numbers = self._numbers(outcome, side, after) if outcome not in (None, NO_OUTCOME) else None
        kept: list[tuple[Place, Line]] = []
        lines = self._lines("rows", clauses, after, numbers, among)
        for batch in _batches(lines, shaped, _BATCH if outcome else limit + 1):
            results = self._results([one["n"] for _, one in batch])
            for place, one in batch:
                came = results.get((one["side"], one["n"]))
                one |= {"outcome": came.outcome if came else NO_OUTCOME, "reason": came.reason if came else None}
                one["at"] = came.at if came else None
                if outcome in (None, one["outcome"]):
                    kept.append((place, one))
            if len(kept) > limit:
                break
        page = _page(kept, limit)
        if not why:
            self._tell_conflicts(page.rows)
        self._name(page.rows)
        return page

    # --- what is linked, held, in conflict or left alone

    def links(
        self, *, among: Sequence[Record] | None = None, after: str | None = None, limit: int = PAGE
    ) -> Page[PlannedLink]:
        """New links."""

        def new(line: Line) -> Line | None:
            one = link(self.mapping, line)
            return one if one is not None and _has(one["records"], among) else None

        page = self._page("tuned", [], after, limit, new, among)
        self._name(page.rows)
        return page.of(lambda rows: [PlannedLink(one["names"], one["matched"]) for one in rows])

    def ambiguous(
        self, *, among: Sequence[Record] | None = None, after: str | None = None, limit: int = PAGE
    ) -> Page[Ambiguous]:
        """One entry for each key that cannot be used."""
        last: list[Any] = [None]

        def first_of_key(line: Line) -> Line | None:  # those with the same key stand together
            key = (line["reason"], line["candidates"])
            if line["verdict"] != "ambiguous" or key == last[0]:
                return None
            last[0] = key
            held = ((side, i) for side, ids in line["candidates"].items() for i in ids)
            return line if among is None or not set(among).isdisjoint(held) else None

        page = self._page("verdicts", ['"verdict":"ambiguous"'], after, limit, first_of_key, among)
        return page.of(
            lambda rows: with_candidates(
                self.connection,
                self.mapping,
                [(one["reason"], one["candidates"], self.plan.run_id) for one in rows],
            )
        )

    def excluded(
        self,
        *,
        reason: str | None = None,
        side: str | None = None,
        among: Sequence[Record] | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> Page[Alone]:
        """Records that are left alone."""
        wanted = {"verdict": "excluded", "reason": reason, "side": side}
        fits = _only(wanted)

        def left(line: Line) -> Line | None:
            return line if fits(line) and _has({line["side"]: line["id"]}, among) else None

        page = self._page("verdicts", _clauses(wanted), after, limit, left, among)
        names = shown(self.connection, self.mapping, [(one["side"], one["id"]) for one in page.rows])
        return page.of(
            lambda rows: [
                Alone(names[one["side"], one["id"]], one["verdict"], one["reason"], candidates=one["candidates"])
                for one in rows
            ]
        )

    def held(
        self,
        *,
        reason: str | None = None,
        side: str | None = None,
        record_id: str | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> Page[Line]:
        """`side` (where it cannot go), `source_id`, `field`, `reason`, `remedy`, and `name`, the record that has it."""
        wanted = {"reason": reason, "side": side, "source_id": record_id}
        page = self._page("held", _clauses(wanted), after, limit, _only(wanted))
        names = shown(self.connection, self.mapping, [(self._other(one), one["source_id"]) for one in page.rows])
        return page.of(lambda rows: [{**one, "name": names[self._other(one), one["source_id"]]} for one in rows])

    def clashes(
        self,
        *,
        field: str | None = None,
        kind: str | None = None,
        rule: str | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> Page[Line]:
        """Conflicts, as `plan_lines.conflict` shapes them, with `names`."""
        wanted = {"field": field, "kind": kind, "rule": rule}
        fits = _only(wanted)
        page = self._page(
            "clashes", _clauses(wanted), after, limit, lambda line: conflict(self.mapping, line) if fits(line) else None
        )
        self._name(page.rows)
        return page

    # --- inside

    def _other(self, one: Line) -> str:
        return self.mapping.other(one["side"])

    def _lines(
        self,
        name: str,
        clauses: Sequence[str],
        after: str | None,
        numbers: Iterator[int] | None = None,
        among: Sequence[Record] | None = None,
    ) -> Iterator[tuple[Place, Line]]:
        """Lines that have all these pieces of text, with where they begin: byte and number.

        :param numbers: only these lines, in rising order. :param among: only lines with an id of these.
        """
        byte, number = from_cursor(after, int, int) if after else (0, 0)
        having = [[piece.encode()] for piece in clauses]
        if among is not None:
            having.append([f'"{record_id}"'.encode() for _, record_id in among])
        found = self.staging.find_lines(self.plan.folder, name, start=(byte, number), having=having, numbers=numbers)
        for place, text in found:
            yield place, {**self.staging.read_line(text, self.plan.folder, name, place), "n": place[1]}

    def _page(
        self,
        name: str,
        clauses: Sequence[str],
        after: str | None,
        limit: int,
        shape: Callable[[Line], Line | None],
        among: Sequence[Record] | None = None,
    ) -> Page[Line]:
        kept = next(_batches(self._lines(name, clauses, after, among=among), shape, limit + 1), [])
        return _page(kept, limit)

    def _numbers(self, outcome: str | None, side: str | None, after: str | None) -> Iterator[int]:
        """Rows with this outcome, in the file's order."""
        next_row = from_cursor(after, int, int)[1] if after else 0
        while True:
            found = ledger.rows_with_outcome(
                self.connection, self.plan.id, str(outcome), side=side, first=next_row, limit=_BATCH
            )
            yield from found
            if len(found) < _BATCH:
                return
            next_row = found[-1] + 1

    def _results(self, numbers: list[int]) -> dict[tuple[str, int], Any]:
        return ledger.results_of(self.connection, self.plan.id, self.mapping.sides, numbers)

    def _decided(self, pairs: Sequence[bytes] | None) -> set[tuple[str, ...]]:
        """Ids and field of each conflict. :param pairs: only of these records, as the file has them; None: all."""
        having = [] if pairs is None else [pairs]
        found = set()
        for place, text in self.staging.find_lines(self.plan.folder, "clashes", having=having):
            line = self.staging.read_line(text, self.plan.folder, "clashes", place)
            found.add((*line["ids"], line["field"]))
        return found

    def _tell_conflicts(self, rows: list[Line]) -> None:
        ends = {one["n"]: [one["records"][s] for s in self.mapping.sides] for one in rows}
        pairs = [f'{{"ids":["{a}","{b}"'.encode() for a, b in ends.values()]
        decided = self._decided(pairs) if pairs else set()
        for one in rows:
            for change in one["changes"]:
                if (*ends[one["n"]], change["field"]) in decided:
                    change["why"] = "conflict"

    def _name(self, rows: list[Line]) -> None:
        who = [(side, i) for one in rows for side, i in one["records"].items() if i is not None]
        names = shown(self.connection, self.mapping, who)
        for one in rows:
            one["names"] = {s: names[s, i] for s, i in one["records"].items() if i is not None}


# --- pages of lines ---------------------------------------------------------------------------------------------------


def _has(records: dict[str, Any], among: Sequence[Record] | None) -> bool:
    return among is None or any(end in among for end in records.items())


def _clauses(wanted: dict[str, str | None]) -> list[str]:
    return [f'"{name}":"{value}"' for name, value in wanted.items() if value is not None]


def _only(wanted: dict[str, str | None]) -> Callable[[Line], Line | None]:
    return lambda line: line if all(value in (None, line[name]) for name, value in wanted.items()) else None


def _batches(
    lines: Iterator[tuple[Place, Line]], shape: Callable[[Line], Line | None], size: int
) -> Iterator[list[tuple[Place, Line]]]:
    batch = []
    for place, line in lines:
        one = shape(line)
        if one is None:
            continue
        batch.append((place, one))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _page(kept: list[tuple[Place, Line]], limit: int) -> Page[Line]:
    """:param kept: up to one more than the page takes: there the next one begins."""
    return Page([one for _, one in kept[:limit]], to_cursor(kept[limit][0]) if len(kept) > limit else None)
