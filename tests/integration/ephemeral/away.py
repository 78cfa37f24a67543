"""A Redis that is not there, and a clock that is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster


async def gone() -> Redis | RedisCluster:
    raise ConnectionRefusedError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now
