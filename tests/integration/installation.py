"""Installations inside the test's own process, in a world whose stores can go away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx
from cj.domain.handoffs import read_handoff
from cj.flows.connect import hash_token
from cj.flows.handoff import HandOff
from cj.shopify.http import make_http

from tests.integration.installing import GRANT, KEY, SECRET, signed
from tests.stories.tab import Tab
from tests.stories.world import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from cj.parts import App

    from tests.stories.world import World


SHOP, OTHER = "corner-candles.myshopify.com", "harbour-coffee.myshopify.com"
TABLES = ("merchants", "merchant_integrations", "users")
_TOKENS = ("access_token", "refresh_token")


class Wire(httpx.AsyncBaseTransport):
    """All there is of a network: counts what wants to leave, and gives out tokens."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.before: Callable[[], Awaitable[object]] | None = None  # the next answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.left.append(str(request.url))
        if self.before is not None:
            before, self.before = self.before, None
            await before()
        tokens = {name: f"{GRANT[name]}_{len(self.left)}" for name in _TOKENS}
        return httpx.Response(
            200, stream=httpx.ByteStream(json.dumps({**GRANT, **tokens}).encode())
        )


@dataclass
class Direct:
    """The internal API without the wire: `down`, or prepared by another process of CJ's."""

    town: Town
    down: bool = False
    asked: list[bytes] = field(default_factory=list)

    async def post(self, path: str, body: bytes, _correlation_id: str) -> None:
        assert path == "/internal/session/initiate"
        self.asked.append(body)
        if self.down:
            raise httpx.ConnectError("nobody there")
        work = asyncio.create_task(self.town.worker())
        try:
            await self.town.process().greeting.prepare(read_handoff(body), time.time())
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work


@dataclass
class Town:
    """Shops, browsers and CJ's processes."""

    world: World
    key_file: Path
    wire: Wire = field(default_factory=Wire)

    def __post_init__(self) -> None:
        self.internal = Direct(self)

    @property
    def settings(self) -> dict[str, object]:
        """Of every process that has to do with shops."""
        return {
            "shopify_api_key": KEY,
            "shopify_api_secret": SECRET,
            "token_key_file": self.key_file,
            "limit_installs_per_minute": 100_000,
        }

    def process(self, **settings: object) -> App:
        parts: Any = self.world.process(**self.settings, **settings)
        parts.shopify.http = make_http(self.wire)
        parts.hand_off = HandOff(self.internal, parts.journal, budget_s=6)  # type: ignore[arg-type]
        made: App = parts
        return made

    async def count(self, table: str) -> int:
        """Its rows."""
        return int((await self.world.sql(f"SELECT count(*) FROM {table}"))[0][0])

    async def triggers(self) -> int:
        """How often anybody was asked to greet."""
        return await self.count("messages WHERE control = 'trigger'")

    async def greetings(self, cid: str) -> list[str]:
        """What CJ has said in a conversation."""
        rows = await self.world.rows(UUID(cid))
        return [row["text"] for row in rows if row["role"] == "assistant"]

    async def worker(self) -> None:
        """Runs turns as they come, until it is cancelled."""
        while True:
            await self.world.work(**self.settings)
            await asyncio.sleep(0.005)

    async def visitor(self, **settings: object) -> Visitor:
        """A browser with an anonymous session."""
        parts = self.process(**settings)
        who, token = await parts.visitors.welcome(None)
        assert token is not None
        return Visitor(self, parts, token, who.owner_id)


@dataclass
class Visitor:
    """One browser: its cookie, and the process that serves it."""

    town: Town
    parts: App
    token: str
    owner: str

    async def begin(self, shop: str, cid: UUID | None = None) -> dict[str, str]:
        """Gives what Shopify will send back."""
        begun = await self.parts.installs.begin(self.token, shop, cid, None, "192.0.2.1")
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        moment = str(int(time.time()))
        return signed(code="c0de", shop=shop, state=state, timestamp=moment)

    async def come_back(self, query: dict[str, str]) -> dict[str, str]:
        """Signed in from here on; gives what stands in the chat's address."""
        pairs = list(query.items())
        connected = await self.parts.installs.complete(pairs, self.token, "192.0.2.1")
        self.token = connected.cookie
        self.owner = (await self.parts.visitors.recognise(self.token)).owner_id
        return dict(parse_qsl(urlsplit(connected.path).query))

    async def connect(self, shop: str, cid: UUID | None = None) -> dict[str, str]:
        return await self.come_back(await self.begin(shop, cid))

    async def tab(self, cid: str | None = None) -> Tab:
        """Opens a socket with the cookie of this moment, and looks at a conversation."""
        name = f"socket-{uuid4().hex[:8]}"
        parts = self.town.process()
        await parts.door.admit(name, self.token, ORIGIN, "192.0.2.1")
        tab = Tab(self.town.world, parts, name, hash_token(self.token))
        tab.cid = UUID((await tab.start(UUID(cid) if cid else None))["cid"])
        return tab

    async def conversations(self) -> set[str]:
        found = await self.parts.history.list(self.owner, 100, None)
        return {conversation["id"] for conversation in found["conversations"]}
