"""The parts of a process that live in Redis, over its one client. Built by cj.parts alone."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

from cj.ephemeral import Buffer, Callers, Ephemeral, Erasure, Limits, Live, Outage, Recent, connect

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

    from cj.settings import Settings


class RedisParts:
    """Each part is built when it is first asked for; the first command connects."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._redis: Redis | RedisCluster | None = None
        self._redis_first = asyncio.Lock()
        self.ephemeral = Ephemeral(self._connected_redis)

    async def _connected_redis(self) -> Redis | RedisCluster:
        async with self._redis_first:
            if self._redis is None:
                settings = self.settings
                self._redis = await connect(settings.redis_url, settings.redis_cluster)
        return self._redis

    @functools.cached_property
    def callers(self) -> Callers:
        return Callers(self.ephemeral)

    @functools.cached_property
    def live(self) -> Live:
        return Live(self.ephemeral)

    @functools.cached_property
    def recent(self) -> Recent:
        settings = self.settings
        return Recent(self.ephemeral, settings.redis_cache_ttl, settings.redis_cache_limit)

    @functools.cached_property
    def buffer(self) -> Buffer:
        return Buffer(self.ephemeral, cache_s=self.settings.redis_cache_ttl)

    @functools.cached_property
    def erasure(self) -> Erasure:
        return Erasure(self.ephemeral)

    @functools.cached_property
    def limits(self) -> Limits:
        return Limits(self.ephemeral)

    @functools.cached_property
    def outage(self) -> Outage:
        return Outage(self.ephemeral)
