"""What a request's outcome means, and which requests are sent again."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest
import requests
from scripted import BASE, OK, Answer, Server, Time, in_turn, make_transport
from urllib3.exceptions import MaxRetryError, NewConnectionError
from urllib3.exceptions import SSLError as TlsError

from samklang.errors import (
    ConfigurationError,
    ProtocolError,
    RemoteError,
    TemporaryError,
    ThrottledError,
    UnclearError,
)
from samklang.systems.transport import BUDGET, HURRY, LONGEST_WAIT, Transport


def refused_connection() -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused")))  # type: ignore[arg-type]


# --- what an answer means


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 409, 415, 422])
@pytest.mark.parametrize("safe", [True, False])
def test_an_answer_that_is_a_decision_is_given_back_at_once(status: int, safe: bool) -> None:
    transport, server, _ = make_transport(Answer(status))
    assert transport.send("GET", "/", safe=safe).status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308])
@pytest.mark.parametrize("safe", [True, False])
def test_no_redirect_is_followed(status: int, safe: bool) -> None:
    transport, server, _ = make_transport(
        Answer(status, None, {"Location": "https://elsewhere.example.com/?token=x"}), OK
    )
    with pytest.raises(ConfigurationError, match="elsewhere") as caught:
        transport.send("GET", "/", safe=safe)
    assert len(server.requests) == 1
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_failing_server_is_asked_again_where_that_is_safe(status: int) -> None:
    transport, server, time = make_transport(Answer(status), Answer(status), OK)
    assert transport.send("GET", "/", safe=True).status == 200
    assert time.slept == [0.5, 1.0]
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_write_that_a_failing_server_may_have_carried_out_is_unclear_and_never_repeated(status: int) -> None:
    transport, server, _ = make_transport(Answer(status, None, {"Retry-After": "1"}), OK)
    with pytest.raises(UnclearError) as caught:
        transport.send("POST", "/Things", safe=False, json={})
    assert len(server.requests) == 1
    assert caught.value.status == status


@pytest.mark.parametrize(
    "error",
    [
        requests.ReadTimeout("slow"),
        requests.ConnectionError("Remote end closed connection"),
        requests.exceptions.ChunkedEncodingError("cut"),
    ],
)
def test_a_lost_answer_is_unclear_for_a_write_and_asked_for_again_by_a_read(error: Exception) -> None:
    transport, server, _ = make_transport(error, OK)
    with pytest.raises(UnclearError):
        transport.send("POST", "/Things", safe=False)
    assert len(server.requests) == 1
    transport, server, _ = make_transport(error, OK)
    assert transport.send("GET", "/Things", safe=True).status == 200


@pytest.mark.parametrize("error", [requests.ConnectTimeout("slow"), refused_connection()])
def test_a_write_that_was_never_sent_is_sent_again(error: Exception) -> None:
    transport, server, _ = make_transport(error, OK)
    assert transport.send("POST", "/Things", safe=False).status == 200
    assert len(server.requests) == 2


def test_a_write_that_could_never_be_sent_is_temporary_and_not_unclear() -> None:
    transport, _, _ = make_transport(refused_connection())
    with pytest.raises(TemporaryError):
        transport.send("POST", "/Things", safe=False)


def test_an_untrusted_certificate_ends_the_run_at_once_and_says_so() -> None:
    cause = MaxRetryError(None, "/", TlsError(ssl.SSLCertVerificationError(1, "self-signed")))  # type: ignore[arg-type]
    transport, server, _ = make_transport(requests.exceptions.SSLError(cause))
    with pytest.raises(ConfigurationError, match="certificate"):
        transport.send("GET", "/", safe=True)
    assert len(server.requests) == 1


def test_over_a_real_socket_a_refused_connection_is_not_sent_and_a_cut_one_is_unclear() -> None:
    time = Time()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        transport = Transport(f"http://127.0.0.1:{port}", system="Example", sleep=time.sleep, clock=time.clock)

        def cut() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.close()

        server = threading.Thread(target=cut)
        server.start()
        with pytest.raises(UnclearError):
            transport.send("POST", "/Things", safe=False, json={})
        server.join(timeout=5)
    with pytest.raises(TemporaryError):
        transport.send("POST", "/Things", safe=False, json={})


# --- waiting


@pytest.mark.parametrize("safe", [True, False])
def test_a_throttled_request_was_not_executed_and_is_sent_again(safe: bool) -> None:
    transport, server, time = make_transport(Answer(429, None, {"Retry-After": "2.5"}), OK)
    assert transport.send("PATCH", "/", safe=safe).status == 200
    assert time.slept == [2.5]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("3", 3.0),
        ("0.75", 0.75),
        ("Fri, 15 Jan 2027 08:00:07 GMT", 7.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.5),
        ("9999", LONGEST_WAIT),
        ("soon", 1.0),
        ("-5", 0.5),
        ("", 1.0),
    ],
)
def test_retry_after_is_read_in_each_of_its_forms(header: str, waited: float) -> None:
    transport, _, time = make_transport(Answer(429, None, {"Retry-After": header}), OK)
    transport.send("GET", "/", safe=True)
    assert time.slept == [waited]


def test_a_busy_server_that_names_a_time_is_given_it() -> None:
    transport, _, time = make_transport(Answer(503, None, {"Retry-After": "4"}), OK)
    transport.send("GET", "/", safe=True)
    assert time.slept == [4.0]


def test_waiting_has_an_end_and_the_error_tells_how_long_the_server_asked_for() -> None:
    transport, _, time = make_transport(Answer(429, None, {"Retry-After": "20"}))
    with pytest.raises(ThrottledError) as caught:
        transport.send("GET", "/", safe=True)
    assert sum(time.slept) <= BUDGET
    assert caught.value.retry_after == 20.0
    assert caught.value.status == 429


def test_waiting_has_an_end_even_if_the_clock_stands_still() -> None:
    server = Server(in_turn(Answer(502)))
    transport = Transport(BASE, server.session(), system="Example", sleep=lambda _: None, clock=lambda: 0.0)
    with pytest.raises(TemporaryError):
        transport.send("GET", "/", safe=True)
    assert 3 < len(server.requests) < 12


def test_waits_are_spread_so_that_nobody_comes_back_at_the_same_moment() -> None:
    slept = []
    for chance in (0.0, 0.5, 1.0):
        time, server = Time(), Server(in_turn(Answer(502), OK))
        transport = Transport(
            BASE, server.session(), system="Example", sleep=time.sleep, clock=time.clock, random=lambda c=chance: c
        )
        transport.send("GET", "/", safe=True)
        slept += time.slept
    assert slept == [0.5, 0.625, 0.75]


def test_an_answer_that_says_in_its_body_that_a_limit_was_hit_is_waited_for() -> None:
    transport, server, time = make_transport(Answer(200, {"throttled": True}), OK)
    reply = transport.send(
        "POST", "/graphql", safe=False, throttled=lambda r: 3.0 if r.json().get("throttled") else None
    )
    assert reply.json() == {"fine": True}
    assert time.slept == [3.0]
    assert len(server.requests) == 2


# --- bodies


def test_an_answer_beyond_the_limit_is_cut_off() -> None:
    transport, _, _ = make_transport(Answer(200, b"x" * 2000), max_bytes=1000)
    with pytest.raises(ProtocolError, match="larger than 1000 bytes"):
        transport.send("GET", "/", safe=True)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": '])
def test_a_body_that_is_not_json_is_a_protocol_error_without_its_text(body: bytes) -> None:
    transport, _, _ = make_transport(Answer(200, body))
    with pytest.raises(ProtocolError) as caught:
        transport.send("GET", "/Things", safe=True).json()
    assert "html" not in str(caught.value)
    assert "GET /v2/Things" in str(caught.value)


# --- secrets


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {"detail": "kari@example.no"}),
        Answer(429, {"detail": "kari@example.no"}),
        Answer(302, {"detail": "kari@example.no"}),
        Answer(200, b"kari@example.no"),
        requests.ConnectionError("https://api.example.com/v2/Things?email=kari@example.no Bearer hemmelig"),
        requests.exceptions.InvalidHeader("Bearer hemmelig kari@example.no"),
    ],
)
@pytest.mark.parametrize("safe", [True, False])
def test_no_error_tells_queries_headers_or_bodies(answer: Answer | Exception, safe: bool) -> None:
    transport, _, _ = make_transport(answer)
    with pytest.raises((RemoteError, ConfigurationError)) as caught:
        transport.send(
            "POST",
            "/Things",
            safe=safe,
            params={"email": "kari@example.no"},
            headers={"Authorization": "Bearer hemmelig"},
            json={"EmailAddress": "kari@example.no"},
        ).json()
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__suppress_context__ or error.__context__ is None
    assert "kari" not in f"{error!r} {error}"
    assert "hemmelig" not in f"{error!r} {error}"
    assert "/v2/Things" in str(error)


def test_a_key_that_no_header_can_carry_is_named_as_such_and_not_shown() -> None:
    transport, server, _ = make_transport(OK)
    with pytest.raises(ConfigurationError) as caught:
        transport.send("GET", "/", safe=True, headers={"X-Key": "hemmelig\nX-Other: 1"})
    assert "hemmelig" not in str(caught.value)
    assert server.requests == []


def test_a_server_that_failed_for_a_minute_is_given_one_more_try_by_what_follows() -> None:
    transport, server, time = make_transport(Answer(500))
    for _ in range(3):
        with pytest.raises(TemporaryError):
            transport.send("GET", "/", safe=True)
    first, *following = server.requests[:-4], server.requests[-4:-2], server.requests[-2:]
    assert len(first) > 4
    assert [len(tries) for tries in following] == [2, 2]

    time.now += HURRY
    before = len(server.requests)
    with pytest.raises(TemporaryError):
        transport.send("GET", "/", safe=True)
    assert len(server.requests) - before == len(first)
