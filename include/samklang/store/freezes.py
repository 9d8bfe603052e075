"""Fields that are left alone because both systems keep overwriting them, and the writes that show it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from samklang.core.jsontext import dumps, loads
from samklang.core.plan import ON_THE_WAY
from samklang.core.records import Scope
from samklang.store.schema import freezes, history, link_sides, links, seen
from samklang.store.upserts import chunks, upsert

Row = Mapping[str, Any]


def often_written(
    connection: Connection, link_ids: Sequence[int], *, since: str, more_than: int
) -> dict[int, list[Row]]:
    """The history from a time on of those links that were written more often since, in its order."""
    found: dict[int, list[Row]] = {}
    for part in chunks(link_ids):
        recent = (history.c.link_id.in_(part), history.c.at >= since, history.c.op.not_in(ON_THE_WAY))
        often = list(
            connection.execute(
                select(history.c.link_id).where(*recent).group_by(history.c.link_id).having(func.count() > more_than)
            ).scalars()
        )
        if often:
            rows = connection.execute(
                select(history).where(*recent, history.c.link_id.in_(often)).order_by(history.c.id)
            ).mappings()
            for row in rows:
                unpacked = {**row, "before": loads(row["before"]), "after": loads(row["after"])}
                found.setdefault(row["link_id"], []).append(unpacked)
    return found


def known_freezes(connection: Connection, entity: str) -> list[Row]:
    """Fields that are frozen, or were and have been let go; `normal` unpacked."""
    rows = connection.execute(select(freezes).where(freezes.c.entity == entity)).mappings()
    return [{**row, "normal": loads(row["normal"])} for row in rows]


def of_persons(connection: Connection, entity: str) -> set[tuple[int, str]]:
    """Link and field ("": all fields) of what people have frozen and not let go."""
    rows = connection.execute(
        select(freezes.c.link_id, freezes.c.field).where(
            freezes.c.entity == entity, freezes.c.person.is_not(None), freezes.c.released_at.is_(None)
        )
    )
    return {(row.link_id, row.field) for row in rows}


def set_freezes(connection: Connection, entity: str, frozen: Sequence[Row], *, run_id: str, at: str) -> None:
    """What the newest plan leaves frozen; the others are let go, but for those of pairs that are paused.

    :param frozen: `link_id`, `field`, `values` by side in normal form, `flips`.
    """
    standing = [row for row in known_freezes(connection, entity) if row["released_at"] is None]
    persons = {(row["link_id"], row["field"]) for row in standing if row["person"] is not None}
    known = {place: row for row in standing if (place := (row["link_id"], row["field"])) not in persons}
    now = {place: row for row in frozen if (place := (row["link_id"], row["field"])) not in persons}
    alive = set(_ids_of_links(connection, [link_id for link_id, _ in now]))
    upsert(
        connection,
        freezes,
        [
            {
                "link_id": link_id, "field": name, "entity": entity, "normal": dumps(row["values"]),
                "flips": row["flips"], "run_id": run_id, "since": at, "released_at": None,
            }
            for (link_id, name), row in now.items()
            if link_id in alive and ((link_id, name) not in known or known[link_id, name]["normal"] != row["values"])
        ],
    )  # fmt: skip
    for link_id, name in sorted(known.keys() - now.keys() - _paused(connection, known.keys())):
        connection.execute(
            update(freezes).where(freezes.c.link_id == link_id, freezes.c.field == name).values(released_at=at)
        )


def freeze(connection: Connection, entity: str, link_id: int, name: str, *, person: str, run_id: str, at: str) -> bool:
    """Leave a field alone until a person lets it go. :param name: "" for all fields. :returns: whether it is new."""
    these = (freezes.c.link_id == link_id, freezes.c.field == name)
    row = connection.execute(select(freezes).where(*these)).mappings().first()
    if row is not None and row["released_at"] is None and row["person"] is not None:
        return False
    kept = {"normal": row["normal"], "flips": row["flips"]} if row is not None else {"normal": dumps({}), "flips": 0}
    upsert(
        connection,
        freezes,
        [
            {
                "link_id": link_id, "field": name, "entity": entity, "run_id": run_id, "since": at,
                "released_at": None, "person": person, **kept,
            }
        ],
    )  # fmt: skip
    return True


def unfreeze(connection: Connection, link_id: int, name: str, *, at: str) -> list[str]:
    """Let a field go, whoever froze it; what was written before is forgiven.

    :param name: "" for all that is frozen of the link. :returns: the fields that were frozen; "" stands for all.
    """
    these = and_(freezes.c.link_id == link_id, freezes.c.released_at.is_(None))
    if name:
        these = and_(these, freezes.c.field == name)
    names = list(connection.execute(select(freezes.c.field).where(these).order_by(freezes.c.field)).scalars())
    connection.execute(update(freezes).where(these).values(released_at=at, person=None))
    return names


def _ids_of_links(connection: Connection, ids: Sequence[int]) -> list[int]:
    found: list[int] = []
    for part in chunks(ids):
        found += connection.execute(select(links.c.id).where(links.c.id.in_(part))).scalars()
    return found


def _paused(connection: Connection, frozen: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of pairs of which a record is not active: a plan says nothing about them."""
    paused: set[int] = set()
    for part in chunks(sorted({link_id for link_id, _ in frozen})):
        paused.update(
            connection.execute(
                select(link_sides.c.link_id)
                .join(
                    seen,
                    and_(
                        seen.c.entity == link_sides.c.entity,
                        seen.c.side == link_sides.c.side,
                        seen.c.id == link_sides.c.record_id,
                    ),
                )
                .where(link_sides.c.link_id.in_(part), seen.c.scope != Scope.ACTIVE)
            ).scalars()
        )
    return {(link_id, name) for link_id, name in frozen if link_id in paused}
