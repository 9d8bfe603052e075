"""A simulated store with a clock of its own, asked as a client would ask it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from samklang.simulators.http import Request, Response
from samklang.simulators.shopify import ShopifySimulator

TOKEN = "shpat_simulated"


class Shop:
    """:param switches: set before the first request; `throttle` is off unless given."""

    def __init__(self, records: int = 0, seed: int = 1, **switches: Any) -> None:
        self.time = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
        self.simulator = ShopifySimulator(
            records, seed, now=lambda: self.time, switches={"throttle": "off", **switches}
        )

    def pass_time(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Response:
        return self.simulator.handle(Request(method, path, {}, headers or {}, body, "http://127.0.0.1:9102"))

    def ask(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
        token: str = TOKEN,
        version: str = "2026-10",
    ) -> dict[str, Any]:
        """The whole answer, with errors and extensions."""
        body = orjson.dumps({"query": document, "variables": variables or {}, "operationName": name})
        headers = {"x-shopify-access-token": token, "content-type": "application/json"}
        answer: dict[str, Any] = orjson.loads(
            self.send("POST", f"/admin/api/{version}/graphql.json", body, headers).body
        )
        return answer

    def data(self, document: str, **variables: Any) -> dict[str, Any]:
        """What was answered without any error."""
        answer = self.ask(document, variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def create_customer(self, **fields: Any) -> dict[str, Any]:
        """A customer that was taken; see `CUSTOMER` for what is answered."""
        payload = self.data(CREATE, input=fields)["customerCreate"]
        assert payload["userErrors"] == []
        customer: dict[str, Any] = payload["customer"]
        return customer

    def create_product(self, **fields: Any) -> dict[str, Any]:
        """A product that was taken; see `PRODUCT` for what is answered."""
        payload = self.data(SET_PRODUCT, input=fields)["productSet"]
        assert payload["userErrors"] == []
        product: dict[str, Any] = payload["product"]
        return product

    def define(self, owner: str = "CUSTOMER", key: str = "number") -> list[str]:
        """A definition of type `id` in the namespace `gogo`, so that custom ids work; gives what was refused."""
        payload = self.data(
            """mutation ($definition: MetafieldDefinitionInput!) {
              metafieldDefinitionCreate(definition: $definition) { userErrors { message } } }""",
            definition={"name": "Number", "namespace": "gogo", "key": key, "ownerType": owner, "type": "id"},
        )
        return [error["message"] for error in payload["metafieldDefinitionCreate"]["userErrors"]]


CUSTOMER = """id legacyResourceId firstName lastName displayName email phone note tags locale state createdAt updatedAt
  defaultAddress { id } addresses { id address1 city zip countryCodeV2 provinceCode phone firstName lastName }"""
PRODUCT = """id title handle status vendor tags createdAt updatedAt options { id name values }
  variants(first: 10) { nodes { id title sku barcode price compareAtPrice taxable updatedAt
    selectedOptions { name value } inventoryItem { id sku updatedAt unitCost { amount currencyCode } } } }"""
ERRORS = "userErrors { field message }"
CREATE = (
    f"mutation ($input: CustomerInput!) {{ customerCreate(input: $input) {{ customer {{ {CUSTOMER} }} {ERRORS} }} }}"
)
UPDATE = (
    f"mutation ($input: CustomerInput!) {{ customerUpdate(input: $input) {{ customer {{ {CUSTOMER} }} {ERRORS} }} }}"
)
SET = f"""mutation ($identifier: CustomerSetIdentifiers, $input: CustomerSetInput!) {{
  customerSet(identifier: $identifier, input: $input) {{
    customer {{ {CUSTOMER} metafield(namespace: "gogo", key: "number") {{ value }} }}
    userErrors {{ field message code }} }} }}"""
SET_PRODUCT = f"""mutation ($identifier: ProductSetIdentifiers, $input: ProductSetInput!) {{
  productSet(identifier: $identifier, input: $input) {{
    product {{ {PRODUCT} }} userErrors {{ field message code }} }} }}"""
