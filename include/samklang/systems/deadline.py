"""An adapter whose answers have an end, however slowly their bytes come.

The read timeout of `requests` is a limit between two bytes: a server that sends one every few seconds, in a body or in
headers, would hold a task for ever. And what it counts in a body is what has been unpacked: interim answers, trailers,
and members of gzip that hold nothing may go on without end. So time and bytes are counted here, where they come in.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from socket import SocketIO, socket
from typing import Any, ClassVar

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

LONGEST_ANSWER = 300.0
"""Seconds for one answer of an API, from the sent request to the last byte."""
LONGEST_FILE = 3600.0
"""Seconds for one file; what is done between two chunks does not count."""
LARGEST_HEAD = 1024 * 1024
"""Bytes before the body, with all interim answers."""


class DeadlineAdapter(HTTPAdapter):
    """
    :param longest: seconds for one answer; after them it ends like a read timeout.
    :param most: bytes of its body as they come, packed and framed; then it ends like a broken connection.
    """

    def __init__(self, longest: float, most: int, **options: Any) -> None:
        self._longest = longest
        self._most = most
        super().__init__(**options)

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        response = super().send(*arguments, **options)
        # it keeps what urllib3 lets go of at the end of a body
        original: Any = response.raw._original_response  # noqa: SLF001 - the only way to it
        response.meter = original.meter  # type: ignore[attr-defined]
        original.meter.allow(self._most)
        return response

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        _use(self.poolmanager, self._longest)

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        is_new = proxy not in self.proxy_manager
        manager: PoolManager = super().proxy_manager_for(proxy, **options)
        if is_new:
            _use(manager, self._longest)
        return manager


def _use(manager: PoolManager, limit: float) -> None:
    class Response(_Response):
        longest = limit

    class Plain(HTTPConnection):
        response_class = Response
        debuglevel = 0  # whatever a process sets for all: http.client would print headers, and keys with them

    class Secure(HTTPSConnection):
        response_class = Response
        debuglevel = 0

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


class _Response(HTTPResponse):
    longest: ClassVar[float]

    def __init__(self, sock: socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        # HTTPResponse reads status, headers and body from this one file
        raw: Any = self.fp.detach()
        self.meter = Meter(self.longest)
        self.fp = io.BufferedReader(_Reader(raw, sock, self.meter))


class Meter:
    """What one answer may still take, of time and of bytes."""

    def __init__(self, longest: float) -> None:
        self._end = time.monotonic() + longest
        self._bytes = LARGEST_HEAD
        self.is_too_large = False

    def allow(self, most: int) -> None:
        """The head is over: from now on so many bytes."""
        self._bytes = most

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done meanwhile is not the server's time."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - begun

    def left(self) -> float:
        """Seconds. :raises TimeoutError: none are. :raises ConnectionError: it was too large already."""
        if self._bytes < 0:
            self.is_too_large = True
            raise ConnectionError("the answer is too large")
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        return left

    def count(self, number: int | None) -> None:
        self._bytes -= number or 0


class _Reader(io.RawIOBase):
    """The bytes of a socket, as long as a meter lets them in."""

    def __init__(self, raw: SocketIO, sock: socket, meter: Meter) -> None:
        self._raw = raw
        self._sock = sock
        self._meter = meter
        self._between_bytes = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._meter.left()
        self._sock.settimeout(left if self._between_bytes is None else min(left, self._between_bytes))
        number = self._raw.readinto(buffer)
        self._meter.count(number)
        return number

    def close(self) -> None:
        self._raw.close()
        super().close()


def read_no_redirects(session: requests.Session) -> None:
    """Answers with a `Location` are answers like others. `requests` reads and unpacks all of their bodies, whatever the
    limits, also where it is not to follow them."""
    session.get_redirect_target = _nowhere  # type: ignore[assignment, method-assign]


def _nowhere(response: requests.Response) -> None:
    """The place that a redirect names."""
    del response
