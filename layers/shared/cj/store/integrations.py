"""Integrations: a shop's sealed tokens, the only place where they exist.

Every write names the sealed text it replaces: whoever comes late changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cj.store.queries import named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from uuid import UUID

    from cj.store.database import Database, Row


@dataclass(frozen=True, slots=True)
class Integration:
    """A row. Without `expires_at` nobody knows how long the token lasts."""

    merchant_id: UUID
    api_key: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    scopes: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """What is stored at once: both tokens sealed for one merchant, and how long they last."""

    api_key: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    scopes: str


@dataclass(frozen=True, slots=True)
class Integrations:
    """Integrations by shop and by merchant."""

    db: Database

    async def find(self, shop: str) -> Integration | None:
        """The shop's row, active or not."""
        row = await self.db.row(named("find_integration"), shop)
        return None if row is None else _integration(row)

    async def put_merchant(self, merchant: UUID, name: str, shop: str) -> UUID:
        """The merchant's id: the given one for a new shop, else the one it has. Seal for that."""
        row = await self.db.row(named("put_merchant"), merchant, name, shop)
        assert row is not None  # noqa: S101 - an upsert returns its row
        found: UUID = row["id"]
        return found

    async def put(self, merchant: UUID, tokens: SealedTokens, config: Mapping[str, Any]) -> None:
        """Stored and active, whatever was there."""
        await self.db.execute(
            named("put_integration"), merchant, *_values(tokens), tokens.scopes, dict(config)
        )

    async def claim_refresh(self, seen: Integration, by: UUID, lease: timedelta) -> bool:
        """Whether `by` alone may refresh what was seen, until the lease ends."""
        query = named("claim_refresh")
        row = await self.db.row(query, seen.merchant_id, seen.refresh_token, by, lease)
        return row is not None

    async def release_refresh(self, merchant: UUID, by: UUID) -> None:
        """For a refresh that came to nothing."""
        await self.db.execute(named("release_refresh"), merchant, by)

    async def store_refreshed(self, seen: Integration, tokens: SealedTokens) -> bool:
        """The pair, atomically. False: what it was made from was replaced; do not use it."""
        query = named("store_refreshed")
        row = await self.db.row(
            query, seen.merchant_id, seen.refresh_token, *_values(tokens), tokens.scopes
        )
        return row is not None

    async def end(self, seen: Integration) -> None:
        """Shopify takes these tokens no more."""
        await self.db.execute(named("end_integration"), seen.merchant_id, seen.api_key)

    async def after(self, merchant: UUID, most: int) -> list[Integration]:
        """The next ones with tokens, active or not."""
        rows = await self.db.rows(named("integrations_after"), merchant, most)
        return [_integration(row) for row in rows]

    async def reseal(self, seen: Integration, api_key: str, refresh_token: str | None) -> bool:
        """The same tokens under another key. False: they were replaced meanwhile."""
        row = await self.db.row(
            named("reseal_integration"),
            *(seen.merchant_id, seen.api_key, seen.refresh_token, api_key, refresh_token),
        )
        return row is not None


def _values(tokens: SealedTokens) -> tuple[object, ...]:
    return (
        *(tokens.api_key, tokens.refresh_token),
        *(tokens.expires_at, tokens.refresh_expires_at),
    )


def _integration(row: Row) -> Integration:
    return Integration(
        merchant_id=row["merchant_id"],
        api_key=row["api_key"],
        refresh_token=row["refresh_token"],
        expires_at=row["expires_at"],
        refresh_expires_at=row["refresh_expires_at"],
        scopes=row["scopes"],
        is_active=row["is_active"],
    )
