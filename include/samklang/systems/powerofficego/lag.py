"""Reads lag: lists and single GETs come from a replica, up to about two seconds behind (docs; sheet: 10).

So what a read shows within that time of a write, ours or a person's, may be older than the write, and what it lacks may
be there. Writes are judged by the server itself: a JSON Patch with tests needs no care.
"""

from __future__ import annotations

from collections.abc import Callable

from samklang.core.clocks import to_datetime
from samklang.core.records import Record
from samklang.systems.base import Memory
from samklang.systems.powerofficego.client import PowerOfficeGoClient

LAG = 2.0
"""Seconds after which a read shows what was written."""
WRITTEN_AT = "powerofficego.written_at"
"""In the memory: when this installation last wrote, in seconds since 1970 by our clock."""


class Lag:
    """:param memory: shared by all processes, so that a read waits for what another one wrote."""

    def __init__(self, client: PowerOfficeGoClient, memory: Memory) -> None:
        self._client = client
        self._memory = memory
        self._written: dict[str, float] = {}

    def wrote(self, record_id: str) -> None:
        """Note a write of ours; see also `note`."""
        self._written[record_id] = self._client.clock()

    def note(self) -> None:
        """Tell other processes that something was written by now."""
        self._memory[WRITTEN_AT] = f"{self._client.wall():.3f}"

    def let_pass(self) -> None:
        """Wait until every read shows what was written before this."""
        self._client.sleep(LAG)

    def settle(self) -> None:
        """Wait until a read shows what this installation wrote."""
        written_at = self._memory.get(WRITTEN_AT)
        left = LAG - (self._client.wall() - float(written_at)) if written_at else 0.0
        if left > 0:
            self._client.sleep(min(left, LAG))  # another machine's clock may be ahead

    def read(self, record_id: str, read: Callable[[str], Record | None]) -> Record | None:
        """A record as the server has it: read again where it was written, by us or a person, a moment ago."""
        left = LAG - (self._client.clock() - self._written.get(record_id, float("-inf")))
        if left > 0:
            self._client.sleep(left)
        record = read(record_id)
        if record is not None and self._is_new(record):
            self.let_pass()
            record = read(record_id)
        return record

    def _is_new(self, record: Record) -> bool:
        """Whether it was written within the lag. Two clocks are compared: where theirs is ahead, it counts as new."""
        changed = max(to_datetime(clock) for clock in (record.clock, *record.group_clocks.values()))
        return self._client.wall() - changed.timestamp() < LAG
