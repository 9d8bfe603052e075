"""POST and DELETE: what is asked of a new object, what it gets by itself, and what cannot be deleted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from powerofficego_company import ADDRESS, PERSON, Company, content

INVALID = "Customer validation error(s)"
MALFORMED = "One or more validation errors occurred."
PRODUCT_INVALID = "Product validation error(s)"


# --- customers


def test_a_new_customer_is_a_201_and_a_new_product_a_200_and_a_new_group_a_201() -> None:
    company = Company()
    assert company.call("POST", "/Customers", PERSON).status == 201
    assert company.call("POST", "/Products", {"Name": "Kopp"}).status == 200
    assert company.call("POST", "/ProductGroups", {"Name": "Kopper"}).status == 201


def test_a_new_customer_has_ids_numbers_times_and_defaults_of_its_own() -> None:
    company = Company()
    one, two = company.customer(), company.customer(Number=None, IsActive=False, Id=7, CurrencyCode=None)
    assert two["Id"] > one["Id"]
    assert (one["Number"], two["Number"]) == (10_000, 10_001)
    assert one["LastChangedDateTimeOffset"] == one["CustomerCreatedDateTimeOffset"] == "2026-11-23T12:00:00.1234560Z"
    assert two["LastChangedDateTimeOffset"] == "2026-11-23T12:00:00.1234561Z"
    assert two["ContactCreatedDateTimeOffset"] == two["CustomerCreatedDateTimeOffset"]
    for made in (one, two):
        assert (made["IsActive"], made["IsArchived"], made["CurrencyCode"], made["SendPaymentReminders"]) == (
            True,
            False,
            "NOK",
            True,
        )
        assert (made["Name"], made["MailAddress"]) == ("Kari Nordmann", None)


def test_numbers_that_were_given_are_left_out_when_numbers_are_assigned() -> None:
    company = Company()
    company.customer(Number=10_001)
    assert [company.customer()["Number"] for _ in range(3)] == [10_000, 10_002, 10_003]


def test_ids_are_never_used_again() -> None:
    company = Company()
    first = company.customer()["Id"]
    company.call("DELETE", f"/Customers/{first}")
    assert company.customer()["Id"] > first


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ({}, "Name"),
        ({"FirstName": "Kari", "LastName": "Nordmann"}, "Name"),
        ({"IsPerson": True, "Name": "Kari"}, "FirstName"),
        ({"IsPerson": True, "FirstName": "Kari", "LastName": " "}, "LastName"),
    ],
)
def test_a_person_needs_two_names_and_a_company_one(body: dict[str, Any], missing: str) -> None:
    assert Company().refused("POST", "/Customers", body) == (400, INVALID, f"{missing} is required.")


@pytest.mark.parametrize("part", ["City", "ZipCode"])
def test_a_new_address_needs_a_city_and_a_zip_code(part: str) -> None:
    company = Company()
    for address in ({**ADDRESS, part: None}, {name: value for name, value in ADDRESS.items() if name != part}):
        refused = company.call("POST", "/Customers", {**PERSON, "MailAddress": address})
        assert refused.status == 400
        assert list(content(refused)["errors"]) == [f"MailAddress.{part}"]


def test_a_new_address_has_an_id_and_a_clock_and_stands_in_norway_unless_told_otherwise() -> None:
    company = Company()
    at_home = company.customer(MailAddress=ADDRESS)["MailAddress"]
    abroad = company.customer(MailAddress={**ADDRESS, "CountryCode": "SE"})["MailAddress"]
    assert (at_home["CountryCode"], abroad["CountryCode"]) == ("NO", "SE")
    assert abroad["Id"] > at_home["Id"]
    assert re.fullmatch(r"2026-11-23T12:00:00\.\d{7}Z", at_home["LastChangedDateTimeOffset"])


def test_a_reference_in_use_is_a_400_that_names_its_holder() -> None:
    company = Company()
    holder = company.customer(ExternalImportReference="ABC123", ExternalNumber=7, IsArchived=True)
    detail = f"ExternalImportReference is already in use. 'ABC123' is used on (contact) Id = {holder['Id']}."
    order = {**PERSON, "ExternalImportReference": "ABC123"}
    assert company.refused("POST", "/Customers", order) == (400, INVALID, detail)
    for name in ("ExternalNumber", "Number"):
        refused = company.refused("POST", "/Customers", {**PERSON, name: holder[name]})
        assert refused[:2] == (400, INVALID)
        assert str(holder["Id"]) in refused[2]
    assert len(company.ids("/Customers")) == 1
    company.call("DELETE", f"/Customers/{holder['Id']}")
    assert company.customer(ExternalImportReference="ABC123", ExternalNumber=7)["Id"] != holder["Id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ExternalImportReference", "x" * 51),
        ("MailAddress", {**ADDRESS, "City": "x" * 101}),
        ("MailAddress", {**ADDRESS, "CountryCode": "UK"}),
        ("Number", 9_999),
        ("EmailAddress", "kari"),
        ("EmailAddress", "a@example.no; b@example.no"),
        ("Allowance", 101),
        ("BillableRate", -1),
        ("NationalIdNumber", "hidden"),
        ("InvoiceDeliveryType", "PdfByEmail"),
        ("InvoiceDeliveryType", "EHF"),
        ("InvoiceDeliveryType", "Efaktura"),
        ("InvoiceDeliveryType", "AvtaleGiro"),
    ],
)
def test_what_a_customer_cannot_be_is_refused(field: str, value: Any) -> None:
    company = Company()
    assert company.refused("POST", "/Customers", {**PERSON, field: value})[:2] == (400, INVALID)
    assert company.ids("/Customers") == []


def test_a_country_that_is_none_is_refused_in_the_words_of_the_api() -> None:
    order = {**PERSON, "MailAddress": {**ADDRESS, "CountryCode": "UK"}}
    detail = "The country code UK is not valid according to ISO 3166-1."
    assert Company().refused("POST", "/Customers", order) == (400, INVALID, detail)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("FirstName", 5),
        ("IsPerson", "ja"),
        ("Number", "10001"),
        ("Number", True),
        ("DateOfBirth", "2026-02-30"),
        ("ReminderDeliveryType", "EHF"),
        ("ReminderDeliveryType", 1),
        ("ContactGroupIds", 41),
        ("ContactGroupIds", ["a"]),
        ("MailAddress", "Storgata 1"),
        ("MailAddress", {**ADDRESS, "City": 5}),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(field: str, value: Any) -> None:
    refused = Company().call("POST", "/Customers", {**PERSON, field: value})
    assert (refused.status, content(refused)["title"]) == (400, MALFORMED)
    assert list(content(refused)["errors"]) == [field]


@pytest.mark.parametrize("name", ["Customer", "Product", "ProductGroup"])
def test_a_body_that_is_missing_or_no_object_is_refused(name: str) -> None:
    company = Company()
    missing = (400, f"{name} validation error(s)", f"{name} object is missing.")
    assert company.refused("POST", f"/{name}s") == missing
    assert company.refused("POST", f"/{name}s", []) == missing
    assert company.refused("POST", f"/{name}s", b'{"Name": ')[:2] == (400, MALFORMED)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json; charset=utf-8", 201),
        ("text/json", 201),
        ("application/vnd.x+json", 201),
        ("text/plain", 415),
    ],
)
def test_a_new_customer_may_come_as_any_json(kind: str, status: int) -> None:
    assert Company().call("POST", "/Customers", PERSON, kind).status == status


def test_names_of_properties_know_no_case_and_unknown_ones_are_passed_over() -> None:
    made = Company().good("POST", "/Customers", {"isperson": True, "firstName": "Kari", "LASTNAME": "Li", "Colour": 1})
    assert made["Name"] == "Kari Li"
    assert "Colour" not in made


def test_what_a_customer_refers_to_must_exist_and_else_is_a_404() -> None:
    company = Company()
    refused = company.refused("POST", "/Customers", {**PERSON, "DepartmentCode": "Avdeling10"})
    assert refused == (404, INVALID, "Department with code = 'Avdeling10' not found.")
    for field, value in (("DepartmentId", 5), ("PaymentTerm", 13), ("DeliveryTerm", "x"), ("ContactGroupIds", [41, 5])):
        status, title, detail = company.refused("POST", "/Customers", {**PERSON, field: value})
        assert (status, title) == (404, INVALID)
        assert str(value) in detail or detail == "Could not find contact group(s) with id = 5."


def test_an_id_wins_over_a_code() -> None:
    company = Company()
    made = company.customer(DepartmentId=2101, DepartmentCode="20", PaymentTermId=5102, PaymentTerm=14)
    assert (made["DepartmentCode"], made["PaymentTerm"]) == ("10", 30)
    by_code = company.customer(SalesPersonEmployeeNumber=2, InvoiceBrandingThemeCode="1")
    assert (by_code["SalesPersonEmployeeId"], by_code["InvoiceBrandingThemeId"]) == (6102, 4101)


def test_a_national_id_number_is_kept_and_only_ever_read_as_hidden() -> None:
    company = Company()
    made = company.customer(NationalIdNumber="30011679680")
    other = company.customer()
    assert made["NationalIdNumber"] == "hidden"
    assert company.good("GET", f"/Customers/{made['Id']}")["NationalIdNumber"] == "hidden"
    rows = company.good("GET", "/Customers", Fields="Id,NationalIdNumber")
    assert [row["NationalIdNumber"] for row in rows] == ["hidden", None]
    assert [row["NationalIdNumber"] for row in company.simulator.state()["customers"]] == ["hidden", None]
    assert company.ledger.objects["customers"][made["Id"]]["NationalIdNumber"] == "30011679680"
    assert (
        company.patch(f"/Customers/{other['Id']}", {"op": "add", "path": "/NationalIdNumber", "value": "30011679680"})[
            "NationalIdNumber"
        ]
        == "hidden"
    )
    written_back = [{"op": "replace", "path": "/NationalIdNumber", "value": "hidden"}]
    assert company.refused("PATCH", f"/Customers/{made['Id']}", written_back)[0] == 400


# --- products and groups


def test_a_new_product_needs_only_a_name() -> None:
    company = Company()
    made = company.product()
    assert {made[name] for name in ("Code", "UnitPrice", "UnitCost", "StockOnHand", "Gtin")} == {None}
    assert (made["ProductType"], made["UnitOfMeasureCode"], made["IsArchived"], made["IsStockItem"]) == (
        "Product",
        "EA",
        False,
        False,
    )
    assert made["ProductGroupId"] == company.ids("/ProductGroups")[0]
    refused = company.call("POST", "/Products", {"Code": "x"})
    assert (refused.status, list(content(refused)["errors"])) == (400, ["Name"])


def test_a_price_that_is_inherited_is_shown_as_null() -> None:
    company = Company()
    group = company.good("POST", "/ProductGroups", {"Name": "Kopper", "UnitPrice": 99.5, "UnitCost": 40})
    made = company.product(ProductGroupId=group["Id"], UnitPrice=None)
    assert (made["ProductGroupId"], made["UnitPrice"], made["UnitCost"]) == (group["Id"], None, None)
    assert company.good("GET", f"/Products/{made['Id']}")["UnitPrice"] is None


def test_a_product_is_in_the_group_of_its_id_or_code() -> None:
    company = Company()
    first, second, *_ = company.good("GET", "/ProductGroups")
    assert company.product(ProductGroupCode=second["Code"])["ProductGroupId"] == second["Id"]
    made = company.product(Name="Skål", ProductGroupId=second["Id"], ProductGroupCode=first["Code"])
    assert made["ProductGroupCode"] == second["Code"]
    for field, value in (("ProductGroupCode", "x"), ("ProductGroupId", 5), ("StandardSalesAccount", 1)):
        assert company.refused("POST", "/Products", {"Name": "Kopp", field: value})[:2] == (400, PRODUCT_INVALID)
    assert company.product(Name="Fat", StandardSalesAccount=3000)["StandardSalesAccountId"] == 7101


def test_stock_is_kept_of_stock_items_only() -> None:
    company = Company()
    refused = company.refused("POST", "/Products", {"Name": "Kopp", "StockOnHand": 4})
    assert refused == (400, PRODUCT_INVALID, "StockOnHand cannot be set while IsStockItem is false.")
    made = company.product(IsStockItem=True, StockOnHand=4)
    assert (made["StockOnHand"], made["StockAvailable"]) == (4, 4)
    assert made["StockOnHandLastChangedDatetimeOffset"] == made["CreatedDateTimeOffset"]


def test_choices_are_taken_in_any_case_and_shown_as_described() -> None:
    company = Company()
    assert company.product(ProductType="service", UnitOfMeasureCode="kgm")["ProductType"] == "Service"
    assert company.call("POST", "/Products", {"Name": "Fat", "UnitOfMeasureCode": "STK"}).status == 400


# --- deleting


@pytest.mark.parametrize(
    ("path", "name"), [("/Customers", "Customer"), ("/Products", "Product"), ("/ProductGroups", "ProductGroup")]
)
def test_a_deleted_object_is_gone_without_a_trace(path: str, name: str) -> None:
    company = Company()
    number = company.good("POST", path, {**PERSON, "Name": "x"})["Id"]
    answer = company.call("DELETE", f"{path}/{number}")
    assert (answer.status, answer.body) == (200, b"")
    gone = (404, "Object(s) not found", f"{name} with id = {number} not found.")
    assert company.refused("GET", f"{path}/{number}") == gone
    assert company.refused("DELETE", f"{path}/{number}") == gone
    assert company.refused("PATCH", f"{path}/{number}", []) == gone
    assert number not in company.ids(path)
    assert number not in company.ids(path, lastChangedDateTimeOffsetGreaterThan="2000-01-01")


def test_what_is_in_use_cannot_be_deleted() -> None:
    company = Company()
    customer, product = company.customer()["Id"], company.product()
    company.ledger.in_use |= {customer, product["Id"]}
    detail = f"Customer with id = {customer} is in use and cannot be deleted."
    assert company.refused("DELETE", f"/Customers/{customer}") == (409, "Customer conflict", detail)
    assert company.refused("DELETE", f"/Products/{product['Id']}")[:2] == (409, "Product conflict")
    assert company.refused("DELETE", f"/ProductGroups/{product['ProductGroupId']}")[:2] == (
        409,
        "ProductGroup conflict",
    )
    assert (company.ids("/Customers"), company.ids("/Products")) == ([customer], [product["Id"]])


def test_active_suppliers_cannot_be_deleted() -> None:
    company = Company(records=400)
    supplier = next(row for row in company.good("GET", "/Customers") if not row["IsActive"])
    assert not supplier["IsArchived"]
    assert company.refused("DELETE", f"/Customers/{supplier['Id']}")[0] == 409
