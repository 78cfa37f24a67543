"""Tokens over their life: refreshed early, once, and stored before they are used."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import new_id
from cj.errors import StoreUnavailable
from cj.shopify.access import LEASE, ShopAccess
from cj.shopify.client_secrets import ClientSecrets
from cj.shopify.errors import NotConnected, ReconnectNeeded, ShopifyUnavailable
from cj.shopify.http import Addresses
from cj.shopify.oauth import OAuth
from cj.shopify.operations import Operation, operation

from tests.integration.statements import sql
from tests.shopify.scripted import Script, reply
from tests.shopify.side import CANDLES, COFFEE, SCOPES, Side

if TYPE_CHECKING:
    from cj.store import Database
    from cj.store.integrations import Integration, SealedTokens

REFRESH = "access_token"
COUNTS: tuple[Operation, dict[str, object]] = (operation("store_counts"), {})


async def token(side: Side, time_left_s: float = 10) -> str:
    return (await side.access.token(CANDLES, time_left_s)).token


async def test_a_good_token_is_used_as_it_is(side: Side) -> None:
    first = await side.access.token(CANDLES, 10)
    side.shopify.clock.move(minutes=54)
    assert await side.access.token(CANDLES, 10) == first
    assert first.token.startswith("shpat_")
    assert first.scopes == ("read_customers", "read_orders", "read_products")
    assert first.token not in repr(first)
    assert side.wire.sent == []


async def test_a_token_is_refreshed_five_minutes_before_it_ends(side: Side) -> None:
    first, row = await token(side), await side.row(CANDLES)
    side.shopify.clock.move(minutes=56)
    second = await token(side)
    assert second != first
    assert await token(side) == second
    assert side.wire.sent == [REFRESH]
    after = await side.row(CANDLES)
    assert after.expires_at and row.expires_at and after.expires_at > row.expires_at
    assert {row.api_key, row.refresh_token}.isdisjoint({after.api_key, after.refresh_token})


async def test_a_refused_token_is_replaced_at_once_and_only_once(side: Side) -> None:
    first = await side.access.token(CANDLES, 10)
    second = await side.access.token(CANDLES, 10, refused=first)
    assert second.token != first.token
    assert await side.access.token(CANDLES, 10, refused=first) == second
    assert side.wire.sent == [REFRESH]


async def test_many_who_need_a_refresh_at_once_make_one(side: Side) -> None:
    side.shopify.clock.move(hours=2)
    found = await asyncio.gather(*(side.access.token(CANDLES, 60) for _ in range(8)))
    assert len(set(found)) == 1
    assert side.wire.sent == [REFRESH]


async def test_a_refresh_whose_answer_was_lost_is_asked_for_again(side: Side) -> None:
    side.shopify.clock.move(hours=2)
    side.shopify.control.add_fault(kind="dropped", on="token")
    found = await token(side)
    assert (await side.client.ask(CANDLES, *COUNTS, 10)).data["shop"]["name"] == "Corner Candles"
    assert await token(side) == found
    assert side.wire.sent.count(REFRESH) == 2


async def test_a_refresh_that_failed_twice_is_taken_up_by_the_next(side: Side) -> None:
    side.shopify.clock.move(hours=2)
    side.shopify.control.add_fault(kind="dropped", on="token", times=2)
    with pytest.raises(ShopifyUnavailable):
        await token(side)
    assert (await token(side)).startswith("shpat_")
    assert side.waits == []  # the right to refresh was given back


async def test_a_token_that_still_lasts_does_while_shopify_is_away(side: Side) -> None:
    first = await token(side)
    side.shopify.clock.move(minutes=56)
    side.shopify.control.add_fault(kind="server_error", on="token", times=None)
    assert await token(side) == first
    side.shopify.clock.move(minutes=5)
    with pytest.raises(ShopifyUnavailable):
        await token(side)


async def test_an_expired_refresh_token_means_to_connect_again(side: Side) -> None:
    side.shopify.clock.move(days=91)
    with pytest.raises(ReconnectNeeded):
        await token(side)
    assert not (await side.row(CANDLES)).is_active
    with pytest.raises(ReconnectNeeded):
        await token(side)
    assert side.wire.sent == [REFRESH]  # nobody asks a second time
    await side.install(CANDLES)
    assert (await token(side)).startswith("shpat_")


async def test_a_refresh_token_past_its_end_is_over_whatever_shopify_calls_it(side: Side) -> None:
    http = Script(reply({"error": "invalid_request"}, 400)).http()
    oauth = OAuth(http, Addresses(), "id", ClientSecrets(("hush",)), SCOPES)
    clock = side.shopify.clock
    access = ShopAccess(
        *(side.integrations, side.cipher, oauth), *(clock.today, clock.now, side.sleep)
    )
    clock.move(days=89)
    with pytest.raises(ShopifyUnavailable):
        await access.token(CANDLES, 10)
    clock.move(days=2)
    with pytest.raises(ReconnectNeeded):
        await access.token(CANDLES, 10)


async def test_a_shop_without_tokens_is_not_connected(side: Side) -> None:
    with pytest.raises(NotConnected):
        await side.access.token(COFFEE, 10)


class Forgetful:
    """Integrations that lose the database when a new pair is to be stored."""

    def __init__(self, side: Side) -> None:
        self._inner = side.integrations

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def store_refreshed(self, seen: Integration, tokens: SealedTokens) -> bool:
        raise StoreUnavailable("gone")


async def test_a_pair_that_could_not_be_stored_is_not_used(side: Side) -> None:
    side.shopify.clock.move(hours=2)
    inner = side.integrations
    side.integrations = Forgetful(side)  # type: ignore[assignment]
    side.__post_init__()
    with pytest.raises(StoreUnavailable):
        await token(side)
    side.integrations = inner
    side.__post_init__()
    await inner.db.execute(sql("UPDATE merchant_integrations SET refreshing_until = now()"))
    assert (await side.client.ask(CANDLES, *COUNTS, 10)).data["shop"]["name"] == "Corner Candles"


class Overtaken(Forgetful):
    """Integrations where the merchant installs again just before a new pair is stored."""

    def __init__(self, side: Side) -> None:
        super().__init__(side)
        self._install = side.install

    async def store_refreshed(self, seen: Integration, tokens: SealedTokens) -> bool:
        await self._install(CANDLES)
        return await self._inner.store_refreshed(seen, tokens)


async def test_a_refresh_that_was_overtaken_gives_the_token_that_is_stored(side: Side) -> None:
    side.shopify.clock.move(hours=2)
    inner = side.integrations
    side.integrations = Overtaken(side)  # type: ignore[assignment]
    side.__post_init__()
    found = await token(side)
    row = await inner.find(CANDLES)
    assert row is not None
    assert found == await side.cipher.open(str(row.api_key), row.merchant_id, "api_key")


async def test_whoever_waits_for_a_dead_refresher_takes_over_after_its_lease(side: Side) -> None:
    side.shopify.clock.move(hours=2)
    seen = await side.row(CANDLES)
    assert await side.integrations.claim_refresh(seen, new_id(), LEASE)
    with pytest.raises(ShopifyUnavailable):
        await token(side, time_left_s=1)
    assert sum(side.waits) <= 1
    assert side.wire.sent == []
    await side.integrations.db.execute(
        sql("UPDATE merchant_integrations SET refreshing_until = clock_timestamp()")
    )
    assert (await token(side)).startswith("shpat_")


async def test_an_early_refresh_by_another_makes_nobody_wait(side: Side) -> None:
    first = await token(side)
    side.shopify.clock.move(minutes=56)
    assert await side.integrations.claim_refresh(await side.row(CANDLES), new_id(), LEASE)
    assert await token(side) == first
    assert side.waits == []


async def test_a_refresh_that_comes_after_a_new_installation_changes_nothing(side: Side) -> None:
    seen = await side.row(CANDLES)
    merchant = seen.merchant_id
    grant = await side.oauth.refresh(
        CANDLES, await side.cipher.open(str(seen.refresh_token), merchant, "refresh_token"), 5
    )
    await side.install(CANDLES)
    installed = await side.row(CANDLES)
    late = await side.access.seal(merchant, grant)
    assert not await side.integrations.store_refreshed(seen, late)
    await side.integrations.end(seen)
    assert await side.row(CANDLES) == installed


async def test_a_claim_is_one_processes_until_it_is_given_back_or_over(side: Side) -> None:
    seen, one, other = await side.row(CANDLES), new_id(), new_id()
    claim = side.integrations.claim_refresh
    assert await claim(seen, one, LEASE)
    assert await claim(seen, one, LEASE)  # a repeat after a lost reply
    assert not await claim(seen, other, LEASE)
    await side.integrations.release_refresh(seen.merchant_id, other)  # not the other's to give
    assert not await claim(seen, other, LEASE)
    await side.integrations.release_refresh(seen.merchant_id, one)
    assert await claim(seen, other, timedelta(0))
    assert await claim(seen, one, LEASE)


async def test_a_stored_token_without_an_end_works_until_it_is_refused(side: Side) -> None:
    await side.integrations.db.execute(
        sql("UPDATE merchant_integrations SET refresh_token = NULL, expires_at = NULL")
    )
    side.shopify.clock.move(minutes=59)
    refused = await side.access.token(CANDLES, 10)
    with pytest.raises(ReconnectNeeded):
        await side.access.token(CANDLES, 10, refused=refused)
    assert not (await side.row(CANDLES)).is_active


async def test_a_pair_is_stored_again_after_a_lost_reply(side: Side) -> None:
    seen = await side.row(CANDLES)
    plain = await side.cipher.open(str(seen.refresh_token), seen.merchant_id, "refresh_token")
    pair = await side.access.seal(seen.merchant_id, await side.oauth.refresh(CANDLES, plain, 5))
    assert await side.integrations.store_refreshed(seen, pair)
    assert await side.integrations.store_refreshed(seen, pair)
    assert (await side.row(CANDLES)).api_key == pair.api_key


async def test_no_token_is_in_the_database_as_text(side: Side, db: Database) -> None:
    rows = await db.rows(sql("SELECT i::text AS text FROM merchant_integrations i"))
    assert len(rows) == 1
    assert "shpat_" not in rows[0]["text"]
    assert "shprt_" not in rows[0]["text"]
