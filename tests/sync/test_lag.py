"""How long an edit takes to get across: kept with each write, and told of each run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.sync.acting import do
from tests.sync.world import World, products

from samklang.core.clocks import from_datetime
from samklang.core.jsontext import dumps, loads
from samklang.store.schema import history, runs
from samklang.sync.undo import undo

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}


def lags(world: World) -> list[float | None]:
    return [row["lag"] for row in world.rows(history)]


def ago(world: World, **time: float) -> str:
    """By the clock of the next run."""
    return from_datetime(world.moment + timedelta(minutes=15) - timedelta(**time))


def test_the_seconds_from_an_edit_to_its_write_are_kept(world: World) -> None:
    a, _b = world.pair(**KARI)
    world.left.edit(a, last="Dal", clock=ago(world, minutes=10))

    world.run()

    (lag,) = lags(world)
    assert lag == pytest.approx(600, abs=10)


def test_an_emptied_value_is_an_edit_with_a_lag(world: World) -> None:
    _a, b = world.pair(**KARI, phone="+4733445566")
    world.right.edit(b, phone=None, clock=ago(world, minutes=5))

    world.run()

    assert lags(world) == [pytest.approx(300, abs=10)]


def test_the_edit_of_an_address_counts_by_the_clock_of_the_address(world: World) -> None:
    a, _b = world.pair(**KARI, line1="Storgata 1", city="Moss", zip="1530")
    world.left.edit(a, line1="Storgata 2")
    clocks = {"address": ago(world, minutes=7)}
    world.left.set(a, clock=ago(world, days=3000), group_clocks=clocks)

    world.run(mode="full")

    assert lags(world) == [pytest.approx(420, abs=10)]


def test_a_clock_ahead_of_ours_makes_no_negative_lag(world: World) -> None:
    a, _b = world.pair(**KARI)
    world.left.edit(a, last="Dal", clock=ago(world, hours=-2))

    world.run()

    assert lags(world) == [0.0]


def test_filling_and_putting_back_carry_on_no_edit(world: World) -> None:
    world.left.add(**KARI, phone="+4733445566")
    world.right.add(**KARI)
    world.run()  # filled
    world.left.edit("1", last="Dal", clock=ago(world, minutes=10))
    world.run()
    do(world, lambda desk: undo(desk, run_id=f"run-{world.runs}"))
    world.run()

    assert [(row["op"], row["lag"] is None) for row in world.rows(history) if row["plan_id"]] == [
        ("update", True),
        ("update", False),
        ("undo", True),
    ]


def test_a_new_record_waits_from_when_it_was_made_but_not_what_was_there_before_the_first_run(world: World) -> None:
    world.left.add(**KARI)
    world.run()
    world.left.add(email="ola@post.example", first="Ola", last="Dal")

    summary = world.run()

    before, after = lags(world)
    assert before is None
    assert after == pytest.approx(900, abs=10)
    assert summary["lag"]["writes"] == 1


def test_a_run_tells_the_lag_of_half_and_of_95_in_a_hundred_of_its_writes(world: World) -> None:
    for n in range(20):
        world.left.add(email=f"c{n}@post.example", first="C", last="D")
    world.run()
    for n in range(20):
        world.left.edit(f"{n + 1}", last="E", clock=ago(world, minutes=n))

    lag = world.run()["lag"]

    assert lag["writes"] == 20
    assert lag["p50"] == pytest.approx(9 * 60, abs=60)
    assert lag["p95"] == pytest.approx(18 * 60, abs=60)
    assert loads(world.rows(runs)[-1]["summary"])["lag"] == lag


def test_a_run_that_carried_on_no_edit_has_no_lag(world: World) -> None:
    world.pair(**KARI)

    assert world.run()["lag"] is None


def test_a_plan_that_was_made_by_an_older_version_is_carried_out_without_a_lag(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Dal")
    run = world.begin()
    plan = world.plan(run)
    staging = world.sync().staging
    rows: list[Any] = list(staging.read_lines(plan["folder"], "rows"))
    for change in rows[0]["changes"]:
        del change["edited"]
    (path,) = world.folder.glob(f"staging/**/plan-{plan['plan']}/rows*")
    store = path.read_text().splitlines()[0]
    path.write_text("".join(f"{line}\n" for line in (store, *map(dumps, rows))))

    world.carry_out(run, plan)

    assert world.right.value(b, "last") == "Dal"
    assert lags(world) == [None]


def test_a_first_price_is_carried_on_like_an_edit(new_world: Any) -> None:
    world = new_world(products("vat: {default: 25%}"))
    world.right.defaults = {"price": "0.00"}
    world.left.add(title="Table", code="T1")
    world.run()
    world.left.edit("1", price="80", clock=ago(world, minutes=10))

    world.run()

    assert lags(world)[-1] == pytest.approx(600, abs=10)
