"""Quarantine: a person has what a system refused tried again by the next run, or not before somebody edits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from samklang.store import apart, journal
from samklang.store import quarantine as stored
from samklang.sync.decide import Desk, Done, named

_NOTHING = "not held any more"
_BY_RULE = "held by a rule; it goes by itself when the value changes"


@dataclass(frozen=True, slots=True)
class Held:
    """:param side: where the value cannot go. :param source_id: the record on the other side that has it.
    :param field: empty: the whole record."""

    side: str
    source_id: str
    field: str


def matching(
    connection: Connection,
    entity: str,
    *,
    reason: str | None = None,
    side: str | None = None,
    quarantined: bool | None = None,
) -> list[Held]:
    """All that is held for this reason, towards this side; only whole records, or only fields. None: any."""
    found = stored.matching(connection, entity, reason=reason, side=side, quarantined=quarantined)
    return [Held(*place) for place in found]


def retry(desk: Desk, which: Sequence[Held]) -> Done:
    """Have the next run try again what a system refused, however long it was to wait."""

    def why_not(hold: dict[str, Any]) -> str:
        due = hold["retry_at"] is not None and hold["retry_at"] <= desk.at
        return "tried again by the next run already" if due else ""

    return _set(desk, which, "retry", desk.at, why_not)


def skip(desk: Desk, which: Sequence[Held]) -> Done:
    """Have what a system refused not tried again before somebody edits one of the two records."""
    return _set(desk, which, "skip", None, lambda hold: "skipped already" if hold["retry_at"] is None else "")


def _set(desk: Desk, which: Sequence[Held], what: str, retry_at: str | None, why_not: Any) -> Done:
    journal.hold_plans(desk.connection, desk.mapping.entity)
    asked = list(dict.fromkeys(which))
    known = stored.these(desk.connection, desk.mapping.entity, [(h.side, h.source_id, h.field) for h in asked])
    touched, left = list[Held](), list[tuple[str, str]]()
    for one in asked:
        hold = known.get((one.side, one.source_id, one.field))
        reason = _NOTHING if hold is None else why_not(hold) if hold["by_system"] else _BY_RULE
        if reason:
            left.append((_told(desk, one), reason))
        else:
            touched.append(one)
    places = [(h.side, h.source_id, h.field) for h in touched]
    stored.set_retry(desk.connection, desk.mapping.entity, places, retry_at)
    records = [(desk.mapping.other(h.side), h.source_id) for h in touched]
    links = apart.links_of(desk.connection, desk.mapping.entity, records)
    desk.note_all(
        what,
        [
            (links[record].id if record in links else 0, record, one.field)
            for record, one in zip(records, touched, strict=True)
        ],
    )
    return Done([_told(desk, one) for one in touched], left)


def _told(desk: Desk, one: Held) -> str:
    record = named((desk.mapping.other(one.side), one.source_id))
    return f"{record} {one.field}" if one.field else record
