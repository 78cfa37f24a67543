"""The breaker: one knows, all know; one of all is let through to try."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cj.ephemeral import Ephemeral, Outage, connect

from tests.integration.ephemeral.away import Clock, gone

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

LONG_S = 3_600


@pytest.fixture
def process(ephemeral: Ephemeral) -> Outage:
    """It looks every time, and nobody is let through to try."""
    return Outage(ephemeral, look_s=0, try_s=LONG_S)


@pytest.fixture
def other(ephemeral: Ephemeral) -> Outage:
    return Outage(ephemeral, look_s=0, try_s=LONG_S)


async def test_what_one_process_met_all_know_until_it_is_over(
    process: Outage, other: Outage, client: Redis | RedisCluster
) -> None:
    assert not await process.known()
    assert not await other.known()
    await process.happened()
    assert await process.known()
    assert await other.known()
    assert 0 < await client.ttl("outage") <= 30
    await other.over()
    assert not await other.known()
    assert not await process.known()


async def test_an_outage_nobody_tells_of_any_more_is_forgotten(
    process: Outage, client: Redis | RedisCluster
) -> None:
    await process.happened()
    await client.expire("outage", 5)
    await process.happened()
    assert await client.ttl("outage") > 5
    await client.delete("outage")
    assert not await process.known()


async def test_redis_is_asked_once_in_a_while(ephemeral: Ephemeral) -> None:
    clock = Clock()
    watcher = Outage(ephemeral, clock, look_s=1, try_s=LONG_S)
    teller = Outage(ephemeral, look_s=0, try_s=LONG_S)
    assert not await watcher.known()
    await teller.happened()
    assert not await watcher.known()
    clock.now = 1
    assert await watcher.known()
    await teller.over()
    assert await watcher.known()
    clock.now = 2
    assert not await watcher.known()


async def test_who_is_let_through_leaves_it_alone_until_that_is_answered(
    ephemeral: Ephemeral,
) -> None:
    clock = Clock()
    process = Outage(ephemeral, clock, look_s=1, try_s=0)
    await process.happened()
    clock.now = 1
    assert not await process.known()
    assert await process.known()
    await process.over()
    assert not await process.known()


async def test_an_end_nobody_waited_for_costs_nothing() -> None:
    asked = []

    async def connected() -> Redis | RedisCluster:
        asked.append(1)
        raise ConnectionRefusedError

    process = Outage(Ephemeral(connected))
    await process.over()
    assert asked == []


async def test_of_twenty_processes_one_at_a_time_is_let_through_to_try(redis_url: str) -> None:
    clients = [await connect(redis_url, "no") for _ in range(20)]
    try_s, tries = 0.1, 0

    def on(client: Redis | RedisCluster) -> Outage:
        async def connected() -> Redis | RedisCluster:
            return client

        return Outage(Ephemeral(connected), look_s=0, try_s=try_s)

    processes = [on(client) for client in clients]
    await asyncio.gather(*(process.happened() for process in processes))
    began = await clients[0].time()
    async with asyncio.timeout(30):
        while tries < 4:
            said = await asyncio.gather(*(process.known() for process in processes))
            tries += said.count(False)
    ended = await clients[0].time()
    passed_s = ended[0] - began[0] + (ended[1] - began[1]) / 1_000_000
    assert tries <= passed_s / try_s + 1
    for client in clients:
        await client.aclose()


async def test_without_redis_each_process_knows_what_it_met() -> None:
    clock = Clock()
    process = Outage(Ephemeral(gone), clock, look_s=1, try_s=2)
    assert not await process.known()
    await process.happened()
    clock.now = 1.5
    assert await process.known()
    clock.now = 2.5
    assert not await process.known()
    assert await process.known()
    clock.now = 3.6
    assert await process.known()
    clock.now = 4.7
    assert not await process.known()
    await process.over()
    assert not await process.known()
