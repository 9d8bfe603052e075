"""Ambiguous: keys that several records of one side hold, or that were read out of a field on the other, with all of
them side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection, select, tuple_

from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.store.lists.pages import PAGE, Page, from_cursor, page_of
from samklang.store.lists.records import Record, Shown, by_record, few_of, one_of, shown, without_link
from samklang.store.schema import verdicts

_REASONS = re.compile(r"_(?:held_more_than_once|shared_in_part)$")


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A key that several records of one side hold. :param key: the field.

    :param candidates: by side; :param numbers: how many there are, also where not all are shown.
    """

    key: str
    candidates: dict[str, list[Shown]]
    numbers: dict[str, int]
    run_id: str

    @property
    def value(self) -> str | None:
        """As the first of them has it; others may write it in another way."""
        found = (shown.values.get(self.key) for shown in chain.from_iterable(self.candidates.values()))
        return next(filter(None, found), None)


def ambiguous(
    connection: Connection,
    mapping: Mapping,
    *,
    among: Sequence[Record] | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page[Ambiguous]:
    """One entry for each key that is held twice on a side, with all who hold it.

    A verdict stands on every record that waits for its key; the first of them in the list's order stands for the key.
    """
    order = (verdicts.c.reason, verdicts.c.side, verdicts.c.record_id)
    statement = (
        select(verdicts)
        .where(verdicts.c.entity == mapping.entity, verdicts.c.verdict == "ambiguous")
        .order_by(*order)
        .limit(limit * 4)
    )
    if among is not None:
        statement = statement.where(one_of(verdicts.c.side, verdicts.c.record_id, among))
    place = from_cursor(after, str, str, str) if after is not None else None
    kept: list[Any] = []
    told: set[tuple[str, str]] = set()
    while len(kept) <= limit:
        rows = connection.execute(statement.where(tuple_(*order) > place) if place else statement).all()
        if not rows:
            break
        place = (rows[-1].reason, rows[-1].side, rows[-1].record_id)
        free = without_link(connection, mapping.entity, [(row.side, row.record_id) for row in rows])
        rows = [row for row in rows if (row.side, row.record_id) in free]
        for row in _first_of_their_keys(connection, mapping.entity, rows) if among is None else rows:
            if (row.reason, row.candidates) not in told:
                told.add((row.reason, row.candidates))
                kept.append(row)
    return page_of(kept, limit, lambda row: (row.reason, row.side, row.record_id)).of(
        lambda page: with_candidates(
            connection, mapping, [(row.reason, loads(row.candidates), row.run_id) for row in page]
        )
    )


def with_candidates(
    connection: Connection, mapping: Mapping, rows: Sequence[tuple[str, dict[str, list[str]], str]]
) -> list[Ambiguous]:
    """:param rows: a verdict's reason, its candidates by side, and the run that gave it."""
    few = [few_of(candidates, mapping) for _, candidates, _ in rows]
    records = shown(connection, mapping, ((side, i) for one in few for side, ids in one.items() for i in ids))
    return [
        Ambiguous(
            _REASONS.sub("", reason),
            {side: [records[side, i] for i in one[side]] for side in mapping.sides},
            {side: len(candidates.get(side, ())) for side in mapping.sides},
            run_id,
        )
        for (reason, candidates, run_id), one in zip(rows, few, strict=True)
    ]


def _first_of_their_keys(connection: Connection, entity: str, rows: Sequence[Any]) -> list[Any]:
    """Those of which no candidate with the same verdict comes before them."""
    before = {
        row: [
            (side, i)
            for side, ids in loads(row.candidates).items()
            for i in ids
            if (side, i) < (row.side, row.record_id)
        ]
        for row in rows
    }
    who = list(dict.fromkeys(record for records in before.values() for record in records))
    who = list(without_link(connection, entity, who))
    waiting = by_record(
        connection, verdicts, verdicts.c.side, verdicts.c.record_id, entity, who, verdicts.c.verdict == "ambiguous"
    )
    return [
        row
        for row, records in before.items()
        if not any(
            (waiting[one].reason, waiting[one].candidates) == (row.reason, row.candidates)
            for one in records
            if one in waiting
        )
    ]
