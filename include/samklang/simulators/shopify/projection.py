"""A selection set made into plain functions, for bulk operations: a hundred thousand rows in seconds.

The document has been validated before. Fields are read as the GraphQL resolvers read them: by attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution.values import get_argument_values

from samklang.simulators.shopify.access import refuse_field
from samklang.simulators.shopify.naming import snake

Fetch = Callable[[Any], Any]
Row = dict[str, Any]

# whole lists behind connections: a bulk operation pages through all of them
_LISTS: dict[str, Callable[..., Sequence[Any]]] = {
    "addressesV2": lambda customer, **_: customer.address_book,
    "variants": lambda product, **_: product.variant_list,
    "metafields": lambda owner, namespace=None, keys=None, **_: owner.metafields(namespace, keys, first=250).nodes,
}


@dataclass
class Shape:
    """What is asked of one kind of row. :param children: connections below it, each with the shape of its rows."""

    leaves: list[tuple[str, Fetch]] = field(default_factory=list)
    children: list[tuple[Fetch, Shape]] = field(default_factory=list)

    def row(self, record: Any) -> Row:
        """The fields of one record."""
        return {key: fetch(record) for key, fetch in self.leaves}

    def below(self, record: Any) -> Iterator[Row]:
        """The rows of all connections below a record, each followed by its own."""
        for fetch, shape in self.children:
            for child in fetch(record):
                yield {**shape.row(child), "__parentId": record.id}
                yield from shape.below(child)


class Projector:
    """:param denied: fields that the app may not see, as `Customer.phone`."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        denied: frozenset[str] = frozenset(),
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._denied = denied

    def shape(self, selections: SelectionSetNode | None, kind: GraphQLObjectType) -> Shape:
        """:raises GraphQLError: a denied field."""
        shape = Shape()
        for node in self.fields(selections, kind):
            name, key = node.name.value, (node.alias or node.name).value
            if name == "__typename":
                shape.leaves.append((key, _constant(kind.name)))
                continue
            if f"{kind.name}.{name}" in self._denied:
                refuse_field(kind.name, name)
            definition = kind.fields[name]
            named = get_named_type(definition.type)
            arguments = get_argument_values(definition, node)
            if isinstance(named, GraphQLObjectType) and named.name.endswith("Connection"):
                shape.children.append(
                    (_rows(name, arguments), self.shape(self.node_selections(node), _node_type(named)))
                )
            elif is_leaf_type(named):
                shape.leaves.append((key, _attribute(name, arguments)))
            else:
                inner = self.shape(node.selection_set, named)
                many = is_list_type(get_nullable_type(definition.type))
                shape.leaves.append((key, _nested(_attribute(name, arguments), inner, many)))
        return shape

    def fields(self, selections: SelectionSetNode | None, kind: GraphQLObjectType) -> Iterator[FieldNode]:
        """Fields selected on a type, those of fragments on it included."""
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                yield selection
                continue
            fragment = self._fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
            condition = getattr(fragment, "type_condition", None)
            if condition is None or condition.name.value in (kind.name, "Node"):
                yield from self.fields(getattr(fragment, "selection_set", None), kind)

    def node_selections(self, connection: FieldNode) -> SelectionSetNode | None:
        """What `edges { node { … } }` of a connection selects."""
        inner: SelectionSetNode | None = connection.selection_set
        for name in ("edges", "node"):
            found = [one for one in (inner.selections if inner else ()) if isinstance(one, FieldNode)]
            inner = next((one.selection_set for one in found if one.name.value == name), None)
        return inner


def _node_type(connection: GraphQLObjectType) -> GraphQLObjectType:
    named = get_named_type(connection.fields["nodes"].type)
    assert isinstance(named, GraphQLObjectType)  # noqa: S101 - so it is in the schema
    return named


def _constant(value: str) -> Fetch:
    return lambda _: value


def _attribute(name: str, arguments: dict[str, Any]) -> Fetch:
    attribute = snake(name)

    def fetch(record: Any) -> Any:
        if isinstance(record, dict):
            return record.get(name)
        value = getattr(record, attribute)
        return value(**arguments) if callable(value) else value

    return fetch


def _nested(fetch: Fetch, shape: Shape, many: bool) -> Fetch:
    def one(record: Any) -> Any:
        value = fetch(record)
        return None if value is None else shape.row(value)

    def all_of(record: Any) -> Any:
        value = fetch(record)
        return None if value is None else [shape.row(each) for each in value]

    return all_of if many else one


def _rows(name: str, arguments: dict[str, Any]) -> Fetch:
    return lambda record: _LISTS[name](record, **arguments)
