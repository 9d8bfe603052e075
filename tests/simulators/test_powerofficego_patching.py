"""PATCH: JSON Patch over the properties that may be patched, and which clocks an edit moves."""

from __future__ import annotations

import re
from typing import Any

import pytest
from powerofficego_company import ADDRESS, Company, replace

from samklang.simulators.powerofficego.schema import ADDRESS_READ_ONLY, CUSTOMERS, PRODUCTS

INVALID = "Customer validation error(s)"
CLOCK = "LastChangedDateTimeOffset"


def not_found(segment: str, name: str = "Customer") -> tuple[int, str, str]:
    detail = f"{name}PatchDto: The target location specified by path segment '{segment}' was not found."
    return 400, f"{name} validation error(s)", detail


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def path(company: Company) -> str:
    """A customer with an address and a phone number."""
    return f"/Customers/{company.customer(PhoneNumber='22 33', MailAddress=ADDRESS, ContactGroupIds=[41])['Id']}"


# --- the six operations


def test_replace_and_add_set_a_property_and_remove_empties_it(company: Company, path: str) -> None:
    assert company.patch(path, replace("/PhoneNumber", "1"))["PhoneNumber"] == "1"
    assert company.patch(path, {"op": "add", "path": "/WebsiteUrl", "value": "x.example"})["WebsiteUrl"] == "x.example"
    assert company.patch(path, {"op": "remove", "path": "/PhoneNumber"})["PhoneNumber"] is None
    assert company.patch(path, {"op": "REPLACE", "path": "/PhoneNumber", "value": "2"})["PhoneNumber"] == "2"
    assert company.good("GET", path)["PhoneNumber"] == "2"


def test_move_empties_where_it_came_from_and_copy_does_not(company: Company, path: str) -> None:
    copied = company.patch(path, {"op": "copy", "from": "/PhoneNumber", "path": "/LegalName"})
    assert (copied["PhoneNumber"], copied["LegalName"]) == ("22 33", "22 33")
    moved = company.patch(path, {"op": "move", "from": "/PhoneNumber", "path": "/MailAddress/AddressLine2"})
    assert (moved["PhoneNumber"], moved["MailAddress"]["AddressLine2"]) == (None, "22 33")


def test_a_test_that_holds_lets_the_rest_through_and_one_that_fails_keeps_everything(
    company: Company, path: str
) -> None:
    ok = company.patch(path, {"op": "test", "path": "/PhoneNumber", "value": "22 33"}, replace("/PhoneNumber", "1"))
    assert ok["PhoneNumber"] == "1"
    operations = [replace("/FirstName", "Anne"), {"op": "test", "path": "/PhoneNumber", "value": "22 33"}]
    detail = "The current value '1' at path 'PhoneNumber' is not equal to the test value '22 33'."
    assert company.refused("PATCH", path, operations) == (400, INVALID, detail)
    assert company.good("GET", path)["FirstName"] == "Kari"


def test_a_test_sees_what_earlier_operations_did_and_knows_null_and_parts(company: Company, path: str) -> None:
    changed = company.patch(
        path,
        {"op": "test", "path": "/WebsiteUrl", "value": None},
        replace("/PhoneNumber", "1"),
        {"op": "test", "path": "/PhoneNumber", "value": "1"},
        {"op": "test", "path": "/MailAddress/City", "value": "Oslo"},
        replace("/MailAddress/City", "Moss"),
    )
    assert (changed["PhoneNumber"], changed["MailAddress"]["City"]) == ("1", "Moss")


def test_all_operations_apply_or_none(company: Company, path: str) -> None:
    before = company.good("GET", path)
    for last in (replace("/Nope", 1), replace("/FirstName", ""), replace("/MailAddress/CountryCode", "UK")):
        operations = [replace("/PhoneNumber", "1"), replace("/MailAddress/City", "Moss"), last]
        assert company.refused("PATCH", path, operations)[0] == 400
    assert company.good("GET", path) == before
    assert [write["action"] for write in company.simulator.writes()] == ["create"]


