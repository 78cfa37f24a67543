"""Redis: the same on one server and on a cluster, and a miss when it is gone."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from cj.domain.turns import Caller
from cj.ephemeral import Ephemeral, connect
from redis.asyncio import Redis, RedisCluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CALLER = Caller("conn=", "anon_1", None, "hash")


@pytest.fixture(params=["redis_url", "redis_cluster_url"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Redis | RedisCluster]:
    made = await connect(request.getfixturevalue(request.param), "auto")
    yield made
    await made.aclose()


@pytest.fixture
def ephemeral(client: Redis | RedisCluster) -> Ephemeral:
    async def connected() -> Redis | RedisCluster:
        return client

    return Ephemeral(connected)


async def test_a_cluster_is_recognised_by_asking(redis_url: str, redis_cluster_url: str) -> None:
    for url, cluster, kind in [
        (redis_url, "auto", Redis),
        (redis_url, "no", Redis),
        (redis_cluster_url, "auto", RedisCluster),
        (redis_cluster_url, "yes", RedisCluster),
    ]:
        made = await connect(url, cluster)
        assert isinstance(made, kind)
        await made.aclose()


async def test_a_caller_is_known_while_the_session_is_fresh(
    ephemeral: Ephemeral, client: Redis | RedisCluster
) -> None:
    assert await ephemeral.caller("conn=") is None
    await ephemeral.remember_caller(CALLER)
    assert await ephemeral.caller("conn=") == CALLER
    assert 0 < await client.ttl("sess:hash") <= 30
    await client.delete("sess:hash")
    assert await ephemeral.caller("conn=") is None


async def test_a_forgotten_connection_is_known_nowhere(ephemeral: Ephemeral) -> None:
    cid, turn = uuid4(), uuid4()
    await ephemeral.remember_caller(CALLER)
    await ephemeral.watch(cid, "conn=")
    await ephemeral.watch(cid, "other=")
    await ephemeral.forget_connection("conn=", cid)
    assert await ephemeral.caller("conn=") is None
    assert await ephemeral.append_chunk(cid, turn, 1, 0, "x") == {"other="}


async def test_a_chunk_that_is_sent_twice_is_kept_once(
    ephemeral: Ephemeral, client: Redis | RedisCluster
) -> None:
    cid, turn = uuid4(), uuid4()
    for i, text in [(0, "one "), (0, "one "), (1, "two"), (0, "one ")]:
        await ephemeral.append_chunk(cid, turn, 4, i, text)
    key = f"{{{cid}}}:turn:{turn}:4"
    assert await client.lrange(key, 0, -1) == ["one ", "two"]
    assert await client.ttl(key) > 0


async def test_everything_that_is_kept_may_vanish_by_itself(
    ephemeral: Ephemeral, client: Redis | RedisCluster
) -> None:
    cid = uuid4()
    await ephemeral.remember_caller(CALLER)
    await ephemeral.watch(cid, "conn=")
    await ephemeral.append_chunk(cid, uuid4(), 1, 0, "x")
    keys = [key async for key in client.scan_iter()]
    assert len(keys) == 5
    assert all([await client.ttl(key) > 0 for key in keys])


async def test_a_connection_that_moves_on_hears_nothing_of_where_it_was(
    ephemeral: Ephemeral,
) -> None:
    first, second = uuid4(), uuid4()
    await ephemeral.watch(first, "conn=")
    await ephemeral.watch(first, "conn=")
    assert await ephemeral.append_chunk(first, uuid4(), 1, 0, "x") == {"conn="}
    await ephemeral.watch(second, "conn=")
    assert await ephemeral.append_chunk(first, uuid4(), 1, 0, "x") == set()
    assert await ephemeral.append_chunk(second, uuid4(), 1, 0, "x") == {"conn="}


async def test_what_a_running_answer_has_said_can_be_read(ephemeral: Ephemeral) -> None:
    cid, turn = uuid4(), uuid4()
    assert await ephemeral.chunks(cid, turn, 4) == []
    await ephemeral.append_chunk(cid, turn, 4, 0, "one ")
    await ephemeral.append_chunk(cid, turn, 4, 1, "two")
    assert await ephemeral.chunks(cid, turn, 4) == ["one ", "two"]
    assert await ephemeral.chunks(cid, turn, 5) == []


@pytest.mark.parametrize("cluster", ["auto", "no", "yes"])
async def test_a_redis_that_is_gone_is_a_miss_and_is_left_alone_for_a_while(cluster: str) -> None:
    now, asked = [100.0], []
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody_listens.getsockname()[1]}"

        async def connected() -> Redis | RedisCluster:
            asked.append(now[0])
            return await connect(url, cluster)

        gone = Ephemeral(connected, clock=lambda: now[0])
        await gone.remember_caller(CALLER)
        assert await gone.caller("conn=") is None
        assert await gone.append_chunk(uuid4(), uuid4(), 1, 0, "x") == set()
        assert asked == [100.0]
        now[0] += 6
        assert await gone.caller("conn=") is None
        assert asked == [100.0, 106.0]
