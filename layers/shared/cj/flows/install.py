"""A merchant connects a shop: sent to Shopify's consent page, and taken in when they come back."""

from __future__ import annotations

import asyncio
import functools
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cj.domain.callbacks import CallbackRefused, read_callback
from cj.domain.handoffs import POST_AUTH, OAuthHandoffRequest, landing, local_path
from cj.domain.ids import new_id
from cj.domain.shops import shop_domain, typed_shop
from cj.errors import CJError, RateLimited, StoreError, StoreUnavailable
from cj.flows.connect import SESSION, from_postgresql, hash_token, now
from cj.logs import log_of
from cj.shopify.errors import ShopInvalid
from cj.store.people import Installed, NewSession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from cj.ephemeral import Callers, Limits, Live, Outage, Rate
    from cj.flows.connect import Visitors
    from cj.flows.drain import Drain
    from cj.flows.handoff import HandOff
    from cj.logs import Journal
    from cj.push import Push
    from cj.shopify.access import ShopAccess
    from cj.shopify.client_secrets import ClientSecrets
    from cj.shopify.oauth import Grant, OAuth
    from cj.store import People
    from cj.store.people import SignIn

log = log_of(__name__)
ATTEMPTS = 3
STATE = timedelta(minutes=10)
_AGAIN = (
    "This link was used already, is older than ten minutes, or was begun in another browser. "
    "Start the connection again from CJ."
)


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to go, and the cookie to set where there was no session."""

    url: str
    cookie: str | None


@dataclass(frozen=True, slots=True)
class Connected:
    """Where to go with which new session."""

    path: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """What has to change hands when a browser's session is replaced by another."""

    visitors: Visitors
    callers: Callers
    live: Live
    drain: Drain
    push: Push

    async def hand_over(self, old_hash: str, installed: Installed) -> None:
        """From here on the old session is nobody's, and its sockets hear nothing more.

        They are told at their next frame, and the page comes back with the new cookie. Only where
        a turn speaks just now, or Redis cannot be told, they are closed: a page that comes back
        before it has the new cookie would be a stranger.
        """
        cids = {*installed.claimed, installed.conversation_id}
        await self.callers.revoke(old_hash)
        await asyncio.gather(*(self.drain.settle(cid) for cid in installed.claimed))
        await asyncio.gather(*(self.live.forget_conversation(cid) for cid in cids))
        to_close = installed.connections if self.live.redis.down else installed.listening
        await asyncio.gather(*(self.push.close(connection_id) for connection_id in to_close))


@dataclass(frozen=True, slots=True)
class Installs:
    """The two halves of an installation, on this side and on that side of Shopify's page."""

    people: People
    rotation: Rotation
    outage: Outage
    limits: Limits
    oauth: OAuth
    access: ShopAccess
    hand_off: HandOff
    journal: Journal
    client_secrets: ClientSecrets
    redirect_uri: str
    rate: Rate
    clock: Callable[[], datetime] = now

    async def begin(
        self, token: str | None, typed: str, cid: UUID | None, return_to: str | None, address: str
    ) -> Begun:
        """Twice is harmless: either address works, and one of them once.

        Raises RateLimited, ShopInvalid, StoreUnavailable.
        """
        wait_ms = await self.limits.take("installs", address, self.rate)
        if wait_ms:
            raise RateLimited(wait_ms)
        shop = typed_shop(typed)
        if shop is None:
            raise ShopInvalid("not what a person calls a shop")
        _, fresh = await self.rotation.visitors.welcome(token)
        state = secrets.token_hex(32)
        await from_postgresql(
            self.outage,
            lambda: self.people.keep_state(
                hash_token(state),
                shop,
                hash_token(fresh or token or ""),
                self.clock() + STATE,
                conversation_id=cid,
                return_to=local_path(return_to),
            ),
        )
        return Begun(self.oauth.authorize_url(shop, state, self.redirect_uri), fresh)

    async def complete(
        self, query: Sequence[tuple[str, str]], token: str | None, address: str
    ) -> Connected:
        """Nothing is sent anywhere before every check has passed, and nothing stored before
        Shopify has given the tokens. Raises CallbackRefused, ShopifyError, StoreError.
        """
        try:
            return await self._complete(query, token or "")
        except CJError as error:
            await self._record(query, error, address)
            raise

    async def _complete(self, query: Sequence[tuple[str, str]], token: str) -> Connected:
        callback = await self.client_secrets.verified(
            lambda known: read_callback(query, known, self.clock().timestamp())
        )
        old_hash = hash_token(token)
        sign_in = await from_postgresql(
            self.outage,
            lambda: self.people.take_state(hash_token(callback.state), old_hash, callback.shop),
        )
        if sign_in is None:
            raise CallbackRefused("state_refused", 403, _AGAIN)
        grant = await self.oauth.exchange(callback.shop, callback.code)
        fresh = secrets.token_urlsafe(32)
        session = NewSession(hash_token(fresh), self.clock() + SESSION, old_hash)
        installed = await self._store(callback.shop, grant, sign_in, session)
        await self.rotation.hand_over(old_hash, installed)
        log.info("shop connected", extra={"shop": callback.shop})
        self.journal.count("ShopsConnected")
        request = OAuthHandoffRequest(
            shop_domain=callback.shop,
            is_new=installed.is_new,
            conversation_id=installed.conversation_id,
        )
        await self.hand_off.tell(request)
        where = landing(sign_in.return_to, installed.conversation_id, is_new=installed.is_new)
        return Connected(where, fresh)

    async def _store(
        self, shop: str, grant: Grant, sign_in: SignIn, session: NewSession
    ) -> Installed:
        """All of it or nothing. Who installs the same shop at the same moment may be quicker with
        the merchant's id: then the tokens are sealed again, for that one.
        """
        merchant = sign_in.merchant or new_id()
        conversation, events = new_id(), (new_id(), new_id())
        for _ in range(ATTEMPTS):
            tokens = await self.access.seal(merchant, grant)
            store = functools.partial(
                self.people.install,
                *(shop, merchant, tokens, session),
                wanted=sign_in.conversation_id,
                new_conversation=conversation,
                workflow=POST_AUTH,
                events=events,
            )
            found = await from_postgresql(self.outage, store)
            if isinstance(found, Installed):
                return found
            merchant = found.merchant or new_id()
        raise StoreUnavailable("the shop's merchant changes all the time")

    async def _record(self, query: Sequence[tuple[str, str]], error: CJError, address: str) -> None:
        """What was refused, as an event; who knocks all the time is not written down each time."""
        if isinstance(error, StoreError) or await self.limits.take("refusals", address, self.rate):
            return
        shop = shop_domain(dict(query).get("shop", ""))
        try:
            await self.people.record("oauth_refused", {"reason": error.code, "shop": shop})
        except StoreError as failure:
            log.warning("event not recorded", extra={"code": failure.code})
