"""What is written to PowerOffice Go, and what becomes of it when the server or somebody else minds."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from go import (
    CUSTOMER,
    CUSTOMER_FIELDS,
    ENFORCED,
    HOME,
    Go,
    Records,
    customer,
    make_customers,
    not_found,
    problem,
    read_one,
    update,
)
from scripted import Answer

from samklang.errors import AccessError, TemporaryError, UnclearError
from samklang.systems.base import Change, Creation, Outcome, Update
from samklang.systems.powerofficego import PowerOfficeGoCustomers
from samklang.systems.powerofficego.writing import TEST_ENFORCED

# --- creating


VALUES = {"FirstName": "Ola", "LastName": "Hansen", "EmailAddress": "ola@example.no"}
ADDRESS = {"MailAddress.City": "Bergen", "MailAddress.ZipCode": "5003"}


def create(system: Any, values: dict[str, str]) -> Outcome:
    (outcome,) = system.create([Creation(1, "shopify:4242:99", values)])
    return outcome


def test_a_new_customer_is_a_person_with_our_key() -> None:
    system, go = make_customers(Records())
    outcome = create(system, {**VALUES, **ADDRESS})
    assert go.bodies("POST") == [
        {
            "FirstName": "Ola",
            "LastName": "Hansen",
            "EmailAddress": "ola@example.no",
            "MailAddress": {"City": "Bergen", "ZipCode": "5003"},
            "IsPerson": True,
            "ExternalImportReference": "shopify:4242:99",
        }
    ]
    assert outcome.record is not None
    assert outcome.record.key == "shopify:4242:99"
    assert outcome.problems == ()


def test_an_address_without_city_and_zip_code_is_held_and_the_customer_made() -> None:
    system, go = make_customers(Records())
    outcome = create(system, {**VALUES, "MailAddress.City": "Bergen"})
    assert outcome.record is not None
    assert [(p.field, p.code) for p in outcome.problems] == [("MailAddress.City", "missing")]
    assert "MailAddress" not in go.bodies("POST")[0]


def test_a_key_that_is_held_already_is_taken_and_not_made_twice() -> None:
    detail = "ExternalImportReference is already in use. 'shopify:4242:99' is used on (contact) Id = 123."
    system, go = make_customers(Records(refuse=lambda _: problem(detail)))
    outcome = create(system, VALUES)
    assert [(p.field, p.code) for p in outcome.problems] == [(None, "taken")]
    assert outcome.record is None
    assert len(go.sent) == 1


def test_a_key_that_is_held_already_is_taken_even_if_the_server_does_not_say_why() -> None:
    holder = customer(ExternalImportReference="shopify:4242:99")
    system, go = make_customers(Records(holder, refuse=lambda _: Answer(400)))
    outcome = create(system, VALUES)
    assert [(p.field, p.code) for p in outcome.problems] == [(None, "taken")]
    assert len(go.bodies("POST")) == 1


def test_a_refused_value_is_left_out_and_the_customer_made() -> None:
    records = Records(refuse=lambda b: problem("EmailAddress is not valid.") if "EmailAddress" in b else None)
    system, go = make_customers(records)
    outcome = create(system, VALUES)
    assert [(p.field, p.code) for p in outcome.problems] == [("EmailAddress", "invalid")]
    assert outcome.record is not None
    assert len(go.sent) == 2


@pytest.mark.parametrize("detail", ["First name is too long.", "Something is wrong."])
def test_a_customer_that_cannot_be_made_is_a_problem(detail: str) -> None:
    system, go = make_customers(Records(refuse=lambda _: problem(detail)))
    outcome = create(system, VALUES)
    assert outcome.record is None
    assert len(outcome.problems) == 1
    assert len(go.bodies("POST")) == 1


@pytest.mark.parametrize("answer", [requests.ReadTimeout(), Answer(500), Answer(201, b"<html>"), Answer(201, {})])
def test_a_creation_without_a_usable_answer_is_unclear_and_never_repeated(answer: Answer | Exception) -> None:
    system, go = make_customers(Records(refuse=lambda _: answer))
    outcome = create(system, VALUES)
    assert isinstance(outcome.error, UnclearError)
    assert len(go.sent) == 1


def test_once_access_is_refused_nothing_more_is_sent() -> None:
    system, go = make_customers(Records(refuse=lambda _: Answer(403)))
    outcomes = list(system.create([Creation(n, f"shopify:4242:{n}", VALUES) for n in range(20)]))
    assert [type(o.error) for o in outcomes] == [AccessError] * 20
    assert len(go.sent) == 1


# --- updating


def test_an_update_tests_what_was_seen_and_replaces_it() -> None:
    system, go = make_customers(Records(CUSTOMER))
    outcome = update(
        system,
        ("EmailAddress", "kari@example.no", "kari@nordmann.no"),
        ("MailAddress.City", "Oslo", "Bergen"),
        ("PhoneNumber", None, "99887766"),
        ("MailAddress.AddressLine1", "Storgata 1", None),
    )
    assert go.bodies("PATCH") == [
        [
            {"op": "test", "path": "/EmailAddress", "value": "kari@example.no"},
            {"op": "test", "path": "/MailAddress/City", "value": "Oslo"},
            {"op": "test", "path": "/PhoneNumber", "value": None},
            {"op": "test", "path": "/MailAddress/AddressLine1", "value": "Storgata 1"},
            {"op": "replace", "path": "/EmailAddress", "value": "kari@nordmann.no"},
            {"op": "replace", "path": "/MailAddress/City", "value": "Bergen"},
            {"op": "replace", "path": "/PhoneNumber", "value": "99887766"},
            {"op": "replace", "path": "/MailAddress/AddressLine1", "value": None},
        ]
    ]
    assert go.sent[0].headers["content-type"] == "application/json-patch+json"
    assert outcome.record is not None
    assert outcome.record.values["MailAddress.City"] == "Bergen"


def test_a_first_address_is_added_as_a_whole_where_there_is_still_none() -> None:
    system, go = make_customers(Records(customer(MailAddress=None)))
    outcome = update(
        system,
        ("MailAddress.City", None, "Bergen"),
        ("MailAddress.ZipCode", None, "5003"),
        ("PhoneNumber", None, "99887766"),
        facts={"has_address": False},
    )
    assert go.bodies("PATCH") == [
        [
            {"op": "test", "path": "/PhoneNumber", "value": None},
            {"op": "test", "path": "/MailAddress", "value": None},
            {"op": "replace", "path": "/PhoneNumber", "value": "99887766"},
            {"op": "add", "path": "/MailAddress", "value": {"City": "Bergen", "ZipCode": "5003"}},
        ]
    ]
    assert outcome.record is not None
    assert outcome.record.facts == {"has_address": True}


def test_an_address_that_a_human_added_meanwhile_is_not_overwritten() -> None:
    theirs = {**CUSTOMER["MailAddress"], "City": None, "ZipCode": None, "CountryCode": "SE"}
    records = Records(customer(MailAddress=theirs))
    system, _ = make_customers(records)
    outcome = update(
        system,
        ("MailAddress.City", None, "Bergen"),
        ("MailAddress.ZipCode", None, "5003"),
        facts={"has_address": False},
    )
    assert outcome.moved
    assert records.objects[7]["MailAddress"] == theirs


def test_a_first_address_without_city_and_zip_code_is_held_and_the_rest_written() -> None:
    system, _ = make_customers(Records(customer(MailAddress=None)))
    outcome = update(
        system, ("MailAddress.City", None, "Bergen"), ("PhoneNumber", None, "1"), facts={"has_address": False}
    )
    assert [(p.field, p.code) for p in outcome.problems] == [("MailAddress.City", "missing")]
    assert outcome.record is not None
    assert outcome.record.values["PhoneNumber"] == "1"


@pytest.mark.parametrize("enforces", [True, False])
@pytest.mark.parametrize("memory", [{}, {TEST_ENFORCED: "no"}])
def test_a_record_that_moved_is_not_written(enforces: bool, memory: dict[str, str]) -> None:
    records = Records(customer(EmailAddress="new@example.no"), enforces_tests=enforces)
    system, _ = make_customers(records, memory=dict(memory))
    outcome = update(system, ("EmailAddress", "kari@example.no", "x@example.no"), ("PhoneNumber", None, "1"))
    assert outcome.moved
    assert outcome.record is not None
    assert outcome.record.values["EmailAddress"] == "new@example.no"
    assert records.objects[7]["PhoneNumber"] is None


def test_a_server_that_carries_tests_out_is_written_without_reading() -> None:
    memory: dict[str, str] = {}
    records = Records(CUSTOMER, customer(Id=8), customer(Id=9))
    system, go = make_customers(records, memory=memory)
    changes = (Change("PhoneNumber", None, "1"),)
    outcomes = list(system.update([Update(n, str(n), changes, HOME) for n in (7, 8, 9)]))
    assert all(o.record is not None for o in outcomes)
    assert go.calls == [
        "PATCH /Customers/7",  # the probe
        "GET /Customers/7",
        "PATCH /Customers/7",
        "PATCH /Customers/8",
        "PATCH /Customers/9",
    ]
    assert go.bodies("PATCH")[0] == [{"op": "test", "path": "/LastName", "value": "samklang: no record has this value"}]
    assert memory[TEST_ENFORCED] == "yes"


def test_a_server_that_ignores_tests_is_read_before_each_write() -> None:
    memory: dict[str, str] = {}
    system, go = make_customers(Records(CUSTOMER, customer(Id=8), enforces_tests=False), memory=memory)
    changes = (Change("PhoneNumber", None, "1"),)
    list(system.update([Update(n, str(n), changes, HOME) for n in (7, 8)]))
    assert go.calls == [
        "PATCH /Customers/7",  # the probe
        "GET /Customers/7",
        "PATCH /Customers/7",
        "GET /Customers/8",
        "PATCH /Customers/8",
    ]
    assert memory[TEST_ENFORCED] == "no"


def test_a_server_that_refuses_every_test_is_read_before_each_write() -> None:
    def answer(request: Any) -> Any:
        if b'"test"' in request.body:
            return problem("Operation test is not supported.")
        return records(request)

    memory: dict[str, str] = {}
    records = Records(CUSTOMER)
    system, _ = make_customers(answer, memory=memory)
    outcome = update(system, ("PhoneNumber", None, "1"))
    assert outcome.record is not None
    assert memory[TEST_ENFORCED] == "no"
    assert records.objects[7]["PhoneNumber"] == "1"


def test_a_record_that_takes_no_write_proves_nothing_about_tests() -> None:
    memory: dict[str, str] = {}
    system, _ = make_customers(Records(CUSTOMER, refuse=lambda _: problem("This customer is broken.")), memory=memory)
    update(system, ("PhoneNumber", None, "1"))
    assert TEST_ENFORCED not in memory


def test_a_value_that_the_server_compares_in_another_form_is_written_all_the_same() -> None:
    def answer(request: Any) -> Any:
        if b'"test"' in request.body:
            return problem("The current value '1' is not equal to the test value '1'.")
        return records(request)

    records = Records(CUSTOMER)
    system, _ = make_customers(answer)
    assert update(system, ("PhoneNumber", None, "1")).record is not None


def test_a_refused_field_is_held_and_the_others_are_written() -> None:
    records = Records(CUSTOMER, refuse=lambda w: problem("EmailAddress is not valid.") if "EmailAddress" in w else None)
    system, _ = make_customers(records)
    outcome = update(system, ("EmailAddress", "kari@example.no", "x"), ("PhoneNumber", None, "1"))
    assert [(p.field, p.code) for p in outcome.problems] == [("EmailAddress", "invalid")]
    assert outcome.record is not None
    assert outcome.record.values["PhoneNumber"] == "1"
    assert outcome.record.values["EmailAddress"] == "kari@example.no"


def test_a_refusal_that_names_no_field_holds_back_the_culprit_alone() -> None:
    records = Records(CUSTOMER, refuse=lambda w: problem("No.") if "EmailAddress" in w else None)
    system, _ = make_customers(records)
    outcome = update(
        system, ("PhoneNumber", None, "1"), ("EmailAddress", "kari@example.no", "x"), ("FirstName", "Kari", "Karin")
    )
    assert [p.field for p in outcome.problems] == ["EmailAddress"]
    assert outcome.record is not None
    assert outcome.record.values["FirstName"] == "Karin"
    assert outcome.record.values["PhoneNumber"] == "1"


def test_a_refused_single_field_is_a_problem_of_that_field() -> None:
    system, _ = make_customers(Records(CUSTOMER, refuse=lambda _: problem("No.")))
    outcome = update(system, ("PhoneNumber", None, "1"))
    assert outcome.record is None
    assert [p.field for p in outcome.problems] == ["PhoneNumber"]


def test_a_first_address_loses_only_the_line_that_is_refused() -> None:
    def refuse(writes: dict[str, Any]) -> Answer | None:
        address = writes.get("MailAddress") or {}
        return (
            problem("The country code UK is not valid according to ISO 3166-1.") if "CountryCode" in address else None
        )

    system, _ = make_customers(Records(customer(MailAddress=None), refuse=refuse))
    outcome = update(
        system,
        ("MailAddress.City", None, "London"),
        ("MailAddress.ZipCode", None, "N1"),
        ("MailAddress.CountryCode", None, "UK"),
        facts={"has_address": False},
    )
    assert [p.field for p in outcome.problems] == ["MailAddress.CountryCode"]
    assert outcome.record is not None
    assert outcome.record.values["MailAddress.City"] == "London"


GROUPED = [("MailAddress.AddressLine1", "Storgata 1", "x"), ("MailAddress.City", "Oslo", "Bergen")]


@pytest.mark.parametrize("words", ["AddressLine1 is not valid.", "No."])
def test_an_address_of_which_one_line_is_refused_is_left_whole(words: str) -> None:
    address = {"AddressLine1": "Storgata 1", "City": "Oslo", "ZipCode": "0155"}
    records = Records(customer(MailAddress=address), refuse=lambda w: problem(words) if "Line1" in str(w) else None)
    system, _ = make_customers(records)
    changes = (*(Change(*one, "address") for one in GROUPED), Change("PhoneNumber", None, "1"))
    (outcome,) = system.update([Update(1, "7", changes, {"has_address": True})])
    assert "MailAddress.AddressLine1" in [p.field for p in outcome.problems]
    assert outcome.record is not None
    assert outcome.record.values["MailAddress.City"] == "Oslo"
    assert outcome.record.values["PhoneNumber"] == "1"


def test_a_new_customer_of_whose_address_a_line_is_refused_is_made_without_it() -> None:
    def refuse(writes: dict[str, Any]) -> Answer | None:
        address = writes.get("MailAddress") or {}
        return problem("The country code UK is not valid.") if "CountryCode" in address else None

    system, _ = make_customers(Records(refuse=refuse))
    lines = {"MailAddress.City": "London", "MailAddress.ZipCode": "N1", "MailAddress.CountryCode": "UK"}
    values = {"FirstName": "Kari", "LastName": "Lie", **lines}
    creation = Creation(1, "shopify:4242:7", values, groups=dict.fromkeys(lines, "address"))
    (outcome,) = system.create([creation])
    assert outcome.record is not None
    assert outcome.record.values["MailAddress.City"] is None


@pytest.mark.parametrize("memory", [{}, ENFORCED, {TEST_ENFORCED: "no"}])
def test_a_record_that_does_not_exist_any_more_is_gone(memory: dict[str, str]) -> None:
    system, _ = make_customers(lambda _: not_found(), memory=dict(memory))
    assert update(system, ("PhoneNumber", None, "1")).gone


def test_a_reference_that_is_not_found_does_not_make_the_record_gone() -> None:
    detail = "Department with code = 'X' not found."
    system, _ = make_customers(Records(CUSTOMER, refuse=lambda _: problem(detail, status=404)))
    outcome = update(system, ("PhoneNumber", None, "1"))
    assert not outcome.gone
    assert [p.code for p in outcome.problems] == ["not_found"]


@pytest.mark.parametrize("answer", [requests.ReadTimeout(), Answer(502), Answer(200, b"")])
def test_an_update_whose_answer_is_lost_is_unclear_and_does_not_stop_the_others(answer: Answer | Exception) -> None:
    answers = [answer]
    system, _ = make_customers(Records(CUSTOMER, customer(Id=8), refuse=lambda _: answers.pop() if answers else None))
    changes = (Change("PhoneNumber", None, "1"),)
    first, second = system.update([Update(n, str(n), changes, HOME) for n in (7, 8)])
    assert isinstance(first.error, UnclearError)
    assert second.record is not None


def test_a_system_out_of_reach_is_not_asked_for_every_record() -> None:
    system, go = make_customers(lambda _: requests.ConnectTimeout())
    changes = (Change("PhoneNumber", None, "1"),)
    outcomes = list(system.update([Update(n, str(n), changes, HOME) for n in range(100)]))
    assert all(isinstance(o.error, TemporaryError) for o in outcomes)
    assert len(go.sent) < 12


def test_a_value_of_another_type_is_a_problem_and_not_sent() -> None:
    system, go = make_customers(Records(customer(ExternalNumber=5)), ["ExternalNumber"])
    outcome = update(system, ("ExternalNumber", "5", "five"), facts={})
    assert [(p.field, p.code) for p in outcome.problems] == [("ExternalNumber", "invalid")]
    assert go.sent == []


@pytest.mark.parametrize(
    ("name", "before", "after", "sent"),
    [
        ("ExternalNumber", 5, "6", 6),
        ("Allowance", 1.5, "2.25", 2.25),
        ("IsVatFree", False, "true", True),
        ("DateOfBirth", "2003-07-15", "2003-07-16", "2003-07-16"),
    ],
)
def test_numbers_and_truth_values_are_sent_as_such(name: str, before: Any, after: str, sent: Any) -> None:
    system, go = make_customers(Records(customer(**{name: before})), [name])
    expected = read_one(customer(**{name: before}), [name]).values[name]
    outcome = update(system, (name, expected, after), facts={})
    assert go.bodies("PATCH")[0][-1]["value"] == sent
    assert outcome.record is not None
    assert outcome.record.values[name] == after


def test_several_workers_write_everything_once() -> None:
    records = Records(*(customer(Id=n) for n in range(1, 31)))
    go = Go(records)
    system = PowerOfficeGoCustomers(go.client, CUSTOMER_FIELDS, dict(ENFORCED), workers=4)
    changes = (Change("PhoneNumber", None, "1"),)
    outcomes = list(system.update([Update(n, str(n), changes, HOME) for n in range(1, 31)]))
    assert sorted(o.ref for o in outcomes) == list(range(1, 31))
    assert {o["PhoneNumber"] for o in records.objects.values()} == {"1"}
    assert len(go.bodies("PATCH")) == 30
