"""`python -m simulation --seeds N --first-seed M`: whole syncs from seeds; exit 1 if any promise is broken."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from simulation.machine import Machine
from simulation.maker import make_trace
from simulation.run import Result, play, play_seed
from simulation.shrink import shrink
from simulation.situations import CHANCES
from simulation.trace import DEATHS, DISK_FAULTS, STORE_FAULTS, WIRE_FAULTS, Trace
from simulation.weights import weigh
from simulation.widening import WIDENINGS

PAST_FAILURES = Path(__file__).with_name("past_failures.txt")
_AT_A_TIME = 20
_TWICE = 25
"""Of so many seeds, one is played twice, and must send the same requests."""


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="how many traces")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--past", action="store_true", help="also the seeds that have failed before")
    choices = ["plain", *WIDENINGS, *CHANCES]
    parser.add_argument("--only", action="append", choices=choices, help="traces in this situation, and no other")
    parser.add_argument("--shrink", action="store_true", help="cut a failing trace down to what matters, and print it")
    parser.add_argument("--weight", action="append", default=[], help="NAME=NUMBER, see `weights`; more than once")
    options = parser.parse_args()
    weigh(options.weight)
    only = None if options.only is None else tuple(name for name in options.only if name != "plain")
    wanted = [(seed, only) for seed in range(options.first_seed, options.first_seed + options.seeds)]
    seeds = [*(past_failures() if options.past else ()), *wanted]
    console = Console(width=110)
    started = time.perf_counter()
    results = list(track(_played(seeds, options.workers), "traces", len(seeds), console=Console(stderr=True)))
    failed = [result for result in results if result.violations]
    _report(console, results, time.perf_counter() - started)
    for result in failed[:20]:
        console.print(f"\nseed {result.seed} breaks a promise; replay it with:", style="bold red")
        console.print(f"  python -m simulation {_arguments(result)}", highlight=False)
        for violation in result.violations:
            console.print(f"  {violation}", highlight=False, markup=False)
    if failed and (options.shrink or len(seeds) == 1):
        _explain(console, failed[0])
    sys.exit(1 if failed else 0)


def _arguments(result: Result) -> str:
    """In its situations by name, for which seed is in which one changes with their chances."""
    only = " ".join(f"--only '{name}'" for name in result.situations or ("plain",))
    return f"--seeds 1 --first-seed {result.seed} {only}"


def past_failures() -> list[tuple[int, tuple[str, ...]]]:
    """Seeds that once found something, and the situations that they were in."""
    lines = [line.partition("#")[0].strip() for line in PAST_FAILURES.read_text().splitlines()]
    parts = [line.partition(" ") for line in lines if line]
    return [(int(seed), tuple(name.strip() for name in names.split(",") if name.strip())) for seed, _, names in parts]


Wanted = tuple[int, tuple[str, ...] | None]
"""A seed, and the situations in which it is played; None: those that it has."""


def _played(seeds: Sequence[Wanted], workers: int) -> Iterator[Result]:
    portions = [seeds[start : start + _AT_A_TIME] for start in range(0, len(seeds), _AT_A_TIME)]
    if workers <= 1 or len(portions) <= 1:
        yield from chain.from_iterable(map(_play_portion, portions))
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from chain.from_iterable(pool.map(_play_portion, portions))


def _play_portion(seeds: Sequence[Wanted]) -> list[Result]:
    logging.disable(logging.CRITICAL)  # each fault would be logged
    machine = _machine()
    return [(_played_twice if seed % _TWICE == 0 else play_seed)(seed, machine, only) for seed, only in seeds]


def _played_twice(seed: int, machine: Machine, situations: tuple[str, ...] | None) -> Result:
    result, again = play_seed(seed, machine, situations), play_seed(seed, machine, situations)
    if result.digest == again.digest:
        return result
    told = (*result.violations, "undecided: the same seed sent other requests the second time")
    return replace(result, violations=told)


_MACHINES: list[Machine] = []


def _machine() -> Machine:
    """One for each process."""
    if not _MACHINES:
        _MACHINES.append(Machine())
    return _MACHINES[0]


def _report(console: Console, results: list[Result], seconds: float) -> None:
    fired = Counter[str]()
    for result in results:
        fired.update(result.fired)
    table = Table(title="What went wrong on the way, and how often")
    for heading in ("fault", "fired", "fault", "fired"):
        table.add_column(heading, justify="right" if heading == "fired" else "left")
    names = [*WIRE_FAULTS, *STORE_FAULTS, *DISK_FAULTS, *DEATHS]
    names += sorted(fired.keys() - set(names))
    situations = Counter(name for result in results for name in result.situations)
    half = (len(names) + 1) // 2
    for left, right in zip(names[:half], [*names[half:], ""], strict=False):
        table.add_row(left, f"{fired[left]:,}", right, f"{fired[right]:,}" if right else "")
    console.print(table)
    told = ", ".join(f"{name} {count:,}" for name, count in situations.most_common())
    console.print(f"Traces by situation: {told}." if told else "No trace was in a situation.", highlight=False)
    cpu = sum(result.seconds for result in results)
    broken = sum(bool(result.violations) for result in results)
    window = sum(result.in_window for result in results)
    console.print(
        f"{len(results):,} traces, {sum(r.requests for r in results):,} requests, {sum(fired.values()):,} faults and "
        f"edits in between, {broken} with a broken promise; {window} edits fell into the window that the systems "
        f"leave open. {cpu / max(1, len(results)) * 1000:.0f} ms a trace on one core, {seconds:.0f} s in all.",
        highlight=False,
    )


def _explain(console: Console, result: Result) -> None:
    machine = _machine()
    smallest = shrink(make_trace(result.seed, situations=result.situations), machine)
    console.print("\nthe part of it that matters:", style="bold")
    for line in describe(smallest):
        console.print(f"  {line}", highlight=False, markup=False)
    for violation in play(smallest, machine).violations:
        console.print(f"  → {violation}", highlight=False, markup=False)


def describe(trace: Trace) -> Iterable[str]:
    """A trace in words, one thing a line."""
    yield f"{trace.entity}: {', '.join(trace.mapping)}; pages of {trace.page_size}"
    yield f"systems: {trace.switches}, clocks ahead by {trace.skews} {trace.conditions or ''}".rstrip()
    for person in trace.people:
        yield f"in the beginning: {person}"
    for step in trace.steps:
        yield f"{step.what} {step.task} {step.options or ''} {step.edit or ''}".strip()
        for event in step.events:
            yield f"    at {event.at}: {event.what} {event.side} {event.edit or ''}".rstrip()


if __name__ == "__main__":
    main()
