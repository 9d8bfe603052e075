"""Undo, taking the other value of a conflict, freezing: what people put right, and what the next runs make of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, RULES, SIDES, World, customers, products

from samklang.core.clocks import from_datetime
from samklang.errors import DecisionError
from samklang.store.schema import actions, conflicts, history, holds, links, orders
from samklang.sync.act import act
from samklang.sync.conflicts import keep, take
from samklang.sync.decide import Desk, Done
from samklang.sync.exclude import exclude, include
from samklang.sync.explain import Terms, explain
from samklang.sync.freezing import freeze, unfreeze
from samklang.sync.undo import Undo, preview, release, undo

KARI: dict[str, str | None] = {
    "email": "kari@post.example", "first": "Kari", "last": "Lie", "line1": "Storgata 1", "city": "Moss", "zip": "1530",
    "country": "NO",
}  # fmt: skip


def do(world: World, what: Callable[[Desk], Done]) -> Done:
    return act(world.database, terms(world), "try", what, person="kim", via="cli")


def terms(world: World) -> Terms:
    return Terms(world.mapping, {side: RULES["customers", side] for side in SIDES}, from_datetime(world.tick()))


def looked_at(world: World, **what: Any) -> Undo:
    with world.database.read() as connection:
        return preview(connection, world.mapping, **what)


def values(world: World, a: str, b: str, *names: str) -> list[tuple[str | None, str | None]]:
    return [(world.left.value(a, n), world.right.value(b, n)) for n in names]


def told(world: World, a: str) -> dict[str, dict[str, Any]]:
    with world.database.read() as connection:
        (answer,) = explain(connection, terms(world), [("powerofficego", a)])
    return {field["field"]: field for field in answer["fields"]}


def held(world: World) -> list[tuple[str, str, str]]:
    return [(row["side"], row["field"], row["reason"]) for row in world.rows(holds)]


@pytest.fixture
def edited(world: World) -> tuple[World, str, str]:
    """A pair of which run-2 wrote the last name and the city to Shopify."""
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Berg", city="Oslo")
    world.run()
    return world, a, b


# --- undo -----------------------------------------------------------------------------------------------------------


def test_undo_of_a_run_puts_back_at_the_target_what_it_had_before(edited: tuple[World, str, str]) -> None:
    world, a, b = edited

    done = do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()

    assert sorted(done.done) == [f"shopify:{b} LastName", f"shopify:{b} MailAddress.City"]
    assert values(world, a, b, "last", "city") == [("Berg", "Lie"), ("Oslo", "Moss")]


def test_what_was_undone_is_held_and_no_later_run_does_it_all_over(edited: tuple[World, str, str]) -> None:
    world, a, _ = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    world.forget_writes()

    world.run()
    world.run(mode="full")

    assert world.writes() == 0
    assert sorted(held(world)) == [(RIGHT, "LastName", "undone"), (RIGHT, "MailAddress.City", "undone")]
    assert told(world, a)["LastName"]["decision"] == "held"


@pytest.mark.parametrize("side", SIDES)
def test_an_undone_field_moves_again_when_either_side_is_edited(side: str, edited: tuple[World, str, str]) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()

    (world.right if side == RIGHT else world.left).edit(b if side == RIGHT else a, last="Moe")
    world.run()

    assert values(world, a, b, "last") == [("Moe", "Moe")]
    world.run()
    assert held(world) == [(RIGHT, "MailAddress.City", "undone")]


def test_an_undone_field_that_a_person_lets_go_follows_the_other_side_again(edited: tuple[World, str, str]) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()

    done = do(world, lambda desk: release(desk, f"shopify:{b}", "LastName"))
    again = do(world, lambda desk: release(desk, f"shopify:{b}", "LastName"))
    world.run()

    assert done.done == [f"shopify:{b} LastName"]
    assert again.left == [(f"shopify:{b} LastName", "not put back, or let go already")]
    assert values(world, a, b, "last", "city") == [("Berg", "Berg"), ("Oslo", "Moss")]


def test_what_was_filled_is_emptied_again_and_what_was_cleared_comes_back(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, line1=None, line2="Bakgården")
    world.run()

    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    assert values(world, a, b, "line1", "line2") == [(None, "Storgata 1"), ("Bakgården", None)]

    for name in ("MailAddress.AddressLine1", "MailAddress.AddressLine2"):
        do(world, lambda desk, name=name: release(desk, f"shopify:{b}", name))  # type: ignore[misc]
    world.run()
    assert values(world, a, b, "line1", "line2") == [(None, None), ("Bakgården", "Bakgården")]


def test_undo_leaves_alone_what_somebody_has_changed_since_and_says_so(edited: tuple[World, str, str]) -> None:
    world, a, b = edited
    world.right.edit(b, last="Moe")
    world.run()

    found = looked_at(world, run_id="run-2")
    done = do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()

    assert [(one.field, one.now, one.restored) for one in found.fields] == [("MailAddress.City", "Oslo", "Moss")]
    assert [(one.field, one.reason) for one in found.moved] == [("LastName", "changed since")]
    assert done.left == [(f"shopify:{b} LastName", "changed since")]
    assert values(world, a, b, "last", "city") == [("Moe", "Moe"), ("Oslo", "Moss")]


@pytest.mark.parametrize("side", SIDES)
def test_an_edit_between_the_undo_and_its_run_is_not_overwritten(side: str, edited: tuple[World, str, str]) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))

    (world.right if side == RIGHT else world.left).edit(b if side == RIGHT else a, last="Moe")
    world.run()

    assert values(world, a, b, "last", "city") == [("Moe", "Moe"), ("Oslo", "Moss")]
    assert {row["field"]: row["state"] for row in world.rows(orders)} == {
        "LastName": "moved",
        "MailAddress.City": "standing",
    }


def test_an_edit_between_the_plan_and_the_write_of_an_undo_survives(edited: tuple[World, str, str]) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))

    world.run(between=lambda: world.right.edit(b, last="Moe"))
    world.run()

    assert values(world, a, b, "last") == [("Moe", "Moe")]


def test_undo_twice_is_undo_once(edited: tuple[World, str, str]) -> None:
    world, _, _ = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))

    again = do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    later = do(world, lambda desk: undo(desk, run_id="run-2"))

    assert not again.done
    assert {why for _, why in again.left} == {"put back by the next run already"}
    assert {why for _, why in later.left} == {"changed since"}
    assert len(world.rows(orders)) == 2
    assert [row["person"] for row in world.rows(actions)] == ["kim"]


def test_undo_of_an_undo_brings_back_what_the_run_had_written(edited: tuple[World, str, str]) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()

    do(world, lambda desk: undo(desk, run_id="run-3"))
    world.run()
    world.run()

    assert values(world, a, b, "last", "city") == [("Berg", "Berg"), ("Oslo", "Oslo")]


def test_undo_of_one_record_leaves_the_others_of_its_run(world: World) -> None:
    a, b = world.pair(**KARI)
    c, d = world.pair(email="ola@post.example", first="Ola", last="Dal")
    world.left.edit(a, last="Berg")
    world.left.edit(c, last="Moe")
    world.run()

    do(world, lambda desk: undo(desk, record=(RIGHT, b)))
    world.run()

    assert values(world, a, b, "last") == [("Berg", "Lie")]
    assert values(world, c, d, "last") == [("Moe", "Moe")]


def test_what_an_undone_run_made_stays_and_is_kept_apart(world: World) -> None:
    a = world.left.add(**KARI)
    world.run()
    (b,) = world.right.records

    found = looked_at(world, run_id="run-1")
    do(world, lambda desk: undo(desk, run_id="run-1"))
    world.left.edit(a, last="Berg")
    world.forget_writes()
    world.run()

    assert [(one.ids, one.origin) for one in found.made] == [({"powerofficego": a, "shopify": b}, "created")]
    assert world.writes() == 0
    assert world.status()["linked"] == 0
    assert world.right.value(b, "last") == "Lie"


def test_undo_of_a_first_run_puts_back_what_it_filled_and_overwrote_and_keeps_the_pairs_apart(world: World) -> None:
    a = world.left.add(**KARI, phone="+4722334455")
    b = world.right.add(email=KARI["email"], first="Karin", last=None)
    before = world.left.show(a), world.right.show(b)
    world.run()
    assert (world.left.show(a), world.right.show(b)) != before

    found = looked_at(world, run_id="run-1")
    do(world, lambda desk: undo(desk, run_id="run-1"))
    assert looked_at(world, run_id="run-1").fields == []  # twice is once
    world.run()

    assert {"FirstName", "LastName", "PhoneNumber"} <= {one.field for one in found.fields}
    assert [one.origin for one in found.made] == ["matched"]
    assert found.of_run == "run-1"
    assert (world.left.show(a), world.right.show(b)) == before
    world.forget_writes()
    world.left.edit(a, last="Berg")
    world.run()
    world.run()
    assert world.writes() == 0
    assert world.status()["linked"] == 0


def test_undo_of_a_first_run_puts_back_what_it_wrote_to_a_frozen_pair(world: World) -> None:
    a = world.left.add(**KARI)
    b = world.right.add(email=KARI["email"], first="Karin", last=None)
    before = world.left.show(a), world.right.show(b)
    world.run()
    do(world, lambda desk: freeze(desk, f"shopify:{b}", None))
    do(world, lambda desk: undo(desk, run_id="run-1"))

    world.run()

    assert (world.left.show(a), world.right.show(b)) == before


def test_what_an_undone_first_run_wrote_is_left_where_somebody_has_changed_it_since(world: World) -> None:
    world.left.add(**KARI)
    b = world.right.add(email=KARI["email"], first="Kari", last=None)
    world.run()
    do(world, lambda desk: undo(desk, run_id="run-1"))
    world.right.edit(b, last="Berg")
    world.run()
    assert world.right.value(b, "last") == "Berg"


def test_undo_of_a_swap_leaves_nobody_without_a_value(world: World) -> None:
    one = world.pair(email="a@post.example", first="Anne", last="Lie")
    two = world.pair(email="b@post.example", first="Bo", last="Lie")
    world.left.edit(one[0], email="b@post.example")
    world.left.edit(two[0], email="a@post.example")
    world.run()
    swapped = f"run-{world.runs}"
    assert [world.right.value(i, "email") for _, i in (one, two)] == ["b@post.example", "a@post.example"]

    do(world, lambda desk: undo(desk, run_id=swapped))
    world.run()
    assert [world.right.value(i, "email") for _, i in (one, two)] == ["a@post.example", "b@post.example"]
    world.forget_writes()
    world.run()
    assert world.writes() == 0
    assert len(held(world)) == 2


@pytest.mark.parametrize("side", SIDES)
def test_an_undo_stands_though_a_side_is_spelt_anew_and_can_still_be_released(
    side: str, edited: tuple[World, str, str]
) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    assert (world.left.value(a, "last"), world.right.value(b, "last")) == ("Berg", "Lie")
    if side == LEFT:
        world.left.edit(a, last=" Berg ")
    else:
        world.right.edit(b, last=" Lie ")
    world.run()
    world.run()

    assert (RIGHT, "LastName", "undone") in held(world)
    assert do(world, lambda desk: release(desk, f"{LEFT}:{a}", "LastName")).done
    world.run()
    assert str(world.right.value(b, "last")).strip() == "Berg"


def test_what_was_put_back_before_the_store_was_restored_stands_and_goes_no_further(
    edited: tuple[World, str, str],
) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))

    world.right.edit(b, last="Lie", city="Moss")  # the store does not know of the run that did this
    for _ in range(3):
        world.run()

    assert values(world, a, b, "last", "city") == [("Berg", "Lie"), ("Oslo", "Moss")]
    assert {(RIGHT, "LastName", "undone"), (RIGHT, "MailAddress.City", "undone")} <= set(held(world))


@pytest.fixture
def priced(new_world: Callable[..., World]) -> tuple[World, str, str]:
    """A product whose price of 800 without VAT was put back to 100.00 in Shopify."""
    world = new_world(products(NO_LIMITS, "vat: {default: 25%}"))
    a = world.left.add(title="Chair", code="C1", price="80")
    world.run()
    world.left.edit(a, price="800")
    world.run()
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.run()
    (b,) = world.right.records
    return world, a, b


def test_a_price_that_was_put_back_stands(priced: tuple[World, str, str]) -> None:
    world, a, b = priced
    for _ in range(2):
        world.run()

    assert (world.left.value(a, "price"), world.right.value(b, "price")) == ("800", "100.00")
    assert (RIGHT, "UnitPrice", "undone") in held(world)


def test_a_price_that_was_put_back_stops_no_run_while_its_vat_is_not_known(priced: tuple[World, str, str]) -> None:
    world, a, b = priced

    world.right.set(b, facts={"taxable": False})
    world.left.edit(a, title="Stool")
    world.run()

    assert world.right.value(b, "title") == "Stool"
    assert (world.left.value(a, "price"), world.right.value(b, "price")) == ("800", "100.00")
    world.right.set(b, facts={"taxable": True})
    world.run()
    assert (world.left.value(a, "price"), world.right.value(b, "price")) == ("800", "100.00")


def test_a_pair_that_was_made_is_known_as_made_after_it_was_excluded_and_included(world: World) -> None:
    a = world.left.add(**KARI)
    world.run()
    (b,) = world.right.records
    do(world, lambda desk: exclude(desk, [(LEFT, a)]))
    do(world, lambda desk: include(desk, [(LEFT, a)]))
    world.run()
    assert [row["origin"] for row in world.rows(links) if row["state"] == "linked"] == ["created"]
    do(world, lambda desk: exclude(desk, [(LEFT, a)]))
    with pytest.raises(DecisionError, match="carries our key"):
        do(world, lambda desk: (desk.make_anew((LEFT, a)), Done())[1])
    world.run()
    assert list(world.right.records) == [b]


def test_an_undo_whose_answer_is_lost_is_known_by_the_next_run(edited: tuple[World, str, str]) -> None:
    world, a, b = edited
    do(world, lambda desk: undo(desk, run_id="run-2"))
    world.right.unclear = 1

    world.run()
    world.run()
    world.run()

    assert values(world, a, b, "last", "city") == [("Berg", "Lie"), ("Oslo", "Moss")]
    assert {row["state"] for row in world.rows(orders)} == {"standing"}


def test_undo_of_a_run_that_nobody_knows_says_so(world: World) -> None:
    with pytest.raises(DecisionError, match="No run nonsense"):
        do(world, lambda desk: undo(desk, run_id="nonsense"))


# --- conflicts ------------------------------------------------------------------------------------------------------


@pytest.fixture
def decided(world: World) -> tuple[World, str, str]:
    """A pair in conflict over the last name: Shopify's, typed later, stands on both sides."""
    a, b = world.pair(**KARI)
    world.left.edit(a, last="Berg")
    world.right.edit(b, last="Moe")
    world.run()
    return world, a, b


