"""Undo: put back what a run wrote, where the target still holds it; and let such a value go again.

Nothing is written here: each value becomes an order, which the next run carries out like any other row of its plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from samklang.core.derive import SKIP
from samklang.core.jsontext import loads
from samklang.core.mapping import Mapping
from samklang.core.plan import Based
from samklang.core.records import Scope
from samklang.errors import DecisionError
from samklang.store import apart, journal, links, orders
from samklang.store import undo as stored
from samklang.store.upserts import chunks
from samklang.sync.decide import Desk, Done, Record, named
from samklang.sync.parted import Parted, of_run

_PAGE = 5_000
_ORDERED = "put back by the next run already"


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a run wrote.

    :param now: raw, what the target holds. :param restored: raw, what it held before the run.
    :param other: raw, what the other side holds.
    :param reason: why it is left alone; empty where it can be put back.
    """

    link_id: int
    side: str
    record_id: str
    field: str
    now: str | None
    restored: str | None
    other: str | None
    of_run: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A link that a run made. :param ids: of both records, by side. :param origin: `matched` or `created`."""

    link_id: int
    ids: dict[str, str]
    origin: str


@dataclass(slots=True)
class Undo:
    """What an undo would do.

    :param of_run: the run that is undone.
    :param fields: what is put back. :param moved: what is left alone, with the reason.
    :param made: links that the run made: their records stay, and are kept apart from then on; what it wrote to them is
        put back all the same.
    :param parted: what has set apart links that the run made, since.
    """

    of_run: str = ""
    fields: list[Field] = field(default_factory=list)
    moved: list[Field] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    parted: list[Parted] = field(default_factory=list)


def preview(
    connection: Connection, mapping: Mapping, *, run_id: str | None = None, record: Record | None = None
) -> Undo:
    """What undoing a run, or what it did to one pair, would do now.

    :param run_id: None: the last run that wrote to the record.
    :param record: None: all that the run wrote.
    :raises DecisionError: neither is given, or nothing is known of it.
    """
    link_id = _link_of(connection, mapping, record) if record is not None else None
    if run_id is None:
        run_id = stored.last_run(connection, mapping.entity, link_id) if link_id is not None else None
        if run_id is None:
            what = named(record) if record else "that"
            raise DecisionError(f"No run has written to {what} yet, so there is nothing to undo.")
    elif not stored.is_run(connection, mapping.entity, run_id):
        raise DecisionError(
            f"No run {run_id} of {mapping.entity} is known.", remedy=f"List them: samklang runs {mapping.entity}"
        )
    undo = Undo(run_id, made=[Made(**row) for row in stored.links_made(connection, mapping.entity, run_id, link_id)])
    for written in chunks(stored.written(connection, mapping.entity, run_id, link_id), _PAGE):
        for one in _judged(connection, mapping, run_id, written):
            (undo.moved if one.reason else undo.fields).append(one)
    undo.parted += of_run(connection, mapping, run_id, link_id)
    return undo


def undo(desk: Desk, *, run_id: str | None = None, record: Record | None = None) -> Done:
    """Have the next run put back what a run wrote, see `preview`, and keep the records apart that it linked.

    :raises DecisionError: see `preview`.
    """
    journal.hold_plans(desk.connection, desk.mapping.entity)
    found = preview(desk.connection, desk.mapping, run_id=run_id, record=record)
    parted = {link.link_id for link in found.made}
    orders.add(
        desk.connection,
        desk.mapping.entity,
        [
            {
                "link_id": one.link_id, "side": one.side, "record_id": one.record_id, "field": one.field,
                "kind": orders.PART if one.link_id in parted else "undo",
                "value": one.restored, "expected": one.now, "other": one.other,
                "action": desk.run_id, "of_run": one.of_run, "at": desk.at,
            }
            for one in found.fields
        ],
    )  # fmt: skip
    written = dict.fromkeys((one.link_id, (one.side, one.record_id), "") for one in found.fields)
    desk.note_all("undo", list(written))
    apart.set_apart(desk.connection, [link.link_id for link in found.made])
    desk.note_all("unlink", [(link.link_id, end, "") for link in found.made for end in sorted(link.ids.items())])
    return Done(
        done=[*(_told(one) for one in found.fields), *(" = ".join(map(named, m.ids.items())) for m in found.made)],
        left=[(_told(one), one.reason) for one in found.moved],
    )


def release(desk: Desk, text: str, field: str) -> Done:
    """Let a value go that was put back: the other side's value moves over with the next run.

    :param text: one of the two records, as `explain` takes it.
    :raises DecisionError: there is no such pair, or no such field.
    """
    journal.hold_plans(desk.connection, desk.mapping.entity)
    record, link = desk.find_link(text)
    what = f"{named(record)} {field}"
    alive = orders.alive_of_field(desk.connection, link["id"], field)
    if not alive or alive[0]["kind"] != "undo":
        return Done(left=[(what, "not put back, or let go already")])
    for order in alive:  # until its run, an undo stands beside the one that it undoes
        let_go(desk, order, desk.mapping.other(order["side"]))
    desk.note(link["id"], "release", sorted(link["ids"].items()), field)
    return Done(done=[what])


def let_go(desk: Desk, order: orders.Row, source: str) -> None:
    """An undo ends. Where it stands, one side's value moves over with the next run. :param source: that side."""
    orders.close(desk.connection, order["id"], orders.RELEASED, desk.at)
    if order["state"] != orders.STANDING:
        return
    pair = links.these(desk.connection, desk.mapping.entity, desk.mapping.sides, [order["link_id"]])[order["link_id"]]
    name = order["field"]
    base = as_edited(seen_value(pair, source, name), seen_value(pair, desk.mapping.other(source), name))
    links.advance(desk.connection, order["link_id"], {source: {name: base}})


