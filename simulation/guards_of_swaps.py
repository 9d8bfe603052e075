"""What keeps people who change places from losing what they had: each is taken away in turn.

See `guards`. Every trace is made for its guard, so that one of the first shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest import mock

from samklang.core import freed, plan_pairs
from samklang.core.plan import RETURNED
from samklang.store import links
from samklang.sync import commit, freeing, giving_back, taken, transform
from simulation.trace import Edit, Event, Person, Step, Trace
from simulation.values import POWEROFFICEGO, SHOPIFY, SIDES

_SIZE = {2: 300, 3: 301, 4: 302}
"""By the size of a ring, the number of an edit that makes it; see `People`."""


def _put(stack: ExitStack, owner: Any, **replacements: Any) -> None:
    for name, replacement in replacements.items():
        stack.enter_context(mock.patch.object(owner, name, replacement))


# --- what is taken away


def _freed_is_forgotten(stack: ExitStack) -> None:
    """A value is emptied on the way of a swap, and the store does not say that it was us."""
    advance = links.advance

    def forgetful(connection: Any, link_id: int, bases: Any, **rest: Any) -> None:
        kept = {
            side: {name: base for name, base in fields.items() if not base[2].startswith(freed.FREED)}
            for side, fields in bases.items()
        }
        advance(connection, link_id, kept, **rest)

    _put(stack, links, advance=forgetful)


def _nothing_returned(stack: ExitStack) -> None:
    """A value that was emptied on the way of a swap stays away when the swap cannot go on."""
    _put(stack, freeing.Freeing, to_return=lambda _self: [])
    _put(stack, plan_pairs, _freed=lambda *_a: None)


def _nothing_rolled_back(stack: ExitStack) -> None:
    """What somebody has taken by then is not given back."""
    ways_back = giving_back.ways_back

    def ways(*arguments: Any) -> Mapping[Any, Any]:
        return {place: steps for place, steps in ways_back(*arguments).items() if steps[0].why == RETURNED}

    for module in (giving_back, freeing):
        _put(stack, module, ways_back=ways)


def _waiting_is_not_said(stack: ExitStack) -> None:
    """Who waits for a value that stays where it is waits in silence."""
    _put(stack, commit.Committer, waits=lambda *_a: None)


def _holders_are_forgotten(stack: ExitStack) -> None:
    """Who has a taken value is nobody's business: time decides."""
    _put(stack, taken, due=lambda *_a: set())


def _no_freeing(stack: ExitStack) -> None:
    """Rows are written in the order of their records."""
    _put(stack, transform, order=lambda rows, *_a: rows)


# --- where to look


def _people(seed: int, many: int, *steps: Step, conditions: Mapping[str, Any] | None = None) -> Trace:
    """So many customers on both sides, linked by a first run, and then this."""
    people = tuple(Person(number, SIDES) for number in range(many))
    switches: dict[str, dict[str, Any]] = {side: {} for side in SIDES}
    skews, steps = dict.fromkeys(SIDES, 0.0), (Step("run"), *steps)
    return Trace(seed, "customers", (), switches, skews, 50, people, steps, dict(conditions or {}))


def _rotated(size: int, name: str = "EmailAddress") -> Step:
    return Step("edit", Edit("rotate", POWEROFFICEGO, 0, name, _SIZE[size]))


def _swapped_back(seed: int) -> Trace:
    """A swap breaks off after its first write, or after its second one, and people swap back."""
    failing = Event(73 + 8 * seed, "forbidden", SHOPIFY)
    return _people(seed, 2, _rotated(2), Step("run", events=(failing,)), _rotated(2), Step("run"))


def _refused(size: int, person: int) -> Callable[[int], Trace]:
    """People change places, and one of them cannot be written."""
    bad = {"side": SHOPIFY, "person": person, "alone": True}

    def trace(seed: int) -> Trace:
        return _people(seed, size, _rotated(size), Step("run"), conditions={"bad": bad})

    return trace


def _in_a_ring(seed: int) -> Trace:
    return _people(seed, 3, _rotated(3), Step("run"))


def _let_go(seed: int) -> Trace:
    """Somebody is to get the number of a customer who is in the shop alone, and who gives it up a run later."""
    people = (Person(0, SIDES), Person(1, (SHOPIFY,)))
    edits = [Edit("share", side, person, "PhoneNumber", 0) for person, side in ((1, SHOPIFY), (0, POWEROFFICEGO))]
    steps = (
        Step("run"),
        *(Step("edit", edit) for edit in edits),
        Step("run"),
        Step("edit", Edit("clear", SHOPIFY, 1, "PhoneNumber", 0)),
        Step("run"),
    )
    switches: dict[str, dict[str, Any]] = {side: {} for side in SIDES}
    return Trace(seed, "customers", (), switches, dict.fromkeys(SIDES, 0.0), 50, people, steps)


OF_SWAPS: tuple[tuple[str, Callable[[ExitStack], None], Callable[[int], Trace], int], ...] = (
    ("what we emptied for another record is nobody's edit", _freed_is_forgotten, _swapped_back, 0),
    ("what we emptied is given back", _nothing_returned, _refused(2, 1), 0),
    ("a ring that cannot go on is rolled back", _nothing_rolled_back, _refused(3, 1), 0),
    ("who waits for a value that stays is held", _waiting_is_not_said, _refused(2, 0), 0),
    ("a taken value is tried when its holder lets go", _holders_are_forgotten, _let_go, 0),
    ("a circle is opened before it is written", _no_freeing, _in_a_ring, 0),
)
"""Name, what takes it away, where to look, and a seed that notices."""
