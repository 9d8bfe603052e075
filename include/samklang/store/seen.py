"""What was last seen of every record, on either side, linked or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, exists, func, insert, or_, select, tuple_, update

from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.store.schema import link_sides, reads, revisit, seen, seen_keys
from samklang.store.tickets import next_ticket
from samklang.store.upserts import chunks, upsert

_LONGEST_ID, _LONGEST_KEY = 64, 200
COLUMNS = [column.name for column in seen.c if column.name not in ("entity", "side", "linked")]


def is_storable_id(record_id: str) -> bool:
    """Whether a column can hold an id; no system that we know has another one."""
    return 0 < len(record_id) <= _LONGEST_ID and "\x00" not in record_id


def storable_key(key: str | None) -> str | None:
    """Our key on a record; None for one that we never made: an odd code, where the key is an ordinary value."""
    return key if key is not None and len(key) <= _LONGEST_KEY and "\x00" not in key else None


def start_read(
    connection: Connection,
    *,
    entity: str,
    side: str,
    run_id: str,
    whole: bool,
    started_at: str,
    other_clock: str | None = None,
) -> int:
    """Register a read before its first request; its ticket says which observations are newer.

    :param other_clock: how far the other side has been read by then, in that system's own clock.
    """
    ticket = next_ticket(connection)
    connection.execute(
        insert(reads).values(
            ticket=ticket,
            entity=entity,
            side=side,
            run_id=run_id,
            whole=whole,
            started_at=started_at,
            max_clock="",
            rows=0,
            taken_in=False,
            other_clock=other_clock,
        )
    )
    return ticket


def finish_read(connection: Connection, ticket: int, *, whole: bool, rows: int, max_clock: str) -> None:
    done = {"whole": whole, "rows": rows, "max_clock": max_clock}
    connection.execute(update(reads).where(reads.c.ticket == ticket).values(**done))


def is_known_read(connection: Connection, ticket: int, started_at: str) -> bool:
    """Whether this store has given out the ticket for that read: after a restore it may give it out once more."""
    found = connection.execute(select(reads.c.started_at).where(reads.c.ticket == ticket)).scalar()
    return found == started_at


def was_taken_in(connection: Connection, ticket: int) -> bool:
    return bool(connection.execute(select(reads.c.taken_in).where(reads.c.ticket == ticket)).scalar())


def newest_taken_in(connection: Connection, entity: str, side: str) -> tuple[int, str | None]:
    """Ticket and `other_clock` of the newest read that `seen` already reflects; (0, None) before the first."""
    row = connection.execute(
        select(reads.c.ticket, reads.c.other_clock)
        .where(reads.c.entity == entity, reads.c.side == side, reads.c.taken_in)
        .order_by(reads.c.ticket.desc())
        .limit(1)
    ).first()
    return (row.ticket, row.other_clock) if row else (0, None)


def read_since(connection: Connection, entity: str, side: str) -> str | None:
    """When the newest read that `seen` already reflects began, by our clock; None before the first."""
    started_at: str | None = connection.execute(
        select(reads.c.started_at)
        .where(reads.c.entity == entity, reads.c.side == side, reads.c.taken_in)
        .order_by(reads.c.ticket.desc())
        .limit(1)
    ).scalar()
    return started_at


def take_turns(connection: Connection, entity: str, side: str) -> None:
    """Let nobody else take a read of this side in until this transaction ends: of two that bring the same new record,
    each has to see what the other made of it."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        name = func.concat(func.current_schema(), f".seen.{entity}.{side}")
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def mark_taken_in(connection: Connection, ticket: int) -> None:
    connection.execute(update(reads).where(reads.c.ticket == ticket).values(taken_in=True))


def known(
    connection: Connection, entity: str, side: str, ids: Sequence[str], *, lock: bool = False
) -> dict[str, dict[str, Any]]:
    """What was last seen of these records, by id. :param lock: keep others from changing it until this ends."""
    statement = select(*(seen.c[name] for name in COLUMNS)).where(seen.c.entity == entity, seen.c.side == side)
    if lock:
        statement = statement.order_by(seen.c.id).with_for_update()
    return {
        row["id"]: dict(row)
        for part in chunks(ids, 5_000)
        for row in connection.execute(statement.where(seen.c.id.in_(part))).mappings()
    }


def page(connection: Connection, entity: str, side: str, *, after: str, size: int = 20_000) -> list[dict[str, Any]]:
    """What was seen on one side, in the order of ids; the rows stay locked until the transaction ends."""
    rows = connection.execute(
        select(*(seen.c[name] for name in COLUMNS))
        .where(seen.c.entity == entity, seen.c.side == side, seen.c.id > after)
        .order_by(seen.c.id)
        .limit(size)
        .with_for_update()
    ).mappings()
    return [dict(row) for row in rows]


