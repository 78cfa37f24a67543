"""Token buckets: shared through Redis, by its clock; alone and at half the rate without it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cj.ephemeral import Ephemeral, Limits, Rate

from tests.integration.ephemeral.away import Clock, gone

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

SLOW = Rate.per_hour(1, burst=5)


@pytest.fixture
def limits(ephemeral: Ephemeral) -> Limits:
    return Limits(ephemeral)


async def moment_us(client: Redis | RedisCluster) -> int:
    """Redis's own, of the node that has the bucket."""
    script = "local t = redis.call('TIME') return t[1] * 1000000 + t[2]"
    return int(await client.execute_command("EVAL", script, 1, "rl:me:talk"))


def test_a_rate_is_said_as_people_say_it() -> None:
    assert Rate.per_minute(30, 5) == Rate(burst=5, per_s=0.5)
    assert Rate.per_hour(10) == Rate(burst=10, per_s=10 / 3600)
    assert Rate.per_minute(60).burst == 60


async def test_a_burst_is_allowed_and_then_one_waits(limits: Limits) -> None:
    assert [await limits.take("talk", "me", SLOW) for _ in range(5)] == [0] * 5
    waits_ms = [await limits.take("talk", "me", SLOW) for _ in range(3)]
    assert all(3_500_000 < wait_ms <= 3_600_000 for wait_ms in waits_ms)


async def test_everybody_has_a_bucket_for_everything(limits: Limits) -> None:
    once = Rate.per_hour(1)
    for what, who in [("talk", "me"), ("talk", "you"), ("connect", "me")]:
        assert await limits.take(what, who, once) == 0
        assert await limits.take(what, who, once) > 0


async def test_what_was_not_used_is_given_back_once(limits: Limits) -> None:
    for _ in range(5):
        await limits.take("talk", "me", SLOW)
    await limits.give_back("talk", "me", SLOW)
    assert await limits.take("talk", "me", SLOW) == 0
    assert await limits.take("talk", "me", SLOW) > 0


async def test_a_bucket_never_holds_more_than_its_burst(limits: Limits) -> None:
    for _ in range(3):
        await limits.give_back("talk", "me", SLOW)
    await limits.take("talk", "me", SLOW)
    for _ in range(3):
        await limits.give_back("talk", "me", SLOW)
    allowed = [await limits.take("talk", "me", SLOW) for _ in range(7)]
    assert allowed.count(0) == 5


async def test_who_waits_as_told_is_let_in(limits: Limits) -> None:
    quick = Rate(burst=1, per_s=20)
    assert await limits.take("talk", "me", quick) == 0
    for _ in range(5):
        while wait_ms := await limits.take("talk", "me", quick):
            assert wait_ms <= 50
            await asyncio.sleep(wait_ms / 1000)


async def test_however_many_ask_the_rate_is_kept(
    limits: Limits, client: Redis | RedisCluster
) -> None:
    rate = Rate(burst=3, per_s=100)
    began_us = await moment_us(client)
    waits = await asyncio.gather(*(limits.take("talk", "me", rate) for _ in range(200)))
    took_us = await moment_us(client) - began_us
    assert 3 <= waits.count(0) <= 3 + took_us / rate.token_us


async def test_a_bucket_is_forgotten_when_it_is_full(
    limits: Limits, client: Redis | RedisCluster
) -> None:
    await limits.take("talk", "me", Rate.per_minute(1, 2))
    assert 0 < await client.pttl("rl:me:talk") <= 60_000
    await limits.take("talk", "me", Rate.per_minute(1, 2))
    assert 60_000 < await client.pttl("rl:me:talk") <= 120_000
    await limits.give_back("talk", "me", Rate.per_minute(1, 2))
    assert await client.pttl("rl:me:talk") > 0


async def test_without_redis_a_process_allows_half_the_rate() -> None:
    clock = Clock()
    limits, rate = Limits(Ephemeral(gone), clock), Rate(burst=2, per_s=1)
    assert [await limits.take("talk", "me", rate) for _ in range(3)] == [0, 0, 2_000]
    clock.now = 1.5
    assert await limits.take("talk", "me", rate) == 500
    assert await limits.take("talk", "you", rate) == 0
    clock.now = 2
    assert [await limits.take("talk", "me", rate) for _ in range(2)] == [0, 2_000]
    await limits.give_back("talk", "me", rate)
    assert await limits.take("talk", "me", rate) == 0
    await limits.give_back("talk", "nobody", rate)
    clock.now = 1_000
    assert [await limits.take("talk", "me", rate) for _ in range(3)] == [0, 0, 2_000]


async def test_over_a_long_time_half_the_rate_is_what_comes_through() -> None:
    clock = Clock()
    limits, rate = Limits(Ephemeral(gone), clock), Rate.per_minute(20, 5)
    allowed = 0
    for second in range(3_600):
        clock.now = float(second)
        allowed += await limits.take("talk", "me", rate) == 0
    assert 600 <= allowed <= 605


async def test_without_redis_full_buckets_are_not_kept() -> None:
    clock = Clock()
    limits, rate = Limits(Ephemeral(gone), clock), Rate(burst=1, per_s=1)
    for who in range(10_000):
        await limits.take("talk", str(who), rate)
    clock.now = 10
    await limits.take("talk", "me", rate)
    assert len(limits._full_at) == 1
