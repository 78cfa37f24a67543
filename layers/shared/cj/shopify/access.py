"""The token that opens a store now: read, opened, and refreshed by one process at a time.

A new pair is used only after it is stored: until then the old refresh token still works, so that a
lost answer, a lost database or a process that dies in between costs nothing but another try.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from cj.domain.ids import new_id
from cj.domain.shops import scopes_of
from cj.logs import log_of
from cj.shopify.errors import (
    ExchangeFailed,
    NotConnected,
    ReconnectNeeded,
    RefreshRefused,
    ShopifyUnavailable,
)
from cj.store.integrations import SealedTokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from cj.shopify.cipher import TokenCipher
    from cj.shopify.oauth import Grant, OAuth
    from cj.store.integrations import Integration, Integrations

log = log_of(__name__)

Sleep: TypeAlias = "Callable[[float], Awaitable[object]]"

EARLY = timedelta(minutes=5)
LEASE = timedelta(seconds=15)  # two tries at the token endpoint, and PostgreSQL
LOOK_AGAIN_S = 0.1


@dataclass(frozen=True, slots=True)
class ShopToken:
    """What opens a store, and what it opens."""

    token: str = field(repr=False)
    scopes: tuple[str, ...]


def now() -> datetime:
    """The moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ShopAccess:
    """Tokens by shop."""

    integrations: Integrations
    cipher: TokenCipher
    oauth: OAuth
    now: Callable[[], datetime] = now
    clock: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep

    async def token(
        self, shop: str, time_left_s: float, refused: ShopToken | None = None
    ) -> ShopToken:
        """A token that should be good and is not the refused one.

        Refreshed when less than five minutes are left of it. Raises NotConnected,
        ReconnectNeeded, TokenUnreadable, KeysUnavailable, ShopifyUnavailable, StoreError.
        """
        by, ends = new_id(), self.clock() + time_left_s
        while True:
            seen = await self._active(shop)
            found = await self._opened(seen)
            usable = refused is None or found.token != refused.token
            if usable and self._lasts(seen, EARLY):
                return found
            try:
                renewed = await self._renewed(shop, seen, by, ends)
            except ShopifyUnavailable:
                if usable and self._lasts(seen):
                    return found
                raise
            if renewed is not None:
                return renewed
            if usable and self._lasts(seen):  # others are at it
                return found
            if self.clock() + LOOK_AGAIN_S > ends:
                raise ShopifyUnavailable("no refresh in time")
            await self.sleep(LOOK_AGAIN_S)

    async def seal(self, merchant: UUID, grant: Grant) -> SealedTokens:
        """A grant as it is stored in that merchant's row and opens in no other."""
        moment = self.now()
        return SealedTokens(
            api_key=await self.cipher.seal(grant.access_token, merchant, "api_key"),
            refresh_token=await self.cipher.seal(grant.refresh_token, merchant, "refresh_token"),
            expires_at=moment + timedelta(seconds=grant.expires_in_s),
            refresh_expires_at=moment + timedelta(seconds=grant.refresh_expires_in_s),
            scopes=",".join(grant.scopes),
        )

    async def _active(self, shop: str) -> Integration:
        found = await self.integrations.find(shop)
        if found is None or found.api_key is None:
            raise NotConnected("no tokens")
        if not found.is_active:
            raise ReconnectNeeded("the integration has ended")
        return found

    async def _opened(self, seen: Integration) -> ShopToken:
        assert seen.api_key is not None  # noqa: S101 - _active gave it
        token = await self.cipher.open(seen.api_key, seen.merchant_id, "api_key")
        return ShopToken(token, scopes_of(seen.scopes))

    def _lasts(self, seen: Integration, early: timedelta = timedelta(0)) -> bool:
        """Nobody knows how long a token without an end lasts: until Shopify refuses it."""
        return seen.expires_at is None or seen.expires_at - early > self.now()

    async def _renewed(
        self, shop: str, seen: Integration, by: UUID, ends: float
    ) -> ShopToken | None:
        """The new token, stored. None: look again, somebody else did or does it, or it is over."""
        if seen.refresh_token is None:
            await self.integrations.end(seen)
            return None
        if not await self.integrations.claim_refresh(seen, by, LEASE):
            return None
        try:
            grant = await self._asked(shop, seen, seen.refresh_token, ends)
        except RefreshRefused:
            log.warning("refresh refused", extra={"shop": shop})
            await self.integrations.end(seen)
            return None
        except ExchangeFailed as error:
            log.warning("refresh failed", extra={"shop": shop, "why": str(error)})
            await self.integrations.release_refresh(seen.merchant_id, by)
            raise ShopifyUnavailable("no refresh") from None
        if not await self.integrations.store_refreshed(
            seen, await self.seal(seen.merchant_id, grant)
        ):
            return None
        log.info("refreshed", extra={"shop": shop})
        return ShopToken(grant.access_token, grant.scopes)

    async def _asked(self, shop: str, seen: Integration, sealed: str, ends: float) -> Grant:
        """Asks again once with the same token: whether Shopify heard the first time is all one."""
        token = await self.cipher.open(sealed, seen.merchant_id, "refresh_token")
        until = seen.refresh_expires_at
        over = until is not None and until <= self.now()
        try:
            return await self.oauth.refresh(shop, token, ends - self.clock(), past_its_end=over)
        except ExchangeFailed:
            return await self.oauth.refresh(shop, token, ends - self.clock(), past_its_end=over)
