"""Staged files hold personal values; they go after two weeks however their run ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.sync.world import World, customers

from samklang.sync.context import Run
from samklang.sync.expire import expire


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, customers())
    made.left.add(first="Kari", last="Nordmann", email="kari@kanari.example")
    return made


def staged(world: World) -> list[Path]:
    return [path for path in (world.folder / "staging").rglob("*") if path.is_file()]


def after_two_weeks(world: World) -> int:
    world.moment += timedelta(days=15)
    return expire(world.sync())


def test_those_of_a_dry_run(world: World) -> None:
    assert world.run(dry_run=True)["state"] == "dry"
    assert staged(world)
    assert after_two_weeks(world) == 1
    assert staged(world) == []


def test_those_of_a_run_that_failed_while_it_wrote(world: World) -> None:
    def die(*_: object) -> None:
        raise RuntimeError

    world.right.create = die  # type: ignore[method-assign,assignment]
    assert world.run()["state"] == "failed"
    assert staged(world)
    assert after_two_weeks(world) == 1
    assert staged(world) == []


def test_those_of_a_run_that_ended_while_it_read(world: World) -> None:
    run = world.begin()
    world.read(run)
    assert staged(world)
    assert after_two_weeks(world) == 1
    assert staged(world) == []


def test_those_of_a_run_whose_plan_passed_a_limit_and_was_never_decided_on(world: World) -> None:
    run = world.begin()
    plan = world.plan(run)
    world.settle(run, plan, {}, ["review"])
    assert staged(world)
    assert after_two_weeks(world) == 1
    assert staged(world) == []


def test_not_those_of_a_run_that_still_waits_for_an_answer(world: World) -> None:
    world.plan(Run("waiting"))
    assert after_two_weeks(world) == 0
    assert staged(world)
