"""Take staged reads, and what writes answered, into what was last *seen* of each record."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection

from samklang.core.derive import SideView, by_field, derive, derive_all, match_keys
from samklang.core.jsontext import dumps, loads
from samklang.core.mapping import Mapping
from samklang.core.records import Record, Scope
from samklang.store import journal, seen
from samklang.store.tickets import next_ticket
from samklang.sync.context import Sync

_INPUTS = ("raw", "facts", "scope", "created", "clock", "group_clocks", "our_key")


def take_in(sync: Sync, view: SideView, read: dict[str, Any]) -> int:
    """Bring `seen` up to one staged read. Taking it in again changes nothing.

    A read that is older than the newest one taken in is left out whole, and a record that was written since the read
    began keeps what the write answered and is read again: an older observation never replaces a newer one.

    :returns: how many records are new or different.
    """
    entity, side, ticket = sync.entity, view.name, read["ticket"]
    with sync.database.read() as connection:
        newest, last_started = seen.newest_taken_in(connection, entity, side)
    if ticket < newest:
        return 0
    changed = 0
    ids: set[str] = set()
    for frame in sync.staging.read_frames(read["folder"]):
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        ids.update(row["id"] for row in rows)
        with sync.database.begin() as connection:
            changed += _take_rows(connection, sync.mapping, view, rows, ticket, last_started)
    with sync.database.begin() as connection:
        if seen.newest_taken_in(connection, entity, side)[0] < ticket:
            if read["whole"]:
                seen.set_found(connection, entity, side, ids)
                seen.set_missing(connection, entity, side, sorted(seen.present_ids(connection, entity, side) - ids))
            seen.mark_taken_in(connection, ticket)
            if len(read["gone"]) <= sync.mapping.limits.gone:
                seen.set_gone(connection, entity, side, read["gone"])
            seen.drop_revisit(
                connection, entity, side, _settled(connection, entity, side, ids | set(read["gone"]), ticket)
            )
    return changed


def derive_again(sync: Sync, views: tuple[SideView, SideView]) -> None:
    """Bring normal forms and forms of all records up to the mapping, when it or a system's terms have changed."""
    name = f"terms.{sync.entity}"
    terms = _terms(sync.mapping, views)
    memory = journal.StoredMemory(sync.database, "sync")
    if memory.get(name) == terms:
        return
    if name in memory:
        for view in views:
            with sync.database.read() as connection:
                for rows in seen.pages(connection, sync.entity, view.name):
                    _rederive(sync, view, rows)
    memory[name] = terms


def record_answer(
    connection: Connection, sync: Sync, view: SideView, record: Record, clock: str
) -> tuple[dict[str, Any], bool]:
    """Store what a system answered to a write.

    :param clock: our time, for a record without a clock of its own.
    :returns: the row of `seen` as it is now, with its maps unpacked; and whether it was known before.
    """
    before = seen.known(connection, sync.entity, view.name, [record.id]).get(record.id)
    raw = (loads(before["raw"]) if before else {}) | by_field(sync.mapping, view.name, record.values)
    facts = (loads(before["facts"]) if before else {}) | dict(record.facts)
    derived = derive(sync.mapping, view, raw, facts)
    row = {
        "id": record.id,
        "raw": dumps(raw),
        "normal": dumps(derived.normal),
        "form": dumps(derived.form),
        "facts": dumps(facts),
        "scope": str(record.scope),
        "created": record.created or (before["created"] if before else clock),
        "clock": record.clock or (before["clock"] if before else clock),
        "group_clocks": dumps(dict(record.group_clocks)),
        "our_key": record.key,
        "ticket": next_ticket(connection),
        "changed_after": before["changed_after"] if before else None,
        "missing": 0,
    }
    keys = [(record.id, name, value) for name, value in match_keys(sync.mapping, derived.normal)]
    seen.put(connection, sync.entity, view.name, [row], keys)
    return {**row, "raw": raw, "normal": derived.normal, "form": derived.form, "facts": facts}, before is not None


def _take_rows(
    connection: Connection,
    mapping: Mapping,
    view: SideView,
    rows: list[dict[str, Any]],
    ticket: int,
    last_started: str | None,
) -> int:
    entity, side = mapping.entity, view.name
    known = seen.known(connection, entity, side, [row["id"] for row in rows])
    written_since = [i for i, old in known.items() if old["ticket"] > ticket]
    if written_since:
        seen.add_revisit(connection, entity, side, written_since, "written while it was read")
    new = [
        row
        for row in rows
        if (old := known.get(row["id"])) is None
        or (old["ticket"] <= ticket and (old["missing"] or any(old[name] != row[name] for name in _INPUTS)))
    ]
    fresh = [row for row in new if not _same_terms(known.get(row["id"]), row)]
    derived = dict(
        zip(
            (row["id"] for row in fresh),
            derive_all(mapping, view, [loads(r["raw"]) for r in fresh], [loads(r["facts"]) for r in fresh]),
            strict=True,
        )
    )
    stored, keys = [], []
    for row in new:
        old = known.get(row["id"])
        one = derived.get(row["id"])
        normal = one.normal if one else loads(known[row["id"]]["normal"])
        differs = old is None or old["raw"] != row["raw"]
        stored.append(
            {
                **row,
                "normal": dumps(normal),
                "form": dumps(one.form) if one else known[row["id"]]["form"],
                "ticket": ticket,
                "changed_after": (last_started if old else None) if differs else known[row["id"]]["changed_after"],
                "missing": 0,
            }
        )
        keys += [(row["id"], name, value) for name, value in match_keys(mapping, normal)]
    seen.put(connection, entity, side, stored, keys)
    return len(new)


def _same_terms(old: dict[str, Any] | None, row: dict[str, Any]) -> bool:
    return old is not None and old["raw"] == row["raw"] and old["facts"] == row["facts"]


def _settled(connection: Connection, entity: str, side: str, ids: set[str], ticket: int) -> list[str]:
    """Of the records to revisit, those that this read really brought up to date."""
    waiting = [i for i in seen.to_revisit(connection, entity, side) if i in ids]
    known = seen.known(connection, entity, side, waiting)
    return [i for i in waiting if i not in known or known[i]["ticket"] <= ticket or known[i]["scope"] == Scope.GONE]


def _rederive(sync: Sync, view: SideView, rows: list[dict[str, Any]]) -> None:
    raw = [loads(row["raw"]) for row in rows]
    derived = derive_all(sync.mapping, view, raw, [loads(row["facts"]) for row in rows])
    keys = [
        (row["id"], name, value)
        for row, one in zip(rows, derived, strict=True)
        for name, value in match_keys(sync.mapping, one.normal)
    ]
    with sync.database.begin() as connection:
        seen.put(
            connection,
            sync.entity,
            view.name,
            [
                {**row, "normal": dumps(one.normal), "form": dumps(one.form)}
                for row, one in zip(rows, derived, strict=True)
            ],
            keys,
        )


def _terms(mapping: Mapping, views: tuple[SideView, SideView]) -> str:
    """What normal forms and forms depend on, besides the values."""
    content = {
        "fields": [(f.name, dict(f.names), f.kind) for f in mapping.fields],
        "match": mapping.match,
        "region": mapping.region,
        "currency": mapping.currency,
        "vat": [str(mapping.vat.default), {k: str(v) for k, v in mapping.vat.by_group.items()}],
        "facts": [dict(view.facts) for view in views],
    }
    return hashlib.blake2b(dumps(content).encode(), digest_size=16).hexdigest()
