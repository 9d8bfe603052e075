"""Design rule 5: nothing is forgotten, and nothing old comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.core.clocks import earlier, from_datetime
from samklang.errors import TemporaryError
from samklang.store.schema import revisit, seen, watermarks
from samklang.sync.extract import OVERLAP, extract
from samklang.sync.settle import settle

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
NewWorld = Callable[..., World]


def marks(world: World) -> dict[str, str]:
    return {row["side"]: row["clock"] for row in world.rows(watermarks)}


def test_a_watermark_is_the_largest_clock_that_the_source_showed(world: World) -> None:
    a, b = world.pair(**KARI)

    assert marks(world) == {LEFT: world.left.records[a].clock, RIGHT: world.right.records[b].clock}


def test_the_next_read_reaches_back_before_the_watermark(world: World) -> None:
    world.pair(**KARI)

    world.run()

    assert world.right.reads[-1] == f"since {earlier(marks(world)[RIGHT], OVERLAP)}"


def test_a_record_that_shows_late_within_the_overlap_is_not_forgotten(world: World) -> None:
    world.pair(**KARI)
    late = world.left.add(**OLA)
    world.left.hidden.add(late)
    world.left.edit("1", first="Karin")
    world.run()
    assert marks(world)[LEFT] > world.left.records[late].clock

    world.left.hidden.clear()
    world.run()

    assert world.right.show("2") == OLA


def test_a_watermark_never_moves_back(world: World) -> None:
    world.pair(**KARI)
    before = marks(world)
    world.left.set("1", clock=earlier(before[LEFT], timedelta(days=1)))

    world.run(mode="full")

    assert marks(world) == before


@pytest.mark.parametrize("failed", [[], ["some_task"]])
def test_a_dry_run_moves_no_watermark(world: World, failed: list[str]) -> None:
    run = world.begin(dry_run=True)
    world.left.add(**KARI)
    plan = world.plan(run)

    summary = world.settle(run, plan, world.load(plan), failed)

    assert marks(world) == {}
    assert summary["state"] == ("failed" if failed else "dry")


def test_a_rejected_run_moves_no_watermark(world: World) -> None:
    run = world.begin()
    world.left.add(**KARI)
    plan = world.plan(run)
    world.approve(plan, "rejected")

    summary = world.settle(run, plan, {LEFT: {}, RIGHT: {}}, [])

    assert marks(world) == {}
    assert summary["state"] == "rejected"


def test_only_the_lane_that_finished_moves_its_watermark(world: World) -> None:
    world.left.add(**KARI)
    world.right.add(**OLA)
    world.right.fails = TemporaryError("down", system=RIGHT)

    summary = world.run()

    assert summary["state"] == "failed"
    assert marks(world).keys() == {LEFT}


def test_nothing_is_forgotten_after_a_failed_load(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.right.fails = TemporaryError("down", system=RIGHT)
    for _ in range(3):
        world.run(mode="changes")
    world.moment += timedelta(days=3)
    world.right.fails = None

    world.run(mode="changes")

    assert world.right.value(b, "first") == "Karin"


def test_an_edit_made_during_a_long_read_is_read_by_the_next(world: World) -> None:
    """Both records had been read already when the first was edited; the second gives the read a late clock."""
    a, b = world.pair(**KARI)
    c, _ = world.pair(**OLA)

    def half_an_hour_passes() -> None:
        world.left.edit(a, first="Karin")
        world.moment += timedelta(minutes=30)

    run = world.begin(mode="full")
    world.left.set(c, clock=from_datetime(world.moment + timedelta(minutes=29)))
    world.left.while_reading = half_an_hour_passes
    world.carry_out(run, world.plan(run))
    assert world.right.value(b, "first") == "Kari"

    world.run(mode="changes")

    assert world.right.value(b, "first") == "Karin"


def test_a_read_that_was_overtaken_and_left_out_moves_no_watermark(world: World) -> None:
    world.pair(**KARI)
    before = marks(world)[LEFT]
    slow = world.begin(mode="changes")
    sync = world.sync()
    reads = [extract(sync, side, slow) for side in (LEFT, RIGHT)]
    fast = world.begin(mode="changes")
    world.carry_out(fast, world.plan(fast))
    reads[0]["max_clock"] = "2026-06-01T00:00:00.0000000Z"  # it saw something that the fast one was too early for

    plan = world.plan(slow, reads)
    world.approve(plan)
    settle(sync, slow, reads=plan["reads"], plan=plan, written=world.load(plan), failed=[])

    assert marks(world)[LEFT] == before


def test_a_transform_run_again_with_an_old_read_brings_no_old_values_back(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    old = world.begin()
    reads = world.read(old)
    world.left.edit(a, first="Kaja")
    world.run()
    assert world.right.value(b, "first") == "Kaja"

    plan = world.plan(old, reads)
    world.approve(plan)
    world.load(plan)

    assert world.left.value(a, "first") == world.right.value(b, "first") == "Kaja"
    assert plan["counts"]["seen_changes"] == {LEFT: 0, RIGHT: 0}


def test_taking_the_same_read_in_twice_changes_nothing(world: World) -> None:
    world.left.add(**KARI)
    run = world.begin()
    reads = world.read(run)
    first = world.plan(run, reads)
    before = world.rows(seen)

    second = world.plan(run, reads)

    assert world.rows(seen) == before
    assert second["counts"] | {"seen_changes": None} == first["counts"] | {"seen_changes": None}


@pytest.mark.parametrize("mode", ["changes", "full"])
def test_a_record_written_while_it_was_read_keeps_the_answer_and_is_read_again(world: World, mode: str) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    writing = world.begin()
    plan = world.plan(writing)
    world.approve(plan)
    slow = world.begin(mode="full")
    reads = world.read(slow)  # has the shop's value from before the write
    world.moment -= timedelta(minutes=15)  # … by a plan that did not wait
    world.load(plan)
    world.moment += timedelta(minutes=15)

    world.carry_out(slow, world.plan(slow, reads))
    assert world.left.value(a, "first") == world.right.value(b, "first") == "Karin"

    assert [(row["side"], row["id"]) for row in world.rows(revisit)] == [(RIGHT, b)]
    world.forget_writes()
    world.run(mode=mode)
    assert world.rows(revisit) == []
    assert world.writes() == 0
    assert world.status()["in_sync"] == 1


def test_a_record_that_comes_twice_in_a_read_counts_as_it_came_last(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI)
    read_changes = world.left.read_changes

    def twice(since: str) -> Any:
        yield from read_changes(since)
        world.left.edit(a, first="Karin")
        yield from read_changes(since)

    world.left.read_changes = twice  # type: ignore[method-assign]
    world.left.edit(a, first="Kaja")

    world.run(mode="changes")

    assert world.right.value(b, "first") == "Karin"


def test_a_new_field_in_the_mapping_makes_the_next_read_a_whole_one(new_world: NewWorld) -> None:
    world = new_world()
    world.pair(**KARI)
    world.remap(customers(NO_LIMITS, add=("{powerofficego: WebsiteUrl, shopify: note, kind: text}",)))

    world.run(mode="changes")

    assert (world.left.reads[-1], world.right.reads[-1]) == ("all", "all")


def test_a_whole_read_is_made_first_when_asked_and_when_it_has_been_long(world: World) -> None:
    world.pair(**KARI)
    world.run()
    world.run(mode="full")
    world.run()
    world.moment += world.mapping.full_every
    world.run()

    assert ["all" if read == "all" else "since" for read in world.right.reads] == [
        "all",
        "all",  # a first read is made twice where the system names no total
        "since",
        "all",
        "since",
        "all",
    ]


# --- backfill ---------------------------------------------------------------------------------------------------------


def window(world: World, start: str, end: str) -> dict[str, Any]:
    return {"kind": "backfill", "window": (start, end)}


def test_a_backfill_writes_only_what_was_last_changed_in_its_window(world: World) -> None:
    a, b = world.pair(**KARI)
    c, d = world.pair(**OLA)
    world.left.edit(a, first="Karin")
    start, end = world.left.records[a].clock, from_datetime(world.tick())
    world.left.edit(c, first="Olai")

    world.run(**window(world, start, end))

    assert world.right.value(b, "first") == "Karin"
    assert world.right.value(d, "first") == "Ola"


def test_a_backfill_creates_nothing_moves_no_watermark_and_leaves_verdicts_and_holds_alone(world: World) -> None:
    a, b = world.pair(**KARI)
    world.right.add(**KARI)
    world.left.edit(a, phone="ring me")
    world.run()
    before, status = marks(world), world.status()
    assert (status["ambiguous"], status["held"]) == (1, 1)
    world.left.add(**OLA)
    start = from_datetime(world.moment)

    summary = world.run(**window(world, start, from_datetime(world.moment + timedelta(hours=2))))

    assert summary["counts"]["creates"] == {LEFT: 0, RIGHT: 0}
    assert marks(world) == before
    assert {k: v for k, v in world.status().items() if k != "last_run"} == {
        k: v for k, v in status.items() if k != "last_run"
    }
    assert len(world.right.records) == 2
    assert b in world.right.records


def test_what_a_backfill_leaves_out_is_done_by_the_next_live_run(world: World) -> None:
    world.pair(**KARI)
    world.left.add(**OLA)
    world.run(**window(world, "2026-01-01T00:00:00.0000000Z", "2026-01-01T01:00:00.0000000Z"))
    assert len(world.right.records) == 1

    world.run()

    assert world.right.show("2") == OLA
