"""Refusals in the words of the sheet: its table of errors, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from powerofficego_company import PERSON, Company, content, replace

# case: method, path, body, query -> code, title, detail; {} is the customer that is there
CASES: dict[str, tuple[str, str, Any, dict[str, str], int, str, str]] = {
    "GET unknown customer": (
        "GET", "/Customers/12345", None, {}, 404, "Object(s) not found", "Customer with id = 12345 not found.",
    ),
    "PATCH unknown customer": (
        "PATCH", "/Customers/12345", [], {}, 404, "Object(s) not found", "Customer with id = 12345 not found.",
    ),
    "DELETE unknown customer": (
        "DELETE", "/Customers/12345", None, {}, 404, "Object(s) not found", "Customer with id = 12345 not found.",
    ),
    "duplicate ExternalImportReference": (
        "POST", "/Customers", {**PERSON, "ExternalImportReference": "ABC123"}, {}, 400, "Customer validation error(s)",
        "ExternalImportReference is already in use. 'ABC123' is used on (contact) Id = {}.",
    ),
    "unknown DepartmentCode": (
        "POST", "/Customers", {**PERSON, "DepartmentCode": "Avdeling10"}, {}, 404, "Customer validation error(s)",
        "Department with code = 'Avdeling10' not found.",
    ),
    "DELETE in use": (
        "DELETE", "/Customers/{}", None, {}, 409, "Customer conflict",
        "Customer with id = {} is in use and cannot be deleted.",
    ),
    "bad contactGroupIds": (
        "GET", "/Customers", None, {"contactGroupIds": "1-5"}, 400, "Unable to cast object(s)",
        "contactGroupIds contains negative numbers and/or range of numbers. '-' is not allowed, only comma ',' "
        "separated single positive numbers are allowed.",
    ),
    "unknown contactGroupIds": (
        "GET", "/Customers", None, {"contactGroupIds": "41, 41345, 21445"}, 404, "Object(s) not found",
        "Could not find contact group(s) with id = 41345, 21445.",
    ),
    "bad Fields": (
        "GET", "/Customers", None, {"Fields": "Id;Name"}, 400, "Invalid resourceParameter",
        "Fields property in resourceParameter is not formatted correct.",
    ),
    "PATCH unknown path": (
        "PATCH", "/Customers/{}", [replace("/addressLine3", "x")], {}, 400, "Customer validation error(s)",
        "CustomerPatchDto: The target location specified by path segment 'addressLine3' was not found.",
    ),
    "PATCH bad value": (
        "PATCH", "/Customers/{}", [replace("/IsArchived", "bogus")], {}, 400, "Customer validation error(s)",
        "CustomerPatchDto: The value 'bogus' is invalid for target location.",
    ),
    "POST without a body": (
        "POST", "/Customers", None, {}, 400, "Customer validation error(s)", "Customer object is missing.",
    ),
    "unknown product": (
        "GET", "/Products/5", None, {}, 404, "Object(s) not found", "Product with id = 5 not found.",
    ),
}  # fmt: skip
IN_THE_SHEET = {
    "Customer with id = 12345 not found.",
    "ExternalImportReference is already in use. 'ABC123' is used on (contact) Id = 123456789.",
    "Department with code = 'Avdeling10' not found.",
    "Customer with id = 12345 is in use and cannot be deleted.",
    "contactGroupIds contains negative numbers and/or range of numbers.",
    "Could not find contact group(s) with id = 41345, 21445.",
    "Fields property in resourceParameter is not formatted correct.",
    "PatchDto: The target location specified by path segment 'x' was not found.",
    "The value 'bogus' is invalid for target location.",
    "object is missing.",
    "Rate limit is exceeded. Try again in 1 seconds.",
    "The country code UK is not valid according to ISO 3166-1.",
    "(Enums is not allowed to be represented as integers).",
}


@pytest.mark.parametrize("case", CASES)
def test_refusals_have_the_code_the_title_and_the_words_of_the_sheet(case: str) -> None:
    method, path, body, query, code, title, detail = CASES[case]
    company = Company()
    customer = company.customer(ExternalImportReference="ABC123")["Id"]
    company.ledger.in_use.add(customer)
    answer = company.call(method, path.format(customer), body, **query)
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert answer.status == code
    assert content(answer) == {
        "type": "about:blank",
        "title": title,
        "status": code,
        "detail": detail.format(customer),
    }


def test_the_words_are_still_those_of_the_sheet(shared_apis: Path) -> None:
    sheet = (shared_apis / "poweroffice.md").read_text(encoding="utf-8")
    assert [words for words in IN_THE_SHEET if words not in sheet] == []
