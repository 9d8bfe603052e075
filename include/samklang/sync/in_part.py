"""Who may be the same as somebody on the other side, though the key can only be read out of one of their fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection

from samklang.core.ambiguity import SHARED
from samklang.core.mapping import Mapping
from samklang.store import holders


class Shared(NamedTuple):
    """:param field: the key field. :param candidates: ids by side: the record, and who it may be."""

    field: str
    candidates: dict[str, list[str]]

    @property
    def reason(self) -> str:
        return f"{self.field}{SHARED}"


class _Meeting:
    """Who has one key, by side: as it should be, and in a value that it was read out of."""

    def __init__(self) -> None:
        self.holders: dict[str, set[str]] = defaultdict(set)
        self.readers: dict[str, set[str]] = defaultdict(set)


def shared_in_part(connection: Connection, mapping: Mapping, side: str, ids: Collection[str]) -> dict[str, Shared]:
    """Those of these records that must not be made anew: their key was read out of a field on the other side, or
    somebody there has a key that was read out of theirs. Linked records and companies count too."""
    other = mapping.other(side)
    found: dict[str, Shared] = {}
    for name in mapping.match:
        theirs: dict[str, set[str]] = defaultdict(set)
        for meeting in _meetings(connection, mapping.entity, name):
            for one in meeting.holders[side].intersection(ids):
                theirs[one] |= meeting.readers[other]
            for one in meeting.readers[side].intersection(ids):
                theirs[one] |= meeting.readers[other] | meeting.holders[other]
        for one, candidates in theirs.items():
            if candidates and one not in found:
                found[one] = Shared(name, {side: [one], other: sorted(candidates)})
    return found


def _meetings(connection: Connection, entity: str, field: str) -> Collection[_Meeting]:
    by_value: dict[str, _Meeting] = defaultdict(_Meeting)
    for side, record_id, value in holders.key_parts(connection, entity, field):
        by_value[value].readers[side].add(record_id)
    for side, record_id, value in holders.of_values(connection, entity, field, list(by_value)):
        by_value[value].holders[side].add(record_id)
    return by_value.values()
