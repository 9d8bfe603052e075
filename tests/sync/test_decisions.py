"""What a person decides: unlink, relink, make anew; and how the next runs keep to it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, RULES, World, customers, products

from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.errors import DecisionError, TemporaryError
from samklang.store import journal, links, seen
from samklang.store.schema import conflicts, history, holds, intents, link_sides, verdicts
from samklang.store.schema import links as links_table
from samklang.sync.decide import Decision, Desk

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
OLA = {"email": "ola@post.example", "first": "Ola", "last": "Dal"}
BOTH_WAYS = "create_in: [shopify, powerofficego]"
NewWorld = Callable[..., World]


def decide(world: World, what: Callable[[Desk], Decision]) -> Decision:
    rules = {side: RULES[world.mapping.entity, side] for side in (LEFT, RIGHT)}
    with world.database.begin() as connection:
        return what(Desk(connection, world.mapping, rules, "by hand", "2026-01-02T00:00:00.0000000Z"))


def relink(world: World, a: str, b: str) -> Decision:
    return decide(world, lambda desk: desk.relink(desk.find_one(a), desk.find_one(b)))


def make_anew(world: World, who: str) -> Decision:
    return decide(world, lambda desk: desk.make_anew(desk.find_one(who)))


def unlink(world: World, who: str, **options: bool) -> Decision:
    return decide(world, lambda desk: desk.unlink(who, **options))


def twins(world: World) -> set[tuple[str, str]]:
    linked = {row["id"] for row in world.rows(links_table) if row["state"] == "linked"}
    by_link: dict[int, dict[str, str]] = {}
    for row in world.rows(link_sides):
        if row["link_id"] in linked:
            by_link.setdefault(row["link_id"], {})[row["side"]] = row["record_id"]
    return {(ids[LEFT], ids[RIGHT]) for ids in by_link.values()}


def judged(world: World) -> dict[tuple[str, str], tuple[str, str]]:
    return {(v["side"], v["record_id"]): (v["verdict"], v["reason"]) for v in world.rows(verdicts)}


def lose(world: World, side: str, record_id: str) -> None:
    """A record is deleted, and two whole reads find out."""
    (world.left if side == LEFT else world.right).delete(record_id)
    for _ in range(2):
        world.run(mode="full")


# --- unlink -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made_by_us", [False, True])
def test_unlinked_twins_that_are_both_there_stay_apart(new_world: NewWorld, made_by_us: bool) -> None:
    world = new_world(customers(NO_LIMITS, BOTH_WAYS))
    a = world.left.add(**KARI)
    b = "1" if made_by_us else world.right.add(**KARI)
    world.run()
    assert twins(world) == {(a, b)}
    world.forget_writes()

    done = unlink(world, f"{LEFT}:{a}")
    world.left.edit(a, first="Karin")
    world.right.edit(b, last="Dal")
    for mode in ("full", "changes", "full"):
        world.run(mode=mode)

    assert done == Decision(apart=[(LEFT, a), (RIGHT, b)])
    assert world.writes() == 0
    assert judged(world) == dict.fromkeys([(LEFT, a), (RIGHT, b)], ("excluded", "kept_apart_by_a_person"))
    assert (world.status()["linked"], world.status()["excluded"]) == (0, 2)


def test_who_meets_the_key_of_a_record_that_is_kept_apart_is_reported_and_not_made(world: World) -> None:
    a, b = world.pair(**KARI)
    unlink(world, f"{LEFT}:{a}")
    world.right.edit(b, email="other@post.example")

    stranger = world.right.add(**KARI)
    world.run()

    assert judged(world)[RIGHT, stranger] == ("excluded", "key_held_by_a_linked_record")
    assert world.writes() == 0


def test_the_same_two_can_be_linked_again(world: World) -> None:
    a, b = world.pair(**KARI)
    unlink(world, f"{RIGHT}:{b}")
    world.right.edit(b, phone="+4722334455")
    world.left.edit(a, first="Karin")
    world.run()

    relink(world, f"{LEFT}:{a}", f"{RIGHT}:{b}")
    summary = world.run()

    assert twins(world) == {(a, b)}
    assert summary["counts"]["link_conflicts"] == 1  # the first name; the phone was empty on one side
    assert world.left.show(a) == world.right.show(b) == KARI | {"first": "Karin", "phone": "+4722334455"}


def test_match_again_leaves_both_to_the_next_run(world: World) -> None:
    a, b = world.pair(**KARI)
    other = world.right.add(**OLA)
    world.left.edit(a, email="ola@post.example")
    world.run()  # the link does not follow the key; the edit meets an address that is taken

    done = unlink(world, f"{LEFT}:{a}", keep_apart=False)
    world.run()

    assert done == Decision(free=[(LEFT, a), (RIGHT, b)])
    assert (a, other) in twins(world)


def test_match_again_says_when_our_key_will_link_them_again(world: World) -> None:
    a = world.left.add(**KARI)
    world.run()

    done = unlink(world, f"{LEFT}:{a}", keep_apart=False)
    world.run()

    assert done.ours
    assert twins(world) == {(a, "1")}


def test_records_that_are_kept_apart_can_be_matched_again(world: World) -> None:
    a, b = world.pair(**KARI)
    unlink(world, f"{LEFT}:{a}")
    with pytest.raises(DecisionError, match="kept apart already"):
        unlink(world, f"{LEFT}:{a}")

    unlink(world, f"{LEFT}:{a}", keep_apart=False)
    world.run()

    assert twins(world) == {(a, b)}


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_the_twin_of_a_gone_record_is_made_anew_after_unlink(new_world: NewWorld, side: str) -> None:
    world = new_world(customers(NO_LIMITS, BOTH_WAYS))
    a, b = world.pair(**KARI)
    survivor = (RIGHT, b) if side == LEFT else (LEFT, a)
    lose(world, side, a)

    done = unlink(world, f"{survivor[0]}:{survivor[1]}")
    assert done == Decision(free=[survivor])
    assert world.status()["gone"] == 0
    for _ in range(3):
        world.run(mode="full")

    gone = world.left if side == LEFT else world.right
    assert [op for op, _, _ in gone.writes] == ["create"]
    assert gone.show("2") == KARI
    assert world.status()["linked"] == world.status()["in_sync"] == 1


def test_a_record_that_we_made_is_sent_back_only_when_a_person_frees_it(new_world: NewWorld) -> None:
    """It carries the key of the record that it was made for, which is gone."""
    world = new_world(customers(NO_LIMITS, BOTH_WAYS))
    a = world.left.add(**KARI)
    world.run()
    lose(world, LEFT, a)
    assert world.left.records == {}

    unlink(world, f"{RIGHT}:1")
    world.run()

    assert world.left.show("2") == KARI
    assert twins(world) == {("2", "1")}
    assert {row["state"] for row in world.rows(intents)} == {"done"}


def test_the_twin_of_a_gone_record_can_be_kept_as_it_is(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, BOTH_WAYS))
    a, b = world.pair(**KARI)
    lose(world, RIGHT, b)

    done = unlink(world, f"{LEFT}:{a}", keep_apart=True)
    for _ in range(2):
        world.run(mode="full")

    assert done == Decision(apart=[(LEFT, a)])
    assert world.right.records == {}
    assert judged(world)[LEFT, a] == ("excluded", "kept_apart_by_a_person")


@pytest.mark.parametrize(("entity", "values"), [("customers", KARI), ("products", {"title": "Chair", "code": "C-1"})])
def test_a_record_that_was_deleted_and_made_anew_is_reported_and_matched_after_unlink(
    new_world: NewWorld, entity: str, values: dict[str, str]
) -> None:
    mapping = customers(NO_LIMITS, BOTH_WAYS) if entity == "customers" else products(NO_LIMITS, BOTH_WAYS)
    world = new_world(mapping)
    price = {"price": "10.00"} if entity == "products" else {}
    a, b = world.left.add(**values, **price), world.right.add(**values, **price)
    world.run()
    world.right.delete(b)
    again = world.right.add(**values, **price)
    for _ in range(4):
        world.run(mode="full")
    assert judged(world) == {
        (LEFT, a): ("twin_gone", f"gone_in_{RIGHT}"),
        (RIGHT, again): ("excluded", "key_held_by_a_linked_record"),
    }
    assert (world.writes(), len(world.left.records), len(world.right.records)) == (0, 1, 1)

    unlink(world, f"{LEFT}:{a}")
    world.run()

    assert twins(world) == {(a, again)}
    assert world.writes() == 0


def test_a_code_or_an_e_mail_that_both_twins_hold_names_their_link(world: World) -> None:
    a, b = world.pair(**KARI)

    assert unlink(world, "kari@post.example") == Decision(apart=[(LEFT, a), (RIGHT, b)])


def test_what_does_not_name_one_link_is_refused_and_changes_nothing(world: World) -> None:
    world.left.add(**KARI)
    world.left.add(**KARI)
    lonely = world.left.add(**OLA, scope=Scope.OUTSIDE)
    world.run()
    before = world.rows(links_table), world.rows(link_sides), world.rows(history)

    for text, message in (
        ("nobody@post.example", "No record of customers"),
        ("kari@post.example", f"names 2 records: {LEFT}:1, {LEFT}:2"),
        (f"{LEFT}:{lonely}", "has no twin"),
    ):
        with pytest.raises(DecisionError, match=message):
            unlink(world, text)

    assert (world.rows(links_table), world.rows(link_sides), world.rows(history)) == before


def test_an_open_conflict_ends_with_the_link(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "policy: ask"))
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.right.edit(b, first="Kaja")
    world.run()
    assert world.status()["conflicts"] == 1

    unlink(world, f"{LEFT}:{a}")

    assert [(row["state"], row["rule"]) for row in world.rows(conflicts)] == [("decided", "unlinked")]


# --- relink -----------------------------------------------------------------------------------------------------------


def test_two_wrong_links_are_put_right_one_after_the_other_and_nothing_is_made_between(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, BOTH_WAYS))
    kari, wrong_ola = world.pair(**KARI)
    ola, wrong_kari = world.pair(**OLA)

    done = relink(world, f"{LEFT}:{kari}", f"{RIGHT}:{wrong_kari}")
    assert done == Decision(linked=[(LEFT, kari), (RIGHT, wrong_kari)], apart=[(RIGHT, wrong_ola), (LEFT, ola)])
    plan = world.plan(world.begin(mode="full"))
    assert plan["counts"]["creates"] == {LEFT: 0, RIGHT: 0}

    relink(world, f"{RIGHT}:{wrong_ola}", f"{LEFT}:{ola}")

    assert twins(world) == {(kari, wrong_kari), (ola, wrong_ola)}
    assert (len(world.left.records), len(world.right.records)) == (2, 2)


def test_a_new_link_has_no_base_so_that_nothing_is_cleared(world: World) -> None:
    a, b = world.pair(**KARI)
    c = world.right.add(first="Kari", line1="Storgata 1", city="Oslo", zip="0155")
    world.run()
    world.right.delete(b)  # its e-mail address is free

    relink(world, f"{LEFT}:{a}", f"{RIGHT}:{c}")
    plan = world.plan(world.begin())

    assert plan["counts"]["clears"] == {LEFT: 0, RIGHT: 0}
    world.approve(plan)
    world.load(plan)
    assert world.left.show(a) == world.right.show(c) == KARI | {"line1": "Storgata 1", "city": "Oslo", "zip": "0155"}


def test_a_pair_that_is_linked_already_stays_as_it_is(world: World) -> None:
    a, b = world.pair(**KARI)
    before = world.rows(link_sides)

    assert relink(world, f"{RIGHT}:{b}", f"{LEFT}:{a}") == Decision(linked=[(LEFT, a), (RIGHT, b)])
    assert world.rows(link_sides) == before


def test_only_two_records_in_scope_on_different_sides_can_be_linked(world: World) -> None:
    a, b = world.pair(**KARI)
    c = world.left.add(**OLA)
    company = world.left.add(email="firm@post.example", scope=Scope.OUTSIDE)
    world.run()
    lose(world, RIGHT, b)

    for one, other, message in (
        (f"{LEFT}:{a}", f"{LEFT}:{c}", "on the same side"),
        (f"{LEFT}:{company}", f"{RIGHT}:2", "out of scope"),
        (f"{LEFT}:{a}", f"{RIGHT}:{b}", "is gone"),
    ):
        with pytest.raises(DecisionError, match=message):
            relink(world, one, other)


def test_a_record_whose_twin_may_be_under_way_is_not_linked(world: World) -> None:
    a = world.left.add(**KARI)
    b = world.right.add(**OLA)
    world.right.fails = TemporaryError("down", system=RIGHT)
    world.run()
    assert world.status()["pending_intents"] == 1

    with pytest.raises(DecisionError, match="may be making a twin"):
        relink(world, f"{LEFT}:{a}", f"{RIGHT}:{b}")


def test_history_keeps_who_was_linked_with_whom(world: World) -> None:
    a, b = world.pair(**KARI)
    unlink(world, f"{LEFT}:{a}")
    relink(world, f"{LEFT}:{a}", f"{RIGHT}:{b}")

    kept = [(row["op"], row["link_id"], row["side"], row["record_id"], row["run_id"]) for row in world.rows(history)]
    assert kept == [
        (op, link_id, side, record_id, "by hand")
        for op, link_id in (("unlink", 1), ("relink", 2))
        for side, record_id in ((LEFT, a), (RIGHT, b))
    ]
    assert [row["state"] for row in world.rows(links_table)] == ["ended", "linked"]


# --- beside a run -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"keep_apart": False}])
def test_what_was_planned_for_a_pair_is_not_written_after_unlink(
    world_on_each_store: World, options: dict[str, bool]
) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")

    world.run(between=lambda: unlink(world, f"{LEFT}:{a}", **options))

    assert world.right.value(b, "first") == "Kari"
    assert world.writes() == 0


def test_what_was_planned_for_one_twin_is_never_written_to_another(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI)
    c = world.left.add(**OLA)
    world.run()
    world.right.edit(b, first="Kaja")  # planned for a; and an edit of a, planned for b
    world.left.edit(a, last="Dal")
    ola = next(i for i in world.right.records if i != b)

    def swap() -> None:
        relink(world, f"{LEFT}:{a}", f"{RIGHT}:{ola}")
        relink(world, f"{LEFT}:{c}", f"{RIGHT}:{b}")

    world.forget_writes()
    world.run(between=swap)

    assert world.writes() == 0
    assert twins(world) == {(a, ola), (c, b)}
    assert all(loads(row["raw"]) == {} for row in world.rows(link_sides))


def test_a_write_under_way_does_not_move_the_base_of_a_link_that_was_ended(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    write = world.right.update

    def unlinked_meanwhile(updates: Any) -> Any:
        outcomes = list(write(updates))
        unlink(world, f"{LEFT}:{a}", keep_apart=False)
        yield from outcomes

    world.right.update = unlinked_meanwhile  # type: ignore[method-assign]
    world.run()

    assert world.rows(link_sides) == []
    with world.database.read() as connection:
        assert loads(seen.known(connection, "customers", RIGHT, [b])[b]["raw"])["FirstName"] == "Karin"


def test_a_record_that_was_linked_by_hand_is_not_made_by_a_plan_from_before(world_on_each_store: World) -> None:
    world = world_on_each_store
    a = world.left.add(**KARI)
    b = world.right.add(first="Kari", last="Lie")

    world.run(between=lambda: relink(world, f"{LEFT}:{a}", f"{RIGHT}:{b}"))

    assert world.writes() == 0
    assert twins(world) == {(a, b)}


def test_a_number_of_a_link_is_never_given_again(world: World) -> None:
    a, _ = world.pair(**KARI)
    unlink(world, f"{LEFT}:{a}", keep_apart=False)
    world.run()

    assert [(row["id"], row["state"]) for row in world.rows(links_table)] == [(1, "ended"), (2, "linked")]


def test_links_are_counted_without_those_that_ended(world: World) -> None:
    a, _ = world.pair(**KARI)
    unlink(world, f"{LEFT}:{a}", keep_apart=False)

    with world.database.read() as connection:
        assert (links.count(connection, "customers"), links.halves(connection, "customers")) == (0, [])


# --- parked creates ---------------------------------------------------------------------------------------------------


@pytest.fixture
def parked(world: World) -> World:
    """A customer whose creation was not confirmed, and one in the other system that may be it."""
    world.left.add(first="Kari", last="Lie")
    world.right.die_after = 1
    world.run()
    world.right.set("1", key=None)
    world.run(mode="full")
    assert [row["state"] for row in world.rows(intents)] == ["parked"]
    assert world.status()["quarantined"] == 1
    world.forget_writes()
    return world


def test_a_lookalike_that_is_the_twin_is_linked_and_nothing_is_made(parked: World) -> None:
    relink(parked, f"{LEFT}:1", f"{RIGHT}:1")
    for _ in range(2):
        parked.run(mode="full")

    assert twins(parked) == {("1", "1")}
    assert parked.writes() == 0
    assert [row["state"] for row in parked.rows(intents)] == ["done"]
    assert parked.status()["quarantined"] == 0
    assert parked.status()["in_sync"] == 1


def test_a_lookalike_that_is_somebody_else_does_not_stop_the_creation_any_more(parked: World) -> None:
    make_anew(parked, f"{LEFT}:1")
    assert parked.rows(holds) == []
    for _ in range(3):
        parked.run(mode="full")

    assert [op for op, _, _ in parked.right.writes] == ["create"]
    assert twins(parked) == {("1", "2")}
    assert parked.right.show("1") == parked.right.show("2") == {"first": "Kari", "last": "Lie"}


def test_a_record_that_is_kept_apart_is_made_anew_and_its_former_twin_stays_apart(world: World) -> None:
    a, b = world.pair(**KARI)
    unlink(world, f"{LEFT}:{a}")
    world.left.edit(a, email="moved@post.example")

    assert make_anew(world, f"{LEFT}:{a}") == Decision(free=[(LEFT, a)])
    world.run()

    assert twins(world) == {(a, "2")}
    assert judged(world) == {(RIGHT, b): ("excluded", "kept_apart_by_a_person")}


def test_a_record_whose_former_twin_carries_our_key_is_not_made_anew(world: World) -> None:
    a = world.left.add(**KARI)
    world.run()
    unlink(world, f"{LEFT}:{a}")

    with pytest.raises(DecisionError, match=f"{RIGHT}:1 carries our key for {LEFT}:{a}"):
        make_anew(world, f"{LEFT}:{a}")


def test_a_linked_record_is_not_made_anew(world: World) -> None:
    a, b = world.pair(**KARI)

    with pytest.raises(DecisionError, match=f"linked with {RIGHT}:{b}.*samklang unlink customers {LEFT}:{a}"):
        make_anew(world, f"{LEFT}:{a}")


def test_a_decision_waits_while_a_plan_is_being_adopted(world_on_each_store: World) -> None:
    world = world_on_each_store
    a, _ = world.pair(**KARI)
    with ThreadPoolExecutor() as pool:
        with world.database.begin() as connection:
            journal.take_over(connection, "customers", 1)
            decision = pool.submit(unlink, world, f"{LEFT}:{a}")
            with pytest.raises(TimeoutError):
                decision.result(timeout=0.3)
        assert decision.result(timeout=30).apart
    assert world.status()["linked"] == 0
