"""Redis as one server, as a cluster, and with every command sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cj.ephemeral import Buffer, Ephemeral, Live, Recent, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis, RedisCluster

TTL_S, LIMIT = 3600, 15


class SentTwice:
    """What redis-py does when a reply is lost: the command arrives once more."""

    def __init__(self, client: Redis | RedisCluster) -> None:
        self._client = client

    async def execute_command(self, *command: Any, **parsing: Any) -> Any:
        await self._client.execute_command(*command, **parsing)
        return await self._client.execute_command(*command, **parsing)


@pytest.fixture(params=["one server", "cluster", "sent twice"])
def served(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def client(
    served: str, request: pytest.FixtureRequest
) -> AsyncIterator[Redis | RedisCluster]:
    """For a look at what is kept."""
    kind = "redis_cluster_url" if "cluster" in served else "redis_url"
    made = await connect(request.getfixturevalue(kind), "auto")
    yield made
    await made.aclose()


@pytest.fixture
def ephemeral(client: Redis | RedisCluster, served: str) -> Ephemeral:
    async def connected() -> Any:
        return SentTwice(client) if "twice" in served else client

    return Ephemeral(connected)


@pytest.fixture
def live(ephemeral: Ephemeral) -> Live:
    return Live(ephemeral)


@pytest.fixture
def recent(ephemeral: Ephemeral) -> Recent:
    return Recent(ephemeral, TTL_S, LIMIT)


@pytest.fixture
def buffer(ephemeral: Ephemeral) -> Buffer:
    return Buffer(ephemeral)
