"""The rate that a price travels with: PowerOffice Go's sales accounts decide, the product's own or its group's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.both_systems import GO, SHOP, BothSystems

from samklang.core.mapping_file import parse_mapping
from samklang.store.schema import conflicts, holds

Make = Callable[..., BothSystems]
STANDARD, REDUCED = 7101, 7102  # the simulator's sales accounts 3000 and 3100


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[BothSystems] = []

    def new(vat: str, *lines: str) -> BothSystems:
        both = BothSystems(tmp_path / f"{len(made)}", "products")
        made.append(both)
        set_vat(both, vat, *lines)
        return both

    yield new
    for both in made:
        both.database.close()


def set_vat(both: BothSystems, vat: str, *lines: str) -> None:
    fields = """fields:
  - {powerofficego: Name, shopify: title}
  - {powerofficego: Code, shopify: sku, kind: code}
  - {powerofficego: UnitPrice, shopify: price, kind: money}
"""
    head = ["entity: products", "match: [Code]", "create_in: [shopify, powerofficego]", f"vat: {vat}", *lines]
    both.mapping = parse_mapping("\n".join([*head, fields]), file="products.yaml")


def add_group(both: BothSystems, code: str, account: int | None) -> int:
    values = {"Code": code, "Name": code, "StandardSalesAccountId": account}
    return int(both.simulators[GO].edit({"entity": "productgroups", "create": values})["Id"])


def add(both: BothSystems, code: str, **values: Any) -> str:
    return both.add(GO, Name=code, Code=code, UnitPrice=100, **values)


def prices(both: BothSystems) -> dict[str, str]:
    return {v["sku"]: v["price"] for product in both.show(SHOP) for v in product["variants"]}


def held(both: BothSystems) -> set[str]:
    return {row["reason"] for row in both.rows(holds)}


def test_the_products_own_account_goes_before_that_of_its_group_and_that_before_the_group(make: Make) -> None:
    both = make("{default: 25%, groups: {food: 15%}, accounts: {3100: 12%}}")
    food, reduced = add_group(both, " FOOD", STANDARD), add_group(both, "REDUCED", REDUCED)
    add(both, "A", ProductGroupId=food)
    add(both, "B", ProductGroupId=food, StandardSalesAccountId=REDUCED)
    add(both, "C", ProductGroupId=reduced)
    add(both, "D", ProductGroupId=food, StandardSalesAccountId=STANDARD)
    both.run()
    assert prices(both) == {"A": "115.00", "B": "112.00", "C": "112.00", "D": "115.00"}


def test_an_account_of_its_own_that_is_not_named_holds_the_price_and_nothing_is_put_on_sale(make: Make) -> None:
    both = make("{default: 25%}", "new_product_status: ACTIVE")
    group = add_group(both, "TOYS", STANDARD)
    add(both, "A", ProductGroupId=group, StandardSalesAccountId=REDUCED)
    for _ in range(2):
        both.run()
        assert prices(both) == {"A": "0.00"}
        assert [product["status"] for product in both.show(SHOP)] == ["DRAFT"]
        assert held(both) == {"own_sales_account"}

    set_vat(both, "{default: 25%, accounts: {3100: 0%}}")
    both.run()
    assert prices(both) == {"A": "100.00"}
    assert held(both) == set()


def test_a_group_that_gets_another_account_is_noticed_though_its_products_did_not_change(make: Make) -> None:
    both = make("{default: 25%, accounts: {3100: 12%}}")
    group = add_group(both, "TOYS", STANDARD)
    add(both, "A", ProductGroupId=group)
    both.run()
    assert prices(both) == {"A": "125.00"}

    order = {"entity": "productgroups", "id": str(group), "set": {"StandardSalesAccountId": REDUCED}}
    both.simulators[GO].edit(order)
    both.run()

    # the prices differ under the new rate, and nobody has edited one: told as a conflict without a base
    (conflict,) = both.rows(conflicts)
    assert (conflict["field"], conflict["kind"]) == ("UnitPrice", "link")


@pytest.mark.parametrize("spelling", ["{default: 0.250}", "{default: 25.0%}"])
def test_a_rate_in_other_words_reverses_no_edit_and_keeps_every_base(make: Make, spelling: str) -> None:
    both = make("{default: 25%}")
    product = add(both, "A")
    both.run()
    both.edit(GO, product, UnitPrice=120)

    set_vat(both, spelling)
    both.run()

    assert prices(both) == {"A": "150.00"}
    assert both.rows(conflicts) == []


def test_a_product_that_is_made_in_a_group_of_another_rate_gets_the_price_that_the_shop_shows(make: Make) -> None:
    """It falls into the company's default group, whatever rate that has."""
    both = make("{default: 25%, groups: {100: 0%}}")
    both.add(SHOP, title="Book", sku="B", price="200.00")
    both.run()
    both.run()

    assert [one["UnitPrice"] for one in both.show(GO)] == [200]
    assert prices(both) == {"B": "200.00"}
    assert both.rows(conflicts) == []
    both.run()
    assert both.writes() == []
