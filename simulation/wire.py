"""Between a client and a simulator: every request passes here, and may meet a fault on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from io import BytesIO
from typing import Any, Protocol

import orjson
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.response import HTTPResponse

from samklang.simulators.control import Controlled
from samklang.simulators.http import Request, Response, ResponseLost, json_response, parse_url
from simulation.values import POWEROFFICEGO, SHOPIFY

ROUND_TRIP = 0.2
"""Seconds that a request takes."""
_STATUS = {"maximumAvailable": 2000.0, "currentlyAvailable": 0, "restoreRate": 100.0}
_COST = {"requestedQueryCost": 50, "actualQueryCost": None, "throttleStatus": _STATUS}
_TOO_MANY = Response(429, {"Retry-After": "1"}, orjson.dumps({"statusCode": 429}))
_INSTEAD = {
    "500 before": Response(500, {}, b"oops"),
    "503 with Retry-After": Response(503, {"Retry-After": "2"}),
    "429": _TOO_MANY,
    "429 without Retry-After": Response(429),
    "throttled": json_response(
        {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": _COST}}
    ),
    "login page": Response(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Sign in</title><form>"),
    "empty answer": Response(200, {"Content-Type": "application/json"}),
    "no content": Response(204),
    "forbidden": Response(403),
    "server error in the body": json_response(
        {"errors": [{"message": "oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}
    ),
}
"""What comes back in the place of an answer; nothing was carried out."""
_OF_SHOPIFY = ("throttled", "server error in the body")
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z")
_IDS = {
    POWEROFFICEGO: re.compile(rb'"Id":(\d+)'),
    # in the files of bulk operations, slashes are escaped
    SHOPIFY: re.compile(rb"gid:\\?/\\?/shopify\\?/(?:Customer|ProductVariant)\\?/(\d+)"),
}
_BULK = b"bulkOperationRunQuery"


class Watch(Protocol):
    """Who decides what goes wrong, and hears what went through."""

    def request(self, side: str) -> list[str]:
        """Called before each request. :returns: the faults that it meets."""

    def answered(self, side: str, ids: set[str], age: float) -> None:
        """An answer that names these records has reached the client. :param age: seconds by which it may be behind."""

    def did_nothing(self, fault: str) -> None:
        """A fault that was met has changed nothing."""

    def passes(self, seconds: float) -> None: ...

    def now(self) -> float:
        """Seconds."""


class Wire(BaseAdapter):
    """Mounted on a session in the place of the network."""

    """:param is_bad: whether a request, of a side, holds a record that makes it fail.
    :param is_unreadable: whether one of these records, of a side, makes every answer fail that would show it.
    :param offsets: minutes, by side, of the zone in which a system writes its times.
    """

    def __init__(
        self,
        simulators: Mapping[str, Controlled],
        side_of: Callable[[str], str],
        watch: Watch,
        *,
        is_bad: Callable[[str, Request], bool] = lambda _side, _request: False,
        is_unreadable: Callable[[str, set[str]], bool] = lambda _side, _ids: False,
        offsets: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        self._is_bad = is_bad
        self._is_unreadable = is_unreadable
        self._offsets = offsets or {}
        self._simulators = simulators
        self._side_of = side_of
        self._watch = watch
        self._failing: dict[str, int] = {}
        self._bulk_at = 0.0

    def close(self) -> None:
        """Nothing is held open."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url = request.url or ""
        side = self._side_of(url)
        faults = self._watch.request(side)
        self._watch.passes(ROUND_TRIP / 2)
        body = request.body or b""
        headers = {name: value if isinstance(value, str) else value.decode() for name, value in request.headers.items()}
        asked = parse_url(request.method or "GET", url, headers, body.encode() if isinstance(body, str) else body)  # type: ignore[union-attr]
        answer, cut = self._answer(side, asked, faults)
        self._watch.passes(ROUND_TRIP / 2)
        if not cut:
            read = asked.method == "GET"
            age = float(self._simulators[side].switches().get("replica_lag_seconds", 0.0)) if read else 0.0
            if _BULK in asked.body:
                self._bulk_at = self._watch.now()
            elif asked.path.endswith(".jsonl"):  # as things stood when it began
                age = self._watch.now() - self._bulk_at
            self._watch.answered(side, _shown(side, asked, answer), age)
            answer = self._in_its_zone(side, answer)
        return _response(request, answer, cut)

    def _answer(self, side: str, asked: Request, faults: list[str]) -> tuple[Response, bool]:
        """:returns: what comes back, and whether it is cut off in the middle."""
        simulator = self._simulators[side]
        is_token = asked.path.lower().endswith(("/token", "/access_token"))
        for fault in faults:
            self._begin(fault, side, simulator)
        if is_token and self._take("token endpoint down", side):
            return Response(503), False
        if self._take("429 storm", side):
            return _TOO_MANY, False
        for fault in faults:
            early = _before(fault, side)
            if early is not None:
                return early, False
            if fault in _OF_SHOPIFY:
                self._watch.did_nothing(fault)
        if not is_token and self._is_bad(side, asked):
            return _INSTEAD["server error in the body" if side == SHOPIFY else "500 before"], False
        answer = self._handled(simulator, asked, faults)
        if asked.method == "GET" and self._is_unreadable(side, _shown(side, asked, answer)):
            return _INSTEAD["500 before"], False
        cut = False
        for fault in faults:
            if fault in ("timeout after", "reset after"):
                raise requests.ConnectionError("Remote end closed connection without response")
            answer = _after(fault, answer)
            cut = cut or fault == "cut body"
            if fault == "slow answer":
                self._watch.passes(45.0)
        return answer, cut

    def _begin(self, fault: str, side: str, simulator: Controlled) -> None:
        if fault in ("token endpoint down", "429 storm"):
            self._failing[fault + side] = 8 if fault == "429 storm" else 3
        elif fault == "token ended":
            _forget_tokens(simulator)

    def _take(self, fault: str, side: str) -> bool:
        left = self._failing.get(fault + side, 0)
        self._failing[fault + side] = max(0, left - 1)
        return left > 0

    def _handled(self, simulator: Controlled, asked: Request, faults: list[str]) -> Response:
        denied = "field denied" in faults and "denied_fields" in simulator.switches()
        if denied:
            before = simulator.switches()["denied_fields"]
            simulator.switches({"denied_fields": [*before, "Customer.defaultPhoneNumber", "ProductVariant.price"]})
        try:
            answer = simulator.handle(asked)
            if "field denied" in faults and b"ACCESS_DENIED" not in answer.body:
                self._watch.did_nothing("field denied")
            return answer
        except ResponseLost:
            raise requests.ConnectionError("Remote end closed connection without response") from None
        finally:
            if denied:
                simulator.switches({"denied_fields": before})

    def _in_its_zone(self, side: str, answer: Response) -> Response:
        """The answer, with its times in another zone."""
        minutes = self._offsets.get(side, 0)
        if not minutes:
            return answer
        zone = timezone(timedelta(minutes=minutes))
        sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)

        def moved(found: re.Match[bytes]) -> bytes:
            moment = datetime.fromisoformat(found[1].decode() + "+00:00").astimezone(zone)
            return f"{moment:%Y-%m-%dT%H:%M:%S}".encode() + (found[2] or b"") + f"{sign}{hours:02}:{rest:02}".encode()

        return Response(answer.status, answer.headers, _TIME.sub(moved, answer.body))


