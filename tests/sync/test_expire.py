"""Staged files go after two weeks, but never under a plan that somebody may still decide on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.sync.world import World, customers

from samklang.sync.context import Run
from samklang.sync.expire import expire


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, customers())


def staged(world: World) -> set[str]:
    """Ids of the runs that have a folder."""
    return {path.name.rpartition("-")[0] for path in (world.folder / "staging").glob("store-*/customers/*")}


def test_files_of_old_runs_are_removed_and_those_of_new_ones_kept(world: World) -> None:
    world.run()
    world.moment += timedelta(days=15)
    world.run()
    assert expire(world.sync()) == 1
    assert staged(world) == {"run-2"}


def test_a_plan_that_waits_for_a_decision_keeps_its_files(world: World) -> None:
    world.plan(Run("waiting"))
    world.moment += timedelta(days=15)
    assert expire(world.sync()) == 0
    assert staged(world) == {"waiting"}


def test_a_plan_that_a_newer_one_has_overtaken_does_not(world: World) -> None:
    world.plan(Run("overtaken"))
    world.moment += timedelta(days=15)
    world.run()
    assert expire(world.sync()) == 1
    assert staged(world) == {"run-1"}


def test_a_rejected_plan_does_not(world: World) -> None:
    plan = world.plan(Run("rejected"))
    world.approve(plan, state="rejected")
    world.moment += timedelta(days=15)
    assert expire(world.sync()) == 1
