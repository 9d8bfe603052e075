"""What urllib3 logs at DEBUG, and warns of, holds no value of a request or an answer."""

from __future__ import annotations

import logging

import pytest
from wire import answer, wire

from samklang.errors import TemporaryError
from samklang.systems.transport import Transport


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "urllib3.connection", "requests"):
        caplog.set_level(logging.DEBUG, name)


def test_a_request_is_logged_without_its_query(caplog: pytest.LogCaptureFixture) -> None:
    with wire(answer()) as server:
        transport = Transport(f"http://127.0.0.1:{server.port}", system="Example")
        transport.send("GET", "/Customers", safe=True, params={"email": "kari@kanari.example"})
    assert b"kari" in server.requests[0]
    assert "GET /Customers?… HTTP" in caplog.text
    assert "kari" not in caplog.text


def test_a_signed_address_of_a_file_is_logged_without_its_signature(caplog: pytest.LogCaptureFixture) -> None:
    with wire(answer()) as server:
        url = f"http://127.0.0.1:{server.port}"
        list(Transport(url, system="Example").download(f"{url}/file?Signature=kanari", hosts=()))
    assert "GET /file?…" in caplog.text
    assert "kanari" not in caplog.text


@pytest.mark.parametrize("header", ["no colon kari@kanari.example", "X-A: 1\r\n folded kari@kanari.example\r\n:"])
def test_headers_that_cannot_be_read_are_not_quoted(header: str, caplog: pytest.LogCaptureFixture) -> None:
    with wire(answer(b"{}", "200 OK", header, "X-After: kari@kanari.example")) as server:
        transport = Transport(f"http://127.0.0.1:{server.port}", system="Example", sleep=lambda _: None)
        transport.send("GET", "/Customers", safe=True, params={"email": "kari@kanari.example"})
    assert "Failed to parse headers" in caplog.text
    assert "kari" not in caplog.text


def test_a_try_that_failed_is_logged_without_what_was_sent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samklang.systems.transport.BUDGET", 0.8)
    with wire(answer(b"kari@kanari.example", "500 kari@kanari.example")) as server, pytest.raises(TemporaryError):
        Transport(f"http://127.0.0.1:{server.port}", system="Example", sleep=lambda _: None).send(
            "GET", "/Customers", safe=True, params={"email": "kari@kanari.example"}, headers={"X-Key": "kanari-key"}
        )
    assert "Waiting" in caplog.text
    assert "kari" not in caplog.text
    assert "kanari" not in caplog.text


def test_no_key_is_printed_where_a_process_has_http_client_print_what_it_sends(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A common recipe for looking at traffic; it printed each header, keys and tokens with them."""
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
    with wire(answer(b"{}", "200 OK", "X-Token: kanari-token")) as server:
        transport = Transport(f"http://127.0.0.1:{server.port}", system="Example")
        transport.send("GET", "/", safe=True, headers={"X-Key": "kanari-key"})
    assert b"kanari-key" in server.requests[0]
    assert "kanari" not in "".join(capfd.readouterr())