@pytest.mark.parametrize("body", [{}, [1], [{"op": "merge", "path": "/Name"}], [{"path": "/Name"}], b"[{"])
def test_a_patch_that_is_none_is_refused(body: Any, company: Company, path: str) -> None:
    assert company.refused("PATCH", path, body)[0] == 400


def test_an_empty_patch_changes_nothing(company: Company, path: str) -> None:
    before = company.good("GET", path)
    assert company.patch(path) == before
    assert company.patch(path, replace("/PhoneNumber", "22 33")) == before


# --- paths and values


@pytest.mark.parametrize("name", [*sorted(CUSTOMERS.properties.keys() - CUSTOMERS.patch), "Colour", ""])
def test_read_only_and_unknown_properties_of_a_customer_cannot_be_patched(
    name: str, company: Company, path: str
) -> None:
    assert company.refused("PATCH", path, [replace(f"/{name}", None)]) == not_found(name)


@pytest.mark.parametrize("name", sorted(PRODUCTS.properties.keys() - PRODUCTS.patch))
def test_read_only_properties_of_a_product_cannot_be_patched(name: str, company: Company) -> None:
    product = f"/Products/{company.product()['Id']}"
    assert company.refused("PATCH", product, [replace(f"/{name}", None)]) == not_found(name, "Product")


@pytest.mark.parametrize("part", [*sorted(ADDRESS_READ_ONLY), "AddressLine3", "City/Name"])
def test_parts_of_an_address_that_cannot_be_patched(part: str, company: Company, path: str) -> None:
    refused = company.refused("PATCH", path, [replace(f"/MailAddress/{part}", "x")])
    assert refused == not_found(part.partition("/")[0])


def test_a_value_of_another_kind_is_refused_in_the_words_of_the_api(company: Company, path: str) -> None:
    for name, value in (
        ("IsArchived", "bogus"),
        ("DateOfBirth", "bogus"),
        ("FirstName", 5),
        ("ReminderDeliveryType", "bogus"),
    ):
        detail = f"CustomerPatchDto: The value '{value}' is invalid for target location."
        assert company.refused("PATCH", path, [replace(f"/{name}", value)]) == (400, INVALID, detail)
    detail = (
        "Enum 'reminderdeliverytype' with value = 2 is not valid. (Enums is not allowed to be represented as integers)."
    )
    assert company.refused("PATCH", path, [replace("/ReminderDeliveryType", 2)]) == (400, INVALID, detail)
    copied = {"op": "copy", "from": "/FirstName", "path": "/IsArchived"}
    assert company.refused("PATCH", path, [copied])[0] == 400


def test_text_is_read_as_a_number_or_truth_where_one_is_due(company: Company, path: str) -> None:
    changed = company.patch(
        path, replace("/Allowance", "5.5"), replace("/ExternalNumber", "7"), replace("/IsVatFree", "true")
    )
    assert (changed["Allowance"], changed["ExternalNumber"], changed["IsVatFree"]) == (5.5, 7, True)


def test_a_date_may_come_with_a_time(company: Company, path: str) -> None:
    assert company.patch(path, replace("/DateOfBirth", "2003-07-15T00:00:00"))["DateOfBirth"] == "2003-07-15"


# --- contact groups


def test_contact_groups_are_patched_as_an_array(company: Company, path: str) -> None:
    def groups(*operations: dict[str, Any]) -> list[int]:
        found: list[int] = company.patch(path, *operations)["ContactGroupIds"]
        return found

    assert groups({"op": "add", "path": "/ContactGroupIds/-", "value": "42"}) == [41, 42]
    assert groups({"op": "remove", "path": "/ContactGroupIds/0"}) == [42]
    assert groups(replace("/contactgroupids/0", 41)) == [41]
    assert groups({"op": "add", "path": "/ContactGroupIds", "value": ["42", 41]}) == [42, 41]
    assert groups({"op": "add", "path": "/ContactGroupIds", "value": []}) == []
    refused = company.refused("PATCH", path, [{"op": "remove", "path": "/ContactGroupIds/0"}])
    assert refused == not_found("0")
    unknown = company.refused("PATCH", path, [{"op": "add", "path": "/ContactGroupIds/-", "value": 5}])
    assert unknown == (404, INVALID, "Could not find contact group(s) with id = 5.")
    assert company.refused("PATCH", path, [{"op": "add", "path": "/ContactGroupIds/-", "value": "x"}])[0] == 400


