"""One bad record never stops others: a record over which a system fails is found, named and tried again later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.store.lists import holds
from samklang.store.schema import intents

NewWorld = Callable[..., World]


@pytest.fixture
def world(new_world: NewWorld) -> World:
    return new_world(customers(NO_LIMITS))


def person(number: int) -> dict[str, str]:
    return {"email": f"person{number}@post.example", "first": f"Person{number}", "last": "Lie"}


def quarantined(world: World) -> list[tuple[str, str, str]]:
    with world.database.read() as connection:
        rows = holds(connection, world.mapping, quarantined=True).rows
    assert all(row.remedy for row in rows)
    return [(row.side, row.source_id, row.reason) for row in rows]


def linked(world: World, number: int) -> list[tuple[str, str]]:
    pairs = [(world.left.add(**person(n)), world.right.add(**person(n))) for n in range(number)]
    world.run()
    return pairs


def test_nineteen_edits_get_through_though_the_twentieth_makes_every_request_fail(world: World) -> None:
    pairs = linked(world, 20)
    bad = pairs[7]
    world.right.breaks, world.right.lists_all = {bad[1]}, True
    for n, (a, _) in enumerate(pairs):
        world.left.edit(a, first=f"New{n}")

    summary = world.run()

    assert summary["state"] == "success"
    assert [world.right.value(b, "first") for _, b in pairs if b != bad[1]] == [f"New{n}" for n in range(20) if n != 7]
    assert quarantined(world) == [(RIGHT, bad[0], "unclear")]
    assert world.status()["quarantined"] == 1
    assert summary["held"]["records"][0]["id"] == bad[0]


def test_nineteen_records_are_made_though_the_twentieth_makes_every_request_fail(world: World) -> None:
    ids = [world.left.add(**person(n)) for n in range(20)]
    world.right.breaks = {"person7@post.example"}

    summary = world.run()

    assert summary["state"] == "success"
    assert len(world.right.records) == world.status()["linked"] == 19
    assert quarantined(world) == [(RIGHT, ids[7], "unclear")]


def test_a_bad_record_that_is_alone_does_not_keep_the_runs_red(world: World) -> None:
    (pair,) = linked(world, 1)
    world.right.breaks, world.right.lists_all = {pair[1]}, True
    world.left.edit(pair[0], first="Karin")

    for _ in range(4):
        assert world.run()["state"] == "success"
        assert quarantined(world) == [(RIGHT, pair[0], "unclear")]


def test_a_bad_record_is_tried_again_at_growing_intervals_and_gets_through_at_last(world: World) -> None:
    (pair,) = linked(world, 1)
    world.right.breaks = {pair[1]}
    world.left.edit(pair[0], first="Karin")
    tries = []
    for _ in range(12):
        before = world.right.requests
        world.run()
        tries.append(world.right.requests > before)
    assert tries[:2] == [True, True]
    assert 3 <= sum(tries) <= 5

    world.right.breaks = set()
    world.moment += timedelta(days=1)
    world.run()

    assert world.right.value(pair[1], "first") == "Karin"
    assert world.status()["quarantined"] == 0


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_bad_record_is_tried_again_as_soon_as_either_side_changes(world: World, side: str) -> None:
    (pair,) = linked(world, 1)
    world.right.breaks = {pair[1]}
    world.left.edit(pair[0], first="Karin")
    for _ in range(4):
        world.run()
    world.right.breaks = set()
    assert world.right.value(pair[1], "first") == "Person0"

    if side == LEFT:
        world.left.edit(pair[0], phone="+4722334455")
    else:
        world.right.edit(pair[1], phone="+4722334455")
    world.run()

    assert world.right.value(pair[1], "first") == "Karin"
    assert world.status()["quarantined"] == 0


def test_a_record_that_cannot_be_made_for_now_is_not_made_twice_later(world: World) -> None:
    """The system makes it and fails over the answer, each time; it is looked for by its key before it is sent again."""
    world.left.add(**person(0))
    plan = world.plan(world.begin())
    world.approve(plan)
    world.right.unclear = 1

    world.load(plan)

    assert len(world.right.records) == 1
    assert world.status()["linked"] == 1
    assert {row["state"] for row in world.rows(intents)} == {"done"}


def test_a_key_that_cannot_be_looked_up_does_not_stop_the_others(world: World) -> None:
    ids = [world.left.add(**person(n)) for n in range(5)]
    world.right.breaks = {"person2@post.example", f"tenant-{LEFT}-{ids[2]}"}
    world.run()

    for _ in range(3):
        assert world.run()["state"] == "success"

    assert world.status()["linked"] == 4
    assert quarantined(world) == [(RIGHT, ids[2], "unclear")]
    world.right.breaks = set()
    world.moment += timedelta(days=1)
    world.run()
    assert (world.status()["linked"], world.status()["quarantined"], world.status()["pending_intents"]) == (5, 0, 0)


@pytest.mark.parametrize("op", ["create", "update"])
def test_a_system_that_is_down_fails_the_task_soon_and_quarantines_nobody(world: World, op: str) -> None:
    if op == "update":
        pairs = linked(world, 200)
        for a, _ in pairs:
            world.left.edit(a, first="New")
    else:
        for n in range(200):
            world.left.add(**person(n))
    run = world.begin()
    plan = world.plan(run)
    world.right.down = True

    summary = world.carry_out(run, plan)

    assert summary["state"] == "failed"
    assert quarantined(world) == []
    assert world.right.requests < 20
    world.right.down = False
    assert world.run()["state"] == "success"
    assert world.status()["linked"] == world.status()["in_sync"] == 200


def test_a_write_that_was_carried_out_though_nobody_heard_is_no_edit_later(world: World) -> None:
    (pair,) = linked(world, 1)
    world.right.breaks = {pair[1]}
    world.left.edit(pair[0], first="Karin")
    world.run()
    world.right.breaks = set()
    world.right.edit(pair[1], first="Karin")  # what the last try did after all

    world.run()

    assert world.right.writes == []
    assert world.status()["in_sync"] == 1
    assert world.status()["quarantined"] == world.status()["conflicts"] == 0


# --- reading


def test_a_record_that_cannot_be_read_by_id_does_not_keep_the_others_from_being_read(world: World) -> None:
    pairs = linked(world, 5)
    for a, b in pairs:
        world.left.edit(a, first="New")
        world.right.edit(b, first="Newer")
    plan = world.plan(world.begin())
    world.approve(plan)
    for _, b in pairs:
        world.right.edit(
            b, phone="+4722334455", first="Newest"
        )  # so each write finds it moved, and is read again by id
    world.load(plan)
    world.right.breaks = {pairs[2][1]}

    summary = world.run()

    assert summary["state"] == "success"
    assert [world.left.value(a, "first") for n, (a, _) in enumerate(pairs) if n != 2] == ["Newest"] * 4
    assert (LEFT, pairs[2][1], "unreadable") in quarantined(world)


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_record_that_cannot_be_read_is_named_and_neither_gone_nor_emptied(world: World, side: str) -> None:
    pairs = linked(world, 3)
    bad = dict(zip((LEFT, RIGHT), pairs[1], strict=True))[side]
    system = world.left if side == LEFT else world.right
    other = RIGHT if side == LEFT else LEFT
    before = world.left.records | world.right.records
    system.breaks = {bad}
    for _ in range(3):
        assert world.run(mode="full")["state"] == "success"
    assert quarantined(world) == [(other, bad, "unreadable")]
    assert (world.status()["linked"], world.status()["gone"]) == (3, 0)
    assert world.writes() == 0
    assert world.left.records | world.right.records == before

    system.breaks = set()
    system.edit(bad, first="Karin")
    world.run(mode="full")

    assert quarantined(world) == []
    assert [world.left.value(pairs[1][0], "first"), world.right.value(pairs[1][1], "first")] == ["Karin"] * 2


def test_a_whole_read_that_lacks_a_record_says_nothing_about_who_is_absent(world: World) -> None:
    pairs = linked(world, 3)
    world.right.breaks = {pairs[0][1]}
    world.right.delete(pairs[1][1])
    for _ in range(4):
        world.run(mode="full")
    assert world.status()["gone"] == 0
    world.right.breaks = set()
    for _ in range(2):
        world.run(mode="full")
    assert world.status()["gone"] == 1


def test_nobody_is_made_beside_a_record_that_was_never_read(world: World) -> None:
    """It may be anybody's twin."""
    world.left.add(**person(0))
    b = world.right.add(**person(0))
    world.right.breaks = {b}

    for _ in range(2):
        assert world.run(mode="full")["state"] == "success"

    assert len(world.right.records) == 1
    assert quarantined(world) == [(LEFT, b, "unreadable")]
    world.right.breaks = set()
    world.run(mode="full")
    assert world.status()["linked"] == 1
    assert len(world.right.records) == 1


