"""Metafields and their definitions; a definition of type `id` is what makes custom ids possible. (sheet 4)"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from samklang.simulators.shopify.problems import Problem, problem, refuse
from samklang.simulators.shopify.records import Definition, Metafield, Owner, full_namespace
from samklang.simulators.shopify.store import Store
from samklang.simulators.shopify.texts import MAX_TEXT, too_long

MAX_AT_ONCE = 25
MAX_DEFINITIONS = 256
"""Of one type of owner (recorded: metafield-definition-resource-type-limit)."""
_TYPES = """
    id boolean color date date_time dimension json link money multi_line_text_field number_decimal number_integer
    rating rich_text_field single_line_text_field url volume weight
"""
TYPES = frozenset(_TYPES.split())
SINGULAR = {"CUSTOMER": "Customer", "PRODUCT": "Product", "PRODUCTVARIANT": "Product variant"}
PLURAL = {"CUSTOMER": "customers", "PRODUCT": "products", "PRODUCTVARIANT": "products"}

_PLAIN = re.compile(r"[\w-]*", re.ASCII)
_FORMS = {
    "number_integer": (re.compile(r"-?\d+"), "must be an integer."),
    "boolean": (re.compile("true|false"), "must be true or false."),
    "color": (re.compile("#[0-9a-fA-F]{6}"), "must be a hex color code."),
    "date": (re.compile(r"\d{4}-\d\d-\d\d"), "must be in YYYY-MM-DD format."),
    "single_line_text_field": (re.compile(".*"), "must be a single line text string."),
}
"""What values of a type look like (recorded: metafields-set-input-validation)."""

Values = dict[str, Any]


def by_custom_id(store: Store, owner_type: str, custom_id: Values) -> Owner | None:
    """Who has this custom id, from the database.

    :raises GraphQLError: there is no definition of type `id` (recorded: customer-set-custom-id).
    """
    namespace = full_namespace(custom_id.get("namespace"))
    definition = store.definition(owner_type, namespace, custom_id["key"])
    if definition is None or definition.type_name != "id":
        refuse("Metafield definition of type 'id' is required when using custom ids.", "NOT_FOUND")
    return store.custom_ids.get((owner_type, namespace, custom_id["key"], custom_id["value"]))


def write_custom_id(store: Store, owner: Owner, custom_id: Values) -> None:
    """The upserts write the metafield that they identify by (recorded: customer-set-custom-id)."""
    namespace = full_namespace(custom_id.get("namespace"))
    store.set_metafield(owner, namespace, custom_id["key"], "id", custom_id["value"])


def create_definition(store: Store, definition: Values) -> dict[str, Any]:
    """`metafieldDefinitionCreate`."""
    namespace, key, kind = full_namespace(definition.get("namespace")), definition["key"], definition["type"]
    asked = (definition.get("capabilities") or {}).get("unique_values") or {}
    problems = _definition_problems(store, definition, namespace)
    if not problems and kind == "id" and asked.get("enabled") is False:
        message = "Capability unique_values is required for type id but is disabled"
        problems = [problem(["definition"], message, "CAPABILITY_REQUIRED_BUT_DISABLED")]
    if problems:
        return {"createdDefinition": None, "userErrors": problems}
    made = Definition(
        **store.fresh("MetafieldDefinition"),
        name=definition["name"],
        namespace=namespace,
        key=key,
        owner_type=definition["owner_type"],
        type_name=kind,
        description=definition.get("description"),
        unique=kind == "id" or bool(asked.get("enabled")),
    )
    store.definitions[made.number] = made
    if made.unique:
        for owner in (*store.customers.values(), *store.products.values(), *store.variants.values()):
            row = owner.fields.get((namespace, key))
            if row is not None and owner.owner_type == made.owner_type:
                store.custom_ids[made.owner_type, namespace, key, row.value] = owner
    store.log("create", "metafieldDefinitions", made.id, ["namespace", "key", "type"])
    return {"createdDefinition": made, "userErrors": []}


def _definition_problems(store: Store, definition: Values, namespace: str) -> list[Problem]:
    """Recorded: metafield-definition-create-input-validation, metafield-definition-resource-type-limit."""
    if sum(one.owner_type == definition["owner_type"] for one in store.definitions.values()) >= MAX_DEFINITIONS:
        message = f"Stores can only have {MAX_DEFINITIONS} definitions for each store resource."
        return [problem(["definition"], message, "RESOURCE_TYPE_LIMIT_EXCEEDED")]
    problems = []
    if len(definition["name"]) > MAX_TEXT:
        problems.append(problem(["definition", "name"], too_long("Name", MAX_TEXT), "TOO_LONG"))
    for name, text, low, high in (("namespace", namespace, 3, 255), ("key", definition["key"], 2, 64)):
        label = name.capitalize()
        if len(text) < low:
            message = f"{label} is too short (minimum is {low} characters)"
            problems.append(problem(["definition", name], message, "TOO_SHORT"))
        if len(text) > high:
            problems.append(problem(["definition", name], too_long(label, high), "TOO_LONG"))
        if not _PLAIN.fullmatch(text):
            message = f"{label} contains one or more invalid characters."
            problems.append(problem(["definition", name], message, "INVALID_CHARACTER"))
    if definition["type"] not in TYPES:
        message = f"Type name {definition['type']} is not a valid type."
        problems.append(problem(["definition", "type"], message, "INCLUSION"))
    if store.definition(definition["owner_type"], namespace, definition["key"]):
        owner = SINGULAR[definition["owner_type"]]
        message = f"Key is in use for {owner} metafields on the '{namespace}' namespace."
        problems.append(problem(["definition", "key"], message, "TAKEN"))
    return problems


def delete_definition(
    store: Store,
    id: str | None = None,  # noqa: A002 - the argument's name in the API
    identifier: Values | None = None,
    delete_all_associated_metafields: bool = False,
) -> dict[str, Any]:
    """`metafieldDefinitionDelete`."""
    found = store.find(id) if id else find_definition(store, identifier or {"owner_type": "", "key": ""})
    if not isinstance(found, Definition):
        return {"deletedDefinitionId": None, "userErrors": [problem(["id"], "Definition not found.", "NOT_FOUND")]}
    if found.type_name == "id" and not delete_all_associated_metafields:
        message = "Deleting an id type metafield definition requires deletion of its associated metafields."
        wrong = problem(["delete_all_associated_metafields"], message, "ID_TYPE_DELETION_ERROR")
        return {"deletedDefinitionId": None, "userErrors": [wrong]}
    place = (found.namespace, found.key)
    for owner in (*store.customers.values(), *store.products.values(), *store.variants.values()):
        if delete_all_associated_metafields and owner.owner_type == found.owner_type and place in owner.fields:
            row = owner.fields.pop(place)
            store.custom_ids.pop((found.owner_type, *place, row.value), None)
    del store.definitions[found.number]
    store.log("delete", "metafieldDefinitions", found.id, [])
    return {"deletedDefinitionId": found.id, "userErrors": []}


def find_definition(store: Store, identifier: Values) -> Definition | None:
    """By owner type, namespace and key."""
    return store.definition(identifier["owner_type"], full_namespace(identifier.get("namespace")), identifier["key"])


def check(store: Store, owner: Owner | None, owner_type: str, row: Values) -> tuple[Values, list[Problem]]:
    """One metafield before it is written: namespace, key, type and value made complete, and why it is refused."""
    namespace, key = full_namespace(row.get("namespace")), row.get("key") or ""
    definition = store.definition(owner_type, namespace, key)
    known = owner.fields.get((namespace, key)) if owner else None
    kind = row.get("type") or (definition.type_name if definition else known.type if known else None)
    value = row.get("value") or ""
    complete = {"namespace": namespace, "key": key, "type": kind, "value": value}
    if not value.strip():
        return complete, [problem(["value"], "Value can't be blank.", "BLANK")]
    if kind is None:
        return complete, [problem(["type"], "Type can't be blank", "BLANK")]
    if kind not in TYPES:
        return complete, [problem(["type"], f"Type name {kind} is not a valid type.", "INCLUSION")]
    if definition is not None and kind != definition.type_name:
        message = f"Type must be consistent with the definition's type: '{definition.type_name}'."
        return complete, [problem(["type"], message, "INVALID_TYPE")]
    form, message = _FORMS.get(kind, (None, ""))
    if form is not None and not form.fullmatch(value):
        return complete, [problem(["value"], f"Value {message}", "INVALID_VALUE")]
    holder = store.custom_ids.get((owner_type, namespace, key, value))
    if definition is not None and definition.unique and holder not in (None, owner):
        return complete, [problem(["value"], "Value is already assigned to another metafield.", "TAKEN")]
    return complete, []


def set_many(store: Store, metafields: Sequence[Values]) -> dict[str, Any]:
    """`metafieldsSet`: all or nothing, also where an owner is not known.

    Recorded: metafields-set-owner-existence-atomicity, `mixedInvalid`.
    """
    if len(metafields) > MAX_AT_ONCE:
        message = f"Exceeded the maximum metafields input limit of {MAX_AT_ONCE}."
        many = problem(["metafields"], message, "LESS_THAN_OR_EQUAL_TO")
        return {"metafields": None, "userErrors": [many]}
    plan: list[tuple[Owner, Values]] = []
    problems: list[Problem] = []
    taken: set[tuple[str, ...]] = set()
    for at, row in enumerate(metafields):
        owner = store.owner(row["owner_id"])
        if owner is None:
            problems.append(problem(["metafields", at, "owner_id"], "Owner does not exist.", "INVALID_VALUE"))
            continue
        complete, wrong = check(store, owner, owner.owner_type, row)
        place = (owner.owner_type, complete["namespace"], complete["key"])
        if not wrong and (stale := _stale(owner, complete, row)):
            wrong = [stale]
        definition = store.definition(*place)
        if not wrong and definition is not None and definition.unique and (*place, complete["value"]) in taken:
            wrong = [problem(["value"], "Value is already assigned to another metafield.", "TAKEN")]
        taken.add((*place, complete["value"]))
        problems += [{**found, "field": ["metafields", str(at), *found["field"]]} for found in wrong]
        plan.append((owner, complete))
    if problems:
        return {"metafields": [], "userErrors": problems}
    return {"metafields": [row for owner, row in _write(store, plan)], "userErrors": []}


def _stale(owner: Owner, complete: Values, row: Values) -> Problem | None:
    """compareDigest: null means only if there is none. (sheet 4)"""
    if "compare_digest" not in row:
        return None
    known = owner.fields.get((complete["namespace"], complete["key"]))
    if (known.compare_digest if known else None) == row["compare_digest"]:
        return None
    message = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."
    return problem(["compare_digest"], message, "STALE_OBJECT")


def _write(store: Store, plan: Sequence[tuple[Owner, Values]]) -> list[tuple[Owner, Metafield]]:
    written = []
    names: defaultdict[Owner, list[str]] = defaultdict(list)
    for owner, row in plan:
        if owner not in names:
            store.remember(owner)
        metafield = store.set_metafield(owner, row["namespace"], row["key"], row["type"], row["value"])
        written.append((owner, metafield))
        names[owner].append(f"metafields.{row['namespace']}.{row['key']}")
    for owner, fields in names.items():
        store.touch(owner)
        store.log("update", PLURAL[owner.owner_type], owner.id, fields)
    return written
