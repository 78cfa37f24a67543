"""The four tools: Shopify's raw data, counted again from the seeds by other code."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from cj.domain import orders as arithmetic
from cj.ephemeral.client import Ephemeral, connect
from cj.shopify.cache import QUERIES, StoreCache
from cj.shopify.tools import TOOLS, StoreTools

from tests.integration.statements import sql
from tests.shopify.side import CANDLES, COFFEE, EMPTY, TRAILS

if TYPE_CHECKING:
    from local.shopify.store import Order
    from tests.shopify.side import Side

NAMES = [name.removeprefix("get_shopify_") for name in TOOLS]


def visible(side: Side, shop: str, days: float = 60) -> list[Order]:
    """What Shopify shows an application of this shop's orders, newest first."""
    since = side.shopify.clock.today() - timedelta(days=days)
    return [o for o in side.shopify.store(shop).orders if o.created_at >= since]


def seeded_revenue(found: list[Order], currency: str) -> Decimal:
    paid = [o for o in found if not o.test and not o.cancelled_at and o.currency == currency]
    return sum((o.current_total for o in paid), Decimal(0))


@pytest.mark.parametrize("name", NAMES)
async def test_a_result_says_what_it_is_and_how_old(side: Side, name: str) -> None:
    told = await side.run(name)
    as_of = side.shopify.clock.today()
    assert set(told) == {"success", "data_type", "data", "as_of", "cached", "window"}
    assert (told["success"], told["cached"]) == (True, False)
    assert abs(datetime.fromisoformat(told["as_of"]) - as_of) < timedelta(minutes=1)
    days = 7 if name == "orders_last_week" else 60
    assert told["window"]["days"] == days
    since, to = (datetime.fromisoformat(told["window"][end]) for end in ("from", "to"))
    assert to - since == timedelta(days=days)
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("shop", [EMPTY, CANDLES, COFFEE, TRAILS])
async def test_the_counts_are_the_seeds_own(side: Side, shop: str) -> None:
    await side.install(shop)
    store = side.shopify.store(shop)
    data = (await side.run("store_counts", shop))["data"]
    customers = len(store.customers) + store.other_customers
    assert data["shop"] == {
        "name": store.name,
        "currencyCode": store.currency,
        "ianaTimezone": store.timezone,
    }
    assert data["customersCount"]["count"] == min(customers, 10_000)
    assert data["customersCount"]["precision"] == ("AT_LEAST" if customers > 10_000 else "EXACT")
    assert data["productsCount"]["count"] == len(store.products)
    assert data["ordersCount"]["count"] == len(visible(side, shop))
    still_open = [o for o in visible(side, shop) if not o.closed and o.cancelled_at is None]
    assert data["openOrdersCount"]["count"] == len(still_open)


@pytest.mark.parametrize("shop", [EMPTY, CANDLES, COFFEE, TRAILS])
async def test_the_recent_orders_are_the_seeds_newest(side: Side, shop: str) -> None:
    await side.install(shop)
    data = (await side.run("recent_orders", shop))["data"]
    newest = visible(side, shop)[:10]
    nodes, currency = data["orders"]["nodes"], data["shop"]["currencyCode"]
    assert [n["name"] for n in nodes] == [o.name for o in newest]
    assert arithmetic.revenue(nodes, currency) == seeded_revenue(newest, currency)
    guests = [o for o in newest if not o.test and not o.cancelled_at and o.customer_id is None]
    assert arithmetic.segments(nodes).guest_orders == len(guests)
    assert [n["customer"] is None for n in nodes] == [o.customer_id is None for o in newest]


async def test_a_changed_order_changes_the_numbers(side: Side) -> None:
    side.shopify.control.change_order(shop=CANDLES, name="#1008", current_total="1234.56")
    nodes = (await side.run("recent_orders"))["data"]["orders"]["nodes"]
    (changed,) = [n for n in nodes if n["name"] == "#1008"]
    assert changed["currentTotalPriceSet"]["shopMoney"]["amount"] == "1234.56"


async def test_the_overview_has_the_store_and_what_is_stocked_most(side: Side) -> None:
    data = (await side.run("store_overview"))["data"]
    active = [p for p in side.shopify.store(CANDLES).products if p.status == "ACTIVE"]
    stocked = sorted((p.inventory for p in active), reverse=True)[:5]
    assert [p["totalInventory"] for p in data["products"]["nodes"]] == stocked
    assert data["shop"]["myshopifyDomain"] == CANDLES
    assert len(data["orders"]["nodes"]) == len(visible(side, CANDLES)[:10])
    assert [arithmetic.product_record(p)["title"] for p in data["products"]["nodes"]]


