"""Customers and their addresses, where no recording already says so."""

from __future__ import annotations

from typing import Any

import pytest
from shopify_shop import CREATE, SET, UPDATE, Shop

KEY = {"customId": {"namespace": "gogo", "key": "number", "value": "10001"}}
ADDRESS = "mutation ($customerId: ID!, $address: MailingAddressInput!, $setAsDefault: Boolean) {"
ADD = f"""{ADDRESS} customerAddressCreate(customerId: $customerId, address: $address, setAsDefault: $setAsDefault) {{
  address {{ id address1 city zip phone country provinceCode }} userErrors {{ field message }} }} }}"""
DELETE = "mutation ($id: ID!) { customerDelete(input: {id: $id}) { deletedCustomerId userErrors { field message } } }"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def refused(shop: Shop, document: str, **variables: Any) -> list[tuple[Any, str]]:
    payload = next(iter(shop.data(document, **variables).values()))
    return [(error["field"], error["message"]) for error in payload["userErrors"]]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"firstName": "x" * 256}, [(["firstName"], "First name is too long (maximum is 255 characters)")]),
        ({"firstName": "A", "note": "x" * 5001}, [(["note"], "Note is too long (maximum is 5000 characters)")]),
        ({"firstName": "A", "locale": "norsk!"}, [(["locale"], "Locale is invalid")]),
        (
            {"firstName": "A", "tags": [",".join(f"t{n}" for n in range(251))]},
            [(["tags"], "Tags cannot be more than 250")],
        ),
        ({"firstName": "A", "phone": "tlf. 22 33 44 55 (kveld)"}, [(["phone"], "Phone is invalid")]),
        ({"firstName": "A", "phone": "12345"}, [(["phone"], "Phone is invalid")]),
        ({"firstName": "A", "id": "gid://shopify/Customer/1"}, [(["id"], "Cannot specify ID on creation")]),
        ({"firstName": "A", "addresses": [{}]}, [(["addresses", "0"], "Customer address cannot be blank.")]),
    ],
)
def test_a_customer_that_breaks_a_rule_is_refused_with_the_recorded_words(
    shop: Shop, fields: dict[str, Any], expected: list[tuple[Any, str]]
) -> None:
    assert refused(shop, CREATE, input=fields) == expected
    assert shop.simulator.state()["customers"] == []


def test_a_national_number_is_read_in_the_country_of_the_address_else_of_the_shop(shop: Shop) -> None:
    assert shop.create_customer(phone="99 88 77 66")["phone"] == "+4799887766"
    swede = shop.create_customer(phone="070 123 45 67", addresses=[{"city": "Lund", "countryCode": "SE"}])
    assert swede["phone"] == "+46701234567"
    assert Shop(country="SE").create_customer(phone="070 123 45 67")["phone"] == "+46701234567"


def test_a_phone_is_unique_in_whatever_way_it_is_written(shop: Shop) -> None:
    shop.create_customer(phone="+47 998 87 766")
    assert refused(shop, CREATE, input={"phone": "99887766"}) == [(["phone"], "Phone has already been taken")]


def test_an_email_is_unique_without_regard_to_case_and_free_again_after_it_was_changed(shop: Shop) -> None:
    first = shop.create_customer(email="Kari@example.com")
    assert refused(shop, CREATE, input={"email": "kari@EXAMPLE.com"}) == [(["email"], "Email has already been taken")]
    assert refused(shop, UPDATE, input={"id": first["id"], "email": "other@example.com"}) == []
    assert refused(shop, CREATE, input={"email": "kari@EXAMPLE.com"}) == []


def test_blank_and_null_empty_a_field_and_what_is_not_sent_stays(shop: Shop) -> None:
    made = shop.create_customer(firstName="Kari", lastName="Berg", note="x", phone="99887766", email="k@example.com")
    payload = shop.data(UPDATE, input={"id": made["id"], "firstName": " ", "phone": "", "note": None})
    changed = payload["customerUpdate"]["customer"]
    assert (changed["firstName"], changed["phone"], changed["note"]) == (None, None, None)
    assert (changed["lastName"], changed["email"]) == ("Berg", "k@example.com")


def test_the_last_of_name_phone_and_email_cannot_be_taken_away(shop: Shop) -> None:
    made = shop.create_customer(phone="99887766")
    message = "A name, phone number, or email address must be present"
    assert refused(shop, UPDATE, input={"id": made["id"], "phone": None}) == [(None, message)]


def test_an_unknown_or_deleted_customer_does_not_exist(shop: Shop) -> None:
    gone = shop.create_customer(firstName="A")["id"]
    assert shop.data(DELETE, id=gone)["customerDelete"]["deletedCustomerId"] == gone
    assert refused(shop, UPDATE, input={"id": gone, "firstName": "B"}) == [(["id"], "Customer does not exist")]
    assert shop.data("query ($id: ID!) { customer(id: $id) { id } }", id=gone) == {"customer": None}


def test_a_customer_with_orders_cannot_be_deleted() -> None:
    shop = Shop(records=60)
    buyer = next(row for row in shop.simulator.state()["customers"] if row["numberOfOrders"] != "0")
    message = "Customer can’t be deleted because they have associated orders"
    assert refused(shop, DELETE, id=buyer["id"]) == [(["id"], message)]


