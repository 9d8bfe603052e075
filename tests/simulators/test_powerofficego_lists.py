"""Lists: paging, order, selection and filters."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from powerofficego_company import Company, content, replace

CAST = "Unable to cast object(s)"
PARAMETER = "Invalid resourceParameter"


def pagination(company: Company, path: str = "/Customers", **query: str) -> dict[str, Any]:
    header: dict[str, Any] = orjson.loads(company.call("GET", path, **query).headers["X-Pagination"])
    return header


def filled(count: int) -> Company:
    """A company with so many customers and nothing else."""
    company = Company()
    for number in range(count):
        company.customer(FirstName=f"Kari {number}", ExternalImportReference=f"ref-{number}")
    return company


# --- pages


def test_nothing_is_a_204_without_a_body() -> None:
    for path in ("/Customers", "/Products"):
        answer = Company().call("GET", path)
        assert (answer.status, answer.body) == (204, b"")


def test_pages_are_numbered_from_one_and_together_are_everything_once() -> None:
    company = filled(7)
    pages = [company.ids("/Customers", PageNumber=str(number), PageSize="3") for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [*pages[0], *pages[1], *pages[2]] == company.ids("/Customers")
    assert company.call("GET", "/Customers", PageNumber="4", PageSize="3").status == 204


def test_a_page_has_5000_rows_unless_told_otherwise_and_20000_at_most() -> None:
    company = Company(records=20_500)
    total = len(company.ledger.objects["products"])
    assert total == 20_500
    assert [len(company.ids("/Products", PageSize=size)) for size in ("", "20000", "50000")] == [5_000, 20_000, 20_000]
    assert len(company.ids("/Products", PageSize="50000", PageNumber="2")) == 500
    assert pagination(company, "/Products")["pageSize"] == 5_000


@pytest.mark.parametrize("query", [{"PageNumber": "0"}, {"PageSize": "0"}, {"PageSize": "-1"}, {"PageNumber": "²"}])
def test_pages_that_cannot_be_are_refused(query: dict[str, str]) -> None:
    assert Company(records=1).refused("GET", "/Customers", **query)[:2] == (400, PARAMETER)


def test_the_names_of_parameters_know_no_case() -> None:
    assert len(filled(3).ids("/Customers", pagesize="2", orderby="Id desc")) == 2


def test_the_header_counts_and_links_to_the_pages_around_with_the_same_filters() -> None:
    company = filled(5)
    query = {"PageSize": "2", "OrderBy": "Id", "customerNos": "10000-", "Fields": "Id,Name"}
    first, middle, last = (pagination(company, PageNumber=str(number), **query) for number in (1, 2, 3))
    assert {name: middle[name] for name in ("totalCount", "pageSize", "currentPage", "totalPages")} == {
        "totalCount": 5,
        "pageSize": 2,
        "currentPage": 2,
        "totalPages": 3,
    }
    assert (first["previousPageLink"], last["nextPageLink"]) == ("", "")
    parts = urlsplit(middle["nextPageLink"])
    assert (parts.netloc, parts.path) == ("127.0.0.1:9101", "/v2/Customers")
    following = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert following == {**query, "PageNumber": "3"}
    assert company.good("GET", "/Customers", **following) == company.good("GET", "/Customers", PageNumber="3", **query)


# --- order


def test_rows_are_ordered_by_several_fields_each_way() -> None:
    company = Company()
    for last_name, number in (("B", 2), ("A", 1), ("B", 1)):
        company.customer(LastName=last_name, ExternalNumber=number * 10 + ord(last_name))
    company.customer(LastName="A")

    def order(by: str) -> list[Any]:
        rows = company.good("GET", "/Customers", OrderBy=by)
        return [(row["LastName"], row["ExternalNumber"]) for row in rows]

    assert order("LastName asc, ExternalNumber desc") == [("A", 75), ("A", None), ("B", 86), ("B", 76)]
    assert order("lastname DESC,externalnumber") == [("B", 76), ("B", 86), ("A", None), ("A", 75)]
    assert order("Id desc") == order("Id")[::-1]


@pytest.mark.parametrize("order", ["Colour", "Id sideways", "MailAddress", "ContactGroupIds", "Id,,Name"])
def test_an_order_that_cannot_be_is_refused(order: str) -> None:
    assert Company(records=2).refused("GET", "/Customers", OrderBy=order)[:2] == (400, PARAMETER)


# --- fields


def test_only_the_fields_asked_for_are_shown() -> None:
    company = filled(2)
    (row, _) = company.good("GET", "/Customers", Fields="Id, name")
    assert set(row) == {"Id", "Name"}
    assert "FirstName" in company.good("GET", f"/Customers/{row['Id']}", Fields="Id")  # no Fields on one (sheet 2)


@pytest.mark.parametrize("fields", ["Colour", "Id,,Name", "Id;Name", "MailAddress.City"])
def test_fields_that_do_not_exist_are_refused_in_the_words_of_the_api(fields: str) -> None:
    assert filled(1).refused("GET", "/Customers", Fields=fields) == (
        400,
        PARAMETER,
        "Fields property in resourceParameter is not formatted correct.",
    )


# --- filters


def test_changes_are_asked_for_by_a_time_that_is_itself_left_out() -> None:
    company = filled(3)
    clocks = [row["LastChangedDateTimeOffset"] for row in company.good("GET", "/Customers")]
    ids = company.ids("/Customers")
    by = "lastChangedDateTimeOffsetGreaterThan"
    assert company.ids("/Customers", **{by: clocks[1]}) == ids[2:]
    assert company.ids("/Customers", **{by: clocks[1].replace("T", " ").replace("Z", " -00:00")}) == ids[2:]
    assert company.ids("/Customers", **{by: clocks[1].removesuffix("Z")}) == ids[2:]
    assert company.ids("/Customers", **{by: f"{clocks[1][:-2]}Z"}) == ids[1:]  # six digits: the row itself comes again
    assert company.ids("/Customers", **{by: "2026-11-23T13:00:00.1234560+01:00"}) == ids[1:]
    assert company.ids("/Customers", **{by: clocks[2]}) == []
    company.patch(f"/Customers/{ids[0]}", replace("/PhoneNumber", "1"))
    assert company.ids("/Customers", **{by: clocks[2]}) == ids[:1]


def test_new_customers_and_new_products_are_asked_for_under_different_names() -> None:
    company = filled(2)
    first, second = company.good("GET", "/Customers")
    created = first["CustomerCreatedDateTimeOffset"]
    by_customer = {"customerCreatedDateTimeOffsetGreaterThan": created}
    assert company.ids("/Customers", **by_customer) == [second["Id"]]
    # the name that products have is none of customers', and is passed over like any other
    assert len(company.ids("/Customers", createdDateTimeOffsetGreaterThan=created)) == 2
    product = company.product()
    other = company.product(Name="Skål")
    created = product["CreatedDateTimeOffset"]
    assert company.ids("/Products", createdDateTimeOffsetGreaterThan=created) == [other["Id"]]
    assert len(company.ids("/Products", customerCreatedDateTimeOffsetGreaterThan=created)) == 2
    assert len(company.ids("/ProductGroups", createdDateTimeOffsetGreaterThan="2020-01-01")) == 5


def test_changed_stock_is_asked_for_by_its_own_clock() -> None:
    company = Company()
    plain = company.product()
    stocked = company.product(Name="Skål", IsStockItem=True, StockOnHand=4)
    by = "stockOnHandLastChangedDatetimeOffsetGreaterThan"
    assert company.ids("/Products", **{by: plain["CreatedDateTimeOffset"]}) == [stocked["Id"]]
    company.patch(f"/Products/{stocked['Id']}", replace("/StockOnHand", 5))
    since = stocked["StockOnHandLastChangedDatetimeOffset"]
    assert company.ids("/Products", **{by: since}) == [stocked["Id"]]
    assert company.ids("/Products", lastChangedDateTimeOffsetGreaterThan=since) == []


@pytest.mark.parametrize("text", ["i går", "2026-13-01", "2026-11-23T12:00:00 00:00"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    # the last one is what an unencoded + becomes
    company = Company(records=1)
    assert company.call("GET", "/Customers", lastChangedDateTimeOffsetGreaterThan=text).status == 400


def test_a_customer_is_found_by_its_one_reference() -> None:
    company = filled(3)
    ids = company.ids("/Customers")
    assert company.ids("/Customers", externalImportReference="ref-1") == ids[1:2]
    assert company.ids("/Customers", externalImportReference="REF-1") == []
    assert company.ids("/Customers", externalImportReference="ref-1,ref-2") == []
    assert company.ids("/Customers", externalImportReference=" ") == ids


def test_customers_are_found_by_numbers_and_ranges() -> None:
    company = Company()
    ids = [company.customer(Number=number, ExternalNumber=number)["Id"] for number in (10_000, 10_500, 12_000, 13_001)]
    for name in ("customerNos", "externalNos"):
        assert company.ids("/Customers", **{name: "10000-10500, 13000-"}) == [ids[0], ids[1], ids[3]]
        assert company.ids("/Customers", **{name: "12000"}) == [ids[2]]
        for wrong in ("12000;13000", "-5", "a", "5-a"):
            assert company.refused("GET", "/Customers", **{name: wrong})[:2] == (400, CAST)


def test_customers_are_found_by_contact_groups() -> None:
    company = Company()
    one = company.customer(ContactGroupIds=[41])["Id"]
    both = company.customer(ContactGroupIds=[42, 41])["Id"]
    company.customer()
    assert company.ids("/Customers", contactGroupIds="41") == [one, both]
    assert company.ids("/Customers", contactGroupIds="42") == [both]
    assert company.ids("/Customers", contactGroupIds="41, 42") == [one, both]


def test_newer_filters_find_customers_by_what_they_say() -> None:
    company = Company()
    company.customer()
    found = company.customer(EmailAddress="Kari@example.no", PhoneNumber="22 33")["Id"]
    other = company.customer(EmailAddress="ola@example.no")["Id"]
    firm = company.customer(IsPerson=False, Name="Berg AS", OrganizationNumber="980386465")["Id"]
    assert company.ids("/Customers", emailAddresses="kari@example.no,ola@example.no,") == [found, other]
    assert company.ids("/Customers", phoneNumbers="22 33") == [found]
    assert company.ids("/Customers", organizationNumbers="980386465") == [firm]


def test_products_are_found_by_code_name_group_and_kind() -> None:
    company = Company()
    cup = company.product(Code="HUS-1", ProductGroupCode="300")["Id"]
    bowl = company.product(Name="Skål", Code="HUS-2", ProductGroupCode="300", ProductType="Service")["Id"]
    bare = company.product(Name="Uten kode")["Id"]
    assert company.ids("/Products", codes="hus-2,HUS-1,") == [cup, bowl]
    assert company.ids("/Products", codes="HUS-2", names="kopp") == []
    assert company.ids("/Products", codes="HUS") == []
    assert company.ids("/Products", names="skål") == [bowl]
    assert company.ids("/Products", productGroupCodes="300") == [cup, bowl]
    assert company.ids("/Products", type="service") == [bowl]
    assert company.ids("/Products", type="Product") == [cup, bare]
    assert company.call("GET", "/Products", type="thing").status == 400
    assert company.ids("/ProductGroups", codes="300,400") == company.ids("/ProductGroups", names="Hus og hjem,Bøker")


def test_archived_products_are_listed_unless_left_out() -> None:
    company = Company()
    kept, archived = company.product()["Id"], company.product(Name="Skål", IsArchived=True)["Id"]
    assert company.ids("/Products") == [kept, archived]
    assert company.ids("/Products", isArchived="false") == [kept]
    assert company.ids("/Products", isArchived="True") == [archived]
    assert company.call("GET", "/Products", isArchived="maybe").status == 400


def test_archived_customers_are_listed_and_there_is_no_such_filter() -> None:
    company = Company()
    company.customer()
    company.customer(IsArchived=True)
    assert [row["IsArchived"] for row in company.good("GET", "/Customers", isArchived="false")] == [False, True]


def test_a_lookup_among_changed_and_deleted_products_is_up_to_date() -> None:
    company = Company()
    product = company.product(Code="A-1")["Id"]
    company.patch(f"/Products/{product}", replace("/Code", "B-1"))
    assert (company.ids("/Products", codes="A-1"), company.ids("/Products", codes="b-1")) == ([], [product])
    assert company.product(Name="Skål", Code="A-1")["Code"] == "A-1"
    company.call("DELETE", f"/Products/{product}")
    assert company.ids("/Products", codes="B-1") == []
    assert company.product(Name="Fat", Code="B-1")["Code"] == "B-1"


def test_parameters_with_a_dollar_are_refused() -> None:
    for name in ("$top", "$skip", "$filter"):
        assert Company(records=1).call("GET", "/Customers", **{name: "1"}).status == 400


def test_an_object_of_a_list_is_the_object_that_is_got_alone() -> None:
    company = Company(records=20)
    for path in ("/Customers", "/Products", "/ProductGroups"):
        for row in company.good("GET", path):
            assert content(company.call("GET", f"{path}/{row['Id']}")) == row


# --- the replica


def test_reads_show_what_was_there_a_moment_ago_and_writes_are_answered_at_once() -> None:
    company = Company(replica_lag_seconds=2.0)
    number = company.customer()["Id"]
    path = f"/Customers/{number}"
    assert company.call("GET", path).status == 404
    assert company.ids("/Customers") == []
    company.pass_time(2.0)
    assert company.good("GET", path)["LastName"] == "Nordmann"
    assert company.patch(path, replace("/LastName", "Lie"))["LastName"] == "Lie"
    company.pass_time(1.9)
    assert company.good("GET", path)["LastName"] == "Nordmann"
    company.pass_time(0.1)
    assert [row["LastName"] for row in company.good("GET", "/Customers")] == ["Lie"]
    assert company.call("DELETE", path).status == 200
    assert company.ids("/Customers") == [number]
    company.pass_time(2.0)
    assert company.ids("/Customers") == []


def test_a_filter_does_not_find_what_reads_do_not_show_yet() -> None:
    company = Company(replica_lag_seconds=2.0)
    number = company.customer(ExternalImportReference="shopify:1:2")["Id"]
    assert company.ids("/Customers", externalImportReference="shopify:1:2") == []
    company.pass_time(2.0)
    assert company.ids("/Customers", externalImportReference="shopify:1:2") == [number]
