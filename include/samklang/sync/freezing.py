"""Freeze and unfreeze: a person has a field of a pair, or the whole pair, left alone for a while."""

from __future__ import annotations

from samklang.errors import DecisionError
from samklang.store import freezes
from samklang.sync.decide import Desk, Done, named


def freeze(desk: Desk, text: str, field: str | None) -> Done:
    """Write nothing to this field, on either side, until a person lets it go. What people edit meanwhile is held.

    :param text: one of the two records, as `explain` takes it. :param field: None: all fields.
    :raises DecisionError: there is no such pair, or no such field.
    """
    name = _field(desk, field)
    record, link = desk.find_link(text)
    ends = sorted(link["ids"].items())
    frozen = freezes.freeze(
        desk.connection,
        desk.mapping.entity,
        link["id"],
        name,
        person=desk.person or "?",
        run_id=desk.run_id,
        at=desk.at,
    )
    what = _named(named(record), name)
    if not frozen:
        return Done(left=[(what, "frozen already")])
    desk.note(link["id"], "freeze", ends, name)
    return Done(done=[what])


def unfreeze(desk: Desk, text: str, field: str | None) -> Done:
    """Let a field go that a person, or the ping-pong rule, has frozen; the next run carries on what was held.

    :param field: None: all that is frozen of the pair. :raises DecisionError: there is no such pair, or no such field.
    """
    name = _field(desk, field)
    record, link = desk.find_link(text)
    names = freezes.unfreeze(desk.connection, link["id"], name, at=desk.at)
    if not names:
        return Done(left=[(_named(named(record), name), "not frozen")])
    for one in names:
        desk.note(link["id"], "unfreeze", sorted(link["ids"].items()), one)
    return Done(done=[_named(named(record), one) for one in names])


def _field(desk: Desk, field: str | None) -> str:
    names = [f.name for f in desk.mapping.fields]
    if field is not None and field not in names:
        raise DecisionError(f"The mapping has no field {field}.", remedy=f"Its fields are: {', '.join(names)}.")
    return field or ""


def _named(record: str, field: str) -> str:
    return f"{record} {field}" if field else record
