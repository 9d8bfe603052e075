"""Two decisions about one field, one after the other: the later one counts, as it was told."""

from __future__ import annotations

from tests.sync.test_put_back import conflict, decided, do, edited, held, values
from tests.sync.world import World

from samklang.sync.conflicts import take
from samklang.sync.undo import release, undo

__all__ = ["decided", "edited"]


def test_who_takes_a_value_after_an_undo_was_undone_has_the_last_word(decided: tuple[World, str, str]) -> None:
    world, a, b = decided
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    do(world, lambda desk: undo(desk, run_id="run-3"))

    do(world, lambda desk: take(desk, [conflict(world)["id"]]))
    world.run()
    world.run()

    assert values(world, a, b, "last") == [("Berg", "Berg")]
    world.forget_writes()
    world.run()
    assert (world.writes(), held(world)) == (0, [])


def test_a_value_that_was_put_back_and_spelt_anew_goes_to_both_sides_once_a_person_takes_it(
    decided: tuple[World, str, str],
) -> None:
    world, a, b = decided
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    world.left.edit(a, last=" Berg ")
    world.run()

    do(world, lambda desk: take(desk, [conflict(world)["id"]]))
    for _ in range(3):
        world.run()

    assert str(world.right.value(b, "last")).strip() == "Berg"


def test_an_emptied_value_that_an_undo_put_back_empties_both_sides_once_a_person_takes_it(world: World) -> None:
    a, b = world.pair(email="kari@post.example", first="Kari", last="Lie", phone="+4722334455")
    world.left.edit(a, phone=None)
    world.right.edit(b, phone="+4799887766")
    world.run()
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    assert values(world, a, b, "phone") == [(None, "+4799887766")]

    do(world, lambda desk: take(desk, [conflict(world, "PhoneNumber")["id"]]))
    world.run()
    world.run()

    assert values(world, a, b, "phone") == [(None, None)]


def test_letting_go_of_what_was_put_back_twice_lets_go_of_it_at_once(edited: tuple[World, str, str]) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    do(world, lambda desk: undo(desk, run_id="run-3"))

    done = do(world, lambda desk: release(desk, f"shopify:{b}", "LastName"))
    again = do(world, lambda desk: release(desk, f"shopify:{b}", "LastName"))
    world.run()

    assert done.done == [f"shopify:{b} LastName"]
    assert again.left == [(f"shopify:{b} LastName", "not put back, or let go already")]
    assert values(world, a, b, "last") == [("Berg", "Berg")]
    world.run()
    assert held(world) == []
