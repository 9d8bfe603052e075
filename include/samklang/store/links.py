"""Links and their bases: which records are twins, and what each side held when they were last in tune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select, update

from samklang.core.jsontext import dumps, loads
from samklang.core.records import Scope
from samklang.errors import OutdatedError
from samklang.store.schema import link_sides, links, seen
from samklang.store.upserts import chunks

Base = Mapping[str, tuple[str | None, str | None, str]]
"""By field: raw value, normal form, form (see `core.derive`)."""

Twins = Mapping[str, Mapping[str, str]]
"""Names of fields in both systems, by side, by the mapping's name of a field."""

_SEEN = ("raw", "normal", "form", "facts", "clock", "group_clocks", "changed_after", "scope", "our_key")
_BASE = ("raw", "normal", "form")


@dataclass(frozen=True, slots=True)
class LinkSide:
    side: str
    record_id: str
    base: Base
    revision: int = 0


def create(connection: Connection, *, entity: str, origin: str, run_id: str, at: str, sides: Sequence[LinkSide]) -> int:
    """Make two records twins.

    :raises sqlalchemy.exc.IntegrityError: one of them has a twin already.
    """
    link_id = connection.execute(
        insert(links)
        .values(entity=entity, state="linked", origin=origin, run_id=run_id, created_at=at)
        .returning(links.c.id)
    ).scalar_one()
    connection.execute(
        insert(link_sides),
        [
            {
                "link_id": link_id,
                "side": one.side,
                "entity": entity,
                "record_id": one.record_id,
                "revision": one.revision,
                **{name: dumps(column) for name, column in _columns(one.base).items()},
            }
            for one in sides
        ],
    )
    return int(link_id)


def advance(
    connection: Connection,
    link_id: int,
    bases: Mapping[str, Base],
    *,
    written: tuple[str, int] | None = None,
    unwritten: Mapping[str, int] | None = None,
    drop: Sequence[str] = (),
) -> None:
    """Move the bases of some fields of one link, by side.

    :param written: the side that was written and the revision that the plan saw there; it is counted up.
    :param unwritten: where nothing was written, the revision that the plan saw, by side.
    :param drop: fields whose base is forgotten on both sides.
    :raises OutdatedError: such a side has been written since, or the link is gone.
    """
    _lock(connection, link_id)
    if written is not None:
        _count_write(connection, link_id, *written)
    if unwritten is not None:
        _check_unwritten(connection, link_id, unwritten)
    for side, base in bases.items():
        where = and_(link_sides.c.link_id == link_id, link_sides.c.side == side)
        row = connection.execute(select(*(link_sides.c[name] for name in _BASE)).where(where)).one()
        new = _columns(base)
        merged = {}
        for name in _BASE:
            kept = {f: v for f, v in loads(getattr(row, name)).items() if f not in drop}
            merged[name] = dumps(kept | new[name])
        connection.execute(update(link_sides).where(where).values(**merged))


def _check_unwritten(connection: Connection, link_id: int, revisions: Mapping[str, int]) -> None:
    rows = connection.execute(
        select(link_sides.c.side, link_sides.c.revision).where(
            link_sides.c.link_id == link_id, link_sides.c.side.in_(revisions)
        )
    )
    if {row.side: row.revision for row in rows} != revisions:
        raise OutdatedError(f"Link {link_id} has been written since this plan was made.")


def _count_write(connection: Connection, link_id: int, side: str, revision: int) -> None:
    counted = connection.execute(
        update(link_sides)
        .where(link_sides.c.link_id == link_id, link_sides.c.side == side, link_sides.c.revision == revision)
        .values(revision=revision + 1)
    )
    if counted.rowcount != 1:
        raise OutdatedError(f"Link {link_id} has been written on {side} since this plan was made.")


def set_apart(connection: Connection, link_id: int) -> None:
    """Keep the records of a link from being linked, made or written; a write that is under way is outdated."""
    _lock(connection, link_id)
    connection.execute(update(links).where(links.c.id == link_id).values(state="excluded"))
    connection.execute(
        update(link_sides).where(link_sides.c.link_id == link_id).values(revision=link_sides.c.revision + 1)
    )


def leave(connection: Connection, link_id: int, side: str) -> None:
    """Take one record out of a link; the other one stays in it, set apart."""
    set_apart(connection, link_id)
    unmark(connection, [link_id], side=side)
    connection.execute(delete(link_sides).where(link_sides.c.link_id == link_id, link_sides.c.side == side))


def end(connection: Connection, link_id: int) -> None:
    """Free the records of a link. Its row stays, so that its number, which history names, is never given again."""
    _lock(connection, link_id)
    connection.execute(update(links).where(links.c.id == link_id).values(state="ended"))
    unmark(connection, [link_id])
    connection.execute(delete(link_sides).where(link_sides.c.link_id == link_id))


