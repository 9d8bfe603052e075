"""The whole sync, from seeds: what the simulation promises, and that it would notice."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulation.__main__ import describe, past_failures
from simulation.crash import crash_everywhere, swaps, traces
from simulation.guards import GUARDS, Guard, without
from simulation.machine import Machine
from simulation.maker import make_trace
from simulation.naive import play_naive
from simulation.run import play, play_seed
from simulation.shrink import kinds, shrink

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    logging.disable(logging.CRITICAL)
    made = Machine()
    yield made
    made.close()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(12))
def test_people_faults_and_deaths_break_no_promise(machine: Machine, seed: int) -> None:
    assert play_seed(seed, machine).violations == ()


@pytest.mark.parametrize(("seed", "situations"), past_failures())
def test_what_once_failed_does_not_fail_again(machine: Machine, seed: int, situations: tuple[str, ...]) -> None:
    assert play_seed(seed, machine, situations).violations == ()


def test_the_same_seed_sends_the_same_requests_in_another_process() -> None:
    script = (
        "import logging; logging.disable(50); "
        "from simulation.machine import Machine; from simulation.run import play_seed; "
        "machine = Machine(); print(*(play_seed(seed, machine).digest for seed in (3, 7, 11)))"
    )
    digests = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert digests[0] == digests[1]
    assert len(set(digests[0].split())) == 3


@pytest.mark.parametrize("entity", ["customers", "products"])
def test_a_sync_killed_anywhere_ends_as_if_it_had_not_been(machine: Machine, entity: str) -> None:
    result = crash_everywhere(traces()[entity], machine, every=23)
    assert result.points > 4
    assert result.differing == []


@pytest.mark.parametrize("name", swaps())
def test_a_sync_killed_while_people_change_places_ends_as_if_it_had_not_been(machine: Machine, name: str) -> None:
    result = crash_everywhere(swaps()[name], machine, every=31)
    assert result.points > 4
    assert result.differing == []


@pytest.mark.parametrize("guard", [pytest.param(one, id=one.name) for one in GUARDS])
def test_a_guard_that_is_taken_away_is_missed(machine: Machine, guard: Guard) -> None:
    trace = guard.traces(guard.missed_by)
    with without(guard):
        broken = play(trace, machine).violations
    assert broken
    assert play(trace, machine).violations == ()


def test_a_failing_trace_is_cut_down_to_what_matters(machine: Machine) -> None:
    guard = next(guard for guard in GUARDS if guard.name == "doubled keys are ambiguous")
    trace = guard.traces(guard.missed_by)
    with without(guard):
        broken = kinds(play(trace, machine).violations)
        smallest = shrink(trace, machine, plays=40)
        assert kinds(play(smallest, machine).violations) & broken
    assert smallest.parts() < trace.parts()
    assert len(list(describe(smallest))) < len(list(describe(trace)))


def test_the_oracle_finds_what_a_script_of_a_day_does_wrong(machine: Machine) -> None:
    broken = set()
    for seed in range(12):
        broken |= kinds(play_naive(make_trace(seed, entity="customers"), machine))
    assert "lost" in broken
