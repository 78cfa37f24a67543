"""Answers of stores in Redis, `shop:<domain>:<query>`: for minutes, and only while Redis likes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

QUERIES = ("counts", "overview", "recent_orders", "week_orders")


@dataclass(frozen=True, slots=True)
class StoreCache:
    """`do` runs a Redis command and gives None where there is no answer; so does this."""

    do: Callable[..., Awaitable[Any]]

    async def get(self, shop: str, query: str) -> dict[str, Any] | None:
        """What was put, if it is still there and can be read."""
        text = await self.do("GET", _key(shop, query))
        try:
            found = json.loads(text) if text else None
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    async def put(self, shop: str, query: str, value: dict[str, Any], ttl_s: int) -> None:
        """Kept for that long at most."""
        await self.do("SET", _key(shop, query), json.dumps(value), "EX", ttl_s)

    async def forget(self, shop: str) -> None:
        """Nothing of this store is left, if Redis can be reached."""
        for query in QUERIES:  # one command each: in a cluster they live on different nodes
            await self.do("DEL", _key(shop, query))


def _key(shop: str, query: str) -> str:
    return f"shop:{shop}:{query}"
