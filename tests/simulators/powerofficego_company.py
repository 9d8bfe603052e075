"""A simulated company with a clock of its own, asked as a client would ask it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from samklang.simulators.http import Request, Response
from samklang.simulators.powerofficego import PowerOfficeGoSimulator
from samklang.simulators.powerofficego.ledger import Ledger

BASE = "http://127.0.0.1:9101"
SUBSCRIPTION = {"ocp-apim-subscription-key": "sub"}
ADDRESS = {"AddressLine1": "Storgata 1", "City": "Oslo", "ZipCode": "0155"}
PERSON = {"IsPerson": True, "FirstName": "Kari", "LastName": "Nordmann"}
PATCH_TYPE = "application/json-patch+json"


def basic(application_key: str = "app", client_key: str = "client") -> str:
    return "Basic " + base64.b64encode(f"{application_key}:{client_key}".encode()).decode()


def content(response: Response) -> Any:
    """The body of an answer; None where there is none."""
    return orjson.loads(response.body) if response.body else None


class Company:
    """:param switches: set before the first request; requests are unlimited unless given."""

    def __init__(self, records: int = 0, seed: int = 1, **switches: Any) -> None:
        self.time = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
        self.simulator = PowerOfficeGoSimulator(
            records, seed, now=lambda: self.time, switches={"requests_per_second": 0, **switches}
        )
        self.token = content(self.ask_token())["access_token"]
        self.simulator.clear_log()

    @property
    def ledger(self) -> Ledger:
        return self.simulator.ledger

    def pass_time(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        """One request with exactly these headers."""
        values = {name: [value] for name, value in (query or {}).items()}
        return self.simulator.handle(Request(method, path, values, headers or {}, body, BASE))

    def ask_token(
        self, path: str = "/OAuth/Token", form: bytes = b"grant_type=client_credentials", **headers: str
    ) -> Response:
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        sent = {**SUBSCRIPTION, "authorization": basic(), "content-type": kind, **headers}
        return self.send("POST", path, headers=sent, body=form)

    def call(self, method: str, path: str, value: Any = None, kind: str | None = None, **query: str) -> Response:
        """One request to /v2 with a token. :param value: the JSON body; bytes: as they are."""
        kind = kind or (PATCH_TYPE if method == "PATCH" else "application/json")
        headers = {**SUBSCRIPTION, "authorization": f"Bearer {self.token}", "content-type": kind}
        body = value if isinstance(value, bytes) else b"" if value is None else orjson.dumps(value)
        return self.send(method, f"/v2{path}", query, headers, body)

    def good(self, method: str, path: str, value: Any = None, **query: str) -> Any:
        """The body of an answer that is no refusal."""
        response = self.call(method, path, value, **query)
        assert response.status < 300, response
        return content(response)

    def refused(self, method: str, path: str, value: Any = None, **query: str) -> tuple[int, str, str]:
        """Status, title and detail of a refusal."""
        response = self.call(method, path, value, **query)
        problem = content(response)
        return response.status, problem["title"], problem.get("detail", "")

    def customer(self, **fields: Any) -> dict[str, Any]:
        """A person made through the API, as it was answered."""
        made: dict[str, Any] = self.good("POST", "/Customers", {**PERSON, **fields})
        return made

    def product(self, **fields: Any) -> dict[str, Any]:
        """A product made through the API, as it was answered."""
        made: dict[str, Any] = self.good("POST", "/Products", {"Name": "Kopp", **fields})
        return made

    def patch(self, path: str, *operations: dict[str, Any]) -> dict[str, Any]:
        """The whole object after these operations."""
        changed: dict[str, Any] = self.good("PATCH", path, list(operations))
        return changed

    def ids(self, path: str, **query: str) -> list[int]:
        """The ids of a list; none where the answer is a 204."""
        response = self.call("GET", path, **query)
        assert response.status in (200, 204), response
        return [row["Id"] for row in content(response) or []]


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}
