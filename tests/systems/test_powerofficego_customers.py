"""PowerOffice Go's customers: what is read, and what is written how."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from go import CUSTOMER, Go, Records, not_found, problem
from scripted import Answer

from samklang.core.records import Scope
from samklang.errors import AccessError, ConfigurationError, ProtocolError, TemporaryError, UnclearError
from samklang.systems.base import Change, Creation, Description, Outcome, Update
from samklang.systems.powerofficego import PowerOfficeGoCustomers
from samklang.systems.powerofficego.writing import TEST_ENFORCED

FIELDS = [
    "EmailAddress",
    "MailAddress.AddressLine1",
    "MailAddress.AddressLine2",
    "MailAddress.City",
    "MailAddress.CountryCode",
    "MailAddress.ZipCode",
    "PhoneNumber",
    "FirstName",
    "LastName",
]
HOME = {"has_address": True}
ENFORCED = {TEST_ENFORCED: "yes"}
SHOP = Description("4242", "Shop")


def make(handler: Any, fields: list[str] | None = None, memory: dict[str, str] | None = None) -> tuple[Any, Go]:
    go = Go(handler)
    memory = dict(ENFORCED) if memory is None else memory
    return PowerOfficeGoCustomers(go.client, fields or FIELDS, memory, workers=1), go


def customer(**changes: Any) -> dict[str, Any]:
    return {**CUSTOMER, **changes}


def read_one(dto: dict[str, Any], fields: list[str] | None = None) -> Any:
    system, _ = make(lambda _: Answer(200, [dto], {"X-Pagination": '{"nextPageLink": ""}'}), fields)
    ((record,),) = [page.records for page in system.read_all()]
    return record


def update(system: Any, *changes: tuple[str, str | None, str | None], facts: Any = HOME) -> Outcome:
    (outcome,) = system.update([Update(1, "7", tuple(Change(*c) for c in changes), facts)])
    return outcome


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
    system, _ = make(lambda _: Answer(200, dto), ["EmailAddress", "MailAddress.City", "MailAddress.ZipCode"])
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
        make(None, [name])


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
    system, _ = make(lambda _: Answer(200, dto))
    with pytest.raises(ProtocolError, match="IsPerson"):
        list(system.read_ids(["7"]))


def test_only_what_is_mapped_is_asked_for_and_the_address_as_a_whole() -> None:
    system, go = make(lambda _: Answer(204), ["MailAddress.City", "MailAddress.ZipCode", "WebsiteUrl"])
    list(system.read_all())
    assert go.sent[0].query["Fields"] == [
        "Id,IsPerson,IsActive,IsArchived,CustomerCreatedDateTimeOffset,LastChangedDateTimeOffset,"
        "ExternalImportReference,MailAddress,WebsiteUrl"
    ]


def test_changes_are_read_whole_because_no_filter_sees_an_edited_address() -> None:
    system, go = make(Records(CUSTOMER))
    (page,) = system.read_changes("2026-08-01T00:00:00.0000000Z")
    assert [r.id for r in page.records] == ["7"]
    assert all(not name.startswith("lastChanged") for r in go.sent for name in r.query)


def test_a_few_ids_are_read_one_by_one_and_the_missing_are_gone() -> None:
    system, go = make(Records(CUSTOMER, customer(Id=9)))
    assert sorted(r.id for page in system.read_ids(["7", "8", "9", "7"]) for r in page.records) == ["7", "9"]
    assert sorted(go.calls) == ["GET /Customers/7", "GET /Customers/8", "GET /Customers/9"]


def test_many_ids_are_read_as_one_list() -> None:
    system, go = make(Records(*(customer(Id=n) for n in range(1, 100))))
    wanted = [str(n) for n in range(30, 90)]
    assert [r.id for page in system.read_ids(wanted) for r in page.records] == wanted
    assert set(go.calls) == {"GET /Customers"}


def test_an_answer_for_another_id_is_an_error() -> None:
    system, _ = make(lambda _: Answer(200, customer(Id=8)))
    with pytest.raises(ProtocolError):
        list(system.read_ids(["7"]))


@pytest.mark.parametrize("status", [403, 500])
def test_a_record_that_could_not_be_asked_for_is_not_gone(status: int) -> None:
    system, _ = make(lambda _: Answer(status))
    with pytest.raises((AccessError, TemporaryError)):
        list(system.read_ids(["7"]))


def test_a_404_without_the_systems_own_words_counts_only_where_the_list_is_there() -> None:
    bare = Answer(404, {"statusCode": 404, "message": "Resource not found"})
    system, _ = make(lambda _: bare)
    with pytest.raises(Exception, match="404"):
        list(system.read_ids(["7"]))
    system, _ = make(lambda r: Answer(204) if r.path == "/v2/Customers" else bare)
    assert list(system.read_ids(["7"])) == []


def test_an_id_that_is_no_number_is_never_sent() -> None:
    system, go = make(Records(CUSTOMER))
    with pytest.raises(ConfigurationError):
        list(system.read_ids(["7/../8"]))
    assert go.sent == []


# --- keys


def test_a_key_names_the_shop_and_the_record_there() -> None:
    system, _ = make(None)
    assert system.key_for("99", SHOP, {}) == "shopify:4242:99"
    assert system.key_for("9" * 50, SHOP, {}) is None


def test_only_a_record_that_holds_the_very_key_is_found_by_it() -> None:
    # this server ignores the filter
    holder = customer(Id=8, ExternalImportReference="shopify:4242:99")
    system, go = make(Records(CUSTOMER, holder, customer(Id=9, ExternalImportReference="shopify:4242:990")))
    found = system.find_by_key(["shopify:4242:99", "shopify:4242:1"])
    assert {key: [r.id for r in records] for key, records in found.items()} == {"shopify:4242:99": ["8"]}
    asked = {r.query["externalImportReference"][0] for r in go.sent}
    assert asked == {"shopify:4242:99", "shopify:4242:1"}


# --- creating


VALUES = {"FirstName": "Ola", "LastName": "Hansen", "EmailAddress": "ola@example.no"}
ADDRESS = {"MailAddress.City": "Bergen", "MailAddress.ZipCode": "5003"}


def create(system: Any, values: dict[str, str]) -> Outcome:
    (outcome,) = system.create([Creation(1, "shopify:4242:99", values)])
    return outcome


def test_a_new_customer_is_a_person_with_our_key() -> None:
    system, go = make(Records())
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
    system, go = make(Records())
    outcome = create(system, {**VALUES, "MailAddress.City": "Bergen"})
    assert outcome.record is not None
    assert [(p.field, p.code) for p in outcome.problems] == [("MailAddress.City", "missing")]
    assert "MailAddress" not in go.bodies("POST")[0]


def test_a_key_that_is_held_already_is_taken_and_not_made_twice() -> None:
    detail = "ExternalImportReference is already in use. 'shopify:4242:99' is used on (contact) Id = 123."
    system, go = make(Records(refuse=lambda _: problem(detail)))
    outcome = create(system, VALUES)
    assert [(p.field, p.code) for p in outcome.problems] == [(None, "taken")]
    assert outcome.record is None
    assert len(go.sent) == 1


def test_a_key_that_is_held_already_is_taken_even_if_the_server_does_not_say_why() -> None:
    holder = customer(ExternalImportReference="shopify:4242:99")
    system, go = make(Records(holder, refuse=lambda _: Answer(400)))
    outcome = create(system, VALUES)
    assert [(p.field, p.code) for p in outcome.problems] == [(None, "taken")]
    assert len(go.bodies("POST")) == 1


def test_a_refused_value_is_left_out_and_the_customer_made() -> None:
    records = Records(refuse=lambda b: problem("EmailAddress is not valid.") if "EmailAddress" in b else None)
    system, go = make(records)
    outcome = create(system, VALUES)
    assert [(p.field, p.code) for p in outcome.problems] == [("EmailAddress", "invalid")]
    assert outcome.record is not None
    assert len(go.sent) == 2


@pytest.mark.parametrize("detail", ["First name is too long.", "Something is wrong."])
def test_a_customer_that_cannot_be_made_is_a_problem(detail: str) -> None:
    system, go = make(Records(refuse=lambda _: problem(detail)))
    outcome = create(system, VALUES)
    assert outcome.record is None
    assert len(outcome.problems) == 1
    assert len(go.bodies("POST")) == 1


@pytest.mark.parametrize("answer", [requests.ReadTimeout(), Answer(500), Answer(201, b"<html>"), Answer(201, {})])
def test_a_creation_without_a_usable_answer_is_unclear_and_never_repeated(answer: Answer | Exception) -> None:
    system, go = make(Records(refuse=lambda _: answer))
    outcome = create(system, VALUES)
    assert isinstance(outcome.error, UnclearError)
    assert len(go.sent) == 1


def test_once_access_is_refused_nothing_more_is_sent() -> None:
    system, go = make(Records(refuse=lambda _: Answer(403)))
    outcomes = list(system.create([Creation(n, f"shopify:4242:{n}", VALUES) for n in range(20)]))
    assert [type(o.error) for o in outcomes] == [AccessError] * 20
    assert len(go.sent) == 1


# --- updating


def test_an_update_tests_what_was_seen_and_replaces_it() -> None:
    system, go = make(Records(CUSTOMER))
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
    system, go = make(Records(customer(MailAddress=None)))
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
    system, _ = make(records)
    outcome = update(
        system,
        ("MailAddress.City", None, "Bergen"),
        ("MailAddress.ZipCode", None, "5003"),
        facts={"has_address": False},
    )
    assert outcome.moved
    assert records.objects[7]["MailAddress"] == theirs


def test_a_first_address_without_city_and_zip_code_is_held_and_the_rest_written() -> None:
    system, _ = make(Records(customer(MailAddress=None)))
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
    system, _ = make(records, memory=dict(memory))
    outcome = update(system, ("EmailAddress", "kari@example.no", "x@example.no"), ("PhoneNumber", None, "1"))
    assert outcome.moved
    assert outcome.record is not None
    assert outcome.record.values["EmailAddress"] == "new@example.no"
    assert records.objects[7]["PhoneNumber"] is None


def test_a_server_that_carries_tests_out_is_written_without_reading() -> None:
    memory: dict[str, str] = {}
    records = Records(CUSTOMER, customer(Id=8), customer(Id=9))
    system, go = make(records, memory=memory)
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
    system, go = make(Records(CUSTOMER, customer(Id=8), enforces_tests=False), memory=memory)
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
    system, _ = make(answer, memory=memory)
    outcome = update(system, ("PhoneNumber", None, "1"))
    assert outcome.record is not None
    assert memory[TEST_ENFORCED] == "no"
    assert records.objects[7]["PhoneNumber"] == "1"


def test_a_record_that_takes_no_write_proves_nothing_about_tests() -> None:
    memory: dict[str, str] = {}
    system, _ = make(Records(CUSTOMER, refuse=lambda _: problem("This customer is broken.")), memory=memory)
    update(system, ("PhoneNumber", None, "1"))
    assert TEST_ENFORCED not in memory


def test_a_value_that_the_server_compares_in_another_form_is_written_all_the_same() -> None:
    def answer(request: Any) -> Any:
        if b'"test"' in request.body:
            return problem("The current value '1' is not equal to the test value '1'.")
        return records(request)

    records = Records(CUSTOMER)
    system, _ = make(answer)
    assert update(system, ("PhoneNumber", None, "1")).record is not None


def test_a_refused_field_is_held_and_the_others_are_written() -> None:
    records = Records(CUSTOMER, refuse=lambda w: problem("EmailAddress is not valid.") if "EmailAddress" in w else None)
    system, _ = make(records)
    outcome = update(system, ("EmailAddress", "kari@example.no", "x"), ("PhoneNumber", None, "1"))
    assert [(p.field, p.code) for p in outcome.problems] == [("EmailAddress", "invalid")]
    assert outcome.record is not None
    assert outcome.record.values["PhoneNumber"] == "1"
    assert outcome.record.values["EmailAddress"] == "kari@example.no"


def test_a_refusal_that_names_no_field_holds_back_the_culprit_alone() -> None:
    records = Records(CUSTOMER, refuse=lambda w: problem("No.") if "EmailAddress" in w else None)
    system, _ = make(records)
    outcome = update(
        system, ("PhoneNumber", None, "1"), ("EmailAddress", "kari@example.no", "x"), ("FirstName", "Kari", "Karin")
    )
    assert [p.field for p in outcome.problems] == ["EmailAddress"]
    assert outcome.record is not None
    assert outcome.record.values["FirstName"] == "Karin"
    assert outcome.record.values["PhoneNumber"] == "1"


def test_a_refused_single_field_is_a_problem_of_that_field() -> None:
    system, _ = make(Records(CUSTOMER, refuse=lambda _: problem("No.")))
    outcome = update(system, ("PhoneNumber", None, "1"))
    assert outcome.record is None
    assert [p.field for p in outcome.problems] == ["PhoneNumber"]


def test_a_first_address_loses_only_the_line_that_is_refused() -> None:
    def refuse(writes: dict[str, Any]) -> Answer | None:
        address = writes.get("MailAddress") or {}
        return (
            problem("The country code UK is not valid according to ISO 3166-1.") if "CountryCode" in address else None
        )

    system, _ = make(Records(customer(MailAddress=None), refuse=refuse))
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


@pytest.mark.parametrize("memory", [{}, ENFORCED, {TEST_ENFORCED: "no"}])
def test_a_record_that_does_not_exist_any_more_is_gone(memory: dict[str, str]) -> None:
    system, _ = make(lambda _: not_found(), memory=dict(memory))
    assert update(system, ("PhoneNumber", None, "1")).gone


def test_a_reference_that_is_not_found_does_not_make_the_record_gone() -> None:
    detail = "Department with code = 'X' not found."
    system, _ = make(Records(CUSTOMER, refuse=lambda _: problem(detail, status=404)))
    outcome = update(system, ("PhoneNumber", None, "1"))
    assert not outcome.gone
    assert [p.code for p in outcome.problems] == ["not_found"]


@pytest.mark.parametrize("answer", [requests.ReadTimeout(), Answer(502), Answer(200, b"")])
def test_an_update_whose_answer_is_lost_is_unclear_and_does_not_stop_the_others(answer: Answer | Exception) -> None:
    answers = [answer]
    system, _ = make(Records(CUSTOMER, customer(Id=8), refuse=lambda _: answers.pop() if answers else None))
    changes = (Change("PhoneNumber", None, "1"),)
    first, second = system.update([Update(n, str(n), changes, HOME) for n in (7, 8)])
    assert isinstance(first.error, UnclearError)
    assert second.record is not None


def test_a_system_out_of_reach_is_not_asked_for_every_record() -> None:
    system, go = make(lambda _: requests.ConnectTimeout())
    changes = (Change("PhoneNumber", None, "1"),)
    outcomes = list(system.update([Update(n, str(n), changes, HOME) for n in range(100)]))
    assert all(isinstance(o.error, TemporaryError) for o in outcomes)
    assert len(go.sent) < 12


def test_a_value_of_another_type_is_a_problem_and_not_sent() -> None:
    system, go = make(Records(customer(ExternalNumber=5)), ["ExternalNumber"])
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
    system, go = make(Records(customer(**{name: before})), [name])
    expected = read_one(customer(**{name: before}), [name]).values[name]
    outcome = update(system, (name, expected, after), facts={})
    assert go.bodies("PATCH")[0][-1]["value"] == sent
    assert outcome.record is not None
    assert outcome.record.values[name] == after


def test_several_workers_write_everything_once() -> None:
    records = Records(*(customer(Id=n) for n in range(1, 31)))
    go = Go(records)
    system = PowerOfficeGoCustomers(go.client, FIELDS, dict(ENFORCED), workers=4)
    changes = (Change("PhoneNumber", None, "1"),)
    outcomes = list(system.update([Update(n, str(n), changes, HOME) for n in range(1, 31)]))
    assert sorted(o.ref for o in outcomes) == list(range(1, 31))
    assert {o["PhoneNumber"] for o in records.objects.values()} == {"1"}
    assert len(go.bodies("PATCH")) == 30


# --- about itself


def test_rules_say_what_a_customer_needs() -> None:
    system, _ = make(None)
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
    system, _ = make(lambda _: Answer(200, INFO))
    assert system.describe() == Description("c-1", "Testfirma AS", {"currency": "NOK", "prices_include_tax": False})
    system, _ = make(lambda _: Answer(200, {**INFO, "ClientId": None}))
    with pytest.raises(ProtocolError):
        system.describe()


def check(info: Any, listing: Any, token: Answer | None = None) -> dict[str, Any]:
    system, go = make(lambda r: info if "Integration" in r.path else listing)
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
