"""What both simulators have besides an API: `/_control/`, switches, faults and two logs.

A simulator derives from `Controlled`, answers API requests in `answer`, and says with `log_write` what was written.
The same verbs serve tests in the process (`reset`, `state`, `edit`, `requests`, `writes`, `switches`) and over HTTP.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from samklang.simulators.http import Request, Response, ResponseLost, json_response

CONTROL = "/_control/"


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that can be set while the simulator runs.

    :param choices: the allowed values; empty: any value of the default's kind.
    """

    default: Any
    choices: tuple[Any, ...] = ()

    def check(self, name: str, value: Any) -> Any:
        """:raises ValueError: the value cannot be set."""
        if self.choices:
            if value not in self.choices:
                raise ValueError(f"{name} is one of {', '.join(map(str, self.choices))}")
        elif isinstance(self.default, int | float):
            if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
                raise ValueError(f"{name} takes a number from 0 on")
        elif not isinstance(value, type(self.default)):
            raise ValueError(f"{name} takes a value like {self.default!r}")
        return value


class FaultList(Switch):
    """Requests that fail; each names what it matches, so that a mistyped one does not match everything."""

    def check(self, name: str, value: Any) -> Any:
        if not isinstance(value, list) or not all(_is_fault(one) for one in value):
            raise ValueError(
                f'{name} takes a list of {{"match": "METHOD /path", "status": 500, "after_commit": false, "times": 1, '
                '"body": "", "headers": {}}; all but match may be left out'
            )
        return value