@pytest.mark.parametrize("shop", [EMPTY, CANDLES, COFFEE, TRAILS])
async def test_the_week_is_the_seeds_last_seven_days(side: Side, shop: str) -> None:
    await side.install(shop)
    told = await side.run("orders_last_week", shop, time_left_s=60)
    data, week = told["data"], visible(side, shop, days=7)
    assert [n["name"] for n in data["orders"]["nodes"]] == [o.name for o in week[:50]]
    assert data["ordersCount"]["count"] == len(week)
    assert data["orders"]["pageInfo"]["hasNextPage"] == (len(week) > 50)
    counted: Counter[int | str] = Counter()
    for line in (i for o in week[:50] if not o.test and not o.cancelled_at for i in o.lines[:5]):
        counted[line.product_id or line.title] += line.current_quantity
    best = arithmetic.popular_items(data["orders"]["nodes"])
    assert [item.count for item in best] == [n for _, n in counted.most_common(5) if n]
    zone = ZoneInfo(data["shop"]["ianaTimezone"])
    said = arithmetic.pattern(data["orders"]["nodes"], data["shop"]["currencyCode"], zone)
    assert said == ("no_data" if shop == EMPTY else said)


async def test_a_weeks_orders_come_in_pages_within_what_a_query_may_cost(side: Side) -> None:
    await side.install(TRAILS)
    await side.run("orders_last_week", TRAILS, time_left_s=60)
    assert side.wire.sent.count("graphql.json") == 2


async def test_the_second_time_comes_from_the_cache_until_it_is_too_old(side: Side) -> None:
    for name, tool in TOOLS.items():
        first = await side.tools.run(name, CANDLES, 10)
        side.wire.sent.clear()
        side.shopify.clock.move(s=tool.ttl_s - 1)
        again = await side.tools.run(name, CANDLES, 10)
        assert again == {**first, "cached": True}
        assert side.wire.sent == []
        side.shopify.clock.move(s=2)  # and the cache forgot to forget it
        assert not (await side.tools.run(name, CANDLES, 10))["cached"]
        assert side.memory.ttls[f"shop:{{{CANDLES}}}:{tool.data_type}"] == tool.ttl_s


async def test_one_stores_data_are_never_anothers(side: Side) -> None:
    await side.install(COFFEE)
    names = [(await side.run("store_counts", s))["data"]["shop"]["name"] for s in (CANDLES, COFFEE)]
    again = [(await side.run("store_counts", s))["data"]["shop"]["name"] for s in (CANDLES, COFFEE)]
    assert names == again == ["Corner Candles", "Harbour Coffee"]


@pytest.mark.parametrize("kept", ["", "{", "[]", "{}", '{"as_of": 1}', '{"as_of": "x", "data": 1}'])
async def test_what_cannot_be_read_in_the_cache_is_asked_for_again(side: Side, kept: str) -> None:
    side.memory.kept[f"shop:{{{CANDLES}}}:counts"] = kept
    told = await side.run("store_counts")
    assert told["data"]["shop"]["name"] == "Corner Candles"


async def test_without_redis_every_question_is_asked(side: Side) -> None:
    side.memory.down = True
    for _ in range(2):
        told = await side.run("store_counts")
        assert (told["success"], told["cached"]) == (True, False)


async def test_a_forgotten_store_leaves_nothing_in_the_cache(side: Side) -> None:
    for name in NAMES:
        await side.run(name)
    assert set(side.memory.kept) == {
        f"shop:{{{CANDLES}}}:{name}" for name in (*QUERIES, "generation")
    }
    await side.tools.cache.forget(COFFEE)
    assert len(side.memory.kept) == 5
    await side.tools.cache.forget(CANDLES)
    assert side.memory.kept == {}


async def test_a_real_redis_keeps_it_for_as_long_as_said(side: Side, redis_url: str) -> None:
    client = await connect(redis_url, "no")
    cache = StoreCache(Ephemeral(lambda: _ready(client)).do)
    tools = StoreTools(side.client, cache)
    first = await tools.run("get_shopify_store_counts", CANDLES, 10)
    assert await tools.run("get_shopify_store_counts", CANDLES, 10) == {**first, "cached": True}
    assert 890 < await client.ttl(f"shop:{{{CANDLES}}}:counts") <= 900
    await cache.forget(CANDLES)
    assert (await cache.get(CANDLES, "counts")).value is None
    await client.aclose()


