"""`/admin/api/{version}/graphql.json`: who asks, what it costs, then the answer."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import DocumentNode, GraphQLError, execute, get_operation_ast, parse, validate
from graphql.execution.values import get_variable_values
from starlette.responses import JSONResponse

from local.shopify.bucket import MAX_COST
from local.shopify.cost import Costs
from local.shopify.data import Root
from local.shopify.faults import GRAPHQL
from local.shopify.faulty import answered
from local.shopify.schema import Rights, admin_schema, resolve
from local.shopify.tokens import BAD_TOKEN, Tokens
from local.shopify.versions import served

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from local.shopify.bucket import Bucket
    from local.shopify.world import Shop, World

_FOR_EVER = (
    "[API] Non-expiring access tokens are no longer accepted for the Admin API. "
    "Start using expiring offline tokens."
)
_LIMITS = "https://shopify.dev/api/usage/limits#rate-limits"
_UNDEFINED = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'\.")
_BODY_BYTES = 256 * 1024


class _Stopped(Exception):
    """The request ends here, with this answer."""

    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        super().__init__(status)
        self.body = body
        self.status = status


@dataclass(frozen=True, slots=True)
class GraphqlApi:
    """One POST, one answer; 200 even for most of what goes wrong, as at Shopify."""

    world: World

    async def post(self, request: Request) -> Response:
        shop = self.world.shop(request.path_params["shop"])
        asked = request.path_params["version"]
        version = served(asked, self.world.clock.today())
        if version is None:
            return JSONResponse({"errors": "Not Found"}, 404)
        headers = {"X-Shopify-API-Version": version, "X-Request-Id": secrets.token_hex(16)}
        fault = self.world.faults.take(GRAPHQL, shop.domain)
        if version != asked or (fault and fault.kind == "deprecated"):
            reason = "https://shopify.dev/docs/api/usage/versioning"
            headers["X-Shopify-API-Deprecated-Reason"] = reason
        if fault and fault.kind == "throttled":
            self.world.bucket(shop.domain).drain(self.world.clock.now())
        body = await request.body()

        async def answer() -> Response:
            try:
                token = request.headers.get("x-shopify-access-token", "")
                self._admit(shop, token)
                told, status = self._answer(shop, _request(body)), 200
            except _Stopped as stopped:
                told, status = stopped.body, stopped.status
            return JSONResponse(told, status, headers)

        return await answered(fault, answer)

    def _admit(self, shop: Shop, token: str) -> None:
        if shop.status == "frozen":
            raise _Stopped({"errors": "Unavailable Shop"}, 402)
        if shop.status == "locked":
            raise _Stopped({"errors": "This shop is locked"}, 423)
        grant = Tokens(self.world).holder(shop, token)
        if grant is None:
            raise _Stopped({"errors": BAD_TOKEN}, 401)
        if grant.expires_at is None:
            raise _Stopped({"errors": _FOR_EVER}, 403)

    def _answer(self, shop: Shop, asked: dict[str, Any]) -> dict[str, Any]:
        costs = _understood(asked)
        requested = costs.requested()
        if requested > MAX_COST:
            raise _Stopped(_too_dear(requested))
        bucket = self.world.bucket(shop.domain)
        if not bucket.take(requested, self.world.clock.now()):
            raise _Stopped(_throttled(requested, bucket))
        return self._executed(shop, costs, requested, bucket)

    def _executed(self, shop: Shop, costs: Costs, requested: int, bucket: Bucket) -> dict[str, Any]:
        rights = Rights(frozenset(shop.scopes), self.world.memory.names_approved)
        root = Root(self.world.store(shop.domain), shop, self.world.clock.today())
        result = execute(
            costs.schema,
            costs.document,
            root,
            {"rights": rights},
            costs.variables,
            costs.operation.name.value if costs.operation.name else None,
            field_resolver=resolve,
        )
        told: dict[str, Any] = {"data": result.data}  # type: ignore[union-attr]
        if result.errors:  # type: ignore[union-attr]
            told["errors"] = [error.formatted for error in result.errors]  # type: ignore[union-attr]
        actual = costs.actual(told["data"])
        bucket.give_back(requested - actual)
        told["extensions"] = {"cost": _cost(requested, actual, bucket)}
        if root.searched:
            told["extensions"]["search"] = root.searched
        return told


def _request(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body) if len(body) <= _BODY_BYTES else None
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        raise _Stopped({"errors": {"query": "Required parameter missing or invalid"}}, 400)
    return asked


def _understood(asked: dict[str, Any]) -> Costs:
    """A valid operation with its variables; _Stopped names every mistake, as Shopify words it."""
    document, errors = _parsed(asked["query"])
    if errors or document is None:
        raise _Stopped({"errors": errors})
    operation = get_operation_ast(document, asked.get("operationName"))
    if operation is None:
        raise _Stopped({"errors": [{"message": "An operation name is required"}]})
    given = asked.get("variables") or {}
    if not isinstance(given, dict):
        raise _Stopped({"errors": [{"message": "Variables are no object"}]})
    schema = admin_schema()
    variables = get_variable_values(schema, operation.variable_definitions or (), given)
    if isinstance(variables, list):
        raise _Stopped({"errors": [error.formatted for error in variables]})
    return Costs(schema, document, operation, variables)


@lru_cache(maxsize=256)
def _parsed(query: str) -> tuple[DocumentNode | None, list[dict[str, Any]]]:
    try:
        document = parse(query, max_tokens=5_000)
        errors = validate(admin_schema(), document)
    except GraphQLError as error:
        return None, [_worded(error)]
    except RecursionError:
        return None, [{"message": "The query is nested too deeply"}]
    return document, [_worded(error) for error in errors]


def _worded(error: GraphQLError) -> dict[str, Any]:
    told: dict[str, Any] = {**error.formatted}
    if match := _UNDEFINED.match(error.message):
        name, parent = match.groups()
        told["message"] = f"Field '{name}' doesn't exist on type '{parent}'"
        told["extensions"] = {
            "code": "undefinedField",
            "typeName": parent,
            "fieldName": name,
        }
    return told


def _cost(requested: int, actual: int | None, bucket: Bucket) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": bucket.status(),
    }


def _throttled(requested: int, bucket: Bucket) -> dict[str, Any]:
    """No data at all, and yet HTTP 200."""
    extensions = {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"}
    return {
        "errors": [{"message": "Throttled", "extensions": extensions}],
        "extensions": {"cost": _cost(requested, None, bucket)},
    }


def _too_dear(requested: int) -> dict[str, Any]:
    message = (
        f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_COST})."
    )
    extensions = {
        "code": "MAX_COST_EXCEEDED",
        "cost": requested,
        "maxCost": MAX_COST,
        "documentation": _LIMITS,
    }
    return {"errors": [{"message": message, "extensions": extensions}]}