def test_a_record_that_cannot_be_read_is_asked_for_at_growing_intervals(world: World) -> None:
    (pair,) = linked(world, 1)
    world.left.edit(pair[0], first="Karin")
    plan = world.plan(world.begin())
    world.approve(plan)
    world.right.edit(pair[1], first="Kristin")
    world.load(plan)
    world.right.breaks, world.right.lists_all = {pair[1]}, True
    world.right.hidden = {pair[1]}
    asked = []
    for _ in range(20):
        world.right.reads.clear()
        world.run()
        asked.append(any(read.startswith("ids") for read in world.right.reads))
    assert asked[0]
    assert sum(asked) <= 5


def test_a_record_over_which_the_source_fails_holds_up_no_other_and_no_run(world: World) -> None:
    """Right before it is written, each record is asked for anew where it can have been erased; one cannot be read."""
    pairs = linked(world, 5)
    for _, b in pairs:
        world.right.edit(b, first="New")
    plan = world.plan(world.begin())
    world.approve(plan)
    bad = pairs[2][1]
    world.right.breaks = {bad}

    written = world.load(plan)[LEFT]

    assert written is not None
    assert written["outcomes"] == {"written": 4, "unread": 1}
    assert [world.left.value(a, "first") for a, b in pairs if b != bad] == ["New"] * 4
    assert quarantined(world) == [(LEFT, bad, "unclear")]


def test_a_record_over_which_the_source_fails_is_asked_for_at_growing_intervals_and_gets_through(world: World) -> None:
    (pair,) = linked(world, 1)
    world.right.edit(pair[1], first="Karin")
    world.right.breaks, world.right.lists_all = {pair[1]}, True
    asked = []
    for _ in range(12):
        world.right.reads.clear()
        assert world.run()["state"] == "success"
        asked.append(any(read.startswith("ids") for read in world.right.reads))
    assert asked[:2] == [True, True]
    assert 3 <= sum(asked) <= 5
    assert quarantined(world) == [(LEFT, pair[1], "unclear")]

    world.right.breaks = set()
    world.moment += timedelta(days=1)
    world.run()

    assert world.left.value(pair[0], "first") == "Karin"
    assert quarantined(world) == []
