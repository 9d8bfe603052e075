"""Records that people keep apart: many at once, in few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, func, insert, select, tuple_, update

from samklang.core.jsontext import dumps
from samklang.core.records import Scope
from samklang.store.links import unmark
from samklang.store.schema import conflicts, history, holds, intents, link_sides, links, seen, verdicts
from samklang.store.upserts import chunks, upsert

Record = tuple[str, str]
"""Side and id."""
REASON = "kept_apart_by_a_person"
TWIN_GONE = "its_former_twin_is_gone"


@dataclass(frozen=True, slots=True)
class Link:
    """:param state: `linked`, or `excluded`. :param ends: its records; of a link with one side, one."""

    id: int
    state: str
    ends: tuple[Record, ...]


def links_of(connection: Connection, entity: str, records: Sequence[Record]) -> dict[Record, Link]:
    """The link of each of these records that has one; locked until the transaction ends."""
    mine = link_sides.alias("mine")
    ends: dict[int, list[Record]] = {}
    states: dict[int, str] = {}
    for side, ids in by_side(records).items():
        for part in chunks(ids):
            wanted = select(mine.c.link_id).where(
                mine.c.entity == entity, mine.c.side == side, mine.c.record_id.in_(part)
            )
            rows = connection.execute(
                select(links.c.id, links.c.state, link_sides.c.side, link_sides.c.record_id)
                .join(link_sides, link_sides.c.link_id == links.c.id)
                .where(links.c.id.in_(wanted))
                .order_by(links.c.id)
                .with_for_update(of=links)
            )
            for row in rows:
                states[row.id] = row.state
                ends.setdefault(row.id, []).append((row.side, row.record_id))
    found = {link_id: Link(link_id, states[link_id], tuple(sorted(set(of)))) for link_id, of in ends.items()}
    return {end: link for link in found.values() for end in link.ends}


def set_apart(connection: Connection, link_ids: Sequence[int]) -> None:
    """As `links.set_apart`, of many."""
    for part in chunks(sorted(link_ids)):  # in this order, so that two of us cannot wait for each other
        connection.execute(select(links.c.id).where(links.c.id.in_(part)).order_by(links.c.id).with_for_update())
        connection.execute(update(links).where(links.c.id.in_(part)).values(state="excluded"))
        connection.execute(
            update(link_sides).where(link_sides.c.link_id.in_(part)).values(revision=link_sides.c.revision + 1)
        )


def only_excluded(connection: Connection, link_ids: Sequence[int]) -> set[int]:
    """Those of these links that were set apart by an exclusion, and not because their records are no twins."""
    return {link_id for link_id, (op, _) in partings(connection, link_ids).items() if op == "exclude"}


def partings(connection: Connection, link_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """How each of these links was last set apart: `exclude` or `unlink`, and the name of the action."""
    last: dict[int, tuple[str, str]] = {}
    for part in chunks(link_ids):
        notes = select(history.c.link_id, history.c.op, history.c.run_id).where(
            history.c.link_id.in_(part), history.c.op.in_(("exclude", "unlink"))
        )
        last |= {row.link_id: (row.op, row.run_id) for row in connection.execute(notes.order_by(history.c.id))}
    return last


def left_by_gone(connection: Connection, entity: str, side: str) -> dict[str, str]:
    """Records of a side whose last twin is gone, where a person let the two be matched anew before that was known:
    nobody has said that another one is to be made. With that twin's id, by their own."""
    mine, theirs, last = (history.alias(name) for name in ("mine", "theirs", "last"))
    newest = (
        select(func.max(last.c.id))
        .where(
            last.c.entity == entity, last.c.side == side, last.c.record_id == mine.c.record_id,
            last.c.op.in_(("unlink", "include", "exclude", "relink")),
        )
        .scalar_subquery()
    )  # fmt: skip
    of_gone = and_(theirs.c.entity == entity, theirs.c.side == seen.c.side, theirs.c.record_id == seen.c.id)
    together = and_(mine.c.link_id == theirs.c.link_id, mine.c.run_id == theirs.c.run_id, mine.c.op == theirs.c.op)
    wanted = and_(intents.c.entity == entity, intents.c.source_id == mine.c.record_id, intents.c.state == "wanted")
    rows = connection.execute(
        select(mine.c.record_id, seen.c.id)
        .join(theirs, of_gone)
        .join(mine, together)
        .where(
            seen.c.entity == entity, seen.c.scope == Scope.GONE, seen.c.side != side, mine.c.side == side,
            theirs.c.op.in_(("unlink", "include")), mine.c.id == newest,
            ~select(intents.c.id).where(wanted, intents.c.side == seen.c.side).exists(),
        )
    )  # fmt: skip
    return {row.record_id: row.id for row in rows}


