"""A server that is slow, huge or never done costs a bounded time and a bounded memory, and ends in an error of ours."""

from __future__ import annotations

import gzip
import socket
import sys
import time
import tracemalloc
import zlib

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
