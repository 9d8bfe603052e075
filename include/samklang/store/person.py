"""All rows about one person, or one product: what is handed out to them, and what is erased.

Both go by the same list, so that whatever is found for an export is gone after an erasure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, false, or_, select, update

from samklang.core.derive import PART
from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.store.schema import (
    actions,
    conflicts,
    freezes,
    history,
    holds,
    intents,
    link_sides,
    links,
    orders,
    refusals,
    revisit,
    runs,
    seen,
    seen_keys,
    verdicts,
)

Record = tuple[str, str]
"""Side and id."""


@dataclass(frozen=True, slots=True)
class Person:
    """:param records: who they are on either side. :param links: all that they are, or ever were, a part of."""

    records: tuple[Record, ...]
    links: tuple[int, ...] = ()


def person(connection: Connection, entity: str, records: Iterable[Record]) -> Person:
    """The person that these records are: with the twins that they have, and with records of the same keys that are
    gone and have no twin, which somebody deleted and made anew."""
    found = dict.fromkeys(records)
    for record in list(found):
        found |= dict.fromkeys(_twins(connection, entity, record))
    found |= dict.fromkeys(_gone(connection, entity, list(found)))
    return Person(tuple(found), tuple(sorted(_links(connection, entity, list(found)))))


def keys(connection: Connection, entity: str, records: Sequence[Record]) -> list[tuple[str, str]]:
    """(field, value) of the match keys that they hold."""
    rows = connection.execute(
        select(seen_keys.c.field, seen_keys.c.value).where(
            seen_keys.c.entity == entity, _these(seen_keys, "id", records)
        )
    )
    return sorted({(row.field.partition(PART)[0], row.value) for row in rows})


def our_keys(connection: Connection, entity: str, sides: tuple[str, str], records: Sequence[Record]) -> list[Record]:
    """Side and text of the keys that we put on records that were made for them, or may have been."""
    meant = select(intents.c.side, intents.c.key).where(
        intents.c.entity == entity, intents.c.key != "", _towards(intents, sides, records)
    )
    carried = select(seen.c.side, seen.c.our_key).where(
        seen.c.entity == entity, seen.c.our_key.is_not(None), _these(seen, "id", records)
    )
    return sorted({(row[0], row[1]) for row in connection.execute(meant.union(carried))})


def others_with(connection: Connection, entity: str, records: Sequence[Record]) -> list[Record]:
    """Records that are there, of somebody else, and hold one of their keys."""
    mine, wanted = set(records), {value for _, value in keys(connection, entity, records)}
    rows = connection.execute(
        select(seen.c.side, seen.c.id)
        .join(seen_keys, and_(*(seen_keys.c[n] == seen.c[n] for n in ("entity", "side", "id"))))
        .where(seen.c.entity == entity, seen_keys.c.value.in_(wanted), seen.c.scope != Scope.GONE)
    )
    return sorted({(row.side, row.id) for row in rows} - mine)


def held(connection: Connection, entity: str, sides: tuple[str, str], who: Person) -> dict[str, list[dict[str, Any]]]:
    """Rows by table, JSON as text."""
    found = {}
    for table, where in (*_rows(sides, who), (links, _in(links.c.id, who.links)), (actions, None)):
        this = table.c.entity == entity
        rows = connection.execute(select(table).where(this if where is None else and_(this, where))).mappings()
        found[str(table.name)] = [{str(name): value for name, value in row.items()} for row in rows]
    names = {f"{side}:{record_id}" for side, record_id in who.records}
    found["actions"] = [row for row in found["actions"] if names.intersection(_texts(loads(row["records"])))]
    return found


def erase(
    connection: Connection, entity: str, sides: tuple[str, str], who: Person, alias: Callable[[Record], str]
) -> dict[str, int]:
    """Take all of it out; what only names one of their ids keeps an alias in its place.

    The rows of links stay, without their sides: their numbers are never given again.

    :returns: how many rows, by table.
    """
    erased = {}
    for table, where in _rows(sides, who):
        erased[str(table.name)] = connection.execute(delete(table).where(table.c.entity == entity, where)).rowcount
    left = select(link_sides.c.link_id).where(_in(link_sides.c.link_id, who.links))
    connection.execute(update(links).where(_in(links.c.id, who.links), links.c.id.not_in(left)).values(state="ended"))
    _mask(connection, entity, who, alias)
    return {name: count for name, count in erased.items() if count}


def _rows(sides: tuple[str, str], who: Person) -> list[tuple[Table, ColumnElement[bool]]]:
    """Each table that holds something about somebody, and which of its rows; `entity` is checked besides."""
    records = who.records
    return [
        (seen, _these(seen, "id", records)),
        (seen_keys, _these(seen_keys, "id", records)),
        (link_sides, _these(link_sides, "record_id", records)),
        (freezes, _in(freezes.c.link_id, who.links)),
        (conflicts, _between(sides, records)),
        (holds, _towards(holds, sides, records)),
        (refusals, _towards(refusals, sides, records)),
        (verdicts, _these(verdicts, "record_id", records)),
        (intents, _towards(intents, sides, records)),
        (history, or_(_these(history, "record_id", records), _in(history.c.link_id, who.links))),
        (orders, or_(_these(orders, "record_id", records), _in(orders.c.link_id, who.links))),
        (revisit, _these(revisit, "id", records)),
    ]


def _mask(connection: Connection, entity: str, who: Person, alias: Callable[[Record], str]) -> None:
    """Where they are only named: candidates of others, summaries of runs, what people did."""
    for record in who.records:
        side, record_id = record
        mine = (holds.c.entity == entity, holds.c.side == side, holds.c.holder == record_id)
        connection.execute(update(holds).where(*mine).values(holder=None, holder_edits=None))
        # Each of these is looked through whole, and only what has the id as a text of its own is taken apart.
        for table, column in ((verdicts, "candidates"), (runs, "summary"), (actions, "records"), (actions, "detail")):
            text = table.c[column]
            named = dumps(f"{side}:{record_id}")
            hit = or_(text.contains(dumps(record_id), autoescape=True), text.contains(named, autoescape=True))
            key = list(table.primary_key)
            for row in connection.execute(select(*key, text.label("text")).where(table.c.entity == entity, hit)).all():
                masked = dumps(_without(loads(row.text), side, record_id, alias(record)))
                same = (this == value for this, value in zip(key, row, strict=False))
                connection.execute(update(table).where(*same).values({column: masked}))


def _without(value: Any, side: str, record_id: str, alias: str) -> Any:
    """JSON without what names a record: `side:id` gives way to its alias; lists lose `{"side": …, "id": …}`, and the
    id where they stand under the side's name."""
    if isinstance(value, str):
        return alias if value == f"{side}:{record_id}" else value
    if isinstance(value, dict):
        return {
            name: [i for i in one if i != record_id] if name == side and isinstance(one, list)
            else _without(one, side, record_id, alias)
            for name, one in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [
            _without(one, side, record_id, alias)
            for one in value
            if not (isinstance(one, dict) and one.get("side") == side and one.get("id") == record_id)
        ]
    return value


def _texts(value: Any) -> set[str]:
    return {one for one in value if isinstance(one, str)}


def _twins(connection: Connection, entity: str, record: Record) -> list[Record]:
    """Those that are linked; two that a person keeps apart are two persons."""
    mine = link_sides.alias("mine")
    rows = connection.execute(
        select(link_sides.c.side, link_sides.c.record_id)
        .join(mine, mine.c.link_id == link_sides.c.link_id)
        .join(links, links.c.id == link_sides.c.link_id)
        .where(mine.c.entity == entity, mine.c.side == record[0], mine.c.record_id == record[1])
        .where(links.c.state == "linked")
    )
    return [(row.side, row.record_id) for row in rows]


def _gone(connection: Connection, entity: str, records: Sequence[Record]) -> list[Record]:
    wanted = [value for _, value in keys(connection, entity, records)]
    linked = select(link_sides.c.record_id).where(
        link_sides.c.entity == seen.c.entity, link_sides.c.side == seen.c.side, link_sides.c.record_id == seen.c.id
    )
    rows = connection.execute(
        select(seen.c.side, seen.c.id)
        .join(seen_keys, and_(*(seen_keys.c[n] == seen.c[n] for n in ("entity", "side", "id"))))
        .where(seen.c.entity == entity, seen_keys.c.value.in_(wanted), seen.c.scope == Scope.GONE, ~linked.exists())
    )
    return sorted({(row.side, row.id) for row in rows})


def _links(connection: Connection, entity: str, records: Sequence[Record]) -> set[int]:
    found: set[int] = set()
    for table in (link_sides, history, orders):
        statement = select(table.c.link_id).where(table.c.entity == entity, _these(table, "record_id", records))
        found.update(connection.execute(statement).scalars())
    return found - {0}


def _these(table: Table, column: str, records: Sequence[Record]) -> ColumnElement[bool]:
    return or_(false(), *(and_(table.c.side == side, table.c[column] == i) for side, i in records))


def _towards(table: Table, sides: tuple[str, str], records: Sequence[Record]) -> ColumnElement[bool]:
    """Rows that name the side where something of a record goes, and the record itself as `source_id`."""
    other = dict(zip(sides, reversed(sides), strict=True))
    return or_(false(), *(and_(table.c.side == other[side], table.c.source_id == i) for side, i in records))


def _between(sides: tuple[str, str], records: Sequence[Record]) -> ColumnElement[bool]:
    """Conflicts that one of them had with whomever: the ids of both are one JSON list, first side first."""
    column = conflicts.c.record_ids
    return or_(
        false(),
        *(
            column.startswith(f"[{dumps(i)},", autoescape=True)
            if side == sides[0]
            else column.endswith(f",{dumps(i)}]", autoescape=True)
            for side, i in records
        ),
    )


def _in(column: ColumnElement[Any], numbers: Sequence[int]) -> ColumnElement[bool]:
    return column.in_(numbers)
