"""Redis: everything here may vanish at any moment, and nothing correct depends on it.

Every key is made here. Keys of one conversation carry the tag {cid}, so that a cluster keeps them
on one node; every Lua script declares its keys. Every write may be repeated by the client after a
reconnect, so every write is idempotent. A failing Redis is a miss, logged once per call.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisClusterException, RedisError

from cj.domain.turns import Caller
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from redis.asyncio import Redis, RedisCluster

log = log_of(__name__)

PAUSE_S = 5  # after a failure nobody waits for Redis that long
CONNECTION_S = 2 * 3600
SESSION_FRESH_S = 30
CHUNKS_S = 15 * 60

# KEYS: 1 chunks of the turn's attempt, 2 connections of the conversation
# ARGV: 1 index, 2 text, 3 seconds to keep
# A repeat of the same index (redis-py may send twice) appends nothing.
APPEND_CHUNK = """
if redis.call('LLEN', KEYS[1]) == tonumber(ARGV[1]) then
    redis.call('RPUSH', KEYS[1], ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return redis.call('SMEMBERS', KEYS[2])
"""


@dataclass(slots=True)
class Ephemeral:
    """What all processes share for speed. `connect` gives the one client of this process.

    A Redis that fails is left alone for a few seconds, so that one that accepts and never answers
    costs a time-out now and then and not one at every step.
    """

    connect: Callable[[], Awaitable[Redis | RedisCluster]]
    clock: Callable[[], float] = time.monotonic
    _paused_until: float = 0.0

    async def remember_caller(self, caller: Caller) -> None:
        """PostgreSQL said just now who speaks on this connection and that the session is good."""
        value = json.dumps([caller.owner_id, caller.user_id, caller.token_hash])
        await self._do("SET", f"conn:{caller.connection_id}", value, "EX", CONNECTION_S)
        await self._do("SET", f"sess:{caller.token_hash}", "good", "EX", SESSION_FRESH_S)

    async def caller(self, connection_id: str) -> Caller | None:
        """Who speaks on this connection, if the session was good 30 s ago; None: ask PostgreSQL."""
        value = await self._do("GET", f"conn:{connection_id}")
        if value is None:
            return None
        caller = Caller(connection_id, *json.loads(value))
        good = await self._do("GET", f"sess:{caller.token_hash}")
        return caller if good == "good" else None

    async def forget_connection(self, connection_id: str, cid: UUID | None = None) -> None:
        """Gone from here at once; a set it is left in forgets it on the first 410."""
        await self._do("DEL", f"conn:{connection_id}")
        if cid is not None:
            await self._do("SREM", f"{{{cid}}}:conns", connection_id)

    async def watch(self, cid: UUID, connection_id: str) -> None:
        """This connection wants what happens in this conversation, and in no other."""
        at = f"at:{connection_id}"
        before = await self._do("SET", at, str(cid), "EX", CONNECTION_S, "GET", get=True)
        if before not in (None, str(cid)):
            await self._do("SREM", f"{{{before}}}:conns", connection_id)
        await self._do("SADD", f"{{{cid}}}:conns", connection_id)
        await self._do("EXPIRE", f"{{{cid}}}:conns", CONNECTION_S)

    async def chunks(self, cid: UUID, turn: UUID, gen: int) -> list[str]:
        """What a running answer has said so far, as far as it is still known."""
        found = await self._do("LRANGE", f"{{{cid}}}:turn:{turn}:{gen}", 0, -1)
        return list(found or ())

    async def append_chunk(self, cid: UUID, turn: UUID, gen: int, i: int, text: str) -> set[str]:
        """Keep a piece of a running answer; gives the connections that watch, as far as known."""
        keys = (f"{{{cid}}}:turn:{turn}:{gen}", f"{{{cid}}}:conns")
        members = await self._do("EVAL", APPEND_CHUNK, len(keys), *keys, i, text, CHUNKS_S)
        return set(members or ())

    async def _do(self, *command: Any, **parsing: Any) -> Any:
        if self.clock() < self._paused_until:
            return None
        try:
            client = await self.connect()
            return await client.execute_command(*command, **parsing)
        except (RedisError, RedisClusterException, OSError) as error:
            self._paused_until = self.clock() + PAUSE_S
            log.warning("redis failed", extra={"verb": command[0], "kind": type(error).__name__})
            return None


async def connect(url: str, cluster: str) -> Redis | RedisCluster:
    """A client for one server or a cluster; `cluster` is yes, no or auto (ask the server)."""
    from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
    from redis.asyncio.retry import Retry
    from redis.backoff import FullJitterBackoff

    options: dict[str, Any] = {
        "socket_connect_timeout": 0.5,
        "socket_timeout": 1,
        "protocol": 3,
        "decode_responses": True,
        "retry": Retry(FullJitterBackoff(cap=0.2, base=0.02), 1),
    }
    if cluster != "yes":
        pool = BlockingConnectionPool.from_url(url, max_connections=4, timeout=1, **options)
        single: Redis = Redis.from_pool(pool)
        if cluster == "no" or not await _is_cluster(single):
            return single
    return RedisCluster.from_url(url, **options)


async def _is_cluster(single: Redis) -> bool:
    """Asks the server. The connection is closed unless it is the one to keep."""
    enabled = True
    try:
        enabled = bool((await single.info("cluster"))["cluster_enabled"])
    finally:
        if enabled:
            await single.aclose()
    return enabled
