"""Where the facts end: each guess about the API, one way and the other."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest
from powerofficego_company import ADDRESS, PATCH_TYPE, Company, content, replace

from samklang.simulators.powerofficego.behaviour import GUESSES, SETTINGS

CASES: dict[tuple[str, str], Callable[[Company], None]] = {}


def case(name: str, choice: str) -> Callable[[Callable[[Company], None]], Callable[[Company], None]]:
    """Marks what must hold while a switch stands so; the company has three customers, the second without an address."""

    def keep(check: Callable[[Company], None]) -> Callable[[Company], None]:
        CASES[name, choice] = check
        return check

    return keep


@pytest.mark.parametrize(
    ("name", "choice"), [(name, choice) for name, switch in GUESSES.items() for choice in switch.choices]
)
def test_the_guess_can_be_had_this_way(name: str, choice: str) -> None:
    company = Company(**{name: choice})
    for number in range(3):
        company.customer(ExternalNumber=number, **({"MailAddress": ADDRESS} if number != 1 else {}))
    CASES[name, choice](company)


def test_every_guess_has_two_ways_and_the_default_is_one_of_them() -> None:
    assert all(len(switch.choices) == 2 and switch.default in switch.choices for switch in GUESSES.values())
    assert CASES.keys() == {(name, choice) for name, switch in GUESSES.items() for choice in switch.choices}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_can_be_set_when_it_starts(name: str) -> None:
    value = {"privileges": []}.get(name, 7 if isinstance(SETTINGS[name].default, int | float) else "other")
    company = Company()
    assert company.simulator.switches({name: value})[name] == value


def first(company: Company) -> str:
    return f"/Customers/{company.ids('/Customers', OrderBy='Id')[0]}"


@case("page_size_above_maximum", "clamped")
def _(company: Company) -> None:
    header = orjson.loads(company.call("GET", "/Customers", PageSize="20001").headers["X-Pagination"])
    assert header["pageSize"] == 20_000


@case("page_size_above_maximum", "refused")
def _(company: Company) -> None:
    assert company.call("GET", "/Customers", PageSize="20000").status == 200
    assert company.refused("GET", "/Customers", PageSize="20001")[:2] == (400, "Invalid resourceParameter")


@case("pagination_header", "present")
def _(company: Company) -> None:
    assert orjson.loads(company.call("GET", "/Customers").headers["X-Pagination"])["totalCount"] == 3


@case("pagination_header", "absent")
def _(company: Company) -> None:
    assert "X-Pagination" not in company.call("GET", "/Customers").headers


@case("page_past_the_end", "no_content")
def _(company: Company) -> None:
    answer = company.call("GET", "/Customers", PageNumber="2")
    assert (answer.status, answer.body) == (204, b"")


@case("page_past_the_end", "empty_array")
def _(company: Company) -> None:
    answer = company.call("GET", "/Customers", PageNumber="2")
    assert (answer.status, answer.body) == (200, b"[]")
    assert company.call("GET", "/Products").status == 204


@case("unselected_fields", "absent")
def _(company: Company) -> None:
    assert set(company.good("GET", "/Customers", Fields="Id")[0]) == {"Id"}


@case("unselected_fields", "null")
def _(company: Company) -> None:
    row = company.good("GET", "/Customers", Fields="Id")[0]
    assert row["Id"] > 0
    assert row["FirstName"] is None
    assert len(row) == 51


@case("nested_fields", "refused")
def _(company: Company) -> None:
    assert company.call("GET", "/Customers", Fields="Id,MailAddress.City").status == 400


@case("nested_fields", "accepted")
def _(company: Company) -> None:
    rows = company.good("GET", "/Customers", Fields="Id,MailAddress.City,mailaddress.zipcode")
    assert [row["MailAddress"] for row in rows] == [
        {"City": "Oslo", "ZipCode": "0155"},
        None,
        {"City": "Oslo", "ZipCode": "0155"},
    ]
    assert company.call("GET", "/Customers", Fields="MailAddress.Colour").status == 400
    assert company.call("GET", "/Customers", Fields="Name.City").status == 400


@case("unknown_parameters", "ignored")
def _(company: Company) -> None:
    assert len(company.ids("/Customers", colour="blue")) == 3


@case("unknown_parameters", "refused")
def _(company: Company) -> None:
    assert company.call("GET", "/Customers", colour="blue").status == 400
    assert company.call("GET", "/Customers", PageSize="5", OrderBy="Id", emailAddresses="").status == 200


@case("long_urls", "not_found")
def _(company: Company) -> None:
    assert company.call("GET", "/Customers", externalNos=",".join(["1"] * 480)).status == 200
    assert company.call("GET", "/Customers", externalNos=",".join(["1"] * 500)).status == 404


@case("long_urls", "accepted")
def _(company: Company) -> None:
    assert len(company.ids("/Customers", externalNos=",".join(["1"] * 500))) == 1


@case("newer_filters", "present")
def _(company: Company) -> None:
    assert company.ids("/Customers", emailAddresses="nobody@example.no") == []


@case("newer_filters", "absent")
def _(company: Company) -> None:
    assert len(company.ids("/Customers", emailAddresses="nobody@example.no")) == 3
    company.simulator.switches({"unknown_parameters": "refused"})
    assert company.call("GET", "/Customers", emailAddresses="nobody@example.no").status == 400


@case("default_order", "by_id")
def _(company: Company) -> None:
    assert company.ids("/Customers") == company.ids("/Customers", OrderBy="Id")


@case("default_order", "newest_first")
def _(company: Company) -> None:
    assert company.ids("/Customers") == company.ids("/Customers", OrderBy="Id desc")


@case("error_names", "lower")
def _(company: Company) -> None:
    assert set(content(company.call("GET", "/Customers/5"))) == {"type", "title", "status", "detail"}


@case("error_names", "pascal")
def _(company: Company) -> None:
    assert set(content(company.call("GET", "/Customers/5"))) == {"Type", "Title", "Status", "Detail"}


@case("problem_details", "present")
def _(company: Company) -> None:
    assert company.refused("GET", "/Customers/5")[0] == 404


@case("problem_details", "absent")
def _(company: Company) -> None:
    answer = company.call("GET", "/Customers/5")
    assert (answer.status, answer.body) == (404, b"")


@case("retry_after", "present")
def _(company: Company) -> None:
    company.simulator.switches({"requests_per_second": 1})
    assert [company.call("GET", "/Customers").headers.get("Retry-After") for _ in range(2)] == [None, "1"]


@case("retry_after", "absent")
def _(company: Company) -> None:
    company.simulator.switches({"requests_per_second": 1})
    company.call("GET", "/Customers")
    refused = company.call("GET", "/Customers")
    assert (refused.status, "Retry-After" in refused.headers) == (429, False)


@case("test_operation", "enforced")
def _(company: Company) -> None:
    operations = [{"op": "test", "path": "/FirstName", "value": "Anne"}, replace("/FirstName", "Ida")]
    assert company.refused("PATCH", first(company), operations)[0] == 400


@case("test_operation", "ignored")
def _(company: Company) -> None:
    changed = company.patch(
        first(company), {"op": "test", "path": "/FirstName", "value": "Anne"}, replace("/FirstName", "Ida")
    )
    assert changed["FirstName"] == "Ida"
    assert company.call("PATCH", first(company), [{"op": "test", "path": "/Nope", "value": "x"}]).status == 400


def patch_statuses(company: Company) -> list[int]:
    kinds = (PATCH_TYPE, f"{PATCH_TYPE}; charset=utf-8", "application/json", "text/plain", "")
    return [company.call("PATCH", first(company), [replace("/FirstName", "Ida")], kind or " ").status for kind in kinds]


@case("patch_content_type", "lenient")
def _(company: Company) -> None:
    assert patch_statuses(company) == [200, 200, 200, 415, 415]


@case("patch_content_type", "strict")
def _(company: Company) -> None:
    assert patch_statuses(company) == [200, 200, 415, 415, 415]


@case("patch_path_case", "insensitive")
def _(company: Company) -> None:
    changed = company.patch(first(company), replace("/firstname", "Ida"), replace("/mailAddress/city", "Moss"))
    assert (changed["FirstName"], changed["MailAddress"]["City"]) == ("Ida", "Moss")


@case("patch_path_case", "ignored_unless_pascal")
def _(company: Company) -> None:
    operations = [
        replace("/firstName", "Ida"),
        replace("/MailAddress/city", "Moss"),
        {"op": "copy", "from": "/firstName", "path": "/LegalName"},
        replace("/LastName", "Li"),
    ]
    changed = company.patch(first(company), *operations)
    assert (changed["Name"], changed["LegalName"], changed["MailAddress"]["City"]) == ("Kari Li", None, "Oslo")


@case("product_code", "unique")
def _(company: Company) -> None:
    made = company.product(Code="A-1")
    refused = company.refused("POST", "/Products", {"Name": "Skål", "Code": "a-1"})
    assert refused == (
        400,
        "Product validation error(s)",
        f"Code is already in use on product with id = {made['Id']}.",
    )
    other = company.product(Name="Skål")
    assert company.refused("PATCH", f"/Products/{other['Id']}", [replace("/Code", "A-1")])[0] == 400


@case("product_code", "free")
def _(company: Company) -> None:
    ids = [company.product(Code="A-1")["Id"], company.product(Name="Skål", Code="a-1")["Id"]]
    assert company.ids("/Products", codes="A-1") == ids
    company.patch(f"/Products/{ids[0]}", {"op": "remove", "path": "/Code"})
    assert company.ids("/Products", codes="A-1") == ids[1:]


def dates(company: Company) -> set[str]:
    made = company.customer(DateOfBirth="1980-02-29")
    path = f"/Customers/{made['Id']}"
    seen = [made, company.good("GET", path), company.good("GET", "/Customers")[-1], company.patch(path)]
    seen += [company.good("GET", "/Customers", Fields="DateOfBirth")[-1], company.simulator.state()["customers"][-1]]
    return {row["DateOfBirth"] for row in seen}


@case("dates", "date")
def _(company: Company) -> None:
    assert dates(company) == {"1980-02-29"}


@case("dates", "date_time")
def _(company: Company) -> None:
    assert dates(company) == {"1980-02-29T00:00:00"}


@case("address_country", "defaulted")
def _(company: Company) -> None:
    assert company.customer(MailAddress=ADDRESS)["MailAddress"]["CountryCode"] == "NO"


@case("address_country", "empty")
def _(company: Company) -> None:
    assert company.customer(MailAddress=ADDRESS)["MailAddress"]["CountryCode"] is None
