"""An access token in process memory: fetched when needed, renewed before it ends, replaced once it is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

RENEW_BEFORE = 60.0
"""Seconds before its end at which a token is no longer handed out."""


@dataclass(frozen=True, slots=True)
class Token:
    """:param lifetime: seconds from now; None never ends."""

    value: str = field(repr=False)
    lifetime: float | None


class TokenCache:
    """The token of one client, shared by its threads.

    :param fetch: asks the system for a new one.
    :param on_secret: is told each new token, so that logs can mask it.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        fetch: Callable[[], Token],
        *,
        on_secret: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._on_secret = on_secret
        self._clock = clock
        self._lock = threading.Lock()
        self._value: str | None = None
        self._good_until: float | None = None

    def get(self) -> str:
        """A token that is good for another minute, or the best there is."""
        with self._lock:
            if self._value is None or (self._good_until is not None and self._clock() >= self._good_until):
                token = self._fetch()
                if self._on_secret is not None:
                    self._on_secret(token.value)
                self._value = token.value
                self._good_until = None
                if token.lifetime is not None:
                    # a token that lives less than two minutes is used for half of its life
                    early = min(RENEW_BEFORE, token.lifetime / 2)
                    self._good_until = self._clock() + token.lifetime - early
            return self._value

    def drop(self, value: str) -> None:
        """Forget a token that was refused, unless another thread has replaced it already."""
        with self._lock:
            if self._value == value:
                self._value = None
