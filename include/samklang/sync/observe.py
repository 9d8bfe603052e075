"""Take staged reads, and what writes answered, into what was last *seen* of each record."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection

from samklang.core.derive import SideView, by_field, derive, derive_all, match_keys
from samklang.core.jsontext import dumps, loads
from samklang.core.mapping import Mapping
from samklang.core.records import IN_SCOPE, Record, Scope
from samklang.core.values import NORMAL_FORMS
from samklang.errors import OutdatedError
from samklang.staging import missing_files
from samklang.store import journal, links, seen, tombstones
from samklang.store.tickets import next_ticket
from samklang.sync import unread, unshown
from samklang.sync.context import Sync
from samklang.sync.forgotten import MARK, left_out
from samklang.sync.freshness import is_older, is_outdated, noted, told

_INPUTS = ("raw", "facts", "scope", "created", "clock", "group_clocks", "our_key")


def take_in(sync: Sync, view: SideView, read: dict[str, Any]) -> int:
    """Bring `seen` up to one staged read. Taking it in again changes nothing.

    A read that is older than the newest one taken in is left out whole, and a record that was written since the read
    began keeps what the write answered and is read again: an older observation never replaces a newer one.

    :returns: how many records are new or different.
    :raises OutdatedError: the store has been restored from a backup since the read began.
    :raises StagingError: the read's files have expired.
    """
    entity, side, ticket = sync.entity, view.name, read["ticket"]
    sync.staging.check(read["folder"])
    with sync.database.read() as connection:
        if not seen.is_known_read(connection, ticket, read["started_at"]):
            raise OutdatedError(
                f"The link store does not know this read of {side}: it has been replaced by an older one since.",
                remedy="Trigger the DAG again; a new run reads everything that the older store does not know.",
            )
        newest, other_clock = seen.newest_taken_in(connection, entity, side)
    if ticket < newest:
        return 0
    is_complete = shows_everybody(read)
    changed = 0
    ids, behind = set[str](), set[str]()
    for rows in sync.staging.read_tables(read["folder"]):
        if read["denied"] and rows and not ids:
            unshown.note(sync, side, ticket, rows[0]["id"])
        ids.update(row["id"] for row in rows)
        with sync.database.begin() as connection:
            seen.take_turns(connection, entity, side)
            stored, old = _take_rows(connection, sync.mapping, view, rows, read, other_clock)
        changed += stored
        behind.update(old)
    if len(ids) != read["rows"]:
        raise missing_files(read["folder"])  # they are no records that have gone
    with sync.database.begin() as connection:
        seen.take_turns(connection, entity, side)
        if seen.newest_taken_in(connection, entity, side)[0] < ticket:
            unread.drop(connection, sync, side, ids)
            if is_complete:
                seen.set_found(connection, entity, side, ids)
                there = seen.present_ids(connection, entity, side, until=ticket)
                seen.set_missing(connection, entity, side, sorted(there - ids))
                if len(read["gone"]) <= sync.mapping.limits.gone:
                    ids |= seen.set_gone(connection, entity, side, sorted(there.intersection(read["gone"])))
            seen.mark_taken_in(connection, ticket)
            seen.drop_revisit(connection, entity, side, _settled(connection, entity, side, ids - behind, ticket))
    if is_complete and not read["denied"]:
        unshown.shown(sync, side, ticket)
    return changed


def shows_everybody(read: dict[str, Any]) -> bool:
    """Whether who is not in this read is absent: it was of the whole side, and no record had to be left out."""
    return bool(read.get("complete", read["whole"]))


def derive_again(sync: Sync, views: tuple[SideView, SideView]) -> None:
    """Bring normal forms, forms and bases up to the mapping, when it or a system's terms have changed.

    The base of a field that left the mapping is kept aside for when it comes back with the same twin: what people
    edited meanwhile, or had edited before, is an edit then.
    """
    terms, memory = _terms(sync.mapping, views), journal.StoredMemory(sync.database, "sync")
    name = f"terms.{sync.entity}"
    if memory.get(name) == terms:
        return
    now, before = _twins(sync.mapping), known_twins(sync)
    if name in memory:
        left = {field: names for field, names in before.items() if now.get(field) != names}
        back = {field: names for field, names in now.items() if before.get(field) != names}
        _shelve(sync, left, back)
        for view in views:
            _rederive(sync, view)
    memory[_fields_name(sync)] = dumps(now)
    memory[name] = terms


def known_twins(sync: Sync) -> dict[str, dict[str, str]]:
    """The fields, with their names in both systems, that the newest plan was made with; none before the first."""
    found: dict[str, dict[str, str]] = loads(journal.StoredMemory(sync.database, "sync").get(_fields_name(sync), "{}"))
    return found


def _twins(mapping: Mapping) -> dict[str, dict[str, str]]:
    return {f.name: dict(f.names) for f in mapping.fields}


def _fields_name(sync: Sync) -> str:
    return f"fields.{sync.entity}"


def _shelve(sync: Sync, left: links.Twins, back: links.Twins) -> None:
    after = 0
    while left or back:
        with sync.database.begin() as connection:
            after = links.shelve(connection, sync.entity, left, back, after=after)
        if not after:
            return


def record_answer(
    connection: Connection,
    sync: Sync,
    view: SideView,
    record: Record,
    clock: str,
    *,
    written: Collection[str] = (),
    whole: bool = False,
) -> dict[str, Any]:
    """Store what a system answered to a write.

    Our own write moves the record's clocks and is no edit: they stay as they were, unless the answer shows that
    somebody else changed something too. Else a conflict that is still held would turn to the side that we wrote last.

    :param clock: our time, for a record without a clock of its own.
    :param written: the fields that we wrote.
    :param whole: whether what the answer does not show is unknown from now on.
    :returns: the row of `seen` as it is now, with its maps unpacked; `answered` names the fields of this answer, and
        `before` has the raw values that were seen last.
    """
    before = seen.known(connection, sync.entity, view.name, [record.id], lock=True).get(record.id)
    answered = by_field(sync.mapping, view.name, record.values)
    raw = (loads(before["raw"]) if before and not whole else {}) | answered
    facts = (loads(before["facts"]) if before else {}) | dict(record.facts)
    derived = derive(sync.mapping, view, raw, facts)
    clocks = {
        "clock": record.clock or (before["clock"] if before else clock),
        "group_clocks": dumps((loads(before["group_clocks"]) if before else {}) | dict(record.group_clocks)),
    }
    if (
        before
        and written
        and all(raw[name] == old for name, old in loads(before["raw"]).items() if name not in written)
    ):
        clocks = {name: before[name] for name in clocks}
    row = {
        "id": record.id,
        "raw": dumps(raw),
        "normal": dumps(derived.normal),
        "form": dumps(derived.form),
        "facts": dumps(facts),
        "scope": str(Scope.ERASED if written and before and before["scope"] == Scope.ERASED else record.scope),
        "created": record.created or (before["created"] if before else clock),
        **clocks,
        "our_key": seen.storable_key(record.key) or (before["our_key"] if before else None),
        "ticket": next_ticket(connection),
        "changed_after": before["changed_after"] if before else None,
        "missing": 0,
        **noted({"": record.clock or clock, **record.group_clocks}, before, clock),
    }
    keys = [(record.id, name, value) for name, value in match_keys(sync.mapping, derived.normal)]
    seen.put(connection, sync.entity, view.name, [row], keys)
    return {
        **row,
        "raw": raw,
        "normal": derived.normal,
        "form": derived.form,
        "answered": set(answered),
        "before": loads(before["raw"]) if before else {},
    }


def _take_rows(
    connection: Connection,
    mapping: Mapping,
    view: SideView,
    rows: list[dict[str, Any]],
    read: dict[str, Any],
    other_clock: str | None,
) -> tuple[int, list[str]]:
    """:returns: how many records are new or different; and those of which more is known than this read shows."""
    entity, side, ticket = mapping.entity, view.name, read["ticket"]
    rows = _remembered(connection, mapping, side, _newest(rows))
    known = seen.known(connection, entity, side, [row["id"] for row in rows], lock=True)
    behind = [row["id"] for row in rows if is_outdated(row, known.get(row["id"]), read["started_at"])]
    if behind:
        seen.add_revisit(connection, entity, side, behind, "read while the system was behind")
        rows = [row for row in rows if row["id"] not in behind]
    clocks = {row["id"]: told(row) for row in rows}
    rows = [_with_edit_clocks(row, known.get(row["id"])) for row in rows]
    rows = [
        row | {"scope": str(Scope.ERASED)} if _stays_erased(mapping, view, known.get(row["id"]), row) else row
        for row in rows
    ]
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
    bases = links.base_texts(connection, entity, side, [row["id"] for row in fresh])
    stored, keys = [], []
    for row in new:
        old = known.get(row["id"])
        one = derived.get(row["id"])
        normal = one.normal if one else loads(known[row["id"]]["normal"])
        # The last read that still had the base: of an edit on top of an edit, that is the read before the first one.
        leaves_base = old is not None and old["raw"] != row["raw"] and old["raw"] == bases.get(row["id"])
        stored.append(
            {
                **row,
                "normal": dumps(normal),
                "form": dumps(one.form) if one else known[row["id"]]["form"],
                "ticket": ticket,
                "changed_after": other_clock if leaves_base else old["changed_after"] if old else None,
                "missing": 0,
                **noted(clocks[row["id"]], old, read["started_at"]),
            }
        )
        keys += [(row["id"], name, value) for name, value in match_keys(mapping, normal)]
    seen.put(connection, entity, side, stored, keys)
    return len(new), behind


def _newest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A record that came twice counts as it came last, unless its clocks say that this is the older row."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        before = found.get(row["id"])
        if before is None or not is_older(told(row), told(before)):
            found[row["id"]] = row
    return list(found.values())


def _remembered(
    connection: Connection, mapping: Mapping, side: str, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of those who were not forgotten since they were staged."""
    entombed = tombstones.known(connection, mapping.entity)
    if not entombed:
        return [row for row in rows if not row["id"].startswith(MARK)]  # of one who may come back by now
    told = ((row["id"], row["our_key"], loads(row["raw"])) for row in rows)
    out = left_out(connection, mapping, entombed, side, told)
    return [row for row in rows if row["id"] not in out and not row["id"].startswith(MARK)]


