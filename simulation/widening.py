"""What is added to the trace of a seed, each class of events from randomness of its own: a seed keeps what it had."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from random import Random

from simulation.mapping_changes import remapped
from simulation.trace import DECISIONS, GOODS, Edit, Event, Step, Trace
from simulation.values import FIELDS, SHOPIFY, SIDES
from simulation.weights import WEIGHTS


def widened(trace: Trace, names: Collection[str] | None = None) -> Trace:
    """The trace, with these. :param names: of `WIDENINGS`; None: those that its seed and `WEIGHTS` give it."""
    for name, widen in WIDENINGS.items():
        pick = Random(f"{name} {trace.seed}")
        drawn = pick.random() < WEIGHTS[name]
        made = widen(trace, pick) if (drawn if names is None else name in names) else trace
        if made is not trace:
            trace = replace(made, situations=(*trace.situations, name))
    return trace


def decided_on(trace: Trace, pick: Random) -> Trace:
    """A trace in which people also decide things: between its runs, in the middle of them, and while plans wait."""
    weights = {what: WEIGHTS[what] for what in DECISIONS}
    people = len(trace.people) + 1
    names = list(FIELDS[trace.entity])

    def decision() -> Edit:
        what = pick.choices(list(weights), list(weights.values()))[0]
        return Edit(what, pick.choice(SIDES), pick.randrange(people), pick.choice(names), pick.randrange(1000))

    steps: list[Step] = []
    for step in trace.steps:
        if step.what == "run" and steps and pick.random() < WEIGHTS["decided while a plan waits"]:
            waits = [decision() for _ in range(pick.randint(1, 2))]
            step = replace(step, options={**step.options, "waits": tuple(waits)})
        elif step.what == "run" and pick.random() < WEIGHTS["decided during a run"]:
            event = Event(pick.randrange(90), "edit", "", decision())
            step = replace(step, events=tuple(sorted((*step.events, event), key=lambda one: one.at)))
        steps.append(step)
        if step.what == "run":
            steps += [Step("edit", decision()) for _ in range(pick.choice((0, 1, 1, 2, 3)))]
    if pick.random() < 0.5:
        edits = [step for step in trace.steps if step.edit][:2]
        again = [replace(step, edit=replace(step.edit, number=step.edit.number + 700)) for step in edits if step.edit]
        steps += [*again, Step("run"), Step("edit", decision())]
    return replace(trace, steps=tuple(steps))


def stocked(trace: Trace, pick: Random) -> Trace:
    """A trace of products in which people sort variants and type fractions, and terms of prices change."""
    if trace.entity != "products":
        return trace
    weights = {what: WEIGHTS[what] for what in GOODS}
    numbers = iter(range(3000, 4000))

    def one() -> Edit:
        what = pick.choices(list(weights), list(weights.values()))[0]
        return Edit(what, pick.choice(SIDES), pick.randrange(len(trace.people)), "UnitPrice", next(numbers))

    steps: list[Step] = []
    for step in trace.steps:
        if step.what == "run":
            steps += [Step("edit", one()) for _ in range(pick.randint(1, 3))]
        steps.append(step)
    steps += [Step("edit", one()), Step("run"), *(Step("edit", one()) for _ in range(pick.randint(0, 3)))]
    switches = trace.switches
    if pick.random() < WEIGHTS["prices without VAT"]:
        switches = {**switches, SHOPIFY: {**switches[SHOPIFY], "taxes_included": False}}
    return replace(trace, steps=tuple(steps), switches=switches)


WIDENINGS: dict[str, Callable[[Trace, Random], Trace]] = {
    "goods": stocked,
    "mapping": remapped,
    "decisions": decided_on,
}
"""Situations with many steps of their own."""
