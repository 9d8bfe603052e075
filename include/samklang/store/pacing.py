"""Spacing of requests that share one limit, over all processes that use the store."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from sqlalchemy import select, update

from samklang.store.database import Database
from samklang.store.schema import pacing
from samklang.store.upserts import insert_new


class StoredPacer:
    """Hands out one slot after another, `1 / per_second` apart.

    :param key: what the limit belongs to (a subscription key); only a hash of it is stored.
    :param now: seconds since the epoch, the same for all processes of a machine.
    """

    def __init__(
        self,
        database: Database,
        key: str,
        per_second: float,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        self._interval = 1 / per_second
        self._now = now
        self._sleep = sleep
        with database.begin() as connection:
            insert_new(connection, pacing, [{"name": self._name, "next_at": 0.0}])

    def wait(self) -> None:
        """Take the next free slot, and sleep until it comes."""
        mine = pacing.c.name == self._name
        with self._database.begin() as connection:
            booked = connection.execute(select(pacing.c.next_at).where(mine).with_for_update()).scalar_one()
            now = self._now()
            slot = min(max(booked, now), now + 3600)  # a clock that was set back must not stop us for long
            connection.execute(update(pacing).where(mine).values(next_at=slot + self._interval))
        if slot > now:
            self._sleep(slot - now)
