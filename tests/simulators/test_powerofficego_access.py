"""Tokens, the two headers of every call, privileges, and ten requests a second."""

from __future__ import annotations

from typing import Any

import pytest
from powerofficego_company import PERSON, SUBSCRIPTION, Company, basic, content

BAD_KEYS = "Client integration not found. Please ensure the provided keys are matching the desired environment."


def test_a_token_lasts_twenty_minutes_and_opens_the_api() -> None:
    company = Company()
    answer = content(company.ask_token())
    assert set(answer) == {"access_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 1200)
    company.token = answer["access_token"]
    company.pass_time(1199)
    assert company.call("GET", "/ClientIntegrationInformation").status == 200
    company.pass_time(1)
    expired = company.call("GET", "/ClientIntegrationInformation")
    assert (expired.status, expired.body) == (401, b"")


def test_how_long_a_token_lasts_can_be_set() -> None:
    company = Company(token_seconds=60)
    assert content(company.ask_token())["expires_in"] == 60
    company.pass_time(60)
    assert company.call("GET", "/Customers").status == 401


@pytest.mark.parametrize("keys", [("app", "wrong"), ("wrong", "client"), ("", "")])
def test_bad_keys_are_a_400_invalid_client(keys: tuple[str, str]) -> None:
    refused = Company().ask_token(authorization=basic(*keys))
    assert refused.status == 400
    assert content(refused) == {"error": "invalid_client", "error_description": BAD_KEYS}


@pytest.mark.parametrize("header", ["", "Basic", "Basic ø", "Bearer YXBwOmNsaWVudA=="])
def test_keys_are_sent_as_basic(header: str) -> None:
    assert content(Company().ask_token(authorization=header))["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "kind", "error"),
    [
        (b"", "application/x-www-form-urlencoded", "invalid_request"),
        (b"grant_type=client_credentials", "application/json", "invalid_request"),
        (b"grant_type=password", "application/x-www-form-urlencoded", "unsupported_grant_type"),
    ],
)
def test_a_token_request_is_a_form_with_client_credentials(form: bytes, kind: str, error: str) -> None:
    refused = Company().ask_token(form=form, **{"content-type": kind})
    assert (refused.status, content(refused)["error"]) == (400, error)


@pytest.mark.parametrize(
    ("name", "key"), [("application_key", ("nøkkel", "client")), ("client_key", ("app", "nøkkel"))]
)
def test_each_key_can_be_set(name: str, key: tuple[str, str]) -> None:
    company = Company()
    company.simulator.switches({name: "nøkkel"})
    assert company.ask_token().status == 400
    assert company.ask_token(authorization=basic(*key)).status == 200


def test_the_subscription_key_is_needed_for_tokens_and_for_every_call() -> None:
    company = Company()
    for path, method in (("/OAuth/Token", "POST"), ("/v2/Customers", "GET")):
        token = {"authorization": f"Bearer {company.token}"}
        missing = company.send(method, path, headers=token)
        wrong = company.send(method, path, headers={**token, "ocp-apim-subscription-key": "x"})
        assert (missing.status, wrong.status) == (401, 401)
        assert content(missing)["message"].startswith("Access denied due to missing subscription key.")
        assert content(wrong)["message"].startswith("Access denied due to invalid subscription key.")
    assert company.send("GET", "/v2/Customers", {"subscription-key": "sub"}, token).status == 204
    company.simulator.switches({"subscription_key": "another"})
    assert company.call("GET", "/Customers").status == 401


def test_a_token_is_needed_for_every_call() -> None:
    company = Company()
    for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {company.token}"}):
        answer = company.send("GET", "/v2/Customers", headers={**SUBSCRIPTION, **header})
        assert (answer.status, answer.body) == (401, b"")


def test_tokens_of_demo_and_production_are_not_interchangeable() -> None:
    company = Company()
    demo = content(company.ask_token("/Demo/OAuth/Token"))["access_token"]

    def status(path: str, token: str) -> int:
        return company.send("GET", path, headers={**SUBSCRIPTION, "authorization": f"Bearer {token}"}).status

    assert [status("/Demo/v2/Customers", token) for token in (demo, company.token)] == [204, 401]
    assert [status("/v2/Customers", token) for token in (demo, company.token)] == [401, 204]


@pytest.mark.parametrize("path", ["/V2/customers", "/v2/CUSTOMERS", "/v2/Customers/"])
def test_paths_know_no_case(path: str) -> None:
    company = Company()
    headers = {**SUBSCRIPTION, "authorization": f"Bearer {company.token}"}
    assert company.send("GET", path, headers=headers).status == 204


@pytest.mark.parametrize("path", ["/Customers", "/v2/OAuth/Token", "/", "/v3/Customers"])
def test_nothing_is_served_beside_the_two_roots(path: str) -> None:
    company = Company()
    headers = {**SUBSCRIPTION, "authorization": f"Bearer {company.token}"}
    assert company.send("POST", path, headers=headers).status == 404


@pytest.mark.parametrize(
    ("privileges", "read", "write", "products"),
    [
        (["Customer_Full", "Product_Full"], 204, 201, 204),
        (["Customer"], 204, 403, 403),
        (["Product_Full"], 403, 403, 204),
        ([], 403, 403, 403),
    ],
)
def test_privileges_are_asked_for(privileges: list[str], read: int, write: int, products: int) -> None:
    company = Company(privileges=privileges)
    assert company.call("GET", "/Customers").status == read
    assert company.call("GET", "/Products").status == products
    written = company.call("POST", "/Customers", PERSON)
    assert written.status == write
    assert written.body or write == 403
    information = company.good("GET", "/ClientIntegrationInformation")
    assert information["ValidPrivileges"] == privileges
    assert not set(information["InvalidPrivileges"]) & set(privileges)


# --- the limit


def statuses(company: Company, count: int) -> list[int]:
    return [company.call("GET", "/Customers").status for _ in range(count)]


def test_the_eleventh_request_within_a_second_is_refused_until_a_second_has_passed() -> None:
    company = Company()
    company.simulator.switches({"requests_per_second": 10})
    assert statuses(company, 12) == [204] * 10 + [429] * 2
    refused = company.call("GET", "/Customers")
    assert content(refused) == {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 1 seconds."}
    assert refused.headers["Retry-After"] == "1"
    company.pass_time(1)
    assert statuses(company, 11) == [204] * 10 + [429]


def test_the_limit_slides_and_refused_requests_do_not_count() -> None:
    company = Company()
    company.simulator.switches({"requests_per_second": 2})
    assert statuses(company, 1) == [204]
    company.pass_time(0.6)
    assert statuses(company, 3) == [204, 429, 429]
    company.pass_time(0.5)
    assert statuses(company, 2) == [204, 429]


def test_requests_for_tokens_count_and_say_the_status_as_text() -> None:
    company = Company()
    company.simulator.switches({"requests_per_second": 1})
    assert company.ask_token().status == 200
    assert content(company.ask_token())["statusCode"] == "429"
    assert statuses(company, 1) == [429]


def test_ten_a_second_is_the_limit_unless_told_otherwise() -> None:
    known: dict[str, Any] = type(Company().simulator)().switches()
    assert known["requests_per_second"] == 10