# --- addresses


def test_a_path_through_an_address_that_is_not_there_leads_nowhere_until_one_is_added(company: Company) -> None:
    bare = f"/Customers/{company.customer()['Id']}"
    assert company.refused("PATCH", bare, [replace("/MailAddress/City", "Moss")]) == not_found("City")
    made = company.patch(bare, {"op": "add", "path": "/MailAddress", "value": {**ADDRESS, "Id": 5}})["MailAddress"]
    assert (made["City"], made["CountryCode"], made["Id"] == 5) == ("Oslo", "NO", False)
    assert company.patch(bare, replace("/MailAddress/City", "Moss"))["MailAddress"]["City"] == "Moss"


def test_a_whole_address_replaces_the_former_one_but_for_its_id(company: Company, path: str) -> None:
    before = company.good("GET", path)["MailAddress"]
    after = company.patch(path, replace("/MailAddress", {"city": "Moss", "ZipCode": "1530"}))["MailAddress"]
    assert (after["City"], after["ZipCode"], after["AddressLine1"]) == ("Moss", "1530", None)
    assert after["Id"] == before["Id"]
    assert after[CLOCK] > before[CLOCK]
    assert company.patch(path, {"op": "remove", "path": "/MailAddress"})["MailAddress"] is None


def test_a_part_of_an_address_is_set_and_emptied(company: Company, path: str) -> None:
    operations = [
        replace("/mailaddress/addressline2", "Leil. 4"),
        {"op": "remove", "path": "/MailAddress/AddressLine1"},
    ]
    after = company.patch(path, *operations)["MailAddress"]
    assert (after["AddressLine1"], after["AddressLine2"], after["City"]) == (None, "Leil. 4", "Oslo")
    assert company.refused("PATCH", path, [replace("/MailAddress/City", 5)])[0] == 400


# --- whole objects


def test_a_reference_in_use_cannot_be_patched_in_and_ones_own_can(company: Company, path: str) -> None:
    holder = company.customer(ExternalImportReference="ABC123")
    detail = f"ExternalImportReference is already in use. 'ABC123' is used on (contact) Id = {holder['Id']}."
    assert company.refused("PATCH", path, [replace("/ExternalImportReference", "ABC123")]) == (400, INVALID, detail)
    own = f"/Customers/{holder['Id']}"
    company.patch(own, replace("/ExternalImportReference", "ABC123"), replace("/PhoneNumber", "1"))
    company.patch(own, {"op": "remove", "path": "/ExternalImportReference"})
    assert company.patch(path, replace("/ExternalImportReference", "ABC123"))["ExternalImportReference"] == "ABC123"


def test_what_a_customer_needs_cannot_be_taken_away(company: Company, path: str) -> None:
    for name in ("FirstName", "LastName", "Number"):
        refused = company.refused("PATCH", path, [{"op": "remove", "path": f"/{name}"}])
        assert refused == (400, INVALID, f"{name} is required.")


def test_the_name_of_a_person_follows_the_two_others(company: Company, path: str) -> None:
    assert company.patch(path, replace("/LastName", "Li"))["Name"] == "Kari Li"


def test_a_patched_id_brings_its_code(company: Company, path: str) -> None:
    assert company.patch(path, replace("/DepartmentId", 2102))["DepartmentCode"] == "20"
    assert company.patch(path, replace("/PhoneNumber", "1"))["DepartmentCode"] == "20"
    assert company.patch(path, replace("/DepartmentId", None))["DepartmentCode"] is None
    assert company.refused("PATCH", path, [replace("/DepartmentId", 5)])[0] == 404
    product = company.product()
    second = company.good("GET", "/ProductGroups")[1]
    moved = company.patch(f"/Products/{product['Id']}", replace("/ProductGroupId", second["Id"]))
    assert moved["ProductGroupCode"] == second["Code"]


