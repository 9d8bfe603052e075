"""Every GraphQL document that is sent, put together from the mapped fields.

A document is a list of calls of root fields. Each gets an alias (`m0`, `m1` …) and variables of its own, so that many
lookups or writes go into one request. Values travel as variables only, but for our own constants.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Path = tuple[str, ...]

NAMESPACE, KEY = "samklang", "powerofficego_id"
"""Our key: a metafield of type `id` on records that we made."""
OWN_KEY = "samklangKey"
_OWN_KEY_FIELD = f'{OWN_KEY}: metafield(namespace: "{NAMESPACE}", key: "{KEY}")'
PAGE = 250
"""Rows of one page, the most there is (sheet: Shopify 2.1)."""
NESTED = 25
"""Variants read along with their product; one that has more is read by itself."""

CUSTOMER: tuple[Path, ...] = (("id",), ("createdAt",), ("updatedAt",), (_OWN_KEY_FIELD, "value"))
ADDRESS_ID: Path = ("defaultAddress", "id")
COMPANY_CONTACTS: Path = ("companyContactProfiles", "id")
"""Only shops with companies (B2B) may ask for it; see `contacts`."""
VARIANT: tuple[Path, ...] = (
    ("id",),
    ("createdAt",),
    ("updatedAt",),
    ("title",),
    ("taxable",),
    ("compareAtPrice",),
    ("inventoryItem", "id"),
    ("product", "id"),
    ("product", "status"),
    ("product", "isGiftCard"),
    ("product", "combinedListingRole"),
    ("product", "createdAt"),
    ("product", "updatedAt"),
    ("product", "variantsCount", "count"),
    ("product", _OWN_KEY_FIELD, "value"),
)
"""What is read of a record besides its mapped fields."""


@dataclass(frozen=True, slots=True)
class Call:
    """One root field.

    :param selection: what it answers; it names an inner variable as `$name`.
    :param variables: by argument, its GraphQL type and its value; :param inner: the same, used in the selection.
    :param constants: arguments that stand in the document itself.
    """

    root: str
    selection: str
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    constants: str = ""
    inner: dict[str, tuple[str, Any]] = field(default_factory=dict)


def compose(
    calls: Sequence[Call], *, operation: str, kind: str = "query", fragments: Mapping[str, str] | None = None
) -> tuple[str, Json]:
    """A document and its variables.

    :param fragments: by name, `on Type { … }`; those that no call spreads are left out.
    """
    declared, values, lines = [], Json(), []
    for number, call in enumerate(calls):
        arguments = [call.constants] if call.constants else []
        arguments += [f"{argument}: $m{number}_{argument}" for argument in call.variables]
        for name, (type_name, value) in (call.variables | call.inner).items():
            declared.append(f"$m{number}_{name}: {type_name}")
            values[f"m{number}_{name}"] = value
        listed = f"({', '.join(arguments)})" if arguments else ""
        selected = call.selection.replace("$", f"$m{number}_")
        lines.append(f"  m{number}: {call.root}{listed} {{ {selected} }}")
    head = f"{kind} {operation}" + (f"({', '.join(declared)})" if declared else "")
    parts = ["\n".join([f"{head} {{", *lines, "}"])]
    spread = set(re.findall(r"\.\.\.(\w+)", parts[0]))
    parts += [f"fragment {name} {body}" for name, body in (fragments or {}).items() if name in spread]
    return "\n".join(parts), values


def size_of(calls: Iterable[Call]) -> int:
    """What the cost of a document grows with: its calls, and the ids that one of them looks up."""
    return sum(len(call.variables["ids"][1]) if "ids" in call.variables else 1 for call in calls)


def selection(paths: Iterable[Path]) -> str:
    """`(("a",), ("b", "c"), ("b", "d"))` as `a b { c d }`."""
    tree: dict[str, Any] = {}
    for path in paths:
        branch = tree
        for name in path:
            branch = branch.setdefault(name, {})
    return _render(tree)


def _render(tree: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {{ {_render(inner)} }}" if inner else name for name, inner in tree.items())


# --- reading -----------------------------------------------------------------------------------------------------

SHOP = Call("shop", "id name myshopifyDomain currencyCode taxesIncluded")
SCOPES = Call("currentAppInstallation", "accessScopes { handle }")


def count(root: str) -> Call:
    """How many records there are; without `limit: null` the answer ends at 10000."""
    return Call(root, "count precision", constants="limit: null")


def page(root: str, node: str, *, sort: str, reverse: bool = False, after: str | None = None) -> Call:
    """One page of a root connection, without a filter, so that it comes from the database."""
    constants = f"first: {PAGE}, sortKey: {sort}" + (", reverse: true" if reverse else "")
    selected = f"nodes {{ {node} }} pageInfo {{ hasNextPage endCursor }}"
    return Call(root, selected, {"after": ("String", after)}, constants)


def nested_variants(node: str) -> str:
    return f"variants(first: {NESTED}) {{ nodes {{ {node} }} pageInfo {{ hasNextPage }} }}"


def variants_of(product: str, node: str, after: str | None) -> Call:
    """All variants of one product, page by page."""
    selected = f"variants(first: {PAGE}, after: $after) {{ nodes {{ {node} }} pageInfo {{ hasNextPage endCursor }} }}"
    return Call("product", selected, {"id": ("ID!", product)}, inner={"after": ("String", after)})


def nodes(ids: Sequence[str], spread: str) -> Call:
    """These records from the database, null for an id that is not known."""
    return Call("nodes", spread, {"ids": ("[ID!]!", list(ids))})


def by_key(root: str, kind: str, key: str, selected: str) -> Call:
    """:param root: `customerByIdentifier` …; :param kind: the type of its identifier."""
    return Call(root, selected, {"identifier": (f"{kind}!", custom_id(key))})


def custom_id(key: str) -> Json:
    return {"customId": {"namespace": NAMESPACE, "key": KEY, "value": key}}


def addresses_of(customer: str, address: str) -> Call:
    return Call("customer", f"addressesV2(first: {PAGE}) {{ nodes {{ {address} }} }}", {"id": ("ID!", customer)})


def books_of(customers: Sequence[str]) -> Call:
    """Whether these customers have any address, default or not."""
    selected = "... on Customer { id addressesV2(first: 1) { nodes { id } } }"
    return Call("nodes", selected, {"ids": ("[ID!]!", list(customers))})


def contacts_of_one() -> Call:
    """As what one customer buys for companies: whether that may be asked."""
    return Call("customers", f"nodes {{ id {selection([COMPANY_CONTACTS])} }}", constants="first: 1")


# --- bulk --------------------------------------------------------------------------------------------------------


def bulk_query(root: str, node: str, search: str | None) -> str:
    """The query that a bulk operation runs: edges only, no fragments, and one connection. (sheet: Shopify 5)"""
    arguments = f"(query: {_quoted(search)})" if search else ""
    return f"{{ {root}{arguments} {{ edges {{ node {{ {node} }} }} }} }}"


def _quoted(text: str) -> str:
    """GraphQL's strings are JSON's."""
    return json.dumps(text)


def run_bulk(query: str) -> Call:
    return Call(
        "bulkOperationRunQuery",
        "bulkOperation { id } userErrors { field message code }",
        {"query": ("String!", query)},
        # its default has changed between versions (sheet: Shopify 5)
        "groupObjects: false",
    )


def poll_bulk(operation_id: str) -> Call:
    return Call("bulkOperation", "id status errorCode rootObjectCount url", {"id": ("ID!", operation_id)})


def updated_since(day: str) -> str:
    """A search that finds at least what changed since a day; quoted, because the parser splits at colons.

    The filter may match whole days, in the shop's time zone (sheet: Shopify 7).
    """
    return f"updated_at:>='{day}T00:00:00Z'"


# --- our key's definition ----------------------------------------------------------------------------------------


def make_definition(owner: str) -> Call:
    definition = {
        "name": "PowerOffice Go id",
        "namespace": NAMESPACE,
        "key": KEY,
        "description": "Set by Samklang on records that it made. Do not edit.",
        "ownerType": owner,
        "type": "id",
    }
    selected = "createdDefinition { id type { name } } userErrors { field message code }"
    return Call("metafieldDefinitionCreate", selected, {"definition": ("MetafieldDefinitionInput!", definition)})


def read_definition(owner: str) -> Call:
    identifier = {"ownerType": owner, "namespace": NAMESPACE, "key": KEY}
    variables = {"identifier": ("MetafieldDefinitionIdentifierInput!", identifier)}
    return Call("metafieldDefinition", "id type { name }", variables)


# --- writing customers -------------------------------------------------------------------------------------------

_ERRORS = "userErrors { field message }"
_ERRORS_WITH_CODE = "userErrors { field message code }"


def customer_set(key: str, values: Json) -> Call:
    """A new customer; an existing one, where a customer holds the key already."""
    variables = {"identifier": ("CustomerSetIdentifiers!", custom_id(key)), "input": ("CustomerSetInput!", values)}
    return Call("customerSet", f"customer {{ ...CustomerParts }} {_ERRORS_WITH_CODE}", variables)


def customer_update(customer: str, values: Json) -> Call:
    variables = {"input": ("CustomerInput!", {"id": customer, **values})}
    return Call("customerUpdate", f"customer {{ ...CustomerParts }} {_ERRORS}", variables)


def address_update(customer: str, address: str, values: Json) -> Call:
    variables = {
        "customerId": ("ID!", customer),
        "addressId": ("ID!", address),
        "address": ("MailingAddressInput!", values),
    }
    return Call("customerAddressUpdate", f"address {{ ...AddressParts }} {_ERRORS}", variables)


def address_create(customer: str, values: Json) -> Call:
    variables = {"customerId": ("ID!", customer), "address": ("MailingAddressInput!", values)}
    return Call("customerAddressCreate", f"address {{ ...AddressParts }} {_ERRORS}", variables, "setAsDefault: true")


def default_address(customer: str, address: str) -> Call:
    variables = {"customerId": ("ID!", customer), "addressId": ("ID!", address)}
    return Call("customerUpdateDefaultAddress", f"customer {{ ...CustomerParts }} {_ERRORS}", variables)


# --- writing products --------------------------------------------------------------------------------------------


def product_set(key: str, values: Json) -> Call:
    """A new product with its variant; `metafields` stays out, or the key would have to be among them."""
    variables = {"identifier": ("ProductSetIdentifiers!", custom_id(key)), "input": ("ProductSetInput!", values)}
    selected = f"product {{ id variants(first: 1) {{ nodes {{ ...ProductVariantParts }} }} }} {_ERRORS_WITH_CODE}"
    return Call("productSet", selected, variables, "synchronous: true")


def product_update(product: str, values: Json) -> Call:
    variables = {"product": ("ProductUpdateInput!", {"id": product, **values})}
    return Call("productUpdate", f"product {{ ...ProductParts }} {_ERRORS}", variables)


def variant_update(product: str, variant: str, values: Json) -> Call:
    variables = {
        "productId": ("ID!", product),
        "variants": ("[ProductVariantsBulkInput!]!", [{"id": variant, **values}]),
    }
    selected = f"productVariants {{ ...ProductVariantParts }} {_ERRORS_WITH_CODE}"
    return Call("productVariantsBulkUpdate", selected, variables)
