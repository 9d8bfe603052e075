"""An adapter whose answers have an end, however slowly their bytes come.

The read timeout of `requests` is a limit between two bytes: a server that sends one every few seconds, in a body or in
headers, would hold a task for ever. Here the time spent waiting for one answer is added up.
"""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse
from socket import SocketIO, socket
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

LONGEST_ANSWER = 300.0
"""Seconds of waiting for one answer of an API, from the sent request to the last byte."""
LONGEST_FILE = 3600.0
"""Seconds of waiting for one file; what is done between two chunks does not count."""


class DeadlineAdapter(HTTPAdapter):
    """:param longest: seconds of waiting for one answer; after them it ends like a read timeout."""

    def __init__(self, longest: float, **options: Any) -> None:
        self._longest = longest
        super().__init__(**options)

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

    class Secure(HTTPSConnection):
        response_class = Response

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
        self.fp = io.BufferedReader(_Reader(raw, sock, self.longest))


class _Reader(io.RawIOBase):
    """The bytes of a socket, until waiting for them has taken too long."""

    def __init__(self, raw: SocketIO, sock: socket, longest: float) -> None:
        self._raw = raw
        self._sock = sock
        self._between_bytes = sock.gettimeout()
        self._left = longest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._left <= 0:
            raise TimeoutError("the answer takes too long")
        wait = self._left if self._between_bytes is None else min(self._left, self._between_bytes)
        self._sock.settimeout(wait)
        begun = time.monotonic()
        try:
            return self._raw.readinto(buffer)
        finally:
            self._left -= time.monotonic() - begun

    def close(self) -> None:
        self._raw.close()
        super().close()
