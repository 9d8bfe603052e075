"""New links and price moves beyond a limit wait for a person; what a person has ordered does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.sync.acting import do
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers, products

from samklang.sync.review import beyond_limits
from samklang.sync.undo import undo

VAT = "vat: {default: 25%}"
HALF = NO_LIMITS.replace("part: 100%", "part: 100%, price_move: 50%")
NewWorld = Callable[..., World]


def planned(world: World) -> tuple[dict[str, Any], list[str]]:
    """The next plan's numbers, and the limits that it passes."""
    counts = world.plan(world.begin())["counts"]
    return counts, beyond_limits(world.mapping, counts)


@pytest.fixture
def shop(new_world: NewWorld) -> World:
    """A pair with a price of 80 and, with VAT, 100.00."""
    world = new_world(products(HALF, VAT))
    world.left.add(title="Chair", code="C1", price="80")
    world.right.add(title="Chair", code="C1", price="100.00", facts={"taxable": True})
    world.run()
    return world


@pytest.mark.parametrize(("limit", "passed"), [(3, []), (2, ["3 new links; the limit is 2"])])
def test_more_new_links_than_the_limit_wait_from_the_first_run_on(
    new_world: NewWorld, limit: int, passed: list[str]
) -> None:
    world = new_world(customers(f"limits: {{links: {limit}}}"))
    for n in range(3):
        for side in (world.left, world.right):
            side.add(email=f"c{n}@post.example", first="C", last="D")

    counts, beyond = planned(world)

    assert (counts["links"], beyond) == (3, passed)


@pytest.mark.parametrize(
    ("price", "moves"), [("120", 0), ("120.01", 1), ("40", 0), ("39.99", 1), ("0", 1), ("80.001", 0)]
)
def test_a_price_that_moves_by_more_than_the_limit_waits(shop: World, price: str, moves: int) -> None:
    shop.left.edit("1", price=price)

    counts, beyond = planned(shop)

    assert counts["price_moves"] == {LEFT: 0, RIGHT: moves}
    assert beyond == ["1 price moves in Shopify by more than the limit, 50% of the old one"] * moves


def test_a_price_move_is_measured_in_the_figures_of_the_side_that_gets_it(shop: World) -> None:
    shop.right.edit("1", price="150.01")

    counts, _ = planned(shop)

    assert counts["price_moves"] == {LEFT: 1, RIGHT: 0}


def test_prices_that_differ_at_a_new_link_are_price_moves_too(new_world: NewWorld) -> None:
    world = new_world(products(HALF, VAT))
    for n, price in enumerate(("170", "81")):
        world.left.add(title="Chair", code=f"C{n}", price=price)
        world.right.add(title="Chair", code=f"C{n}", price="100.00", facts={"taxable": True})

    counts, beyond = planned(world)

    assert sum(counts["price_moves"].values()) == 1
    assert len(beyond) == 1


def test_neither_a_new_record_nor_a_first_price_is_a_price_move(new_world: NewWorld) -> None:
    world = new_world(products(HALF, VAT))
    world.right.defaults = {"price": "0.00"}
    world.left.add(title="Chair", code="C1", price="80")
    world.left.add(title="Table", code="T1")  # its price is inherited: the new record shows 0.00
    assert planned(world)[1] == []
    world.run()
    assert world.right.value("2", "price") == "0.00"
    world.left.edit("2", price="800")

    counts, beyond = planned(world)

    assert counts["updates"] == {LEFT: 0, RIGHT: 1}
    assert (counts["price_moves"], beyond) == ({LEFT: 0, RIGHT: 0}, [])


def test_a_default_price_that_somebody_changed_is_a_price_like_any_other(new_world: NewWorld) -> None:
    world = new_world(products(HALF, VAT))
    world.right.defaults = {"price": "0.00"}
    world.left.add(title="Table", code="T1")
    world.run()
    world.right.edit("1", price="100.00")
    world.left.edit("1", price="800")

    assert planned(world)[0]["price_moves"] == {LEFT: 0, RIGHT: 1}


def test_without_the_limit_prices_move_freely(new_world: NewWorld) -> None:
    world = new_world(products(NO_LIMITS, VAT))
    world.left.add(title="Chair", code="C1", price="80")
    world.run()
    world.left.edit("1", price="8000")

    counts, beyond = planned(world)

    assert (counts["price_moves"], beyond) == ({LEFT: 0, RIGHT: 0}, [])


def test_what_a_person_puts_back_passes_no_limit(shop: World) -> None:
    shop.left.edit("1", price="800")
    shop.run()
    shop.remap(products("limits: {updates: 0, clears: 0, price_move: 1%}", VAT))
    do(shop, lambda desk: undo(desk, run_id=f"run-{shop.runs}"))

    counts, beyond = planned(shop)

    assert counts["put_back"] == {LEFT: 0, RIGHT: 1}
    assert counts["updates"] == counts["price_moves"] == {LEFT: 0, RIGHT: 0}
    assert beyond == []


def test_an_edit_beside_what_a_person_puts_back_counts_by_itself(shop: World) -> None:
    shop.left.edit("1", price="88")
    shop.run()
    do(shop, lambda desk: undo(desk, run_id=f"run-{shop.runs}"))
    shop.left.edit("1", title="Armchair")

    counts, _ = planned(shop)

    assert counts["put_back"] == counts["updates"] == {LEFT: 0, RIGHT: 1}
