"""Whom a client talks to: one host, encrypted, and with nothing that it was not given."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted import BASE, OK, Answer, Server, Time, in_turn, make_transport

from samklang.errors import ConfigurationError, TemporaryError
from samklang.systems.transport import Transport

# --- what is sent


def test_a_request_goes_under_the_base_url_with_a_json_body() -> None:
    transport, server, _ = make_transport(OK)
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
    transport, server, _ = make_transport(OK)
    transport.send("GET", "/", safe=True)
    assert "authorization" not in server.requests[0].headers


def test_cookies_are_not_kept() -> None:
    transport, server, _ = make_transport(Answer(200, {}, {"Set-Cookie": "a=b"}), OK)
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
        make_transport(OK, base=base)
    assert "hemmelig" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:9101", "localhost:9101", "[::1]:9101", "127.8.8.8"])
def test_plain_http_passes_for_this_machine(host: str) -> None:
    transport, server, _ = make_transport(OK, base=f"http://{host}/v2")
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
    transport, server, _ = make_transport(OK)
    with pytest.raises(ConfigurationError):
        transport.send("GET", url, safe=True)
    assert server.requests == []


def test_an_absolute_url_of_the_same_host_is_taken() -> None:
    transport, server, _ = make_transport(OK)
    transport.send("POST", "https://API.example.com:443/token", safe=True)
    assert server.requests[0].path == "/token"


def test_each_try_waits_for_the_pacer() -> None:
    class Pacer:
        waits = 0

        def wait(self) -> None:
            self.waits += 1

    pacer = Pacer()
    transport, _, _ = make_transport(Answer(429), OK, pacer=pacer)
    transport.send("GET", "/", safe=True)
    assert pacer.waits == 2


# --- files


def test_a_file_comes_from_another_host_without_credentials() -> None:
    transport, server, _ = make_transport(Answer(200, b"one\ntwo\n"))
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
    transport, server, _ = make_transport(OK)
    with pytest.raises(ConfigurationError):
        list(transport.download(url, hosts=["storage.example.net"]))
    assert server.requests == []


def test_a_simulator_on_this_machine_may_serve_files() -> None:
    transport, _, _ = make_transport(Answer(200, b"x"), base="http://127.0.0.1:9102")
    assert b"".join(transport.download("http://127.0.0.1:9102/bulk", hosts=["storage.example.net"])) == b"x"


def test_a_file_that_is_gone_is_no_empty_file() -> None:
    transport, _, _ = make_transport(Answer(404, b""))
    with pytest.raises(TemporaryError, match="404"):
        list(transport.download("https://storage.example.net/bulk", hosts=["storage.example.net"]))
