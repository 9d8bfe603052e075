"""PATCH: JSON Patch (RFC 6902) over the properties that may be patched (sheet 2).

The library applies the operations; here are only the habits of the server around it: paths in any case, `remove` of a
property sets it to null, unknown paths and failed tests are a 400, and all operations apply or none.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer

from samklang.simulators.powerofficego.ledger import Dto
from samklang.simulators.powerofficego.problems import ProblemError, invalid
from samklang.simulators.powerofficego.schema import ADDRESS, ADDRESS_READ_ONLY, Resource

_OPERATIONS = {"add", "remove", "replace", "move", "copy", "test"}


def patched(resource: Resource, dto: Dto, operations: Any, switches: Mapping[str, Any]) -> Dto:
    """The object as it would be; the given one stays as it is.

    :raises ProblemError: 400: an operation is malformed, aims at nothing, or is a `test` that fails.
    """
    document = {name: copy.deepcopy(dto[name]) for name in resource.properties if name in resource.patch}
    if isinstance(document.get("MailAddress"), dict):
        document["MailAddress"] = {n: v for n, v in document["MailAddress"].items() if n not in ADDRESS_READ_ONLY}
    prepared = [
        one
        for operation in _listed(resource, operations)
        if (one := _prepared(resource, document, operation, switches))
    ]
    try:
        document = jsonpatch.apply_patch(document, prepared)
    except jsonpatch.JsonPatchTestFailed:
        raise invalid(resource.name, _test_failed(document, prepared)) from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
        raise invalid(resource.name, f"{resource.name}PatchDto: {type(error).__name__}.") from None
    result: Dto = dto | document
    if isinstance(document.get("MailAddress"), dict):
        kept = dto.get("MailAddress") or {}
        result["MailAddress"] = dict.fromkeys(ADDRESS) | kept | document["MailAddress"]
    return result


def _listed(resource: Resource, operations: Any) -> list[dict[str, Any]]:
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise invalid(resource.name, "The JSON patch document was malformed and could not be parsed.")
    return operations


def _prepared(
    resource: Resource, document: Dto, operation: dict[str, Any], switches: Mapping[str, Any]
) -> dict[str, Any] | None:
    name = str(operation.get("op", "")).lower()
    if name not in _OPERATIONS:
        raise invalid(resource.name, "The JSON patch document was malformed and could not be parsed.")
    if name == "test" and switches["test_operation"] == "ignored":
        return None
    path = _path(resource, document, str(operation.get("path", "")), switches)
    if path is None:
        return None
    prepared = {"op": name, "path": path}
    if name in ("move", "copy"):
        return prepared | {"from": _path(resource, document, str(operation.get("from", "")), switches)}
    if name == "remove" and not _in_list(resource, path):
        return {"op": "replace", "path": path, "value": None}
    if "value" in operation or name != "remove":
        prepared["value"] = _value(resource, path, operation.get("value"))
    return prepared


def _path(resource: Resource, document: Dto, path: str, switches: Mapping[str, Any]) -> str | None:
    """The path in the names of the DTO; None where a strict server passes over it silently (sheet 2, [mcp])."""
    head, *rest = path.removeprefix("/").split("/")
    names = {name.lower(): name for name in resource.patch}
    if head.lower() not in names:
        raise _no_such_target(resource, head)
    parts = [names[head.lower()]]
    kind = resource.properties[parts[0]]
    if rest and kind == "address":
        fields = {name.lower(): name for name in ADDRESS if name not in ADDRESS_READ_ONLY}
        if rest[0].lower() not in fields or document.get(parts[0]) is None:
            raise _no_such_target(resource, rest[0])
        parts.append(fields[rest[0].lower()])
    elif rest and kind == "list":
        parts.append(rest[0])
    elif rest:
        raise _no_such_target(resource, rest[0])
    result = "/" + "/".join(parts)
    if result != path and switches["patch_path_case"] == "ignored_unless_pascal":
        return None
    return result


def _value(resource: Resource, path: str, value: Any) -> Any:
    """The value, coerced as the server would; an address is brought to the DTO's names."""
    head, *rest = path[1:].split("/")
    kind = "text" if rest and resource.properties[head] == "address" else resource.properties[head]
    if value is None or kind == "list" or (rest and resource.properties[head] == "list"):
        return value
    if kind == "address":
        if not isinstance(value, dict):
            raise _bad_value(resource)
        fields = {name.lower(): name for name in ADDRESS}
        return {fields.get(n.lower(), n): v for n, v in value.items()}
    if kind in ("number", "integer") and isinstance(value, str):
        try:
            return float(value) if kind == "number" else int(value)
        except ValueError:
            raise _bad_value(resource) from None
    kinds = {"number": (int, float), "integer": (int,), "flag": (bool,)}.get(kind, (str,))
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind != "flag"):
        raise _bad_value(resource)
    return value


def _in_list(resource: Resource, path: str) -> bool:
    head, *rest = path[1:].split("/")
    return bool(rest) and resource.properties[head] == "list"


def _test_failed(document: Dto, operations: list[dict[str, Any]]) -> str:
    """The library's words (guess, sheet 2)."""
    for operation in operations:
        if operation["op"] == "test":
            current = jsonpointer.resolve_pointer(document, operation["path"], None)
            if current != operation["value"]:
                return (
                    f"The current value '{current}' at path '{operation['path'][1:]}' is not equal to the test value "
                    f"'{operation['value']}'."
                )
    return "A test operation failed."


def _no_such_target(resource: Resource, segment: str) -> ProblemError:
    return invalid(
        resource.name,
        f"{resource.name}PatchDto: The target location specified by path segment '{segment}' was not found.",
    )


def _bad_value(resource: Resource) -> ProblemError:
    return invalid(resource.name, f"{resource.name}PatchDto: The value is invalid for target location.")
