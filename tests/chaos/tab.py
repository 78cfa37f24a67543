"""A tab of a browser: a page, a real WebSocket, and coming back whenever the line is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import websockets
from websockets.exceptions import InvalidHandshake, WebSocketException

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from websockets.asyncio.client import ClientConnection

    from tests.chaos.page import Page

TICK_S = 0.1
BACKOFF_S = (0.5, 30.0)  # full jitter between nothing and twice as much each time


async def new_cookie(url: str, within_s: float = 30) -> str:
    """A browser that was never here: the anonymous session it gets, once there is one to be had."""
    async with (
        asyncio.timeout(within_s),
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=within_s) as http,
    ):
        while True:
            reply = await http.get("/api/v1/session")
            if reply.status_code != 503:
                return f"cj_session={reply.raise_for_status().cookies['cj_session']}"
            await asyncio.sleep(TICK_S)


@dataclass
class Tab:
    """One page on one line at a time."""

    url: str
    cookie: str
    page: Page
    random: Random
    backoff_s: tuple[float, float] = BACKOFF_S
    _socket: ClientConnection | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _life: asyncio.Task[None] | None = None
    _failures: int = 0

    async def __aenter__(self) -> Tab:
        self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def open(self) -> None:
        """Connects, and again whenever the line is lost, until it is closed."""
        self._life = asyncio.create_task(self._live())

    async def close(self) -> None:
        """Gone when this returns. What its page tripped over is raised here."""
        if self._life is not None:
            await _end(self._life)

    def say(self, text: str) -> None:
        """Leaves as soon as there is a connection."""
        self.page.say(text, time.monotonic())
        self._news.set()

    def drop(self) -> bool:
        """The network is gone, without a goodbye. False: it was not connected."""
        if self._socket is None:
            return False
        self._socket.transport.abort()
        return True

    async def until(self, true: Callable[[Page], object], within_s: float = 60) -> bool:
        """Once it is true of the page; False if that took too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    if true(self.page):
                        return True
                    await asyncio.sleep(TICK_S / 2)
        return False

    async def _live(self) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, InvalidHandshake, WebSocketException):
                async with self._connect() as self._socket:
                    await self._converse(self._socket)
            self._socket = None
            ceiling = min(self.backoff_s[1], self.backoff_s[0] * 2**self._failures)
            self._failures += 1
            await asyncio.sleep(self.random.random() * ceiling)

    def _connect(self) -> websockets.connect:
        return websockets.connect(
            self.url.replace("http", "ws", 1) + "/ws",
            origin=self.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie},
            compression=None,
            proxy=None,
            ping_interval=None,
            close_timeout=1,
        )

    async def _converse(self, socket: ClientConnection) -> None:
        """Until the connection is lost."""
        await socket.send(json.dumps(self.page.connected(time.monotonic())))
        speaking = asyncio.create_task(self._speak(socket))
        try:
            async for data in socket:
                frame = json.loads(data)
                if frame.get("type") not in ("error", None):  # a refusal does not show health
                    self._failures = 0
                self.page.hear(frame, time.monotonic())
                self._news.set()
        finally:
            await _end(speaking)

    async def _speak(self, socket: ClientConnection) -> None:
        with contextlib.suppress(WebSocketException):
            while True:
                for frame in self.page.due(time.monotonic()):
                    await socket.send(json.dumps(frame))
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):  # wait_for may swallow a cancellation
                        await self._news.wait()


async def _end(task: asyncio.Task[None]) -> None:
    """It is over when this returns. What it tripped over is raised here; and who is cancelled
    while they wait stays cancelled, which awaiting the task and suppressing would hide.
    """
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