def _shown(side: str, asked: Request, answer: Response) -> set[str]:
    """Ids of the records in an answer; a list of ids alone shows nobody."""
    if asked.query.get("Fields") == ["Id"]:
        return set()
    return {found.decode() for found in _IDS[side].findall(answer.body)}


def _before(fault: str, side: str) -> Response | None:
    """What comes back, or is raised, before anything was carried out."""
    if fault == "refused":
        raise requests.ConnectTimeout("no connection")
    if fault == "timeout before":
        raise requests.ReadTimeout("timed out")
    if fault in _OF_SHOPIFY and side != SHOPIFY:
        return None
    return _INSTEAD.get(fault)


def _after(fault: str, answer: Response) -> Response:
    """What becomes of an answer to something that was carried out."""
    if fault in ("500 after", "502 after", "504 after"):
        return Response(int(fault[:3]), {}, b"oops")
    if fault == "half a JSON":
        return Response(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
    return answer


def _forget_tokens(simulator: Controlled) -> None:
    access = getattr(simulator, "access", None)
    if access is not None:
        access._tokens.clear()  # noqa: SLF001
    tokens = getattr(simulator, "_tokens", None)
    if tokens is not None:
        tokens._until.clear()  # noqa: SLF001


def _response(request: requests.PreparedRequest, answer: Response, cut: bool) -> requests.Response:
    headers = dict(answer.headers)
    body = answer.body
    if cut:
        headers["Content-Length"] = str(len(body) + 1)
        body = body[: len(body) // 2]
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(headers)
    response.raw = HTTPResponse(
        BytesIO(body), headers, answer.status, preload_content=False, enforce_content_length=cut, request_method="GET"
    )
    response.url = request.url or ""
    response.request = request
    response.encoding = "utf-8"
    return response
