"""Rules 2 and 4 to 9: what travels, what does not, and what is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.sync.world import LEFT, NO_LIMITS, NOTE, RIGHT, World, customers, products

from samklang.core.jsontext import loads
from samklang.core.records import Scope
from samklang.store.schema import (
    conflicts,
    freezes,
    history,
    holds,
    intents,
    link_sides,
    links,
    orders,
    revisit,
    verdicts,
    watermarks,
)

DECIDED = (links, link_sides, conflicts, history, holds, freezes, verdicts, intents, orders, watermarks, revisit)
"""All that is not an observation, nor a note of the run itself."""
KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
HOME = {"line1": "Storgata 1", "city": "Moss", "zip": "1530", "country": "NO"}
NewWorld = Callable[..., World]


def systems(world: World, side: str) -> tuple[object, object]:
    return (world.left, world.right) if side == LEFT else (world.right, world.left)


# --- edits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_an_edit_on_either_side_reaches_the_other(world_on_each_store: World, side: str) -> None:
    world = world_on_each_store
    a, b = world.pair(**KARI, **HOME, phone="+4722334455")
    edits = {"email": "new@post.example", "first": "Karin", "line1": "Torget 5", "phone": "+4733445566"}
    (world.left if side == LEFT else world.right).edit(a, **edits)

    world.run()

    assert world.left.show(a) == world.right.show(b) == {**KARI, **HOME, **edits}
    assert world.status()["in_sync"] == 1


def test_only_changed_mapped_fields_are_written(world: World) -> None:
    a, b = world.pair(**KARI, **HOME)
    world.right.edit(b, tags="vip")
    world.left.edit(a, first="Karin")

    world.run()

    assert world.right.writes == [("update", b, {"firstName": "Karin"})]
    assert world.right.records[b].values["tags"] == "vip"


def test_a_run_with_nothing_to_do_writes_nothing(world_on_each_store: World) -> None:
    world = world_on_each_store
    world.left.add(**KARI, **HOME, phone="22 33 44 55")
    world.run()
    world.forget_writes()

    for mode in ("auto", "changes", "full"):
        world.run(mode=mode)

    assert world.writes() == 0


def test_what_the_target_stores_in_other_words_does_not_come_back(world: World) -> None:
    a, b = world.pair(**KARI)
    world.right.stores["Karin"] = "KARIN"
    world.left.edit(a, first="Karin")
    world.run()
    world.forget_writes()

    for mode in ("auto", "full"):
        world.run(mode=mode)

    assert world.writes() == 0
    assert world.left.value(a, "first") == "Karin"
    assert world.right.value(b, "first") == "KARIN"


def test_what_a_new_record_gets_by_default_is_no_edit(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "create_in: [powerofficego]"))
    world.left.defaults["MailAddress.CountryCode"] = "NO"
    b = world.right.add(**KARI)

    for _ in range(3):
        world.run()

    assert world.right.written() == []
    assert world.right.show(b) == KARI


def test_a_value_in_other_words_is_no_edit(world: World) -> None:
    a, b = world.pair(**KARI, phone="+4722334455", country="NO", city="Moss", zip="1530")
    world.left.edit(a, email=" KARI@post.example", phone="22 33 44 55", country="NOR", city=" Moss ")

    world.run()
    assert world.writes() == 0
    assert world.status()["in_sync"] == 1

    world.right.edit(b, phone="+4733445566")
    world.run()
    assert world.left.written() == [("update", a, {"phone": "+4733445566"})]


def test_unchanged_text_is_unchanged_whatever_its_normal_form_would_be_today(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "region: NO"))
    world.left.add(**KARI, phone="22334455")
    world.run()
    world.forget_writes()

    world.remap(customers(NO_LIMITS, "region: SE"))
    for _ in range(2):
        world.run()

    assert world.writes() == 0


def test_fields_that_the_answer_leaves_out_are_not_taken_for_written(world: World) -> None:
    a, b = world.pair(**KARI)
    world.right.silent.add("firstName")
    world.right.stores["Karin"] = "KARIN"
    world.left.edit(a, first="Karin", last="Dal")
    world.run()
    world.right.silent.clear()

    world.run()
    world.run()

    assert world.right.value(b, "last") == world.left.value(a, "last") == "Dal"
    assert world.status()["in_sync"] == 1


# --- clearing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_value_emptied_on_one_side_is_emptied_on_the_other(world: World, side: str) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    (world.left if side == LEFT else world.right).edit(a, phone=None)

    world.run()

    assert world.left.show(a) == world.right.show(b) == KARI
    assert world.rows(conflicts) == []


def test_with_clear_off_an_emptied_value_stays_on_the_other_side(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "clear: false"))
    a, b = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, phone=" ")

    world.run()
    assert world.right.value(b, "phone") == "+4722334455"

    world.left.edit(a, phone="33445566")
    world.run()
    assert world.right.value(b, "phone") == "+4733445566"


# --- absent is not empty ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_field_that_is_not_shown_is_neither_compared_nor_written_and_is_named_in_the_summary(
    world: World, side: str
) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    blind, other = (world.left, world.right) if side == LEFT else (world.right, world.left)
    blind.denied.add(blind.names["phone"])
    other.edit(a, phone="+4733445566", first="Karin")

    summary = world.run(mode="full")

    assert blind.show(b)["phone"] == "+4722334455"
    assert blind.value(b, "first") == "Karin"
    assert summary["denied"] == {side: [blind.names["phone"]]}
    assert summary["counts"]["unknown"] == {"PhoneNumber": 1}

    blind.denied.clear()
    world.run(mode="full")
    assert blind.show(b)["phone"] == "+4733445566"


def test_a_field_that_comes_back_into_view_is_compared_with_its_old_base(world: World) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    world.right.denied.add("phone")
    world.run(mode="full")
    world.right.edit(b, phone="+4733445566")
    world.right.denied.clear()

    world.run(mode="full")

    assert world.left.value(a, "phone") == "+4733445566"
    assert world.rows(conflicts) == []


@pytest.mark.parametrize("edited", [False, True])
def test_a_field_that_was_hidden_for_a_while_is_synced_as_soon_as_it_is_shown(world: World, edited: bool) -> None:
    a, b = world.pair(**KARI, phone="+4722334455")
    world.right.denied.add("phone")
    world.run(mode="full")
    world.left.edit(a, phone="+4733445566")
    world.run()
    assert world.right.value(b, "phone") == "+4722334455"

    world.right.denied.clear()
    if edited:
        world.right.edit(b, first="Karin")
    summary = world.run()

    assert world.right.value(b, "phone") == "+4733445566"
    assert summary["reads"][RIGHT]["whole"]
    assert not world.run()["reads"][RIGHT]["whole"]


def test_while_a_field_stays_hidden_runs_read_only_what_changed(world: World) -> None:
    world.pair(**KARI, phone="+4722334455")
    world.right.denied.add("phone")
    world.run(mode="full")

    assert [world.run()["reads"][RIGHT]["whole"] for _ in range(3)] == [False] * 3


# --- direction, share, full_sync ------------------------------------------------------------------------------------


def test_an_edit_on_the_wrong_side_of_a_one_way_field_is_put_back_with_its_pre_image_kept(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, last="direction: to_shopify"))
    a, b = world.pair(**KARI)
    world.right.edit(b, last="Dal", first="Karin")

    summary = world.run()

    assert world.left.show(a) == world.right.show(b) == {**KARI, "first": "Karin"}
    assert summary["counts"]["drift"] == 1
    (kept,) = [row for row in world.rows(history) if row["side"] == RIGHT]
    assert loads(kept["before"]) == {"LastName": "Dal"}


def test_on_a_one_way_field_the_right_side_wins_every_conflict(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, last="direction: to_powerofficego"))
    a, b = world.pair(**KARI)
    world.right.edit(b, last="Dal")
    world.left.edit(a, last="Moe")

    world.run()

    assert world.left.value(a, "last") == "Dal"
    assert world.right.written() == []


def test_on_a_one_way_field_an_emptied_value_does_not_beat_an_edit_on_the_wrong_side(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, phone="direction: to_shopify"))
    a, b = world.pair(**KARI, phone="+4722334455")
    world.left.edit(a, phone=None)
    world.right.edit(b, phone="+4733445566")

    for _ in range(2):
        world.run()

    assert world.writes() == 0
    assert world.rows(conflicts)[0]["rule"] == "not_empty"


def test_a_one_way_field_is_not_filled_from_the_wrong_side(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, phone="direction: to_shopify"))
    a, b = world.left.add(**KARI), world.right.add(**KARI, phone="+4722334455")

    world.run()
    assert world.writes() == 0

    world.left.edit(a, phone="33445566")
    world.run()
    assert world.right.value(b, "phone") == "+4733445566"


def test_a_side_that_is_not_shared_is_never_written_and_its_changes_wait(new_world: NewWorld) -> None:
    read_only = customers(NO_LIMITS, "share: {powerofficego: true, shopify: false}")
    world = new_world(read_only)
    a, b = world.pair(**KARI)
    world.left.edit(a, first="Karin")
    world.right.edit(b, last="Dal")
    for _ in range(2):
        world.run()
    assert world.right.writes == []
    assert world.left.show(a) == {**KARI, "first": "Karin", "last": "Dal"}

    world.remap(customers(NO_LIMITS))
    world.run()

    assert world.left.show(a) == world.right.show(b)
    assert world.rows(conflicts) == []


# --- no deletes, out of scope -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [Scope.ARCHIVED, Scope.OUTSIDE])
def test_a_record_out_of_scope_is_paused_and_comes_back_with_all_edits(world: World, scope: Scope) -> None:
    a, b = world.pair(**KARI)
    world.left.set(a, scope=scope)
    world.left.edit(a, first="Karin")
    world.right.edit(b, last="Dal")
    for _ in range(2):
        world.run()
    assert world.writes() == 0
    assert world.right.records[b].scope == Scope.ACTIVE

    world.left.set(a, scope=Scope.ACTIVE)
    world.run()

    assert world.left.show(a) == world.right.show(b) == {**KARI, "first": "Karin", "last": "Dal"}
    assert len(world.right.records) == 1


# --- new fields, other terms ------------------------------------------------------------------------------------------


def test_a_field_that_is_new_in_the_mapping_fills_what_is_empty_and_touches_nothing_else(new_world: NewWorld) -> None:
    """1,000 linked pairs; a quarter each: equal, empty on one side, empty on the other, different."""
    world = new_world()
    for n in range(1_000):
        values = {"email": f"c{n}@post.example", "first": "Kari", "last": "Lie"}
        world.left.add(**values)
        world.right.add(**values)
    world.run()
    assert world.writes() == 0
    world.remap(customers(NO_LIMITS, "policy: powerofficego", add=(NOTE,)))
    for n in range(1_000):
        left, right = [("same", " same"), ("ours", None), (None, "theirs"), ("ours", "theirs")][n % 4]
        world.left.edit(str(n + 1), note=left)
        world.right.edit(str(n + 1), note=right)

    summary = world.run()

    assert summary["counts"]["link_conflicts"] == 250
    assert summary["counts"]["conflicts"] == 0
    assert summary["counts"]["clears"] == {LEFT: 0, RIGHT: 0}
    for n in range(1_000):
        left, right = [("same", " same"), ("ours", "ours"), ("theirs", "theirs"), ("ours", "ours")][n % 4]
        values = {"email": f"c{n}@post.example", "first": "Kari", "last": "Lie"}
        assert world.left.show(str(n + 1)) == {**values, "note": left}
        assert world.right.show(str(n + 1)) == {**values, "note": right}
    assert {values for _, _, fields in world.left.written() for values in fields} == {"note"}
    assert (len(world.left.writes), len(world.right.writes)) == (250, 500)
    assert {row["base"] for row in world.rows(conflicts)} == {None}


def test_an_edit_of_a_field_that_left_the_mapping_travels_once_it_comes_back(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, "policy: shopify", add=(NOTE,)))
    a, b = world.pair(**KARI, note="old")
    c, d = world.pair(email="ola@post.example", first="Ola", last="Dal", note="kept")
    world.left.edit(c, note=None)  # waits when the field leaves
    world.remap(customers(NO_LIMITS, "policy: shopify"))
    world.run()
    assert world.status()["in_sync"] == 2
    world.left.edit(a, WebsiteUrl="ours")

    world.remap(customers(NO_LIMITS, "policy: shopify", add=(NOTE,)))
    summary = world.run()

    assert summary["counts"]["link_conflicts"] == 0
    assert world.left.value(a, "note") == world.right.value(b, "note") == "ours"
    assert world.right.value(d, "note") is None
    assert world.left.value(c, "note") is None


@pytest.mark.parametrize("mode", ["auto", "full"])
def test_a_dry_run_under_another_mapping_loses_no_edit_and_stops_no_field(new_world: NewWorld, mode: str) -> None:
    shipped = customers(NO_LIMITS, add=(NOTE,))
    world = new_world(shipped)
    a, b = world.pair(**KARI, note="old")
    c, d = world.pair(email="ola@post.example", first="Ola", last="Dal", note="kept")
    before = {table: world.rows(table) for table in DECIDED}
    world.left.edit(a, note=None)

    world.remap(customers(NO_LIMITS))
    world.run(dry_run=True, mode=mode)
    world.remap(shipped)
    world.run(dry_run=True)
    assert {table: world.rows(table) for table in DECIDED} == before
    summary = world.run()

    assert summary["counts"]["link_conflicts"] == 0
    assert world.right.value(b, "note") is None
    world.right.edit(d, note="new")
    world.run()
    assert world.left.value(c, "note") == "new"


def test_a_dry_run_decides_nothing(world: World) -> None:
    a, _ = world.pair(**KARI)
    world.left.add(email="ola@post.example", first="Ola", last="Dal")
    world.left.edit(a, first="Karin", phone="no number")
    before = {table: world.rows(table) for table in DECIDED}
    world.run(dry_run=True)
    assert {table: world.rows(table) for table in DECIDED} == before


def test_a_field_with_another_twin_has_no_base(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, add=(NOTE,)))
    a, b = world.pair(**KARI, note="old")
    world.remap(customers(NO_LIMITS, add=(NOTE.replace("note", "tag"),)))
    world.right.edit(b, tag="something else")

    summary = world.run(dry_run=True)

    assert summary["counts"]["link_conflicts"] == 1
    assert summary["counts"]["updates"][LEFT] + summary["counts"]["updates"][RIGHT] == 1
    assert a in world.left.records


def test_a_field_of_another_kind_has_no_base(new_world: NewWorld) -> None:
    world = new_world(customers(NO_LIMITS, add=(NOTE,)))
    a, b = world.pair(**KARI, note="One  two")
    world.right.edit(b, note="one two")
    world.remap(customers(NO_LIMITS, add=(NOTE.replace("text", "email"),)))

    summary = world.run()

    assert summary["counts"]["link_conflicts"] == 1
    assert world.left.value(a, "note") == "one two"


def test_titles_are_synced_only_while_the_product_has_one_variant(new_world: NewWorld) -> None:
    shop = new_world(products(NO_LIMITS))
    a, b = shop.left.add(title="Chair", code="C1"), shop.right.add(title="Chair", code="C1", price="0.00")
    shop.run()
    shop.right.set(b, facts={"skip": {"title": "several_variants"}})
    shop.left.edit(a, title="Stool")
    shop.run()
    assert shop.right.value(b, "title") == "Chair"

    shop.right.set(b, facts={})
    summary = shop.run(dry_run=True)

    assert summary["counts"]["link_conflicts"] == 1  # no edit from a forgotten base
    assert summary["counts"]["conflicts"] == 0
