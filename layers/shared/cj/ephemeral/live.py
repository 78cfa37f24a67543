"""What happens in a conversation just now: who watches, what CJ is saying, who said stop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.errors import EphemeralUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from cj.ephemeral.client import Ephemeral

CONNECTION_S = 2 * 3600
CHUNKS_S = 15 * 60

# KEYS: 1 at:<connection>: "<the conversation it watches> <the one before>"
# ARGV: 1 conversation, 2 seconds to keep
# Gives the one before, however often it is sent.
MOVE = """
local now, before = string.match(redis.call('GET', KEYS[1]) or '', '^(%S*) ?(%S*)$')
if now ~= ARGV[1] then before = now end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. (before or ''), 'EX', ARGV[2])
return before or ''
"""

# KEYS: 1 connections of the conversation
# ARGV: 1 connection, 2 seconds to keep
WATCH = """
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""

# KEYS: 1 at:<connection>
# ARGV: 1 the conversation it leaves
LEAVE = """
local now = string.match(redis.call('GET', KEYS[1]) or '', '^%S*')
if now == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

# KEYS: 1 chunks of the turn's attempt, 2 connections of the conversation, 3 stop flag,
#       4 tombstone of the conversation, 5 the keys of its turns, for whoever deletes it
# ARGV: 1 how many chunks there were before, 2 seconds to keep, then the new chunks
# Sent twice it appends once. From 0 on it is the whole text: put in place of a part of it.
# A conversation that was deleted keeps nothing, and its worker hears a stop.
APPEND = """
if redis.call('EXISTS', KEYS[4]) == 1 then return {tonumber(ARGV[1]) + #ARGV - 2, 1, {}} end
redis.call('SADD', KEYS[5], KEYS[1], KEYS[3])
redis.call('EXPIRE', KEYS[5], ARGV[2])
local since, held = tonumber(ARGV[1]), redis.call('LLEN', KEYS[1])
if #ARGV > 2 then
    if since == 0 and held > 0 and held < #ARGV - 2 then
        redis.call('DEL', KEYS[1])
        held = 0
    end
    if held == since then
        for i = 3, #ARGV do held = redis.call('RPUSH', KEYS[1], ARGV[i]) end
        redis.call('EXPIRE', KEYS[1], ARGV[2])
    end
end
return {held, redis.call('EXISTS', KEYS[3]), redis.call('SMEMBERS', KEYS[2])}
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a worker learns while it speaks. `held` chunks are kept; fewer than it said: say all
    of them again from 0.
    """

    connections: set[str]
    stop: bool
    held: int


@dataclass(frozen=True, slots=True)
class Live:
    """The streaming side of a conversation. A Redis that is away costs the stream, not the text."""

    redis: Ephemeral

    async def watch(self, cid: UUID, connection_id: str) -> None:
        """This connection wants what happens in this conversation, and in no other."""
        before, _ = await asyncio.gather(
            self.redis.do("EVAL", MOVE, 1, f"at:{connection_id}", str(cid), CONNECTION_S),
            self.redis.do("EVAL", WATCH, 1, _conns(cid), connection_id, CONNECTION_S),
        )
        if before and before != str(cid):
            await self.redis.do("SREM", _conns(before), connection_id)

    async def unwatch(self, cid: UUID, connection_id: str) -> None:
        """It wants nothing of this conversation any more."""
        await asyncio.gather(
            self.redis.do("SREM", _conns(cid), connection_id),
            self.redis.do("EVAL", LEAVE, 1, f"at:{connection_id}", str(cid)),
        )

    async def watchers(self, cid: UUID) -> set[str]:
        """The connections that watch, as far as known."""
        return set(await self.redis.do("SMEMBERS", _conns(cid)) or ())

    async def append(
        self, cid: UUID, turn: UUID, gen: int, since: int, pieces: Sequence[str]
    ) -> Heard | None:
        """Keeps pieces of a running answer that follow its first `since`, and listens.

        With no pieces it only listens. None: Redis is away.
        """
        keys = (
            *(_chunks(cid, turn, gen), _conns(cid), _stop(cid, turn)),
            *(f"{{{cid}}}:gone", f"{{{cid}}}:turns"),
        )
        heard = await self.redis.do("EVAL", APPEND, len(keys), *keys, since, CHUNKS_S, *pieces)
        if heard is None:
            return None
        held, stop, connections = heard
        return Heard(set(connections), bool(stop), held)

    async def chunks(self, cid: UUID, turn: UUID, gen: int) -> list[str] | None:
        """What a running answer has said so far; None: Redis cannot say."""
        try:
            return list(await self.redis.ask("LRANGE", _chunks(cid, turn, gen), 0, -1))
        except EphemeralUnavailable:
            return None

    async def stop(self, cid: UUID, turn: UUID) -> None:
        """Whoever speaks in this turn hears of it at its next `append`."""
        await self.redis.do("SET", _stop(cid, turn), "1", "EX", CHUNKS_S)

    async def forget_conversation(self, cid: UUID) -> None:
        """After a claim or a deletion nothing of it is to be found here."""
        await self.redis.do("DEL", _conns(cid), f"{{{cid}}}:conv", f"{{{cid}}}:msgs")


def _conns(cid: UUID | str) -> str:
    return f"{{{cid}}}:conns"


def _chunks(cid: UUID, turn: UUID, gen: int) -> str:
    return f"{{{cid}}}:turn:{turn}:{gen}"


def _stop(cid: UUID, turn: UUID) -> str:
    return f"{{{cid}}}:stop:{turn}"
