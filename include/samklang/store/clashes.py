"""Conflicts between twins: both values, how they were decided, and what a person made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from samklang.core.jsontext import loads
from samklang.core.plan import ON_THE_WAY
from samklang.store.schema import conflicts, history, links
from samklang.store.upserts import chunks

Row = Mapping[str, Any]
_SAME = ("raw", "base", "clocks", "rule", "winner", "state")  # what makes two rows the same conflict


def add(connection: Connection, entity: str, rows: Sequence[Row]) -> None:
    """Keep conflicts, both values and how they were decided.

    One that is known already, because its decision could not be carried out yet (`ask`, held, waiting), is kept as it
    was; an open one whose values have moved on gives way to its newer self.
    """
    new = []
    for row in rows:
        this = (
            conflicts.c.entity == entity,
            conflicts.c.record_ids == row["record_ids"],
            conflicts.c.field == row["field"],
        )
        same = and_(*(conflicts.c[name].is_not_distinct_from(row[name]) for name in _SAME))
        connection.execute(delete(conflicts).where(*this, conflicts.c.state == "open", ~same))
        if connection.execute(select(conflicts.c.id).where(*this, same)).first() is None:
            new.append(row)
    for part in chunks(new):
        connection.execute(insert(conflicts), [{"entity": entity, **row} for row in part])


def close_all(connection: Connection, entity: str, record_ids: str) -> None:
    """Open conflicts between two records that are no twins any more."""
    connection.execute(
        update(conflicts)
        .where(conflicts.c.entity == entity, conflicts.c.record_ids == record_ids, conflicts.c.state == "open")
        .values(state="decided", rule="unlinked")
    )


def close(connection: Connection, entity: str, record_ids: str, fields: Sequence[str]) -> None:
    """Open conflicts of fields that are in tune again."""
    connection.execute(
        update(conflicts)
        .where(
            conflicts.c.entity == entity,
            conflicts.c.record_ids == record_ids,
            conflicts.c.field.in_(fields),
            conflicts.c.state == "open",
        )
        .values(state="decided", rule="agreed")
    )


def unsettled(connection: Connection, entity: str, twins: Mapping[int, str]) -> dict[tuple[int, str], Row]:
    """By link and field, the newest conflict that was found since the two were linked, and whose field nothing has been
    written to since.

    :param twins: by link, the ids of its records as JSON text.
    """
    links_of = {record_ids: link_id for link_id, record_ids in twins.items()}
    found: dict[tuple[int, str], Row] = {}
    for part in chunks(list(twins)):
        newest: dict[tuple[int, str], Row] = {}
        alive = select(links.c.id, links.c.run_id, links.c.created_at).where(links.c.id.in_(part))
        linked = {row.id: row for row in connection.execute(alive)}
        rows = connection.execute(
            select(conflicts)
            .where(conflicts.c.entity == entity, conflicts.c.record_ids.in_([twins[i] for i in part]))
            .order_by(conflicts.c.id)
        )
        for row in rows.mappings():
            link = linked[links_of[row["record_ids"]]]
            if row["run_id"] == link.run_id or row["at"] >= link.created_at:
                newest[link.id, row["field"]] = dict(row)
        written = connection.execute(
            select(history.c.link_id, history.c.after, history.c.at).where(
                history.c.link_id.in_({link_id for link_id, _ in newest}), history.c.op.not_in(ON_THE_WAY)
            )
        )
        for link_id, after, at in written:
            for name in loads(after):
                if (link_id, name) in newest and at >= newest[link_id, name]["at"]:
                    del newest[link_id, name]
        found |= newest
    return found


def waiting(connection: Connection, entity: str) -> list[tuple[str, str]]:
    """Record ids (as JSON text) and field of each conflict that waits for a person."""
    rows = connection.execute(
        select(conflicts.c.record_ids, conflicts.c.field).where(
            conflicts.c.entity == entity, conflicts.c.state == "open"
        )
    )
    return [(row.record_ids, row.field) for row in rows]


def found_with(connection: Connection, entity: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    """These conflicts, and all others that the same plans found between the same records; in their order."""
    found: dict[int, dict[str, Any]] = {}
    same = conflicts.alias("same")
    for part in chunks(ids):
        rows = connection.execute(
            select(same)
            .join(
                conflicts,
                and_(
                    same.c.entity == conflicts.c.entity,
                    same.c.record_ids == conflicts.c.record_ids,
                    same.c.plan_id == conflicts.c.plan_id,
                ),
            )
            .where(conflicts.c.entity == entity, conflicts.c.id.in_(part))
        ).mappings()
        found.update({row["id"]: dict(row) for row in rows})
    return [found[number] for number in sorted(found)]


def decide(connection: Connection, conflict_id: int, *, person: str, at: str, winner: str | None = None) -> None:
    """A person has decided a conflict, or seen how it was decided. :param winner: None: as it is."""
    values: dict[str, Any] = {"reviewed_by": person, "reviewed_at": at, "state": "decided"}
    if winner is not None:
        values |= {"winner": winner, "rule": "person"}
    connection.execute(update(conflicts).where(conflicts.c.id == conflict_id).values(**values))