def apart(connection: Connection, entity: str) -> list[tuple[str, str]]:
    """Side and id of the records that a person keeps apart."""
    rows = connection.execute(
        select(link_sides.c.side, link_sides.c.record_id)
        .join(links, links.c.id == link_sides.c.link_id)
        .where(links.c.entity == entity, links.c.state == "excluded")
        .order_by(links.c.id, link_sides.c.side)
    )
    return [(row.side, row.record_id) for row in rows]


def _lock(connection: Connection, link_id: int) -> None:
    """Both lanes move bases of both sides: the link's row is the lock (SQLite has one writer anyway)."""
    connection.execute(select(links.c.id).where(links.c.id == link_id).with_for_update())


def unmark(connection: Connection, link_ids: Sequence[int], *, side: str | None = None) -> None:
    """People find the records of these links among those without one again, see `seen.mark_linked`: before they go.

    :param side: only the records of this side.
    """
    for part in chunks(link_ids):
        statement = select(link_sides).where(link_sides.c.link_id.in_(part))
        ends: dict[tuple[str, str], list[str]] = {}
        for row in connection.execute(statement if side is None else statement.where(link_sides.c.side == side)):
            ends.setdefault((row.entity, row.side), []).append(row.record_id)
        for (entity, where), ids in sorted(ends.items()):
            these = and_(seen.c.entity == entity, seen.c.side == where, seen.c.id.in_(ids))
            connection.execute(update(seen).where(these).values(linked=None))


