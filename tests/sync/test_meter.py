"""How much of their rate limits runs use."""

from __future__ import annotations

from datetime import timedelta

from tests.sync.world import LEFT, RIGHT, World

from samklang.sync.meter import NOTHING, Meter, shares
from samklang.systems.base import Usage


def test_a_task_is_told_what_it_used_itself_of_what_was_granted_meanwhile(world: World) -> None:
    world.left.usage = Usage(requests=100, spent=100.0, rate=10.0)
    meter = Meter(world.sync(), LEFT)
    world.left.usage = Usage(requests=130, spent=130.0, rate=10.0)
    world.moment += timedelta(seconds=6)

    assert meter.read() == {"requests": 30, "spent": 30.0, "granted": 60.0}


def test_what_a_limit_grants_at_once_counts_as_granted_so_that_nobody_uses_more_than_all_of_it(world: World) -> None:
    world.left.usage = Usage(requests=0, spent=0.0, rate=100.0, at_once=2000.0)
    meter = Meter(world.sync(), LEFT)
    world.left.usage = Usage(requests=40, spent=2050.0, rate=100.0, at_once=2000.0)
    world.moment += timedelta(seconds=1)

    used = meter.read()

    assert used == {"requests": 40, "spent": 2050.0, "granted": 2100.0}
    assert shares({LEFT: [used]})[LEFT] <= 1


def test_the_share_of_a_side_is_that_of_all_its_tasks_together() -> None:
    reading = {"requests": 10, "spent": 10.0, "granted": 100.0}
    writing = {"requests": 90, "spent": 90.0, "granted": 100.0}

    assert shares({LEFT: [reading, writing], RIGHT: [reading]}) == {LEFT: 0.5, RIGHT: 0.1}


def test_a_side_that_took_no_time_has_no_share() -> None:
    assert shares({LEFT: [NOTHING]}) == {}


def test_the_summary_of_a_run_has_requests_and_shares(world: World) -> None:
    world.pair(email="kari@post.example", first="Kari", last="Lie")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    plan["reads"][0]["used"] = {"requests": 4, "spent": 4.0, "granted": 10.0}
    written = world.load(plan)

    summary = world.settle(run, plan, written, [])

    assert summary["requests"] == {LEFT: 4, RIGHT: 0}
    assert summary["budget"] == {LEFT: 0.4}
