"""What an application may not: scopes, protected data, old orders, too much at once."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from local.shopify.seeds import stores
from tests.shopify_simulator.application import CANDLES, COFFEE, NOON, TRAILS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.shopify_simulator.application import App, Session

    Enter = Callable[..., Awaitable[Session]]

NOW = datetime.fromtimestamp(NOON, UTC)
COUNTS = (
    "{ ordersCount { count precision } customersCount { count precision }"
    " productsCount { count precision } }"
)


async def test_a_missing_scope_is_named_and_the_rest_is_there(enter: Enter) -> None:
    ask = await enter(COFFEE, "read_orders,read_products")
    told = await ask(COUNTS)
    assert told["data"]["customersCount"] is None
    assert told["data"]["productsCount"]["count"] == 14
    (error,) = told["errors"]
    assert error["path"] == ["customersCount"]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert "`read_customers` access scope" in error["extensions"]["requiredAccess"]


async def test_a_customer_of_an_order_needs_a_scope_of_its_own(enter: Enter) -> None:
    ask = await enter(CANDLES, "read_orders")
    told = await ask("{ orders(first: 2) { nodes { name customer { id } } } }")
    assert [node["customer"] for node in told["data"]["orders"]["nodes"]] == [None, None]
    assert {e["extensions"]["code"] for e in told["errors"]} == {"ACCESS_DENIED"}


async def test_what_cannot_be_null_takes_all_the_data_with_it(enter: Enter) -> None:
    ask = await enter(CANDLES, "read_products")
    told = await ask("{ shop { name } orders(first: 1) { nodes { id } } }")
    assert told["data"] is None
    assert told["errors"][0]["path"] == ["orders"]


async def test_whoever_may_write_may_read(enter: Enter) -> None:
    ask = await enter(CANDLES, "write_orders")
    assert (await ask.data("{ ordersCount { count } }"))["ordersCount"]["count"] == 8


async def test_names_of_customers_need_an_approval(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    query = "{ orders(first: 1, reverse: true) { nodes { customer { displayName } } } }"
    told = await ask(query)
    assert told["data"]["orders"]["nodes"] == [{"customer": None}]
    assert "not approved to use the displayName field" in told["errors"][0]["message"]
    app.shopify.control.approve_names(approved=True)
    (node,) = (await ask.data(query))["orders"]["nodes"]
    assert node["customer"]["displayName"]


async def test_changed_scopes_count_at_once_for_the_same_token(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.set_scopes(shop=CANDLES, scopes=["read_products"])
    assert (await ask(COUNTS))["data"]["ordersCount"] is None


async def test_bulk_operations_are_refused(enter: Enter) -> None:
    ask = await enter(CANDLES)
    told = await ask(
        'mutation { bulkOperationRunQuery(query: "{ shop { id } }") { userErrors { message } } }'
    )
    assert told["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


async def test_orders_older_than_sixty_days_are_not_there_without_the_scope(enter: Enter) -> None:
    visible = [o for o in stores(NOW)[TRAILS].orders if o.created_at >= NOW - timedelta(days=60)]
    assert 0 < len(visible) < 1_500
    some = await (await enter(TRAILS)).data("{ ordersCount { count } }")
    assert some["ordersCount"]["count"] == len(visible)
    everything = await enter(TRAILS, "read_orders,read_all_orders")
    assert (await everything.data("{ ordersCount { count } }"))["ordersCount"]["count"] == 1_500


async def test_orders_age_with_the_clock(enter: Enter, app: App) -> None:
    await enter(CANDLES)
    app.shopify.clock.move(days=61)
    ask = await enter(CANDLES)
    data = await ask.data("{ ordersCount { count } orders(first: 1) { nodes { id } } }")
    assert data == {"ordersCount": {"count": 0}, "orders": {"nodes": []}}


async def test_a_count_stops_at_ten_thousand_unless_told_otherwise(enter: Enter) -> None:
    ask = await enter(TRAILS)
    capped = await ask.data(COUNTS)
    assert capped["customersCount"] == {"count": 10_000, "precision": "AT_LEAST"}
    whole = await ask.data("{ customersCount(limit: null) { count precision } }")
    assert whole["customersCount"] == {"count": 13_000, "precision": "EXACT"}
    few = await ask.data("{ productsCount(limit: 7) { count precision } }")
    assert few["productsCount"] == {"count": 7, "precision": "AT_LEAST"}


async def test_cost_is_counted_by_the_documented_rule(enter: Enter) -> None:
    """Per order: itself, two for the money, the customer, and 2 + 5 items with their product."""
    ask = await enter(COFFEE)
    told = await ask(
        "{ shop { name } orders(first: 10, reverse: true) { nodes { name"
        " currentTotalPriceSet { shopMoney { amount } } customer { id }"
        " lineItems(first: 5) { nodes { title product { id } } } }"
        " pageInfo { hasNextPage } } }"
    )
    cost = told["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 1 + 2 + 10 * (1 + 2 + 1 + 2 + 5 * 2)
    nodes = told["data"]["orders"]["nodes"]
    actual = 1 + 2
    for node in nodes:
        actual += 1 + 2 + (node["customer"] is not None) + 2
        actual += sum(1 + (item["product"] is not None) for item in node["lineItems"]["nodes"])
    assert cost["actualQueryCost"] == actual < cost["requestedQueryCost"]
    assert cost["throttleStatus"] == {
        "maximumAvailable": 4_000.0,
        "currentlyAvailable": 4_000 - actual,
        "restoreRate": 200.0,
    }


@pytest.mark.parametrize(
    ("plan", "rate"), [("basic", 100), ("advanced", 200), ("plus", 1_000), ("enterprise", 2_000)]
)
async def test_the_bucket_is_twenty_seconds_of_the_plan_s_rate(
    enter: Enter, app: App, plan: str, rate: int
) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.set_plan(shop=CANDLES, plan=plan)
    status = (await ask("{ shop { name } }"))["extensions"]["cost"]["throttleStatus"]
    assert (status["restoreRate"], status["maximumAvailable"]) == (rate, 20 * rate)


async def test_a_query_above_a_thousand_points_never_runs(enter: Enter) -> None:
    ask = await enter(COFFEE)
    told = await ask(
        "{ orders(first: 250) { nodes { customer { id } lineItems(first: 2) { nodes { title } } }"
        " } }"
    )
    assert "data" not in told
    (error,) = told["errors"]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["cost"] == 2 + 250 * (1 + 1 + 2 + 2)


async def test_a_burst_beyond_the_bucket_is_throttled_and_restored(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    dear = "query($q: String) { orders(first: 98, query: $q) { nodes { customer { id } test } } "
    dear += " more: orders(first: 98) { nodes { currentTotalPriceSet { shopMoney { amount } } } } }"
    requested = 2 + 98 * 2 + 2 + 98 * 3
    bucket = app.shopify.world.bucket(CANDLES)
    bucket.take(1_700, app.shopify.clock.now())
    told = await ask(dear)
    assert "data" not in told
    assert told["errors"][0]["extensions"]["code"] == "THROTTLED"
    cost = told["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (requested, None)
    status = cost["throttleStatus"]
    assert status["currentlyAvailable"] == 300
    wait = math.ceil((requested - status["currentlyAvailable"]) / status["restoreRate"])
    app.shopify.clock.move(s=wait)
    assert "data" in await ask(dear)


async def test_shops_have_buckets_of_their_own(enter: Enter, app: App) -> None:
    candles, coffee = await enter(CANDLES), await enter(COFFEE)
    app.shopify.world.bucket(CANDLES).drain(app.shopify.clock.now())
    assert "data" not in await candles("{ shop { name } }")
    assert "data" in await coffee("{ shop { name } }")
