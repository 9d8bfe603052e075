"""Everything in the shop, and what must be unique or found at once: e-mail, phone, handle, custom id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from samklang.simulators.shopify.goods import InventoryItem, Option, OptionValue, Product, Variant
from samklang.simulators.shopify.naming import kind_of, number_of
from samklang.simulators.shopify.records import Address, Customer, Definition, Identified, Metafield, Owner, Shop

STEP = 32_768  # real ids are this far apart (recorded: customer-address-lifecycle)
FIRST_NUMBERS = {
    "Shop": 92_891_250_994,
    "Customer": 10_583_080_829_234,
    "MailingAddress": 12_056_365_662_514,
    "Product": 10_243_923_018_034,
    "ProductVariant": 51_488_052_412_722,
    "InventoryItem": 53_593_648_759_090,
    "ProductOption": 12_804_817_649_970,
    "ProductOptionValue": 8_322_006_188_338,
    "Metafield": 44_946_356_830_514,
    "MetafieldDefinition": 224_813_875_506,
    "CompanyContact": 3_190_816_818,
    "BulkOperation": 8_008_814_690_610,
}


class Store:
    """The shop's data.

    :param log: called with action, entity, id and fields of each write.
    :param lag: how many seconds the search index is behind.
    """

    def __init__(
        self,
        shop: Shop,
        now: Callable[[], datetime],
        log: Callable[[str, str, str, Iterable[str]], None],
        lag: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.shop = shop
        self.now = now
        self.log = log
        self.lag = lag
        self.customers: dict[int, Customer] = {}
        self.addresses: dict[int, Address] = {}
        self.products: dict[int, Product] = {}
        self.variants: dict[int, Variant] = {}
        self.inventory_items: dict[int, InventoryItem] = {}
        self.definitions: dict[int, Definition] = {}
        self.emails: dict[str, Customer] = {}
        self.phones: dict[str, Customer] = {}
        self.handles: dict[str, Product] = {}
        self.custom_ids: dict[tuple[str, str, str, str], Owner] = {}
        self._numbers = dict(FIRST_NUMBERS)
        # id of a record: when it was written, and how it was before (None: it was not there)
        self._before: dict[str, list[tuple[datetime, Any]]] = {}

    def stamp(self) -> str:
        """The time to the second, as every clock of the API has it. (sheet 2.1)"""
        return self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def number(self, kind: str) -> int:
        """The next number for a new object of this kind."""
        self._numbers[kind] += STEP
        return self._numbers[kind] - STEP

    def fresh(self, kind: str) -> dict[str, Any]:
        """What every new object starts with: number and both clocks."""
        return {"number": self.number(kind), "created_at": self.stamp(), "updated_at": self.stamp()}

    def touch(self, *records: Identified) -> None:
        """Move `updatedAt`, which every write does."""
        for record in records:
            record.updated_at = self.stamp()

    def remember(self, record: Owner, new: bool = False) -> None:
        """To be called before a write: a lagging search index goes on with the record as it is now."""
        if self.lag():
            self._before[record.id] = [*self._recent(record), (self.now(), None if new else record.snapshot())]

    def as_indexed(self, record: Any) -> Any:
        """The record as the search index has it; None when it has not arrived there. (sheet 7.5)"""
        recent = self._recent(record) if self._before else []
        return recent[0][1] if recent else record

    def _recent(self, record: Owner) -> list[tuple[datetime, Any]]:
        known = self._before.get(record.id, [])
        return [entry for entry in known if (self.now() - entry[0]).total_seconds() < self.lag()]

    def find(self, text: str) -> Identified | None:
        """Any object by its id, from the database: what `node` and `nodes` answer."""
        tables: dict[str, dict[int, Any]] = {
            "Customer": self.customers,
            "MailingAddress": self.addresses,
            "Product": self.products,
            "ProductVariant": self.variants,
            "InventoryItem": self.inventory_items,
            "MetafieldDefinition": self.definitions,
        }
        kind = kind_of(text)
        number = number_of(kind, text) if kind else None
        found: Identified | None = tables.get(kind or "", {}).get(number or 0)
        return found

    def owner(self, text: str) -> Owner | None:
        """A customer, product or variant by its id."""
        found = self.find(text)
        return found if isinstance(found, Owner) else None

    def definition(self, owner_type: str, namespace: str, key: str) -> Definition | None:
        """The definition of a metafield, if there is one."""
        wanted = (owner_type, namespace, key)
        rows = self.definitions.values()
        return next((row for row in rows if (row.owner_type, row.namespace, row.key) == wanted), None)

    def set_metafield(self, owner: Owner, namespace: str, key: str, kind: str, value: str) -> Metafield:
        """Write one metafield and keep the custom ids in step."""
        found = owner.fields.get((namespace, key))
        if found is None:
            found = Metafield(**self.fresh("Metafield"), owner_type=owner.owner_type, namespace=namespace, key=key)
            owner.fields[namespace, key] = found
        else:
            self.custom_ids.pop((owner.owner_type, namespace, key, found.value), None)
        found.type, found.value = kind, value
        self.touch(found)
        definition = self.definition(owner.owner_type, namespace, key)
        if definition is not None and definition.unique:
            self.custom_ids[owner.owner_type, namespace, key, value] = owner
        return found

    def forget_metafields(self, owner: Owner) -> None:
        """An owner is deleted: its custom ids are free again."""
        for (namespace, key), row in owner.fields.items():
            self.custom_ids.pop((owner.owner_type, namespace, key, row.value), None)

    def remove_customer(self, customer: Customer) -> None:
        """Take a customer and its addresses out of the shop."""
        del self.customers[customer.number]
        for address in customer.address_book:
            del self.addresses[address.number]
        self.emails.pop((customer.email or "").lower(), None)
        self.phones.pop(customer.phone or "", None)
        self.forget_metafields(customer)

    def remove_variant(self, variant: Variant) -> None:
        """Take a variant and its stock item out of the shop."""
        del self.variants[variant.number]
        del self.inventory_items[variant.inventory_item.number]
        self.forget_metafields(variant)

    def remove_product(self, product: Product) -> None:
        """Take a product and its variants out of the shop."""
        del self.products[product.number]
        self.handles.pop(product.handle, None)
        for variant in product.variant_list:
            self.remove_variant(variant)
        self.forget_metafields(product)

    def new_option(self, name: str, values: Iterable[str], position: int) -> Option:
        """An option with these choices."""
        made = [OptionValue(**self.fresh("ProductOptionValue"), name=value) for value in values]
        return Option(**self.fresh("ProductOption"), name=name, position=position, option_values=made)
