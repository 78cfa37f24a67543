"""The client: the same on one server and on a cluster, and left alone when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest
from cj.ephemeral import Buffer, Ephemeral, connect
from cj.errors import EphemeralUnavailable
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import DataError

from local.servers.valkey import Valkey
from tests.integration.ephemeral.said import OWNER, said
from tests.proxy import ANY_REPLY, Proxy, through

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from uuid import UUID

    from local.servers.found import Found

CID = said().id


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[Proxy]:
    """In front of the single server."""
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    async with Proxy(port, reply=ANY_REPLY) as proxy:
        yield proxy


@pytest.fixture
async def far(proxy: Proxy, redis_url: str) -> AsyncIterator[Ephemeral]:
    """By way of the proxy, connected already."""
    client = await connect(through(redis_url, proxy), "no")

    async def connected() -> Redis | RedisCluster:
        return client

    far = Ephemeral(connected)
    await far.ask("PING")
    yield far
    await client.aclose()


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


@pytest.mark.parametrize("cluster", ["auto", "no", "yes"])
async def test_a_redis_that_is_gone_is_left_alone_for_a_while(cluster: str) -> None:
    now, asked = [100.0], []
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody_listens.getsockname()[1]}"

        async def connected() -> Redis | RedisCluster:
            asked.append(now[0])
            return await connect(url, cluster)

        gone = Ephemeral(connected, clock=lambda: now[0])
        assert not gone.down
        with pytest.raises(EphemeralUnavailable):
            await gone.ask("GET", "key")
        assert gone.down
        with pytest.raises(EphemeralUnavailable):
            await gone.ask("GET", "key")
        assert await gone.do("GET", "key") is None
        assert asked == [100.0]
        now[0] += 6
        assert not gone.down
        assert await gone.do("GET", "key") is None
        assert asked == [100.0, 106.0]


async def test_a_silent_redis_costs_one_wait_and_nothing_within_the_pause(
    far: Ephemeral, proxy: Proxy
) -> None:
    proxy.silent = True
    with pytest.raises(EphemeralUnavailable):
        await far.ask("GET", "key")
    seen = proxy.accepted, proxy.round_trips
    for _ in range(100):
        assert await far.do("GET", "key") is None
    assert (proxy.accepted, proxy.round_trips) == seen


async def test_a_write_whose_reply_is_lost_is_sent_again_and_happens_once(
    far: Ephemeral, proxy: Proxy
) -> None:
    buffer, entry = Buffer(far), said()
    await far.ask("HSET", f"{{{CID}}}:conv", "owner", OWNER, "workflow", "w")
    for lost in range(1, 4):
        proxy.losing_replies = 1
        assert (await buffer.say(CID, OWNER, entry, None, 5)).outcome == "new"
        assert proxy.lost_replies == lost
    assert await buffer.unsaved(CID) == [entry]


async def test_the_reply_to_a_question_that_was_given_up_is_nobody_else_s(
    far: Ephemeral, proxy: Proxy
) -> None:
    for i in range(6):
        await far.ask("SET", f"k{i}", str(i))
    proxy.delay_s = 0.03
    for wait_s in (0.0, 0.01, 0.02, 0.04, 0.05, 0.055):  # on the way there, and on the way back
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(far.ask("GET", "k0"), wait_s)
    answers = await asyncio.gather(*(far.ask("GET", f"k{i}") for i in range(6)))
    assert answers == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    "state",
    [
        "LOADING Redis is loading the dataset in memory",
        "CLUSTERDOWN Hash slot not served",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "MOVED 1 127.0.0.1:1",
        "BUSY Redis is busy running a script.",
        "NOAUTH Authentication required.",
        "ERR max number of clients reached",
    ],
)
async def test_a_server_that_has_other_worries_counts_as_down(state: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            for command in data.split(b"*")[1:]:
                hello = b"%1\r\n+proto\r\n:3\r\n"
                writer.write(hello if b"HELLO" in command else f"-{state}\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    client = await connect(url, "no")

    async def connected() -> Redis | RedisCluster:
        return client

    worried = Ephemeral(connected)
    with pytest.raises(EphemeralUnavailable):
        await worried.ask("GET", "key")
    assert worried.down
    await client.aclose()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("state", ["full", "read-only"])
async def test_a_redis_that_takes_no_writes_counts_as_down(
    state: str, tmp_path: Path, redis_found: Found
) -> None:
    with Valkey(tmp_path, found=redis_found) as server:
        client = await connect(server.url, "no")

        async def connected() -> Redis | RedisCluster:
            return client

        cid = CID
        await client.hset(f"{{{cid}}}:conv", mapping={"owner": OWNER, "workflow": "w"})
        if state == "full":
            await client.config_set("maxmemory", "1")
        else:
            await client.replicaof("127.0.0.1", 1)
        for write in (
            Ephemeral.ask(alone := Ephemeral(connected), "SET", "key", "value"),
            Buffer(full := Ephemeral(connected)).say(cid, OWNER, said(), None, 5),
        ):
            with pytest.raises(EphemeralUnavailable):
                await write
        assert alone.down
        assert full.down
        await client.aclose()


async def test_one_key_of_another_kind_is_a_miss_and_no_outage(
    ephemeral: Ephemeral, client: Redis | RedisCluster
) -> None:
    await client.set("list", "not a list")
    with pytest.raises(EphemeralUnavailable):
        await ephemeral.ask("LRANGE", "list", 0, -1)
    with pytest.raises(EphemeralUnavailable):
        await ephemeral.ask("EVAL", "return redis.call('LRANGE', KEYS[1], 0, -1)", 1, "list")
    assert not ephemeral.down
    assert await ephemeral.ask("GET", "list") == "not a list"


async def test_a_mistake_of_ours_is_not_taken_for_an_outage(ephemeral: Ephemeral) -> None:
    nothing: UUID | None = None
    with pytest.raises(DataError):
        await ephemeral.do("GET", nothing)
    assert not ephemeral.down
