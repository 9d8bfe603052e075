"""Blocks of traces: worlds are disturbed, planned, compared with the rules, carried out; again and again."""

from __future__ import annotations

import gc
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

from samklang.core.plan import Row
from simulation.planner import applying, asking, matching, pairs, people, reading, terms
from simulation.planner.pairs import Pair, World
from simulation.planner.terms import BLOCK, SIDES, Terms
from simulation.planner.words import fits, word

STEPS = 4
"""How often a world is disturbed and planned."""


@dataclass(frozen=True, slots=True)
class Violation:
    """:param step: from 1 on; :param told: what had happened to the world."""

    seed: int
    step: int
    what: str
    told: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """:param seen: how often each situation occurred. :param seconds: of one processor."""

    traces: int = 0
    plans: int = 0
    seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, other: Outcome) -> None:
        self.traces += other.traces
        self.plans += other.plans
        self.seconds += other.seconds
        self.violations += other.violations
        self.seen += other.seen


def blocks(first: int, count: int) -> Iterable[Sequence[int]]:
    """The seeds, cut where the terms change: what a world is depends on its seed alone."""
    start = first
    while start < first + count:
        end = min(first + count, (start // BLOCK + 1) * BLOCK)
        yield range(start, end)
        start = end


def run_block(seeds: Sequence[int]) -> Outcome:
    """Seeds that share their terms; every fourth block is about records without a twin."""
    started = time.process_time()
    block = seeds[0] // BLOCK
    gc.disable()  # nothing here goes in circles
    try:
        outcome = _run_people(block, seeds) if block % 4 == 3 else _run_pairs(block, seeds)
    finally:
        gc.enable()
    outcome.seconds = time.process_time() - started
    outcome.traces = len(seeds)
    return outcome


# --- linked pairs -----------------------------------------------------------------------------------------------------


def _run_pairs(block: int, seeds: Sequence[int]) -> Outcome:
    outcome, known = Outcome(), terms.terms_of(block)
    worlds = [pairs.new_world(seed, known, reading.form_of) for seed in seeds]
    shuffled_at = 1 + block % STEPS
    for step in range(1, STEPS + 1):
        for world in worlds:
            pairs.disturb(world, known)
        everyone = [pair for world in worlds for pair in world.pairs]
        told = asking.ask(known, everyone)
        expected = [reading.plan(known, pair) for pair in everyone]
        outcome.plans += len(everyone)
        _check_totals(told, expected, worlds, step, outcome)
        number = 0
        for world in worlds:
            own = slice(number, number + len(world.pairs))
            number += len(world.pairs)
            for what in _wrong_in_world(known, world, expected[own], told.pairs[own], told.rows[own]):
                outcome.violations.append(Violation(world.seed, step, what, tuple(world.told)))
        if step == shuffled_at:
            _check_order(block, known, worlds, told, step, outcome)
        for pair, ours, theirs in zip(everyone, expected, told.pairs, strict=True):
            _count(pair, ours, outcome.seen)
            applying.apply(known, pair, ours, _sent(ours, theirs))
    _check_rest(known, worlds, outcome)
    return outcome


def _sent(ours: reading.Expected, theirs: reading.Expected) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """What is sent: ours, but for the figure of a price."""

    def values(side: int) -> dict[str, str | None]:
        return {
            name: theirs.rows[side][name].value if change.factor and name in theirs.rows[side] else change.value
            for name, change in ours.rows[side].items()
        }

    return values(0), values(1)


def _wrong_in_world(
    known: Terms,
    world: World,
    expected: Sequence[reading.Expected],
    told: Sequence[reading.Expected],
    rows: Sequence[list[Row]],
) -> list[str]:
    wrong: list[str] = []
    for pair, ours, theirs in zip(world.pairs, expected, told, strict=True):
        wrong += _differences(pair, ours, theirs)
        wrong += _broken_promises(known, pair, theirs)
    if len(world.pairs) > 1:
        wrong += _wrong_order(known, [row for one in rows for row in one])
    return wrong


def _differences(pair: Pair, ours: reading.Expected, theirs: reading.Expected) -> list[str]:
    """Where the plan is another than the rules say."""
    wrong = []
    for side in (0, 1):
        if ours.rows[side].keys() != theirs.rows[side].keys():
            wrong.append(f"to {SIDES[side]}: {sorted(theirs.rows[side])} instead of {sorted(ours.rows[side])}")
            continue
        for name, change in ours.rows[side].items():
            found = theirs.rows[side][name]
            value = str(change.value)
            same = fits(found.value, change.factor, value) if change.factor else found.value == change.value
            if not same or found[:1] + found[2:4] != change[:1] + change[2:4]:
                wrong.append(f"to {SIDES[side]}, {name}: {found} instead of {change}")
    wrong += _unequal(ours, theirs, "tuned", "drop", "held")
    if len(ours.clashes) != len(theirs.clashes) or set(ours.clashes) != set(theirs.clashes):
        wrong.append(f"conflicts: {theirs.clashes} instead of {ours.clashes}")
    if theirs.waits.get("matched") != pair.matched or "row" in theirs.waits:
        wrong.append(f"the link: {theirs.waits}")
    return wrong


def _unequal(ours: object, theirs: object, *names: str) -> list[str]:
    return [
        f"{name}: {getattr(theirs, name)} instead of {getattr(ours, name)}"
        for name in names
        if getattr(ours, name) != getattr(theirs, name)
    ]


def _broken_promises(known: Terms, pair: Pair, plan: reading.Expected) -> list[str]:
    """What no plan may do, whatever the rules decide."""
    wrong = []
    contested = {clash.field: clash for clash in plan.clashes if clash.rule not in ("group", "direction")}
    for side in (0, 1):
        if plan.rows[side] and not known.mapping.shares(SIDES[side]):
            wrong.append(f"{SIDES[side]} is written, and is not shared")
        for name, change in plan.rows[side].items():
            if name in contested and change.value is None and (pair.raw[side][name] or "").strip():
                wrong.append(f"{name}: an empty value wins a conflict")
            kind = known.mapping.field(name).kind
            region, home = reading.region_of(known, pair, 1 - side), known.mapping.region
            source = word(kind, pair.raw[1 - side].get(name), region, home)
            if kind not in reading.PRICES and word(kind, change.value, region, home).normal != source.normal:
                wrong.append(f"{name}: a value is written that nobody entered")
    return wrong


def _wrong_order(known: Terms, rows: list[Row]) -> list[str]:
    """Whether a value would be taken while its holder, who gives it away in the same plan, still has it."""
    wrong = []
    for side in SIDES:
        kinds = {f.name: f.kind for f in known.mapping.fields
                 if known.views[SIDES.index(side)].rules.accepts(f.names[side]).unique}  # fmt: skip
        mine = [row for row in rows if row.side == side and any(c.field in kinds for c in row.changes)]
        if len(mine) < 2:
            continue
        held = {(row.id, c.field): _same(known, kinds, c.field, c.expected) for row in mine for c in row.changes
                if c.field in kinds}  # fmt: skip
        wanted = {(row.id, c.field): _same(known, kinds, c.field, c.value) for row in mine for c in row.changes
                  if c.field in kinds}  # fmt: skip
        fixed = {(row.id, c.field) for row in mine for c in row.changes if c.needed}  # has nothing else to be known by
        for row in sorted(asking.in_waves(known, mine), key=lambda row: row.wave):
            for change in row.changes:
                if change.field not in kinds:
                    continue
                value = _same(known, kinds, change.field, change.value)
                taken = [
                    who for who, has in held.items() if has == value and who[1] == change.field and who[0] != row.id
                ]
                if value is not None and any(wanted[who] != value and who not in fixed for who in taken):
                    wrong.append(f"{change.field}: it is taken before it is free")
                held[row.id, change.field] = value
        if held != wanted:
            wrong.append("the order of writes ends in other values than the plan wants")
    return wrong


def _same(known: Terms, kinds: dict[str, str], name: str, value: str | None) -> str | None:
    return word(kinds[name], value, known.mapping.region, known.mapping.region).normal


def _check_totals(
    told: asking.Told, expected: list[reading.Expected], worlds: list[World], step: int, outcome: Outcome
) -> None:
    """What the plan counts."""
    waiting = sum(1 for one in expected for reason in one.waits.values() if reason.startswith("waiting:"))
    drift = sum(len(one.drift) for one in expected)
    unknown = Counter(name for one in expected for name in one.unknown)
    ours = (drift, waiting, dict(unknown))
    theirs = (told.drift, told.waiting, {name: n for name, n in told.unknown.items() if n})
    if ours != theirs:
        what = f"drift, waiting and unknown fields of the block are {theirs} instead of {ours}"
        outcome.violations.append(Violation(worlds[0].seed, step, what, ()))


def _check_order(block: int, known: Terms, worlds: list[World], told: asking.Told, step: int, outcome: Outcome) -> None:
    """The same plan, whatever the order of pairs, and of fields unless a group is judged by its first one."""
    rng = random.Random(block)
    owners = [world for world in worlds for _ in world.pairs]
    everyone = [pair for world in worlds for pair in world.pairs]
    order = rng.sample(range(len(everyone)), len(everyone))
    again = asking.ask(known.shuffled(rng) if known.one_policy else known, [everyone[n] for n in order])
    for n, plan in zip(order, again.pairs, strict=True):
        before = told.pairs[n]
        same = set(plan.clashes) == set(before.clashes) and all(
            getattr(plan, f.name) == getattr(before, f.name) for f in fields(plan) if f.name != "clashes"
        )
        if not same:
            what = "another plan comes out in another order"
            outcome.violations.append(Violation(owners[n].seed, step, what, tuple(owners[n].told)))


def _check_rest(known: Terms, worlds: list[World], outcome: Outcome) -> None:
    """A plan that was carried out leaves nothing to do."""
    everyone = [(world, pair) for world in worlds for pair in world.pairs]
    told = asking.ask(known, [pair for _, pair in everyone])
    for (world, pair), plan in zip(everyone, told.pairs, strict=True):
        # what a field was held for may be gone with the other writes
        again = {*plan.rows[0], *plan.rows[1], *plan.tuned, *plan.drop} - pair.held_back
        if pair.settled and again:
            what = f"carried out, it is planned again: {plan.rows}, {plan.tuned}, {plan.drop}"
            outcome.violations.append(Violation(world.seed, STEPS + 1, what, tuple(world.told)))


def _count(pair: Pair, plan: reading.Expected, seen: Counter[str]) -> None:
    for side in (0, 1):
        for name, change in plan.rows[side].items():
            seen[f"written: {change.why} to {SIDES[side]}"] += 1
            seen["refused by a system"] += name in pair.refuse_next or "" in pair.refuse_next
    for clash in plan.clashes:
        seen[f"conflict ({clash.kind}): {clash.rule}"] += 1
        seen["conflict in a certain order"] += clash.certain
    for _, _, reason in plan.held:
        seen[f"held: {reason}"] += 1
    for reason in plan.waits.values():
        seen[f"left alone: {reason.removeprefix('waiting:')}"] += 1
    seen["group decided, and not all of it could be written"] += reading.half_decided(plan)
    seen["in tune without a write"] += len(plan.tuned)
    seen["base forgotten: several variants"] += len(plan.drop)
    seen["unknown fields"] += len(plan.unknown)
    seen["drift"] += len(plan.drift)
    seen["nothing to do"] += not (any(plan.rows) or plan.tuned or plan.held or plan.waits)


# --- records without a twin -------------------------------------------------------------------------------------------


def _run_people(block: int, seeds: Sequence[int]) -> Outcome:
    outcome, known = Outcome(), people.terms_of(block)
    worlds = [people.new_world(seed, known) for seed in seeds]
    rng = random.Random(block)
    for step in range(1, STEPS + 1):
        for world in worlds:
            people.disturb(world, known)
        told = matching.ask(known, worlds)
        outcome.plans += len(worlds)
        order = rng.sample(range(len(worlds)), len(worlds)) if step == 1 else []
        again = dict(zip(order, matching.ask(known, [worlds[n] for n in order]), strict=True)) if order else {}
        for n, (world, theirs) in enumerate(zip(worlds, told, strict=True)):
            ours = people.plan(known, world)
            wrong = _people_differ(ours, theirs)
            if again and again[n] != theirs:
                wrong.append("another plan comes out in another order")
            outcome.violations += [Violation(world.seed, step, what, tuple(world.told)) for what in wrong]
            _count_people(ours, outcome.seen)
            people.apply(world, ours, _sent_people(ours, theirs))
    for world, theirs in zip(worlds, matching.ask(known, worlds), strict=True):
        if theirs.pairs or theirs.made:
            what = f"carried out, it is planned again: {theirs.pairs}, {theirs.made}"
            outcome.violations.append(Violation(world.seed, STEPS + 1, what, tuple(world.told)))
    return outcome


def _people_differ(ours: people.Expected, theirs: people.Expected) -> list[str]:
    wrong = _unequal(ours, theirs, "pairs", "ambiguous", "blocked", "excluded", "held")
    for n in ours.made.keys() | theirs.made.keys():
        mine, found = ours.made.get(n, {}), theirs.made.get(n, {})
        same = (n in ours.made) == (n in theirs.made) and mine.keys() == found.keys() and all(
            fits(found[name][0], factor, value) if factor else found[name][0] == value
            for name, (value, factor) in mine.items()
        )  # fmt: skip
        if not same:
            wrong.append(f"made: {found} instead of {mine}")
    return wrong


def _sent_people(ours: people.Expected, theirs: people.Expected) -> dict[int, dict[str, str]]:
    return {
        n: {
            name: theirs.made.get(n, {}).get(name, (value, ""))[0] if factor else value
            for name, (value, factor) in values.items()
        }
        for n, values in ours.made.items()
    }


def _count_people(plan: people.Expected, seen: Counter[str]) -> None:
    seen["linked by a key"] += len(plan.pairs)
    seen["made anew"] += len(plan.made)
    for _, (left, right) in plan.ambiguous.values():
        seen["ambiguous" if left and right else "ambiguous, nobody on the other side"] += 1
    for _, reason, _ in plan.blocked.values():
        seen[f"not linked: {reason}"] += 1
    for reason in plan.excluded.values():
        seen[f"not made: {'lacks what the target needs' if reason.startswith('lacks_') else reason}"] += 1
    for _, _, reason in plan.held:
        seen[f"held when made: {reason}"] += 1