async def _ready(client: Any) -> Any:
    return client


async def test_a_redis_that_is_away_is_a_miss(side: Side) -> None:
    async def nowhere() -> Any:
        raise ConnectionRefusedError

    tools = StoreTools(side.client, StoreCache(Ephemeral(nowhere).do))
    assert (await tools.run("get_shopify_store_counts", CANDLES, 10))["success"]


async def test_data_with_a_part_denied_say_so_and_are_not_kept(side: Side) -> None:
    side.shopify.world.shop(CANDLES).scopes = ["read_orders", "read_products"]
    for _ in range(2):
        told = await side.run("store_counts")
        assert (told["success"], told["cached"]) == (True, False)
        assert told["missing_scopes"] == ["read_customers"]
        assert told["data"]["customersCount"] is None
    week = await side.run("orders_last_week")
    assert week["missing_scopes"] == ["read_customers"]
    assert side.memory.ttls == {}


async def test_a_store_without_the_orders_scope_says_which_is_missing(side: Side) -> None:
    side.shopify.world.shop(CANDLES).scopes = ["read_customers", "read_products"]
    told = await side.run("recent_orders")
    assert (told["success"], told["code"]) == (False, "scopes_missing")
    assert "read_orders" in told["error"]


async def test_a_store_that_shows_all_orders_has_no_window(side: Side) -> None:
    await side.install(
        CANDLES, ("read_customers", "read_all_orders", "read_orders", "read_products")
    )
    assert (await side.run("store_counts"))["window"] is None
    assert (await side.run("orders_last_week"))["window"]["days"] == 7


async def test_orders_are_counted_within_the_window_that_is_told(side: Side) -> None:
    """Also where Shopify would count older ones too."""
    await side.install(TRAILS)
    simulated = side.shopify.world.shop(TRAILS)
    simulated.scopes = [*simulated.scopes, "read_all_orders"]
    told = await side.run("store_counts", TRAILS)
    orders = visible(side, TRAILS)
    assert told["window"]["days"] == 60
    assert told["data"]["ordersCount"]["count"] == len(orders)
    still_open = [o for o in orders if not o.closed and o.cancelled_at is None]
    assert told["data"]["openOrdersCount"]["count"] == len(still_open)


async def test_a_store_that_shows_all_orders_has_all_of_them_counted(side: Side) -> None:
    await side.install(
        TRAILS, ("read_customers", "read_all_orders", "read_orders", "read_products")
    )
    told = await side.run("store_counts", TRAILS)
    orders = visible(side, TRAILS, days=36_500)
    assert len(orders) > len(visible(side, TRAILS))
    assert told["data"]["ordersCount"]["count"] == len(orders)
    still_open = [o for o in orders if not o.closed and o.cancelled_at is None]
    assert told["data"]["openOrdersCount"]["count"] == len(still_open)


async def test_without_a_shop_or_without_tokens_nothing_is_asked(side: Side) -> None:
    for shop in (None, COFFEE):
        assert await side.run("store_counts", shop) == {
            "success": False,
            "data_type": "counts",
            "error": "No Shopify store is connected.",
            "code": "not_connected",
        }
    assert side.wire.sent == []


async def test_an_unknown_tool_names_those_there_are(side: Side) -> None:
    told = await side.run("everything")
    assert (told["success"], told["code"]) == (False, "unknown_tool")
    assert told["available_tools"] == list(TOOLS)
    assert len(TOOLS) == 4


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("throttled", "rate_limited"),
        ("rate_limited", "rate_limited"),
        ("unauthorized", "reconnect"),
        ("server_error", "shopify_unavailable"),
        ("forbidden", "store_closed"),
    ],
)
async def test_trouble_is_a_result_with_a_safe_text(side: Side, fault: str, code: str) -> None:
    side.shopify.control.add_fault(kind=fault, on="graphql", times=None)
    told = await side.run("store_counts", time_left_s=1)
    assert (told["success"], told["code"]) == (False, code)
    assert re.fullmatch(r"[A-Z][\w ,.']+\.", told["error"])
    assert side.memory.ttls == {}


async def test_a_token_of_another_row_is_a_result_too(side: Side) -> None:
    row = await side.row(CANDLES)
    await side.install(COFFEE)
    await side.integrations.db.execute(
        sql("UPDATE merchant_integrations SET api_key = $1"), row.api_key
    )
    assert (await side.run("store_counts", COFFEE))["code"] == "reconnect"
    assert (await side.run("store_counts", CANDLES))["success"]
