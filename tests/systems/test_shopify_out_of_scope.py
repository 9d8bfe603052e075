"""Customers that buy for companies, gift cards and combined listings: known, and left alone; and prices to look at."""

from __future__ import annotations

import pytest
from shop import EVERY_PRODUCT_FIELD, PRODUCT_FIELDS, Shop, World, change, data, first_page, node, only, rows, update

from samklang.core.records import Scope

PROBE = "ProbeCompanyContacts"


def companies(world: World, *customers: str) -> None:
    for one in customers:
        world.sim.edit({"entity": "customers", "id": one, "company": True})


@pytest.mark.parametrize("from_rows", [2500, 0])
def test_a_contact_of_a_company_is_out_of_scope_however_it_is_read(
    from_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samklang.systems.shopify.reading.BULK_FROM", from_rows)
    world = World(300, switches={"b2b": True})
    contact = world.new_customer(email="kari@firma.example")
    companies(world, contact)
    for read in (
        rows(world.customers().read_all()),
        rows(world.customers().read_changes("2026-11-20T07:00:00Z")),
        rows(world.customers().read_ids([contact])),
    ):
        scopes = {record.id: record.scope for record in read}
        assert scopes.pop(contact) is Scope.CONTACT
        assert set(scopes.values()) <= {Scope.ACTIVE}
    world.sim.edit({"entity": "customers", "id": contact, "company": False})
    assert only(rows(world.customers().read_ids([contact]))).scope is Scope.ACTIVE


def test_a_shop_without_companies_is_asked_once_and_read_without_them() -> None:
    world = World(300)
    for _ in range(3):
        assert len(rows(world.customers().read_changes("2000-01-01T00:00:00Z"))) == 300
    assert world.operations.count(PROBE) == 1
    assert world.sim.requests()[0]["operation"] == PROBE
    sent = [body["query"] for body in world.documents if body["operationName"] != PROBE]
    assert not any("companyContactProfiles" in query for query in sent)


def test_a_shop_that_gets_companies_is_asked_again_with_the_next_whole_read() -> None:
    world = World(30)
    contact = world.new_customer(email="kari@firma.example")
    rows(world.customers().read_all())
    world.sim.switches({"b2b": True})
    companies(world, contact)
    system = world.customers()
    assert only(rows(system.read_ids([contact]))).scope is Scope.ACTIVE
    assert {record.id for record in rows(system.read_all()) if record.scope is Scope.CONTACT} == {contact}


def test_an_empty_shop_tells_nothing_about_companies() -> None:
    world = World(switches={"b2b": True})
    assert rows(world.customers().read_all()) == []
    contact = world.new_customer(email="kari@firma.example")
    companies(world, contact)
    assert only(rows(world.customers().read_ids([contact]))).scope is Scope.CONTACT


@pytest.mark.parametrize("b2b", [True, False])
def test_knowing_the_contacts_of_companies_costs_no_points_more_than_the_one_question(b2b: bool) -> None:
    world = World(300, switches={"b2b": b2b})
    system = world.customers()
    rows(system.read_all())
    asked = system.usage
    world.memory["shopify.company_contacts"] = "no"
    without = world.customers()
    rows(without.read_changes("2026-01-01T00:00:00Z"))
    del world.memory["shopify.company_contacts"]
    again = world.customers()
    rows(again.read_changes("2026-01-01T00:00:00Z"))
    assert again.usage.requests - without.usage.requests == 1
    assert again.usage.spent - without.usage.spent <= 3
    assert asked.requests == 3


def test_a_failing_shop_is_not_taken_for_one_without_companies() -> None:
    broken = {"message": "Internal error.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    shop = Shop(ReadCustomers=first_page(node(7)), **{PROBE: data()})
    shop.answers[PROBE] = type(data())(200, {"errors": [broken]})
    system = shop.customers()
    assert only(rows(system.read_all())).scope is Scope.ACTIVE
    assert not system._memory


@pytest.mark.parametrize("state", ["INVITED", "DISABLED", "DECLINED", "ENABLED"])
def test_customers_are_ordinary_whatever_the_state_of_their_account(state: str) -> None:
    world = World()
    made = world.new_customer(email="kari@example.com")
    next(iter(world.sim.store.customers.values())).state = state
    assert only(rows(world.customers().read_ids([made]))).scope is Scope.ACTIVE


# --- products


@pytest.mark.parametrize("from_rows", [2500, 0])
@pytest.mark.parametrize(
    ("made", "scope"),
    [
        ({"giftCard": True}, Scope.GIFT_CARD),
        ({"giftCard": True, "status": "ARCHIVED"}, Scope.GIFT_CARD),
        ({"combinedListingRole": "PARENT"}, Scope.COMBINED),
        ({"combinedListingRole": "CHILD"}, Scope.ACTIVE),
        ({}, Scope.ACTIVE),
    ],
)
def test_gift_cards_and_parents_of_combined_listings_are_out_of_scope(
    made: dict[str, object], scope: Scope, from_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samklang.systems.shopify.reading.BULK_FROM", from_rows)
    world = World(260)
    _, variant = world.new_product(sku="GK", price="500.00", **made)
    for read in (
        rows(world.products().read_all()),
        rows(world.products().read_changes("2026-11-20T07:00:00Z")),
        rows(world.products().read_ids([variant])),
    ):
        assert {record.id: record.scope for record in read}[variant] is scope


def test_a_new_price_above_the_price_before_a_sale_is_written_and_reported() -> None:
    world = World()
    record = world.variant(sku="A", price="80.00", compareAtPrice="100.00")
    raised = only(world.products().update([update(record, change("price", "80.00", "100.01"))]))
    assert raised.doubts == ("compare_at_price_is_lower",)
    variant = world.sim.state()["products"][0]["variants"][0]
    assert (variant["price"], variant["compareAtPrice"]) == ("100.01", "100.00")


@pytest.mark.parametrize(("compared", "price"), [("100.00", "100.00"), ("100.00", "9.00"), (None, "500.00")])
def test_a_price_that_fits_is_not_reported(compared: str | None, price: str) -> None:
    world = World()
    record = world.variant(sku="A", price="80.00", compareAtPrice=compared)
    assert only(world.products(PRODUCT_FIELDS).update([update(record, change("price", "80.00", price))])).doubts == ()


def test_a_price_before_a_sale_that_the_mapping_names_is_its_own_affair() -> None:
    world = World()
    world.new_product(sku="A", price="80.00", compareAtPrice="100.00")
    fields = (*EVERY_PRODUCT_FIELD, "compareAtPrice")
    assert "ceilings" not in rows(world.products(fields).read_all())[0].facts
    assert rows(world.products().read_all())[0].facts["ceilings"] == {"price": ["100.00", "compare_at_price_is_lower"]}
