"""The points that the shop grants an app: queued up for before each request, and counted by what the answers say.

All that share them (threads, tasks, machines) queue up in one `base.Limit`, so whoever waits gets a turn, and the shop
is not asked for points that it does not have. (sheet: Shopify 5)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from samklang.systems.base import Limit

DEFAULT_RATE, DEFAULT_MAXIMUM = 100.0, 1000.0
"""Points per second that come back, and those of a full bucket, until an answer tells: the smallest plan's, and half of
its bucket."""
USABLE = 0.9
"""Of a full bucket: the rest is for what is on its way, and for what costs more than was known."""
UNKNOWN, UNKNOWN_EACH = 100.0, 10.0
"""Points that an operation is taken to cost until an answer tells: at least, and for each of its calls or ids."""
MOST = 1000.0
"""Points of one request. (sheet: Shopify 5)"""
SLOWEST_RATE, FULL_AGAIN = 50.0, 20.0
"""Points per second that every shop gets at least, and seconds after which an empty bucket is full on every plan: an
answer that says less, or more, is not waited for. (sheet: Shopify 5)"""
BACK_FOR = 30.0
"""Seconds after which points that were not needed have come back anyway."""


class Room:
    """Points that were queued up for, and that nobody else may use meanwhile.

    :param seconds: of the limit, that were booked for them.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.spent = 0.0
        self.under_way = 0.0


class Budget:
    """The bucket as this client sees it; safe to share between threads.

    :param sleep: takes seconds; :param clock: monotonic seconds.
    """

    def __init__(self, limit: Limit, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._limit = limit
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._costs: dict[str, tuple[float, int]] = {}
        self._back = 0.0
        self._back_at = 0.0
        self._used = 0.0
        self._used_at = 0.0
        self.rate = DEFAULT_RATE
        self.maximum = DEFAULT_MAXIMUM
        self.spent = 0.0
        """Points, since the start."""

    @contextmanager
    def room(self, sizes: Mapping[str, int]) -> Iterator[Room]:
        """Wait until all of these fit, one right after the other, however long others are served before.

        :param sizes: by operation, how many calls or ids are in it.
        """
        usable = USABLE * self.maximum
        points = min(usable, sum(self._cost(name, size) for name, size in sizes.items()))
        with self._lock:
            now, rate = self._clock(), self.rate
            room = Room(points / rate)
            back = self._back if now - self._back_at < BACK_FOR else 0.0
            used = max(0.0, min(usable / rate + FULL_AGAIN, self._used / rate) - (now - self._used_at))
            self._back = self._used = 0.0
        wait = self._limit.book(room.seconds, ahead=usable / rate, back=back, used=used)
        if wait > 0:
            self._sleep(wait)
        try:
            yield room
        finally:
            with self._lock:
                # by the rate that is known now: it may have been booked by another
                self._back += room.seconds - room.spent / self.rate
                self._back_at = self._clock()

    def sending(self, room: Room, operation: str, size: int) -> None:
        """Until the answer tells, the request is taken to cost what it usually does."""
        room.under_way = self._cost(operation, size)
        room.spent += room.under_way

    def learn(self, room: Room, operation: str, size: int, cost: object) -> None:
        """Read `extensions.cost` of an answer. An answer without one teaches nothing."""
        status = cost.get("throttleStatus") if isinstance(cost, dict) else None
        if not isinstance(cost, dict) or not isinstance(status, dict):
            return
        actual = min(MOST, max(0.0, _number(cost.get("actualQueryCost"))))
        room.spent += actual - room.under_way
        room.under_way = 0.0
        with self._lock:
            self.spent += actual
            self._costs[operation] = (_number(cost.get("requestedQueryCost")), size)
            self.maximum = _number(status.get("maximumAvailable")) or DEFAULT_MAXIMUM
            self.rate = max(SLOWEST_RATE, _number(status.get("restoreRate")) or DEFAULT_RATE)
            self._used = self.maximum - _number(status.get("currentlyAvailable"))
            self._used_at = self._clock()

    def _cost(self, operation: str, size: int) -> float:
        """Points that are asked for: as last time, and more where there is more in it."""
        if operation not in self._costs:
            return min(MOST, max(UNKNOWN, UNKNOWN_EACH * size))
        points, known = self._costs[operation]
        return min(MOST, points * max(1.0, size / known))


def seconds_to_wait(cost: object) -> float:
    """What a THROTTLED answer asks for: until what it needs has come back; 1 where it gives no numbers."""
    status = cost.get("throttleStatus") if isinstance(cost, dict) else None
    if not isinstance(cost, dict) or not isinstance(status, dict):
        return 1.0
    rate = _number(status.get("restoreRate"))
    missing = _number(cost.get("requestedQueryCost")) - _number(status.get("currentlyAvailable"))
    return max(0.0, missing / rate) if rate > 0 else 1.0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
