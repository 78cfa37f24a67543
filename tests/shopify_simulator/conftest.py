"""A simulated Shopify whose clock stands still, and an application beside it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from local.shopify.app import Options, Simulator
from local.shopify.clock import Clock
from tests.shopify_simulator.application import App, Inbox, Session, Wall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

NO_HTTPS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading certificates takes a while
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def shopify(wall: Wall) -> AsyncIterator[Simulator]:
    """Its webhooks go nowhere."""
    options = Options(app_url=NOBODY, webhook_path=None, clock=Clock(wall))
    async with Simulator(options) as running:
        yield running


@pytest.fixture
async def app(shopify: Simulator) -> AsyncIterator[App]:
    async with httpx.AsyncClient(base_url=shopify.url, verify=NO_HTTPS, trust_env=False) as http:
        yield App(shopify, f"{NOBODY}/api/v1/shopify/callback", http)


@pytest.fixture
def enter(app: App) -> Callable[..., Awaitable[Session]]:
    """Installs the application in a shop: `ask = await enter(CANDLES)`."""

    async def session(shop: str, scopes: str = "") -> Session:
        granted = await app.install(shop, **({"scope": scopes} if scopes else {}))
        return Session(app, shop, granted["access_token"])

    return session


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with Inbox() as taking:
        yield taking


@pytest.fixture
async def sending(inbox: Inbox, wall: Wall) -> AsyncIterator[App]:
    """The application again, whose webhooks arrive in the inbox."""
    options = Options(app_url=inbox.url, clock=Clock(wall))
    async with (
        Simulator(options) as running,
        httpx.AsyncClient(base_url=running.url, verify=NO_HTTPS, trust_env=False) as http,
    ):
        yield App(running, f"{inbox.url}/api/v1/shopify/callback", http)