def _is_fault(one: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(one.get("match"), str) or not one["match"]:
        return False
    status, times, headers = one.get("status", 500), one.get("times", 1), one.get("headers", {})
    return (
        isinstance(status, int)
        and 200 <= status <= 599
        and isinstance(times, int)
        and isinstance(one.get("after_commit", False), bool)
        and isinstance(headers, dict)
        and all(isinstance(value, str) for value in headers.values())
    )


FAULTS = {
    # [{"match": "POST /v2/Customers", "status": 500, "after_commit": false, "times": 1, "body": ..., "headers": {}}]
    "fail_next": FaultList([]),
    # how many of the next writes are carried out without the caller hearing of it
    "lose_response_after_commit": Switch(0),
    "latency_seconds": Switch(0.0),
}


class Controlled(ABC):
    """Base of a simulator. :param now: the only clock it knows, aware; nothing here ever sleeps."""

    def __init__(
        self,
        known: Mapping[str, Switch],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        switches: Mapping[str, Any] | None = None,
    ) -> None:
        self.now = now
        self._known = {**known, **FAULTS}
        self._switches = {name: switch.default for name, switch in self._known.items()}
        self._requests: list[dict[str, Any]] = []
        self._writes: list[dict[str, Any]] = []
        self.switches(switches or {})

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """Answer one request to the API itself."""

    @abstractmethod
    def reset(self, records: int = 0, seed: int = 1, overlap: float = 0.6) -> None:
        """Start over with fresh believable data."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All records in full, as the API would show them: `{"customers": [...], "products": [...]}`."""

    @abstractmethod
    def edit(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Change one record as a human would; gives the record, or `{}` after a deletion.

        :param order: `entity`, `id`, and one of `set`, `create`, `delete`, `archive`, `redact` (Shopify customers).
        :raises ValueError: there is no such entity or field.
        :raises KeyError: there is no such record.
        """

    def operation(self, request: Request) -> str:
        """What the request log calls this request, and what `fail_next` matches as a whole."""
        return f"{request.method} {request.path}"

    def latency(self) -> float:
        """Seconds that a server waits before each request."""
        return float(self._switches["latency_seconds"])

    def switch(self, name: str) -> Any:
        """How one switch stands."""
        return self._switches[name]

    def switches(self, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """All switches, after these changes. :raises ValueError: a name or a value is not known; nothing was set."""
        checked = {}
        for name, value in (changes or {}).items():
            if name not in self._known:
                raise ValueError(f"there is no switch {name}; known are {', '.join(sorted(self._known))}")
            checked[name] = self._known[name].check(name, value)
        self._switches.update(checked)
        return dict(self._switches)

    def requests(self) -> list[dict[str, Any]]:
        """Every API request since the last `clear_log`: `time`, `operation`, `method`, `path`, `query`, `status`."""
        return list(self._requests)

    def writes(self) -> list[dict[str, Any]]:
        """Every write: `who` (api or human), `action` (create, update, delete), `entity`, `id`, `fields`, `time`."""
        return list(self._writes)

    def clear_log(self) -> None:
        """Forget all requests and writes."""
        self._requests.clear()
        self._writes.clear()

    def log_write(self, who: str, action: str, entity: str, record_id: str, fields: Iterable[str] = ()) -> None:
        """Called by the simulator for each write that it has carried out."""
        self._writes.append(
            {
                "who": who,
                "action": action,
                "entity": entity,
                "id": str(record_id),
                "fields": sorted(fields),
                "time": self.now().isoformat(),
            }
        )

    def handle(self, request: Request) -> Response:
        """Answer a request to the API or to `/_control/`. :raises ResponseLost: see `lose_response_after_commit`."""
        if request.path.startswith(CONTROL):
            return self._control(request)
        fault = self._next_fault(request)
        written = len(self._writes)
        if fault is not None and not fault.get("after_commit", False):
            response = _failure(fault)
        else:
            response = self.answer(request)
            if fault is not None:
                response = _failure(fault)
        self._requests.append(
            {
                "time": self.now().isoformat(),
                "operation": self.operation(request),
                "method": request.method,
                "path": request.path,
                "query": request.query,
                "status": response.status,
            }
        )
        if len(self._writes) > written and self._switches["lose_response_after_commit"] > 0:
            self._switches["lose_response_after_commit"] -= 1
            raise ResponseLost
        return response

    def _next_fault(self, request: Request) -> dict[str, Any] | None:
        line, operation = f"{request.method} {request.path}", self.operation(request)
        for fault in self._switches["fail_next"]:
            match = fault["match"]
            if line.startswith(match) or operation == match:
                left = fault.get("times", 1) - 1
                others = [{**f, "times": left} if f is fault else f for f in self._switches["fail_next"]]
                self._switches["fail_next"] = [f for f in others if f.get("times", 1) > 0]
                return dict(fault)
        return None

    def _control(self, request: Request) -> Response:
        verb = f"{request.method} {request.path.removeprefix(CONTROL).rstrip('/')}"
        try:
            body = orjson.loads(request.body) if request.body else {}
            if not isinstance(body, dict):
                raise ValueError("the body is an object")
            match verb:
                case "POST reset":
                    self.reset(**body)
                    return json_response({})
                case "GET state":
                    return json_response(self.state())
                case "POST edit":
                    return json_response(self.edit(_order(body)))
                case "GET log/requests":
                    return json_response(self.requests())
                case "GET log/writes":
                    return json_response(self.writes())
                case "DELETE log":
                    self.clear_log()
                    return json_response({})
                case "GET switches":
                    return json_response(self.switches())
                case "PUT switches":
                    return json_response(self.switches(body))
        except (ValueError, TypeError) as error:
            return json_response({"error": str(error)}, 400)
        except KeyError as error:
            return json_response({"error": f"there is no record {error}"}, 404)
        return json_response({"error": f"there is no {verb} under {CONTROL}"}, 404)


def _order(body: dict[str, Any]) -> dict[str, Any]:
    """:raises ValueError: what is set or created is no object."""
    if not all(isinstance(body.get(name, {}), dict) for name in ("set", "create")):
        raise ValueError("what is set or created is an object: names of fields, and their values")
    return body


def _failure(fault: Mapping[str, Any]) -> Response:
    body = fault.get("body", "")
    headers = fault.get("headers", {})
    if isinstance(body, str):
        return Response(fault.get("status", 500), {"Content-Type": "text/plain", **headers}, body.encode())
    return json_response(body, fault.get("status", 500), headers)
