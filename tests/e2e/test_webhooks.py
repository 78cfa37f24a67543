"""Webhooks from the simulated Shopify to the running CJ: uninstalled, come back, deleted."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from local.shopify.control_client import ControlClient
from tests.e2e.browser import Browser
from tests.e2e.merchant import Merchant
from tests.integration.webhooking import dump, everything_in
from tests.processes import cj, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.running import Running

SHOP, OTHER = "corner-candles.myshopify.com", "harbour-coffee.myshopify.com"
WORDS = "how-many-lavender-candles"


@dataclass
class Town:
    """The running CJ and its Shopify."""

    cj: Running
    redis_url: str

    @property
    def shopify(self) -> ControlClient:
        return ControlClient(str(self.cj.state["shopify_url"]))

    def answers(self, topic: str, count: int = 1) -> list[int]:
        """What CJ said to so many deliveries, once they were made."""
        statuses: list[int] = []

        def made() -> bool:
            told: list[dict[str, Any]] = self.shopify.everything()["attempts"]
            statuses[:] = [a["status"] for a in told if a["topic"] == topic]
            return len(statuses) >= count

        until(made)
        return statuses

    async def traces(self) -> str:
        """Everything that both stores hold."""
        rows = await dump(str(self.cj.state["migration_url"]))
        return rows + await everything_in(self.redis_url)

    async def events(self, kind: str) -> int:
        row = await self.cj.row("SELECT count(*) FROM events WHERE event_type = $1", kind)
        assert row is not None
        return int(row[0])

    def tokens(self) -> list[str]:
        """All that Shopify ever gave out."""
        (path,) = self.cj.data_dir.glob("shopify/*.json")
        grants = json.loads(path.read_text())["grants"]
        return [grant[kind] for grant in grants for kind in ("access_token", "refresh_token")]


@pytest.fixture
def town(own_cj: Callable[..., Running], redis_url: str) -> Town:
    return Town(own_cj(environ={**os.environ, "REDIS_URL": redis_url}), redis_url)


async def user(merchant: Merchant) -> str | None:
    """Who CJ says this is."""
    found = (await merchant.http.get("/api/v1/session")).json()["user"]
    return found and str(found["id"])


async def conversations(merchant: Merchant) -> set[str]:
    found = (await merchant.http.get("/api/v1/conversations")).json()
    return {conversation["id"] for conversation in found["conversations"]}


async def talk(town: Town, merchant: Merchant, cid: str, text: str) -> None:
    """Returns when CJ has answered."""
    async with Browser(town.cj.url, merchant.cookie) as tab:
        await tab.start(cid)
        await tab.say(text)
        await tab.settled()


async def test_an_app_is_uninstalled_and_comes_back_to_its_conversations(town: Town) -> None:
    async with Merchant(town.cj.url) as merchant:
        cid = (await merchant.connect(SHOP))["conversation_id"]
        await talk(town, merchant, cid, WORDS)
        me = await user(merchant)
        async with Browser(town.cj.url, merchant.cookie) as tab:
            await tab.start(cid)
            town.shopify.webhook_delivery(copies=3)
            town.shopify.uninstall(shop=SHOP)
            assert town.answers("app/uninstalled", 3) == [200, 200, 200]
            with pytest.raises(ConnectionClosed):
                await tab.until("never")
        assert await town.events("app_uninstalled") == 1
        assert (await merchant.http.get("/api/v1/conversations")).status_code == 401
        assert (await merchant.connect(SHOP))["is_new"] == "false"
        assert await user(merchant) == me
        assert cid in await conversations(merchant)
        await talk(town, merchant, cid, "and now?")


async def test_an_uninstall_that_comes_late_does_not_hurt_who_is_back(town: Town) -> None:
    async with Merchant(town.cj.url) as merchant:
        await merchant.connect(SHOP)
        town.shopify.webhook_delivery(hold=True, family="shopify")
        town.shopify.uninstall(shop=SHOP)
        await merchant.connect(SHOP)
        town.shopify.release_webhooks()
        assert town.answers("app/uninstalled") == [200]
        assert await user(merchant) is not None
        assert await town.events("app_uninstalled") == 0
        town.shopify.move_clock(days=3)
        assert town.answers("shop/redact") == [200]
        assert await conversations(merchant)


async def test_two_days_after_the_end_nothing_of_the_shop_is_left(town: Town) -> None:
    async with Merchant(town.cj.url) as merchant, Merchant(town.cj.url) as other:
        for one, shop in ((merchant, SHOP), (other, OTHER)):
            cid = (await one.connect(shop))["conversation_id"]
            await talk(town, one, cid, f"{WORDS} in {shop}")
        me = str(await user(merchant))
        town.shopify.request_customer_data(shop=SHOP)
        town.shopify.redact_customer(shop=SHOP)
        town.shopify.set_scopes(shop=SHOP, scopes=["read_products"])
        for topic in ("customers/data_request", "customers/redact", "app/scopes_update"):
            assert town.answers(topic) == [200]
        rotated = cj("tokens", "rotate", "--data-dir", town.cj.data_dir, DATABASE_URL="")
        assert rotated.stdout.splitlines()[-1] == "2 sealed with the newest key, 0 were already."
        before, given_out = await town.traces(), town.tokens()
        assert len(given_out) == 4
        assert f"{WORDS} in {SHOP}" in before
        town.shopify.uninstall(shop=SHOP)
        assert town.answers("app/uninstalled") == [200]
        town.shopify.move_clock(days=3)
        assert town.answers("shop/redact") == [200]
        after = await town.traces()
        for word in ("corner-candles", "Corner Candles", f"{WORDS} in {SHOP}"):
            assert word not in after
        assert me not in "".join(line for line in after.splitlines() if line[:3] != "rl:")
        assert f"{WORDS} in {OTHER}" in after
        assert len(await conversations(other)) == 1
    assert await town.events("shop_redact") == 1
    held = before + after + town.cj.log.read_text()
    assert not [token for token in given_out if token in held]
