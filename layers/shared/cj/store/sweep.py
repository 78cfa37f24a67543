"""Rows whose time is over, deleted a bounded batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.store.queries import named

if TYPE_CHECKING:
    from cj.store.database import Database
    from cj.store.queries import Query


@dataclass(frozen=True, slots=True)
class Sweep:
    """Each deletes at most `limit` rows and returns how many; fewer than `limit`: none is left."""

    db: Database

    async def expired_sessions(self, limit: int) -> int:
        """Web sessions that are over, revoked ones too."""
        return await self._delete(named("delete_expired_sessions"), limit)

    async def expired_oauth_states(self, limit: int) -> int:
        """Sign-ins that nobody finished."""
        return await self._delete(named("delete_expired_oauth_states"), limit)

    async def expired_connections(self, limit: int) -> int:
        """Connections whose end was never told."""
        return await self._delete(named("delete_expired_connections"), limit)

    async def expired_deliveries(self, limit: int) -> int:
        """Webhook ids that Shopify sends no more."""
        return await self._delete(named("delete_expired_deliveries"), limit)

    async def _delete(self, query: Query, limit: int) -> int:
        row = await self.db.row(query, limit)
        return 0 if row is None else row["count"]
