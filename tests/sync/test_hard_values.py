"""What no column takes: NUL characters, and keys and ids that are too long, on both databases alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.sync.test_put_back import do
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers, products

from samklang.core.records import Scope
from samklang.store.schema import conflicts, history, intents, link_sides, orders, seen
from samklang.sync.conflicts import take
from samklang.sync.explain import find
from samklang.sync.undo import undo

NUL = "\x00"
KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
NewWorld = Callable[..., World]


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, new_world: NewWorld) -> NewWorld:
    """A world for a mapping, on each database in turn."""
    if request.param == "sqlite":
        return new_world
    new_url = request.getfixturevalue("new_postgres_url")
    return lambda *mapping, **options: new_world(*mapping, url=new_url(), **options)


def linked(world: World) -> set[str]:
    return {row["record_id"] for row in world.rows(link_sides) if row["side"] == LEFT}


def test_a_nul_in_any_field_stops_no_run(make: NewWorld) -> None:
    world = make(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    odd: dict[str, Any] = {
        "first": f"Ka{NUL}ri", "last": f"{NUL}Lie", "line1": f"Gata{NUL} 1", "city": f"Mo{NUL}ss", "zip": f"15{NUL}30",
        "country": f"N{NUL}O", "phone": f"2233{NUL}4455", "email": f"ka{NUL}ri@post.example",
    }  # fmt: skip
    a = world.left.add(**odd)
    b = world.right.add(**KARI | {"first": f"Kari{NUL}{NUL}"}, scope=Scope.ACTIVE)
    c = world.left.add(**KARI | {"email": "ida@post.example"})
    world.run()
    assert linked(world) == {a, c}

    world.left.edit(a, first=f"Kar{NUL}", city=f"O{NUL}slo")
    world.right.edit(b, first=f"Kri{NUL}")
    world.left.edit(c, first="Ida")
    world.run()

    assert "Ida" in {r.values.get("firstName") for r in world.right.records.values()}
    assert world.status()["linked"] == 2


def test_what_people_put_back_may_hold_a_nul(make: NewWorld) -> None:
    world = make(customers(NO_LIMITS))
    a, b = world.pair(**KARI | {"first": f"Ka{NUL}ri"})
    world.left.edit(a, first=f"Ida{NUL}")
    world.right.edit(b, first=f"Eva{NUL}")
    world.run()
    (conflict,) = world.rows(conflicts)
    loser = LEFT if conflict["winner"] == RIGHT else RIGHT

    do(world, lambda desk: take(desk, [conflict["id"]], loser))
    world.run()
    world.run()
    mine, theirs = world.left.value(a, "first"), world.right.value(b, "first")
    assert mine == theirs == (f"Ida{NUL}" if loser == LEFT else f"Eva{NUL}")
    assert {row["state"] for row in world.rows(orders)} == {"done"}

    world.left.edit(a, first="Siv")
    world.run()
    last = world.rows(history)[-1]["run_id"]
    do(world, lambda desk: undo(desk, run_id=last))
    world.run()
    assert world.right.value(b, "first") == mine
    assert {row["value"] for row in world.rows(orders)} >= {mine}


@pytest.mark.parametrize("code", ["x" * 500, f"AB{NUL}1", f"AB{NUL}1" * 200, NUL, "\u200b" * 300])
def test_a_code_that_no_column_takes_stops_no_run(make: NewWorld, code: str) -> None:
    shop = make(products(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    a = shop.left.add(title="A", code=code, price="10", key=code)
    b = shop.right.add(title="B", code=code.replace("A", "B"), price="10.00", key=code)
    c = shop.left.add(title="C", code="C-1", price="10")

    for _ in range(3):
        shop.run()

    assert c in linked(shop)
    assert {row["id"] for row in shop.rows(seen)} >= {a, b, c}
    assert not [row for row in shop.rows(intents) if row["state"] == "open"]


def test_a_record_whose_id_no_column_takes_is_left_out_and_the_others_go_on(make: NewWorld) -> None:
    world = make(customers(NO_LIMITS))
    a = world.left.add(**KARI)
    world.left.add(id="9" * 65, **KARI | {"email": "ida@post.example"})

    summary = world.run()

    assert linked(world) == {a}
    assert len(world.right.records) == 1
    (warning,) = summary["warnings"]
    assert "1 records in PowerOffice Go have ids that no store can hold" in warning


def test_a_key_of_a_megabyte_and_an_address_in_it_stop_no_run(make: NewWorld) -> None:
    world = make(customers(NO_LIMITS, "create_in: [shopify, powerofficego]"))
    world.left.add(**KARI | {"email": f"{'x' * 1_000_000} kari@post.example"})
    world.left.add(**KARI | {"email": " ".join(f"{'k' * 500}{n}@post.example" for n in range(200))})
    c = world.left.add(**KARI | {"email": "ida@post.example"})

    world.run()

    assert linked(world) == {c}


def test_looking_for_a_nul_finds_nobody(make: NewWorld) -> None:
    world = make(customers(NO_LIMITS))
    world.pair(**KARI)
    with world.database.read() as connection:
        assert find(connection, world.mapping, f"x{NUL}") == []
        assert find(connection, world.mapping, f"kari@post.example{NUL}")
