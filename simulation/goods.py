"""Products as shops have them: several variants, prices with every fraction, and terms of prices that change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from simulation.desks import ShopifyDesk
from simulation.oracle import Oracle
from simulation.trace import Edit
from simulation.values import POWEROFFICEGO, PRICES, SHOPIFY

_FRACTIONS = ("0.996", "0.004", "0.01", "0.333333", "0.5", "0.995", "0.05", "0.125")
_NEW_PERSON = 10_000
_OWN_ACCOUNT = 7102


class Goods:
    """Whoever minds the goods, at both desks."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._oracle: Oracle = world.oracle
        self._shop = world.machine.shop
        self._desk: ShopifyDesk = world.desks[SHOPIFY]
        self._terms()

    def act(self, edit: Edit) -> None:
        self._world.happenings.count(f"goods: {edit.kind}")
        try:
            getattr(self, "_" + edit.kind.replace(" ", "_"))(edit)
        except (KeyError, ValueError):
            return  # there is no such product, or the system refuses it

    # --- prices

    def _price(self, edit: Edit) -> None:
        """A price with a fraction; the shop takes two decimals."""
        record_id = self._world.people.record(edit.side, edit.person)
        if edit.side == POWEROFFICEGO:
            amount = Decimal(edit.number) + Decimal(_FRACTIONS[edit.number % len(_FRACTIONS)])
            self._world.desks[edit.side].type_in(record_id, {"UnitPrice": float(amount)})
        else:
            self._desk.type_in(record_id, {"UnitPrice": f"{edit.number}.{edit.number * 37 % 100:02d}"})

    def _inherit(self, edit: Edit) -> None:
        """The price of the product group is to count."""
        record_id = self._world.people.record(POWEROFFICEGO, edit.person)
        self._world.desks[POWEROFFICEGO].type_in(record_id, {"UnitPrice": None})

    def _taxable(self, edit: Edit) -> None:
        record_id = self._world.people.record(SHOPIFY, edit.person)
        self._desk.set_variant(record_id, {"taxable": edit.number % 3 == 0})

    def _shop_terms(self, edit: Edit) -> None:
        """Whether prices include VAT, or what currency they are in."""
        if edit.number % 2:
            self._shop.switches({"taxes_included": not self._shop.switches()["taxes_included"]})
        else:
            self._shop.switches({"currency": "EUR" if self._shop.switches()["currency"] == "NOK" else "NOK"})
        self._terms()
        self._oracle.repriced(self._world.clock.seconds())

    def _vat(self, edit: Edit) -> None:
        rate = ("25%", "15%", "12%", "0%")[edit.number % 4]
        self._world.act(Edit("mapping", "", 0, f"vat: {{default: {rate}}}", 0))
        PRICES["rate"] = Decimal(rate.removesuffix("%")) / 100
        self._terms()
        self._oracle.repriced(self._world.clock.seconds())

    def _terms(self) -> None:
        switches = self._shop.switches()
        PRICES["factor"] = 1 + PRICES["rate"] if switches["taxes_included"] else Decimal(1)
        self._oracle.foreign_since = None if switches["currency"] == "NOK" else self._world.clock.seconds()

    def _own_account(self, edit: Edit) -> None:
        """A sales account of the product's own, which decides on its VAT, and of which the mapping says nothing."""
        record_id = self._world.people.record(POWEROFFICEGO, edit.person)
        self._world.desks[POWEROFFICEGO].type_in(record_id, {"StandardSalesAccountId": _OWN_ACCOUNT})
        self._oracle.unrated[POWEROFFICEGO, record_id] = self._world.clock.seconds()

    # --- what stands beside

    def _markup(self, edit: Edit) -> None:
        """A description with a picture, in the shop."""
        html = f'<p>Text {edit.number}</p><img src="https://example.no/{edit.number}.png">'
        self._desk.describe(self._world.people.record(SHOPIFY, edit.person), html)

    def _text(self, edit: Edit) -> None:
        """A description in PowerOffice Go."""
        record_id = self._world.people.record(POWEROFFICEGO, edit.person)
        self._world.desks[POWEROFFICEGO].type_in(record_id, {"Description": f"Text {edit.number}"})

    def _gift_card(self, edit: Edit) -> None:
        """A new one; it is sold like any other product."""
        row = {"title": f"Gift {edit.number}", "sku": f"SKU-G-{edit.number}", "price": "500.00", "giftCard": True}
        made = self._shop.edit({"entity": "products", "create": row})
        self._oracle.typed(SHOPIFY, str(made["variants"][0]["legacyResourceId"]), _NEW_PERSON + edit.number)

    # --- variants

    def _variants(self, person: int) -> tuple[Any, list[dict[str, Any]]]:
        product = self._desk.product(self._world.people.record(SHOPIFY, person))
        return product, [{"variant": variant.id, "name": variant.choices[0]} for variant in product.variant_list]

    def _set(self, product: Any, listed: list[dict[str, Any]], person: int) -> None:
        known = {variant.number for variant in product.variant_list}
        self._shop.edit({"entity": "products", "id": str(product.number), "variants": listed})
        for variant in product.variant_list:
            if variant.number not in known:
                self._oracle.typed(SHOPIFY, str(variant.number), person)
        if len(product.variant_list) > 1 or len(known) > 1:
            self._oracle.shared_titles |= {(SHOPIFY, str(variant.number)) for variant in product.variant_list}

    def _add_variant(self, edit: Edit) -> None:
        product, listed = self._variants(edit.person)
        row = {"name": f"Size {edit.number}", "sku": f"SKU-{edit.person}-{edit.number}", "price": f"{edit.number}.00"}
        self._set(product, [row, *listed] if edit.number % 2 else [*listed, row], _NEW_PERSON + edit.number)

    def _remove_variant(self, edit: Edit) -> None:
        product, listed = self._variants(edit.person)
        if len(listed) > 1:
            del listed[edit.number % len(listed)]
            self._set(product, listed, edit.person)

    def _reorder(self, edit: Edit) -> None:
        product, listed = self._variants(edit.person)
        self._set(product, listed[::-1], edit.person)

    def _recreate(self, edit: Edit) -> None:
        """The same variant anew, with the SKU that it had."""
        product, listed = self._variants(edit.person)
        old = product.variant_list[edit.number % len(listed)]
        row = {"name": f"Anew {edit.number}", "sku": old.inventory_item.sku, "price": old.price}
        self._set(product, [row if one["variant"] == old.id else one for one in listed], _NEW_PERSON + edit.number)

    def _move_skus(self, edit: Edit) -> None:
        """Two variants swap theirs."""
        product, listed = self._variants(edit.person)
        if len(listed) > 1:
            skus = [variant.inventory_item.sku for variant in product.variant_list]
            listed = [{**one, "sku": sku} for one, sku in zip(listed, [*skus[1:], skus[0]], strict=True)]
            self._set(product, listed, edit.person)
