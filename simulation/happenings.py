"""What happens on the way: faults, deaths, and people's edits, each at its moment of a run."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

from simulation.clock import Clock
from simulation.oracle import Oracle
from simulation.trace import DEATHS, DISK_FAULTS, LANES, STORE_FAULTS, WIRE_FAULTS, Edit, Event


class Killed(BaseException):
    """The process is gone, in the middle of whatever it did."""


@dataclass(slots=True)
class Happenings:
    """Told of each thing that a run does, and makes happen what is due there.

    :param act: somebody does something.
    :param fired: how often each thing happened. :param at: how many things this run has done.
    :param other_lane: starts the load of the other side, where that has not begun yet.
    """

    clock: Clock
    oracle: Oracle
    act: Callable[[Edit], None]
    fired: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    at: int = 0
    pending: list[Event] = field(default_factory=list)
    other_lane: Callable[[], object] | None = None

    def begin(self, events: tuple[Event, ...]) -> None:
        """A run begins, in which these will happen."""
        self.at, self.pending = 0, list(events)

    def end(self) -> None:
        """What was still to come does not happen."""
        self.pending = []

    def point(self, kind: str) -> list[str]:
        """One more thing is done. :returns: the faults that it meets. :raises Killed: that was the last one."""
        self.at += 1
        met: list[str] = []
        for happening in list(self.pending):
            if happening.at > self.at or not _fits(happening, kind):
                continue
            self.pending.remove(happening)
            self.count(happening.what)
            if happening.what == "killed":
                raise Killed
            met.append(happening.what)
        return met

    def request(self, side: str) -> list[str]:
        self.requests += 1
        kind = f"request {side}"
        met: list[str] = []
        for happening in [e for e in self.pending if e.at <= self.at + 1 and e.what in ("edit", *LANES)]:
            if happening not in self.pending:
                continue  # it happened inside another one
            self.pending.remove(happening)
            self.count("edit during a run" if happening.edit else happening.what)
            if happening.edit is not None:
                self.act(happening.edit)
            elif self.other_lane is not None:
                self.other_lane()
        met += self.point(kind)
        return met

    def answered(self, side: str, ids: set[str], age: float) -> None:
        self.oracle.read(side, ids, self.clock.seconds() - age)
        self.point("answered")

    def passes(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def now(self) -> float:
        return self.clock.seconds()

    def file(self) -> None:
        if "disk full" in self.point("file"):
            raise OSError(errno.ENOSPC, "No space left on device")

    def did_nothing(self, fault: str) -> None:
        self.fired[fault] -= 1

    def count(self, what: str) -> None:
        self.fired[what] = self.fired.get(what, 0) + 1


def _fits(happening: Event, kind: str) -> bool:
    if happening.what in WIRE_FAULTS:
        return kind.startswith("request") and (not happening.side or kind.endswith(happening.side))
    if happening.what in STORE_FAULTS:
        return kind == "commit"
    if happening.what in DISK_FAULTS:
        return kind == "file"
    return happening.what in DEATHS
