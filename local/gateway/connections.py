"""Open WebSocket connections: what is owed to each client, and how each may end."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.gateway.events import Socket
    from local.gateway.limits import Limits


class BufferFull(Exception):
    """The client reads too slowly: more is waiting for it than a connection may owe."""


@dataclass(frozen=True, slots=True)
class Close:
    """The frame that ends a connection from this side."""

    code: int
    reason: str = ""


class Connection:
    """One open connection. Posting never waits for the client; a task of its own writes."""

    def __init__(self, socket: Socket, limits: Limits, clock: Callable[[], float]) -> None:
        self.socket = socket
        self.last_active_at = socket.connected_at
        self.closed_with: Close | None = None
        self._limits = limits
        self._clock = clock
        self._opened = self._active = clock()
        self._unread: deque[str | Close] = deque()
        self._unread_bytes = 0
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()

    @property
    def id(self) -> str:
        return self.socket.connection_id

    def touch(self) -> None:
        """A message went in or out: the idle time starts again."""
        self._active = self._clock()
        self.last_active_at = datetime.now(UTC)

    def post(self, text: str) -> None:
        """Queues a message, in order; BufferFull if the client has left too much unread."""
        size = len(text.encode())
        if self._unread_bytes + size > self._limits.unread_bytes:
            raise BufferFull
        self._unread_bytes += size
        self._unread.append(text)
        self._wake.set()
        self.touch()

    def close(self, code: int, reason: str = "") -> None:
        """Ends the connection after what is queued; the first close wins."""
        if self.closed_with is None:
            self.closed_with = Close(code, reason)
            self._unread.append(self.closed_with)
            self._wake.set()
            self._closing.set()

    async def write(
        self, send: Callable[[str], Awaitable[None]], end: Callable[[Close], Awaitable[None]]
    ) -> None:
        """Writes what is posted until the connection is closed, or the client is gone."""
        with suppress(OSError):
            while True:
                item = await self._next()
                if isinstance(item, Close):
                    await end(item)
                    return
                await send(item)
                self._unread.popleft()
                self._unread_bytes -= len(item.encode())

    async def _next(self) -> str | Close:
        """What is owed first. It stays owed until it is written."""
        while not self._unread:
            self._wake.clear()
            await self._wake.wait()
        return self._unread[0]

    async def outlive(self) -> None:
        """Closes the connection once it is idle or open for too long.

        Returns when a connection closed from this side has had its time to hear of it.
        """
        while self.closed_with is None and (left := self._left()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._closing.wait()
        self.close(1001, "Going away")
        await asyncio.sleep(self._limits.closing_s)

    def _left(self) -> float:
        idle = self._active + self._limits.idle_s
        total = self._opened + self._limits.duration_s
        return min(idle, total) - self._clock()


class Connections:
    """The open connections by id. One that is closing is gone already."""

    def __init__(self) -> None:
        self._open: dict[str, Connection] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> None:
        self._open[connection.id] = connection
        self._empty.clear()

    def remove(self, connection: Connection) -> None:
        self._open.pop(connection.id, None)
        if not self._open:
            self._empty.set()

    def find(self, api_id: str, connection_id: str) -> Connection | None:
        """The open connection of this API, or None: gone, unknown or not yet accepted."""
        connection = self._open.get(connection_id)
        if connection is None or connection.closed_with is not None:
            return None
        return connection if connection.socket.api.api_id == api_id else None

    async def close_all(self, code: int, reason: str, *, within_s: float) -> None:
        """Says goodbye to everybody and waits, for a bounded time, until they are gone."""
        for connection in self._open.values():
            connection.close(code, reason)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._empty.wait()
