"""PATCH: JSON Patch (RFC 6902) over the properties that may be patched (sheet 2).

The library applies the operations; here are only the habits of the server around it: paths in any case, `remove` of a
property sets it to null, unknown paths and failed tests are a 400, and all operations apply or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer

from samklang.simulators.powerofficego.ledger import Dto
from samklang.simulators.powerofficego.problems import ProblemError, invalid
from samklang.simulators.powerofficego.schema import ADDRESS, ADDRESS_READ_ONLY, Resource
from samklang.simulators.powerofficego.showing import copied
from samklang.simulators.powerofficego.values import converted, converted_item, converted_part

_OPERATIONS = {"add", "remove", "replace", "move", "copy", "test"}


def patched(resource: Resource, dto: Dto, operations: Any, switches: Mapping[str, Any]) -> Dto:
    """The object as it would be; the given one stays as it is.

    :raises ProblemError: 400: an operation is malformed, aims at nothing, or is a `test` that fails.
    """
    document = copied({name: dto[name] for name in resource.patch})
    if document.get("MailAddress"):
        document["MailAddress"] = {n: v for n, v in dto["MailAddress"].items() if n not in ADDRESS_READ_ONLY}
    for operation in _listed(resource, operations):
        prepared = _prepared(resource, document, operation, switches)
        if prepared is not None:
            _apply(resource, document, prepared)
    # what was moved away is null; what was moved or copied may be of another kind
    changed = {name: document.get(name) for name in resource.patch if document.get(name) != dto[name]}
    after = dto | {name: _value(resource, [name], value, lenient=False) for name, value in changed.items()}
    if after.get("MailAddress") is not None:
        kept = {name: (dto["MailAddress"] or {}).get(name) for name in ADDRESS_READ_ONLY}
        after["MailAddress"] = dict.fromkeys(ADDRESS) | after["MailAddress"] | kept
    return after


def _listed(resource: Resource, operations: Any) -> list[dict[str, Any]]:
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise _unreadable(resource)
    return operations


def _prepared(
    resource: Resource, document: Dto, operation: dict[str, Any], switches: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The operation in the names and kinds of the object; None: it is passed over."""
    name = str(operation.get("op", "")).lower()
    if name not in _OPERATIONS:
        raise _unreadable(resource)
    ends = [operation.get(end) for end in (("from", "path") if name in ("move", "copy") else ("path",))]
    segments = [_segments(resource, document, str(end or "")) for end in ends]
    paths = ["/" + "/".join(one) for one in segments]
    if paths != ends and switches["patch_path_case"] == "ignored_unless_pascal":
        return None  # [mcp], sheet 2: silently
    if name == "test" and switches["test_operation"] == "ignored":
        return None
    if name in ("move", "copy"):
        return {"op": name, "from": paths[0], "path": paths[1]}
    if name == "remove":
        if len(segments[0]) == 2 and resource.properties[segments[0][0]] == "list":
            return {"op": name, "path": paths[0]}
        return {"op": "replace", "path": paths[0], "value": None}  # the library's way with properties (guess)
    value = _value(resource, segments[0], operation.get("value"), lenient=True)
    return {"op": name, "path": paths[0], "value": value}


def _segments(resource: Resource, document: Dto, path: str) -> list[str]:
    """The path in the names of the object; paths know no case (spec, sheet 2)."""
    head, *rest = path.removeprefix("/").split("/")
    name = resource.by_lower.get(head.lower())
    if name not in resource.patch:
        raise _no_such_target(resource, head)
    if not rest:
        return [name]
    kind = resource.properties[name]
    if kind == "list" and len(rest) == 1:
        return [name, rest[0]]
    parts = {part.lower(): part for part in ADDRESS if part not in ADDRESS_READ_ONLY}
    # a path through an address that is null leads nowhere (guess, sheet 2)
    if kind != "address" or rest[0].lower() not in parts or document[name] is None or len(rest) > 1:
        raise _no_such_target(resource, rest[0])
    return [name, parts[rest[0].lower()]]


def _value(resource: Resource, segments: list[str], value: Any, *, lenient: bool) -> Any:
    try:
        if len(segments) == 1:
            return converted(resource, segments[0], value, lenient=lenient)
        if resource.properties[segments[0]] == "list":
            return converted_item(resource, value)
        return converted_part(resource, value)
    except ValueError as error:
        raise invalid(resource.name, str(error)) from None


def _apply(resource: Resource, document: Dto, operation: dict[str, Any]) -> None:
    path = operation["path"]
    try:
        jsonpatch.apply_patch(document, [operation], in_place=True)
    except jsonpatch.JsonPatchTestFailed:
        # the library's words (guess, sheet 2)
        current = jsonpointer.resolve_pointer(document, path, None)
        detail = (
            f"The current value '{current}' at path '{path[1:]}' is not equal to the test value '{operation['value']}'."
        )
        raise invalid(resource.name, detail) from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        raise _no_such_target(resource, path.rpartition("/")[2]) from None


def _no_such_target(resource: Resource, segment: str) -> ProblemError:
    return invalid(
        resource.name,
        f"{resource.name}PatchDto: The target location specified by path segment '{segment}' was not found.",
    )


def _unreadable(resource: Resource) -> ProblemError:
    return invalid(resource.name, "The JSON patch document was malformed and could not be parsed.")
