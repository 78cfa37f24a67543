"""A TCP proxy in front of PostgreSQL or Redis, for everything that can go wrong on the way to it.

Its port stays while the server behind it goes, comes back somewhere else (`target`), or is hidden.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

# How PostgreSQL ends the result when one row was asked for; it is sent after the COMMIT.
ONE_ROW = b"s\0\0\0\4"
ANY_REPLY = b""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def through(url: str, proxy: Proxy) -> str:
    """The same address by way of the proxy."""
    return url.replace(f":{urlsplit(url).port}/", f":{proxy.port}/")


@dataclass(eq=False)
class _Link:
    """One connection on both sides of the proxy."""

    ends: tuple[StreamWriter, StreamWriter]

    def cut(self) -> None:
        """Both sides get a reset."""
        for writer in self.ends:
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()


@dataclass
class Proxy:
    """`async with Proxy(server_port)`: listens on `port` of loopback, forwards to `target`.

    The faults are plain attributes, set and taken back at any time; `refuse` and `normal` have to
    be awaited, since they close and open the port itself.
    """

    target: int
    port: int = 0  # 0: a free one, the same from then on
    reply: bytes = ONE_ROW  # what tells a reply that `losing_replies` counts
    silent: bool = False  # a black hole: takes everything, gives nothing
    losing_replies: int = 0  # so many replies end in a reset instead: done, and nobody is told
    reset_after: int | None = None  # so many bytes of replies from now, then a reset in the middle
    delay_s: float = 0.0  # before anything goes on, in both directions
    accepted: int = 0
    round_trips: int = 0
    lost_replies: int = 0
    _links: set[_Link] = field(default_factory=set)
    _answered: bool = True
    _pumps: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def refuse(self) -> None:
        """Nobody listens any more, and every connection ends with a reset."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.cut()

    async def normal(self) -> None:
        """No fault any more. What a black hole has swallowed is gone: those connections end."""
        if self.silent or self.delay_s:
            self.cut()
        self.silent, self.losing_replies, self.reset_after, self.delay_s = False, 0, None, 0.0
        if self._server is None:
            await self._listen()

    def cut(self) -> None:
        """Every connection ends with a reset, on both sides."""
        for link in self._links:
            link.cut()
        self._links.clear()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, client: StreamReader, to_client: StreamWriter) -> None:
        self.accepted += 1
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            to_client.transport.abort()
            return
        link = _Link((to_client, to_server))
        self._links.add(link)
        for pump in (self._asks(client, to_server), self._replies(link, server, to_client)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)
            task.add_done_callback(lambda _: self._links.discard(link))

    async def _asks(self, source: StreamReader, sink: StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                self.round_trips += self._answered
                self._answered = False
                await self._pass_on(data, sink)
        sink.close()

    async def _replies(self, link: _Link, source: StreamReader, sink: StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                self._answered = True
                if self.losing_replies and self.reply in data:
                    self.losing_replies -= 1
                    self.lost_replies += 1
                    link.cut()
                elif self.reset_after is not None and len(data) >= self.reset_after:
                    sink.write(data[: self.reset_after])
                    self.reset_after = None
                    link.cut()
                else:
                    if self.reset_after is not None:
                        self.reset_after -= len(data)
                    await self._pass_on(data, sink)
        sink.close()

    async def _pass_on(self, data: bytes, sink: StreamWriter) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if not self.silent:
            sink.write(data)