def test_a_contact_with_balances_cannot_be_archived(company: Company, path: str) -> None:
    number = int(path.rpartition("/")[2])
    company.ledger.in_use.add(number)
    assert company.patch(path, replace("/IsArchived", True))["IsArchived"]
    company.patch(path, replace("/IsArchived", False))
    company.ledger.balances.add(number)
    refused = company.refused("PATCH", path, [replace("/IsArchived", True)])
    assert refused == (400, INVALID, "IsArchived cannot be set while the contact has ledger balances.")
    assert company.patch(path, replace("/PhoneNumber", "1"))["PhoneNumber"] == "1"


def test_stock_is_set_once_a_product_is_a_stock_item(company: Company) -> None:
    product = f"/Products/{company.product()['Id']}"
    refused = company.refused("PATCH", product, [replace("/StockOnHand", 5)])
    assert refused[2] == "StockOnHand cannot be set while IsStockItem is false."
    changed = company.patch(product, replace("/IsStockItem", True), replace("/StockOnHand", 5))
    assert (changed["StockOnHand"], changed["StockAvailable"]) == (5, 5)


def test_an_inherited_price_stays_null_when_other_things_are_patched(company: Company) -> None:
    product = f"/Products/{company.product()['Id']}"
    assert company.patch(product, replace("/Name", "Skål"))["UnitPrice"] is None
    assert company.patch(product, replace("/UnitPrice", 12.5))["UnitPrice"] == 12.5
    assert company.patch(product, {"op": "remove", "path": "/UnitPrice"})["UnitPrice"] is None


# --- clocks


def test_an_edit_moves_the_clock_of_the_customer_and_not_that_of_the_address(company: Company, path: str) -> None:
    before = company.good("GET", path)
    company.pass_time(60)
    after = company.patch(path, replace("/PhoneNumber", "1"))
    assert after[CLOCK] == "2026-11-23T12:01:00.1234560Z"
    assert after["MailAddress"] == before["MailAddress"]
    assert after["CustomerCreatedDateTimeOffset"] == before["CustomerCreatedDateTimeOffset"]


def test_an_edit_of_the_address_moves_its_own_clock_and_not_that_of_the_customer(company: Company, path: str) -> None:
    before = company.good("GET", path)
    company.pass_time(60)
    after = company.patch(path, replace("/MailAddress/City", "Moss"))
    assert after["MailAddress"][CLOCK] == "2026-11-23T12:01:00.1234560Z"
    assert after[CLOCK] == before[CLOCK]
    assert company.ids("/Customers", lastChangedDateTimeOffsetGreaterThan=before[CLOCK]) == []
    both = company.patch(path, replace("/MailAddress/City", "Oslo"), replace("/PhoneNumber", "1"))
    assert both[CLOCK] == both["MailAddress"][CLOCK]


def test_an_edit_of_stock_moves_its_own_clock_and_not_that_of_the_product(company: Company) -> None:
    before = company.product(IsStockItem=True, StockOnHand=4)
    company.pass_time(60)
    after = company.patch(f"/Products/{before['Id']}", replace("/StockOnHand", 3))
    assert after["StockOnHandLastChangedDatetimeOffset"] == "2026-11-23T12:01:00.1234560Z"
    assert after[CLOCK] == before[CLOCK]


def test_every_stamp_has_seven_digits_and_is_later_than_the_last_even_when_time_stands_still(company: Company) -> None:
    path = f"/Products/{company.product()['Id']}"
    stamps = [company.patch(path, replace("/Name", f"Kopp {number}"))[CLOCK] for number in range(30)]
    company.pass_time(-5)
    stamps.append(company.patch(path, replace("/Name", "Kopp"))[CLOCK])
    assert stamps == sorted(set(stamps))
    assert all(re.fullmatch(r"2026-11-23T12:00:00\.\d{7}Z", stamp) for stamp in stamps)
    assert len({stamp[-2] for stamp in stamps}) == 10


def test_archiving_moves_the_clock(company: Company, path: str) -> None:
    before = company.good("GET", path)[CLOCK]
    company.patch(path, replace("/IsArchived", True))
    assert company.ids("/Customers", lastChangedDateTimeOffsetGreaterThan=before) == [int(path.rpartition("/")[2])]
