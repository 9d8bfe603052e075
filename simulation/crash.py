"""`python -m simulation.crash`: a trace is killed at each thing it does, in turn, and must end as if it had not been.

The things: before each request and after its answer, before and after each commit, in the middle of each file.
"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.progress import track

from simulation.machine import Machine, small_pages
from simulation.trace import Edit, Event, Person, Step, Trace
from simulation.values import FIELDS, KEYS, POWEROFFICEGO, SHOPIFY, SIDES, normal
from simulation.world import World

End = dict[str, Any]


def traces() -> dict[str, Trace]:
    """A first run that links and creates on both sides, and a second one with edits, a conflict and a clearing."""
    found = {}
    for entity in FIELDS:
        names = list(FIELDS[entity])
        people = (
            Person(0, SIDES, differs=(names[0],)),
            Person(1, SIDES),
            Person(2, (POWEROFFICEGO,)),
            Person(3, (SHOPIFY,)),
        )
        edits = (
            Edit("type", POWEROFFICEGO, 1, names[-1], 101),
            Edit("type", SHOPIFY, 2, names[0], 102),
            Edit("type", POWEROFFICEGO, 3, names[0], 103),
            Edit("type", SHOPIFY, 3, names[0], 104),
            Edit("clear", SHOPIFY, 1, names[2], 105),
        )
        steps = (Step("run"), *(Step("edit", edit) for edit in edits), Step("run"))
        switches: dict[str, dict[str, Any]] = {POWEROFFICEGO: {}, SHOPIFY: {}}
        skews = dict.fromkeys(SIDES, 0.0)
        mapping = ("create_in: [shopify, powerofficego]",)
        found[entity] = Trace(0, entity, mapping, switches, skews, 3, people, steps)
    return found


def swaps() -> dict[str, Trace]:
    """A first run that links; then people change places with what no two may share, in rings of two to four; and in one
    of which the shop refuses the second record."""
    key, bad = KEYS["customers"], {"side": SHOPIFY, "person": 1, "alone": True}
    found = {f"{key} of {size} in {side}": _swap(side, size) for side in SIDES for size in _NUMBER_OF_RING}
    return found | {f"{key} of 3, one of them refused": replace(_swap(POWEROFFICEGO, 3), conditions={"bad": bad})}


_NUMBER_OF_RING = {2: 3, 3: 1, 4: 2}
"""By the size of a ring, the number of an edit that makes it; see `People`."""


def _swap(side: str, size: int) -> Trace:
    people = tuple(Person(n, SIDES) for n in range(size))
    swap = Edit("rotate", side, 0, KEYS["customers"], _NUMBER_OF_RING[size])
    switches: dict[str, dict[str, Any]] = {POWEROFFICEGO: {}, SHOPIFY: {}}
    steps = (Step("run"), Step("edit", swap), Step("run"))
    return Trace(0, "customers", (), switches, dict.fromkeys(SIDES, 0.0), 4, people, steps)


@dataclass(frozen=True, slots=True)
class Crashes:
    """:param points: how many deaths were tried. :param differing: those whose end was another, and how."""

    points: int
    differing: list[str]


def crash_everywhere(trace: Trace, machine: Machine, *, every: int = 1, progress: str = "") -> Crashes:
    """Kill the trace at each point of each of its runs (or at each `every`th), and compare the ends."""
    world = World(trace, machine)
    with small_pages(trace.page_size):
        violations = world.play()
    assert not violations, violations
    wanted = _end(world)
    lengths = world.lengths[: sum(step.what == "run" for step in trace.steps)]
    points = [(run, at) for run, length in enumerate(lengths) for at in range(1, length + 1, every)]
    shown = track(points, progress, console=Console(stderr=True)) if progress else points
    differing = []
    for run, at in shown:
        world = World(_killed(trace, run, at), machine)
        with small_pages(trace.page_size):
            violations = world.play()
        if world.fired.get("killed") != 1:
            violations.append("the kill did not happen")
        end = _end(world)
        if end != wanted:
            violations.append(f"other end: {_difference(wanted, end)}")
        differing += [f"run {run + 1}, killed at {at}: {violation}" for violation in violations]
    return Crashes(len(points), differing)


def _killed(trace: Trace, run: int, at: int) -> Trace:
    numbers = [n for n, step in enumerate(trace.steps) if step.what == "run"]
    steps = list(trace.steps)
    steps[numbers[run]] = replace(steps[numbers[run]], events=(Event(at, "killed"),))
    return replace(trace, steps=tuple(steps))


def _end(world: World) -> End:
    """What stands in both systems by person, and who is linked: without ids and times, which a rerun changes."""
    persons = world.oracle.persons
    end: End = {}
    for side, desk in world.desks.items():
        for record_id, values in desk.records().items():
            person = persons[side, record_id]
            end.setdefault(f"{side} {person}", []).append({n: normal(n, side, raw) for n, raw in values.items()})
    view = world.store_view()
    end["links"] = sorted((persons[POWEROFFICEGO, a], persons[SHOPIFY, b]) for a, b in view.links)
    return end


def _difference(wanted: End, end: End) -> str:
    return "; ".join(
        f"{name}: {wanted.get(name)} → {end.get(name)}"
        for name in {**wanted, **end}
        if wanted.get(name) != end.get(name)
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m simulation.crash", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only each Nth point")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    console, machine, failed = Console(width=110), Machine(), False
    for name, trace in {**traces(), **swaps()}.items():
        result = crash_everywhere(trace, machine, every=options.every, progress=name)
        console.print(f"{name}: killed at {result.points} points, {len(result.differing)} with another end")
        for line in result.differing[:20]:
            console.print(f"  {line}", markup=False, highlight=False)
        failed = failed or bool(result.differing)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
