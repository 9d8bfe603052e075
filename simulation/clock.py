"""Time that only passes when somebody lets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Clock:
    """Our time, and that of each system, which may be ahead or behind."""

    def __init__(self) -> None:
        self._moment = START

    def now(self) -> datetime:
        return self._moment

    def skewed(self, seconds: float) -> Callable[[], datetime]:
        """The clock of a system that is `seconds` ahead."""
        by = timedelta(seconds=seconds)
        return lambda: self._moment + by

    def seconds(self) -> float:
        """For what measures seconds."""
        return self._moment.timestamp()

    def sleep(self, seconds: float) -> None:
        self._moment += timedelta(seconds=max(0.0, seconds))
