"""The proxy does to a connection what its fault says, and nothing when it is well."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisGone

from tests.proxy import ANY_REPLY, Proxy, through

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1024):
            writer.write(data)
    except OSError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """In front of a server that says everything back."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1], reply=ANY_REPLY) as running:
        yield running
    server.close()


class Line:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy

    async def __aenter__(self) -> Line:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    async def say(self, text: bytes, within_s: float = 5) -> bytes:
        self.writer.write(text)
        return await asyncio.wait_for(self.reader.readexactly(len(text)), within_s)


async def test_a_healthy_proxy_passes_everything_on(proxy: Proxy) -> None:
    async with Line(proxy) as line:
        assert await line.say(b"x" * 100_000) == b"x" * 100_000


async def test_a_refusing_proxy_resets_what_is_open_and_lets_nobody_in_until_it_is_normal(
    proxy: Proxy,
) -> None:
    port = proxy.port
    async with Line(proxy) as line:
        await line.say(b"one")
        await proxy.refuse()
        with pytest.raises(ConnectionResetError):
            await line.say(b"two")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await proxy.normal()
    assert proxy.port == port
    async with Line(proxy) as line:
        assert await line.say(b"three") == b"three"


async def test_a_black_hole_takes_everything_and_its_connections_end_with_it(proxy: Proxy) -> None:
    async with Line(proxy) as line:
        proxy.silent = True
        with pytest.raises(TimeoutError):
            await line.say(b"lost", within_s=0.1)
        await proxy.normal()
        with pytest.raises(ConnectionResetError):
            await line.reader.read()


async def test_a_reply_is_cut_off_after_so_many_bytes(proxy: Proxy) -> None:
    async with Line(proxy) as line:
        proxy.reset_after = 5
        line.writer.write(b"0123456789")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await line.reader.readexactly(6)
    assert proxy.reset_after is None
    async with Line(proxy) as line:
        assert await line.say(b"0123456789") == b"0123456789"


async def test_a_slow_proxy_takes_its_time_in_both_directions(proxy: Proxy) -> None:
    proxy.delay_s = 0.05
    loop = asyncio.get_running_loop()
    async with Line(proxy) as line:
        began = loop.time()
        assert await line.say(b"slowly") == b"slowly"
    assert loop.time() - began >= 2 * proxy.delay_s


async def test_only_the_connection_whose_reply_is_lost_is_reset(proxy: Proxy) -> None:
    async with Line(proxy) as unlucky, Line(proxy) as lucky:
        await lucky.say(b"one")
        proxy.losing_replies = 1
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await unlucky.say(b"two")
        assert await lucky.say(b"three") == b"three"
    assert proxy.lost_replies == 1


async def test_the_server_may_come_back_on_another_port(proxy: Proxy) -> None:
    moved = await asyncio.start_server(_echo, "127.0.0.1", 0)
    proxy.target = moved.sockets[0].getsockname()[1]
    async with Line(proxy) as line:
        assert await line.say(b"here") == b"here"
    moved.close()


async def test_redis_has_done_what_it_was_told_when_its_reply_is_lost(redis_url: str) -> None:
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    once = Retry(NoBackoff(), 0)
    async with (
        Proxy(port, reply=ANY_REPLY) as proxy,
        Redis.from_url(through(redis_url, proxy), retry=once) as far,
        Redis.from_url(redis_url) as near,
    ):
        await far.ping()
        proxy.losing_replies = 1
        with pytest.raises(RedisGone):
            await far.incr("counter")
        assert await near.get("counter") == b"1"
