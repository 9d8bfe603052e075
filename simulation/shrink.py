"""From a failing trace to the few steps that matter."""

from __future__ import annotations

from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from simulation.machine import Machine
from simulation.run import play
from simulation.trace import Trace


def shrink(trace: Trace, machine: Machine, *, examples: int = 400) -> Trace:
    """The smallest part of a trace that hypothesis finds to break the same promise.

    :param examples: how many parts it may try before it begins to cut.
    """
    promises = kinds(play(trace, machine).violations)
    size = trace.parts()

    def cut(dropped: list[int]) -> Trace:
        return trace.without(lambda number: dropped[number] > 0)

    def fails(dropped: list[int]) -> bool:
        return bool(promises & kinds(play(cut(dropped), machine).violations))

    # 0 leaves a part out, so smaller is shorter; at first most parts are kept
    wanted = st.lists(st.integers(0, 7), min_size=size, max_size=size)
    try:
        kept = find(
            wanted,
            fails,
            settings=settings(
                max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    except NoSuchExample:
        return trace
    return cut(kept)


def kinds(violations: tuple[str, ...]) -> set[str]:
    """Which promises are broken: the word before the colon."""
    return {violation.partition(":")[0] for violation in violations}
