"""What a trace may be in besides faults and single edits: each is added to the trace of a seed from randomness of its
own, so that the rest of the trace stays what it was.

`CHANCES` says how many traces are in which situation; 0: not yet, for the product does not keep its promises in it.
`python -m simulation --only NAME` plays it all the same, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from random import Random
from typing import Any

from simulation.trace import Edit, Event, Step, Trace
from simulation.values import FIELDS, POWEROFFICEGO, SHOPIFY, SIDES, UNIQUE
from simulation.widening import WIDENINGS

CHANCES: dict[str, float] = {
    "shared values": 0.15,
    "swaps": 0.06,
    "swaps of keys": 0.06,
    "redaction": 0.1,
    "few fields": 0.1,
    "field never shown": 0.08,
    "clocks apart": 0.12,
    "other offsets": 0.1,
    "lagging replica": 0.1,
    "bad record": 0.06,
    "record that fails alone": 0.06,
    "plans that wait": 0.15,
}
"""Part of the traces in which each of them is."""
_FIRST_NUMBER = 300
"""Of values that are typed in a situation: below are those of the plain trace."""
HIDDEN: dict[str, dict[str, str]] = {
    "customers": {
        "Customer.defaultPhoneNumber": "PhoneNumber",
        "Customer.defaultEmailAddress": "EmailAddress",
        "Customer.firstName": "FirstName",
    },
    "products": {"ProductVariant.price": "UnitPrice"},
}
"""What Shopify may not show, and the fields that nobody sees there then."""
POOL = 3
"""How many values people share."""


def situated(trace: Trace, names: Collection[str] | None = None) -> Trace:
    """The trace, in these situations. :param names: None: in those that its seed and `CHANCES` give it."""
    if names is None:
        chance = Random(f"situations {trace.seed}")
        drawn = {name: chance.random() for name in CHANCES}
        names = [name for name in CHANCES if drawn[name] < CHANCES[name]]
    for name in CHANCES:
        made = _MAKERS[name](trace, Random(f"{name} {trace.seed}")) if name in names else trace
        if made is not trace:
            trace = replace(made, situations=(*trace.situations, name))
    return trace


def _is_widened(trace: Trace) -> bool:
    return any(name in WIDENINGS for name in trace.situations)


# --- what people do more of


def _sprinkled(trace: Trace, pick: Random, edit: Callable[[int], Edit], most: int) -> Trace:
    """Some of these edits before, during and after each run, and a run after the last ones."""
    steps: list[Step] = []
    before = [name for name in trace.situations if name in CHANCES]
    number = _FIRST_NUMBER + 60 * (len(before) + _is_widened(trace))

    def edits(count: int) -> list[Edit]:
        nonlocal number
        number += count
        return [edit(number - i) for i in range(count)]

    for step in trace.steps:
        if step.what == "run":
            steps += [Step("edit", one) for one in edits(pick.randint(0, most))]
            inside = [Event(pick.randrange(90), "edit", "", one) for one in edits(pick.choice((0, 0, 1, 2)))]
            step = replace(step, events=tuple(sorted((*step.events, *inside), key=lambda event: event.at)))
        steps.append(step)
    steps += [Step("edit", one) for one in edits(pick.randint(1, most))]
    killed = (Event(pick.randrange(15, 70), "killed"),) if pick.random() < 0.4 else ()
    steps.append(Step("run", events=killed))
    if pick.random() < 0.5:
        steps += [Step("edit", one) for one in edits(1)]
    return replace(trace, steps=tuple(steps))


def _shared_values(trace: Trace, pick: Random) -> Trace:
    """People type what others have, too, or had."""
    names = UNIQUE[trace.entity]

    def edit(number: int) -> Edit:
        kind = pick.choices(("share", "give", "clear"), (6, 3, 1))[0]
        number = pick.randrange(POOL) if kind == "share" else number
        return Edit(kind, pick.choice(SIDES), pick.randrange(len(trace.people)), pick.choice(names), number)

    return _sprinkled(trace, pick, edit, 3)


def _swaps(trace: Trace, pick: Random) -> Trace:
    """Two people change places, or three and more in a ring; some change back."""
    return _rotated(trace, pick, ("PhoneNumber",) if trace.entity == "customers" else ("Name",))


def _swaps_of_keys(trace: Trace, pick: Random) -> Trace:
    """The same, of what links them."""
    return _rotated(trace, pick, ("EmailAddress",) if trace.entity == "customers" else ("Code",))


def _rotated(trace: Trace, pick: Random, names: tuple[str, ...]) -> Trace:
    first, side = pick.randrange(len(trace.people)), pick.choice(SIDES)

    def edit(number: int) -> Edit:
        again = pick.random() < 0.6  # mostly the same people on the same side, back or on
        who = first if again else pick.randrange(len(trace.people))
        where = side if again else pick.choice(SIDES)
        return Edit("rotate", where, who, pick.choice(names), number)

    steps = trace.steps if any(step.what == "run" for step in trace.steps) else (*trace.steps, Step("run"))
    return _sprinkled(replace(trace, steps=steps), pick, edit, 2)


def _redaction(trace: Trace, pick: Random) -> Trace:
    """The shop erases one or two of its customers, at any moment, also while a plan waits for a person."""
    if trace.entity != "customers":
        return trace
    chosen = [pick.randrange(len(trace.people)) for _ in range(pick.choice((1, 1, 2)))]
    steps = list(trace.steps)
    if pick.random() < 0.5:
        touched = Edit("type", POWEROFFICEGO, chosen[0], pick.choice(list(FIELDS["customers"])), _FIRST_NUMBER + 40)
        steps += [Step("edit", touched), Step("run")]
    for person in chosen:
        edit = Edit("redact", SHOPIFY, person, "", 0)
        runs = [n for n, step in enumerate(steps) if step.what == "run"]
        where = pick.choice(("before", "during", "while it waits"))
        at = pick.choice(runs)
        match where:
            case "before":
                steps.insert(at, Step("edit", edit))
            case "during":
                events = (*steps[at].events, Event(pick.randrange(10, 60), "edit", "", edit))
                steps[at] = replace(steps[at], events=tuple(sorted(events, key=lambda event: event.at)))
            case _:
                steps[at] = _waiting(steps[at], pick, (edit,))
    return replace(trace, steps=tuple(steps))


def _plans_that_wait(trace: Trace, pick: Random) -> Trace:
    """A person approves after minutes or hours, in which people go on editing."""
    steps = []
    names = list(FIELDS[trace.entity])
    for number, step in enumerate(trace.steps):
        if step.what == "run" and pick.random() < 0.7:
            edits = []
            for i in range(pick.randint(1, 3)):
                kind = pick.choices(("type", "rotate", "clear", "agree", "give"), (6, 3, 2, 2, 1))[0]
                name = pick.choice(UNIQUE[trace.entity] if kind in ("rotate", "give") else (*names, names[0]))
                person = pick.randrange(len(trace.people))
                edits.append(Edit(kind, pick.choice(SIDES), person, name, 700 + 10 * number + i))
            step = _waiting(step, pick, tuple(edits))
        steps.append(step)
    return replace(trace, steps=tuple(steps))


def _waiting(step: Step, pick: Random, edits: tuple[Edit, ...]) -> Step:
    waits = {"waits": (*step.options.get("waits", ()), *edits), "waiting": pick.choice((60.0, 900.0, 3600.0))}
    return replace(step, options={**step.options, **waits})


# --- what the systems and the mapping are like


def _few_fields(trace: Trace, pick: Random) -> Trace:
    """A mapping that lacks fields by which the shop knows a customer; or the seven of the specification alone."""
    if trace.entity != "customers":
        return trace
    lacking = pick.choice(
        ("FirstName LastName", "FirstName LastName", "PhoneNumber", "LastName", "FirstName PhoneNumber")
    )
    return replace(trace, mapping=(*trace.mapping, f"without: {lacking}"))


def _field_never_shown(trace: Trace, pick: Random) -> Trace:
    """Shopify does not show a field until people and faults are quiet."""
    if _is_widened(trace):
        return trace
    switches = {**trace.switches, SHOPIFY: {**trace.switches.get(SHOPIFY, {})}}
    switches[SHOPIFY]["denied_fields"] = [pick.choice(list(HIDDEN[trace.entity]))]
    return replace(trace, switches=switches)


def _clocks_apart(trace: Trace, pick: Random) -> Trace:
    return replace(trace, skews={side: pick.choice((-1, 1)) * pick.uniform(60, 900) // 1 for side in SIDES})


def _other_offsets(trace: Trace, pick: Random) -> Trace:
    offsets = {side: pick.choice((0, 60, 120, -300, 345)) for side in SIDES}
    return replace(trace, conditions={**trace.conditions, "offsets": offsets})


def _lagging_replica(trace: Trace, pick: Random) -> Trace:
    go = {**trace.switches.get(POWEROFFICEGO, {}), "replica_lag_seconds": pick.choice((0.5, 1.0, 2.0))}
    return replace(trace, switches={**trace.switches, POWEROFFICEGO: go})


def _bad_record(trace: Trace, pick: Random) -> Trace:
    """One record makes every request fail that holds it, but reads of all."""
    if _is_widened(trace):
        return trace
    bad: dict[str, Any] = {"side": pick.choice(SIDES), "person": pick.randrange(len(trace.people)), "alone": False}
    return replace(trace, conditions={**trace.conditions, "bad": bad})


def _fails_alone(trace: Trace, pick: Random) -> Trace:
    """One record cannot be written, and harms no other."""
    if _is_widened(trace):
        return trace
    bad: dict[str, Any] = {"side": POWEROFFICEGO, "person": pick.randrange(len(trace.people)), "alone": True}
    return replace(trace, conditions={**trace.conditions, "bad": bad})


_MAKERS: dict[str, Callable[[Trace, Random], Trace]] = {
    "shared values": _shared_values,
    "swaps": _swaps,
    "swaps of keys": _swaps_of_keys,
    "redaction": _redaction,
    "few fields": _few_fields,
    "field never shown": _field_never_shown,
    "clocks apart": _clocks_apart,
    "other offsets": _other_offsets,
    "lagging replica": _lagging_replica,
    "bad record": _bad_record,
    "record that fails alone": _fails_alone,
    "plans that wait": _plans_that_wait,
}
