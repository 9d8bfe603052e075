"""What a query costs, and the bucket that it is paid from. (sheet 5)

Requested cost: a scalar 0, an object 1, a mutation 10, a count 10, a connection `2 + g(N) * (what one row costs)`,
with g(1)=1, g(2)=2, g(N)=floor(2 ln N) from 5 on. Fitted to recordings beyond the sheet: lists of objects, the objects
of a mutation's payload and `defaultAddress` cost nothing themselves; a product's options cost 1, with their values 6
(recorded: R2 of the sheet, product-options-create-parity); `nodes(ids:)` costs what one row does, whatever the number
of ids (recorded: metafields-set-owner-existence-atomicity); `nodes` and `edges` of one connection count once (sheet:
found since). The actual cost counts the rows that came; for short pages it is an approximation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)

MUTATION = 10
COUNT = 10
CONNECTION = 2
OPTIONS, OPTION_VALUES = 1, 5
"""Of a product, and all values of them."""
_SMALL = {0: 0, 1: 1, 2: 2, 3: 2, 4: 2}
_UNKNOWN: Any = object()


def size_factor(rows: int) -> int:
    """How much a page of so many rows multiplies what one row costs."""
    return _SMALL[rows] if rows in _SMALL else math.floor(2 * math.log(rows))


class CostModel:
    """Costs of one operation. :param nodes_cost: what `nodes(ids:)` costs: `flat`, `each` or `sized`."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
        nodes_cost: str = "flat",
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._nodes_cost = nodes_cost

    def requested(self, operation: OperationDefinitionNode) -> int:
        """Before it is carried out."""
        return self._operation(operation, _UNKNOWN)

    def actual(self, operation: OperationDefinitionNode, data: Mapping[str, Any] | None) -> int:
        """After it was carried out, with this answer."""
        return self._operation(operation, data or {})

    def _operation(self, operation: OperationDefinitionNode, data: Any) -> int:
        if operation.operation is not OperationType.MUTATION:
            return self._selections(operation.selection_set, self._schema.query_type, data, root=True)
        total = 0
        for field, parent in self._fields(operation.selection_set, self._schema.mutation_type):
            total += MUTATION
            answer = _get(data, field)
            for part, payload in self._fields(field.selection_set, get_named_type(self._type(parent, field))):
                kind = self._type(payload, part)
                value = _get(answer, part)
                if value is not None and not is_list_type(get_nullable_type(kind)):
                    total += self._selections(part.selection_set, get_named_type(kind), value)
        return total

    def _selections(self, selections: SelectionSetNode | None, parent: Any, data: Any, root: bool = False) -> int:
        fields = self._fields(selections, parent)
        return sum(self._field(field, owner, _get(data, field), root) for field, owner in fields)

    def _field(self, field: FieldNode, parent: Any, data: Any, root: bool) -> int:
        kind = self._type(parent, field)
        named = get_named_type(kind) if kind is not None else None
        if named is None or is_leaf_type(named):
            return 0
        if named.name == "Count":
            return COUNT if root else 1
        if named.name.endswith("Connection"):
            return self._connection(field, named, data)
        if field.name.value == "nodes" and root:
            return self._nodes(field, named, data)
        if is_list_type(get_nullable_type(kind)):
            return self._options(field) if named.name == "ProductOption" else 0
        own = 0 if field.name.value == "defaultAddress" else 1
        return own if data is None else own + self._selections(field.selection_set, named, data)

    def _nodes(self, field: FieldNode, kind: Any, data: Any) -> int:
        ids = self._argument(field, "ids")
        count = len(ids) if isinstance(ids, list) else 1
        if data is not _UNKNOWN and isinstance(data, list):
            count = sum(1 for row in data if row is not None)
        row = 1 + self._selections(field.selection_set, kind, _UNKNOWN)
        if self._nodes_cost == "sized":
            return CONNECTION + size_factor(count) * row
        return count * row if self._nodes_cost == "each" else row

    @staticmethod
    def _options(field: FieldNode) -> int:
        parts = field.selection_set.selections if field.selection_set else ()
        return OPTIONS + OPTION_VALUES * any(
            isinstance(part, FieldNode) and part.name.value == "optionValues" for part in parts
        )

    def _connection(self, field: FieldNode, kind: Any, data: Any) -> int:
        size = self._argument(field, "first") or self._argument(field, "last") or 1
        row = self._row(field, kind)
        if data is _UNKNOWN:
            return CONNECTION + size_factor(size) * row
        if data is None:
            return CONNECTION
        came = max((len(rows) for rows in data.values() if isinstance(rows, list)), default=0)
        # an empty page pays for its size, without what its rows would have cost (recorded: customer-address-lifecycle)
        return CONNECTION + (size_factor(came) * row if came else size_factor(size))

    def _row(self, field: FieldNode, kind: Any) -> int:
        """What one row costs: itself and its objects, however it is asked for."""
        total = 0
        for part, _ in self._fields(field.selection_set, kind):
            below = get_named_type(self._type(kind, part))
            if part.name.value == "nodes":
                total = max(total, 1 + self._selections(part.selection_set, below, _UNKNOWN))
            elif part.name.value == "edges":
                for inner, edge in self._fields(part.selection_set, below):
                    if inner.name.value == "node":
                        node = get_named_type(self._type(edge, inner))
                        total = max(total, 1 + self._selections(inner.selection_set, node, _UNKNOWN))
        return max(total, 1)

    def _argument(self, field: FieldNode, name: str) -> Any:
        for argument in field.arguments or ():
            if argument.name.value == name:
                return value_from_ast_untyped(argument.value, dict(self._variables))
        return None

    @staticmethod
    def _type(parent: Any, field: FieldNode) -> Any:
        known = getattr(parent, "fields", {}).get(field.name.value)
        return known.type if known else None

    def _fields(self, selections: SelectionSetNode | None, parent: Any) -> list[tuple[FieldNode, Any]]:
        """The fields selected and the type each is a field of; fragments on several types all count."""
        found: list[tuple[FieldNode, Any]] = []
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                found.append((selection, parent))
                continue
            fragment = self._fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
            condition = getattr(fragment, "type_condition", None)
            below = self._schema.get_type(condition.name.value) if condition else parent
            found += self._fields(getattr(fragment, "selection_set", None), below)
        return found


def _get(data: Any, field: FieldNode) -> Any:
    if data is _UNKNOWN:
        return _UNKNOWN
    return data.get((field.alias or field.name).value) if isinstance(data, dict) else None


class Bucket:
    """Points that come back with time. (sheet 5)"""

    def __init__(self) -> None:
        self._spent = 0.0
        self._since: datetime | None = None

    def available(self, now: datetime, size: float, rate: float) -> float:
        """Points that can be spent now. :param rate: points per second."""
        passed = max(0.0, (now - self._since).total_seconds()) if self._since else 0.0  # a clock may be set back
        self._spent, self._since = max(0.0, self._spent - passed * rate), now
        return max(0.0, size - self._spent)

    def spend(self, points: float) -> None:
        """Take points out."""
        self._spent += points
