"""The one client of a process: guarded, and left alone for a while once Redis has failed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import DataError, RedisClusterException, RedisError

from cj.errors import EphemeralUnavailable
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis, RedisCluster

log = log_of(__name__)

WAIT_S = 3.0  # for one answer, however many attempts and nodes of a cluster it takes
PAUSE_S = 5  # after a failure nobody waits for Redis that long


@dataclass(slots=True)
class Ephemeral:
    """What all processes share for speed. `connect` gives the one client of this process.

    A Redis that fails is left alone for a few seconds, so that one that accepts and never answers
    costs a time-out now and then and not one at every step.
    """

    connect: Callable[[], Awaitable[Redis | RedisCluster]]
    clock: Callable[[], float] = time.time  # a monotonic one stands still while we are frozen
    _paused_until: float = 0.0

    @property
    def down(self) -> bool:
        """It failed a moment ago and is left alone."""
        return 0 < self._paused_until - self.clock() <= PAUSE_S

    async def ask(self, *command: Any, **parsing: Any) -> Any:
        """Redis's answer. Raises EphemeralUnavailable where there is none, whatever the reason:
        gone, silent, read-only, out of memory, in the middle of a failover.
        """
        if self.down:
            raise EphemeralUnavailable("left alone for a moment")
        try:
            client = await self.connect()
            async with asyncio.timeout(WAIT_S):
                return await _heeding_cancellation(client.execute_command(*command, **parsing))
        except DataError:
            raise  # ours: it was never sent
        except (RedisError, RedisClusterException, OSError) as error:
            if not str(error).startswith("WRONGTYPE"):  # one key, left by another version of us
                self._paused_until = self.clock() + PAUSE_S
            kind = type(error).__name__
            log.warning("redis failed", extra={"verb": command[0], "kind": kind})
            raise EphemeralUnavailable(kind) from error

    async def do(self, *command: Any, **parsing: Any) -> Any:
        """The same, and None where there is no answer."""
        try:
            return await self.ask(*command, **parsing)
        except EphemeralUnavailable:
            return None


async def _heeding_cancellation(answering: Awaitable[Any]) -> Any:
    """redis-py sends inside asyncio.wait_for, which before Python 3.12 now and then swallows a
    cancellation: whoever cancelled would wait for ever for somebody who goes on.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    answer = await answering
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
    return answer


async def connect(url: str, cluster: str) -> Redis | RedisCluster:
    """A client for one server or a cluster; `cluster` is yes, no or auto (ask the server).

    A cluster's is connected when this returns: to learn what it looks like takes a while.
    """
    from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
    from redis.asyncio.retry import Retry
    from redis.backoff import FullJitterBackoff

    options: dict[str, Any] = {
        "socket_connect_timeout": 0.5,
        "socket_timeout": 1,
        "protocol": 3,
        "decode_responses": True,
        "encoding_errors": "replace",  # what is no text is found where it is read
        "retry": Retry(FullJitterBackoff(cap=0.2, base=0.02), 1),
    }
    if cluster != "yes":
        pool = BlockingConnectionPool.from_url(url, max_connections=4, timeout=1, **options)
        single: Redis = Redis.from_pool(pool)
        if cluster == "no" or not await _is_cluster(single):
            return single
    return await RedisCluster.from_url(url, **options).initialize()


async def _is_cluster(single: Redis) -> bool:
    """Asks the server. The connection is closed unless it is the one to keep."""
    enabled = True
    try:
        enabled = bool((await single.info("cluster"))["cluster_enabled"])
    finally:
        if enabled:
            await single.aclose()
    return enabled
