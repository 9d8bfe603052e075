"""Conflicts between twins: both values, how they were decided, and what a person made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from samklang.store.schema import conflicts
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