def _with_edit_clocks(row: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    """The same values as before were not edited since, whatever moved the clock: an order, a tag, our own write."""
    if old is None or old["raw"] != row["raw"]:
        return row
    return row | {name: old[name] for name in ("clock", "group_clocks")}


def _stays_erased(mapping: Mapping, view: SideView, old: dict[str, Any] | None, row: dict[str, Any]) -> bool:
    """Whether all that identifies a record is what our own write left there, when the record was erased under it."""
    if old is None or old["scope"] != Scope.ERASED or row["scope"] not in IN_SCOPE:
        return False
    names = [f.name for f in mapping.fields if f.names[view.name] in view.rules.identity]
    before, now = ({n: loads(one["raw"]).get(n) for n in names} for one in (old, row))
    return any(before.values()) and before == now


def _same_terms(old: dict[str, Any] | None, row: dict[str, Any]) -> bool:
    return old is not None and old["raw"] == row["raw"] and old["facts"] == row["facts"]


def _settled(connection: Connection, entity: str, side: str, ids: set[str], ticket: int) -> list[str]:
    """Of the records to revisit, those that this read really brought up to date."""
    waiting = [i for i in seen.to_revisit(connection, entity, side) if i in ids]
    known = seen.known(connection, entity, side, waiting)
    return [i for i in waiting if i not in known or known[i]["ticket"] <= ticket or known[i]["scope"] == Scope.GONE]


def _rederive(sync: Sync, view: SideView) -> None:
    last = ""
    while True:
        with sync.database.begin() as connection:
            rows = seen.page(connection, sync.entity, view.name, after=last)
            if not rows:
                return
            last = rows[-1]["id"]
            raw = [loads(row["raw"]) for row in rows]
            derived = derive_all(sync.mapping, view, raw, [loads(row["facts"]) for row in rows])
            seen.put(
                connection,
                sync.entity,
                view.name,
                [
                    {**row, "normal": dumps(one.normal), "form": dumps(one.form)}
                    for row, one in zip(rows, derived, strict=True)
                ],
                [
                    (row["id"], name, value)
                    for row, one in zip(rows, derived, strict=True)
                    for name, value in match_keys(sync.mapping, one.normal)
                ],
            )


def _terms(mapping: Mapping, views: tuple[SideView, SideView]) -> str:
    """What normal forms and forms depend on, besides the values."""
    content = {
        "normal_forms": NORMAL_FORMS,
        "fields": [(f.name, dict(f.names), f.kind) for f in mapping.fields],
        "match": mapping.match,
        "region": mapping.region,
        "currency": mapping.currency,
        "vat": [
            str(mapping.vat.default),
            *({k: str(v) for k, v in rates.items()} for rates in (mapping.vat.by_group, mapping.vat.by_account)),
        ],
        "facts": [dict(view.facts) for view in views],
    }
    return hashlib.blake2b(dumps(content).encode(), digest_size=16).hexdigest()
