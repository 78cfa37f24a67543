"""The GraphQL client against the simulated Shopify: bursts, faults, and tokens that end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from cj.shopify.errors import ReconnectNeeded, StoreClosed
from cj.shopify.operations import operation

from tests.shopify.side import CANDLES, COFFEE, TRAILS

if TYPE_CHECKING:
    from tests.shopify.side import Side

COUNTS = operation("store_counts")
PAGE_OF_40 = {"first": 40, "query": "created_at:>='2020-01-01T00:00:00Z'"}


async def test_a_burst_beyond_the_bucket_finishes_with_waits(side: Side) -> None:
    await side.install(TRAILS)
    side.shopify.control.set_plan(shop=TRAILS, plan="basic")  # 2,000 points, 100 a second
    week = operation("orders_between")
    asked = [side.client.ask(TRAILS, week, PAGE_OF_40, 600) for _ in range(20)]
    found = await asyncio.gather(*asked)
    assert {len(answer.data["orders"]["nodes"]) for answer in found} == {40}
    assert sum(side.waits) > 10
    side.waits.clear()
    side.shopify.control.add_fault(kind="throttled", on="graphql")
    assert (await side.client.ask(TRAILS, week, PAGE_OF_40, 60)).data == found[0].data
    assert sum(side.waits) > 5


async def test_retry_after_from_shopify_is_two_seconds(side: Side) -> None:
    side.shopify.control.add_fault(kind="rate_limited", on="graphql")
    await side.client.ask(CANDLES, COUNTS, {}, 10)
    assert side.waits == [2.0]


async def test_an_expired_token_is_refreshed_in_the_middle_of_a_question(side: Side) -> None:
    side.shopify.control.add_fault(kind="unauthorized", on="graphql")
    answer = await side.client.ask(CANDLES, COUNTS, {}, 10)
    assert answer.data["shop"]["name"] == "Corner Candles"
    assert side.wire.sent == ["graphql.json", "access_token", "graphql.json"]


async def test_a_fresh_token_that_is_refused_too_means_to_connect_again(side: Side) -> None:
    side.shopify.control.add_fault(kind="unauthorized", on="graphql", times=None)
    with pytest.raises(ReconnectNeeded):
        await side.client.ask(CANDLES, COUNTS, {}, 10)
    assert side.wire.sent == ["graphql.json", "access_token", "graphql.json"]


async def test_a_store_that_threw_us_out_means_to_connect_again(side: Side) -> None:
    side.shopify.control.revoke_tokens(shop=CANDLES)
    with pytest.raises(ReconnectNeeded):
        await side.client.ask(CANDLES, COUNTS, {}, 10)
    assert not (await side.row(CANDLES)).is_active


async def test_a_scope_that_was_taken_away_leaves_the_rest(side: Side) -> None:
    await side.install(COFFEE, ("read_customers", "read_orders", "read_products"))
    side.shopify.world.shop(COFFEE).scopes = ["read_orders", "read_products"]
    answer = await side.client.ask(COFFEE, COUNTS, {}, 10)
    assert answer.missing_scopes == ("read_customers",)
    assert answer.data["customersCount"] is None
    assert answer.data["productsCount"]["count"] > 0


@pytest.mark.parametrize("kind", ["server_error", "dropped", "html"])
async def test_a_fault_in_passing_costs_a_second(side: Side, kind: str) -> None:
    side.shopify.control.add_fault(kind=kind, on="graphql")
    await side.client.ask(CANDLES, COUNTS, {}, 10)
    assert side.waits == [1]


@pytest.mark.parametrize("status", ["frozen", "locked"])
async def test_a_frozen_or_locked_store_is_closed(side: Side, status: str) -> None:
    side.shopify.control.set_status(shop=CANDLES, status=status)
    with pytest.raises(StoreClosed):
        await side.client.ask(CANDLES, COUNTS, {}, 10)


async def test_no_log_line_of_anybody_holds_a_secret(
    side: Side, caplog: pytest.LogCaptureFixture, caught_logs: None
) -> None:
    caplog.set_level(logging.DEBUG)
    for kind in ("rate_limited", "unauthorized", "dropped", "forbidden"):
        side.shopify.control.add_fault(kind=kind, on="graphql")
    side.shopify.control.add_fault(kind="dropped", on="token")
    for _ in range(3):
        await side.run("store_counts")
    side.shopify.clock.move(days=91)
    assert (await side.run("recent_orders"))["code"] == "reconnect"
    assert {"cj.shopify.access", "cj.shopify.tools", "httpx"} <= {r.name for r in caplog.records}
    for secret in ("shpat_", "shprt_", "shpss_", side.shopify.api_secret):
        assert secret not in caplog.text