def conflict(world: World, field: str = "LastName") -> dict[str, Any]:
    return next(row for row in world.rows(conflicts) if row["field"] == field)


def test_the_other_value_of_a_conflict_is_put_back_and_travels_on(decided: tuple[World, str, str]) -> None:
    world, a, b = decided
    assert values(world, a, b, "last") == [("Moe", "Moe")]

    done = do(world, lambda desk: take(desk, [conflict(world)["id"]]))
    world.run()
    assert values(world, a, b, "last") == [("Berg", "Moe")]
    world.run()

    assert values(world, a, b, "last") == [("Berg", "Berg")]
    assert done.done == [f"conflict {conflict(world)['id']} (LastName)"]
    assert (conflict(world)["winner"], conflict(world)["rule"]) == ("powerofficego", "person")
    assert conflict(world)["reviewed_by"] == "kim"
    world.forget_writes()
    world.run()
    assert world.writes() == 0


def test_taking_the_other_value_twice_takes_it_once(decided: tuple[World, str, str]) -> None:
    world, a, b = decided
    for _ in range(2):
        do(world, lambda desk: take(desk, [conflict(world)["id"]]))

    for _ in range(3):
        world.run()

    assert values(world, a, b, "last") == [("Berg", "Berg")]
    assert len(world.rows(orders)) == 1


