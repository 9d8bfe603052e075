"""PowerOffice Go's products: what is read, and that none is made twice."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from go import PRODUCT, Go, Records, problem
from scripted import Answer

from samklang.core.records import Scope
from samklang.errors import TemporaryError, UnclearError
from samklang.systems.base import Change, Creation, Description, Outcome, Update
from samklang.systems.powerofficego import PowerOfficeGoProducts
from samklang.systems.powerofficego.products import LONGEST_QUERY
from samklang.systems.powerofficego.writing import TEST_ENFORCED

FIELDS = ["Name", "Code", "UnitPrice", "UnitCost"]


def make(handler: Any, fields: list[str] | None = None) -> tuple[Any, Go]:
    go = Go(handler)
    return PowerOfficeGoProducts(go.client, fields or FIELDS, {TEST_ENFORCED: "yes"}, workers=1), go


def product(**changes: Any) -> dict[str, Any]:
    return {**PRODUCT, **changes}


def create(system: Any, *codes: str) -> list[Outcome]:
    orders = [Creation(n, code, {"Name": "Kopp", "Code": code}) for n, code in enumerate(codes)]
    return sorted(system.create(orders), key=lambda outcome: outcome.ref)


def test_a_product_is_read_with_prices_as_the_shortest_decimals() -> None:
    system, go = make(Records(product(UnitPrice=79.90, UnitCost=100.0)))
    ((record,),) = [page.records for page in system.read_all()]
    assert record.values == {"Name": "Kopp", "Code": "A1", "UnitPrice": "79.9", "UnitCost": "100"}
    assert record.key == "A1"
    assert record.facts == {"tax_group": "G1", "tax_group_id": "4", "tax_account": "3000"}
    assert record.clock == "2026-08-01T09:27:26.0000000Z"
    assert go.sent[0].query["Fields"] == [
        "Id,Code,IsArchived,CreatedDateTimeOffset,LastChangedDateTimeOffset,ProductGroupCode,ProductGroupId,"
        "StandardSalesAccount,StandardSalesAccountId,Name,UnitPrice,UnitCost"
    ]


@pytest.mark.parametrize(
    ("changes", "account"),
    [
        ({"StandardSalesAccount": 3020}, "3020"),
        ({"StandardSalesAccount": None, "StandardSalesAccountId": None}, None),
        ({"StandardSalesAccount": None, "StandardSalesAccountId": 7101}, "7101"),  # it has one, whatever its number
    ],
)
def test_a_sales_account_goes_by_its_number(changes: dict[str, Any], account: str | None) -> None:
    system, _ = make(Records(product(**changes)))
    ((record,),) = [page.records for page in system.read_all()]
    assert record.facts["tax_account"] == account


def described(answer: Answer, fields: list[str] | None = None) -> tuple[Any, Go]:
    def handler(request: Any) -> Answer:
        if request.path.endswith("/ProductGroups"):
            return answer
        return Answer(200, {"ClientId": "c-1", "ClientName": "Testfirma AS"})

    system, go = make(handler, fields)
    return system.describe(), go


def test_a_client_tells_the_sales_accounts_of_its_product_groups_with_one_request() -> None:
    groups = [
        {"Id": 4, "StandardSalesAccount": 3000, "StandardSalesAccountId": 7101},
        {"Id": 5, "StandardSalesAccount": None, "StandardSalesAccountId": None},
    ]
    told, go = described(Answer(200, groups, {"X-Pagination": '{"totalCount": 2, "nextPageLink": ""}'}))
    assert told.facts == {"prices_include_tax": False, "tax_accounts": {"4": "3000", "5": None}}
    assert [request.path.rpartition("/")[2] for request in go.sent] == ["ClientIntegrationInformation", "ProductGroups"]


@pytest.mark.parametrize("answer", [Answer(404), Answer(403), problem("no", status=400)])
def test_groups_that_may_not_be_read_leave_their_accounts_unknown(answer: Answer) -> None:
    told, _ = described(answer)
    assert told.facts == {"prices_include_tax": False}


def test_groups_are_not_asked_for_where_no_price_is_synchronised() -> None:
    told, go = described(Answer(500), ["Name", "Code"])
    assert "tax_accounts" not in told.facts
    assert len(go.sent) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1e-07, "0.0000001"), (1e21, "1" + "0" * 21), (0, "0"), (1249, "1249"), (None, None)],
)
def test_no_price_has_an_exponent_or_noise(value: Any, text: str | None) -> None:
    system, _ = make(Records(product(UnitPrice=value)))
    ((record,),) = [page.records for page in system.read_all()]
    assert record.values["UnitPrice"] == text


@pytest.mark.parametrize(("archived", "scope"), [(True, Scope.ARCHIVED), (False, Scope.ACTIVE), (None, Scope.ACTIVE)])
def test_an_archived_product_is_paused(archived: bool | None, scope: Scope) -> None:
    system, _ = make(Records(product(IsArchived=archived)))
    ((record,),) = [page.records for page in system.read_all()]
    assert record.scope is scope


def test_changes_are_asked_for_since_a_clock_as_it_stands() -> None:
    system, go = make(Records(PRODUCT))
    list(system.read_changes("2026-08-01T09:27:26.1234567Z"))
    assert go.sent[0].query["lastChangedDateTimeOffsetGreaterThan"] == ["2026-08-01T09:27:26.1234567Z"]


@pytest.mark.parametrize(
    ("code", "key"), [("A1", "A1"), (" A1 ", "A1"), ("", None), ("  ", None), ("x" * 101, None), (None, None)]
)
def test_the_key_of_a_product_is_its_code(code: str | None, key: str | None) -> None:
    system, _ = make(None)
    values = {} if code is None else {"Code": code}
    assert system.key_for("99", Description("4242", "Shop"), values) == key


def test_only_the_very_code_is_found_case_kept() -> None:
    # this server ignores the filter
    system, _ = make(Records(product(Id=1, Code="a1"), product(Id=2, Code=" A1"), product(Id=3, Code="A10")))
    assert {k: [r.id for r in v] for k, v in system.find_by_key(["A1", "B"]).items()} == {"A1": ["2"]}


def test_codes_are_looked_up_many_at_a_time_in_urls_that_are_not_too_long() -> None:
    codes = [f"Kopp æøå {n:03}" for n in range(200)]
    system, go = make(lambda _: Answer(204))
    assert system.find_by_key(codes) == {}
    asked = [r.query["codes"][0].split(",") for r in go.sent]
    assert [code for chunk in asked for code in chunk] == codes * 2  # the second time once reads show the newest
    assert 2 < len(asked) < 20
    for sent in go.server.requests[1:]:
        prepared = requests.Request("GET", "https://goapi.poweroffice.net/v2/Products", params=sent.query).prepare()
        assert len(str(prepared.url)) < LONGEST_QUERY + 400


def test_a_code_with_a_comma_is_looked_for_in_the_whole_list() -> None:
    system, go = make(Records(product(Code="A,1"), product(Id=10, Code="A")))
    assert [r.id for r in system.find_by_key(["A,1"])["A,1"]] == ["9"]
    assert all("codes" not in r.query for r in go.sent)


def test_a_new_product_carries_its_code_and_is_looked_up_first() -> None:
    system, go = make(Records(), ["Name", "Code", "UnitPrice"])
    order = Creation(1, "B2", {"Name": "Fat", "Code": "B2", "UnitPrice": "129.5"})
    (outcome,) = system.create([order])
    assert go.calls == ["GET /Products", "POST /Products"]
    assert go.bodies("POST") == [{"Name": "Fat", "Code": "B2", "UnitPrice": 129.5}]
    assert outcome.record is not None
    assert outcome.record.values["UnitPrice"] == "129.5"


@pytest.mark.parametrize("status", [200, 201])
def test_both_answers_to_a_creation_are_understood(status: int) -> None:
    system, _ = make(lambda r: Answer(status, product(Code="B2")) if r.method == "POST" else Answer(204))
    (outcome,) = create(system, "B2")
    assert outcome.record is not None


def test_a_code_that_exists_is_taken_and_not_made_twice() -> None:
    system, go = make(Records(product(Code="A1")))
    taken, made = create(system, "A1", "B2")
    assert [(p.field, p.code) for p in taken.problems] == [(None, "taken")]
    assert made.record is not None
    assert len(go.bodies("POST")) == 1


def test_one_code_twice_in_one_batch_is_made_once() -> None:
    system, go = make(Records())
    first, second = create(system, "B2", "B2")
    assert first.record is not None
    assert [p.code for p in second.problems] == ["taken"]
    assert len(go.bodies("POST")) == 1


def test_a_code_that_the_server_calls_taken_is_taken() -> None:
    detail = "Code is already in use. 'B2' is used on product Id = 5."
    system, _ = make(Records(refuse=lambda _: problem(detail, "Product validation error(s)")))
    (outcome,) = create(system, "B2")
    assert [(p.field, p.code) for p in outcome.problems] == [(None, "taken")]


@pytest.mark.parametrize(("holder", "code"), [("B2", "taken"), ("C3", "invalid")])
def test_a_code_that_another_product_has_is_taken_even_if_the_server_does_not_say_why(holder: str, code: str) -> None:
    system, _ = make(Records(PRODUCT, product(Id=12, Code=holder), refuse=lambda _: Answer(400)))
    (outcome,) = system.update([Update(1, "9", (Change("Code", "A1", "B2"),), {"tax_group": "G1"})])
    assert [(p.field, p.code) for p in outcome.problems] == [("Code", code)]


def test_nothing_is_made_where_the_codes_could_not_be_looked_up() -> None:
    system, go = make(lambda r: Answer(500) if r.method == "GET" else Answer(200, PRODUCT))
    outcomes = create(system, *(f"{n:0>90}" for n in range(100)))
    assert all(isinstance(o.error, TemporaryError) for o in outcomes)
    assert len(outcomes) == 100
    assert set(go.calls) == {"GET /Products"}
    assert len(go.sent) < 12


def test_a_creation_without_an_answer_is_unclear() -> None:
    system, _ = make(Records(refuse=lambda _: requests.ReadTimeout()))
    (outcome,) = create(system, "B2")
    assert isinstance(outcome.error, UnclearError)


def test_a_price_is_tested_and_written_as_a_number() -> None:
    system, go = make(Records(PRODUCT))
    (outcome,) = system.update([Update(1, "9", (Change("UnitPrice", "79.9", "89.9"),), {"tax_group": "G1"})])
    assert go.bodies("PATCH") == [
        [
            {"op": "test", "path": "/UnitPrice", "value": 79.9},
            {"op": "replace", "path": "/UnitPrice", "value": 89.9},
        ]
    ]
    assert outcome.record is not None
    assert outcome.record.values["UnitPrice"] == "89.9"


@pytest.mark.parametrize("value", ["free", "NaN", "Infinity", ""])
def test_a_price_that_is_no_number_is_a_problem_and_not_sent(value: str) -> None:
    system, go = make(Records(PRODUCT))
    (outcome,) = system.update([Update(1, "9", (Change("UnitPrice", "79.9", value),), {})])
    assert [(p.field, p.code) for p in outcome.problems] == [("UnitPrice", "invalid")]
    assert go.sent == []


def test_rules_say_what_a_product_needs() -> None:
    system, _ = make(None)
    rules = system.rules
    assert rules.create_needs == (("Name", "Code"),)
    assert not rules.key_proves_origin
    for name in ("UnitPrice", "UnitCost"):
        accepts = rules.accepts(name)
        assert (accepts.form, accepts.inherits, accepts.clearable) == ("money", True, False)
    assert rules.accepts("Code").max_length == 100
    assert rules.accepts("Name").max_length == 400
    assert not rules.accepts("ProductGroupCode").writable


def test_the_check_is_about_product_privileges() -> None:
    info = {"ClientId": "c-1", "ValidPrivileges": ["Product"]}
    system, _ = make(lambda r: Answer(200, info) if "Integration" in r.path else Answer(204))
    failing = [c for c in system.check() if not c.ok]
    assert [c.name for c in failing] == ["PowerOffice Go: privilege Product_Full"]
    assert "share" in failing[0].remedy
