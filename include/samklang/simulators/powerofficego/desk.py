"""A human at the desk: edits as the GUI would make them, through `/_control/edit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.simulators.powerofficego.ledger import Dto
from samklang.simulators.powerofficego.schema import ADDRESS, ADDRESS_READ_ONLY, CUSTOMERS, RESOURCES, Resource
from samklang.simulators.powerofficego.showing import copied
from samklang.simulators.powerofficego.values import converted

# a user can switch the customer role off in the GUI (spec, sheet 2)
_BESIDES = {CUSTOMERS.path: {"IsActive"}}
_PARTS = ADDRESS.keys() - ADDRESS_READ_ONLY


def resource_of(order: Mapping[str, Any]) -> Resource:
    """:raises ValueError: there is no such entity."""
    for resource in RESOURCES.values():
        if order.get("entity") == resource.path:
            return resource
    raise ValueError("entity is customers, products or productgroups")


def number_of(order: Mapping[str, Any]) -> int:
    """:raises ValueError: the order names no record."""
    number = str(order.get("id", ""))
    if not number.isdecimal():
        raise ValueError("id is the number of a record")
    return int(number)


def changes_of(order: Mapping[str, Any]) -> dict[str, Any]:
    """:raises ValueError: the order says nothing that can be done."""
    changes = order.get("set", {"IsArchived": order.get("archive")})
    if not isinstance(changes, dict) or not order.keys() & {"set", "archive"}:
        raise ValueError("an edit has one of set, create, delete, archive")
    return changes


def with_changes(resource: Resource, dto: Dto, changes: Mapping[str, Any]) -> Dto:
    """The object with these values; `MailAddress.City` names a part of the address.

    :raises ValueError: there is no such field, or the value is of another kind.
    """
    after = copied(dto)
    writable = (resource.post & resource.properties.keys()) | _BESIDES.get(resource.path, set())
    for name, value in changes.items():
        head, _, tail = name.partition(".")
        if head not in writable or (tail and (tail not in _PARTS or head != "MailAddress")):
            raise ValueError(f"there is no field {name}; known are {', '.join(sorted(writable))}")
        if tail:
            after[head] = (after[head] or {}) | converted(resource, head, {tail: value})
        else:
            after[head] = converted(resource, head, value)
    return after
