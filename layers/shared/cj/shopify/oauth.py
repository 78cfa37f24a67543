"""Tokens from Shopify: for a code, and for a refresh token."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx

from cj.domain.shops import missing_scopes, scopes_of
from cj.logs import log_of
from cj.shopify.errors import CodeRefused, ExchangeFailed, RefreshRefused, ScopesMissing
from cj.shopify.http import AnswerTooLarge, is_token, post_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cj.shopify.client_secrets import ClientSecrets
    from cj.shopify.http import Addresses, Answered

log = log_of(__name__)
EXCHANGE_S = 5
ANSWER_BYTES = 64 * 1024
_CODE_REFUSED = ("invalid_grant", "invalid_request")
_YEARS_S = 10 * 366 * 86_400  # beyond it no expiry is meant, and dates would overflow


@dataclass(frozen=True, slots=True)
class Grant:
    """An expiring pair, as Shopify gave it out."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int
    refresh_expires_in_s: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OAuth:
    """The app at Shopify. `scopes` are what CJ asks for."""

    http: httpx.AsyncClient
    addresses: Addresses
    client_id: str
    secrets: ClientSecrets
    scopes: Sequence[str]

    def authorize_url(self, shop: str, state: str, redirect_uri: str) -> str:
        """Where the merchant is asked. Raises ShopInvalid."""
        query = {
            "client_id": self.client_id,
            "scope": ",".join(self.scopes),
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{self.addresses.of(shop, 'oauth/authorize')}?{urlencode(query)}"

    async def exchange(self, shop: str, code: str, time_left_s: float = EXCHANGE_S) -> Grant:
        """The tokens for a code, which is good once.

        Raises CodeRefused, ScopesMissing (forget the tokens) and ExchangeFailed, within seconds.
        """
        answered = await self._ask(shop, {"code": code, "expiring": "1"}, time_left_s)
        if answered.status == 400 and (reason := _reason(answered)) in _CODE_REFUSED:
            raise CodeRefused(reason)
        grant = _grant(answered)
        if missing := missing_scopes(self.scopes, grant.scopes):
            raise ScopesMissing(missing)
        return grant

    async def refresh(
        self, shop: str, refresh_token: str, time_left_s: float, *, past_its_end: bool = False
    ) -> Grant:
        """The next pair. The old one stays good until the new one is used: store before use.

        Raises RefreshRefused when it is over for good, which any 400 means that a refresh token
        gets past its end, and ExchangeFailed: then ask again with the same refresh token, whether
        or not Shopify heard the first time.
        """
        body = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answered = await self._ask(shop, body, min(time_left_s, EXCHANGE_S))
        if answered.status in (400, 401) and _reason(answered) == "invalid_grant":
            raise RefreshRefused("invalid_grant")
        if answered.status == 400 and past_its_end:
            raise RefreshRefused("past its end")
        return _grant(answered)

    async def _ask(self, shop: str, body: dict[str, str], time_left_s: float) -> Answered:
        """With the newest secret; with the next one where that was replaced meanwhile."""
        url = self.addresses.of(shop, "oauth/access_token")
        try:
            async with asyncio.timeout(time_left_s):
                tried = self.secrets.known
                answered = await self._post(url, body)
                if _knows_us_not(answered) and await self.secrets.changed_since(tried):
                    answered = await self._post(url, body)
        except (httpx.HTTPError, httpx.InvalidURL, AnswerTooLarge, TimeoutError) as error:
            raise ExchangeFailed(type(error).__name__) from None
        if _knows_us_not(answered):
            log.critical("Shopify does not know this app: SHOPIFY_API_KEY or its secret is wrong")
            raise ExchangeFailed("invalid_client")
        return answered

    async def _post(self, url: str, body: dict[str, str]) -> Answered:
        app = {"client_id": self.client_id, "client_secret": self.secrets.newest}
        return await post_json(self.http, url, {**app, **body}, max_bytes=ANSWER_BYTES)


def _knows_us_not(answered: Answered) -> bool:
    return answered.status in (400, 401) and _reason(answered) == "invalid_client"


def _grant(answered: Answered) -> Grant:
    """Raises ExchangeFailed unless it is a complete expiring pair: nothing lasts for ever."""
    if answered.status != 200:
        raise ExchangeFailed(f"HTTP {answered.status}")
    found = _object(answered)
    grant = Grant(
        access_token=found.get("access_token", ""),
        refresh_token=found.get("refresh_token", ""),
        expires_in_s=found.get("expires_in", 0),
        refresh_expires_in_s=found.get("refresh_token_expires_in", 0),
        scopes=scopes_of(found["scope"]) if isinstance(found.get("scope"), str) else (),
    )
    tokens = is_token(grant.access_token) and is_token(grant.refresh_token)
    if not (tokens and _lasts(grant.expires_in_s) and _lasts(grant.refresh_expires_in_s)):
        raise ExchangeFailed("the answer is no expiring token")
    return grant


def _lasts(seconds: object) -> bool:
    return type(seconds) is int and 0 < seconds < _YEARS_S


def _reason(answered: Answered) -> str:
    """Shopify's word for it, if it is one of those we know."""
    word = _object(answered).get("error")
    return word if word in ("invalid_grant", "invalid_request", "invalid_client") else "refused"


def _object(answered: Answered) -> dict[str, Any]:
    try:
        found = json.loads(answered.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
