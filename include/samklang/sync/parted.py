"""Parted: who set records apart that were linked, by which action, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from samklang.core.mapping import Mapping as EntityMapping
from samklang.store import actions, apart
from samklang.store import undo as stored

_DID = {
    "exclude": "excluded", "undo": "taken apart by an undo", "import": "kept apart by a match file",
    "unlink": "taken apart", "link": "left behind by a new link", "relink": "left behind by a new link",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parted:
    """What one action set apart. :param action: its number in `samklang actions`. :param links: how many."""

    action: int
    what: str
    person: str
    at: str
    links: int

    def __str__(self) -> str:
        return f"{self.what} {self.action} of {self.person}"


def remedy(connection: Connection, entity: str, link_id: int, ids: Mapping[str, str]) -> str:
    """Who keeps the records of a link apart, and the commands that let them in again."""
    ends = [f"{side}:{record_id}" for side, record_id in ids.items()]
    found = _actions(connection, [link_id])
    action, op = found.get(link_id, (None, ""))
    did = _DID.get(action.what if action else op, "kept apart")
    who = f"{did[0].upper()}{did[1:]}" + (f" by {action.person} (action {action.action})" if action else "")
    if len(ends) == 1:
        return f"{who}. To have the next run judge it anew: samklang include {entity} {ends[0]}"
    if op == "exclude":
        return f"{who}. To go on with the link as it was: samklang include {entity} {ends[0]}"
    return (
        f"{who}. If that was wrong: samklang link {entity} {' '.join(ends)} makes them twins again, and "
        f"samklang include {entity} {ends[0]} has the next run match them anew."
    )


def of_run(connection: Connection, mapping: EntityMapping, run_id: str, link_id: int | None) -> list[Parted]:
    """The actions that have set apart what a run linked, oldest first. :param link_id: only of this link."""
    found: dict[int, Parted] = {}
    ids = stored.links_parted(connection, mapping.entity, run_id, link_id)
    for action, _ in _actions(connection, ids).values():
        if action is not None:
            links = found[action.action].links + 1 if action.action in found else 1
            found[action.action] = Parted(action.action, action.what, action.person, action.at, links)
    return [found[number] for number in sorted(found)]


def _actions(connection: Connection, link_ids: Sequence[int]) -> dict[int, tuple[Parted | None, str]]:
    notes = apart.partings(connection, link_ids)
    named = actions.named(connection, list({name for _, name in notes.values()}))
    return {
        link_id: (Parted(row["id"], row["what"], row["person"], row["at"], 1) if (row := named.get(name)) else None, op)
        for link_id, (op, name) in notes.items()
    }
