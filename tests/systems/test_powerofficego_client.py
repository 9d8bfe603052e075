"""Connection, token and refusals of the PowerOffice Go client."""

from __future__ import annotations

import pickle
from base64 import b64encode
from typing import Any

import pytest
from go import CUSTOMER, HOST, KEYS, SUBSCRIPTION, Go, problem
from scripted import Answer

from samklang.errors import AccessError, ConfigurationError, ProtocolError, RemoteError, ThrottledError
from samklang.systems.powerofficego import PowerOfficeGoConfig
from samklang.systems.powerofficego.problems import ProblemDetails, RefusedError, scrub
from samklang.systems.transport import Reply

EXTRA = {"subscription_key": SUBSCRIPTION}


def configure(host: str | None = None, **extra: Any) -> PowerOfficeGoConfig:
    return PowerOfficeGoConfig.from_connection(host, *KEYS, {**EXTRA, **extra})


# --- connection


def test_a_connection_with_keys_alone_means_production() -> None:
    config = configure()
    assert (config.host, config.token_url) == (HOST, "https://goapi.poweroffice.net/OAuth/Token")
    assert (config.environment, config.requests_per_second) == ("production", 10.0)


def test_environment_demo_moves_both_addresses() -> None:
    config = configure(environment="Demo")
    assert config.host == "https://goapi.poweroffice.net/Demo/v2"
    assert config.token_url == "https://goapi.poweroffice.net/Demo/OAuth/Token"


def test_a_demo_host_is_demo_without_saying_so() -> None:
    assert configure("https://goapi.poweroffice.net/Demo/v2/").environment == "demo"


def test_a_simulator_is_its_own_token_server() -> None:
    config = configure("http://127.0.0.1:9101/v2")
    assert config.token_url == "http://127.0.0.1:9101/OAuth/Token"
    assert configure("http://127.0.0.1:9101/v2", token_url="http://127.0.0.1:1/t").token_url == "http://127.0.0.1:1/t"


