"""What a request's outcome means, and which requests are sent again."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
from scripted import Answer, Server, Time, in_turn
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
from samklang.systems.transport import BUDGET, LONGEST_WAIT, Transport

BASE = "https://api.example.com/v2"
OK = Answer(200, {"fine": True})


def make(*answers: Answer | Exception, base: str = BASE, **options: Any) -> tuple[Transport, Server, Time]:
    time, server = Time(), Server(in_turn(*answers))
    transport = Transport(
        base,
        server.session(),
        system="Example",
        sleep=time.sleep,
        clock=time.clock,
        wall=lambda: 1_800_000_000.0,
        random=lambda: 0.0,
        **options,
    )
    return transport, server, time


def refused_connection() -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused")))  # type: ignore[arg-type]


# --- what is sent


def test_a_request_goes_under_the_base_url_with_a_json_body() -> None:
    transport, server, _ = make(OK)
    reply = transport.send("POST", "/Things", safe=False, json={"a": 1}, params={"codes": "a,b+c"})
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/v2/Things", b'{"a":1}')
    assert request.query == {"codes": ["a,b+c"]}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("Samklang/")
    assert reply.status == 200
    assert reply.json() == {"fine": True}


def test_certificates_are_checked_even_where_a_session_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    time, server = Time(), Server(in_turn(OK))
    session = server.session()
    session.verify = False
    transport = Transport(BASE, session, system="Example", sleep=time.sleep, clock=time.clock)
    session.verify = False
    transport.send("GET", "/", safe=True)
    assert server.arguments[0]["verify"] is True


def test_no_password_comes_from_a_netrc_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example.com login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    transport, server, _ = make(OK)
    transport.send("GET", "/", safe=True)
    assert "authorization" not in server.requests[0].headers


def test_cookies_are_not_kept() -> None:
    transport, server, _ = make(Answer(200, {}, {"Set-Cookie": "a=b"}), OK)
    for _ in range(2):
        transport.send("GET", "/", safe=True)
    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize(
    "base",
    [
        "http://api.example.com/v2",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "ftp://api.example.com",
        "api.example.com",
        "https://user:hemmelig@api.example.com",
        "https://api.example.com/?key=1",
        "https://",
        "http://[::2]/",
    ],
)
def test_a_base_url_that_is_not_a_plain_https_address_is_refused(base: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(OK, base=base)
    assert "hemmelig" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:9101", "localhost:9101", "[::1]:9101", "127.8.8.8"])
def test_plain_http_passes_for_this_machine(host: str) -> None:
    transport, server, _ = make(OK, base=f"http://{host}/v2")
    assert transport.send("GET", "/x", safe=True).status == 200
    assert server.requests[0].base_url == f"http://{host}"


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example.com/v2/x",
        "http://api.example.com/v2/x",
        "https://api.example.com:8443/v2/x",
        "https://api.example.com@other.example.com/v2",
        "https://other.example.com\\@api.example.com/v2",
    ],
)
def test_another_host_than_the_base_urls_gets_no_request(url: str) -> None:
    transport, server, _ = make(OK)
    with pytest.raises(ConfigurationError):
        transport.send("GET", url, safe=True)
    assert server.requests == []


def test_an_absolute_url_of_the_same_host_is_taken() -> None:
    transport, server, _ = make(OK)
    transport.send("POST", "https://API.example.com:443/token", safe=True)
    assert server.requests[0].path == "/token"


def test_each_try_waits_for_the_pacer() -> None:
    class Pacer:
        waits = 0

        def wait(self) -> None:
            self.waits += 1

    pacer = Pacer()
    transport, _, _ = make(Answer(429), OK, pacer=pacer)
    transport.send("GET", "/", safe=True)
    assert pacer.waits == 2


# --- what an answer means


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 409, 415, 422])
@pytest.mark.parametrize("safe", [True, False])
def test_an_answer_that_is_a_decision_is_given_back_at_once(status: int, safe: bool) -> None:
    transport, server, _ = make(Answer(status))
    assert transport.send("GET", "/", safe=safe).status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308])
@pytest.mark.parametrize("safe", [True, False])
def test_no_redirect_is_followed(status: int, safe: bool) -> None:
    transport, server, _ = make(Answer(status, None, {"Location": "https://elsewhere.example.com/?token=x"}), OK)
    with pytest.raises(ConfigurationError, match="elsewhere") as caught:
        transport.send("GET", "/", safe=safe)
    assert len(server.requests) == 1
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_failing_server_is_asked_again_where_that_is_safe(status: int) -> None:
    transport, server, time = make(Answer(status), Answer(status), OK)
    assert transport.send("GET", "/", safe=True).status == 200
    assert time.slept == [0.5, 1.0]
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_write_that_a_failing_server_may_have_carried_out_is_unclear_and_never_repeated(status: int) -> None:
    transport, server, _ = make(Answer(status, None, {"Retry-After": "1"}), OK)
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
    transport, server, _ = make(error, OK)
    with pytest.raises(UnclearError):
        transport.send("POST", "/Things", safe=False)
    assert len(server.requests) == 1
    transport, server, _ = make(error, OK)
    assert transport.send("GET", "/Things", safe=True).status == 200


@pytest.mark.parametrize("error", [requests.ConnectTimeout("slow"), refused_connection()])
def test_a_write_that_was_never_sent_is_sent_again(error: Exception) -> None:
    transport, server, _ = make(error, OK)
    assert transport.send("POST", "/Things", safe=False).status == 200
    assert len(server.requests) == 2


def test_a_write_that_could_never_be_sent_is_temporary_and_not_unclear() -> None:
    transport, _, _ = make(refused_connection())
    with pytest.raises(TemporaryError):
        transport.send("POST", "/Things", safe=False)


def test_an_untrusted_certificate_ends_the_run_at_once_and_says_so() -> None:
    cause = MaxRetryError(None, "/", TlsError(ssl.SSLCertVerificationError(1, "self-signed")))  # type: ignore[arg-type]
    transport, server, _ = make(requests.exceptions.SSLError(cause))
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
    transport, server, time = make(Answer(429, None, {"Retry-After": "2.5"}), OK)
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
    transport, _, time = make(Answer(429, None, {"Retry-After": header}), OK)
    transport.send("GET", "/", safe=True)
    assert time.slept == [waited]


def test_a_busy_server_that_names_a_time_is_given_it() -> None:
    transport, _, time = make(Answer(503, None, {"Retry-After": "4"}), OK)
    transport.send("GET", "/", safe=True)
    assert time.slept == [4.0]


def test_waiting_has_an_end_and_the_error_tells_how_long_the_server_asked_for() -> None:
    transport, _, time = make(Answer(429, None, {"Retry-After": "20"}))
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
    transport, server, time = make(Answer(200, {"throttled": True}), OK)
    reply = transport.send(
        "POST", "/graphql", safe=False, throttled=lambda r: 3.0 if r.json().get("throttled") else None
    )
    assert reply.json() == {"fine": True}
    assert time.slept == [3.0]
    assert len(server.requests) == 2


# --- bodies


def test_an_answer_beyond_the_limit_is_cut_off() -> None:
    transport, _, _ = make(Answer(200, b"x" * 2000), max_bytes=1000)
    with pytest.raises(ProtocolError, match="larger than 1000 bytes"):
        transport.send("GET", "/", safe=True)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": '])
def test_a_body_that_is_not_json_is_a_protocol_error_without_its_text(body: bytes) -> None:
    transport, _, _ = make(Answer(200, body))
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
    transport, _, _ = make(answer)
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
    transport, server, _ = make(OK)
    with pytest.raises(ConfigurationError) as caught:
        transport.send("GET", "/", safe=True, headers={"X-Key": "hemmelig\nX-Other: 1"})
    assert "hemmelig" not in str(caught.value)
    assert server.requests == []


# --- files


def test_a_file_comes_from_another_host_without_credentials() -> None:
    transport, server, _ = make(Answer(200, b"one\ntwo\n"))
    url = "https://files.storage.example.net/bulk.jsonl?signature=abc"
    assert b"".join(transport.download(url, hosts=["storage.example.net"])) == b"one\ntwo\n"
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.example.net/bulk",
        "https://evilstorage.example.net/bulk",
        "https://storage.example.net.evil.example/bulk",
        "http://127.0.0.1/bulk",
    ],
)
def test_a_file_from_a_host_that_is_not_listed_is_not_fetched(url: str) -> None:
    transport, server, _ = make(OK)
    with pytest.raises(ConfigurationError):
        list(transport.download(url, hosts=["storage.example.net"]))
    assert server.requests == []


def test_a_simulator_on_this_machine_may_serve_files() -> None:
    transport, _, _ = make(Answer(200, b"x"), base="http://127.0.0.1:9102")
    assert b"".join(transport.download("http://127.0.0.1:9102/bulk", hosts=["storage.example.net"])) == b"x"


def test_a_file_that_is_gone_is_no_empty_file() -> None:
    transport, _, _ = make(Answer(404, b""))
    with pytest.raises(TemporaryError, match="404"):
        list(transport.download("https://storage.example.net/bulk"))
