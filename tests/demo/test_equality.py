"""The demo's reader tells equal from unequal, and never explains away what it should report."""

from __future__ import annotations

from typing import Any

import pytest

from samklang.demo.equality import UNEXPLAINED, customers, products
from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator

CLIENT, SHOP = "client", "7"


def person(**changes: Any) -> dict[str, Any]:
    return {
        "Id": 1, "IsPerson": True, "IsActive": True, "IsArchived": False, "EmailAddress": "kari@epost.example",
        "FirstName": "Kari", "LastName": "Ås", "PhoneNumber": "90 01 00 01", "ExternalImportReference": None,
        "MailAddress": {
            "AddressLine1": "Storgata 1", "AddressLine2": None, "City": "Oslo", "ZipCode": "0155", "CountryCode": "NO",
        },
    } | changes  # fmt: skip


def customer(**changes: Any) -> dict[str, Any]:
    address = {
        "id": "a", "address1": "Storgata 1", "address2": None, "city": "Oslo", "zip": "0155", "countryCodeV2": "NO",
    }  # fmt: skip
    return {
        "legacyResourceId": "11", "email": "Kari@epost.example", "firstName": "Kari", "lastName": "Ås",
        "phone": "+4790010001", "defaultAddress": {"id": "a"}, "addresses": [address], "metafields": {},
    } | changes  # fmt: skip


def product(**changes: Any) -> dict[str, Any]:
    return {"Id": 5, "Code": "A-1", "Name": "Kopp", "UnitPrice": 80.0, "IsArchived": False} | changes


def shop_product(price: str = "100.00", **changes: Any) -> dict[str, Any]:
    variant = {"legacyResourceId": "51", "sku": "A-1", "price": price, "taxable": True}
    return {"title": "Kopp", "status": "ACTIVE", "variants": [variant], "metafields": {}} | changes


def test_the_same_person_written_in_two_ways_is_equal() -> None:
    result = customers([person()], [customer()], CLIENT, SHOP)
    assert (result.pairs, result.equal, result.faults) == (1, 1, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FirstName", "Karin"),
        ("LastName", None),
        ("PhoneNumber", "90 01 00 02"),
        ("PhoneNumber", None),
        ("MailAddress", None),
    ],
)
def test_every_field_that_differs_is_a_fault(name: str, value: Any) -> None:
    result = customers([person(**{name: value})], [customer()], CLIENT, SHOP)
    assert result.equal == 0
    assert result.unequal[UNEXPLAINED] > 0


def test_a_person_without_a_twin_is_a_fault() -> None:
    assert customers([person()], [], CLIENT, SHOP).faults == [("customer", "1", "")]
    assert customers([], [customer()], CLIENT, SHOP).faults == [("customer", "11", "")]


def test_twins_are_found_by_the_keys_that_stand_on_them_though_their_e_mail_differs() -> None:
    ours = customer(email="annet@epost.example", metafields={"samklang.powerofficego_id": "client-1"})
    result = customers([person()], [ours], CLIENT, SHOP)
    assert (result.pairs, result.faults) == (1, [("customer", "1 / 11", "e-mail")])


def test_what_is_rightly_unequal_has_its_reason() -> None:
    unclear = person(Id=1, PhoneNumber="tlf. 22 33 44 55 (kveld)")
    company = person(Id=2, IsPerson=False, EmailAddress="post@firma.example")
    double_one, double_two = (person(Id=i, EmailAddress="to@epost.example") for i in (3, 4))
    result = customers([unclear, company, double_one, double_two], [customer()], CLIENT, SHOP)
    assert result.faults == []
    assert result.unequal == {
        "a phone field that is not one number": 1,
        "a company, not a person": 1,
        "the e-mail is held more than once": 2,
    }


def test_prices_are_compared_with_tax_to_the_oere() -> None:
    assert products([product()], [shop_product()], CLIENT).equal == 1
    assert products([product()], [shop_product("100.01")], CLIENT).faults == [("product", "5 / 51", "price")]


def test_a_title_may_only_differ_where_several_variants_share_it() -> None:
    other = shop_product(title="Kopp, stor")
    assert products([product()], [other], CLIENT).faults == [("product", "5 / 51", "title")]
    other["variants"].append({"legacyResourceId": "52", "sku": "A-2", "price": "1.00", "taxable": True})
    assert ("product", "5 / 51", "title") not in products([product()], [other], CLIENT).faults


def test_two_systems_that_were_never_synchronised_are_not_equal() -> None:
    go, shop = PowerOfficeGoSimulator(60).state(), ShopifySimulator(60).state()
    assert customers(go["customers"], shop["customers"], CLIENT, SHOP).faults
    assert products(go["products"], shop["products"], CLIENT).faults
