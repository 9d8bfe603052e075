"""Records as people know them: by name, e-mail or code. Values are for the eyes of those who may see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select

from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping as EntityMapping
from samklang.store import seen
from samklang.store.schema import link_sides, links
from samklang.store.upserts import chunks

Record = tuple[str, str]
"""Side and id."""

CANDIDATES = 25  # shown of one side; a shared e-mail may have thousands
_NAMES = 2  # first and last name


@dataclass(frozen=True, slots=True)
class Shown:
    """A record, as it was last seen.

    :param name: first and last name, or what a product is called; :param keys: its e-mail or code; both may be empty.
    :param values: raw, by the mapping's name of a field. :param scope: None: it was never seen, or is forgotten.
    :param link_id: the link that it is in, if any; :param link_state: `linked` or `excluded`.
    """

    side: str
    id: str
    name: str = ""
    keys: tuple[str, ...] = ()
    values: Mapping[str, str | None] = field(default_factory=dict)
    scope: str | None = None
    created: str = ""
    link_id: int | None = None
    link_state: str | None = None


def shown(connection: Connection, mapping: EntityMapping, records: Iterable[Record]) -> dict[Record, Shown]:
    """These records, also those that are not known."""
    found = {}
    by_side: dict[str, dict[str, None]] = {}
    for side, record_id in records:
        by_side.setdefault(side, {})[record_id] = None
    for side, ids in by_side.items():
        known = seen.known(connection, mapping.entity, side, list(ids))
        linked = _links(connection, mapping.entity, side, list(ids))
        for record_id in ids:
            link_id, state = linked.get(record_id, (None, None))
            found[side, record_id] = _shown(mapping, side, record_id, known.get(record_id), link_id, state)
    return found


def _shown(
    mapping: EntityMapping, side: str, record_id: str, row: Mapping[str, Any] | None, link_id: int | None,
    state: str | None,
) -> Shown:  # fmt: skip
    if row is None:
        return Shown(side, record_id, link_id=link_id, link_state=state)
    values = loads(row["raw"])
    return Shown(
        side,
        record_id,
        name=" ".join(values[name] for name in _naming(mapping) if values.get(name)),
        keys=tuple(values[name] for name in mapping.match if values.get(name)),
        values=values,
        scope=row["scope"],
        created=row["created"],
        link_id=link_id,
        link_state=state,
    )


def _naming(mapping: EntityMapping) -> list[str]:
    """The fields that say what a record is called: the first texts that belong to no group."""
    return [f.name for f in mapping.fields if f.kind == "text" and f.group is None][:_NAMES]


def _links(connection: Connection, entity: str, side: str, ids: list[str]) -> dict[str, tuple[int, str]]:
    found = {}
    for part in chunks(ids):
        rows = connection.execute(
            select(link_sides.c.record_id, links.c.id, links.c.state)
            .join(links, links.c.id == link_sides.c.link_id)
            .where(link_sides.c.entity == entity, link_sides.c.side == side, link_sides.c.record_id.in_(part))
        )
        found.update({row.record_id: (row.id, row.state) for row in rows})
    return found


# --- what several lists ask for ---------------------------------------------------------------------------------------


def few_of(candidates: dict[str, list[str]], mapping: EntityMapping) -> dict[str, list[str]]:
    return {side: candidates.get(side, [])[:CANDIDATES] for side in mapping.sides}


def by_record(
    connection: Connection, table: Any, side: Any, record_id: Any, entity: str, who: Sequence[Record],
    *where: ColumnElement[bool],
) -> dict[Record, Any]:  # fmt: skip
    """Rows of a table about these records; of several, any."""
    found = {}
    for part in chunks(who):
        rows = connection.execute(select(table).where(table.c.entity == entity, one_of(side, record_id, part), *where))
        found.update({(getattr(row, side.name), getattr(row, record_id.name)): row for row in rows})
    return found


def one_of(side: Any, record_id: Any, who: Sequence[Record]) -> ColumnElement[bool]:
    by_side: dict[str, list[str]] = {}
    for one, i in who:
        by_side.setdefault(one, []).append(i)
    return or_(false(), *(and_(side == one, record_id.in_(ids)) for one, ids in by_side.items()))


def without_link(connection: Connection, entity: str, who: Sequence[Record]) -> set[Record]:
    """Those of these records that have no link by now.

    Asked of a page of records at a time: as one join, a database may take a million of them for none, and sort them.
    """
    linked: set[Record] = set()
    for part in chunks(who):
        rows = connection.execute(
            select(link_sides.c.side, link_sides.c.record_id).where(
                link_sides.c.entity == entity, one_of(link_sides.c.side, link_sides.c.record_id, part)
            )
        )
        linked |= {(side, record_id) for side, record_id in rows}
    return set(who) - linked
