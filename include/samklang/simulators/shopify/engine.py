"""A GraphQL request carried out: parse, check, price, run, and answer in the real API's shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    parse,
)

from samklang.simulators.shopify.access import refuse_field, require
from samklang.simulators.shopify.cost import Bucket, CostModel
from samklang.simulators.shopify.mutations import Mutations
from samklang.simulators.shopify.naming import snake
from samklang.simulators.shopify.queries import Queries, Session
from samklang.simulators.shopify.validation import check_document
from samklang.simulators.shopify.variables import check_sizes, check_variables

CACHED = 500
LIMITS = "https://shopify.dev/api/usage/rate-limits"
TOO_COSTLY = (
    "Query cost is {cost}, which exceeds the single query max cost limit ({limit}).\n\nSee "
    "https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\ncost of a query is "
    "calculated.\n\nTo query larger amounts of data with fewer limits, bulk operations should be used instead.\nSee "
    "https://shopify.dev/tutorials/perform-bulk-operations-with-admin-api for usage details.\n"
)

Answer = dict[str, Any]


@cache
def load_schema() -> GraphQLSchema:
    """The schema, with arguments and input fields handed over in snake_case and root fields resolved here."""
    schema = build_schema((files(__package__) / "schema.graphql").read_text("utf-8"))
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            for name, field in kind.fields.items():
                field.out_name = snake(name)
        elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for output in kind.fields.values():
                for name, argument in output.args.items():
                    argument.out_name = snake(name)
        elif isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = lambda record, _info, _kind: str(record.typename)
    for root in (schema.query_type, schema.mutation_type):
        for output in root.fields.values() if root else ():
            output.resolve = _resolve_root
    return schema


def _resolve_root(root: Queries | Mutations, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    session: Session = root.session
    session.path = [str(info.path.key)]
    mutation = info.operation.operation is OperationType.MUTATION
    require(info.field_name, mutation, session.switch("scopes"))
    return getattr(root, snake(info.field_name))(**arguments)


def _resolve(record: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    name = info.field_name
    denied = info.context.denied
    if denied and f"{info.parent_type.name}.{name}" in denied:
        refuse_field(info.parent_type.name, name)
    if isinstance(record, dict):
        return record.get(name)
    value = getattr(record, snake(name))
    return value(**arguments) if callable(value) else value


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document and what is wrong with it. :param errors: ready to be answered; empty when it is valid."""

    document: DocumentNode | None
    errors: list[Answer]

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation that is asked for; None when the name is missing or unknown."""
        definitions = self.document.definitions if self.document else ()
        found = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        if name is None:
            return found[0] if len(found) == 1 else None
        return next((one for one in found if one.name and one.name.value == name), None)


class Engine:
    """Runs documents; keeps what it has parsed and checked, by text."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.bucket = Bucket()
        self._parsed: dict[str, Parsed] = {}

    def parse(self, text: str) -> Parsed:
        """Parse and check a document, once per text."""
        known = self._parsed.get(text)
        if known is None:
            if len(self._parsed) >= CACHED:
                self._parsed.clear()
            known = self._parsed[text] = self._parse(text)
        return known

    def _parse(self, text: str) -> Parsed:
        try:
            document = parse(text)
        except GraphQLSyntaxError as error:
            locations = [location.formatted for location in error.locations or ()]
            return Parsed(None, [{"message": error.message, "locations": locations}])
        return Parsed(document, check_document(self.schema, document))

    def run(self, session: Session, text: str, variables: dict[str, Any], name: str | None) -> Answer:
        """The body of the answer; its status is always 200."""
        parsed = self.parse(text)
        if parsed.errors or parsed.document is None:
            return {"errors": parsed.errors}
        operation = parsed.operation(name)
        if operation is None:
            return {
                "errors": [{"message": "No operation named " + repr(name) if name else "An operation name is required"}]
            }
        errors = check_variables(self.schema, operation, variables) or check_sizes(operation, variables)
        if errors:
            return {"errors": errors}
        fragments = {
            one.name.value: one for one in parsed.document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        model = CostModel(self.schema, fragments, variables, session.switch("nodes_cost"))
        requested = model.requested(operation)
        refusal = self._admit(session, requested)
        if refusal is not None:
            return refusal
        result = self._execute(session, parsed.document, operation, variables, name)
        actual = model.actual(operation, result.data)
        if session.switch("throttle") == "on":
            self.bucket.spend(actual)
        return self._answer(session, result, requested, actual)

    def _execute(
        self,
        session: Session,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: dict[str, Any],
        name: str | None,
    ) -> ExecutionResult:
        root = Mutations(session) if operation.operation is OperationType.MUTATION else Queries(session)
        result = execute_sync(
            self.schema, document, root, session, variables, operation_name=name, field_resolver=_resolve
        )
        for error in result.errors or ():
            if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
                raise error.original_error  # a mistake here, not an answer of the API
        return result

    def _admit(self, session: Session, requested: int) -> Answer | None:
        """Too costly at all, or for now: both under status 200. (sheet 5, recorded)"""
        limit = session.switch("max_query_cost")
        if requested > limit:
            message = TOO_COSTLY.format(cost=requested, limit=limit)
            extensions = {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": limit, "documentation": LIMITS}
            return {"errors": [{"message": message, "extensions": extensions}]}
        if session.switch("throttle") == "on" and requested > self._available(session):
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": LIMITS}}
            return {"errors": [error], "extensions": {"cost": self._cost(session, requested, None)}}
        return None

    def _available(self, session: Session) -> float:
        size, rate = session.switch("bucket_size"), session.switch("restore_rate")
        return self.bucket.available(session.store.now(), size, rate)

    def _cost(self, session: Session, requested: int, actual: int | None) -> Answer:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": float(session.switch("bucket_size")),
                "currentlyAvailable": int(self._available(session)),
                "restoreRate": float(session.switch("restore_rate")),
            },
        }

    def _answer(self, session: Session, result: ExecutionResult, requested: int, actual: int) -> Answer:
        answer: Answer = {}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        answer["data"] = result.data
        answer["extensions"] = {"cost": self._cost(session, requested, actual)}
        if session.searches:
            answer["extensions"]["search"] = session.searches
        return answer
