"""A task on another machine, which has neither the staged files nor perhaps the link store of the one before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.sync.world import LEFT, RIGHT, World, customers

from samklang.errors import StagingError
from samklang.staging import Staging
from samklang.store.schema import plans, seen
from samklang.sync.context import Run
from samklang.sync.extract import extract
from samklang.sync.load import load
from samklang.sync.transform import transform


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, customers())
    made.left.add(id="7", email="kari@a.example", first="Kari", last="Nordmann")
    return made


def count(world: World, table: object) -> int:
    with world.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def named(error: StagingError) -> bool:
    return "samklang_store" in error.remedy and "SAMKLANG_STAGING" in error.remedy


def test_a_read_that_another_machine_has_staged_is_refused_before_anything_is_kept(
    world: World, tmp_path: Path
) -> None:
    run = Run("run-1")
    here = world.sync()
    reads = [extract(here, side, run) for side in (LEFT, RIGHT)]
    there = replace(here, staging=Staging(tmp_path / "their-disk", here.staging.store_id))
    with pytest.raises(StagingError) as refused:
        transform(there, run, reads)
    assert named(refused.value)
    assert count(world, seen) == count(world, plans) == 0


def test_a_read_that_another_machine_has_only_a_part_of_is_refused_too(world: World, tmp_path: Path) -> None:
    """Of two parts one is missing, as on a disk that was filled up or copied: no record counts as gone."""
    run = Run("run-1")
    here = world.sync()
    reads = [extract(here, side, run) for side in (LEFT, RIGHT)]
    reads = [{**read, "rows": read["rows"] + (read["rows"] > 0)} for read in reads]
    with pytest.raises(StagingError) as refused:
        transform(here, run, reads)
    assert named(refused.value)
    assert count(world, plans) == 0


def test_a_read_of_another_machine_s_own_store_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    worlds = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        worlds.append(World(folder, customers()))
    one, other = worlds
    one.left.add(id="7", email="kari@a.example", first="Kari", last="Nordmann")
    reads = [extract(one.sync(), side, Run("run-1")) for side in (LEFT, RIGHT)]
    with pytest.raises(StagingError) as refused:
        transform(other.sync(), Run("run-1"), reads)
    assert named(refused.value)
    assert count(other, seen) == count(other, plans) == 0


def test_a_plan_that_another_machine_has_staged_is_not_written(world: World, tmp_path: Path) -> None:
    plan = world.plan(Run("run-1"))
    world.approve(plan)
    here = world.sync()
    there = replace(here, staging=Staging(tmp_path / "their-disk", here.staging.store_id))
    with pytest.raises(StagingError) as refused:
        load(there, RIGHT, plan)
    assert named(refused.value)
    assert world.right.records == {}
