"""Limits that requests share, within this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """A `base.Pacer`: at most `per_second` requests in any second, over all threads of this process.

    The bucket holds a tenth of a second's requests (at least one), so that a burst after a pause cannot pass the limit.
    """

    def __init__(
        self,
        per_second: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if per_second <= 0:
            raise ValueError("per_second must be positive")
        self._interval = 1 / per_second
        self._slack = max(0.0, 0.1 - self._interval)
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock()

    def wait(self) -> None:
        """Take the next free slot and sleep until it comes."""
        with self._lock:
            now = self._clock()
            slot = max(self._next, now - self._slack)
            self._next = slot + self._interval
        if slot > now:
            self._sleep(slot - now)


class LocalLimit:
    """A `base.Limit` of all threads of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paid = clock()
        """When all that was booked so far has come back."""

    def book(self, seconds: float, *, ahead: float, back: float = 0.0, used: float = 0.0) -> float:
        """See `base.Limit`."""
        with self._lock:
            now = self._clock()
            self._paid = max(self._paid - back, now + used) + seconds
            return max(0.0, self._paid - ahead - now)