def test_a_choice_can_be_taken_back_before_its_run(decided: tuple[World, str, str]) -> None:
    world, a, b = decided
    do(world, lambda desk: take(desk, [conflict(world)["id"]]))

    do(world, lambda desk: take(desk, [conflict(world)["id"]], RIGHT))
    world.run()
    world.run()

    assert values(world, a, b, "last") == [("Moe", "Moe")]


@pytest.mark.parametrize("runs_between", [0, 1])
def test_who_takes_a_value_after_an_undo_has_the_last_word(decided: tuple[World, str, str], runs_between: int) -> None:
    world, a, b = decided
    do(world, lambda desk: undo(desk, run_id=conflict(world)["run_id"]))
    for _ in range(runs_between):
        world.run()

    done = do(world, lambda desk: take(desk, [conflict(world)["id"]]))
    for _ in range(3):
        world.run()

    assert done.left == []
    assert values(world, a, b, "last") == [("Berg", "Berg")]
    assert held(world) == []


def test_a_value_is_taken_though_a_later_edit_of_it_was_undone(decided: tuple[World, str, str]) -> None:
    world, a, b = decided
    world.left.edit(a, last="Dahl")
    world.run()
    do(world, lambda desk: undo(desk, run_id=world.rows(history)[-1]["run_id"]))
    world.run()
    assert values(world, a, b, "last") == [("Dahl", "Moe")]

    do(world, lambda desk: take(desk, [conflict(world)["id"]]))
    for _ in range(3):
        world.run()

    assert values(world, a, b, "last") == [("Berg", "Berg")]