def test_an_upsert_by_custom_id_makes_one_customer_and_finds_it_again(shop: Shop) -> None:
    shop.define()
    first = shop.data(SET, identifier=KEY, input={"firstName": "Kari", "email": "k@example.com"})["customerSet"]
    again = shop.data(SET, identifier=KEY, input={"email": "new@example.com"})["customerSet"]
    assert first["customer"]["metafield"] == {"value": "10001"}
    assert again["customer"]["id"] == first["customer"]["id"]
    assert (again["customer"]["firstName"], again["customer"]["email"]) == ("Kari", "new@example.com")
    found = shop.data(
        "query ($identifier: CustomerIdentifierInput!) { customerByIdentifier(identifier: $identifier) { id } }",
        identifier=KEY,
    )
    assert found["customerByIdentifier"]["id"] == first["customer"]["id"]


def test_an_upsert_by_custom_id_does_not_adopt_a_customer_with_the_same_email(shop: Shop) -> None:
    shop.define()
    shop.create_customer(email="k@example.com")
    errors = shop.data(SET, identifier=KEY, input={"email": "k@example.com"})["customerSet"]["userErrors"]
    assert errors == [{"field": ["input", "email"], "message": "Email has already been taken", "code": "TAKEN"}]
    assert len(shop.simulator.state()["customers"]) == 1


def test_the_custom_id_of_a_deleted_customer_is_free_again(shop: Shop) -> None:
    shop.define()
    first = shop.data(SET, identifier=KEY, input={"firstName": "Kari"})["customerSet"]["customer"]["id"]
    shop.data(DELETE, id=first)
    again = shop.data(SET, identifier=KEY, input={"firstName": "Kari"})["customerSet"]["customer"]["id"]
    assert again != first


def test_every_write_moves_updated_at_to_the_second(shop: Shop) -> None:
    made = shop.create_customer(firstName="Kari")
    assert made["updatedAt"] == made["createdAt"] == "2026-11-23T12:00:00Z"
    shop.pass_time(0.7)
    assert shop.data(UPDATE, input={"id": made["id"], "note": "x"})["customerUpdate"]["customer"]["updatedAt"] == (
        "2026-11-23T12:00:00Z"
    )
    shop.pass_time(5)
    shop.data(ADD, customerId=made["id"], address={"city": "Oslo", "countryCode": "NO"})
    read = shop.data("query ($id: ID!) { customer(id: $id) { updatedAt } }", id=made["id"])
    assert read["customer"]["updatedAt"] == "2026-11-23T12:00:05Z"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({"city": "<b>Oslo</b>"}, [(["address", "city"], "City cannot contain HTML tags")]),
        ({"city": "http://oslo.no"}, [(["address", "city"], "City cannot contain URL")]),
        ({"zip": "www.post.no"}, [(["address", "zip"], "Zip cannot contain URL")]),
        ({"address1": "Gata 1 🏠"}, [(["address", "address1"], "Address1 cannot contain emojis")]),
        ({"company": "x" * 256}, [(["address", "company"], "Company is too long (maximum is 255 characters)")]),
        ({"country": "Narnia"}, [(["address", "country"], "Country is invalid")]),
    ],
)
def test_an_address_that_breaks_a_rule_is_refused_with_the_recorded_words(
    shop: Shop, address: dict[str, str], expected: list[tuple[Any, str]]
) -> None:
    customer = shop.create_customer(firstName="Kari")
    assert refused(shop, ADD, customerId=customer["id"], address=address) == expected


def test_a_norwegian_address_is_trimmed_and_loses_its_province_and_keeps_any_zip(shop: Shop) -> None:
    customer = shop.create_customer(firstName="Kari")
    address = {
        "address1": "  Storgata 1 ",
        "zip": "abc",
        "city": "Oslo",
        "countryCode": "NO",
        "provinceCode": "03",
        "phone": "ring meg",
    }
    made = shop.data(ADD, customerId=customer["id"], address=address)["customerAddressCreate"]["address"]
    assert made.pop("id").endswith("?model_name=CustomerAddress")
    assert made == {
        "address1": "Storgata 1",
        "city": "Oslo",
        "zip": "abc",
        "phone": "ring meg",
        "country": "Norway",
        "provinceCode": None,
    }


def test_customer_update_with_addresses_keeps_those_with_an_id_and_drops_the_rest(shop: Shop) -> None:
    made = shop.create_customer(
        firstName="Kari", addresses=[{"city": "Oslo", "countryCode": "NO"}, {"city": "Moss", "countryCode": "NO"}]
    )
    keep = made["addresses"][1]["id"]
    rows = [{"id": keep, "zip": "1530"}, {"city": "Hamar", "countryCode": "NO"}]
    after = shop.data(UPDATE, input={"id": made["id"], "addresses": rows})["customerUpdate"]["customer"]
    assert [(row["city"], row["zip"]) for row in after["addresses"]] == [("Moss", "1530"), ("Hamar", None)]
    assert after["addresses"][0]["id"] == keep
    unknown = "gid://shopify/MailingAddress/5?model_name=CustomerAddress"
    wrong = refused(shop, UPDATE, input={"id": made["id"], "addresses": [{"id": unknown, "city": "X"}]})
    assert wrong == [(["addresses", "0", "id"], "Customer address does not exist")]


def test_a_refused_address_leaves_the_whole_customer_as_it_was(shop: Shop) -> None:
    made = shop.create_customer(firstName="Kari", addresses=[{"city": "Oslo", "countryCode": "NO"}])
    wrong = {"identifier": {"id": made["id"]}, "input": {"firstName": "Anne", "addresses": [{"city": "<b>x</b>"}]}}
    assert refused(shop, SET, **wrong) == [(["input", "addresses", "0", "city"], "City cannot contain HTML tags")]
    after = shop.simulator.state()["customers"][0]
    assert (after["firstName"], after["addresses"][0]["city"]) == ("Kari", "Oslo")
