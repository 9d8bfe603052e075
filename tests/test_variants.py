"""Products of several variants: whose twin each of them is, whatever is added, moved and replaced in the shop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from tests.both_systems import GO, SHOP, BothSystems

from samklang.core.clocks import from_datetime
from samklang.store.schema import holds, link_sides, orders, verdicts
from samklang.sync.act import act
from samklang.sync.commit import Committer
from samklang.sync.decide import Done
from samklang.sync.explain import Terms
from samklang.sync.undo import undo

JUMPER = {"Name": "Jumper", "Code": "J", "UnitPrice": 100}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[BothSystems]:
    made = BothSystems(tmp_path, "products")
    yield made
    made.database.close()


def variants(both: BothSystems) -> dict[str, str]:
    """Ids by sku."""
    return {v["sku"]: v["legacyResourceId"] for product in both.show(SHOP) for v in product["variants"]}


def arrange(both: BothSystems, *listed: dict[str, Any]) -> None:
    """All variants of the newest product, in their new order."""
    product = both.show(SHOP)[-1]
    order = {"entity": "products", "id": product["legacyResourceId"], "variants": list(listed)}
    both.simulators[SHOP].edit(order)


def pairs(both: BothSystems) -> set[tuple[str, str]]:
    """Code in PowerOffice Go and sku in the shop, of each link."""
    codes = {str(one["Id"]): str(one["Code"]) for one in both.show(GO)}
    skus = {number: sku for sku, number in variants(both).items()}
    ends: dict[int, dict[str, str]] = {}
    for row in both.rows(link_sides):
        names = codes if row["side"] == GO else skus
        ends.setdefault(row["link_id"], {})[row["side"]] = names.get(row["record_id"], "gone")
    return {(one[GO], one[SHOP]) for one in ends.values()}


def run_twice(both: BothSystems) -> None:
    for _ in range(2):
        both.run(mode="full")


def test_each_variant_stays_its_own_twins_whatever_order_they_are_put_in_after_a_restore(both: BothSystems) -> None:
    backup = both.copy_store()
    both.add(GO, **JUMPER)
    both.run()
    ours = variants(both)["J"]
    arrange(both, {"name": "S", "sku": "J-S", "price": "125"}, {"variant": ours, "name": "M", "sku": "J-M"})

    both.restore_store(backup)
    run_twice(both)

    assert pairs(both) == {("J-M", "J-M"), ("J-S", "J-S")}  # the edited code of ours has travelled
    assert variants(both)["J-M"] == ours


def test_a_new_variant_dragged_to_the_top_becomes_a_product_of_its_own(both: BothSystems) -> None:
    both.add(GO, **JUMPER)
    both.run()
    arrange(both, {"name": "S", "sku": "J-S"}, {"variant": variants(both)["J"], "name": "M"})

    run_twice(both)

    assert pairs(both) == {("J", "J"), ("J-S", "J-S")}


def test_a_variant_that_replaced_ours_is_not_linked_to_its_twin_after_a_restore(both: BothSystems) -> None:
    backup = both.copy_store()
    both.add(GO, **JUMPER)
    both.run()
    arrange(both, {"name": "XL", "sku": "J-XL"})

    both.restore_store(backup)
    run_twice(both)

    assert pairs(both) == {("J-XL", "J-XL")}
    assert {one["Code"] for one in both.show(GO)} == {"J", "J-XL"}  # and the old code was not overwritten
    assert len(both.show(SHOP)) == 1  # nor was a second product made for it: that is left to a person
    assert [row["reason"] for row in both.rows(holds) if row["field"] == ""] == ["taken"]


def test_a_variant_that_replaced_ours_under_the_same_sku_is_matched_by_it(both: BothSystems) -> None:
    backup = both.copy_store()
    both.add(GO, **JUMPER)
    both.run()
    arrange(both, {"name": "S", "sku": "J-S"}, {"name": "M", "sku": "J"})

    both.restore_store(backup)
    run_twice(both)

    assert pairs(both) == {("J", "J"), ("J-S", "J-S")}


def lose_the_answer(both: BothSystems) -> None:
    """The product is made, and the process dies before it can say so."""
    both.add(GO, Name="Cup", Code="C", UnitPrice=10)
    both.run()
    both.add(GO, **JUMPER)
    with mock.patch.object(Committer, "created", side_effect=InterruptedError), pytest.raises(InterruptedError):
        both.run()
    assert len(both.show(SHOP)) == 2


def test_a_product_whose_answer_was_lost_is_found_though_sizes_were_added_on_top(both: BothSystems) -> None:
    lose_the_answer(both)
    arrange(both, {"name": "S", "sku": "J-S"}, {"variant": variants(both)["J"], "name": "M", "sku": "J-M"})

    run_twice(both)

    assert pairs(both) == {("C", "C"), ("J-M", "J-M"), ("J-S", "J-S")}
    assert len(both.show(SHOP)) == 2


def test_a_product_whose_answer_was_lost_is_never_made_twice_though_its_variant_was_replaced(both: BothSystems) -> None:
    lose_the_answer(both)
    arrange(both, {"name": "S", "sku": "J-S"}, {"name": "M", "sku": "J-M"})

    run_twice(both)

    assert len(both.show(SHOP)) == 2
    assert pairs(both) == {("C", "C"), ("J-S", "J-S"), ("J-M", "J-M")}
    assert [row["reason"] for row in both.rows(holds) if row["field"] == ""] == ["parked"]


def test_variants_that_came_back_with_their_product_are_told_apart_by_their_skus(both: BothSystems) -> None:
    """A product that was restored from a backup of the shop is new, all of it, and has its metafields."""
    backup = both.copy_store()
    both.add(GO, **JUMPER)
    both.run()
    (product,) = both.show(SHOP)
    store = both.simulators[SHOP].store  # type: ignore[attr-defined]
    ours = store.variants[int(variants(both)["J"])]
    arrange(both, {"name": "S", "sku": "J-S"}, {"variant": ours.id, "name": "M"})
    for variant in store.products[int(product["legacyResourceId"])].variant_list:
        variant.created_at = variant.product.created_at

    both.restore_store(backup)
    run_twice(both)

    assert pairs(both) == {("J", "J"), ("J-S", "J-S")}
    assert both.rows(verdicts) == []


def test_variants_are_made_in_powerofficego_under_names_of_their_own_that_are_then_left_alone(
    both: BothSystems,
) -> None:
    both.add(SHOP, title="Jumper", sku="J-S", price="125")
    ours = variants(both)["J-S"]
    arrange(both, {"variant": ours, "name": "S"}, {"name": "M", "sku": "J-M"}, {"name": "L", "sku": "J-L"})
    both.run()
    assert {one["Code"]: one["Name"] for one in both.show(GO)} == {
        "J-S": "Jumper - S",
        "J-M": "Jumper - M",
        "J-L": "Jumper - L",
    }

    both.edit(SHOP, both.show(SHOP)[0]["legacyResourceId"], title="Pullover")
    run_twice(both)

    assert {one["Name"] for one in both.show(GO)} == {"Jumper - S", "Jumper - M", "Jumper - L"}
    assert both.writes() == []


def undo_the_new_name(both: BothSystems) -> Done:
    rules = {side: both.open_system(side).rules for side in both.mapping.sides}
    terms = Terms(both.mapping, rules, from_datetime(both.now()))
    return act(both.database, terms, "try", lambda desk: undo(desk, run_id="run-2"), person="kim", via="cli")


def test_a_title_to_be_put_back_that_several_variants_share_by_now_is_left_and_the_price_goes_on(
    both: BothSystems,
) -> None:
    product = both.add(GO, **JUMPER)
    both.run()
    both.edit(GO, product, Name="Pullover")
    both.run()

    undo_the_new_name(both)
    arrange(both, {"variant": variants(both)["J"], "name": "M"}, {"name": "S", "sku": "J-S"})
    both.edit(GO, product, UnitPrice=200)
    run_twice(both)

    (shown,) = both.show(SHOP)
    assert shown["title"] == "Pullover"
    assert {v["sku"]: v["price"] for v in shown["variants"]}["J"] == "250.00"
    assert [row["state"] for row in both.rows(orders)] == ["moved"]


def test_a_title_that_several_variants_share_is_not_said_to_be_put_back(both: BothSystems) -> None:
    product = both.add(GO, **JUMPER)
    both.run()
    both.edit(GO, product, Name="Pullover")
    both.run()
    arrange(both, {"variant": variants(both)["J"], "name": "M"}, {"name": "S", "sku": "J-S"})
    both.run()

    told = undo_the_new_name(both)

    assert told.done == []
    assert [why for _, why in told.left] == ["not synchronised at present: several_variants"]
