"""Who may come in: web sessions for browsers, connections for their sockets."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cj.domain.ids import anonymous_owner_id
from cj.errors import OriginRefused, StoreError, Unauthenticated
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cj.domain.turns import Caller, Session
    from cj.ephemeral import Ephemeral
    from cj.store import Connections, Sessions

log = log_of(__name__)
SESSION = timedelta(days=7)
CONNECTION = timedelta(hours=2)  # API Gateway ends a connection after two hours


def hash_token(token: str) -> str:
    """What is stored of a cookie: enough to recognise it, not enough to forge it."""
    return hashlib.sha256(token.encode()).hexdigest()


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Visitors:
    """Browsers and the sessions their cookies stand for."""

    sessions: Sessions
    clock: Callable[[], datetime] = now

    async def recognise(self, token: str | None) -> Session:
        """The live session of a cookie. Raises Unauthenticated."""
        session = await self.sessions.find(hash_token(token)) if token else None
        if session is None:
            raise Unauthenticated
        return session

    async def welcome(self, token: str | None) -> tuple[Session, str | None]:
        """The cookie's session, else a new anonymous one and the cookie to set for it."""
        session = await self.sessions.find(hash_token(token)) if token else None
        if session is not None:
            return session, None
        fresh = secrets.token_urlsafe(32)
        session = await self.sessions.create(
            hash_token(fresh), anonymous_owner_id(), self.clock() + SESSION
        )
        return session, fresh


@dataclass(frozen=True, slots=True)
class Door:
    """Sockets that come and go. Never posts: API Gateway answers 410 until $connect is over."""

    connections: Connections
    ephemeral: Ephemeral
    origins: frozenset[str]
    clock: Callable[[], datetime] = now

    async def admit(self, connection_id: str, token: str | None, origin: str | None) -> Caller:
        """Remembers the connection. Raises OriginRefused or Unauthenticated."""
        if origin not in self.origins:
            raise OriginRefused
        if not token:
            raise Unauthenticated
        until = self.clock() + CONNECTION
        caller = await self.connections.admit(connection_id, hash_token(token), until)
        if caller is None:
            raise Unauthenticated
        await self.ephemeral.remember_caller(caller)
        return caller

    async def caller(self, connection_id: str) -> Caller:
        """Who speaks on this connection, looked at again on every frame. Raises Unauthenticated."""
        caller = await self.ephemeral.caller(connection_id)
        if caller is None:
            caller = await self.connections.caller(connection_id)
            if caller is None:
                raise Unauthenticated
            await self.ephemeral.remember_caller(caller)
        return caller

    async def forget(self, connection_id: str) -> None:
        """The connection is gone. Best effort, never raises: nothing depends on it."""
        cid = None
        try:
            cid = await self.connections.forget(connection_id)
        except StoreError:
            log.warning("connection not forgotten: it expires by itself")
        await self.ephemeral.forget_connection(connection_id, cid)
