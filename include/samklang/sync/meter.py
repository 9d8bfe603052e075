"""Meter: how much a task asks of a system, and how much of its rate limit that takes."""

from __future__ import annotations

from samklang.sync.context import Sync

Used = dict[str, float]
"""`requests` that were sent; `spent` of what the limit counts; `granted`, what it would have allowed meanwhile."""

NOTHING: Used = {"requests": 0, "spent": 0.0, "granted": 0.0}


class Meter:
    """From now on."""

    def __init__(self, sync: Sync, side: str) -> None:
        self._sync = sync
        self._system = sync.system(side)
        self._before = self._system.usage
        self._since = sync.now()

    def read(self) -> Used:
        now = self._system.usage
        seconds = (self._sync.now() - self._since).total_seconds()
        return {
            "requests": now.requests - self._before.requests,
            "spent": round(now.spent - self._before.spent, 1),
            "granted": round(now.at_once + now.rate * seconds, 1),
        }


def shares(used: dict[str, list[Used]]) -> dict[str, float]:
    """How much of its rate limit each side's tasks have used, from 0 to 1. :param used: by side, one for each task."""
    sums = {side: [sum(one[name] for one in tasks) for name in ("spent", "granted")] for side, tasks in used.items()}
    return {side: round(spent / granted, 3) for side, (spent, granted) in sums.items() if granted > 0}
