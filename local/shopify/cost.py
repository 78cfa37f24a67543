"""What a query costs, by Shopify's documented rule: before it runs by what it asks for, and
afterwards by what it got. Scalars are free, an object is a point, a mutation ten, a connection two
and its nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)
from graphql.execution.collect_fields import collect_fields, collect_sub_fields
from graphql.execution.values import get_argument_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import DocumentNode, FieldNode, GraphQLSchema, OperationDefinitionNode

_MUTATION = 10
_CONNECTION = 2
_ASKED: Any = object()  # stands for data that is not there yet: everything asked for


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one operation with its coerced variables."""

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]

    def requested(self) -> int:
        return self._operation(_ASKED)

    def actual(self, data: Any) -> int:
        """Never more than requested."""
        return self._operation(data)

    def _operation(self, data: Any) -> int:
        root = self.schema.get_root_type(self.operation.operation)
        if root is None or data is None:
            return 0
        fields = collect_fields(
            self.schema, self._fragments(), self.variables, root, self.operation.selection_set
        )
        each = _MUTATION if root is self.schema.mutation_type else 0
        return each * len(fields) + self._fields(root, fields, data)

    def _fragments(self) -> dict[str, FragmentDefinitionNode]:
        definitions = self.document.definitions
        return {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}

    def _fields(
        self, parent: GraphQLObjectType, fields: Mapping[str, list[FieldNode]], data: Any
    ) -> int:
        total = 0
        for key, nodes in fields.items():
            there = data if data is _ASKED else data.get(key)
            total += self._field(parent, nodes, there)
        return total

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode], data: Any) -> int:
        definition = parent.fields.get(nodes[0].name.value)
        if definition is None or data is None:  # __typename, or nothing came of it
            return 0
        named = get_named_type(definition.type)
        if not is_composite_type(named):
            return 0
        if named.name.endswith("Connection"):
            size = _size(get_argument_values(definition, nodes[0], self.variables))
            return _CONNECTION + self._nodes(named, nodes, data, size)
        items = data if isinstance(data, list) else [data]
        return sum(1 + self._below(named, nodes, item) for item in items if item is not None)

    def _nodes(self, named: Any, nodes: list[FieldNode], data: Any, size: int) -> int:
        """A connection's: as many as asked for, or as many as there are."""
        below = self._below(named, nodes, data)
        return below * size if data is _ASKED else below

    def _below(self, named: Any, nodes: list[FieldNode], data: Any) -> int:
        """Of an abstract type, the dearest of the possible ones."""
        possible: Iterable[GraphQLObjectType] = (
            self.schema.get_possible_types(named) if is_abstract_type(named) else [named]
        )
        return max(self._fields(each, self._sub_fields(each, nodes), data) for each in possible)

    def _sub_fields(
        self, of: GraphQLObjectType, nodes: list[FieldNode]
    ) -> dict[str, list[FieldNode]]:
        found = collect_sub_fields(self.schema, self._fragments(), self.variables, of, nodes)
        page = {key for key, n in found.items() if n[0].name.value == "pageInfo"}
        return {key: n for key, n in found.items() if key not in page}


def _size(args: Mapping[str, Any]) -> int:
    return max(args.get("first") or 0, args.get("last") or 0)
