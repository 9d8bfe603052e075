"""Large companies are quick: nothing that is asked of one record looks at all of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from powerofficego_company import ADDRESS, PERSON, Company, replace

LARGE = 10_000


def processor_seconds(task: Callable[[], object]) -> float:
    started = time.process_time()
    task()
    return time.process_time() - started


@pytest.fixture(scope="module")
def large() -> Company:
    return Company(LARGE)


def make_customer(company: Company, number: int) -> None:
    company.customer(ExternalImportReference=f"shopify:1:{number}", ExternalNumber=number, MailAddress=ADDRESS)


def make_product(company: Company, number: int) -> None:
    company.product(Code=f"X-{number}")


def find_customer(company: Company, number: int) -> None:
    assert company.ids("/Customers", externalImportReference=f"none-{number}") == []


def find_product(company: Company, number: int) -> None:
    assert company.ids("/Products", codes=f"none-{number}") == []


def patch_customer(company: Company, number: int) -> None:
    path = f"/Customers/{next(reversed(company.ledger.objects['customers']))}"
    company.patch(path, replace("/ExternalImportReference", f"shopify:2:{number}"))


@pytest.mark.parametrize("task", [make_customer, make_product, find_customer, find_product, patch_customer])
def test_a_record_costs_the_same_in_a_large_company_as_in_a_small_one(
    task: Callable[[Company, int], None], large: Company
) -> None:
    small = Company()
    small.good("POST", "/Customers", PERSON)

    def seconds(company: Company, turn: int) -> float:
        return processor_seconds(lambda: [task(company, turn * 200 + number) for number in range(200)])

    # a scan of all records would be 20 times slower and more
    assert min(seconds(large, turn) for turn in range(3)) < 5 * min(seconds(small, turn) for turn in range(3)) + 0.02


def test_ten_thousand_records_are_made_in_about_a_second() -> None:
    assert processor_seconds(lambda: Company(LARGE)) < 2


def test_a_page_of_ten_thousand_with_chosen_fields_takes_a_fraction_of_a_second(large: Company) -> None:
    fields = "Id,IsPerson,IsArchived,LastChangedDateTimeOffset,FirstName,LastName,EmailAddress,PhoneNumber,MailAddress"

    def read() -> None:
        assert len(large.good("GET", "/Customers", PageSize="20000", OrderBy="Id", Fields=fields)) > LARGE

    assert min(processor_seconds(read) for _ in range(3)) < 0.5
