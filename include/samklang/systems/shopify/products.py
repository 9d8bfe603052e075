"""Shopify's products as a `base.System`: a record is a variant, and its product comes along. (sheet: Shopify 3)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from samklang.core.clocks import seconds_between
from samklang.core.doubts import CEILINGS, doubts_of
from samklang.core.records import Page, Record, Scope
from samklang.core.rules import EntityRules
from samklang.errors import ProtocolError
from samklang.systems.base import Change, Creation, Memory, Update
from samklang.systems.shopify import documents
from samklang.systems.shopify.answers import SYSTEM, Json, objects
from samklang.systems.shopify.client import ShopifyClient
from samklang.systems.shopify.documents import Call, Path, selection
from samklang.systems.shopify.fields import PRODUCT
from samklang.systems.shopify.paging import Ordered, Rows, follow, read_connection
from samklang.systems.shopify.reading import WINDOW_PAGES
from samklang.systems.shopify.updating import Job, Part, Updating
from samklang.systems.shopify.values import dig, number_of, read_clock, read_key, read_values, to_gid, to_input

SEVERAL = "several_variants"
COMPARED_IS_LOWER = "compare_at_price_is_lower"
_OPTION, _VALUE = "Title", "Default Title"
"""What a product with one variant has instead of options (sheet: Shopify 3)."""
_DRAFT, _ON_SALE = "DRAFT", ("ACTIVE", "UNLISTED")
_AT_ONCE = 1.0
"""Seconds between a product and the variant that it was made with: clocks are cut to seconds (sheet: Shopify 2.1)."""


class ShopifyProducts(Updating):
    """Variants. Fields of the product are left alone where it has several.

    Our key stands on the product, and belongs to the variant that we made it with. The shop does not say which one that
    is, but it tells when each was made, and nothing moves that: the one that is as old as its product. One that was
    added later, or replaces it, is never taken for it, wherever it stands in the list.

    A cost may change without a sign on product or variant (sheet: Shopify 7), so products are read whole each time
    where it is mapped.
    """

    entity = "products"
    kind = "ProductVariant"
    root = "productVariants"
    count_root = "productVariantsCount"
    owner = "PRODUCT"
    known_fields = PRODUCT
    part_order = ("product", "variant")
    rules = EntityRules(
        fields={name: known.accepts for name, known in PRODUCT.items()},
        create_needs=(("title",),),
    )

    def __init__(self, client: ShopifyClient, fields: Sequence[str], memory: Memory, workers: int = 4) -> None:
        super().__init__(client, fields, memory, workers)
        self.reads_whole = "cost" in self._fields
        self._product_fields = {name: known for name, known in self._fields.items() if known.part == "product"}

    # --- reading

    def _read_newest(self, since: str) -> Iterator[Page]:
        """From the product changed last on, with all its variants; a long window goes on as a whole read."""
        order = Ordered(lambda node: read_clock(node, "updatedAt"), falling=True)
        pages = follow(self._fetch_newest(None), self._fetch_newest)
        for rows in islice(pages, WINDOW_PAGES):
            products = order.new(rows.nodes)
            changed = [product for product in products if read_clock(product, "updatedAt") >= since]
            yield self._to_page((node for product in changed for node in self._variants(product)), rows.denied)
            if rows.cursor is None or len(changed) < len(products):
                return
        # a search for variants would miss changes of their products
        for page in self._bulk(None, None):
            yield replace(page, records=tuple(record for record in page.records if record.clock >= since))

    def _fetch_newest(self, after: str | None) -> Rows:
        node = f"...ProductParts {documents.nested_variants('...OwnVariantParts')}"
        call = documents.page("products", node, sort="UPDATED_AT", reverse=True, after=after)
        return self._fetch_call(call, "ReadChangedProducts")

    def _variants(self, product: Json) -> Iterator[Json]:
        """The variants that came with a product, or all of them, read by themselves, where there are more."""
        nested = product.get("variants")
        info = nested.get("pageInfo") if isinstance(nested, dict) else None
        if isinstance(nested, dict) and isinstance(info, dict) and info.get("hasNextPage") is False:
            nodes = objects(nested.get("nodes") or [], "variants")
        else:
            nodes = [node for rows in self._all_variants(str(product.get("id"))) for node in rows.nodes]
        for node in nodes:
            yield {**node, "product": product}

    def _all_variants(self, product: str) -> Iterator[Rows]:
        def fetch(after: str | None) -> Rows:
            call = documents.variants_of(product, "...OwnVariantParts", after)
            answer = self._client.run([call], operation="ReadVariantsOfProduct", fragments=self._fragments)
            # a product that was deleted a moment ago has none
            found = answer.call(0)
            return read_connection(found.get("variants"), "variants") if isinstance(found, dict) else Rows([], None)

        return follow(fetch(None), fetch)

    def _paths(self, unknown: frozenset[str] = frozenset()) -> list[Path]:
        paths = [*documents.VARIANT, *(known.read for name, known in self._fields.items() if name not in unknown)]
        return [*paths, ("inventoryItem", "updatedAt")] if "cost" in self._fields else paths

    def _make_fragments(self) -> dict[str, str]:
        paths = self._paths()
        product = [path[1:] for path in paths if path[0] == "product"]
        own = [path for path in paths if path[0] != "product"]
        return {
            "ProductVariantParts": f"on ProductVariant {{ {selection(paths)} }}",
            "OwnVariantParts": f"on ProductVariant {{ {selection(own)} }}",
            "ProductParts": f"on Product {{ {selection(product)} }}",
        }

    def _record(self, node: Json, unknown: frozenset[str] = frozenset()) -> Record:
        product = _object(node, "product")
        variants = dig(product, ("variantsCount", "count"))
        flags = (node.get("taxable"), product.get("isGiftCard"))
        if not isinstance(variants, int) or not all(isinstance(flag, bool) for flag in flags):
            raise ProtocolError("A variant came without what every variant has.", system=SYSTEM)
        facts: Json = {
            "product_id": product.get("id"),
            "inventory_item_id": dig(node, ("inventoryItem", "id")),
            "taxable": node["taxable"],
            "status": product.get("status"),
        }
        if compared := self._compared(node):
            facts[CEILINGS] = {"price": [compared, COMPARED_IS_LOWER]}
        if variants > 1:
            facts["skip"] = dict.fromkeys(self._product_fields, SEVERAL)
            facts["parts"] = {"title": [dig(product, ("title",)), node.get("title")]} if "title" in self._fields else {}
        clocks = [read_clock(node, "updatedAt"), read_clock(product, "updatedAt")]
        if "cost" in self._fields:
            clocks.append(read_clock(node, "inventoryItem", "updatedAt"))
        return Record(
            id=number_of(node.get("id")),
            values=read_values(node, self._fields, unknown),
            scope=_scope(product),
            created=read_clock(node, "createdAt"),
            clock=max(clocks),
            key=read_key(product) if _came_with(node, product) else None,
            facts=facts,
        )

    def _compared(self, node: Json) -> str | None:
        """The price before a sale, where nothing maps it: a new price that is higher makes nonsense of it."""
        compared = node.get("compareAtPrice")
        return compared if isinstance(compared, str) and "compareAtPrice" not in self._fields else None

    def _holder_call(self, key: str) -> Call:
        # ids rise, so the variant that came with the product is the first of them, and the second tells if it is alone
        selected = "...ProductParts variants(first: 2, sortKey: ID) { nodes { ...OwnVariantParts } }"
        return documents.by_key("productByIdentifier", "ProductIdentifierInput", key, selected)

    def _holders(self, found: Json, unknown: frozenset[str]) -> list[Record]:
        """The variant that we made; where that cannot be told, those that it may be, without the key."""
        nodes = objects(dig(found, ("variants", "nodes")) or [], "variants")
        records = [self._record({**node, "product": found}, unknown) for node in nodes]
        ours = [record for record in records if record.key is not None]
        return ours if len(ours) == 1 else [replace(record, key=None) for record in records]

    # --- writing

    def _has_moved(self, update: Update, fresh: Record) -> bool:
        """A title is that of one variant only; with a second one it is nobody's any more."""
        skipped = fresh.facts.get("skip", {})
        return super()._has_moved(update, fresh) or any(change.field in skipped for change in update.changes)

    def _call(self, job: Job, part: Part) -> Call:
        product, values = str(job.fresh.facts["product_id"]), to_input(part.changes, self._fields)
        if part.name == "product":
            return documents.product_update(product, values)
        return documents.variant_update(product, to_gid(self.kind, job.update.id), values)

    def _stored(self, job: Job, part: Part, payload: Json, unknown: frozenset[str]) -> Record:
        if part.name == "product":
            product = _object(payload, "product")
            values = read_values({"product": product}, self._product_fields, unknown)
            return replace(job.fresh, values=values, clock=max(job.fresh.clock, read_clock(product, "updatedAt")))
        gid = to_gid(self.kind, job.update.id)
        job.doubts += doubts_of(job.fresh.facts, {c.field: c.value for c in part.changes}).values()
        for node in payload.get("productVariants") or ():
            if isinstance(node, dict) and node.get("id") == gid:
                return self._record(node, unknown)
        raise ProtocolError("A write was answered without its variant.", system=SYSTEM)

    def _create_call(self, creation: Creation) -> Call:
        changes = [Change(name, None, value) for name, value in creation.values.items()]
        parts = {
            name: to_input((c for c in changes if self._fields[c.field].part == name), self._fields)
            for name in self.part_order
        }
        values = {
            **parts["product"],
            "status": _status(creation),
            "productOptions": [{"name": _OPTION, "values": [{"name": _VALUE}]}],
            "variants": [{"optionValues": [{"optionName": _OPTION, "name": _VALUE}], **parts["variant"]}],
        }
        return documents.product_set(creation.key, values)

    def _created(self, payload: Json, unknown: frozenset[str]) -> Record:
        nodes = dig(payload, ("product", "variants", "nodes"))
        if not isinstance(nodes, list) or len(nodes) != 1 or not isinstance(nodes[0], dict):
            raise ProtocolError("A product was made, and its variant is not in the answer.", system=SYSTEM)
        return self._record(nodes[0], unknown)


def _scope(product: Json) -> Scope:
    if product["isGiftCard"]:
        return Scope.GIFT_CARD
    if product.get("combinedListingRole") == "PARENT":
        return Scope.COMBINED
    return Scope.ARCHIVED if product.get("status") == "ARCHIVED" else Scope.ACTIVE


def _status(creation: Creation) -> str:
    """What a new product starts as: where its price is held or was refused, it would be on sale at 0.00."""
    wanted = creation.options.get("status", _DRAFT)
    return wanted if creation.values.get("price") is not None or wanted not in _ON_SALE else _DRAFT


def _came_with(variant: Json, product: Json) -> bool:
    """Whether a variant was made together with its product."""
    clocks = read_clock(variant, "createdAt"), read_clock(product, "createdAt")
    return abs(seconds_between(*clocks)) <= _AT_ONCE


def _object(holder: Json, name: str) -> Json:
    found = holder.get(name)
    if not isinstance(found, dict):
        raise ProtocolError(f"An answer came without its {name}.", system=SYSTEM)
    return found