def test_the_other_value_is_not_taken_where_somebody_has_edited_since(decided: tuple[World, str, str]) -> None:
    world, a, b = decided
    world.right.edit(b, last="Dahl")
    world.run()

    done = do(world, lambda desk: take(desk, [conflict(world)["id"]]))
    world.run()

    assert done.left == [
        (f"conflict {conflict(world)['id']} (LastName)", "changed since; the next run looks at it anew")
    ]
    assert values(world, a, b, "last") == [("Dahl", "Dahl")]


def test_a_lost_answer_to_a_value_put_back_still_lets_it_travel_on(decided: tuple[World, str, str]) -> None:
    world, a, b = decided
    do(world, lambda desk: take(desk, [conflict(world)["id"]]))
    world.left.unclear = 1

    for _ in range(3):
        world.run()

    assert values(world, a, b, "last") == [("Berg", "Berg")]


@pytest.mark.parametrize(
    ("options", "left", "right", "side", "reason"),
    [
        pytest.param({"last": "direction: to_shopify"}, "Berg", "Moe", RIGHT, "goes to Shopify only", id="one-way"),
        pytest.param({"phone": "clear: false"}, None, "+4733445566", LEFT, "does not travel", id="no clearing"),
        pytest.param({}, "Berg", None, RIGHT, "takes no empty value", id="a name that Go cannot empty"),
    ],
)
def test_a_value_that_cannot_stand_is_not_said_to_be_taken(
    new_world: Callable[..., World],
    options: dict[str, str],
    left: str | None,
    right: str | None,
    side: str,
    reason: str,
) -> None:
    world = new_world(customers(NO_LIMITS, **options))
    name = "phone" if "phone" in options else "last"
    a, b = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, **{name: left})
    world.right.edit(b, **{name: right})
    world.run()
    (conflict,) = world.rows(conflicts)

    done = do(world, lambda desk: take(desk, [conflict["id"]], side))

    assert done.done == []
    assert [reason in why for _, why in done.left] == [True]
    before = world.left.show(a), world.right.show(b)
    world.run()
    world.run()
    assert (world.left.show(a), world.right.show(b)) == before


