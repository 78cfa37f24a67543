"""A TCP proxy in front of a server, for everything that can go wrong on the way to it."""

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

_ROW_WAS_ALL = b"s\0\0\0\4"  # how PostgreSQL ends the result when one row was asked for
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def through(url: str, proxy: Proxy) -> str:
    """The same address by way of the proxy."""
    return url.replace(f":{urlsplit(url).port}/", f":{proxy.port}/")


@dataclass
class Proxy:
    """`async with Proxy(port)`: listens on `port` of loopback, forwards to `target`."""

    target: int
    port: int = 0
    silent: bool = False  # a black hole: takes everything, gives nothing
    losing_replies: int = 0  # so many rows that were asked for end in a reset instead
    accepted: int = 0
    round_trips: int = 0
    _links: list[tuple[StreamWriter, StreamWriter]] = field(default_factory=list)
    _answered: bool = True
    _pumps: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Every connection ends with a reset, on both sides."""
        for link in self._links:
            for writer in link:
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                writer.transport.abort()
        self._links.clear()

    async def _accept(self, browser: StreamReader, to_browser: StreamWriter) -> None:
        self.accepted += 1
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            to_browser.transport.abort()
            return
        self._links.append((to_browser, to_server))
        for pump in (self._asks(browser, to_server), self._replies(server, to_browser)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _asks(self, source: StreamReader, sink: StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                self.round_trips += self._answered
                self._answered = False
                if not self.silent:
                    sink.write(data)
        sink.close()

    async def _replies(self, source: StreamReader, sink: StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                self._answered = True
                if self.losing_replies and _ROW_WAS_ALL in data:
                    self.losing_replies -= 1
                    self.cut()
                elif not self.silent:
                    sink.write(data)
        sink.close()
