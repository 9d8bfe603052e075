"""Records of the shop that are nobody's twin: contacts of companies, gift cards, parents of combined listings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.both_systems import GO, SHOP, BothSystems

from samklang.store import lists
from samklang.store.schema import verdicts
from samklang.sync.planned import Book
from samklang.sync.report import records


def reasons(both: BothSystems) -> set[tuple[str, str]]:
    return {(row["side"], row["reason"]) for row in both.rows(verdicts)}


def out_of_scope(both: BothSystems) -> dict[str, int]:
    with both.database.read() as connection:
        found: dict[str, int] = records(connection, both.mapping)["out_of_scope"][SHOP]
    return found


@pytest.mark.parametrize(
    ("made", "scope", "reason"),
    [
        ({"giftCard": True}, "gift_card", "key_held_by_a_gift_card"),
        ({"combinedListingRole": "PARENT"}, "combined", "key_held_by_a_combined_listing"),
    ],
)
def test_a_gift_card_and_a_combined_listing_hold_their_code_and_are_left_alone(
    tmp_path: Path, made: dict[str, Any], scope: str, reason: str
) -> None:
    both = BothSystems(tmp_path, "products")
    both.add(GO, Name="Gavekort", Code="GK", UnitPrice=500)
    both.add(SHOP, title="Gift card", sku="GK", price="500.00", **made)
    for _ in range(2):
        both.run()
        assert both.writes() == []
    assert reasons(both) == {(GO, reason)}
    assert out_of_scope(both) == {scope: 1}
    both.database.close()


def test_a_contact_of_a_company_holds_its_email_and_is_left_alone(tmp_path: Path) -> None:
    both = BothSystems(tmp_path, "customers")
    both.simulators[SHOP].switches({"b2b": True})
    both.add(GO, FirstName="Kari", LastName="Vik", EmailAddress="kari@firma.example", IsPerson=True)
    contact = both.add(SHOP, firstName="Kari", email="kari@firma.example")
    both.simulators[SHOP].edit({"entity": "customers", "id": contact, "company": True})
    for _ in range(2):
        both.run()
        assert both.writes() == []
    assert reasons(both) == {(GO, "key_held_by_a_company_contact")}
    assert out_of_scope(both) == {"contact": 1}
    both.database.close()


def test_twins_of_whom_one_becomes_a_contact_of_a_company_pause_and_go_on_afterwards(tmp_path: Path) -> None:
    both = BothSystems(tmp_path, "customers")
    both.simulators[SHOP].switches({"b2b": True})
    kari = both.add(GO, FirstName="Kari", LastName="Vik", EmailAddress="kari@firma.example", IsPerson=True)
    both.run()
    contact = both.show(SHOP)[0]["legacyResourceId"]
    order = {"entity": "customers", "id": contact}
    both.simulators[SHOP].edit({**order, "company": True})
    both.edit(GO, kari, FirstName="Karianne")
    both.run()
    assert both.writes() == []
    assert both.status()["linked"] == 1
    both.simulators[SHOP].edit({**order, "company": False})
    both.run()
    assert both.show(SHOP)[0]["firstName"] == "Karianne"
    both.database.close()


def test_a_new_price_above_the_price_before_a_sale_is_listed_on_plan_and_summary(tmp_path: Path) -> None:
    both = BothSystems(tmp_path, "products")
    chair = both.add(GO, Name="Stol", Code="S", UnitPrice=100)
    both.run()
    product = both.show(SHOP)[0]
    before = float(product["variants"][0]["price"]) + 10
    both.edit(SHOP, product["legacyResourceId"], compareAtPrice=f"{before:.2f}")
    both.run()
    both.edit(GO, chair, UnitPrice=1000)
    summary = both.run()
    code = "compare_at_price_is_lower"
    assert summary["loads"][SHOP]["reasons"] == {code: 1}
    assert summary["counts"]["doubtful_reasons"] == {code: 1}
    with both.database.read() as connection:
        plan = lists.plan(connection, "products", summary["plan"])
        assert plan is not None
        (row,) = Book(connection, both.staging, both.mapping, plan).rows().rows
    assert [change.get("doubt") for change in row["changes"]] == [code]
    assert both.show(SHOP)[0]["variants"][0]["compareAtPrice"] == f"{before:.2f}"
    both.database.close()
