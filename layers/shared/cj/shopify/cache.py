"""Answers of stores in Redis, `shop:{<domain>}:<query>`: for minutes, and only while Redis likes.

All of a store has one tag, so that a cluster keeps it together.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cj.domain.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

QUERIES = ("counts", "overview", "recent_orders", "week_orders")
GENERATION_S = 5 * 60  # longer than any function lives that may still put something

# What belongs to a generation is kept only while that lasts. Whoever looks begins one where there
# is none, so to forget is to delete: no name of the store is left behind for the sake of it, and a
# generation that Redis has lost costs an answer that is not kept.

# KEYS: 1 shop:{<domain>}:<query>, 2 shop:{<domain>}:generation
# ARGV: 1 a generation to begin, 2 seconds to keep it
# Gives what is kept, if anything is, and the generation.
LOOK = """
redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return redis.call('MGET', KEYS[1], KEYS[2])
"""

# KEYS: as above
# ARGV: 1 the generation that was read before the store was asked, 2 its answer, 3 seconds to keep
PUT = """
if redis.call('GET', KEYS[2]) == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was put, if it is still there and can be read; None as generation: Redis is away."""

    value: dict[str, Any] | None
    generation: str | None


@dataclass(frozen=True, slots=True)
class StoreCache:
    """`do` runs a Redis command and gives None where there is no answer; this goes on without."""

    do: Callable[..., Awaitable[Any]]
    new_generation: Callable[[], UUID] = new_id

    async def get(self, shop: str, query: str) -> Kept:
        """Before the store is asked: what it answers then may be put with the generation."""
        keys = _key(shop, query), _key(shop, "generation")
        found = await self.do("EVAL", LOOK, 2, *keys, str(self.new_generation()), GENERATION_S)
        text, generation = found or (None, None)
        return Kept(_object(text), generation)

    async def put(
        self, shop: str, query: str, value: dict[str, Any], ttl_s: int, generation: str | None
    ) -> None:
        """Kept for that long at most; not at all if the store was forgotten meanwhile."""
        if generation is not None:
            keys = _key(shop, query), _key(shop, "generation")
            await self.do("EVAL", PUT, 2, *keys, generation, json.dumps(value), ttl_s)

    async def forget(self, shop: str) -> None:
        """Nothing of this store is left or comes back, if Redis can be reached."""
        await self.do("DEL", *(_key(shop, name) for name in (*QUERIES, "generation")))


def _key(shop: str, name: str) -> str:
    return f"shop:{{{shop}}}:{name}"


def _object(text: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