def test_an_emptied_value_that_lost_empties_both_sides_when_a_person_takes_it(world: World) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, phone=None)
    world.right.edit(b, phone="+4733445566")
    world.run()
    (conflict,) = world.rows(conflicts)

    assert do(world, lambda desk: take(desk, [conflict["id"]], LEFT)).done
    world.run()
    world.run()
    assert values(world, a, b, "phone") == [(None, None)]


def test_an_emptied_value_in_an_open_conflict_is_not_said_to_be_taken(new_world: Callable[..., World]) -> None:
    world = new_world(customers(NO_LIMITS, phone="policy: ask"))
    a, b = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, phone=None)
    world.right.edit(b, phone="+4733445566")
    world.run()
    (conflict,) = world.rows(conflicts)

    done = do(world, lambda desk: take(desk, [conflict["id"]], LEFT))
    assert (done.done, len(done.left)) == ([], 1)
    assert world.rows(conflicts)[0]["state"] == "open"
    world.run()
    assert values(world, a, b, "phone") == [(None, "+4733445566")]


def test_a_conflict_that_is_kept_needs_nobody_any_more(decided: tuple[World, str, str]) -> None:
    world, a, b = decided

    done = do(world, lambda desk: keep(desk, [conflict(world)["id"]]))
    again = do(world, lambda desk: keep(desk, [conflict(world)["id"]]))
    world.run()

    assert (len(done.done), [why for _, why in again.left]) == (1, ["kept already"])
    assert conflict(world)["reviewed_by"] == "kim"
    assert values(world, a, b, "last") == [("Moe", "Moe")]


