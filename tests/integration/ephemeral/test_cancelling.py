"""Whoever is cancelled while Redis answers ends: a worker that held its lease on would never."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from cj.ephemeral import Ephemeral, connect

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster


async def test_a_cancellation_is_heeded_at_whatever_moment_it_comes(redis_url: str) -> None:
    client = await connect(redis_url, "no")

    async def connected() -> Redis | RedisCluster:
        return client

    ephemeral, random = Ephemeral(connected), Random(1)

    async def hold() -> None:
        while True:
            await ephemeral.do("SET", "lease", "held")

    for _ in range(200):
        holding = asyncio.create_task(hold())
        await asyncio.sleep(random.random() * 0.003)
        holding.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait({holding})
    await client.aclose()
