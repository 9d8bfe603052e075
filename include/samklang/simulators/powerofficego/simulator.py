"""The simulator: routes, and what each of them does."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from samklang.simulators.control import Controlled
from samklang.simulators.http import Request, Response, json_response
from samklang.simulators.powerofficego import seeds
from samklang.simulators.powerofficego.access import Access
from samklang.simulators.powerofficego.behaviour import ALL_PRIVILEGES, CLIENT_ID, CLIENT_NAME, GUESSES, SETTINGS
from samklang.simulators.powerofficego.ledger import Dto, Ledger
from samklang.simulators.powerofficego.listing import list_objects
from samklang.simulators.powerofficego.patching import patched
from samklang.simulators.powerofficego.problems import ProblemError, invalid, not_found
from samklang.simulators.powerofficego.schema import ADDRESS, CUSTOMERS, RESOURCES, Resource
from samklang.simulators.powerofficego.validation import changed_properties, check_object, check_posted

_PATCH_TYPES = ("application/json-patch+json", "application/json")
_POST_TYPES = ("application/json", "text/json", "application/json-patch+json")


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
        self.ledger = Ledger(self.now)
        self.access = Access(self.now, self.switch)
        seeds.fill(self.ledger, records, seed)
        self.clear_log()

    def state(self) -> dict[str, Any]:
        """All objects as the API would show them."""
        return {
            "customers": copy.deepcopy(list(self.ledger.objects["customers"].values())),
            "products": copy.deepcopy(list(self.ledger.objects["products"].values())),
        }

    # --- the API -------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        refused = self.access.throttled() or self.access.missing_subscription(request)
        if refused is not None:
            return refused
        demo, path = _route(request.path)
        if path == "oauth/token":
            return self.access.token(request, demo=demo) if request.method == "POST" else Response(405)
        unauthorized = self.access.unauthorized(request, demo=demo)
        if unauthorized is not None:
            return unauthorized
        try:
            return self._api(request, path)
        except ProblemError as problem:
            return self._problem(problem)

    def _api(self, request: Request, path: str) -> Response:
        head, _, number = path.partition("/")
        if path == "clientintegrationinformation" and request.method == "GET":
            return json_response(self._information())
        resource = RESOURCES.get(head)
        if resource is None or (number and not number.isdigit()):
            return Response(404)
        forbidden = self.access.forbidden(head, write=request.method != "GET")
        if forbidden is not None:
            return forbidden
        match request.method, bool(number):
            case "GET", False:
                return list_objects(resource, self.ledger, request, self.switches())
            case "GET", True:
                return json_response(self._shown(resource, self._find(resource, int(number))))
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
        if _content_type(request) not in _POST_TYPES:
            return Response(415)
        values = check_posted(resource, _json(resource, request))
        check_object(resource, self.ledger, values, self.switches())
        address = values.pop("MailAddress", None)
        dto = self.ledger.add(resource, values)
        if resource is CUSTOMERS and address:
            dto["MailAddress"] = self._new_address(address)
        self.log_write("api", "create", resource.path, dto["Id"], values)
        return json_response(self._shown(resource, dto), resource.created_status)

    def _patch(self, resource: Resource, dto: Dto, request: Request) -> Response:
        kind = _content_type(request)
        strict = self.switch("patch_content_type") == "strict"
        if kind not in _PATCH_TYPES or (strict and kind != _PATCH_TYPES[0]):
            return Response(415)  # guess, sheet 2
        self._store(resource, dto, patched(resource, dto, _json(resource, request), self.switches()), "api")
        return json_response(self._shown(resource, dto))

    def _store(self, resource: Resource, dto: Dto, after: Dto, who: str) -> None:
        """Check and keep an edited object. :raises ProblemError: it is not valid; nothing was kept."""
        check_object(resource, self.ledger, after, self.switches())
        if after["IsArchived"] and not dto["IsArchived"] and dto["Id"] in self.ledger.in_use and who == "api":
            # refused while the ledger has a balance (spec); that it is a 400 is a guess
            raise invalid(resource.name, "IsArchived cannot be set while the contact has ledger balances.")
        if resource is CUSTOMERS and after["MailAddress"] and not dto["MailAddress"]:
            after["MailAddress"] = self._new_address(after["MailAddress"])
        changed = changed_properties(dto, after)
        dto.update(after)
        if changed:
            self.ledger.touch(resource, dto, changed)
            self.log_write(who, "update", resource.path, dto["Id"], changed)

    def _delete(self, resource: Resource, dto: Dto) -> Response:
        """A hard delete without a tombstone; 200 and no body (spec, sheet 2)."""
        if dto["Id"] in self.ledger.in_use:
            raise ProblemError(
                409, f"{resource.name} conflict",
                f"{resource.name} with id = {dto['Id']} is in use and cannot be deleted.",
            )  # fmt: skip
        del self.ledger.objects[resource.path][dto["Id"]]
        self.log_write("api", "delete", resource.path, dto["Id"])
        return Response(200)

    def _new_address(self, values: Mapping[str, Any]) -> Dto:
        country = "NO" if self.switch("address_country") == "defaulted" else None
        return self.ledger.new_address(values, self.ledger.stamp(), country=country)

    def _find(self, resource: Resource, number: int) -> Dto:
        dto = self.ledger.objects[resource.path].get(number)
        if dto is None:
            raise not_found(resource.name, number)
        return dto

    def _shown(self, resource: Resource, dto: Dto) -> Dto:
        if self.switch("dates") == "date":
            return dto
        dates = {n for n, kind in resource.properties.items() if kind == "date"}
        return dto | {name: f"{dto[name]}T00:00:00" for name in dates if dto[name]}

    def _problem(self, problem: ProblemError) -> Response:
        body = problem.body(pascal=self.switch("error_names") == "pascal")
        if body is None or self.switch("problem_details") == "absent":
            return Response(problem.status)
        return json_response(body, problem.status, {"Content-Type": "application/problem+json; charset=utf-8"})

    # --- a human at the desk --------------------------------------------------------------------------------------

    def edit(self, order: Mapping[str, Any]) -> dict[str, Any]:
        resource = RESOURCES.get(str(order.get("entity")))
        if resource is None or resource.path == "productgroups":
            raise ValueError("entity is customers or products")
        if "create" in order:
            return self._human_create(resource, dict(order["create"]))
        number = int(order["id"])
        if number not in self.ledger.objects[resource.path]:
            raise KeyError(number)
        dto = self.ledger.objects[resource.path][number]
        if order.get("delete"):
            del self.ledger.objects[resource.path][number]
            self.log_write("human", "delete", resource.path, str(number))
            return {}
        changes = dict(order.get("set", {}))
        if "archive" in order:
            changes["IsArchived"] = bool(order["archive"])
        try:
            self._store(resource, dto, _with(resource, dto, changes), "human")
        except ProblemError as problem:
            raise ValueError(problem.detail) from None
        return copy.deepcopy(dto)

    def _human_create(self, resource: Resource, values: dict[str, Any]) -> Dto:
        blank: Dto = dict.fromkeys(resource.properties)
        filled = _with(resource, blank, values)
        if resource is CUSTOMERS and filled["IsPerson"] is None:
            filled["IsPerson"] = True
        try:
            check_object(resource, self.ledger, filled, self.switches())
        except ProblemError as problem:
            raise ValueError(problem.detail) from None
        address = filled.pop("MailAddress", None)
        dto = self.ledger.add(resource, {name: value for name, value in filled.items() if value is not None})
        if address:
            dto["MailAddress"] = self._new_address(address)
        self.log_write("human", "create", resource.path, dto["Id"], values)
        return copy.deepcopy(dto)


def _with(resource: Resource, dto: Dto, changes: Mapping[str, Any]) -> Dto:
    """The object with these values; `MailAddress.City` names a part of the address."""
    after = copy.deepcopy(dto)
    for name, value in changes.items():
        head, _, tail = name.partition(".")
        if head not in resource.properties or (tail and tail not in ADDRESS):
            raise ValueError(f"there is no field {name}")
        if tail:
            after[head] = (after[head] or {}) | {tail: value}
        else:
            after[head] = value
    return after


def _route(path: str) -> tuple[bool, str]:
    """Whether the demo environment is meant, and the rest of the path in lower case: routes know no case (sheet 1)."""
    lower = path.lower().strip("/")
    demo = lower.startswith("demo/")
    return demo, lower.removeprefix("demo/").removeprefix("v2/")


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json(resource: Resource, request: Request) -> Any:
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise invalid(resource.name, f"{resource.name} object is missing.") from None