@pytest.fixture
def asking(tmp_path: Path) -> World:
    return World(tmp_path, customers("policy: ask", NO_LIMITS))


@pytest.mark.parametrize("side", SIDES)
def test_an_open_conflict_goes_as_the_person_says(side: str, asking: World) -> None:
    a, b = asking.pair(**KARI)
    asking.left.edit(a, last="Berg")
    asking.right.edit(b, last="Moe")
    asking.run()
    assert values(asking, a, b, "last") == [("Berg", "Moe")]

    do(asking, lambda desk: take(desk, [conflict(asking)["id"]], side))
    asking.run()

    assert values(asking, a, b, "last") == ([("Moe", "Moe")] if side == RIGHT else [("Berg", "Berg")])
    assert asking.status()["conflicts"] == 0


def test_an_address_goes_as_a_whole_to_the_side_that_a_person_chose(asking: World) -> None:
    a, b = asking.pair(**KARI)
    asking.left.edit(a, line1="Lillegata 2", line2="Oppgang B")
    asking.right.edit(b, line1="Parkveien 3", city="Oslo")
    asking.run()

    do(asking, lambda desk: take(desk, [conflict(asking, "MailAddress.AddressLine1")["id"]], "powerofficego"))
    asking.run()

    ours = [("Lillegata 2", "Lillegata 2"), ("Oppgang B", "Oppgang B"), ("Moss", "Moss")]
    assert values(asking, a, b, "line1", "line2", "city") == ours
    assert asking.status()["conflicts"] == 0


def test_an_address_that_has_moved_in_part_is_left_whole_and_each_line_is_told_why(asking: World) -> None:
    a, b = asking.pair(**KARI)
    asking.left.edit(a, city="Bergen", zip="5003")
    asking.right.edit(b, city="Oslo", zip="0150")
    asking.run()
    city, zip_code = (conflict(asking, f"MailAddress.{name}")["id"] for name in ("City", "ZipCode"))
    asking.left.edit(a, city="Voss")
    asking.plan(asking.begin(dry_run=True))  # it is read, and no plan has looked at the conflict anew yet

    done = do(asking, lambda desk: take(desk, [zip_code], LEFT))

    moved = "changed since; the next run looks at it anew"
    assert done.done == []
    assert done.left == [
        (f"conflict {city} (MailAddress.City)", moved),
        (f"conflict {zip_code} (MailAddress.ZipCode)", f"goes together with MailAddress.City: {moved}"),
    ]
    asking.run()
    assert {row["state"] for row in asking.rows(conflicts) if row["field"].startswith("MailAddress")} == {"open"}
    do(asking, lambda desk: take(desk, [conflict(asking, "MailAddress.ZipCode")["id"]], LEFT))
    asking.run()
    assert values(asking, a, b, "city", "zip") == [("Voss", "Voss"), ("5003", "5003")]


@pytest.fixture
def addressed(world: World) -> tuple[World, str, str]:
    """A pair in conflict over its address: Shopify's, typed later, stands on both sides."""
    a, b = world.pair(**KARI)
    world.left.edit(a, city="Bergen", zip="5003")
    world.right.edit(b, city="Oslo", zip="0150")
    world.run()
    return world, a, b


def test_an_address_that_lost_is_not_put_back_in_part(addressed: tuple[World, str, str]) -> None:
    world, a, b = addressed
    world.right.edit(b, city="Asker")
    world.run()

    done = do(world, lambda desk: take(desk, [conflict(world, "MailAddress.ZipCode")["id"]]))
    world.run()
    world.run()

    assert (done.done, len(done.left)) == ([], 2)
    assert values(world, a, b, "city", "zip") == [("Asker", "Asker"), ("0150", "0150")]


def test_an_edit_of_one_line_before_its_run_keeps_a_whole_address_from_being_put_back(
    addressed: tuple[World, str, str],
) -> None:
    world, a, b = addressed
    done = do(world, lambda desk: take(desk, [conflict(world, "MailAddress.ZipCode")["id"]]))
    assert len(done.done) == 2
    world.right.edit(b, city="Asker")
    world.run()
    world.run()

    assert values(world, a, b, "city", "zip") == [("Asker", "Asker"), ("0150", "0150")]
    assert {row["state"] for row in world.rows(orders)} == {"moved"}


