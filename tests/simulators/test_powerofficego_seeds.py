"""Fresh data: believable, the same for the same seed, and the same person whatever the size."""

from __future__ import annotations

import re
from typing import Any

from powerofficego_company import Company

from samklang.simulators.people import person

Rows = list[dict[str, Any]]


def customers(company: Company) -> Rows:
    rows: Rows = company.good("GET", "/Customers", PageSize="20000")
    return rows


def test_the_same_seed_gives_the_same_company_and_another_seed_another() -> None:
    one, same, other = Company(50).simulator, Company(50).simulator, Company(50, seed=2).simulator
    assert one.state() == same.state()
    assert one.state() != other.state()


def test_a_person_is_the_same_in_a_larger_company() -> None:
    said = ("FirstName", "LastName", "EmailAddress", "PhoneNumber", "DateOfBirth")
    small, large = (
        [tuple(row[name] for name in said) for row in customers(Company(records)) if row["IsPerson"]]
        for records in (100, 400)
    )
    assert small == large[: len(small)]


def test_customers_are_of_every_kind() -> None:
    rows = customers(Company(2_000))
    people = [row for row in rows if row["IsPerson"]]
    firms = [row for row in rows if not row["IsPerson"]]
    assert 2_000 <= len(people) < 2_060
    assert len(firms) > 80
    assert all(row["Name"] and row["OrganizationNumber"] for row in firms)
    assert any(not row["IsActive"] and not row["IsArchived"] for row in firms)  # suppliers
    assert any(row["IsArchived"] for row in people)
    assert any(row["MailAddress"] is None for row in people)
    assert {"NO", "SE", "DE"} <= {row["MailAddress"]["CountryCode"] for row in people if row["MailAddress"]}
    assert any(row["ContactGroupIds"] for row in people)
    emails = [row["EmailAddress"] for row in people if row["EmailAddress"]]
    assert len({email.strip().lower() for email in emails}) < len(emails)
    assert any(";" in email for email in emails)
    assert any(email != email.strip() for email in emails)
    phones = [row["PhoneNumber"] for row in people]
    assert {"ukjent", None} <= set(phones)
    assert any("(kveld)" in (phone or "") for phone in phones)


def test_products_are_of_every_kind() -> None:
    rows = Company(1_000).good("GET", "/Products")
    assert len(rows) == 1_000
    for name in ("Code", "UnitPrice", "Gtin", "UnitCost"):
        assert any(row[name] is None for row in rows)
        assert sum(row[name] is not None for row in rows) > 600
    assert any(row["IsArchived"] for row in rows)
    assert all((row["StockOnHand"] is not None) == row["IsStockItem"] for row in rows)
    assert any(row["IsStockItem"] for row in rows)
    assert len({row["ProductGroupCode"] for row in rows}) == 5


def test_most_persons_still_say_what_the_other_system_says() -> None:
    rows = [row for row in customers(Company(1_000)) if row["IsPerson"]]
    clean = {who.email: who for who in (person(1, number) for number in range(1_000))}
    same = [row for row in rows if (row["EmailAddress"] or "").strip().lower() in clean]
    assert len(same) > 0.94 * len(rows)
    assert sum(row["LastName"] == clean[row["EmailAddress"].strip().lower()].last_name for row in same) > 0.95 * len(
        same
    )


def test_histories_end_two_days_before_and_run_in_the_order_of_ids() -> None:
    company = Company(500)
    for path in ("/Customers", "/Products"):
        stamps = [row["LastChangedDateTimeOffset"] for row in company.good("GET", path)]
        assert stamps == sorted(stamps)
        assert stamps[0] < "2024-07"
        assert "2026-11" < stamps[-1] < "2026-11-21T12:00:00"
        assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{7}Z", stamp) for stamp in stamps)


def test_some_customers_and_products_are_in_use() -> None:
    company = Company(300)
    for path in ("/Customers", "/Products"):
        statuses = [company.call("DELETE", f"{path}/{number}").status for number in company.ids(path)]
        assert set(statuses) == {200, 409}
