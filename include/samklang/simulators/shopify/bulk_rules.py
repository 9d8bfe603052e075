"""What a bulk query may look like, with the messages of the real API.

Recorded: bulk-operation-run-query-validators. The rules look at the shape of the document alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import DocumentNode, FieldNode, OperationDefinitionNode, OperationType, SelectionSetNode

from samklang.simulators.shopify.problems import Problem, problem

MAX_CONNECTIONS = 5
MAX_DEPTH = 2

NOT_A_QUERY = "Invalid operation type. Only `query` operations are supported."
TOP_LEVEL_NODE = "Bulk queries cannot contain a top level `node` field."
NO_CONNECTION = "Bulk queries must contain at least one connection."
TOO_MANY = f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections."
TOO_DEEP = f"Bulk queries cannot contain connections with a nesting depth greater than {MAX_DEPTH}."
USE_EDGES = (
    "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: '{first} {{ edges "
    "{{ node {{'. Selecting via 'nodes' is not supported. Invalid connection fields: {names}."
)
NEEDS_ID = (
    "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' "
    "return type. Connection fields without 'id': {names}."
)


@dataclass(frozen=True, slots=True)
class _Connection:
    """:param depth: how many connections lie above it; :param parent: the nearest of these."""

    field: FieldNode
    depth: int
    parent: FieldNode | None

    @property
    def name(self) -> str:
        return self.field.name.value


def check_shape(document: DocumentNode) -> list[Problem]:
    """Why a document cannot be run in bulk; empty when it can."""
    operation = next((one for one in document.definitions if isinstance(one, OperationDefinitionNode)), None)
    if operation is None or operation.operation is not OperationType.QUERY:
        return [_invalid(NOT_A_QUERY)]
    found = list(_connections(operation.selection_set, 0, None))
    problems = []
    if any(field.name.value in ("node", "nodes") for field in _fields(operation.selection_set)):
        problems.append(_invalid(TOP_LEVEL_NODE))
    if not found:
        problems.append(_invalid(NO_CONNECTION))
    if len(found) > MAX_CONNECTIONS:
        problems.append(_invalid(TOO_MANY))
    if any(one.depth > MAX_DEPTH for one in found):
        problems.append(_invalid(TOO_DEEP))
    by_nodes = [one.name for one in found if "nodes" in _names(one.field.selection_set)]
    if by_nodes:
        problems.append(_invalid(USE_EDGES.format(first=by_nodes[0], names=_list(by_nodes))))
    parents = dict.fromkeys(one.parent for one in found if one.parent is not None)
    without_id = [parent.name.value for parent in parents if not _selects_id(parent)]
    if without_id:
        problems.append(_invalid(NEEDS_ID.format(names=", ".join(without_id))))
    return problems


def _invalid(message: str) -> Problem:
    return problem(["query"], message, "INVALID")


def _list(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _fields(selections: SelectionSetNode | None) -> list[FieldNode]:
    """Fields, those in inline fragments included."""
    found: list[FieldNode] = []
    for selection in selections.selections if selections else ():
        if isinstance(selection, FieldNode):
            found.append(selection)
        else:
            found += _fields(getattr(selection, "selection_set", None))
    return found


def _names(selections: SelectionSetNode | None) -> set[str]:
    return {field.name.value for field in _fields(selections)}


def _connections(selections: SelectionSetNode | None, depth: int, parent: FieldNode | None) -> Iterator[_Connection]:
    for field in _fields(selections):
        if _names(field.selection_set) & {"edges", "nodes"}:
            yield _Connection(field, depth, parent)
            for part in _fields(field.selection_set):
                if part.name.value in ("edges", "nodes"):
                    yield from _connections(part.selection_set, depth + 1, field)
        else:
            yield from _connections(field.selection_set, depth, parent)


def _selects_id(connection: FieldNode) -> bool:
    for edges in _fields(connection.selection_set):
        for node in _fields(edges.selection_set):
            if node.name.value == "node":
                return any(field.name.value == "id" and field.alias is None for field in _fields(node.selection_set))
    return False