def test_the_other_value_is_not_said_to_be_taken_where_it_may_not_be_put_back(decided: tuple[World, str, str]) -> None:
    world, _, _ = decided
    world.remap(customers(NO_LIMITS, "share: {powerofficego: false}"))

    done = do(world, lambda desk: take(desk, [conflict(world)["id"]], LEFT))

    assert [why for _, why in done.left] == ["nothing is put back in PowerOffice Go (share in the mapping)"]
    assert world.rows(orders) == []


def test_a_decision_that_is_not_written_yet_is_not_said_to_have_moved(new_world: Callable[..., World]) -> None:
    world = new_world(customers(NO_LIMITS, "policy: powerofficego"))
    a, b = world.pair(**KARI)
    long = "Karianne Margrethe Elisabeth"
    world.left.edit(a, first=long)
    world.right.edit(b, first="Kaia")
    world.run()
    assert held(world) == [(RIGHT, "FirstName", "too_long")]

    done = do(world, lambda desk: take(desk, [conflict(world, "FirstName")["id"]]))

    assert ["not written yet" in why for _, why in done.left] == [True]
    assert values(world, a, b, "first") == [(long, "Kaia")]


def test_an_open_conflict_without_a_side_is_refused_and_one_that_moved_on_is_left(asking: World) -> None:
    a, b = asking.pair(**KARI)
    asking.left.edit(a, last="Berg")
    asking.right.edit(b, last="Moe")
    asking.run()
    number = conflict(asking)["id"]

    with pytest.raises(DecisionError, match="not decided yet"):
        do(asking, lambda desk: take(desk, [number]))
    with pytest.raises(DecisionError, match="There is no conflict 999"):
        do(asking, lambda desk: keep(desk, [999]))
    assert do(asking, lambda desk: keep(desk, [number])).left[0][1] == "not decided yet: choose a side"


# --- freezing -------------------------------------------------------------------------------------------------------


def test_a_frozen_field_is_left_alone_until_it_is_let_go_and_the_rest_goes_on(world: World) -> None:
    a, b = world.pair(**KARI)
    frozen = do(world, lambda desk: freeze(desk, f"shopify:{b}", "LastName"))
    world.left.edit(a, last="Berg", city="Oslo")
    for _ in range(2):
        world.run()
    assert values(world, a, b, "last", "city") == [("Berg", "Lie"), ("Oslo", "Oslo")]
    assert held(world) == [(RIGHT, "LastName", "frozen_by_a_person")]
    assert told(world, a)["LastName"]["reason"] == "frozen_by_a_person"

    do(world, lambda desk: unfreeze(desk, f"powerofficego:{a}", "LastName"))
    world.run()

    assert frozen.done == [f"shopify:{b} LastName"]
    assert values(world, a, b, "last") == [("Berg", "Berg")]


@pytest.mark.parametrize("name", ["LastName", None])
def test_what_a_person_has_ordered_waits_while_its_field_is_frozen(
    decided: tuple[World, str, str], name: str | None
) -> None:
    world, a, b = decided
    do(world, lambda desk: take(desk, [conflict(world)["id"]]))
    do(world, lambda desk: freeze(desk, f"shopify:{b}", name))
    world.run()
    assert values(world, a, b, "last") == [("Moe", "Moe")]

    do(world, lambda desk: unfreeze(desk, f"shopify:{b}", name))
    world.run()
    world.run()

    assert values(world, a, b, "last") == [("Berg", "Berg")]


def test_a_frozen_pair_is_left_alone_as_a_whole(world: World) -> None:
    a, b = world.pair(**KARI)
    do(world, lambda desk: freeze(desk, f"shopify:{b}", None))
    again = do(world, lambda desk: freeze(desk, f"shopify:{b}", None))
    world.left.edit(a, last="Berg")
    world.right.edit(b, city="Oslo")
    world.run()

    assert again.left == [(f"shopify:{b}", "frozen already")]
    assert values(world, a, b, "last", "city") == [("Berg", "Lie"), ("Moss", "Oslo")]
    do(world, lambda desk: unfreeze(desk, f"shopify:{b}", None))
    world.run()
    assert values(world, a, b, "last", "city") == [("Berg", "Berg"), ("Oslo", "Oslo")]


def test_freezing_a_field_that_the_mapping_lacks_names_those_it_has(world: World) -> None:
    _, b = world.pair(**KARI)
    with pytest.raises(DecisionError, match="no field Shoe"):
        do(world, lambda desk: freeze(desk, f"shopify:{b}", "Shoe"))
