"""A server made of hand-written answers, mounted on a `requests` session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import orjson
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.response import HTTPResponse

from samklang.simulators.http import Request, parse_url
from samklang.systems.transport import Transport


@dataclass
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else orjson.dumps(self.body)


class Server(BaseAdapter):
    """Answers with `handler(request)`, which may be an `Answer` or an exception to raise, and keeps all requests."""

    def __init__(self, handler: Callable[[Request], Answer | Exception]) -> None:
        super().__init__()
        self.handler = handler
        self.requests: list[Request] = []
        self.arguments: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, **arguments: Any) -> requests.Response:
        body = request.body or b""
        headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
        seen = parse_url(
            str(request.method), str(request.url), headers, body.encode() if isinstance(body, str) else body
        )
        self.requests.append(seen)
        self.arguments.append(arguments)
        answer = self.handler(seen)
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.raw = HTTPResponse(BytesIO(answer.content), answer.headers, answer.status, preload_content=False)
        response.url = str(request.url)
        response.request = request
        return response

    def close(self) -> None:
        pass

    def session(self) -> requests.Session:
        session = requests.Session()
        session.mount("https://", self)
        session.mount("http://", self)
        return session


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def in_turn(*answers: Answer | Exception) -> Callable[[Request], Answer | Exception]:
    """One after the other; the last one stays."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


BASE = "https://api.example.com/v2"
OK = Answer(200, {"fine": True})


def make_transport(*answers: Answer | Exception, base: str = BASE, **options: Any) -> tuple[Transport, Server, Time]:
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
