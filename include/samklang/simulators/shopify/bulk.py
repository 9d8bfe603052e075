"""Bulk queries: carried out at once, and shown as running for as long as the switches say. (sheet 5)

Recorded: bulk-operation-run-mutation-created-status (statuses, numbers as text).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    get_named_type,
    parse,
)
from graphql.execution.values import get_argument_values

from samklang.simulators.shopify.access import require
from samklang.simulators.shopify.bulk_rules import check_shape
from samklang.simulators.shopify.naming import number_of
from samklang.simulators.shopify.problems import Problem, problem
from samklang.simulators.shopify.projection import Projector, Row, Shape
from samklang.simulators.shopify.records import Identified
from samklang.simulators.shopify.validation import check_document

if TYPE_CHECKING:
    from samklang.simulators.shopify.queries import Queries

MAX_RUNNING = 5


@dataclass(eq=False)
class BulkOperation(Identified):
    """:param done: when it ends; :param lines: the file, JSON lines; :param counts: objects, and those at the root."""

    typename = "BulkOperation"
    query: str = ""
    type: str = "QUERY"
    status: str = "CREATED"
    error_code: str | None = None
    completed_at: str | None = None
    url: str | None = None
    partial_data_url: str | None = None
    done: datetime = datetime.max
    lines: bytes = b""
    counts: tuple[int, int] = (0, 0)

    @property
    def object_count(self) -> str:
        return str(self.counts[0] if self.status != "CREATED" else 0)

    @property
    def root_object_count(self) -> str:
        return str(self.counts[1] if self.status != "CREATED" else 0)

    @property
    def file_size(self) -> str | None:
        return str(len(self.lines)) if self.url else None


@dataclass
class BulkOperations:
    """All operations of the shop. :param schema: documents are checked against it."""

    schema: GraphQLSchema
    now: Callable[[], datetime]
    operations: dict[int, BulkOperation] = field(default_factory=dict)

    def get(self, text: str, base_url: str) -> BulkOperation | None:
        """An operation as it stands now. :param base_url: what the address of its file starts with."""
        operation = self.operations.get(number_of("BulkOperation", text) or 0)
        if operation is None:
            return None
        if self.now() < operation.done:
            return replace(operation, status="RUNNING", error_code=None)
        return replace(
            operation,
            status="FAILED" if operation.error_code else "COMPLETED",
            completed_at=operation.done.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            # no file for no rows: a guess (sheet 5)
            url=f"{base_url}/bulk/{operation.number}.jsonl" if operation.lines else None,
        )

    def file(self, name: str) -> bytes | None:
        """The JSON lines of an operation that has ended. :param name: `123.jsonl`."""
        number = name.removesuffix(".jsonl")
        operation = self.operations.get(int(number)) if number.isdigit() else None
        ended = operation is not None and self.now() >= operation.done
        return operation.lines if operation and ended and operation.lines else None

    def run(self, query: str, group_objects: bool, queries: Queries) -> dict[str, Any]:
        """`bulkOperationRunQuery`. Rows are read now, whatever time the operation takes."""
        running = [one for one in self.operations.values() if self.now() < one.done]
        if len(running) >= MAX_RUNNING:
            ids = ", ".join(one.id for one in running)
            message = f"A bulk query operation for this app and shop is already in progress: {ids}."
            return {"bulkOperation": None, "userErrors": [problem(None, message, "OPERATION_IN_PROGRESS")]}
        document, problems = self._check(query)
        if document is None or problems:
            return {"bulkOperation": None, "userErrors": problems}
        session = queries.session
        operation = BulkOperation(**session.store.fresh("BulkOperation"), query=query)
        operation.done = self.now() + timedelta(seconds=session.switch("bulk_seconds"))
        operation.error_code = session.switch("bulk_error") or None
        if operation.error_code is None:
            try:
                self._read(operation, document, group_objects, queries)
            except GraphQLError:
                operation.error_code = "ACCESS_DENIED"
        self.operations[operation.number] = operation
        return {"bulkOperation": replace(operation, error_code=None), "userErrors": []}

    def _check(self, query: str) -> tuple[DocumentNode | None, list[Problem]]:
        try:
            document = parse(query)
        except GraphQLSyntaxError as error:
            return None, [problem(["query"], f"Invalid bulk query: {error.message}", "INVALID")]
        problems = check_shape(document)
        if not problems:
            wrong = check_document(self.schema, document)
            problems = [problem(["query"], f"Invalid bulk query: {error['message']}", "INVALID") for error in wrong]
        return document, problems

    def _read(self, operation: BulkOperation, document: DocumentNode, grouped: bool, queries: Queries) -> None:
        """:raises GraphQLError: a scope is missing, or a field is denied."""
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        projector = Projector(self.schema, fragments, queries.session.denied)
        root = self.schema.query_type
        definition = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
        lines: list[bytes] = []
        objects = roots = 0
        for node in projector.fields(definition.selection_set, root) if root else ():
            require(node.name.value, False, queries.session.switch("scopes"))
            shape, records = self._plan(projector, node, queries)
            roots += len(records)
            rows = list(_grouped(shape, records) if grouped else _loose(shape, records))
            lines += map(_line, rows)
            objects += sum(map(_objects, rows)) if queries.session.switch("bulk_counts") == "objects" else len(rows)
        operation.lines = b"\n".join([*lines, b""])
        operation.counts = (objects, roots)

    def _plan(self, projector: Projector, node: FieldNode, queries: Queries) -> tuple[Shape, list[Any]]:
        assert self.schema.query_type is not None  # noqa: S101 - so it is in the schema
        definition = self.schema.query_type.fields[node.name.value]
        connection = get_named_type(definition.type)
        assert isinstance(connection, GraphQLObjectType)  # noqa: S101 - the rules let nothing else through
        kind = get_named_type(connection.fields["nodes"].type)
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101
        shape = projector.shape(projector.node_selections(node), kind)
        return shape, list(queries.rows(node.name.value, get_argument_values(definition, node).get("query")))


def _line(row: Row) -> bytes:
    r"""One line of the file, in which `/` is written `\/`. (found since, recorded)"""
    return orjson.dumps(row).replace(b"/", b"\\/")


def _objects(value: Any) -> int:
    """A row, and every object that stands within it."""
    if isinstance(value, list):
        return sum(map(_objects, value))
    return 1 + sum(map(_objects, value.values())) if isinstance(value, dict) else 0


def _grouped(shape: Shape, records: list[Any]) -> Iterator[Row]:
    for record in records:
        yield shape.row(record)
        yield from shape.below(record)


def _loose(shape: Shape, records: list[Any]) -> Iterator[Row]:
    """Rows of a kind together: nothing promises that children follow their parent. (sheet 5)"""
    yield from map(shape.row, records)
    for record in records:
        yield from shape.below(record)
