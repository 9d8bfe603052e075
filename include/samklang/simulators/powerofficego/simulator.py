"""The simulator: routes, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from samklang.simulators.control import Controlled
from samklang.simulators.http import Request, Response, json_response
from samklang.simulators.powerofficego import desk, seeds
from samklang.simulators.powerofficego.access import Access
from samklang.simulators.powerofficego.behaviour import ALL_PRIVILEGES, CLIENT_ID, CLIENT_NAME, GUESSES, SETTINGS
from samklang.simulators.powerofficego.ledger import Dto, Ledger
from samklang.simulators.powerofficego.listing import list_objects
from samklang.simulators.powerofficego.patching import patched
from samklang.simulators.powerofficego.problems import ProblemError, invalid, malformed, not_found
from samklang.simulators.powerofficego.references import resolve
from samklang.simulators.powerofficego.schema import RESOURCES, Resource
from samklang.simulators.powerofficego.showing import copied, shown
from samklang.simulators.powerofficego.validation import check, posted

PATCH_TYPE = "application/json-patch+json"
_LONGEST_URL = 2_000


class PowerOfficeGoSimulator(Controlled):
    """PowerOffice Go API v2 of one company. Keys: `app`, `client`, subscription `sub`; base paths /v2 and /Demo/v2.

    :param records: how many person customers, and how many products, it starts with.
    :param overlap: taken by the other simulator; here all persons from number 0 on are customers.
    """

    def __init__(
        self,
        records: int = 0,
        seed: int = 1,
        overlap: float = 0.6,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        switches: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__({**SETTINGS, **GUESSES}, now, switches)
        self.reset(records, seed, overlap)

    def reset(self, records: int = 0, seed: int = 1, overlap: float = 0.6) -> None:  # noqa: ARG002
        self.ledger = Ledger(self.now, lambda: float(self.switch("replica_lag_seconds")))
        self.access = Access(self.now, self.switch)
        seeds.fill(self.ledger, records, seed)
        self.clear_log()

    def state(self) -> dict[str, Any]:
        """All objects as the API would show them."""
        return {
            path: [self._copied(RESOURCES[path], dto) for dto in self.ledger.objects[path].values()]
            for path in ("customers", "products")
        }

    # --- the API -------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        refused = self.access.missing_subscription(request) or self.access.throttled(request)
        if refused is not None:
            return refused
        demo, path = _route(request.path)
        if path == "oauth/token":
            return self.access.token(request, demo=demo) if request.method == "POST" else Response(405)
        if not path.startswith("v2/") or (self.switch("long_urls") == "not_found" and _too_long(request)):
            return Response(404)
        unauthorized = self.access.unauthorized(request, demo=demo)
        if unauthorized is not None:
            return unauthorized
        try:
            return self._api(request, path.removeprefix("v2/"))
        except ProblemError as problem:
            return self._problem(problem)

    def _api(self, request: Request, path: str) -> Response:
        head, _, number = path.partition("/")
        if path == "clientintegrationinformation" and request.method == "GET":
            return json_response(self._information())
        resource = RESOURCES.get(head)
        if resource is None or (number and not number.isdecimal()):
            return Response(404)
        forbidden = self.access.forbidden(head, write=request.method != "GET")
        if forbidden is not None:
            return forbidden
        match request.method, bool(number):
            case "GET", False:
                return list_objects(resource, self.ledger, request, self.switches())
            case "GET", True:
                return self._one(resource, _known(resource, self.ledger.shown(resource.path), int(number)))
            case "POST", False:
                return self._post(resource, request)
            case "PATCH", True:
                return self._patch(resource, self._find(resource, int(number)), request)
            case "DELETE", True:
                return self._delete(resource, self._find(resource, int(number)))
            case _:
                return Response(405)

    def _information(self) -> dict[str, Any]:
        """Needs a valid token only (spec, sheet 1)."""
        granted = list(self.switch("privileges"))
        return {
            "ActiveClientSubscriptions": ["Regnskap", "Faktura"],
            "ClientId": CLIENT_ID,
            "ClientName": CLIENT_NAME,
            "InvalidPrivileges": [name for name in ALL_PRIVILEGES if name not in granted],
            "ValidPrivileges": granted,
        }

    def _post(self, resource: Resource, request: Request) -> Response:
        """The whole object; 201, but 200 for products (spec, sheet 2 and 3)."""
        kind = _content_type(request)
        if kind not in ("application/json", "text/json") and not kind.endswith("+json"):
            return Response(415)
        dto = self._add(resource, posted(resource, _json(resource, request)), "api")
        return self._one(resource, dto, resource.created_status)

    def _patch(self, resource: Resource, dto: Dto, request: Request) -> Response:
        """The whole object after all operations, or none of them (spec, sheet 2)."""
        kind = _content_type(request)
        lenient = self.switch("patch_content_type") == "lenient"
        if kind != PATCH_TYPE and not (lenient and kind == "application/json"):
            return Response(415)  # guess, sheet 2
        self._store(resource, dto, patched(resource, dto, _json(resource, request), self.switches()), "api")
        return self._one(resource, dto)

    def _delete(self, resource: Resource, dto: Dto) -> Response:
        """200 and no body (spec, sheet 2)."""
        if self.ledger.used(resource, dto):
            detail = f"{resource.name} with id = {dto['Id']} is in use and cannot be deleted."
            raise ProblemError(409, f"{resource.name} conflict", detail)
        self.ledger.remove(resource, dto)
        self.log_write("api", "delete", resource.path, dto["Id"])
        return Response(200)

    def _add(self, resource: Resource, values: Dto, who: str) -> Dto:
        fields = sorted(values)
        resolve(resource, self.ledger, values, None)
        check(resource, self.ledger, values, None, self.switches(), human=who == "human")
        address = values.pop("MailAddress", None)
        dto = self.ledger.add(resource, values)
        if address:
            dto["MailAddress"] = self._new_address(address)
        self.log_write(who, "create", resource.path, dto["Id"], fields)
        return dto

    def _store(self, resource: Resource, dto: Dto, after: Dto, who: str) -> None:
        """Check and keep an edited object. :raises ProblemError: it is not valid; nothing was kept."""
        resolve(resource, self.ledger, after, dto)
        check(resource, self.ledger, after, dto, self.switches(), human=who == "human")
        if after.get("MailAddress") and not dto["MailAddress"]:
            after["MailAddress"] = self._new_address(after["MailAddress"])
        changed = self.ledger.replace(resource, dto, after)
        if changed:
            self.log_write(who, "update", resource.path, dto["Id"], changed)

    def _new_address(self, values: Mapping[str, Any]) -> Dto:
        country = "NO" if self.switch("address_country") == "defaulted" else None
        return self.ledger.new_address(values, self.ledger.stamp(), country=country)

    def _find(self, resource: Resource, number: int) -> Dto:
        return _known(resource, self.ledger.objects[resource.path], number)

    def _one(self, resource: Resource, dto: Dto, status: int = 200) -> Response:
        return json_response(shown(resource, dto, self.switches()), status)

    def _copied(self, resource: Resource, dto: Dto) -> Dto:
        return copied(shown(resource, dto, self.switches()))

    def _problem(self, problem: ProblemError) -> Response:
        body = problem.body(pascal=self.switch("error_names") == "pascal")
        if self.switch("problem_details") == "absent":
            return Response(problem.status)
        return json_response(body, problem.status, {"Content-Type": "application/problem+json; charset=utf-8"})

    # --- a human at the desk --------------------------------------------------------------------------------------

    def edit(self, order: Mapping[str, Any]) -> dict[str, Any]:
        resource = desk.resource_of(order)
        try:
            if "create" in order:
                return self._copied(resource, self._human_create(resource, order["create"]))
            number = desk.number_of(order)
            if number not in self.ledger.objects[resource.path]:
                raise KeyError(number)
            dto = self.ledger.objects[resource.path][number]
            if order.get("delete"):
                self.ledger.remove(resource, dto)
                self.log_write("human", "delete", resource.path, str(number))
                return {}
            after = desk.with_changes(resource, dto, desk.changes_of(order))
            self._store(resource, dto, after, "human")
        except ProblemError as problem:
            raise ValueError(problem.detail) from None
        return self._copied(resource, dto)

    def _human_create(self, resource: Resource, values: Mapping[str, Any]) -> Dto:
        filled = desk.with_changes(resource, dict.fromkeys(resource.properties), values)
        given = {name: value for name, value in filled.items() if value is not None}
        if resource.path == "customers":
            given.setdefault("IsPerson", True)
        return self._add(resource, given, "human")


def _route(path: str) -> tuple[bool, str]:
    """Whether the demo environment is meant, and the rest of the path in lower case: routes know no case (sheet 1)."""
    lower = path.lower().strip("/")
    return lower.startswith("demo/"), lower.removeprefix("demo/")


def _known(resource: Resource, objects: Mapping[int, Dto], number: int) -> Dto:
    if number not in objects:
        raise not_found(resource.name, number)
    return objects[number]


def _too_long(request: Request) -> bool:
    query = urlencode(request.query, doseq=True)
    return len(request.base_url) + len(request.path) + 1 + len(query) > _LONGEST_URL


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json(resource: Resource, request: Request) -> Any:
    if not request.body.strip():
        raise invalid(resource.name, f"{resource.name} object is missing.")  # spec, sheet 5
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise malformed({"$": ["The JSON could not be read."]}) from None
