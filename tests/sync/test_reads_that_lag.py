"""A read may be answered from a copy that is a little behind: what is older than what is known is no edit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.sync.world import LEFT, RIGHT, World

from samklang.core.records import Record
from samklang.sync.context import Run

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}


def run_at_once(world: World, name: str) -> None:
    """A run without any time before it."""
    run = Run(name)
    world.carry_out(run, world.plan(run))


def show_old(world: World, side: str, record: Record) -> None:
    """The next read of this side shows an older state of a record, once."""
    system = world.left if side == LEFT else world.right
    now = system.records[record.id]
    system.records[record.id] = record

    def go_on() -> None:
        system.records[record.id] = now

    system.while_reading = go_on


@pytest.fixture
def pair(world: World) -> tuple[str, str]:
    return world.pair(**KARI)


def test_a_read_older_than_our_own_write_does_not_take_the_edit_back(world: World, pair: tuple[str, str]) -> None:
    a, b = pair
    before = world.right.records[b]
    world.left.edit(a, first="Karin")
    world.run()
    assert world.right.value(b, "first") == "Karin"
    world.right.reads_whole = True
    show_old(world, RIGHT, before)

    run_at_once(world, "at-once")

    assert world.left.value(a, "first") == world.right.value(b, "first") == "Karin"
    assert world.left.writes == []
    assert world.status()["in_sync"] == 1


def test_a_read_older_than_an_earlier_read_does_not_take_the_edit_back(world: World, pair: tuple[str, str]) -> None:
    a, b = pair
    before = world.right.records[b]
    world.right.edit(b, first="Karin")
    world.right.reads_whole = True
    world.run()
    show_old(world, RIGHT, before)

    run_at_once(world, "at-once")

    assert world.left.value(a, "first") == world.right.value(b, "first") == "Karin"
    assert world.right.writes == []


def test_what_was_left_out_as_too_old_is_read_again(world: World, pair: tuple[str, str]) -> None:
    a, b = pair
    before = world.right.records[b]
    world.left.edit(a, first="Karin")
    world.run()
    world.right.edit(b, last="Dal")
    show_old(world, RIGHT, before)
    run = Run("at-once", mode="full")
    world.carry_out(run, world.plan(run))
    assert world.left.value(a, "last") == "Lie"

    world.run()

    assert world.left.show(a) == world.right.show(b) == KARI | {"first": "Karin", "last": "Dal"}


def test_a_clock_that_was_set_back_is_believed_after_a_minute(world: World, pair: tuple[str, str]) -> None:
    a, b = pair
    world.left.edit(a, first="Karin")
    world.run()
    world.moment += timedelta(minutes=5)
    world.right.records[b] = replace(
        world.right.records[b], values={**world.right.records[b].values, "lastName": "Dal"}
    )
    world.right.set(b, clock="2025-12-01T00:00:00.0000000Z")

    world.run(mode="full")

    assert world.left.value(a, "last") == "Dal"


def test_an_address_that_is_older_than_what_is_known_is_no_edit(world: World, pair: tuple[str, str]) -> None:
    """Its clock is its own: the record's does not move with it."""
    a, b = pair
    before = replace(world.right.records[b], group_clocks={"address": "2026-01-01T10:00:00.0000000Z"})
    world.right.records[b] = replace(
        before,
        values={**before.values, "addresses.city": "Oslo", "addresses.zip": "0155"},
        group_clocks={"address": "2026-01-01T12:30:00.0000000Z"},
    )
    world.run(mode="full")
    show_old(world, RIGHT, before)

    run = Run("at-once", mode="full")
    world.carry_out(run, world.plan(run))

    assert world.left.value(a, "city") == world.right.value(b, "city") == "Oslo"
