"""Who was forgotten: keyed digests of ids and match keys, which tell a record that comes back and name nobody.

The key of the digests is a random one of this store, kept in `meta`: without the store nobody can look for a person.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, select

from samklang.store.schema import meta, tombstones
from samklang.store.upserts import chunks, insert_new

_SECRET = "tombstones.secret"  # noqa: S105 - the name of a row


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Those of one entity; false where there are none, so that nobody pays for what nobody needs.

    :param of_side: digests by side.
    """

    of_side: Mapping[str, frozenset[str]] = field(default_factory=dict)
    secret: bytes = field(default=b"", repr=False)

    def __bool__(self) -> bool:
        return bool(self.of_side)

    def has(self, side: str, text: str) -> bool:
        """:param text: see `of_id`, `of_key` and `of_our_key`."""
        return side in self.of_side and digest(self.secret, text) in self.of_side[side]


def of_id(side: str, record_id: str) -> str:
    return f"id:{side}:{record_id}"


def of_key(name: str, value: str) -> str:
    """:param name: of a match field. :param value: in normal form."""
    return f"key:{name}:{value}"


def of_our_key(key: str) -> str:
    """The key that we put on a record that was made for a forgotten one."""
    return f"ours:{key}"


def digest(secret: bytes, text: str) -> str:
    return hmac.digest(secret, text.encode(), "sha256").hex()


def known(connection: Connection, entity: str) -> Tombstones:
    of_side: dict[str, set[str]] = {}
    rows = connection.execute(select(tombstones.c.side, tombstones.c.digest).where(tombstones.c.entity == entity))
    for row in rows:
        of_side.setdefault(row.side, set()).add(row.digest)
    if not of_side:
        return Tombstones()
    return Tombstones({side: frozenset(digests) for side, digests in of_side.items()}, secret(connection))


def secret(connection: Connection) -> bytes:
    """The key of this store's digests; made at first use, within a write transaction."""
    mine = select(meta.c.value).where(meta.c.name == _SECRET)
    value = connection.execute(mine).scalar()
    if value is None:
        insert_new(connection, meta, [{"name": _SECRET, "value": secrets.token_hex(32)}])
        value = connection.execute(mine).scalar_one()
    return bytes.fromhex(value)


def add(connection: Connection, entity: str, action: str, texts: Iterable[tuple[str, str]]) -> int:
    """:param texts: side, and what `has` is asked for. :returns: how many are new."""
    key = secret(connection)
    before = _count(connection, entity)
    rows = [{"entity": entity, "side": side, "digest": digest(key, text), "action": action} for side, text in texts]
    insert_new(connection, tombstones, rows)
    return _count(connection, entity) - before


def actions_of(connection: Connection, entity: str, texts: Sequence[tuple[str, str]]) -> list[str]:
    """The actions by which somebody was forgotten whom one of these names, see `add`."""
    entombed = known(connection, entity)
    found: set[str] = set()
    for side, text in texts:
        if entombed.has(side, text):
            row = (
                tombstones.c.entity == entity,
                tombstones.c.side == side,
                tombstones.c.digest == digest(entombed.secret, text),
            )
            found.update(connection.execute(select(tombstones.c.action).where(*row)).scalars())
    return sorted(found)


def lift(connection: Connection, entity: str, actions: Sequence[str]) -> list[str]:
    """Take away what these actions left. :returns: the digests."""
    lifted: list[str] = []
    for part in chunks(actions):
        these = (tombstones.c.entity == entity, tombstones.c.action.in_(part))
        lifted += connection.execute(select(tombstones.c.digest).where(*these)).scalars()
        connection.execute(delete(tombstones).where(*these))
    return sorted(set(lifted))


def _count(connection: Connection, entity: str) -> int:
    statement = select(func.count()).select_from(tombstones).where(tombstones.c.entity == entity)
    return int(connection.execute(statement).scalar_one())
