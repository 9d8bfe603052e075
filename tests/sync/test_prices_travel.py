"""Prices between a system without VAT and one with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.sync.world import NO_LIMITS, RIGHT, World, products

from samklang.store.schema import conflicts, holds

CHAIR = {"title": "Chair", "code": "C1"}
NewWorld = Callable[..., World]


def held(world: World) -> set[tuple[str, str]]:
    return {(h["field"], h["reason"]) for h in world.rows(holds)}


def pair(shop: World, left: str | None, right: str | None, **facts: object) -> None:
    shop.left.add(**CHAIR, price=left, facts={"tax_group": facts.get("tax_group")})
    shop.right.add(**CHAIR, price=right, facts={"taxable": facts.get("taxable", True)})
    shop.run()


def test_prices_that_agree_with_vat_added_are_in_tune(shop: World) -> None:
    pair(shop, "79.20", "99.00")

    assert shop.writes() == 0
    assert shop.status()["in_sync"] == 1


def test_a_price_gets_vat_on_the_way_to_the_shop_and_loses_it_on_the_way_back(shop: World) -> None:
    pair(shop, "80", "100.00")

    shop.left.edit("1", price="90")
    shop.run()
    assert shop.right.value("1", "price") == "112.50"

    shop.right.edit("1", price="99.00")
    shop.run()
    assert shop.left.value("1", "price") == "79.20"


@pytest.mark.parametrize("price", ["99.99", "0.01", "1234567.89", "0.00", "33.33"])
def test_a_price_with_vat_survives_the_round_trip_to_the_oere(shop: World, price: str) -> None:
    pair(shop, "80", "100.00")

    shop.right.edit("1", price=price)
    for _ in range(3):
        shop.run()

    assert shop.right.value("1", "price") == price
    assert shop.right.writes == []
    assert len(shop.left.writes) == 1
    assert shop.status()["in_sync"] == 1


def test_less_than_one_oere_is_no_edit(shop: World) -> None:
    pair(shop, "80", "100.00")
    shop.left.edit("1", price="80.001")

    shop.run()

    assert shop.writes() == 0
    assert shop.status()["in_sync"] == 1


def test_rates_by_product_group_come_before_the_default(new_world: NewWorld) -> None:
    shop = new_world(products(NO_LIMITS, "vat: {default: 25%, groups: {FOOD: 15%}}"))
    pair(shop, "100", "115.00", tax_group="FOOD")
    assert shop.writes() == 0

    shop.left.edit("1", price="200")
    shop.run()

    assert shop.right.value("1", "price") == "230.00"


@pytest.mark.parametrize(
    ("vat", "facts", "reason"),
    [
        ((), {}, "vat_rate_missing"),
        (("vat: {groups: {FOOD: 15%}}",), {"tax_group": "TOOLS"}, "vat_rate_missing"),
        (("vat: {default: 25%}",), {"taxable": False}, "not_taxable"),
        (("vat: {default: 25%}", "currency: EUR"), {}, "currency_differs"),
    ],
)
def test_a_price_that_cannot_be_converted_is_held_and_never_guessed(
    new_world: NewWorld, vat: tuple[str, ...], facts: dict[str, object], reason: str
) -> None:
    shop = new_world(products(NO_LIMITS, *vat))
    pair(shop, "80", "99.00", **facts)
    shop.left.edit("1", price="90", title="Stool")

    shop.run()

    assert shop.right.show("1") == {"title": "Stool", "code": "C1", "price": "99.00"}
    assert shop.left.value("1", "price") == "90"
    assert held(shop) == {("UnitPrice", reason)}


def test_a_price_that_is_inherited_is_never_zero_never_overwritten_and_never_a_clearing(shop: World) -> None:
    pair(shop, "80", "100.00")

    shop.left.edit("1", price=None)
    shop.right.edit("1", price="120.00")
    for _ in range(2):
        shop.run()

    assert shop.left.value("1", "price") is None
    assert shop.right.value("1", "price") == "120.00"
    assert held(shop) == {("UnitPrice", "inherited")}


def test_a_product_without_a_price_is_made_and_listed_until_it_has_one(shop: World) -> None:
    shop.right.defaults["price"] = "0.00"
    shop.left.add(**CHAIR)
    for _ in range(2):
        shop.run()
        assert shop.right.show("1") == {**CHAIR, "price": "0.00"}
        assert held(shop) == {("UnitPrice", "needs_price")}
        assert shop.left.value("1", "price") is None

    shop.left.edit("1", price="80")
    shop.right.edit("1", title="Stool")  # a later clock in the shop: its 0.00 is still nobody's price
    shop.run()

    assert shop.right.value("1", "price") == "100.00"
    assert held(shop) == set()
    assert shop.rows(conflicts) == []


def test_a_price_held_for_want_of_a_rate_goes_out_when_the_rate_is_named(new_world: NewWorld) -> None:
    shop = new_world(products(NO_LIMITS))
    shop.right.defaults["price"] = "0.00"
    shop.left.add(**CHAIR, price="80")
    shop.run()
    assert shop.right.value("1", "price") == "0.00"
    assert held(shop) == {("UnitPrice", "vat_rate_missing")}

    shop.remap(products(NO_LIMITS, "vat: {default: 25%}"))
    shop.right.edit("1", title="Stool")
    shop.run()

    assert shop.right.value("1", "price") == "100.00"
    assert shop.rows(conflicts) == []


def test_another_vat_rate_drops_the_base_instead_of_looking_like_an_edit(shop: World) -> None:
    pair(shop, "80", "100.00")
    shop.remap(products(NO_LIMITS, "vat: {default: 15%}"))

    summary = shop.run(dry_run=True)

    assert summary["counts"]["link_conflicts"] == 1
    assert summary["counts"]["conflicts"] == 0


def test_a_shop_without_tax_needs_no_rate(new_world: NewWorld) -> None:
    shop = new_world(products(NO_LIMITS))
    shop.right.facts = {"currency": "NOK", "prices_include_tax": False}
    pair(shop, "80", "80.00")
    assert shop.writes() == 0

    shop.left.edit("1", price="90.5")
    shop.run()

    assert shop.right.value("1", "price") == "90.50"


def test_a_price_that_is_no_price_is_held(shop: World) -> None:
    pair(shop, "80", "100.00")
    shop.left.edit("1", price="-5")

    shop.run()

    assert shop.right.value("1", "price") == "100.00"
    assert held(shop) == {("UnitPrice", "money_invalid")}


def test_new_products_get_the_status_that_the_mapping_says(new_world: NewWorld) -> None:
    shop = new_world(products(NO_LIMITS, "new_product_status: ACTIVE", "vat: {default: 25%}"))
    shop.left.add(**CHAIR, price="80")
    plan = shop.plan(shop.begin())

    (row,) = shop.sync().staging.read_lines(plan["folder"], "rows")
    assert (row["side"], row["options"]) == (RIGHT, {"status": "ACTIVE"})
