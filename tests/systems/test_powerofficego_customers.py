"""PowerOffice Go's customers: what is read of them, and what they say about themselves."""

from __future__ import annotations

from typing import Any

import pytest
from go import (
    CUSTOMER,
    SHOP,
    Records,
    customer,
    make_customers,
    read_one,
)
from scripted import Answer

from samklang.core.records import Scope
from samklang.errors import AccessError, ConfigurationError, ProtocolError, TemporaryError
from samklang.systems.base import Description

# --- reading


def test_a_customer_is_read_with_its_values_clocks_and_facts() -> None:
    record = read_one(customer(ExternalImportReference="shopify:4242:99"))
    assert record.id == "7"
    assert record.values == {
        "EmailAddress": "kari@example.no",
        "MailAddress.AddressLine1": "Storgata 1",
        "MailAddress.AddressLine2": None,
        "MailAddress.City": "Oslo",
        "MailAddress.CountryCode": "NO",
        "MailAddress.ZipCode": "0155",
        "PhoneNumber": None,
        "FirstName": "Kari",
        "LastName": "Nordmann",
    }
    assert record.scope is Scope.ACTIVE
    assert record.clock == "2026-08-01T09:27:26.1234567Z"
    assert record.created == "2024-01-01T00:00:00.0000000Z"
    assert record.group_clocks == {"address": "2026-08-02T10:00:00.0000000Z"}
    assert record.key == "shopify:4242:99"
    assert record.facts == {"has_address": True}


@pytest.mark.parametrize(
    ("changes", "scope"),
    [
        ({}, Scope.ACTIVE),
        ({"IsActive": None, "IsArchived": None}, Scope.ACTIVE),
        ({"IsArchived": True}, Scope.ARCHIVED),
        ({"IsActive": False}, Scope.ARCHIVED),
        ({"IsPerson": False}, Scope.OUTSIDE),
        ({"IsPerson": None}, Scope.OUTSIDE),
        ({"IsPerson": False, "IsArchived": True}, Scope.OUTSIDE),
    ],
)
def test_persons_are_synchronised_and_all_others_are_not(changes: dict[str, Any], scope: Scope) -> None:
    assert read_one(customer(**changes)).scope is scope


@pytest.mark.parametrize("reference", [None, "", "CRM-77", "shopify:1", "shopify:1:2:3", "other:1:2", "x" * 60])
def test_a_reference_that_is_not_ours_is_no_key(reference: str | None) -> None:
    assert read_one(customer(ExternalImportReference=reference)).key is None


def test_no_address_at_all_means_that_every_line_of_it_is_empty() -> None:
    record = read_one(customer(MailAddress=None))
    assert record.values["MailAddress.City"] is None
    assert record.facts == {"has_address": False}
    assert record.group_clocks == {}


def test_a_property_that_is_not_answered_is_unknown_and_not_empty() -> None:
    dto = customer(MailAddress={"City": "Oslo"})
    del dto["EmailAddress"]
    system, _ = make_customers(lambda _: Answer(200, dto), ["EmailAddress", "MailAddress.City", "MailAddress.ZipCode"])
    ((record,),) = [page.records for page in system.read_ids(["7"])]
    assert record.values == {"MailAddress.City": "Oslo"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("WebsiteUrl", "https://kari.example", "https://kari.example"),
        ("ExternalNumber", 123456789012, "123456789012"),
        ("Allowance", 12.50, "12.5"),
        ("Allowance", 0.1, "0.1"),
        ("Allowance", 100.0, "100"),
        ("Allowance", 0.0, "0"),
        ("IsVatFree", True, "true"),
        ("DateOfBirth", "2003-07-15T00:00:00", "2003-07-15"),
        ("PhoneNumber", " 99 88 77 66 (kveld)", " 99 88 77 66 (kveld)"),
        ("EmailAddress", "", ""),
    ],
)
def test_any_other_property_works_too_and_comes_as_it_is_stored(name: str, value: Any, text: str) -> None:
    assert read_one(customer(**{name: value}), [name]).values == {name: text}


