"""The chat page in one browser tab, as the browser tests use it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator, Page, WebSocket

PATIENCE_MS = 30_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Tab:
    """The chat page in one tab, with everything it was told and everything it complained about."""

    page: Page
    frames: list[dict[str, Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def watch(self) -> Self:
        """Listen to the page before it is opened."""
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("websocket", self._listen)
        return self

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._hear)

    def _hear(self, data: str | bytes) -> None:
        self.frames.append(json.loads(data))
        self._news.set()

    async def hears(self, kind: str, count: int) -> list[dict[str, Any]]:
        """So many frames of a kind, once they have come."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while len(found := [frame for frame in self.frames if frame["type"] == kind]) < count:
                self._news.clear()
                await self._news.wait()
        return found

    async def open(self, url: str) -> Self:
        """Returns when the page is connected and a conversation is open."""
        await self.page.goto(url)
        await expect(self.page.locator("[data-status=online]")).to_be_visible()
        await expect(self.page.get_by_text("Opening…")).to_have_count(0)
        return self

    @property
    def input(self) -> Locator:
        return self.page.get_by_label("Message to CJ")

    @property
    def welcome(self) -> Locator:
        """What stands in an open conversation in which nothing was said."""
        return self.page.get_by_role("heading", name="What can I do for you?")

    @property
    def texts(self) -> Locator:
        return self.page.locator(".messages .text")

    @property
    def typing(self) -> Locator:
        """CJ at work."""
        return self.page.locator("[data-status=typing]")

    @property
    def answers(self) -> Locator:
        return self.page.get_by_text("rule-based reply, no AI model configured")

    async def write(self, text: str) -> None:
        """Write it and press Enter, and wait for nothing."""
        await self.input.fill(text)
        await self.input.press("Enter")

    async def say(self, text: str) -> None:
        """Write it and press Enter; returns when CJ has answered."""
        answered = await self.answers.count()
        await self.write(text)
        await expect(self.answers).to_have_count(answered + 1)

    async def read(self) -> list[str]:
        return await self.texts.all_inner_texts()


async def tab_of(visitor: BrowserContext, url: str) -> Tab:
    return await Tab(await visitor.new_page()).watch().open(url)
