"""Conflicts: both values, what decided between them, and who has looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from samklang.core.jsontext import dumps, loads
from samklang.core.mapping import Mapping
from samklang.store import dossier
from samklang.store.lists.pages import PAGE, Page, from_cursor, page_of
from samklang.store.lists.records import Record, Shown, shown
from samklang.store.schema import conflicts as table

Both = dict[str, str | None]
"""A raw value, or a clock, by side."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """:param state: `open`: a person decides; `decided`; `reviewed`: decided, and a person has looked at it.

    :param kind: `edit`: both sides changed; `link`: a new link, without a base. :param certain: which edit was later.
    :param base: what both held before; None: nothing is known. :param winner: a side; None: not decided.
    """

    id: int
    records: dict[str, Shown]
    field: str
    kind: str
    values: Both
    base: Both | None
    clocks: dict[str, str]
    certain: bool
    rule: str
    winner: str | None
    state: str
    run_id: str
    plan_id: int
    at: str
    reviewed_by: str | None
    reviewed_at: str | None


def conflicts(
    connection: Connection,
    mapping: Mapping,
    *,
    state: str | None = None,
    kind: str | None = None,
    field: str | None = None,
    rule: str | None = None,
    record: Record | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page[Conflict]:
    """The newest first. :param record: only those of this record and the twin that it has now."""
    statement = select(table).where(table.c.entity == mapping.entity)
    if state == "open":
        statement = statement.where(table.c.state == "open")
    elif state is not None:
        seen = table.c.reviewed_at.is_not(None) if state == "reviewed" else table.c.reviewed_at.is_(None)
        statement = statement.where(table.c.state == "decided", seen)
    for column, wanted in ((table.c.kind, kind), (table.c.field, field), (table.c.rule, rule)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if record is not None:
        link = dossier.link_of(connection, mapping.entity, *record)
        if link is None or len(link["ids"]) < len(mapping.sides):
            return Page()
        statement = statement.where(table.c.record_ids == dumps([link["ids"][side] for side in mapping.sides]))
    if after is not None:
        statement = statement.where(table.c.id < from_cursor(after, int)[0])
    rows = connection.execute(statement.order_by(table.c.id.desc()).limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: (row.id,)).of(lambda page: _told(connection, mapping, page))


def _told(connection: Connection, mapping: Mapping, rows: list[Any]) -> list[Conflict]:
    ends = [list(zip(mapping.sides, loads(row.record_ids), strict=True)) for row in rows]
    records = shown(connection, mapping, (end for both in ends for end in both))
    return [
        Conflict(
            id=row.id,
            records={end[0]: records[end] for end in both},
            field=row.field,
            kind=row.kind,
            values=loads(row.raw),
            base=loads(row.base) if row.base else None,
            clocks=loads(row.clocks),
            certain=row.certain,
            rule=row.rule,
            winner=row.winner,
            state="reviewed" if row.state == "decided" and row.reviewed_at else row.state,
            run_id=row.run_id,
            plan_id=row.plan_id,
            at=row.at,
            reviewed_by=row.reviewed_by,
            reviewed_at=row.reviewed_at,
        )
        for row, both in zip(rows, ends, strict=True)
    ]
