"""Tokens as an operator keeps them: put one in by hand, seal all of them with the newest key."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from cj.domain.ids import new_id
from cj.domain.shops import shop_domain, shop_name
from cj.logs import log_of
from cj.shopify.errors import ShopInvalid, TokenInvalid, TokenUnreadable
from cj.shopify.http import is_token
from cj.store.integrations import SealedTokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cj.shopify.cipher import Column, TokenCipher
    from cj.store.integrations import Integration, Integrations

log = log_of(__name__)

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation found. `late`: replaced meanwhile, so sealed with the newest key anyway."""

    resealed: int
    current: int
    late: int
    unreadable: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Vault:
    """All stored tokens."""

    integrations: Integrations
    cipher: TokenCipher

    async def put(
        self, shop: str, token: str, scopes: Sequence[str], config: Mapping[str, object]
    ) -> UUID:
        """Stores a token that came by hand; gives the merchant. The merchant is made if new.

        Nobody knows how long such a token lasts, and it cannot be refreshed: it works until
        Shopify refuses it. Raises ShopInvalid and TokenInvalid before anything is stored.
        """
        if shop_domain(shop) != shop:
            raise ShopInvalid("not the domain of a shop")
        if not is_token(token):
            raise TokenInvalid("not a token")
        merchant = await self.integrations.put_merchant(new_id(), shop_name(shop), shop)
        tokens = SealedTokens(
            api_key=await self.cipher.seal(token, merchant, "api_key"),
            refresh_token=None,
            expires_at=None,
            refresh_expires_at=None,
            scopes=",".join(scopes),
        )
        await self.integrations.put(merchant, tokens, config)
        return merchant

    async def rotate(self) -> Rotated:
        """Seals with the newest key what an older one sealed. May be repeated and interrupted."""
        found: Counter[bool | None] = Counter()
        unreadable: list[UUID] = []
        last = UUID(int=0)
        while page := await self.integrations.after(last, _PAGE):
            last = page[-1].merchant_id
            for seen in page:
                try:
                    found[await self._resealed(seen)] += 1
                except TokenUnreadable:
                    log.warning("token unreadable", extra={"merchant_id": str(seen.merchant_id)})
                    unreadable.append(seen.merchant_id)
        return Rotated(found[True], found[None], found[False], tuple(unreadable))

    async def _resealed(self, seen: Integration) -> bool | None:
        """Whether it was replaced; None: nothing to do."""
        assert seen.api_key is not None  # noqa: S101 - only those with tokens are read
        sealed = [text for text in (seen.api_key, seen.refresh_token) if text is not None]
        if all([await self.cipher.is_current(text) for text in sealed]):
            return None
        api_key = await self._again(seen.api_key, seen.merchant_id, "api_key")
        refresh = seen.refresh_token
        if refresh is not None:
            refresh = await self._again(refresh, seen.merchant_id, "refresh_token")
        return await self.integrations.reseal(seen, api_key, refresh)

    async def _again(self, text: str, merchant: UUID, column: Column) -> str:
        return await self.cipher.seal(
            await self.cipher.open(text, merchant, column), merchant, column
        )
