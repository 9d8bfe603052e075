"""What a system fills in by itself beside what we wrote is base there, and nobody's edit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sync.test_decisions import BOTH_WAYS
from tests.sync.world import NO_LIMITS, RIGHT, World, customers, products

from samklang.store.schema import history, plan_results
from samklang.systems.base import Outcome

KARI = {"email": "kari@post.example", "first": "Kari", "last": "Lie"}
LUND = {"line1": "Storgatan 1", "city": "Lund", "zip": "22100"}
COUNTRY = "MailAddress.CountryCode"


@pytest.fixture
def both(new_world: Callable[..., World]) -> World:
    world = new_world(customers(NO_LIMITS, BOTH_WAYS))
    world.left.defaults = {COUNTRY: "NO"}
    world.left.address_defaults = {COUNTRY: "NO"}
    return world


def check_nothing_more_travels(world: World, a: str, b: str) -> None:
    world.forget_writes()
    for _ in range(2):
        world.run(mode="full")
    assert world.writes() == 0
    assert (world.left.value(a, "country"), world.right.value(b, "country")) == ("NO", None)
    assert world.status()["in_sync"] == 1


def test_a_default_country_of_an_address_that_an_update_made_does_not_travel(both: World) -> None:
    a, b = both.pair(**KARI)
    both.right.edit(b, **LUND)
    both.run()
    check_nothing_more_travels(both, a, b)


def test_a_default_country_is_base_also_where_the_answer_was_lost(both: World) -> None:
    a, b = both.pair(**KARI)
    both.right.edit(b, **LUND)
    both.left.unclear = 1
    both.run()
    check_nothing_more_travels(both, a, b)


def test_a_default_country_is_base_also_where_the_process_died(both: World) -> None:
    a, b = both.pair(**KARI)
    both.right.edit(b, **LUND)
    both.left.die_after = 1
    both.run()
    check_nothing_more_travels(both, a, b)


def copy_store(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@pytest.mark.parametrize("linked", [False, True])
def test_a_default_country_is_base_also_where_an_older_store_was_put_back(both: World, linked: bool) -> None:
    store, saved = both.folder / "store.db", both.folder / "saved.db"
    if linked:
        a, b = both.pair(**KARI)
        both.run()
        copy_store(store, saved)
        both.right.edit(b, **LUND)
    else:
        copy_store(store, saved)
        b = both.right.add(**KARI, **LUND)
    both.run()
    (a,) = both.left.records
    assert both.left.value(a, "country") == "NO"

    both.database.close()
    copy_store(saved, store)
    both.runs += 1  # run ids are never used again

    check_nothing_more_travels(both, a, b)


@pytest.mark.parametrize("lost", [False, True])
def test_a_default_country_of_a_new_record_does_not_travel(both: World, lost: bool) -> None:
    b = both.right.add(**KARI, **LUND)
    both.left.unclear = int(lost)
    for _ in range(2):
        both.run()
    (a,) = both.left.records
    check_nothing_more_travels(both, a, b)


def test_a_default_country_does_not_travel_when_the_mapping_names_countries_later(both: World) -> None:
    named = both.mapping
    both.remap(replace(named, fields=tuple(f for f in named.fields if f.name != COUNTRY)))
    b = both.right.add(**KARI, **LUND)
    both.run()
    (a,) = both.left.records

    both.remap(named)

    check_nothing_more_travels(both, a, b)


def test_a_country_of_a_record_that_we_did_not_make_travels_when_the_mapping_names_countries_later(both: World) -> None:
    named = both.mapping
    both.remap(replace(named, fields=tuple(f for f in named.fields if f.name != COUNTRY)))
    a, b = both.pair(**KARI, **LUND)
    both.left.edit(a, **{COUNTRY: "NO"})
    both.run()

    both.remap(named)
    both.run()

    assert both.right.value(b, "country") == "NO"


def test_a_country_that_somebody_types_there_later_travels(both: World) -> None:
    a, b = both.pair(**KARI)
    both.right.edit(b, **LUND)
    both.run()

    both.left.edit(a, country="SE")
    both.run()

    assert both.right.value(b, "country") == "SE"


def test_a_country_that_is_sent_is_no_default(both: World) -> None:
    a, b = both.pair(**KARI)
    both.right.edit(b, **LUND, country="SE")
    both.run()
    assert both.left.value(a, "country") == "SE"


def test_what_a_write_emptied_beside_is_kept_and_a_doubt_is_listed(both: World) -> None:
    a, _ = both.pair(**KARI, **LUND, country="SE")
    update = both.right.update

    def with_province(updates: list[object]) -> list[Outcome]:
        return [
            Outcome(one.ref, record=one.record, emptied={"addresses.provinceCode": "NY"}, doubts=("check_province",))
            for one in update(updates)  # type: ignore[arg-type]
        ]

    both.right.update = with_province  # type: ignore[assignment, method-assign]
    both.left.edit(a, country="DK")

    summary = both.run()

    row = both.rows(history)[-1]
    assert '"addresses.provinceCode":"NY"' in row["before"]
    assert '"addresses.provinceCode":null' in row["after"]
    assert summary["loads"][RIGHT]["reasons"] == {"check_province": 1}
    assert {r["reason"] for r in both.rows(plan_results) if r["side"] == RIGHT} == {"check_province"}


def test_a_default_country_does_not_travel_where_countries_go_to_the_shop_alone(
    new_world: Callable[..., World],
) -> None:
    world = new_world(customers(NO_LIMITS, BOTH_WAYS, country="direction: to_shopify"))
    world.left.defaults = {COUNTRY: "NO"}
    b = world.right.add(**KARI, **LUND, country="SE")
    for _ in range(3):
        world.run()
    assert world.right.value(b, "country") == "SE"

    world.remap(customers(NO_LIMITS, BOTH_WAYS))  # what nobody had typed there gives way to what somebody has typed
    world.run()
    (a,) = world.left.records
    assert (world.left.value(a, "country"), world.right.value(b, "country")) == ("SE", "SE")


def test_a_default_price_does_not_travel_where_prices_come_from_the_shop_alone(new_world: Callable[..., World]) -> None:
    world = new_world(products(NO_LIMITS, "vat: {default: 25%}", price="direction: to_powerofficego"))
    world.right.defaults = {"price": "0.00"}
    a = world.left.add(title="Chair", code="C1", price="80")
    for _ in range(3):
        world.run()
    assert world.left.value(a, "price") == "80"


def test_a_line_that_somebody_types_between_our_look_and_our_write_travels(both: World) -> None:
    """It passed for one that the system had put there beside our write, and stood on one side alone for good."""
    a, b = both.pair(**KARI)
    both.run()
    both.right.edit(b, **LUND)
    both.left.while_reading = lambda: both.left.edit(a, country="SE")
    both.run()
    both.run()
    assert both.right.value(b, "country") == "SE"


@pytest.mark.parametrize("policy", ["ask", "powerofficego"])
def test_a_country_that_stood_beside_other_lines_is_no_default_and_is_decided_as_a_conflict(
    new_world: Callable[..., World], policy: str
) -> None:
    world = new_world(customers(NO_LIMITS, f"policy: {policy}", "share: {shopify: false}"))
    address = {"city": "Moss", "zip": "1530"}
    a = world.left.add(email="kari@post.example", first="Kari", last="Lie", **address, country="NO")
    b = world.right.add(
        email="kari@post.example", first="Kari", last="Lie", **address, country="SE", line1="Storgata 1"
    )

    for _ in range(3):
        world.run()

    assert (world.left.value(a, "line1"), world.left.value(a, "country")) == ("Storgata 1", "NO")
    assert world.right.value(b, "country") == "SE"
