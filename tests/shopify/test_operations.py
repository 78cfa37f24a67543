"""Every operation against Shopify's own schemas: the trimmed one, and the whole ones if there."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cj.shopify.operations import FOLDER, FRAGMENT, operation
from cj.shopify.tools import PAGE, RECENT, TOP_PRODUCTS
from graphql import (
    GraphQLSchema,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    build_client_schema,
    parse,
    specified_rules,
    validate,
)

from local.shopify.cost import Costs
from local.shopify.schema import admin_schema

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED = Path(__file__).resolve().parents[3] / "shared" / "shopify-schema"
NAMES = sorted(path.stem for path in FOLDER.glob("*.graphql") if path.stem != FRAGMENT)
LARGEST: dict[str, dict[str, Any]] = {
    "store_counts": {
        "orders": "created_at:>='2026-11-01T00:00:00Z'",
        "openOrders": "created_at:>='2026-11-01T00:00:00Z' AND status:open",
    },
    "recent_orders": {"first": RECENT},
    "orders_between": {"first": PAGE, "query": "created_at:>='2026-11-01T00:00:00Z'"},
    "store_overview": {"orders": RECENT, "products": TOP_PRODUCTS},
}
BEFORE_2025 = """
query {
  orders(first: 10, sortKey: CREATED_AT, reverse: true) {
    edges { node { id customer { id displayName ordersCount } } }
  }
}
"""


def faults(schema: GraphQLSchema, text: str) -> list[str]:
    rules = [*specified_rules, NoDeprecatedCustomRule]
    return [error.message for error in validate(schema, parse(text), rules)]


@pytest.fixture(scope="module", params=["2026-07", "2026-10"])
def whole(request: pytest.FixtureRequest) -> GraphQLSchema:
    path = SHARED / f"admin_{request.param}.json.gz"
    if not path.exists():
        pytest.skip("the whole schemas are not on this machine")
    found = json.loads(gzip.decompress(path.read_bytes()))
    return build_client_schema(found.get("data", found))


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_is_valid_and_uses_nothing_deprecated(name: str) -> None:
    assert faults(admin_schema(), operation(name).text) == []


def test_every_operation_is_valid_in_the_whole_schemas(whole: GraphQLSchema) -> None:
    assert {name: faults(whole, operation(name).text) for name in NAMES} == {n: [] for n in NAMES}


def test_the_overview_from_before_2025_is_no_longer_valid(whole: GraphQLSchema) -> None:
    found = faults(whole, BEFORE_2025)
    assert [f for f in found if "'ordersCount' on type 'Customer'" in f]


def test_what_is_deprecated_would_be_found(whole: GraphQLSchema) -> None:
    found = faults(whole, "{ products(first: 1) { nodes { featuredImage { url } } } }")
    assert [f for f in found if "deprecated" in f]


def test_no_operation_asks_for_protected_data() -> None:
    for name in NAMES:
        text = operation(name).text
        assert not [w for w in ("displayName", "email", "phone", "firstName") if w in text]


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_costs_less_than_a_single_query_may(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    document = parse(operation(name).text)
    (asked,) = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    points = Costs(admin_schema(), document, asked, LARGEST[name]).requested()
    record_property("points", points)
    assert 0 < points < 1_000
