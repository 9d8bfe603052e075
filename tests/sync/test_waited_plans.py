"""A plan that waited: for a person, or because a task was cleared long after. What it rests on is judged again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.sync.acting import do
from tests.sync.memory_system import WorkerDiedError
from tests.sync.world import LEFT, NO_LIMITS, NOTE, RIGHT, World, customers

from samklang.core.records import Scope
from samklang.errors import OutdatedPlanError, StoreError
from samklang.store.schema import conflicts, link_sides, plan_results, watermarks
from samklang.sync import exclude, undo
from samklang.sync.freezing import freeze

BOTH = "create_in: [shopify, powerofficego]"


def wait(world: World, hours: float = 5) -> None:
    world.moment += timedelta(hours=hours)


def outcomes(world: World) -> list[str]:
    return [row["outcome"] for row in world.rows(plan_results)]


# --- links


def test_nobody_is_linked_by_a_key_that_was_corrected_while_the_plan_waited(world: World) -> None:
    kari = world.left.add(email="felles@x.no", first="Kari", last="Nordmann")
    ola = world.right.add(email="felles@x.no", first="Ola", last="Nordmann")

    def corrected() -> None:
        wait(world)
        world.left.edit(kari, email="kari@x.no")

    world.run(between=corrected)

    assert world.rows(link_sides) == []
    assert world.right.records[ola].values["email"] == "felles@x.no"
    assert world.rows(conflicts) == []
    world.run()
    made = [r for r in world.right.records.values() if r.values["email"] == "kari@x.no"]
    assert [r.values["firstName"] for r in made] == ["Kari"]
    assert world.right.records[ola].values["firstName"] == "Ola"


def test_a_key_that_was_corrected_just_before_the_answer_links_nobody(world: World) -> None:
    """Who is asked about a plan looks at a record, corrects it, and approves within seconds."""
    kari = world.left.add(email="felles@x.no", first="Kari", last="Nordmann")
    ola = world.right.add(email="felles@x.no", first="Ola", last="Nordmann")

    def corrected() -> None:
        world.left.edit(kari, email="kari@x.no")
        wait(world, hours=0.001)

    world.run(between=corrected, by="olga")

    assert world.rows(link_sides) == []
    assert world.right.records[ola].values["firstName"] == "Ola"


def test_a_system_whose_clock_is_ahead_does_not_pass_for_read_again(world: World) -> None:
    """How far a system was read, in its own clock, stood for when we read it."""
    for side in (world.left, world.right):
        side.edit(side.add(email=f"{side.side}@x.no", first="Anne", last="Lie"), clock="2026-01-01T23:00:00.0000000Z")
    world.run()
    kari = world.left.add(email="felles@x.no", first="Kari", last="Nordmann")
    world.right.add(email="felles@x.no", first="Ola", last="Nordmann")
    before = len(world.rows(link_sides))

    def corrected() -> None:
        world.left.edit(kari, email="kari@x.no", clock="2026-01-01T23:30:00.0000000Z")
        wait(world, hours=0.5)

    world.run(between=corrected, by="olga", mode="full")

    assert len(world.rows(link_sides)) == before


def test_nobody_is_linked_by_a_key_that_a_second_record_holds_by_now(world: World) -> None:
    world.left.add(email="ola@x.no", first="Ola", last="Nordmann")
    world.right.add(email="ola@x.no", first="Ola", last="Nordmann")

    def doubled() -> None:
        wait(world)
        world.left.add(email="OLA@x.no", first="Ola", last="Junior")

    world.run(between=doubled)

    assert world.rows(link_sides) == []
    world.run()
    assert world.status()["ambiguous"] >= 2


def test_a_match_that_still_holds_is_linked_however_long_the_plan_waited(world: World) -> None:
    world.left.add(email="ola@x.no", first="Ola", last="Nordmann")
    ola = world.right.add(email="ola@x.no", first="Ola", last=None)
    world.run(between=lambda: wait(world, 24))
    assert world.right.records[ola].values["lastName"] == "Nordmann"
    assert world.status()["linked"] == 1


def test_a_match_by_the_second_key_falls_when_the_first_key_names_another(new_world: Callable[..., World]) -> None:
    world = new_world(customers(NO_LIMITS, "match: [EmailAddress, PhoneNumber]"))
    kari = world.left.add(phone="+4791234567", first="Kari", last="Nordmann")
    world.right.add(phone="+4791234567", first="Noen", last="Andre")
    world.right.add(email="kari@x.no", first="Kari", last="Nordmann")

    def told() -> None:
        wait(world)
        world.left.edit(kari, email="kari@x.no")

    world.run(between=told)

    assert world.rows(link_sides) == []


def test_a_pair_that_a_person_excluded_meanwhile_is_not_linked(world: World) -> None:
    ola = world.left.add(email="ola@x.no", first="Ola", last="Nordmann")
    world.right.add(email="ola@x.no", first="Ola", last="N.")

    world.run(between=lambda: do(world, lambda desk: exclude.exclude(desk, [(LEFT, ola)])))

    assert world.status()["linked"] == 0
    assert {r.values["lastName"] for r in world.right.records.values()} == {"N."}


# --- creates


def test_nobody_is_made_whose_counterpart_has_turned_up_meanwhile(new_world: Callable[..., World]) -> None:
    world = new_world(customers(NO_LIMITS, BOTH))
    world.right.add(email="ola@x.no", first="Ola", last="Nordmann")

    def typed_in_by_hand() -> None:
        wait(world)
        world.left.add(email="Ola@x.no", first="Ola", last="Nordmann")

    world.run(between=typed_in_by_hand)
    assert len(world.left.records) == 1
    world.run()
    assert len(world.left.records) == len(world.right.records) == 1
    assert world.status()["linked"] == 1


def test_nobody_is_made_from_a_record_that_has_left_the_scope_meanwhile(world: World) -> None:
    ola = world.left.add(email="ola@x.no", first="Ola", last="Nordmann")

    def became_a_company() -> None:
        wait(world)
        world.left.set(ola, scope=Scope.OUTSIDE)

    world.run(between=became_a_company)

    assert world.right.records == {}
    assert outcomes(world) == ["outdated"]


def test_nobody_is_made_with_values_that_were_corrected_meanwhile(world: World) -> None:
    ola = world.left.add(email="gal@x.no", first="Ola", last="Nordmann")

    def corrected() -> None:
        wait(world)
        world.left.edit(ola, email="ola@x.no")

    world.run(between=corrected)
    assert world.right.records == {}
    world.run()
    assert [r.values["email"] for r in world.right.records.values()] == ["ola@x.no"]


def test_a_create_that_was_carried_out_before_a_death_is_found_days_later(new_world: Callable[..., World]) -> None:
    world = new_world(customers(NO_LIMITS, BOTH))
    world.left.add(email="ola@x.no", first="Ola", last="Nordmann")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    world.right.die_after = 1
    with pytest.raises(WorkerDiedError):
        world.load(plan, RIGHT)
    wait(world, 72)

    world.carry_out(run, plan)

    assert len(world.right.records) == len(world.left.records) == 1
    assert world.status()["linked"] == 1
    world.forget_writes()
    world.run()
    assert world.writes() == 0


# --- updates


def test_an_edit_that_was_taken_back_while_the_plan_waited_is_not_carried_over(world: World) -> None:
    left, right = world.pair(email="ola@x.no", first="Ola", last="Nordmann")
    world.left.edit(left, last="Feil")

    def taken_back() -> None:
        wait(world)
        world.left.edit(left, last="Nordmann")

    world.run(between=taken_back)

    assert world.right.records[right].values["lastName"] == "Nordmann"
    assert not any(values.get("lastName") == "Feil" for _, _, values in world.right.writes)


def test_nothing_is_written_to_a_pair_that_was_paused_meanwhile(world: World) -> None:
    left, right = world.pair(email="ola@x.no", first="Ola", last="Nordmann")
    world.left.edit(left, last="Hansen")

    def archived() -> None:
        wait(world)
        world.left.set(left, scope=Scope.ARCHIVED)

    world.run(between=archived)

    assert world.right.records[right].values["lastName"] == "Nordmann"


def test_an_address_that_moved_on_while_the_plan_waited_goes_whole_or_waits_whole(world: World) -> None:
    old = {"line1": "Storgata 1", "city": "Oslo", "zip": "0155", "country": "NO"}
    left, right = world.pair(email="ola@x.no", first="Ola", last="Nordmann", **old)
    world.left.edit(left, line1="Rruga B 5")

    def moved() -> None:
        wait(world)
        world.left.edit(left, city="Prishtina", zip="10000", country="XK")

    world.run(between=moved)
    world.run()

    assert {name: world.right.value(right, name) for name in old} == old  # the shop lacks that country


def test_a_field_that_a_person_has_frozen_meanwhile_is_left_alone(world: World) -> None:
    left, right = world.pair(email="ola@x.no", first="Ola", last="Nordmann")
    world.left.edit(left, last="Hansen")

    world.run(between=lambda: do(world, lambda desk: freeze(desk, f"{LEFT}:{left}", "LastName")))

    assert world.right.records[right].values["lastName"] == "Nordmann"


def test_an_undo_that_was_released_while_its_plan_waited_is_not_carried_out(world: World) -> None:
    left, right = world.pair(email="ola@x.no", first="Ola", last="Nordmann")
    world.left.edit(left, last="Hansen")
    world.run()
    do(world, lambda desk: undo.undo(desk, run_id=f"run-{world.runs}"))

    world.run(between=lambda: do(world, lambda desk: undo.release(desk, f"{LEFT}:{left}", "LastName")))

    assert world.right.records[right].values["lastName"] == "Hansen"


# --- what the plan was made under


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(customers(NO_LIMITS, "share: {shopify: false}"), id="a side is only read from now on"),
        pytest.param(customers(NO_LIMITS, last="direction: to_powerofficego"), id="the other direction"),
        pytest.param(customers(NO_LIMITS, "create_in: []"), id="nobody is made any more"),
        pytest.param(customers(NO_LIMITS, "region: SE"), id="another region"),
        pytest.param(customers(NO_LIMITS, "clear: false"), id="emptied values stay"),
    ],
)
def test_a_plan_made_under_another_mapping_is_not_carried_out(world: World, later: Any) -> None:
    left, right = world.pair(email="ola@x.no", first="Ola", last="Nordmann")
    world.left.add(email="kari@x.no", first="Kari", last="Hansen")
    world.left.edit(left, last="Hansen")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    world.remap(later)
    world.forget_writes()

    for side in (RIGHT, LEFT):
        with pytest.raises(OutdatedPlanError, match="mapping"):
            world.load(plan, side)
    summary = world.settle(run, plan, {RIGHT: None, LEFT: None}, [])

    assert world.writes() == 0
    assert world.right.records[right].values["lastName"] == "Nordmann"
    assert summary["state"] == "outdated"
    assert set(outcomes(world)[-2:]) == {"outdated"}
    world.run()
    with pytest.raises(OutdatedPlanError):  # cleared days later, too
        world.load(plan, RIGHT)


def test_a_field_that_left_the_mapping_stops_no_run(new_world: Callable[..., World]) -> None:
    world = new_world(customers(NO_LIMITS, add=(NOTE,)))
    left, right = world.pair(email="ola@x.no", first="Ola", last="Nordmann", note="a")
    world.left.edit(left, note="b", last="Hansen")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    world.right.die_after = 1
    with pytest.raises(WorkerDiedError):
        world.load(plan, RIGHT)
    world.remap(customers(NO_LIMITS))

    with pytest.raises(OutdatedPlanError):
        world.load(plan, RIGHT)
    assert world.run()["state"] == "success"
    assert world.right.records[right].values["lastName"] == "Hansen"


def test_what_does_not_change_a_plan_does_not_stop_it(world: World) -> None:
    world.left.add(email="kari@x.no", first="Kari", last="Hansen")
    later = replace(world.mapping, schedule="0 * * * *", red_on_quarantine=True, full_every=timedelta(hours=1))
    assert world.run(between=lambda: world.remap(later))["state"] == "success"
    assert len(world.right.records) == 1


def test_no_price_is_written_by_the_tax_rule_of_before(shop: World) -> None:
    left, right = _priced(shop)
    shop.left.edit(left, price="200")

    def flipped() -> None:
        wait(shop)
        shop.right.facts = {"currency": "NOK", "prices_include_tax": False}

    summary = shop.run(between=flipped)

    assert shop.right.records[right].values["price"] == "125.00"
    assert summary["state"] != "success"
    shop.run()
    shop.run()
    assert shop.right.records[right].values["price"] in ("200", "200.00", "125.00")


def _priced(shop: World) -> tuple[str, str]:
    ids = shop.left.add(code="A", title="Stol", price="100"), shop.right.add(code="A", title="Stol", price="125.00")
    shop.run()
    return ids


def test_a_plan_is_not_carried_out_against_another_shop(world: World) -> None:
    world.left.add(email="kari@x.no", first="Kari", last="Hansen")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    world.right.tenant = "another-shop"
    with pytest.raises(StoreError, match="belongs to"):
        world.load(plan, RIGHT)
    assert world.right.records == {}


# --- what looking again costs, and what it leaves as it is


def test_a_plan_without_anything_to_do_asks_nobody(world: World) -> None:
    world.pair(email="ola@x.no", first="Ola", last="Nordmann")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    wait(world)
    world.left.reads.clear()
    world.right.reads.clear()
    world.load(plan)
    assert world.left.reads == world.right.reads == []


def test_a_plan_that_did_not_wait_reads_nothing_again(world: World) -> None:
    world.left.add(email="ola@x.no", first="Ola", last="Nordmann")
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    world.left.reads.clear()
    world.right.reads.clear()
    world.load(plan)
    assert world.left.reads == world.right.reads == []


def test_a_plan_that_waited_reads_each_side_once_for_both_loads_and_moves_no_watermark(world: World) -> None:
    world.pair(email="ola@x.no", first="Ola", last="Nordmann")
    world.left.add(email="kari@x.no", first="Kari", last="Nordmann")
    before = world.rows(watermarks)
    run = world.begin()
    plan = world.plan(run)
    world.approve(plan)
    wait(world)
    world.left.reads.clear()
    world.right.reads.clear()
    world.load(plan)
    assert [len(world.left.reads), len(world.right.reads)] == [1, 1]
    assert world.rows(watermarks) == before


def test_what_was_edited_while_the_plan_waited_travels_with_the_next_run(world: World) -> None:
    left, right = world.pair(email="ola@x.no", first="Ola", last="Nordmann")
    world.left.add(email="kari@x.no", first="Kari", last="Nordmann")

    def edited() -> None:
        wait(world)
        world.right.edit(right, last="Hansen")

    world.run(between=edited)
    world.run()
    assert world.left.records[left].values["LastName"] == "Hansen"
