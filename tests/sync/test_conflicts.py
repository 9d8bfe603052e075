"""Rule 3: both sides changed one field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.sync.world import LEFT, NO_LIMITS, RIGHT, World, customers

from samklang.core.clocks import earlier, from_datetime
from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.store.schema import conflicts

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
HOME = {"line1": "Storgata 1", "line2": "B", "city": "Moss", "zip": "1530", "country": "NO"}
NewWorld = Callable[..., World]


def ledger(world: World) -> list[dict[str, Any]]:
    return [
        {**row, "raw": loads(row["raw"]), "base": loads(row["base"]) if row["base"] else None}
        for row in world.rows(conflicts)
    ]


def edit_both(world: World, ids: tuple[str, str], *, left: dict[str, Any], right: dict[str, Any], later: str) -> None:
    """Edit both sides; `later` last."""
    edits = [(RIGHT, world.right, ids[1], right), (LEFT, world.left, ids[0], left)]
    for _, system, i, values in edits if later == LEFT else reversed(edits):
        system.edit(i, **values)


@pytest.mark.parametrize(("later", "winner"), [(LEFT, "Karin"), (RIGHT, "Kaja")])
def test_by_default_the_later_edit_wins(world: World, later: str, winner: str) -> None:
    ids = world.pair(**KARI)
    edit_both(world, ids, left={"first": "Karin"}, right={"first": "Kaja"}, later=later)

    world.run()

    assert world.left.value(ids[0], "first") == world.right.value(ids[1], "first") == winner


@pytest.mark.parametrize(("side", "winner"), [(LEFT, "Karin"), (RIGHT, "Kaja")])
@pytest.mark.parametrize("later", [LEFT, RIGHT])
def test_a_side_as_policy_wins_whatever_the_clocks_say(new_world: NewWorld, side: str, winner: str, later: str) -> None:
    world = new_world(customers(NO_LIMITS, f"policy: {side}"))
    ids = world.pair(**KARI)
    edit_both(world, ids, left={"first": "Karin"}, right={"first": "Kaja"}, later=later)

    world.run()

    assert world.left.value(ids[0], "first") == world.right.value(ids[1], "first") == winner


def test_a_field_may_have_a_policy_of_its_own(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, last="policy: powerofficego"))
    ids = world.pair(**KARI)
    edit_both(world, ids, left={"first": "Karin", "last": "Dal"}, right={"first": "Kaja", "last": "Moe"}, later=RIGHT)

    world.run()

    assert world.left.show(ids[0]) == world.right.show(ids[1]) == {**KARI, "first": "Kaja", "last": "Dal"}


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_within_one_second_the_first_side_wins(world: World, seconds: int) -> None:
    a, b = world.pair(**KARI)
    at = world.tick()
    world.left.edit(a, first="Karin", clock=from_datetime(at))
    world.right.edit(b, first="Kaja", clock=from_datetime(at + timedelta(seconds=seconds)))

    world.run()

    assert world.right.value(b, "first") == "Karin"
    assert ledger(world)[0]["rule"] == "tie"


@pytest.mark.parametrize("emptied", [LEFT, RIGHT])
def test_in_a_conflict_an_empty_value_never_beats_one(world: World, emptied: str) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    edit_both(
        world,
        (a, b),
        left={"phone": None if emptied == LEFT else "+4733445566"},
        right={"phone": None if emptied == RIGHT else "+4733445566"},
        later=emptied,
    )

    world.run()

    assert world.left.value(a, "phone") == world.right.value(b, "phone") == "+4733445566"
    assert ledger(world)[0]["rule"] == "not_empty"


def test_edits_of_different_fields_both_survive(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.right.edit(b, last="Dal")

    world.run()

    assert world.left.show(a) == world.right.show(b) == {**KARI, "first": "Karin", "last": "Dal"}
    assert ledger(world) == []


def test_the_same_edit_on_both_sides_is_no_conflict_and_no_write(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.right.edit(b, first=" Karin")

    world.run()

    assert world.writes() == 0
    assert ledger(world) == []
    assert world.status()["in_sync"] == 1


# --- the address -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "winner"), [(LEFT, "left"), (RIGHT, "right")])
def test_a_conflict_in_an_address_decides_all_that_was_changed_of_it(world: World, later: str, winner: str) -> None:
    a, b = world.pair(**KARI, **HOME)
    edit_both(
        world,
        (a, b),
        left={"city": "Oslo", "zip": "0150"},
        right={"city": "Bergen", "line1": "Torget 5"},
        later=later,
    )

    world.run()

    expected = {
        "left": {"city": "Oslo", "zip": "0150", "line1": "Storgata 1"},
        "right": {"city": "Bergen", "zip": "1530", "line1": "Torget 5"},
    }[winner]
    assert world.left.show(a) == world.right.show(b) == {**KARI, **HOME, **expected}


def test_without_a_conflict_edits_of_one_address_are_merged_field_by_field(world: World) -> None:
    a, b = world.pair(**KARI, **HOME)
    world.left.edit(a, zip="1531")
    world.right.edit(b, line1="Torget 5")

    world.run()

    assert world.left.show(a) == world.right.show(b) == {**KARI, **HOME, "zip": "1531", "line1": "Torget 5"}


def test_an_address_in_conflict_leaves_the_other_fields_alone(world: World) -> None:
    a, b = world.pair(**KARI, **HOME)
    world.left.edit(a, city="Oslo", first="Karin")
    world.right.edit(b, city="Bergen")

    world.run()

    assert world.left.show(a) == world.right.show(b) == {**KARI, **HOME, "city": "Bergen", "first": "Karin"}


def test_an_address_in_conflict_is_decided_by_its_own_clock(world: World) -> None:
    a, b = world.pair(**KARI, **HOME)
    world.left.edit(a, city="Oslo")
    address_clock = from_datetime(world.moment)
    world.right.edit(b, city="Bergen")
    world.left.edit(a, first="Karin")  # moves the customer's clock beyond the shop's, not the address's
    world.left.set(a, group_clocks={"address": address_clock})

    world.run()

    assert world.left.value(a, "city") == "Bergen"
    assert world.right.value(b, "first") == "Karin"


def test_where_the_winner_of_an_address_emptied_a_field_in_conflict_the_other_value_stands(world: World) -> None:
    a, b = world.pair(**KARI, **HOME)
    world.left.edit(a, line1="Torget 5", line2="C")
    world.right.edit(b, line1="Parkveien 2", line2=None)

    world.run()

    assert world.left.show(a) == world.right.show(b) == {**KARI, **HOME, "line1": "Parkveien 2", "line2": "C"}


def test_what_the_loser_of_an_address_emptied_or_added_gives_way_and_is_kept_in_the_ledger(world: World) -> None:
    a, b = world.pair(**KARI, **HOME)
    world.left.edit(a, city="Oslo", line2=None)
    world.right.edit(b, city="Bergen")

    world.run()

    assert world.left.show(a) == world.right.show(b) == {**KARI, **HOME, "city": "Bergen"}
    assert {(c["field"], c["rule"], c["winner"]) for c in ledger(world)} == {
        ("MailAddress.City", "latest", RIGHT),
        ("MailAddress.AddressLine2", "group", RIGHT),
    }


# --- the ledger ---------------------------------------------------------------------------------------------------


def test_every_conflict_is_kept_with_values_base_clocks_rule_and_winner(world: World) -> None:
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.right.edit(b, first="Kaja")
    clocks = {LEFT: world.left.records[a].clock, RIGHT: world.right.records[b].clock}

    world.run()

    (kept,) = ledger(world)
    assert kept["raw"] == {LEFT: "Karin", RIGHT: "Kaja"}
    assert kept["base"] == {LEFT: "Kari", RIGHT: "Kari"}
    assert loads(kept["clocks"]) == clocks
    assert (kept["field"], kept["kind"], kept["rule"], kept["winner"]) == ("FirstName", "edit", "latest", RIGHT)
    assert (kept["run_id"], kept["state"], loads(kept["record_ids"])) == ("run-2", "decided", [a, b])


def test_the_order_is_certain_where_one_edit_is_older_than_the_last_read_that_saw_the_other_unchanged(
    new_world: NewWorld,
) -> None:
    world = new_world(customers(NO_LIMITS, "share: {powerofficego: true, shopify: false}"))
    a, b = world.pair(**KARI)
    other, _ = world.pair(first="Ola", last="Dal", email="ola@example.no")
    world.left.edit(a, first="Karin")
    world.run()  # read, and not written: the shop is not ours to write
    world.left.edit(other, first="Olav")
    world.run()  # PowerOffice Go has been read beyond the first edit
    world.run()  # and the shop, after that, still shows the base
    world.right.edit(b, first="Kaja")

    world.run()

    assert [c["certain"] for c in ledger(world)] == [True]


def test_a_system_whose_clock_is_behind_makes_no_order_look_certain(world: World) -> None:
    a, b = world.pair(**KARI)
    world.moment += timedelta(hours=3)
    world.run()  # both still hold the base
    world.right.edit(b, first="Kaja")
    world.left.edit(a, first="Karin", clock=earlier(from_datetime(world.tick()), timedelta(hours=1)))

    world.run()

    assert [bool(c["certain"]) for c in ledger(world)] == [False]


def test_the_order_is_uncertain_where_both_edits_fall_between_two_reads(world: World) -> None:
    ids = world.pair(**KARI)
    edit_both(world, ids, left={"first": "Karin"}, right={"first": "Kaja"}, later=RIGHT)

    world.run()

    assert [bool(c["certain"]) for c in ledger(world)] == [False]


def test_a_later_edit_of_another_field_does_not_make_the_order_look_certain(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "share: {powerofficego: false, shopify: false}"))
    a, b = world.pair(**KARI)
    world.right.edit(b, first="Kaja")
    world.left.edit(a, first="Karin")
    world.run()
    world.right.edit(b, last="Dal")

    world.run()

    assert not any(c["certain"] for c in ledger(world))


def test_a_conflict_that_cannot_be_carried_out_yet_is_kept_once(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "share: {powerofficego: false, shopify: true}"))
    ids = world.pair(**KARI)
    edit_both(world, ids, left={"first": "Karin"}, right={"first": "Kaja"}, later=RIGHT)

    for _ in range(3):
        world.run()

    assert len(ledger(world)) == 1
    assert world.left.value(ids[0], "first") == "Karin"


def test_the_same_conflict_a_second_time_is_kept_twice(world: World) -> None:
    a, b = world.pair(**KARI)
    for _ in range(2):
        world.left.edit(a, first="Karin")
        world.right.edit(b, first="Kaja")
        world.run()
        world.left.edit(a, first="Kari")
        world.run()

    assert [c["raw"] for c in ledger(world)] == [{LEFT: "Karin", RIGHT: "Kaja"}] * 2


# --- ask ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def asking(new_world: NewWorld) -> World:
    world = new_world(customers(NO_LIMITS, "policy: ask"))
    world.pair(**KARI, **HOME)
    world.left.edit("1", first="Karin", city="Oslo", zip="0150")
    world.right.edit("1", first="Kaja", city="Bergen")
    world.run()
    return world


def test_ask_holds_the_field_and_an_address_as_a_whole(asking: World) -> None:
    asking.run()

    assert asking.writes() == 0
    assert {(c["field"], c["state"], c["winner"]) for c in ledger(asking)} == {
        ("FirstName", "open", None),
        ("MailAddress.City", "open", None),
        ("MailAddress.ZipCode", "open", None),
    }
    assert asking.status()["conflicts"] == 3
    assert asking.status()["in_sync"] == 0


def test_ask_lets_other_edits_through(asking: World) -> None:
    asking.left.edit("1", last="Dal")

    asking.run()

    assert asking.right.written() == [("update", "1", {"last": "Dal"})]


def test_what_was_asked_is_settled_when_both_sides_are_equal_again(asking: World) -> None:
    asking.left.edit("1", first="Kaja")
    asking.right.edit("1", city="Oslo", zip="0150")

    asking.run()

    assert asking.writes() == 0
    assert asking.status()["conflicts"] == 0
    assert asking.status()["in_sync"] == 1


def test_what_was_asked_is_settled_when_one_side_gives_way(asking: World) -> None:
    asking.left.edit("1", first="Kari", city="Moss", zip="1530")

    asking.run()

    assert asking.left.show("1") == asking.right.show("1") == {**KARI, **HOME, "first": "Kaja", "city": "Bergen"}
    assert asking.status()["conflicts"] == 0


def test_what_was_asked_is_settled_when_both_sides_go_back(asking: World) -> None:
    asking.left.edit("1", first="Kari", city="Moss", zip="1530")
    asking.right.edit("1", first="Kari", city="Moss")

    asking.run()

    assert asking.writes() == 0
    assert asking.status()["conflicts"] == 0


def test_what_was_asked_stays_open_while_a_record_is_paused(asking: World) -> None:
    asking.left.set("1", scope=Scope.ARCHIVED)

    asking.run()

    assert asking.status()["conflicts"] == 3


def undecidable(world: World) -> tuple[str, str]:
    """A pair of which the later edit won, and cannot be written: the other system takes no such phone."""
    a, b = world.pair(**KARI, phone="+4722334455")
    edit_both(world, (a, b), left={"phone": "ring etter fire"}, right={"phone": "+4733445566"}, later=LEFT)
    world.run()
    return a, b


def test_a_conflict_stays_decided_while_its_winner_waits_whatever_else_is_edited(world: World) -> None:
    a, b = undecidable(world)
    world.right.edit(b, first="Kaja")

    world.run()

    assert world.left.value(a, "first") == "Kaja"
    assert world.left.value(a, "phone") == "ring etter fire"
    assert world.right.value(b, "phone") == "+4733445566"
    assert [row["winner"] for row in ledger(world)] == [LEFT]


def test_a_conflict_whose_winner_waits_is_decided_anew_when_the_loser_edits_that_field(world: World) -> None:
    a, b = undecidable(world)
    world.right.edit(b, phone="+4744556677")

    world.run()

    assert world.left.value(a, "phone") == world.right.value(b, "phone") == "+4744556677"
    assert [row["winner"] for row in ledger(world)] == [LEFT, RIGHT]


def test_the_same_conflict_some_other_day_is_decided_by_its_own_edits(world: World) -> None:
    a, b = world.pair(**KARI)
    for later, winner in ((LEFT, "Karin"), (RIGHT, "Kaja")):
        edit_both(world, (a, b), left={"first": "Karin"}, right={"first": "Kaja"}, later=later)
        world.run()
        assert world.left.value(a, "first") == world.right.value(b, "first") == winner
        world.left.edit(a, first="Kari")
        world.run()
