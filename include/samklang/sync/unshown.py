"""Fields that a system did not show for a while: whoever was read then is read again once they are shown.

They are unknown in the store by then, also where nobody edits the record again; no window would ever bring them.
"""

from __future__ import annotations

from collections.abc import Collection

from samklang.store import seen
from samklang.store.database import Database
from samklang.store.journal import StoredMemory
from samklang.sync.context import Sync


def note(sync: Sync, side: str, ticket: int, record_id: str) -> None:
    """Records that were read, this one among them, are about to be taken in without a field that was denied."""
    StoredMemory(sync.database, "unshown")[_name(sync, side)] = f"{ticket} {record_id}"


def example(sync: Sync, side: str) -> str | None:
    """A record to ask for, to learn whether the fields are shown again; None: all have been since."""
    noted = StoredMemory(sync.database, "unshown").get(_name(sync, side))
    return (noted.partition(" ")[2] or None) if noted else None


def shown(sync: Sync, side: str, ticket: int) -> None:
    """A whole read with all fields has been taken in: what was noted before it is over."""
    memory = StoredMemory(sync.database, "unshown")
    noted = memory.get(_name(sync, side))
    if noted and int(noted.partition(" ")[0]) < ticket:
        memory.pop(_name(sync, side), None)


def name_another(database: Database, entity: str, side: str, ids: Collection[str]) -> None:
    """Remember somebody else, where one of these records is the one that was noted."""
    memory = StoredMemory(database, "unshown")
    noted = memory.get(f"{entity}.{side}", "")
    if noted.partition(" ")[2] in ids:
        with database.read() as connection:
            other = seen.any_but(connection, entity, side, ids)
        memory[f"{entity}.{side}"] = f"{noted.partition(' ')[0]} {other or ''}"


def _name(sync: Sync, side: str) -> str:
    return f"{sync.entity}.{side}"
