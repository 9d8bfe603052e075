"""The simulator of a Shopify store: routes, switches and the answers that are not GraphQL's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import FieldNode, GraphQLObjectType, GraphQLSchema, parse

from samklang.simulators.control import Controlled, Switch
from samklang.simulators.http import Request, Response, json_response
from samklang.simulators.shopify import edits, seeds
from samklang.simulators.shopify.access import HEADER, Tokens
from samklang.simulators.shopify.bulk import BulkOperations
from samklang.simulators.shopify.cost import Bucket
from samklang.simulators.shopify.engine import Engine, load_schema
from samklang.simulators.shopify.projection import Projector, Shape
from samklang.simulators.shopify.queries import Session
from samklang.simulators.shopify.records import Owner, Shop
from samklang.simulators.shopify.store import FIRST_NUMBERS, Store

VERSION = "2026-10"
SUPPORTED = ("2026-01", "2026-04", "2026-07", VERSION)  # sheet 1; older ones fall forward to the first

SWITCHES = {
    # the shop
    "taxes_included": Switch(True, (True, False)),
    "currency": Switch("NOK"),
    "country": Switch("NO"),
    "b2b": Switch(False, (True, False)),  # whether it may have companies, and ask for their contacts (found since)
    # limits (sheet 5)
    "throttle": Switch("on", ("on", "off")),
    "bucket_size": Switch(2000.0),
    "restore_rate": Switch(100.0),
    "max_query_cost": Switch(1000),
    # `nodes` costs the same whatever the number of ids (recorded); or, as once guessed, each id, or like a connection
    "nodes_cost": Switch("flat", ("flat", "each", "sized")),
    # search (sheet 7.3, 7.5)
    "customers_updated_at": Switch("day", ("day", "second")),
    "index_lag_seconds": Switch(0.0),
    # bulk operations
    "bulk_seconds": Switch(0.0),
    "bulk_counts": Switch("lines", ("lines", "objects")),  # guess: whether objects within a line count (found since)
    "bulk_error": Switch("", ("", "ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT")),
    # access (sheet 1)
    "scopes": Switch(["write_customers", "write_products", "write_inventory"]),
    "denied_fields": Switch([]),
    # clocks (sheet 7.10)
    "cost_moves_product": Switch(False, (True, False)),
}

_GRAPHQL = re.compile(r"/admin/api/(?P<version>[\w-]+)/graphql\.json")
_CUSTOMER = """{ id legacyResourceId firstName lastName email phone locale note tags state taxExempt numberOfOrders
  createdAt updatedAt defaultAddress { id } addresses { id firstName lastName company address1 address2 city
  provinceCode zip countryCodeV2 phone } }"""
_PRODUCT = """{ id legacyResourceId title handle status vendor productType tags descriptionHtml createdAt updatedAt
  options { name values } }"""
_VARIANT = """{ id legacyResourceId title position sku barcode price compareAtPrice taxable createdAt updatedAt
  selectedOptions { name value } inventoryItem { id tracked unitCost { amount currencyCode } updatedAt } }"""


class ShopifySimulator(Controlled):
    """A store in memory. :param records: customers, and as many products; :param overlap: see `people`."""

    def __init__(
        self,
        records: int = 0,
        seed: int = 1,
        overlap: float = 0.6,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        switches: Mapping[str, Any] | None = None,
    ) -> None:
        self._schema = load_schema()
        self._engine = Engine(self._schema)
        self._shapes = {name: _shape(self._schema, name, text) for name, text in _SHAPES.items()}
        self._who = "api"
        super().__init__(SWITCHES, now, switches)
        self.reset(records, seed, overlap)

    def reset(self, records: int = 0, seed: int = 1, overlap: float = 0.6) -> None:
        """Start over with fresh believable data, a full bucket and empty logs."""
        self.store = Store(self._shop(), self.now, self._log, lambda: float(self.switch("index_lag_seconds")))
        self._set_shop()
        self._tokens = Tokens(self.now)
        self._bulk = BulkOperations(self._schema, self.now)
        self._engine.bucket = Bucket()
        seeds.fill(self.store, records, seed, overlap)
        self.clear_log()

    def _shop(self) -> Shop:
        made = "2024-01-15T09:00:00Z"
        return Shop(
            FIRST_NUMBERS["Shop"],
            made,
            made,
            name="Fjordbutikken",
            myshopify_domain="fjordbutikken.myshopify.com",
            email="post@fjordbutikken.example",
        )

    def switches(self, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """All switches, after these changes. :raises ValueError: a name or a value is not known; nothing was set."""
        stand = super().switches(changes)
        if hasattr(self, "store"):
            self._set_shop()
        return stand

    def _set_shop(self) -> None:
        shop = self.store.shop
        shop.taxes_included, shop.currency_code = self.switch("taxes_included"), self.switch("currency")
        shop.country = self.switch("country")

    def operation(self, request: Request) -> str:
        """The name of the GraphQL operation, or of its first root field; bulk files say whether a token was sent."""
        if request.path.startswith("/bulk/"):
            return "bulk file, token sent" if HEADER in request.headers else "bulk file"
        if _GRAPHQL.fullmatch(request.path) is None:
            return super().operation(request)
        body = _body(request) or {}
        parsed = self._engine.parse(str(body.get("query", "")))
        found = parsed.operation(body.get("operationName"))
        if found is None:
            return super().operation(request)
        fields = [one.name.value for one in found.selection_set.selections if isinstance(one, FieldNode)]
        return found.name.value if found.name else next(iter(fields), "query")

    def answer(self, request: Request) -> Response:
        """Answer one request to the API itself."""
        if request.path == "/admin/oauth/access_token" and request.method == "POST":
            return self._tokens.grant(request, self.switch("scopes"))
        if request.path.startswith("/bulk/") and request.method == "GET":
            lines = self._bulk.file(request.path.removeprefix("/bulk/"))
            return Response(404) if lines is None else Response(200, {"Content-Type": "application/jsonl"}, lines)
        match = _GRAPHQL.fullmatch(request.path)
        if match is None or request.method != "POST":
            return json_response({"errors": "Not Found"}, 404)
        version = match["version"] if match["version"] in SUPPORTED or match["version"] > VERSION else SUPPORTED[0]
        headers = {"X-Shopify-API-Version": version}
        if not self._tokens.valid(request):
            message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return json_response({"errors": message}, 401, headers)
        body = _body(request)
        if body is None or not isinstance(body.get("query"), str):
            return json_response({"errors": {"query": "Required parameter missing or invalid"}}, 400, headers)
        variables, name = body.get("variables"), body.get("operationName")
        if not isinstance(variables, dict | None):  # a guess: nothing recorded sends variables that are no object
            return json_response({"errors": {"variables": "Required parameter missing or invalid"}}, 400, headers)
        session = self._session(request.base_url)
        answer = self._engine.run(session, body["query"], variables or {}, name if isinstance(name, str) else None)
        return json_response(answer, 200, headers)

    def _session(self, base_url: str) -> Session:
        without_b2b = () if self.switch("b2b") else ("Customer.companyContactProfiles",)
        denied = frozenset([*self.switch("denied_fields"), *without_b2b])
        return Session(self.store, self.switch, self._bulk, base_url, denied)

    def state(self) -> dict[str, Any]:
        """All records in full, as the API would show them, with `metafields` by `namespace.key`."""
        return {
            "customers": [self._customer(record) for record in self.store.customers.values()],
            "products": [self._product(record) for record in self.store.products.values()],
        }

    def _customer(self, record: Any) -> dict[str, Any]:
        return {**self._shapes["Customer"].row(record), "metafields": _metafields(record)}

    def _product(self, record: Any) -> dict[str, Any]:
        below = [
            {**self._shapes["ProductVariant"].row(variant), "metafields": _metafields(variant)}
            for variant in record.variant_list
        ]
        return {**self._shapes["Product"].row(record), "variants": below, "metafields": _metafields(record)}

    def edit(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Change one record as a human would; gives the record, or `{}` after a deletion. See `edits.edit`."""
        self._who = "human"
        try:
            record_id = edits.edit(self.store, order)
        finally:
            self._who = "api"
        if record_id is None:
            return {}
        record = self.store.find(record_id)
        return self._customer(record) if order["entity"] == "customers" else self._product(record)

    def _log(self, action: str, entity: str, record_id: str, fields: Iterable[str]) -> None:
        self.log_write(self._who, action, entity, record_id, fields)


_SHAPES = {"Customer": _CUSTOMER, "Product": _PRODUCT, "ProductVariant": _VARIANT}


def _shape(schema: GraphQLSchema, name: str, text: str) -> Shape:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)  # noqa: S101 - so it is in the schema
    definition = parse(text).definitions[0]
    return Projector(schema, {}).shape(getattr(definition, "selection_set", None), kind)


def _metafields(owner: Owner) -> dict[str, str]:
    return {f"{namespace}.{key}": row.value for (namespace, key), row in owner.fields.items()}


def _body(request: Request) -> dict[str, Any] | None:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