def shared_our_keys(connection: Connection, entity: str, side: str, keys: Sequence[str]) -> set[str]:
    """Of these keys of ours, those that several records carry, linked or not: they tell nobody from the other."""
    shared: set[str] = set()
    for part in chunks(keys):
        carried = select(seen.c.our_key).where(
            seen.c.entity == entity, seen.c.side == side, seen.c.our_key.in_(part), seen.c.scope != Scope.GONE
        )
        shared.update(connection.execute(carried.group_by(seen.c.our_key).having(func.count() > 1)).scalars())
    return shared


def with_our_key(connection: Connection, entity: str, side: str, keys: Sequence[str]) -> dict[str, list[str]]:
    """Records without a link that hold these keys of ours, by key; a key that several carry is nobody's."""
    found: dict[str, list[str]] = {}
    shared = shared_our_keys(connection, entity, side, keys)
    for part in chunks([key for key in keys if key not in shared]):
        statement = select(seen.c.our_key, seen.c.id).where(
            seen.c.entity == entity, seen.c.side == side, seen.c.our_key.in_(part), seen.c.scope != Scope.GONE, _free()
        )
        for row in connection.execute(statement.order_by(seen.c.id)):
            found.setdefault(row.our_key, []).append(row.id)
    return found


def any_without(connection: Connection, entity: str, side: str, field: str) -> bool:
    """Whether the side has a record of which this field is unknown."""
    answered = seen.c.raw.contains(f"{dumps(field)}:", autoescape=True)
    return bool(
        connection.execute(
            select(exists().where(seen.c.entity == entity, seen.c.side == side, seen.c.scope != Scope.GONE, ~answered))
        ).scalar()
    )


def any_but(connection: Connection, entity: str, side: str, ids: Collection[str]) -> str | None:
    """The id of a record that the side is known to have, other than these."""
    others = select(seen.c.id).where(
        seen.c.entity == entity, seen.c.side == side, seen.c.scope != Scope.GONE, seen.c.id.not_in(ids)
    )
    return connection.execute(others.limit(1)).scalar()


def unlinked_since(connection: Connection, entity: str, side: str, created: str) -> list[dict[str, str | None]]:
    """Normal forms of records without a link that were made at or after this time."""
    rows = connection.execute(
        select(seen.c.normal).where(
            seen.c.entity == entity, seen.c.side == side, seen.c.scope != Scope.GONE, seen.c.created >= created, _free()
        )
    ).scalars()
    return [loads(row) for row in rows]


def count_present(connection: Connection, entity: str, side: str) -> int:
    """How many records the side is known to have."""
    return connection.execute(
        select(func.count())
        .select_from(seen)
        .where(seen.c.entity == entity, seen.c.side == side, seen.c.scope != Scope.GONE)
    ).scalar_one()


def present_ids(connection: Connection, entity: str, side: str, *, until: int) -> set[str]:
    """Records that the side is known to have. :param until: a ticket; those that were seen after it are left out."""
    return set(
        connection.execute(
            select(seen.c.id).where(
                seen.c.entity == entity, seen.c.side == side, seen.c.scope != Scope.GONE, seen.c.ticket <= until
            )
        ).scalars()
    )


def put(
    connection: Connection,
    entity: str,
    side: str,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[tuple[str, str, str]],
) -> None:
    """Store new observations.

    :param rows: with the `COLUMNS` of `seen`.
    :param keys: (id, field, value) of the match keys that the records hold now.
    """
    if not rows:
        return
    upsert(connection, seen, [{"entity": entity, "side": side, **row} for row in rows])
    for part in chunks([row["id"] for row in rows]):
        connection.execute(
            delete(seen_keys).where(seen_keys.c.entity == entity, seen_keys.c.side == side, seen_keys.c.id.in_(part))
        )
    upsert(
        connection,
        seen_keys,
        [{"entity": entity, "side": side, "id": i, "field": f, "value": v} for i, f, v in keys],
    )


