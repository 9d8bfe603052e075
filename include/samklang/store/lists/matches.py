"""Matches: who is whose twin, who cannot be told apart, who has nobody, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from samklang.core.ambiguity import remedy_of
from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.core.records import IN_SCOPE
from samklang.store.lists.pages import PAGE, Page, from_cursor, page_of
from samklang.store.lists.records import Record, Shown, by_record, few_of, one_of, shown, without_link
from samklang.store.schema import holds, intents, link_sides, links, seen, verdicts
from samklang.store.upserts import chunks

WAITING = "the_next_run_matches_or_creates_it"
_BEING_MADE = "its_creation_is_under_way"


@dataclass(frozen=True, slots=True)
class Pair:
    """A link. :param state: `linked`; `excluded`: kept apart by a person, perhaps one of the two alone.

    :param records: by side; a record that was taken out of the link is missing.
    """

    link_id: int
    state: str
    origin: str
    run_id: str
    created_at: str
    records: dict[str, Shown]


@dataclass(frozen=True, slots=True)
class Alone:
    """A record in scope without a link.

    :param standing: `ambiguous`, `excluded`, `held`, `quarantined`; `waiting`: the next run decides.
    :param candidates: ids by side of those that stand in its way.
    """

    record: Shown
    standing: str
    reason: str
    remedy: str = ""
    candidates: dict[str, list[str]] = field(default_factory=dict)


def linked(
    connection: Connection,
    mapping: Mapping,
    *,
    state: str = "linked",
    among: Sequence[Record] | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page[Pair]:
    """Links, the newest first. :param state: or `excluded`. :param among: only these records' links."""
    statement = select(links).where(links.c.entity == mapping.entity, links.c.state == state)
    if after is not None:
        statement = statement.where(links.c.id < from_cursor(after, int)[0])
    if among is not None:
        mine = select(link_sides.c.link_id).where(
            link_sides.c.entity == mapping.entity, one_of(link_sides.c.side, link_sides.c.record_id, among)
        )
        statement = statement.where(links.c.id.in_(mine))
    rows = connection.execute(statement.order_by(links.c.id.desc()).limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: (row.id,)).of(lambda found: _pairs(connection, mapping, found))


