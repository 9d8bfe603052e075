"""Held fields and quarantined records: why, what to do about it, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, tuple_

from samklang.core.mapping import Mapping
from samklang.store.lists.pages import PAGE, Page, from_cursor, page_of
from samklang.store.lists.records import Shown, shown
from samklang.store.schema import holds as table
from samklang.store.schema import refusals as attempts


@dataclass(frozen=True, slots=True)
class Hold:
    """:param side: where the value cannot go. :param record: on the other side, that has it.


    :param field: empty: the whole record, that is quarantine. :param named: of a quarantined record, the field that
        the system named. :param by_system: the system refused it; else the planner found it.
    :param retry_at: None: not by the time. :param skipped: not tried again before somebody edits one of the records.
    :param said: the system's own words. :param holder: of a taken value, who has it on `side`, where that is known.
    """

    side: str
    source_id: str
    field: str
    reason: str
    remedy: str
    by_system: bool
    attempts: int
    retry_at: str | None
    skipped: bool
    since: str
    named: str | None
    run_id: str
    record: Shown
    said: str | None = None
    holder: str | None = None

    @property
    def quarantined(self) -> bool:
        return not self.field


@dataclass(frozen=True, slots=True)
class Refusal:
    """One attempt that a system refused."""

    field: str
    reason: str
    named: str | None
    run_id: str
    at: str
    said: str | None = None


def holds(
    connection: Connection,
    mapping: Mapping,
    *,
    quarantined: bool | None = None,
    reason: str | None = None,
    side: str | None = None,
    record_id: str | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page[Hold]:
    """By side and record. :param quarantined: True: whole records; False: fields; None: both.

    :param side: only what cannot go there. :param record_id: only of this record, on the other side.
    """
    order = (table.c.side, table.c.source_id, table.c.field)
    statement = select(table).where(table.c.entity == mapping.entity)
    if quarantined is not None:
        statement = statement.where(table.c.field == "" if quarantined else table.c.field != "")
    for column, wanted in ((table.c.reason, reason), (table.c.side, side), (table.c.source_id, record_id)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if after is not None:
        statement = statement.where(tuple_(*order) > from_cursor(after, str, str, str))
    rows = connection.execute(statement.order_by(*order).limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: (row.side, row.source_id, row.field)).of(
        lambda page: _told(connection, mapping, page)
    )


def hold_reasons(connection: Connection, entity: str) -> list[tuple[str, str, bool, int]]:
    """Reason, side that it cannot go to, whether whole records are meant, and how many: the most frequent first."""
    whole = (table.c.field == "").label("whole")
    rows = connection.execute(
        select(table.c.reason, table.c.side, whole, func.count())
        .where(table.c.entity == entity)
        .group_by(table.c.reason, table.c.side, whole)
    )
    return sorted(((r, s, bool(w), n) for r, s, w, n in rows), key=lambda row: (-row[3], row[:2]))


def refusals(connection: Connection, entity: str, side: str, source_id: str, *, limit: int = PAGE) -> list[Refusal]:
    """Every attempt to write a record to a side that was refused, the newest first."""
    rows = connection.execute(
        select(attempts)
        .where(attempts.c.entity == entity, attempts.c.side == side, attempts.c.source_id == source_id)
        .order_by(attempts.c.id.desc())
        .limit(limit)
    )
    return [Refusal(row.field, row.reason, row.named, row.run_id, row.at, row.said) for row in rows]


def _told(connection: Connection, mapping: Mapping, rows: list[Any]) -> list[Hold]:
    records = shown(connection, mapping, ((mapping.other(row.side), row.source_id) for row in rows))
    return [
        Hold(
            row.side,
            row.source_id,
            row.field,
            row.reason,
            row.remedy,
            row.by_system,
            row.attempts,
            row.retry_at,
            bool(row.by_system) and row.retry_at is None,
            row.since,
            row.named,
            row.run_id,
            records[mapping.other(row.side), row.source_id],
            row.said,
            row.holder,
        )
        for row in rows
    ]