def link_again(connection: Connection, link_ids: Sequence[int]) -> None:
    """Take `set_apart` back: their bases are what they were. The caller holds their locks."""
    for part in chunks(link_ids):
        connection.execute(update(links).where(links.c.id.in_(part)).values(state="linked"))


def keep_alone(connection: Connection, entity: str, records: Sequence[Record], *, run_id: str, at: str) -> list[int]:
    """An excluded link with one side for each of these records, which have none.

    :returns: their numbers, in the order of the records.
    """
    link = {"entity": entity, "state": "excluded", "origin": "excluded", "run_id": run_id, "created_at": at}
    found: list[int] = []
    for part in chunks(records):
        new = insert(links).returning(links.c.id, sort_by_parameter_order=True)
        ids = list(connection.execute(new, [link] * len(part)).scalars())
        empty = {name: dumps({}) for name in ("raw", "normal", "form")}
        connection.execute(
            insert(link_sides),
            [
                {"link_id": link_id, "side": side, "entity": entity, "record_id": i, "revision": 0, **empty}
                for link_id, (side, i) in zip(ids, part, strict=True)
            ],
        )
        found += ids
    return found


def end(connection: Connection, link_ids: Sequence[int]) -> None:
    """As `links.end`, of many. The caller holds their locks."""
    for part in chunks(link_ids):
        connection.execute(update(links).where(links.c.id.in_(part)).values(state="ended"))
        unmark(connection, part)
        connection.execute(delete(link_sides).where(link_sides.c.link_id.in_(part)))


def intended(connection: Connection, entity: str, target: str, ids: Sequence[str]) -> set[str]:
    """Those of these records of which a run may be making a twin on a side right now."""
    return {
        i
        for part in chunks(ids)
        for i in connection.execute(
            select(intents.c.source_id).where(
                intents.c.entity == entity,
                intents.c.side == target,
                intents.c.source_id.in_(part),
                intents.c.state == "open",
            )
        ).scalars()
    }


def forget_wishes(connection: Connection, entity: str, target: str, ids: Sequence[str]) -> None:
    """As `ledger.forget_wish`, of many."""
    for part in chunks(ids):
        connection.execute(
            delete(intents).where(
                intents.c.entity == entity,
                intents.c.side == target,
                intents.c.source_id.in_(part),
                intents.c.state == "wanted",
            )
        )


def close_conflicts(connection: Connection, entity: str, record_ids: Sequence[str]) -> None:
    """As `clashes.close_all`, of many pairs."""
    for part in chunks(record_ids):
        connection.execute(
            update(conflicts)
            .where(conflicts.c.entity == entity, conflicts.c.record_ids.in_(part), conflicts.c.state == "open")
            .values(state="decided", rule="unlinked")
        )


def drop_holds(connection: Connection, entity: str, places: Sequence[tuple[str, str]]) -> None:
    """Nothing is held of records that nobody writes. :param places: target side, and id of the record on the other."""
    for part in chunks(places):
        connection.execute(
            delete(holds).where(holds.c.entity == entity, tuple_(holds.c.side, holds.c.source_id).in_(part))
        )


def say_apart(connection: Connection, entity: str, records: Sequence[Record], *, run_id: str) -> None:
    """Say at once what the next plan will say of these records."""
    upsert(
        connection,
        verdicts,
        [
            {
                "entity": entity, "side": side, "record_id": i, "verdict": "excluded", "reason": REASON,
                "candidates": dumps({}), "run_id": run_id,
            }
            for side, i in records
        ],
    )  # fmt: skip


def unsay(connection: Connection, entity: str, records: Sequence[Record]) -> None:
    """Take back `say_apart`."""
    for part in chunks(records):
        connection.execute(
            delete(verdicts).where(
                verdicts.c.entity == entity,
                verdicts.c.reason == REASON,
                tuple_(verdicts.c.side, verdicts.c.record_id).in_(part),
            )
        )


def by_side(records: Sequence[Record]) -> dict[str, list[str]]:
    """Ids by side, sorted, each once."""
    found: dict[str, set[str]] = {}
    for side, i in records:
        found.setdefault(side, set()).add(i)
    return {side: sorted(ids) for side, ids in sorted(found.items())}
