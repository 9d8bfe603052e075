"""Token, cost and refusals of the Shopify client."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from scripted import Answer
from shop import COST, HOST, TOKEN, Shop, World, data, error, errors

from samklang.errors import (
    AccessError,
    ConfigurationError,
    ProtocolError,
    RejectedError,
    SamklangError,
    TemporaryError,
    ThrottledError,
    UnclearError,
)
from samklang.systems.shopify import ShopifyConfig
from samklang.systems.shopify.answers import InvalidInputError
from samklang.systems.shopify.budget import Budget
from samklang.systems.shopify.documents import SHOP

CREDENTIALS = ShopifyConfig(HOST, client_id="id", client_secret="geheim")
TOKENS = "/admin/oauth/access_token"
QUERY = "query Q { shop { id } }"


def throttled(requested: float = 862, available: float = 572) -> Answer:
    """As recorded on a real store."""
    status = {"maximumAvailable": 4000.0, "currentlyAvailable": available, "restoreRate": 200.0}
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    documentation = "https://shopify.dev/api/usage/rate-limits"
    return Answer(
        200,
        {
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": documentation}}],
            "extensions": {"cost": cost},
        },
    )


def ask(shop: Shop, *, safe: bool = True, config: ShopifyConfig | None = None) -> Any:
    return shop.client(config).execute(QUERY, operation="Q", safe=safe).data


# --- requests and tokens


def test_a_document_goes_to_the_versions_address_with_the_token() -> None:
    shop = Shop(Q=data(shop={"id": "gid://shopify/Shop/1"}))
    assert ask(shop) == {"shop": {"id": "gid://shopify/Shop/1"}}
    request = shop.server.requests[0]
    assert (request.method, request.path) == ("POST", "/admin/api/2026-10/graphql.json")
    assert request.headers["x-shopify-access-token"] == TOKEN
    assert shop.sent == [{"query": QUERY, "variables": {}, "operationName": "Q"}]


def test_client_credentials_fetch_one_token_and_renew_it_before_it_ends() -> None:
    issued = [Answer(200, {"access_token": f"t{n}", "scope": "", "expires_in": 86399}) for n in (1, 2)]
    shop = Shop(**{"Q": data(shop={}), TOKENS: [*issued]})
    client = shop.client(CREDENTIALS)
    for wait in (0, 86300, 60):
        shop.time.now += wait
        client.execute(QUERY, operation="Q", safe=True)
    asked = [r for r in shop.server.requests if r.path == TOKENS]
    assert parse_qs(asked[0].body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["id"],
        "client_secret": ["geheim"],
    }
    used = [r.headers["x-shopify-access-token"] for r in shop.server.requests if r.path != TOKENS]
    assert used == ["t1", "t1", "t2"]


def test_a_token_that_is_refused_is_renewed_once() -> None:
    issued = [Answer(200, {"access_token": f"t{n}", "expires_in": 86399}) for n in (1, 2, 3)]
    shop = Shop(**{"Q": [Answer(401, {"errors": "no"}), data(shop={})], TOKENS: [*issued]})
    assert ask(shop, config=CREDENTIALS) == {"shop": {}}
    shop.answers["Q"] = Answer(401, {"errors": "no"})
    with pytest.raises(AccessError) as caught:
        ask(shop, config=CREDENTIALS)
    assert caught.value.status == 401
    assert len(shop.sent) == 4


def test_a_static_token_that_is_refused_is_not_tried_again() -> None:
    shop = Shop(Q=Answer(401, {"errors": "[API] Invalid API key or access token"}))
    with pytest.raises(AccessError, match="static Admin API token"):
        ask(shop)
    assert len(shop.sent) == 1


def test_refused_client_credentials_say_for_which_apps_they_work() -> None:
    shop = Shop(**{TOKENS: Answer(400, {"error": "shop_not_permitted"})})
    with pytest.raises(AccessError, match="organisation"):
        ask(shop, config=CREDENTIALS)


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, [], b"<html>"])
def test_a_token_answer_without_a_token_is_an_error(body: Any) -> None:
    with pytest.raises(ProtocolError):
        ask(Shop(**{TOKENS: Answer(200, body)}), config=CREDENTIALS)


def test_every_secret_is_told_and_none_is_in_an_error() -> None:
    told: list[str] = []
    shop = Shop(**{"Q": Answer(403, {"errors": "geheim t1"}), TOKENS: Answer(200, {"access_token": "t1"})})
    client = shop.client(CREDENTIALS, on_secret=told.append)
    with pytest.raises(AccessError) as caught:
        client.execute(QUERY, operation="Q", safe=True)
    assert told == ["geheim", "t1"]
    assert "geheim" not in str(caught.value)


# --- limits


@pytest.mark.parametrize("safe", [True, False])
def test_throttled_waits_as_long_as_the_numbers_say_even_for_a_write(safe: bool) -> None:
    shop = Shop(Q=[throttled(), data(shop={})])
    assert ask(shop, safe=safe) == {"shop": {}}
    # what it asks for, and until a tenth of the bucket is left to others again
    assert shop.time.slept == [pytest.approx(1.45), pytest.approx(2.0)]


def test_a_write_of_which_a_part_was_carried_out_is_never_sent_again() -> None:
    shop = Shop(Q=errors(error("THROTTLED", ["m1"]), m0={"ok": True}, m1=None))
    answer = shop.client().execute(QUERY, operation="Q", safe=False, partial=True)
    assert answer.call(0) == {"ok": True}
    assert len(shop.sent) == 1


def test_throttled_for_good_ends_as_a_throttled_error() -> None:
    shop = Shop(Q=throttled())
    with pytest.raises(ThrottledError) as caught:
        ask(shop)
    assert not caught.value.final
    assert caught.value.retry_after == pytest.approx(1.45)


def status(available: float) -> dict[str, float]:
    return {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}


def ask_for(budget: Budget, operation: str, requested: float, left: float, actual: float | None = None) -> None:
    """One request and its answer."""
    with budget.room({operation: 1}) as room:
        budget.sending(room, operation, 1)
        cost = {"requestedQueryCost": requested, "actualQueryCost": requested if actual is None else actual}
        budget.learn(room, operation, 1, {**cost, "throttleStatus": status(left)})


def test_a_request_that_would_not_fit_waits_before_it_is_sent() -> None:
    shop = Shop()
    budget = shop.client().budget
    ask_for(budget, "Q", 500, left=300)
    assert shop.time.slept == []
    with budget.room({"Q": 1}):
        # 500 of the 100 that are there above the tenth that stays in the bucket
        assert shop.time.slept == [pytest.approx(4.0)]


def test_points_of_requests_under_way_are_not_spent_twice() -> None:
    shop = Shop()
    budget = shop.client().budget
    ask_for(budget, "Q", 600, left=1000)
    with budget.room({"Q": 1}):
        assert shop.time.slept == []
        with budget.room({"Q": 1}):
            assert shop.time.slept == [pytest.approx(4.0)]


def test_room_is_made_for_two_requests_at_once() -> None:
    shop = Shop()
    budget = shop.client().budget
    for name, left in (("A", 1100), ("B", 700)):
        ask_for(budget, name, 400, left)
    with budget.room({"A": 1, "B": 1}):
        assert shop.time.slept == [pytest.approx(3.0)]


def test_points_that_a_request_did_not_need_are_others_again() -> None:
    shop = Shop()
    budget = shop.client().budget
    for _ in range(30):
        ask_for(budget, "Q", 600, left=1900, actual=10)
    assert shop.time.slept == []


def test_an_operation_that_nobody_knows_yet_is_taken_to_cost_something() -> None:
    shop = Shop()
    budget = shop.client().budget
    ask_for(budget, "Q", 10, left=100)
    with budget.room({"New": 30}):
        assert shop.time.slept == [pytest.approx(4.0)]


def test_a_query_that_is_too_costly_is_final() -> None:
    shop = Shop(Q=errors(error("MAX_COST_EXCEEDED", cost=1293, maxCost=1000)))
    with pytest.raises(RejectedError) as caught:
        ask(shop)
    assert caught.value.final
    assert len(shop.sent) == 1


# --- errors under HTTP 200


def test_a_missing_scope_is_named() -> None:
    entry = error(
        "ACCESS_DENIED",
        ["customers"],
        "Access denied for customers field. Required access: `read_customers` access scope.",
        requiredAccess="`read_customers` access scope.",
    )
    with pytest.raises(AccessError, match="Add read_customers to the app's access scopes"):
        ask(Shop(Q=errors(entry, customers=None)))


def test_a_single_field_that_is_denied_leaves_the_rest() -> None:
    entry = error("ACCESS_DENIED", ["customers", "nodes", 0, "firstName"])
    shop = Shop(Q=errors(entry, customers={"nodes": [{"id": 1, "firstName": None}]}))
    answer = shop.client().execute(QUERY, operation="Q", safe=True)
    assert answer.denied == {("customers", "nodes", "firstName")}
    assert answer.data["customers"]["nodes"][0]["id"] == 1


def test_a_denied_field_that_takes_its_parents_along_is_an_access_error() -> None:
    with pytest.raises(AccessError, match="protected customer data"):
        ask(Shop(Q=errors(error("ACCESS_DENIED", ["customers", "nodes", 0, "displayName"]), customers=None)))


INTERNAL = errors(error("INTERNAL_SERVER_ERROR", message="Internal error. Looks like something went wrong."))


def test_an_internal_error_of_a_read_is_tried_again() -> None:
    partly = errors(error("INTERNAL_SERVER_ERROR", ["shop"]), shop=None, other={})
    shop = Shop(Q=[INTERNAL, partly, data(shop={})])
    assert ask(shop) == {"shop": {}}
    with pytest.raises(TemporaryError):
        ask(Shop(Q=INTERNAL))


def test_an_internal_error_of_a_write_is_unclear_and_not_repeated() -> None:
    shop = Shop(Q=INTERNAL)
    with pytest.raises(UnclearError):
        ask(shop, safe=False)
    assert len(shop.sent) == 1


@pytest.mark.parametrize(
    "reply", [Answer(502), Answer(200, b"{"), Answer(200, []), requests.ConnectionError("reset"), Answer(200, {})]
)
def test_a_write_whose_answer_is_lost_or_unreadable_is_unclear(reply: Any) -> None:
    shop = Shop(Q=reply)
    with pytest.raises(UnclearError):
        ask(shop, safe=False)
    assert len(shop.sent) == 1


@pytest.mark.parametrize("body", [b"{", [], {}])
def test_a_read_whose_answer_is_no_graphql_is_a_protocol_error(body: Any) -> None:
    with pytest.raises(ProtocolError):
        ask(Shop(Q=Answer(200, body)))


def test_a_search_that_was_not_understood_is_an_error() -> None:
    """The filter is ignored then, and every row comes."""
    warning = {"path": ["customers"], "query": "x", "warnings": [{"field": "00", "code": "invalid_field"}]}
    body = {"data": {"customers": {"nodes": []}}, "extensions": {"search": [warning], "cost": COST}}
    with pytest.raises(ProtocolError, match="not understood"):
        ask(Shop(Q=Answer(200, body)))


def test_variables_that_do_not_fit_are_named_without_their_values() -> None:
    entry = error(
        "INVALID_VARIABLE",
        message='Variable $m3_address of type MailingAddressInput! was provided invalid value (Expected "Norge")',
        problems=[{"path": ["countryCode"], "explanation": 'Expected "Norge" to be one of: NO'}],
    )
    with pytest.raises(InvalidInputError) as caught:
        ask(Shop(Q=errors(entry)), safe=False)
    assert caught.value.inputs == (("m3_address", (("countryCode",),)),)
    assert "Norge" not in str(caught.value)


def test_any_other_refusal_names_its_code_and_not_its_message() -> None:
    with pytest.raises(RejectedError, match="undefinedField") as caught:
        ask(Shop(Q=errors(error("undefinedField", message="Field 'hemmelig' doesn't exist"))))
    assert "hemmelig" not in str(caught.value)


@pytest.mark.parametrize("code", ["Kari Nordmann, hemmelig", "hemmelig", "hemmeligA", "Hemmelig", "HEMMELIG4"])
def test_a_code_that_may_quote_a_value_is_not_repeated(code: str) -> None:
    with pytest.raises(RejectedError, match="without a code") as caught:
        ask(Shop(Q=errors(error(code))))
    assert "hemmelig" not in str(caught.value).lower()


def test_a_failed_call_among_others_is_given_back_when_asked_for() -> None:
    reply = errors(error("NOT_FOUND", ["m1"]), m0={"id": 1}, m1=None)
    shop = Shop(Q=reply)
    answer = shop.client().execute(QUERY, operation="Q", safe=True, partial=True)
    assert answer.call(0) == {"id": 1}
    assert answer.fault(0) is None
    assert answer.fault(1) is not None
    with pytest.raises(RejectedError):
        ask(shop)


# --- HTTP statuses


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (402, AccessError, "frozen"),
        (403, AccessError, "installed"),
        (404, ConfigurationError, "myshopify.com address"),
        (423, AccessError, "locked"),
        (400, RejectedError, "400"),
        (430, AccessError, "security risk"),
    ],
)
def test_a_refusal_by_status_says_what_to_do(status: int, kind: type[SamklangError], words: str) -> None:
    with pytest.raises(kind, match=words):
        ask(Shop(Q=Answer(status, {"errors": "no"})))


@pytest.mark.parametrize(("safe", "kind"), [(True, ProtocolError), (False, UnclearError)])
def test_a_status_that_says_nothing_is_no_refusal(safe: bool, kind: type[SamklangError]) -> None:
    with pytest.raises(kind):
        Shop(Q=Answer(204, b"")).client().execute(QUERY, operation="Q", safe=safe)


def test_a_token_endpoint_that_says_nothing_refuses_no_record() -> None:
    with pytest.raises(ProtocolError):
        ask(Shop(**{TOKENS: Answer(204, b"")}), config=CREDENTIALS)


def test_a_version_that_fell_forward_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop(Q=Answer(200, {"data": {}}, {"X-Shopify-API-Version": "2027-01"}))
    client = shop.client()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            client.execute(QUERY, operation="Q", safe=True)
    assert [record.message for record in caplog.records] == [
        "Shopify answers with API version 2027-01 instead of 2026-10."
    ]


def test_the_simulators_limits_are_kept_without_a_single_throttled_answer() -> None:
    world = World(30, switches={"bucket_size": 300.0, "restore_rate": 50.0})
    customers = world.customers()
    for _ in range(40):
        list(customers.read_changes("2000-01-01T00:00:00.0000000Z"))
    assert len(world.operations) == 41  # the first one asks whether there are companies
    assert sum(world.slept) > 0


def test_usage_is_in_the_points_that_the_shop_charged() -> None:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 1500, "restoreRate": 200.0}
    cost = {"requestedQueryCost": 500, "actualQueryCost": 40, "throttleStatus": status}
    shop = Shop(Q=Answer(200, {"data": {}, "extensions": {"cost": cost}}))
    client = shop.client()
    before = client.usage
    for _ in range(3):
        client.execute(QUERY, operation="Q", safe=True)
    assert (client.usage.requests - before.requests, client.usage.spent, client.usage.rate) == (3, 120.0, 200.0)


def test_calls_are_numbered_from_the_first() -> None:
    shop = Shop(Describe=data(m0={"id": "gid://shopify/Shop/1"}))
    assert shop.client().run([SHOP], operation="Describe").call(0) == {"id": "gid://shopify/Shop/1"}


def test_a_code_that_is_none_is_not_told() -> None:
    with pytest.raises(RejectedError) as caught:
        ask(Shop(Q=errors(error("Kari Nordmann"))))
    assert "Kari" not in str(caught.value)
    assert "without a code" in str(caught.value)