def test_a_host_without_a_scheme_is_https() -> None:
    assert configure("goapi.poweroffice.net/v2").host == HOST


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((None, None, "c", EXTRA), "application key"),
        ((None, " ", "c", EXTRA), "application key"),
        ((None, "a", None, EXTRA), "client key"),
        ((None, "a", "c", {}), "subscription_key"),
        ((None, "a\nb", "c", EXTRA), "application key"),
        ((None, "a", "nøkkel", EXTRA), "client key"),
        ((None, "a", "c", {**EXTRA, "environment": "test"}), "environment"),
        (("https://goapi.poweroffice.net/v2", "a", "c", {**EXTRA, "environment": "demo"}), "environment"),
        (("https://goapi.poweroffice.net/demo/v2", "a", "c", {**EXTRA, "environment": "production"}), "environment"),
        ((None, "a", "c", {**EXTRA, "requests_per_second": "many"}), "requests_per_second"),
        ((None, "a", "c", {**EXTRA, "requests_per_second": 0}), "requests_per_second"),
        (("http://goapi.poweroffice.net/v2", "a", "c", EXTRA), "http"),
        ((None, "a", "c", {**EXTRA, "token_url": "http://goapi.poweroffice.net/OAuth/Token"}), "http"),
    ],
)
def test_what_a_connection_lacks_is_named_with_what_to_do(arguments: tuple[Any, ...], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        PowerOfficeGoConfig.from_connection(*arguments)
    assert caught.value.remedy
    assert "nøkkel" not in str(caught.value)


def test_a_configuration_shows_none_of_its_keys() -> None:
    config = configure()
    for secret in (*KEYS, SUBSCRIPTION):
        assert secret not in repr(config)
        assert secret not in config.pacing_key
    assert configure(subscription_key="another").pacing_key != config.pacing_key


# --- token


def fine(_: object) -> Answer:
    return Answer(200, CUSTOMER)


def test_a_token_is_asked_for_with_all_three_keys_and_sent_with_each_request() -> None:
    go = Go(fine)
    for _ in range(2):
        go.client.get("/Customers/7")
    token, *requests = go.server.requests
    basic = b64encode(":".join(KEYS).encode()).decode()
    assert token.headers["authorization"] == f"Basic {basic}"
    assert token.headers["ocp-apim-subscription-key"] == SUBSCRIPTION
    assert token.body == b"grant_type=client_credentials"
    assert [r.headers["authorization"] for r in requests] == ["Bearer token-1"] * 2
    assert {r.headers["ocp-apim-subscription-key"] for r in requests} == {SUBSCRIPTION}


def test_a_token_is_renewed_before_it_ends() -> None:
    go = Go(fine)
    go.client.get("/Customers/7")
    go.time.now += 1141
    go.client.get("/Customers/7")
    assert go.sent[-1].headers["authorization"] == "Bearer token-2"


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_a_token_revoked_early_is_replaced_once(method: str) -> None:
    go = Go(lambda r: Answer(401) if r.headers["authorization"] == "Bearer token-1" else Answer(200, CUSTOMER))
    calls = {
        "GET": lambda: go.client.get("/Customers/7"),
        "POST": lambda: go.client.post("/Customers", {}),
        "PATCH": lambda: go.client.patch("/Customers/7", []),
    }
    assert calls[method]().status == 200
    assert go.tokens == 2
    assert len(go.sent) == 2


def test_a_new_token_that_is_refused_too_ends_it() -> None:
    go = Go(lambda _: Answer(401, {"statusCode": 401, "message": "Access denied due to invalid subscription key."}))
    with pytest.raises(AccessError, match="401") as caught:
        go.client.get("/Customers")
    assert "subscription_key" in caught.value.remedy
    assert len(go.sent) == 2


@pytest.mark.parametrize(
    "answer",
    [Answer(403), Answer(400, {"title": "Missing privilege", "status": 400, "detail": "The privilege is missing."})],
)
def test_missing_privileges_are_named_and_no_matter_of_the_record(answer: Answer) -> None:
    go = Go(lambda _: answer)
    with pytest.raises(AccessError, match=str(answer.status)) as caught:
        go.client.post("/Customers", {"LastName": "Lie"})
    assert "Customer_Full" in caught.value.remedy
    assert len(go.sent) == 1


@pytest.mark.parametrize(("extra", "named"), [({}, ""), ({"contact": "it@fjord.example"}, "(it@fjord.example)")])
def test_each_request_names_the_application_and_the_contact_of_the_connection(
    extra: dict[str, str], named: str
) -> None:
    go = Go(fine, **extra)
    go.client.get("/Customers")
    agents = [request.headers["user-agent"] for request in go.server.requests]
    assert len(agents) == 2
    assert {agent.partition(" ")[2] for agent in agents} == {named}
    assert all(agent.startswith("Samklang/") for agent in agents)


@pytest.mark.parametrize("contact", ["a@b.example\r\nX-Evil: 1", "å@b.example", "x" * 101, "a) (b"])
def test_a_contact_that_cannot_stand_in_a_header_is_refused(contact: str) -> None:
    with pytest.raises(ConfigurationError, match="contact"):
        Go(fine, contact=contact)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, {"error": "invalid_client", "error_description": f"Client integration {KEYS[1]} not found."}),
        Answer(401, {"statusCode": 401, "message": "Access denied due to missing subscription key."}),
        Answer(403),
    ],
)
def test_refused_keys_are_an_access_error_that_says_what_to_check(answer: Answer) -> None:
    go = Go(fine)
    go.server.handler = lambda _: answer
    with pytest.raises(AccessError) as caught:
        go.client.get("/Customers")
    assert "environment" in caught.value.remedy
    assert "hemmelig" not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [Answer(200, b"<html>"), Answer(200, []), Answer(200, {"access_token": ""}), Answer(404)]
)
def test_a_token_server_that_is_none_is_a_protocol_error(answer: Answer) -> None:
    go = Go(fine)
    go.server.handler = lambda _: answer
    with pytest.raises(ProtocolError):
        go.client.sign_in()


def test_a_throttled_token_request_is_repeated() -> None:
    go = Go(fine)
    answers = [Answer(429, {"statusCode": "429", "message": "Rate limit is exceeded. Try again in 1 seconds."})]
    issue = go.server.handler
    go.server.handler = lambda r: answers.pop() if answers else issue(r)
    go.client.sign_in()
    assert go.time.slept == [1.0]


def test_a_limit_that_stays_is_a_throttled_error() -> None:
    go = Go(lambda _: Answer(429, {"statusCode": 429}))
    with pytest.raises(ThrottledError):
        go.client.get("/Customers")


