"""Small worlds of one or two linked pairs, and what people and systems do to them between two plans."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from samklang.core.mapping import Field
from simulation.planner.terms import Terms
from simulation.planner.words import POOLS, word

Based = tuple[str | None, str | None, str]
CLOCKS = (
    "2026-01-01T00:00:00.0000000Z",
    "2026-01-01T00:00:01.0000000Z",  # the same moment, as far as anybody can tell
    "2026-01-01T00:00:01.0000001Z",
    "2026-01-01T01:00:00.0000000Z",
    "2026-01-02T00:00:00.0000000Z",
)
NOW, DUE, LATER = "2026-06-01T00:00:00.0000000Z", "2026-05-01T00:00:00.0000000Z", "2026-07-01T00:00:00.0000000Z"


@dataclass(slots=True)
class Pair:
    """Two twins as they were last seen, first side first, and the base of each field that has one.

    :param raw: a field that is missing is unknown.
    :param refused: by side and field: what a system refused, and when it may be tried again.
    :param refuse_next: fields that the next write will be refused for.
    :param held_back: fields that the last plan left out of tune.
    :param settled: whether all that the last plan wanted was done.
    """

    raw: tuple[dict[str, str | None], dict[str, str | None]]
    base: dict[str, tuple[Based, Based]] = field(default_factory=dict)
    facts: tuple[dict[str, object], dict[str, object]] = field(default_factory=lambda: ({}, {}))
    clocks: list[str] = field(default_factory=list)
    group_clocks: list[str | None] = field(default_factory=list)
    unchanged_until: list[str | None] = field(default_factory=list)
    refused: dict[tuple[int, str], tuple[object, str]] = field(default_factory=dict)
    refuse_next: set[str] = field(default_factory=set)
    matched: str | None = None
    held_back: set[str] = field(default_factory=set)
    settled: bool = False


FormOf = Callable[[Terms, Pair, Field, int], str]


@dataclass(slots=True)
class World:
    """:param hidden: what a field held before it became unknown, by number of the pair, side and field."""

    seed: int
    rng: random.Random
    pairs: list[Pair]
    told: list[str] = field(default_factory=list)
    hidden: dict[tuple[int, int, str], str | None] = field(default_factory=dict)


def new_world(seed: int, terms: Terms, form: FormOf) -> World:
    """:param form: under which terms a value is compared: `form(terms, pair, field, side)`."""
    rng = random.Random(seed)
    return World(seed, rng, [_new_pair(rng, terms, form) for _ in range(2 if rng.random() < 0.2 else 1)])


def _new_pair(rng: random.Random, terms: Terms, form: FormOf) -> Pair:
    fields = terms.mapping.fields
    alike = rng.random() < 0.7
    left = {f.name: rng.choice(POOLS[f.kind]) for f in fields}
    right = {f.name: left[f.name] if alike or rng.random() < 0.5 else rng.choice(POOLS[f.kind]) for f in fields}
    pair = Pair(
        (left, right),
        facts=(_tax_facts(rng), {"taxable": rng.random() < 0.85}),
        clocks=[rng.choice(CLOCKS), rng.choice(CLOCKS)],
        group_clocks=[rng.choice((None, *CLOCKS)), None],
        unchanged_until=[rng.choice((None, *CLOCKS)), rng.choice((None, *CLOCKS))],
    )
    if rng.random() < 0.1:
        pair.facts[1]["skip"] = {"name": "several_variants"}
    if rng.random() < 0.2:
        pair.matched = "Mail"  # twins since a moment ago: nothing has a base
        return pair
    for f in fields:
        if rng.random() < 0.9:
            pair.base[f.name] = (_base(terms, pair, f, 0, form), _base(terms, pair, f, 1, form))
    if "Price" in pair.base and rng.random() < 0.1:  # it was made without a price, and shows a default
        pair.base["Price"] = ((None, None, "unsent"), ("0.00", "0.00", "money*1"))
        left["Price"], right["Price"] = rng.choice((None, "100")), "0.00"
    return pair


def _tax_facts(rng: random.Random) -> dict[str, object]:
    """Group and sales account of a product; most have none of their own."""
    return {
        "tax_group": rng.choice((None, "FOOD", "food ", "BOOKS", "TOOLS")),
        "tax_group_id": rng.choice((None, "1", "2", "3", "4", "5")),
        "tax_account": rng.choice((None, None, None, "3000", "3100", "3200")),
    }


def _base(terms: Terms, pair: Pair, f: Field, side: int, form: FormOf) -> Based:
    raw = pair.raw[side][f.name]
    return raw, word(f.kind, raw, terms.mapping.region, terms.mapping.region).normal, form(terms, pair, f, side)


# --- what happens between two plans -----------------------------------------------------------------------------------


def disturb(world: World, terms: Terms) -> None:
    """One to three things happen to the world; what, is kept in `told`."""
    rng = world.rng
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        act = rng.choice(_ACTS)
        number = rng.randrange(len(world.pairs))
        act(world, terms, number)
        world.told.append(act.__name__.strip("_"))


def _edit(world: World, terms: Terms, number: int, *, side: int | None = None, name: str | None = None) -> str:
    """Somebody types another value, or the same one in other words."""
    rng, pair = world.rng, world.pairs[number]
    side = rng.randrange(2) if side is None else side
    name = name or _any_field(world, terms)
    pair.raw[side][name] = rng.choice(POOLS[terms.mapping.field(name).kind])
    _touch(world, number, side, name, terms)
    return name


def _edit_one_side_twice(world: World, terms: Terms, number: int) -> None:
    side = world.rng.randrange(2)
    name = _edit(world, terms, number, side=side)
    _edit(world, terms, number, side=side, name=name if world.rng.random() < 0.4 else None)


def _edit_both_sides(world: World, terms: Terms, number: int) -> None:
    name = _edit(world, terms, number, side=0)
    _edit(world, terms, number, side=1, name=name if world.rng.random() < 0.8 else None)


def _edit_both_alike(world: World, terms: Terms, number: int) -> None:
    pair = world.pairs[number]
    name = _edit(world, terms, number, side=0)
    pair.raw[1][name] = pair.raw[0][name]
    _touch(world, number, 1, name, terms)


def _edit_both_addresses(world: World, terms: Terms, number: int) -> None:
    members = [f.name for f in terms.mapping.fields if f.group]
    for side in (0, 1):
        for name in world.rng.sample(members, min(len(members), world.rng.choice((1, 2, 3)))):
            _edit(world, terms, number, side=side, name=name)


def _respell(world: World, terms: Terms, number: int) -> None:
    """Another spelling of the same value."""
    rng, pair, side = world.rng, world.pairs[number], world.rng.randrange(2)
    name = _any_field(world, terms)
    kind, region = terms.mapping.field(name).kind, terms.mapping.region
    if name in pair.raw[side]:
        normal = word(kind, pair.raw[side][name], region, terms.mapping.region).normal
        same = [raw for raw in POOLS[kind] if word(kind, raw, region, terms.mapping.region).normal == normal]
        pair.raw[side][name] = rng.choice(same or [pair.raw[side][name]])


def _swap_back(world: World, terms: Terms, number: int) -> None:
    """Somebody takes an edit back."""
    pair, side = world.pairs[number], world.rng.randrange(2)
    name = _any_field(world, terms)
    if name in pair.base:
        pair.raw[side][name] = pair.base[name][side][0]
        _touch(world, number, side, name, terms)


def _take_all_back(world: World, terms: Terms, number: int) -> None:
    pair = world.pairs[number]
    for name, both in pair.base.items():
        for side in (0, 1):
            pair.raw[side][name] = both[side][0]


def _clear(world: World, terms: Terms, number: int) -> None:
    side, name = world.rng.randrange(2), _any_field(world, terms)
    world.pairs[number].raw[side][name] = world.rng.choice((None, "", "  "))
    _touch(world, number, side, name, terms)


def _clear_here_edit_there(world: World, terms: Terms, number: int) -> None:
    side, name = world.rng.randrange(2), _any_field(world, terms)
    world.pairs[number].raw[side][name] = None
    _touch(world, number, side, name, terms)
    _edit(world, terms, number, side=1 - side, name=name)


def _clear_all(world: World, terms: Terms, number: int) -> None:
    side = world.rng.randrange(2)
    for f in terms.mapping.fields:
        if f.kind != "money" and world.rng.random() < 0.8:
            world.pairs[number].raw[side][f.name] = None


def _hide(world: World, terms: Terms, number: int) -> None:
    """A field is missing from the answers."""
    side, name = world.rng.randrange(2), _any_field(world, terms)
    if name in world.pairs[number].raw[side]:
        world.hidden[number, side, name] = world.pairs[number].raw[side].pop(name)


def _show_again(world: World, terms: Terms, number: int) -> None:
    for place in [place for place in world.hidden if place[0] == number]:
        value = world.hidden.pop(place)
        world.pairs[number].raw[place[1]].setdefault(place[2], value)


def _change_terms(world: World, terms: Terms, number: int) -> None:
    """Another product group, another tax flag, a second variant or one less."""
    rng, pair = world.rng, world.pairs[number]
    match rng.randrange(3):
        case 0:
            pair.facts[0].update(_tax_facts(rng))
        case 1:
            pair.facts[1]["taxable"] = not pair.facts[1]["taxable"]
        case _ if "skip" in pair.facts[1]:
            del pair.facts[1]["skip"]
        case _:
            pair.facts[1]["skip"] = {"name": "several_variants"}


def _forget(world: World, terms: Terms, number: int) -> None:
    """A field is new in the mapping, or was made anew."""
    world.pairs[number].base.pop(_any_field(world, terms), None)


def _age(world: World, terms: Terms, number: int) -> None:
    """Normal forms as they were made one day would be others today."""
    pair, name = world.pairs[number], _any_field(world, terms)
    if name in pair.base and terms.mapping.field(name).kind not in ("money", "cost"):
        side = world.rng.randrange(2)
        both = list(pair.base[name])
        both[side] = (both[side][0], "as it was made one day", both[side][2])
        pair.base[name] = (both[0], both[1])


def _wait(world: World, terms: Terms, number: int) -> None:
    """Nothing happens to the values."""
    pair = world.pairs[number]
    pair.clocks[world.rng.randrange(2)] = world.rng.choice(CLOCKS)


def _refuse(world: World, terms: Terms, number: int) -> None:
    """The next write of a field, or of the whole record, is refused."""
    world.pairs[number].refuse_next.add(world.rng.choice(("", _any_field(world, terms))))


def _come_due(world: World, terms: Terms, number: int) -> None:
    refused = world.pairs[number].refused
    for place, (content, _) in list(refused.items()):
        refused[place] = (content, world.rng.choice((DUE, LATER)))


def _swap_emails(world: World, terms: Terms, number: int) -> None:
    """Two people swap what no two may share, both on one side."""
    del number
    if len(world.pairs) == 2:
        side = world.rng.randrange(2)
        one, other = (pair.raw[side] for pair in world.pairs)
        if "Mail" in one and "Mail" in other:
            one["Mail"], other["Mail"] = other["Mail"], one["Mail"]


_ACTS = (
    *(_edit,) * 3, *(_edit_both_sides,) * 3, *(_edit_both_addresses,) * 2, *(_respell,) * 2, *(_swap_back,) * 2,
    *(_swap_emails,) * 2, _edit_one_side_twice, _edit_both_alike, _take_all_back, _clear, _clear_here_edit_there,
    _clear_all, _hide, _show_again, _change_terms, _forget, _age, _wait, _refuse, _come_due,
)  # fmt: skip


def _any_field(world: World, terms: Terms) -> str:
    return world.rng.choice(terms.mapping.fields).name


def _touch(world: World, number: int, side: int, name: str, terms: Terms) -> None:
    """An edit moves the record's clock, or that of the group."""
    pair = world.pairs[number]
    if side == 0 and terms.mapping.field(name).group and pair.group_clocks[0] is not None:
        pair.group_clocks[0] = world.rng.choice(CLOCKS)
    else:
        pair.clocks[side] = world.rng.choice(CLOCKS)
    pair.unchanged_until[side] = world.rng.choice((None, *CLOCKS))
