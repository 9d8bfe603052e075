"""A server of bytes on this machine: what it sends, and how slowly, is up to the test."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Handler = Callable[[socket.socket], None]


@dataclass
class Wire:
    """:param requests: heads of all requests that came, in clear; :param failures: handshakes that failed."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    failures: int = 0


@contextmanager
def wire(handler: Handler, context: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """:param handler: writes the answer to each request; the connection is closed after it."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = Wire(listener.getsockname()[1])
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            if context is not None:
                try:
                    connection = context.wrap_socket(connection, server_side=True)
                except OSError:
                    seen.failures += 1
                    connection.close()
                    return
            connection.settimeout(5)
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    part = connection.recv(65536)
                    if not part:
                        return
                    head += part
                seen.requests.append(head)
                handler(connection)

    def accept() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=[connection], daemon=True))
            threads[-1].start()

    threads = [threading.Thread(target=accept, daemon=True)]
    threads[0].start()
    try:
        yield seen
    finally:
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:  # what was seen is whole from here on
            thread.join(timeout=10)


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> Handler:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
