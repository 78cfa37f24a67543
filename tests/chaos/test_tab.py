"""A tab comes back when its line is lost, and is gone when it is closed, whatever happens then."""

from __future__ import annotations

import asyncio
import contextlib
import json
from random import Random
from typing import TYPE_CHECKING

import websockets
from websockets.exceptions import ConnectionClosed

from tests.chaos.history import Record
from tests.chaos.page import Pace, Page
from tests.chaos.tab import Tab

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.server import ServerConnection

STEPS = 30  # of the event loop, at any of which a tab may be closed


async def answer(socket: ServerConnection) -> None:
    """Opens the conversation, and says no more."""
    nothing = {"messages": [], "more": False, "unsaved": [], "last_seq": 0}
    with contextlib.suppress(ConnectionClosed):
        async for data in socket:
            asked = json.loads(data)
            if asked["type"] == "start":
                ready = {"type": "ready", "re": asked["id"], "cid": "here", **nothing}
                await socket.send(json.dumps(ready))


@contextlib.asynccontextmanager
async def tab_on_a_line() -> AsyncIterator[Tab]:
    async with websockets.serve(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        page = Page(Record("a"), Pace(), lambda: "id")
        tab = Tab(f"http://127.0.0.1:{port}", "", page, Random(1), (0.0, 0.0))
        tab.open()
        assert await tab.until(lambda page: page.joined)
        yield tab


async def test_a_tab_whose_line_is_lost_comes_back() -> None:
    async with tab_on_a_line() as tab:
        assert tab.drop()
        assert await tab.until(lambda page: page.record.connects == 2 and page.joined)
        await tab.close()


async def test_a_tab_closed_in_the_moment_its_line_is_lost_is_gone() -> None:
    for steps in range(STEPS):
        async with tab_on_a_line() as tab:
            tab.drop()
            tab._news.set()
            for _ in range(steps):
                await asyncio.sleep(0)
            async with asyncio.timeout(20):
                await tab.close()


async def test_a_tab_closed_in_the_moment_it_says_something_is_gone() -> None:
    for steps in range(STEPS):
        async with tab_on_a_line() as tab:
            tab.say("Hello")
            for _ in range(steps):
                await asyncio.sleep(0)
            async with asyncio.timeout(20):
                await tab.close()
