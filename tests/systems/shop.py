"""A Shopify store for tests: hand-written answers by operation, or the simulator in the same process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import requests
from scripted import Answer, Server, Time

from samklang.core.records import Page, Record
from samklang.simulators.http import InProcess, Request, Response
from samklang.simulators.shopify import ShopifySimulator
from samklang.systems.base import Change, Creation, Outcome, Update
from samklang.systems.shopify import ShopifyClient, ShopifyConfig, ShopifyCustomers, ShopifyProducts

HOST = "https://fjord.myshopify.com"
TOKEN = "shpat_hemmelig"
HERE = "http://127.0.0.1:9102"

CUSTOMER_FIELDS = (
    "email",
    "phone",
    "firstName",
    "lastName",
    "addresses.address1",
    "addresses.address2",
    "addresses.city",
    "addresses.zip",
    "addresses.country",
)
PRODUCT_FIELDS = ("title", "sku", "price")
EVERY_PRODUCT_FIELD = (*PRODUCT_FIELDS, "barcode", "descriptionHtml", "cost")

COST = {
    "requestedQueryCost": 20,
    "actualQueryCost": 10,
    "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1990, "restoreRate": 100.0},
}


def data(**by_alias: Any) -> Answer:
    """`data(m0={…})`: an answer under HTTP 200 with its cost."""
    return Answer(200, {"data": by_alias, "extensions": {"cost": COST}})


def errors(*entries: dict[str, Any], **by_alias: Any) -> Answer:
    """An answer with errors, and with data where aliases are given."""
    return Answer(200, {"errors": list(entries), **({"data": by_alias} if by_alias else {})})


def error(code: str, path: Sequence[str | int] = (), message: str = "No.", **extensions: Any) -> dict[str, Any]:
    return {"message": message, "path": list(path), "extensions": {"code": code, **extensions}}


Reply = Answer | Exception | list["Answer | Exception"] | Callable[[dict[str, Any]], Answer]


class Shop:
    """Answers by the name of the operation: one answer for good, a list in turn, or a function of the variables.

    Where nothing else is said it has no access to B2B, and being asked for that is not noted.
    """

    def __init__(self, **answers: Reply) -> None:
        self.answers: dict[str, Reply] = dict(answers)
        self.sent: list[dict[str, Any]] = []
        self.time = Time()
        self.server = Server(self._answer)

    def _answer(self, request: Request) -> Answer | Exception:
        if not request.path.endswith("/graphql.json"):
            return self._reply(self.answers[request.path], {})
        body = orjson.loads(request.body)
        if body["operationName"] == "ProbeCompanyContacts" and body["operationName"] not in self.answers:
            return errors(error("ACCESS_DENIED", ["m0"]))
        self.sent.append(body)
        return self._reply(self.answers[body["operationName"]], body["variables"])

    @staticmethod
    def _reply(reply: Reply, variables: dict[str, Any]) -> Answer | Exception:
        if isinstance(reply, list):
            return reply.pop(0) if len(reply) > 1 else reply[0]
        return reply(variables) if callable(reply) else reply

    @property
    def operations(self) -> list[str]:
        return [body["operationName"] for body in self.sent]

    def client(self, config: ShopifyConfig | None = None, **arguments: Any) -> ShopifyClient:
        return ShopifyClient(
            config or ShopifyConfig(HOST, token=TOKEN),
            self.server.session(),
            sleep=self.time.sleep,
            clock=self.time.clock,
            random=lambda: 0.0,
            **arguments,
        )

    def customers(self, fields: Sequence[str] = CUSTOMER_FIELDS) -> ShopifyCustomers:
        return ShopifyCustomers(self.client(), fields, {}, workers=1)

    def products(self, fields: Sequence[str] = PRODUCT_FIELDS) -> ShopifyProducts:
        return ShopifyProducts(self.client(), fields, {}, workers=1)


@dataclass
class World:
    """The simulator, its time, and clients for it; only sleeping moves the clock."""

    records: int = 0
    seed: int = 1
    switches: dict[str, Any] = field(default_factory=dict)
    now: datetime = datetime(2026, 11, 20, 8, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sim = ShopifySimulator(self.records, self.seed, now=lambda: self.now, switches=self.switches)
        self.documents: list[dict[str, Any]] = []
        self.before: Callable[[str], None] = lambda _: None
        self.memory: dict[str, str] = {}

    def handle(self, request: Request) -> Response:
        if request.path.endswith("/graphql.json"):
            body = orjson.loads(request.body)
            self.documents.append(body)
            self.before(body["operationName"])
        return self.sim.handle(request)

    def latency(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def client(self) -> ShopifyClient:
        session = requests.Session()
        session.mount(HERE, InProcess(self))
        config = ShopifyConfig.from_connection(HERE, None, "shpat_simulated", {})
        return ShopifyClient(config, session, sleep=self.sleep, clock=lambda: self.now.timestamp(), random=lambda: 0.0)

    def customers(self, fields: Sequence[str] = CUSTOMER_FIELDS, workers: int = 1) -> ShopifyCustomers:
        return ShopifyCustomers(self.client(), fields, self.memory, workers=workers)

    def products(self, fields: Sequence[str] = PRODUCT_FIELDS, workers: int = 1) -> ShopifyProducts:
        return ShopifyProducts(self.client(), fields, self.memory, workers=workers)

    def later(self, **spans: float) -> None:
        self.now += timedelta(**spans)

    def edit(self, entity: str, record_id: str, **values: Any) -> dict[str, Any]:
        return self.sim.edit({"entity": entity, "id": record_id, "set": values})

    def new_customer(self, **values: Any) -> str:
        made = self.sim.edit({"entity": "customers", "create": {"firstName": "Kari", **values}})
        return str(made["legacyResourceId"])

    def new_product(self, **values: Any) -> tuple[str, str]:
        """:returns: the ids of the product and of its variant."""
        made = self.sim.edit({"entity": "products", "create": {"title": "Kopp", **values}})
        return str(made["legacyResourceId"]), str(made["variants"][0]["legacyResourceId"])

    def customer(self, **values: Any) -> Record:
        """A customer that a person made a minute ago, as it was read."""
        (record,) = rows(self.customers().read_ids([self.new_customer(**values)]))
        return self._after_a_minute(record)

    def variant(self, **values: Any) -> Record:
        """The variant of a product that a person made a minute ago, as it was read."""
        (record,) = rows(self.products(EVERY_PRODUCT_FIELD).read_ids([self.new_product(**values)[1]]))
        return self._after_a_minute(record)

    def _after_a_minute(self, record: Record) -> Record:
        self.later(minutes=1)
        self.start_log()
        return record

    def stored(self, record: Record) -> Record:
        """The same record as the shop holds it now."""
        system = self.products(EVERY_PRODUCT_FIELD) if "product_id" in record.facts else self.customers()
        (found,) = rows(system.read_ids([record.id]))
        return found

    def wrong_definition(self) -> None:
        """Somebody has made a definition with the name of our key, and another type."""
        document = """mutation D($definition: MetafieldDefinitionInput!) {
          metafieldDefinitionCreate(definition: $definition) { userErrors { message } }
        }"""
        definition = {
            "name": "Ours",
            "namespace": "samklang",
            "key": "powerofficego_id",
            "ownerType": "CUSTOMER",
            "type": "single_line_text_field",
        }
        self.client().execute(document, {"definition": definition}, operation="D", safe=False)

    @property
    def operations(self) -> list[str]:
        return [entry["operation"] for entry in self.sim.requests()]

    def start_log(self) -> None:
        self.sim.clear_log()
        self.documents.clear()


def rows(pages: Any) -> list[Record]:
    found: list[Page] = list(pages)
    return [record for page in found for record in page.records]


def change(name: str, expected: str | None, value: str | None) -> Change:
    return Change(name, expected, value)


def update(record: Record, *changes: Change, ref: int = 1) -> Update:
    return Update(ref, record.id, changes, record.facts)


def creation(key: str, ref: int = 1, **values: str) -> Creation:
    return Creation(ref, key, {name.replace("__", "."): value for name, value in values.items()}, {"status": "DRAFT"})


def only(outcomes: Any) -> Outcome:
    found: list[Outcome] = list(outcomes)
    assert len(found) == 1
    return found[0]


def problems(outcome: Outcome) -> set[tuple[str | None, str]]:
    return {(problem.field, problem.code) for problem in outcome.problems}


# --- nodes as the API answers them

FEW = ("firstName", "email", "phone", "addresses.city")


def node(number: int, at: str = "2026-08-01T09:27:26Z", city: str | None = None, **fields: Any) -> dict[str, Any]:
    """A customer, as far as `FEW` asks."""
    return {
        "id": f"gid://shopify/Customer/{number}",
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": at,
        "samklangKey": None,
        "firstName": "Kari",
        "defaultEmailAddress": {"emailAddress": "kari@example.no"},
        "defaultPhoneNumber": None,
        "defaultAddress": {"id": "gid://shopify/MailingAddress/3", "city": city} if city else None,
        **fields,
    }


def customer_answer(number: int, **fields: Any) -> dict[str, Any]:
    """What a mutation of a customer answers."""
    return {"customer": node(number, **fields), "userErrors": []}


def variant_node(number: int, created: str = "2024-01-01T00:00:00Z") -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ProductVariant/{number}",
        "createdAt": created,
        "updatedAt": "2026-08-01T00:00:00Z",
        "title": f"Nr. {number}",
        "taxable": True,
        "inventoryItem": {"id": "gid://shopify/InventoryItem/5"},
        "sku": "A",
        "price": "1.00",
    }


def product_node(variants: int) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Product/1",
        "status": "ACTIVE",
        "isGiftCard": False,
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": "2026-08-02T00:00:00Z",
        "variantsCount": {"count": variants},
        "samklangKey": {"value": "c1-9"},
        "title": "Kopp",
    }


def page(*nodes: Any, more: str | None = None) -> dict[str, Any]:
    return {"nodes": list(nodes), "pageInfo": {"hasNextPage": more is not None, "endCursor": more}}


def count(number: int, precision: str = "EXACT") -> dict[str, Any]:
    return {"count": number, "precision": precision}


def first_page(*nodes: Any, total: int = 2, more: str | None = None) -> Answer:
    """The first answer of a whole read: how many there are, and a page."""
    return data(m0=count(total), m1=page(*nodes, more=more))
