"""Both simulators answer anything with an answer: never an exception, never a fault of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from garbage import BYTES, FEWER, JSON, fits, mutated
from hypothesis import given
from hypothesis import strategies as st

from samklang.simulators.control import Controlled
from samklang.simulators.http import Request, Response
from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.shopify import ShopifySimulator

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SIMULATORS: dict[str, Callable[[], Controlled]] = {
    "powerofficego": lambda: PowerOfficeGoSimulator(2, now=lambda: NOW, switches={"requests_per_second": 0}),
    "shopify": lambda: ShopifySimulator(2, now=lambda: NOW, switches={"throttle": "off"}),
}
SMALL = JSON.filter(fits)
ORDERS = (
    {"entity": "customers", "id": "1", "set": {"EmailAddress": "a@b.no", "firstName": "Kari"}},
    {"entity": "products", "create": {"Name": "Kopp", "Code": "A", "title": "Kopp"}},
    {"entity": "customers", "create": {"FirstName": "Kari", "LastName": "N", "firstName": "Kari"}},
    {"entity": "products", "id": 1, "delete": True},
    {"entity": "customers", "id": 1, "archive": True},
)
FAULTS = {
    "fail_next": [{"match": "GET /", "status": 500, "after_commit": False, "times": 1, "body": "x", "headers": {}}]
}
VERBS = ("POST reset", "GET state", "POST edit", "GET log/requests", "GET log/writes", "DELETE log", "GET switches",
         "PUT switches", "PUT nothing", "GET ")  # fmt: skip


def send(simulator: Controlled, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return simulator.handle(Request(method, path, {}, headers or {}, body, "http://127.0.0.1:9101"))


def well(response: Response, *, most: int = 499) -> None:
    assert 200 <= response.status <= most
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in response.headers.items())
    if "json" in response.headers.get("Content-Type", ""):
        orjson.loads(response.body)


def is_small(value: Any) -> bool:
    """A reset makes as many records as it is told to."""
    return not (isinstance(value, dict) and isinstance(value.get("records"), int) and value["records"] > 50)


@pytest.mark.parametrize("name", list(SIMULATORS))
@given(data=st.data())
def test_the_control_api_takes_anything_or_says_why_not(name: str, data: st.DataObject) -> None:
    simulator = SIMULATORS[name]()
    for _ in range(data.draw(st.integers(1, 3))):
        verb = data.draw(st.sampled_from(VERBS))
        method, path = verb.split(" ")
        reset = st.fixed_dictionaries({}, optional={"records": st.integers(-3, 20), "seed": SMALL, "overlap": SMALL})
        real = {
            "POST reset": reset,
            "POST edit": st.sampled_from(ORDERS).flatmap(mutated),
            "PUT switches": switches(simulator),
        }
        value = data.draw(st.one_of(real.get(verb, SMALL), SMALL).filter(lambda v: fits(v) and is_small(v)))
        body = data.draw(st.one_of(BYTES, st.just(orjson.dumps(value)), st.just(orjson.dumps(value))))
        well(send(simulator, method, f"/_control/{path}", body))
    well(send(simulator, "GET", "/_control/state", b""))


def switches(simulator: Controlled) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.dictionaries(st.sampled_from(sorted(simulator.switches())), SMALL, max_size=2),
        mutated(FAULTS),
        st.sampled_from(sorted(simulator.switches())).map(lambda name: {name: simulator.switch(name)}),
    )


@FEWER
@given(faults=mutated(FAULTS).filter(fits))
@pytest.mark.parametrize("name", list(SIMULATORS))
def test_any_fault_that_can_be_set_can_be_answered(name: str, faults: Any) -> None:
    simulator = SIMULATORS[name]()
    if send(simulator, "PUT", "/_control/switches", orjson.dumps(faults)).status == 200:
        well(send(simulator, "GET", "/", b""), most=599)


DOCUMENTS = (
    "{ shop { id name } }",
    "query Q($id: ID!) { node(id: $id) { id ... on Customer { firstName defaultAddress { city } } } }",
    "{ customers(first: 2, query: \"updated_at:>'2026-01-01'\") { nodes { id } pageInfo { endCursor } } }",
    "mutation M($input: CustomerInput!) { customerUpdate(input: $input) { customer { id } userErrors { field } } }",
    'mutation { bulkOperationRunQuery(query: "{ customers { edges { node { id } } } }") { userErrors { code } } }',
    "mutation S($input: CustomerSetInput!) { customerSet(input: $input) { customer { id } userErrors { field } } }",
    "{ productVariants(first: 5) { nodes { id sku price inventoryItem { unitCost { amount } } } } }",
)
PIECES = st.sampled_from(
    ["{", "}", "(", ")", "$x", "...", "@skip(if: true)", '"', "\n", "fragment F on F { ...F }", "a:", "!", "1e9",
     "null", "query", "first: -1", "first: 999999", "#", "\ufeff", "\ud7ff"]
)  # fmt: skip


@st.composite
def documents(draw: Any) -> str:
    text = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.one_of(PIECES, st.text(max_size=4))) + text[at + draw(st.integers(0, 6)) :]
    return text


VARIABLES = st.one_of(
    SMALL,
    st.fixed_dictionaries({}, optional={"id": SMALL, "input": st.one_of(
        SMALL,
        mutated({"id": "gid://shopify/Customer/1", "firstName": "K", "email": "k@b", "addresses": [{"city": "Moss"}]}),
    )}),
)  # fmt: skip


@given(data=st.data())
def test_graphql_answers_any_document(data: st.DataObject) -> None:
    shop = SIMULATORS["shopify"]()
    headers = {"x-shopify-access-token": "shpat_simulated", "content-type": "application/json"}
    asked = {
        "query": data.draw(st.one_of(documents(), st.text(max_size=20), SMALL)),
        "variables": data.draw(VARIABLES),
        "operationName": data.draw(st.one_of(st.none(), st.sampled_from(["Q", "M", "S"]), SMALL)),
    }
    whole = data.draw(st.one_of(st.just(asked), st.just(asked), mutated(asked), SMALL).filter(fits))
    body = data.draw(st.one_of(st.just(orjson.dumps(whole)), st.just(orjson.dumps(whole)), BYTES))
    response = send(shop, "POST", "/admin/api/2026-10/graphql.json", body, headers)

    well(response)
    if response.status == 200:
        answer = orjson.loads(response.body)
        assert "data" in answer or answer["errors"]
        assert "internal error" not in response.body.decode().lower()


SECRETS = ("Basic YXBwOmNsaWVudA==", "Basic ==", "Bearer ", "sub", "a;b=;", "Basic \ud7ff")
HEADERS = st.dictionaries(
    st.sampled_from(["authorization", "ocp-apim-subscription-key", "content-type", "x-shopify-access-token", "accept"]),
    st.one_of(st.text(max_size=12), st.sampled_from(SECRETS)),
)  # fmt: skip
PATHS = st.one_of(
    st.sampled_from(["/", "", "/v2", "/v2/", "/v2/Customers", "/v2/Customers/1", "/v2/customers/١", "/OAuth/Token",
                     "/Demo/v2/Products", "/admin/oauth/access_token", "/admin/api/2026-10/graphql.json", "/bulk/1",
                     "/admin/api/unstable/graphql.json", "/v2/Customers/99999999999999999999999", "//", "/../etc"]),
    st.text(max_size=12).map(lambda text: f"/{text}"),
)  # fmt: skip


@pytest.mark.parametrize("name", list(SIMULATORS))
@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", ""]),
    path=PATHS,
    query=st.dictionaries(st.text(max_size=6), st.lists(st.text(max_size=6), max_size=2), max_size=3),
    headers=HEADERS,
    body=BYTES,
)
def test_any_request_is_answered(
    name: str, method: str, path: str, query: dict[str, list[str]], headers: dict[str, str], body: bytes
) -> None:
    if not path.startswith("/_control/"):
        well(SIMULATORS[name]().handle(Request(method, path, query, headers, body, "http://127.0.0.1:9101")))


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"[1]", b'"x"', b"\x80", b"{}", b"%80=%80", b"&" * 5_000])
def test_a_sign_in_that_cannot_be_read_is_refused(kind: str, body: bytes) -> None:
    for path, name in (("/admin/oauth/access_token", "shopify"), ("/OAuth/Token", "powerofficego")):
        headers = {"content-type": kind, "ocp-apim-subscription-key": "sub", "authorization": "Basic YXBwOmNsaWVudA=="}
        assert send(SIMULATORS[name](), "POST", path, body, headers).status in (400, 401)
