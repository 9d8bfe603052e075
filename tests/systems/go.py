"""PowerOffice Go as hand-written answers: tokens are issued, everything else is up to the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from scripted import Answer, Server, Time

from samklang.simulators.http import Request
from samklang.systems.base import Change, Description, Outcome, Update
from samklang.systems.powerofficego import PowerOfficeGoClient, PowerOfficeGoConfig, PowerOfficeGoCustomers
from samklang.systems.powerofficego.writing import TEST_ENFORCED

HOST = "https://goapi.poweroffice.net/v2"
KEYS = ("app-key-hemmelig", "client-key-hemmelig")
SUBSCRIPTION = "sub-key-hemmelig"

CUSTOMER = {
    "Id": 7,
    "IsPerson": True,
    "IsActive": True,
    "IsArchived": False,
    "CustomerCreatedDateTimeOffset": "2024-01-01T00:00:00Z",
    "LastChangedDateTimeOffset": "2026-08-01T09:27:26.1234567Z",
    "ExternalImportReference": None,
    "FirstName": "Kari",
    "LastName": "Nordmann",
    "EmailAddress": "kari@example.no",
    "PhoneNumber": None,
    "MailAddress": {
        "Id": 70,
        "AddressLine1": "Storgata 1",
        "AddressLine2": None,
        "City": "Oslo",
        "ZipCode": "0155",
        "CountryCode": "NO",
        "LastChangedDateTimeOffset": "2026-08-02T10:00:00Z",
    },
}
PRODUCT = {
    "Id": 9,
    "Code": "A1",
    "Name": "Kopp",
    "UnitPrice": 79.9,
    "UnitCost": None,
    "IsArchived": False,
    "ProductGroupCode": "G1",
    "ProductGroupId": 4,
    "StandardSalesAccount": 3000,
    "StandardSalesAccountId": 7101,
    "CreatedDateTimeOffset": "2024-01-01T00:00:00Z",
    "LastChangedDateTimeOffset": "2026-08-01T09:27:26Z",
}


def problem(detail: str, title: str = "Customer validation error(s)", status: int = 400) -> Answer:
    return Answer(status, {"title": title, "detail": detail})


def not_found(what: str = "Customer") -> Answer:
    return problem(f"{what} with id = 7 not found.", "Object(s) not found", 404)


class Go:
    """:param handler: answers everything but token requests."""

    def __init__(self, handler: Callable[[Request], Answer | Exception], **config: Any) -> None:
        self.handler = handler
        self.time = Time()
        self.tokens = 0
        self.secrets: list[str] = []
        self.server = Server(self._answer)
        extra = {"subscription_key": SUBSCRIPTION, "requests_per_second": 1000, **config}
        self.client = PowerOfficeGoClient(
            PowerOfficeGoConfig.from_connection(None, *KEYS, extra),
            self.server.session(),
            on_secret=self.secrets.append,
            sleep=self.time.sleep,
            clock=self.time.clock,
            wall=lambda: 1_800_000_000.0 + self.time.clock(),
            random=lambda: 0.0,
        )

    def _answer(self, request: Request) -> Answer | Exception:
        if request.path == "/OAuth/Token":
            self.tokens += 1
            return Answer(200, {"access_token": f"token-{self.tokens}", "token_type": "bearer", "expires_in": 1200})
        return self.handler(request)

    @property
    def sent(self) -> list[Request]:
        """All requests but those for tokens."""
        return [r for r in self.server.requests if r.path != "/OAuth/Token"]

    @property
    def calls(self) -> list[str]:
        return [f"{r.method} {r.path.removeprefix('/v2')}" for r in self.sent]

    def bodies(self, method: str) -> list[Any]:
        return [orjson.loads(r.body) for r in self.sent if r.method == method]


class Records:
    """A few objects that are listed, read, patched and made as PowerOffice Go would; the test breaks what it wants.

    :param enforces_tests: whether a JSON Patch `test` is carried out.
    :param refuse: gives an answer to a write in place of carrying it out.
    """

    def __init__(
        self,
        *objects: dict[str, Any],
        enforces_tests: bool = True,
        refuse: Callable[[dict[str, Any]], Answer | Exception | None] = lambda _: None,
    ) -> None:
        self.objects = {o["Id"]: orjson.loads(orjson.dumps(o)) for o in objects}
        self.enforces_tests = enforces_tests
        self.refuse = refuse

    def __call__(self, request: Request) -> Answer | Exception:
        last = request.path.rpartition("/")[2]
        if request.method == "POST":
            return self._post(orjson.loads(request.body))
        if last == "ClientIntegrationInformation":
            return Answer(200, {"ClientId": "c-1", "ValidPrivileges": ["Customer_Full", "Product_Full"]})
        if not last.isdigit():
            number = int(request.query["PageNumber"][0])
            return Answer(200, list(self.objects.values())) if number == 1 and self.objects else Answer(204)
        if int(last) not in self.objects:
            return not_found()
        if request.method == "GET":
            return Answer(200, self.objects[int(last)])
        return self._patch(int(last), orjson.loads(request.body))

    def _post(self, body: dict[str, Any]) -> Answer | Exception:
        refusal = self.refuse(body)
        if refusal is not None:
            return refusal
        base = PRODUCT if "Code" in body else {**CUSTOMER, "MailAddress": None}
        new_id = max(self.objects, default=0) + 1
        self.objects[new_id] = {**base, **body, "Id": new_id}
        return Answer(201, self.objects[new_id])

    def _patch(self, object_id: int, operations: list[dict[str, Any]]) -> Answer | Exception:
        changed = orjson.loads(orjson.dumps(self.objects[object_id]))
        writes = {}
        for operation in operations:
            *parents, name = operation["path"].strip("/").split("/")
            holder = changed
            for parent in parents:
                holder = holder[parent]
                if holder is None:
                    return problem("The target location specified by path segment 'City' was not found.")
            if operation["op"] != "test":
                writes[".".join([*parents, name])] = operation["value"]
                holder[name] = operation["value"]
            elif self.enforces_tests and holder[name] != operation["value"]:
                return problem(f"The current value '{holder[name]}' is not equal to the test value.")
        refusal = self.refuse(writes) if writes else None
        if refusal is not None:
            return refusal
        self.objects[object_id] = changed
        return Answer(200, changed)


# --- customers as a system

CUSTOMER_FIELDS = [
    "EmailAddress",
    "MailAddress.AddressLine1",
    "MailAddress.AddressLine2",
    "MailAddress.City",
    "MailAddress.CountryCode",
    "MailAddress.ZipCode",
    "PhoneNumber",
    "FirstName",
    "LastName",
]
HOME = {"has_address": True}
ENFORCED = {TEST_ENFORCED: "yes"}
SHOP = Description("4242", "Shop")


def make_customers(
    handler: Any, fields: list[str] | None = None, memory: dict[str, str] | None = None
) -> tuple[Any, Go]:
    go = Go(handler)
    memory = dict(ENFORCED) if memory is None else memory
    return PowerOfficeGoCustomers(go.client, fields or CUSTOMER_FIELDS, memory, workers=1), go


def customer(**changes: Any) -> dict[str, Any]:
    return {**CUSTOMER, **changes}


def read_one(dto: dict[str, Any], fields: list[str] | None = None) -> Any:
    system, _ = make_customers(lambda _: Answer(200, [dto], {"X-Pagination": '{"nextPageLink": ""}'}), fields)
    ((record,),) = [page.records for page in system.read_all()]
    return record


def update(system: Any, *changes: tuple[str, str | None, str | None], facts: Any = HOME) -> Outcome:
    (outcome,) = system.update([Update(1, "7", tuple(Change(*c) for c in changes), facts)])
    return outcome
