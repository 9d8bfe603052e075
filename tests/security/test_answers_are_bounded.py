"""A server that is slow, huge or never done costs a bounded time and a bounded memory, and ends in an error of ours."""

from __future__ import annotations

import gzip
import socket
import sys
import time
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from wire import Handler, wire

from samklang.errors import ProtocolError, SamklangError, TemporaryError, UnclearError
from samklang.systems import deadline
from samklang.systems.transport import Transport

LIMIT = 0.3
MEGABYTE = 1024 * 1024


def transport(port: int, **options: object) -> Transport:
    return Transport(f"http://127.0.0.1:{port}", system="Example", sleep=lambda _: None, **options)  # type: ignore[arg-type]


def drip(start: bytes, piece: bytes) -> Handler:
    """Send `start`, then `piece` again and again, each well within the limit between two bytes."""

    def handler(connection: socket.socket) -> None:
        connection.sendall(start)
        until = time.monotonic() + 4 * LIMIT
        while time.monotonic() < until:
            connection.sendall(piece)
            time.sleep(0.05)

    return handler


SLOW: dict[str, tuple[bytes, bytes]] = {
    "a body of known length": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "a body that ends with the connection": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "the length of a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "headers": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "one header after another": (b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n"),
    "the status line": (b"HTTP/1.1 200 ", b"O"),
    "promises to go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("kind", SLOW)
@pytest.mark.parametrize(("safe", "error"), [(True, TemporaryError), (False, UnclearError)])
def test_an_answer_that_comes_drop_by_drop_has_an_end(
    kind: str, safe: bool, error: type[SamklangError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "LONGEST_ANSWER", LIMIT)
    monkeypatch.setattr("samklang.systems.transport.BUDGET", 0.0)
    with wire(drip(*SLOW[kind])) as server:
        begun = time.monotonic()
        with pytest.raises(error):
            transport(server.port).send("POST", "/", safe=safe, data=b"{}")
        assert time.monotonic() - begun < 2.5 * LIMIT


def test_a_file_that_comes_drop_by_drop_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "LONGEST_FILE", LIMIT)
    monkeypatch.setattr("samklang.systems.transport.BUDGET", 0.0)
    with wire(drip(*SLOW["chunks"])) as server, wire(drip(b"", b"")) as api:
        begun = time.monotonic()
        with pytest.raises(TemporaryError):
            list(transport(api.port).download(f"http://127.0.0.1:{server.port}/file", hosts=()))
        assert time.monotonic() - begun < 2.5 * LIMIT


def test_the_time_that_a_file_is_worked_on_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "LONGEST_FILE", LIMIT)
    size = 3 * MEGABYTE
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
    with wire(lambda c: c.sendall(head + b"x" * size)) as server, wire(drip(b"", b"")) as api:
        received = 0
        for chunk in transport(api.port).download(f"http://127.0.0.1:{server.port}/file", hosts=()):
            received += len(chunk)
            time.sleep(0.1)
    assert received == size


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_unpacks_to_a_multiple_is_cut_off_without_being_unpacked(encoding: str, framing: str) -> None:
    packed = zlib.compress(b"\0" * 50 * MEGABYTE, 9) if encoding == "deflate" else gzip.compress(bytes(50 * MEGABYTE))
    if encoding == "gzip, gzip":
        packed = gzip.compress(packed)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n"
    if framing == "length":
        body = f"{head}Content-Length: {len(packed)}\r\n\r\n".encode() + packed
    else:
        body = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(packed):x}\r\n".encode() + packed + b"\r\n0\r\n\r\n"
    with wire(lambda connection: connection.sendall(body)) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ProtocolError, match="larger than 1000000 bytes"):
                transport(server.port, max_bytes=1_000_000).send("GET", "/", safe=True)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 10 * MEGABYTE


@pytest.mark.parametrize("open_and_close", [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_json_nested_too_deep_is_a_protocol_error(open_and_close: tuple[bytes, bytes], depth: int) -> None:
    opened, closed = open_and_close
    body = opened * depth + b"1" + closed * depth
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with wire(lambda connection: connection.sendall(head + body)) as server:
        reply = transport(server.port).send("GET", "/", safe=True)
        with pytest.raises(ProtocolError, match="not JSON"):
            reply.json()
    assert sys.getrecursionlimit() < 200_000  # it is not ours that saved it


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
    ],
    ids=["a long one", "many"],
)
def test_headers_beyond_measure_are_refused(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samklang.systems.transport.BUDGET", 0.0)
    with wire(lambda connection: connection.sendall(head)) as server, pytest.raises(TemporaryError):
        transport(server.port).send("GET", "/", safe=True)


def test_a_connection_is_kept_for_the_next_request() -> None:
    accepted = []

    def handler(connection: socket.socket) -> None:
        accepted.append(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with wire(handler) as server:
        one = transport(server.port)
        assert [one.send("GET", "/", safe=True).json() for _ in range(2)] == [{}, {}]
    assert len(accepted) == 1


# --- answers without an end, as fast as they can be sent -----------------------------------------------------

EMPTY_MEMBER = gzip.compress(b"")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "promises to go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "promises to go on, with headers": (b"", b"HTTP/1.1 100 Continue\r\nX-Long: " + b"x" * 9_000 + b"\r\n\r\n"),
    "a trailer": (CHUNKED + b"\r\n0\r\n", b"X-Trailer: 1\r\n" * 100),
    "members of gzip that hold nothing": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
        EMPTY_MEMBER * 100,
    ),
    "chunks of members that hold nothing": (
        CHUNKED + b"Content-Encoding: gzip\r\n\r\n",
        b"%x\r\n" % len(EMPTY_MEMBER) + EMPTY_MEMBER + b"\r\n",
    ),
    "the size of a chunk with much beside it": (CHUNKED + b"\r\n", b"1;" + b"x" * 1_000 + b"\r\nx\r\n"),
}


