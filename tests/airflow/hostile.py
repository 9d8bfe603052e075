"""Systems that repeat whatever they know, keys and values, in every kind of failing answer; and a search for both.

Wraps the simulators' `answer`. A fault is a function of the request, the simulator's own answer and the values that
the answer should quote.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from samklang.simulators.http import Request, Response, ResponseLost, json_response

PEOPLE: tuple[dict[str, str], ...] = tuple(
    {
        "first": f"Qfornavnet{n}",
        "last": f"Qetternavnet{n}",
        "email": f"qpostkassen{n}@qdomenenavn.example",
        "phone": f"+47987650{n:02d}",
        "line1": f"Qgatenavnet {n}B",
        "line2": f"Qoppgangene {n}",
        "city": f"Qbynavnene{n}",
        "zip": f"79{n:02d}",
    }
    for n in range(1, 13)
)
GOODS = tuple({"code": f"QVARE-{n}", "name": f"Qvarenavn {n}"} for n in range(1, 5))
PERSONAL = (
    "Qfornavnet",
    "Qetternavnet",
    "qpostkassen",
    "qdomenenavn",
    "Qgatenavnet",
    "Qoppgangene",
    "Qbynavnene",
    "47987650",
)
"""What stands in each of these values, whoever it belongs to; zip codes are too short to search for."""

Fault = Callable[[Request, Response, str], Response]


# --- faults


def echo(status: int, kind: str = "application/json") -> Fault:
    """An error page of a careless developer: the request, headers and body, and what is stored."""

    def fault(request: Request, _: Response, values: str) -> Response:
        asked = {
            "method": request.method,
            "url": f"{request.base_url}{request.path}",
            "query": request.query,
            "headers": dict(request.headers),
            "body": request.body.decode("utf-8", "replace"),
            "stored": values,
        }
        problem = {"title": f"Failed for {values}", "detail": f"It was {asked}", "errors": {"EmailAddress": [values]}}
        body = {**problem, "error": values, "error_description": str(asked), "message": str(asked)}
        if kind == "text/html":
            page = f"<html><title>{values}</title><body>{asked}</body></html>"
            return Response(status, {"Content-Type": "text/html", "X-Debug": values}, page.encode())
        return json_response(body, status, {"X-Debug": values, "X-Request-Id": quote(str(asked))[:2000]})

    return fault


def redirect(request: Request, _: Response, values: str) -> Response:
    keys = quote_plus(str(dict(request.headers)))
    return Response(302, {"Location": f"/login?who={quote_plus(values)}&keys={keys}"})


def truncated(_: Request, answer: Response, __: str) -> Response:
    return Response(answer.status, answer.headers, answer.body[: len(answer.body) // 2])


def lost(_: Request, __: Response, ___: str) -> Response:
    raise ResponseLost


def graphql_errors(request: Request, _: Response, values: str) -> Response:
    message = f"Variable $input of type CustomerInput! was provided invalid value {values} {dict(request.headers)}"
    entry = {"message": message, "path": ["m0", values], "extensions": {"code": "BAD_USER_INPUT", "value": values}}
    return json_response({"errors": [entry], "data": None})


def user_errors(_: Request, answer: Response, values: str) -> Response:
    """Each mutation is refused, in words that quote every value."""
    body = json.loads(answer.body)
    for name in list(body.get("data") or {}):
        error = {"field": ["input", "email"], "message": f"Email {values} has already been taken", "code": "TAKEN"}
        body["data"][name] = {"userErrors": [error]}
    return json_response(body)


def wrong_types(_: Request, answer: Response, values: str) -> Response:
    """A well-formed answer with texts of records where ids, numbers and times should be."""

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: spoil(inner) for name, inner in value.items()}
        return [spoil(inner) for inner in value] if isinstance(value, list) else values

    return json_response(spoil(json.loads(answer.body)) if answer.body else values, answer.status)


def wrong_times(_: Request, answer: Response, values: str) -> Response:
    """Right, but for its times and prices."""

    def spoil(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: spoil(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [spoil(inner, name) for inner in value]
        return values if name in ("updatedAt", "createdAt", "price") or "DateTime" in name else value

    return json_response(spoil(json.loads(answer.body)) if answer.body else None, answer.status, answer.headers)


READS: dict[str, Fault] = {
    "500 that echoes": echo(500),
    "400 that echoes": echo(400),
    "401 that echoes": echo(401),
    "403 that echoes": echo(403),
    "404 that echoes": echo(404),
    "a page of HTML": echo(200, "text/html"),
    "a redirect": redirect,
    "half an answer": truncated,
    "GraphQL errors": graphql_errors,
    "values in wrong places": wrong_types,
    "values for times": wrong_times,
}
WRITES: dict[str, Fault] = {
    "400 that echoes": echo(400),
    "409 that echoes": echo(409),
    "422 that echoes": echo(422),
    "500 that echoes": echo(500),
    "a page of HTML": echo(200, "text/html"),
    "half an answer": truncated,
    "a lost answer": lost,
    "GraphQL errors": graphql_errors,
    "user errors": user_errors,
    "values in wrong places": wrong_types,
}


# --- which requests they meet


def is_token(request: Request) -> bool:
    return "token" in request.path.lower()


def is_write(request: Request) -> bool:
    if request.path.endswith("graphql.json"):
        return json.loads(request.body)["query"].startswith("mutation")
    return request.method in ("POST", "PATCH") and not is_token(request)


def is_read(request: Request) -> bool:
    return not is_write(request) and not is_token(request)


@dataclass
class Hostile:
    """:param minted: every access token that was handed out; :param fired: how often a fault met a request."""

    minted: list[str] = field(default_factory=list)
    fired: int = 0
    _where: Callable[[Request], bool] = lambda _: False
    _faults: Iterator[Fault] = field(default_factory=lambda: iter(()))

    def use(self, where: Callable[[Request], bool], *faults: Fault) -> None:
        """From now on these requests fail, in turn."""
        self._where, self._faults = where, cycle(faults)

    def stop(self) -> None:
        self._where = lambda _: False

    def wrap(self, simulator: Any, monkeypatch: Any) -> None:
        original = simulator.answer
        values = " ".join(value for person in PEOPLE for value in person.values())

        def answer(request: Request) -> Response:
            right: Response = original(request)
            if is_token(request) and right.status == 200:
                self.minted.append(json.loads(right.body)["access_token"])
            if not self._where(request):
                return right
            self.fired += 1
            return next(self._faults)(request, right, values)

        monkeypatch.setattr(simulator, "answer", answer)


# --- the search


def spellings(secret: str) -> set[bytes]:
    """A secret as it may stand in a log, a file or a database; Base64 at each of its three offsets."""
    raw = secret.encode()
    found = {
        raw,
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
        json.dumps(secret)[1:-1].encode(),
        json.dumps(json.dumps(secret)[1:-1])[1:-1].encode(),
        repr(secret)[1:-1].encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        secret.encode("utf-16-le"),
    }
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * offset + raw)
            # the first and the last characters depend on the neighbours
            found.add(text[4 if offset else 0 : len(text) - 4])
    return {spelling for spelling in found if len(spelling) >= 8}  # a shorter one turns up by chance


def files(*roots: Path, without: Iterable[Path] = ()) -> dict[str, bytes]:
    """Every file below, by its path."""
    left_out = tuple(without)
    return {
        str(path): path.read_bytes()
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and not any(path == one or one in path.parents for one in left_out)
    }


def found(canaries: Iterable[str], places: dict[str, bytes]) -> list[tuple[str, str, str]]:
    """Which canary stands where, with what is around it."""
    hits = []
    for canary in canaries:
        for spelling in spellings(canary):
            for place, content in places.items():
                at = content.find(spelling)
                if at >= 0:
                    hits.append((canary, place, repr(content[max(0, at - 80) : at + len(spelling) + 80])))
    return hits