def mark_linked(
    connection: Connection, entity: str, side: str, *, after: tuple[str, str] = ("", ""), size: int = 5_000
) -> tuple[str, str] | None:
    """Mark a page of the records that have a link by now, so that people find those without one among a million.

    What a run does never follows from the mark. Not set as links are made: a load would lock what a read locks, in
    another order. The caller keeps links from being ended meanwhile.

    :param after: what the page before gave. :returns: None after the last.
    """
    unmarked = and_(seen.c.entity == entity, seen.c.side == side, seen.c.linked.is_(None), ~_free())
    order = (seen.c.scope, seen.c.id)
    rows = connection.execute(select(*order).where(unmarked, tuple_(*order) > after).order_by(*order).limit(size)).all()
    for part in chunks([row.id for row in rows]):
        connection.execute(update(seen).where(unmarked, seen.c.id.in_(part)).values(linked=True))
    return (rows[-1].scope, rows[-1].id) if rows else None


def set_missing(connection: Connection, entity: str, side: str, ids: Sequence[str]) -> None:
    """Count one more whole read that did not have these records."""
    for part in chunks(ids):
        connection.execute(update(seen).where(*_these(entity, side, part)).values(missing=seen.c.missing + 1))


def set_found(connection: Connection, entity: str, side: str, ids: set[str]) -> None:
    """Forget earlier absences of records that a whole read had."""
    absent = connection.execute(
        select(seen.c.id).where(seen.c.entity == entity, seen.c.side == side, seen.c.missing > 0)
    ).scalars()
    for part in chunks([i for i in absent if i in ids]):
        connection.execute(update(seen).where(*_these(entity, side, part)).values(missing=0))


def set_gone(connection: Connection, entity: str, side: str, ids: Sequence[str]) -> set[str]:
    """Mark those of these records that two whole reads in a row did not have. :returns: which."""
    marked: set[str] = set()
    for part in chunks(ids):
        these = (*_these(entity, side, part), seen.c.missing >= 2)
        marked.update(connection.execute(select(seen.c.id).where(*these)).scalars())
        connection.execute(update(seen).where(*these).values(scope=Scope.GONE))
    return marked


def missing_before(connection: Connection, entity: str, side: str) -> set[str]:
    """Records that the last whole read did not have: absent once more, they are looked up by id."""
    return set(
        connection.execute(
            select(seen.c.id).where(
                seen.c.entity == entity, seen.c.side == side, seen.c.missing >= 1, seen.c.scope != Scope.GONE
            )
        ).scalars()
    )


UNLINKED = [name for name in COLUMNS if name not in ("ticket", "missing")]


def unlinked(connection: Connection, entity: str, side: str) -> dict[str, Row[Any]]:
    """Records in scope without a link, by id: rows with the columns `UNLINKED`."""
    rows = connection.execute(_unlinked(entity, side)).all()
    return {row.id: row for row in rows}


@cache
def _unlinked(entity: str, side: str) -> Select[Any]:
    return select(*(seen.c[name] for name in UNLINKED)).where(
        seen.c.entity == entity,
        seen.c.side == side,
        seen.c.scope.in_([Scope.ACTIVE, Scope.ARCHIVED]),
        seen.c.missing == 0,
        _free(),
    )


def find(connection: Connection, entity: str, text: str) -> list[tuple[str, str]]:
    """Records (side, id) whose id or match key is this text."""
    text = text.replace("\x00", "")  # PostgreSQL refuses it, and no key has one
    by_id = select(seen.c.side, seen.c.id).where(seen.c.entity == entity, seen.c.id == text)
    by_key = select(seen_keys.c.side, seen_keys.c.id).where(
        seen_keys.c.entity == entity, or_(seen_keys.c.value == text, seen_keys.c.value == text.strip().lower())
    )
    return sorted({(row.side, row.id) for row in connection.execute(by_id.union(by_key))})


def add_revisit(connection: Connection, entity: str, side: str, ids: Sequence[str], reason: str) -> None:
    """Read these again by id in the next run, unless it reads the whole side."""
    upsert(connection, revisit, [{"entity": entity, "side": side, "id": i, "reason": reason} for i in ids])


def to_revisit(connection: Connection, entity: str, side: str) -> list[str]:
    return list(
        connection.execute(
            select(revisit.c.id).where(revisit.c.entity == entity, revisit.c.side == side).order_by(revisit.c.id)
        ).scalars()
    )


def drop_revisit(connection: Connection, entity: str, side: str, ids: Sequence[str]) -> None:
    for part in chunks(ids):
        connection.execute(
            delete(revisit).where(revisit.c.entity == entity, revisit.c.side == side, revisit.c.id.in_(part))
        )


def _free() -> Any:
    return ~exists().where(
        link_sides.c.entity == seen.c.entity, link_sides.c.side == seen.c.side, link_sides.c.record_id == seen.c.id
    )


def _these(entity: str, side: str, ids: Sequence[str]) -> tuple[Any, ...]:
    return seen.c.entity == entity, seen.c.side == side, seen.c.id.in_(ids)