def flood(start: bytes, piece: bytes, sent: list[int]) -> Handler:
    def handler(connection: socket.socket) -> None:
        connection.sendall(start)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            connection.sendall(piece)
            sent[0] += len(piece)

    return handler


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("safe", [True, False])
def test_an_answer_without_an_end_is_cut_off_at_a_size_as_it_comes(
    kind: str, safe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what was unpacked counted: 17 to over 40 times the limit came in, or as much as the server liked."""
    monkeypatch.setattr("samklang.systems.transport.BUDGET", 0.0)
    sent = [0]
    with wire(flood(*ENDLESS[kind], sent)) as server:
        with pytest.raises(SamklangError):
            transport(server.port, max_bytes=MEGABYTE).send("GET", "/", safe=safe)
        came = sent[0]
    assert came < 12 * MEGABYTE  # what is under way in the sockets of both ends comes on top


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_without_an_end_is_cut_off_after_a_time_though_nobody_waits(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only waiting counted, and nobody waits for bytes that are there already."""
    monkeypatch.setattr(deadline, "LONGEST_ANSWER", LIMIT)
    monkeypatch.setattr(deadline, "LARGEST_HEAD", 2**40)
    monkeypatch.setattr("samklang.systems.transport.BUDGET", 0.0)
    with wire(flood(*ENDLESS[kind], [0])) as server:
        begun = time.monotonic()
        with pytest.raises(SamklangError):
            transport(server.port, max_bytes=2**40).send("GET", "/", safe=True)
        assert time.monotonic() - begun < 10 * LIMIT  # a machine that is busy reads slowly


# --- headers in any form ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("4.0", 4, 6),
        ("4", 4, 6),
        (" 4 ", 4, 6),
        ("0", 0.5, 1),
        ("-1", 0.5, 1),
        ("", 1, 1.5),
        ("soon", 1, 1.5),
        ("nan", 1, 1.5),
        ("inf", 30, 30),
        ("1e400", 30, 30),
        ("9" * 5000, 30, 30),
        ("99999999", 30, 30),
        ("4, 5", 1, 1.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.5, 1),
        ("Wed, 21 Oct 9999 07:28:00 GMT", 30, 30),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", 1, 1.5),
        ("Wed, 21 Oct 0001 07:28:00 +9999", 0.5, 1.5),
        ("Wed, 99 Foo 2026 99:99:99", 1, 1.5),
        (", , ,", 1, 1.5),
        ("\u00e9\u00ff", 1, 1.5),
    ],
)
def test_whatever_retry_after_says_is_waited_for_within_reason(asked: str, least: float, most: float) -> None:
    waits: list[float] = []
    replies = iter(["429 Too Many", "200 OK"])

    def handler(connection: socket.socket) -> None:
        head = f"HTTP/1.1 {next(replies)}\r\nRetry-After: {asked}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode("latin-1") + b"{}")

    with wire(handler) as server:
        client = Transport(f"http://127.0.0.1:{server.port}", system="Example", sleep=waits.append)
        assert client.send("POST", "/", safe=False).status == 200
    (wait,) = waits
    assert least <= wait <= most


@pytest.mark.parametrize("status", ["200 OK", "429 Too Many"])
@pytest.mark.parametrize(
    "length",
    [
        "-1",
        "",
        "x",
        "1.5",
        "2, 2",
        "2, 3",
        "1e3",
        "0x2",
        "+2",
        "2 2",
        "9" * 5000,
        "99999999999999999999",
        "\u00b2",
        "nan",
    ],
)
def test_whatever_content_length_says_ends_in_an_answer_or_an_error_of_ours(
    length: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samklang.systems.transport.BUDGET", 0.0)
    body = f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode("latin-1") + b"{}"
    with wire(lambda connection: connection.sendall(body)) as server:
        for safe in (True, False):
            with suppress(TemporaryError, UnclearError):
                assert transport(server.port).send("GET", "/", safe=safe).content in (b"{}", b"")