def only_here(
    connection: Connection,
    mapping: Mapping,
    side: str,
    *,
    among: Sequence[Record] | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page[Alone]:
    """Records of a side in scope without a link, by id, each with why."""
    found = []
    for scope in IN_SCOPE:  # each in the order of its index
        statement = select(seen.c.id).where(
            seen.c.entity == mapping.entity,
            seen.c.side == side,
            seen.c.scope == scope,
            seen.c.linked.is_(None),
            seen.c.missing == 0,
        )
        if among is not None:
            statement = statement.where(one_of(seen.c.side, seen.c.id, among))
        last = from_cursor(after, str)[0] if after is not None else ""
        found.append(_unlinked_ids(connection, mapping.entity, side, statement, last, limit + 1))
    ids = list(merge(*found))[: limit + 1]
    return page_of(ids, limit, lambda i: (i,)).of(
        lambda page: _alone(connection, mapping, [(side, record_id) for record_id in page])
    )


def excluded(
    connection: Connection,
    mapping: Mapping,
    *,
    reason: str | None = None,
    side: str | None = None,
    among: Sequence[Record] | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page[Alone]:
    """Records that the newest plan left alone, by reason. Those that a person keeps apart are `linked(state=...)`."""
    order = (verdicts.c.reason, verdicts.c.side, verdicts.c.record_id)
    statement = select(verdicts).where(verdicts.c.entity == mapping.entity, verdicts.c.verdict == "excluded")
    if reason is not None:
        statement = statement.where(verdicts.c.reason == reason)
    if side is not None:
        statement = statement.where(verdicts.c.side == side)
    if among is not None:
        statement = statement.where(one_of(verdicts.c.side, verdicts.c.record_id, among))
    place = from_cursor(after, str, str, str) if after is not None else ("", "", "")
    kept: list[Any] = []
    while len(kept) <= limit:
        rows = connection.execute(statement.where(tuple_(*order) > place).order_by(*order).limit(limit + 1)).all()
        if not rows:
            break
        place = (rows[-1].reason, rows[-1].side, rows[-1].record_id)
        # a verdict is over as soon as somebody links the record, or keeps it apart
        free = without_link(connection, mapping.entity, [(row.side, row.record_id) for row in rows])
        kept += [row for row in rows if (row.side, row.record_id) in free]
    return page_of(kept, limit, lambda row: (row.reason, row.side, row.record_id)).of(
        lambda page: _judged(connection, mapping, page)
    )


def excluded_reasons(connection: Connection, entity: str) -> dict[tuple[str, str], int]:
    """How many records the newest plan left alone, by reason and side."""
    rows = connection.execute(
        select(verdicts.c.reason, verdicts.c.side, func.count())
        .where(verdicts.c.entity == entity, verdicts.c.verdict == "excluded")
        .group_by(verdicts.c.reason, verdicts.c.side)
        .order_by(verdicts.c.reason, verdicts.c.side)
    )
    return {(reason, side): number for reason, side, number in rows}


def _unlinked_ids(
    connection: Connection, entity: str, side: str, statement: Select[Any], last: str, number: int
) -> list[str]:
    """The first ids of a statement that have no link, after this one."""
    kept: list[str] = []
    while len(kept) < number:
        ids = (
            connection.execute(statement.where(seen.c.id > last).order_by(seen.c.id).limit(2 * number)).scalars().all()
        )
        if not ids:
            break
        last = ids[-1]
        free = without_link(connection, entity, [(side, i) for i in ids])
        kept += [i for i in ids if (side, i) in free]
    return kept[:number]


# --- from rows to what is shown --------------------------------------------------------------------------------------


def _pairs(connection: Connection, mapping: Mapping, rows: list[Any]) -> list[Pair]:
    ends: dict[int, list[Record]] = {row.id: [] for row in rows}
    for part in chunks(list(ends)):
        found = connection.execute(
            select(link_sides.c.link_id, link_sides.c.side, link_sides.c.record_id).where(
                link_sides.c.link_id.in_(part)
            )
        )
        for link_id, side, record_id in found:
            ends[link_id].append((side, record_id))
    records = shown(connection, mapping, (end for both in ends.values() for end in both))
    return [
        Pair(
            row.id,
            row.state,
            row.origin,
            row.run_id,
            row.created_at,
            {side: records[end] for side in mapping.sides for end in ends[row.id] if end[0] == side},
        )
        for row in rows
    ]


def _alone(connection: Connection, mapping: Mapping, who: list[Record]) -> list[Alone]:
    records = shown(connection, mapping, who)
    judged = by_record(connection, verdicts, verdicts.c.side, verdicts.c.record_id, mapping.entity, who)
    towards = [(mapping.other(side), record_id) for side, record_id in who]
    held = by_record(connection, holds, holds.c.side, holds.c.source_id, mapping.entity, towards)
    meant = by_record(
        connection, intents, intents.c.side, intents.c.source_id, mapping.entity, towards, intents.c.state == "open"
    )
    answers = []
    for (side, record_id), target in zip(who, towards, strict=True):
        record, verdict, hold = records[side, record_id], judged.get((side, record_id)), held.get(target)
        if verdict is not None and verdict.verdict in ("ambiguous", "excluded"):
            answers.append(
                Alone(
                    record,
                    verdict.verdict,
                    verdict.reason,
                    remedy_of(verdict.reason),
                    few_of(loads(verdict.candidates), mapping),
                )
            )
        elif hold is not None:
            answers.append(Alone(record, "held" if hold.field else "quarantined", hold.reason, hold.remedy))
        else:
            answers.append(Alone(record, "waiting", _BEING_MADE if target in meant else WAITING))
    return answers


def _judged(connection: Connection, mapping: Mapping, rows: list[Any]) -> list[Alone]:
    records = shown(connection, mapping, ((row.side, row.record_id) for row in rows))
    return [
        Alone(
            records[row.side, row.record_id],
            row.verdict,
            row.reason,
            candidates=few_of(loads(row.candidates), mapping),
        )
        for row in rows
    ]
