"""One trace, from its seed to what it showed."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from simulation.machine import Machine, small_pages
from simulation.maker import make_trace
from simulation.trace import Trace
from simulation.world import World


@dataclass(frozen=True, slots=True)
class Result:
    """:param fired: how often each fault happened. :param in_window: edits lost where no system lets us keep them.
    :param seconds: of one core.
    """

    seed: int
    situations: tuple[str, ...]
    violations: tuple[str, ...]
    fired: dict[str, int]
    in_window: int
    requests: int
    digest: str
    seconds: float


def play(trace: Trace, machine: Machine) -> Result:
    """Play one trace in a world of its own."""
    start = time.process_time()
    with small_pages(trace.page_size):
        world = World(trace, machine)
        violations = world.play()
    window = sum(loss.in_window for loss in world.oracle.losses)
    seconds = time.process_time() - start
    return Result(
        trace.seed,
        trace.situations,
        tuple(violations),
        world.fired,
        window,
        world.happenings.requests,
        world.digest(),
        seconds,
    )


def play_seed(seed: int, machine: Machine, situations: Collection[str] | None = None) -> Result:
    """:param situations: see `make_trace`."""
    return play(make_trace(seed, situations=situations), machine)
