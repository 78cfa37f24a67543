"""The trimmed schema and who may see which part of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLObjectType, build_schema, get_named_type
from graphql.execution import default_field_resolver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLOutputType, GraphQLResolveInfo, GraphQLSchema

FOLDER = Path(__file__).parent / "schema"
SDL = FOLDER / "admin_2026-10.graphql"
ACCESS = FOLDER / "admin_2026-10.access.json"
_SCOPE = re.compile(r"`(\w+)` access scope")


@cache
def admin_schema() -> GraphQLSchema:
    """Built once a process."""
    return build_schema(SDL.read_text())


@cache
def _access() -> Mapping[str, Mapping[str, Any]]:
    return dict(json.loads(ACCESS.read_text()))


@dataclass(frozen=True, slots=True)
class Rights:
    """What one request may see."""

    scopes: frozenset[str]
    names_approved: bool  # protected customer data

    def check(self, parent: str, name: str, returned: str) -> None:
        """Raises an ACCESS_DENIED error as Shopify words it."""
        for key in (f"{parent}.{name}", returned):
            rule = _access().get(key)
            if rule and rule.get("isProtected") and not self.names_approved:
                raise _denied(
                    f"This app is not approved to use the {name} field. See "
                    "https://shopify.dev/docs/apps/launch/protected-customer-data "
                    "for more details."
                )
            required = rule.get("requiredAccess") if rule else None
            if required and not self._suffices(required):
                told = f"Access denied for {name} field. Required access: {required}"
                raise _denied(told, requiredAccess=required)

    def _suffices(self, required: str) -> bool:
        """One of the scopes named; what needs something else is not simulated."""
        named = _SCOPE.findall(required)
        either = {*named, *(f"write_{s[5:]}" for s in named if s.startswith("read_"))}
        return bool(either & self.scopes)


def _denied(message: str, **extensions: str) -> GraphQLError:
    documentation = "https://shopify.dev/api/usage/access-scopes"
    code = {"code": "ACCESS_DENIED", "documentation": documentation}
    return GraphQLError(message, extensions={**code, **extensions})


def resolve(source: Any, info: GraphQLResolveInfo, **args: Any) -> Any:
    """Every field's resolver: rights first. The context holds them under `rights`."""
    rights: Rights = info.context["rights"]
    rights.check(info.parent_type.name, info.field_name, node_type(info.return_type))
    return default_field_resolver(source, info, **args)


def node_type(returned: GraphQLOutputType) -> str:
    """What a field is about: for a connection, the type of its nodes."""
    named = get_named_type(returned)
    if isinstance(named, GraphQLObjectType) and named.name.endswith("Connection"):
        named = get_named_type(named.fields["nodes"].type)
    return str(named.name)
