"""Limits that all processes which use the store share: who asks first is served first, on whichever machine.

A limit is kept as one moment: when everything that was booked so far has been paid for by the time that passes. It goes
by the database's clock, because the clocks of machines differ by more than the space between two requests.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Float, bindparam, func, literal_column, update

from samklang.store.database import Database
from samklang.store.schema import pacing
from samklang.store.upserts import insert_new

LONGEST_WAIT = 3600.0
"""Seconds: what stands there beyond that is of a clock that was set back."""


_MOST_MISSED = 3
"""Slots that one request may miss; a machine that is always late must come to its turn too."""


class StoredLimit:
    """A `base.Limit` of all processes.

    :param key: what the limit belongs to (a subscription key, a shop and app); only a hash of it is stored.
    :param now: seconds since the epoch, the same for all processes; by default the clock of the PostgreSQL server, or,
        for SQLite, that of its machine.
    """

    def __init__(self, database: Database, key: str, *, now: Callable[[], float] | None = None) -> None:
        self._database = database
        self._name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        is_server = database.dialect == "postgresql"
        self._now = now or (None if is_server else time.time)
        self._booking = _booking(is_server, has_clock=self._now is None)
        with database.begin() as connection:
            insert_new(connection, pacing, [{"name": self._name, "next_at": 0.0}])

    def book(self, seconds: float, *, ahead: float, back: float = 0.0, used: float = 0.0) -> float:
        """See `base.Limit`."""
        values: dict[str, Any] = {"mine": self._name, "seconds": seconds, "back": back, "used": used}
        if self._now is not None:
            values["now"] = self._now()
        # one statement: the clock is read when the row is ours. Of a crash it need not survive.
        with self._database.begin(durable=False) as connection:
            until: float = connection.execute(self._booking, values).scalar_one()
        return max(0.0, until - ahead)


def _booking(is_server: bool, *, has_clock: bool) -> Any:
    """:returns: a statement that books and answers how many seconds of the limit are booked from now on."""
    later, earlier = (func.greatest, func.least) if is_server else (func.max, func.min)
    now: Any = bindparam("now", type_=Float)
    if has_clock:
        now = literal_column("extract(epoch from clock_timestamp())::float8", Float)
    back, used, seconds = (bindparam(name, type_=Float) for name in ("back", "used", "seconds"))
    booked = later(earlier(pacing.c.next_at - back, now + LONGEST_WAIT), now + used) + seconds
    statement = update(pacing).where(pacing.c.name == bindparam("mine")).values(next_at=booked)
    return statement.returning(pacing.c.next_at - now)


class StoredPacer:
    """A `base.Pacer` of all processes: one slot after another, `1 / per_second` apart.

    A busy machine wakes late from a sleep, several of its tasks at once, and what was spaced would leave in a bunch. So
    who is later than the space between two slots takes the next one, a few times.
    """

    def __init__(
        self,
        database: Database,
        key: str,
        per_second: float,
        *,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = StoredLimit(database, key, now=now)
        self._interval = 1 / per_second
        self._sleep = sleep
        self._clock = clock

    def wait(self) -> None:
        """Take the next free slot, and sleep until it comes."""
        for _ in range(_MOST_MISSED + 1):
            wait = self._limit.book(self._interval, ahead=self._interval)
            if wait <= 0:
                return
            slot = self._clock() + wait
            self._sleep(wait)
            if self._clock() - slot <= self._interval:
                return
