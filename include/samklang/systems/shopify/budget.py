"""The points that the shop grants: known from every answer, and waited for before they are short. (sheet: Shopify 5)"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from samklang.errors import ThrottledError

DEFAULT_RATE = 100.0
"""Points per second that come back, until an answer tells: the smallest plan's."""
LONGEST_WAIT = 30.0


class Budget:
    """The bucket as this client sees it; safe to share between threads.

    :param sleep: takes seconds; :param clock: monotonic seconds.
    """

    def __init__(self, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._costs: dict[str, float] = {}
        self._available: float | None = None
        self._maximum = 0.0
        self._at = 0.0
        self._under_way = 0.0
        self.rate = DEFAULT_RATE
        self.spent = 0.0
        """Points, since the start."""

    def take(self, operation: str, *, now: bool = False) -> float:
        """Wait until the operation fits into the bucket. :returns: what was taken, to be given back with the answer.

        :raises ThrottledError: it would have to wait, and is to be sent `now` or not at all.
        """
        with self._lock:
            cost = self._costs.get(operation, 0.0)
            wait = self._until(cost)
            if now and wait > 0:
                raise ThrottledError(f"{operation}: not enough points yet.", retry_after=wait)
            self._under_way += cost
        if wait > 0:
            self._sleep(wait)
        return cost

    def make_room(self, *operations: str) -> None:
        """Wait until all of these fit, one right after the other."""
        with self._lock:
            wait = self._until(sum(self._costs.get(name, 0.0) for name in operations))
        if wait > 0:
            self._sleep(wait)

    def give_back(self, taken: float) -> None:
        """The request of this cost is no longer under way."""
        with self._lock:
            self._under_way -= taken

    def learn(self, operation: str, cost: object) -> None:
        """Read `extensions.cost` of an answer. An answer without one teaches nothing."""
        status = cost.get("throttleStatus") if isinstance(cost, dict) else None
        if not isinstance(cost, dict) or not isinstance(status, dict):
            return
        with self._lock:
            self.spent += _number(cost.get("actualQueryCost"))
            self._costs[operation] = _number(cost.get("requestedQueryCost"))
            self._available = _number(status.get("currentlyAvailable"))
            self._maximum = _number(status.get("maximumAvailable"))
            self.rate = _number(status.get("restoreRate")) or DEFAULT_RATE
            self._at = self._clock()

    def _until(self, needed: float) -> float:
        """Seconds until so many points are there."""
        if self._available is None:
            return 0.0
        came_back = (self._clock() - self._at) * self.rate
        free = min(self._maximum, self._available + came_back) - self._under_way
        return min(LONGEST_WAIT, max(0.0, (min(needed, self._maximum) - free) / self.rate))


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
