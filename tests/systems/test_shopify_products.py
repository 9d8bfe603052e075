"""Products: a record is a variant, and its product comes along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from shop import (
    CUSTOMER_FIELDS,
    EVERY_PRODUCT_FIELD,
    Shop,
    World,
    change,
    creation,
    data,
    only,
    page,
    problems,
    product_node,
    rows,
    update,
    variant_node,
)

from samklang.core.records import Scope
from samklang.errors import ProtocolError
from samklang.systems.base import Update
from samklang.systems.shopify.values import number_of

EVER = "2000-01-01T00:00:00.0000000Z"


# --- reading


def test_a_variant_comes_with_its_product() -> None:
    world = World()
    product, variant = world.new_product(sku="A-1", price="79.90", barcode="")
    (record,) = rows(world.products(EVERY_PRODUCT_FIELD).read_all())
    assert record.id == variant
    assert record.values == {
        "title": "Kopp",
        "sku": "A-1",
        "price": "79.90",
        "barcode": "",
        "descriptionHtml": "",
        "cost": None,
    }
    assert record.facts["product_id"] == f"gid://shopify/Product/{product}"
    assert record.facts["taxable"] is True
    assert "skip" not in record.facts


def test_an_archived_product_is_paused() -> None:
    world = World()
    product, _ = world.new_product()
    world.sim.edit({"entity": "products", "id": product, "archive": True})
    (record,) = rows(world.products().read_all())
    assert (record.scope, record.facts["status"]) == (Scope.ARCHIVED, "ARCHIVED")


def with_variants(*numbers: int, more: bool = False) -> dict[str, Any]:
    variants = {"nodes": [variant_node(n) for n in numbers], "pageInfo": {"hasNextPage": more}}
    return {**product_node(2), "variants": variants}


def test_a_product_with_several_variants_keeps_its_title_to_itself() -> None:
    shop = Shop(ReadChangedProducts=data(m0=page(with_variants(2))))
    (record,) = rows(shop.products(["title", "descriptionHtml", "sku", "price"]).read_changes(EVER))
    assert record.facts["skip"] == {"title": "several_variants", "descriptionHtml": "several_variants"}
    assert record.facts["parts"] == {"title": ["Kopp", "Nr. 2"]}
    assert record.clock == "2026-08-02T00:00:00.0000000Z"


def key_of(created: str) -> str | None:
    nodes = {"nodes": [variant_node(2, created)], "pageInfo": {"hasNextPage": False}}
    shop = Shop(ReadChangedProducts=data(m0=page({**product_node(2), "variants": nodes})))
    (record,) = rows(shop.products().read_changes(EVER))
    return record.key


def test_our_key_belongs_to_the_variant_that_came_with_the_product() -> None:
    assert key_of("2024-01-01T00:00:00Z") == "c1-9"
    assert key_of("2024-01-01T00:00:01Z") == "c1-9"  # both clocks are cut to the second
    assert key_of("2024-01-01T00:00:02Z") is None
    assert key_of("2026-08-01T00:00:00Z") is None


def made(world: World) -> tuple[str, str]:
    """Ids of a product that we made, and of its variant."""
    record = only(world.products().create([creation("c1-9", title="Genser", sku="G", price="400")])).record
    assert record is not None
    world.later(days=1)
    return number_of(record.facts["product_id"]), record.id


def arrange(world: World, product: str, *variants: dict[str, Any]) -> None:
    world.sim.edit({"entity": "products", "id": product, "variants": list(variants)})


def keys(world: World) -> dict[str, str | None]:
    """By sku, as every way of reading says."""
    whole, changed = (rows(pages) for pages in (world.products().read_all(), world.products().read_changes(EVER)))
    assert {r.id: r.key for r in whole} == {r.id: r.key for r in changed}
    return {str(record.values["sku"]): record.key for record in whole}


def found(world: World) -> list[tuple[str | None, str | None]]:
    """Sku and key of those who may hold our key."""
    holders = world.products().find_by_key(["c1-9"])["c1-9"]
    return [(record.values["sku"], record.key) for record in holders]


def test_our_key_stays_with_the_variant_that_we_made_wherever_it_stands() -> None:
    world = World()
    product, variant = made(world)
    arrange(world, product, {"name": "S", "sku": "G-S"}, {"variant": variant, "name": "M"}, {"name": "L", "sku": "G-L"})
    assert keys(world) == {"G": "c1-9", "G-S": None, "G-L": None}
    assert found(world) == [("G", "c1-9")]


def test_a_variant_that_replaces_ours_does_not_inherit_our_key() -> None:
    world = World()
    product, _ = made(world)
    arrange(world, product, {"name": "S", "sku": "G-S"}, {"name": "M", "sku": "G"})
    assert keys(world) == {"G": None, "G-S": None}
    assert found(world) == [("G-S", None), ("G", None)]


def test_no_second_product_is_made_for_a_key_whose_variant_was_replaced() -> None:
    world = World()
    product, _ = made(world)
    arrange(world, product, {"name": "S", "sku": "G-S"})
    assert problems(only(world.products().create([creation("c1-9", title="Genser")]))) == {(None, "taken")}
    assert len(world.sim.store.products) == 1


def test_a_product_with_many_variants_is_read_by_itself() -> None:
    rest = {"variants": page(variant_node(1), variant_node(2))}
    shop = Shop(ReadChangedProducts=data(m0=page(with_variants(1, more=True))), ReadVariantsOfProduct=data(m0=rest))
    assert [record.id for record in rows(shop.products().read_changes(EVER))] == ["1", "2"]


def test_products_are_read_whole_where_a_cost_is_mapped() -> None:
    """A cost may change without a sign on the product."""
    world = World(switches={"cost_moves_product": False})
    assert not world.products().reads_whole
    assert world.products(EVERY_PRODUCT_FIELD).reads_whole
    assert not world.customers(CUSTOMER_FIELDS).reads_whole


def test_a_variant_without_its_product_is_an_error() -> None:
    broken = with_variants(1)
    del broken["variantsCount"]
    with pytest.raises(ProtocolError):
        rows(Shop(ReadChangedProducts=data(m0=page(broken))).products().read_changes(EVER))


# --- writing


def test_a_new_product_has_one_variant_a_status_and_our_key() -> None:
    world = World()
    new = creation("c1-9", title="Kopp", sku="A-1", price="79.90", cost="30", barcode="123", descriptionHtml="<p>K</p>")
    made = only(world.products(EVERY_PRODUCT_FIELD).create([new]))
    assert made.record is not None
    assert made.record == world.stored(made.record)
    assert made.record.facts["status"] == "DRAFT"
    assert made.record.key == "c1-9"
    assert {made.record.values[name] for name in ("title", "sku", "price", "barcode")} == {
        "Kopp",
        "A-1",
        "79.90",
        "123",
    }
    assert rows(world.products().read_all())[0].id == made.record.id


def test_a_product_without_a_price_is_made_all_the_same() -> None:
    world = World()
    assert only(world.products().create([creation("c1-9", title="Kopp")])).record is not None


@pytest.mark.parametrize(
    ("wanted", "priced", "unpriced"),
    [("ACTIVE", "ACTIVE", "DRAFT"), ("UNLISTED", "UNLISTED", "DRAFT"), ("ARCHIVED", "ARCHIVED", "ARCHIVED")],
)
def test_nothing_is_put_on_sale_without_a_price(wanted: str, priced: str, unpriced: str) -> None:
    world = World()
    orders = [creation("c1-8", title="Kopp", price="10.00"), creation("c1-9", title="Kopp")]
    made = world.products().create([replace(order, options={"status": wanted}) for order in orders])
    status = {o.record.key: o.record.facts["status"] for o in made if o.record}
    assert status == {"c1-8": priced, "c1-9": unpriced}


def test_a_product_without_a_title_is_refused() -> None:
    world = World()
    outcome = only(world.products().create([creation("c1-9", sku="A")]))
    assert ("title", "missing") in problems(outcome)


def test_product_and_variant_are_written_with_one_document() -> None:
    world = World()
    record = world.variant(sku="A-1", price="10.00")
    changes = (
        change("title", "Kopp", "Krus"),
        change("sku", "A-1", "A-2"),
        change("price", "10.00", "12.50"),
        change("cost", None, "5"),
        change("barcode", None, "123"),
        change("descriptionHtml", "", "<p>Krus</p>"),
    )
    outcome = only(world.products(EVERY_PRODUCT_FIELD).update([update(record, *changes)]))
    assert world.operations == ["CheckProductVariants", "UpdateProductVariants"]
    assert outcome.record == world.stored(record)
    assert outcome.record is not None
    assert outcome.record.values["sku"] == "A-2"


def test_a_title_alone_answers_the_products_fields_alone() -> None:
    world = World()
    record = world.variant()
    outcome = only(world.products().update([update(record, change("title", "Kopp", "Krus"))]))
    assert outcome.record is not None
    assert outcome.record.values == {"title": "Krus"}
    assert outcome.record.clock == world.stored(record).clock


def test_a_refused_price_does_not_hold_back_the_sku() -> None:
    world = World()
    record = world.variant(sku="A-1", price="10.00")
    changes = (change("price", "10.00", "-1"), change("sku", "A-1", "A-2"), change("title", "Kopp", "Krus"))
    outcome = only(world.products().update([update(record, *changes)]))
    assert problems(outcome) == {("price", "invalid")}
    now = world.stored(record).values
    assert (now["price"], now["sku"], now["title"]) == ("10.00", "A-2", "Krus")


def test_a_price_that_is_no_number_is_refused_without_its_value() -> None:
    world = World()
    record = world.variant(price="10.00")
    outcome = only(world.products().update([update(record, change("price", "10.00", "gratis"))]))
    assert problems(outcome) == {("price", "invalid")}
    assert "gratis" not in outcome.problems[0].message


def test_a_title_is_not_written_once_the_product_has_several_variants() -> None:
    several = {**variant_node(9), "product": product_node(2)}
    shop = Shop(CheckProductVariants=data(m0=[several]))
    outcome = only(shop.products(["title", "sku"]).update([Update(1, "9", (change("title", "Kopp", "Krus"),))]))
    assert outcome.moved
    assert shop.operations == ["CheckProductVariants"]


def test_a_product_that_goes_between_check_and_write_is_told_as_gone() -> None:
    for name, expected in (("title", "Kopp"), ("price", "10.00")):
        world = World()
        record = world.variant(price="10.00")
        product = record.facts["product_id"]

        def delete(operation: str, world: World = world, product: str = product) -> None:
            if operation == "UpdateProductVariants":
                world.sim.edit({"entity": "products", "id": product, "delete": True})

        world.before = delete
        assert only(world.products().update([update(record, change(name, expected, "12.00"))])).gone