@pytest.mark.parametrize("name", ["EmialAddress", "NationalIdNumber", "MailAddress", "ContactGroupIds", "MailAddress."])
def test_a_field_that_cannot_be_synchronised_is_refused_with_the_nearest_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match="nearest"):
        make_customers(None, [name])


@pytest.mark.parametrize(
    "broken",
    [
        {"LastChangedDateTimeOffset": "soon"},
        {"LastChangedDateTimeOffset": None},
        {"IsPerson": "yes"},
        {"MailAddress": "Storgata 1"},
        {"EmailAddress": ["a@example.no"]},
    ],
)
def test_an_object_that_cannot_be_right_is_an_error(broken: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        read_one(customer(**broken))


def test_a_customer_of_which_nobody_knows_whether_it_is_a_person_is_an_error() -> None:
    dto = {k: v for k, v in CUSTOMER.items() if k != "IsPerson"}
    system, _ = make_customers(lambda _: Answer(200, dto))
    with pytest.raises(ProtocolError, match="IsPerson"):
        list(system.read_ids(["7"]))


def test_only_what_is_mapped_is_asked_for_and_the_address_as_a_whole() -> None:
    system, go = make_customers(lambda _: Answer(204), ["MailAddress.City", "MailAddress.ZipCode", "WebsiteUrl"])
    list(system.read_all())
    assert go.sent[0].query["Fields"] == [
        "Id,IsPerson,IsActive,IsArchived,CustomerCreatedDateTimeOffset,LastChangedDateTimeOffset,"
        "ExternalImportReference,MailAddress,WebsiteUrl"
    ]


def test_changes_are_read_whole_because_no_filter_sees_an_edited_address() -> None:
    system, go = make_customers(Records(CUSTOMER))
    (page,) = system.read_changes("2026-08-01T00:00:00.0000000Z")
    assert [r.id for r in page.records] == ["7"]
    assert all(not name.startswith("lastChanged") for r in go.sent for name in r.query)


def test_a_few_ids_are_read_one_by_one_and_the_missing_are_gone() -> None:
    system, go = make_customers(Records(CUSTOMER, customer(Id=9)))
    assert sorted(r.id for page in system.read_ids(["7", "8", "9", "7"]) for r in page.records) == ["7", "9"]
    assert sorted(go.calls) == ["GET /Customers/7", "GET /Customers/8", "GET /Customers/9"]


def test_many_ids_are_read_as_one_list() -> None:
    system, go = make_customers(Records(*(customer(Id=n) for n in range(1, 100))))
    wanted = [str(n) for n in range(30, 90)]
    assert [r.id for page in system.read_ids(wanted) for r in page.records] == wanted
    assert set(go.calls) == {"GET /Customers"}


def test_an_answer_for_another_id_is_an_error() -> None:
    system, _ = make_customers(lambda _: Answer(200, customer(Id=8)))
    with pytest.raises(ProtocolError):
        list(system.read_ids(["7"]))


@pytest.mark.parametrize("status", [403, 500])
def test_a_record_that_could_not_be_asked_for_is_not_gone(status: int) -> None:
    system, _ = make_customers(lambda _: Answer(status))
    with pytest.raises((AccessError, TemporaryError)):
        list(system.read_ids(["7"]))


def test_a_404_without_the_systems_own_words_counts_only_where_the_list_is_there() -> None:
    bare = Answer(404, {"statusCode": 404, "message": "Resource not found"})
    system, _ = make_customers(lambda _: bare)
    with pytest.raises(Exception, match="404"):
        list(system.read_ids(["7"]))
    system, _ = make_customers(lambda r: Answer(204) if r.path == "/v2/Customers" else bare)
    assert list(system.read_ids(["7"])) == []


def test_an_id_that_is_no_number_is_never_sent() -> None:
    system, go = make_customers(Records(CUSTOMER))
    with pytest.raises(ConfigurationError):
        list(system.read_ids(["7/../8"]))
    assert go.sent == []


# --- keys


def test_a_key_names_the_shop_and_the_record_there() -> None:
    system, _ = make_customers(None)
    assert system.key_for("99", SHOP, {}) == "shopify:4242:99"
    assert system.key_for("9" * 50, SHOP, {}) is None


def test_only_a_record_that_holds_the_very_key_is_found_by_it() -> None:
    # this server ignores the filter
    holder = customer(Id=8, ExternalImportReference="shopify:4242:99")
    system, go = make_customers(Records(CUSTOMER, holder, customer(Id=9, ExternalImportReference="shopify:4242:990")))
    found = system.find_by_key(["shopify:4242:99", "shopify:4242:1"])
    assert {key: [r.id for r in records] for key, records in found.items()} == {"shopify:4242:99": ["8"]}
    asked = {r.query["externalImportReference"][0] for r in go.sent}
    assert asked == {"shopify:4242:99", "shopify:4242:1"}


# --- about itself


def test_rules_say_what_a_customer_needs() -> None:
    system, _ = make_customers(None)
    rules = system.rules
    assert rules.create_needs == (("FirstName", "LastName"),)
    assert rules.group_needs == {"address": ("MailAddress.City", "MailAddress.ZipCode")}
    assert rules.key_proves_origin
    assert rules.accepts("MailAddress.AddressLine1").max_length == 200
    assert not rules.accepts("FirstName").clearable
    assert rules.accepts("EmailAddress").form == "text"
    country = rules.accepts("MailAddress.CountryCode")
    assert {"NO", "SE", "GB"} < country.choices
    assert "UK" not in country.choices
    assert not rules.accepts("IsActive").writable


INFO = {
    "ClientId": "c-1",
    "ClientName": "Testfirma AS",
    "ValidPrivileges": ["Customer_Full", "Product_Full"],
    "InvalidPrivileges": [],
    "ActiveClientSubscriptions": [],
}


def test_a_client_describes_itself() -> None:
    system, _ = make_customers(lambda _: Answer(200, INFO))
    assert system.describe() == Description("c-1", "Testfirma AS", {"prices_include_tax": False})
    system, _ = make_customers(lambda _: Answer(200, {**INFO, "ClientId": None}))
    with pytest.raises(ProtocolError):
        system.describe()


def check(info: Any, listing: Any, token: Answer | None = None) -> dict[str, Any]:
    system, go = make_customers(lambda r: info if "Integration" in r.path else listing)
    if token is not None:
        go.server.handler = lambda _: token
    return {c.name.removeprefix("PowerOffice Go: "): c for c in system.check()}


def test_all_checks_pass_where_everything_is_granted() -> None:
    checks = check(Answer(200, INFO), Answer(204))
    assert list(checks) == ["keys", "integration", "read customers", "privilege Customer_Full"]
    assert all(c.ok for c in checks.values())


@pytest.mark.parametrize(
    ("info", "listing", "token", "failing"),
    [
        (Answer(200, INFO), Answer(204), Answer(400, {"error": "invalid_client"}), "keys"),
        (Answer(200, INFO), Answer(204), Answer(500), "keys"),
        (Answer(401), Answer(401), None, "integration"),
        (Answer(500), Answer(204), None, "integration"),
        (Answer(200, b"<html>"), Answer(204), None, "integration"),
        (Answer(200, INFO), Answer(403), None, "read customers"),
        (Answer(200, INFO), Answer(404), None, "read customers"),
        (Answer(200, {**INFO, "ValidPrivileges": ["Customer"]}), Answer(204), None, "privilege Customer_Full"),
        (Answer(200, {**INFO, "ValidPrivileges": None}), Answer(204), None, "privilege Customer_Full"),
        (
            Answer(200, {**INFO, "ValidPrivileges": [], "InvalidPrivileges": ["Customer_Full"]}),
            Answer(204),
            None,
            "privilege Customer_Full",
        ),
    ],
)
def test_each_check_fails_where_its_thing_is_missing(
    info: Answer, listing: Answer, token: Answer | None, failing: str
) -> None:
    checks = check(info, listing, token)
    assert [name for name, c in checks.items() if not c.ok] == [failing]
    assert checks[failing].remedy or checks[failing].detail
    assert "hemmelig" not in str(checks)
