"""Conversations that are deleted: nothing of them stays, and nothing of them comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.ephemeral.buffer import shard

if TYPE_CHECKING:
    from uuid import UUID

    from cj.ephemeral.client import Ephemeral

GONE_S = 15 * 60  # longer than any function lives that may still write something down

# KEYS: 1 tombstone, 2 connections, 3 keys of the turns, then the other keys of the conversation
# ARGV: 1 seconds to keep the tombstone
# Gives the connections that watched, and the keys of the turns, which are left to the caller: a
# script deletes what it declares.
ERASE = """
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
local watching, turns = redis.call('SMEMBERS', KEYS[2]), redis.call('SMEMBERS', KEYS[3])
redis.call('DEL', unpack(KEYS, 4))
return {watching, turns}
"""
_NAMES = ("msgs", "conv", "buf", "ids", "lease", "takes", "quarantine")


@dataclass(frozen=True, slots=True)
class Erasure:
    """Raises EphemeralUnavailable where Redis gives no answer; then the whole is asked again."""

    redis: Ephemeral

    async def conversation(self, cid: UUID) -> set[str]:
        """After PostgreSQL has deleted it; gives the connections that watched it.

        What is found by looking into it goes last: a repeat finds that again.
        """
        gone, conns, turns, *rest = (
            f"{{{cid}}}:{name}" for name in ("gone", "conns", "turns", *_NAMES)
        )
        keys = (gone, conns, turns, *rest)
        watching, chunks = await self.redis.ask("EVAL", ERASE, len(keys), *keys, GONE_S)
        await self.redis.ask("ZREM", shard(cid), str(cid))
        for connection_id in watching:
            await self.redis.ask("DEL", f"at:{connection_id}")
        await self.redis.ask("DEL", conns, turns, *chunks)
        return set(watching)

    async def connection(self, connection_id: str) -> None:
        """Who spoke on it is forgotten, and what it watched."""
        await self.redis.ask("DEL", f"conn:{connection_id}")
        await self.redis.ask("DEL", f"at:{connection_id}")
