"""Records that a person keeps out of the sync, and lets in again."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from sqlalchemy import insert
from tests.sync.acting import do
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.core.records import Scope
from samklang.errors import DecisionError
from samklang.store import ledger
from samklang.store.schema import actions, conflicts, history, holds, intents, link_sides, seen, verdicts
from samklang.store.schema import links as links_table
from samklang.sync.decide import Desk, Done
from samklang.sync.exclude import exclude, include
from samklang.sync.undo import undo

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
BOTH_WAYS = "create_in: [shopify, powerofficego]"
NewWorld = Callable[..., World]
Record = tuple[str, str]


def keep_out(world: World, *records: Record) -> Done:
    return do(world, lambda desk: exclude(desk, records))


def let_in(world: World, *records: Record) -> Done:
    return do(world, lambda desk: include(desk, records))


def judged(world: World) -> dict[Record, str]:
    return {(v["side"], v["record_id"]): v["reason"] for v in world.rows(verdicts)}


def undone(world: World) -> list[str]:
    return [row["field"] for row in world.rows(holds) if row["reason"] == "undone"]


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_an_excluded_record_is_neither_created_nor_matched(new_world: NewWorld, side: str) -> None:
    world = new_world(customers(NO_LIMITS, BOTH_WAYS))
    one, other = (world.left, world.right) if side == LEFT else (world.right, world.left)
    one.add(**KARI)
    world.run(dry_run=True)  # it has been read

    done = keep_out(world, (side, "1"))
    world.run()
    assert world.writes() == 0
    twin = other.add(**KARI)
    for mode in ("full", "changes"):
        world.run(mode=mode)

    assert done == Done(done=[f"{side}:1"])
    assert world.writes() == 0
    assert world.status()["linked"] == 0
    other_side = RIGHT if side == LEFT else LEFT
    assert judged(world) == {(side, "1"): "kept_apart_by_a_person", (other_side, twin): "key_held_by_a_linked_record"}


def test_lists_say_at_once_that_a_record_is_excluded(world: World) -> None:
    world.right.rejects["Lie"] = None
    world.left.add(**KARI)
    world.run()
    assert (world.status()["quarantined"], world.status()["excluded"]) == (1, 0)

    keep_out(world, (LEFT, "1"))

    assert (world.status()["quarantined"], world.status()["excluded"]) == (0, 1)
    let_in(world, (LEFT, "1"))
    assert world.status()["excluded"] == 0


def test_an_excluded_record_keeps_one_side_of_a_link_and_who_decided_it(world: World) -> None:
    world.left.add(**KARI)
    world.run(dry_run=True)

    keep_out(world, (LEFT, "1"))

    ((link), (side)) = (*world.rows(links_table), *world.rows(link_sides))
    assert (link["state"], side["side"], side["record_id"]) == ("excluded", LEFT, "1")
    (action,) = world.rows(actions)
    assert (action["person"], action["records"]) == ("kim", f'["{LEFT}:1"]')
    (told,) = world.rows(history)
    assert (told["op"], told["link_id"], told["run_id"]) == ("exclude", link["id"], action["name"])


def test_excluding_a_linked_record_keeps_both_twins_apart(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI)
    c, d = world.pair(email="ola@post.example", first="Ola", last="Dal")

    done = keep_out(world, (RIGHT, b))
    world.left.edit(a, last="Dal")
    world.left.edit(c, last="Moe")
    world.run()

    assert done == Done(done=[f"{LEFT}:{a} = {RIGHT}:{b}"])
    assert (world.right.value(b, "last"), world.right.value(d, "last")) == ("Lie", "Moe")
    assert set(judged(world)) == {(LEFT, a), (RIGHT, b)}
    assert (world.status()["linked"], world.status()["excluded"]) == (1, 2)


def test_an_open_conflict_of_twins_that_are_excluded_is_closed(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "policy: ask"))
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Dal")
    world.right.edit(b, last="Moe")
    world.run()
    assert world.status()["conflicts"] == 1

    keep_out(world, (LEFT, a))

    assert world.status()["conflicts"] == 0
    assert world.rows(conflicts)[0]["rule"] == "unlinked"


def test_doing_it_again_changes_nothing_and_is_no_action(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI)
    c = world.left.add(email="ola@post.example", first="Ola", last="Dal")
    world.run(dry_run=True)
    these = ((LEFT, a), (RIGHT, b), (LEFT, c), (LEFT, c))
    assert keep_out(world, *these) == Done(done=[f"{LEFT}:{a} = {RIGHT}:{b}", f"{LEFT}:{c}"])
    before = [world.rows(t) for t in (links_table, link_sides, history, actions, verdicts)]

    done = keep_out(world, *these)

    assert done == Done(left=[(f"{s}:{i}", "kept apart already") for s, i in ((LEFT, a), (RIGHT, b), (LEFT, c))])
    assert [world.rows(t) for t in (links_table, link_sides, history, actions, verdicts)] == before


def test_an_included_record_is_judged_anew_by_the_next_run(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI)
    c = world.left.add(email="ola@post.example", first="Ola", last="Dal")
    world.run(dry_run=True)
    do(world, lambda desk: (desk.unlink(f"{LEFT}:{a}"), Done())[1])
    keep_out(world, (LEFT, c))
    world.run()

    assert all(row["linked"] for row in world.rows(seen))
    done = let_in(world, (RIGHT, b), (LEFT, c))
    assert judged(world) == {}
    assert not any(row["linked"] for row in world.rows(seen))  # lists find them without a link again
    world.run()

    assert done == Done(done=[f"{LEFT}:{a} = {RIGHT}:{b}", f"{LEFT}:{c}"])
    assert world.status()["linked"] == 2
    assert world.right.value("2", "email") == "ola@post.example"
    again = let_in(world, (RIGHT, b), (LEFT, "99"))
    assert again == Done(left=[(f"{RIGHT}:{b}", "linked"), (f"{LEFT}:99", "not kept apart by a person")])


def test_twins_that_were_excluded_go_on_from_their_base_when_they_are_included(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI, city="Oslo")
    before = world.rows(links_table)
    keep_out(world, (LEFT, a))
    world.left.edit(a, last="Dal")
    world.right.edit(b, city="Moss")
    world.run(mode="full")
    assert (world.left.value(a, "city"), world.right.value(b, "last")) == ("Oslo", "Lie")

    done = let_in(world, (RIGHT, b))
    assert (world.rows(links_table), judged(world)) == (before, {})
    assert (world.status()["linked"], world.status()["excluded"]) == (1, 0)
    world.run()

    assert done == Done(done=[f"{LEFT}:{a} = {RIGHT}:{b}, linked as before"])
    assert (world.left.value(a, "city"), world.right.value(b, "last")) == ("Moss", "Dal")
    assert world.rows(conflicts) == []


def test_a_conflict_that_was_open_when_twins_were_excluded_is_open_again_once_they_are_included(
    new_world: NewWorld,
) -> None:
    world = new_world(customers(NO_LIMITS, "policy: ask"))
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Dal")
    world.right.edit(b, last="Moe")
    world.run()

    keep_out(world, (LEFT, a))
    world.run()
    let_in(world, (LEFT, a))
    world.run()

    assert world.status()["conflicts"] == 1
    (row,) = [row for row in world.rows(conflicts) if row["state"] == "open"]
    assert row["base"] == f'{{"{LEFT}":"Lie","{RIGHT}":"Lie"}}'
    assert (world.left.value(a, "last"), world.right.value(b, "last")) == ("Dal", "Moe")


def test_a_plan_from_before_an_exclusion_writes_nothing_after_the_inclusion(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Dal")
    run = world.begin()
    plan = world.plan(run)

    keep_out(world, (LEFT, a))
    let_in(world, (LEFT, a))
    world.carry_out(run, plan)
    assert world.right.value(b, "last") == "Lie"

    world.run()
    assert world.right.value(b, "last") == "Dal"


def test_what_was_put_back_stands_again_after_its_pair_was_excluded_and_included(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Dal")
    world.run()
    do(world, lambda desk: undo(desk, record=(RIGHT, b)))
    world.run()
    assert (world.left.value(a, "last"), world.right.value(b, "last")) == ("Dal", "Lie")

    keep_out(world, (LEFT, a))
    world.run()
    let_in(world, (LEFT, a))
    world.run()

    assert (world.left.value(a, "last"), world.right.value(b, "last"), undone(world)) == ("Dal", "Lie", ["LastName"])


def test_an_included_record_whose_twin_is_gone_may_get_a_new_one(world: World) -> None:
    a = world.left.add(**KARI)
    world.run()
    keep_out(world, (LEFT, a))
    world.right.delete("1")
    for _ in range(2):
        world.run(mode="full")

    let_in(world, (LEFT, a))
    world.run()

    assert world.right.value("2", "email") == KARI["email"]


def test_what_cannot_be_excluded_is_left_with_the_reason(world: World) -> None:
    world.left.add(**KARI, scope=Scope.OUTSIDE)
    world.run()

    done = keep_out(world, (LEFT, "1"), (LEFT, "99"))

    assert done.left == [
        (f"{LEFT}:1", "out of scope: outside"),
        (f"{LEFT}:99", "no record that has been read so far has this id"),
    ]
    assert world.rows(actions) == []
    with pytest.raises(DecisionError, match="no side spotify"):
        keep_out(world, ("spotify", "1"))


def test_a_record_whose_twin_may_be_being_made_is_left_to_after_the_run(world: World) -> None:
    world.left.add(**KARI)
    run = world.begin()
    plan = world.plan(run)
    with world.database.begin() as connection:
        ledger.open_intent(
            connection, entity="customers", side=RIGHT, key="k", source_id="1", run_id=run.id, plan_id=plan["plan"],
            at=world.sync().clock(),
        )  # fmt: skip

    done = keep_out(world, (LEFT, "1"))

    assert done == Done(left=[(f"{LEFT}:1", "a run may be making a twin of it right now; try again after the run")])
    assert world.rows(link_sides) == []


def test_a_plan_that_was_made_before_neither_creates_nor_links_nor_writes_what_is_excluded(world: World) -> None:
    world.left.add(**KARI)
    for side in (world.left, world.right):
        side.add(email="ola@post.example", first="Ola", last="Dal")
    a, _ = world.left.add(email="c@post.example", first="C", last="D"), world.right.add(email="c@post.example")
    run = world.begin()
    plan = world.plan(run)

    keep_out(world, (LEFT, "1"), (LEFT, "2"), (LEFT, a))
    world.carry_out(run, plan)

    assert world.writes() == 0
    assert world.status()["linked"] == 0


def test_a_plan_for_a_twin_of_the_past_is_not_written_to_a_record_that_is_excluded_since(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Dal")
    run = world.begin()
    plan = world.plan(run)

    def match_again(desk: Desk) -> Done:
        desk.unlink(f"{RIGHT}:{b}", keep_apart=False)
        return Done()

    do(world, match_again)
    keep_out(world, (RIGHT, b))
    world.carry_out(run, plan)

    assert world.right.value(b, "last") == "Lie"


def test_a_wish_for_a_new_twin_ends_with_the_exclusion(world: World) -> None:
    a, b = world.pair(**KARI)
    world.right.delete(b)
    for _ in range(2):
        world.run(mode="full")

    def free(desk: Desk) -> Done:
        desk.unlink(f"{LEFT}:{a}")
        return Done()

    do(world, free)
    assert [row["state"] for row in world.rows(intents)] == ["wanted"]

    keep_out(world, (LEFT, a))

    assert world.rows(intents) == []


def test_ten_thousand_are_excluded_and_included_in_a_moment(world_on_each_store: World) -> None:
    world, at = world_on_each_store, "2026-01-01T00:00:00.0000000Z"
    same = {
        "entity": "customers", "side": LEFT, "raw": "{}", "normal": "{}", "form": "{}", "facts": "{}",
        "scope": "active", "created": at, "clock": at, "group_clocks": "{}", "ticket": 1, "missing": 0,
    }  # fmt: skip
    these = [(LEFT, f"{n}") for n in range(10_000)]
    with world.database.begin() as connection:
        connection.execute(insert(seen), [{**same, "id": i} for _, i in these])

    start = time.monotonic()
    out = keep_out(world, *these)
    assert world.status()["excluded"] == 10_000
    inside = let_in(world, *these)

    assert (len(out.done), len(inside.done)) == (10_000, 10_000)
    assert time.monotonic() - start < 20
    assert (world.rows(link_sides), world.rows(verdicts)) == ([], [])
