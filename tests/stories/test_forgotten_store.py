"""What a store has said while it was being forgotten is not kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from cj.shopify.http import make_http
from cj.shopify.keys import KeyFile
from cj.store import Database

from local.shopify.app import Options, Simulator
from tests.integration.installing import SECRET
from tests.integration.webhooking import Sent, redacted, uninstalled
from tests.shopify.side import CANDLES, Side
from tests.stories.conftest import BOTH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from cj.parts import App

    from tests.stories.world import World

COUNTS = "get_shopify_store_counts"
CUSTOMER = {"customer": {"id": 7}}


class OnItsWay(httpx.AsyncHTTPTransport):
    """The real network, on which something happens before an answer arrives."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.meanwhile = meanwhile

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        await self.meanwhile()
        return answer


@dataclass
class Shop:
    """A connected store, whose owner has talked to CJ."""

    world: World
    settings: dict[str, object]
    worker: App = field(init=False)

    def __post_init__(self) -> None:
        self.worker = self.process()

    def process(self) -> App:
        return self.world.process(**self.settings)

    async def send(self, sent: Sent) -> None:
        parts = self.process()
        assert await parts.webhooks.receive(sent.body, sent.headers()) == "done"

    async def asked(self) -> dict[str, Any]:
        """One of the worker's tool calls."""
        return await self.worker.shopify.tools.run(COUNTS, CANDLES, 10)

    async def asked_while(self, *sent: Sent) -> dict[str, Any]:
        """The store has answered; before the worker hears it, Shopify sends these."""
        waiting = list(sent)

        async def meanwhile() -> None:
            while waiting:
                await self.send(waiting.pop(0))

        parts: Any = self.worker
        parts.shopify.http = make_http(OnItsWay(meanwhile))
        told = await self.asked()
        assert not waiting
        return told

    async def held(self) -> list[str]:
        """The keys of Redis that have to do with the store, on whichever node."""
        client = await self.worker.ephemeral.connect()
        return sorted([key async for key in client.scan_iter() if CANDLES in key])


@pytest.fixture
async def shop(world: World, tmp_path: Path) -> AsyncIterator[Shop]:
    keys = KeyFile.create(tmp_path / "keys.json").path
    db = Database(world.database_url)
    async with Simulator(Options(webhook_path=None)) as shopify:
        side = Side.of(shopify, db, keys)
        await side.install(CANDLES)
        await world.sql(
            "INSERT INTO users (id, merchant_id, shop_domain) VALUES ($1, $2, $3)",
            *(f"usr_{uuid4().hex[:8]}", (await side.row(CANDLES)).merchant_id, CANDLES),
        )
        await world.sql("UPDATE merchants SET installed_at = clock_timestamp()")
        yield Shop(
            world,
            {
                "shopify_api_key": shopify.api_key,
                "shopify_api_secret": SECRET,
                "shopify_base_url": shopify.url,
                "token_key_file": keys,
            },
        )
        await side.http.aclose()
        await db.close()


@BOTH
async def test_a_tool_call_that_outlives_the_shop_leaves_nothing_of_it_in_redis(shop: Shop) -> None:
    late = redacted(CANDLES, triggered_at=datetime.now(UTC) + timedelta(days=30))
    told = await shop.asked_while(uninstalled(CANDLES), late)
    assert told["data"]["shop"]["name"] == "Corner Candles"
    assert await shop.held() == []
    assert (await shop.asked())["code"] == "not_connected"
    assert await shop.held() == []


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("app/uninstalled", {}),
        ("app/scopes_update", {"current": ["read_orders"]}),
        ("customers/redact", CUSTOMER),
    ],
)
async def test_what_was_asked_before_is_not_told_afterwards(
    shop: Shop, topic: str, said: dict[str, Any]
) -> None:
    assert (await shop.asked_while(Sent(topic, CANDLES, said)))["success"]
    assert await shop.held() == []


async def test_what_is_asked_afterwards_is_kept(shop: Shop) -> None:
    await shop.asked_while(Sent("customers/redact", CANDLES, CUSTOMER))
    assert (await shop.asked())["cached"] is False
    assert (await shop.asked())["cached"] is True
