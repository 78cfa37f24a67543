"""Codes and tokens: who may have which, for how long, and what a refresh does to the old ones."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.shopify.world import Code, Grant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.shopify.world import Shop, World

BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105
CODE_S = 60
ACCESS_S = 3_600
REFRESH_S = 90 * 86_400
_RECOVERY_S = 30 * 86_400  # a used refresh token can be tried again so long, if at all


class Refused(Exception):
    """What the token endpoint answers instead of a token."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Tokens:
    """The rules. Everything they keep is in the world's memory."""

    world: World

    def code(self, shop: Shop, scopes: Sequence[str]) -> str:
        """For one exchange within a minute."""
        code = secrets.token_hex(16)
        expires_at = self.world.clock.now() + CODE_S
        self.world.memory.codes[code] = Code(
            shop=shop.domain, scopes=list(scopes), expires_at=expires_at
        )
        self.world.changed()
        return code

    def exchange(self, shop: Shop, code: str, *, expiring: bool, fewer: bool) -> Grant:
        """Installs the application; the tokens of an earlier installation end. Raises Refused."""
        known = self.world.memory.codes.get(code)
        if known is None or known.shop != shop.domain or known.expires_at <= self._now():
            raise Refused(
                "invalid_request", "The authorization code was not found or was already used"
            )
        del self.world.memory.codes[code]
        self.revoke(shop)
        shop.scopes = known.scopes[:-1] if fewer else known.scopes
        shop.installed = True
        grant = self._issue(shop, expiring=expiring)
        self.world.memory.deliveries = [  # it came back, so nothing of it is to be deleted
            d
            for d in self.world.memory.deliveries
            if (d.shop, d.topic) != (shop.domain, "shop/redact") or d.held
        ]
        self.world.changed()
        return grant

    def refresh(self, shop: Shop, refresh_token: str) -> Grant:
        """A new pair. The old refresh token gives that same pair again, in case it was lost,
        until the new refresh token is used. Raises Refused.
        """
        grant = self._refreshable(shop, refresh_token)
        if grant.replaced_by and (replacement := self._by_refresh_token(grant.replaced_by)):
            replacement.expires_at = self._now() + ACCESS_S
        else:
            self._retire_predecessor(grant)
            replacement = self._issue(shop, expiring=True)
            grant.used_at = self._now()
            grant.replaced_by = replacement.refresh_token
        self.world.changed()
        return replacement

    def holder(self, shop: Shop, access_token: str) -> Grant | None:
        """The grant of a token that counts at this shop now."""
        for grant in self.world.memory.grants:
            if grant.access_token == access_token and grant.shop == shop.domain:
                live = grant.expires_at is None or grant.expires_at > self._now()
                return grant if live and shop.installed else None
        return None

    def revoke(self, shop: Shop) -> None:
        """Every token and every code of this shop."""
        memory = self.world.memory
        memory.grants = [g for g in memory.grants if g.shop != shop.domain]
        memory.codes = {c: code for c, code in memory.codes.items() if code.shop != shop.domain}

    def _issue(self, shop: Shop, *, expiring: bool) -> Grant:
        now = self._now()
        grant = Grant(shop=shop.domain, access_token=f"shpat_{secrets.token_hex(16)}")
        if expiring:
            grant.expires_at = now + ACCESS_S
            grant.refresh_token = f"shprt_{secrets.token_hex(16)}"
            grant.refresh_expires_at = now + REFRESH_S
        self.world.memory.grants.append(grant)
        return grant

    def _refreshable(self, shop: Shop, refresh_token: str) -> Grant:
        grant = self._by_refresh_token(refresh_token)
        now = self._now()
        if (
            grant is None
            or grant.shop != shop.domain
            or not shop.installed
            or grant.refresh_expires_at <= now
            or (grant.used_at is not None and now - grant.used_at > _RECOVERY_S)
        ):
            raise Refused("invalid_grant", "This request requires an active refresh_token")
        return grant

    def _by_refresh_token(self, refresh_token: str) -> Grant | None:
        grants = self.world.memory.grants
        return next((g for g in grants if g.refresh_token == refresh_token), None)

    def _retire_predecessor(self, grant: Grant) -> None:
        """The token before this one cannot be refreshed with any more; it lives out its hour."""
        now = self._now()
        memory = self.world.memory
        for other in memory.grants:
            if other.replaced_by == grant.refresh_token:
                other.refresh_token = None
        memory.grants = [g for g in memory.grants if g.refresh_token or (g.expires_at or now) > now]

    def _now(self) -> float:
        return self.world.clock.now()