def as_edited(now: Based, other: Based) -> Based:
    """A base that makes a value pass for an edit: empty; or for an emptied field, the other side's value."""
    return (None, None, now[2]) if now[0] is not None else (other[0], other[1] or other[0], now[2])


def seen_value(pair: dict[str, Any], side: str, name: str) -> Based:
    """What a side of a pair holds: raw value, normal form, form. :param pair: a row of `links.these`."""
    raw, normal, form = (loads(pair[f"{side}_{part}"]).get(name) for part in ("raw", "normal", "form"))
    return raw, normal, form or ""


def _link_of(connection: Connection, mapping: Mapping, record: Record) -> int:
    link_id = links.twin_of(connection, mapping.entity, *record)
    if link_id is None:
        raise DecisionError(f"{named(record)} has no twin, so no run has written to it.")
    return link_id


def _judged(connection: Connection, mapping: Mapping, run_id: str, written: list[dict[str, Any]]) -> Iterator[Field]:
    link_ids = sorted({row["link_id"] for row in written})
    pairs = links.these(connection, mapping.entity, mapping.sides, link_ids)
    alive = orders.alive_of(connection, link_ids)
    names = {f.name for f in mapping.fields}
    for row in written:
        pair, name, side = pairs.get(row["link_id"]), row["field"], row["side"]
        order = alive.get((row["link_id"], name))
        now = other = None
        if pair is None and order is not None and order["state"] == orders.WANTED:
            reason = _ORDERED
        elif pair is None or pair[f"{side}_id"] != row["record_id"]:
            reason = "not linked any more"
        elif name not in names:
            reason = "not in the mapping any more"
        else:
            raw = loads(pair[f"{side}_raw"])
            now, other = raw.get(name), loads(pair[f"{mapping.other(side)}_raw"]).get(name)
            reason = _why_not(pair, mapping, raw, row)
            if order is not None and order["state"] == orders.WANTED and not reason:
                reason = _ORDERED
        yield Field(row["link_id"], side, row["record_id"], name, now, row["before"], other, run_id, reason)


def _why_not(pair: dict[str, Any], mapping: Mapping, raw: dict[str, Any], row: dict[str, Any]) -> str:
    paused = [side for side in mapping.sides if pair[f"{side}_scope"] != Scope.ACTIVE]
    if paused:
        return f"the record in {paused[0]} is {pair[f'{paused[0]}_scope']}"
    if row["field"] not in raw or raw[row["field"]] != row["after"]:
        return "changed since"
    if raw[row["field"]] == row["before"]:
        return "nothing to put back"
    form = seen_value(pair, row["side"], row["field"])[2]
    if form.startswith(SKIP):
        return f"not synchronised at present: {form.removeprefix(SKIP)}"
    return ""


def _told(one: Field) -> str:
    return f"{named((one.side, one.record_id))} {one.field}"
