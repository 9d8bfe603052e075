"""The fields of `Mutation`: each hands over to the module that knows the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samklang.simulators.shopify import addresses, customers, metafields, products, variants
from samklang.simulators.shopify.access import granted, refuse_scope
from samklang.simulators.shopify.metafields import set_many
from samklang.simulators.shopify.problems import refuse
from samklang.simulators.shopify.queries import Queries, Session

Values = dict[str, Any]
Payload = dict[str, Any]


class Mutations:
    """Resolvers of the mutation root."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._store = session.store

    def customer_create(self, input: Values) -> Payload:  # noqa: A002 - the argument's name in the API
        return customers.create(self._store, input)

    def customer_update(self, input: Values) -> Payload:  # noqa: A002
        return customers.update(self._store, input)

    def customer_set(self, input: Values, identifier: Values | None = None) -> Payload:  # noqa: A002
        return customers.upsert(self._store, input, identifier)

    def customer_delete(self, input: Values) -> Payload:  # noqa: A002
        return customers.delete(self._store, input["id"])

    def customer_address_create(self, **arguments: Any) -> Payload:
        return addresses.create(self._store, **arguments)

    def customer_address_update(self, **arguments: Any) -> Payload:
        return addresses.update(self._store, **arguments)

    def customer_address_delete(self, **arguments: Any) -> Payload:
        return addresses.delete(self._store, **arguments)

    def customer_update_default_address(self, **arguments: Any) -> Payload:
        return addresses.set_default(self._store, **arguments)

    def product_set(self, input: Values, synchronous: bool, identifier: Values | None = None) -> Payload:  # noqa: A002
        if not synchronous:
            refuse("productSet is served with synchronous: true only.", "NOT_SERVED")
        return products.upsert(self._store, input, identifier)

    def product_update(self, product: Values | None = None, identifier: Values | None = None) -> Payload:
        return products.update(self._store, product or {}, identifier)

    def product_variants_bulk_update(self, **arguments: Any) -> Payload:
        return variants.update_many(self._store, **arguments)

    def inventory_item_update(self, id: str, input: Values) -> Payload:  # noqa: A002
        return variants.update_item(self._store, id, input, self.session.switch("cost_moves_product"))

    def metafields_set(self, metafields: Sequence[Values]) -> Payload:  # the argument's name in the API
        """Needs what changing the owner would need. (sheet 1)"""
        given = granted(self.session.switch("scopes"))
        for row in metafields:
            scope = "write_customers" if "/Customer/" in row["owner_id"] else "write_products"
            if scope not in given:
                refuse_scope("metafieldsSet", scope)
        return set_many(self._store, metafields)

    def metafield_definition_create(self, definition: Values) -> Payload:
        return metafields.create_definition(self._store, definition)

    def metafield_definition_delete(self, **arguments: Any) -> Payload:
        return metafields.delete_definition(self._store, **arguments)

    def bulk_operation_run_query(self, query: str, group_objects: bool) -> Payload:
        return self.session.bulk.run(query, group_objects, Queries(self.session))
