"""The fields of `QueryRoot`. Arguments come in snake_case, checked against the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samklang.simulators.shopify import customers, filters, metafields, products
from samklang.simulators.shopify.access import granted, refuse_scope
from samklang.simulators.shopify.bulk import BulkOperation, BulkOperations
from samklang.simulators.shopify.goods import VARIANT_ORDERS, Product
from samklang.simulators.shopify.naming import gid, kind_of
from samklang.simulators.shopify.paging import Connection, Order, by_number, connection
from samklang.simulators.shopify.problems import refuse_id
from samklang.simulators.shopify.records import Customer, Definition, Identified, full_namespace
from samklang.simulators.shopify.search import Filter, compile_query
from samklang.simulators.shopify.store import Store

Values = dict[str, Any]

CUSTOMER_ORDERS: dict[str, Order] = {
    "ID": by_number,
    "RELEVANCE": by_number,
    "CREATED_AT": lambda customer: str(customer.created_at),
    "UPDATED_AT": lambda customer: str(customer.updated_at),
    "NAME": lambda customer: f"{customer.last_name or ''}, {customer.first_name or ''}".casefold(),
    "LOCATION": lambda customer: str((customer.default_address and customer.default_address.formatted_area) or ""),
}
PRODUCT_ORDERS: dict[str, Order] = {
    "ID": by_number,
    "RELEVANCE": by_number,
    "INVENTORY_TOTAL": by_number,
    "CREATED_AT": lambda product: str(product.created_at),
    "PUBLISHED_AT": lambda product: str(product.created_at),
    "UPDATED_AT": lambda product: str(product.updated_at),
    "TITLE": lambda product: product.title.casefold(),
    "PRODUCT_TYPE": lambda product: product.product_type.casefold(),
    "VENDOR": lambda product: product.vendor.casefold(),
}
# what `node` and `nodes` need to be read
SCOPES = {
    "Customer": "read_customers",
    "MailingAddress": "read_customers",
    "Product": "read_products",
    "ProductVariant": "read_products",
    "InventoryItem": "read_products",
}


@dataclass
class Session:
    """One request. :param path: the root field that is being answered; :param searches: search warnings so far."""

    store: Store
    switch: Callable[[str], Any]
    bulk: BulkOperations
    base_url: str = ""
    denied: frozenset[str] = frozenset()
    path: list[str] = field(default_factory=list)
    searches: list[Values] = field(default_factory=list)

    def matching(
        self, rows: Sequence[Any], query: str | None, known: Mapping[str, Filter], free: Filter
    ) -> Sequence[Any]:
        """The rows that the search index finds; without a query, all rows from the database. (sheet 7.2, 7.5)"""
        if not (query or "").strip():
            return rows
        predicate, warnings = compile_query(query or "", known, free)
        if warnings:
            self.searches.append({"path": list(self.path), "query": query, "warnings": warnings})
        indexed = ((row, self.store.as_indexed(row)) for row in rows)
        return [row for row, shown in indexed if shown is not None and predicate(shown)]


class Queries:
    """Resolvers of the query root."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._store = session.store
        self._zone = session.store.shop.iana_timezone

    def shop(self) -> Any:
        return self._store.shop

    def current_app_installation(self) -> Values:
        handles = [{"handle": scope} for scope in self.session.switch("scopes")]
        return {"id": gid("AppInstallation", 1_842_763), "accessScopes": handles}

    def customer(self, id: str) -> Any:  # noqa: A002 - the argument's name in the API
        return self._one(id, "Customer")

    def customer_by_identifier(self, identifier: Values) -> Customer | None:
        return customers.find(self._store, identifier)

    def customers(self, sort_key: str | None = None, query: str | None = None, **page: Any) -> Connection:
        return connection(self.rows("customers", query), order=CUSTOMER_ORDERS[sort_key or "ID"], **page)

    def customers_count(self, limit: int | None, query: str | None = None) -> Values:
        known = filters.customer_count_filters(self._zone, self.session.switch("customers_updated_at"))
        rows = list(self._store.customers.values())
        return _count(self.session.matching(rows, query, known, filters.free_customer), limit)

    def product(self, id: str) -> Any:  # noqa: A002
        return self._one(id, "Product")

    def product_by_identifier(self, identifier: Values) -> Product | None:
        return products.find(self._store, identifier)

    def products(self, sort_key: str | None = None, query: str | None = None, **page: Any) -> Connection:
        return connection(self.rows("products", query), order=PRODUCT_ORDERS[sort_key or "ID"], **page)

    def products_count(self, limit: int | None, query: str | None = None) -> Values:
        return _count(self.rows("products", query), limit)

    def product_variant(self, id: str) -> Any:  # noqa: A002
        return self._one(id, "ProductVariant")

    def product_variant_by_identifier(self, identifier: Values) -> Any:
        if "custom_id" in identifier:
            return metafields.by_custom_id(self._store, "PRODUCTVARIANT", identifier["custom_id"])
        return self._one(identifier["id"], "ProductVariant")

    def product_variants(self, sort_key: str | None = None, query: str | None = None, **page: Any) -> Connection:
        return connection(self.rows("productVariants", query), order=VARIANT_ORDERS[sort_key or "ID"], **page)

    def product_variants_count(self, limit: int | None, query: str | None = None) -> Values:
        """Ignores the filter `updated_at` without a word. (sheet 3)"""
        known = {**filters.variant_filters(self._zone), "updated_at": lambda _: lambda _: True}
        rows = list(self._store.variants.values())
        return _count(self.session.matching(rows, query, known, filters.free_variant), limit)

    def inventory_item(self, id: str) -> Any:  # noqa: A002
        return self._one(id, "InventoryItem")

    def node(self, id: str) -> Any:  # noqa: A002
        return self.nodes([id])[0]

    def nodes(self, ids: Sequence[str]) -> list[Identified | None]:
        given = granted(self.session.switch("scopes"))
        for text in ids:
            scope = SCOPES.get(kind_of(text) or "")
            if scope and scope not in given:
                refuse_scope(self.session.path[0], scope)
        return [self.session.bulk.get(text, self.session.base_url) or self._store.find(text) for text in ids]

    def bulk_operation(self, id: str) -> BulkOperation | None:  # noqa: A002
        return self.session.bulk.get(id, self.session.base_url)

    def metafield_definition(self, identifier: Values | None = None) -> Definition | None:
        return metafields.find_definition(self._store, identifier) if identifier else None

    def metafield_definitions(
        self,
        owner_type: str,
        sort_key: str | None = None,
        namespace: str | None = None,
        key: str | None = None,
        **page: Any,
    ) -> Connection:
        wanted = full_namespace(namespace) if namespace else None
        rows = [
            row
            for row in self._store.definitions.values()
            if row.owner_type == owner_type and wanted in (None, row.namespace) and key in (None, row.key)
        ]
        return connection(rows, order=(lambda row: row.name.casefold()) if sort_key == "NAME" else by_number, **page)

    def rows(self, name: str, query: str | None) -> Sequence[Any]:
        """All rows of a root connection that match, in the order of their ids; bulk operations read these too."""
        if name == "customers":
            known = filters.customer_filters(self._zone, self.session.switch("customers_updated_at"))
            return self.session.matching(list(self._store.customers.values()), query, known, filters.free_customer)
        if name == "products":
            known = filters.product_filters(self._zone)
            return self.session.matching(list(self._store.products.values()), query, known, filters.free_product)
        known = filters.variant_filters(self._zone)
        return self.session.matching(list(self._store.variants.values()), query, known, filters.free_variant)

    def _one(self, text: str, kind: str) -> Any:
        """Null when unknown (sheet 2.1); an id of another kind is refused (guess)."""
        if kind_of(text) != kind:
            refuse_id()
        return self._store.find(text)


def _count(rows: Sequence[Any], limit: int | None) -> Values:
    if limit is not None and len(rows) > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": len(rows), "precision": "EXACT"}
