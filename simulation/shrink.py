"""From a failing trace to the few steps that matter."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from simulation.machine import Machine
from simulation.run import play
from simulation.trace import Trace


def shrink(trace: Trace, machine: Machine, *, plays: int = 2_000) -> Trace:
    """The smallest part of a trace that hypothesis finds to break the same promise.

    :param plays: parts to try at most.
    """
    promises = kinds(play(trace, machine).violations)
    size = trace.parts()
    tried: dict[tuple[int, ...], bool] = {}

    def cut(kept: Sequence[int]) -> Trace:
        return trace.without(lambda number: kept[number] > 0)

    def fails(kept: list[int]) -> bool:
        which = tuple(int(one > 0) for one in kept)
        if which not in tried:
            tried[which] = len(tried) < plays and bool(promises & kinds(play(cut(which), machine).violations))
        return tried[which]

    # 0 leaves a part out, so smaller is shorter; at first most parts are kept
    wanted = st.lists(st.integers(0, 7), min_size=size, max_size=size)
    try:
        kept = find(
            wanted,
            fails,
            settings=settings(
                max_examples=plays, database=None, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    except NoSuchExample:
        return trace
    return cut(kept)


def kinds(violations: tuple[str, ...]) -> set[str]:
    """Which promises are broken: the word before the colon."""
    return {violation.partition(":")[0] for violation in violations}
