"""The one seam between a simulator and the world: a request goes in, a response comes out, no socket needed.

`InProcess` lets `requests` talk to a simulator in the same process; `serve` and `served` put it on a port.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
import requests
import uvicorn
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from starlette.requests import Request as AsgiRequest
from starlette.responses import Response as AsgiResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from urllib3.response import HTTPResponse

from samklang.local_names import LocalNames


class ResponseLost(Exception):  # noqa: N818 - an event, not a mistake
    """The simulator did what was asked, and its answer is lost on the way."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    :param path: decoded, without the query.
    :param query: decoded, in the order sent; a repeated name has several values.
    :param headers: by lower-case name.
    :param base_url: scheme, host and port under which the simulator is reached.
    """

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer. :param headers: names as they are sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Simulator(Protocol):
    """Anything that answers requests; `control.Controlled` is the base of both simulators."""

    def handle(self, request: Request) -> Response:
        """:raises ResponseLost: the answer must not reach the caller."""

    def latency(self) -> float:
        """Seconds that a server waits before it hands over a request; in-process calls never wait."""


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, orjson.dumps(value))


def parse_url(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Request:
    """:param url: absolute, percent-encoded."""
    parts = urlsplit(url)
    return Request(
        method=method.upper(),
        path=unquote(parts.path),
        query=parse_qs(parts.query, keep_blank_values=True),
        headers={name.lower(): value for name, value in headers.items()},
        body=body,
        base_url=f"{parts.scheme}://{parts.netloc}",
    )


class InProcess(BaseAdapter):
    """`session.mount("http://127.0.0.1:9101", InProcess(simulator))` and nothing leaves the process."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """:raises requests.ConnectionError: the simulator lost its response."""
        body = request.body or b""
        if not isinstance(body, str | bytes):
            raise TypeError(f"a body of {type(body).__name__} cannot be sent to a simulator")
        try:
            answer = self._simulator.handle(
                parse_url(
                    request.method or "GET",
                    request.url or "",
                    {name: _text(value) for name, value in request.headers.items()},
                    body.encode() if isinstance(body, str) else body,
                )
            )
        except ResponseLost as lost:
            raise requests.ConnectionError("Remote end closed connection without response", request=request) from lost
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.raw = HTTPResponse(BytesIO(answer.body), answer.headers, answer.status, preload_content=False)
        response.url = request.url or ""
        response.request = request
        response.encoding = "utf-8"
        return response

    def close(self) -> None:
        """Nothing is held open."""


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def asgi(simulator: Simulator) -> ASGIApp:
    """The simulator as an ASGI application that answers one request at a time."""
    lock = threading.Lock()

    def answer(request: Request) -> Response:
        with lock:
            return simulator.handle(request)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        incoming = AsgiRequest(scope, receive)
        path, query = scope["raw_path"].decode("ascii"), scope["query_string"].decode("ascii")
        url = f"http://{incoming.headers.get('host', '')}{path}?{query}"
        request = parse_url(incoming.method, url, incoming.headers, await incoming.body())
        if not request.path.startswith("/_control/"):
            await asyncio.sleep(simulator.latency())
        try:
            response = await asyncio.to_thread(answer, request)
        except ResponseLost:
            # a start that promises a body, and none: the server can only cut the connection
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            return
        await AsgiResponse(response.body, response.status, response.headers)(scope, receive, send)

    return application


def _bind(host: str, port: int) -> tuple[socket.socket, str]:
    listener = socket.create_server((host, port))
    return listener, f"http://{host}:{listener.getsockname()[1]}"


def _server(simulator: Simulator) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(LocalNames(asgi(simulator)), lifespan="off", access_log=False, log_level="critical")
    )


def serve(
    simulator: Simulator, host: str = "127.0.0.1", port: int = 0, ready: Callable[[str], None] | None = None
) -> None:
    """Serve until interrupted. :param port: 0 takes a free one; :param ready: is told the base URL."""
    listener, url = _bind(host, port)
    if ready is not None:
        ready(url)
    _server(simulator).run(sockets=[listener])


@contextmanager
def served(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in the background as long as the block runs; gives the base URL."""
    listener, url = _bind(host, port)
    server = _server(simulator)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(timeout=5)
