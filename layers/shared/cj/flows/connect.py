"""Who may come in: web sessions for browsers, connections for their sockets.

PostgreSQL decides, and Redis remembers for 30 s what it said. While PostgreSQL is away, what it
said up to 15 minutes ago counts; a session that was revoked stays so.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from cj.domain.ids import anonymous_owner_id
from cj.domain.turns import Caller
from cj.ephemeral import FRESH_S, STALE_S
from cj.errors import CJError, OriginRefused, RateLimited, StoreUnavailable, Unauthenticated
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cj.domain.turns import Session
    from cj.ephemeral import Callers, Known, KnownSession, Limits, Live, Outage, Rate
    from cj.push import Push
    from cj.store import Connections, Sessions

T = TypeVar("T")
log = log_of(__name__)
SESSION = timedelta(days=7)
CONNECTION = timedelta(hours=2)  # API Gateway ends a connection after two hours


def hash_token(token: str) -> str:
    """What is stored of a cookie: enough to recognise it, not enough to forge it."""
    return hashlib.sha256(token.encode()).hexdigest()


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


async def from_postgresql(outage: Outage, question: Callable[[], Awaitable[T]]) -> T:
    """The answer. Raises StoreUnavailable, without a wait where the outage is known already."""
    if await outage.known():
        raise StoreUnavailable("known to be away")
    try:
        answer = await question()
    except StoreUnavailable:
        await outage.happened()
        raise
    await outage.over()
    return answer


def meanwhile(session: KnownSession | None) -> KnownSession:
    """What Redis knows, while PostgreSQL is away. Raises Unauthenticated or StoreUnavailable."""
    if session is not None and session.revoked:
        raise Unauthenticated
    if session is None or session.age_s > STALE_S:
        raise StoreUnavailable("nobody can say whether the session is live")
    return session


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, as far as the HTTP API needs to know."""

    owner_id: str
    user_id: str | None
    shop_domain: str | None = None


@dataclass(frozen=True, slots=True)
class Visitors:
    """Browsers and the sessions their cookies stand for."""

    sessions: Sessions
    callers: Callers
    outage: Outage
    clock: Callable[[], datetime] = now

    async def recognise(self, token: str | None) -> Visitor:
        """Who the cookie stands for. Raises Unauthenticated."""
        if not token:
            raise Unauthenticated
        known = await self.callers.session(hash_token(token))
        if known is not None and (known.revoked or known.age_s <= FRESH_S):
            return _visitor(meanwhile(known))
        try:
            session = await self._find(token)
        except StoreUnavailable:
            return _visitor(meanwhile(known))
        if session is None:
            raise Unauthenticated
        return _visitor(session)

    async def welcome(self, token: str | None) -> tuple[Visitor, str | None]:
        """The cookie's session, else a new anonymous one and the cookie to set for it."""
        try:
            session = await self._find(token) if token else None
        except StoreUnavailable:
            return await self._welcome_meanwhile(token or ""), None
        if session is not None:
            return _visitor(session, session.shop_domain), None
        fresh = secrets.token_urlsafe(32)
        owner_id, until = anonymous_owner_id(), self.clock() + SESSION
        await from_postgresql(
            self.outage, lambda: self.sessions.create(hash_token(fresh), owner_id, until)
        )
        return Visitor(owner_id, None), fresh

    async def _welcome_meanwhile(self, token: str) -> Visitor:
        """Which shop a user has, only PostgreSQL knows; somebody anonymous has none."""
        known = meanwhile(await self.callers.session(hash_token(token)))
        if known.user_id is not None:
            raise StoreUnavailable("whose shop it is cannot be looked up")
        return _visitor(known)

    async def leave(self, token: str | None, push: Push) -> None:
        """The session is over for good, and so are its sockets. Again: nothing changes."""
        if not token:
            return
        token_hash = hash_token(token)
        sockets = await from_postgresql(self.outage, lambda: self.sessions.revoke(token_hash))
        await self.callers.revoke(token_hash)
        await asyncio.gather(*(push.close(connection_id) for connection_id in sockets))

    async def _find(self, token: str) -> Session | None:
        return await from_postgresql(self.outage, lambda: self.sessions.find(hash_token(token)))


