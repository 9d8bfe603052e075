"""Design rules 2, 3 and 7: what is written is written once, and only where the target is as the plan saw it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.sync.memory_system import WorkerDiedError
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers, products

from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.errors import AccessError, OutdatedError, RejectedError, StoreError, TemporaryError
from samklang.store.links import LinkSide, create
from samklang.store.schema import conflicts, history, intents, link_sides, links, plan_results, seen
from samklang.sync.meter import NOTHING
from samklang.systems.base import Outcome

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
NewWorld = Callable[..., World]


def outcomes(world: World) -> dict[str, int]:
    counted: dict[str, int] = {}
    for row in world.rows(plan_results):
        counted[row["outcome"]] = counted.get(row["outcome"], 0) + 1
    return counted


# --- creates ----------------------------------------------------------------------------------------------------------


def test_the_intent_is_committed_before_the_create(world: World) -> None:
    world.left.add(**KARI)
    open_then: list[dict[str, Any]] = []
    make = world.right.create

    def look_first(creations: Any) -> Any:
        open_then.extend(world.rows(intents))
        yield from make(creations)

    world.right.create = look_first  # type: ignore[method-assign]

    world.run()

    assert [(row["side"], row["key"], row["state"]) for row in open_then] == [(RIGHT, "tenant-powerofficego-1", "open")]
    assert {row["state"] for row in world.rows(intents)} == {"done"}


def test_a_create_whose_answer_is_lost_is_found_by_its_key_and_not_made_twice(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.left.add(**KARI)
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    world.right.die_after = 1
    with pytest.raises(WorkerDiedError):
        world.load(plan, RIGHT)
    assert world.status()["pending_intents"] == 1

    world.load(plan)

    assert len(world.right.records) == 1
    assert world.status()["linked"] == world.status()["in_sync"] == 1
    assert world.status()["pending_intents"] == 0


def test_a_create_whose_answer_is_lost_is_linked_by_the_next_run_if_its_load_is_never_run_again(world: World) -> None:
    world.left.add(**KARI)
    world.right.die_after = 1
    world.run()

    world.run()

    assert len(world.right.records) == 1
    assert world.status()["linked"] == world.status()["in_sync"] == 1
    assert world.status()["pending_intents"] == 0


def test_a_create_that_never_arrived_is_sent_again(world: World) -> None:
    world.left.add(**KARI)
    world.right.fails = TemporaryError("down", system=RIGHT)
    world.run()
    assert world.status()["pending_intents"] == 1
    world.right.fails = None

    world.run()

    assert [op for op, _, _ in world.right.writes] == ["create"]
    assert world.status()["pending_intents"] == 0


@pytest.mark.parametrize("edit", [{"first": "Karin"}, {"phone": "+4722334455"}])
def test_an_edit_made_before_a_lost_create_is_found_again_is_not_lost(world: World, edit: dict[str, str]) -> None:
    a = world.left.add(**KARI)
    plan = world.plan(world.begin())
    world.approve(plan)
    world.right.die_after = 1
    with pytest.raises(WorkerDiedError):
        world.load(plan, RIGHT)
    world.right.edit("1", **edit)

    world.load(plan)
    world.run()

    assert world.left.show(a) == world.right.show("1") == {**KARI, **edit}


def test_an_intent_whose_record_left_the_scope_is_closed(world: World) -> None:
    a = world.left.add(**KARI)
    world.right.fails = TemporaryError("down", system=RIGHT)
    world.run()
    world.right.fails = None
    world.left.set(a, scope=Scope.OUTSIDE)

    world.run()

    assert world.status()["pending_intents"] == 0
    assert world.right.records == {}


def test_a_lost_create_whose_origin_left_the_scope_is_linked_when_it_comes_back(world: World) -> None:
    a = world.left.add(**KARI)
    world.right.die_after = 1
    world.run()
    world.left.set(a, scope=Scope.OUTSIDE)
    world.run()

    world.left.set(a, scope=Scope.ACTIVE)
    world.run()

    assert len(world.right.records) == 1
    assert world.status()["linked"] == 1


def test_a_lookalike_made_since_a_lost_create_is_left_to_a_person(world: World) -> None:
    """The key did not survive, and no e-mail tells the two apart."""
    a = world.left.add(first="Kari", last="Lie")
    world.right.die_after = 1
    world.run()
    world.right.set("1", key=None)

    for _ in range(3):
        world.run(mode="full")

    assert len(world.right.records) == 1
    assert world.status()["quarantined"] == 1
    assert {(row["source_id"], row["state"]) for row in world.rows(intents)} == {(a, "parked")}


def test_a_key_that_anybody_may_type_proves_nothing_about_an_older_record(new_world: NewWorld) -> None:
    shop = new_world(products(NO_LIMITS, "create_in: [powerofficego]"))
    shop.right.add(title="Chair", code="C1", price="10.00")
    shop.left.fails = TemporaryError("down", system=LEFT)
    shop.run()
    shop.left.fails = None
    old = shop.left.add(title="Old chair", code="X", key="tenant-shopify-1")
    shop.left.records[old] = type(shop.left.records[old])(
        old, shop.left.records[old].values, created="2020-01-01T00:00:00.0000000Z", clock="2020", key="tenant-shopify-1"
    )
    shop.left.hidden.add(old)

    shop.run()

    assert [op for op, _, _ in shop.left.writes] == []
    assert shop.status()["quarantined"] == 1


def test_a_record_that_holds_our_key_and_has_another_twin_is_not_linked_twice(world: World) -> None:
    world.left.add(**KARI)
    plan = world.plan(world.begin())
    world.approve(plan)
    world.right.die_after = 1
    with pytest.raises(WorkerDiedError):
        world.load(plan, RIGHT)
    world.left.edit("1", email="moved@post.example")
    other = world.left.add(**KARI)
    twins = [LinkSide(LEFT, other, {}), LinkSide(RIGHT, "1", {})]
    with world.database.begin() as connection:
        create(connection, entity="customers", origin="matched", run_id="x", at="", sides=twins)

    report = world.load(plan)

    assert report[RIGHT] == {"outcomes": {"linked": 1}, "reasons": {}, "used": NOTHING}
    assert len(world.rows(links)) == 1


# --- updates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_target_that_moved_is_not_overwritten_and_both_edits_survive(world: World, side: str) -> None:
    a, b = world.pair(**KARI)
    target, source = (world.left, world.right) if side == LEFT else (world.right, world.left)
    source.edit(a, first="Karin", last="Dal")

    world.run(between=lambda: target.edit(b, first="Kaja"))
    assert target.show(b) == KARI | {"first": "Kaja"}
    assert outcomes(world) == {"moved": 1}

    world.run()

    assert world.left.show(a) == world.right.show(b) == KARI | {"first": "Kaja", "last": "Dal"}
    (kept,) = world.rows(conflicts)
    assert loads(kept["raw"]) == {target.side: "Kaja", source.side: "Karin"}


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_write_that_nobody_heard_of_is_no_edit_that_could_win_against_a_persons(world: World, side: str) -> None:
    a, b = world.pair(**KARI)
    target, source = (world.left, world.right) if side == LEFT else (world.right, world.left)
    source.edit(a, first="Karin", last="Dal")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    source.edit(a, first="Kaja")
    target.die_after = 1  # later than that edit
    with pytest.raises(WorkerDiedError):
        world.load(plan, side)

    world.load(plan)
    world.run()

    assert world.left.show(a) == world.right.show(b) == KARI | {"first": "Kaja", "last": "Dal"}
    assert world.rows(conflicts) == []
    assert [row["op"] for row in world.rows(history)] == ["update", "update"]


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_write_that_nobody_heard_of_is_known_to_the_next_run_if_its_load_is_never_run_again(
    world: World, side: str
) -> None:
    a, b = world.pair(**KARI)
    target, source = (world.left, world.right) if side == LEFT else (world.right, world.left)
    source.edit(a, first="Karin", last="Dal")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    source.edit(a, first="Kaja")
    target.die_after = 1  # later than that edit
    with pytest.raises(WorkerDiedError):
        world.load(plan, side)

    world.run()

    assert world.left.show(a) == world.right.show(b) == KARI | {"first": "Kaja", "last": "Dal"}
    assert world.rows(conflicts) == []


def test_a_create_that_nobody_heard_of_is_no_edit_that_could_win_against_a_persons(world: World) -> None:
    a = world.left.add(**KARI)
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    world.left.edit(a, first="Kaja")
    world.right.die_after = 1  # later than that edit
    with pytest.raises(WorkerDiedError):
        world.load(plan, RIGHT)

    world.run()

    (made,) = world.right.records
    assert world.left.show(a) == world.right.show(made) == KARI | {"first": "Kaja"}
    assert world.rows(conflicts) == []


def test_an_edit_of_another_field_does_not_stop_a_write(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")

    world.run(between=lambda: world.right.edit(b, last="Dal"))
    assert world.right.show(b) == KARI | {"first": "Karin", "last": "Dal"}

    world.run()
    assert world.left.show(a) == world.right.show(b)


def test_an_unclear_write_is_read_again_and_not_sent_twice(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.right.unclear = 1

    summary = world.run()

    assert summary["state"] == "success"
    assert world.right.value(b, "first") == "Karin"
    assert len(world.right.writes) == 1
    assert world.status()["in_sync"] == 1
    assert world.status()["quarantined"] == 0


def test_every_write_keeps_what_it_replaced(world: World) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, first="Karin", phone=None)

    world.run()

    (kept,) = world.rows(history)
    assert (kept["side"], kept["record_id"], kept["op"], kept["run_id"]) == (RIGHT, b, "update", "run-2")
    assert loads(kept["before"]) == {"FirstName": "Kari", "PhoneNumber": "+4722334455"}
    assert loads(kept["after"]) == {"FirstName": "Karin", "PhoneNumber": None}


def test_a_field_that_the_system_refuses_holds_back_itself_alone_in_the_same_run(world: World) -> None:
    a, b = world.pair(**KARI)
    world.right.refuses.add("Karin")
    world.left.edit(a, first="Karin", last="Dal")

    world.run()

    assert world.right.show(b) == KARI | {"last": "Dal"}
    assert world.status()["held"] == 1


def test_a_record_that_the_system_refuses_as_a_whole_is_quarantined_and_the_others_go_on(world: World) -> None:
    world.pair(**KARI)
    world.pair(**OLA)
    world.left.edit("1", first="Karin")
    world.left.edit("2", first="Olai")
    update = world.right.update

    def refuse_the_first(updates: Any) -> Any:
        for one in updates:
            if one.id == "1":
                yield Outcome(one.ref, error=RejectedError("no", system=RIGHT))
            else:
                yield from update([one])

    world.right.update = refuse_the_first  # type: ignore[method-assign]
    summary = world.run()

    assert summary["state"] == "success"
    assert world.right.value("2", "first") == "Olai"
    assert world.status()["quarantined"] == 1


@pytest.mark.parametrize("error", [AccessError("key revoked", system=RIGHT), TemporaryError("down", system=RIGHT)])
@pytest.mark.parametrize("each", [True, False])
def test_a_system_out_of_reach_fails_the_load_and_quarantines_nobody(
    world: World, error: Exception, each: bool
) -> None:
    world.pair(**KARI)
    world.left.edit("1", first="Karin")
    world.left.add(**OLA)
    if each:
        world.right.update = lambda updates: [Outcome(u.ref, error=error) for u in updates]  # type: ignore
        world.right.create = lambda creations: [Outcome(c.ref, error=error) for c in creations]  # type: ignore
    else:
        world.right.fails = error

    summary = world.run()

    assert summary["failed"] == [f"load_{RIGHT}: {type(error).__name__}"]
    assert world.status()["quarantined"] == world.status()["held"] == 0


# --- loads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("die_after", [1, 2, 3])
def test_running_a_load_again_does_only_what_is_left(world: World, die_after: int) -> None:
    world.pair(**KARI)
    world.left.edit("1", first="Karin")
    world.left.add(**OLA)
    world.left.add(email="per@post.example", first="Per", last="Moe")
    plan = world.plan(world.begin())
    world.approve(plan)
    world.right.die_after = die_after
    with pytest.raises(WorkerDiedError):
        world.load(plan, RIGHT)

    world.load(plan)
    world.load(plan)
    world.run()

    assert len(world.right.records) == 3
    assert len([op for op, _, _ in world.right.writes if op == "create"]) == 2
    assert world.right.value("1", "first") == "Karin"
    assert world.status()["in_sync"] == 3
    assert len([op for op, _, _ in world.right.writes if op == "update"]) == 1


def test_both_lanes_may_load_at_the_same_moment(world_on_each_store: World) -> None:
    world = world_on_each_store
    for n in range(40):
        values = {"email": f"c{n}@post.example", "last": "Lie"}
        world.left.add(**values, first="Kari")
        world.right.add(**values, phone=f"+47223344{n:02}")
    plan = world.plan(world.begin())
    world.approve(plan)

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda side: world.load(plan, side), [LEFT, RIGHT, LEFT, RIGHT]))

    assert world.status()["linked"] == 40
    world.forget_writes()
    world.run()
    assert world.writes() == 0
    assert world.status()["in_sync"] == 40
    assert all(world.left.show(i) == world.right.show(i) for i in world.left.records)


def test_a_plan_older_than_one_that_was_carried_out_is_refused(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    old = world.plan(world.begin())
    world.left.edit(a, first="Kaja")
    world.run()
    world.approve(old)

    with pytest.raises(OutdatedError, match=r"Plan 2 of customers is older than plan 3, .* Nothing to do"):
        world.load(old, RIGHT)

    assert world.right.value(b, "first") == "Kaja"


def test_a_half_loaded_plan_is_refused_once_a_newer_one_was_carried_out(world: World) -> None:
    a, b = world.pair(**KARI)
    c, d = world.pair(**OLA)
    world.left.edit(a, first="Karin")
    world.left.edit(c, first="Olai")
    old = world.plan(world.begin())
    world.approve(old)
    world.right.die_after = 1
    with pytest.raises(WorkerDiedError):
        world.load(old, RIGHT)
    world.left.edit(a, first="Kaja")
    world.left.edit(c, first="Olga")
    world.run()

    with pytest.raises(OutdatedError):
        world.load(old, RIGHT)

    assert (world.right.value(b, "first"), world.right.value(d, "first")) == ("Kaja", "Olga")


def test_a_plan_that_is_carried_out_already_may_be_loaded_again_for_nothing(world: World) -> None:
    world.pair(**KARI)
    world.left.edit("1", first="Karin")
    run = world.begin()
    plan = world.plan(run)
    world.carry_out(run, plan)
    world.run()
    before = world.writes()

    assert world.load(plan, RIGHT) == {RIGHT: {"outcomes": {"written": 1}, "reasons": {}, "used": NOTHING}}
    assert world.writes() == before


def test_a_record_that_another_plan_wrote_since_is_left_alone(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    plan = world.plan(world.begin())
    world.approve(plan)
    with world.database.begin() as connection:
        connection.execute(link_sides.update().where(link_sides.c.side == RIGHT).values(revision=1))

    report = world.load(plan)

    assert report[RIGHT] == {"outcomes": {"outdated": 1}, "reasons": {}, "used": NOTHING}
    assert world.right.value(b, "first") == "Kari"


@pytest.mark.parametrize("state", ["proposed", "rejected"])
def test_a_plan_that_was_not_approved_is_not_loaded(world: World, state: str) -> None:
    world.left.add(**KARI)
    plan = world.plan(world.begin())
    world.approve(plan, state)

    with pytest.raises(StoreError, match=f"is {state}, not approved"):
        world.load(plan)

    assert world.writes() == 0


def test_a_dry_run_writes_nothing_and_links_nothing(world: World) -> None:
    world.left.add(**KARI)
    world.right.add(**KARI)
    world.left.add(**OLA)

    summary = world.run(dry_run=True)

    assert world.writes() == 0
    assert world.rows(links) == world.rows(intents) == []
    assert summary["counts"]["links"] == 1
    assert summary["counts"]["creates"] == {LEFT: 0, RIGHT: 1}
    assert summary["state"] == "dry"
    assert {row["side"] for row in world.rows(seen)} == {LEFT, RIGHT}


def test_what_a_dry_run_saw_is_done_by_the_next_run(world: World) -> None:
    world.left.add(**KARI)
    world.run(dry_run=True)

    world.run()

    assert world.right.show("1") == KARI


def test_customers_of_another_pair_of_systems_are_refused(world: World) -> None:
    world.pair(**KARI)
    world.right.tenant = "another shop"

    with pytest.raises(StoreError, match="belongs to shopify tenant-shopify"):
        world.read(world.begin())


def test_every_clear_counts_towards_the_limit(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, phone="direction: to_shopify"))
    a, b = world.pair(**KARI, line1="Storgata 1", city="Moss", zip="1530")
    world.left.edit(a, line1=None)
    world.right.edit(b, phone="+4722334455")

    summary = world.run(dry_run=True)

    assert summary["counts"]["clears"] == {LEFT: 0, RIGHT: 2}
