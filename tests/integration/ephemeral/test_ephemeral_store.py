"""Answers of stores: kept for a while, and never after the store was forgotten."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cj.shopify.cache import GENERATION_S, QUERIES, Kept, StoreCache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cj.ephemeral import Ephemeral
    from redis.asyncio import Redis, RedisCluster

SHOP, OTHER = "corner-candles.myshopify.com", "harbour-coffee.myshopify.com"
ANSWER = {"as_of": "2026-11-21T12:00:00+00:00", "data": {"shop": {"name": "Corner Candles ☕"}}}


@pytest.fixture
def cache(ephemeral: Ephemeral) -> StoreCache:
    return StoreCache(ephemeral.do)


async def keep(cache: StoreCache, shop: str = SHOP) -> None:
    """An answer to every question."""
    for query in QUERIES:
        generation = (await cache.get(shop, query)).generation
        await cache.put(shop, query, ANSWER, 900, generation)


async def keys(client: Redis | RedisCluster) -> set[str]:
    return {key async for key in client.scan_iter()}


@asynccontextmanager
async def asking(cache: StoreCache, query: str = "counts") -> AsyncIterator[Kept]:
    """A tool call: the store is asked inside, and its answer put at the end."""
    kept = await cache.get(SHOP, query)
    yield kept
    await cache.put(SHOP, query, ANSWER, 900, kept.generation)


async def test_an_answer_is_kept_for_its_time_beside_its_generation(
    cache: StoreCache, client: Redis | RedisCluster
) -> None:
    async with asking(cache) as kept:
        assert kept.value is None
    assert (await cache.get(SHOP, "counts")).value == ANSWER
    assert (await cache.get(SHOP, "overview")).value is None
    assert (await cache.get(OTHER, "counts")).value is None
    assert 890 < await client.ttl(f"shop:{{{SHOP}}}:counts") <= 900
    assert 0 < await client.ttl(f"shop:{{{SHOP}}}:generation") <= GENERATION_S


async def test_a_forgotten_store_leaves_not_even_its_name(
    cache: StoreCache, client: Redis | RedisCluster
) -> None:
    await keep(cache)
    await keep(cache, OTHER)
    assert len([key for key in await keys(client) if SHOP in key]) == len(QUERIES) + 1
    await cache.forget(SHOP)
    assert [key for key in await keys(client) if SHOP in key] == []
    assert (await cache.get(OTHER, "counts")).value == ANSWER


async def test_what_was_asked_before_the_store_was_forgotten_is_not_kept(
    cache: StoreCache, client: Redis | RedisCluster
) -> None:
    async with asking(cache):
        await cache.forget(SHOP)
    assert await keys(client) == set()


async def test_neither_is_it_when_somebody_has_asked_again_since(
    cache: StoreCache, client: Redis | RedisCluster
) -> None:
    async with asking(cache) as early:
        await cache.forget(SHOP)
        async with asking(cache, "overview") as late:
            assert late.generation != early.generation
    assert (await cache.get(SHOP, "counts")).value is None
    assert (await cache.get(SHOP, "overview")).value == ANSWER


async def test_two_who_ask_at_once_both_keep_what_they_found(cache: StoreCache) -> None:
    async with asking(cache), asking(cache, "overview"):
        pass
    assert (await cache.get(SHOP, "counts")).value == ANSWER
    assert (await cache.get(SHOP, "overview")).value == ANSWER


async def test_a_generation_that_redis_has_lost_costs_an_answer_and_no_more(
    cache: StoreCache, client: Redis | RedisCluster
) -> None:
    async with asking(cache):
        await client.delete(f"shop:{{{SHOP}}}:generation")
    assert await keys(client) == set()
    async with asking(cache):
        pass
    assert (await cache.get(SHOP, "counts")).value == ANSWER


async def test_an_answer_outlives_its_generation(
    cache: StoreCache, client: Redis | RedisCluster
) -> None:
    async with asking(cache):
        pass
    await client.delete(f"shop:{{{SHOP}}}:generation")
    assert (await cache.get(SHOP, "counts")).value == ANSWER
    await cache.forget(SHOP)
    assert await keys(client) == set()


async def test_whoever_could_not_look_keeps_nothing(
    cache: StoreCache, client: Redis | RedisCluster
) -> None:
    await cache.put(SHOP, "counts", ANSWER, 900, None)
    assert await keys(client) == set()


async def test_a_look_and_a_keep_are_one_command_each(ephemeral: Ephemeral) -> None:
    sent: list[Any] = []

    async def do(*command: Any) -> Any:
        sent.append(command[0])
        return await ephemeral.do(*command)

    async with asking(StoreCache(do)):
        assert sent == ["EVAL"]
    assert sent == ["EVAL"] * 2
    await StoreCache(do).forget(SHOP)
    assert sent[2:] == ["DEL"]