def of_records(connection: Connection, entity: str, side: str, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Link and revision of that side, by record id."""
    found = {}
    for part in chunks(ids):
        rows = connection.execute(
            select(link_sides.c.record_id, link_sides.c.link_id, link_sides.c.revision).where(
                link_sides.c.entity == entity, link_sides.c.side == side, link_sides.c.record_id.in_(part)
            )
        )
        found.update({row.record_id: (row.link_id, row.revision) for row in rows})
    return found


def base_texts(connection: Connection, entity: str, side: str, ids: Sequence[str]) -> dict[str, str]:
    """The raw base of linked records, as JSON text, by record id."""
    found = {}
    for part in chunks(ids):
        rows = connection.execute(
            select(link_sides.c.record_id, link_sides.c.raw).where(
                link_sides.c.entity == entity, link_sides.c.side == side, link_sides.c.record_id.in_(part)
            )
        )
        found.update({row.record_id: row.raw for row in rows})
    return found


def shelve(connection: Connection, entity: str, left: Twins, back: Twins, *, after: int = 0, size: int = 5_000) -> int:
    """Put the bases of fields that left the mapping aside, and take those of fields that came back, in a page of links.

    :param left: the twins that these fields had. :param back: those that they have now: a base returns to no others.
    :returns: the last link id of the page; 0 after the last.
    """
    ids = connection.execute(
        select(links.c.id).where(links.c.entity == entity, links.c.id > after).order_by(links.c.id).limit(size)
    ).scalars()
    last = 0
    for last in list(ids):
        _lock(connection, last)
        for row in connection.execute(select(link_sides).where(link_sides.c.link_id == last)).all():
            base = {name: loads(getattr(row, name)) for name in _BASE}
            shelf = loads(row.shelf or "{}")
            for field in left:
                if field in base["raw"]:
                    shelf[field] = {"twins": dict(left[field])} | {name: base[name].pop(field) for name in _BASE}
            for field in [field for field in back if field in shelf]:
                entry = shelf.pop(field)
                if entry["twins"] == dict(back[field]):
                    for name in _BASE:
                        base[name][field] = entry[name]
            new = {name: dumps(base[name]) for name in _BASE} | {"shelf": dumps(shelf) if shelf else None}
            if any(getattr(row, name) != value for name, value in new.items()):
                here = and_(link_sides.c.link_id == last, link_sides.c.side == row.side)
                connection.execute(update(link_sides).where(here).values(**new))
    return last


def twin_of(connection: Connection, entity: str, side: str, record_id: str) -> int | None:
    """The link that a record has, if any."""
    return connection.execute(
        select(link_sides.c.link_id).where(
            link_sides.c.entity == entity, link_sides.c.side == side, link_sides.c.record_id == record_id
        )
    ).scalar()


def halves(connection: Connection, entity: str) -> list[tuple[str, str, str, str, str]]:
    """Links of which one record is gone, or erased: which of the two, side and id of that record, and of its twin."""
    gone, twin = link_sides.alias("gone"), link_sides.alias("twin")
    rows = connection.execute(
        select(seen.c.scope, gone.c.side, gone.c.record_id, twin.c.side, twin.c.record_id)
        .join(seen, and_(seen.c.entity == gone.c.entity, seen.c.side == gone.c.side, seen.c.id == gone.c.record_id))
        .join(twin, and_(twin.c.link_id == gone.c.link_id, twin.c.side != gone.c.side))
        .join(links, and_(links.c.id == gone.c.link_id, links.c.state == "linked"))
        .where(gone.c.entity == entity, seen.c.scope.in_([Scope.GONE, Scope.ERASED]))
        .order_by(gone.c.link_id)
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def count(connection: Connection, entity: str) -> int:
    return connection.execute(
        select(func.count()).select_from(links).where(links.c.entity == entity, links.c.state == "linked")
    ).scalar_one()


def out_of_tune(
    connection: Connection,
    entity: str,
    sides: tuple[str, str],
    *,
    after: int = 0,
    limit: int = 100_000,
    window: tuple[str, str] | None = None,
) -> pd.DataFrame:
    """Linked pairs, both in scope, of which a side differs from its base; in the order of their ids.

    Columns: `link_id`, and per side `{side}_id`, `{side}_revision`, `{side}_raw`, … of what was seen and
    `{side}_base_raw`, `{side}_base_normal`, `{side}_base_form`. Unequal text only makes a pair a candidate.

    :param after: the last link id of the page before.
    :param window: only pairs of which a record was last changed in [start, end), by its own system's clock.
    """
    statement, seen_of, base_of = _pairs(entity, sides)
    differs = or_(
        *(seen_of[s].c.raw != base_of[s].c.raw for s in sides), *(seen_of[s].c.form != base_of[s].c.form for s in sides)
    )
    statement = statement.where(links.c.id > after, differs, *(seen_of[s].c.scope == Scope.ACTIVE for s in sides))
    if window:
        start, end = window
        statement = statement.where(or_(*(and_(seen_of[s].c.clock >= start, seen_of[s].c.clock < end) for s in sides)))
    rows = connection.execute(statement.order_by(links.c.id).limit(limit)).all()
    return _frame(statement, rows)


def pair(connection: Connection, entity: str, sides: tuple[str, str], link_id: int) -> pd.DataFrame:
    """The same columns for one link, in tune or not."""
    statement, _, _ = _pairs(entity, sides)
    rows = connection.execute(statement.where(links.c.id == link_id)).all()
    return _frame(statement, rows)


def these(
    connection: Connection, entity: str, sides: tuple[str, str], link_ids: Sequence[int], *, state: str = "linked"
) -> dict[int, dict[str, Any]]:
    """The same columns for some links in this state, in tune or not: by link id."""
    statement, _, _ = _pairs(entity, sides, state)
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(link_ids):
        for row in connection.execute(statement.where(links.c.id.in_(part))).mappings():
            found[row["link_id"]] = {str(name): value for name, value in row.items()}
    return found


def count_in_tune(connection: Connection, entity: str, sides: tuple[str, str]) -> int:
    """Linked pairs of which both sides equal their base, field by field."""
    statement, seen_of, base_of = _pairs(entity, sides)
    same = and_(
        *(seen_of[s].c.raw == base_of[s].c.raw for s in sides), *(seen_of[s].c.form == base_of[s].c.form for s in sides)
    )
    return connection.execute(select(func.count()).select_from(statement.where(same).subquery())).scalar_one()


def _frame(statement: Select[Any], rows: Sequence[Any]) -> pd.DataFrame:
    """Text stays Python text: it is unpacked at once, and Arrow strings would only be built and taken apart."""
    names = [column.name for column in statement.selected_columns]
    if not rows:
        return pd.DataFrame(columns=names, dtype=object)
    columns = zip(*rows, strict=True)
    return pd.DataFrame({n: pd.Series(list(c), dtype=object) for n, c in zip(names, columns, strict=True)})


@cache  # a statement this wide takes longer to write down than to carry out on a small store
def _pairs(entity: str, sides: tuple[str, str], state: str = "linked") -> tuple[Select, dict, dict]:  # type: ignore[type-arg]
    base_of = {side: link_sides.alias(f"base_{side}") for side in sides}
    seen_of = {side: seen.alias(f"seen_{side}") for side in sides}
    columns: list[Any] = [links.c.id.label("link_id")]
    source = links
    for side in sides:
        base, now = base_of[side], seen_of[side]
        source = source.join(base, and_(base.c.link_id == links.c.id, base.c.side == side))  # type: ignore[assignment]
        source = source.join(  # type: ignore[assignment]
            now, and_(now.c.entity == entity, now.c.side == side, now.c.id == base.c.record_id)
        )
        columns += [base.c.record_id.label(f"{side}_id"), base.c.revision.label(f"{side}_revision")]
        columns.extend(now.c[name].label(f"{side}_{name}") for name in _SEEN)
        columns.extend(base.c[name].label(f"{side}_base_{name}") for name in _BASE)
    statement = select(*columns).select_from(source).where(links.c.entity == entity, links.c.state == state)
    return statement, seen_of, base_of


def _columns(base: Base) -> dict[str, dict[str, str | None]]:
    return {name: {field: value[i] for field, value in base.items()} for i, name in enumerate(_BASE)}
