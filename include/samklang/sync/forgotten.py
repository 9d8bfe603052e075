"""Left out: who was forgotten is not taken in again, wherever a record comes from."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from typing import Any

from sqlalchemy import Connection

from samklang.core.derive import keys_of
from samklang.core.mapping import Mapping
from samklang.store import seen
from samklang.store.tombstones import Tombstones, of_id, of_key, of_our_key

MARK = "forgotten:"
"""Begins the id of a staged row in the place of one that was erased, so that the rows of a read still count up."""

Told = tuple[str, str | None, MappingOf[str, str | None]]
"""Of a record: its id, our key on it, and its raw values by the mapping's field name."""


def left_out(
    connection: Connection, mapping: Mapping, entombed: Tombstones, side: str, records: Iterable[Told]
) -> set[str]:
    """Ids of records that are not taken in: by their id, or, as long as the record is not known, by a key.

    A record that is known is somebody who was not forgotten; when it is given the key of somebody who was, that is an
    edit like any other.
    """
    by_id: set[str] = set()
    by_key: list[str] = []
    for record_id, our_key, raw in records:
        if entombed.has(side, of_id(side, record_id)):
            by_id.add(record_id)
        elif (our_key is not None and entombed.has(side, of_our_key(our_key))) or any(
            entombed.has(side, of_key(name, value)) for name, value in keys_of(mapping, raw)
        ):
            by_key.append(record_id)
    known = seen.known(connection, mapping.entity, side, by_key)
    return by_id.union(i for i in by_key if i not in known)


def records_of(mapping: Mapping, line: MappingOf[str, Any]) -> set[tuple[str, str]]:
    """Side and id of the records that a line of a staged plan is about, whichever of its files it stands in."""
    found: set[tuple[str, str]] = set()
    if isinstance(ids := line.get("ids"), list):
        found.update(zip(mapping.sides, ids, strict=False))
    if (side := line.get("side")) in mapping.sides:
        found.update((side, i) for i in [line.get("id")] if i is not None)
        found.update((mapping.other(side), i) for i in [line.get("source_id")] if i is not None)
    return found


def is_about_forgotten(mapping: Mapping, entombed: Tombstones, line: MappingOf[str, Any]) -> bool:
    return bool(entombed) and any(entombed.has(side, of_id(side, i)) for side, i in records_of(mapping, line))