def _visitor(known: Session | KnownSession, shop_domain: str | None = None) -> Visitor:
    return Visitor(known.owner_id, known.user_id, shop_domain)


@dataclass(frozen=True, slots=True)
class Door:
    """Sockets that come and go. Never posts: API Gateway answers 410 until $connect is over."""

    connections: Connections
    sessions: Sessions
    callers: Callers
    live: Live
    outage: Outage
    limits: Limits
    origins: frozenset[str]
    session_rate: Rate
    address_rate: Rate
    bad_frames: int
    clock: Callable[[], datetime] = now

    async def admit(
        self, connection_id: str, token: str | None, origin: str | None, address: str
    ) -> Caller:
        """Remembers the connection. Raises OriginRefused, Unauthenticated, RateLimited, or
        StoreUnavailable: a door that nobody watches is shut.
        """
        if origin not in self.origins:
            raise OriginRefused
        if not token:
            raise Unauthenticated
        token_hash = hash_token(token)
        await self._slow_down(token_hash, address)
        until = self.clock() + CONNECTION
        try:
            caller = await from_postgresql(
                self.outage, lambda: self.connections.admit(connection_id, token_hash, until)
            )
        except StoreUnavailable:
            return await self._admit_meanwhile(connection_id, token_hash)
        if caller is None:
            raise Unauthenticated
        await self.callers.remember(caller)
        return caller

    async def _slow_down(self, token_hash: str, address: str) -> None:
        waits_ms = await asyncio.gather(
            self.limits.take("connects", token_hash, self.session_rate),
            self.limits.take("connects", address, self.address_rate),
        )
        if any(waits_ms):
            raise RateLimited(max(waits_ms))

    async def _admit_meanwhile(self, connection_id: str, token_hash: str) -> Caller:
        session = meanwhile(await self.callers.session(token_hash))
        caller = Caller(connection_id, session.owner_id, session.user_id, token_hash)
        await self.callers.remember(caller, confirmed=False)
        if self.callers.redis.down:
            raise StoreUnavailable("nowhere to remember the connection")
        return caller

    async def caller(self, connection_id: str) -> Caller:
        """Who speaks on this connection, looked at again on every frame. Raises Unauthenticated."""
        known = await self.callers.find(connection_id)
        if known is not None and known.revoked:
            raise Unauthenticated
        if known is not None and known.bad_frames:
            await self.callers.good_frame(connection_id)
        if known is not None and known.confirmed and known.age_s <= FRESH_S:
            return known.caller
        try:
            caller = await from_postgresql(self.outage, lambda: self._look_up(connection_id, known))
        except StoreUnavailable:
            if known is None or known.age_s > STALE_S:
                raise
            return known.caller
        if caller is None:
            raise Unauthenticated
        await self.callers.remember(caller)
        return caller

    async def still_lives(self, caller: Caller) -> None:
        """PostgreSQL's word on the caller's session; Redis's may be older than what just happened
        to it. Raises Unauthenticated.
        """
        session = await from_postgresql(self.outage, lambda: self.sessions.find(caller.token_hash))
        if session is None:
            raise Unauthenticated

    async def _look_up(self, connection_id: str, known: Known | None) -> Caller | None:
        """As PostgreSQL has it. One that came while PostgreSQL was away is admitted now."""
        caller = await self.connections.caller(connection_id)
        if caller is None and known is not None:
            until = self.clock() + CONNECTION
            caller = await self.connections.admit(
                connection_id, known.caller.token_hash, until, known.watching
            )
        return caller

    async def out_of_patience(self, connection_id: str) -> bool:
        """One more frame that made no sense: was it the last one?"""
        return await self.callers.bad_frame(connection_id) >= self.bad_frames

    async def forget(self, connection_id: str) -> None:
        """The connection is gone. Best effort, never raises: nothing depends on it."""
        known = await self.callers.find(connection_id)
        cid = None if known is None else known.watching
        try:
            seen = await from_postgresql(
                self.outage, lambda: self.connections.forget(connection_id)
            )
            cid = seen or cid
        except CJError:
            log.warning("connection not forgotten: it expires by itself")
        await self.callers.forget(connection_id)
        if cid is not None:
            await self.live.unwatch(cid, connection_id)
