"""What PostgreSQL has deleted or ended is forgotten everywhere else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cj.errors import EphemeralUnavailable
from cj.logs import log_of

if TYPE_CHECKING:
    from cj.domain.webhooks import Left
    from cj.ephemeral import Callers, Erasure
    from cj.push import Push
    from cj.shopify.cache import StoreCache
    from cj.store import Deliveries

log = log_of(__name__)
BY_SOMEBODY_ELSE = timedelta(minutes=1)  # who began it may still be at it


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Every step may be repeated: what was begun and not finished is done again as a whole."""

    deliveries: Deliveries
    callers: Callers
    erasure: Erasure
    cache: StoreCache
    push: Push

    async def outside(self, left: Left) -> None:
        """Sockets closed, sessions over, conversations and what the store said are gone.

        The sockets first: neither a Redis that is away nor a long list keeps one open. Raises
        EphemeralUnavailable; then nobody knows how much of the rest was done.
        """
        closed = set(left.connections)
        await self._close(closed)
        for token_hash in left.sessions:
            await self.callers.revoke(token_hash)
        for cid in left.conversations:
            watching = await self.erasure.conversation(cid)
            await self._close(watching - closed)
            closed |= watching
        for connection_id in closed:
            await self.erasure.connection(connection_id)
        await self.cache.forget(left.shop)
        if self.erasure.redis.down:  # of those who do not say so themselves
            raise EphemeralUnavailable("failed on the way")

    async def _close(self, connections: set[str]) -> None:
        await asyncio.gather(*(self.push.close(connection_id) for connection_id in connections))

    async def finish(self, webhook_id: str, left: Left) -> None:
        """Returns when it is done and crossed out. Raises EphemeralUnavailable, StoreError."""
        await self.outside(left)
        await self.deliveries.finish(webhook_id)

    async def catch_up(self, limit: int) -> int:
        """What others began and did not finish; gives how much of it is done now."""
        finished = 0
        try:
            for webhook_id, left in await self.deliveries.unfinished(limit, BY_SOMEBODY_ELSE):
                await self.finish(webhook_id, left)
                finished += 1
        except EphemeralUnavailable:
            log.warning("not forgotten yet: Redis is away")
        return finished
