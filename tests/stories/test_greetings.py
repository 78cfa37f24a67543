"""A greeting is an ordinary turn: its row has what it found, and nothing holds it up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from cj.agent.scripted import Scripted
from cj.shopify.keys import KeyFile
from cj.store import Database

from local.shopify.app import Options, Simulator
from tests.shopify.side import CANDLES, Side

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.stories.tab import Tab
    from tests.stories.world import World

COUNTS, RECENT = "get_shopify_store_counts", "get_shopify_recent_orders"


@dataclass
class Shop:
    """A store that is connected, and the person who owns it."""

    world: World
    shopify: Simulator
    owner: str
    settings: dict[str, object]

    async def greet(self, tab: Tab) -> None:
        await tab.parts.greeting.offer(tab.cid, self.owner)
        await self.work()

    async def work(self) -> None:
        await self.world.work(**self.settings)


@pytest.fixture
async def shop(world: World, tmp_path: Path) -> AsyncIterator[Shop]:
    keys = KeyFile.create(tmp_path / "keys.json").path
    db = Database(world.database_url)
    async with Simulator(Options(webhook_path=None)) as shopify:
        side = Side.of(shopify, db, keys)
        await side.install(CANDLES)
        merchant = (await side.row(CANDLES)).merchant_id
        owner = f"usr_{uuid4().hex[:8]}"
        await world.sql(
            "INSERT INTO users (id, merchant_id, shop_domain) VALUES ($1, $2, $3)",
            *(owner, merchant, CANDLES),
        )
        settings = {
            "shopify_api_key": shopify.api_key,
            "shopify_api_secret": shopify.api_secret,
            "shopify_base_url": shopify.url,
            "token_key_file": keys,
        }
        speaks: Any = Scripted()
        world.words = speaks
        yield Shop(world, shopify, owner, settings)
        await side.http.aclose()
        await db.close()


async def tab_of(shop: Shop) -> Tab:
    return await shop.world.tab(owner=shop.owner)


async def test_the_greeting_is_heard_with_its_looks_and_kept_with_what_they_found(
    world: World, shop: Shop
) -> None:
    tab = await tab_of(shop)
    await shop.greet(tab)
    assert [(f["name"], f["status"]) for f in tab.told("tool")] == [
        (COUNTS, "started"),
        (RECENT, "started"),
        (COUNTS, "ok"),
        (RECENT, "ok"),
    ]
    ended = tab.told("tool")[2]
    assert (ended["cached"], ended["call"]) == (False, tab.told("tool")[0]["call"])
    assert ended["ms"] >= 0
    trigger, answer = await world.rows(tab.cid)
    assert (trigger["control"], answer["status"]) == ("trigger", "complete")
    assert answer["text"] == "".join(frame["text"] for frame in tab.told("delta"))
    assert "“Corner Candles” has 7 customers" in answer["text"]
    content, sources = json.loads(answer["content"]), json.loads(answer["sources"])
    blocks = [next(iter(block)) for block in content["blocks"]]
    pair = ["toolUse", "toolResult"]
    assert blocks == ["text", *pair, "text", *pair, "text"]
    said = "".join(block["text"] for block in content["blocks"] if "text" in block)
    assert (content["v"], said) == (1, answer["text"])
    assert [source["tool"] for source in sources] == [COUNTS, RECENT]
    assert {source["window"]["days"] for source in sources} == {60}
    assert sources[0]["as_of"] == ended["as_of"]


async def test_browsers_learn_the_sources_and_never_the_results(world: World, shop: Shop) -> None:
    tab = await tab_of(shop)
    await shop.greet(tab)
    sources = json.loads((await world.rows(tab.cid))[-1]["sources"])
    assert tab.told("done")[-1]["sources"] == sources
    for cold in (False, True):
        if cold:
            await world.flush()
        later = await world.tab(owner=shop.owner, cid=tab.cid)
        shown = later.told("ready")[0]["messages"][-1]
        assert shown["sources"] == sources
        for frame in (*tab.frames, *later.frames):
            assert not {"toolResult", "numberOfOrders", "content"} & set(
                json.dumps(frame).replace('"', " ").split()
            )


async def test_a_greeting_is_made_again_when_the_merchant_asks(world: World, shop: Shop) -> None:
    tab = await tab_of(shop)
    await shop.greet(tab)
    shop.shopify.control.change_order(shop=CANDLES, name="#1008", current_total="1234.56")
    await tab.parts.ephemeral.do("DEL", f"shop:{{{CANDLES}}}:recent_orders")
    first = tab.told("done")[-1]["message_id"]
    assert (await tab.send("retry", cid=tab.cid, of=first))["type"] == "ack"
    await shop.work()
    again = (await world.rows(tab.cid))[-1]
    assert again["text"].startswith("Welcome!")
    assert "1,234.56 EUR" in again["text"]
    cached = {s["tool"]: s["cached"] for s in json.loads(again["sources"])}
    assert cached == {COUNTS: True, RECENT: False}


async def test_shopify_that_never_answers_does_not_keep_the_greeting(
    world: World, shop: Shop
) -> None:
    shop.shopify.control.add_fault(kind="hang", on="graphql", times=None)
    shop.settings["turn_deadline_s"] = 2.5
    tab = await tab_of(shop)
    await shop.greet(tab)
    answer = (await world.rows(tab.cid))[-1]
    assert answer["status"] == "complete"
    assert answer["text"].startswith("Welcome!")
    assert "trouble accessing your store data right now" in answer["text"]
    assert [f["status"] for f in tab.told("tool")] == ["started"] * 2 + ["error"] * 2
    assert answer["sources"] is None
    blocks = json.loads(answer["content"])["blocks"]
    assert [b["toolResult"]["status"] for b in blocks if "toolResult" in b] == ["error"] * 2


async def test_the_first_words_are_heard_while_shopify_thinks(world: World, shop: Shop) -> None:
    shop.shopify.control.add_fault(kind="hang", on="graphql", times=None)
    tab = await tab_of(shop)
    await tab.parts.greeting.offer(tab.cid, shop.owner)
    running = asyncio.create_task(world.turn(world.events.queued.pop(0), **shop.settings))
    assert (await tab.hears("delta"))["text"].startswith("Welcome!")
    await tab.hears("tool", 2)
    assert not running.done()
    stopping = await tab.send("stop", cid=tab.cid, turn=tab.told("delta")[0]["turn"])
    assert stopping["type"] == "ack"
    await running
    answer = (await world.rows(tab.cid))[-1]
    assert (answer["status"], answer["content"]) == ("stopped", None)


async def test_a_store_that_is_not_connected_any_more_is_not_looked_into(
    world: World, shop: Shop
) -> None:
    await world.sql("UPDATE merchant_integrations SET is_active = false")
    tab = await tab_of(shop)
    await shop.greet(tab)
    await tab.say("How many orders did I get?")
    await shop.work()
    greeting, answer = [r for r in await world.rows(tab.cid) if r["role"] == "assistant"]
    for row in (greeting, answer):
        assert "I can't see a store's numbers right now" in row["text"]
        assert (row["content"], row["sources"]) == (None, None)
    assert tab.told("tool") == []


async def test_a_worker_that_lacks_the_shopify_settings_answers_all_the_same(
    world: World, shop: Shop
) -> None:
    shop.settings.clear()
    tab = await tab_of(shop)
    await shop.greet(tab)
    answer = (await world.rows(tab.cid))[-1]
    assert answer["status"] == "complete"
    assert "I can't see a store's numbers right now" in answer["text"]


async def test_nobody_elses_conversation_looks_into_the_store(world: World, shop: Shop) -> None:
    stranger = await world.tab()
    await stranger.say(f"How many orders does {CANDLES} have?")
    await shop.work()
    assert "can't see a store's numbers" in (await world.rows(stranger.cid))[-1]["text"]
    assert stranger.told("tool") == []


async def test_without_postgresql_nothing_is_looked_up(world: World, shop: Shop) -> None:
    tab = await tab_of(shop)
    await tab.say("Hello")
    await shop.work()
    await world.postgres.refuse()
    await tab.say("How many orders did I get?")
    await shop.work()
    assert tab.told("tool") == []
    assert "can't see a store's numbers" in "".join(f["text"] for f in tab.told("delta"))


async def test_an_answer_that_outlives_postgresql_keeps_its_sources(
    world: World, shop: Shop
) -> None:
    tab = await tab_of(shop)
    shop.shopify.control.add_fault(kind="slow", on="graphql", times=2, seconds=1)
    await tab.say("How many orders did I get?")
    running = asyncio.create_task(world.turn(world.events.queued.pop(0), **shop.settings))
    await tab.hears("tool")
    await _until_shopify_is_asked(shop)
    await world.postgres.refuse()
    await running
    done = tab.told("done")[-1]
    assert (done["durable"], [s["tool"] for s in done["sources"]]) == (False, [COUNTS, RECENT])
    await world.outage_is_over()
    await tab.resume(0)
    await shop.work()
    answer = (await world.rows(tab.cid))[-1]
    assert json.loads(answer["sources"]) == done["sources"]
    assert "toolResult" in answer["content"]


async def _until_shopify_is_asked(shop: Shop) -> None:
    """Both questions are with the store, under the token that PostgreSQL gave: no fault is left."""
    async with asyncio.timeout(20):
        while shop.shopify.world.faults.switched_on:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