def test_every_secret_is_handed_over_for_masking() -> None:
    go = Go(fine)
    go.client.sign_in()
    basic = b64encode(":".join(KEYS).encode()).decode()
    assert {*KEYS, SUBSCRIPTION, basic, "token-1"} == set(go.secrets)


# --- refusals


def reply(body: bytes, status: int = 400) -> Reply:
    return Reply(status, {}, body, "PATCH /v2/Customers/7", "PowerOffice Go")


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "Customer validation error(s)", "detail": "Wrong."}',
        b'{"Title": "Customer validation error(s)", "Detail": "Wrong."}',
    ],
)
def test_a_refusal_is_read_in_either_case(body: bytes) -> None:
    assert ProblemDetails.parse(body).text == "Customer validation error(s) Wrong."


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"[]", b"null", b'{"title": 5, "errors": 7}', b"\xff"])
def test_a_refusal_without_problem_details_survives(body: bytes) -> None:
    error = RefusedError(reply(body))
    assert not error.problem.known
    assert "HTTP 400" in str(error)
    assert error.problems(["City"])[0].field is None


@pytest.mark.parametrize(
    ("detail", "field", "code"),
    [
        ("CustomerPatchDto: The value 'x' is invalid for target location EmailAddress.", "EmailAddress", "invalid"),
        ("The email address x is not valid.", "EmailAddress", "invalid"),
        ("The country code UK is not valid according to ISO 3166-1.", "MailAddress.CountryCode", "invalid"),
        ("First name is required for persons.", "FirstName", "missing"),
        ("MailAddress.City is too long.", "MailAddress.City", "too_long"),
        ("ZipCode exceeds 50 characters.", "MailAddress.ZipCode", "too_long"),
        ("Name must be unique.", "Name", "taken"),
        ("Something else entirely.", None, "invalid"),
    ],
)
def test_a_refusal_names_its_field(detail: str, field: str | None, code: str) -> None:
    fields = ["Name", "FirstName", "EmailAddress", "MailAddress.City", "MailAddress.CountryCode", "MailAddress.ZipCode"]
    (found,) = RefusedError(reply(problem(detail).content)).problems(fields)
    assert (found.field, found.code) == (field, code)


def test_validation_errors_by_property_are_read() -> None:
    body = b'{"title": "One or more validation errors occurred.", "errors": {"EmailAddress": ["Not valid."]}}'
    (found,) = RefusedError(reply(body)).problems(["EmailAddress", "Name"])
    assert found.field == "EmailAddress"


@pytest.mark.parametrize(
    "detail",
    [
        "The current value 'Kari O'Nordmann' at path 'LastName' is not equal to the test value 'Ola'.",
        "EmailAddress kari@example.no is not valid.",
        "The phone number 99 88 77 66 is not valid.",
        'The name "Nordmann" is too odd.',
        "Nordmann is too odd.",
    ],
)
def test_no_value_comes_through_a_refusal(detail: str) -> None:
    sent = [
        {"op": "test", "path": "/LastName", "value": "Nordmann"},
        {"op": "replace", "path": "/PhoneNumber", "value": "99 88 77 66"},
    ]
    error = RefusedError(reply(problem(detail).content), sent)
    told = f"{error} {error!r} {error.problems(['LastName', 'EmailAddress', 'PhoneNumber'])}"
    for value in ("Nordmann", "Kari", "Ola", "kari@", "99 88"):
        assert value not in told


def test_a_short_value_does_not_garble_the_words_of_a_refusal() -> None:
    assert scrub("The name a is bad, NO is bad", {"Name": "a", "Code": "NO"}) == "The name … is bad, … is bad"


def test_a_refusal_travels_between_processes() -> None:
    error = RefusedError(reply(problem("Wrong.").content))
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, RefusedError)
    assert str(copy) == str(error)
    assert copy.status == 400
    assert copy.problem == error.problem


def test_errors_name_method_and_path_and_never_the_query() -> None:
    go = Go(lambda _: problem("Wrong: kari@example.no"))
    with pytest.raises(RemoteError, match="GET /v2/Customers") as caught:
        go.client.get("/Customers", {"emailAddresses": "kari@example.no"})
    assert "kari" not in str(caught.value)
